"""What a venue takes for a trade, in money or in the coin that was bought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from typing import Any, Protocol

from attrs import Attribute, field, frozen

from engine.errors import InvalidRequest
from engine.model import ZERO, Side, require_not_negative

__all__ = [
    "ALPACA_CRYPTO_TIERS",
    "US_EQUITY_RATES",
    "AlpacaCrypto",
    "BasisPoints",
    "BySymbol",
    "Charge",
    "CryptoTier",
    "EquityRates",
    "FeeModel",
    "NoFees",
    "USEquityFees",
]

_WHOLE = Decimal(10_000)
_MILLION = Decimal(1_000_000)
_CENT = Decimal("0.01")
_FINEST = Decimal("0.000000001")  # quantities of coins have nine decimals


@frozen
class Charge:
    """
    What was taken for one execution.

    Attributes:
        money: Quote units, >= 0.
        coin: Base units, >= 0, out of what was bought.
    """

    money: Decimal = ZERO
    coin: Decimal = ZERO


_NOTHING = Charge()


class FeeModel(Protocol):
    """The fee of one execution; pure."""

    @property
    def highest_rate(self) -> Decimal:
        """The most that a purchase may cost on top, as a ratio of its cost; what is taken in the coin costs no more."""

    def charge(
        self, symbol: str, side: Side, quantity: Decimal, price: Decimal, at: datetime, maker: bool, /
    ) -> Charge:
        """
        What is taken for ``quantity`` > 0 base units at ``price`` > 0 quote units each.

        Args:
            at: The moment of the execution: rates change.
            maker: The order rested, and somebody else came to it.
        """


@frozen
class NoFees:
    """A venue that takes nothing."""

    @property
    def highest_rate(self) -> Decimal:
        return ZERO

    def charge(
        self, symbol: str, side: Side, quantity: Decimal, price: Decimal, at: datetime, maker: bool, /
    ) -> Charge:
        return _NOTHING


def _rate(instance: object, attribute: Attribute[Decimal], value: object) -> None:
    if not isinstance(value, Decimal) or not value.is_finite() or not ZERO <= value < _WHOLE:
        raise InvalidRequest(attribute.name, value, "a Decimal from 0 to below 10000 basis points")


@frozen
class BasisPoints:
    """
    A part of what is traded, in money, the same on both sides; not rounded.

    Attributes:
        rate: Basis points of the cost, 0 <= rate < 10000; 1 is 0.01 %.

    Raises:
        InvalidRequest: ``rate`` is not a Decimal within these bounds.
    """

    rate: Decimal = field(validator=_rate)

    @property
    def highest_rate(self) -> Decimal:
        return self.rate / _WHOLE

    def charge(
        self, symbol: str, side: Side, quantity: Decimal, price: Decimal, at: datetime, maker: bool, /
    ) -> Charge:
        return Charge(quantity * price * self.rate / _WHOLE)


# --- Alpaca, crypto ---------------------------------------------------------------------------------------------------


@frozen
class CryptoTier:
    """
    What holds from a volume on.

    Attributes:
        volume: Traded in the last 30 days, quote units, >= 0; the tier holds from here on.
        maker, taker: Basis points, 0 <= rate < 10000.
    """

    volume: Decimal
    maker: Decimal = field(validator=_rate)
    taker: Decimal = field(validator=_rate)


ALPACA_CRYPTO_TIERS = tuple(
    CryptoTier(Decimal(volume), Decimal(maker), Decimal(taker))
    for volume, maker, taker in (
        (0, 15, 25),
        (100_000, 12, 22),
        (500_000, 10, 20),
        (1_000_000, 8, 18),
        (10_000_000, 5, 15),
        (25_000_000, 2, 13),
        (50_000_000, 2, 12),
        (100_000_000, 0, 10),
    )
)
"""A snapshot of Alpaca's public table of crypto fees, as of 2025; give `AlpacaCrypto` another one when it changes."""


def _rising(instance: object, attribute: Attribute[Any], value: Sequence[CryptoTier]) -> None:
    volumes = [tier.volume for tier in value]
    if not volumes or volumes[0] != ZERO or volumes != sorted(set(volumes)):
        raise InvalidRequest(attribute.name, volumes, "tiers of rising volume, the first from 0")


def _not_negative(instance: object, attribute: Attribute[Any], value: object) -> None:
    require_not_negative(attribute.name, value)


@frozen(kw_only=True)
class AlpacaCrypto:
    """
    A part of what is received: in the coin on buys, in money on sells.

    What is taken in the coin is rounded up to nine decimals, as finely as the venue counts coins. The tier is that of
    ``volume``, whatever is traded meanwhile.

    Attributes:
        volume: What the account traded in the last 30 days, quote units.
        tiers: By rising volume, the first from 0.
    """

    volume: Decimal = field(default=ZERO, validator=_not_negative)
    tiers: Sequence[CryptoTier] = field(default=ALPACA_CRYPTO_TIERS, validator=_rising)
    _maker: Decimal = field(init=False, repr=False)
    _taker: Decimal = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        tier = next(tier for tier in reversed(self.tiers) if tier.volume <= self.volume)
        object.__setattr__(self, "_maker", tier.maker / _WHOLE)
        object.__setattr__(self, "_taker", tier.taker / _WHOLE)

    @property
    def highest_rate(self) -> Decimal:
        return ZERO

    def charge(
        self, symbol: str, side: Side, quantity: Decimal, price: Decimal, at: datetime, maker: bool, /
    ) -> Charge:
        part = quantity * (self._maker if maker else self._taker)
        if side is Side.SELL:
            return Charge(part * price)
        rounded = part.quantize(_FINEST, ROUND_UP)
        return Charge(coin=part if part == rounded else min(rounded, quantity))


# --- US equities ------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class EquityRates:
    """
    What regulators take of sales from a moment on.

    Attributes:
        since: The first moment at which it holds, UTC.
        per_million: The SEC's, of a million of proceeds, quote units.
        per_share: FINRA's trading activity fee, quote units a share.
        cap: The most that FINRA takes of one trade, quote units.
    """

    since: datetime
    per_million: Decimal = field(validator=_not_negative)
    per_share: Decimal = field(validator=_not_negative)
    cap: Decimal = field(validator=_not_negative)


US_EQUITY_RATES = tuple(
    EquityRates(
        since=datetime.fromisoformat(since).replace(tzinfo=UTC),
        per_million=Decimal(per_million),
        per_share=Decimal(per_share),
        cap=Decimal(cap),
    )
    for since, per_million, per_share, cap in (
        ("2020-02-18", "22.10", "0.000119", "5.95"),
        ("2021-02-25", "5.10", "0.000119", "5.95"),
        ("2022-01-01", "5.10", "0.000130", "6.49"),
        ("2022-05-14", "22.90", "0.000130", "6.49"),
        ("2023-01-01", "22.90", "0.000145", "7.27"),
        ("2023-02-27", "8.00", "0.000145", "7.27"),
        ("2024-01-01", "8.00", "0.000166", "8.30"),
        ("2024-05-22", "27.80", "0.000166", "8.30"),
        ("2025-05-14", "0", "0.000166", "8.30"),
    )
)
"""
The SEC's section 31 fee and FINRA's trading activity fee as they were announced, a snapshot up to 2025.

The last ones hold on, and the first ones stand for all that was before; give `USEquityFees` others when they change.
"""


def _by_date(instance: object, attribute: Attribute[Any], value: Sequence[EquityRates]) -> None:
    dates = [rates.since for rates in value]
    if not dates or dates != sorted(set(dates)):
        raise InvalidRequest(attribute.name, dates, "rates of rising dates, at least one")


@frozen(kw_only=True)
class USEquityFees:
    """
    No commission; of sales, what the SEC and FINRA take, each rounded up to the cent, execution by execution.

    Attributes:
        rates: By rising date.
    """

    rates: Sequence[EquityRates] = field(default=US_EQUITY_RATES, validator=_by_date)

    @property
    def highest_rate(self) -> Decimal:
        return ZERO

    def charge(
        self, symbol: str, side: Side, quantity: Decimal, price: Decimal, at: datetime, maker: bool, /
    ) -> Charge:
        if side is Side.BUY:
            return _NOTHING
        rates = self.rates[0]
        for later in self.rates:
            if later.since > at:
                break
            rates = later
        sec = (quantity * price * rates.per_million / _MILLION).quantize(_CENT, ROUND_UP)
        taf = min((quantity * rates.per_share).quantize(_CENT, ROUND_UP), rates.cap)
        return Charge(sec + taf)


@frozen
class BySymbol:
    """
    One model for pairs like BTC/USD, another for all that has no slash.

    Attributes:
        pairs, others: What they are charged by.
    """

    pairs: FeeModel
    others: FeeModel

    @property
    def highest_rate(self) -> Decimal:
        return max(self.pairs.highest_rate, self.others.highest_rate)

    def charge(
        self, symbol: str, side: Side, quantity: Decimal, price: Decimal, at: datetime, maker: bool, /
    ) -> Charge:
        model = self.pairs if "/" in symbol else self.others
        return model.charge(symbol, side, quantity, price, at, maker)
