"""What the commands share: exit codes, what may be drawn where, and output that survives a reader who has gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol, TextIO

from engine.clock import HostClock, SystemHostClock
from engine.session import Progress

__all__ = ["Exit", "Painter", "ProgressLine", "complain", "number", "painter", "redraws", "say"]

_REDRAW_AFTER = 0.1  # seconds between two drawings of the line on a terminal


class Exit(IntEnum):
    """What a command's exit code says."""

    COMPLETED = 0
    WRONG_INPUT = 2
    STRATEGY_RAISED = 3
    JOURNAL_TROUBLE = 4
    STOPPED = 130


def say(text: str) -> None:
    """A line, or several, on stdout; nobody reading it is no error."""
    _write(sys.stdout, text + "\n")


def complain(text: str) -> None:
    """A line, or several, on stderr."""
    _write(sys.stderr, text + "\n")


class Painter(Protocol):
    """Makes tables for a terminal; each method answers with a text for `say`."""

    def summary(self, lines: str) -> str:
        """The figures of a session; they come as lines ``name  value``, the outcome first."""

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Rows of cells; what stands in a column "status" is coloured by what it says."""


def painter() -> Painter | None:
    """What draws on stdout; None: it is no terminal, or ``rich`` is not there, and lines it is."""
    if not redraws(sys.stdout):
        return None
    try:
        from bridge.cli.rich_terminal import RichPainter
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "rich":
            raise
        return None
    return RichPainter(sys.stdout)


def redraws(stream: TextIO) -> bool:
    """Whether it is a terminal that can do more than print one line after the other."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def number(value: object) -> str:
    """A `Decimal` for people: every digit, no exponent, no zeros at the end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class ProgressLine:
    """
    How far a session is, on stderr: one line that is written again and again on a terminal, else a line each.

    Attributes:
        every: After how many bars to ask for the next line.
        aside: What has to be written before and behind a word that comes between two lines.
    """

    def __init__(self, *, stream: TextIO | None = None, host_clock: HostClock | None = None) -> None:
        self._stream = stream or sys.stderr
        self._host = host_clock or SystemHostClock()
        self._terminal = redraws(self._stream)
        self._drawn: float | None = None
        self._width = 0
        self.every = 100 if self._terminal else 1_000
        self.aside = ("\n", "\n")

    def __call__(self, progress: Progress) -> None:
        text = f"{progress.at:%Y-%m-%d %H:%M}  {progress.bars:,} bars  equity {progress.equity:,.2f}"
        if progress.replaying:
            text = f"replaying {text}"
        if not self._terminal:
            _write(self._stream, text + "\n")
            return
        now = self._host.monotonic()
        if self._drawn is None or now - self._drawn >= _REDRAW_AFTER:
            self._drawn = now
            _write(self._stream, "\r" + text.ljust(self._width))
            self._width = len(text)

    def clear(self) -> None:
        """Leave an empty line behind on a terminal, so that what follows stands alone."""
        if self._width:
            _write(self._stream, "\r" + " " * self._width + "\r")
            self._width = 0


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # The reader has gone ("| head"). Python would stumble over the rest at exit, so let it go nowhere.
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
        except OSError:
            pass
    except OSError:
        if stream is sys.stdout:  # what was asked for cannot be told; progress that cannot be told ends no session
            raise
