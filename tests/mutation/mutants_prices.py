"""Mistakes in where a venue's prices come from, and in when it is open."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS", "TESTS"]

TESTS = (
    "tests/bridge/venue/market",
    "tests/bridge/venue/test_hours.py",
    "tests/bridge/venue/test_core.py",
    "tests/engine/test_calendar.py",
)

MOVES = "bridge/venue/market/moves.py"
RECORDED = "bridge/venue/market/recorded.py"
SYNTHETIC = "bridge/venue/market/synthetic.py"
FINE = "bridge/venue/market/resolution.py"
SHIFTING = "bridge/venue/market/shifting.py"
LISTING = "bridge/venue/market/listing.py"
PLAYING = "bridge/venue/market/playing.py"
EXCHANGE = "bridge/venue/exchange.py"
HOURS = "bridge/venue/hours.py"
CALENDAR = "engine/calendar.py"

MUTANTS = (
    Mutant("open-walks", MOVES, "price, corner == 0)", "price, False)", "what lies in a gap is traded"),
    Mutant("recipe-in-order", MOVES, "sort_keys=True, ", "", "the same recipe has two digests"),
    Mutant(
        "end-with-the-rest",
        RECORDED,
        "_ENDS, _CLOSED, _BEGUN, _GOES_ON = range(4)",
        "_CLOSED, _ENDS, _BEGUN, _GOES_ON = range(4)",
        "a bar is complete before its close",
    ),
    Mutant(
        "begun-before-closed",
        RECORDED,
        "_ENDS, _CLOSED, _BEGUN, _GOES_ON = range(4)",
        "_ENDS, _BEGUN, _CLOSED, _GOES_ON = range(4)",
        "a bar begins before the last one is complete",
    ),
    Mutant(
        "no-symbols", RECORDED, "corner < 3 else _ENDS, symbol)", 'corner < 3 else _ENDS, "")', "in the order of files"
    ),
    Mutant("first-of-the-bar", RECORDED, "bar.ticks[0].at if", "bar.start if", "the first moment is before any move"),
    Mutant("digest-without-bytes", RECORDED, "self._digests[symbol]]", '""]', "other bytes are the same market"),
    Mutant("digest-without-width", RECORDED, ', "every_us": self._every // timedelta.resolution', "", "other bars"),
    Mutant("begins-too-soon", EXCHANGE, "            self.advance(bar.start)", "            pass", "of the next bar"),
    Mutant(
        "closed-waits", PLAYING, "        core.advance(move.at)\n", "        pass\n", "time stands still at the end"
    ),
    Mutant("quote-asks-for-more", PLAYING, "jump=move.jump", "jump=False", "what lies in a gap is traded"),
    Mutant("no-way-back", SYNTHETIC, "price -= (price - self._begun) >> _BACK", "pass", "the market runs away"),
    Mutant("all-the-same", SYNTHETIC, '{seed}/{asset.symbol}"', '{seed}"', "all assets go one way"),
    Mutant("no-market", SYNTHETIC, "move = step * follows // 100 + (", "move = (", "nobody follows the market"),
    Mutant("weekend", SYNTHETIC, "common) for walk in coins]", "common) for walk in walks]", "shares move at night"),
    Mutant("last-minute", SYNTHETIC, "end <= session.close", "end < session.close", "the last minute is missing"),
    Mutant(
        "no-gap", SYNTHETIC, "                if paused:", "                if False:", "shares open as they closed"
    ),
    Mutant(
        "first-gap", SYNTHETIC, "paused = self._start, False, False", "paused = self._start, False, True", "first price"
    ),
    Mutant("coins-pause", SYNTHETIC, "        if self.crypto:\n            return\n", "", "coins open with a gap"),
    Mutant(
        "never-ends", SYNTHETIC, "            return False\n\n\nclass", "            return True\n\n\nclass", "no end"
    ),
    Mutant("dollar-from-above", SYNTHETIC, "max(self._low, dollar)", "self._low", "cents below a dollar"),
    Mutant("dollar-from-below", SYNTHETIC, "min(self._high, dollar - _PART)", "self._high", "too fine above a dollar"),
    Mutant("close-outside", SYNTHETIC, "self._price(max(highest, price))", "self._price(highest)", "close above high"),
    Mutant(
        "callers-digits",
        SYNTHETIC,
        "return EXACT.scaleb(Decimal((at + _PART // 2) // _PART), -self._decimals)",
        "return Decimal((at + _PART // 2) // _PART).scaleb(-self._decimals)",
        "prices depend on the caller's decimal context",
    ),
    Mutant("weekends-too", SYNTHETIC, "days=range(5))", "days=range(7))", "the synthetic day has weekends"),
    Mutant("beyond-the-corner", FINE, "max(least, min(greatest, price))", "price", "the way leaves its corners"),
    Mutant("off-the-grid", FINE, " // step * step", "", "prices off the grid"),
    Mutant("all-at-once", FINE, "known = min(map(_at, reached.values()), default=now)", "known = now", "out of order"),
    Mutant("gap-filled", FINE, " and not move.jump:", ":", "a gap becomes a way"),
    Mutant("again-and-again", FINE, "if price != shown:", "if True:", "told where nothing changes"),
    Mutant("own-clock", FINE, "EPOCH + ((before.at - EPOCH) // every + 1) * every", "before.at + every", "own seconds"),
    Mutant("same-recipe", FINE, '"every_us": self._every // timedelta.resolution,', "", "as fine as another"),
    Mutant("seconds-too", SHIFTING, "if by % _MINUTE:", "if False:", "minutes are no minutes any more"),
    Mutant("bar-stays", SHIFTING, "Closed(at, _bar(move.bar, by))", "Closed(at, move.bar)", "bars of another day"),
    Mutant("ticks-stay", SHIFTING, "if isinstance(moved, TickBar):", "if False:", "ticks of another day"),
    Mutant("tick-stays", SHIFTING, "evolve(move.tick, at=at)", "move.tick", "a tick of another day"),
    Mutant("own-price", LISTING, "evolve(asset, price=price)", "asset", "begins where it does not"),
    Mutant(
        "exact-names", LISTING, "listed.find(symbol)", "found.get(symbol)", "a coin without its slash is listed twice"
    ),
    Mutant("nanos", LISTING, "min(_MOST, max(2, ", "max(2, (", "finer than any price"),
    Mutant("late-evening", HOURS, "min(late, after.open)", "late", "the evening reaches into the next session"),
    Mutant("early-morning", HOURS, "max(early, before.close)", "early", "the morning reaches into the last session"),
    Mutant("next-day", HOURS, 'else "23:59"', 'else f"{there:%H:%M}"', "a day closes before it opens"),
    Mutant(
        "own-close", CALENDAR, "end = day + _DAY if self._closes == _MIDNIGHT else day", "end = day + _DAY", "a day"
    ),
    Mutant(
        "same-session",
        CALENDAR,
        "(session := self._on(day)).open <= moment:",
        "(session := self._on(day)).open < moment:",
        "the next session is this one",
    ),
    Mutant(
        "all-days",
        CALENDAR,
        "        if day.weekday() not in self._days:\n            return None\n",
        "",
        "a session on a day that has none",
    ),
)
