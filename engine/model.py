"""
The values of the domain: frozen, keyword-only, validated where they are made.

Money and quantities are `Decimal`, moments are UTC-aware. Quantities are base units (shares; BTC in BTC/USD), prices
are quote units (USD) per base unit, cost is price times quantity.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Self

from attrs import Attribute, evolve, field, frozen

from engine.errors import ClockError, InvalidRequest

__all__ = [
    "Approval",
    "Correction",
    "Execution",
    "Exits",
    "OrderRequest",
    "OrderType",
    "Refusal",
    "Replacement",
    "Role",
    "Side",
    "Status",
    "SymbolFlag",
    "TimeInForce",
    "VenuePosition",
    "ZERO",
    "VenueStatus",
]

ZERO = Decimal(0)

Validator = Callable[[Any, "Attribute[Any]", Any], None]


def _positive(instance: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
        raise InvalidRequest(attribute.name, value, "a finite Decimal > 0")


def _not_negative(instance: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
        raise InvalidRequest(attribute.name, value, "a finite Decimal >= 0")


def _finite(instance: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise InvalidRequest(attribute.name, value, "a finite Decimal")


def _aware(instance: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, datetime):
        raise InvalidRequest(attribute.name, value, "an aware datetime")
    if value.utcoffset() is None:
        raise ClockError(f"{attribute.name} = {value.isoformat()} has no time zone")


def _filled_in(instance: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidRequest(attribute.name, value, "a text that is not empty")


def _one_of(kind: type[Enum]) -> Validator:
    def validate(instance: object, attribute: Attribute[Any], value: object) -> None:
        if not isinstance(value, kind):
            names = ", ".join(f"{kind.__name__}.{member.name}" for member in kind)
            raise InvalidRequest(attribute.name, value, f"one of {names}")

    return validate


def _or_none(validator: Validator) -> Validator:
    def validate(instance: object, attribute: Attribute[Any], value: object) -> None:
        if value is not None:
            validator(instance, attribute, value)

    return validate


class Side(Enum):
    """Which way an order trades; its sign says what it does to the position."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    def signed(self, quantity: Decimal) -> Decimal:
        """``quantity`` as a change of position."""
        return quantity if self is Side.BUY else -quantity


class OrderType(Enum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(Enum):
    """How long an order works: the session's day, until cancelled, at once or not at all, all or nothing, auctions."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    OPG = "opg"
    CLS = "cls"


class Status(Enum):
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


class VenueStatus(Enum):
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


class SymbolFlag(Enum):
    """Why no new entry may pass in a symbol; exits always may."""

    OVERFILLED = "overfilled"
    SUSPECT = "suspect"
    QUARANTINED = "quarantined"
    REDUCE_ONLY = "reduce_only"


class Role(Enum):
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

    take_profit: Decimal | None = field(default=None, validator=_or_none(_positive))
    stop_loss: Decimal | None = field(default=None, validator=_or_none(_positive))
    stop_limit: Decimal | None = field(default=None, validator=_or_none(_positive))

    def __attrs_post_init__(self) -> None:
        if self.take_profit is None and self.stop_loss is None:
            raise InvalidRequest("exits", None, "a take_profit, a stop_loss, or both")
        if self.stop_limit is not None and self.stop_loss is None:
            raise InvalidRequest("exits.stop_limit", self.stop_limit, "a stop_loss beside it")


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

    symbol: str = field(validator=_filled_in)
    side: Side = field(validator=_one_of(Side))
    type: OrderType = field(default=OrderType.MARKET, validator=_one_of(OrderType))
    quantity: Decimal = field(validator=_positive)
    time_in_force: TimeInForce = field(default=TimeInForce.DAY, validator=_one_of(TimeInForce))
    limit_price: Decimal | None = field(default=None, validator=_or_none(_positive))
    stop_price: Decimal | None = field(default=None, validator=_or_none(_positive))
    trail_price: Decimal | None = field(default=None, validator=_or_none(_positive))
    trail_percent: Decimal | None = field(default=None, validator=_or_none(_positive))
    time_to_live: timedelta | None = None
    exits: Exits | None = None
    client_order_id: str | None = field(default=None, validator=_or_none(_filled_in))

    def __attrs_post_init__(self) -> None:
        needs = _NEEDS[self.type]
        for name in ("limit_price", "stop_price"):
            if (getattr(self, name) is not None) is not (name in needs):
                wanted = "a price" if name in needs else "no such price"
                raise InvalidRequest(name, getattr(self, name), f"{wanted} on a {self.type.value} order")
        trails = (self.trail_price is not None) + (self.trail_percent is not None)
        if trails != (self.type is OrderType.TRAILING_STOP):
            raise InvalidRequest(
                "trail_price, trail_percent",
                (self.trail_price, self.trail_percent),
                "exactly one of them on a trailing_stop order, none on any other",
            )
        if self.trail_percent is not None and self.trail_percent >= 100:
            raise InvalidRequest("trail_percent", self.trail_percent, "less than 100 (1 = 1 %)")
        if self.time_to_live is not None and self.time_to_live <= timedelta(0):
            raise InvalidRequest("time_to_live", self.time_to_live, "more than nothing")
        if self.client_order_id is not None and len(self.client_order_id) > 128:
            raise InvalidRequest("client_order_id", self.client_order_id, "at most 128 characters")

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

    client_order_id: str = field(validator=_filled_in)
    quantity: Decimal | None = field(default=None, validator=_or_none(_positive))
    limit_price: Decimal | None = field(default=None, validator=_or_none(_positive))
    stop_price: Decimal | None = field(default=None, validator=_or_none(_positive))

    def applied_to(self, request: OrderRequest) -> OrderRequest:
        """The request as it stands after this replacement."""
        changes = {
            name: getattr(self, name)
            for name in ("quantity", "limit_price", "stop_price")
            if getattr(self, name) is not None
        }
        return evolve(request, **changes)


@frozen(kw_only=True)
class Execution:
    """
    One execution of (part of) an order, as one source reported it.

    Attributes:
        id: The venue's id of this execution in this source; sources differ, so it is an alias, not the identity.
        cumulative: The order's filled quantity after it, as the venue counts; with the order the fill's identity.
        quantity, price: Of this execution alone; > 0.
        at: Venue time.
        fee: Quote units, >= 0.
        position_after: The venue's position in the symbol after it, signed; None: not told.
    """

    id: str = field(validator=_filled_in)
    cumulative: Decimal = field(validator=_positive)
    quantity: Decimal = field(validator=_positive)
    price: Decimal = field(validator=_positive)
    at: datetime = field(validator=_aware)
    fee: Decimal = field(default=ZERO, validator=_not_negative)
    position_after: Decimal | None = field(default=None, validator=_or_none(_finite))


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

    id: str = field(validator=_filled_in)
    execution_id: str = field(validator=_filled_in)
    quantity: Decimal = field(validator=_not_negative)
    price: Decimal = field(validator=_positive)
    at: datetime = field(validator=_aware)


@frozen(kw_only=True)
class VenuePosition:
    """
    What the venue says we hold.

    Attributes:
        quantity: Signed, base units; a symbol that is not held is not listed.
        average_price: Average entry, quote units.
    """

    symbol: str = field(validator=_filled_in)
    quantity: Decimal = field(validator=_finite)
    average_price: Decimal = field(validator=_positive)


@frozen(kw_only=True)
class Refusal:
    """
    Why an order was not let through.

    Attributes:
        code: Stable, for programs: "INSUFFICIENT_CASH".
        message: For people: names the rule, the value and the bound.
        value, bound: What was looked at and what it was held against, in the rule's unit.
    """

    code: str
    message: str
    value: str | None = None
    bound: str | None = None


@frozen(kw_only=True)
class Approval:
    """
    An order may go.

    Attributes:
        reserve_price: The worst price it is expected to trade at, quote units; what it reserves is worked out with it.
        opening: How much of the quantity opens or grows a position; the rest closes one. Base units.
    """

    reserve_price: Decimal = field(validator=_positive)
    opening: Decimal = field(validator=_not_negative)
