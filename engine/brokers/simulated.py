"""
A venue in this process: orders are matched against bars, on market time that the bars set.

The broker plays the market: `play` moves every symbol along its path through a bar and stops at each fill, so that the
engine can take it in and react at that very place. An order sent between two bars first meets the next bar's open.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from attrs import evolve

from engine.calendar import AlwaysOpen, Calendar, Session
from engine.clock import SimulatedClock
from engine.errors import AlreadyExists, InvalidRequest, VenueRejected
from engine.facts import ExecutionReported, OrderReported, VenueFact
from engine.market.bars import Bar
from engine.market.fees import FeeModel, NoFees
from engine.market.liquidity import BarLiquidity, Depth
from engine.market.matching import RESTED, Assumption, Ended, Match, Matcher, WorkingOrder
from engine.market.path import corners
from engine.market.prices import TakerCosts
from engine.market.ticks import Tick, TickBar, TradeTick
from engine.model import ZERO, Cost, Execution, OrderRequest, Replacement, Side, TimeInForce, VenuePosition, VenueStatus

__all__ = ["SimulatedBroker"]

_PRICED = RESTED | {"auction"}


class SimulatedBroker:
    """
    Both `Broker` and `Feed`, and the `Stage` of a session in this process.

    Args:
        clock: Set by `play`; nobody else may move it.
        calendar: Says when day orders end and auctions are held.
        depth: How much a bar lets an order trade; None: all it wants.
        costs: What an order that takes pays beyond the market's price; None: nothing.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        *,
        calendar: Calendar | None = None,
        fees: FeeModel | None = None,
        depth: Depth | None = None,
        costs: TakerCosts | None = None,
    ) -> None:
        self.clock = self._clock = clock
        self._calendar = calendar or AlwaysOpen()
        self._fees = fees or NoFees()
        # Volumes are kept for what an order weighs, too.
        limited = depth is not None and (depth.participation is not None or bool(depth.queue))
        self._liquidity = BarLiquidity(depth or Depth()) if limited or costs is not None else None
        self._costs = costs
        self._beside = TakerCosts() if costs is None else evolve(costs, spread=ZERO)
        self._matcher = Matcher(self._liquidity if limited else None, None if costs is None else self._paid)
        self._facts: deque[VenueFact] = deque()
        self._orders: dict[str, OrderReported] = {}  # by our broker id, as it stands
        self._requests: dict[str, OrderRequest] = {}
        self._ids: dict[str, str] = {}  # client order id -> broker id
        self._fills: list[tuple[OrderReported, Execution]] = []
        self._held: dict[str, tuple[Decimal, Decimal]] = {}  # symbol -> signed quantity, average entry price
        self._session: Session | None = None
        self._seen: datetime | None = None  # start of the last bar
        self._working = 0

    # --- Feed ---------------------------------------------------------------------------------------------------------

    def get(self, timeout: float) -> VenueFact | None:
        """The next fact. Nothing can arrive before the market is played on, so this never waits."""
        return self._facts.popleft() if self._facts else None

    # --- Broker -------------------------------------------------------------------------------------------------------

    def submit(self, request: OrderRequest) -> OrderReported:
        if request.id in self._ids:
            raise AlreadyExists(f"client_order_id must be unique: {request.id}")
        broker_id = f"sim-{len(self._orders) + 1}"
        now = self._clock.now()
        try:
            self._matcher.add(broker_id, request, now)
        except InvalidRequest as error:
            raise VenueRejected(str(error)) from error
        return self._accepted(broker_id, request, now)

    def cancel(self, broker_order_id: str) -> None:
        order = self._known(broker_order_id)
        if self._matcher.cancel(broker_order_id) is None:
            raise VenueRejected(f'order is already in "{order.status.value}" state')
        self._over(broker_order_id, VenueStatus.CANCELED, self._clock.now())

    def replace(self, broker_order_id: str, change: Replacement) -> OrderReported:
        order = self._known(broker_order_id)
        if change.client_order_id in self._ids:
            raise AlreadyExists(f"client_order_id must be unique: {change.client_order_id}")
        broker_id, now = f"sim-{len(self._orders) + 1}", self._clock.now()
        try:
            request = evolve(change.applied_to(self._requests[broker_order_id]), client_order_id=change.client_order_id)
            working = self._matcher.replace(broker_order_id, broker_id, request, now)
        except InvalidRequest as error:
            raise VenueRejected(str(error)) from error
        if working is None:
            raise VenueRejected("unable to replace order, order is not open")
        self._over(broker_order_id, VenueStatus.REPLACED, now)
        return self._accepted(broker_id, request, now, continues=order)

    def lookup(self, *, client_order_id: str | None = None, broker_order_id: str | None = None) -> OrderReported | None:
        found = self._ids.get(client_order_id or "", broker_order_id or "")
        return self._listed(self._orders[found]) if found in self._orders else None

    def orders(self, *, since: datetime | None = None, open_only: bool = False) -> Sequence[OrderReported]:
        return [
            self._listed(order)
            for broker_id, order in self._orders.items()
            if (since is None or order.at >= since) and (not open_only or self._matcher.order(broker_id) is not None)
        ]

    def executions(self, since: datetime | None = None) -> Sequence[ExecutionReported]:
        return [
            ExecutionReported(
                at=report.at,
                client_order_id=report.client_order_id,
                broker_order_id=report.broker_order_id,
                symbol=report.symbol,
                side=report.side,
                execution=execution,
            )
            for report, execution in self._fills
            if since is None or report.at >= since
        ]

    def positions(self) -> Mapping[str, VenuePosition]:
        return {
            symbol: VenuePosition(symbol=symbol, quantity=quantity, average_price=average)
            for symbol, (quantity, average) in self._held.items()
            if quantity
        }

    # --- the stage ----------------------------------------------------------------------------------------------------

    @property
    def broker(self) -> SimulatedBroker:
        return self

    @property
    def feed(self) -> SimulatedBroker:
        return self

    @property
    def waived(self) -> Mapping[str, int]:
        """Nothing: this venue has no rules of its own."""
        return {}

    def close(self) -> None:
        """There is nothing to close."""

    @property
    def working(self) -> bool:
        """Whether any order can trade or end, or there is something to tell; if not, `skip` does what `play` would."""
        return True if self._working or self._facts else False  # asked at every bar: no call

    @property
    def unheard(self) -> bool:
        """Whether facts wait in the feed: what a cancel or a replacement led to is there at once."""
        return bool(self._facts)

    def skip(self, bars: tuple[Bar, ...]) -> None:
        """Let bars of the same moment pass while nothing works."""
        if self._liquidity is not None and type(bars[0]) is TickBar:
            for bar in bars:
                for tick in bar.ticks if isinstance(bar, TickBar) else ():
                    self._liquidity.see(bar.symbol, tick)
        self._passed(bars)

    def _passed(self, bars: tuple[Bar, ...]) -> None:
        for bar in bars:
            self._matcher.advance(bar.symbol, bar.close, bar.end, jump=True)
        self._seen = bar.start
        self._clock.advance_to(bar.end)
        if self._session is not None and bar.end >= self._session.close:
            self._session = None  # or what is sent from here on would end with a session that is over

    def play(self, bars: tuple[Bar, ...]) -> Iterator[None]:
        """Play bars of the same moment; stop behind every event with its facts in the feed."""
        opening = self._enter_session(bars[0].start)
        if self._facts:
            yield
        yield from self._along_ticks(bars, opening) if type(bars[0]) is TickBar else self._along_paths(bars, opening)
        if self._working and self._session is not None and bars[0].end >= self._session.close:
            # One moment: who reacts to the closing auction is too late for this session.
            for bar in bars:
                while (event := self._matcher.auction(bar.symbol, bar.close, bar.end, "close")) is not None:
                    self._happened(bar.symbol, event)
            self._end_session(bars[0].end)
            if self._facts:
                yield
        if not self._working:
            self._passed(bars)
        self._seen = bars[0].start

    def _along_paths(self, bars: tuple[Bar, ...], opening: bool) -> Iterator[None]:
        """Move all symbols through their bars, corner by corner."""
        if self._liquidity is not None:
            for bar in bars:
                self._liquidity.begin(bar.symbol, bar.volume)
        paths = [(bar.symbol, corners(bar)) for bar in bars]
        for corner in range(4):
            if not self._working:
                break  # nothing is left that the rest of the path could meet
            for symbol, path in paths:
                at, price = path[corner]
                if at > self._clock.now():
                    self._clock.advance_to(at)
                if corner == 0 and opening:
                    while (event := self._matcher.auction(symbol, price, at, "open")) is not None:
                        self._happened(symbol, event)
                        yield
                while (event := self._matcher.advance(symbol, price, at, jump=corner == 0)) is not None:
                    self._happened(symbol, event)
                    yield

    def _along_ticks(self, bars: tuple[Bar, ...], opening: bool) -> Iterator[None]:
        """Go through what was quoted and traded in these bars, all symbols in order of time."""
        to_open = {bar.symbol for bar in bars} if opening else set()
        ticks = [(tick.at, bar.symbol, tick) for bar in bars if isinstance(bar, TickBar) for tick in bar.ticks]
        ticks.sort(key=itemgetter(0, 1))
        for at, symbol, tick in ticks:
            if self._liquidity is not None:
                self._liquidity.see(symbol, tick)
            if not self._working:
                continue  # what stands in the market is known, whoever has an order there
            if at > self._clock.now():
                self._clock.advance_to(at)
            if symbol in to_open:
                to_open.remove(symbol)
                while (event := self._matcher.auction(symbol, tick.price, at, "open")) is not None:
                    self._happened(symbol, event)
                    yield
            for event in self._events_of(symbol, tick):
                self._happened(symbol, event)
                yield
        if bars[0].end > self._clock.now():
            self._clock.advance_to(bars[0].end)

    def _events_of(self, symbol: str, tick: Tick) -> Iterator[Match | Ended]:
        matcher = self._matcher
        if isinstance(tick, TradeTick):
            yield from matcher.tick(symbol, tick.price, tick.at, kind="trade")
        else:
            yield from matcher.tick(symbol, tick.ask, tick.at, kind="quote", buying=True)
            yield from matcher.tick(symbol, tick.bid, tick.at, kind="quote", buying=False)

    def _enter_session(self, start: datetime) -> bool:
        """Be in the session of that moment; whether it has its opening auction now."""
        if self._session is not None and start >= self._session.close:
            self._clock.advance_to(max(self._session.close, self._clock.now()))
            self._end_session(self._session.close)
        if self._session is None:
            self._session = self._calendar.session_at(start)
        session = self._session
        return session is not None and session.open <= start and (self._seen is None or self._seen < session.open)

    def _end_session(self, at: datetime) -> None:
        """All orders but those that are good till cancelled expire, in the order in which they came."""
        for order in self._matcher.open_orders():
            if order.request.time_in_force is not TimeInForce.GTC:
                self._matcher.cancel(order.order_id)
                self._over(order.order_id, VenueStatus.EXPIRED, at)
        self._session = None

    def _paid(
        self, order: WorkingOrder, quantity: Decimal, price: Decimal, assumption: Assumption
    ) -> tuple[Decimal, tuple[Cost, ...]]:
        """What an order trades at: those who rested and those in an auction get the market's price."""
        costs, liquidity = self._costs, self._liquidity
        if costs is None or liquidity is None or assumption in _PRICED:
            return price, ()
        symbol, buying = order.request.symbol, order.buying
        volume, quote = liquidity.volume(symbol, buying=buying), liquidity.quoted(symbol)
        if quote is None:
            return costs.paid(price, quantity, volume, buying=buying, limit=order.limit)
        # The spread is there and need not be assumed: the price has it already.
        price, paid = self._beside.paid(price, quantity, volume, buying=buying, limit=order.limit)
        half = abs(quote.price - (quote.ask if buying else quote.bid))
        return price, (Cost("spread", half * quantity), *paid) if half else paid

    # --- telling ------------------------------------------------------------------------------------------------------

    def _known(self, broker_order_id: str) -> OrderReported:
        order = self._orders.get(broker_order_id)
        if order is None:
            raise VenueRejected(f"order not found for {broker_order_id}")
        return order

    def _listed(self, order: OrderReported) -> OrderReported:
        return evolve(order, request=self._requests[order.broker_order_id or ""])

    def _accepted(
        self, broker_id: str, request: OrderRequest, now: datetime, *, continues: OrderReported | None = None
    ) -> OrderReported:
        report = OrderReported(
            at=now,
            client_order_id=request.id,
            broker_order_id=broker_id,
            symbol=request.symbol,
            side=request.side,
            status=VenueStatus.NEW,
            quantity=request.quantity,
            cumulative=ZERO if continues is None else continues.cumulative,
            average=None if continues is None else continues.average,
            replaces=None if continues is None else continues.broker_order_id,
        )
        self._orders[broker_id] = report
        self._requests[broker_id] = request
        self._ids[request.id] = broker_id
        self._working += 1
        return report

    def _happened(self, symbol: str, event: Match | Ended) -> None:
        if isinstance(event, Match):
            self._filled(symbol, event)
        else:
            # All or nothing is cancelled; what is left of the others expires.
            none = event.reason is TimeInForce.FOK
            self._over(event.order_id, VenueStatus.CANCELED if none else VenueStatus.EXPIRED, event.at)

    def _filled(self, symbol: str, match: Match) -> None:
        order = self._orders[match.order_id]
        side, quantity, price, now = order.side, match.quantity, match.price, self._clock.now()
        charge = self._fees.charge(symbol, side, quantity, price, now, match.assumption in RESTED)
        change = side.signed(quantity) - charge.coin if charge.coin else side.signed(quantity)
        execution = Execution(
            id=f"sim-x{len(self._fills) + 1}",
            cumulative=match.cumulative,
            quantity=quantity,
            price=price,
            at=now,
            fee=charge.money,
            position_after=self._moved(symbol, change, price),
            fee_quantity=charge.coin,
            assumption=match.assumption,
            costs=match.costs,
        )
        if self._liquidity is not None:
            self._liquidity.took(symbol, quantity, buying=side is Side.BUY)
        report = OrderReported(
            at=now,
            client_order_id=order.client_order_id,
            broker_order_id=match.order_id,
            symbol=symbol,
            side=side,
            status=VenueStatus.PARTIALLY_FILLED if match.remaining else VenueStatus.FILLED,
            quantity=order.quantity,
            cumulative=match.cumulative,
            average=price if match.cumulative == quantity else match.cost / match.cumulative,
            execution=execution,
            replaces=order.replaces,
        )
        self._orders[match.order_id] = report
        self._fills.append((report, execution))
        if not match.remaining:
            self._working -= 1
        self._facts.append(report)

    def _moved(self, symbol: str, change: Decimal, price: Decimal) -> Decimal:
        """The position after a change of it at that price."""
        held, average = self._held.get(symbol, (ZERO, price))
        after = held + change
        if not held or (held > 0) is not (after > 0):
            average = price
        elif abs(after) > abs(held):
            average = (abs(held) * average + abs(change) * price) / abs(after)
        self._held[symbol] = (after, average)
        return after

    def _over(self, broker_id: str, status: VenueStatus, at: datetime) -> None:
        report = evolve(self._orders[broker_id], status=status, at=max(at, self._orders[broker_id].at), execution=None)
        self._orders[broker_id] = report
        self._working -= 1
        self._facts.append(report)
