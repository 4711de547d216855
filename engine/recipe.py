"""What a session is made of: the settings that a user writes, and that its journal keeps."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum

import msgspec
from attrs import Factory, field, frozen

from engine.config import convert
from engine.errors import InvalidRequest

__all__ = ["Hours", "MarketConfig", "OnError", "SessionConfig", "StrategyConfig", "as_text", "from_text"]


class OnError(Enum):
    """What becomes of live orders when the strategy raises."""

    CANCEL = "cancel"
    KEEP = "keep"


class Hours(Enum):
    """When the market is open: follows the symbol, round the clock, or the hours of US equities."""

    AUTO = "auto"
    ALWAYS = "24/7"
    US_EQUITIES = "us-equities"


def _positive(instance: object, attribute: object, value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        raise InvalidRequest("cash", value, "a number > 0")


def _basis_points(instance: object, attribute: object, value: Decimal) -> None:
    if not value.is_finite() or not 0 <= value < 10_000:
        raise InvalidRequest("fee_bps", value, "a number from 0 to below 10000 (10 = 0.1 %)")


@frozen(kw_only=True)
class MarketConfig:
    """
    Attributes:
        bars: File of bars (CSV, CSV.gz, Parquet); None: the synthetic day.
        symbol: What the bars are of, e.g. "BTC/USD"; needed with a file.
        fee_bps: Fee of every fill in basis points of its cost (10 = 0.1 %).
    """

    bars: str | None = None
    symbol: str | None = None
    hours: Hours = Hours.AUTO
    fee_bps: Decimal = field(default=Decimal(0), validator=_basis_points)

    def __attrs_post_init__(self) -> None:
        if (self.bars is None) is not (self.symbol is None):
            missing, given = ("symbol", "bars") if self.symbol is None else ("bars", "symbol")
            raise InvalidRequest(missing, None, f"a value, because {given} is given")
        if self.symbol is not None and not self.symbol.strip():
            raise InvalidRequest("symbol", self.symbol, "a name, e.g. BTC/USD")


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
    """

    cash: Decimal = field(default=Decimal(100_000), validator=_positive)
    seed: int = 1
    on_error: OnError = OnError.CANCEL
    market: MarketConfig = Factory(MarketConfig)
    strategy: StrategyConfig = Factory(StrategyConfig)


def as_text(config: SessionConfig) -> str:
    """The settings as JSON, from which `from_text` makes the same session; numbers keep their digits."""
    return msgspec.json.Encoder(decimal_format="number").encode(config).decode()


def from_text(text: str, where: str) -> SessionConfig:
    """
    The settings that `as_text` wrote.

    Raises:
        InvalidInput: They are not settings; ``where`` is what the error names.
    """
    return convert(json.loads(text, parse_float=Decimal), SessionConfig, where=where)
