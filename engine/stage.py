"""
What a session is played on and with: market data, calendar, the models of its venue, its gate; all from its settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import TypedDict

from attrs import evolve, frozen

from engine.brokers.simulated import SimulatedBroker
from engine.calendar import AlwaysOpen, Calendar, USEquities
from engine.clock import SimulatedClock
from engine.errors import InvalidInput
from engine.market.bars import Bar, digest, read_bars, slices
from engine.market.fees import AlpacaCrypto, BasisPoints, BySymbol, FeeModel, NoFees, USEquityFees
from engine.market.liquidity import Depth
from engine.market.prices import TakerCosts
from engine.market.synthetic import LISTINGS, synthetic_calendar, synthetic_day
from engine.market.ticks import Kind, kind_of, read_ticks
from engine.ports import Stage
from engine.recipe import Fees, Hours, MarketConfig, SessionConfig
from engine.risk.gate import RiskGate
from engine.risk.listings import from_file
from engine.risk.protections import Protections
from engine.risk.symbols import PRESETS, SymbolTable

__all__ = ["Frictions", "MarketData", "StageMaker", "fees_of", "frictions", "gate_of", "market_data", "simulated"]


@frozen
class MarketData:
    """
    What a session is played on.

    Attributes:
        first: Start of the first bar.
        bars: Bars of the same moment together, oldest first; they can be read once.
        digest: SHA-256 of the file they come from, hex; "" for the synthetic day, which its seed decides.
        symbols: All that there are bars of; None: not known beforehand, and no rules of symbols either, unless a file
            has them.
    """

    first: datetime
    bars: Iterable[tuple[Bar, ...]]
    calendar: Calendar
    digest: str
    symbols: tuple[str, ...] | None = None


StageMaker = Callable[[SessionConfig, MarketData], Stage]
"""Makes what a session of these settings is played on; the bars are the session's own to read."""


def market_data(config: SessionConfig) -> MarketData:
    """
    What a session of these settings is played on.

    Raises:
        InvalidInput: There is no such file, or no bar in it.
    """
    market = config.market
    if market.bars is None:
        calendar: Calendar = synthetic_calendar() if market.hours is Hours.AUTO else _calendar(market.hours, "")
        names = tuple(listing.symbol for listing in LISTINGS)
        return _with_first(names, slices(synthetic_day(config.seed)), calendar, "", "the synthetic day")
    symbol = market.symbol or ""
    stream: Iterator[Bar]
    if kind_of(market.bars) is Kind.BARS:
        stream = read_bars(market.bars, symbol)
    else:
        stream = read_ticks(market.bars, symbol, every=timedelta(seconds=market.bar_seconds))
    return _with_first((symbol,), slices(stream), _calendar(market.hours, symbol), digest(market.bars), market.bars)


def _with_first(
    symbols: tuple[str, ...], bars: Iterator[tuple[Bar, ...]], calendar: Calendar, digested: str, name: str
) -> MarketData:
    first = next(bars, None)
    if first is None:
        raise InvalidInput(name, "no bars", "at least one")
    return MarketData(first[0].start, chain([first], bars), calendar, digested, symbols)


def _calendar(hours: Hours, symbol: str) -> Calendar:
    round_the_clock = "/" in symbol if hours is Hours.AUTO else hours is Hours.ALWAYS
    return AlwaysOpen() if round_the_clock else USEquities()


# --- the venue --------------------------------------------------------------------------------------------------------


class Frictions(TypedDict, total=False):
    """What a `SimulatedBroker` takes beside the fees."""

    depth: Depth
    costs: TakerCosts


def frictions(market: MarketConfig) -> Frictions:
    """The models that make a fill what it would be; none of an ideal market."""
    fills = market.fills
    if market.ideal:
        return {}
    return {
        "depth": Depth(participation=fills.participation or None, queue=fills.queue),
        "costs": TakerCosts(
            spread=fills.spread_bps, slippage=fills.slippage_bps, impact=fills.impact_bps, tick=fills.tick
        ),
    }


def simulated(config: SessionConfig, data: MarketData) -> Stage:
    """A venue in this process."""
    market = config.market
    clock = SimulatedClock(data.first)
    return SimulatedBroker(clock, calendar=data.calendar, fees=fees_of(market), **frictions(market))


def fees_of(market: MarketConfig) -> FeeModel:
    """What the venue takes for a trade; a flat fee stands for all others."""
    if market.fee_bps is not None:
        return BasisPoints(market.fee_bps) if market.fee_bps else NoFees()
    if market.ideal:
        return NoFees()
    models: dict[Fees, FeeModel] = {
        Fees.AUTO: BySymbol(pairs=AlpacaCrypto(), others=USEquityFees()),
        Fees.NONE: NoFees(),
        Fees.ALPACA_CRYPTO: AlpacaCrypto(),
        Fees.US_EQUITIES: USEquityFees(),
    }
    return models[market.fees]


# --- the gate ---------------------------------------------------------------------------------------------------------


def gate_of(config: SessionConfig, names: Sequence[str] | None, fee_rate: Decimal, first: datetime) -> RiskGate:
    """
    The gate that the settings ask for.

    Args:
        names: The symbols of the market; None: not known, and no rules are made up for them.
        fee_rate: The highest fee, as a ratio of the cost.
        first: When the session begins, market time: rules have to hold by then.

    Raises:
        InvalidInput: The file with the symbols' rules is wrong, has changed, or lacks one of the names.
    """
    return RiskGate(
        limits=config.risk,
        protections=Protections(config.protections),
        symbols=_symbols(config, names, first),
        fee_rate=fee_rate,
    )


def _symbols(config: SessionConfig, names: Sequence[str] | None, first: datetime) -> SymbolTable | None:
    if config.symbols is None:
        if names is None:
            return None
        presets = [(name, PRESETS["alpaca-crypto" if "/" in name else "us-equity"]) for name in names]
        return SymbolTable(evolve(preset, symbol=name) for name, preset in presets)
    found = digest(config.symbols)
    if config.symbols_digest not in ("", found):
        expected = f"the file that the session began with, SHA-256 {config.symbols_digest[:16]}…"
        raise InvalidInput(config.symbols, f"SHA-256 {found[:16]}…", expected)
    table = from_file(config.symbols)
    for name in names or ():
        if table.at(name, first) is None:
            raise InvalidInput(
                config.symbols, f"no rules of {name} on {first:%Y-%m-%d}", "those of every symbol that the market has"
            )
    return table
