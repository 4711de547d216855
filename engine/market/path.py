"""
The way a price took within a bar, as far as four numbers tell.

Only the open, the extremes and the close are known; which extreme came first is an assumption, and this is the only
place that makes it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from engine.market.bars import Bar

__all__ = ["corners"]


def corners(bar: Bar) -> tuple[tuple[datetime, Decimal], ...]:
    """
    The corners of the path through a bar: open, the extreme nearer to the open, the other extreme, close.

    Extremes equally far from the open: the low comes first in a bar that does not fall (close >= open), else the high,
    so that the path ends towards its close.

    Returns:
        Four pairs (moment, price) at the start, after one and two thirds (whole microseconds) and at the end of the
        bar; moments do not decrease, between two corners the price moves one way.
    """
    start, end, opening, high, low, close = bar.start, bar.end, bar.open, bar.high, bar.low, bar.close
    third = (end - start) // 3
    up, down = high - opening, opening - low
    first, second = (low, high) if down < up or (down == up and close >= opening) else (high, low)
    return (start, opening), (start + third, first), (start + third + third, second), (end, close)
