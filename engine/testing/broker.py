"""
A venue that does what a test tells it to.

Orders are accepted and then rest; the test fills, ends, corrects or forgets them. Answers can be made to fail before or
after the venue has acted, and the feed can be muted, which is how frames get lost.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from attrs import evolve, frozen

from engine.clock import Clock
from engine.errors import AlreadyExists, FeedClosed, VenueRejected
from engine.facts import ExecutionCorrected, ExecutionReported, OrderReported, VenueFact
from engine.model import ZERO, Correction, Execution, OrderRequest, Replacement, VenuePosition, VenueStatus

__all__ = ["FakeBroker", "Lost"]

_T = TypeVar("_T")
_ENDS = frozenset(
    {VenueStatus.FILLED, VenueStatus.CANCELED, VenueStatus.EXPIRED, VenueStatus.REJECTED, VenueStatus.REPLACED}
)


@frozen
class Lost:
    """A scripted outcome: the venue does what was asked, and then the caller gets this error instead of the answer."""

    error: BaseException


class FakeBroker:
    """
    Both `Broker` and `Feed`.

    Attributes:
        calls: Every call so far: (method, what it was about).
        muted: While True, events do not reach the feed; listings still show what they did.
        carries_fills: Whether the order that replaces another counts on from what that one filled.
        first_status: What a new order's first report says.
        on_call: Called with method and subject before each call does anything; what it raises ends the call.
    """

    def __init__(self, clock: Clock, *, carries_fills: bool = True) -> None:
        self.calls: list[tuple[str, str]] = []
        self.muted = False
        self.carries_fills = carries_fills
        self.first_status = VenueStatus.NEW
        self.on_call: Callable[[str, str], object] | None = None
        self._clock = clock
        self._facts: deque[VenueFact] = deque()
        self._closed = False
        self._outcomes: dict[str, deque[BaseException | Lost]] = defaultdict(deque)
        self._orders: dict[str, OrderReported] = {}
        self._executions: dict[str, ExecutionReported] = {}
        self._positions: dict[str, VenuePosition] = {}
        self._hidden: set[str] = set()
        self._numbers = 0

    # --- what a test does ---------------------------------------------------------------------------------------------

    def script(self, method: str, *outcomes: BaseException | Lost) -> None:
        """Let the next calls of a method end like this, one each: an error before it acts, or `Lost` behind it."""
        self._outcomes[method].extend(outcomes)

    def unscript(self) -> None:
        """Forget every outcome that was scripted and has not come."""
        self._outcomes.clear()

    def fill(
        self,
        client_order_id: str,
        quantity: Decimal,
        price: Decimal,
        *,
        fee: Decimal = ZERO,
        fee_quantity: Decimal = ZERO,
    ) -> OrderReported:
        """Execute a part of an order; the report, which is also put into the feed."""
        order = self._by_client_id(client_order_id)
        cumulative = order.cumulative + quantity
        total = (order.average or ZERO) * order.cumulative + quantity * price
        now = self._clock.now()
        position = self._moved(order.symbol, order.side.signed(quantity) - fee_quantity, price)
        execution = Execution(
            id=f"x{self._next()}",
            cumulative=cumulative,
            quantity=quantity,
            price=price,
            at=now,
            fee=fee,
            position_after=position,
            fee_quantity=fee_quantity,
        )
        done = order.quantity is not None and cumulative >= order.quantity
        status = VenueStatus.FILLED if done else VenueStatus.PARTIALLY_FILLED
        if order.status in _ENDS:
            status = order.status
        report = evolve(
            order, at=now, status=status, cumulative=cumulative, average=total / cumulative, execution=execution
        )
        self._executions[execution.id] = ExecutionReported(
            at=now,
            client_order_id=order.client_order_id,
            broker_order_id=order.broker_order_id,
            symbol=order.symbol,
            side=order.side,
            # Listings know an execution under another id than the stream does, as at Alpaca.
            execution=evolve(execution, id=f"activity-{execution.id}", position_after=None),
        )
        self._keep(evolve(report, execution=None))
        self._tell(report)
        return report

    def end(self, client_order_id: str, status: VenueStatus) -> OrderReported:
        """End an order as the venue would; the report, which is also put into the feed."""
        report = evolve(self._by_client_id(client_order_id), at=self._clock.now(), status=status)
        self._keep(report)
        self._tell(report)
        return report

    def correct(self, execution_id: str, *, quantity: Decimal, price: Decimal) -> None:
        """Correct an execution by its id in the feed; quantity 0 busts it."""
        told = self._executions[execution_id]
        old = told.execution
        order = self._orders[told.broker_order_id or ""]
        cumulative = order.cumulative - old.quantity + quantity
        cost = (order.average or ZERO) * order.cumulative - old.quantity * old.price + quantity * price
        average = cost / cumulative if cumulative else None
        now = self._clock.now()
        self._keep(evolve(order, at=now, cumulative=cumulative, average=average))
        self._moved(told.symbol, told.side.signed(quantity - old.quantity), price)
        correction = Correction(
            id=f"c{self._next()}", execution_id=execution_id, quantity=quantity, price=price, at=now
        )
        self._tell(
            ExecutionCorrected(
                at=now,
                client_order_id=told.client_order_id,
                broker_order_id=told.broker_order_id,
                symbol=told.symbol,
                side=told.side,
                correction=correction,
            )
        )

    def place_foreign(self, request: OrderRequest) -> OrderReported:
        """An order by somebody else on the same account."""
        report = self._accept(request)
        self._tell(report)
        return report

    def replace_foreign(self, broker_order_id: str, request: OrderRequest) -> OrderReported:
        """Somebody else continues an order of theirs as this one."""
        old = self._open(broker_order_id)
        self.end(old.client_order_id or "", VenueStatus.REPLACED)
        report = self._accept(request, continues=old)
        self._tell(report)
        return report

    def revive(self, picture: OrderReported) -> None:
        """Let the venue see an order as this picture has it, without telling anybody."""
        self._keep(picture)

    def hide(self, client_order_id: str) -> None:
        """Let the venue forget an order: no listing and no look-up knows it any more."""
        self._hidden.add(client_order_id)

    def show(self, client_order_id: str) -> None:
        """Let the venue know a hidden order again."""
        self._hidden.discard(client_order_id)

    def hold(self, symbol: str, quantity: Decimal, average_price: Decimal) -> None:
        """Let the venue say that we hold this, whatever was executed."""
        self._positions[symbol] = VenuePosition(symbol=symbol, quantity=quantity, average_price=average_price)

    def tell(self, *facts: VenueFact) -> None:
        """Put facts into the feed as they are."""
        self._facts.extend(facts)

    def close(self) -> None:
        """End the feed."""
        self._closed = True

    def known(self, client_order_id: str) -> OrderReported:
        """How the venue sees an order."""
        return self._by_client_id(client_order_id)

    def orders_open(self) -> list[OrderReported]:
        """The orders that can still be filled, oldest first; not a call of the broker."""
        return [order for order in self._visible() if order.status not in _ENDS]

    # --- Feed ---------------------------------------------------------------------------------------------------------

    def get(self, timeout: float) -> VenueFact | None:
        if self._facts:
            return self._facts.popleft()
        if self._closed:
            raise FeedClosed("the fake broker's feed was closed")
        return None

    # --- Broker -------------------------------------------------------------------------------------------------------

    def submit(self, request: OrderRequest) -> OrderReported:
        lost = self._called("submit", request.id)
        if any(order.client_order_id == request.id for order in self._orders.values()):
            raise AlreadyExists(f"client_order_id must be unique: {request.id}")
        report = self._accept(request)
        return _answer(lost, report)

    def cancel(self, broker_order_id: str) -> None:
        lost = self._called("cancel", broker_order_id)
        order = self._open(broker_order_id)
        self.end(order.client_order_id or "", VenueStatus.CANCELED)
        _answer(lost, None)

    def replace(self, broker_order_id: str, change: Replacement) -> OrderReported:
        lost = self._called("replace", broker_order_id)
        old = self._open(broker_order_id)
        assert old.request is not None  # what was accepted says what it asks for
        request = evolve(change.applied_to(old.request), client_order_id=change.client_order_id)
        if request.quantity <= old.cumulative:
            raise VenueRejected(f"the new quantity must be more than the {old.cumulative} filled")
        self.end(old.client_order_id or "", VenueStatus.REPLACED)
        return _answer(lost, self._accept(request, continues=old))

    def lookup(self, *, client_order_id: str | None = None, broker_order_id: str | None = None) -> OrderReported | None:
        lost = self._called("lookup", client_order_id or broker_order_id or "")
        for order in self._visible():
            if client_order_id is not None and client_order_id == order.client_order_id:
                return _answer(lost, order)
            if broker_order_id is not None and broker_order_id == order.broker_order_id:
                return _answer(lost, order)
        return _answer(lost, None)

    def orders(self, *, since: datetime | None = None, open_only: bool = False) -> Sequence[OrderReported]:
        lost = self._called("orders", "open" if open_only else "")
        found = [
            order
            for order in self._visible()
            if (since is None or order.at >= since) and not (open_only and order.status in _ENDS)
        ]
        return _answer(lost, found)

    def executions(self, since: datetime | None = None) -> Sequence[ExecutionReported]:
        lost = self._called("executions", "")
        return _answer(lost, [told for told in self._executions.values() if since is None or told.at >= since])

    def positions(self) -> Mapping[str, VenuePosition]:
        lost = self._called("positions", "")
        return _answer(lost, {symbol: held for symbol, held in self._positions.items() if held.quantity})

    # --- inside -------------------------------------------------------------------------------------------------------

    def _called(self, method: str, about: str) -> Lost | None:
        self.calls.append((method, about))
        if self.on_call is not None:
            self.on_call(method, about)
        if not self._outcomes[method]:
            return None
        outcome = self._outcomes[method].popleft()
        if isinstance(outcome, Lost):
            return outcome
        raise outcome

    def _accept(self, request: OrderRequest, *, continues: OrderReported | None = None) -> OrderReported:
        carried = continues if continues is not None and self.carries_fills else None
        report = OrderReported(
            at=self._clock.now(),
            client_order_id=request.id,
            broker_order_id=f"b{self._next()}",
            symbol=request.symbol,
            side=request.side,
            status=self.first_status,
            quantity=request.quantity,
            cumulative=ZERO if carried is None else carried.cumulative,
            average=None if carried is None else carried.average,
            replaces=None if continues is None else continues.broker_order_id,
            request=request,
        )
        self._keep(report)
        return report

    def _visible(self) -> list[OrderReported]:
        return [order for order in self._orders.values() if order.client_order_id not in self._hidden]

    def _open(self, broker_order_id: str) -> OrderReported:
        order = self._orders.get(broker_order_id)
        if order is None or order.client_order_id in self._hidden:
            raise VenueRejected(f"order not found for {broker_order_id}")
        if order.status in _ENDS:
            raise VenueRejected(f'order is already in "{order.status.value}" state')
        return order

    def _by_client_id(self, client_order_id: str) -> OrderReported:
        return next(order for order in self._orders.values() if order.client_order_id == client_order_id)

    def _keep(self, report: OrderReported) -> None:
        self._orders[report.broker_order_id or ""] = report

    def _tell(self, fact: VenueFact) -> None:
        if not self.muted:
            self._facts.append(fact)

    def _moved(self, symbol: str, change: Decimal, price: Decimal) -> Decimal:
        held = self._positions.get(symbol)
        quantity = (ZERO if held is None else held.quantity) + change
        average = price if held is None or not held.quantity else held.average_price
        self._positions[symbol] = VenuePosition(symbol=symbol, quantity=quantity, average_price=average)
        return quantity

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


def _answer(lost: Lost | None, value: _T) -> _T:
    if lost is not None:
        raise lost.error
    return value
