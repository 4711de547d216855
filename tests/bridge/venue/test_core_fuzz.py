"""
Whatever is asked for, in whatever order: the venue answers, at once, and with something that JSON can say.

TRADEBRIDGE_FUZZ_SECONDS says how long it is tried; without it five seconds with always the same requests, with it new
ones each time.
"""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from itertools import count

import pytest

from bridge.venue.core import Core, Request, Trader
from bridge.venue.frictions import Terms
from bridge.venue.limits import RateLimit
from engine.calendar import FixedCalendar, Session

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

ASKED = os.environ.get("TRADEBRIDGE_FUZZ_SECONDS")
SECONDS = float(ASKED or 5)
SLOWEST = 1.0  # seconds of a request, a hundred times what the slowest takes
MOST = 64 * 2**20  # bytes that a run of requests may leave behind
START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
KEYS = {"apca-api-key-id": "K", "apca-api-secret-key": "S"}
BUY = b'{"symbol": "AAPL", "qty": 3, "side": "buy", "type": "market", "time_in_force": "day"}'
STATUSES = {200, 204, 207, 400, 403, 404, 422}

WORDS = st.sampled_from(
    "AAPL F BTC/USD BTCUSD DIME HARD GONE ZZZZ buy sell market limit stop stop_limit trailing_stop day gtc opg cls ioc "
    "fok simple bracket oco oto mleg true false all open closed asc desc 1 2.5 0 -1 -0 1e400 1e-400 1E+2 0x10 1_000 "
    "NaN sNaN Infinity -inf 190 195.5 185 99999999999999999999 0.000000001 2024-01-02 2024-01-02T15:00:00Z "
    "1900-01-01 2199-12-31 9999-12-31 0000-00-00 2024-02-30 2024-01-02T25:00:00+99:99 1D 9A 999A 1Min 1H FILL FILL,FEE "
    "CFEE , 100 500 501 mine 01HKZZZZZZZZZZZZZZZZZZZZZZ buy_to_open trade_activity continuous no_reset entry".split()
)
TEXT = st.one_of(
    WORDS, st.text(max_size=8), st.sampled_from(["\ud800", "\x00", "💥" * 20, "x" * 129, "٣", "１", " 1 "])
)
NUMBERS = st.one_of(st.integers(), st.integers(-(10**400), 10**400), st.floats(), st.integers(1, 300))
PLAIN = st.one_of(TEXT, NUMBERS, st.none(), st.booleans())
ANY = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = (
    "symbol qty notional side type time_in_force limit_price stop_price trail_price trail_percent extended_hours trail "
    "client_order_id order_class take_profit stop_loss position_intent suspend_trade max_margin_multiplier no_shorting "
    "fractional_trading"
).split()
EXITS = st.fixed_dictionaries({}, optional={"limit_price": PLAIN, "stop_price": PLAIN})
KINDS = st.sampled_from(
    [
        {},
        {"type": "limit", "limit_price": 185},
        {"type": "limit", "limit_price": 195},
        {"type": "stop", "stop_price": 195},
        {"type": "stop", "stop_price": 185},
        {"type": "stop_limit", "stop_price": 195, "limit_price": 196},
        {"type": "trailing_stop", "trail_price": 1},
        {"type": "limit", "limit_price": 185, "extended_hours": True},
        {"qty": None, "notional": "100"},
        {"order_class": "bracket", "take_profit": {"limit_price": 200}, "stop_loss": {"stop_price": 180}},
        {"order_class": "oto", "stop_loss": {"stop_price": 180, "limit_price": 179}},
        {"order_class": "oco", "type": "limit", "limit_price": 200, "stop_loss": {"stop_price": 180}},
        {"symbol": "BTC/USD", "qty": "0.01", "time_in_force": "gtc"},
        {"symbol": "BTC/USD", "qty": None, "notional": 50, "time_in_force": "ioc"},
    ]
)
BASES = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAPL", "AAPL", "F"]),
        "qty": st.sampled_from(["1", 3, "0.5", 10]),
        "side": st.sampled_from(["buy", "sell"]),
        "type": st.just("market"),
        "time_in_force": st.sampled_from(["day", "gtc", "ioc", "fok"]),
        "client_order_id": st.one_of(st.none(), st.none(), TEXT),
    }
)
SENSIBLE = st.builds(lambda base, kind: base | kind, BASES, KINDS)
BODIES = st.one_of(
    SENSIBLE.map(lambda body: json.dumps(body).encode()),
    st.dictionaries(st.sampled_from(FIELDS), st.one_of(ANY, EXITS), max_size=9).map(lambda b: json.dumps(b).encode()),
    ANY.map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=40),
    st.sampled_from(
        [
            b"[" * 50_000,
            b'{"a":' * 50_000,
            b'{"qty": ' + b"9" * 100_000 + b"}",
            b'{"qty": 1e999999999}',
            b"\xff\xfe",
            b"null",
        ]
    ),
)
NAMES = (
    "status limit after until direction nested symbols side asset_class after_order_id before_order_id qty percentage "
    "cancel_orders date page_size page_token category activity_types start end period timeframe date_type since "
    "since_id until_id client_order_id intraday_reporting pnl_reset exchange attributes"
).split()
QUERIES = st.dictionaries(
    st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), st.one_of(TEXT, st.just("known")), max_size=4
)
PATHS = st.one_of(
    st.sampled_from(
        "/v2/orders /v2/orders/x /v2/orders/known /v2/orders:by_client_order_id /v2/positions /v2/positions/AAPL "
        "/v2/positions/BTC%2FUSD /v2/positions/%00 /v2/positions/%ff /v2/account /v2/account/configurations "
        "/v2/account/activities /v2/account/activities/FILL /v2/account/activities/%F0%9F "
        "/v2/account/portfolio/history /v2/assets /v2/assets/AAPL /v2/assets/ /v2/calendar /v2/clock "
        "/v2/events/trades".split()
    ),
    st.text(max_size=12),
    st.text(max_size=8).map(lambda text: f"/v2/orders/{text}"),
)
REQUESTS = st.tuples(
    st.one_of(st.sampled_from(["GET", "POST", "PATCH", "DELETE"]), st.text(max_size=6)), PATHS, QUERIES, BODIES
)
MOVES = st.tuples(
    st.sampled_from(["AAPL", "F", "BTC/USD"]),
    st.sampled_from(["0.01", "1", "184.5", "190", "195.5", "1000000"]),
    st.booleans(),
)
WAITS = st.sampled_from([0.0, 0.01, 0.3, 5.0, 3600.0, 86_400.0, 40 * 86_400.0])
CHANGES = st.fixed_dictionaries(
    {}, optional={"qty": st.sampled_from([1, 2, "0.5", 20]), "limit_price": st.sampled_from([186, 194]), "trail": PLAIN}
)
# Most requests are refused at once if they are left to chance: these often are not.
ORDERS = st.tuples(
    st.just("POST"), st.just("/v2/orders"), st.just({}), SENSIBLE.map(lambda body: json.dumps(body).encode())
)
FOLLOW_UPS = st.tuples(
    st.sampled_from(["GET", "PATCH", "DELETE"]),
    st.sampled_from(["/v2/orders/known", "/v2/orders", "/v2/positions", "/v2/positions/AAPL"]),
    st.just({}),
    CHANGES.map(lambda body: json.dumps(body).encode()),
)
LISTINGS = st.tuples(st.just("GET"), PATHS, QUERIES, st.just(b""))
STEPS = st.lists(st.one_of(ORDERS, FOLLOW_UPS, LISTINGS, REQUESTS, MOVES, WAITS), min_size=3, max_size=15)


def sessions():
    days = [START.replace(hour=14) + timedelta(days=day) for day in (0, 1, 2, 3, 6, 7, 8)]
    return FixedCalendar(Session(open=day, close=day + timedelta(hours=7)) for day in days)


def play(steps, seed):
    """Ask, move and wait; what was asked for is answered well."""
    terms = Terms(partials=0.3)
    rate = RateLimit(requests=10**6)
    core = Core([Trader(key="K", secret="S")], calendar=sessions(), start=START, seed=seed, terms=terms, rate=rate)
    now, known = START, "x"
    for step in [
        ("POST", "/v2/orders", {}, b'{"symbol":"AAPL","qty":3,"side":"buy","type":"market","time_in_force":"day"}'),
        1.0,
        *steps,
    ]:
        if isinstance(step, float):
            now += timedelta(seconds=step)
            core.advance(now)
        elif len(step) == 3:
            symbol, price, jump = step
            core.price(symbol, Decimal(price), now, jump=jump)
        else:
            method, path, query, body = step
            query = {name: value.replace("known", known) for name, value in query.items()}
            request = Request(method=method, path=path.replace("known", known), query=query, headers=KEYS, body=body)
            began = time.perf_counter()  # noqa: TID251
            answer = core.handle(request, now)
            took = time.perf_counter() - began  # noqa: TID251
            assert answer.status in STATUSES
            assert took < SLOWEST
            written = json.dumps(answer.body, allow_nan=False, ensure_ascii=False).encode()
            assert (answer.body is None) is (answer.status == 204 or answer.stream is not None)
            if answer.stream is not None:
                assert answer.stream.text.count(b"\n\n") == len(answer.stream.history)
            if answer.status >= 400:
                assert len(written) < 2000 + len(body) + sum(map(len, query.values())) * 4 + 12 * len(path)
            if isinstance(answer.body, dict) and "client_order_id" in answer.body:
                known = answer.body["id"]
    for frame in core.frames():
        json.dumps(frame.data, allow_nan=False, ensure_ascii=False).encode()
    hold(core)


def hold(core):
    """What is true of every account, whatever happened."""
    for account in core.accounts.values():
        assert all(order.open for order in account.open.values())
        assert set(account.open) == {order.id for order in account.orders.values() if order.open}
        assert [order.submitted_at for order in account.submitted] == sorted(
            order.submitted_at for order in account.orders.values()
        )
        assert all(0 <= order.filled <= (order.quantity or order.filled) for order in account.orders.values())
        assert all(holding.quantity for holding in account.holdings.values())


def limited(test):
    """With as much time for the test as was asked for; nothing where no test has a limit."""
    return pytest.mark.timeout(SECONDS + 120)(test) if find_spec("pytest_timeout") else test


@limited
def test_every_request_is_answered():
    """No exception, no 5xx, nothing that JSON cannot say, and never a long wait."""
    ends = time.perf_counter() + SECONDS  # noqa: TID251
    fresh = int.from_bytes(os.urandom(4), "big") if ASKED else 0
    seeds = count(int(os.environ.get("TRADEBRIDGE_FUZZ_SEED", fresh)))

    @hypothesis.settings(
        max_examples=50,
        deadline=None,
        database=None,
        derandomize=False,  # the seed below decides
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(steps=STEPS, seed=st.integers(0, 3))
    def holds(steps, seed):
        play(steps, seed)

    while time.perf_counter() < ends:  # noqa: TID251
        hypothesis.seed(next(seeds))(holds)()


def test_requests_leave_little_behind():
    """Refused ones above all: what is kept of a request is bounded, whatever was in it."""
    core = Core([Trader(key="K", secret="S")], calendar=sessions(), start=START, rate=RateLimit(requests=10**6))
    bodies = [b"[" * 50_000, b'{"qty": "' + b"9" * 100_000 + b'"}', b'{"symbol": "' + b"x" * 100_000 + b'"}']
    tracemalloc.start()
    for number in range(300):
        body = bodies[number % len(bodies)]
        core.handle(Request(method="POST", path="/v2/orders", headers=KEYS, body=body), START)
        core.handle(Request(method="GET", path="/v2/orders/" + "y" * 50_000, headers=KEYS), START)
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert left < MOST / 64
