"""Numbers for people, and the line that tells how far a session is."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bridge.cli.terminal import ProgressLine, number
from engine.session import Progress
from engine.testing import ManualHostClock

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def progress(bars=1_000, *, equity="100000", replaying=False):
    return Progress(NOON, bars, Decimal(equity), replaying)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("10", "10"), ("1.50", "1.5"), ("2.00", "2"), ("1E+3", "1000"), ("0.00000001", "0.00000001"), ("-0.10", "-0.1")],
)
def test_number(value, expected):
    """Every digit, no exponent, no zeros at the end."""
    assert expected == number(Decimal(value))


def test_a_line_each_where_there_is_no_terminal():
    """In a file or a pipe each report is a line of its own: market time, bars, equity."""
    stream = io.StringIO()
    line = ProgressLine(stream=stream)
    line(progress())
    line(progress(2_000, equity="99999.5", replaying=True))
    line.clear()

    assert (
        "2024-01-02 12:00  1,000 bars  equity 100,000.00\nreplaying 2024-01-02 12:00  2,000 bars  equity 99,999.50\n"
    ) == stream.getvalue()


def test_one_line_on_a_terminal():
    """On a terminal a report overwrites the last one wholly, and nothing is left in the end."""
    stream, clock = Terminal(), ManualHostClock()
    line = ProgressLine(stream=stream, host_clock=clock)
    line(progress(replaying=True))
    clock.advance(1)
    line(progress())
    line.clear()
    drawn = stream.getvalue().split("\r")

    assert "replaying 2024-01-02 12:00  1,000 bars  equity 100,000.00" == drawn[1]
    assert "2024-01-02 12:00  1,000 bars  equity 100,000.00".ljust(len(drawn[1])) == drawn[2]
    assert ("", "") == (drawn[3].strip(), drawn[4])


def test_a_disk_that_is_full():
    """Progress that cannot be written is left out, and the session goes on."""

    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    ProgressLine(stream=Full())(progress())


def test_a_terminal_is_not_flooded():
    """Reports that follow within a tenth of a second are left out on a terminal."""
    stream, clock = Terminal(), ManualHostClock()
    line = ProgressLine(stream=stream, host_clock=clock)
    for bars in range(100, 1_000, 100):
        line(progress(bars))
        clock.advance(0.03)

    assert 3 == stream.getvalue().count("\r")
