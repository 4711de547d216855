"""
Progress and tables on a terminal, drawn by ``rich``; the one module that imports it.

Nothing here starts a thread: the display moves when the session reports, at most ten times a second.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from engine.clock import HostClock, SystemHostClock
from engine.session import Progress

__all__ = ["RichPainter", "RichProgress"]

_REDRAW_AFTER = 0.1  # seconds between two drawings

_OUTCOMES = {"completed": "bold green", "stopped": "bold yellow"}
_STATUSES = {
    "filled": "green",
    "partial": "yellow",
    "working": "yellow",
    "unknown": "bold red",
    "lost": "bold red",
    "denied": "red",
    "rejected": "red",
    "canceled": "dim",
    "expired": "dim",
}
_NAME = 12  # where the value begins in a line of the summary
_WHOLE = frozenset({"order", "market time", "status"})  # what one wants to copy, or reads at a glance
_ROOMY = 80  # columns from which on they are not broken
_TRAILING = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$")
_TEXTS = frozenset({"market time", "positions", "books"})  # a number at their beginning is not what they are about
_FIGURE = re.compile(r"([+-]?\d[\d,]*(?:\.\d+)?(?:%| s)?)(?:$|[ :](.*))", re.DOTALL)


def _console(stream: TextIO) -> Console:
    return Console(
        file=stream,
        force_terminal=True,  # whoever calls has asked the stream
        no_color=bool(os.environ.get("NO_COLOR")),  # any value that is not empty, in every version of rich
        highlight=False,
        markup=False,
        emoji=False,
    )


class RichPainter:
    """See `bridge.cli.terminal.Painter`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def summary(self, lines: str) -> str:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column()
        head, *others = ((line[:_NAME].strip(), line[_NAME:].strip()) for line in lines.splitlines())
        outcome = Text(head[1], _OUTCOMES.get(head[1], "bold red"))
        for name, rest in others:
            found = None if name in _TEXTS else _FIGURE.match(rest)
            figure, note = (found[1], found[2] or "") if found is not None else ("", rest)
            table.add_row(name, Text(figure, _sign(figure)), Text(_bare(note)))
        return self._drawn(Group(outcome, table))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
        roomy = _console(self._stream).width >= _ROOMY
        for name in header:
            table.add_column(name, overflow="fold", no_wrap=roomy and name in _WHOLE)
        coloured = header.index("status")
        for row in rows:
            cells = [Text(cell) for cell in row]
            cells[coloured].stylize(_STATUSES.get(row[coloured].partition(" ")[0], ""))
            table.add_row(*cells)
        return self._drawn(table)

    def _drawn(self, what: RenderableType) -> str:
        console = _console(self._stream)
        with console.capture() as captured:
            console.print(what)
        # Padded to the terminal's width, lines would break where it is made narrower, and be copied with blanks.
        return "\n".join(_TRAILING.sub(r"\1", line) for line in captured.get().splitlines())


class RichProgress:
    """
    A bar (without a total: a spinner) over two lines of figures, taken away again in the end.

    Args:
        total: How many bars there will be; None: nobody knows.
        cash: What the session began with, quote units.
    """

    def __init__(
        self, stream: TextIO, *, total: int | None, cash: Decimal, host_clock: HostClock | None = None
    ) -> None:
        self.every = 100
        self.aside = ("\r\x1b[2K", "")  # in place of the last line: the cursor has to stay in it
        self._total = total
        self._cash = cash
        self._host = host_clock or SystemHostClock()
        self._began = self._host.monotonic()
        self._drawn: float | None = None
        self._spinner = Spinner("line")
        self._live: Live | None = Live(
            console=_console(stream),
            auto_refresh=False,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # what a strategy prints stands above; in a file it stays in the file
            redirect_stderr=True,
        )

    def __call__(self, progress: Progress, /) -> None:
        now = self._host.monotonic()
        if self._live is None or (self._drawn is not None and now - self._drawn < _REDRAW_AFTER):
            return
        try:
            if self._drawn is None:
                self._live.start()
                self._live.console.show_cursor(True)  # or a second signal, or kill -9, would leave it hidden
            self._drawn = now
            self._live.update(self._picture(progress, now - self._began), refresh=True)
        except OSError:  # the terminal has gone; that ends no session
            self.clear()

    def clear(self) -> None:
        """Leave an empty line behind."""
        live, self._live = self._live, None
        if live is not None and self._drawn is not None:
            try:
                live.stop()
            except OSError:
                pass

    def _picture(self, progress: Progress, seconds: float) -> RenderableType:
        rate = progress.bars / seconds if seconds > 0 else 0.0
        head = Table.grid(padding=(0, 1), expand=self._total is not None)
        word = Text("replaying" if progress.replaying else "playing", "cyan")
        at = Text(f"{progress.at:%Y-%m-%d %H:%M}")
        bars = f"{progress.bars:,} bars"
        left = ""
        if self._total:
            done = min(progress.bars / self._total, 1.0)
            head.add_column(no_wrap=True)
            head.add_column(ratio=1)
            head.add_column(no_wrap=True, justify="right")
            head.add_column(no_wrap=True)
            head.add_row(word, ProgressBar(total=1.0, completed=done, complete_style="cyan"), f"{done:.0%}", at)
            bars = f"{progress.bars:,} of {self._total:,} bars"
            if rate:
                left = f"{timedelta(seconds=round(max(self._total - progress.bars, 0) / rate))} left"
        else:
            head.add_row(self._spinner, word, at)
        gain = progress.equity - self._cash
        speed = Text("  ".join(part for part in (bars, f"{rate:,.0f}/s" if rate else "", left) if part), "dim")
        money = Text.assemble(
            f"equity {progress.equity:,.2f} ",
            (f"{gain:+,.2f}", _sign(f"{gain:+.2f}")),
            f"  drawdown {progress.drawdown:.2%}  {progress.orders:,} orders",
        )
        for line in (speed, money):
            line.no_wrap, line.overflow = True, "ellipsis"
        return Group(head, money, speed)


def _sign(figure: str) -> str:
    """Green for a gain, red for a loss, nothing for a figure without a sign or for nothing gained."""
    if figure[:1] not in ("+", "-") or not figure.strip("+-0.,"):
        return ""
    return "green" if figure[0] == "+" else "red"


def _bare(note: str) -> str:
    """A note without the parentheses round all of it."""
    note = note.strip()
    return note[1:-1] if note.startswith("(") and note.endswith(")") and note.count("(") == 1 else note
