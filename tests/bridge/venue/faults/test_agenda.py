"""What happens by the clock: once or again, and what it leaves behind."""

from __future__ import annotations

from decimal import Decimal

from bridge.venue.faults.actions import Accept, BustNewest, CloseAll, CorrectNewest, Deliver, Hangup, PlaceOrder
from bridge.venue.faults.frames import Reorder
from bridge.venue.faults.happenings import Bust, ClockSkew, Correct, ForeignOrder, Restart
from bridge.venue.faults.rest import ErrorBefore
from bridge.venue.faults.sockets import RefuseHandshake


def test_once(bench):
    """At its moment, and never again."""
    desk = bench(Bust(at=3, symbol="AAPL", account="K"))

    assert ([], 3) == (desk.at(2.9).due(), desk.next)
    assert [BustNewest(account="K", symbol="AAPL")] == desk.at(3.5).due()
    assert (None, []) == (desk.next, desk.at(100).due())
    assert ["bust-1"] == desk.tripped


def test_the_moment_is_its_own(bench):
    """What is asked for late is said to have been due when it was."""
    desk = bench(Bust(at=3)).at(9)
    (due,) = desk.faults.due(desk.now)

    assert ("bust-1", 6) == (due.fault, (desk.now - due.at).total_seconds())


def test_again_and_again(bench):
    """Every so many seconds, as often as asked for or until the end; in order of time."""
    desk = bench(Bust(at=1, every=2, count=3), Correct(at=2, every=2, count=None, until=7, percent=Decimal(5)))
    kinds = [type(action) for action in desk.at(20).due()]

    assert [BustNewest, CorrectNewest, BustNewest, CorrectNewest, BustNewest, CorrectNewest] == kinds
    assert desk.next is None


def test_by_chance(bench):
    """Each time chance decides; the moments stay."""
    desk = bench(Bust(every=1, count=None, until=100, probability=0.5))
    seconds = [(due.at - desk.now).total_seconds() for due in desk.faults.due(desk.at(200).now)]

    assert 30 < len(seconds) < 70
    assert all(second == int(second) for second in seconds)


def test_switched_off_before_its_time(bench):
    """It does not happen."""
    desk = bench(Bust(at=3))
    desk.faults.clear(desk.now)

    assert (None, []) == (desk.next, desk.at(5).due())


def test_a_restart(bench):
    """All connections end, and for its time there is no answer to anybody; then all is as before."""
    desk = bench(Restart(at=2, seconds=3))
    assert [CloseAll(code=1012, reason="service restart")] == desk.at(2).due()

    for second, there in ((2, False), (4.9, False), (5, True)):
        desk.at(second)
        assert (None if there else "before") == desk().lose
        assert (Accept() if there else Hangup()) == desk.faults.handshake("trades", None, desk.now)


def test_a_restart_that_answers(bench):
    """With a status, that is what everybody gets."""
    desk = bench(Restart(seconds=3, status=503))
    treatment, verdict = desk(), desk.faults.handshake("trades", None, desk.now)

    assert (503, 503, None) == (treatment.before.status, verdict.answer.status, treatment.lose)


def test_a_request_before_the_server_was_woken(bench):
    """It is treated by what is due, which is still to be carried out."""
    desk = bench(Restart(at=2)).at(2.5)

    assert "before" == desk().lose
    assert [CloseAll(code=1012, reason="service restart")] == desk.due()


def test_other_faults_during_a_restart(bench):
    """They bite nobody and keep their count."""
    desk = bench(Restart(seconds=3), ErrorBefore(count=1), RefuseHandshake(count=1))
    desk()
    desk.faults.handshake("trades", None, desk.now)
    assert ["restart-1"] == desk.tripped
    desk.at(3)

    assert 503 == desk().before.status
    assert 429 == desk.faults.handshake("trades", None, desk.now).answer.status


def test_a_restart_that_is_called_off(bench):
    """Who switches it off is let in again."""
    desk = bench(Restart(seconds=100))
    assert not desk().handled
    desk.faults.remove("restart-1", desk.now)

    assert desk().handled


def test_an_order_of_another_program(bench):
    """It says what a request would, and nothing of what was not set."""
    fault = ForeignOrder(account="K", symbol="AAPL", side="sell", qty=Decimal("2.50"), limit_price=Decimal(190))
    (action,) = bench(fault).due()

    assert isinstance(action, PlaceOrder)
    assert "K" == action.account
    assert {
        "symbol": "AAPL",
        "side": "sell",
        "qty": "2.5",
        "type": "market",
        "time_in_force": "day",
        "limit_price": "190",
    } == action.body


def test_a_wrong_clock(bench):
    """While it is, in requests and in frames; two of them add up."""
    desk = bench(ClockSkew(seconds=30, at=1, until=3), ClockSkew(seconds=-10, at=2))
    line = desk.opened()
    told = []
    for second in (0, 1, 2, 3):
        desk.at(second)
        (delivery,) = desk.faults.frame("K", {"event": "new", "at": "2024-01-02T15:00:40Z"}, desk.now, line)
        told.append((desk().skew, delivery.data["at"][-4:]))

    assert [(0, ":40Z"), (30, ":10Z"), (20, ":00Z"), (-10, ":30Z")] == told
    assert ["clock-skew-1", "clock-skew-2"] == desk.tripped


def test_the_end_of_repetition(bench):
    """A moment at which the fault is over is none of its moments."""
    desk = bench(Bust(every=2, count=None, until=4))

    assert 2 == len(desk.at(10).due())


def test_in_order_of_time(bench):
    """What is due is told in the order in which it fell due, whichever fault stands first."""
    desk = bench(Bust(at=3, every=2, count=2), Restart(at=4))
    fallen = desk.faults.due(desk.at(9).now)

    assert ["bust-1", "restart-1", "bust-1"] == [due.fault for due in fallen]
    assert ["bust-1", "restart-1", "bust-1"] == desk.tripped


def test_a_wrong_clock_that_nobody_saw(bench):
    """When all of it is over before anybody asks, nothing is due any more."""
    desk = bench(ClockSkew(seconds=5, at=1, until=2)).at(9)
    desk.due()

    assert (None, 0, []) == (desk.next, desk().skew, desk.tripped)


def test_a_wrong_clock_in_frames_that_were_held_back(bench):
    """They go by it too, as it is when they are sent."""
    desk = bench(Reorder(within=2), ClockSkew(seconds=10, at=1))
    desk.faults.frame("K", {"event": "new", "at": "2024-01-02T15:00:40Z"}, desk.now, desk.opened())
    (action,) = [each for each in desk.at(2).due() if isinstance(each, Deliver)]

    assert ["2024-01-02T15:00:50Z"] == [each.data["at"] for each in action.deliveries]
