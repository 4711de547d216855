"""A venue in lockstep: the house that stops behind every thing that happens, and the market of a session."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar

import pytest

from bridge.venue.core import Request
from bridge.venue.frictions import Terms
from bridge.venue.lockstep import SessionMarket
from bridge.venue.market import Begun, Closed, Moved, Ticked, moves_of
from bridge.venue.recipe import PAPER, Recipe, house_of
from engine.market.bars import Bar
from engine.recipe import MarketConfig, SessionConfig
from engine.stage import market_data

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CLOSE = datetime(2024, 1, 2, 21, 0, tzinfo=UTC)
HEADERS = {"apca-api-key-id": PAPER.key, "apca-api-secret-key": PAPER.secret}


def bar(number, opened, high, low, close, symbol="AAPL", start=START):
    prices = (Decimal(each) for each in (opened, high, low, close))
    return Bar(symbol, start + number * MINUTE, start + (number + 1) * MINUTE, *prices, Decimal(10_000))


class Listed:
    """The market of some bars."""

    calendar = None
    recipe: ClassVar = {}

    def __init__(self, *bars):
        self.bars = bars
        self.first = bars[0].start
        self.prices = {each.symbol: each.open for each in reversed(bars)}

    def moves(self):
        for each in self.bars:
            yield from moves_of([each])


BARS = Listed(bar(0, 100, 101, 99, 100), bar(1, 102, 104, 101, 103), bar(2, 103, 103, 90, 91))


class Trading:
    """A house, and its client at the moment that it has reached."""

    def __init__(self, market):
        recipe = Recipe(market=market, every=None, hours="exchange", terms=Terms(direct=True))
        self.house = house_of(recipe, now=market.first)
        self.core = self.house.core

    def __call__(self, method, path, body=None):
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.house.handle(Request(method=method, path=path, headers=HEADERS, body=raw), self.house.now)
        assert answer.status == 200, answer.body
        return answer.body

    def place(self, **more):
        usual = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
        return self("POST", "/v2/orders", usual | more)

    def order(self, order):
        return self("GET", f"/v2/orders/{order['id']}")

    def step(self, to):
        """Whether it came to the moment, and where it stands."""
        return self.house.step(to), self.house.now


@pytest.fixture
def trading():
    return Trading(BARS)


def test_a_step_plays_to_the_end_of_a_bar(trading):
    """Where nothing happens, one step plays all that ends by the moment, and nothing that begins there."""
    stepped = trading.step(START + 2 * MINUTE)

    assert (True, START + 2 * MINUTE) == stepped
    assert (Decimal(103), "") == (trading.core.last(trading.core.assets.find("AAPL")), trading.core.told)


def test_a_step_stops_behind_a_fill(trading):
    """An order of between two bars fills at the next open; what is sent there meets the path from there on."""
    trading.step(START + MINUTE)
    bought = trading.place()
    first = trading.step(START + 2 * MINUTE)
    sold = trading.place(side="sell", type="limit", limit_price=102)
    rest = [trading.step(START + 2 * MINUTE), trading.step(START + 2 * MINUTE)]

    assert [(False, START + MINUTE), (False, START + MINUTE), (True, START + 2 * MINUTE)] == [first, *rest]
    assert ("102", "102") == (trading.order(bought)["filled_avg_price"], trading.order(sold)["filled_avg_price"])


def test_what_was_left_of_a_step_comes_first(trading):
    """A step to a later moment plays the rest of the one that stopped, and goes on."""
    trading.step(START + MINUTE)
    trading.place()
    trading.step(START + 2 * MINUTE)

    assert (True, START + 3 * MINUTE) == trading.step(START + 3 * MINUTE)
    assert Decimal(91) == trading.core.last(trading.core.assets.find("AAPL"))


def test_requests_do_not_move_the_market(trading):
    """Between two steps it stands, whatever is asked at which moment, and nothing is due."""
    trading.step(START + MINUTE)
    trading.house.advance(START + 3 * MINUTE)
    trading("GET", "/v2/clock")

    assert (START + MINUTE, None) == (trading.house.now, trading.house.next_due())


def test_the_event_id_is_the_highest_that_the_stream_tells(trading):
    """It rises with everything that is told, also with what a request led to."""
    trading.step(START + MINUTE)
    trading.place()
    trading.step(START + 2 * MINUTE)
    frames = [frame.data["event_id"] for frame in trading.house.frames()]

    assert sorted(frames) == frames
    assert frames[-1] == trading.core.told == trading.house.last_event


def test_behind_the_last_bar_time_goes_on(trading):
    """A step beyond the market's end reaches its moment, and what is due by then happens."""
    trading.step(START + 3 * MINUTE)
    order = trading.place(type="limit", limit_price=80)

    assert [(False, CLOSE), (True, CLOSE)] == [trading.step(CLOSE), trading.step(CLOSE)]
    assert "expired" == trading.order(order)["status"]


def test_the_last_price_belongs_to_the_session_that_ends_with_it():
    """A bar that ends with the session trades to its close; only then does the session end, and its orders with it."""
    trading = Trading(Listed(bar(0, 100, 101, 90, 95, start=CLOSE - MINUTE)))
    trading.place(type="limit", limit_price=90, qty=2)
    trading.step(CLOSE)
    met = trading.place(type="limit", limit_price=94, side="sell")
    missed = trading.place(type="limit", limit_price=99, side="sell")
    stopped = trading.step(CLOSE)
    at_the_close = [trading.order(order)["status"] for order in (met, missed)]
    trading.step(CLOSE)

    assert ((False, CLOSE), ["filled", "new"]) == (stopped, at_the_close)
    assert "expired" == trading.order(missed)["status"]


# --- the market of a session ------------------------------------------------------------------------------------------


def test_the_market_of_a_session_is_its_bars():
    """Its moves are those of the bars that the session is played on, as often as they are asked for."""
    config = SessionConfig(seed=3)
    market, data = SessionMarket(config), market_data(config)
    bars = [each for group in data.bars for each in group]

    assert (data.first, data.calendar.session_at(data.first)) == (market.first, market.calendar.session_at(data.first))
    assert [*market.moves()] == [*market.moves()]
    assert bars == [move.bar for move in market.moves() if isinstance(move, Closed)]
    assert len(bars) * 6 == sum(isinstance(move, Begun | Moved | Closed) for move in market.moves())
    assert {each.symbol: each.open for each in reversed(bars)} == market.prices


def test_the_market_of_a_session_has_its_ticks(tmp_path):
    """Quotes and trades are played as they are, then the bar that they make is complete."""
    path = tmp_path / "trades.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "price", "size"])
        for seconds in (1, 20, 70):
            rows.writerow([(START + timedelta(seconds=seconds)).isoformat(), 100 + seconds, 5])
    config = SessionConfig(market=MarketConfig(bars=str(path), symbol="SPY"))
    moves = list(SessionMarket(config).moves())

    assert [Ticked, Ticked, Closed, Ticked, Closed] == [type(move) for move in moves]
    assert [START + MINUTE, START + 2 * MINUTE] == [move.at for move in moves if isinstance(move, Closed)]


def test_the_recipe_of_a_sessions_market_says_what_decides_it():
    """Another seed is another market."""
    one, other = (SessionMarket(SessionConfig(seed=seed)).recipe for seed in (1, 2))

    assert one != other
    assert one == SessionMarket(SessionConfig(seed=1)).recipe
