"""Files played together in order of time."""

from __future__ import annotations

import gzip
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from itertools import pairwise

import pytest

from bridge.venue.market.moves import Begun, Closed, Moved, Ticked, digest_of, moves_of
from bridge.venue.market.recorded import Recorded
from engine.errors import InvalidInput, InvalidRequest
from engine.market.bars import read_bars, slices
from engine.market.ticks import Quote, TradeTick, read_ticks

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
HEADER = "timestamp,open,high,low,close,volume\n"
AAPL = HEADER + "2024-01-02T14:30:00Z,190,193,189,192,7\n2024-01-02T14:31:00Z,192.5,193,192,193,8\n"
MSFT = HEADER + "2024-01-02T14:30:00Z,410,411,405,406,9\n2024-01-02T14:31:00Z,406,406,400,401,9\n"
SLOW = HEADER + "2024-01-02T14:30:00Z,25,26,24,25,9\n2024-01-02T14:33:00Z,25,27,25,26,9\n"
TRADES = "timestamp,price,size\n2024-01-02T14:30:10Z,60000,1\n2024-01-02T14:31:00Z,60001,2\n"
QUOTES = "timestamp,bid,ask,bid_size,ask_size\n2024-01-02T14:30:10Z,3000,3001,1,2\n2024-01-02T14:30:20Z,3001,3002,1,2\n"


def test_bars_that_begin_together_are_played_together(file_of):
    """Files of the same minutes are told as these minutes would be, symbol by symbol at each corner."""
    files = {"MSFT": file_of("m.csv", MSFT), "AAPL": file_of("a.csv", AAPL)}
    together = slices(read_bars(files["AAPL"], "AAPL"), read_bars(files["MSFT"], "MSFT"))

    assert [move for bars in together for move in moves_of(bars)] == list(Recorded(files).moves())


def test_what_a_market_says_of_itself(file_of):
    """Its first moment and first prices are those of the files; when shares trade they do not say."""
    market = Recorded({"BTC/USD": file_of("t.csv", TRADES), "AAPL": file_of("a.csv", AAPL)})

    assert (START, {"AAPL": D(190), "BTC/USD": D(60000)}, None) == (market.first, market.prices, market.calendar)


def test_a_market_of_ticks_begins_with_the_first_one(file_of):
    """The bar that is made of it began before anything happened."""
    market = Recorded({"BTC/USD": file_of("t.csv", TRADES)})

    assert START + timedelta(seconds=10) == market.first == next(market.moves()).at


def test_quotes_and_trades_are_told_as_they_are(file_of):
    """Each at its own moment, then the bar that was made of them."""
    path = file_of("q.csv", QUOTES)
    (bar,) = read_ticks(path, "ETH/USD")
    at = [START + timedelta(seconds=seconds) for seconds in (10, 20, 60)]

    assert [
        Ticked(at[0], "ETH/USD", Quote(at[0], D(3000), D(3001), D(1), D(2))),
        Ticked(at[1], "ETH/USD", Quote(at[1], D(3001), D(3002), D(1), D(2))),
        Closed(at[2], bar),
    ] == list(Recorded({"ETH/USD": path}).moves())


def test_bars_of_ticks_are_as_wide_as_asked_for(file_of):
    """They tell when a bar is complete, and are a part of the recipe."""
    path = file_of("t.csv", TRADES)
    markets = [Recorded({"BTC/USD": path}, every=timedelta(seconds=width)) for width in (60, 3600)]

    assert [2, 1] == [sum(isinstance(move, Closed) for move in market.moves()) for market in markets]
    assert digest_of(markets[0]) != digest_of(markets[1])


def test_files_of_all_kinds_and_widths_are_in_order_of_time(file_of):
    """At the same moment first what ends, then what has ended, then what begins, then all else."""
    market = Recorded(
        {
            "AAPL": file_of("a.csv", AAPL),
            "SLOW": file_of("s.csv", SLOW),
            "BTC/USD": file_of("t.csv", TRADES),
            "ETH/USD": file_of("q.csv", QUOTES),
        }
    )
    moves = list(market.moves())
    minute = START + timedelta(minutes=1)
    (told_too,) = (move for move in moves if isinstance(move, Closed) and move.bar.symbol == "ETH/USD")

    assert all(before.at <= after.at for before, after in pairwise(moves))
    assert [
        Moved(minute, "AAPL", D(192), False),
        Closed(minute, next(read_bars(file_of("a.csv", AAPL), "AAPL"))),
        Closed(minute, next(read_ticks(file_of("t.csv", TRADES), "BTC/USD"))),
        Begun(minute, "AAPL", D(8)),
        Moved(minute, "AAPL", D("192.5"), True),
        Ticked(minute, "BTC/USD", TradeTick(minute, D(60001), D(2))),
        Moved(minute, "SLOW", D(24), False),
    ] == [move for move in moves if move.at == minute and move != told_too]


def test_moves_can_be_asked_for_again(file_of):
    """Each time the file is read from its beginning."""
    market = Recorded({"AAPL": file_of("a.csv", AAPL)})

    assert list(market.moves()) == list(market.moves())


def test_a_recipe_is_what_the_files_say_and_not_where_they_lie(file_of):
    """The same bytes elsewhere are the same market, other bytes or another symbol are not."""
    first = digest_of(Recorded({"AAPL": file_of("a.csv", AAPL)}))

    assert first == digest_of(Recorded({"AAPL": file_of("b.csv", AAPL)}))
    assert first != digest_of(Recorded({"AAPL": file_of("a.csv", MSFT)}))
    assert first != digest_of(Recorded({"MSFT": file_of("b.csv", AAPL)}))


def test_compressed_files(file_of, tmp_path):
    """What is read elsewhere is read here."""
    with open(file_of("a.csv", AAPL), "rb") as plain, gzip.open(tmp_path / "a.csv.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)

    assert list(Recorded({"AAPL": tmp_path / "a.csv"}).moves()) == list(
        Recorded({"AAPL": tmp_path / "a.csv.gz"}).moves()
    )


@pytest.mark.parametrize("text", [HEADER, "timestamp,price,size\n"])
def test_a_file_with_nothing_in_it(file_of, text):
    """A market needs a price to begin with."""
    with pytest.raises(InvalidInput, match="no bars"):
        Recorded({"AAPL": file_of("a.csv", text)})


def test_a_file_that_is_not_there(tmp_path):
    """It is missed at once, by its name."""
    with pytest.raises(InvalidInput, match=r"none\.csv"):
        Recorded({"AAPL": tmp_path / "none.csv"})


def test_a_mistake_in_a_file_is_met_when_it_is_played(file_of):
    """The error names the line."""
    rows = "".join(f"2024-01-02T14:{minute}:00Z,1,1,1,1,1\n" for minute in range(10, 60)) * 2
    market = Recorded({"AAPL": file_of("a.csv", HEADER + rows.replace("T14", "T13", 50))})
    assert 600 == sum(1 for _ in market.moves())

    market = Recorded({"AAPL": file_of("a.csv", HEADER + rows.replace("T14", "T13", 50) + "tomorrow,1,1,1,1,1\n")})
    with pytest.raises(InvalidInput, match="line 102"):
        list(market.moves())


@pytest.mark.parametrize("files", [{}, {" ": "a.csv"}])
def test_files_have_symbols(files):
    """No file and a symbol without a name are refused."""
    with pytest.raises(InvalidRequest, match="files"):
        Recorded(files)


def test_bars_of_ticks_have_a_width(file_of):
    """Not even nothing is taken for one."""
    with pytest.raises(InvalidRequest, match="every"):
        Recorded({"AAPL": file_of("a.csv", AAPL)}, every=timedelta(0))
