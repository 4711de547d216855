"""Stop after too deep a fall of what closed trades have made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from engine.clock import spelled
from engine.errors import InvalidRequest
from engine.facts import Locked
from engine.model import ZERO
from engine.ports import TradesView
from engine.risk.checks import length, not_negative, one_of, whole
from engine.risk.locks import Lasting
from engine.trade import Trade

__all__ = ["MaxDrawdown"]


@frozen(kw_only=True)
class MaxDrawdown(Lasting):
    """
    Locks everything when the trades of the window fell by more than ``max_drawdown`` from their peak.

    The peak is never below the point where the window begins, so a window of losses alone is a fall too. The lock
    begins with the latest trade of the window: while the fall is in it each trade that closes, a winner too, renews it.

    Attributes:
        lookback: A trade that closed exactly so long ago does not count any more.
        trade_limit: Fewer trades in the window never lock.
        max_drawdown: Ratio; exactly so much does not lock yet.
        mode: "equity": of the account, as it stood without open positions; "ratios": of the sum of the trades' ratios,
            each of its own cost, which is many times as much of an account that holds many positions.

    Missing input: it looks at closed trades alone, so there is none.
    """

    method: Literal["max-drawdown"] = "max-drawdown"
    lookback: timedelta = field(default=timedelta(hours=1), validator=length)
    trade_limit: int = field(default=1, validator=whole(1))
    max_drawdown: Decimal = field(validator=not_negative)
    mode: Literal["equity", "ratios"] = field(default="equity", validator=one_of("equity", "ratios"))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.mode == "equity" and self.max_drawdown >= 1:
            raise InvalidRequest("max_drawdown", self.max_drawdown, "a ratio below 1, which is all of the account")

    def after_trade(self, trade: Trade, trades: TradesView, *, name: str) -> Locked | None:
        """The lock that ``trade``, which has just closed, brings; None: none."""
        window = trades.within(self.lookback)
        if len(window) < self.trade_limit:
            return None
        latest = window[-1].closed
        fall = self.fall(window, trades.balance(latest - self.lookback))
        if fall <= self.max_drawdown:
            return None
        return Locked(
            at=latest,
            id=f"{name}/*/{trade.number}",
            protection=self.method,
            symbol=None,
            side=None,
            until=self.until(latest),
            reason=f"{len(window)} trades within {spelled(self.lookback)} fell by {fall:.4f} ({self.mode}), "
            f"the limit is {self.max_drawdown}",
            trades=tuple(sorted(each.number for each in window)),
        )

    def fall(self, window: Sequence[Trade], start: Decimal) -> Decimal:
        """
        The deepest fall from a peak in a window of trades, oldest first, as a ratio.

        Args:
            start: What the account was worth where the window begins, quote units; not looked at in mode "ratios".
        """
        money = self.mode == "equity"
        made = peak = deepest = ZERO
        for each in window:
            made += each.profit if money else each.ratio
            if made > peak:
                peak = made
                continue
            fall = peak - made
            if money and fall:
                # An account that had nothing to lose has lost all of it.
                fall = fall / (start + peak) if start + peak > 0 else Decimal(1)
            deepest = max(deepest, fall)
        return deepest
