"""A run that is repeated is held against its journal, fact by fact."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from engine.books.journal import Journal
from engine.books.rerun import Rerun
from engine.errors import Diverged, JournalError
from engine.facts import NotFound, Sent

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(minute):
    return START + minute * MINUTE


def sent(number):
    return Sent(at=at(number), order_id=f"tb-{number}")


@pytest.fixture
def path(tmp_path):
    """A journal of three facts, one a minute from the first."""
    with Journal(tmp_path / "j") as journal:
        for number in range(3):
            journal.append(sent(number), at(number))
    return tmp_path / "j"


def rerun(path, *numbers):
    """A run that has come to these facts, in the bar of the last."""
    journal = Rerun(path)
    for number in numbers:
        journal.bar = at(number)
        journal.append(sent(number), at(number))
    return journal


def facts(path):
    with Journal(path) as journal:
        return [entry.fact for entry in journal.entries()]


def test_the_same_run_passes(path):
    """Facts that are the recorded ones are counted and not written again."""
    with rerun(path, 0, 1) as journal:
        halfway = len(journal), journal.replaying
        journal.append(sent(2), at(2))
        journal.reached(at(3))
        journal.ended()

        assert ((2, True), (3, False)) == (halfway, (len(journal), journal.replaying))
    assert [sent(0), sent(1), sent(2)] == facts(path)


def test_behind_the_end_it_writes(path):
    """The first fact that the journal does not have is appended, durable like any other."""
    with rerun(path, 0, 1, 2, 3, 4) as journal:
        assert 5 == len(journal)

    assert [sent(number) for number in range(5)] == facts(path)


def test_an_empty_journal_has_nothing_to_compare(tmp_path):
    """A session that was stopped before its first fact runs as a new one."""
    with rerun(tmp_path / "j", 0) as journal:
        assert False is journal.replaying

    assert [sent(0)] == facts(tmp_path / "j")


@pytest.mark.parametrize(
    ("fact", "moment"),
    [
        (Sent(at=at(1), order_id="tb-9"), at(1)),
        (NotFound(at=at(1), order_id="tb-1"), at(1)),
        (Sent(at=at(1), order_id="tb-1"), at(1) + timedelta(microseconds=1)),
    ],
    ids=["other content", "other kind", "other moment"],
)
def test_the_first_difference_is_named(path, fact, moment):
    """Content, kind and moment all have to be the recorded ones; the error has bar and both facts."""
    with rerun(path, 0) as journal:
        journal.bar = at(1)
        with pytest.raises(Diverged, match="not deterministic: at the bar of 2024-01-02T14:31:00") as caught:
            journal.append(fact, moment)

    assert (at(1), sent(1), fact) == (caught.value.bar, caught.value.recorded, caught.value.found)
    assert [sent(0), sent(1), sent(2)] == facts(path)


def test_before_the_first_bar_there_is_none_to_name(path):
    """A difference before any bar says so."""
    with Rerun(path) as journal, pytest.raises(Diverged, match="before the first bar"):
        journal.append(sent(1), at(1))


def test_a_missing_fact_is_found_when_its_time_is_over(path):
    """A run that reaches a later moment without the recorded fact has diverged; up to that moment it may still come."""
    with rerun(path, 0) as journal:
        journal.reached(at(1))
        with pytest.raises(Diverged) as caught:
            journal.reached(at(1) + timedelta(microseconds=1))

    assert (at(0), sent(1), None) == (caught.value.bar, caught.value.recorded, caught.value.found)


def test_an_extra_fact_is_a_difference(path):
    """A fact between two recorded ones is held against the next of them."""
    with rerun(path, 0) as journal, pytest.raises(Diverged) as caught:
        journal.append(NotFound(at=at(0), order_id="tb-0"), at(0))

    assert (sent(1), NotFound(at=at(0), order_id="tb-0")) == (caught.value.recorded, caught.value.found)


def test_a_journal_longer_than_the_run_is_a_difference(path):
    """A run that is over before its journal has diverged."""
    with rerun(path, 0, 1) as journal, pytest.raises(Diverged) as caught:
        journal.ended()

    assert (sent(2), None) == (caught.value.recorded, caught.value.found)


def test_whoever_swallows_the_difference_does_not_get_past_it(path):
    """After a difference every append and every commit raises it again, whatever comes."""
    with rerun(path, 0) as journal:
        with pytest.raises(Diverged) as first:
            journal.append(sent(7), at(1))

        with pytest.raises(Diverged) as second:
            journal.append(sent(1), at(1))
        with pytest.raises(Diverged) as third:
            journal.commit()
    assert first.value is second.value is third.value
    assert [sent(0), sent(1), sent(2)] == facts(path)


def test_a_damaged_journal_stops_the_run(path):
    """Damage is found where the comparison comes to it, and is no difference of the strategy's."""
    db = sqlite3.connect(path)
    db.execute("update facts set order_id = 'x' where seq = 2")
    db.commit()
    db.close()

    with Rerun(path) as journal, pytest.raises(JournalError, match="fact 2 is damaged") as caught:
        journal.append(sent(0), at(0))
    assert JournalError is type(caught.value)
