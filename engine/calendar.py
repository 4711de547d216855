"""
When a market is open.

A session is half open: it begins with ``open`` and ends just before ``close``. Calendars are asked with every bar and
every order, so each keeps the sessions that it has worked out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from operator import attrgetter
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from attrs import field, frozen

from engine.clock import utc
from engine.errors import InvalidInput, InvalidRequest

__all__ = ["AlwaysOpen", "Calendar", "Daily", "FixedCalendar", "Session", "USEquities"]

_DAY = timedelta(days=1)
_MIDNIGHT = time()


@frozen(kw_only=True)
class Session:
    """
    One stretch of trading.

    Attributes:
        open: The first moment, UTC.
        close: The first moment after it, UTC.

    Raises:
        ClockError: ``open`` or ``close`` is naive.
        InvalidRequest: ``close`` is not after ``open``.
    """

    open: datetime = field(converter=utc)
    close: datetime = field(converter=utc)

    def __attrs_post_init__(self) -> None:
        if self.close <= self.open:
            raise InvalidRequest("close", self.close, f"a moment after the open at {self.open.isoformat()}")


class Calendar(Protocol):
    """The sessions of one market; moments are aware."""

    def session_at(self, moment: datetime) -> Session | None:
        """The session with ``open <= moment < close``; None: the market is closed."""

    def next_session(self, moment: datetime) -> Session:
        """
        The first session with ``open > moment``: within a session the one after it, also at the very open.

        Raises:
            InvalidRequest: The calendar has no such session.
        """


class AlwaysOpen:
    """A market that never closes; a session is one UTC day."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = _utc_day(date(1970, 1, 1))

    def session_at(self, moment: datetime) -> Session:
        last = self._last
        if not last.open <= moment < last.close:
            self._last = last = _utc_day(utc(moment).date())
        return last

    def next_session(self, moment: datetime) -> Session:
        return _utc_day(self.session_at(moment).close.date())


class Daily:
    """
    The same hours on every day, or on the same days of every week, whatever holidays there are.

    Args:
        zone: Whose clocks say when.
        opens: Of a day.
        closes: Of the same day, later than it opens; 00:00 is the end of the day.
        days: Of the week, Monday is 0.

    Raises:
        InvalidRequest: There is no such zone, no day, or no time between open and close.
        InvalidInput: The data of time zones are missing.
    """

    __slots__ = ("_closes", "_days", "_last", "_opens", "_zone")

    def __init__(
        self,
        zone: str = "America/New_York",
        *,
        opens: time = _MIDNIGHT,
        closes: time = _MIDNIGHT,
        days: Collection[int] = range(7),
    ) -> None:
        if not days or not set(days) <= set(range(7)):
            raise InvalidRequest("days", sorted(days), "days of the week, Monday is 0 and Sunday 6, at least one")
        if _MIDNIGHT != closes <= opens:
            raise InvalidRequest("closes", closes, f"a time after {opens}, or 00:00, the end of the day")
        self._zone = _zone(zone)
        self._opens, self._closes, self._days = opens, closes, frozenset(days)
        self._last: Session | None = None

    def session_at(self, moment: datetime) -> Session | None:
        last = self._last
        if last is not None and last.open <= moment < last.close:
            return last
        day = utc(moment).astimezone(self._zone).date()
        if day.weekday() not in self._days:
            return None
        session = self._on(day)
        if session.open <= moment < session.close:
            self._last = session
            return session
        return None

    def next_session(self, moment: datetime) -> Session:
        day = utc(moment).astimezone(self._zone).date()
        while day.weekday() not in self._days or (session := self._on(day)).open <= moment:
            day += _DAY
        return session

    def _on(self, day: date) -> Session:
        end = day + _DAY if self._closes == _MIDNIGHT else day
        return Session(
            open=datetime.combine(day, self._opens, self._zone).astimezone(UTC),
            close=datetime.combine(end, self._closes, self._zone).astimezone(UTC),
        )


class FixedCalendar:
    """
    The sessions of a list, in any order.

    Raises:
        InvalidRequest: Two sessions overlap.
    """

    __slots__ = ("_opens", "_sessions")

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._sessions = sorted(sessions, key=attrgetter("open"))
        self._opens = [session.open for session in self._sessions]
        for before, after in pairwise(self._sessions):
            if after.open < before.close:
                raise InvalidRequest("sessions", after, f"an open not before the last close, {before.close}")

    def session_at(self, moment: datetime) -> Session | None:
        index = bisect_right(self._opens, utc(moment))
        if index and moment < self._sessions[index - 1].close:
            return self._sessions[index - 1]
        return None

    def next_session(self, moment: datetime) -> Session:
        index = bisect_right(self._opens, utc(moment))
        if index == len(self._sessions):
            raise InvalidRequest("moment", moment, f"one before the open of the last of {index} sessions")
        return self._sessions[index]


class USEquities:
    """
    Regular hours of the US stock exchanges: 09:30 to 16:00 in New York, 13:00 on half days.

    Exact from 1995 on; before, half days had various hours and are answered as if they had closed at 13:00. A halt
    within a day does not end its session.

    Raises:
        InvalidInput: The package ``holidays`` or the time zone of New York is missing.

    Source: the NYSE market of the package ``holidays``, categories "public" and "half_day".
    """

    __slots__ = ("_closed", "_half", "_last", "_sessions", "_years", "_zone")

    def __init__(self) -> None:
        try:
            from holidays import financial_holidays
        except ImportError as error:
            raise InvalidInput(
                "calendar of US equities", "no package 'holidays'", "it to be installed: pip install holidays"
            ) from error
        self._zone = _zone("America/New_York")
        self._years = financial_holidays
        self._closed: dict[int, frozenset[date]] = {}
        self._half: dict[int, frozenset[date]] = {}
        self._sessions: dict[date, Session | None] = {}
        self._last: Session | None = None

    def session_at(self, moment: datetime) -> Session | None:
        last = self._last
        if last is not None and last.open <= moment < last.close:
            return last
        # Regular hours begin and end on the same UTC date all year round.
        session = self._session_on(utc(moment).date())
        if session is not None and session.open <= moment < session.close:
            self._last = session
            return session
        return None

    def next_session(self, moment: datetime) -> Session:
        day = utc(moment).date()
        while (session := self._session_on(day)) is None or session.open <= moment:
            day += _DAY
        return session

    def _session_on(self, day: date) -> Session | None:
        try:
            return self._sessions[day]
        except KeyError:
            session = self._sessions[day] = self._work_out(day)
            return session

    def _work_out(self, day: date) -> Session | None:
        year = day.year
        if year not in self._closed:
            self._closed[year] = frozenset(self._years("NYSE", years=year, categories=("public",)))
            self._half[year] = frozenset(self._years("NYSE", years=year, categories=("half_day",)))
        if day.weekday() >= 5 or day in self._closed[year]:
            return None
        close = time(13) if day in self._half[year] else time(16)
        return Session(
            open=datetime.combine(day, time(9, 30), self._zone).astimezone(UTC),
            close=datetime.combine(day, close, self._zone).astimezone(UTC),
        )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except ValueError as error:
        raise InvalidRequest("zone", name, "the name of a time zone, e.g. America/New_York") from error
    except ZoneInfoNotFoundError as error:
        if not available_timezones():
            expected = "it to be installed: pip install tzdata"
            raise InvalidInput("calendar", "no time zone data", expected) from error
        raise InvalidRequest("zone", name, "the name of a time zone, e.g. America/New_York") from error


def _utc_day(day: date) -> Session:
    start = datetime.combine(day, time(), UTC)
    return Session(open=start, close=start + _DAY)
