"""Mistakes in what makes a simulated fill: its price, its quantity, its fee, and what the books make of that."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS", "TESTS"]

TESTS = (
    "tests/engine/market/test_fees.py",
    "tests/engine/market/test_prices.py",
    "tests/engine/market/test_liquidity.py",
    "tests/engine/market/test_ticks.py",
    "tests/engine/market/test_matching.py",
    "tests/engine/brokers/test_simulated.py",
    "tests/engine/books/test_recovery.py",
    "tests/engine/orders/test_fills.py",
    "tests/engine/orders/test_brackets.py",
    "tests/engine/report/test_assumptions.py",
)

FEES = "engine/market/fees.py"
PRICES = "engine/market/prices.py"
LIQUIDITY = "engine/market/liquidity.py"
MATCHING = "engine/market/matching.py"
BROKER = "engine/brokers/simulated.py"
TICKS = "engine/market/ticks.py"

MUTANTS = (
    Mutant(
        "maker-pays-as-taker", FEES, "self._maker if maker else self._taker", "self._taker", "resting is not cheaper"
    ),
    Mutant(
        "coin-rounded-down",
        FEES,
        "part.quantize(_FINEST, ROUND_UP)",
        "part.quantize(_FINEST)",
        "half a nano too little",
    ),
    Mutant(
        "no-cap",
        FEES,
        "min((quantity * rates.per_share).quantize(_CENT, ROUND_UP), rates.cap)",
        "(quantity * rates.per_share).quantize(_CENT, ROUND_UP)",
        "a large sale pays too much",
    ),
    Mutant(
        "new-rates-a-moment-late",
        FEES,
        "if later.since > at:",
        "if later.since >= at:",
        "the first moment has old rates",
    ),
    Mutant(
        "whole-spread", PRICES, "price * self.spread / (2 * _WHOLE)", "price * self.spread / _WHOLE", "half is paid"
    ),
    Mutant(
        "sellers-gain",
        PRICES,
        "reached + step if buying else reached - step",
        "reached + step",
        "costs are against the order",
    ),
    Mutant(
        "impact-without-bound",
        PRICES,
        "if volume > quantity else _ONE",
        "if volume else _ONE",
        "more than the bar is as the bar",
    ),
    Mutant(
        "queue-for-ever",
        LIQUIDITY,
        "order.ahead = max(order.ahead - volume, ZERO)",
        "pass",
        "nobody before us ever trades",
    ),
    Mutant(
        "bar-serves-twice",
        LIQUIDITY,
        "if order.touched != self._bar:",
        "if True:",
        "the second touch counts the volume again",
    ),
    Mutant("nothing-is-taken", LIQUIDITY, "self._left[symbol] -= quantity", "pass", "each order gets the whole part"),
    Mutant(
        "quotes-are-refilled",
        LIQUIDITY,
        "if before is None or (before.ask, before.ask_size) != (quote.ask, quote.ask_size):",
        "if True:",
        "a standing quote fills again and again",
    ),
    Mutant("fractions-of-shares", LIQUIDITY, "_ONE if whole else _FINEST", "_FINEST", "a share is filled in parts"),
    Mutant(
        "through-is-touch",
        MATCHING,
        'return "through" if (target < limit if order.buying else target > limit) else "touch"',
        'return "touch"',
        "a passed limit queues",
    ),
    Mutant(
        "due-at-the-market",
        MATCHING,
        'its_price, assumption = order.limit, "through"',
        'assumption = "through"',
        "lack of volume is a gain",
    ),
    Mutant(
        "rest-at-the-tick",
        MATCHING,
        "                        order.due = True\n            event",
        "                        pass\n            event",
        "a tick improves on a resting limit",
    ),
    Mutant("stale-marks", MATCHING, "order.mark = order.stop = None", "pass", "a trailing stop saw the middle"),
    Mutant(
        "rest-pays-spread",
        BROKER,
        '_PRICED = RESTED | {"auction"}',
        '_PRICED = frozenset({"auction"})',
        "who rests takes nothing",
        equivalent="what is paid is bounded by the limit, at which it rests",
    ),
    Mutant("auction-pays-spread", BROKER, '_PRICED = RESTED | {"auction"}', "_PRICED = RESTED", "one price for all"),
    Mutant(
        "buyers-get-the-bid",
        BROKER,
        'tick.ask, tick.at, kind="quote", buying=True',
        'tick.bid, tick.at, kind="quote", buying=True',
        "free spread",
    ),
    Mutant("spread-twice", BROKER, "evolve(costs, spread=ZERO)", "costs", "a quote has its spread"),
    Mutant("tick-at-the-end", TICKS, "if tick.at >= end:", "if tick.at > end:", "a bar holds what comes at its end"),
    Mutant("crossed-quotes", TICKS, "ZERO < bid <= ask", "ZERO < bid", "bid above ask"),
    Mutant(
        "coin-is-held",
        "engine/events.py",
        "return self.quantity - self.fee_quantity if self.fee_quantity else self.quantity",
        "return self.quantity",
        "the position has the fee in it",
    ),
    Mutant(
        "coin-costs-twice",
        "engine/books/recovery.py",
        "event.cost - event.fee_worth if event.fee_worth else event.cost",
        "event.cost",
        "its worth leaves the cash again",
    ),
    Mutant(
        "bust-keeps-the-coin",
        "engine/orders/fills.py",
        "charged = [fill for fill in fills.values() if fill.quantity]",
        "charged = list(fills.values())",
        "a bust gives the fee back",
    ),
    Mutant(
        "exits-sell-what-was-filled",
        "engine/orders/brackets.py",
        "target = head.moved if",
        "target = head.filled if",
        "more than is held",
    ),
    Mutant(
        "busted-costs", "engine/report/assumptions.py", "or told.id in busted", "", "what was taken back cost nothing"
    ),
)
