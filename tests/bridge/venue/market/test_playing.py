"""Single moves at a venue: the same to the byte as whole bars, and the same fills as in one process."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from bridge.venue.core import Core, Trader
from bridge.venue.frictions import Terms
from bridge.venue.market.listing import assets_for
from bridge.venue.market.playing import play
from bridge.venue.market.recorded import Recorded
from bridge.venue.market.synthetic import SyntheticDay
from engine.brokers.simulated import SimulatedBroker
from engine.clock import SimulatedClock
from engine.errors import InvalidRequest
from engine.facts import OrderReported
from engine.market.bars import slices
from engine.market.fees import NoFees
from engine.market.liquidity import Depth
from engine.market.synthetic import synthetic_day
from engine.model import OrderRequest, Side, TimeInForce

DEPTH = Depth(participation=D("0.001"), queue=D(1))
BEFORE = timedelta(minutes=5)


def orders_around(desk):
    """Orders that meet the day here and there: one share is sold short, the others are bought."""
    for symbol, price in desk.market.prices.items():
        side, up = ("sell", 1) if symbol == "MSFT" else ("buy", -1)
        for number in range(1, 12):
            away = price * up * number / 1000
            limit, stop = ((price + way * away).quantize(D("0.01")) for way in (1, -1))
            desk.place(symbol, 300, side=side, type="limit", limit_price=str(limit))
            desk.place(symbol, 300, side=side, type="stop", stop_price=str(stop))
        desk.place(symbol, 300, side=side, time_in_force="opg")
        desk.place(symbol, 300, side=side, type="trailing_stop", trail_percent="0.2")


@pytest.fixture
def new_day(new_desk):
    """A desk before the synthetic day, with orders at it."""

    def made(terms):
        market = SyntheticDay(7)
        desk = new_desk(start=market.first - BEFORE, cash=10**7, terms=terms, assets=assets_for(market.prices), seed=3)
        desk.market = market
        orders_around(desk)
        return desk

    return made


@pytest.mark.parametrize("partials", [0.0, 0.3])
@pytest.mark.parametrize("depth", [None, DEPTH])
def test_single_moves_are_whole_bars(new_day, partials, depth):
    """The stream says the same to the byte, whatever depth, latency and chance make of it."""
    terms = Terms(partials=partials, depth=depth)
    by_bars, by_moves = new_day(terms), new_day(terms)
    for bars in slices(synthetic_day(7)):
        by_bars.core.bar(*bars)
    for move in by_moves.market.moves():
        play(by_moves.core, move)
    frames = by_bars.core.frames()
    events = Counter(frame.data["event"] for frame in frames)

    assert frames == by_moves.core.frames()
    assert 30 < events["fill"]
    assert (events["partial_fill"] > 0) is bool(depth or partials)


def test_what_comes_before_a_bar_does_not_trade_against_it(new_desk, bar):
    """An order that arrives between two bars has only what the last one left."""
    by_bars, by_moves = (new_desk(terms=Terms(depth=Depth(participation=D("0.1")))) for _ in range(2))
    first, second = (bar("AAPL", minute, "190 190 190 190", volume) for minute, volume in ((60, 100), (62, 9000)))
    for desk in (by_bars, by_moves):
        desk.core.bar(first)
        desk.now = first.end
        desk.place(qty=50)
    by_bars.core.bar(second)
    by_moves.core.begin("AAPL", D(9000), second.start)

    fills = [[frame.data.get("qty") for frame in desk.core.frames()] for desk in (by_bars, by_moves)]
    assert [None, None, "10", "40"] == fills[0]
    assert fills[0][:3] == fills[1]


def test_the_moves_are_those_of_the_broker_in_process(new_desk):
    """Limits and stops in several shares fill at the same prices, at the same moments, in the same order."""
    market = SyntheticDay(7)
    desk = new_desk(
        start=market.first - BEFORE,
        cash=10**7,
        assets=assets_for(market.prices),
        terms=Terms(latency=(0.0, 0.0), fees=NoFees(), depth=DEPTH),
    )
    clock = SimulatedClock(market.first - BEFORE)
    broker = SimulatedBroker(clock, calendar=market.calendar, fees=NoFees(), depth=DEPTH)
    for symbol, price in market.prices.items():
        for number in range(1, 8):
            low, high = ((price * (1000 + way * number) / 1000).quantize(D("0.01")) for way in (-1, 1))
            desk.place(symbol, 100, type="limit", limit_price=str(low))
            desk.place(symbol, 100, type="stop", stop_price=str(high))
            for make, level in ((OrderRequest.limit, low), (OrderRequest.stop, high)):
                name, day = f"{symbol}-{level}", TimeInForce.DAY
                broker.submit(make(symbol, Side.BUY, D(100), level, time_in_force=day, client_order_id=name))

    there = []
    for bars in slices(synthetic_day(7)):
        for _ in broker.play(bars):
            pass
    while (fact := broker.get(0)) is not None:
        if isinstance(fact, OrderReported) and fact.execution is not None:
            there.append((fact.at, fact.symbol, fact.execution.quantity, fact.execution.price))
    here = []
    for move in market.moves():
        play(desk.core, move)
        for frame in desk.core.frames():
            if frame.data["event"] in ("fill", "partial_fill"):
                data = frame.data
                here.append((desk.core.now, data["order"]["symbol"], D(data["qty"]), D(data["price"])))

    assert 20 < len(there)
    assert there == here


def test_ticks_are_played_as_ticks(new_desk, file_of):
    """What rests is filled by a trade of others at its own moment."""
    text = "timestamp,price,size\n2024-01-02T15:31:00Z,185.5,100\n2024-01-02T15:31:10Z,184,100\n"
    desk = new_desk()
    order = desk.place(type="limit", limit_price=185)
    desk.later()
    for move in Recorded({"AAPL": file_of("t.csv", text)}).moves():
        play(desk.core, move)

    assert datetime(2024, 1, 2, 15, 32, tzinfo=UTC) == desk.core.now
    order = desk.order(order)
    assert ("185", "2024-01-02T15:31:10") == (order["filled_avg_price"], order["filled_at"][:19])


def test_a_symbol_that_the_venue_does_not_have(bar, market_of):
    """It has to be listed before it is played."""
    market = market_of([bar("NVDA", 0, "900 901 899 900")])
    trader = Trader(key="k", secret="s")
    calendar = SyntheticDay(1).calendar

    with pytest.raises(InvalidRequest, match="NVDA"):
        play(Core([trader], calendar=calendar, start=market.first), next(market.moves()))
    core = Core([trader], calendar=calendar, start=market.first, assets=assets_for(market.prices))
    for move in market.moves():
        play(core, move)
    assert D(900) == core.last(core.assets.find("NVDA"))
