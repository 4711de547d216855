"""How much may be risked: the numbers that the gate holds every entry against."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from attrs import frozen

from engine.errors import InvalidRequest
from engine.model import ZERO
from engine.risk.checks import LONGEST

__all__ = ["DayTradeRule", "RiskLimits"]

_NOTHING = timedelta(0)


@frozen(kw_only=True)
class DayTradeRule:
    """
    At most so many day trades in so many session days, for accounts that are not worth more.

    A day trade is a trade of which something was entered and something left on the same session day. An entry is
    refused once closing it today would be one too many; exits are not.

    Attributes:
        most: Day trades that may be made.
        days: In how many session days, today included; at most 5.
        equity: From here on an account may make as many as it likes, quote units.

    Source: FINRA rule 4210(f)(8)(B), as it stood until 2026: 3 in 5 days below 25,000 dollars.
    """

    most: int = 3
    days: int = 5
    equity: Decimal = Decimal(25_000)

    def __attrs_post_init__(self) -> None:
        if self.most < 0:
            raise InvalidRequest("most", self.most, "a whole number >= 0")
        if not 1 <= self.days <= 5:
            raise InvalidRequest("days", self.days, "from 1 to 5")


@frozen(kw_only=True)
class RiskLimits:
    """
    None: no such limit. Money is in quote units; each limit may be reached, not passed.

    Attributes:
        allowance: How much worse than the last price a market or stop order is expected to fill at most, as a ratio.
        max_order: What one entry may cost.
        max_exposure: What may be held in one symbol, with what live orders may add.
        max_gross: The same in all symbols together.
        max_leverage: The same as a ratio of equity: 1 is all of it.
        collar: How much a limit price may be worse than the market's last price, as a ratio; 0: as much as it likes.
        quote_age: How old that price may be.
        max_orders, per: Orders of any kind that may have been sent within ``per``, before another entry.
        day_trades: The rule on day trades.
    """

    allowance: Decimal = Decimal("0.04")
    max_order: Decimal | None = None
    max_exposure: Decimal | None = None
    max_gross: Decimal | None = None
    max_leverage: Decimal | None = None
    collar: Decimal | None = Decimal("0.1")
    quote_age: timedelta | None = None
    max_orders: int | None = None
    per: timedelta = timedelta(minutes=1)
    day_trades: DayTradeRule | None = None

    def __attrs_post_init__(self) -> None:
        if not self.allowance.is_finite() or not ZERO <= self.allowance <= 10:
            raise InvalidRequest("allowance", self.allowance, "a ratio from 0 to 10")
        if self.collar is not None and (not self.collar.is_finite() or self.collar < ZERO):
            raise InvalidRequest("collar", self.collar, "a ratio >= 0; 0 is no collar")
        for name in ("max_order", "max_exposure", "max_gross", "max_leverage"):
            value = getattr(self, name)
            if value is not None and (not value.is_finite() or value <= ZERO):
                raise InvalidRequest(name, value, "more than 0")
        if self.quote_age is not None and self.quote_age < _NOTHING:
            raise InvalidRequest("quote_age", self.quote_age, "nothing or more")
        if self.max_orders is not None and not 1 <= self.max_orders <= 10_000:
            raise InvalidRequest("max_orders", self.max_orders, "from 1 to 10000")
        if not _NOTHING < self.per <= LONGEST:
            raise InvalidRequest("per", self.per, "more than nothing, and at most 36500 days")
