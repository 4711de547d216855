"""The fields of a frame: which are there, and when."""

from __future__ import annotations

import json

from engine.brokers.alpaca.wire import TradeUpdate, read


def frames_of(desk, **order):
    desk.place(**order)
    desk.later()
    return [frame.data for frame in desk.core.frames()]


def test_an_execution_tells_itself_and_the_position(desk):
    """Price and quantity are those of this execution, the position is the one after it."""
    fill = frames_of(desk, qty=3)[-1]

    assert ("190", "3", "3", "1") == tuple(fill[name] for name in ("price", "qty", "position_qty", "swap_rate"))


def test_only_what_is_at_the_market_has_an_execution_id(desk):
    """The first event has none; each other one has its own."""
    pending, new, fill = frames_of(desk)

    assert "execution_id" not in pending
    assert 2 == len({new["execution_id"], fill["execution_id"]})
    assert "price" not in new


def test_the_order_is_the_one_after_the_event(desk):
    """It is as REST tells it, with the moment at which a cancel was asked for, and without where it came from."""
    fill = frames_of(desk)[-1]["order"]
    rest = desk.get("/v2/orders", status="all")[0]

    assert {"source", "subtag"} == set(rest) - set(fill)
    assert {"cancel_requested_at"} == set(fill) - set(rest)
    assert rest == {name: value for name, value in fill.items() if name in rest} | {"source": None, "subtag": None}


def test_a_cancel_says_when_it_was_asked_for(desk):
    """The frame has the moment of the request, and its own is a later one."""
    order = desk.place(type="limit", limit_price=180)
    desk.later()
    desk("DELETE", f"/v2/orders/{order['id']}")
    desk.later()
    last = desk.core.frames()[-1].data

    assert last["order"]["cancel_requested_at"] < last["order"]["canceled_at"] == last["timestamp"]


def test_our_own_client_reads_every_frame(desk):
    """As it stands on the wire."""
    updates = [read(json.dumps(data), TradeUpdate) for data in frames_of(desk)]

    assert ["pending_new", "new", "fill"] == [update.event for update in updates]


def test_the_latest_event_is_known(new_desk):
    """Its id is the highest that was told, whoever has taken the frames."""
    desk = new_desk()
    before = desk.core.told
    desk.buy()
    desk.place()

    assert "" == before
    assert desk.core.told == desk.core.frames()[-1].data["event_id"]
