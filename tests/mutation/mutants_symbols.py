"""Mistakes in the rules of symbols."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS", "TESTS"]

TESTS = [
    f"tests/engine/risk/test_{name}.py"
    for name in ("grid", "symbols", "bounds", "solving", "listings", "solving_properties")
]

GRID, SYMBOLS, BOUNDS = "engine/risk/grid.py", "engine/risk/symbols.py", "engine/risk/bounds.py"
SOLVING, LISTINGS = "engine/risk/solving.py", "engine/risk/listings.py"

MUTANTS = [
    # --- grid ---------------------------------------------------------------------------------------------------------
    Mutant(
        "context-of-the-caller",
        GRID,
        "return EXACT.multiply(EXACT.divide_int(value, step), step)",
        "return value // step * step",
        "a long number loses digits",
    ),
    Mutant(
        "rounds-what-it-cannot-count",
        GRID,
        "traps=[InvalidOperation, DivisionByZero, Inexact]",
        "traps=[InvalidOperation, DivisionByZero]",
        "a number of 500 digits is judged by 400 of them",
    ),
    Mutant(
        "band-without-its-start",
        GRID,
        "while index > 0 and price < ticks[index].start:",
        "while index > 0 and price <= ticks[index].start:",
        "1.00 is on the grid below a dollar",
    ),
    Mutant(
        "past-the-next-band",
        GRID,
        "        return min(rounded, ticks[index + 1].start)\n",
        "        return rounded\n",
        "rounding up leaves out the start of the next band",
    ),
    Mutant(
        "below-a-start",
        GRID,
        "        if index and price == ticks[index].start:\n            index -= 1\n",
        "",
        "the price below a dollar is 0.99",
    ),
    Mutant(
        "bands-off-their-grid",
        GRID,
        "        if _remainder(self.start, self.size):",
        "        if False:",
        "rounding down leaves the band",
    ),
    # --- symbols ------------------------------------------------------------------------------------------------------
    Mutant(
        "versions-as-they-come",
        SYMBOLS,
        "((each.since, each) for each in known if each.since is not None), key=lambda version: version[0]",
        "((each.since, each) for each in known if each.since is not None), key=lambda version: 0",
        "the last line of a file holds, not the latest date",
    ),
    Mutant(
        "before-the-first-date",
        SYMBOLS,
        "return self.dated[index - 1] if index else self.always",
        "return self.dated[max(index - 1, 0)]",
        "something is assumed of a time of which nothing is known",
    ),
    Mutant(
        "at-its-very-start",
        SYMBOLS,
        "index = bisect_right(self.starts, moment)",
        "index = sum(start < moment for start in self.starts)",
        "a version does not hold at the moment from which on it holds",
    ),
    Mutant(
        "same-day-twice",
        SYMBOLS,
        "if len(always) > 1 or len(set(starts)) < len(starts):",
        "if len(always) > 1:",
        "of two versions one is forgotten",
    ),
    # --- bounds -------------------------------------------------------------------------------------------------------
    Mutant(
        "close-of-what-is-halted",
        BOUNDS,
        "return None if closes else _closed_to_entries(",
        "return _closed_to_entries(",
        "a halted position cannot even be tried to be left",
    ),
    Mutant(
        "hard-to-borrow",
        BOUNDS,
        "        if not properties.easy_to_borrow:",
        "        if False:",
        "a short sale that the venue refuses is sent",
    ),
    Mutant(
        "exits-of-any-type",
        BOUNDS,
        "return None if kind in allowed else kind",
        "return None",
        "an entry fills whose stop cannot be sent",
    ),
    Mutant(
        "fractions-sold-short",
        BOUNDS,
        "        and (closes or request.side is Side.BUY)\n",
        "",
        "a fraction is sold short",
    ),
    Mutant(
        "fraction-in-a-pair",
        BOUNDS,
        "        and not pair\n",
        "",
        "the two orders of a pair have different quantities",
    ),
    Mutant(
        "last-place-not-taken",
        BOUNDS,
        "if most is not None and open_orders >= most:",
        "if most is not None and open_orders >= most - 1:",
        "one order less than allowed may be open",
    ),
    Mutant(
        "notional-of-the-whole",
        BOUNDS,
        "notional = EXACT.multiply(EXACT.multiply(price, request.quantity), properties.multiplier)",
        "notional = EXACT.multiply(price, request.quantity)",
        "a contract counts as one share",
    ),
    Mutant(
        "excused-from-the-most",
        BOUNDS,
        "    if excused:\n        least = None\n",
        "    if excused:\n        least = most = None\n",
        "a holding is closed in one order that is too large",
    ),
    Mutant(
        "dust-not-excused",
        BOUNDS,
        "    if excused:\n        least = None\n",
        "",
        "dust can never be sold",
    ),
    Mutant(
        "one-band-for-both",
        BOUNDS,
        "band = properties.buy_band if request.side is Side.BUY else properties.sell_band",
        "band = properties.buy_band",
        "sales go by the band of purchases",
    ),
    Mutant(
        "limit-alone-is-the-base",
        BOUNDS,
        "    if reference is not None and not closes:\n        bases.append(reference)\n",
        "    if reference is not None and not closes and not bases:\n        bases.append(reference)\n",
        "a stop-loss above the market is sent with a limit above it",
    ),
    Mutant(
        "pair-like-a-bracket",
        BOUNDS,
        "(request.side is Side.SELL) is pair",
        "(request.side is Side.SELL) is False",
        "the stop of a pair is looked for on the wrong side",
    ),
    Mutant(
        "pending-forgotten",
        SOLVING,
        "size = EXACT.subtract(EXACT.add(size, pending), filled)",
        "size = EXACT.subtract(size, filled)",
        "ten orders together exceed the largest position",
    ),
    # --- solving ------------------------------------------------------------------------------------------------------
    Mutant(
        "buy-limit-up",
        SOLVING,
        "price = (round_down if buying else round_up)(ticks, request.limit_price)",
        "price = (round_up if buying else round_down)(ticks, request.limit_price)",
        "a limit gets more aggressive",
    ),
    Mutant(
        "stop-like-an-entry",
        SOLVING,
        "up = buying is not closes",
        "up = buying",
        "a stop that protects triggers later than asked",
    ),
    Mutant(
        "stop-like-a-limit",
        SOLVING,
        "up = buying is not closes",
        "up = not buying",
        "a stop that opens triggers sooner than asked",
    ),
    Mutant(
        "trail-on-its-own-tick",
        SOLVING,
        "grid = ticks if reference is None else (Tick(size=tick_at(ticks, reference)),)",
        "grid = ticks",
        "a trail of 0.505 is sent for a share at 50",
    ),
    Mutant(
        "exits-on-the-side-of-the-entry",
        SOLVING,
        "return _exit_prices(request, request.exits, ticks, buying is pair, notes)",
        "return _exit_prices(request, request.exits, ticks, buying, notes)",
        "a take-profit is worse than asked for",
    ),
    Mutant(
        "turns-round",
        SOLVING,
        "        if request.quantity > holding:",
        "        if False:",
        "a close opens a position on the other side",
    ),
    Mutant(
        "odd-lots-anywhere",
        SOLVING,
        "if properties.odd_lots and request.quantity == holding:",
        "if request.quantity == holding:",
        "dust is sent to a venue that does not take it",
    ),
    Mutant(
        "fraction-in-a-gtc-stop",
        SOLVING,
        "excused = properties.fractions is None or step == properties.fractions.lot",
        "excused = True",
        "the stop of a fractional holding comes back",
    ),
    Mutant(
        "filled-forgotten",
        SOLVING,
        "room = holding = EXACT.add(size, filled) if filled else size",
        "room = holding = size",
        "replacing a half filled exit shrinks it",
    ),
    Mutant(
        "filled-twice",
        SOLVING,
        "size = EXACT.subtract(EXACT.add(size, pending), filled)",
        "size = EXACT.add(size, pending)",
        "what an order has filled counts twice when it is replaced",
    ),
    Mutant(
        "up-from-nothing",
        SOLVING,
        "        quantity = floor_to(request.quantity, step)\n",
        "        quantity = floor_to(request.quantity, step) or step\n",
        "a quantity below one lot grows to it",
    ),
    Mutant(
        "nearest-untried",
        SOLVING,
        "if isinstance(answer, Solved) and _value(answer.request, str(outcome.field)) == candidate:",
        "if answer:",
        "a refusal names what would be refused as well",
    ),
    Mutant(
        "farthest-first",
        SOLVING,
        "key=lambda each: (EXACT.subtract(each, asked).copy_abs(), each)",
        "key=lambda each: (-EXACT.subtract(each, asked).copy_abs(), each)",
        "a refusal names a value far away",
    ),
    # --- listings -----------------------------------------------------------------------------------------------------
    Mutant(
        "inactive-is-tradable",
        LISTINGS,
        ' and asset.get("status") == "active"',
        "",
        "an inactive asset takes entries",
    ),
    Mutant(
        "shortable-unless-told",
        LISTINGS,
        '"shortable": asset.get("shortable") is True,',
        '"shortable": asset.get("shortable") is not False,',
        "a permission is assumed",
    ),
    Mutant(
        "dollars-for-every-pair",
        LISTINGS,
        'if not symbol.endswith("/USD"):',
        "if False:",
        "10 BTC is the least that an order in ETH/BTC may cost",
    ),
    Mutant(
        "options-as-shares",
        LISTINGS,
        "preset = _KINDS.get(kind)",
        "preset = _KINDS.get(kind, US_EQUITY)",
        "rules are made up for a class that is not known",
    ),
    Mutant(
        "doubles-in-silence",
        LISTINGS,
        "        if first is not where:",
        "        if False:",
        "an entry of the file that is there twice is not named",
    ),
]
