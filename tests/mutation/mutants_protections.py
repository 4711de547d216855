"""Mistakes in protections, locks, trades and returns."""

from __future__ import annotations

from mutant import Mutant

__all__ = ["MUTANTS", "TESTS"]

TESTS = [
    "tests/engine/books/test_trades.py",
    "tests/engine/risk/protections",
    "tests/engine/risk/test_locks.py",
    "tests/engine/risk/test_protections.py",
    "tests/engine/risk/test_returns.py",
    "tests/engine/test_protected_engine.py",
]

LOCKS, RETURNS, TRADES = "engine/risk/locks.py", "engine/risk/returns.py", "engine/books/trades.py"
PROTECTIONS = "engine/risk/protections/__init__.py"
GUARD, DRAWDOWN = "engine/risk/protections/stoploss_guard.py", "engine/risk/protections/drawdown.py"
LOW, COOLDOWN = "engine/risk/protections/low_profit.py", "engine/risk/protections/cooldown.py"
LOSS, WINDOW = "engine/risk/protections/daily_loss.py", "engine/risk/protections/trading_window.py"
VOLATILITY, BOOKS = "engine/risk/protections/volatility.py", "engine/books/recovery.py"
PACE = "engine/books/pace.py"

MUTANTS = [
    # --- locks --------------------------------------------------------------------------------------------------------
    Mutant(
        "boundary-stays",
        LOCKS,
        "EPOCH + ((end - EPOCH) // self.candle + 1) * self.candle",
        "EPOCH - (EPOCH - end) // self.candle * self.candle",
        "an end on a boundary is not moved on",
    ),
    Mutant("unlock-at-once", LOCKS, "if end <= event:", "if end < event:", "a lock until now ends at once"),
    Mutant(
        "lock-at-its-end",
        LOCKS,
        "if each.until > now and each.side in (None, side)",
        "if each.until >= now and each.side in (None, side)",
        "an entry at the end itself is refused",
    ),
    Mutant(
        "side-blind",
        LOCKS,
        "if each.until > now and each.side in (None, side)",
        "if each.until > now",
        "a lock of one side keeps out the other",
    ),
    Mutant(
        "side-covers-both",
        LOCKS,
        "each.side in (None, new.side) and each.until >= new.until",
        "each.until >= new.until",
        "a lock of one side covers one of both",
    ),
    Mutant("equal-ends", LOCKS, "each.until >= new.until", "each.until > new.until", "locks pile up on equal ends"),
    Mutant(
        "symbol-alone-covers",
        LOCKS,
        "(self._live.get(None), self._live.get(new.symbol))",
        "(self._live.get(new.symbol),)",
        "a lock on everything covers nothing",
    ),
    Mutant(
        "known-again",
        LOCKS,
        "        if fact.id in self._known:\n            return\n",
        "",
        "a lock that was lifted comes back",
    ),
    Mutant(
        "late-lock-prunes",
        LOCKS,
        "if each.until > fact.at]",
        "if each.until > fact.until]",
        "a longer lock takes away one that still holds and was asked for by itself",
    ),
    Mutant(
        "other-rules-lock",
        LOCKS,
        "each.until > now and each.id.startswith(name)",
        "each.until > now",
        "one volatility rule silences the other",
    ),
    # --- protections --------------------------------------------------------------------------------------------------
    Mutant(
        "judged-twice",
        PROTECTIONS,
        '            lock = rule.after_trade(trade, view.trades, name=f"{rule.method}.{number}")\n'
        "            if lock is not None and lock.id not in view.locks and not view.locks.cover(lock):",
        '            lock = rule.after_trade(trade, view.trades, name=f"{rule.method}.{number}")\n'
        "            if lock is not None and not view.locks.cover(lock):",
        "what was lifted is locked again by the same trade",
    ),
    Mutant("zero-is-bad", GUARD, "return bool(trade.profit) and ", "return ", "a trade that made nothing is bad"),
    Mutant("guard-by-more", GUARD, "if len(bad) < self.trade_limit", "if len(bad) <= self.trade_limit", "one too many"),
    Mutant(
        "guard-renewed",
        GUARD,
        "        if not self._bad(trade):\n            return None\n",
        "",
        "a trade that is not bad is judged like one",
    ),
    Mutant(
        "row-goes-on",
        GUARD,
        "            elif self.in_a_row:\n                break\n",
        "",
        "a winner does not end a row of losses",
    ),
    Mutant(
        "first-trade-is-peak",
        DRAWDOWN,
        "made = peak = deepest = ZERO\n        for each in window:\n"
        "            made += each.profit if money else each.ratio\n            if made > peak:",
        'made = deepest = ZERO\n        peak = Decimal("-Infinity")\n        for each in window:\n'
        "            made += each.profit if money else each.ratio\n            if made > peak:",
        "a window of losses begins at its first loss",
    ),
    Mutant("drawdown-reached", DRAWDOWN, "if fall <= self.max", "if fall < self.max", "the limit itself locks"),
    Mutant(
        "start-of-the-account",
        DRAWDOWN,
        "trades.balance(latest - self.lookback)",
        "trades.balance(latest - 100 * self.lookback)",
        "the fall is held against the first day's account",
    ),
    Mutant(
        "peak-forgotten",
        DRAWDOWN,
        "fall / (start + peak) if start + peak > 0",
        "fall / start if start > 0",
        "the fall is held against the window's start",
    ),
    Mutant("sum-reached", LOW, "if total >= self.required", "if total > self.required", "just enough is too little"),
    Mutant(
        "side-counts",
        LOW,
        "if len(window) < self.trade_limit",
        "if sum(each.side is trade.side for each in window) < self.trade_limit",
        "the number is of one side",
    ),
    Mutant(
        "cooldown-any-loss",
        COOLDOWN,
        "-trade.profit < self.min_loss",
        "-trade.profit <= self.min_loss",
        "a loss of exactly so much does not count",
    ),
    Mutant("loss-passed", LOSS, "if loss < limit:", "if loss <= limit:", "the limit itself passes"),
    Mutant(
        "unknown-loss-passes",
        LOSS,
        '            return Refusal(code="DAILY_LOSS", message=what)\n',
        "            return None\n",
        "an account whose worth nobody knows may trade",
    ),
    Mutant(
        "window-without-its-end",
        WINDOW,
        "start <= moment <= end if",
        "start <= moment < end if",
        "the last moment of the window is refused",
    ),
    Mutant(
        "window-in-utc",
        WINDOW,
        "not self._open_at(now.astimezone(self._place).time())",
        "not self._open_at(now.time())",
        "hours are those of UTC",
    ),
    Mutant(
        "inclusive-always",
        VOLATILITY,
        ">= (0 if self.inclusive else 1)",
        ">= 0",
        "the limit itself is too much for every rule",
    ),
    Mutant(
        "too-few-returns",
        VOLATILITY,
        "seen.count < self.at_least",
        "seen.count < self.at_least - 1",
        "one return too few says something",
    ),
    # --- returns ------------------------------------------------------------------------------------------------------
    Mutant(
        "squares-stay",
        RETURNS,
        "            self.squares -= gone * gone\n",
        "",
        "a jump is never forgotten",
    ),
    Mutant(
        "sample-deviation",
        RETURNS,
        "self.count * self.squares - self.total * self.total",
        "self.count * self.squares",
        "the mean is left out",
    ),
    # --- trades -------------------------------------------------------------------------------------------------------
    Mutant(
        "day-trade-twice",
        TRADES,
        "            begun.counted = True\n",
        "",
        "each exit of a trade counts as a day trade",
    ),
    Mutant(
        "bust-by-direction",
        TRADES,
        "entering=grows is not back",
        "entering=grows",
        "what is taken back counts as an exit",
    ),
    Mutant(
        "bust-of-anything",
        TRADES,
        "return abs(self.orders.get(order.id, ZERO)) >= abs(quantity)",
        "return True",
        "a bust of an earlier trade takes away what this one entered",
    ),
    Mutant(
        "turned-round-whole",
        TRADES,
        "quantity, cost, fee = after, cost - part, fee - part_fee",
        "quantity = after",
        "the next trade pays for the last one too",
    ),
    Mutant(
        "stray-fee",
        TRADES,
        "            self._cash += begun.made\n",
        "",
        "a fee that stays is lost",
    ),
    Mutant(
        "sums-from-the-end",
        TRADES,
        "        del self.profits[place + 1 :]\n        for each in self.trades[place:]:",
        "        for each in self.trades[-1:]:",
        "running sums do not follow a trade that is told late",
    ),
    Mutant(
        "after-is-at",
        TRADES,
        "line.trades[bisect_right(line.closes, moment) :]",
        "line.trades[bisect_left(line.closes, moment) :]",
        "a look-back is closed at its far end",
    ),
    Mutant(
        "correction-to-the-latest",
        TRADES,
        "if name in each.orders), None)",
        "if name), None)",
        "a corrected price changes another trade",
    ),
    # --- books --------------------------------------------------------------------------------------------------------
    Mutant(
        "judged-for-ever",
        BOOKS,
        "            self.unjudged = []  # whoever wrote on had looked at them\n",
        "            pass\n",
        "a start judges trades of long ago",
    ),
    Mutant(
        "forgotten-behind-a-lock",
        BOOKS,
        "not (type(fact) is Locked and fact.trades)",
        "True",
        "of two locks the second is lost with a kill between them",
    ),
    Mutant(
        "days-run-on",
        PACE,
        "        self._total = 0\n\n    def intended",
        "\n    def intended",
        "entries of yesterday count",
    ),
]
