"""Which display tells how far a session is, and how many bars it counts on."""

from __future__ import annotations

import gzip
import sys

import pytest

from bridge.cli.progress import display, expected_bars
from bridge.cli.terminal import ProgressLine
from engine.market.synthetic import synthetic_day
from engine.session import MarketConfig, SessionConfig

BARS = [bar for bar in synthetic_day(1) if bar.symbol == "SPY"][:123]


def bars_of(path):
    return expected_bars(SessionConfig(market=MarketConfig(bars=str(path), symbol="SPY")))


def test_bars_of_the_made_up_day():
    """A made-up day has 390 minutes."""
    assert 390 == expected_bars(SessionConfig())


def test_bars_of_a_file(bars_file, tmp_path):
    """Lines are counted, compressed or not, the header left out; the last one may lack its end."""
    plain = bars_file(*BARS)
    text = plain.read_bytes()
    packed = tmp_path / "bars.csv.gz"
    packed.write_bytes(gzip.compress(text))
    counted = (bars_of(plain), bars_of(packed))
    plain.write_bytes(text.rstrip())

    assert (123, 123) == counted
    assert 123 == bars_of(plain)


def test_bars_of_a_parquet_file(bars_file, tmp_path):
    """A Parquet file says how many rows it has."""
    polars = pytest.importorskip("polars")
    path = tmp_path / "bars.parquet"
    polars.read_csv(bars_file(*BARS)).write_parquet(path)

    assert 123 == bars_of(path)


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.parquet"])
def test_files_that_cannot_be_counted(tmp_path, name):
    """Nobody knows how many bars a file has that is damaged or not there; the session itself says what is wrong."""
    absent = bars_of(tmp_path / name)
    (tmp_path / name).write_bytes(b"\x1f\x8b\x08 damaged")

    assert None is absent
    assert (0 if name == "bars.csv" else None) == bars_of(tmp_path / name)


def test_a_file_too_large_to_count(tmp_path):
    """A file that would take long to count is not counted."""
    path = tmp_path / "bars.csv"
    with path.open("wb") as file:
        file.truncate(200_000_001)

    assert None is bars_of(path)


def test_lines_where_there_is_no_terminal(capsys):
    """In a file or a pipe progress is lines."""
    assert not sys.stderr.isatty()
    assert ProgressLine is type(display(SessionConfig()))


def test_quiet(run):
    """--quiet leaves stderr empty, for a new session and a resumed one, and stdout as it is."""
    ran = run("paper", "--quiet", "--out", "x")
    again = run("paper", "--quiet", "--resume", "x")

    assert (0, "", 0, "") == (ran.code, ran.err, again.code, again.err)
    assert "outcome     completed" == ran.out.splitlines()[0] == again.out.splitlines()[0]


def test_a_terminal_without_rich(on_terminal):
    """Where rich is not installed a terminal gets one line that is written again and again, and then plain lines."""
    absent = (
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'rich':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())"
    )
    seen = on_terminal("paper", "--out", "x", code=absent)
    told = on_terminal("explain", "x", code=absent)

    assert (0, 0) == (seen.code, told.code)
    assert "\r2024-01-02 16:10  100 bars  equity " in seen.screen
    assert "outcome     completed\n" in seen.screen
    assert "\x1b" not in seen.screen + told.screen
    assert ", from 2024-01-02 14:30:00 on: " in told.screen.splitlines()[0]
