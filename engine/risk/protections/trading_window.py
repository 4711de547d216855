"""Entries at some hours only."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

from engine.clock import spelled
from engine.decisions import Refusal
from engine.errors import InvalidRequest
from engine.model import OrderRequest
from engine.ports import BooksView
from engine.risk.checks import local_time, pause

__all__ = ["TradingWindow"]


@frozen(kw_only=True)
class TradingWindow:
    """
    Refuses entries outside of hours.

    Attributes:
        start, end: Time of day in ``zone``; at the very end entries still pass, a microsecond later not. An end before
            the start is that of the next day. None: open on that side.
        zone: Name of a time zone.
        after_open: How long after the session's open at least.
        before_close: How long before its close at least; half days close earlier, so there it is earlier too.

    Missing input: while no session day has begun, ``after_open`` and ``before_close`` refuse.

    Raises:
        InvalidRequest: Nothing is limited, start and end are the same, or the zone does not exist.
    """

    method: Literal["trading-window"] = "trading-window"
    start: time | None = field(default=None, validator=local_time)
    end: time | None = field(default=None, validator=local_time)
    zone: str = "America/New_York"
    after_open: timedelta | None = field(default=None, validator=pause)
    before_close: timedelta | None = field(default=None, validator=pause)
    _place: ZoneInfo = field(init=False, repr=False, eq=False)

    @_place.default
    def _look_up_zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # there are folders among the zones
            raise InvalidRequest("zone", self.zone, "a time zone, e.g. America/New_York") from None

    def __attrs_post_init__(self) -> None:
        if (self.start, self.end, self.after_open, self.before_close) == (None, None, None, None):
            raise InvalidRequest("start", None, "at least one of start, end, after_open, before_close")
        if self.end is not None and self.end == (self.start or time.min):
            raise InvalidRequest("end", self.end, "another time than the start")

    def refusal(self, request: OrderRequest, view: BooksView, now: datetime) -> Refusal | None:
        """Why an entry may not go now; None: it may."""
        if (self.start is not None or self.end is not None) and not self._open_at(now.astimezone(self._place).time()):
            hours = f"{self.start or '00:00'} to {self.end or '24:00'} {self.zone}"
            return self._no(f"entries pass from {hours}, it is {now.astimezone(self._place):%H:%M:%S}", now)
        if self.after_open is None and self.before_close is None:
            return None
        day = view.day()
        if day is None:
            return self._no("no session day has begun, so its hours are not known", now)
        if self.after_open is not None and now < day.opens + self.after_open:
            return self._no(
                f"entries pass from {spelled(self.after_open)} after the open at {day.opens:%H:%M} UTC on", now
            )
        if self.before_close is not None and now > day.closes - self.before_close:
            return self._no(
                f"entries pass until {spelled(self.before_close)} before the close at {day.closes:%H:%M} UTC", now
            )
        return None

    def _open_at(self, moment: time) -> bool:
        start, end = self.start or time.min, self.end or time.max
        return start <= moment <= end if start <= end else moment >= start or moment <= end

    @staticmethod
    def _no(what: str, now: datetime) -> Refusal:
        return Refusal(code="TRADING_WINDOW", message=what, value=now.isoformat())
