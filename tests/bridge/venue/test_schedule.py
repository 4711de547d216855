"""What is due comes in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bridge.venue.schedule import Schedule

NOW = datetime(2024, 1, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_calls_come_by_moment_rank_and_order():
    """Of the same moment a lower rank goes first, then what was put in first."""
    schedule = Schedule()
    schedule.at(NOW + SECOND, print, "later")
    schedule.at(NOW, print, "third")
    schedule.at(NOW, print, "fourth")
    schedule.at(NOW, print, "second", rank=1)
    schedule.at(NOW, print, "first", rank=0)
    order = []
    while (entry := schedule.pop(NOW)) is not None:
        order.append(entry[2][0])

    assert ["first", "second", "third", "fourth"] == order
    assert NOW + SECOND == schedule.next_due


def test_an_empty_schedule_is_never_due():
    """Nothing is going to happen."""
    assert (None, None) == (Schedule().next_due, Schedule().pop(NOW))


def test_of_one_moment_the_later_ranks_can_wait():
    """What is due at this very moment is held back from a rank on; what was due before is not."""
    schedule = Schedule()
    schedule.at(NOW, print, "first")
    schedule.at(NOW, print, "last", rank=8)
    found = [schedule.pop(NOW, below=8), schedule.pop(NOW, below=8), schedule.pop(NOW + SECOND, below=8)]

    assert ["first", None, "last"] == [entry and entry[2][0] for entry in found]
