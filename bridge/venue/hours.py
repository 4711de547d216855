"""
When shares trade: the regular session, the hours before and after it, and what follows from them for an order.

Coins trade always. The sessions are the calendar's; 04:00 and 20:00 in New York are five and a half hours before the
open and four hours after the close, on half days too, and never within another session.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any, Literal

from bridge.venue.spelling import NEW_YORK, local
from engine.calendar import Calendar, Daily, Session, USEquities
from engine.errors import InvalidRequest

__all__ = ["Hours", "Phase", "calendar_of"]

_BEFORE = timedelta(hours=5, minutes=30)
_AFTER = timedelta(hours=4)
_RECENT = timedelta(hours=36)  # longer than any session with what comes after it
_KEPT = timedelta(days=90)  # how long Alpaca lets an order rest


class Phase(Enum):
    CLOSED = "closed"
    EXTENDED = "extended"
    REGULAR = "regular"


def calendar_of(hours: Literal["always", "exchange"]) -> Calendar:
    """
    When shares trade at a venue.

    Args:
        hours: "exchange": the regular hours of the US stock exchanges. "always": whatever the hour and the day; one
            session from midnight to midnight in New York follows the other, so that orders for the day end, days of
            trading are counted and a clock that is asked has an answer. Both go on for ever.

    Raises:
        InvalidInput: "exchange", and the package ``holidays`` is missing.
        InvalidRequest: Any other word.
    """
    if hours not in ("always", "exchange"):
        raise InvalidRequest("hours", hours, "always or exchange")
    return Daily() if hours == "always" else USEquities()


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
                moments += [self._begins(session), session.open, session.close, self._ends(session)]
        return min((moment for moment in moments if moment > now), default=None)

    def day_ends(self, now: datetime, *, extended: bool) -> datetime | None:
        """When a day order that comes now is over: with this session, or with the next one if there is none now."""
        for session in (self.last(now), self.coming(now)):
            if session is not None:
                ends = self._ends(session) if extended else session.close
                if now < ends:
                    return ends
        return None

    def _begins(self, session: Session) -> datetime:
        """When the hours before a session begin."""
        before = self.last(session.open - timedelta.resolution)
        early = session.open - _BEFORE
        return early if before is None else max(early, before.close)

    def _ends(self, session: Session) -> datetime:
        """When the hours after a session end."""
        after = self.coming(session.open)
        late = session.close + _AFTER
        return late if after is None else min(late, after.open)

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
        coming = self.coming(session.open)
        opens = session.open.astimezone(NEW_YORK)
        return {
            "date": opens.date().isoformat(),
            "open": _time(session.open, opens.date()),
            "close": _time(session.close, opens.date()),
            "session_open": _time(self._begins(session), opens.date()).replace(":", ""),
            "session_close": _time(self._ends(session), opens.date()).replace(":", ""),
            "settlement_date": None if coming is None else coming.open.astimezone(NEW_YORK).date().isoformat(),
        }

    def _from(self, moment: datetime) -> Iterator[Session]:
        """The sessions that open after a moment, in order."""
        session = self.coming(moment)
        while session is not None:
            yield session
            session = self.coming(session.open)


def _time(at: datetime, day: date) -> str:
    """The time in New York; of another day the nearest time of this one, for a day has no 24:00 that clients know."""
    there = at.astimezone(NEW_YORK)
    return f"{there:%H:%M}" if there.date() == day else "00:00" if there.date() < day else "23:59"
