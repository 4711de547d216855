"""What becomes of connections and handshakes, and of whom."""

from __future__ import annotations

import pytest

from bridge.venue.faults.actions import Accept, CloseConnection, SetFlow
from bridge.venue.faults.sockets import Close, ConnectionLimit, HalfOpen, Mute, RefuseHandshake, ZombieSession


def status(verdict):
    """What a handshake is refused with; None: it is accepted."""
    return None if verdict == Accept() else verdict.answer.status


def shake(desk, stream="trades", account=None):
    return status(desk.faults.handshake(stream, account, desk.now))


def flow(desk, line):
    return desk.faults.connection(line, desk.now)


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_numbers(bench):
    """Connections are counted from 1 on each stream, in order of opening."""
    desk = bench()

    assert ["trades 1", "data 1", "trades 2"] == [str(desk.opened(name)) for name in ("trades", "data", "trades")]


# --- half open, mute --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "how"), [(Mute, "mute"), (HalfOpen, "half-open")])
def test_those_who_are_connected(bench, kind, how):
    """They are stopped when the fault begins and go on when it ends; those who come later are not touched."""
    desk = bench(kind(at=2, until=4))
    old = desk.opened()
    assert ("normal", 2) == (flow(desk, old), (desk.due(), desk.next)[1])
    assert [SetFlow(connection=old, flow=how)] == desk.at(2).due()
    new = desk.opened()
    desk.due()

    assert (how, "normal", 4) == (flow(desk, old), flow(desk, new), desk.next)
    assert ([], [(0, "1")]) == (desk.told(old, 1), desk.told(new, 1))
    assert [SetFlow(connection=old, flow="normal")] == desk.at(4).due()
    assert ([(0, "2")], None) == (desk.told(old, 2), desk.next)


def test_those_who_come(bench):
    """With ``new`` every connection is, until it ends."""
    desk = bench(Mute(new=True, until=5))
    lines = [desk.opened(), desk.at(3).opened()]

    assert ["mute", "mute"] == [flow(desk.at(4.9), line) for line in lines]
    lines.append(desk.at(5).opened())
    assert ["normal"] * 3 == [flow(desk, line) for line in lines]


def test_the_connection_of_a_number(bench):
    """It may be one to come."""
    desk = bench(HalfOpen(stream="trades", connection=2))

    assert ["normal", "half-open", "normal"] == [flow(desk, desk.opened()) for _ in range(3)]


def test_the_connections_of_an_account(bench):
    """Whose it is is known when it has authenticated."""
    desk = bench(Mute(account="K", new=True))
    line, other = desk.opened(), desk.opened(account="L")
    assert "normal" == flow(desk, line)
    desk.faults.authenticated(line, "K", desk.now)

    assert ["mute", "normal"] == [flow(desk, each) for each in (line, other)]


def test_switched_on_and_off_by_hand(bench):
    """It is due at once, both times."""
    desk = bench()
    line = desk.opened()
    desk.due()
    name = desk.faults.add(HalfOpen(), desk.now)
    assert (0, [SetFlow(connection=line, flow="half-open")]) == (desk.next, desk.due())
    desk.faults.remove(name, desk.now)

    assert (0, [SetFlow(connection=line, flow="normal")], None) == (desk.next, desk.due(), desk.next)


def test_half_open_is_more_than_mute(bench):
    """Of two the stronger holds, and then the other."""
    desk = bench(Mute(at=1), HalfOpen(at=1, until=2))
    line = desk.opened()
    assert [SetFlow(connection=line, flow="half-open")] == desk.at(1).due()

    assert [SetFlow(connection=line, flow="mute")] == desk.at(2).due()
    assert desk.next is None


def test_a_chance_for_each(bench):
    """Chance decides once about each connection."""
    desk = bench(Mute(new=True, probability=0.5))
    lines = [desk.opened() for _ in range(40)]
    flows = [flow(desk, line) for line in lines]

    assert {"normal", "mute"} == set(flows)
    assert flows == [flow(desk.at(9), line) for line in lines]


# --- close ------------------------------------------------------------------------------------------------------------


def test_closing(bench):
    """Those who are connected then, once; who comes back stays."""
    desk = bench(Close(at=3, code=4001, reason="enough"))
    lines = [desk.opened("trades"), desk.opened("data")]
    actions = desk.at(3).due()

    assert [CloseConnection(connection=line, code=4001, reason="enough") for line in lines] == actions
    assert actions == [flow(desk, line) for line in lines]
    again = desk.opened()
    assert ("normal", []) == (flow(desk, again), desk.due())


def test_closing_whoever_comes(bench):
    """With ``new`` each is closed some time after it was opened: a connection that never lasts."""
    desk = bench(Close(new=True, after=1, count=2))
    for second in (2, 5):
        line = desk.at(second).opened()
        desk.due()

        assert second + 1 == desk.next
        assert [line] == [action.connection for action in desk.at(second + 1).due()]
        desk.faults.closed(line, desk.now, clean=True)
    desk.opened()
    assert ([], None) == (desk.due(), desk.next)


def test_a_close_that_is_taken_back(bench):
    """Who switches the fault off in time stays connected; who has closed before is not closed."""
    desk = bench()
    first, second = desk.opened(), desk.opened()
    name = desk.faults.add(Close(after=2), desk.now)
    desk.faults.closed(first, desk.now, clean=True)
    desk.faults.remove(name, desk.at(1).now)

    assert [] == desk.at(3).due()
    assert "normal" == flow(desk, second)


def test_nothing_comes_to_a_connection_that_is_closed(bench):
    """Not even before the server has closed it."""
    desk = bench(Close(at=1))
    line = desk.opened()

    assert [] == desk.at(1).told(line, 1)


# --- handshakes -------------------------------------------------------------------------------------------------------


def test_refused_for_a_while(bench):
    """With a status, and when to come back."""
    desk = bench(RefuseHandshake(at=1, until=2, status=503, retry_after=7, stream="trades"))
    assert [None, 503, None] == [shake(desk.at(second)) for second in (0, 1, 2)]
    verdict = bench(RefuseHandshake(retry_after=7)).faults.handshake("data", None, desk.now)

    assert (429, "7", "rate limit exceeded") == (
        verdict.answer.status,
        verdict.answer.headers["Retry-After"],
        verdict.answer.body["message"],
    )
    assert shake(desk.at(1), "data") is None


def test_refused_for_one_account(bench):
    """Those whose account is not known get in."""
    desk = bench(RefuseHandshake(account="K"))

    assert [429, None, None] == [shake(desk, "sse", account) for account in ("K", "L", None)]


def test_a_second_connection_is_refused(bench):
    """While there is one; on other streams there is none."""
    desk = bench(ConnectionLimit(status=429))
    assert shake(desk) is None
    line = desk.opened()

    assert [429, None] == [shake(desk), shake(desk, "data")]
    desk.faults.closed(line, desk.now, clean=False)
    assert shake(desk) is None


def test_accounts_at_the_limit(bench):
    """Where the account is known it counts alone."""
    desk = bench(ConnectionLimit(stream="sse", most=2))
    for account in ("K", "K", "L"):
        desk.opened("sse", account=account)

    assert [429, None] == [shake(desk, "sse", account) for account in ("K", "L")]


def test_a_second_connection_is_closed(bench):
    """Once it has authenticated, if it is of the same account."""
    desk = bench(ConnectionLimit(how="close", code=1008))
    lines = [desk.opened() for _ in range(3)]
    closed = [desk.faults.authenticated(line, key, desk.now) for line, key in zip(lines, "KLK", strict=True)]

    assert [[], [], [CloseConnection(connection=lines[2], code=1008, reason="connection limit exceeded")]] == closed
    assert closed[2] == [flow(desk, lines[2])]
    assert shake(desk) is None


def test_the_first_connection_is_evicted(bench):
    """The newcomer stays, and the oldest of the account go."""
    desk = bench(ConnectionLimit(how="evict", most=2))
    lines = [desk.opened() for _ in range(4)]
    closed = [desk.faults.authenticated(line, "K", desk.now) for line in lines]

    assert [[], [], [lines[0]], [lines[1]]] == [[each.connection for each in some] for some in closed]


def test_authenticated_twice(bench):
    """One connection is no second one of itself."""
    desk = bench(ConnectionLimit(how="close"))
    line = desk.opened()

    assert [[], []] == [desk.faults.authenticated(line, "K", desk.now) for _ in range(2)]


# --- zombies ----------------------------------------------------------------------------------------------------------


def test_a_zombie(bench):
    """After an unclean end the session counts for its time; after a clean one it does not."""
    desk = bench(ZombieSession())
    for clean, answers in ((True, [None]), (False, [429, 429, None])):
        line = desk.at(100).opened()
        desk.faults.closed(line, desk.now, clean=clean)

        assert answers == [shake(desk.at(100 + second)) for second in (0, 89.9, 90)][-len(answers) :]


def test_a_zombie_at_the_door(bench):
    """With ``close`` the next one of the account gets in and is closed."""
    desk = bench(ZombieSession(how="close", seconds=10))
    line = desk.opened()
    desk.faults.authenticated(line, "K", desk.now)
    desk.faults.closed(line, desk.now, clean=False)
    other, again = desk.opened(), desk.opened()

    assert shake(desk) is None
    assert [] == desk.faults.authenticated(other, "L", desk.now)
    assert [again] == [each.connection for each in desk.faults.authenticated(again, "K", desk.now)]


def test_a_zombie_from_before_the_fault(bench):
    """What ended before does not count."""
    desk = bench(ZombieSession(at=5))
    line = desk.opened()
    desk.faults.closed(line, desk.now, clean=False)

    assert shake(desk.at(6)) is None


def test_decided_once(bench):
    """Who authenticates after a fault has decided about the connection is not decided about again."""
    desk = bench(Mute(new=True))
    line = desk.opened()
    desk.faults.authenticated(line, "K", desk.now)

    assert ["mute-1"] == desk.tripped


def test_more_than_one_is_evicted(bench):
    """As many as there are too many, and none that is on its way out counts."""
    desk = bench()
    lines = [desk.opened() for _ in range(5)]
    for line in lines[:3]:
        desk.faults.authenticated(line, "K", desk.now)
    desk.faults.add(ConnectionLimit(how="evict", most=2), desk.now)
    closed = [desk.faults.authenticated(line, "K", desk.now) for line in lines[3:]]

    assert [lines[:2], [lines[2]]] == [[each.connection for each in some] for some in closed]


def test_the_sooner_of_two_closes(bench):
    """A connection is closed once, by the fault that does so first."""
    desk = bench(Close(new=True, after=3, code=4003), Close(new=True, after=1, code=4001), Close(new=True, after=2))
    line = desk.opened()
    desk.due()

    assert (1, [4001]) == (desk.next, [action.code for action in desk.at(1).due()])
    desk.faults.closed(line, desk.now, clean=True)
    assert [] == desk.at(9).due()
    assert ["close-1", "close-2"] == desk.tripped


def test_what_is_due_for_a_connection_that_has_ended(bench):
    """It is not asked for any more."""
    desk = bench(Close(at=1))
    line = desk.opened()
    desk.at(2)()
    desk.faults.closed(line, desk.now, clean=True)

    assert [] == desk.due()
