"""
When shares trade: the regular session, the hours before and after it, and what follows from them for an order.

Coins trade always. The sessions are the calendar's; 04:00 and 20:00 in New York are five and a half hours before the
open and four hours after the close, on half days too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any

from bridge.venue.spelling import NEW_YORK, local
from engine.calendar import Calendar, Session
from engine.errors import InvalidRequest

__all__ = ["Hours", "Phase"]

_BEFORE = timedelta(hours=5, minutes=30)
_AFTER = timedelta(hours=4)
_RECENT = timedelta(hours=36)  # longer than any session with what comes after it
_KEPT = timedelta(days=90)  # how long Alpaca lets an order rest


class Phase(Enum):
    CLOSED = "closed"
    EXTENDED = "extended"
    REGULAR = "regular"


class Hours:
    """
    Args:
        calendar: Of the shares.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar

    def session(self, now: datetime) -> Session | None:
        return self._calendar.session_at(now)

    def coming(self, now: datetime) -> Session | None:
        """The next session that opens; None: the calendar ends."""
        try:
            return self._calendar.next_session(now)
        except InvalidRequest:
            return None

    def last(self, now: datetime) -> Session | None:
        """The last session that opened within a day and a half, be it over or not."""
        found = None
        for session in self._from(now - _RECENT):
            if session.open > now:
                break
            found = session
        return found

    def phase(self, now: datetime) -> Phase:
        if self.session(now) is not None:
            return Phase.REGULAR
        last, coming = self.last(now), self.coming(now)
        if last is not None and now < last.close + _AFTER:
            return Phase.EXTENDED
        if coming is not None and now >= coming.open - _BEFORE:
            return Phase.EXTENDED
        return Phase.CLOSED

    def next_change(self, now: datetime) -> datetime | None:
        """The next moment at which a session or its extended hours begin or end; None: never again."""
        moments = []
        for session in (self.last(now), self.coming(now)):
            if session is not None:
                moments += [session.open - _BEFORE, session.open, session.close, session.close + _AFTER]
        return min((moment for moment in moments if moment > now), default=None)

    def day_ends(self, now: datetime, *, extended: bool) -> datetime | None:
        """When a day order that comes now is over: with this session, or with the next one if there is none now."""
        more = _AFTER if extended else timedelta(0)
        last = self.last(now)
        if last is not None and now < last.close + more:
            return last.close + more
        coming = self.coming(now)
        return None if coming is None else coming.close + more

    @staticmethod
    def kept_until(now: datetime, *, crypto: bool) -> datetime:
        """When an order that is good till cancelled is over all the same."""
        day = (now + _KEPT).astimezone(NEW_YORK).date()
        if crypto:
            return datetime.combine((now + _KEPT).astimezone(UTC).date(), time(21), UTC)
        return datetime.combine(day, time(16, 15), NEW_YORK).astimezone(UTC)

    def settles(self, now: datetime, *, crypto: bool) -> str | None:
        """The date on which a trade of now is settled: a coin's today, a share's a session later; None: unknown."""
        day = now.astimezone(NEW_YORK).date()
        if crypto:
            return day.isoformat()
        traded = self.coming(datetime.combine(day, time(), NEW_YORK).astimezone(UTC))
        settles = None if traded is None else self.coming(traded.open)
        return None if settles is None else settles.open.astimezone(NEW_YORK).date().isoformat()

    # --- as answers ---------------------------------------------------------------------------------------------------

    def clock(self, now: datetime) -> dict[str, Any]:
        session, coming = self.session(now), self.coming(now)
        closes = session.close if session is not None else None if coming is None else coming.close
        return {
            "timestamp": local(now),
            "is_open": session is not None,
            "next_open": None if coming is None else local(coming.open),
            "next_close": None if closes is None else local(closes),
        }

    def days(self, first: date, last: date) -> list[dict[str, Any]]:
        """The sessions of these dates in New York, both included, with the dates on which they settle."""
        sessions = []
        for session in self._from(datetime.combine(first, time(), NEW_YORK).astimezone(UTC) - timedelta(seconds=1)):
            if session.open.astimezone(NEW_YORK).date() > last:
                break
            sessions.append(session)
        return [self._day(session) for session in sessions]

    def _day(self, session: Session) -> dict[str, Any]:
        opens, closes = session.open.astimezone(NEW_YORK), session.close.astimezone(NEW_YORK)
        coming = self.coming(session.open)
        settles = None if coming is None else coming.open.astimezone(NEW_YORK).date().isoformat()
        return {
            "date": opens.date().isoformat(),
            "open": f"{opens:%H:%M}",
            "close": f"{closes:%H:%M}",
            "session_open": f"{opens - _BEFORE:%H%M}",
            "session_close": f"{closes + _AFTER:%H%M}",
            "settlement_date": settles,
        }

    def _from(self, moment: datetime) -> Iterator[Session]:
        """The sessions that open after a moment, in order."""
        session = self.coming(moment)
        while session is not None:
            yield session
            session = self.coming(session.open)
