"""Markets of given bars, and files of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.venue.market.moves import Move, moves_of
from engine.market.bars import Bar, slices

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


class Played:
    """A market of bars of one width."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        self.bars = bars
        self.first = min(bar.start for bar in bars)
        self.prices = {bar.symbol: bar.open for bar in reversed(bars)}
        self.calendar = None
        self.recipe = {"market": "played"}

    def moves(self) -> Iterator[Move]:
        for together in slices(self.bars):
            yield from moves_of(together)


def made(symbol: str, minute: int, prices: str, volume: int = 1000, width: int = 60) -> Bar:
    """A bar of so many seconds that begins so many minutes after 14:30; prices are open, high, low, close."""
    start = START + timedelta(minutes=minute)
    return Bar(symbol, start, start + timedelta(seconds=width), *map(Decimal, prices.split()), Decimal(volume))


@pytest.fixture(scope="session")
def bar() -> Callable[..., Bar]:
    """``bar("AAPL", 0, "190 191 189 190.5")``"""
    return made


@pytest.fixture(scope="session")
def market_of() -> Callable[..., Played]:
    """``market_of([bar, …])``"""
    return Played


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str, str], str]:
    """``file_of("a.csv", "timestamp,open,…\\n…")``: its path."""

    def written(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return written
