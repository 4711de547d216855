"""What a chart is laid out with: where a moment stands, which ticks are nice, and curves thinned to the pixels."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, floor, log10

from attrs import frozen

from engine.clock import EPOCH

__all__ = ["Stretch", "Tick", "TimeAxis", "number_ticks", "thinned", "time_ticks"]

_GAP = timedelta(hours=1)  # shorter ones are drawn as time
_GAP_IN_STEPS = 20
_STEPS = [
    *(timedelta(seconds=count) for count in (1, 5, 15, 30)),
    *(timedelta(minutes=count) for count in (1, 5, 15, 30)),
    *(timedelta(hours=count) for count in (1, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 4, 7, 14, 28, 91, 182, 364)),
]
_DAY = timedelta(days=1)
_MONDAY = datetime(1970, 1, 5, tzinfo=EPOCH.tzinfo)


@frozen
class Tick:
    """A place on an axis, 0 to 1, and what stands there."""

    place: float
    text: str


@frozen
class Stretch:
    """Time that is drawn as it passes: from ``start`` at ``left`` to ``end`` at ``right``, 0 to 1."""

    start: datetime
    end: datetime
    left: float
    right: float


class TimeAxis:
    """
    Where moments stand from left (0) to right (1), with the time in which there were no bars folded away.

    Args:
        moments: n >= 1, not falling; a gap of over an hour and twenty usual steps counts as one step.

    Attributes:
        stretches: What is not folded away, oldest first.
        drawn: How much time that is.
    """

    def __init__(self, moments: Sequence[datetime]) -> None:
        steps = sorted(after - before for before, after in pairwise(moments) if after > before)
        usual = steps[len(steps) // 2] if steps else timedelta(minutes=1)
        fold = max(_GAP, _GAP_IN_STEPS * usual)
        ends = [(before, after) for before, after in pairwise(moments) if after - before > fold]
        starts = [moments[0], *(after for _, after in ends)]
        spans = list(zip(starts, [*(before for before, _ in ends), moments[-1]], strict=True))
        self.drawn = sum((end - start for start, end in spans), timedelta(0))
        width = (self.drawn + usual * len(ends)) or timedelta(1)
        self.stretches: list[Stretch] = []
        left = timedelta(0)
        for start, end in spans:
            right = left + (end - start)
            self.stretches.append(Stretch(start, end, left / width, right / width))
            left = right + usual
        self._starts = starts

    def place(self, moment: datetime) -> float:
        """Where a moment stands; one in a gap at its beginning, one outside of the axis at the nearer end."""
        stretch = self.stretches[max(0, bisect_right(self._starts, moment) - 1)]
        if moment >= stretch.end:
            return stretch.right
        share = max(0.0, (moment - stretch.start) / (stretch.end - stretch.start))
        return stretch.left + (stretch.right - stretch.left) * share


def time_ticks(axis: TimeAxis, count: int = 8) -> list[Tick]:
    """
    About ``count`` round moments, UTC: whole minutes, hours, days or weeks; an hour names its day where that is new.

    A day whose midnight is folded away stands where its first bar does. None is so near to another that they touch.
    """
    start, end = axis.stretches[0].start, axis.stretches[-1].end
    step = next((step for step in _STEPS if axis.drawn / step <= count), _STEPS[-1])
    if len(axis.stretches) > count / 2:  # that many sessions are counted in days
        step = next((step for step in _STEPS if step >= _DAY and (end - start) / step <= 2 * count), _STEPS[-1])
    return _day_ticks(axis, step, 0.5 / count) if step >= _DAY else _clock_ticks(axis, step, 0.5 / count)


def _day_ticks(axis: TimeAxis, step: timedelta, apart: float) -> list[Tick]:
    start = axis.stretches[0].start
    base = _MONDAY if step >= 7 * _DAY else EPOCH
    at = base + floor((start - base) / step) * step
    if at.date() < start.date():
        at += step
    ticks: list[Tick] = []
    while at <= axis.stretches[-1].end:
        tick = Tick(axis.place(at), f"{at.day} {at:%b}")
        if not ticks or tick.place - ticks[-1].place >= apart:
            ticks.append(tick)
        elif tick.place - ticks[-1].place < 0.001 or (len(ticks) == 1 and ticks[0].place == 0):
            ticks[-1] = tick  # of the days that fold to one place the last is the one with bars
        at += step
    return ticks


def _clock_ticks(axis: TimeAxis, step: timedelta, apart: float) -> list[Tick]:
    ticks: list[Tick] = []
    days = axis.stretches[-1].end - axis.stretches[0].start > _DAY
    named = None if days else axis.stretches[0].start.date()
    for stretch in axis.stretches:
        at = EPOCH + ceil((stretch.start - EPOCH) / step) * step
        while at <= stretch.end:
            place = axis.place(at)
            if not ticks or place - ticks[-1].place >= apart:
                ticks.append(Tick(place, _in_words(at, step, new_day=at.date() != named)))
                named = at.date()
            at += step
    return ticks


def _in_words(at: datetime, step: timedelta, *, new_day: bool) -> str:
    day = f"{at.day} {at:%b}"
    clock = f"{at:%H:%M:%S}" if step < timedelta(minutes=1) else f"{at:%H:%M}"
    if not new_day:
        return clock
    return day if at.hour == at.minute == at.second == 0 else f"{day} {clock}"


def number_ticks(low: float, high: float, count: int = 5) -> list[Tick]:
    """
    Round numbers (1, 2 or 5 times a power of ten apart) from ``low`` to ``high``, places from bottom (0) to top (1).

    Returns:
        At most about ``count`` ticks; none where there is no span.
    """
    span = high - low
    if not span > 0:
        return []
    power = 10.0 ** floor(log10(span / count))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= count)
    decimals = max(0, -floor(log10(step) + 1e-9))
    first = ceil(low / step - 1e-9)
    last = floor(high / step + 1e-9)
    return [
        Tick((number * step - low) / span, f"{number * step:,.{decimals}f}".replace("-", "\N{MINUS SIGN}"))
        for number in range(first, last + 1)
    ]


def thinned(places: Sequence[float], values: Sequence[float], buckets: int) -> list[int]:
    """
    Which points of a curve to draw: of each bucket of places the first, the lowest, the highest and the last.

    So no spike vanishes, and what is drawn covers the same pixels.

    Args:
        places: 0 to 1, not falling.
        buckets: How many there are from 0 to 1: pixels.

    Returns:
        Indices, rising; all of them where there are no more than two a bucket.
    """
    count = len(places)
    if count <= 2 * buckets:
        return list(range(count))
    kept: list[int] = []
    begin = 0
    while begin < count:
        bucket = floor(places[begin] * buckets)
        end = low = high = begin
        while end < count and floor(places[end] * buckets) == bucket:
            if values[end] < values[low]:
                low = end
            if values[end] > values[high]:
                high = end
            end += 1
        kept += sorted({begin, low, high, end - 1})
        begin = end
    return kept
