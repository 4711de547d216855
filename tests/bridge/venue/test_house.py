"""The venue on one line of time: its market is played, what comes from outside is written down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest
from attrs import evolve

from bridge.venue.core import Request
from bridge.venue.market import Begun, Moved
from engine.errors import InvalidInput

NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def last(house, symbol="AAPL"):
    return house.core.last(house.core.assets.find(symbol))


def test_the_market_is_played(new_house, market_of_moves):
    """As far as time has come, in order, and not twice."""
    house = new_house(market_of_moves(Moved(at(1), "AAPL", D(191), True), Moved(at(2), "AAPL", D(192), False)))
    prices = [last(house)]
    for seconds in (1, 0.5, 1.5, 9):
        house.advance(at(seconds))
        prices.append(last(house))

    assert [190, 191, 191, 191, 192] == prices
    assert at(9) == house.now


def test_what_is_due_next(new_house, new_order, market_of_moves):
    """The market's next move or what the core waits for, whichever comes first; None: nothing is to come."""
    house = new_house(market_of_moves(Moved(at(1), "AAPL", D(191), True)))
    due = [house.next_due()]
    house.handle(new_order(symbol="BTC/USD", qty="0.1", time_in_force="gtc"), NOW)
    due.append(house.next_due())
    house.advance(at(0.5))
    due.append(house.next_due())

    assert [at(1), at(0.1), at(1)] == due


def test_orders_meet_the_market_on_the_way(new_house, new_order, market_of_moves):
    """An order arrives between two moves, and trades at the price of its moment."""
    house = new_house(market_of_moves(Moved(at(0.05), "AAPL", D(191), True), Moved(at(0.2), "AAPL", D(195), True)))
    house.handle(new_order(), NOW)
    house.advance(at(1))
    (fill,) = [frame.data for frame in house.frames() if frame.data["event"] == "fill"]

    assert "191" == fill["price"]


def test_a_market_that_breaks(new_house, new_order, market_of_moves):
    """What could be read was played, prices stand from there on, and orders are answered as before."""
    error = InvalidInput("line 3 of bars.csv", "x", "a number")
    house = new_house(market_of_moves(Moved(at(1), "AAPL", D(191), True), error=error))
    before = house.ended
    house.advance(at(5))
    answer = house.handle(new_order(), at(6))
    house.advance(at(7))

    assert (None, error, 191) == (before, house.ended, last(house))
    assert (200, ["pending_new", "new", "fill"]) == (
        answer.status,
        [frame.data["event"] for frame in house.frames()],
    )


def test_a_market_of_what_is_not_listed(new_house, new_order, market_of_moves):
    """A move of an unknown asset ends the market, once, and not the venue."""
    house = new_house(market_of_moves(Begun(at(1), "NOPE", D(5)), Moved(at(2), "AAPL", D(191), True)))
    house.advance(at(3))
    answer = house.handle(new_order(), at(4))

    assert "NOPE" in str(house.ended)
    assert (200, 190) == (answer.status, last(house))
    assert house.next_due() > house.now


def test_the_last_event(new_house, new_order):
    """The id of the newest frame that was taken; before the first there is none."""
    house = new_house()
    before = house.last_event
    house.handle(new_order(), NOW)
    house.advance(at(1))
    frames = house.frames()
    house.frames()

    assert ("", frames[-1].data["event_id"]) == (before, house.last_event)
    assert max(frame.data["event_id"] for frame in frames) == house.last_event


def test_what_came_from_outside_is_written_down(new_house, new_order):
    """What changes something is; reads, what was turned away and what was refused are not; and it can be told on."""
    house, told = new_house(), []
    house.record = told.append
    order = new_order()
    house.handle(order, NOW)
    house.handle(Request(method="GET", path="/v2/orders", headers=order.headers), NOW)
    house.handle(evolve(order, headers={}), NOW)
    house.handle(new_order(qty="x" * 900_000), NOW)
    house.price("AAPL", D(191), at(1))

    assert ["Asked", "Priced"] == [type(entry).__name__ for entry in house.inputs]
    assert house.inputs == told


def test_the_same_again(new_house, new_order):
    """Played into a new house what was written down makes the same frames, ids and all."""
    first, second = new_house(), new_house()
    first.handle(new_order(qty=2), NOW)
    first.price("AAPL", D(191), at(0.05), jump=True)
    first.handle(new_order(side="sell", qty=1), at(3))
    first.advance(at(4))
    for entry in list(first.inputs):
        second.again(entry)
    second.advance(at(4))

    assert first.inputs == second.inputs
    assert first.frames() == second.frames()


@pytest.mark.parametrize(
    "refused",
    [
        ("POST", "/v2/orders", b"{"),
        ("POST", "/v2/orders", b'{"symbol":"AAPL","qty":"9999999","side":"buy","type":"market","time_in_force":"day"}'),
        ("PATCH", "/v2/orders/KNOWN", b'{"qty":"0"}'),
        ("PATCH", "/v2/orders/KNOWN", b'{"limit_price":"999999999"}'),
        ("DELETE", "/v2/orders/00000000-0000-0000-0000-000000000000", b""),
        ("DELETE", "/v2/positions/F", b""),
        ("PATCH", "/v2/account/configurations", b'{"dtbp_check":"both","no_shorting":7}'),
        ("POST", "/v2/nowhere", b""),
    ],
    ids=lambda refused: f"{refused[0]} {refused[1]} {len(refused[2])}",
)
def test_a_refused_request_changes_nothing(new_house, new_order, refused):
    """What comes after it is as if it had not been asked, so that it need not be written down."""
    method, path, body = refused
    frames, status = [], 0
    for asked in (False, True):
        house = new_house()
        known = house.handle(new_order(type="limit", limit_price="150"), NOW).body["id"]
        house.advance(at(1))
        if asked:
            request = evolve(new_order(), method=method, path=path.replace("KNOWN", known), body=body)
            status = house.handle(request, at(1)).status
        house.handle(new_order(), at(1))
        house.advance(at(2))
        frames.append(house.frames())

    assert 400 <= status < 500
    assert frames[0] == frames[1]


@pytest.mark.parametrize(
    ("symbol", "price"), [("NOPE", D(1)), ("AAPL", D(0)), ("AAPL", D("NaN")), ("AAPL", D("1e300")), ("F", D("1e-300"))]
)
def test_prices_that_cannot_be(new_house, symbol, price):
    """They are refused, and nothing is written down."""
    house = new_house()
    with pytest.raises(Exception, match="symbol = 'NOPE'|price = "):
        house.price(symbol, price, NOW)

    assert [] == house.inputs
