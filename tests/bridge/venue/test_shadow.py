"""Reads of the venue as it was a while ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from bridge.venue.core import Request
from bridge.venue.faults.happenings import Bust, ForeignOrder
from bridge.venue.market import Moved
from bridge.venue.shadow import Shadow

NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
KEY = "PAPERKEY"


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def get(path, **query):
    return Request(method="GET", path=path, query=query)


class Watched:
    """A house, its shadow, and what each reads."""

    def __init__(self, house):
        self.house = house
        self.made = 0
        self.shadow = Shadow(self._twin, house.inputs)

    def _twin(self):
        self.made += 1
        return self.house.twin()

    def old(self, path, seconds, **query):
        """An answer as of so many seconds after the start."""
        return self.shadow.read(KEY, get(path, **query), at(seconds))

    def new(self, path, **query):
        return self.house.core.perform(KEY, get(path, **query))


@pytest.fixture
def watched(new_house, market_of_moves):
    """A price that moves after five seconds; orders arrive after a tenth of one."""
    return Watched(new_house(market_of_moves(Moved(at(5), "AAPL", D(195), True))))


READS = ["/v2/orders", "/v2/positions", "/v2/account"]


@pytest.mark.parametrize("path", READS)
def test_reads_lag(watched, new_order, path):
    """Orders, positions and the account are what they were at the moment, and at a later one what they were then."""
    house, then = watched.house, {}
    for seconds in (0.5, 1.5, 2.5):
        house.handle(new_order(qty=3), at(seconds - 0.5))
        house.advance(at(seconds))
        then[seconds] = watched.new(path, status="all")
    house.advance(at(60))
    read = {seconds: watched.old(path, seconds, status="all") for seconds in then}

    assert then == read
    assert 3 == len({repr(answer.body) for answer in read.values()})


def test_all_lag_together(watched, new_order):
    """What one read tells of a moment fits what another does."""
    watched.house.handle(new_order(qty=3), at(1))
    watched.house.advance(at(10))
    told = []
    for seconds in (0.9, 1.05, 1.2):
        orders, positions, account = (watched.old(path, seconds, status="all").body for path in READS)
        told.append(([order["status"] for order in orders], len(positions), account["cash"]))

    assert [([], 0, "100000"), (["pending_new"], 0, "100000")] == told[:2]
    assert (["filled"], 1) == told[2][:2]
    assert "99430" == told[2][2]


def test_one_order(watched, new_order):
    """An order that was not there yet is not found, and found from the moment on at which it was."""
    order = watched.house.handle(new_order(), at(1)).body
    path = f"/v2/orders/{order['id']}"
    answers = [watched.old(path, 0.999), watched.old(path, 1), watched.old(path, 1.5)]

    assert [404, 200, 200] == [answer.status for answer in answers]
    assert "filled" == answers[2].body["status"] != answers[1].body["status"]


def test_prices_lag(watched, new_order):
    """So does what an account is worth."""
    watched.house.handle(new_order(qty=10), NOW)
    watched.house.advance(at(6))
    equity = [D(watched.old("/v2/account", seconds).body["equity"]) for seconds in (4, 5)]

    assert 50 == equity[1] - equity[0]


def test_what_faults_did_lags(watched, new_order):
    """A bust and another program's order are seen as late as all else."""
    house = watched.house
    house.handle(new_order(), NOW)
    house.arm(1, [Bust(at=2), ForeignOrder(at=3, symbol="F")])
    house.advance(at(10))
    held = [[each["symbol"] for each in watched.old("/v2/positions", seconds).body] for seconds in (1, 2, 4)]

    assert [["AAPL"], [], ["F"]] == held


def test_a_longer_lag_than_before(watched, new_order):
    """It is no later: the past is played again from its beginning."""
    house = watched.house
    for seconds in range(4):
        house.handle(new_order(), at(seconds))
    house.advance(at(4))
    counts = [len(watched.old("/v2/orders", seconds, status="all").body) for seconds in (3.5, 1.5, 2.5, 0.5)]

    assert [4, 2, 3, 1] == counts
    assert 3 == watched.made


def test_a_read_costs_what_is_new(watched, new_order):
    """Reads whose moments do not go back play nothing twice."""
    for seconds in range(5):
        watched.house.handle(new_order(), at(seconds))
        watched.house.advance(at(seconds + 0.5))
        watched.old("/v2/orders", seconds)

    assert 1 == watched.made


def test_a_moment_before_the_first(watched, new_order):
    """As of before the beginning it is the beginning."""
    watched.house.handle(new_order(), NOW + timedelta(microseconds=1))

    assert [] == watched.old("/v2/orders", -3600).body


def test_nothing_happens_to_the_house(watched, new_order):
    """Reading the past writes nothing down, takes no frames, and counts as no request."""
    house = watched.house
    house.handle(new_order(), NOW)
    inputs, arrivals = list(house.inputs), len(house.core.arrivals)
    watched.old("/v2/orders", 5)

    assert (inputs, arrivals, NOW) == (house.inputs, len(house.core.arrivals), house.now)
    assert ["pending_new"] == [frame.data["event"] for frame in house.frames()]


def test_market_data_lags(watched, new_order):
    """The latest trade is the one of that moment."""
    watched.house.advance(at(10))
    prices = [
        watched.shadow.read(
            KEY, Request(method="GET", path="/v2/stocks/AAPL/trades/latest", headers=new_order().headers), at(seconds)
        ).body["trade"]["p"]
        for seconds in (4, 6)
    ]

    assert [190, 195] == prices


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v2/orders", True),
        ("GET", "/v2/positions/BTC%2FUSD", True),
        ("GET", "/v2/clock", True),
        ("GET", "/v2/events/trades", False),
        ("POST", "/v2/orders", False),
        ("DELETE", "/v2/positions", False),
    ],
)
def test_what_can_lag(method, path, expected):
    """Every read but one that goes on."""
    assert expected == Shadow.covers(Request(method=method, path=path))
