"""
The fixture ``paper_venue``: Alpaca on localhost for a test, with a port, an account and a market of its own.

pytest loads this with every run, so it imports nothing but pytest; the venue is loaded by the first test that wants it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from bridge.venue.faults.armed import AnyFault
    from bridge.venue.limits import RateLimit
    from bridge.venue.market import Market
    from bridge.venue.paper_venue import PaperVenue

__all__ = ["paper_venue", "pytest_configure"]

_MARKER = (
    "paper_venue(speed=1.0, seed=0, cash=100000, latency=0, partials=0, rate_limit='200/60', hours='always', "
    "market='still', prices={}, faults=()): what the venue of the fixture paper_venue is made of; "
    "speed=None: its time stands until step()."
)
_EXTRA = {"attrs", "msgspec", "starlette", "uvicorn", "websockets"}


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest know the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def paper_venue(request: pytest.FixtureRequest) -> Iterator[PaperVenue]:
    """
    Alpaca on localhost for this test alone: url, stream_url, key, secret, client(), env(), price(), step(), faults.

    Orders take effect at once, prices stand until the test moves them by price(), and time runs; the marker paper_venue
    says otherwise.
    """
    missing = _missing()
    if missing is not None:
        pytest.fail(f"paper_venue needs the package {missing}: pip install 'tradebridge[venue]'", pytrace=False)
    marker = request.node.get_closest_marker("paper_venue")
    args, kwargs = ((), {}) if marker is None else (marker.args, marker.kwargs)
    made = _made(args, kwargs)
    if isinstance(made, str):
        pytest.fail(f"marker paper_venue: {made}", pytrace=False)
    with made as venue:
        yield venue


def _missing() -> str | None:
    """The package that the venue needs and does not find."""
    try:
        import bridge.venue.paper_venue  # noqa: F401
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in _EXTRA:
            return package
        raise
    return None


def _made(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> PaperVenue | str:
    """The venue of a marker; or what is wrong with it, so that a test can fail with that line alone."""
    from engine.errors import TradingError

    asked = inspect.signature(_venue)
    try:
        asked.bind(*args, **kwargs)
    except TypeError as error:
        return f"{error}; by name it takes {', '.join(asked.parameters)}"
    try:
        return _venue(**kwargs)
    except (TradingError, TypeError) as error:
        return str(error)


def _venue(
    *,
    speed: float | None = 1.0,
    seed: int = 0,
    cash: Decimal | float | str = 100_000,
    latency: float | tuple[float, float] | str = 0.0,
    partials: float = 0.0,
    rate_limit: RateLimit | str = "200/60",
    hours: Literal["always", "exchange"] = "always",
    market: Market | Literal["still", "synthetic"] = "still",
    prices: Mapping[str, Decimal | float | str] | None = None,
    faults: str | PathLike[str] | Iterable[AnyFault | Mapping[str, Any]] = (),
) -> PaperVenue:
    """A venue that has not been started."""
    from attrs import evolve

    from bridge.venue import notation
    from bridge.venue.frictions import Terms
    from bridge.venue.market import Still
    from bridge.venue.paper_venue import PaperVenue
    from bridge.venue.recipe import PAPER, Recipe
    from bridge.venue.serving.pace import Running
    from engine.clock import SystemClock
    from engine.errors import InvalidRequest

    start = SystemClock().now()
    if speed is not None:
        Running(start, speed=speed)  # complains if there is no such speed
    played = None if isinstance(market, str) else market
    if market == "still":
        begins = {symbol: notation.amount(f"price of {symbol}", price) for symbol, price in (prices or {}).items()}
        played = Still(start, begins)
    elif prices is not None:
        raise InvalidRequest("prices", prices, "none, or a still market to begin at them")
    elif isinstance(market, str) and market != "synthetic":
        raise InvalidRequest("market", market, "still, synthetic, or a market such as Recorded({'AAPL': 'aapl.csv'})")
    if isinstance(latency, str):
        latency = notation.latency(latency)
    recipe = Recipe(
        traders=(evolve(PAPER, cash=notation.amount("cash", cash)),),
        market=played,
        hours=hours,
        seed=seed,
        terms=Terms(latency=latency if isinstance(latency, tuple) else (latency, latency), partials=partials),
        rate=notation.rate_limit(rate_limit) if isinstance(rate_limit, str) else rate_limit,
        faults=_faults(faults),
    )
    return PaperVenue(recipe, speed=speed)


def _faults(wanted: str | PathLike[str] | Iterable[AnyFault | Mapping[str, Any]]) -> tuple[AnyFault, ...]:
    """Those of a file, or a list of faults and of tables as a file has them."""
    import msgspec

    from bridge.venue.faults.files import from_file, from_json

    if isinstance(wanted, str | PathLike):
        return from_file(fspath(wanted))
    found: list[AnyFault] = []
    for each in wanted:
        if isinstance(each, Mapping):
            found += from_json(msgspec.json.encode({"fault": [dict(each)]}))
        else:
            found.append(each)
    return tuple(found)
