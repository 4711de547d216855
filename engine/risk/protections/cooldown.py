"""Wait a while after a trade."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from engine.facts import Locked
from engine.ports import TradesView
from engine.risk.checks import one_of, positive
from engine.risk.locks import Lasting
from engine.trade import ExitReason, Trade

__all__ = ["CooldownPeriod"]


@frozen(kw_only=True)
class CooldownPeriod(Lasting):
    """
    Locks a symbol from the moment at which a trade in it closed.

    Attributes:
        after: Which trades: "any"; "losses", that lost anything; "stops", that a stop ended, whatever they made.
        min_loss: Only those that lost so much or more, quote units; None: whatever they made.
        everything: Locks all symbols, not only the trade's.

    Missing input: it looks at closed trades alone, so there is none.
    """

    method: Literal["cooldown"] = "cooldown"
    after: Literal["any", "losses", "stops"] = field(default="any", validator=one_of("any", "losses", "stops"))
    min_loss: Decimal | None = field(default=None, validator=positive)
    everything: bool = False

    def after_trade(self, trade: Trade, trades: TradesView, *, name: str) -> Locked | None:
        """The lock that ``trade``, which has just closed, brings; None: none."""
        if not self._concerns(trade):
            return None
        symbol = None if self.everything else trade.symbol
        return Locked(
            at=trade.closed,
            id=f"{name}/{symbol or '*'}/{trade.number}",
            protection=self.method,
            symbol=symbol,
            side=None,
            until=self.until(trade.closed),
            reason=f"a trade of {trade.symbol} closed with {trade.profit:+.2f} ({trade.reason.value})",
            trades=(trade.number,),
        )

    def _concerns(self, trade: Trade) -> bool:
        if self.min_loss is not None and -trade.profit < self.min_loss:
            return False
        if self.after == "losses":
            return trade.profit < 0
        return self.after == "any" or trade.reason in (ExitReason.STOP_LOSS, ExitReason.TRAILING_STOP)
