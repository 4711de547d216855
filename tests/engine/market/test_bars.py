"""Bars and the files they are read from."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from attrs.exceptions import FrozenInstanceError

from engine.errors import InvalidInput, InvalidRequest
from engine.market.bars import Bar, digest, read_bars, slices

REAL = Path(__file__).parents[4] / "shared" / "data" / "btcusd-1m-2022-01.csv.gz"
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HEADER = "timestamp,open,high,low,close,volume\n"
GOOD = "2024-01-02T14:30:00Z,10.0,12,9.50,11,100\n"
NEXT = "2024-01-02T14:31:00Z,11,11,11,11,0\n"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str | bytes, name: str = "bars.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def bar(symbol: str = "AAPL", minute: int = 0) -> Bar:
    one = Decimal(1)
    return Bar(symbol, START + minute * MINUTE, START + (minute + 1) * MINUTE, one, one, one, one, one)


FIRST = Bar(
    symbol="AAPL",
    start=START,
    end=START + MINUTE,
    open=Decimal("10.0"),
    high=Decimal(12),
    low=Decimal("9.50"),
    close=Decimal(11),
    volume=Decimal(100),
)


def test_a_bar_is_frozen() -> None:
    """A bar cannot be changed."""
    with pytest.raises(FrozenInstanceError):
        FIRST.close = Decimal(1)  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + GOOD,
        "\ufeff" + HEADER + GOOD,
        HEADER.replace("\n", "\r\n") + GOOD.replace("\n", "\r\n"),
        HEADER + GOOD.strip(),
        HEADER + "\n" + GOOD + "\n\n",
        HEADER.upper() + GOOD,
        " Timestamp , Open,high, low,close,volume\n" + GOOD,
        HEADER + '"2024-01-02T14:30:00Z","10.0","12","9.50","11","100"\n',
        "v,c,l,h,o,t\n100,11,9.50,12,10.0,2024-01-02T14:30:00Z\n",
        "n,time,open,high,low,close,volume,vwap\nx,2024-01-02 14:30:00+00:00,10.0,12,9.50,11,100,y\n",
        "datetime,o,h,l,c,v\n2024-01-02T09:30:00-05:00,10.0,12,9.50,11,100\n",
        "date,timestamp,open,high,low,close,volume\n2024-01-02,2024-01-02T14:30Z,10.0,12,9.50,11,100\n",
        "t,o,h,l,c,v\n1704205800,10.0,12,9.50,11,100\n",
        "t,o,h,l,c,v\n1704205800.0,10.0,12,9.50,11,100\n",
        "t,o,h,l,c,v\n1704205800000,10.0,12,9.50,11,100\n",
    ],
)
def test_csv_is_read_in_many_forms(write: Write, text: str) -> None:
    """Order, case, aliases, extra columns, blank lines, line ends, zones and epochs make no difference."""
    assert [FIRST] == list(read_bars(write(text), "AAPL"))


def test_digits_are_kept(write: Write) -> None:
    """Numbers have the digits that the file has."""
    read = next(read_bars(write(HEADER + GOOD), "AAPL"))

    assert ("10.0", "12", "9.50", "11") == (str(read.open), str(read.high), str(read.low), str(read.close))


def test_fractions_of_an_epoch_are_kept(write: Write) -> None:
    """Milliseconds since 1970 are exact."""
    read = next(read_bars(write("t,o,h,l,c,v\n1704205800123,1,1,1,1,1\n"), "AAPL"))

    assert START + timedelta(milliseconds=123) == read.start


def test_gzip_is_read(write: Write) -> None:
    """A compressed file gives the same bars, also with a byte order mark."""
    path = write(gzip.compress(("\ufeff" + HEADER + GOOD).encode()), "bars.csv.gz")

    assert [FIRST] == list(read_bars(path, "AAPL"))


def test_a_header_alone_has_no_bars(write: Write) -> None:
    """A file that is only a header is read as no bars."""
    assert [] == list(read_bars(write(HEADER), "AAPL"))


def test_files_are_read_as_bars_are_asked_for(write: Write) -> None:
    """An error far down the file comes when its line is reached."""
    rows = "".join(f"{(START + n * MINUTE).isoformat()},1,1,1,1,1\n" for n in range(100))
    bars = read_bars(write(HEADER + rows + "bad\n"), "AAPL")

    assert START == next(bars).start
    with pytest.raises(InvalidInput, match="line 102"):
        list(bars)


def test_the_width_is_the_smallest_gap(write: Write) -> None:
    """Without a width the smallest gap between the first bars is taken; a gap in the data stays one."""
    rows = "".join(f"{(START + n * MINUTE).isoformat()},1,1,1,1,1\n" for n in (0, 10, 15, 30))
    bars = list(read_bars(write(HEADER + rows), "AAPL"))

    assert {5 * MINUTE} == {bar.end - bar.start for bar in bars}


def test_the_width_can_be_said(write: Write) -> None:
    """A width that is given is taken."""
    bars = list(read_bars(write(HEADER + GOOD), "AAPL", every=timedelta(hours=1)))

    assert [timedelta(hours=1)] == [bar.end - bar.start for bar in bars]


def test_bars_do_not_overlap(write: Write) -> None:
    """A bar ends where the next one starts, though it should be longer."""
    bars = list(read_bars(write(HEADER + GOOD + NEXT), "AAPL", every=timedelta(hours=1)))

    assert [MINUTE, timedelta(hours=1)] == [bar.end - bar.start for bar in bars]


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-1)])
def test_a_width_of_nothing_is_refused(write: Write, every: timedelta) -> None:
    """A width must be positive."""
    with pytest.raises(InvalidRequest, match="every"):
        list(read_bars(write(HEADER + GOOD), "AAPL", every=every))


@pytest.mark.parametrize(
    ("text", "where", "value", "expected"),
    [
        ("", "line 1", "nothing", "header"),
        ("timestamp,open,high,low,clsoe,volume\n", "line 1", "clsoe", "did you mean 'close' by 'clsoe'"),
        ("when,open,high,low,close,volume\n", "line 1", "when", "a column 'timestamp'"),
        ("time,open,open,high,low,close,volume\n", "line 1", "open,open", "only one column 'open'"),
        (HEADER + GOOD + "2024-01-02T14:31:00Z,11\n", "line 3", "2 fields", "6, as in the header"),
        (HEADER + GOOD[:-1] + ",7\n", "line 2", "7 fields", "6"),
        (HEADER + "2024-01-02T14:30:00,1,1,1,1,1\n", "line 2, column 'timestamp'", "2024-01-02T14:30:00", "zone"),
        (HEADER + "20240102,1,1,1,1,1\n", "line 2, column 'timestamp'", "20240102", "zone"),
        (HEADER + "2024-01-02,1,1,1,1,1\n", "line 2, column 'timestamp'", "2024-01-02", "zone"),
        (HEADER + "noon,1,1,1,1,1\n", "line 2, column 'timestamp'", "noon", "moment"),
        (HEADER + GOOD + "1704205860,1,1,1,1,1\n", "line 3, column 'timestamp'", "1704205860", "form of the first"),
        (HEADER + "9" * 40 + ",1,1,1,1,1\n", "line 2, column 'timestamp'", "9" * 40, "moment"),
        (HEADER + GOOD + GOOD, "line 3, column 'timestamp'", "2024-01-02T14:30:00Z", "after the previous"),
        (HEADER + NEXT + "\n" + GOOD, "line 4, column 'timestamp'", "2024-01-02T14:30:00Z", "after the previous"),
        (HEADER + GOOD.replace("10.0", "ten"), "line 2, column 'open'", "ten", "a number"),
        (HEADER + GOOD.replace("10.0", ""), "line 2, column 'open'", "''", "a number"),
        (HEADER + GOOD.replace("12", "NaN"), "line 2, column 'high'", "NaN", "finite"),
        (HEADER + GOOD.replace("12", "sNaN"), "line 2, column 'high'", "sNaN", "finite"),
        (HEADER + GOOD.replace("12", "inf"), "line 2, column 'high'", "inf", "finite"),
        (HEADER + GOOD.replace("100", "inf"), "line 2, column 'volume'", "inf", "finite"),
        (HEADER + GOOD.replace("100", "NaN"), "line 2, column 'volume'", "NaN", "finite"),
        (HEADER + GOOD.replace("100", "-1"), "line 2, column 'volume'", "-1", ">= 0"),
        (HEADER + GOOD.replace("9.50", "0"), "line 2, column 'low'", "0", "a price > 0"),
        (HEADER + GOOD.replace("9.50", "-9"), "line 2, column 'low'", "-9", "a price > 0"),
        (HEADER + GOOD.replace("12", "10.5"), "line 2, column 'high'", "10.5", "at least open, low and close, 11"),
        (HEADER + GOOD.replace("12", "9.9"), "line 2, column 'high'", "9.9", "at least"),
        (HEADER + GOOD.replace("9.50", "10.5"), "line 2, column 'low'", "10.5", "at most open, high and close, 10.0"),
        (HEADER + GOOD.replace(",11,", ",9.4,"), "line 2, column 'low'", "9.50", "at most open, high and close, 9.4"),
        ("O,h,l,c,v,When,T\n1,1,1,x,1,,2024-01-02T14:30:00Z\n", "line 2, column 'c'", "x", "a number"),
        (HEADER + GOOD[:-1] + "," + "9" * 200_000, "line 2", "field", "a line of CSV"),
        ((HEADER + GOOD).encode() + b"2024-01-02T14:31:00Z,1,\xff,1,1,1\n", "line 3, byte 24", r"\xff", "UTF-8"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(
    write: Write, text: str | bytes, where: str, value: str, expected: str
) -> None:
    """An error names file, line, column and value, and says what would be right."""
    path = write(text)

    with pytest.raises(InvalidInput) as caught:
        list(read_bars(path, "AAPL"))

    assert str(path) in caught.value.where
    assert caught.value.where.endswith(where)
    assert value in repr(caught.value.value)
    assert expected in caught.value.expected


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.parquet"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """A file that is not there is an error that names it, whatever it should be."""
    if name.endswith("parquet"):
        pytest.importorskip("polars")

    with pytest.raises(InvalidInput, match=name):
        list(read_bars(tmp_path / name, "AAPL"))


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    """What cannot be opened is an error that names it."""
    with pytest.raises(InvalidInput, match="a file that can be read"):
        list(read_bars(tmp_path, "AAPL"))


def test_a_file_that_is_not_gzip_is_named(write: Write) -> None:
    """A name that promises compression is taken at its word."""
    with pytest.raises(InvalidInput, match="a sound gzip file"):
        list(read_bars(write(HEADER + GOOD, "bars.csv.gz"), "AAPL"))


def test_a_gzip_file_that_is_cut_off_is_named(write: Write) -> None:
    """A compressed file without its end is an error, also if all its lines could be read."""
    whole = gzip.compress((HEADER + GOOD).encode())

    with pytest.raises(InvalidInput, match=r"after line 2.* cut off"):
        list(read_bars(write(whole[:-4], "bars.csv.gz"), "AAPL"))


def test_a_gzip_file_that_is_damaged_is_named(write: Write) -> None:
    """A flipped byte within a compressed file is found."""
    whole = bytearray(gzip.compress((HEADER + GOOD * 50).encode()))
    whole[12] ^= 0xFF

    with pytest.raises(InvalidInput, match="gzip file"):
        list(read_bars(write(bytes(whole), "bars.csv.gz"), "AAPL"))


def test_undecodable_bytes_in_gzip_are_found(write: Write) -> None:
    """The line of bytes that are no text is told for compressed files too."""
    path = write(gzip.compress((HEADER + GOOD).encode() + b"\xfe\n"), "bars.csv.gz")

    with pytest.raises(InvalidInput, match="line 3, byte 1"):
        list(read_bars(path, "AAPL"))


def test_parquet_is_read(tmp_path: Path) -> None:
    """A Parquet file with moments in a zone and floats gives the bars that it means."""
    polars = pytest.importorskip("polars")
    path = tmp_path / "bars.parquet"
    columns = {"O": [10.0, 11.0], "h": [12.0, 11.1], "low": [9.5, 11.0], "C": [11.0, 11.0], "volume": [100, 0]}
    times = polars.Series([START, START + MINUTE], dtype=polars.Datetime("ns", "America/New_York"))
    polars.DataFrame({"extra": [None, b"x"], "Time": times, **columns}).write_parquet(path)

    bars = list(read_bars(path, "AAPL"))

    assert [FIRST, START + MINUTE] == [bars[0], bars[1].start]
    assert "11.1" == str(bars[1].high)


@pytest.mark.parametrize(
    ("column", "value", "where"),
    [
        ("timestamp", datetime(2024, 1, 2, 14, 30), "row 1, column 'timestamp'"),
        ("timestamp", date(2024, 1, 2), "row 1, column 'timestamp'"),
        ("high", 8.0, "row 1, column 'high'"),
        ("low", float("nan"), "row 1, column 'low'"),
        ("volume", None, "row 1, column 'volume'"),
    ],
)
def test_what_is_wrong_in_parquet_is_named(tmp_path: Path, column: str, value: object, where: str) -> None:
    """The rules are those of CSV; rows are counted without the header."""
    polars = pytest.importorskip("polars")
    path = tmp_path / "bars.parquet"
    good = {"timestamp": 1704205800, "open": 10.0, "high": 12.0, "low": 9.5, "close": 11.0, "volume": 100}
    polars.DataFrame({name: [cell] for name, cell in {**good, column: value}.items()}).write_parquet(path)

    with pytest.raises(InvalidInput) as caught:
        list(read_bars(path, "AAPL"))

    assert f"{path}, {where}" == caught.value.where


def test_a_file_that_is_not_parquet_is_named(write: Write) -> None:
    """A name that promises Parquet is taken at its word."""
    pytest.importorskip("polars")

    with pytest.raises(InvalidInput, match="a Parquet file"):
        list(read_bars(write(HEADER + GOOD, "bars.parquet"), "AAPL"))


def test_parquet_needs_an_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without polars the error names the extra to install."""
    monkeypatch.setitem(sys.modules, "polars", None)

    with pytest.raises(InvalidInput, match=r"tradebridge\[data\]"):
        list(read_bars(tmp_path / "bars.parquet", "AAPL"))


def test_slices_hold_what_starts_together() -> None:
    """Each slice has the bars of one moment, ordered by symbol; a symbol may miss one."""
    merged = slices(
        [bar("MSFT", 0), bar("MSFT", 1), bar("MSFT", 3)], [], iter([bar("AAPL", 1), bar("AAPL", 2), bar("AAPL", 3)])
    )

    assert [
        (bar("MSFT", 0),),
        (bar("AAPL", 1), bar("MSFT", 1)),
        (bar("AAPL", 2),),
        (bar("AAPL", 3), bar("MSFT", 3)),
    ] == list(merged)


def test_slices_of_one_stream_are_single() -> None:
    """One symbol's stream gives one bar at a time."""
    assert [(bar(minute=0),), (bar(minute=1),)] == list(slices([bar(minute=0), bar(minute=1)]))


def test_slices_of_a_mixed_stream_are_grouped() -> None:
    """A stream that holds several symbols is grouped and ordered too."""
    assert [(bar("A"), bar("B")), (bar("A", 1),)] == list(slices([bar("B"), bar("A"), bar("A", 1)]))


def test_slices_of_nothing_are_none() -> None:
    """No stream, and streams without bars, give no slice."""
    assert [] == list(slices())
    assert [] == list(slices([], []))


@pytest.mark.parametrize("others", [0, 1])
def test_slices_refuse_to_go_back(others: int) -> None:
    """A stream out of order is an error, alone and in company."""
    with pytest.raises(InvalidInput, match="a start not before"):
        list(slices([bar(minute=1), bar(minute=0)], *[[bar("MSFT", 0)]] * others))


def test_slices_refuse_a_symbol_twice() -> None:
    """A symbol has one bar at a moment."""
    with pytest.raises(InvalidInput, match="one bar at a moment"):
        list(slices([bar()], [bar()]))


def test_the_digest_is_of_the_bytes(write: Write) -> None:
    """The digest is the SHA-256 of the file as it is."""
    assert sha256(GOOD.encode()).hexdigest() == digest(write(GOOD))


def test_the_digest_of_a_missing_file_names_it(tmp_path: Path) -> None:
    """A file that is not there is an error that names it."""
    with pytest.raises(InvalidInput, match=r"nothing\.csv"):
        digest(tmp_path / "nothing.csv")


@pytest.mark.skipif(not REAL.exists(), reason="the month of real bars is not here")
def test_a_real_month_is_read() -> None:
    """A month of one-minute bars as an exchange gave them is sound from the first to the last."""
    bars = list(read_bars(REAL, "BTC/USD"))

    assert 45_031 == len(bars)
    assert Decimal("46319.0") == bars[0].open
    assert all(before.end <= after.start for before, after in pairwise(bars))
