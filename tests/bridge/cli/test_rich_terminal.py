"""What stands on a terminal: a bar with figures while a session runs, tables behind it."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

pytest.importorskip("rich")

from bridge.cli.rich_terminal import RichPainter, RichProgress
from engine.session import Progress
from engine.testing import ManualHostClock

D = Decimal
AT = datetime(2024, 1, 2, 15, 4, tzinfo=UTC)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9]+;)*[349][0-7](?:;[0-9]+)*m")

LINES = """\
outcome     completed
market time 2024-01-02 14:30 to 2024-01-02 21:00, 390 bars
orders      28: 28 filled
profit      -1,047.48  (realised -72.24, open +24.76, fees 0.00)
equity      99,952.52  (cash 49,430.58)
exposure    65.1% of the bars
positions   160 AAPL, 43 SPY
run         0.02 s on this machine, 87 facts in the journal
"""


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """The terminal that a test in this process believes in."""
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def plain(text):
    return ESCAPES.sub("", text)


# --- tables -----------------------------------------------------------------------------------------------------------


def test_figures_stand_under_each_other():
    """Each figure is set to the right, with its notes behind; texts stand where the notes do."""
    assert """\
completed
market time             2024-01-02 14:30 to 2024-01-02 21:00, 390 bars
orders              28  28 filled
profit       -1,047.48  realised -72.24, open +24.76, fees 0.00
equity       99,952.52  cash 49,430.58
exposure         65.1%  of the bars
positions               160 AAPL, 43 SPY
run             0.02 s  on this machine, 87 facts in the journal""" == plain(RichPainter(io.StringIO()).summary(LINES))


@pytest.mark.parametrize(
    ("value", "colour"), [("+12.00", "\x1b[32m"), ("-12.00", "\x1b[31m"), ("+0.00", None), ("12.00", None)]
)
def test_gains_are_green_and_losses_red(value, colour):
    """A figure with a sign is coloured by it; nothing gained and figures without a sign are not."""
    drawn = RichPainter(io.StringIO()).summary(f"outcome     completed\nprofit      {value}")
    row = drawn.splitlines()[-1]

    assert (colour or value) in row
    assert (colour is not None) is bool(COLOUR.search(row))


@pytest.mark.parametrize(
    ("outcome", "code"), [("completed", "32"), ("stopped", "33"), ("failed: ValueError: no", "31")]
)
def test_the_outcome_is_coloured(outcome, code):
    """Green, yellow and red say how it ended."""
    assert f"\x1b[1;{code}m{outcome}" in RichPainter(io.StringIO()).summary(f"outcome     {outcome}\n")


def test_no_colour(monkeypatch):
    """NO_COLOR with any value takes the colours and leaves the table; empty it says nothing."""
    coloured = RichPainter(io.StringIO()).summary(LINES)
    monkeypatch.setenv("NO_COLOR", "")
    empty = RichPainter(io.StringIO()).summary(LINES)
    monkeypatch.setenv("NO_COLOR", "0")
    without = RichPainter(io.StringIO()).summary(LINES)

    assert coloured == empty
    assert (True, False) == (bool(COLOUR.search(coloured)), bool(COLOUR.search(without)))
    assert plain(coloured) == plain(without)


def test_a_narrow_terminal(monkeypatch):
    """Where there is no room lines are folded, and nothing is lost."""
    monkeypatch.setenv("COLUMNS", "60")
    header = ("order", "market time", "asks for", "status", "filled")
    row = ("tb1-1", "2024-01-02 15:04:00", "buy 62 SPY at market, gtc, take-profit 99", "filled", "62 of 62 at 478.71")
    drawn = plain(RichPainter(io.StringIO()).table(header, [row]))

    assert 60 >= max(map(len, drawn.splitlines()))
    assert sorted("".join((*header, *row)).replace(" ", "")) == sorted("".join(drawn.split()))


def test_statuses_are_coloured():
    """Filled is green, denied red, a cancel that was asked for has its status's colour."""
    rows = [("a", "filled"), ("b", "denied"), ("c", "working (cancel asked for)")]
    drawn = RichPainter(io.StringIO()).table(("order", "status"), rows)

    for piece in ("\x1b[32mfilled", "\x1b[31mdenied", "\x1b[33mworking (cancel asked for)"):
        assert piece in drawn


# --- progress ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(total, *, bars=1_000, seconds=2.0, replaying=False, equity="100123.45"):
    """What is drawn after so many bars and seconds."""
    stream, clock = Terminal(), ManualHostClock()
    progress = RichProgress(stream, total=total, cash=D(100_000), host_clock=clock)
    clock.advance(seconds)
    progress(Progress(AT, bars, D(equity), replaying, D("0.0142"), 7))
    drawn = stream.getvalue()
    progress.clear()
    return drawn


def test_a_bar_with_figures():
    """Share, market time, equity and gain, drawdown, orders, bars, speed and the time that is left."""
    head, money, speed = plain(shown(4_000)).splitlines()

    assert re.fullmatch(r"playing ━+╸?━* +25% 2024-01-02 15:04", head)
    assert "equity 100,123.45 +123.45  drawdown 1.42%  7 orders" == money.strip()
    assert "1,000 of 4,000 bars  500/s  0:00:06 left" == speed.strip()


def test_a_spinner_where_the_end_is_not_known():
    """Without a total there is neither a share nor a time that is left."""
    drawn = plain(shown(None, replaying=True))

    assert re.match(r"[-\\|/] replaying 2024-01-02 15:04", drawn)
    assert "1,000 bars  500/s" in drawn
    assert "left" not in drawn and "%" not in drawn.replace("1.42%", "")


def test_more_bars_than_expected():
    """A count that was wrong ends at 100 %, with nothing left."""
    drawn = plain(shown(900, bars=5_000))

    assert "100%" in drawn and "0:00:00 left" in drawn


def test_no_time_has_passed():
    """On the first instant there is no speed yet."""
    assert "/s" not in plain(shown(4_000, seconds=0.0))


def test_a_narrow_terminal_cuts_figures(monkeypatch):
    """However narrow the terminal is, the display has three lines, none longer than it."""
    monkeypatch.setenv("COLUMNS", "30")
    lines = plain(shown(4_000)).splitlines()

    assert 3 == len(lines)
    assert 30 >= max(map(len, lines))


def test_a_terminal_is_not_flooded():
    """Reports within a tenth of a second of the last drawing are left out."""
    stream, clock = Terminal(), ManualHostClock()
    progress = RichProgress(stream, total=None, cash=D(1), host_clock=clock)
    drawn = []
    for bars in range(100, 1_000, 100):
        progress(Progress(AT, bars, D(1), False))
        drawn.append(len(stream.getvalue()))
        clock.advance(0.03)
    progress.clear()

    assert 3 == len(set(drawn))


def test_nothing_is_left_behind():
    """In the end the display is erased; a second end does nothing."""
    stream = Terminal()
    progress = RichProgress(stream, total=10, cash=D(1), host_clock=ManualHostClock())
    progress(Progress(AT, 5, D(1), False))
    progress.clear()
    ended = stream.getvalue()
    progress.clear()
    progress(Progress(AT, 6, D(1), False))

    assert ended == stream.getvalue()
    assert ended.endswith("\x1b[2K")


def test_a_kill_leaves_the_cursor():
    """The cursor is visible all the time, so that no kill can leave a terminal without one."""
    drawn = shown(10)

    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")


def test_a_terminal_that_has_gone():
    """A display that cannot be written ends no session."""

    class Gone(Terminal):
        def write(self, text):
            raise OSError(5, "Input/output error")

    progress = RichProgress(Gone(), total=10, cash=D(1), host_clock=ManualHostClock())
    progress(Progress(AT, 5, D(1), False))
    progress(Progress(AT, 6, D(1), False))

    assert None is progress.clear()


# --- the command line on a terminal -----------------------------------------------------------------------------------


def test_a_session(on_terminal):
    """On a terminal there is a bar, and then a table in colour."""
    seen = on_terminal("paper", "--out", "x")

    assert 0 == seen.code
    assert "playing" in seen.plain and "390 bars" in seen.plain
    assert re.search(r"^profit +-?[\d.,]+  realised ", seen.plain, re.MULTILINE)
    assert COLOUR.search(seen.screen)
    assert "run again   tradebridge paper --resume x\n" in seen.plain


def test_stdout_in_a_file(on_terminal):
    """Where only stderr is a terminal the bar is there, and stdout has the lines that it has in a pipe."""
    seen = on_terminal("paper", "--out", "x", on=("err",))

    assert "playing" in seen.plain
    assert seen.out.startswith("outcome     completed\nmarket time 2024-01-02 14:30 to ")
    assert "\x1b" not in seen.out and "outcome" not in seen.screen


def test_stderr_in_a_file(on_terminal):
    """Where only stdout is a terminal the table is there, and stderr has lines."""
    seen = on_terminal("paper", "--out", "x", on=("out",))

    assert "\x1b" not in seen.err and "recording in x" in seen.err
    assert COLOUR.search(seen.screen) and "playing" not in seen.screen


def test_a_session_without_colour(on_terminal):
    """NO_COLOR takes the colour from bar and table alike."""
    seen = on_terminal("paper", "--out", "x", NO_COLOR="1")

    assert not COLOUR.search(seen.screen)
    assert "playing" in seen.plain and "profit " in seen.plain


def test_a_dumb_terminal(on_terminal):
    """TERM=dumb gets lines, one after the other, as a file does."""
    seen = on_terminal("paper", "--out", "x", TERM="dumb")

    assert "\x1b" not in seen.screen and "\r" not in seen.screen
    assert "outcome     completed\n" in seen.screen


def test_json_on_a_terminal(on_terminal):
    """--json is JSON on a terminal too, without a colour."""
    seen = on_terminal("paper", "--json", "--quiet", "--out", "x")

    assert "completed" == json.loads(seen.screen)["outcome"]


def test_what_a_strategy_prints(on_terminal, tmp_path):
    """What it prints to a file stays in the file, line by line, while the bar is on the terminal."""
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    def on_bar(self, bar, trader): print('bar of', bar.symbol)\n    def on_event(self, *_): ...\n"
    )
    seen = on_terminal("paper", "--strategy", "mine:Mine", "--out", "x", on=("err",))

    assert 3 * 390 == seen.out.count("bar of ")
    assert "bar of" not in seen.screen


def test_a_signal_while_the_bar_is_there(on_terminal, tmp_path):
    """What is said of a signal stands in the display's last line, which goes away with it."""
    (tmp_path / "mine.py").write_text(
        "import os, signal\nclass Mine:\n    n = 0\n    def on_bar(self, *_):\n        self.n += 1\n"
        "        if self.n == 900: os.kill(os.getpid(), signal.SIGINT)\n    def on_event(self, *_): ...\n"
    )
    seen = on_terminal("paper", "--strategy", "mine:Mine", "--out", "x")
    before, _, behind = seen.screen.partition("stopping after this bar; once more ends it at once")

    assert 130 == seen.code
    assert before.endswith("\r\x1b[2K")
    assert behind.startswith("\r\x1b[2K\x1b[1A\x1b[2K\x1b[1A\x1b[2K")
    assert "stopped\n" in seen.plain


def test_explain_on_a_terminal(on_terminal):
    """Orders and lives are tables of at most the terminal's width."""
    on_terminal("paper", "--out", "x")
    listed = on_terminal("explain", "x")
    order_id = re.search(r"^tb\w+-1\b", listed.plain, re.MULTILINE)[0]
    life = on_terminal("explain", "x", order_id, COLUMNS="60")

    assert re.search(r"^order +market time +asks for +status +filled$", listed.plain, re.MULTILINE)
    assert "\x1b[32mfilled" in listed.screen and "\x1b[32mfilled" in life.screen
    assert 80 >= max(map(len, listed.plain.splitlines()))
    assert 60 >= max(map(len, life.plain.splitlines()[3:-3]))
