"""Alpaca's words in ours and back: nothing guessed, no digit lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve

from engine.brokers.alpaca.translate import (
    body_of,
    change_body,
    execution_reported,
    order_reported,
    plain,
    side_of,
    status_of,
    update_reported,
    venue_position,
)
from engine.brokers.alpaca.wire import FillActivity, Order, Position, TradeUpdate, read
from engine.errors import RemoteProtocolError
from engine.facts import ExecutionCorrected, ExecutionReported, OrderReported
from engine.model import (
    Correction,
    Execution,
    Exits,
    OrderRequest,
    OrderType,
    Replacement,
    Side,
    TimeInForce,
    VenuePosition,
    VenueStatus,
)

D = Decimal
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
LATER = datetime(2024, 1, 2, 12, 30, tzinfo=UTC)
BTC = "276e2673-764b-4ab6-a611-caf665ca6340"
ORDER = Order(
    id="b1",
    client_order_id="tb-1",
    submitted_at=NOON,
    updated_at=LATER,
    symbol="AAPL",
    side="buy",
    type="limit",
    order_class="",
    time_in_force="day",
    status="partially_filled",
    qty=D(10),
    filled_qty=D(4),
    filled_avg_price=D("99.5"),
    limit_price=D(100),
)
FILL = FillActivity(
    id="20240102070000000::x",
    order_id="b1",
    symbol="AAPL",
    side="buy",
    qty=D(3),
    price=D("99.25"),
    cum_qty=D(4),
    transaction_time=LATER,
)


def request(**more):
    return OrderRequest(symbol="AAPL", side=Side.BUY, quantity=D(2), client_order_id="tb-1", **more)


def reported(**changes):
    return order_reported(evolve(ORDER, **changes), {}, asked=NOON)


# --- what we send -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (D("1E+3"), "1000"),
        (D("1E-9"), "0.000000001"),
        (D("11.0500"), "11.05"),
        (D("100"), "100"),
        (D("100.00"), "100"),
        (D("12345678901234567890.123456789012"), "12345678901234567890.123456789012"),
    ],
)
def test_numbers_without_exponent(number, text):
    """Every digit, no exponent, no zeros at the end."""
    assert text == plain(number)


@pytest.mark.parametrize(
    ("terms", "body"),
    [
        ({}, {"type": "market", "time_in_force": "day"}),
        (
            {"type": OrderType.LIMIT, "limit_price": D("10.10"), "time_in_force": TimeInForce.GTC},
            {"type": "limit", "limit_price": "10.1", "time_in_force": "gtc"},
        ),
        ({"type": OrderType.STOP, "stop_price": D(9)}, {"type": "stop", "stop_price": "9", "time_in_force": "day"}),
        (
            {"type": OrderType.STOP_LIMIT, "stop_price": D(9), "limit_price": D(8), "time_in_force": TimeInForce.IOC},
            {"type": "stop_limit", "stop_price": "9", "limit_price": "8", "time_in_force": "ioc"},
        ),
        (
            {"type": OrderType.TRAILING_STOP, "trail_price": D("0.5")},
            {"type": "trailing_stop", "trail_price": "0.5", "time_in_force": "day"},
        ),
        (
            {"type": OrderType.TRAILING_STOP, "trail_percent": D("1.5"), "time_in_force": TimeInForce.FOK},
            {"type": "trailing_stop", "trail_percent": "1.5", "time_in_force": "fok"},
        ),
    ],
)
def test_body_of_a_new_order(terms, body):
    """Each type sends its own prices, as text, under our id; exits are the engine's."""
    common = {"symbol": "AAPL", "qty": "2", "side": "buy", "client_order_id": "tb-1"}

    assert common | body == body_of(request(**terms)) == body_of(request(**terms, exits=Exits(stop_loss=D(5))))


@pytest.mark.parametrize("kind", ["request.crypto", "request.equity", "request.options"])
def test_body_as_the_reference_has_it(shared, kind):
    """The examples of Alpaca's own reference are what we send, but for our id."""
    entries = json.loads((shared / "alpaca/samples/orders.json").read_text(encoding="utf-8"))
    wanted = next(entry["payload"] for entry in entries if entry["kind"] == kind)
    sent = OrderRequest.limit(
        wanted["symbol"],
        Side.BUY,
        D(wanted["qty"]),
        D(wanted["limit_price"]),
        time_in_force=TimeInForce(wanted["time_in_force"]),
        client_order_id="tb-1",
    )

    assert wanted | {"client_order_id": "tb-1"} == body_of(sent)


def test_body_of_a_change():
    """Only what changes is sent, with the id of the order that goes on."""
    change = Replacement(client_order_id="tb-1.r1", quantity=D("5.0"), stop_price=D("9.90"))

    assert {"client_order_id": "tb-1.r1", "qty": "5", "stop_price": "9.9"} == change_body(change)
    assert {"client_order_id": "r", "limit_price": "1"} == change_body(
        Replacement(client_order_id="r", limit_price=D(1))
    )


# --- orders -----------------------------------------------------------------------------------------------------------


def test_an_order_in_our_words():
    """A picture has the venue's moment, both ids, what is filled, and the request so that it can be adopted."""
    wanted = OrderRequest.limit("AAPL", Side.BUY, D(10), D(100), client_order_id="tb-1")

    assert (
        OrderReported(
            at=LATER,
            client_order_id="tb-1",
            broker_order_id="b1",
            symbol="AAPL",
            side=Side.BUY,
            status=VenueStatus.PARTIALLY_FILLED,
            quantity=D(10),
            cumulative=D(4),
            average=D("99.5"),
            request=wanted,
        )
        == reported()
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("accepted pending_new accepted_for_bidding pending_review held", VenueStatus.ACCEPTED),
        ("new", VenueStatus.NEW),
        ("partially_filled", VenueStatus.PARTIALLY_FILLED),
        ("filled", VenueStatus.FILLED),
        ("canceled", VenueStatus.CANCELED),
        ("expired", VenueStatus.EXPIRED),
        ("rejected", VenueStatus.REJECTED),
        ("replaced", VenueStatus.REPLACED),
        ("pending_cancel", VenueStatus.PENDING_CANCEL),
        ("pending_replace", VenueStatus.PENDING_REPLACE),
        ("done_for_day stopped suspended calculated", VenueStatus.RESTING),
        ("a_word_of_tomorrow resting", VenueStatus.RESTING),
    ],
)
def test_statuses(words, status):
    """Each word has its meaning; one that is new never ends an order."""
    assert {status} == {status_of(word) for word in words.split()}


def test_every_status_of_the_reference_is_known(shared):
    """No status of Alpaca's own list is taken for a new word."""
    spec = json.loads((shared / "alpaca/trading-api.openapi.json").read_text(encoding="utf-8"))
    resting = {"done_for_day", "stopped", "suspended", "calculated"}

    assert resting == {
        word for word in spec["components"]["schemas"]["OrderStatus"]["enum"] if status_of(word) is VenueStatus.RESTING
    }


def test_sides():
    """A short sale is a sale; what has no side has none."""
    words = {"buy": Side.BUY, "sell": Side.SELL, "sell_short": Side.SELL, "": None, "both": None, "buyer": None}

    assert words == {word: side_of(word) for word in words}


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({"type": "market", "limit_price": None}, {}),
        ({"type": None, "order_type": "market", "limit_price": None}, {}),
        (
            {"type": "stop_limit", "stop_price": D(99)},
            {"type": OrderType.STOP_LIMIT, "limit_price": D(100), "stop_price": D(99)},
        ),
        (  # what the stop price has moved to is no part of what was asked for
            {"type": "trailing_stop", "limit_price": None, "stop_price": D(97), "trail_price": D(3), "hwm": D(100)},
            {"type": OrderType.TRAILING_STOP, "trail_price": D(3)},
        ),
        (
            {"type": "trailing_stop", "limit_price": None, "stop_price": D(97), "trail_percent": D(3)},
            {"type": OrderType.TRAILING_STOP, "trail_percent": D(3)},
        ),
        (
            {"time_in_force": "opg", "qty": D("0.5")},
            {"type": OrderType.LIMIT, "limit_price": D(100), "time_in_force": TimeInForce.OPG, "quantity": D("0.5")},
        ),
    ],
)
def test_requests_of_listed_orders(changes, terms):
    """What an order asks for is told in our words, with the prices of its type alone."""
    wanted = {"symbol": "AAPL", "side": Side.BUY, "quantity": D(10), "client_order_id": "tb-1"} | terms

    assert OrderRequest(**wanted) == reported(**changes).request


@pytest.mark.parametrize(
    "changes",
    [
        {"qty": None, "notional": D(500)},
        {"qty": D(0)},
        {"type": "iceberg"},
        {"type": ""},
        {"time_in_force": "gtd"},
        {"time_in_force": None},
        {"limit_price": None},
        {"limit_price": D(-1)},
        {"client_order_id": "x" * 129},
    ],
)
def test_orders_we_cannot_express(changes):
    """They are told without a request; nothing is made up, and nothing crashes."""
    report = reported(**changes)

    assert None is report.request
    assert (VenueStatus.PARTIALLY_FILLED, D(4)) == (report.status, report.cumulative)


def test_an_order_without_a_side():
    """The parent of several legs cannot be told; we never send one."""
    assert None is reported(side="", symbol="")
    assert None is reported(side=None, symbol=None)


def test_moments_of_a_picture():
    """The last change counts; what has no moment at all has that of the question."""
    assert LATER == reported().at
    assert NOON == reported(updated_at=None).at
    assert NOON == reported(updated_at=None, submitted_at=None).at


def test_what_an_order_continues():
    """The picture itself says so; if it does not, whoever asked for it does."""
    asked = order_reported(ORDER, {}, asked=NOON, continues="b0")

    assert [None, "b0", "b7"] == [reported().replaces, asked.replaces, reported(replaces="b7").replaces]


def test_recorded_orders_can_be_told(shared):
    """Every recorded order but the parent of several legs has a side, a status and, unless for money, a request."""
    entries = json.loads((shared / "alpaca/samples/orders.json").read_text(encoding="utf-8"))
    orders = [
        read(json.dumps(entry["payload"]), Order)
        for entry in entries
        if isinstance(entry["payload"], dict) and "filled_qty" in entry["payload"]
    ]
    orders += [leg for order in orders for leg in order.legs or ()]
    told = {order.id: order_reported(order, {}, asked=NOON) for order in orders}

    assert {order.id for order in orders if not order.side} == {name for name, report in told.items() if report is None}
    assert {order.id for order in orders if order.qty is None or not order.type or not order.side} == {
        name for name, report in told.items() if report is None or report.request is None
    }


# --- executions -------------------------------------------------------------------------------------------------------


def test_an_execution_in_our_words():
    """Its identity is what the order has filled after it; the activity's id is an alias."""
    assert ExecutionReported(
        at=LATER,
        broker_order_id="b1",
        symbol="AAPL",
        side=Side.BUY,
        execution=Execution(id=FILL.id, cumulative=D(4), quantity=D(3), price=D("99.25"), at=LATER),
    ) == execution_reported(FILL, {})


def test_coins_in_executions_are_spelt_as_in_orders():
    """Without the slash or with it, a known coin has the name that its orders have."""
    names = {BTC: "BTC/USD"}
    spelt = [execution_reported(evolve(FILL, symbol=each), names).symbol for each in ("BTCUSD", "BTC/USD", "AAPL ")]

    assert ["BTC/USD", "BTC/USD", "AAPL"] == spelt


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"side": "both"}, "side 'both'"), ({"qty": D(0)}, "quantity"), ({"price": D("NaN")}, "price")],
)
def test_executions_that_make_no_sense(changes, why):
    """One that cannot be told is an error, for left out it would be a lost fill."""
    with pytest.raises(RemoteProtocolError, match=f"activity .*{why}"):
        execution_reported(evolve(FILL, **changes), {})


# --- frames of the stream ---------------------------------------------------------------------------------------------


def update(event, **changes):
    """A frame of the order above, with an execution of 3 at 99.25."""
    told = {
        "execution_id": "e1",
        "event_id": "01J",
        "qty": D(3),
        "price": D("99.25"),
        "position_qty": D(-7),
        "timestamp": NOON,
        "at": LATER,
    }
    return TradeUpdate(event=event, **{"order": ORDER} | told | changes)


def told_by(event, **changes):
    return update_reported(update(event, **changes), {}, received=LATER)


@pytest.mark.parametrize("event", ["fill", "partial_fill", "filled", "partially_filled"])
def test_fills_of_the_stream(event):
    """A fill is the order's picture with its execution: this one's numbers, the order's count, the position after."""
    execution = Execution(id="e1", cumulative=D(4), quantity=D(3), price=D("99.25"), at=NOON, position_after=D(-7))

    assert evolve(reported(), request=None, execution=execution) == told_by(event)


@pytest.mark.parametrize("event", ["new", "canceled", "replaced", "order_cancel_rejected", "restated", "of_tomorrow"])
def test_other_events_are_the_order_alone(event):
    """What is no fill tells the order as it is after it, also where the word is new to us."""
    assert evolve(reported(), request=None) == told_by(event)


def test_a_picture_of_the_stream_names_what_it_continues():
    """The new order of a replacement names the old one."""
    assert "b0" == told_by("new", order=evolve(ORDER, replaces="b0")).replaces


@pytest.mark.parametrize("missing", ["qty", "price"])
def test_fills_that_do_not_say_how_much(missing):
    """Without quantity or price a fill is the picture alone, whose count still tells that something filled."""
    assert evolve(reported(), request=None) == told_by("fill", **{missing: None})


@pytest.mark.parametrize(
    ("ids", "name"),
    [
        ({}, "e1"),
        ({"execution_id": None}, "01J"),
        ({"execution_id": None, "event_id": 3014423}, "3014423"),
        ({"execution_id": None, "event_id": None}, None),
    ],
)
def test_ids_of_executions(ids, name):
    """An execution has the id of its report, else of its event; without either it cannot be told apart."""
    execution = told_by("fill", **ids).execution

    assert name == (execution and execution.id)


@pytest.mark.parametrize(
    ("moments", "at"), [({}, NOON), ({"timestamp": None}, LATER), ({"timestamp": None, "at": None}, LATER)]
)
def test_moments_of_executions(moments, at):
    """It happened when the venue says so, else when the event was written, else when it was received."""
    assert at == told_by("fill", **moments).execution.at


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"qty": D(0)}, "quantity"),
        ({"price": D(-1)}, "price"),
        ({"price": D("NaN")}, "price"),
        ({"position_qty": D("Infinity")}, "position_after"),
        ({"order": evolve(ORDER, filled_qty=None)}, "cumulative"),
    ],
)
def test_fills_that_make_no_sense(changes, why):
    """Numbers that cannot be are an error that names order and field, for left out it would be a lost fill."""
    with pytest.raises(RemoteProtocolError, match=f"event fill of order b1: {why}"):
        told_by("fill", **changes)


def test_frames_of_orders_without_a_side():
    """The parent of several legs cannot be told."""
    assert None is told_by("fill", order=evolve(ORDER, side=""))


def corrected(**numbers):
    return ExecutionCorrected(
        at=NOON,
        client_order_id="tb-1",
        broker_order_id="b1",
        symbol="AAPL",
        side=Side.BUY,
        correction=Correction(**{"at": NOON, "price": D("99.25")} | numbers),
    )


def test_corrections_of_the_stream():
    """A correction names the execution it changes and has an id of its own; a bust leaves nothing of it."""
    change = corrected(id="e1", execution_id="e0", quantity=D(3))
    bust = corrected(id="e1", execution_id="e0", quantity=D(0))

    assert change == told_by("trade_correct", previous_execution_id="e0")
    assert bust == told_by("trade_bust", previous_execution_id="e0")


@pytest.mark.parametrize(
    ("ids", "name"), [({}, "01J"), ({"event_id": 17}, "17"), ({"event_id": None}, "e1@2024-01-02T12:00:00+00:00")]
)
def test_corrections_without_an_id_of_their_own(ids, name):
    """Where only one execution is named, it is the one that changes, and the event's id is the correction's."""
    assert corrected(id=name, execution_id="e1", quantity=D(0)) == told_by("trade_bust", **ids)


@pytest.mark.parametrize(
    ("order", "price"),
    [
        (ORDER, D("99.5")),
        (evolve(ORDER, filled_avg_price=None), D(100)),
        (evolve(ORDER, filled_avg_price=None, limit_price=None), D(1)),
    ],
)
def test_busts_without_a_price(order, price):
    """Nothing is left, so any price will do."""
    assert price == told_by("trade_bust", order=order, price=None, qty=None).correction.price


@pytest.mark.parametrize(
    ("event", "changes", "why"),
    [
        ("trade_bust", {"execution_id": None}, "neither previous_execution_id"),
        ("trade_correct", {"execution_id": None}, "neither previous_execution_id"),
        ("trade_correct", {"qty": None}, "no qty or no price"),
        ("trade_correct", {"price": None}, "no qty or no price"),
        ("trade_correct", {"price": D(0)}, "price"),
        ("trade_correct", {"qty": D(-1)}, "quantity"),
    ],
)
def test_corrections_that_make_no_sense(event, changes, why):
    """One that does not say what it changes to what is an error that names the order."""
    with pytest.raises(RemoteProtocolError, match=f"event {event} of order b1: {why}"):
        told_by(event, **changes)


def test_symbols_of_the_stream():
    """A coin has the name that its orders have."""
    told = update_reported(
        update("new", order=evolve(ORDER, symbol="BTCUSD", asset_id=BTC)), {BTC: "BTC/USD"}, received=NOON
    )

    assert "BTC/USD" == told.symbol


# --- positions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "position"),
    [
        ({"symbol": "AAPL ", "qty": D(5), "side": "long"}, ("AAPL", D(5), D(100))),
        ({"symbol": "AAPL", "qty": D(-5), "side": "short"}, ("AAPL", D(-5), D(100))),
        ({"symbol": "AAPL", "qty": D(5), "side": "short"}, ("AAPL", D(-5), D(100))),
        (
            {"symbol": "BTCUSD", "qty": D("0.5"), "asset_id": BTC, "asset_class": "crypto"},
            ("BTC/USD", D("0.5"), D(100)),
        ),
        ({"symbol": "BTCUSD", "qty": D("0.5"), "asset_id": "new"}, ("BTCUSD", D("0.5"), D(100))),
        ({"symbol": "GIFT", "qty": D(1), "avg_entry_price": D(0), "current_price": D(7)}, ("GIFT", D(1), D(7))),
    ],
)
def test_positions(fields, position):
    """Shorts are negative however they are told, coins are spelt as in orders, gifts have the market's price."""
    symbol, quantity, average = position
    held = Position(**{"avg_entry_price": D(100)} | fields)

    assert VenuePosition(symbol=symbol, quantity=quantity, average_price=average) == venue_position(
        held, {BTC: "BTC/USD"}
    )


def test_no_position():
    """What is zero is not held."""
    assert None is venue_position(Position(symbol="AAPL", qty=D(0)), {})


@pytest.mark.parametrize("fields", [{}, {"avg_entry_price": D(0)}, {"avg_entry_price": D("NaN")}])
def test_positions_without_a_price(fields):
    """A position without any price is an error, for left out it would not be held."""
    with pytest.raises(RemoteProtocolError, match="position AAPL"):
        venue_position(Position(symbol="AAPL", qty=D(1), **fields), {})
