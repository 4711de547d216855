"""What a session is made of: the settings that a user writes, and that its journal keeps."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from attrs import Attribute, Factory, field, frozen

from engine.config import convert
from engine.errors import InvalidRequest
from engine.risk.limits import RiskLimits
from engine.risk.protections import Protection

__all__ = [
    "Fees",
    "FillsConfig",
    "Hours",
    "MarketConfig",
    "OnError",
    "SessionConfig",
    "StrategyConfig",
    "as_text",
    "from_text",
]


class OnError(Enum):
    """What becomes of live orders when the strategy raises."""

    CANCEL = "cancel"
    KEEP = "keep"


class Hours(Enum):
    """When the market is open: follows the symbol, round the clock, or the hours of US equities."""

    AUTO = "auto"
    ALWAYS = "24/7"
    US_EQUITIES = "us-equities"


class Fees(Enum):
    """What a venue takes: follows the symbol, nothing, Alpaca's first tier of crypto, or regulators' part of sales."""

    AUTO = "auto"
    NONE = "none"
    ALPACA_CRYPTO = "alpaca-crypto"
    US_EQUITIES = "us-equities"


def _positive(instance: object, attribute: object, value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        raise InvalidRequest("cash", value, "a number > 0")


def _basis_points(instance: object, attribute: Attribute[Any], value: Decimal | None) -> None:
    if value is not None and (not value.is_finite() or not 0 <= value < 10_000):
        raise InvalidRequest(attribute.name, value, "a number from 0 to below 10000 (10 = 0.1 %)")


def _seconds(instance: object, attribute: Attribute[Any], value: int) -> None:
    if value < 1:
        raise InvalidRequest(attribute.name, value, "a whole number of seconds, at least 1")


def _ratio(instance: object, attribute: Attribute[Any], value: Decimal) -> None:
    if not value.is_finite() or not 0 <= value <= 1:
        raise InvalidRequest(attribute.name, value, "a number from 0 to 1 (0.1 = 10 %; 0: no limit)")


def _not_negative(instance: object, attribute: Attribute[Any], value: Decimal) -> None:
    if not value.is_finite() or value < 0:
        raise InvalidRequest(attribute.name, value, "a number >= 0")


def _above_nothing(instance: object, attribute: Attribute[Any], value: Decimal | None) -> None:
    if value is not None and (not value.is_finite() or value <= 0):
        raise InvalidRequest(attribute.name, value, "a number > 0")


@frozen(kw_only=True)
class FillsConfig:
    """
    What is assumed of the market where a fill is made.

    Attributes:
        spread_bps: Between bid and ask, basis points of the price; who takes pays half of it.
        slippage_bps: What the price moves until an order is there, basis points.
        impact_bps: What an order as large as its bar's volume moves the price by, basis points; a smaller one in
            proportion.
        participation: Part of a bar's volume that our orders get at most, 0.1 = a tenth; 0: all they want.
        queue: What stands before a limit that the price touches, as a ratio of what the touching bar trades; 0: nobody.
        tick: Grid of the prices of those who take, quote units; None: no grid.
    """

    spread_bps: Decimal = field(default=Decimal(2), validator=_basis_points)
    slippage_bps: Decimal = field(default=Decimal(1), validator=_basis_points)
    impact_bps: Decimal = field(default=Decimal(0), validator=_basis_points)
    participation: Decimal = field(default=Decimal("0.1"), validator=_ratio)
    queue: Decimal = field(default=Decimal(1), validator=_not_negative)
    tick: Decimal | None = field(default=None, validator=_above_nothing)

    def __attrs_post_init__(self) -> None:
        total = self.spread_bps / 2 + self.slippage_bps + self.impact_bps
        if total >= 10_000:
            raise InvalidRequest("spread_bps / 2 + slippage_bps + impact_bps", total, "less than 10000")


@frozen(kw_only=True)
class MarketConfig:
    """
    Attributes:
        bars: File of bars, quotes or trades (CSV, CSV.gz, Parquet), told apart by its header; None: the synthetic day.
        symbol: What the file is of, e.g. "BTC/USD"; needed with one.
        bar_seconds: How long the bars are that are made of quotes or trades.
        ideal: Fills as if the market were without friction: ``fills`` and ``fees`` do not count.
        fees: What the venue takes.
        fee_bps: Instead of ``fees``, a part of every fill's cost in basis points (10 = 0.1 %); None: as ``fees`` says.
    """

    bars: str | None = None
    symbol: str | None = None
    bar_seconds: int = field(default=60, validator=_seconds)
    hours: Hours = Hours.AUTO
    ideal: bool = False
    fees: Fees = Fees.AUTO
    fee_bps: Decimal | None = field(default=None, validator=_basis_points)
    fills: FillsConfig = Factory(FillsConfig)

    def __attrs_post_init__(self) -> None:
        if (self.bars is None) is not (self.symbol is None):
            missing, given = ("symbol", "bars") if self.symbol is None else ("bars", "symbol")
            raise InvalidRequest(missing, None, f"a value, because {given} is given")
        if self.symbol is not None and not self.symbol.strip():
            raise InvalidRequest("symbol", self.symbol, "a name, e.g. BTC/USD")
        if self.fee_bps is not None and self.fees is not Fees.AUTO:
            raise InvalidRequest("fee_bps", self.fee_bps, f"nothing, because fees is {self.fees.value!r}")


@frozen(kw_only=True)
class StrategyConfig:
    """
    Attributes:
        name: A strategy that comes along ("sma-cross"), or your own as "module:Class".
        settings: What that strategy takes.
    """

    name: str = "sma-cross"
    settings: dict[str, object] = Factory(dict)


@frozen(kw_only=True)
class SessionConfig:
    """
    Everything a session is made of.

    Attributes:
        cash: What it starts with, quote units.
        seed: Of the synthetic day.
        on_error: What becomes of live orders when the strategy raises.
        symbols: File with the rules of each symbol; None: those of US shares, or of Alpaca's pairs for a symbol with a
            slash, for the symbols that the market has and no others.
        symbols_digest: SHA-256 of that file, hex; "" takes it as it is. A session keeps what it began with.
        risk: How much may be risked.
        protections: What keeps entries out, in order.
        wire: The orders go over HTTP to a venue of the session's own, instead of staying in this process. It decides
            the same either way.
    """

    cash: Decimal = field(default=Decimal(100_000), validator=_positive)
    seed: int = 1
    on_error: OnError = OnError.CANCEL
    market: MarketConfig = Factory(MarketConfig)
    strategy: StrategyConfig = Factory(StrategyConfig)
    symbols: str | None = None
    symbols_digest: str = ""
    risk: RiskLimits = Factory(RiskLimits)
    protections: tuple[Protection, ...] = ()
    wire: bool = False


def as_text(config: SessionConfig) -> str:
    """The settings as JSON, from which `from_text` makes the same session; numbers keep their digits."""
    plain = msgspec.to_builtins(config, builtin_types=(Decimal,))
    if plain.get("wire") is False:
        del plain["wire"]  # as if there were no such thing: a session of an older release has the same text
    return msgspec.json.Encoder(decimal_format="number").encode(plain).decode()


def from_text(text: str, where: str) -> SessionConfig:
    """
    The settings that `as_text` wrote.

    Raises:
        InvalidInput: They are not settings; ``where`` is what the error names.
    """
    return convert(json.loads(text, parse_float=Decimal), SessionConfig, where=where)
