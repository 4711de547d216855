"""An execution engine at a fake venue, with time in the hands of a test."""

from __future__ import annotations

from decimal import Decimal

from engine.facts import Intended, Synced
from engine.model import OrderRequest, Side, Status
from engine.testing import Desk

D = Decimal
BUY = OrderRequest.limit("X", Side.BUY, D(100), D(10), client_order_id="a")


def test_a_desk_trades():
    """Engine, venue, clocks and journal fit together."""
    desk = Desk().start()
    desk.engine.submit(BUY)
    desk.broker.fill("a", D(100), D(10))
    told = desk.run()

    assert (D(100), ["a"]) == (desk.engine.position("X"), desk.calls("submit"))
    assert (told, 1, 1) == (desk.told, len(desk.facts(Intended)), desk.synced.epoch)


def test_time_passes_on_both_clocks():
    """Market time and the machine's go together unless a test moves one alone."""
    desk = Desk().start()
    before = desk.clock.now()
    desk.run(2.5)

    assert (2.5, 2.5) == ((desk.clock.now() - before).total_seconds(), desk.host.monotonic())


def test_a_restart_has_only_what_was_durable():
    """What was not committed when the engine was abandoned never happened; the venue remembers all of it."""
    desk = Desk().start()
    desk.engine.submit(BUY)  # its answer is not durable yet
    old = desk.engine
    desk.restart()

    assert old is not desk.engine
    assert (Status.WORKING, 2) == (desk.engine.books.tracker["a"].status, len(desk.facts(Synced)))


def test_a_restart_at_an_earlier_moment():
    """A test may say how much of the journal survived."""
    desk = Desk().start()
    survived = list(desk.journal.entries())
    desk.engine.submit(BUY)
    desk.restart(survived)

    assert "a" in desk.engine.books.tracker  # adopted: the venue lists it, the journal does not know it
    assert desk.engine.books.tracker["a"].foreign
