"""Leave a symbol alone that earns too little."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from engine.clock import spelled
from engine.facts import Locked
from engine.model import ZERO
from engine.ports import TradesView
from engine.risk.checks import finite, length, whole
from engine.risk.locks import Lasting
from engine.trade import Trade

__all__ = ["LowProfitPairs"]


@frozen(kw_only=True)
class LowProfitPairs(Lasting):
    """
    Locks a symbol when the ratios of its trades of the window add up to less than ``required_profit``.

    The lock begins with the latest trade of the window.

    Attributes:
        lookback: A trade that closed exactly so long ago does not count any more.
        trade_limit: Fewer trades of the symbol in the window, of either side, never lock.
        required_profit: Sum of ratios, each of its trade's own cost; exactly so much does not lock.
        only_per_side: Adds up and locks longs and shorts by themselves.

    Missing input: it looks at closed trades alone, so there is none.
    """

    method: Literal["low-profit-pairs"] = "low-profit-pairs"
    lookback: timedelta = field(default=timedelta(hours=1), validator=length)
    trade_limit: int = field(default=1, validator=whole(1))
    required_profit: Decimal = field(default=ZERO, validator=finite)
    only_per_side: bool = False

    def after_trade(self, trade: Trade, trades: TradesView, *, name: str) -> Locked | None:
        """The lock that ``trade``, which has just closed, brings; None: none."""
        window = trades.within(self.lookback, trade.symbol)
        if len(window) < self.trade_limit:
            return None
        counted = [each for each in window if not self.only_per_side or each.side is trade.side]
        total = sum((each.ratio for each in counted), ZERO)
        if total >= self.required_profit:
            return None
        latest = window[-1].closed
        return Locked(
            at=latest,
            id=f"{name}/{trade.symbol}/{trade.number}",
            protection=self.method,
            symbol=trade.symbol,
            side=trade.side if self.only_per_side else None,
            until=self.until(latest),
            reason=f"{len(counted)} trades of {trade.symbol} within {spelled(self.lookback)} made {total:.4f} "
            f"of their cost, required is {self.required_profit}",
            trades=tuple(sorted(each.number for each in counted)),
        )
