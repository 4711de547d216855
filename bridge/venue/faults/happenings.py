"""The faults of the venue itself: what happens at a moment, once or again and again, and a clock that is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from attrs import field, frozen

from bridge.venue.faults.matching import LONGEST, Window, chance, counted, one_of, some_seconds, some_text, within
from bridge.venue.faults.sockets import close_code, close_reason, some_status
from engine.errors import InvalidRequest
from engine.model import require_finite, require_positive

__all__ = ["Bust", "ClockSkew", "Correct", "ForeignOrder", "Happening", "Restart"]

_TYPES = ("market", "limit", "stop", "stop_limit", "trailing_stop")
_LASTING = ("day", "gtc", "opg", "cls", "ioc", "fok")


def _positive(instance: object, attribute: Any, value: object) -> None:
    if value is not None:
        require_positive(attribute.name, value)


def _change(instance: object, attribute: Any, value: Any) -> None:
    if value is not None:
        require_finite(attribute.name, value)
        if not -100 < value <= 1000 or not value:
            raise InvalidRequest(attribute.name, value, "per cent, -100 < number <= 1000 and not 0")


def _again(instance: Happening, attribute: Any, value: float | None) -> None:
    within(0.1, LONGEST, f"seconds, 0.1 <= number <= {LONGEST}")(instance, attribute, value)


def _how_often(instance: Happening, attribute: Any, value: int | None) -> None:
    counted(1)(instance, attribute, value)
    if value != 1 and instance.every is None:
        raise InvalidRequest(attribute.name, value, "1, or `every` as well: the seconds from one time to the next")


@frozen(kw_only=True)
class Happening(Window):
    """
    What happens at ``at``.

    Attributes:
        every: Seconds after which it may happen again; None: once only.
        count: How many times in all; None: without end.
        probability: How often it happens when its time has come, 0 <= ratio <= 1.
    """

    every: float | None = field(default=None, validator=_again)
    count: int | None = field(default=1, validator=_how_often)
    probability: float = field(default=1.0, validator=chance)


@frozen(kw_only=True)
class Restart(Happening):
    """
    All connections end, and for a while nobody gets in; orders and books stay.

    Attributes:
        seconds: How long.
        code: What websockets are closed with; 1006: without a close frame.
        status: What requests and handshakes are answered with meanwhile; None: nothing, the connection is closed.
    """

    kind: Literal["restart"] = "restart"
    seconds: float = field(default=5.0, validator=some_seconds)
    code: int = field(default=1012, validator=close_code)
    reason: str = field(default="service restart", validator=close_reason)
    status: int | None = field(default=None, validator=some_status)


@frozen(kw_only=True)
class Bust(Happening):
    """
    The newest execution is taken back.

    Attributes:
        account: Key; None: of any account.
        symbol: None: of any.
    """

    kind: Literal["bust"] = "bust"
    account: str | None = field(default=None, validator=some_text)
    symbol: str | None = field(default=None, validator=some_text)


@frozen(kw_only=True)
class Correct(Happening):
    """
    The numbers of the newest execution are changed.

    Attributes:
        account: Key; None: of any account.
        symbol: None: of any.
        price: The new one, quote units; None: see ``percent``.
        percent: What the price changes by, in per cent of itself; None: it does not.
        quantity: The new one, base units; None: it stays.
    """

    kind: Literal["correct"] = "correct"
    account: str | None = field(default=None, validator=some_text)
    symbol: str | None = field(default=None, validator=some_text)
    price: Decimal | None = field(default=None, validator=_positive)
    percent: Decimal | None = field(default=None, validator=_change)
    quantity: Decimal | None = field(default=None, validator=_positive)

    def __attrs_post_init__(self) -> None:
        if self.price is not None and self.percent is not None:
            raise InvalidRequest("percent", self.percent, "either price or percent")
        if self.price is None and self.percent is None and self.quantity is None:
            raise InvalidRequest("price", None, "price, percent or quantity: something that changes")


@frozen(kw_only=True)
class ForeignOrder(Happening):
    """
    Another program places an order on the account.

    Attributes:
        account: Key; None: on every account.
        qty: Base units.
    """

    kind: Literal["foreign-order"] = "foreign-order"
    account: str | None = field(default=None, validator=some_text)
    symbol: str = field(validator=some_text)
    side: Literal["buy", "sell"] = field(default="buy", validator=one_of("buy", "sell"))
    qty: Decimal = field(default=Decimal(1), validator=_positive)
    type: Literal["market", "limit", "stop", "stop_limit", "trailing_stop"] = field(
        default="market", validator=one_of(*_TYPES)
    )
    time_in_force: Literal["day", "gtc", "opg", "cls", "ioc", "fok"] = field(default="day", validator=one_of(*_LASTING))
    limit_price: Decimal | None = field(default=None, validator=_positive)
    stop_price: Decimal | None = field(default=None, validator=_positive)
    trail_percent: Decimal | None = field(default=None, validator=_positive)


@frozen(kw_only=True)
class ClockSkew(Window):
    """
    The venue's clock is wrong: the moments in answers, headers and frames are, /v2/clock's among them.

    Attributes:
        seconds: How far it is ahead; negative: behind.
    """

    kind: Literal["clock-skew"] = "clock-skew"
    seconds: float = field(validator=within(-LONGEST, LONGEST, f"seconds, {-LONGEST} <= number <= {LONGEST}"))
