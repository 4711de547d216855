"""A finer way between the corners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from decimal import localcontext
from itertools import pairwise

import pytest
from attrs import evolve

from bridge.venue.market.moves import Closed, Moved, Ticked, digest_of
from bridge.venue.market.recorded import Recorded
from bridge.venue.market.resolution import between, fine
from bridge.venue.market.synthetic import SyntheticDay
from engine.errors import InvalidRequest
from engine.market.bars import Bar

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def at(seconds):
    return START + timedelta(seconds=seconds)


def told(before, after, width=20, every=5, symbol="AAPL"):
    """Seconds and prices of what is added on a way of so many seconds."""
    first, last = Moved(START, symbol, D(before), True), Moved(at(width), symbol, D(after), False)
    return [((move.at - START) / SECOND, str(move.price)) for move in between(first, last, every * SECOND)]


def test_a_price_goes_straight():
    """Between two corners it is, each time, where the straight line is."""
    assert [(5, "190.25"), (10, "190.50"), (15, "190.75")] == told("190", "191")
    assert [(5, "190.75"), (10, "190.50"), (15, "190.25")] == told("191", "190")


def test_a_price_stays_on_the_grid():
    """What would lie between two prices is the lower one, and where it would not change nothing is told."""
    assert [(10, "190.01")] == told("190.00", "190.02", every=1)
    assert [(1, "190.01"), (11, "190.00")] == told("190.02", "190.00", every=1)
    assert [] == told("190", "190", every=1)


@pytest.mark.parametrize(
    ("symbol", "before", "after", "middle"),
    [
        ("DIME", "0.42", "0.4206", "0.4203"),
        ("DOGE/USD", "0.12", "0.12002", "0.12001"),
        ("BTC/USD", "60000", "60000.04", "60000.02"),
    ],
)
def test_each_asset_has_its_own_grid(symbol, before, after, middle):
    """Below a dollar hundredths of a cent, of coins what fits their price."""
    assert [(10, middle)] == told(before, after, every=10, symbol=symbol)


def test_a_corner_off_the_grid():
    """The way does not leave it on the wrong side: all that is added lies between the corners."""
    assert [] == told("190.005", "190.008", every=1)
    assert ["190.010", "190.020"] == [price for _, price in told("190.005", "190.027", every=1)]
    assert ["190.020", "190.010", "190.005"] == [price for _, price in told("190.027", "190.005", every=1)]


def test_moments_are_multiples_since_1970():
    """So that all assets move together, wherever their bars begin."""
    first, last = Moved(at(0.5), "AAPL", D(190), True), Moved(at(3), "AAPL", D(191), False)

    assert [at(1), at(2)] == [move.at for move in between(first, last, SECOND)]


def test_the_callers_decimal_context_changes_nothing():
    """Three digits are too few for a price, and not asked for."""
    expected = told("190", "191")
    with localcontext() as context:
        context.prec = 3

        assert expected == told("190", "191")


def test_a_market_is_told_more_often(bar, market_of):
    """What the market itself says stays, in its order, and between it prices move each second."""
    bars = [bar("AAPL", 0, "190 191 189 190.5"), bar("MSFT", 0, "410 414 409 412"), bar("AAPL", 1, "191 192 189 190")]
    market = market_of(bars)
    moves = list(fine(market, SECOND).moves())
    coarse = list(market.moves())
    rest = iter(moves)

    assert all(move in rest for move in coarse)
    assert {at(second) for second in range(121)} == {move.at for move in moves}
    assert (market.first, market.prices) == (fine(market, SECOND).first, fine(market, SECOND).prices)


def test_bars_of_other_widths_are_waited_for(file_of):
    """What lies on a long way is told in order of time, among the moves of the short ones."""
    header = "timestamp,open,high,low,close,volume\n"
    short = header + "".join(f"2024-01-02T14:{30 + m}:00Z,190,191,189,190,1\n" for m in range(6))
    long = header + "2024-01-02T14:30:00Z,410,420,400,410,1\n2024-01-02T14:35:00Z,410,420,400,410,1\n"
    market = Recorded({"AAPL": file_of("a.csv", short), "MSFT": file_of("m.csv", long)})
    moves = list(fine(market, SECOND).moves())

    assert all(before.at <= after.at for before, after in pairwise(moves))
    assert [move for move in moves if isinstance(move, Closed)] == [
        move for move in market.moves() if isinstance(move, Closed)
    ]
    assert 500 < sum(isinstance(move, Moved) and move.symbol == "MSFT" for move in moves)


def test_a_jump_is_no_way(bar, market_of):
    """What lies in between is not traded, so nothing is added, within a bar neither."""
    market = market_of([bar("AAPL", 0, "190 191 189 190.5")])
    begun, *corners, closed = market.moves()
    moves = [begun, *(evolve(corner, jump=True) for corner in corners), closed]
    market.moves = lambda: iter(moves)

    assert moves == list(fine(market, SECOND).moves())


def test_ticks_are_left_alone(file_of):
    """Between two trades nobody traded."""
    text = "timestamp,price,size\n2024-01-02T14:30:00Z,60000,1\n2024-01-02T14:30:30Z,60001,2\n"
    market = Recorded({"BTC/USD": file_of("t.csv", text)})

    assert list(market.moves()) == list(fine(market, SECOND).moves())
    assert isinstance(next(fine(market, SECOND).moves()), Ticked)


def test_a_finer_market_is_another_one():
    """Fills come at other moments, so a recipe says how fine it is."""
    day = SyntheticDay(1)

    assert 3 == len({digest_of(day), digest_of(fine(day, SECOND)), digest_of(fine(day, 2 * SECOND))})


def test_every_is_a_time():
    """Of more than nothing."""
    with pytest.raises(InvalidRequest, match="every"):
        fine(SyntheticDay(1), timedelta(0))


def test_whatever_the_bars(market_of):
    """Bars stay, moves are in order, and between two corners a price goes one way, on its grid, within them."""
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies

    @st.composite
    def markets(draw):
        width = timedelta(microseconds=draw(st.sampled_from([1, 2, 7, 10**6, 7 * 10**6, 60 * 10**6])))
        places = st.lists(st.integers(0, 6), min_size=1, max_size=5, unique=True)
        bars = []
        for symbol in draw(st.lists(st.sampled_from(["AAPL", "DIME", "DOGE/USD"]), min_size=1, unique=True)):
            for place in sorted(draw(places)):
                prices = st.decimals("0.9", "1.1", places=draw(st.integers(2, 7)))
                low, *between, high = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
                opening, close = draw(st.permutations(between))
                start = START + place * width
                bars.append(Bar(symbol, start, start + width, opening, high, low, close, D(1)))
        return market_of(sorted(bars, key=lambda bar: (bar.start, bar.symbol)))

    @hypothesis.given(market=markets(), every=st.sampled_from([1, 3, 10**5, 10**6, 10**7]))
    def check(market, every):
        hypothesis.assume(max(bar.end - bar.start for bar in market.bars) < every * 1000 * timedelta.resolution)
        moves = list(fine(market, every * timedelta.resolution).moves())
        told = list(market.moves())
        rest = iter(moves)

        assert all(move in rest for move in told)
        assert market.bars == [move.bar for move in moves if isinstance(move, Closed)]
        assert all(before.at <= after.at for before, after in pairwise(moves))
        for bar in market.bars:
            way = [
                move
                for move in moves
                if isinstance(move, Moved) and move.symbol == bar.symbol and bar.start <= move.at <= bar.end
            ]
            way = way[max(n for n, move in enumerate(way) if move.jump and move.at == bar.start) :]
            way = way[: next((n for n, move in enumerate(way) if n and move.jump), len(way))]
            prices = [move.price for move in way]
            turns = [
                n
                for n, (a, b, c) in enumerate(zip(prices, prices[1:], prices[2:], strict=False))
                if (b - a) * (c - b) < 0
            ]
            assert (bar.open, bar.close, bar.high, bar.low) == (prices[0], prices[-1], max(prices), min(prices))
            assert len(turns) <= 2
            assert {prices[n + 1] for n in turns} <= {bar.high, bar.low}

    check()
