"""An order that was seen open does not end unnoticed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve

from engine.brokers.alpaca.watch import Watch
from engine.facts import OrderReported
from engine.model import Side, VenueStatus

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def picture(name, status=VenueStatus.NEW, at=NOON):
    return OrderReported(at=at, broker_order_id=name, symbol="AAPL", side=Side.BUY, status=status)


def test_what_is_missing():
    """What was seen open, has not been seen to end, and is not listed is asked about."""
    watch = Watch()
    for each in (picture("a"), picture("b"), picture("c"), picture("d", VenueStatus.EXPIRED)):
        watch.saw(each)
    watch.saw(picture("c", VenueStatus.CANCELED))

    assert ["a"] == watch.missing({"b"})


def test_what_the_venue_does_not_know():
    """An order that it does not know is not asked about for ever."""
    watch = Watch()
    watch.saw(picture("a"))
    watch.forget("a")

    assert [] == watch.missing(())


def test_ends_are_told_as_long_as_they_are_asked_for():
    """An end is told to everybody whose question reaches back to it, oldest first."""
    watch = Watch()
    ends = [picture("b", VenueStatus.CANCELED, NOON + MINUTE), picture("a", VenueStatus.FILLED, NOON + 2 * MINUTE)]
    for each in (picture("a"), picture("b"), ends[1], ends[0]):
        watch.saw(each)

    assert ends == watch.ended(NOON)
    assert ends[1:] == watch.ended(NOON + 2 * MINUTE)
    assert ends == watch.ended(NOON)


def test_ends_are_forgotten_after_a_day():
    """Memory does not grow with the orders of days past."""
    watch = Watch()
    for each in (picture("a"), picture("a", VenueStatus.CANCELED)):
        watch.saw(each)
    watch.ended(NOON + timedelta(days=1, minutes=1))

    assert [] == watch.ended(NOON)


def test_an_end_that_was_never_open_here():
    """The ends of orders that listings show anyway are not kept."""
    watch = Watch()
    watch.saw(picture("a", VenueStatus.FILLED))

    assert [] == watch.ended(NOON)


def test_a_late_picture():
    """A picture from before the end does not make the order open again."""
    watch = Watch()
    for each in (picture("a"), picture("a", VenueStatus.FILLED), evolve(picture("a"), at=NOON - MINUTE)):
        watch.saw(each)

    assert [] == watch.missing(())
