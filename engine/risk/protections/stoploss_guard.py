"""Stop after too many stops."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from engine.clock import spelled
from engine.facts import Locked
from engine.model import ZERO
from engine.ports import TradesView
from engine.risk.checks import finite, length, one_of, whole
from engine.risk.locks import Lasting
from engine.trade import ExitReason, Trade

__all__ = ["StoplossGuard"]

_STOPPED = frozenset({ExitReason.STOP_LOSS, ExitReason.TRAILING_STOP})


@frozen(kw_only=True)
class StoplossGuard(Lasting):
    """
    Locks when ``trade_limit`` bad trades or more closed within ``lookback``.

    A trade is bad if its ratio is below ``required_profit`` and, unless ``counts`` is "losses", a stop ended it. The
    lock begins with the latest bad trade, so nothing else lengthens it.

    Attributes:
        lookback: A trade that closed exactly so long ago does not count any more.
        required_profit: Ratio of the trade's own cost, 0.01 is 1 %.
        counts: "stops": what a stop ended; "losses": whatever ended it.
        in_a_row: Only those since the last trade that was not bad.
        only_per_symbol: Counts and locks each symbol by itself; else all together.
        only_per_side: Counts and locks longs and shorts by themselves.

    Missing input: it looks at closed trades alone, so there is none.
    """

    method: Literal["stoploss-guard"] = "stoploss-guard"
    lookback: timedelta = field(default=timedelta(hours=1), validator=length)
    trade_limit: int = field(default=10, validator=whole(1))
    required_profit: Decimal = field(default=ZERO, validator=finite)
    counts: Literal["stops", "losses"] = field(default="stops", validator=one_of("stops", "losses"))
    in_a_row: bool = False
    only_per_symbol: bool = False
    only_per_side: bool = False

    def after_trade(self, trade: Trade, trades: TradesView, *, name: str) -> Locked | None:
        """The lock that ``trade``, which has just closed, brings; None: none."""
        if not self._bad(trade):
            return None
        symbol = trade.symbol if self.only_per_symbol else None
        bad: list[Trade] = []
        for each in reversed(trades.within(self.lookback, symbol)):
            if self.only_per_side and each.side is not trade.side:
                continue
            if self._bad(each):
                bad.append(each)
            elif self.in_a_row:
                break
        if len(bad) < self.trade_limit:
            return None
        latest = bad[0].closed
        what = "stopped out" if self.counts == "stops" else "lost"
        return Locked(
            at=latest,
            id=f"{name}/{symbol or '*'}/{trade.number}",
            protection=self.method,
            symbol=symbol,
            side=trade.side if self.only_per_side else None,
            until=self.until(latest),
            reason=f"{len(bad)} trades {what} within {spelled(self.lookback)}, the limit is {self.trade_limit}",
            trades=tuple(sorted(each.number for each in bad)),
        )

    def _bad(self, trade: Trade) -> bool:
        if self.counts == "stops" and trade.reason not in _STOPPED:
            return False
        return bool(trade.profit) and trade.ratio < self.required_profit
