"""Whatever is asked over HTTP, in whatever words: the venue answers in time, and nobody else notices."""

from __future__ import annotations

import json
import re
from contextlib import closing
from http.client import HTTPException, HTTPResponse

import pytest

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies


@pytest.fixture(scope="module")
def rig(new_rig):
    return new_rig(speed=20)


WORDS = st.sampled_from(
    "AAPL F BTC/USD BTCUSD ZZZZ buy sell market limit stop stop_limit trailing_stop day gtc opg cls ioc fok bracket "
    "oco oto true false all open closed asc desc 1 2.5 0 -1 1e400 1e-400 0x10 NaN Infinity 190 99999999999999999999 "
    "2024-01-02 2024-01-02T15:00:00Z 1900-01-01 2199-12-31 9999-12-31 2024-01-02T25:00:00+99:99 1Min 1Hour 1Day 999A "
    "iex sip AAPL,F,BTC/USD , 100 10001 us QUFQTHwxfDE= 01HKZZZZZZZZZZZZZZZZZZZZZZ FILL".split()
)
TEXT = st.one_of(
    WORDS, st.text(max_size=8), st.sampled_from(["\ud800", "\x00", "💥" * 20, "x" * 129, "٣", "１", " 1 ", "\r\n"])
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
    "client_order_id order_class take_profit stop_loss position_intent suspend_trade no_shorting to seconds price jump "
    "kind events count probability at until id fault"
).split()
ORDERS = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["AAPL", "F", "BTC/USD"]),
        "qty": st.sampled_from(["1", 3, "0.5", 10]),
        "side": st.sampled_from(["buy", "sell"]),
        "type": st.sampled_from(["market", "limit", "stop"]),
        "time_in_force": st.sampled_from(["day", "gtc", "ioc", "fok"]),
    },
    optional={
        "limit_price": PLAIN,
        "stop_price": PLAIN,
        "client_order_id": TEXT,
        "order_class": WORDS,
        "take_profit": ANY,
    },
)
DEEP = [b"[" * 50_000, b'{"a":' * 50_000, b'{"qty": ' + b"9" * 100_000 + b"}", b'{"qty": 1e999999999}', b"\xff\xfe"]
LARGE = [b'{"symbol": "' + b"x" * 900_000 + b'"}', b" " * 999_990 + b"{}", b"x" * 1_100_000]
TWICE = [b'{"symbol":"AAPL","symbol":"F","qty":1,"qty":2,"side":"buy","type":"market","time_in_force":"day"}']
BODIES = st.one_of(
    ORDERS.map(lambda body: json.dumps(body).encode()),
    st.dictionaries(st.sampled_from(FIELDS), ANY, max_size=8).map(lambda body: json.dumps(body).encode()),
    ANY.map(lambda body: json.dumps(body).encode()),
    ANY.map(lambda body: json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass")),
    st.binary(max_size=40),
    st.sampled_from(DEEP * 2 + LARGE + TWICE * 4),
)
PATHS = st.one_of(
    st.sampled_from(
        "/v2/orders /v2/orders/x /v2/orders/00000000-0000-0000-0000-000000000000 /v2/orders:by_client_order_id "
        "/v2/positions /v2/positions/AAPL /v2/positions/BTC%2FUSD /v2/positions/%00 /v2/positions/%ff /v2/account "
        "/v2/account/configurations /v2/account/activities /v2/account/activities/FILL /v2/account/activities/%F0%9F "
        "/v2/account/portfolio/history /v2/assets /v2/assets/AAPL /v2/calendar /v2/clock /v2/events/trades "
        "/v2/stocks/bars /v2/stocks/trades/latest /v2/stocks/AAPL/bars /v2/stocks/AAPL/quotes/latest "
        "/v2/stocks/snapshots /v2/stocks/%ff/bars /v1beta3/crypto/us/bars /v1beta3/crypto/us/latest/orderbooks "
        "/v1beta3/crypto/us/snapshots /v1beta3/crypto/%00/trades /stream /stream/ /v2/iex /v1beta3/crypto/us "
        "/v2/test /_venue/now /_venue/step /_venue/price /_venue/oracle /_venue/faults /_venue/x /_venue "
        "/_venue/ // /../v2/clock /%2e%2e/_venue/now /v2/%6frders *".split()
    ),
    st.text("/%._venuv2orders:0fF?;&=", max_size=20).map(lambda text: "/" + text),
)
NAMES = (
    "status limit after until direction nested symbols side qty percentage cancel_orders date page_size page_token "
    "category start end period timeframe date_type since since_id until_id client_order_id sort feed adjustment asof "
    "currency"
).split()


def encoded(text):
    """Percent-encoded, some of it more than it has to be and some of it wrong."""
    return re.sub(rb"[^!-~]|[#&=+]", lambda m: b"%%%02x" % m[0][0], text.encode(errors="surrogatepass"))


PAIRS = st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)).map(encoded), TEXT.map(encoded)).map(b"=".join)
QUERIES = st.one_of(
    st.just(b""),
    st.lists(
        st.one_of(PAIRS, PAIRS, st.sampled_from([b"%", b"%zz", b"a=%ff", b"=", b"&&", b";", b"limit"])), max_size=4
    )
    .map(b"&".join)
    .map(lambda query: b"?" + query),
)
METHODS = st.one_of(
    st.sampled_from(["GET", "GET", "POST", "POST", "PATCH", "DELETE", "HEAD", "PUT", "OPTIONS", "CONNECT", "TRACE"]),
    st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    st.text("ABCXYZ-_!", min_size=1, max_size=9),
)
WHO = st.sampled_from(
    [
        b"apca-api-key-id: PAPERKEY\r\napca-api-secret-key: papersecret\r\n",
        b"apca-api-key-id: PAPERKEY\r\napca-api-secret-key: papersecret\r\n",
        b"apca-api-key-id: PAPERKEY\r\napca-api-secret-key: papersecret\r\n",
        b"authorization: Basic UEFQRVJLRVk6cGFwZXJzZWNyZXQ=\r\n",
        b"authorization: Basic \xff\xfe\r\n",
        b"apca-api-key-id: PAPERKEY\r\napca-api-secret-key: p\xe4\r\n",
        b"x-venue-token: \xff\r\n",
        b"",
    ]
)
HEADERS = st.one_of(
    *[st.just(b"")] * 4,
    st.sampled_from(
        [
            b"content-type: application/msgpack\r\n",
            b"expect: 100-continue\r\n",
            b"accept-encoding: gzip, br\r\n",
            b"connection: close\r\n",
            b"host: [::1]:1\r\n",
            b"host: \xff\r\n",
            b"origin: http://[\r\n",
            b"origin: null\r\n",
            b"cookie: " + b"c" * 20_000 + b"\r\n",
            b"upgrade: h2c\r\nconnection: upgrade\r\n",
            b"x: 1\r\n" * 200,
            b"content-encoding: gzip\r\n",
            b"range: bytes=0-0\r\n",
            b"accept: text/event-stream\r\n",
        ]
    ),
    st.tuples(st.text("abcXYZ-", min_size=1, max_size=9), st.binary(max_size=12)).map(
        # Without control characters: what is no HTTP is cut off perhaps before its answer is read, see test_bytes.
        lambda pair: pair[0].encode() + b": " + re.sub(rb"[\x00-\x1f\x7f]", b"", pair[1]) + b"\r\n"
    ),
)
REQUESTS = st.tuples(METHODS, PATHS, QUERIES, WHO, HEADERS, BODIES)


def written(request):
    """As it goes over the wire."""
    method, path, query, who, headers, body = request
    line = f"{method} {path}".encode() + query + b" HTTP/1.1\r\n"
    host = b"" if headers.startswith(b"host") else b"host: localhost\r\n"
    return line + host + who + headers + b"content-length: %d\r\n\r\n" % len(body) + body


def answered(rig, raw, method="GET"):
    """Status, headers and body of the answer; None: the connection was closed without one."""
    with closing(rig.connect()) as connection:
        connection.sendall(raw)
        answer = HTTPResponse(connection, method=method)
        try:
            answer.begin()
        except (HTTPException, ConnectionResetError):
            return None
        if answer.getheader("content-type", "").startswith("text/event-stream"):
            return answer.status, answer.read(1)
        return answer.status, answer.read()


def test_requests(rig, neighbour, fuzzed):
    """Each is answered within its time and with less than 500; what is JSON says so, and keeps secrets."""

    def act(requests):
        for request in requests:
            rig.count("requests")
            said = answered(rig, written(request), request[0])
            assert said is not None or request[0] == "CONNECT", request
            if said is not None:
                rig.count(f"status {said[0]}")
                assert said[0] < 500, f"{request}: {said}\n{rig.logged}"
                assert b"papersecret" not in said[1]
        rig.well()

    with neighbour(rig):
        fuzzed(st.lists(REQUESTS, min_size=1, max_size=20), act)
    rig.check()


# --- what its owner says ----------------------------------------------------------------------------------------------


STEPS = st.one_of(
    st.fixed_dictionaries({"seconds": st.one_of(PLAIN, st.floats(0, 600), st.floats(0, 600))}),
    st.fixed_dictionaries({"to": st.one_of(TEXT, st.text("0123456789T:-+Z.", max_size=25))}),
)
PRICES = st.fixed_dictionaries(
    {
        "symbol": st.one_of(TEXT, st.sampled_from(["AAPL", "F", "BTCUSD"])),
        "price": st.one_of(
            PLAIN, st.sampled_from(["0.01", 190, "1e300", "1e-300", "1e999999", "9" * 400]), st.floats(0, 1000)
        ),
    },
    optional={"jump": PLAIN},
)
FAR = ("2199-12-31", "9999-12-31", "2024-01-02T15:00:00Z")
KINDS = (
    "drop delay duplicate reorder corrupt close half-open mute refuse-handshake connection-limit zombie-session "
    "too-many-requests error-before error-after lost-before lost-after slow stale-reads restart bust correct "
    "foreign-order clock-skew"
).split()
FAULTS = st.fixed_dictionaries(
    {"kind": st.one_of(st.sampled_from(KINDS), TEXT)},
    optional={
        "at": st.one_of(NUMBERS, st.floats(0, 5)),
        "until": NUMBERS,
        "count": NUMBERS,
        "probability": st.one_of(NUMBERS, st.floats(0, 1)),
        "seconds": st.one_of(NUMBERS, st.floats(0, 2)),
        "status": NUMBERS,
        "events": st.lists(st.sampled_from(["fill", "new", "x"]), max_size=2),
        "path": TEXT,
        "symbol": TEXT,
        "after": NUMBERS,
        "percent": PLAIN,
        "price": PLAIN,
        "qty": PLAIN,
        "side": WORDS,
        "most": NUMBERS,
        "code": NUMBERS,
    },
)
OWNERS = st.one_of(
    st.tuples(st.just("step"), st.one_of(STEPS, STEPS, ANY)),
    st.tuples(st.just("price"), st.one_of(PRICES, PRICES, ANY)),
    st.tuples(
        st.just("faults"), st.one_of(FAULTS, FAULTS, st.lists(FAULTS, max_size=3).map(lambda f: {"fault": f}), ANY)
    ),
)


def near(said):
    """No step of more than an hour, which would take its time: the end of time is looked at elsewhere."""
    body = said[1] if isinstance(said[1], dict) else {}
    seconds = body.get("seconds")
    return not (isinstance(seconds, int | float) and 3600 <= seconds < 10**12) and body.get("to") not in FAR


def test_its_owner(new_rig, fuzzed):
    """Nothing its owner says breaks it: a step, a price or a fault is taken, or refused with a reason."""
    rig = new_rig(speed=None)
    token = b"x-venue-token: " + rig.token.encode() + b"\r\n"

    def act(steps):
        for what, body in filter(near, steps):
            rig.count(what)
            raw = written(("POST", f"/_venue/{what}", b"", token, b"", json.dumps(body).encode()))
            status, said = answered(rig, raw, "POST")
            rig.count(f"status {status}")
            assert status in (200, 422), f"{what} {body}: {said!r}\n{rig.logged}"
            # What comes of it, whatever a fault makes of it.
            order = b'{"symbol":"F","qty":"1","side":"buy","type":"market","time_in_force":"day"}'
            keys = b"apca-api-key-id: PAPERKEY\r\napca-api-secret-key: papersecret\r\n"
            rig.owner("POST", "step", {"seconds": 0.1})
            if what != "faults":
                answered(rig, written(("POST", "/v2/orders", b"", keys, b"", order)), "POST")
        assert 200 == rig.owner("DELETE", "faults")[0]
        rig.owner("POST", "step", {"seconds": 1})
        rig.well()
        assert 200 == rig.owner("GET", "oracle")[0], rig.logged

    fuzzed(st.lists(OWNERS, min_size=1, max_size=6), act)
    rig.check()
