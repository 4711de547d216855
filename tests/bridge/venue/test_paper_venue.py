"""The venue for synchronous code: its start, its end, and what its owner does in between."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from bridge.venue.paper_venue import PaperVenue
from bridge.venue.recipe import Recipe
from engine.clock import SystemHostClock
from engine.errors import ClockError, InvalidInput, InvalidRequest

FAIL_AFTER = 5.0
NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "paper venue"]


def descriptors():
    return len(os.listdir("/proc/self/fd"))


# --- start ------------------------------------------------------------------------------------------------------------


def test_where_it_is(venue, caller_of):
    """On loopback, at a free port, with urls that say so."""
    assert f"http://127.0.0.1:{venue.port}" == venue.url
    assert f"ws://127.0.0.1:{venue.port}/stream" == venue.stream_url
    assert 200 == caller_of(venue)("GET", "/v2/clock").status


def test_a_port_that_is_taken(new_recipe):
    """It is an OSError, and no thread was started."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        venue = PaperVenue(new_recipe(), port=other.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            venue.start()

    assert [] == threads()


def test_a_recipe_that_makes_no_venue(new_recipe, market_of_moves):
    """What is wrong with it is raised by the start; the thread has ended and the port is free."""
    with pytest.raises(InvalidRequest, match="speed = 0"), PaperVenue(new_recipe(), speed=0):
        pass
    venue = PaperVenue(new_recipe(market_of_moves(error=InvalidInput("bars.csv", "x", "bars"))), speed=None)
    with venue:
        ended = venue._server.clockwork.house.ended

    assert "bars.csv" in str(ended)
    assert [] == threads()


def test_a_server_that_does_not_come_up(new_recipe, monkeypatch):
    """Its own error is raised, not that nobody answered; nothing is left."""
    from bridge.venue.serving.server import VenueServer

    async def broken(self, listener):
        raise ZeroDivisionError("no server")

    monkeypatch.setattr(VenueServer, "serve", broken)
    before = descriptors()
    with pytest.raises(ZeroDivisionError, match="no server"):
        PaperVenue(new_recipe()).start()
    gc.collect()

    assert ([], before) == (threads(), descriptors())


def test_ctrl_c_during_the_start(new_recipe):
    """The start is broken off, and no thread is left."""
    recipe = new_recipe()

    class Interrupting(type(recipe.market)):
        def moves(self):
            os.kill(os.getpid(), signal.SIGINT)
            return super().moves()

    with pytest.raises(KeyboardInterrupt):
        PaperVenue(new_recipe(Interrupting(NOW))).start()

    assert [] == threads()


def test_it_runs_once(new_recipe):
    """A second start is refused, while it runs and after."""
    venue = PaperVenue(new_recipe())
    with venue, pytest.raises(RuntimeError, match="is running: it runs once"):
        venue.start()
    with pytest.raises(RuntimeError, match="is stopped: it runs once"):
        venue.start()


def test_two_at_once(new_venue, caller_of, new_order):
    """Each has its own port, token and orders."""
    first, second = new_venue(), new_venue()
    caller_of(first)("POST", "/v2/orders", new_order().body)

    assert (1, 0) == tuple(len(caller_of(venue)("GET", "/v2/orders").body) for venue in (first, second))
    assert first.token != second.token
    assert 401 == caller_of(first).admin("GET", "now", token=second.token).status


# --- its end ----------------------------------------------------------------------------------------------------------


def test_the_end_with_clients(new_recipe, caller_of, caplog):
    """Listeners are told, idle connections and half requests are closed, soon, and that is no error."""
    client = pytest.importorskip("websockets.sync.client")
    exceptions = pytest.importorskip("websockets.exceptions")
    with PaperVenue(new_recipe(), speed=None) as venue:
        with (
            client.connect(venue.stream_url, proxy=None) as listener,
            socket.create_connection(("127.0.0.1", venue.port)) as idle,
            socket.create_connection(("127.0.0.1", venue.port)) as half,
        ):
            half.sendall(b"POST /v2/orders HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{")
            for each in (idle, half):
                each.settimeout(FAIL_AFTER)
            caller_of(venue)("GET", "/v2/clock")  # all of them were accepted before this one
            began = SystemHostClock().monotonic()
            venue.stop()
            lasted = SystemHostClock().monotonic() - began
            with pytest.raises(exceptions.ConnectionClosed) as closed:
                listener.recv(timeout=FAIL_AFTER)
            ends = [_end(each) for each in (idle, half)]

    assert (1001, "the venue stops") == (closed.value.rcvd.code, closed.value.rcvd.reason)
    assert [True, True] == ends
    assert lasted < FAIL_AFTER
    assert [] == [record.message for record in caplog.records if record.levelname == "ERROR"]


def test_the_end_with_a_client_that_does_not_read(new_recipe):
    """It is cut: nothing of it is left open."""
    with PaperVenue(new_recipe(), speed=None) as venue, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(FAIL_AFTER)
        deaf.connect(("127.0.0.1", venue.port))
        deaf.sendall(
            b"GET /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert deaf.recv(4096).startswith(b"HTTP/1.1 101 ")

        async def flood():
            for call in venue._server._trades._open.values():
                call.line.send(*["x" * 1000] * 20_000)

        venue._thread.call("flood", flood, timeout=FAIL_AFTER)
        venue.stop()

        assert set() == venue._server._server.server_state.connections
        assert _end(deaf)


def _end(connection):
    """Whether the other side closed it."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_fifty_of_them(new_recipe, caller_of):
    """Started, used and stopped they leave no thread, no descriptor, and nothing to warn of."""
    with PaperVenue(new_recipe(), speed=None) as venue:
        caller_of(venue)("GET", "/v2/clock")
    gc.collect()
    before = threading.active_count(), descriptors()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(50):
            with PaperVenue(new_recipe(), speed=None) as venue:
                caller_of(venue)("GET", "/v2/clock")
        gc.collect()

    assert ([], before) == (warned, (threading.active_count(), descriptors()))


def test_stops_that_have_nothing_to_stop(new_recipe):
    """Before a start and after a stop it does nothing."""
    venue = PaperVenue(new_recipe())
    venue.stop()
    with PaperVenue(new_recipe()) as other:
        other.stop()
        other.stop()

    assert [] == threads()


@pytest.mark.parametrize("when", ["not started", "stopped"])
def test_use_while_it_does_not_run(new_recipe, when):
    """Whatever is asked of it, it says that it does not run."""
    venue = PaperVenue(new_recipe(), speed=None)
    if when == "stopped":
        with venue:
            pass
    uses = [venue.now, venue.step, lambda: venue.price("AAPL", 1)]

    for use in uses:
        with pytest.raises(RuntimeError, match=f"the venue is {when}: use it in a with block"):
            use()


def test_what_went_wrong_unseen(new_recipe, market_of_moves, caller_of):
    """An error of the timer, when nobody had asked, is raised at the end."""
    venue = PaperVenue(new_recipe(market_of_moves(error=None)), speed=1.0)
    with pytest.raises(BaseExceptionGroup, match="in paper venue") as failed, venue:
        clockwork = venue._server.clockwork
        clockwork.house.advance = lambda now: 1 / 0
        venue._thread.call_soon(clockwork._ring)
        assert 500 == caller_of(venue)("GET", "/v2/clock").status

    assert [ZeroDivisionError] == [type(error) for error in failed.value.exceptions]


def test_the_errors_of_the_block_come_first(new_recipe):
    """What the block raised is raised, with a note of what the venue had to say."""
    with pytest.raises(KeyError) as failed, PaperVenue(new_recipe(), speed=None) as venue:
        venue._thread.call_soon(lambda: 1 / 0)
        venue.now()
        raise KeyError("mine")

    assert ["and of the venue: "] == [note[:18] for note in failed.value.__notes__]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork(new_recipe, caller_of):
    """The child has no venue, says so, and does not disturb the parent's."""
    with PaperVenue(new_recipe(), speed=None) as venue:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                try:
                    venue.step(1)
                except RuntimeError as error:
                    venue.stop()
                    code = 0 if "fork" in str(error) else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)

        assert 0 == os.waitstatus_to_exitcode(status)
        assert 200 == caller_of(venue)("GET", "/v2/clock").status


# --- what its owner does ----------------------------------------------------------------------------------------------


def test_a_venue_with_a_file_is_not_for_lockstep(new_recipe, tmp_path):
    """What happens between two things that are told could not be repeated from it."""
    with PaperVenue(new_recipe(), speed=None, state=tmp_path / "state") as venue:
        with pytest.raises(InvalidRequest, match="a venue in lockstep"):
            venue.step_within(NOW + timedelta(seconds=1))


def test_nothing_is_let_pass_where_terms_are_strict(venue):
    """There is a list, and it is empty."""
    assert [] == venue.waived()


def test_steps(venue):
    """So many seconds, to a moment, or to whatever is next."""
    venue.step(1.5)
    moments = [venue.now()]
    venue.step(to=NOW + timedelta(seconds=9))
    moments.append(venue.now())
    venue.step()
    moments.append(venue.now())

    assert [1.5, 9] == [(moment - NOW).total_seconds() for moment in moments[:2]]
    assert moments[2] > moments[1]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"seconds": -1}, InvalidRequest, "to = "),
        ({"seconds": 1e300}, InvalidRequest, "seconds = "),
        ({"seconds": 1, "to": NOW}, InvalidRequest, "None where seconds = 1"),
        ({"to": datetime(2024, 1, 3)}, ClockError, "no time zone"),
    ],
)
def test_steps_that_lead_nowhere(venue, arguments, error, words):
    """They are refused, and time stays."""
    with pytest.raises(error, match=words):
        venue.step(**arguments)

    assert NOW == venue.now()


def test_prices(venue, call):
    """As a Decimal, a whole number, a float or a text."""
    seen = []
    call("POST", "/v2/orders", b'{"symbol":"F","qty":1,"side":"buy","type":"market","time_in_force":"day"}')
    venue.step(1)
    for price in (Decimal("13.5"), 14, 14.1, "15.25"):
        venue.price("F", price)
        seen.append(call("GET", "/v2/positions/F").body["current_price"])

    assert ["13.5", "14", "14.1", "15.25"] == seen


@pytest.mark.parametrize(("symbol", "price"), [("NOPE", 1), ("F", "a lot"), ("F", 0), ("F", "NaN"), ("F", True)])
def test_prices_that_cannot_be(venue, symbol, price):
    """They are refused with what was given."""
    with pytest.raises(InvalidRequest, match="symbol = 'NOPE'|price = "):
        venue.price(symbol, price)


def test_time_runs_by_itself(new_venue, connect, caller_of, new_order):
    """At its usual speed an order fills without anybody's doing, and a step is refused."""
    venue = new_venue(speed=100.0)
    listener = connect(venue).listen()
    caller_of(venue)("POST", "/v2/orders", new_order().body)

    assert ["pending_new", "new", "fill"] == [listener.event()[0] for _ in range(3)]
    with pytest.raises(InvalidRequest, match="time runs by itself"):
        venue.step(1)


def test_the_usual_venue():
    """Without a recipe there is one account, a market that moves, and the present time."""
    with PaperVenue() as venue:
        assert Recipe() == venue.recipe
        assert abs(venue.now() - datetime.now(UTC)) < timedelta(minutes=2)  # noqa: TID251 - it is about the present


@pytest.mark.filterwarnings("ignore:websockets.legacy:DeprecationWarning")
def test_the_usual_client(venue):
    """Alpaca's own library trades here, with the first trader's keys."""
    pytest.importorskip("alpaca")
    account = venue.client().get_account()

    assert "100000" == account.cash
