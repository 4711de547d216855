"""`TradingStream` of alpaca-py as it comes from the package index listens to the venue, through its own models."""

from __future__ import annotations

import json
import logging
import warnings
from datetime import UTC, datetime
from itertools import accumulate
from queue import Queue
from threading import Event, Thread

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it uses a part of websockets that is going away
    pytest.importorskip("alpaca.trading.stream")

from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, TimeInForce, TradeEvent
from alpaca.trading.models import TradeUpdate
from alpaca.trading.requests import (
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)
from alpaca.trading.stream import TradingStream
from websockets.sync.client import connect

from bridge.stream.frames import Encoding
from bridge.venue.frictions import Terms

FAIL_AFTER = 5.0  # seconds; only a broken test ever waits this long
BUY, SELL, DAY = OrderSide.BUY, OrderSide.SELL, TimeInForce.DAY
EVENING = datetime(2024, 1, 2, 22, tzinfo=UTC)  # an hour after the close
# Python 3.14 deprecates what it asks of its handler.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Listener:
    """A `TradingStream` in a thread of its own; what its handler was given."""

    def __init__(self, venue, threads, *, secret=None, **more):
        trader = venue.recipe.traders[0]
        self.updates = Queue()
        self.stream = TradingStream(trader.key, secret or trader.secret, url_override=venue.stream_url, **more)
        self.stream._reconnect_min_backoff = 0.01  # it would wait a second at least
        self.stream.subscribe_trade_updates(self._handle)
        self.thread = Thread(target=self.stream.run, name="alpaca-py's stream", daemon=True)
        threads.append(self.thread)
        self.thread.start()

    async def _handle(self, update):
        self.updates.put(update)

    def take(self, count):
        """So many updates, waited for."""
        return [self.updates.get(timeout=FAIL_AFTER) for _ in range(count)]

    def told(self, count):
        """Event, and status of the order, of so many updates."""
        return [(update.event, update.order.status.value) for update in self.take(count)]


@pytest.fixture
def listen(new_venue, threads):
    """``listen(venue)``; the threads end with the venue, which does not take the five seconds of a stop alone."""
    listeners = []

    def listening(venue, **more):
        listener = Listener(venue, threads, **more)
        listeners.append(listener)
        venue.wait_listening(len(listeners))
        return listener

    yield listening
    for listener in listeners:
        listener.stream.stop()


@pytest.fixture
def client(venue):
    return venue.client()


@pytest.fixture
def listener(venue, listen):
    return listen(venue)


def market(symbol="AAPL", qty=1, side=BUY, **more):
    return MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=DAY, **more)


def limit(price, qty=1, **more):
    return LimitOrderRequest(symbol="AAPL", qty=qty, side=BUY, time_in_force=DAY, limit_price=price, **more)


# --- what an order tells ----------------------------------------------------------------------------------------------


def test_fill(venue, client, listener):
    """A market order is pending, new, and filled; the last update says at what price and what is held then."""
    order = client.submit_order(market(qty=2))
    venue.step(1)
    pending, new, fill = listener.take(3)

    assert [TradeEvent.PENDING_NEW, TradeEvent.NEW, TradeEvent.FILL] == [u.event for u in (pending, new, fill)]
    assert {order.id} == {update.order.id for update in (pending, new, fill)}
    assert [OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.FILLED] == [
        update.order.status for update in (pending, new, fill)
    ]
    assert (190, 2, 2) == (fill.price, fill.qty, fill.position_qty)
    assert (None, True) == (pending.execution_id, None not in (new.execution_id, fill.execution_id))
    assert order.created_at <= pending.timestamp <= new.timestamp <= fill.timestamp <= venue.now()
    assert fill.order == client.get_order_by_id(order.id)


def test_several_executions(new_venue, listen):
    """Each of several executions is told with its own quantity, and the order with the total so far."""
    venue = new_venue(terms=Terms(partials=0.99))
    client, listener = venue.client(), listen(venue)
    client.submit_order(market(qty=100))
    venue.step(600)
    executions = listener.take(3)[2:]
    while executions[-1].event != TradeEvent.FILL:
        executions += listener.take(1)
    total = list(accumulate(update.qty for update in executions))

    assert [*[TradeEvent.PARTIAL_FILL] * (len(executions) - 1), TradeEvent.FILL] == [each.event for each in executions]
    assert len(executions) > 1
    assert 100 == total[-1]
    assert total == [update.position_qty for update in executions]
    assert total == [float(update.order.filled_qty) for update in executions]


def test_accepted_while_closed(new_venue, listen):
    """While the market is closed an order is accepted, and it is new when the market opens."""
    venue = new_venue(start=EVENING)
    client, listener = venue.client(), listen(venue)
    client.submit_order(market())
    evening = listener.told(1)
    venue.step(to=datetime(2024, 1, 3, 14, 31, tzinfo=UTC))
    morning = listener.take(2)

    assert [("accepted", "accepted")] == evening
    assert ["new", "fill"] == [update.event for update in morning]
    assert morning[0].order.submitted_at >= datetime(2024, 1, 3, 14, 30, tzinfo=UTC)


def test_canceled(venue, client, listener):
    """A cancel that was answered with 204 is told once it has taken effect."""
    order = client.submit_order(limit(180))
    venue.step(1)
    client.cancel_order_by_id(order.id)
    venue.step(1)
    *_, canceled = listener.take(3)

    assert (TradeEvent.CANCELED, order.id) == (canceled.event, canceled.order.id)
    assert canceled.timestamp == canceled.order.canceled_at


def test_a_fill_wins_over_a_cancel(venue, client, listener):
    """Until a cancel takes effect the order can fill, and then nothing is canceled."""
    order = client.submit_order(limit(180))
    venue.step(1)
    client.cancel_order_by_id(order.id)
    venue.price("AAPL", "179")
    venue.step(1)

    assert ["pending_new", "new", "fill"] == [update.event for update in listener.take(3)]
    assert OrderStatus.FILLED is client.get_order_by_id(order.id).status


def test_replaced(venue, client, listener):
    """The old order is told as replaced, the new one as new, and each names the other."""
    old = client.submit_order(limit(180))
    venue.step(1)
    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(limit_price=181))
    venue.step(1)
    updates = listener.take(5)[2:]
    replaced = next(update for update in updates if update.event == TradeEvent.REPLACED)

    assert ["pending_new", "replaced", "new"] == [update.event for update in updates]
    assert (old.id, new.id) == (replaced.order.id, replaced.order.replaced_by)
    assert (new.id, old.id) == (updates[-1].order.id, updates[-1].order.replaces)


def test_a_fill_wins_over_a_replacement(venue, client, listener):
    """An order that fills before it is replaced is filled, and the new one is rejected."""
    old = client.submit_order(limit(180))
    venue.step(1)
    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(limit_price=181))
    venue.price("AAPL", "179")
    venue.step(1)
    updates = listener.take(6)[3:]

    assert [("fill", old.id), ("order_replace_rejected", old.id), ("rejected", new.id)] == [
        (update.event, update.order.id) for update in updates
    ]
    assert updates[-1].order.failed_at is not None


def test_bracket(venue, client, listener):
    """Once the entry has filled the profit's order is new; when it fills the stop is canceled."""
    entry = client.submit_order(
        market(
            qty=5,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=200),
            stop_loss=StopLossRequest(stop_price=180),
        )
    )
    venue.step(1)
    venue.price("AAPL", "201")
    updates = listener.take(6)
    profit, stop = (leg.id for leg in entry.legs)

    assert [
        ("pending_new", entry.id),
        ("new", entry.id),
        ("fill", entry.id),
        ("new", profit),
        ("fill", profit),
        ("canceled", stop),
    ] == [(update.event, update.order.id) for update in updates]
    assert [5, 0] == [update.position_qty for update in updates if update.event == TradeEvent.FILL]


def test_expired(venue, client, listener):
    """What has not filled by the close is told as expired."""
    client.submit_order(limit(180))
    venue.step(to=EVENING)

    assert [("pending_new", "pending_new"), ("new", "new"), ("expired", "expired")] == listener.told(3)


def test_short(venue, client, listener):
    """What is held is signed: shares that were sold short are less than none."""
    client.submit_order(market("F", qty=10, side=SELL))
    venue.step(1)

    assert -10 == listener.take(3)[-1].position_qty


def test_coins(venue, client, listener):
    """Of a coin what is held is what is left after the fee."""
    client.submit_order(MarketOrderRequest(symbol="BTC/USD", qty=1, side=BUY, time_in_force=TimeInForce.GTC))
    venue.step(1)
    fill = listener.take(3)[-1]

    assert ("BTC/USD", 1, 0.9975) == (fill.order.symbol, fill.qty, fill.position_qty)


# --- connections ------------------------------------------------------------------------------------------------------


def test_raw_data(venue, client, listen):
    """The client can hand on what came as it came."""
    listener = listen(venue, raw_data=True)
    order = client.submit_order(market())
    venue.step(1)
    fill = listener.take(3)[-1]

    assert ("trade_updates", "fill", str(order.id)) == (
        fill["stream"],
        fill["data"]["event"],
        fill["data"]["order"]["id"],
    )


def test_each_account_hears_of_itself(venue, client, listen):
    """Two listeners of one account are told the same."""
    one, two = listen(venue), listen(venue)
    client.submit_order(market())
    venue.step(1)

    assert one.take(3) == two.take(3)


def test_the_answer_of_the_current_form(venue, client):
    """Who authenticates in the current form is told what the client's models can read."""
    trader = venue.recipe.traders[0]
    with connect(venue.stream_url) as socket:
        socket.send(json.dumps({"action": "auth", "key": trader.key, "secret": trader.secret}))
        authorized = json.loads(socket.recv(FAIL_AFTER))
        socket.send(json.dumps({"action": "listen", "data": {"streams": ["trade_updates"]}}))
        listening = json.loads(socket.recv(FAIL_AFTER))
        order = client.submit_order(market())
        update = TradeUpdate(**json.loads(socket.recv(FAIL_AFTER))["data"])

    assert {"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}} == authorized
    assert {"stream": "listening", "data": {"streams": ["trade_updates"]}} == listening
    assert (TradeEvent.PENDING_NEW, order.id) == (update.event, update.order.id)


def test_text_frames(venue, listen, threads):
    """A venue that sends text instead of binary frames, as it can, is understood as well."""
    with type(venue)(venue.recipe, speed=None, encoding=Encoding.TEXT) as texting:
        listener = listen(texting)
        texting.client().submit_order(market())

        assert [("pending_new", "pending_new")] == listener.told(1)
        listener.stream.stop()


def test_wrong_secret(venue, threads):
    """With a wrong secret the client is not authorized, says so, and tries again."""
    failed = Event()

    class Noticed(logging.Handler):
        def emit(self, record):
            if "failed to authenticate" in record.getMessage():
                failed.set()

    log, noticed = logging.getLogger("alpaca.trading.stream"), Noticed()
    log.addHandler(noticed)
    try:
        listener = Listener(venue, threads, secret="wrong")

        assert failed.wait(FAIL_AFTER)
    finally:
        log.removeHandler(noticed)
    listener.stream.stop()


def test_reconnect(venue, listen, threads):
    """A stream that lost its venue finds the next one in the same place, and hears what happens from then on."""
    with type(venue)(venue.recipe, speed=None) as first:
        listener = listen(first)
        first.client().submit_order(market())
        before = listener.told(1)
    with type(venue)(venue.recipe, speed=None, port=first.port) as second:
        second.wait_listening()
        second.client().submit_order(market())

        assert [("pending_new", "pending_new")] == before == listener.told(1)
        listener.stream.stop()
