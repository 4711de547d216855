"""The broker port over real HTTP: commands, look-ups, and listings that are complete or raise."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

pytest.importorskip("requests")

from engine.brokers.alpaca.access import Access
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.clock import SimulatedClock
from engine.errors import AlreadyExists, BrokerError, InvalidRequest, NotSent, OutcomeUnknown, VenueRejected
from engine.model import OrderRequest, Replacement, Side, VenuePosition, VenueStatus

D = Decimal
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
BTC = "276e2673-764b-4ab6-a611-caf665ca6340"
GONE = {"code": 40410000, "message": "order not found for b1"}
PAGE = b"<html>nothing here</html>"
BUY = OrderRequest.limit("AAPL", Side.BUY, D(10), D("99.50"), client_order_id="tb-1")


def stamp(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def order(name="b1", *, status="new", submitted=NOON, updated=None, **more):
    return {
        "id": name,
        "client_order_id": f"tb-{name}",
        "submitted_at": stamp(submitted),
        "updated_at": stamp(updated or submitted),
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "status": status,
        "qty": "10",
        "filled_qty": "0",
    } | more


def fill(number, *, at=NOON, name="b1", **more):
    return {
        "id": f"{number:017}::uuid",
        "activity_type": "FILL",
        "order_id": name,
        "symbol": "AAPL",
        "side": "buy",
        "qty": "1",
        "price": "100",
        "cum_qty": "1",
        "transaction_time": stamp(at),
    } | more


@pytest.fixture
def broker(venue):
    access = Access(key_id="PKTEST", secret_key="hush-hush", url=venue.url)
    with AlpacaBroker(access, clock=SimulatedClock(NOON)) as broker:
        yield broker


def asked(venue):
    """Method and target of each request."""
    return [(request.method, request.path) for request in venue.requests]


# --- commands ---------------------------------------------------------------------------------------------------------


def test_submit(venue, broker):
    """An order leaves under its id, numbers as text, and the venue's picture of it comes back."""
    venue.reply(order(client_order_id="tb-1", status="pending_new"))
    report = broker.submit(BUY)
    (request,) = venue.requests

    assert ("POST", "/v2/orders") == (request.method, request.path)
    assert {
        "symbol": "AAPL",
        "qty": "10",
        "side": "buy",
        "type": "limit",
        "limit_price": "99.5",
        "time_in_force": "day",
        "client_order_id": "tb-1",
    } == request.body
    assert ("tb-1", "b1", VenueStatus.ACCEPTED, NOON) == (
        report.client_order_id,
        report.broker_order_id,
        report.status,
        report.at,
    )


@pytest.mark.parametrize(
    ("status", "payload", "error"),
    [
        (403, {"code": 40310000, "message": "insufficient buying power"}, VenueRejected),
        (401, None, VenueRejected),
        (404, None, VenueRejected),
        (422, {"code": 42210000, "message": "client_order_id must be unique"}, AlreadyExists),
        (422, {"code": 40010001, "message": "client_order_id must be no more than 128 characters"}, VenueRejected),
        (429, None, NotSent),
        (408, None, OutcomeUnknown),
        (504, None, OutcomeUnknown),
        (200, None, OutcomeUnknown),
        (200, {"id": "b1", "status": "new"}, OutcomeUnknown),
    ],
)
def test_submit_fails(venue, broker, status, payload, error):
    """Each answer has its class, and no order is sent twice."""
    venue.reply(payload, status)
    with pytest.raises(error):
        broker.submit(BUY)

    assert [("POST", "/v2/orders")] == asked(venue)


def test_submit_on_a_connection_that_has_died(venue, broker):
    """An old connection that breaks may have taken the order along, so it is not sent on a new one."""
    venue.reply({"id": "a", "account_number": "x", "status": "ACTIVE", "cash": "1", "equity": "1", "buying_power": "2"})
    broker.account()
    venue.cut_unanswered()
    with pytest.raises(OutcomeUnknown):
        broker.submit(BUY)

    assert [("GET", "/v2/account"), ("POST", "/v2/orders")] == asked(venue)


def test_cancel(venue, broker):
    """A 204 without a body says that the cancel was asked for."""
    venue.reply_raw(b"", 204)

    assert None is broker.cancel("b1")
    assert [("DELETE", "/v2/orders/b1")] == asked(venue)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (422, b'{"code": 42210000, "message": "order is already in \\"filled\\" state"}', VenueRejected),
        (404, json.dumps(GONE).encode(), VenueRejected),
        (404, PAGE, OutcomeUnknown),
        (401, PAGE, OutcomeUnknown),
        (403, b"", OutcomeUnknown),
        (429, b"", NotSent),
        (500, b"", OutcomeUnknown),
    ],
)
@pytest.mark.parametrize("command", ["cancel", "replace"])
def test_commands_about_an_order_fail(venue, broker, command, status, body, error):
    """Only the venue itself can refuse: what a proxy says leaves the matter open, so that it is asked for again."""
    venue.reply_raw(body, status)
    with pytest.raises(error):
        if command == "cancel":
            broker.cancel("b1")
        else:
            broker.replace("b1", Replacement(client_order_id="tb-1.r1", quantity=D(5)))


def test_replace(venue, broker):
    """The new order comes back as the one that continues the old, even if the venue does not say so."""
    venue.reply(order("b2", replaces="b1", qty="5"))
    venue.reply(order("b3", qty="6"))
    reports = [
        broker.replace("b1", Replacement(client_order_id="r1", quantity=D("5.0"), limit_price=D("98.0"))),
        broker.replace("b2", Replacement(client_order_id="r2", quantity=D(6))),
    ]

    assert [("PATCH", "/v2/orders/b1"), ("PATCH", "/v2/orders/b2")] == asked(venue)
    assert {"client_order_id": "r1", "qty": "5", "limit_price": "98"} == venue.requests[0].body
    assert [("b2", "b1"), ("b3", "b2")] == [(report.broker_order_id, report.replaces) for report in reports]


# --- look-ups ---------------------------------------------------------------------------------------------------------


def test_lookup_by_either_id(venue, broker):
    """Ids are sent whole, whatever signs they have."""
    for _ in range(2):
        venue.reply(order())
    found = [broker.lookup(client_order_id="tb/1 &x"), broker.lookup(broker_order_id="b/1?")]

    assert ["b1", "b1"] == [report.broker_order_id for report in found]
    assert [("GET", "/v2/orders:by_client_order_id"), ("GET", "/v2/orders/b%2F1%3F")] == asked(venue)
    assert {"client_order_id": "tb/1 &x"} == venue.requests[0].query


def test_lookup_of_what_does_not_exist(venue, broker):
    """None is the venue's own word; anybody else's 404 is an error."""
    venue.reply(GONE, 404)
    venue.reply_raw(PAGE, 404)

    assert None is broker.lookup(client_order_id="tb-1")
    with pytest.raises(OutcomeUnknown):
        broker.lookup(client_order_id="tb-1")


def test_lookup_of_an_order_without_a_side(venue, broker):
    """What cannot be told is an error and not an absence."""
    venue.reply(order(side="", symbol=""))

    with pytest.raises(BrokerError, match="has no side"):
        broker.lookup(broker_order_id="b1")


@pytest.mark.parametrize("ids", [{}, {"client_order_id": "a", "broker_order_id": "b"}])
def test_lookup_by_one_id(broker, ids):
    """Exactly one id is asked by."""
    with pytest.raises(InvalidRequest, match="client_order_id, broker_order_id"):
        broker.lookup(**ids)


# --- listings of orders -----------------------------------------------------------------------------------------------


class Shelf:
    """Orders at the venue, listed by the rules of the reference: after is exclusive, on submitted_at, 500 at most."""

    def __init__(self, *orders):
        self.orders = list(orders)
        self.fail_at = None

    def __call__(self, request):
        if request.path != "/v2/orders":
            found = [each for each in self.orders if request.path == f"/v2/orders/{each['id']}"]
            return (200, found[0]) if found else (404, GONE)
        if self.fail_at is not None:
            self.fail_at -= 1
            if self.fail_at < 0:
                return 503, None
        assert {"direction": "asc", "nested": "false"}.items() <= request.query.items()
        ends = ("filled", "canceled", "expired", "rejected", "replaced")
        after, limit = request.query.get("after", ""), int(request.query["limit"])
        listed = [
            each
            for each in sorted(self.orders, key=lambda each: each["submitted_at"])
            if each["submitted_at"] > after and (request.query["status"] == "all" or each["status"] not in ends)
        ]
        return 200, listed[: min(limit, 500)]


def names(reports):
    return [report.broker_order_id for report in reports]


def test_all_orders(venue, broker):
    """Without a moment to start from everything is listed, ends included, oldest change first."""
    venue.route = Shelf(order("b1", updated=NOON + MINUTE), order("b2", status="filled"), order("leg", status="held"))

    assert ["b2", "leg", "b1"] == names(broker.orders())
    assert [{"status": "all", "direction": "asc", "limit": "500", "nested": "false"}] == [
        request.query for request in venue.requests
    ]


def test_open_orders(venue, broker):
    """Only what can still trade, also with a moment to start from."""
    venue.route = Shelf(order("b1"), order("b2", status="filled"), order("b3", updated=NOON + MINUTE))

    assert ["b1", "b3"] == names(broker.orders(open_only=True))
    assert ["b3"] == names(broker.orders(since=NOON + SECOND, open_only=True))
    assert {"open"} == {request.query["status"] for request in venue.requests}


def test_orders_changed_since(venue, broker):
    """What was submitted since or changed since and is open, at that very moment too; nothing older."""
    venue.route = Shelf(
        order("old", submitted=NOON - MINUTE),
        order("moved", submitted=NOON - MINUTE, updated=NOON, status="partially_filled"),
        order("ended", submitted=NOON, status="filled"),
        order("new", submitted=NOON + SECOND),
    )

    assert ["moved", "ended", "new"] == sorted(names(broker.orders(since=NOON)), key=["moved", "ended", "new"].index)


def test_an_old_order_that_ends(venue, broker):
    """An order that rested for hours is in no listing when it ends, and its end is told all the same."""
    shelf = venue.route = Shelf(order("b1", submitted=NOON - 60 * MINUTE))
    before = broker.orders(since=NOON)
    shelf.orders = [order("b1", submitted=NOON - 60 * MINUTE, updated=NOON + MINUTE, status="canceled")]
    after = [broker.orders(since=NOON) for _ in range(2)]
    later = broker.orders(since=NOON + 2 * MINUTE)

    assert ([], []) == (before, later)
    for told in after:
        assert [("b1", VenueStatus.CANCELED)] == [(report.broker_order_id, report.status) for report in told]
    assert 1 == len([path for _, path in asked(venue) if path == "/v2/orders/b1"])


def test_an_end_survives_a_listing_that_fails(venue, broker):
    """What was learnt on the way of a listing that failed is told by the next one."""
    shelf = venue.route = Shelf(*(order(f"b{n}", submitted=NOON - 60 * MINUTE) for n in range(2)))
    broker.orders(since=NOON)
    shelf.orders = [order("b0", submitted=NOON - 60 * MINUTE, updated=NOON + MINUTE, status="expired")]
    for answer in ([], [], shelf.orders[0]):  # the two listings, and the first of the two that are missing
        venue.reply(answer)
    venue.reply(None, 503)
    with pytest.raises(OutcomeUnknown):
        broker.orders(since=NOON)

    assert ["b0"] == names(broker.orders(since=NOON))


@pytest.mark.parametrize(
    ("later", "status"),
    [(NOON - SECOND, VenueStatus.FILLED), (NOON, VenueStatus.NEW), (NOON + SECOND, VenueStatus.NEW)],
)
def test_two_pictures_of_an_order(venue, broker, later, status):
    """Of two listings the younger picture counts; of one moment, the one that was read last."""
    venue.reply([order(status="filled", updated=NOON)])
    venue.reply([order(status="new", updated=later)])

    assert [status] == [report.status for report in broker.orders(since=NOON - MINUTE)]


def test_open_orders_are_open(venue, broker):
    """An order that is found to have ended is not among the open ones, and its end is told to who asks for changes."""
    shelf = venue.route = Shelf(order("b1", submitted=NOON - MINUTE))
    broker.orders(open_only=True)
    shelf.orders = [order("b1", submitted=NOON - MINUTE, updated=NOON, status="filled")]

    assert [] == broker.orders(since=NOON, open_only=True)
    assert ["b1"] == names(broker.orders(since=NOON))


def test_an_order_that_the_venue_forgot(venue, broker):
    """An order that vanished is not asked about for ever, and nothing is made of it here."""
    shelf = venue.route = Shelf(order("b1", submitted=NOON - MINUTE))
    broker.orders(since=NOON)
    shelf.orders = []
    told = [broker.orders(since=NOON) for _ in range(3)]

    assert [[]] * 3 == told
    assert 1 == len([path for _, path in asked(venue) if path == "/v2/orders/b1"])


def test_an_order_missing_from_the_listing_and_open(venue, broker):
    """A listing that lags behind hides nothing: the order itself is asked, and stays watched."""
    venue.reply(order("b1", submitted=NOON - MINUTE, client_order_id="tb-1"))
    broker.submit(BUY)
    for answer in ([], [], order("b1", submitted=NOON - MINUTE, updated=NOON + SECOND, status="partially_filled")):
        venue.reply(answer)
    told = broker.orders(since=NOON)
    venue.route = Shelf(order("b1", submitted=NOON - MINUTE, updated=NOON + MINUTE, status="filled"))

    assert [VenueStatus.PARTIALLY_FILLED] == [report.status for report in told]
    assert [VenueStatus.FILLED] == [report.status for report in broker.orders(since=NOON)]


def test_pages_of_orders(venue, broker):
    """Every order of all pages is there once, those of one moment at the seam of two pages included."""
    moments = [NOON + n // 3 * SECOND for n in range(1201)]
    venue.route = Shelf(*(order(f"b{n}", submitted=moment) for n, moment in enumerate(moments)))
    found = names(broker.orders())

    assert sorted(f"b{n}" for n in range(1201)) == sorted(found)
    assert 3 == len(venue.requests)


def test_an_order_that_moves_while_pages_are_read(venue, broker):
    """One that is released meanwhile stands in two pages; the newer picture counts."""
    first = [order(f"b{n}", submitted=NOON + n * SECOND) for n in range(500)]
    released = order("b0", submitted=NOON + 900 * SECOND, status="filled")
    venue.reply(first)
    venue.reply([first[-1], released])
    found = {report.broker_order_id: report.status for report in broker.orders()}

    assert (500, VenueStatus.FILLED) == (len(found), found["b0"])


@pytest.mark.parametrize("more", [{}, {"submitted_at": None}])
def test_pages_that_lead_nowhere(venue, broker, more):
    """A listing that cannot be read to its end raises."""
    page = [order(f"b{n}") | more for n in range(500)]
    for _ in range(2):
        venue.reply(page)

    with pytest.raises(BrokerError, match="cannot be read on"):
        broker.orders()


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_page_that_fails(venue, broker, failing):
    """One page that fails fails the whole listing."""
    shelf = venue.route = Shelf(*(order(f"b{n}", submitted=NOON + n * SECOND) for n in range(600)))
    shelf.fail_at = failing

    with pytest.raises(OutcomeUnknown, match="503"):
        broker.orders(since=NOON)


def test_orders_that_we_cannot_express(venue, broker):
    """Orders for money are told without a request, the parents of several legs left out, and nothing crashes."""
    venue.route = Shelf(
        order("money", qty=None, notional="500"),
        order("parent", side="", symbol="", order_class="mleg", qty="1"),
        order("leg", type="", side="sell", order_class="mleg"),
        order("tomorrow", type="iceberg", status="considering", side="sell_short"),
        order("bracket", order_class="bracket", legs=[order("stop", type="stop", stop_price="90", status="held")]),
    )
    told = {report.broker_order_id: report for report in broker.orders()}

    assert ["bracket", "leg", "money", "tomorrow"] == sorted(told)
    assert ["bracket"] == [name for name, report in told.items() if report.request is not None]
    assert (VenueStatus.RESTING, Side.SELL) == (told["tomorrow"].status, told["tomorrow"].side)


def test_a_listing_that_cannot_be_read(venue, broker):
    """One order without an id makes the listing no answer."""
    venue.reply([order(), {"status": "new"}])

    with pytest.raises(OutcomeUnknown, match=r"\$\[1\]"):
        broker.orders()


# --- executions -------------------------------------------------------------------------------------------------------


def test_executions(venue, broker):
    """Oldest first, those of one moment by what the order has filled after them, from the very moment on."""
    venue.reply(
        [
            fill(1, at=NOON - SECOND),
            fill(3, at=NOON, cum_qty="3"),
            fill(2, at=NOON, cum_qty="2", type="partial_fill"),
            fill(4, at=NOON + SECOND, cum_qty="4", side="sell_short"),
        ]
    )
    told = broker.executions(NOON)

    assert [D(2), D(3), D(4)] == [report.execution.cumulative for report in told]
    assert ("b1", None, Side.SELL) == (told[-1].broker_order_id, told[-1].client_order_id, told[-1].side)
    assert {"direction": "asc", "page_size": "100", "after": "2024-01-02T11:59:59Z"} == venue.requests[0].query


def test_executions_of_several_orders_in_one_moment(venue, broker):
    """Which order was first is told by the listing, whatever their ids."""
    venue.reply([fill(1, at=NOON, order_id="z"), fill(2, at=NOON, order_id="a"), fill(3, at=NOON, order_id="z")])

    assert ["z", "z", "a"] == [report.broker_order_id for report in broker.executions(NOON)]


def test_pages_of_executions(venue, broker):
    """Pages go on behind the last activity until one is short; every execution is there once."""
    fills = [fill(n, cum_qty=str(n + 1)) for n in range(250)]

    def listed(request):
        token = request.query.get("page_token")
        start = 0 if token is None else 1 + [each["id"] for each in fills].index(token)
        return 200, fills[start : start + 100]

    venue.route = listed
    told = broker.executions()

    assert [D(n + 1) for n in range(250)] == [report.execution.cumulative for report in told]
    assert 3 == len(venue.requests)
    assert "after" not in venue.requests[0].query


def test_pages_of_executions_that_lead_nowhere(venue, broker):
    """A venue that ignores where to go on does not keep us for ever."""
    for _ in range(2):
        venue.reply([fill(n) for n in range(100)])

    with pytest.raises(BrokerError, match="nothing new"):
        broker.executions()


@pytest.mark.parametrize("more", [{"side": "both"}, {"qty": "0"}])
def test_executions_that_make_no_sense(venue, broker, more):
    """An execution that cannot be told is an error, not a gap."""
    venue.reply([fill(1), fill(2, **more)])

    with pytest.raises(BrokerError, match="activity 0+2::uuid"):
        broker.executions()


# --- positions --------------------------------------------------------------------------------------------------------


def position(symbol, qty="1", **more):
    return {"symbol": symbol, "qty": qty, "avg_entry_price": "100", "asset_class": "us_equity"} | more


def test_positions(venue, broker):
    """What is held, by symbol, shorts negative, zeros left out."""
    venue.reply([position("AAPL", "5"), position("TSLA", "-2", side="short"), position("GOOG", "0")])

    assert {
        "AAPL": VenuePosition(symbol="AAPL", quantity=D(5), average_price=D(100)),
        "TSLA": VenuePosition(symbol="TSLA", quantity=D(-2), average_price=D(100)),
    } == broker.positions()


def test_coins_are_spelt_as_in_orders(venue, broker):
    """A position in BTCUSD is one in BTC/USD; the asset is asked once, and not at all once an order told it."""
    other = "11111111-2222-3333-4444-555555555555"
    coins = [
        position(name, asset_id=asset, asset_class="crypto") for name, asset in (("BTCUSD", BTC), ("ETHUSD", other))
    ]
    venue.reply([order(symbol="ETH/USD", asset_class="crypto", asset_id=other)])
    broker.orders()
    venue.reply(coins)
    venue.reply({"id": BTC, "class": "crypto", "symbol": "BTC/USD"})
    venue.reply(coins)
    held = [sorted(broker.positions()) for _ in range(2)]
    venue.reply([fill(1, symbol="BTCUSD")])

    assert [["BTC/USD", "ETH/USD"]] * 2 == held
    assert "BTC/USD" == broker.executions()[0].symbol
    assert 1 == asked(venue).count(("GET", f"/v2/assets/{BTC}"))
    assert 5 == len(venue.requests)


def test_a_coin_that_nobody_knows(venue, broker):
    """A position that cannot be named is an error: under a wrong name it would be a mismatch."""
    venue.reply([position("XYZUSD", asset_id=BTC, asset_class="crypto")])
    venue.reply({"code": 40410000, "message": f"asset not found for {BTC}"}, 404)

    with pytest.raises(BrokerError, match="XYZUSD"):
        broker.positions()


def test_a_position_without_a_price(venue, broker):
    """A position that cannot be told is an error, for left out it would not be held."""
    venue.reply([position("AAPL", avg_entry_price=None)])

    with pytest.raises(BrokerError, match="position AAPL"):
        broker.positions()


# --- the account and the market ---------------------------------------------------------------------------------------


def test_account(venue, broker):
    """Amounts are exact."""
    venue.reply(
        {"id": "a", "status": "ACTIVE", "cash": "-23140.2", "equity": "103820.56", "buying_power": "262113.632"}
    )
    account = broker.account()

    assert (D("-23140.2"), D("103820.56"), D("262113.632")) == (account.cash, account.equity, account.buying_power)
    assert [("GET", "/v2/account")] == asked(venue)


def test_assets(venue, broker):
    """All assets in one call, and one by its symbol; None: there is none."""
    venue.reply([{"id": BTC, "class": "crypto", "symbol": "BTC/USD", "min_order_size": "0.0001"}])
    venue.reply({"id": "x", "class": "us_equity", "symbol": "AAPL", "tradable": True})
    venue.reply({"code": 40410000, "message": "asset not found for FFFFF"}, 404)
    listed = broker.assets(asset_class="crypto")

    assert [("crypto", D("0.0001"))] == [(asset.asset_class, asset.min_order_size) for asset in listed]
    assert True is broker.asset("AAPL").tradable
    assert None is broker.asset("FF/FF")
    assert {"status": "active", "asset_class": "crypto"} == venue.requests[0].query
    assert ("GET", "/v2/assets/FF%2FFF") == asked(venue)[-1]


def test_rules_of_symbols(venue, broker):
    """A gate's rules from the venue's own assets, dated; inactive ones too, which cannot be entered but left."""
    coin = {"class": "crypto", "symbol": "BTC/USD", "status": "active", "tradable": True, "price_increment": "0.5"}
    gone = {"class": "us_equity", "symbol": "GONE", "status": "inactive", "tradable": False}
    venue.reply([{"id": BTC, **coin}])
    venue.reply([{"id": "x", **gone}])
    table = broker.symbols()
    now = table.at("GONE", datetime.max.replace(tzinfo=UTC)).since

    assert (D("0.5"), True) == (table.at("BTC/USD", now).ticks[0].size, table.at("BTC/USD", now).tradable)
    assert False is table.at("GONE", now).tradable
    assert None is table.at("BTC/USD", now - timedelta(microseconds=1))
    assert ["active", "inactive"] == [request.query["status"] for request in venue.requests]


def test_clock_and_calendar(venue, broker):
    """The venue's clock, and its days from one to another."""
    venue.reply(
        {
            "timestamp": "2022-04-28T14:07:04.451420928-04:00",
            "is_open": True,
            "next_open": "2022-04-29T09:30:00-04:00",
            "next_close": "2022-04-28T16:00:00-04:00",
        }
    )
    venue.reply([{"date": "2024-07-03", "open": "09:30", "close": "13:00"}])
    clock, days = broker.clock(), broker.calendar(date(2024, 7, 3), date(2024, 7, 4))

    assert (True, datetime(2022, 4, 28, 20, tzinfo=UTC)) == (clock.is_open, clock.next_close)
    assert [datetime(2024, 7, 3, 17, tzinfo=UTC)] == [day.session.close for day in days]
    assert {"start": "2024-07-03", "end": "2024-07-04"} == venue.requests[1].query


# --- the broker -------------------------------------------------------------------------------------------------------


def test_what_a_broker_says_of_itself():
    """Paper or LIVE, and where; no key."""
    paper = AlpacaBroker(Access(key_id="PKTEST", secret_key="hush-hush"))
    live = AlpacaBroker(Access(key_id="AKTEST", secret_key="hush-hush", live=True))

    assert "AlpacaBroker(paper, https://paper-api.alpaca.markets)" == repr(paper)
    assert "AlpacaBroker(LIVE, https://api.alpaca.markets)" == repr(live)
