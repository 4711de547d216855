"""Buy when the fast average of closes rises above the slow one, sell everything when it falls below."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from attrs import Factory, define, field, validators

from engine.errors import InvalidRequest
from engine.events import Event
from engine.execution import ExecutionEngine, Ticket
from engine.market.bars import Bar
from engine.model import ZERO, OrderRequest, Side, TimeInForce
from engine.strategies.sizing import lot_of, whole_lots

__all__ = ["SmaCross"]


class _Averages:
    """Running sums over the last closes of one symbol."""

    __slots__ = ("above", "closes", "fast", "slow", "ticket")

    def __init__(self) -> None:
        self.closes: deque[Decimal] = deque()
        self.fast = ZERO
        self.slow = ZERO
        self.above: bool | None = None
        self.ticket: Ticket | None = None


@define(kw_only=True)
class SmaCross:
    """
    Long only, one position a symbol, market orders.

    Attributes:
        fast, slow: Bars that the averages reach back, 0 < fast < slow.
        share: Part of the free cash that a purchase may cost, 0 < share <= 1.
        lot: What quantities are rounded down to, base units; None: 0.0001 for pairs like BTC/USD, else whole shares.
    """

    fast: int = field(default=20, validator=validators.ge(1))
    slow: int = field(default=50, validator=validators.ge(2))
    share: Decimal = field(default=Decimal("0.3"), validator=[validators.gt(ZERO), validators.le(Decimal(1))])
    lot: Decimal | None = field(default=None, validator=validators.optional(validators.gt(ZERO)))
    _symbols: dict[str, _Averages] = field(init=False, default=Factory(dict), repr=False)

    def __attrs_post_init__(self) -> None:
        if self.fast >= self.slow:
            raise InvalidRequest("fast", self.fast, f"less than slow, which is {self.slow}")

    def on_bar(self, bar: Bar, trader: ExecutionEngine) -> None:
        averages = self._symbols.get(bar.symbol)
        if averages is None:
            averages = self._symbols[bar.symbol] = _Averages()
        close, closes = bar.close, averages.closes
        closes.append(close)
        averages.fast += close
        averages.slow += close
        length = len(closes)
        if length > self.fast:
            averages.fast -= closes[-self.fast - 1]
        if length <= self.slow:
            if length < self.slow:
                return
        else:
            averages.slow -= closes.popleft()
        # fast / self.fast > slow / self.slow, without the rounding of a division
        above = averages.fast * self.slow > averages.slow * self.fast
        if above is not averages.above and (averages.above is None or self._trade(bar, above, averages, trader)):
            averages.above = above

    def on_event(self, event: Event, trader: ExecutionEngine) -> None:
        """Nothing to do: a market order needs no care."""

    def _trade(self, bar: Bar, above: bool, averages: _Averages, trader: ExecutionEngine) -> bool:
        """Act on a cross; False: the order of the last one is still at work, so it is cancelled first."""
        ticket = averages.ticket
        if ticket is not None and not ticket.done:
            if not ticket.order.cancel_pending:
                trader.cancel(ticket, "the averages have crossed again")
            return False
        held = trader.position(bar.symbol)
        if above and not held:
            lot = self.lot or lot_of(bar.symbol)
            quantity = whole_lots(trader.books.available() * self.share / bar.close, lot)
            if quantity:
                averages.ticket = trader.submit(self._order(bar.symbol, Side.BUY, quantity))
        elif not above and held > 0:
            averages.ticket = trader.submit(self._order(bar.symbol, Side.SELL, held))
        return True

    @staticmethod
    def _order(symbol: str, side: Side, quantity: Decimal) -> OrderRequest:
        return OrderRequest.market(symbol, side, quantity, time_in_force=TimeInForce.GTC)
