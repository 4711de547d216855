"""Quotes and trades from files, and the bars that are made of them."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.errors import InvalidInput, InvalidRequest
from engine.market.ticks import Kind, Quote, TradeTick, kind_of, read_ticks

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

QUOTES = """\
timestamp,bid,ask,bid_size,ask_size
2024-01-02T14:30:05Z,99.9,100.1,5,7
2024-01-02T14:30:05Z,100.0,100.4,0,2
2024-01-02T14:32:59.5Z,100.1,100.1,1,1
"""
TRADES = """\
timestamp,price,size
2024-01-02T14:30:00Z,100,5
2024-01-02T14:30:59.999999Z,101,0.5
2024-01-02T14:31:00Z,99,1
2024-01-02T14:31:00Z,98,2
"""


@pytest.fixture
def write(tmp_path):
    def file(text, name="ticks.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return file


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("timestamp,bid,ask,bid_size,ask_size", Kind.QUOTES),
        ("t,bp,bs,ap,as,c", Kind.QUOTES),
        ("Time,Bid_Price,Ask_Price,Bid_Size,Ask_Size,price", Kind.QUOTES),
        ("timestamp,price,size", Kind.TRADES),
        ("t,p,s,x,i", Kind.TRADES),
        ("timestamp,open,high,low,close,volume", Kind.BARS),
        ("t,o,h,l,c,v,p", Kind.BARS),
        ("something,else", Kind.BARS),
        ("", Kind.BARS),
    ],
)
def test_a_header_says_what_a_file_holds(write, header, kind):
    """A bid and an ask make quotes, a price trades, and all else is for bars to complain about."""
    assert kind is kind_of(write(header + "\n"))


def test_bars_of_trades(write):
    """Prices and sizes of each stretch with a trade in it; a trade at its end is the next one's."""
    first, second = read_ticks(write(TRADES), "X")

    assert (START, START + MINUTE, D(100), D(101), D(100), D(101), D("5.5")) == (
        first.start, first.end, first.open, first.high, first.low, first.close, first.volume
    )  # fmt: skip
    assert (
        TradeTick(START, D(100), D(5)),
        TradeTick(START + MINUTE - timedelta(microseconds=1), D(101), D("0.5")),
    ) == (first.ticks)
    assert ("X", START + MINUTE, D(99), D(98), D(3)) == (
        second.symbol, second.start, second.open, second.close, second.volume
    )  # fmt: skip


def test_bars_of_quotes(write):
    """The middle between bid and ask, no volume, and no bar where nothing was quoted."""
    first, second = read_ticks(write(QUOTES), "X")

    assert (D(100), D("100.2"), D(100), D("100.2"), D(0)) == (
        first.open, first.high, first.low, first.close, first.volume
    )  # fmt: skip
    assert Quote(START + 5 * SECOND, D("99.9"), D("100.1"), D(5), D(7)) == first.ticks[0]
    assert (START + 2 * MINUTE, 1) == (second.start, len(second.ticks))


@pytest.mark.parametrize(("every", "starts"), [(30, [0, 30, 60]), (120, [0]), (7, [-4, 59])])
def test_bars_begin_at_multiples_of_their_width(write, every, starts):
    """They are counted from 1970, whatever the first tick's moment."""
    found = [int((bar.start - START).total_seconds()) for bar in read_ticks(write(TRADES), "X", every=every * SECOND)]

    if every == 7:
        assert all((bar - int(-START.timestamp())) % 7 == 0 for bar in found)
    else:
        assert starts == found


@pytest.mark.parametrize("name", ["ticks.csv.gz", "ticks.CSV"])
def test_files_are_read_as_bars_are(write, name):
    """Compressed or not, the same ticks."""
    assert list(read_ticks(write(TRADES), "X")) == list(read_ticks(write(TRADES, name), "X"))


def test_parquet_is_read(write, tmp_path):
    """Columns of moments and numbers give the same ticks as their text."""
    polars = pytest.importorskip("polars")
    path = tmp_path / "ticks.parquet"
    polars.read_csv(write(TRADES)).with_columns(
        polars.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC")
    ).write_parquet(path)

    assert Kind.TRADES is kind_of(path)
    assert [(bar.start, bar.close) for bar in read_ticks(write(TRADES), "X")] == [
        (bar.start, bar.close) for bar in read_ticks(path, "X")
    ]


def test_epochs_are_moments(write):
    """Seconds or milliseconds since 1970, as in bars."""
    (bar,) = read_ticks(write("t,p,s\n1704205800000,100,1\n1704205801000,101,1\n"), "X")

    assert [START, START + SECOND] == [tick.at for tick in bar.ticks]


def test_nothing_but_a_header_is_no_bar(write):
    """A file without ticks has none."""
    assert [] == list(read_ticks(write("t,p,s\n"), "X"))


QUOTE, TRADE = "timestamp,bid,ask,bid_size,ask_size", "timestamp,price,size"
AT = "2024-01-02T14:30:00Z"


@pytest.mark.parametrize(
    ("header", "row", "error"),
    [
        (QUOTE, f"{AT},101,100,1,1", "line 2, column 'ask': found '100', expected at least the bid, 101"),
        (QUOTE, f"{AT},0,100,1,1", "line 2, column 'bid': found '0', expected a price > 0"),
        (QUOTE, f"{AT},99,100,-1,1", "line 2, column 'bid_size': found '-1', expected a number >= 0"),
        (QUOTE, f"{AT},99,NaN,1,1", "line 2, column 'ask': found 'NaN', expected a finite number"),
        (QUOTE, f"{AT},99,100,1", "line 2: found '4 fields', expected 5, as in the header"),
        (QUOTE, "2024-01-02,99,100,1,1", "line 2, column 'timestamp': found '2024-01-02', expected a moment with"),
        (TRADE, f"{AT},100,0", "line 2, column 'size': found '0', expected a size > 0"),
        (TRADE, f"{AT},-1,1", "line 2, column 'price': found '-1', expected a price > 0"),
        (TRADE, f"{AT},x,1", "line 2, column 'price': found 'x', expected a number"),
        (
            TRADE,
            f"{AT},1,1\n2024-01-02T14:29:59Z,1,1",
            "line 3, column 'timestamp': .*expected a moment not before the",
        ),
        ("timestamp,price", f"{AT},1", "line 1: .*expected a column 'size'"),
        ("timestamp,bid,ask,bid_sise,ask_size", AT, "line 1: .*expected a column 'bid_size'; did you mean"),
        ("", "", "line 1: found 'nothing', expected a header with the columns timestamp, bid, ask"),
    ],
)
def test_what_is_wrong_is_named(write, header, row, error):
    """Line, column and value, and what would be right."""
    with pytest.raises(InvalidInput, match=error):
        list(read_ticks(write(f"{header}\n{row}\n"), "X"))


def test_bars_have_a_width(write):
    """A width of nothing is refused."""
    with pytest.raises(InvalidRequest, match="every"):
        next(read_ticks(write(TRADES), "X", every=timedelta(0)))
