"""
A session as series: its journal folded in step with the bars that it was played on.

Nothing is gathered while a session runs; all of this follows from the journal and the market data, so a session that
was killed or failed has a history too.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import frozen

from engine.books.journal import Entry, Journal
from engine.books.recovery import Books
from engine.calendar import Calendar
from engine.errors import InvalidRequest, JournalError
from engine.events import Alarm, Filled
from engine.facts import (
    CancelRequested,
    Denied,
    ExecutionReported,
    Fact,
    Intended,
    Locked,
    LocksReleased,
    OrderReported,
    SessionStarted,
    TradingStateChanged,
)
from engine.market.bars import Bar
from engine.market.path import corners
from engine.model import ZERO, Cost, OrderType, Role, Side
from engine.orders.order import Order
from engine.report.statistics import Slip
from engine.session import MarketData
from engine.trade import Trade

__all__ = ["Curve", "Fill", "History", "Lock", "Prices", "history"]

_GUARDS = frozenset({Role.TAKE_PROFIT, Role.STOP_LOSS})
_AT_OPEN = frozenset({"open", "gap", "quote", "trade"})  # assumptions by which a bar's first price fills, or a tick
_ON_PATH = frozenset({"market", "marketable", "stop"})


@frozen(kw_only=True)
class Curve:
    """
    Equity, quote units, with its moments, oldest first; never empty: it begins with what the session started with.

    Attributes:
        exposed: How many values behind the first came with a position open.
        by_bar: There is one value for each bar; False: one for each fill, at the prices of the fills.
    """

    at: list[datetime]
    equity: list[Decimal]
    exposed: int
    by_bar: bool


@frozen
class Prices:
    """A symbol's bars, for drawing: ends, and as binary floats lows, highs and closes, quote units."""

    at: list[datetime]
    low: array[float]
    high: array[float]
    close: array[float]


@frozen(kw_only=True)
class Fill:
    """
    What the books took in of an order.

    Attributes:
        side: Of the order.
        quantity: Signed change of position, base units; 0: only the price was corrected.
        price: Quote units; None: only the price was corrected.
        cost, fee: Changes, quote units; a fee in the coin counts at its worth.
        fee_quantity: What of the fee was taken in the coin, base units.
        expected: What a fill of this order was expected at; None: its own limit bounds it, or nothing was known.
        provisional: Worked out from a status because the execution itself was not told.
        assumption: What made it, at a simulated venue; None: a real market, or not an execution alone.
        costs: What the venue's models made it dearer by; the price has it all.
    """

    at: datetime
    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    cost: Decimal
    fee: Decimal
    expected: Decimal | None
    provisional: bool
    fee_quantity: Decimal = ZERO
    assumption: str | None = None
    costs: tuple[Cost, ...] = ()

    @property
    def slip(self) -> Slip | None:
        """How far it is from what was expected; None where nothing can be said."""
        if self.expected is None or self.price is None or (self.quantity > 0) is not (self.side is Side.BUY):
            return None
        return Slip(side=self.side, quantity=abs(self.quantity), expected=self.expected, price=self.price)


@frozen
class Lock:
    """
    What a protection kept out.

    Attributes:
        released: When somebody lifted it before its time; None: nobody did.
        why: What they gave as a reason.
    """

    lock: Locked
    released: datetime | None = None
    why: str = ""

    @property
    def end(self) -> datetime:
        """When it held no more."""
        return self.lock.until if self.released is None else min(self.lock.until, self.released)


@frozen(kw_only=True)
class History:
    """
    Everything that a report shows; money in quote units.

    Attributes:
        first, last: Market time of its start and its end as far as it was played.
        orders: As they stand at the end, in the order in which they were meant.
        placed_at: The market's last price when each order was meant, by its id.
        changes: What the rules of its symbol changed of an order, by its id.
        cancelled: Why the end of an order was asked for, by its id.
        states: Changes of what may be sent at all.
        positions: Signed base units by symbol, what is not zero.
        failure: What the strategy raised; None: nothing.
        calendar, width: Of the bars; None: there were none.
    """

    session: SessionStarted
    first: datetime
    last: datetime
    curve: Curve
    prices: Mapping[str, Prices]
    fills: list[Fill]
    orders: list[Order]
    placed_at: Mapping[str, Decimal]
    changes: Mapping[str, tuple[str, ...]]
    cancelled: Mapping[str, str]
    states: list[TradingStateChanged]
    trades: list[Trade]
    locks: list[Lock]
    alarms: list[Alarm]
    cash: Decimal
    fees: Decimal
    realised: Decimal
    unrealised: Decimal
    positions: Mapping[str, Decimal]
    failure: str | None
    calendar: Calendar | None
    width: timedelta | None
    facts: int
    fingerprint: str


def history(journal: Journal, data: MarketData | None = None, *, until: datetime | None = None) -> History:
    """
    Fold a journal.

    Args:
        data: What the session was played on; its bars are read up. None: positions are valued at the last fill.
        until: The end of the last bar that was played; None: all of them were.

    Raises:
        JournalError: The journal is damaged or does not begin a session.
        InvalidInput: A bar in the file is wrong.
    """
    fold = _Fold(journal, by_bar=data is not None)
    if data is not None:
        for bars in data.bars:
            if until is not None and bars[0].end > until:
                break
            fold.play(bars)
    fold.finish()
    return fold.told(None if data is None else data.calendar)


class _Fold:
    """The journal's entries, one after the other, and what they leave behind."""

    def __init__(self, journal: Journal, *, by_bar: bool) -> None:
        self._journal = journal
        self._entries: Iterator[Entry] = journal.entries()
        self._next = next(self._entries, None)
        self._books = Books()
        self._by_bar = by_bar
        self._width: timedelta | None = None
        self._at: list[datetime] = []
        self._equity: list[Decimal] = []
        self._exposed = 0
        self._prices: dict[str, Prices] = {}
        self._fills: list[Fill] = []
        self._placed_at: dict[str, Decimal] = {}
        self._changes: dict[str, tuple[str, ...]] = {}
        self._cancelled: dict[str, str] = {}
        self._states: list[TradingStateChanged] = []
        self._locks: dict[str, Lock] = {}
        self._alarms: list[Alarm] = []
        if self._next is None:
            raise JournalError(f"{journal.path}: nothing is recorded, expected a session that has begun")
        self._last = self._next.at
        self._take(self._next)
        session = self._books.session
        assert session is not None  # or the books had refused the fact
        self._session = session
        self._sample(session.at)

    # --- in step ------------------------------------------------------------------------------------------------------

    def play(self, bars: tuple[Bar, ...]) -> None:
        """Take what happened in bars of the same moment, and value the positions at their closes."""
        end = bars[0].end
        if self._width is None:
            self._width = end - bars[0].start
        border = _Border(bars)
        while (entry := self._next) is not None and entry.at <= end:
            if entry.at == end and not border.within(entry):
                break
            self._take(entry)
        portfolio = self._books.portfolio
        for bar in bars:
            portfolio.mark(bar.symbol, bar.close)
            prices = self._prices.get(bar.symbol)
            if prices is None:
                prices = self._prices[bar.symbol] = Prices([], array("d"), array("d"), array("d"))
            prices.at.append(end)
            prices.low.append(float(bar.low))
            prices.high.append(float(bar.high))
            prices.close.append(float(bar.close))
        self._last = end
        self._exposed += bool(portfolio.open_positions)
        self._sample(end)

    def finish(self) -> None:
        """Take what is left: behind the last bar, or all of it where there are none."""
        moved = False
        while (entry := self._next) is not None:
            fills = len(self._fills)
            self._take(entry)
            self._last = max(self._last, entry.at)
            moved = moved or len(self._fills) > fills
            if not self._by_bar and len(self._fills) > fills:
                self._sample(entry.at)
        if self._by_bar and moved:  # in a bar that did not come to its end
            self._exposed += bool(self._books.portfolio.open_positions)
            self._sample(self._last)

    def _sample(self, at: datetime) -> None:
        self._at.append(at)
        self._equity.append(self._books.portfolio.equity())

    def _take(self, entry: Entry) -> None:
        fact, books = entry.fact, self._books
        try:
            events = books.apply(fact, entry.at)
        except (KeyError, InvalidRequest) as error:
            kind = type(fact).__name__
            raise JournalError(f"{self._journal.path}: fact {entry.seq}, {kind}, does not follow: {error}") from error
        self._next = next(self._entries, None)
        if isinstance(fact, Intended | Denied):
            price = books.mark(fact.request.symbol)
            if price is not None:
                self._placed_at[fact.request.id] = price
            if isinstance(fact, Intended) and fact.changes:
                self._changes[fact.request.id] = fact.changes
        elif isinstance(fact, CancelRequested):
            self._cancelled[fact.order_id] = fact.reason
        elif isinstance(fact, Locked):
            self._locks.setdefault(fact.id, Lock(fact))
        elif isinstance(fact, TradingStateChanged):
            self._states.append(fact)
        elif isinstance(fact, LocksReleased):
            for lock_id in fact.ids:
                if lock_id in self._locks:
                    self._locks[lock_id] = Lock(self._locks[lock_id].lock, fact.at, fact.reason)
        for event in events:
            if type(event) is Filled:
                self._filled(event, fact)
            elif type(event) is Alarm:
                self._alarms.append(event)

    def _filled(self, event: Filled, fact: Fact) -> None:
        order = self._books.tracker[event.order_id]
        price = event.price if event.quantity else None
        execution = fact.execution if isinstance(fact, OrderReported | ExecutionReported) else None
        if not self._by_bar and price is not None:
            self._books.portfolio.mark(event.symbol, price)
        self._fills.append(
            Fill(
                at=event.at,
                order_id=event.order_id,
                symbol=event.symbol,
                side=order.side,
                quantity=event.quantity,
                price=price,
                cost=event.cost,
                fee=event.fee,
                expected=self._expected(order),
                provisional=event.provisional,
                fee_quantity=event.fee_quantity,
                assumption=None if execution is None else execution.assumption,
                costs=() if execution is None else execution.costs,
            )
        )

    def _expected(self, order: Order) -> Decimal | None:
        kind = order.request.type
        if kind is OrderType.MARKET:
            return self._placed_at.get(order.id)
        return order.request.stop_price if kind is OrderType.STOP else None

    # --- the result ---------------------------------------------------------------------------------------------------

    def told(self, calendar: Calendar | None) -> History:
        books = self._books
        portfolio = books.portfolio
        return History(
            session=self._session,
            first=self._session.at,
            last=self._last,
            curve=Curve(at=self._at, equity=self._equity, exposed=self._exposed, by_bar=self._by_bar),
            prices=dict(sorted(self._prices.items())),
            fills=self._fills,
            orders=list(books.tracker),
            placed_at=self._placed_at,
            changes=self._changes,
            cancelled=self._cancelled,
            states=self._states,
            trades=list(books.trades.closed),
            locks=list(self._locks.values()),
            alarms=self._alarms,
            cash=portfolio.cash,
            fees=portfolio.fees,
            realised=portfolio.realised(),
            unrealised=portfolio.unrealised(),
            positions=dict(sorted(portfolio.open_positions.items())),
            failure=books.failure,
            calendar=calendar,
            width=self._width,
            facts=len(self._journal),
            fingerprint=books.fingerprint(),
        )


class _Border:
    """
    Tells whether facts of the very moment at which bars end belong to them, and not to the next bar's open.

    What the strategy sends at the end of a bar marks the border. Without that a fill tells by what made it, or by its
    price: on the last stretch of its bar's path, or not; and an order fills once a stretch.
    """

    def __init__(self, bars: tuple[Bar, ...]) -> None:
        self._bars = bars
        self._filled: set[str | None] = set()

    def within(self, entry: Entry) -> bool:
        fact = entry.fact
        if isinstance(fact, Denied):
            return False
        if isinstance(fact, Intended):
            return fact.role in _GUARDS
        if not isinstance(fact, OrderReported) or fact.execution is None:
            return True
        if fact.execution.assumption in _AT_OPEN or fact.broker_order_id in self._filled:
            return False
        self._filled.add(fact.broker_order_id)
        if fact.execution.assumption in _ON_PATH:
            return True
        for bar in self._bars:
            if bar.symbol == fact.symbol:
                (_, before), (_, close) = corners(bar)[2:]
                return min(before, close) <= fact.execution.price <= max(before, close)
        return False
