"""The engine alone at Alpaca, from end to end over real HTTP: every fill is heard of, and no order is sent twice."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("requests")

from engine.books.journal import Journal
from engine.books.recovery import recovered
from engine.brokers.alpaca.access import Access
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.polling import PollingFeed
from engine.clock import SimulatedClock
from engine.execution import ExecutionEngine
from engine.facts import SessionStarted
from engine.model import OrderRequest, Side, Status
from engine.risk.gate import RiskGate
from engine.testing import ManualHostClock

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
ENDS = ("filled", "canceled")
REQUEST = OrderRequest.limit("AAPL", Side.BUY, D(10), D(100))


class Time(SimulatedClock):
    """Market time and the machine's time, which pass together."""

    def __init__(self):
        super().__init__(START)
        self.host = ManualHostClock()

    def sleep(self, seconds):
        super().sleep(seconds)
        self.host.advance(seconds)


class Alpaca:
    """Its books, behind the routes that a broker asks."""

    def __init__(self, clock):
        self.clock = clock
        self.orders = {}
        self.fills = []

    def __call__(self, request):
        what = (request.method, request.path)
        if what == ("POST", "/v2/orders"):
            return self.place(request.body)
        if what == ("GET", "/v2/orders:by_client_order_id"):
            name = request.query["client_order_id"]
            return self.one(lambda order: order["client_order_id"] == name, name)
        if what == ("GET", "/v2/orders"):
            wanted, after = request.query["status"], request.query.get("after", "")
            return 200, [
                order
                for order in self.orders.values()
                if order["submitted_at"] > after and (wanted == "all" or order["status"] not in ENDS)
            ]
        if what == ("GET", "/v2/account/activities/FILL"):
            return 200, [fill for fill in self.fills if fill["transaction_time"] > request.query.get("after", "")]
        if what == ("GET", "/v2/positions"):
            held = sum((D(fill["qty"]) for fill in self.fills), D(0))
            return 200, [{"symbol": "AAPL", "qty": str(held), "avg_entry_price": "99.8"}] if held else []
        name = request.path.removeprefix("/v2/orders/")
        if request.method == "DELETE":
            self.orders[name] |= {"status": "canceled", "updated_at": self.now()}
            return 204, None
        return self.one(lambda order: order["id"] == name, name)

    def now(self):
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def one(self, wanted, name):
        found = [order for order in self.orders.values() if wanted(order)]
        return (200, found[0]) if found else (404, {"code": 40410000, "message": f"order not found for {name}"})

    def place(self, body):
        if any(order["client_order_id"] == body["client_order_id"] for order in self.orders.values()):
            return 422, {"code": 42210000, "message": "client_order_id must be unique"}
        name, now = f"b{len(self.orders) + 1}", self.now()
        stamps = {"created_at": now, "submitted_at": now, "updated_at": now}
        self.orders[name] = {"id": name, "status": "new", "filled_qty": "0", **stamps, **body}
        return 200, self.orders[name]

    def fill(self, name, quantity, price, *, average):
        """Execute a part of an order."""
        order, now = self.orders[name], self.now()
        filled = D(order["filled_qty"]) + D(quantity)
        status = "filled" if filled == D(order["qty"]) else "partially_filled"
        order |= {"status": status, "filled_qty": str(filled), "filled_avg_price": average, "updated_at": now}
        self.fills.append(
            {
                "id": f"20240102093000{len(self.fills):03}::uuid",
                "order_id": name,
                "symbol": "AAPL",
                "side": "buy",
                "qty": quantity,
                "price": price,
                "cum_qty": str(filled),
                "transaction_time": now,
            }
        )


class Desk:
    """An engine at a venue on loopback, with time in the hands of a test."""

    def __init__(self, venue, journal, *, interval=1.0):
        self.clock = Time()
        self.alpaca = venue.route = Alpaca(self.clock)
        venue.now = lambda: self.clock.now().timestamp()
        self.venue = venue
        self.broker = AlpacaBroker(
            Access(key_id="PKTEST", secret_key="hush-hush", url=venue.url),
            clock=self.clock,
            host_clock=self.clock.host,
        )
        self.engine = ExecutionEngine(
            self.broker,
            feed=PollingFeed(self.broker, self.clock, self.clock.host, interval=interval),
            journal=journal,
            gate=RiskGate(),
            clock=self.clock,
            host_clock=self.clock.host,
        )
        self.engine.start(SessionStarted(at=START, session_id="tb", cash=D(10_000), config="", data_digest=""))

    def posted(self):
        return [request.body["client_order_id"] for request in self.venue.requests if request.method == "POST"]

    def asked_about(self, client_order_id):
        return [request for request in self.venue.requests if request.query == {"client_order_id": client_order_id}]

    def let_pass(self, seconds):
        """Step once a second."""
        for _ in range(seconds):
            self.clock.sleep(1.0)
            self.engine.step()


@pytest.fixture
def journal():
    with Journal(None) as journal:
        yield journal


@pytest.fixture
def desk(venue, journal):
    desk = Desk(venue, journal)
    yield desk
    desk.broker.close()


def test_an_order_from_end_to_end(desk, journal):
    """Submit, two executions, and the books: exact, equal to the venue, and the same from the journal."""
    ticket = desk.engine.submit(REQUEST)
    status = ticket.status
    desk.clock.sleep(1.0)
    desk.alpaca.fill("b1", "4", "99.50", average="99.50")
    desk.clock.sleep(1.0)
    desk.alpaca.fill("b1", "6", "100", average="99.80")
    waited = desk.engine.wait(ticket, 5.0)
    synced = desk.engine.reconcile()
    journal.commit()

    assert (True, Status.WORKING, Status.FILLED) == (waited, status, ticket.status)
    assert (D("99.80"), D(10), D(9_002)) == (
        ticket.average,
        desk.engine.position("AAPL"),
        desk.engine.books.portfolio.cash,
    )
    assert (0, 0, 0) == (synced.mismatches, synced.orphans, synced.recovered)
    assert desk.engine.books.fingerprint() == recovered(journal).fingerprint()


def test_a_lost_answer(desk):
    """The order arrived and its answer did not: UNKNOWN until a listing shows it, and never sent again."""
    desk.venue.acts_first = True
    desk.venue.cut_unanswered()
    ticket = desk.engine.submit(REQUEST)
    unknown = ticket.status
    desk.let_pass(2)
    found = ticket.status
    desk.alpaca.fill("b1", "10", "99.80", average="99.80")
    waited = desk.engine.wait(ticket, 5.0)

    assert (Status.UNKNOWN, Status.WORKING, True, Status.FILLED) == (unknown, found, waited, ticket.status)
    assert [ticket.id] == desk.posted()
    assert D(10) == desk.engine.position("AAPL")


@pytest.mark.parametrize("how", ["cut_unanswered", "cut_short", "504"])
def test_a_lost_answer_is_looked_up(venue, journal, how):
    """Where no listing tells of it, the order is asked about by its client order id, and never sent again."""
    desk = Desk(venue, journal, interval=3600.0)
    venue.acts_first = True
    if how == "504":
        venue.reply_raw(b"<html>Gateway Time-out</html>", 504)
    else:
        getattr(venue, how)()
    ticket = desk.engine.submit(REQUEST)
    unknown = ticket.status
    desk.let_pass(2)
    desk.broker.close()

    assert (Status.UNKNOWN, Status.WORKING) == (unknown, ticket.status)
    assert [ticket.id] == desk.posted()
    assert 1 == len(desk.asked_about(ticket.id))


def test_an_order_that_never_arrived(desk):
    """Nothing was read before the connection broke: it is asked about until the evidence is complete, never resent."""
    desk.venue.cut_unread()
    ticket = desk.engine.submit(REQUEST)
    unknown, cash = ticket.status, desk.engine.books.available()
    desk.let_pass(120)

    assert (Status.UNKNOWN, Status.LOST) == (unknown, ticket.status)
    assert [] == desk.posted()
    assert 3 <= len(desk.asked_about(ticket.id))
    assert (D(9_000), D(10_000)) == (cash, desk.engine.books.available())


def test_a_proxy_is_no_witness(desk):
    """While something in between answers "not found", nothing is concluded, however long that lasts."""
    desk.venue.cut_unread()
    ticket = desk.engine.submit(REQUEST)
    desk.venue.route = lambda request: (404, {"error": "no such route"})
    desk.let_pass(120)

    assert Status.UNKNOWN is ticket.status


def test_too_many_requests(desk):
    """A 429 did nothing: the order waits for the moment that the venue named, and then leaves once."""
    reset = int((START + timedelta(seconds=20)).timestamp())
    desk.venue.reply({"code": 42910000, "message": "rate limit exceeded"}, 429, X_RateLimit_Reset=str(reset))
    ticket = desk.engine.submit(REQUEST)
    status = ticket.status
    desk.let_pass(19)
    early = len(desk.posted())
    desk.let_pass(2)

    assert (Status.INTENT, 1, Status.WORKING) == (status, early, ticket.status)
    assert [ticket.id] * 2 == desk.posted()
    assert ["b1"] == list(desk.alpaca.orders)


def test_a_refused_order(desk):
    """The venue's reason is the order's."""
    desk.venue.reply({"code": 40310000, "message": "insufficient buying power", "buying_power": "1"}, 403)
    ticket = desk.engine.submit(REQUEST)

    assert Status.REJECTED is ticket.status
    assert "insufficient buying power; buying_power 1 (HTTP 403, 40310000)" in ticket.order.note


def test_an_order_that_rests_for_hours(desk):
    """Its end is heard of, though no listing by the moment of submission has it any more."""
    ticket = desk.engine.submit(REQUEST)
    desk.let_pass(2)
    desk.clock.sleep(3 * 3600.0)
    second = desk.engine.submit(REQUEST)  # moves the feed's attention to the present
    desk.let_pass(5)
    desk.alpaca.orders["b1"] |= {"status": "expired", "updated_at": desk.alpaca.now()}
    waited = desk.engine.wait(ticket, 5.0)

    assert (True, Status.EXPIRED, Status.WORKING) == (waited, ticket.status, second.status)


def test_the_snippet_of_the_how_to(venue, tmp_path, monkeypatch):
    """What the page shows starts an engine that is in sync, with the account's cash, on paper."""
    page = Path(__file__).parents[4] / "docs/how-to/connect-to-alpaca.md"
    (code,) = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APCA_API_KEY_ID", "PKTEST")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "hush-hush")
    account = {"id": "a", "status": "ACTIVE", "cash": "5000", "equity": "5000", "buying_power": "10000"}
    venue.route = lambda request: (200, account if request.path == "/v2/account" else [])
    made = {}
    exec(code.replace("from_environment()", f"from_environment(url={venue.url!r})"), made)

    assert (True, D(5_000)) == (made["engine"].in_sync, made["engine"].books.available())
    assert False is made["broker"].access.live


def test_a_cancel(desk):
    """A cancel is asked for once, and the order has ended when the venue says so."""
    ticket = desk.engine.submit(REQUEST)
    desk.engine.cancel(ticket)
    waited = desk.engine.wait(ticket, 5.0)

    assert (True, Status.CANCELED) == (waited, ticket.status)
    assert ["/v2/orders/b1"] == [request.path for request in desk.venue.requests if request.method == "DELETE"]
