"""
The values of the domain: frozen, keyword-only, validated where they are made.

Money and quantities are `Decimal`, moments are UTC-aware. Quantities are base units (shares; BTC in BTC/USD), prices
are quote units (USD) per base unit, cost is price times quantity.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Self

from attrs import evolve, frozen

from engine.errors import ClockError, InvalidRequest

__all__ = [
    "Correction",
    "Cost",
    "Execution",
    "Exits",
    "OrderRequest",
    "OrderType",
    "Replacement",
    "Role",
    "Side",
    "Status",
    "SymbolFlag",
    "TimeInForce",
    "VenuePosition",
    "ZERO",
    "VenueStatus",
    "Word",
    "require_aware",
    "require_finite",
    "require_member",
    "require_not_negative",
    "require_positive",
    "require_text",
]

ZERO = Decimal(0)


# Values are made by the million in a replay, so each class checks its fields in one go instead of a call for each.


def require_positive(name: str, value: object) -> None:
    if type(value) is not Decimal or not value.is_finite() or value <= 0:
        raise InvalidRequest(name, value, "a finite Decimal > 0")


def require_not_negative(name: str, value: object) -> None:
    if type(value) is not Decimal or not value.is_finite() or value < 0:
        raise InvalidRequest(name, value, "a finite Decimal >= 0")


def require_finite(name: str, value: object) -> None:
    if type(value) is not Decimal or not value.is_finite():
        raise InvalidRequest(name, value, "a finite Decimal")


def require_aware(name: str, value: object) -> None:
    if not isinstance(value, datetime):
        raise InvalidRequest(name, value, "an aware datetime")
    if value.tzinfo is not UTC and value.utcoffset() is None:
        raise ClockError(f"{name} = {value.isoformat()} has no time zone")


def require_text(name: str, value: object) -> None:
    if type(value) is not str or not value:
        raise InvalidRequest(name, value, "a text that is not empty")


def require_member(name: str, value: object, kind: type[Enum]) -> None:
    if type(value) is not kind:
        names = ", ".join(f"{kind.__name__}.{member.name}" for member in kind)
        raise InvalidRequest(name, value, f"one of {names}")


class Word(Enum):
    """An enumeration whose members are looked up often: they hash as the objects they are, not through their names."""

    __hash__ = object.__hash__


class Side(Word):
    """Which way an order trades; its sign says what it does to the position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    def signed(self, quantity: Decimal) -> Decimal:
        """``quantity`` as a change of position."""
        return quantity if self is Side.BUY else -quantity


class OrderType(Word):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(Word):
    """How long an order works: the session's day, until cancelled, at once or not at all, all or nothing, auctions."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class Status(Word):
    """Where an order of ours stands; docs/explanation/tracking.md has the meaning of each."""

    INTENT = "intent"
    SENT = "sent"
    UNKNOWN = "unknown"
    LOST = "lost"
    ACKED = "acked"
    WORKING = "working"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    DENIED = "denied"

    @property
    def terminal(self) -> bool:
        """The venue (or our gate) proved the end: nothing works and nothing is reserved. LOST is only inferred."""
        return self in _TERMINAL


_TERMINAL = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED, Status.DENIED})


class VenueStatus(Word):
    """What a venue says of an order, in the words all brokers are translated to."""

    ACCEPTED = "accepted"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    RESTING = "resting"  # done for day, suspended, stopped: known, not working now


class SymbolFlag(Word):
    """Why no new entry may pass in a symbol; exits always may."""

    OVERFILLED = "overfilled"
    SUSPECT = "suspect"
    QUARANTINED = "quarantined"
    REDUCE_ONLY = "reduce_only"
    FLATTENING = "flattening"


class Role(Word):
    """What an order is for within its group."""

    SINGLE = "single"
    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"


@frozen(kw_only=True)
class Exits:
    """
    The protective orders that a filled entry brings along (one: OTO; both: bracket), or the two of an OCO.

    Attributes:
        take_profit: Limit price, quote units; None: no such order.
        stop_loss: Stop price, quote units; None: no such order.
        stop_limit: Limit price of the stop order; None: a plain stop.
    """

    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_limit: Decimal | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("take_profit", "stop_loss", "stop_limit"):
            if getattr(self, name) is not None:
                require_positive(name, getattr(self, name))
        if self.take_profit is None and self.stop_loss is None:
            raise InvalidRequest("exits", None, "a take_profit, a stop_loss, or both")
        if self.stop_limit is not None and self.stop_loss is None:
            raise InvalidRequest("exits.stop_limit", self.stop_limit, "a stop_loss beside it")


_LONGEST = timedelta(days=36_500)
_NO_PRICES = (None, None, None, None)
_NEEDS: dict[OrderType, frozenset[str]] = {
    OrderType.MARKET: frozenset(),
    OrderType.LIMIT: frozenset({"limit_price"}),
    OrderType.STOP: frozenset({"stop_price"}),
    OrderType.STOP_LIMIT: frozenset({"limit_price", "stop_price"}),
    OrderType.TRAILING_STOP: frozenset(),
}


@frozen(kw_only=True)
class OrderRequest:
    """
    What a strategy asks for.

    Attributes:
        symbol: As the venue spells it, e.g. "AAPL", "BTC/USD".
        quantity: Base units, > 0; the side gives the sign.
        limit_price, stop_price: Quote units; exactly those that the type needs.
        trail_price, trail_percent: Distance of a trailing stop in quote units, or in percent (1 = 1 %); exactly one.
        time_to_live: Cancelled by the engine when so much market time has passed since it was sent; None: never.
        exits: Protective orders, sent as the entry fills.
        client_order_id: Our own id, unique for ever; the engine makes one where it is None.

    Raises:
        InvalidRequest: A field is missing, out of place or out of bounds.
    """

    symbol: str
    side: Side
    type: OrderType = OrderType.MARKET
    quantity: Decimal
    time_in_force: TimeInForce = TimeInForce.DAY
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    time_to_live: timedelta | None = None
    exits: Exits | None = None
    client_order_id: str | None = None

    def __attrs_post_init__(self) -> None:
        require_text("symbol", self.symbol)
        require_member("side", self.side, Side)
        require_member("type", self.type, OrderType)
        require_positive("quantity", self.quantity)
        require_member("time_in_force", self.time_in_force, TimeInForce)
        prices = (self.limit_price, self.stop_price, self.trail_price, self.trail_percent)
        if self.type is not OrderType.MARKET or prices != _NO_PRICES:
            self._check_prices()
        if self.time_to_live is not None and not timedelta(0) < self.time_to_live <= _LONGEST:
            raise InvalidRequest("time_to_live", self.time_to_live, "more than nothing, and at most 36500 days")
        if self.client_order_id is not None:
            require_text("client_order_id", self.client_order_id)
            if len(self.client_order_id) > 128:
                raise InvalidRequest("client_order_id", self.client_order_id, "at most 128 characters")

    def _check_prices(self) -> None:
        for name in ("limit_price", "stop_price", "trail_price", "trail_percent"):
            if getattr(self, name) is not None:
                require_positive(name, getattr(self, name))
        needs = _NEEDS[self.type]
        for name in ("limit_price", "stop_price"):
            price = getattr(self, name)
            if (price is not None) is not (name in needs):
                wanted = "a price" if name in needs else "no such price"
                raise InvalidRequest(name, price, f"{wanted} on a {self.type.value} order")
        trails = (self.trail_price is not None) + (self.trail_percent is not None)
        if trails != (self.type is OrderType.TRAILING_STOP):
            raise InvalidRequest(
                "trail_price, trail_percent",
                (self.trail_price, self.trail_percent),
                "exactly one of them on a trailing_stop order, none on any other",
            )
        if self.trail_percent is not None and self.trail_percent >= 100:
            raise InvalidRequest("trail_percent", self.trail_percent, "less than 100 (1 = 1 %)")

    def named(self, client_order_id: str) -> OrderRequest:
        """The same request under an id; what `evolve` does, in two thirds of the time."""
        return OrderRequest(
            symbol=self.symbol,
            side=self.side,
            type=self.type,
            quantity=self.quantity,
            time_in_force=self.time_in_force,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            trail_price=self.trail_price,
            trail_percent=self.trail_percent,
            time_to_live=self.time_to_live,
            exits=self.exits,
            client_order_id=client_order_id,
        )

    @property
    def id(self) -> str:
        """The client order id of a request that has been given one."""
        if self.client_order_id is None:
            raise InvalidRequest("client_order_id", None, "an id: this request has not been submitted")
        return self.client_order_id

    @classmethod
    def market(cls, symbol: str, side: Side, quantity: Decimal, **more: Any) -> Self:
        return cls(symbol=symbol, side=side, quantity=quantity, **more)

    @classmethod
    def limit(cls, symbol: str, side: Side, quantity: Decimal, price: Decimal, **more: Any) -> Self:
        return cls(symbol=symbol, side=side, type=OrderType.LIMIT, quantity=quantity, limit_price=price, **more)

    @classmethod
    def stop(cls, symbol: str, side: Side, quantity: Decimal, price: Decimal, **more: Any) -> Self:
        return cls(symbol=symbol, side=side, type=OrderType.STOP, quantity=quantity, stop_price=price, **more)


@frozen(kw_only=True)
class Replacement:
    """
    What a replace changes; None leaves the value as it is.

    Attributes:
        client_order_id: The id of the order that continues the old one.
        quantity: The new total, what has been filled already included.
    """

    client_order_id: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None

    def __attrs_post_init__(self) -> None:
        require_text("client_order_id", self.client_order_id)
        for name in ("quantity", "limit_price", "stop_price"):
            if getattr(self, name) is not None:
                require_positive(name, getattr(self, name))

    def applied_to(self, request: OrderRequest) -> OrderRequest:
        """The request as it stands after this replacement."""
        changes = {
            name: getattr(self, name)
            for name in ("quantity", "limit_price", "stop_price")
            if getattr(self, name) is not None
        }
        return evolve(request, **changes)


@frozen
class Cost:
    """
    What one assumption of a simulated venue made a fill dearer by.

    Attributes:
        model: Its name: "spread", "slippage", "impact", "tick".
        amount: Of the whole execution, quote units, > 0.
    """

    model: str
    amount: Decimal

    def __attrs_post_init__(self) -> None:
        require_text("model", self.model)
        require_positive("amount", self.amount)


@frozen(kw_only=True)
class Execution:
    """
    One execution of (part of) an order, as one source reported it.

    Attributes:
        id: The venue's id of this execution in this source; sources differ, so it is an alias, not the identity.
        cumulative: The order's filled quantity after it, as the venue counts; with the order the fill's identity.
        quantity, price: Of this execution alone; > 0.
        at: Venue time.
        fee: What was taken in money, quote units, >= 0.
        position_after: The venue's position in the symbol after it, signed; None: not told.
        fee_quantity: What was taken in the coin, base units, >= 0: so much less is held than was filled.
        assumption: What made it, at a simulated venue (docs/explanation/matching.md); None: a real market.
        costs: What the venue's models made it dearer by; the price has it all.
    """

    id: str
    cumulative: Decimal
    quantity: Decimal
    price: Decimal
    at: datetime
    fee: Decimal = ZERO
    position_after: Decimal | None = None
    fee_quantity: Decimal = ZERO
    assumption: str | None = None
    costs: tuple[Cost, ...] = ()

    def __attrs_post_init__(self) -> None:
        require_text("id", self.id)
        require_positive("cumulative", self.cumulative)
        require_positive("quantity", self.quantity)
        require_positive("price", self.price)
        require_aware("at", self.at)
        require_not_negative("fee", self.fee)
        if self.fee_quantity is not ZERO:
            require_not_negative("fee_quantity", self.fee_quantity)
        if self.position_after is not None:
            require_finite("position_after", self.position_after)


@frozen(kw_only=True)
class Correction:
    """
    The venue takes an execution back (quantity 0, a bust) or changes its numbers.

    Attributes:
        id: The venue's id of the correction.
        execution_id: The execution it names, by any of its aliases.
        quantity: What the execution's quantity is from now on; 0: busted.
        price: What its price is from now on.
        at: Venue time of the correction, not of the execution.
    """

    id: str
    execution_id: str
    quantity: Decimal
    price: Decimal
    at: datetime

    def __attrs_post_init__(self) -> None:
        require_text("id", self.id)
        require_text("execution_id", self.execution_id)
        require_not_negative("quantity", self.quantity)
        require_positive("price", self.price)
        require_aware("at", self.at)


@frozen(kw_only=True)
class VenuePosition:
    """
    What the venue says we hold.

    Attributes:
        quantity: Signed, base units; a symbol that is not held is not listed.
        average_price: Average entry, quote units.
    """

    symbol: str
    quantity: Decimal
    average_price: Decimal

    def __attrs_post_init__(self) -> None:
        require_text("symbol", self.symbol)
        require_finite("quantity", self.quantity)
        require_positive("average_price", self.average_price)
