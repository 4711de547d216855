"""When markets are open."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from engine.calendar import AlwaysOpen, Daily, FixedCalendar, Session, USEquities
from engine.errors import ClockError, InvalidInput, InvalidRequest

MICROSECOND = timedelta(microseconds=1)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@pytest.fixture(scope="module")
def us() -> USEquities:
    pytest.importorskip("holidays")
    return USEquities()


MORNING = Session(open=utc(2024, 1, 2, 9), close=utc(2024, 1, 2, 12))
EVENING = Session(open=utc(2024, 1, 2, 17), close=utc(2024, 1, 2, 20))


def test_a_session_is_in_utc() -> None:
    """Moments given in another zone are kept as the same instants in UTC."""
    session = Session(open=datetime(2024, 1, 2, 10, tzinfo=timezone(timedelta(hours=1))), close=MORNING.close)

    assert MORNING == session
    assert UTC is session.open.tzinfo


def test_a_session_refuses_a_naive_moment() -> None:
    """Nobody knows which instant a moment without a zone is."""
    with pytest.raises(ClockError, match="no time zone"):
        Session(open=datetime(2024, 1, 2, 9), close=MORNING.close)


def test_a_session_ends_after_it_begins() -> None:
    """A session of no length is refused."""
    with pytest.raises(InvalidRequest, match="close"):
        Session(open=MORNING.open, close=MORNING.open)


def test_always_open_has_a_session_for_each_utc_day() -> None:
    """Any moment lies in the session of its UTC day."""
    session = AlwaysOpen().session_at(utc(2024, 2, 29, 23, 59, 59))

    assert Session(open=utc(2024, 2, 29), close=utc(2024, 3, 1)) == session


def test_always_open_changes_the_session_at_midnight() -> None:
    """Midnight belongs to the day that begins, also right after a look at the day before."""
    calendar = AlwaysOpen()
    before = calendar.session_at(utc(2024, 1, 2) - MICROSECOND)

    assert before.close == calendar.session_at(utc(2024, 1, 2)).open


def test_always_open_answers_in_utc_whatever_the_zone() -> None:
    """The day of a moment is its day in UTC."""
    session = AlwaysOpen().session_at(datetime(2024, 1, 2, 1, tzinfo=timezone(timedelta(hours=2))))

    assert utc(2024, 1, 1) == session.open


def test_always_open_goes_on_the_next_day() -> None:
    """The next session opens at the next midnight, also asked at midnight."""
    calendar = AlwaysOpen()

    assert utc(2024, 1, 3) == calendar.next_session(utc(2024, 1, 2, 12)).open
    assert utc(2024, 1, 3) == calendar.next_session(utc(2024, 1, 2)).open


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (MORNING.open - MICROSECOND, None),
        (MORNING.open, MORNING),
        (MORNING.close - MICROSECOND, MORNING),
        (MORNING.close, None),
        (EVENING.open, EVENING),
        (EVENING.close, None),
    ],
)
def test_a_fixed_calendar_knows_its_sessions(moment: datetime, expected: Session | None) -> None:
    """A session holds its open and not its close; between sessions there is none."""
    calendar = FixedCalendar([EVENING, MORNING])

    assert expected == calendar.session_at(moment)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (MORNING.open - MICROSECOND, MORNING),
        (MORNING.open, EVENING),
        (MORNING.close, EVENING),
        (EVENING.open - MICROSECOND, EVENING),
    ],
)
def test_a_fixed_calendar_knows_the_next_session(moment: datetime, expected: Session) -> None:
    """The next session is the first that opens later than the moment."""
    calendar = FixedCalendar([MORNING, EVENING])

    assert expected == calendar.next_session(moment)


def test_a_fixed_calendar_ends() -> None:
    """After the last open there is no next session, and that is an error."""
    with pytest.raises(InvalidRequest, match="moment"):
        FixedCalendar([MORNING]).next_session(MORNING.open)


def test_a_fixed_calendar_refuses_sessions_that_overlap() -> None:
    """A moment lies in one session at most."""
    with pytest.raises(InvalidRequest, match="sessions"):
        FixedCalendar([MORNING, Session(open=MORNING.close - MICROSECOND, close=EVENING.open)])


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        (date(2024, 3, 8), "14:30", "21:00"),  # the last day of winter time
        (date(2024, 3, 11), "13:30", "20:00"),
        (date(2024, 11, 1), "13:30", "20:00"),  # the last day of summer time
        (date(2024, 11, 4), "14:30", "21:00"),
        (date(2024, 11, 29), "14:30", "18:00"),
        (date(2024, 7, 3), "13:30", "17:00"),
        (date(2026, 11, 27), "14:30", "18:00"),
    ],
)
def test_us_hours_follow_new_york(us: USEquities, day: date, opens: str, closes: str) -> None:
    """Sessions last from 09:30 to 16:00 in New York, on half days to 13:00, in winter and summer time."""
    session = us.session_at(datetime(day.year, day.month, day.day, 15, tzinfo=UTC))

    assert session is not None
    assert (f"{day} {opens}", f"{day} {closes}") == (f"{session.open:%F %R}", f"{session.close:%F %R}")


@pytest.mark.parametrize(
    "day",
    [
        date(2024, 11, 28),  # Thanksgiving
        date(2025, 1, 9),  # day of mourning
        date(2024, 3, 29),  # Good Friday
        date(2026, 7, 3),  # Independence Day, observed
        date(2024, 1, 6),  # Saturday
        date(2024, 1, 7),  # Sunday
    ],
)
def test_us_markets_are_closed_on_holidays_and_weekends(us: USEquities, day: date) -> None:
    """A day off has no session."""
    assert us.session_at(datetime(day.year, day.month, day.day, 15, tzinfo=UTC)) is None


def test_us_sessions_are_half_open(us: USEquities) -> None:
    """The open is within, the close is not, also when a moment within was asked for just before."""
    session = us.session_at(utc(2024, 1, 2, 15))
    assert session is not None

    assert us.session_at(session.open) is session
    assert us.session_at(session.close - MICROSECOND) is session
    assert us.session_at(session.close) is None
    assert us.session_at(session.open - MICROSECOND) is None


def test_us_sessions_are_remembered(us: USEquities) -> None:
    """The same day gives the same object, after other days were asked for too."""
    first = us.session_at(utc(2024, 1, 2, 15))
    us.session_at(utc(2024, 1, 3, 15))

    assert first is us.session_at(utc(2024, 1, 2, 16))


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (utc(2024, 11, 27, 14, 29), utc(2024, 11, 27, 14, 30)),
        (utc(2024, 11, 27, 14, 30), utc(2024, 11, 29, 14, 30)),  # over Thanksgiving
        (utc(2024, 11, 29, 18), utc(2024, 12, 2, 14, 30)),  # over a weekend
        (utc(2024, 12, 31, 22), utc(2025, 1, 2, 14, 30)),  # into another year
    ],
)
def test_us_next_session_skips_days_off(us: USEquities, moment: datetime, opens: datetime) -> None:
    """The next session opens later than the moment, days off are passed over."""
    assert opens == us.next_session(moment).open


def test_us_calendar_names_the_package_it_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package of holidays the error says what to install."""
    monkeypatch.setitem(sys.modules, "holidays", None)

    with pytest.raises(InvalidInput, match="pip install holidays"):
        USEquities()


# --- the same hours every day -----------------------------------------------------------------------------------------

EXCHANGE = Daily(opens=time(9, 30), closes=time(16), days=range(5))


def test_a_day_lasts_from_midnight_to_midnight() -> None:
    """One session follows the other without a pause, on weekends too."""
    calendar = Daily()
    session = calendar.session_at(utc(2024, 1, 6, 12))

    assert Session(open=utc(2024, 1, 6, 5), close=utc(2024, 1, 7, 5)) == session
    assert session.close == calendar.next_session(utc(2024, 1, 6, 12)).open
    assert session == calendar.session_at(session.open)
    assert calendar.next_session(session.open) == calendar.session_at(session.close)


@pytest.mark.parametrize(("day", "hours"), [(utc(2024, 3, 10, 12), 23), (utc(2024, 11, 3, 12), 25)])
def test_days_on_which_clocks_change_are_shorter_or_longer(day: datetime, hours: int) -> None:
    """Midnight is what the clocks of the zone show."""
    session = Daily().session_at(day)

    assert session is not None
    assert timedelta(hours=hours) == session.close - session.open


@pytest.mark.parametrize(
    ("moment", "is_open", "coming"),
    [
        (utc(2024, 1, 5, 14, 29), False, utc(2024, 1, 5, 14, 30)),
        (utc(2024, 1, 5, 14, 30), True, utc(2024, 1, 8, 14, 30)),
        (utc(2024, 1, 5, 20, 59, 59), True, utc(2024, 1, 8, 14, 30)),
        (utc(2024, 1, 5, 21), False, utc(2024, 1, 8, 14, 30)),
        (utc(2024, 1, 6, 15), False, utc(2024, 1, 8, 14, 30)),
        (utc(2024, 7, 4, 13, 30), True, utc(2024, 7, 5, 13, 30)),  # a holiday
    ],
)
def test_hours_on_some_days_of_the_week(moment: datetime, is_open: bool, coming: datetime) -> None:
    """Weekends are left out, holidays are not, and the hours are those of the zone in summer and winter."""
    assert (is_open, coming) == (EXCHANGE.session_at(moment) is not None, EXCHANGE.next_session(moment).open)


def test_daily_hours_in_another_zone() -> None:
    """Whose day may be another one in UTC."""
    session = Daily("Asia/Tokyo", opens=time(8), closes=time(9)).session_at(utc(2024, 1, 5, 23, 30))

    assert Session(open=utc(2024, 1, 5, 23), close=utc(2024, 1, 6)) == session


@pytest.mark.parametrize(
    ("hours", "name"),
    [
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "../etc"}, "zone"),
        ({"days": ()}, "days"),
        ({"days": (7,)}, "days"),
        ({"opens": time(16), "closes": time(9, 30)}, "closes"),
        ({"opens": time(16), "closes": time(16)}, "closes"),
    ],
)
def test_daily_hours_make_sense(hours: dict[str, Any], name: str) -> None:
    """No such zone, no day, and a close that is not later than the open are refused."""
    with pytest.raises(InvalidRequest, match=name):
        Daily(**hours)
