"""
Every fault bites: a bot as people write them loses something by it, counts something twice, or buys once too often.

Real sockets, and time in the hands of the test. Each fault is switched on in Python, over HTTP and by a file that the
command line was given. At the end the bot's books are compared with the venue's own.
"""

from __future__ import annotations

import argparse
import json
import socket
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal as D
from http.client import HTTPConnection, HTTPException
from typing import get_args

import pytest
from attrs import fields_dict

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("websockets")

from websockets import exceptions

from bridge.cli import venue as command
from bridge.cli.venue_recipe import recipe_of
from bridge.venue.faults.armed import AnyFault
from bridge.venue.frictions import Terms
from bridge.venue.recipe import PAPER

FAIL_AFTER = 5.0
KEYS = {"apca-api-key-id": PAPER.key, "apca-api-secret-key": PAPER.secret}
AUTH = {"action": "auth", "key": PAPER.key, "secret": PAPER.secret}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}
ORDERS = "/v2/orders"


class Bot:
    """
    It believes what the stream says, tries again what failed, and connects again when it is closed; that is all.

    Attributes:
        position, cash: What the fills add up to that it was told of.
        status: The last event of each order.
        gaps: How often it had to connect again.
    """

    def __init__(self, venue, connect, *, tries=2, patience=FAIL_AFTER):
        self.venue = venue
        self.tries = tries
        self.patience = patience
        self.position = 0
        self.cash = D(100_000)
        self.status = {}
        self.events = []
        self.gaps = 0
        self._connect = connect
        self.listener = connect(venue).listen()

    # --- requests -----------------------------------------------------------------------------------------------------

    def ask(self, method, path, body=None):
        """The answer's body; None: there was no good one, however often it tried."""
        for _ in range(self.tries):
            try:
                with closing(HTTPConnection("127.0.0.1", self.venue.port, timeout=self.patience)) as connection:
                    connection.request(method, path, json.dumps(body).encode(), KEYS)
                    answer = connection.getresponse()
                    said = answer.read()
            except (OSError, HTTPException):
                continue
            if answer.status == 200:
                return json.loads(said)
            if answer.status < 500:
                return None
        return None

    def buy(self, symbol="AAPL", **more):
        order = {"symbol": symbol, "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}
        return self.ask("POST", ORDERS, order | more)

    def hold(self, quantity):
        """Buy what it lacks, as far as it knows."""
        if self.position < quantity:
            self.buy()

    # --- the stream ---------------------------------------------------------------------------------------------------

    def hear(self, *, within=FAIL_AFTER):
        """Take in all that was sent until now; the answer to another listen comes behind it."""
        try:
            self.listener.send(LISTEN)
            while True:
                message = self.listener.socket.recv(timeout=within)
                try:
                    if self._take(json.loads(message)):
                        return
                except (ValueError, TypeError, KeyError):
                    continue  # whatever that was
        except TimeoutError:
            return  # nothing new, then
        except exceptions.ConnectionClosed:
            self.gaps += 1
            self.listener = self._connect(self.venue).listen()

    def _take(self, message):
        if message["stream"] == "listening":
            return True
        data = message["data"]
        self.events.append(data)
        self.status[data["order"]["id"]] = data["event"]
        if data["event"] == "fill":
            self.position += int(data["qty"])
            self.cash -= int(data["qty"]) * D(data["price"])
        return False


class World:
    """A venue with its faults, its own books, and who trades there."""

    def __init__(self, venue, connect):
        self.venue = venue
        self._connect = connect

    def bot(self, **more):
        return Bot(self.venue, self._connect, **more)

    def listener(self, **more):
        return self._connect(self.venue, **more)

    def step(self, seconds=1):
        self.venue.step(seconds)

    def until(self, condition):
        """Look again and again, asking the venue something each time."""
        for _ in range(10_000):
            if condition():
                return
            self.venue.oracle()
        pytest.fail("it never happened")

    @property
    def books(self):
        return self.venue.oracle()["accounts"][PAPER.key]

    @property
    def position(self):
        return sum(int(each["qty"]) for each in self.books["positions"].values())

    @property
    def orders(self):
        return len(self.books["orders"])

    @property
    def cash(self):
        return D(self.books["cash"])

    @property
    def bitten(self):
        """The kinds of the faults that have bitten."""
        return {each["fault"].rpartition("-")[0] for each in self.venue.oracle()["faults"]}


def _toml(fault):
    return "[[fault]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in fault.items())


def from_the_command_line(path):
    """What ``tradebridge venue --faults`` makes of a file."""
    parser = argparse.ArgumentParser()
    command.add(parser.add_subparsers())
    return recipe_of(parser.parse_args(["venue", "--still", "--faults", str(path)])).faults


@pytest.fixture(params=["python", "http", "file"])
def world(request, new_venue, new_recipe, caller_of, connect, tmp_path):
    """``world({"kind": "drop", …}, …)``: a venue with these faults, switched on in one of the three ways."""

    def made(*faults, seed=1):
        more = {"seed": seed, "terms": Terms(latency=(0.1, 0.1), partials=0)}
        if request.param == "file":
            path = tmp_path / "faults.toml"
            path.write_text("\n".join(map(_toml, faults)))
            more["faults"] = from_the_command_line(path)
        venue = new_venue(new_recipe(**more))
        for fault in faults:
            if request.param == "python":
                venue.faults.add(fault)
            elif request.param == "http":
                assert 200 == caller_of(venue).admin("POST", "faults", fault).status
        return World(venue, connect)

    return made


def test_without_faults(world):
    """Then even this bot has the books of the venue: whatever differs below is the fault's doing."""
    there = world()
    bot = there.bot()
    for _ in range(3):
        bot.buy()
        there.step()
    bot.hear()

    assert (3, 3, there.cash) == (bot.position, there.position, bot.cash)
    assert (["fill"] * 3, 0, set()) == (list(bot.status.values()), bot.gaps, there.bitten)


# --- frames -----------------------------------------------------------------------------------------------------------


def test_a_fill_is_dropped(world):
    """The bot does not know of one share that it has, and all other frames have come."""
    there = world({"kind": "drop", "events": ["fill"], "count": 1})
    bot = there.bot()
    for _ in range(2):
        bot.buy()
        there.step()
    bot.hear()

    assert (1, 2) == (bot.position, there.position)
    assert ["pending_new", "new", "pending_new", "new", "fill"] == [data["event"] for data in bot.events]


def test_the_fill_of_one_order_is_dropped(world):
    """Of three orders it is this one that stays open for the bot."""
    there = world({"kind": "drop", "events": ["fill"], "order": "mine-2"})
    bot = there.bot()
    for number in (1, 2, 3):
        bot.buy(client_order_id=f"mine-{number}")
    there.step()
    bot.hear()

    assert (2, 3) == (bot.position, there.position)
    assert ["fill", "new", "fill"] == list(bot.status.values())


def test_a_fill_comes_twice(world):
    """The bot counts it twice."""
    there = world({"kind": "duplicate", "events": ["fill"], "count": 1})
    bot = there.bot()
    bot.buy()
    there.step()
    bot.hear()

    assert (2, 1) == (bot.position, there.position)


def test_frames_change_places(world):
    """For a bot that takes the last event for the status a filled order is a new one."""
    there = world({"kind": "reorder", "events": ["new"], "count": 1})
    bot = there.bot()
    order = bot.buy()
    there.step()
    bot.hear()

    assert ("new", "filled") == (bot.status[order["id"]], there.books["orders"][0]["status"])


def test_a_fill_is_late(world):
    """The bot does not know what it has by now, and buys it again."""
    there = world({"kind": "delay", "events": ["fill"], "seconds": 60, "count": 1})
    bot = there.bot()
    for _ in range(2):
        bot.hold(1)
        there.step()
        bot.hear()
    then = bot.position, there.position
    there.step(60)
    bot.hear()

    assert ((0, 2), (2, 2)) == (then, (bot.position, there.position))


@pytest.mark.parametrize("how", ["cut", "null"])
def test_a_fill_is_damaged(world, how):
    """A bot that skips what it cannot read has lost it."""
    there = world({"kind": "corrupt", "events": ["fill"], "how": how, "count": 1})
    bot = there.bot()
    for _ in range(2):
        bot.buy()
        there.step()
    bot.hear()

    assert (1, 2) == (bot.position, there.position)


def test_a_fill_has_other_bytes(world):
    """It may be read all the same, and say something that never was."""
    there = world({"kind": "corrupt", "events": ["fill"], "how": "flip", "size": 20})
    bot = there.bot()
    for _ in range(5):
        bot.buy()
        there.step()
    bot.hear()

    assert (bot.position, bot.cash) != (there.position, there.cash)


def test_a_trade_of_others_is_dropped(world):
    """A bot that takes the last trade for the price has an old one."""
    there = world({"kind": "drop", "stream": "data", "at": 1, "count": 1})
    listener = there.listener(path="/v2/iex")
    for message in (
        {"action": "auth", "key": PAPER.key, "secret": PAPER.secret},
        {"action": "subscribe", "trades": ["F"]},
    ):
        listener.send(message)
    said = [listener.receive() for _ in range(3)]
    there.venue.price("F", 13)
    price = listener.receive()[0]["p"]
    there.step()
    there.venue.price("F", 14)  # and nobody hears of it
    there.venue.price("MSFT", 400)
    listener.send({"action": "subscribe", "trades": ["MSFT"]})
    (then,) = listener.receive()

    assert (3, 13, "subscription", {"drop"}) == (len(said), price, then["T"], there.bitten)


# --- connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1011, 4000, 1006])
def test_the_connection_is_closed(world, code):
    """What was filled before the bot is connected again it never hears of."""
    there = world({"kind": "close", "at": 0.05, "code": code})
    bot = there.bot()
    bot.buy()
    there.step()
    bot.hear()
    bot.buy()
    there.step()
    bot.hear()

    assert (1, 2, 1) == (bot.position, there.position, bot.gaps)


def test_the_connection_is_half_open(world):
    """Nothing comes, not even an answer to a ping, nor an end: for the bot it was just quiet."""
    there = world({"kind": "half-open", "at": 0.05})
    bot = there.bot()
    bot.buy()
    there.step()
    bot.hear(within=0.1)
    answered = bot.listener.socket.ping().wait(0.1)
    there.venue.faults.clear()  # or to close it would take until a deadline

    assert (0, 1, 0, False) == (bot.position, there.position, bot.gaps, answered)


def test_the_connection_is_mute(world):
    """Pings are answered, and no fill comes; when it speaks again what was said meanwhile is lost."""
    there = world({"kind": "mute", "at": 0.05, "until": 10})
    bot = there.bot()
    for seconds in (10, 1):
        bot.buy()
        there.step(seconds)
        bot.hear()
    answered = bot.listener.socket.ping().wait(FAIL_AFTER)

    assert (1, 2, 0, True) == (bot.position, there.position, bot.gaps, answered)


def test_no_second_connection(world):
    """A second bot of the account does not get in, and never hears of what it buys."""
    there = world({"kind": "connection-limit"})
    first = there.bot()
    with pytest.raises(exceptions.InvalidStatus, match="429"):
        there.bot()
    first.buy()
    there.step()
    first.hear()

    assert (1, 1, {"connection-limit"}) == (first.position, there.position, there.bitten)


def test_the_second_is_closed(world):
    """It was let in, and is closed once it has said who it is; the first one hears on."""
    there = world({"kind": "connection-limit", "how": "close"})
    first = there.bot()
    with pytest.raises(exceptions.ConnectionClosed) as closed:
        there.bot().listener.receive()
    first.buy()
    there.step()
    first.hear()

    assert (1008, 1) == (closed.value.rcvd.code, first.position)


def test_the_first_is_evicted(world):
    """The second connection takes the place of the first, whose bot misses what is filled then."""
    there = world({"kind": "connection-limit", "how": "evict", "count": 1})
    first, second = there.bot(), there.bot()
    first.buy()
    there.step()
    first.hear()
    second.hear()

    assert (0, 1, 1, 1) == (first.position, second.position, first.gaps, there.position)


def test_handshakes_are_refused(world):
    """For so long the bot is blind, and buys all the same."""
    there = world({"kind": "close", "at": 1}, {"kind": "refuse-handshake", "at": 1, "until": 30})
    bot = there.bot()
    there.step()
    with pytest.raises(exceptions.InvalidStatus, match="429"):
        bot.hear()
    bot.buy()
    there.step(29)
    bot.hear()
    bot.buy()
    there.step()
    bot.hear()

    assert (1, 2) == (bot.position, there.position)


def test_who_vanished_is_still_there(world):
    """After an unclean end the old session keeps the bot out for a minute and a half."""
    there = world({"kind": "zombie-session"})
    bot = there.bot()
    bot.listener.socket.socket.shutdown(socket.SHUT_RDWR)
    there.until(lambda: not there.venue._server._trades._open)
    bot.buy()
    for seconds in (1, 88):
        there.step(seconds)
        with pytest.raises(exceptions.InvalidStatus, match="429"):
            bot.hear()
    there.step(1)
    bot.hear()

    assert (0, 1) == (bot.position, there.position)


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [{"kind": "error-after"}, {"kind": "error-after", "status": 500}, {"kind": "lost-after"}], ids=str
)
def test_it_was_done_and_looks_as_if_not(world, fault):
    """Who tries again without an id of their own buys twice."""
    there = world(fault | {"method": "POST", "path": ORDERS, "count": 1})
    bot = there.bot()
    bot.buy()
    there.step()

    assert (2, 2) == (there.orders, there.position)


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        ({"kind": "error-before"}, 1),
        ({"kind": "error-before", "status": 502}, 1),
        ({"kind": "lost-before"}, 1),
        ({"kind": "too-many-requests", "retry_after": 1}, 2),
    ],
    ids=str,
)
def test_it_was_not_done(world, fault, tries):
    """Who gives up too early never has the order."""
    there = world(fault | {"method": "POST", "path": ORDERS, "count": 1})
    bot = there.bot(tries=tries)
    answer = bot.buy()
    there.step()

    assert (None, 0, 0) == (answer, there.orders, there.position)


@pytest.mark.parametrize("kind", ["error-before", "lost-before"])
def test_to_try_again_can_be_right(world, kind):
    """The same bot that bought twice above buys once here: from the answer nobody can tell."""
    there = world({"kind": kind, "path": ORDERS, "count": 1})
    there.bot().buy()
    there.step()

    assert (1, 1, {kind}) == (there.orders, there.position, there.bitten)


def test_a_storm_of_429(world):
    """All that is asked while it lasts is dropped, by a bot that takes a 429 for a no."""
    there = world({"kind": "too-many-requests", "at": 1, "until": 4})
    bot = there.bot()
    for _ in range(6):
        bot.buy()
        there.step()

    assert 3 == there.orders


def test_an_answer_is_slow(world):
    """The bot gives up waiting for it and orders again."""
    there = world({"kind": "slow", "seconds": 30, "method": "POST", "count": 1})
    there.bot(patience=0.5).buy()
    there.step(30)

    assert (2, 2) == (there.orders, there.position)


def test_reads_lag(world):
    """A bot that asks for its position before it buys does not see what it has bought, and buys it again."""
    there = world({"kind": "stale-reads", "seconds": 10})
    bot = there.bot()
    for _ in range(6):
        if not bot.ask("GET", "/v2/positions"):
            bot.buy()
        there.step(4)

    assert 3 == there.position


# --- the venue --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [None, 503])
def test_a_restart(world, status):
    """What is filled while nobody can be connected, the bot never hears of; and its orders are lost on the way."""
    more = {} if status is None else {"status": status}
    there = world({"kind": "restart", "at": 0.05, "seconds": 10} | more)
    bot = there.bot()
    bot.buy()
    there.step()
    with pytest.raises((exceptions.InvalidHandshake, exceptions.InvalidMessage, OSError, EOFError)):
        bot.hear()
    bot.buy()
    there.step(10)
    bot.hear()
    bot.buy()
    there.step()
    bot.hear()

    assert (1, 2, 2) == (bot.position, there.position, there.orders)


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_the_clock_is_wrong(world, seconds):
    """To a bot that compares clocks what has just happened is an hour old, or still to come."""
    there = world({"kind": "clock-skew", "seconds": seconds})
    bot = there.bot()
    bot.buy()
    there.step()
    bot.hear()
    (filled,) = (data["timestamp"] for data in bot.events if data["event"] == "fill")
    clock = bot.ask("GET", "/v2/clock")["timestamp"]
    ages = [there.venue.now() - datetime.fromisoformat(moment) for moment in (filled, clock)]

    assert [-seconds // 3600] * 2 == [round(age / timedelta(hours=1)) for age in ages]


def test_an_execution_is_busted(world):
    """The websocket says nothing of it: the bot has a share that is not there, and lacks the money for it."""
    there = world({"kind": "bust", "at": 2})
    bot = there.bot()
    bot.buy()
    there.step(3)
    bot.hear()

    assert (1, 0, 100_000) == (bot.position, there.position, there.cash)
    assert bot.cash < there.cash


@pytest.mark.parametrize("change", [{"percent": 10}, {"price": 150}, {"quantity": 2}], ids=str)
def test_an_execution_is_corrected(world, change):
    """The bot's money is not what it thinks, and perhaps not its position."""
    there = world({"kind": "correct", "at": 2} | change)
    bot = there.bot()
    bot.buy(qty="3")
    there.step(3)
    bot.hear()

    assert (3, change.get("quantity", 3)) == (bot.position, there.position)
    assert bot.cash != there.cash


def test_somebody_else_trades(world):
    """The account holds what the bot never ordered."""
    there = world({"kind": "foreign-order", "symbol": "AAPL", "qty": 5, "at": 1})
    bot = there.bot()
    mine = bot.buy()
    there.step(2)
    bot.hear()

    assert {mine["id"]} < bot.status.keys()
    assert (6, 6, 2) == (bot.position, there.position, there.orders)


# --- the three ways ---------------------------------------------------------------------------------------------------

NEEDED = {"delay": {"seconds": 1}, "slow": {"seconds": 1}, "stale-reads": {"seconds": 1}, "clock-skew": {"seconds": 1}}
NEEDED |= {"correct": {"percent": 1}, "foreign-order": {"symbol": "F"}}


def test_every_kind_can_be_switched_on(world):
    """All that there are, in each of the three ways."""
    kinds = [fields_dict(each)["kind"].default for each in get_args(AnyFault)]
    active = world(*({"kind": kind, "at": 1000} | NEEDED.get(kind, {}) for kind in kinds)).venue.faults.active()

    assert 23 == len(set(kinds))
    assert [(kind, 1000, False) for kind in kinds] == [(each["kind"], each["at"], each["in_force"]) for each in active]


# --- what is told of them ---------------------------------------------------------------------------------------------

BITES = [
    {"kind": "drop", "probability": 0.3},
    {"kind": "delay", "seconds": 1, "jitter": 2, "probability": 0.3},
    {"kind": "duplicate", "probability": 0.3},
    {"kind": "reorder", "probability": 0.2},
    {"kind": "corrupt", "how": "flip", "probability": 0.2},
    {"kind": "error-after", "method": "POST", "probability": 0.3},
    {"kind": "lost-before", "method": "POST", "probability": 0.2},
    {"kind": "foreign-order", "symbol": "F", "every": 5, "count": 3, "probability": 0.7},
    {"kind": "correct", "percent": 1, "every": 4, "count": 3, "probability": 0.7},
    {"kind": "close", "at": 11, "probability": 0.5},
]


def test_the_same_seed_bites_the_same(new_venue, new_recipe, connect):
    """A schedule of chances is the same over sockets too, moments and all, and another seed makes another one."""

    def ran(seed):
        venue = new_venue(new_recipe(seed=seed))
        for fault in BITES:
            venue.faults.add(fault)
        there = World(venue, connect)
        bot = there.bot()
        for _ in range(12):
            bot.buy()
            there.step()
        bot.hear()
        told = venue.oracle()
        return told["faults"], told["accounts"][PAPER.key], bot.position

    first, again, other = ran(1), ran(1), ran(2)

    assert first == again
    assert first[0] != other[0]
    assert {"drop", "delay", "duplicate", "error-after"} <= {each["fault"].rpartition("-")[0] for each in first[0]}


def test_a_long_step_is_many_short_ones(new_venue, new_recipe, connect):
    """Faults decide about what is told at its own moment, however far time is moved on at once."""

    def ran(steps):
        venue = new_venue(new_recipe(seed=3))
        for fault in (*BITES[:4], {"kind": "mute", "at": 4, "until": 7}):
            venue.faults.add(fault)
        for at in range(1, 12):
            venue.faults.add(kind="foreign-order", symbol="F", at=at)
        there = World(venue, connect)
        bot = there.bot()
        for _ in range(steps):
            there.step(24 / steps)
        bot.hear()
        return venue.oracle()["faults"], bot.events

    once, often = ran(1), ran(48)

    assert once == often
    assert 11 < len(once[1])


def test_ids_of_the_two_sources(world):
    """A bot that joins stream and activities by id counts each fill twice: they have nothing in common."""
    there = world()
    bot = there.bot()
    for _ in range(3):
        bot.buy()
        there.step()
    bot.hear()
    fills = {data["execution_id"] for data in bot.events if data["event"] == "fill"}
    activities = {each["id"] for each in bot.ask("GET", "/v2/account/activities/FILL")}
    executions = there.books["executions"]

    assert (6, 3) == (len(fills | activities), there.position)
    assert fills == {each["execution_id"] for each in executions}
    assert activities == {each["activity_id"] for each in executions}
