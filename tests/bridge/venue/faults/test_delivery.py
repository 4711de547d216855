"""What becomes of frames: order, delays, copies, damage; and that the others come as they were told."""

from __future__ import annotations

import pytest

from bridge.venue.faults.delivery import Connection, Damage, name_of
from bridge.venue.faults.frames import Corrupt, Delay, Drop, Duplicate, Reorder
from bridge.venue.faults.sockets import Mute


def test_without_faults(bench):
    """Every frame comes at once, as it was told."""
    desk = bench()
    (delivery,) = desk.frame(desk.opened())

    assert (0, None, "fill") == (delivery.delay, delivery.damage, delivery.data["event"])
    assert (b"x", "x") == (delivery.message(b"x"), delivery.message("x"))


def test_a_connection_that_is_not_there(bench):
    """Nothing comes to it."""
    assert [] == bench().frame(Connection("trades", 7))


# --- drop -------------------------------------------------------------------------------------------------------------


def test_one_single_frame_is_dropped(bench):
    """The next fill, and nothing else before it or after it."""
    desk = bench(Drop(events=("fill",), count=1))
    line = desk.opened()

    assert [(0, "1")] == desk.told(line, 1, event="new")
    assert [] == desk.told(line, 2)
    assert [(0, "3"), (0, "4")] == desk.told(line, 3, 4)
    assert ["drop-1"] == desk.tripped
    assert "fill 2 on trades 1: dropped" == desk.faults.tripped[0].what


def test_the_fill_of_one_order_is_dropped(bench):
    """That of another one is not."""
    desk = bench(Drop(events=("fill",), order="o2", count=1))

    assert [(0, "1"), (0, "3")] == desk.told(desk.opened(), 1, 2, 3)


def test_dropped_on_one_connection(bench):
    """A frame is decided about once for each connection that gets it."""
    desk = bench(Drop(connection=2))
    lines = [desk.opened(), desk.opened()]

    assert [[(0, "1")], []] == [desk.told(line, 1) for line in lines]


def test_a_dropped_frame_takes_no_other_fault(bench):
    """What never comes is neither late nor doubled: those faults keep their count."""
    desk = bench(Delay(seconds=2, count=1), Drop(count=1))

    assert [(2, "2")] == desk.told(desk.opened(), 1, 2)
    assert ["drop-1", "delay-1"] == desk.tripped


# --- delay and copies -------------------------------------------------------------------------------------------------


def test_what_comes_behind_a_late_frame_waits(bench):
    """The order stays; once the late one has come all is as before."""
    desk = bench(Delay(seconds=2, events=("new",), count=1))
    line = desk.opened()

    assert [(2, "1")] == desk.told(line, 1, event="new")
    assert [(2, "2")] == desk.told(line, 2)
    assert [(0.5, "3")] == desk.at(1.5).told(line, 3)
    assert [(0, "4")] == desk.at(3).told(line, 4)


def test_delays_add_up(bench):
    """Two of them make one of their sum; other connections wait for nothing."""
    desk = bench(Delay(seconds=2, connection=1), Delay(seconds=1, connection=1))
    late, other = desk.opened(), desk.opened()

    assert [(3, "1")] == desk.told(late, 1)
    assert [(0, "1")] == desk.told(other, 1)


def test_jitter(bench):
    """Up to so many seconds more, never less than asked for, and the order stays."""
    desk = bench(Delay(seconds=1, jitter=0.5))
    line = desk.opened()
    delays = [delay for delay, _ in desk.told(line, *range(50))]

    assert sorted(delays) == delays
    assert 1 <= delays[0] < delays[-1] <= 1.5


def test_copies(bench):
    """They follow at once, or with time between them, which holds up nothing else."""
    desk = bench(Duplicate(events=("fill",), count=1), Duplicate(events=("new",), times=2, seconds=1.5, count=1))
    line = desk.opened()

    assert [(0, "1"), (0, "1")] == desk.told(line, 1)
    assert [(0, "2"), (1.5, "2"), (3, "2")] == desk.told(line, 2, event="new")
    assert [(0, "3")] == desk.told(line, 3)


# --- reorder ----------------------------------------------------------------------------------------------------------


def test_overtaken_by_others(bench):
    """It comes right behind the last of them."""
    desk = bench(Reorder(behind=2, count=1))

    assert [(0, "2"), (0, "3"), (0, "1"), (0, "4")] == desk.told(desk.opened(), 1, 2, 3, 4)


def test_overtaken_by_nobody(bench):
    """It comes when its time is up, and the server is woken for it."""
    desk = bench(Reorder(behind=2, within=3, count=1))
    line = desk.opened()
    desk.due()
    assert [] == desk.told(line, 1)
    assert (3, []) == (desk.next, desk.at(2).due())
    (action,) = desk.at(3).due()

    assert (line, ["1"]) == (action.connection, [each.data["event_id"] for each in action.deliveries])
    assert [(0, "2")] == desk.told(line, 2)
    assert [None, []] == [desk.next, desk.due()]


def test_a_frame_that_comes_before_the_server_was_woken(bench):
    """What was held back is due for itself, and is not sent twice."""
    desk = bench(Reorder(behind=1, within=3, count=1))
    line = desk.opened()
    desk.told(line, 1)
    desk.at(3.5)

    assert [(0, "2")] == desk.told(line, 2)
    assert ["1"] == [each.data["event_id"] for action in desk.due()[-1:] for each in action.deliveries]


def test_several_held_back(bench):
    """Each waits for its own number of others, which are those that come."""
    desk = bench(Reorder(behind=2, events=("new",)))
    line = desk.opened()

    assert [] == desk.told(line, 1, 2, event="new")
    assert [(0, "3")] == desk.told(line, 3)
    assert [(0, "4"), (0, "1"), (0, "2")] == desk.told(line, 4)


def test_what_is_held_back_when_the_connection_ends(bench):
    """It does not come any more."""
    desk = bench(Reorder())
    line = desk.opened()
    desk.told(line, 1)
    desk.faults.closed(line, desk.now, clean=True)

    assert [] == desk.at(5).due()
    assert desk.next is None


# --- damage -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [b'{"stream":"trade_updates"}', '{"stream":"trade_updates"}'])
def test_cut(bench, message):
    """The end is missing, and something is left."""
    desk = bench(Corrupt())
    line = desk.opened()
    for number in range(50):
        (delivery,) = desk.frame(line, number=number)
        arrived = delivery.message(message)

        assert 1 <= len(arrived) < len(message)
        assert message.startswith(arrived)


def test_flipped(bench):
    """As many bytes as asked for are others; a text stays text."""
    desk = bench(Corrupt(how="flip", size=1))
    (delivery,) = desk.frame(desk.opened())
    raw = bytes(range(200))
    arrived = delivery.message(raw)

    assert 1 == sum(a != b for a, b in zip(raw, arrived, strict=True))
    assert isinstance(delivery.message("€" * 40), str)
    assert delivery.message("€" * 40) != "€" * 40


@pytest.mark.parametrize("message", [b"", b"x"])
def test_messages_too_short_for_damage(message):
    """Nothing goes wrong with them."""
    assert message == Damage(cut=0.5).done_to(message)
    assert [b"a", b"a", b"abcd"] == [Damage(cut=ratio).done_to(b"abcde") for ratio in (0, 0.3, 1)]
    assert len(message) == len(Damage(flips=((0.99, 255),)).done_to(message))


def test_null(bench):
    """The frame has no data."""
    desk = bench(Corrupt(how="null"))

    assert [None] == [each.data for each in desk.frame(desk.opened())]


def test_damage_of_a_copy(bench):
    """All copies are damaged alike."""
    desk = bench(Duplicate(), Corrupt())
    first, second = desk.frame(desk.opened())

    assert first.damage == second.damage is not None


# --- lost, and told ---------------------------------------------------------------------------------------------------


def test_lost_frames_are_told(bench):
    """What a mute connection does not get is in the list of what has bitten; dice fall all the same."""
    desk = bench(Mute(connection=1), Drop(events=("fill",), count=1))
    line = desk.opened()

    assert [] == desk.told(line, 1)
    assert ["mute-1", "mute-1"] == desk.tripped
    assert "fill 1 on trades 1: lost, the connection is mute" == desk.faults.tripped[-1].what


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (None, "null"),
        ({}, "frame"),
        ({"event": "new"}, "new"),
        ({"event": "new", "order": {"id": "o"}}, "new o"),
        ({"T": "b", "S": "AAPL"}, "b AAPL"),
    ],
)
def test_names_of_frames(data, name):
    """The event, and whose."""
    assert name == name_of(data)
