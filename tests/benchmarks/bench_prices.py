"""What a venue's prices cost: made-up minutes of all its assets, as they are, every second, and played."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bridge.venue.assets import ASSETS
from bridge.venue.core import Core, Trader
from bridge.venue.hours import calendar_of
from bridge.venue.market import Market, Move, Synthetic, fine, play
from result import Result

__all__ = ["NAME", "run"]

NAME = "prices"
START = datetime(2026, 3, 9, tzinfo=UTC)


def run() -> Iterator[Result]:
    market = Synthetic(1, START)
    every_second = fine(market, timedelta(seconds=1))
    core = Core([Trader(key="k", secret="s")], calendar=calendar_of("always"), start=START)
    assets = sum(asset.active for asset in ASSETS)
    for case, minutes, rate in (
        (f"minutes of {assets} assets", 5_000, _rate(market, 5_000)),
        (f"minutes of {assets} assets, every second", 500, _rate(every_second, 500)),
        (f"minutes of {assets} assets, played with no orders", 2_000, _rate(market, 2_000, core)),
    ):
        yield Result(bench=NAME, case=f"{minutes:,} {case}", value=rate, unit="minutes/s")


def _rate(market: Market, minutes: int, core: Core | None = None) -> float:
    end = START + timedelta(minutes=minutes)
    began = time.perf_counter()
    for move in market.moves():
        if move.at > end:
            break
        _happens(core, move)
    return minutes / (time.perf_counter() - began)


def _happens(core: Core | None, move: Move) -> None:
    if core is not None:
        play(core, move)
