"""
What Alpaca sends, as it stands on the wire.

Only what an answer is for is required; every other field may be missing, and unknown ones are ignored, so that an
answer of tomorrow can still be read. Words (status, type, side, event) stay text for the same reason. Everything of
Alpaca is read through `read`, stream frames included, for two decoders could round the same nanosecond to different
microseconds.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from attrs import frozen

from engine.calendar import Session
from engine.errors import RemoteProtocolError

__all__ = [
    "Account",
    "Asset",
    "CalendarDay",
    "Failure",
    "FillActivity",
    "MarketClock",
    "Order",
    "Position",
    "TradeUpdate",
    "read",
]

_T = TypeVar("_T")
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


@frozen(kw_only=True)
class Order:
    """
    An order as the venue sees it; in listings, in answers and in stream frames.

    Attributes:
        symbol, side: "" for the parent of an options order with several legs.
        qty: Base units; None: the order is for an amount of money, ``notional``.
        filled_qty, filled_avg_price: Cumulative.
        stop_price: Of a trailing stop it is derived, and moves with ``hwm``, the best price seen.
        trail_percent: In percent (1 = 1 %).
        replaces, replaced_by: Ids of the order before and after this one.
        legs: The other orders of a bracket, an OCO or an OTO, or of an options order.
    """

    id: str
    client_order_id: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    submitted_at: Moment | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    asset_id: str | None = None
    asset_class: str | None = None
    symbol: str | None = None
    side: str | None = None
    type: str | None = None
    order_type: str | None = None
    order_class: str | None = None
    time_in_force: str | None = None
    status: str
    qty: Decimal | None = None
    notional: Decimal | None = None
    filled_qty: Decimal | None = None
    filled_avg_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    hwm: Decimal | None = None
    extended_hours: bool | None = None
    position_intent: str | None = None
    legs: tuple[Order, ...] | None = None

    def __attrs_post_init__(self) -> None:
        # Nobody behind this asks whether what is filled is a number.
        for number in (self.qty, self.filled_qty, self.filled_avg_price):
            if number is not None and not (number.is_finite() and number >= 0):
                raise ValueError(f"{number}: expected a finite number >= 0")


@frozen(kw_only=True)
class TradeUpdate:
    """
    The ``data`` of a frame of the stream ``trade_updates``.

    Attributes:
        order: The order after the event.
        execution_id: Of this event as an execution report; unique, and not the id of the activity.
        previous_execution_id: Which execution a bust or a correction changes; no recording has one, so it may be
            missing.
        price, qty: Of this execution alone.
        position_qty: Signed position after it.
    """

    event: str
    order: Order
    timestamp: Moment | None = None
    at: Moment | None = None
    event_id: str | int | None = None
    execution_id: str | None = None
    previous_execution_id: str | None = None
    price: Decimal | None = None
    qty: Decimal | None = None
    position_qty: Decimal | None = None


@frozen(kw_only=True)
class FillActivity:
    """
    One execution, among the account's activities.

    Attributes:
        id: Of the activity; where to go on in the listing, and not the stream's execution id.
        qty, price: Of this execution alone.
        cum_qty: The order's filled quantity after it.
        side: "buy", "sell" or "sell_short".
    """

    id: str
    order_id: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    leaves_qty: Decimal | None = None
    transaction_time: Moment
    type: str | None = None
    order_status: str | None = None


@frozen(kw_only=True)
class Position:
    """
    Attributes:
        symbol: Of a coin without the slash: "BTCUSD".
        qty: Base units, negative if short.
        qty_available: What no open order holds.
        avg_entry_price, current_price: Quote units.
    """

    asset_id: str | None = None
    asset_class: str | None = None
    symbol: str
    side: str | None = None
    qty: Decimal
    qty_available: Decimal | None = None
    avg_entry_price: Decimal | None = None
    current_price: Decimal | None = None
    market_value: Decimal | None = None
    cost_basis: Decimal | None = None
    unrealized_pl: Decimal | None = None


@frozen(kw_only=True)
class Account:
    """
    The account, amounts in its currency.

    Attributes:
        multiplier: "1", "2" or "4": how much margin the account has.
    """

    id: str
    account_number: str = ""
    status: str
    currency: str = "USD"
    cash: Decimal
    equity: Decimal
    last_equity: Decimal | None = None
    buying_power: Decimal
    regt_buying_power: Decimal | None = None
    non_marginable_buying_power: Decimal | None = None
    long_market_value: Decimal | None = None
    short_market_value: Decimal | None = None
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    multiplier: str | None = None
    shorting_enabled: bool = False
    trading_blocked: bool = False
    transfers_blocked: bool = False
    account_blocked: bool = False
    trade_suspended_by_user: bool = False
    pattern_day_trader: bool | None = None
    daytrade_count: int | None = None
    daytrading_buying_power: Decimal | None = None
    created_at: Moment | None = None


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """
    Something that can be traded; a Struct, for attrs cannot have a field that the wire calls "class".

    Attributes:
        asset_class: "us_equity", "us_option" or "crypto".
        borrow_status: "easy_to_borrow" or "hard_to_borrow"; None: not told.
        fractionable: None: not told, as in old recordings.
        min_order_size, min_trade_increment: Base units; price_increment: quote units; told of coins only.
        attributes: Such as "fractional_eh_enabled" or "ptp_no_exception".
    """

    id: str
    asset_class: str = msgspec.field(name="class")
    exchange: str = ""
    symbol: str
    name: str | None = None
    status: str = ""
    tradable: bool = False
    marginable: bool = False
    shortable: bool = False
    easy_to_borrow: bool | None = None
    borrow_status: str | None = None
    fractionable: bool | None = None
    min_order_size: Decimal | None = None
    min_trade_increment: Decimal | None = None
    price_increment: Decimal | None = None
    margin_requirement_long: Decimal | None = None
    margin_requirement_short: Decimal | None = None
    attributes: tuple[str, ...] | None = None


@frozen(kw_only=True)
class MarketClock:
    """The stock market's hours around ``timestamp``, the venue's present."""

    timestamp: Moment
    is_open: bool
    next_open: Moment
    next_close: Moment


@frozen(kw_only=True)
class CalendarDay:
    """
    A day on which the stock market opens.

    Attributes:
        open, close: New York time, "09:30".
        session_open, session_close: With the extended hours, "0400"; None: not told.
    """

    date: date
    open: str
    close: str
    session_open: str | None = None
    session_close: str | None = None

    @property
    def session(self) -> Session:
        """Regular hours of that day; a `FixedCalendar` is made of these."""
        zone = ZoneInfo("America/New_York")
        begin, end = (datetime.combine(self.date, time.fromisoformat(each), zone) for each in (self.open, self.close))
        return Session(open=begin, close=end)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """
    The body of an answer that is an error.

    Attributes:
        code: Eight digits, of which the first three mostly repeat the HTTP status; None: not told.
    """

    code: int | None = None
    message: str


_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


def read(body: bytes | str, kind: type[_T]) -> _T:
    """
    An answer or a frame of Alpaca as one of the classes above, or a list of them.

    Raises:
        RemoteProtocolError: It is not JSON, or lacks what identifies it; the message says where.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind, strict=False)  # a count was seen as text too
    try:
        found: _T = decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RemoteProtocolError(str(error)) from error
    return found
