"""
A made-up day of US equities, the same for the same seed wherever it runs.

All names are real and all prices invented. Everything is worked out in whole numbers, so no rounding of a processor or
a mathematical library can make two machines differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from attrs import field, frozen

from engine.calendar import FixedCalendar, Session
from engine.errors import InvalidRequest
from engine.market.bars import Bar

__all__ = ["LISTINGS", "Listing", "below", "synthetic_calendar", "synthetic_day"]

_MINUTES = 390
_STEPS = 12  # moves within a minute
_MICRO = 1_000_000  # prices are whole millionths of a dollar, moves whole millionths of the price
_CENT = 10_000
_FIRST_DAY = date(2024, 1, 2)


@frozen(kw_only=True)
class Listing:
    """
    One share of the invented market.

    Attributes:
        previous_close: What it closed at the day before, dollars, on the cent grid; invented.
        follows: How much of the market's move it takes, percent.
        restless: Typical move of its own in a quiet minute, millionths of the price.
        traded: Shares in a quiet minute.
    """

    symbol: str
    previous_close: Decimal = field()
    follows: int = 100
    restless: int = 150
    traded: int = 50_000

    @previous_close.validator
    def _on_the_grid(self, attribute: object, value: Decimal) -> None:
        if not value.is_finite() or value < 1 or value * 100 % 1:
            raise InvalidRequest("previous_close", value, "a whole number of cents, at least 1 dollar")


LISTINGS = (
    Listing(symbol="AAPL", previous_close=Decimal("185.40"), follows=110, restless=180, traded=110_000),
    Listing(symbol="MSFT", previous_close=Decimal("370.85"), follows=105, restless=150, traded=48_000),
    Listing(symbol="SPY", previous_close=Decimal("475.30"), follows=100, restless=25, traded=140_000),
)


def synthetic_day(seed: int, *, day: date = _FIRST_DAY, symbols: Sequence[Listing] = LISTINGS) -> list[Bar]:
    """
    A day of one-minute bars, 14:30 to 21:00 UTC, also where New York has summer time.

    Each share opens 0.2 % to 1.5 % away from its previous close, all on the same side; trades most and moves most at
    both ends of the day; and follows one common factor beside its own way. Prices are whole cents, volumes whole
    shares.

    Args:
        seed: Same seed, same bars; with another day or another seed they differ.
        symbols: A share's bars do not depend on which others are asked for.

    Returns:
        390 bars for each symbol, ordered by start, then symbol.
    """
    opening = datetime.combine(day, time(14, 30), UTC)
    market = Random(f"{seed}/{day.isoformat()}")
    direction = 1 if market.getrandbits(1) else -1
    gap = 3_000 + below(market, 6_001)
    moves = [[_bell(market, 160 * _restlessness(minute) // 100) for _ in range(_STEPS)] for minute in range(_MINUTES)]
    days = [
        _share(Random(f"{seed}/{day.isoformat()}/{listing.symbol}"), listing, direction, gap, moves, opening)
        for listing in sorted(symbols, key=lambda listing: listing.symbol)
    ]
    return [bar for minute in zip(*days, strict=True) for bar in minute]


def synthetic_calendar(day: date = _FIRST_DAY) -> FixedCalendar:
    """The one session of a synthetic day."""
    opening = datetime.combine(day, time(14, 30), UTC)
    return FixedCalendar([Session(open=opening, close=opening + timedelta(minutes=_MINUTES))])


def _share(
    own: Random, listing: Listing, direction: int, gap: int, market: list[list[int]], opening: datetime
) -> list[Bar]:
    previous = int(listing.previous_close * _MICRO)
    jump = min(15_000, max(2_000, gap * listing.follows // 100 + below(own, 2_001) - 1_000))
    # The gap is rounded away from the previous close, so that it is one even at low prices.
    price = previous + direction * -(-previous * jump // (_MICRO * _CENT)) * _CENT
    bars = []
    minute = timedelta(minutes=1)
    for index, common in enumerate(market):
        lively = _restlessness(index)
        first = high = low = price
        for move in common:
            step = move * listing.follows // 100 + _bell(own, listing.restless * lively // 100)
            price = max(_CENT, price + price * step // _MICRO)
            high, low = max(high, price), min(low, price)
        # What the minute moved draws volume, and so do the two auctions' neighbours.
        traded = listing.traded * lively * lively // 10_000 * (50 + below(own, 101)) // 100
        traded += traded * (high - low) * 200 // first
        bars.append(
            Bar(
                symbol=listing.symbol,
                start=opening + index * minute,
                end=opening + (index + 1) * minute,
                open=_dollars(first),
                high=_dollars(high),
                low=_dollars(low),
                close=_dollars(price),
                volume=Decimal(traded),
            )
        )
    return bars


def _restlessness(minute: int) -> int:
    """How lively a minute is, percent of a quiet one: a parabola from 250 at both ends to 100 at noon."""
    distance = 2 * minute - (_MINUTES - 1)
    return 100 + 150 * distance * distance // ((_MINUTES - 1) * (_MINUTES - 1))


def _bell(random: Random, minute: int) -> int:
    """A step of a minute that typically moves by ``minute``: the sum of four uniform numbers, less its mean."""
    bits = random.getrandbits(64)
    total = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    # The sum's standard deviation is 37,837; the root of twelve steps is 3.464.
    return (total - 131_070) * minute // 131_072


def below(random: Random, bound: int) -> int:
    """A whole number from 0 to below ``bound``, by the one method of `Random` that no release has changed."""
    return random.getrandbits(32) * bound >> 32


def _dollars(micro: int) -> Decimal:
    return Decimal((micro + _CENT // 2) // _CENT).scaleb(-2)
