"""What the stream tells of an order's life, in which order, and what stands in the books then."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from bridge.venue.frictions import Terms

CLOSED = datetime(2024, 1, 3, 2, tzinfo=UTC)
OPEN = datetime(2024, 1, 3, 14, 30, tzinfo=UTC)
SLICES = {"terms": Terms(partials=0.9, latency=(0.6, 0.9)), "seed": 3}


def test_a_market_order_in_hours(desk):
    """Pending, new and filled; it is submitted anew when it reaches the market."""
    placed = desk.place()
    desk.later()
    filled = desk.order(placed)

    assert "pending_new" == placed["status"]
    assert [
        ("pending_new", "market", "pending_new"),
        ("new", "market", "new"),
        ("fill", "market", "filled"),
    ] == desk.events()
    assert placed["submitted_at"] < filled["submitted_at"] < filled["filled_at"] == filled["updated_at"]
    assert ("filled", "1", "190") == (filled["status"], filled["filled_qty"], filled["filled_avg_price"])


def test_an_order_takes_its_time(desk):
    """Nothing happens before the moment that the venue names, and it is within the latency."""
    placed = desk.place()
    due = desk.core.next_due()

    assert 0.05 <= (due - desk.now).total_seconds() <= 0.4
    assert "pending_new" == desk.order(placed)["status"]
    desk.at(due)
    assert "filled" == desk.order(placed)["status"]


def test_an_order_while_the_market_is_closed(new_desk):
    """Accepted, and at the market when it opens; its day is the next session."""
    desk = new_desk(start=CLOSED)
    placed = desk.place()
    desk.later(3600)

    assert ("accepted", "2024-01-03T21:00:00Z") == (placed["status"], placed["expires_at"])
    assert [("accepted", "market", "accepted")] == desk.events()
    desk.at(OPEN)
    desk.later()
    assert [("new", "market", "new"), ("fill", "market", "filled")] == desk.events()


def test_a_cancel_takes_its_time(desk):
    """The answer is empty, the order is on its way out, and then it is gone."""
    placed = desk.place(type="limit", limit_price=180)
    desk.later()
    desk.core.frames()
    answer = desk("DELETE", f"/v2/orders/{placed['id']}")

    assert (204, None) == (answer.status, answer.body)
    assert ("pending_cancel", []) == (desk.order(placed)["status"], desk.events())
    desk.later()
    assert [("canceled", "limit", "canceled")] == desk.events()
    assert 204 == desk("DELETE", f"/v2/orders/{placed['id']}").status


def test_a_fill_can_win_against_a_cancel(desk):
    """Until the cancel takes effect the order works."""
    placed = desk.place(type="limit", limit_price=180)
    desk.later()
    desk("DELETE", f"/v2/orders/{placed['id']}")
    desk.price("AAPL", "179")
    desk.later()

    assert ("fill", "limit", "filled") == desk.events()[-1]


def test_an_order_cancelled_on_its_way(desk):
    """One that has not reached the market never does."""
    placed = desk.place()
    desk("DELETE", f"/v2/orders/{placed['id']}")
    desk.later()

    assert "canceled" == desk.events()[-1][0]
    assert "canceled" == desk.order(placed)["status"]
    assert [] == desk.get("/v2/positions")


def test_a_replacement(desk):
    """The old id ends as replaced, then the new one is new; each names the other."""
    old = desk.place(qty=2, type="limit", limit_price=180)
    desk.later()
    desk.core.frames()
    new = desk("PATCH", f"/v2/orders/{old['id']}", {"qty": 3, "limit_price": "181"}).body
    desk.later()
    frames = [frame.data for frame in desk.core.frames()]

    assert [("pending_new", new["id"]), ("replaced", old["id"]), ("new", new["id"])] == [
        (data["event"], data["order"]["id"]) for data in frames
    ]
    assert (old["id"], None, "pending_new") == (new["replaces"], new["replaced_by"], new["status"])
    assert (new["id"], frames[1]["timestamp"]) == (desk.order(old)["replaced_by"], desk.order(old)["replaced_at"])
    assert ("3", "181", "new") == tuple(desk.order(new)[name] for name in ("qty", "limit_price", "status"))


def test_a_replacement_that_comes_too_late(desk):
    """If the old order fills first the new one is rejected, and the old one says that it was not replaced."""
    old = desk.place(type="limit", limit_price=180)
    desk.later()
    desk.core.frames()
    new = desk("PATCH", f"/v2/orders/{old['id']}", {"limit_price": "181"}).body
    desk.price("AAPL", "179")
    desk.later()

    assert ["pending_new", "fill", "order_replace_rejected", "rejected"] == [event for event, _, _ in desk.events()]
    assert ("filled", "rejected") == (desk.order(old)["status"], desk.order(new)["status"])
    assert desk.order(new)["failed_at"]


def test_a_replacement_goes_on_from_what_is_filled(new_desk):
    """The new total counts what the old id filled, and the books count it once."""
    desk = new_desk(**SLICES)
    old = desk.place(qty=100, type="limit", limit_price=191)
    desk.later()
    got = int(desk.order(old)["filled_qty"])
    new = desk("PATCH", f"/v2/orders/{old['id']}", {"qty": 200}).body
    for _ in range(60):
        desk.later()

    assert 0 < got < 100
    assert ("filled", "200") == tuple(desk.order(new)[name] for name in ("status", "filled_qty"))
    assert "200" == desk.get("/v2/positions/AAPL")["qty"]


def test_day_orders_end_with_the_session(desk):
    """At the close, whatever they have filled."""
    placed = desk.place(type="limit", limit_price=180)
    desk.later()
    desk.core.frames()
    desk.at(datetime(2024, 1, 2, 21, tzinfo=UTC))

    assert [("expired", "limit", "expired")] == desk.events()
    assert desk.order(placed)["expired_at"].startswith("2024-01-02T21:00:00")


def test_orders_good_till_cancelled_wait_for_the_next_session(desk):
    """They do not trade at night, and nothing is told of their waiting."""
    placed = desk.place(type="limit", limit_price=180, time_in_force="gtc")
    desk.later()
    desk.core.frames()
    desk.at(CLOSED)
    desk.price("AAPL", "170")

    assert ("new", []) == (desk.order(placed)["status"], desk.events())
    desk.at(OPEN)
    desk.later()
    assert [("fill", "limit", "filled")] == desk.events()
    assert "170" == desk.order(placed)["filled_avg_price"]


def test_extended_hours(desk):
    """An order for them trades in the evening, another one does not, and it ends with the evening."""
    desk.at(datetime(2024, 1, 2, 22, tzinfo=UTC))
    late = desk.place(type="limit", limit_price=190, extended_hours=True)
    resting = desk.place(type="limit", limit_price=180, extended_hours=True)
    other = desk.place(type="limit", limit_price=190)
    desk.later()

    assert ["filled", "new", "accepted"] == [desk.order(each)["status"] for each in (late, resting, other)]
    desk.at(datetime(2024, 1, 3, 1, tzinfo=UTC))
    assert ["expired", "accepted"] == [desk.order(each)["status"] for each in (resting, other)]


def test_an_order_that_must_fill_at_once(desk):
    """Immediate or cancel expires and fill or kill is cancelled if the market is elsewhere."""
    orders = [desk.place(type="limit", limit_price=180, time_in_force=lasting) for lasting in ("ioc", "fok")]
    desk.later()

    assert ["expired", "canceled"] == [desk.order(order)["status"] for order in orders]


def test_auctions(new_desk):
    """Orders for the opening and the closing auction fill at its price."""
    desk = new_desk(start=CLOSED)
    orders = [desk.place(time_in_force=lasting) for lasting in ("opg", "cls")]
    limited = desk.place(time_in_force="opg", type="limit", limit_price=180)
    desk.at(OPEN)
    desk.later()
    desk.price("AAPL", "192")

    assert ["filled", "new", "expired"] == [desk.order(order)["status"] for order in (*orders, limited)]
    desk.at(datetime(2024, 1, 3, 20, 59, tzinfo=UTC))
    desk.price("AAPL", "193")
    desk.at(datetime(2024, 1, 3, 21, tzinfo=UTC))
    assert ["192", "193"] == [desk.order(order)["filled_avg_price"] for order in orders]


def test_an_activity_is_no_execution(desk):
    """The id of the activity differs from the stream's execution id, and begins with New York's time."""
    desk.place()
    desk.later()
    frame = desk.core.frames()[-1].data
    (fill,) = desk.get("/v2/account/activities/FILL")
    prefix, uuid = fill["id"].split("::")

    assert prefix.startswith("20240102103000")
    assert UUID(uuid) != UUID(frame["execution_id"])
    assert (frame["timestamp"], "fill", "1", "0", "filled") == tuple(
        fill[name] for name in ("transaction_time", "type", "cum_qty", "leaves_qty", "order_status")
    )


def test_a_coins_fee_is_written_down_after_its_day(desk):
    """It is taken at once, and an entry of its own follows when the day in New York is over."""
    desk.buy("BTC/USD", 1, time_in_force="gtc", cash=None)
    before = [each["activity_type"] for each in desk.get("/v2/account/activities")]
    desk.at(datetime(2024, 1, 3, 5, tzinfo=UTC))
    fee, _ = desk.get("/v2/account/activities")

    assert ["FILL"] == before
    assert ("CFEE", "-0.0025", "60000", "0", "2024-01-02", "BTCUSD") == tuple(
        fee[name] for name in ("activity_type", "qty", "price", "net_amount", "date", "symbol")
    )


def test_a_part_does_not_undo_a_cancel(new_desk):
    """What fills in part while a cancel is on its way stays on its way out."""
    desk = new_desk(**SLICES)
    order = desk.place(qty=100, type="limit", limit_price=191)
    while not int(desk.order(order)["filled_qty"]):
        desk.at(desk.core.next_due())
    desk("DELETE", f"/v2/orders/{order['id']}")
    before = desk.order(order)["filled_qty"]
    while desk.order(order)["filled_qty"] == before:
        desk.price("AAPL", "190.5" if desk.core.last(desk.core.assets.find("AAPL")) == 190 else "190")

    assert ("pending_cancel", "partial_fill") == (desk.order(order)["status"], desk.core.frames()[-1].data["event"])


def test_a_cancel_before_its_replacement(desk):
    """Cancelled before it took the place, the new order takes it and then ends: nothing works on."""
    old = desk.place(type="limit", limit_price=180)
    desk.later()
    new = desk("PATCH", f"/v2/orders/{old['id']}", {"qty": 3}).body
    replaces = desk.core.next_due()
    desk("DELETE", f"/v2/orders/{new['id']}")
    desk.later()
    desk.price("AAPL", "170")

    assert replaces is not None
    assert ("replaced", "canceled") == (desk.order(old)["status"], desk.order(new)["status"])
    assert [] == desk.get("/v2/positions")
