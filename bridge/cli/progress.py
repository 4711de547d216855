"""How far a session is: which display tells it, and how many bars there will be."""

from __future__ import annotations

import gzip
import sys
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from bridge.cli.terminal import ProgressLine, redraws
from engine.clock import EPOCH
from engine.market.synthetic import synthetic_calendar
from engine.session import Progress, SessionConfig

__all__ = ["Display", "display", "expected_bars"]

_MOST = 200_000_000  # bytes of a file that are still counted: a tenth of a second, or one for a compressed file
_BLOCK = 1 << 20
_MINUTE = timedelta(minutes=1)


class Display(Protocol):
    """
    Tells how far a session is.

    Attributes:
        every: After how many bars to ask for the next report.
        aside: What has to be written before and behind a word that comes between two reports.
    """

    every: int
    aside: tuple[str, str]

    def __call__(self, progress: Progress, /) -> None: ...

    def clear(self) -> None:
        """Leave an empty line behind on a terminal, so that what follows stands alone."""


def display(config: SessionConfig) -> Display:
    """A bar and figures where stderr is a terminal and ``rich`` is there, else lines."""
    if redraws(sys.stderr):
        try:
            from bridge.cli.rich_terminal import RichProgress
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "rich":
                raise
        else:
            return RichProgress(sys.stderr, total=expected_bars(config), cash=config.cash)
    return ProgressLine()


def expected_bars(config: SessionConfig) -> int | None:
    """How many bars will be played, for the eye only; None: to find out would take long, or fail."""
    if config.market.bars is None:
        session = synthetic_calendar().next_session(EPOCH)
        return (session.close - session.open) // _MINUTE
    path = Path(config.market.bars)
    try:
        if path.stat().st_size > _MOST:
            return None
        return _rows_of_parquet(path) if path.suffix.lower() == ".parquet" else max(_lines(path) - 1, 0)
    except (OSError, EOFError, ImportError):
        return None


def _lines(path: Path) -> int:
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        count, last = 0, b"\n"
        while block := file.read(_BLOCK):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def _rows_of_parquet(path: Path) -> int | None:
    import polars

    try:
        return int(polars.scan_parquet(path).select(polars.len()).collect().item())
    except polars.exceptions.PolarsError:
        return None
