"""A made-up day of US equities."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

import pytest

from engine.errors import InvalidRequest
from engine.market.bars import Bar, slices
from engine.market.synthetic import LISTINGS, Listing, synthetic_calendar, synthetic_day

SEEDS = range(20)


def fingerprint(bars: Sequence[Bar]) -> str:
    lines = (f"{b.symbol} {b.start.isoformat()} {b.open} {b.high} {b.low} {b.close} {b.volume}\n" for b in bars)
    return sha256("".join(lines).encode()).hexdigest()


def one(bars: Sequence[Bar], symbol: str) -> list[Bar]:
    return [bar for bar in bars if bar.symbol == symbol]


def test_a_seed_gives_the_same_day_everywhere() -> None:
    """The bars of a seed never change, on no machine and no Python."""
    assert "923b5454a0cc8d38c252f6637d42de4bf3321a3d0ab90b529b17fdc0cb74027a" == fingerprint(synthetic_day(7))


def test_seeds_and_days_differ() -> None:
    """Another seed and another day give other bars."""
    days = [synthetic_day(7), synthetic_day(8), synthetic_day(7, day=date(2024, 1, 3))]

    assert 3 == len({tuple(bar.close for bar in day) for day in days})


def test_a_share_does_not_depend_on_the_others() -> None:
    """A symbol's bars are the same alone and in company."""
    alone = synthetic_day(7, symbols=LISTINGS[1:2])

    assert one(synthetic_day(7), "MSFT") == alone


def test_a_day_is_a_session_of_minutes() -> None:
    """Every symbol has 390 bars of one minute, from 14:30 to 21:00 UTC, ordered by start and symbol."""
    bars = synthetic_day(7, day=date(2024, 1, 5))
    moments = [datetime(2024, 1, 5, 14, 30, tzinfo=UTC) + timedelta(minutes=n) for n in range(390)]

    assert [(moment, symbol) for moment in moments for symbol in ("AAPL", "MSFT", "SPY")] == [
        (bar.start, bar.symbol) for bar in bars
    ]
    assert {timedelta(minutes=1)} == {bar.end - bar.start for bar in bars}
    assert 390 == len(list(slices(bars)))


def test_the_calendar_is_the_days_session() -> None:
    """The calendar of a synthetic day opens with its first bar and closes with its last."""
    bars = synthetic_day(7)
    session = synthetic_calendar().session_at(bars[0].start)

    assert session is not None
    assert (bars[0].start, bars[-1].end) == (session.open, session.close)


@pytest.mark.parametrize("seed", SEEDS)
def test_bars_are_sound(seed: int) -> None:
    """Prices are whole cents with the extremes outside, volumes whole shares, and each minute goes on from the last."""
    bars = synthetic_day(seed)

    for bar in bars:
        assert 0 < bar.low <= min(bar.open, bar.close)
        assert bar.high >= max(bar.open, bar.close)
        assert bar.volume > 0
        assert bar.volume % 1 == 0
        assert {-2} == {price.as_tuple().exponent for price in (bar.open, bar.high, bar.low, bar.close)}
    for listing in LISTINGS:
        assert all(before.close == after.open for before, after in pairwise(one(bars, listing.symbol)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_day_opens_with_a_gap(seed: int) -> None:
    """All shares open away from their previous close, on the same side, by 0.2 % to 1.5 % and a cent."""
    bars = synthetic_day(seed)
    gaps = [one(bars, item.symbol)[0].open / item.previous_close - 1 for item in LISTINGS]

    assert all(Decimal("0.002") <= abs(gap) < Decimal("0.0151") for gap in gaps)
    assert 1 == len({gap > 0 for gap in gaps})


def test_both_sides_gap() -> None:
    """Some days open higher, some lower."""
    opens = [synthetic_day(seed, symbols=LISTINGS[:1])[0].open for seed in SEEDS]

    assert {True, False} == {price > LISTINGS[0].previous_close for price in opens}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.symbol)
def test_the_ends_of_the_day_are_lively(seed: int, listing: Listing) -> None:
    """The first and the last half hour trade more and move more than the half hour at noon."""
    bars = synthetic_day(seed, symbols=[listing])
    first, noon, last = bars[:30], bars[180:210], bars[-30:]

    def volume(part: list[Bar]) -> Decimal:
        return sum((bar.volume for bar in part), Decimal(0))

    def moved(part: list[Bar]) -> Decimal:
        return sum((bar.high - bar.low for bar in part), Decimal(0))

    assert volume(noon) < min(volume(first), volume(last))
    assert moved(noon) < min(moved(first), moved(last))


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_follow_the_market(seed: int) -> None:
    """Minutes in which AAPL and MSFT move go the same way far more often than not."""
    bars = synthetic_day(seed)
    moves = zip(one(bars, "AAPL"), one(bars, "MSFT"), strict=True)
    products = [(a.close - a.open) * (m.close - m.open) for a, m in moves]

    assert sum(product > 0 for product in products) > 1.3 * sum(product < 0 for product in products)


@pytest.mark.parametrize("price", ["0.99", "10.005", "NaN", "Infinity"])
def test_a_previous_close_is_on_the_grid(price: str) -> None:
    """A listing's previous close is a whole number of cents, at least a dollar."""
    with pytest.raises(InvalidRequest, match="previous_close"):
        Listing(symbol="X", previous_close=Decimal(price))
