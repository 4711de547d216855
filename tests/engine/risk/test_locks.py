"""Locks: what they keep out, how long, and what lifts them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone

import pytest

from engine.errors import InvalidRequest
from engine.facts import Locked, LocksReleased
from engine.model import Side
from engine.risk.locks import Lasting, Locks

BUY, SELL = Side.BUY, Side.SELL
FIVE = timedelta(minutes=5)


def at(clock, day=2):
    return datetime.fromisoformat(f"2024-01-{day:02}T{clock}+00:00")


def lock(number, until, *, symbol="A", side=None, began="10:00", rule="cooldown.1"):
    name = f"{rule}/{symbol or '*'}/{number}"
    protection = rule.partition(".")[0]
    more = {"symbol": symbol, "side": side, "protection": protection, "reason": "r", "trades": (number,)}
    return Locked(at=at(began), id=name, until=at(until), **more)


def locks(*facts):
    all_locks = Locks()
    for fact in facts:
        all_locks.lock(fact)
    return all_locks


# --- how long ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "event", "end"),
    [
        ({}, "10:00", at("11:00")),
        ({"lock_for": FIVE}, "10:00:12.5", at("10:05:12.5")),
        ({"lock_for": FIVE, "candle": FIVE}, "10:00:12", at("10:10")),
        ({"lock_for": FIVE, "candle": FIVE}, "10:00", at("10:10")),
        ({"lock_for": FIVE, "candle": timedelta(days=1)}, "10:00", at("00:00", 3)),
        ({"lock_for": FIVE, "candle": timedelta(hours=4)}, "07:54:59", at("08:00")),
        ({"unlock_at": time(11)}, "10:59:59", at("11:00")),
        ({"unlock_at": time(11)}, "11:00", at("11:00", 3)),
        ({"unlock_at": time(11)}, "11:00:01", at("11:00", 3)),
        ({"unlock_at": time(0)}, "23:59", at("00:00", 3)),
        ({"unlock_at": time(11), "candle": FIVE}, "10:00", at("11:05")),
    ],
)
def test_how_long_a_lock_lasts(settings, event, end):
    """A length, or until a time of day; with candles up to the next boundary, and always beyond the end itself."""
    assert end == Lasting(**settings).until(at(event))


def test_the_end_is_in_utc():
    """An event told in another zone ends at the time of day in UTC."""
    tokyo = datetime(2024, 1, 3, 8, tzinfo=timezone(timedelta(hours=9)))  # still the 2nd in UTC

    assert at("23:30") == Lasting(unlock_at=time(23, 30)).until(tokyo)
    assert UTC is Lasting().until(tokyo).tzinfo


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"lock_for": FIVE, "unlock_at": time(11)}, "unlock_at"),
        ({"lock_for": timedelta(0)}, "lock_for"),
        ({"lock_for": timedelta.max}, "lock_for"),
        ({"candle": timedelta(0)}, "candle"),
        ({"unlock_at": time(11, tzinfo=UTC)}, "unlock_at"),
    ],
)
def test_ends_that_make_no_sense(settings, field):
    """They are refused by name: a lock has one end, and no length is nothing."""
    with pytest.raises(InvalidRequest) as caught:
        Lasting(**settings)

    assert field == caught.value.field


# --- what is kept out -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "side", "keeps_out"),
    [
        ("A", None, [("A", BUY), ("A", SELL)]),
        ("A", BUY, [("A", BUY)]),
        (None, None, [("A", BUY), ("A", SELL), ("B", BUY), ("B", SELL)]),
        (None, SELL, [("A", SELL), ("B", SELL)]),
    ],
)
def test_whom_a_lock_keeps_out(symbol, side, keeps_out):
    """Its symbol or all of them, its side or both."""
    known = locks(lock(1, "11:00", symbol=symbol, side=side))
    entries = [(name, way) for name in "AB" for way in (BUY, SELL)]

    assert keeps_out == [entry for entry in entries if known.holding(*entry, at("10:30")) is not None]


def test_a_lock_holds_up_to_its_end():
    """At the end itself entries pass."""
    known = locks(lock(1, "11:00"))
    held = [known.holding("A", BUY, moment) is not None for moment in (at("10:59:59.999999"), at("11:00"))]

    assert [True, False] == held


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_the_longest_lock_answers(order):
    """Of several that hold that with the latest end is named, whichever came first."""
    facts = [lock(1, "11:00"), lock(2, "12:00", symbol=None), lock(3, "11:30")]

    assert facts[1] == locks(*(facts[each] for each in order)).holding("A", BUY, at("10:30"))


def test_no_locks():
    """Nothing is kept out."""
    assert (None, []) == (Locks().holding("A", BUY, at("10:00")), Locks().active(at("10:00")))


# --- covering ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "covered"),
    [
        (lock(1, "11:00"), lock(2, "11:00"), True),
        (lock(1, "11:01"), lock(2, "11:00"), True),
        (lock(1, "10:59"), lock(2, "11:00"), False),
        (lock(1, "11:00", symbol=None), lock(2, "11:00"), True),
        (lock(1, "11:00"), lock(2, "11:00", symbol=None), False),
        (lock(1, "11:00"), lock(2, "11:00", symbol="B"), False),
        (lock(1, "11:00"), lock(2, "11:00", side=BUY), True),
        (lock(1, "11:00", side=BUY), lock(2, "11:00", side=BUY), True),
        (lock(1, "11:00", side=BUY), lock(2, "11:00", side=SELL), False),
        (lock(1, "11:00", side=BUY), lock(2, "11:00"), False),
        (lock(1, "11:00", rule="max-drawdown.2"), lock(2, "11:00"), True),
    ],
)
def test_what_covers_a_lock(old, new, covered):
    """One that keeps out all that the new one would, at least as long, whoever's it is; equal ends are long enough."""
    assert covered is locks(old).cover(new)


def test_what_was_lifted_covers_nothing():
    """A released lock neither holds nor covers."""
    known = locks(lock(1, "11:00"))
    known.release(LocksReleased(at=at("10:10"), ids=(lock(1, "11:00").id,), reason="why not"))

    assert (False, None) == (known.cover(lock(2, "10:30")), known.holding("A", BUY, at("10:11")))


# --- facts ------------------------------------------------------------------------------------------------------------


def test_the_same_lock_counts_once():
    """A lock whose id is known changes nothing, also when it was lifted."""
    fact = lock(1, "11:00")
    known = locks(fact, fact)
    known.release(LocksReleased(at=at("10:10"), ids=(fact.id,), reason="why not"))
    known.lock(fact)

    assert ([fact], []) == (known.all, known.active(at("10:30")))
    assert fact.id in known


def test_what_lifted_a_lock_is_kept():
    """The first release counts; ids that nobody knows do no harm."""
    known = locks(lock(1, "11:00"), lock(2, "12:00"))
    first, second = lock(1, "11:00").id, lock(2, "12:00").id
    facts = [LocksReleased(at=at("10:10"), ids=ids, reason="r") for ids in ((first, "x"), (first, second))]
    for fact in facts:
        known.release(fact)

    assert {first: facts[0], "x": facts[0], second: facts[1]} == known.released


def test_active_locks_are_listed_as_they_came():
    """Those that hold, of all symbols, in the order in which they were recorded."""
    facts = [lock(1, "11:00", symbol="B"), lock(2, "10:20"), lock(3, "11:00", symbol=None), lock(4, "11:30", side=BUY)]

    assert [facts[0], facts[2], facts[3]] == locks(*facts).active(at("10:20"))


@pytest.mark.parametrize("began", ["09:00", "10:00", "10:59:59"])
def test_older_locks_live_on(began):
    """A lock that comes later takes none away that still holds, whatever moment it begins at."""
    facts = [lock(1, "11:00"), lock(2, "09:30", began=began)]

    assert facts[0] == locks(*facts).holding("A", BUY, at("10:30"))


def test_a_rule_knows_its_own_locks():
    """By the beginning of the id: rule 1 is not rule 11, and another symbol is another matter."""
    known = locks(lock(1, "11:00", rule="volatility-halt.1"), lock(2, "11:00", rule="volatility-halt.11", symbol=None))
    asked = [("volatility-halt.1", "A"), ("volatility-halt.11", "A"), ("volatility-halt.1", None)]

    assert [True, False, False] == [known.held_by(*each, at("10:30")) for each in asked]
    assert not known.held_by("volatility-halt.1", "A", at("11:00"))
