"""
Which order trades, where, and what made it trade.

The matcher is synchronous, does no I/O and has no clock. Whoever plays the market moves a symbol's price, either along
a path or in a jump, and is stopped at each event; between two events orders may come, go and change, and they take part
from the place on the path that has been reached. An order therefore never sees a price from before it was added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Literal

from attrs import define, field, frozen

from engine.errors import InvalidRequest
from engine.model import ZERO, Cost, OrderRequest, OrderType, Side, TimeInForce

__all__ = ["RESTED", "Assumption", "Ended", "Liquidity", "Match", "Matcher", "Prices", "WorkingOrder"]

Assumption = Literal["open", "quote", "trade", "gap", "market", "marketable", "touch", "through", "stop", "auction"]
"""
What made a fill.

open        a market order, or a limit that is good enough, at the price of a jump
quote       a market order, or a limit that is good enough, at what is bid or asked
trade       the same at the price of a trade
gap         a stop that a jump reached or leapt over, at the price of the jump
market      a market order on the path, at the price that has been reached
marketable  a limit order on the path, at a price better than its limit
touch       the price reached the limit and went no further; who stood before us is the liquidity's to know
through     the path went through the limit: whoever stood there has traded
stop        the path reached the stop
auction     the opening or the closing auction, at its price
"""

RESTED: frozenset[Assumption] = frozenset({"touch", "through"})
"""The assumptions by which an order rested and somebody else came to it: it made the market and took nothing."""

_HUNDRED = Decimal(100)
_AUCTIONS = {"open": TimeInForce.OPG, "close": TimeInForce.CLS}
_IN_AUCTION = frozenset(_AUCTIONS.values())
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


@define(kw_only=True, eq=False)
class WorkingOrder:
    """
    An order while it works; only its `Matcher` and the liquidity that is asked change it.

    Attributes:
        order_id: The venue's id.
        added: When it came, or when it was last replaced.
        sequence: Its place among the orders that can trade at the same price; lower goes first.
        remaining, cumulative: Base units still to fill, and filled.
        cost: Of what is filled, quote units.
        triggered: It is in the market: not a stop order, or a stop order whose stop was reached.
        stop: The stop as it stands, quote units; a trailing one follows its mark. None: not a stop order, or a trailing
            one that has not seen a price.
        mark: The best price a trailing stop has seen: the highest for a sell, the lowest for a buy.
        looked: The leg on which it last asked what there is to trade; -1: never.
        rests: A tick found it waiting at its limit.
        due: The path went through its limit and not all of it was filled: the rest trades at the limit, not better. So
            does one that rested when a tick comes through its limit.
        ahead: What stands before it at its limit, base units; None: the price has not been there.
        touched, behind: The bar that last touched its limit, and what that leaves for those behind it, base units.
    """

    order_id: str
    request: OrderRequest
    added: datetime
    sequence: int
    remaining: Decimal
    cumulative: Decimal = ZERO
    cost: Decimal = ZERO
    triggered: bool = field(init=False)
    buying: bool = field(init=False)
    limit: Decimal | None = field(init=False)
    stop: Decimal | None = field(init=False)
    trails: bool = field(init=False)
    at_once: bool = field(init=False)
    in_auction: bool = field(init=False)
    mark: Decimal | None = None
    looked: int = -1
    rests: bool = False
    due: bool = False
    ahead: Decimal | None = None
    touched: int = -1
    behind: Decimal = ZERO

    def __attrs_post_init__(self) -> None:
        request = self.request
        self.buying = request.side is Side.BUY
        self.limit = request.limit_price
        self.stop = request.stop_price
        self.trails = request.type is OrderType.TRAILING_STOP
        self.triggered = self.stop is None and not self.trails
        self.at_once = request.time_in_force in _AT_ONCE
        self.in_auction = request.time_in_force in _IN_AUCTION

    @property
    def average(self) -> Decimal | None:
        """Average price of what is filled, quote units; None: nothing is."""
        return self.cost / self.cumulative if self.cumulative else None

    def follow(self, price: Decimal) -> None:
        """Let a trailing stop see a price."""
        mark = self.mark
        if mark is None or (price < mark if self.buying else price > mark):
            self.mark = price
            distance = self.request.trail_price
            if distance is None:
                assert self.request.trail_percent is not None  # a request has exactly one of the two
                distance = price * self.request.trail_percent / _HUNDRED
            self.stop = price + distance if self.buying else price - distance


@frozen(kw_only=True)
class Match:
    """
    An execution.

    Attributes:
        quantity, price: Of this execution alone; base units, quote units.
        at: The moment that the market was moved to.
        cumulative, cost: Of the order after it; with ``remaining`` 0 the order is done and gone from the matcher.
        assumption: What made it trade.
        costs: What the price has in it beyond the market's.
    """

    order_id: str
    quantity: Decimal
    price: Decimal
    at: datetime
    cumulative: Decimal
    cost: Decimal
    remaining: Decimal
    assumption: Assumption
    costs: tuple[Cost, ...] = ()


@frozen(kw_only=True)
class Ended:
    """
    An order that works no more though something remains.

    Attributes:
        reason: The time in force that ended it.
        cumulative, cost: What it filled before; base units, quote units.
    """

    order_id: str
    reason: TimeInForce
    at: datetime
    cumulative: Decimal
    cost: Decimal


Liquidity = Callable[[str, WorkingOrder, Decimal, Assumption], Decimal]
"""
``(symbol, order, price, assumption)``: base units that the order can trade now; each order asks once a leg.
"""

Prices = Callable[[WorkingOrder, Decimal, Decimal, Assumption], tuple[Decimal, tuple[Cost, ...]]]
"""``(order, quantity, price, assumption)``: what it trades at where the market shows the price, and what that costs."""


class _Book:
    """One symbol's orders, in sequence, and the place on the path that has been reached."""

    __slots__ = ("leg", "orders", "price", "target", "tick")

    def __init__(self) -> None:
        self.orders: dict[str, WorkingOrder] = {}
        self.price: Decimal | None = None
        self.target: tuple[Decimal, datetime, bool] | None = None
        self.leg = 0
        self.tick: Literal["quote", "trade"] | None = None  # what the price comes from; None: bars


class Matcher:
    """
    The working orders of any number of symbols.

    Args:
        liquidity: How much an order can trade at a price; None: all it wants.
        prices: What it trades at; None: what the market shows.
    """

    def __init__(self, liquidity: Liquidity | None = None, prices: Prices | None = None) -> None:
        self._liquidity = liquidity
        self._prices = prices
        self._books: dict[str, _Book] = {}
        self._orders: dict[str, WorkingOrder] = {}
        self._sequence = 0

    # --- orders -------------------------------------------------------------------------------------------------------

    def add(self, order_id: str, request: OrderRequest, at: datetime) -> WorkingOrder:
        """
        Let an order work, from the place that the symbol's price has reached; nothing trades before the next move.

        Raises:
            InvalidRequest: The id is in use, or a stop order is meant for an auction.
        """
        order = self._enter(order_id, request, at, request.quantity)
        book = self._books.get(request.symbol)
        # What was quoted last is one side's price: with quotes the mark is the next one.
        if order.trails and book is not None and book.price is not None and book.tick != "quote":
            order.follow(book.price)
        return order

    def cancel(self, order_id: str) -> WorkingOrder | None:
        """Take an order away and return it as it ended; None: no such order works."""
        order = self._orders.pop(order_id, None)
        if order is not None:
            del self._books[order.request.symbol].orders[order_id]
        return order

    def replace(self, order_id: str, new_id: str, request: OrderRequest, at: datetime) -> WorkingOrder | None:
        """
        Continue an order under a new id: what is filled stays, its place in the queue is lost.

        A stop order that has been triggered stays so, and a trailing stop keeps its mark, if the type stays.

        Args:
            request: As it stands after the replacement; its quantity is the new total.

        Returns:
            The new order; None: no order ``order_id`` works, and nothing has changed.

        Raises:
            InvalidRequest: Symbol or side differ, the new total is not more than what is filled, or as in `add`.
        """
        old = self._orders.get(order_id)
        if old is None:
            return None
        if (request.symbol, request.side) != (old.request.symbol, old.request.side):
            raise InvalidRequest("symbol, side", (request.symbol, request.side), "those of the order that is replaced")
        if request.quantity <= old.cumulative:
            raise InvalidRequest("quantity", request.quantity, f"more than the {old.cumulative} filled")
        order = self._enter(new_id, request, at, request.quantity - old.cumulative)
        self.cancel(order_id)
        order.cumulative, order.cost = old.cumulative, old.cost
        if not (order.at_once or order.in_auction):
            # A replacement is no second look at what there was to trade.
            order.looked = old.looked
        if request.type is old.request.type:
            order.triggered = old.triggered
        if order.trails:
            price = old.mark if old.trails else self.price(request.symbol)
            if price is not None:
                order.follow(price)
        return order

    def order(self, order_id: str) -> WorkingOrder | None:
        """The working order of this id; None: none works."""
        return self._orders.get(order_id)

    def open_orders(self, symbol: str | None = None) -> list[WorkingOrder]:
        """The working orders, of all symbols or of one, in sequence."""
        if symbol is None:
            return list(self._orders.values())
        book = self._books.get(symbol)
        return [] if book is None else list(book.orders.values())

    def has_orders(self, symbol: str) -> bool:
        book = self._books.get(symbol)
        return book is not None and bool(book.orders)

    # --- the market ---------------------------------------------------------------------------------------------------

    def price(self, symbol: str) -> Decimal | None:
        """The place on the path that has been reached, quote units; None: the symbol has had no price."""
        book = self._books.get(symbol)
        return None if book is None else book.price

    def advance(self, symbol: str, price: Decimal, at: datetime, *, jump: bool) -> Match | Ended | None:
        """
        Move a symbol's price towards a target as far as the next event, and apply it.

        Call it again with the same arguments until it returns None. The three arguments together name a leg: on each
        leg an order asks at most once what there is to trade, so the loop ends whatever the liquidity.

        Args:
            price: The target, quote units, > 0; not checked.
            at: The moment to stamp events with; not before the last one, nor before an order was added.
            jump: Go there at once, nothing in between is traded; the first price of a symbol is always a jump.

        Returns:
            The event, with the price where it happened; None: the target has been reached and nothing is left to do.
        """
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = _Book()
        if not book.orders:
            book.price = price
            return None
        target = (price, at, jump)
        if target != book.target:
            book.target = target
            book.leg += 1
        if jump or book.price is None:
            book.price = price
            return self._settle(book, price, at, True)
        here = book.price
        while True:
            event = self._settle(book, here, at, False)
            if event is not None or here == price:
                return event
            book.price = here = _next_place(book, here, price)

    def jump(self, symbol: str, price: Decimal, at: datetime) -> Iterator[Match | Ended]:
        """All events of a jump; nothing moves until they are asked for."""
        while (event := self.advance(symbol, price, at, jump=True)) is not None:
            yield event

    def walk(self, symbol: str, price: Decimal, at: datetime) -> Iterator[Match | Ended]:
        """All events of the way to a price; nothing moves until they are asked for."""
        while (event := self.advance(symbol, price, at, jump=False)) is not None:
            yield event

    def tick(
        self,
        symbol: str,
        price: Decimal,
        at: datetime,
        *,
        kind: Literal["quote", "trade"],
        buying: bool | None = None,
    ) -> Iterator[Match | Ended]:
        """
        All events of a real price, one by one; orders that come between two of them take part.

        An order that rests trades at its limit if the price comes through it: nobody passes it by.

        Args:
            kind: A quote takes resting orders that it reaches, too; a trade at the limit is a touch.
            buying: Whose price it is: what is asked is for those who buy. None: everybody's.
        """
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = _Book()
        if kind == "quote" and book.tick != "quote":
            for order in book.orders.values():  # what they saw before were prices of neither side
                if order.trails and not order.triggered:
                    order.mark = order.stop = None
        book.price, book.target, book.tick = price, None, kind
        book.leg += 1
        while True:
            orders = [order for order in book.orders.values() if buying is None or order.buying is buying]
            for order in orders:
                if order.limit is not None and order.triggered:
                    if not _good_enough(order, price):
                        order.rests = True
                    elif order.rests and (kind == "quote" or price != order.limit):
                        order.due = True
            event = self._settle(book, price, at, True, orders)
            if event is None:
                return
            yield event

    def auction(
        self, symbol: str, price: Decimal, at: datetime, kind: Literal["open", "close"]
    ) -> Match | Ended | None:
        """
        The next event of an auction: orders meant for it fill at its price or end; call it until it returns None.

        Orders of any other time in force do not take part: the opening price reaches them by a jump.
        """
        book = self._books.setdefault(symbol, _Book())
        book.price = price
        for order in book.orders.values():
            if order.request.time_in_force is _AUCTIONS[kind]:
                if order.looked < 0 and _good_enough(order, price):
                    order.looked = book.leg
                    quantity = self._available(order, price, "auction")
                    if quantity > 0:
                        return self._fill(order, quantity, price, at, "auction")
                return self._end(order, at)
        return None

    def end_session(self, symbol: str, at: datetime) -> list[Ended]:
        """End all orders of a symbol but those that are good till cancelled."""
        ending = [o for o in self.open_orders(symbol) if o.request.time_in_force is not TimeInForce.GTC]
        return [self._end(order, at) for order in ending]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _enter(self, order_id: str, request: OrderRequest, at: datetime, remaining: Decimal) -> WorkingOrder:
        if order_id in self._orders:
            raise InvalidRequest("order_id", order_id, "an id that no working order has")
        order = WorkingOrder(order_id=order_id, request=request, added=at, sequence=self._sequence, remaining=remaining)
        if order.in_auction and request.type not in (OrderType.MARKET, OrderType.LIMIT):
            raise InvalidRequest("type", request.type.value, "market or limit, for an auction")
        self._sequence += 1
        self._orders[order_id] = order
        book = self._books.get(request.symbol)
        if book is None:
            book = self._books[request.symbol] = _Book()
        book.orders[order_id] = order
        return order

    def _settle(
        self, book: _Book, price: Decimal, at: datetime, jump: bool, orders: Iterable[WorkingOrder] | None = None
    ) -> Match | Ended | None:
        """Apply the first thing that can happen without moving, to these orders; None: to all."""
        leg = book.leg
        for order in book.orders.values() if orders is None else orders:
            if order.in_auction:
                continue
            just_triggered = False
            if not order.triggered:
                if order.trails:
                    order.follow(price)
                stop = order.stop
                if stop is None or (price < stop if order.buying else price > stop):
                    continue
                order.triggered = just_triggered = True
            if order.at_once and order.looked >= 0:
                return self._end(order, at)
            if order.looked == leg:
                continue
            if _good_enough(order, price):
                order.looked = leg
                assumption = _assumption(order, book, price, jump, just_triggered)
                its_price = price
                if order.due and order.limit is not None:
                    its_price, assumption = order.limit, "through"
                if self._liquidity is None:
                    return self._fill(order, order.remaining, its_price, at, assumption)
                quantity = self._available(order, its_price, assumption)
                if quantity > 0:
                    return self._fill(order, quantity, its_price, at, assumption)
            if order.at_once:
                return self._end(order, at)
        return None

    def _available(self, order: WorkingOrder, price: Decimal, assumption: Assumption) -> Decimal:
        remaining = order.remaining
        if self._liquidity is None:
            return remaining
        there = self._liquidity(order.request.symbol, order, price, assumption)
        if there >= remaining:
            return remaining
        if assumption == "through":
            order.due = True
        return ZERO if order.request.time_in_force is TimeInForce.FOK else there

    def _fill(
        self, order: WorkingOrder, quantity: Decimal, price: Decimal, at: datetime, assumption: Assumption
    ) -> Match:
        costs: tuple[Cost, ...] = ()
        if self._prices is not None:
            price, costs = self._prices(order, quantity, price, assumption)
        order.cumulative += quantity
        order.remaining -= quantity
        order.cost += quantity * price
        if not order.remaining:
            self.cancel(order.order_id)
        return Match(
            order_id=order.order_id,
            quantity=quantity,
            price=price,
            at=at,
            cumulative=order.cumulative,
            cost=order.cost,
            remaining=order.remaining,
            assumption=assumption,
            costs=costs,
        )

    def _end(self, order: WorkingOrder, at: datetime) -> Ended:
        self.cancel(order.order_id)
        return Ended(
            order_id=order.order_id,
            reason=order.request.time_in_force,
            at=at,
            cumulative=order.cumulative,
            cost=order.cost,
        )


def _good_enough(order: WorkingOrder, price: Decimal) -> bool:
    limit = order.limit
    return limit is None or (price <= limit if order.buying else price >= limit)


def _next_place(book: _Book, here: Decimal, target: Decimal) -> Decimal:
    """The nearest price on the way at which an order may act; stopping where none does is harmless."""
    up = target > here
    nearest = target
    for order in book.orders.values():
        place = order.limit if order.triggered else order.stop
        if place is not None and (here < place < nearest if up else nearest < place < here):
            nearest = place
    return nearest


def _assumption(order: WorkingOrder, book: _Book, price: Decimal, jump: bool, just_triggered: bool) -> Assumption:
    limit = order.limit
    if just_triggered and price != limit:
        return "gap" if jump else "stop"
    if limit is None:
        return (book.tick or "open") if jump else "market"
    if price != limit or book.tick == "quote":
        return (book.tick or "open") if jump else "marketable"
    target = price if jump or book.target is None else book.target[0]
    return "through" if (target < limit if order.buying else target > limit) else "touch"
