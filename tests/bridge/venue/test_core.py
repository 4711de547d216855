"""The venue as a whole: routes, credentials, headers, determinism, and an engine that trades there."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from urllib.parse import parse_qsl, urlsplit

import pytest

from bridge.venue.core import Core, Request, Trader
from bridge.venue.frictions import Terms
from bridge.venue.limits import RateLimit
from engine.books.journal import Journal
from engine.brokers.polling import PollingFeed
from engine.calendar import AlwaysOpen
from engine.clock import SimulatedClock
from engine.errors import InvalidRequest
from engine.execution import ExecutionEngine
from engine.facts import SessionStarted
from engine.market.liquidity import Depth
from engine.model import OrderRequest, Side, Status
from engine.testing import ManualHostClock

NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


# --- at the border ----------------------------------------------------------------------------------------------------


def test_every_answer_has_its_own_id(desk):
    """To be quoted; also one that is refused."""
    ids = [desk("GET", path).headers["X-Request-ID"] for path in ("/v2/clock", "/v2/clock", "/nowhere")]

    assert 3 == len(set(ids))


def test_every_answer_tells_the_rate(desk):
    """What is left counts down, whatever is asked for."""
    answers = [desk("GET", "/v2/clock"), desk("GET", "/nowhere"), desk("POST", "/v2/orders", {})]

    assert ["199", "198", "197"] == [answer.headers["X-Ratelimit-Remaining"] for answer in answers]


def test_arrivals_are_written_down(new_desk):
    """With their moments, and whether they were one too many."""
    desk = new_desk(rate=RateLimit(requests=1))
    desk("GET", "/v2/clock")
    desk("GET", "/v2/clock")

    assert [(NOW, "PKTEST", True), (NOW, "PKTEST", False)] == [
        (arrival.at, arrival.key, arrival.allowed) for arrival in desk.core.arrivals
    ]


def test_credentials_by_basic_authentication(desk):
    """Key and secret in one header are taken as well; what cannot be read is not."""
    statuses = []
    for words in (b64encode(b"PKTEST:secret").decode(), "%%%", b64encode(b"\xff").decode()):
        desk.headers = {"authorization": f"Basic {words}"}
        statuses.append(desk("GET", "/v2/clock").status)

    assert [200, 401, 401] == statuses


def test_accounts_do_not_see_each_other():
    """Each key has its own orders, frames and rate."""
    core = Core([Trader(key="A", secret="a"), Trader(key="B", secret="b")], calendar=AlwaysOpen(), start=NOW)
    headers = {name: {"apca-api-key-id": name, "apca-api-secret-key": name.lower()} for name in "AB"}
    body = json.dumps({"symbol": "F", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}).encode()
    core.handle(Request(method="POST", path="/v2/orders", headers=headers["A"], body=body), NOW)
    other = core.handle(Request(method="GET", path="/v2/orders", headers=headers["B"]), NOW)

    assert ([], "199") == (other.body, other.headers["X-Ratelimit-Remaining"])
    assert [core.authenticate("A", "a")] == [frame.account for frame in core.frames()]
    assert None is core.authenticate("A", "b")


def test_a_key_belongs_to_one_account():
    """Two traders cannot have the same one."""
    with pytest.raises(InvalidRequest):
        Core([Trader(key="A", secret="a"), Trader(key="A", secret="b")], calendar=AlwaysOpen(), start=NOW)


@pytest.mark.parametrize("more", [{"multiplier": 3}, {"cash": D(0)}, {"cash": 5}])
def test_a_trader_has_money(more):
    """More than nothing, and one of three multiples of it."""
    with pytest.raises(InvalidRequest):
        Trader(key="A", secret="a", **more)


def test_secrets_are_not_shown():
    """Neither of a trader nor of a request."""
    request = Request(method="GET", path="/", headers={"apca-api-secret-key": "hush"})

    assert "hush" not in repr([Trader(key="A", secret="hush"), request])


def test_time_does_not_go_back(desk):
    """A request with an older moment is answered at the moment that has been reached."""
    desk.later(60)
    desk.now -= timedelta(seconds=30)
    desk("GET", "/v2/clock")

    assert NOW + timedelta(seconds=60) == desk.core.now


@pytest.mark.parametrize(("symbol", "price"), [("NONE", D(1)), ("AAPL", D(0)), ("AAPL", 1.5)])
def test_the_market_moves_in_what_there_is(desk, symbol, price):
    """An unknown symbol or a price that is none is refused."""
    with pytest.raises(InvalidRequest):
        desk.core.price(symbol, price, desk.now)


@pytest.mark.parametrize(("symbol", "volume"), [("NONE", D(1)), ("AAPL", D(-1)), ("AAPL", 1)])
def test_a_bar_begins_in_what_there_is(desk, symbol, volume):
    """An unknown symbol or a volume that is none is refused; nothing at all may be traded."""
    desk.core.begin("AAPL", D(0), desk.now)

    with pytest.raises(InvalidRequest):
        desk.core.begin(symbol, volume, desk.now)


def test_a_bar_that_begins_says_what_there_is_to_trade(new_desk):
    """Of it an order gets its part, at once or when the price has been there."""
    desk = new_desk(terms=Terms(depth=Depth(participation=D("0.1"))))
    desk.core.begin("AAPL", D(300), desk.now)
    order = desk.place(qty=50)
    desk.later()

    assert "30" == desk.order(order)["filled_qty"]


# --- whatever comes ---------------------------------------------------------------------------------------------------


def test_no_request_raises(new_desk):
    """Whatever is asked for, the answer is one that JSON can say."""
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    words = st.sampled_from(
        "AAPL BTC/USD BTCUSD buy sell market limit stop stop_limit trailing_stop day gtc opg bracket oco oto true all "
        "open closed asc desc 1 2.5 0 -1 1e400 NaN 190 2024-01-02 2024-01-02T15:00:00Z 1900-01-01 2199-12-31 "
        "9999-12-31 1D 9A 999A 1Min FILL 100 500".split()
    )
    values = st.one_of(words, st.integers(-5, 10**30), st.floats(), st.none(), st.booleans(), st.text(max_size=5))
    fields = (
        "symbol qty notional side type time_in_force limit_price stop_price trail_price trail_percent extended_hours "
        "client_order_id order_class take_profit stop_loss position_intent trail suspend_trade max_margin_multiplier"
    ).split()
    part = st.dictionaries(st.sampled_from(["limit_price", "stop_price"]), values, max_size=2)
    bodies = st.one_of(
        st.dictionaries(st.sampled_from(fields), st.one_of(values, part), max_size=9).map(
            lambda body: json.dumps(body).encode()
        ),
        st.binary(max_size=20),
    )
    names = (
        "status limit after until direction nested symbols side asset_class after_order_id before_order_id qty "
        "percentage cancel_orders date page_size page_token category activity_types start end period timeframe "
        "date_type"
    ).split()
    queries = st.dictionaries(st.sampled_from(names), st.one_of(words, st.text(max_size=5)), max_size=4)
    paths = st.one_of(
        st.sampled_from(
            "/v2/orders /v2/orders/x /v2/orders/known /v2/orders:by_client_order_id /v2/positions /v2/positions/AAPL "
            "/v2/positions/BTC%2FUSD /v2/account /v2/account/configurations /v2/account/activities /v2/clock "
            "/v2/account/activities/FILL /v2/account/portfolio/history /v2/assets /v2/assets/AAPL /v2/calendar".split()
        ),
        st.text(max_size=10),
    )
    requests = st.lists(
        st.tuples(st.sampled_from(["GET", "POST", "PATCH", "DELETE"]), paths, queries, bodies), max_size=8
    )

    @hypothesis.settings(max_examples=300)
    @hypothesis.given(requests=requests)
    def holds(requests):
        desk = new_desk()
        known = desk.place(type="limit", limit_price=180)["id"]
        desk.buy(qty=3)
        desk.buy("BTC/USD", "0.01", time_in_force="gtc")
        for method, path, query, body in requests:
            answer = desk(method, path.replace("known", known), body, **query)
            assert answer.status in (200, 204, 207, 400, 403, 404, 422)
            assert (answer.body is None) is (answer.status == 204)
            json.dumps(answer.body, allow_nan=False)
            desk.later(0.2)
        desk.later(10**6)

    holds()


def played(desk):
    """A day at the venue; all that it said."""
    said = []
    orders = [
        {},
        {"symbol": "BTC/USD", "qty": "0.1", "time_in_force": "gtc"},
        {"type": "limit", "limit_price": 188, "qty": 50},
        {"symbol": "F", "order_class": "bracket", "take_profit": {"limit_price": 13}, "stop_loss": {"stop_price": 11}},
        {"symbol": "SPY", "qty": None, "notional": 500},
    ]
    for order in orders:
        said.append(desk.place(**order))
        desk.later(0.3)
    for price in ("189", "187.5", "192"):
        desk.price("AAPL", price)
        desk.later(30)
    for path in (
        "/v2/orders",
        "/v2/positions",
        "/v2/account",
        "/v2/account/activities",
        "/v2/account/portfolio/history",
    ):
        said.append(desk.get(path))
    return json.dumps([said, [frame.data for frame in desk.core.frames()]])


def test_the_same_seed_gives_the_same_bytes(new_desk):
    """Nothing but the seed and the calls decides what is answered and told."""
    terms = Terms(partials=0.5)
    first, second, other = (played(new_desk(seed=seed, terms=terms)) for seed in (5, 5, 6))

    assert first == second
    assert first != other


def test_frames_are_in_order_of_their_ids(new_desk):
    """By event id they sort as they were emitted, and each is at least as late as what it tells."""
    desk = new_desk(terms=Terms(partials=0.5))
    played_frames = []
    for _ in range(5):
        desk.place(qty=50)
        desk.later()
        played_frames += [frame.data for frame in desk.core.frames()]
    ids = [data["event_id"] for data in played_frames]

    assert sorted(set(ids)) == ids
    assert all(data["at"][:23] >= data["timestamp"][:23] for data in played_frames)


# --- an engine --------------------------------------------------------------------------------------------------------


class Time(SimulatedClock):
    """Market time and the machine's, which pass together, and the venue's with them."""

    def __init__(self, core):
        super().__init__(NOW)
        self.host = ManualHostClock()
        self.core = core

    def sleep(self, seconds):
        super().sleep(seconds)
        self.host.advance(seconds)
        self.core.advance(self.now())


class Trading:
    """An engine whose broker's calls are answered by the core, through the adapter of a `requests` session."""

    def __init__(self, core):
        requests = pytest.importorskip("requests")
        from engine.brokers.alpaca.access import Access
        from engine.brokers.alpaca.broker import AlpacaBroker
        from engine.risk.gate import RiskGate

        clock = self.clock = Time(core)
        self.core = core

        class InMemory(requests.adapters.BaseAdapter):
            def send(self, request, **options):
                url = urlsplit(request.url)
                answer = core.handle(
                    Request(
                        method=request.method,
                        path=url.path,
                        query=dict(parse_qsl(url.query)),
                        headers={name.lower(): value for name, value in request.headers.items()},
                        body=request.body or b"",
                    ),
                    clock.now(),
                )
                response = requests.Response()
                response.status_code, response.request, response.url = answer.status, request, request.url
                response.headers.update(answer.headers)
                response.raw = io.BytesIO(b"" if answer.body is None else json.dumps(answer.body).encode())
                return response

            def close(self):
                pass

        access = Access(key_id="PKTEST", secret_key="secret", url="http://127.0.0.1:1")
        self.broker = AlpacaBroker(access, clock=clock, host_clock=clock.host)
        self.broker.rest.session.mount("http://", InMemory())
        self.journal = Journal(None)
        self.engine = ExecutionEngine(
            self.broker,
            feed=PollingFeed(self.broker, clock, clock.host, interval=1.0),
            journal=self.journal,
            gate=RiskGate(),
            clock=clock,
            host_clock=clock.host,
        )
        self.engine.start(SessionStarted(at=NOW, session_id="tb", cash=D(100_000), config="", data_digest=""))

    def wait(self, seconds=3):
        for _ in range(seconds):
            self.clock.sleep(1.0)
            self.engine.step()


@pytest.fixture
def trading(new_desk):
    trading = Trading(new_desk().core)
    yield trading
    trading.broker.close()
    trading.journal.close()


def test_an_engine_trades_here(trading):
    """A market order, a limit order, a cancel and a replacement: the engine's books are the venue's."""
    engine, core = trading.engine, trading.core
    engine.books.portfolio.mark("AAPL", D(190), NOW)
    market = engine.submit(OrderRequest.market("AAPL", Side.BUY, D(10)))
    limit = engine.submit(OrderRequest.limit("AAPL", Side.BUY, D(5), D(185)))
    trading.wait()
    core.price("AAPL", D(184), trading.clock.now())
    trading.wait()
    cancelled = engine.submit(OrderRequest.limit("AAPL", Side.SELL, D(5), D(200)))
    trading.wait()
    engine.cancel(cancelled)
    trading.wait()
    replaced = engine.submit(OrderRequest.limit("AAPL", Side.SELL, D(5), D(210)))
    trading.wait()
    engine.replace(replaced, limit_price=D(186))
    trading.wait()
    core.price("AAPL", D(187), trading.clock.now())
    trading.wait(5)

    statuses = [ticket.status for ticket in (market, limit, cancelled, replaced)]
    assert [Status.FILLED, Status.FILLED, Status.CANCELED, Status.FILLED] == statuses
    (account,) = core.accounts.values()
    synced = engine.reconcile()
    assert (D(10), account.cash) == (engine.position("AAPL"), engine.books.portfolio.cash)
    assert account.quantity(core.assets.find("AAPL")) == engine.position("AAPL")
    assert (0, 0, 0) == (synced.mismatches, synced.orphans, synced.recovered)
    account_told = trading.broker.account()
    assert (account.cash, "4") == (account_told.cash, account_told.multiplier)
