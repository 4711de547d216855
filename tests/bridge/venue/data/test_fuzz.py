"""Whatever is asked over REST or a websocket has an answer that is well formed, and nothing is raised."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

from bridge.stream.frames import Encoding
from bridge.venue.assets import Assets
from bridge.venue.core import Request
from bridge.venue.data.market_data import MarketData
from bridge.venue.data.protocol import ERRORS, FEEDS, DataProtocol
from bridge.venue.limits import RateLimit
from engine.market.bars import Bar

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
KEYS = {"apca-api-key-id": "PK1", "apca-api-secret-key": "hush"}


def authenticate(key, secret):
    return "account-1" if (key, secret) == ("PK1", "hush") else None


def market():
    data = MarketData(Assets(), authenticate=authenticate, rate=RateLimit(requests=10**9))
    for number in range(5):
        data.opened(START + timedelta(seconds=number))
        for asset in Assets():
            begin = START + number * timedelta(minutes=1)
            data.closed(Bar(asset.symbol, begin, begin + timedelta(minutes=1), *[asset.price] * 4, asset.price))
    return data


DATA = market()

SYMBOLS = st.sampled_from(["AAPL", "F", "BTC/USD", "AAPL,F,MSFT", "BTC/USD,ETH/USD", "NOPE", ",", "a", "é"]) | st.text()
MOMENTS = (
    st.sampled_from(["2024-01-02", "2024-01-02T15:30:00Z", "2024-01-02T10:31:00.5-05:00", "1900-01-01", "2199-12-31"])
    | st.datetimes().map(datetime.isoformat)
    | st.text()
)
TOKENS = st.text() | st.binary().map(lambda data: urlsafe_b64encode(data).decode())
NAMES = {
    "symbols": SYMBOLS,
    "start": MOMENTS,
    "end": MOMENTS,
    "limit": st.integers(-2, 10_002).map(str) | st.text(),
    "sort": st.sampled_from(["asc", "desc", ""]) | st.text(),
    "timeframe": st.from_regex(r"[0-9]{1,2}(Min|T|Hour|Day|D|Week|Month|M)", fullmatch=True) | st.text(),
    "page_token": TOKENS,
    "feed": st.sampled_from(["iex", "sip", "delayed_sip", "otc"]) | st.text(),
    "adjustment": st.sampled_from(["raw", "all", "split,dividend"]) | st.text(),
    "asof": MOMENTS,
    "currency": st.sampled_from(["USD", "EUR"]) | st.text(),
}
KINDS = ("bars", "quotes", "trades", "orderbooks", "snapshots", "snapshot")
PATHS = (
    st.sampled_from(
        [
            f"/v2/stocks/{end}"
            for kind in KINDS
            for end in (kind, f"{kind}/latest", f"AAPL/{kind}", f"AAPL/{kind}/latest")
        ]
        + [f"/v1beta3/crypto/us/{end}" for kind in KINDS for end in (kind, f"latest/{kind}")]
    )
    | st.text().map("/v2/stocks/{}/bars".format)
    | st.text().map("/v1beta3/crypto/".__add__)
    | st.text()
)


@given(path=PATHS, query=st.fixed_dictionaries({}, optional=NAMES))
def test_requests(path, query):
    """The status is one of a few, the body JSON without infinities, and an error says what is wrong."""
    asked = Request(method="GET", path=path, query=query, headers=KEYS)
    answer = DATA.handle(asked, START + timedelta(hours=1))
    body = json.loads(json.dumps(answer.body, allow_nan=False))

    assert answer.status in (200, 400, 404)
    assert isinstance(body, dict) and (answer.status == 200 or isinstance(body["message"], str))


@given(
    kind=st.sampled_from(["bars", "quotes", "trades"]),
    crypto=st.booleans(),
    limit=st.integers(1, 60),
    sort=st.sampled_from(["asc", "desc"]),
    width=st.sampled_from(["1Min", "2Min", "7Min", "1Hour", "1Day", "1Month"]),
)
def test_pages_add_up(kind, crypto, limit, sort, width):
    """However they are cut, the pages of a listing are the listing."""
    symbols = "BTC/USD,DOGE/USD,ETH/USD" if crypto else "AAPL,AMD,F"
    path = f"/v1beta3/crypto/us/{kind}" if crypto else f"/v2/stocks/{kind}"
    query = {"symbols": symbols, "sort": sort, "timeframe": width, "start": "2024-01-01"}

    def ask(**more):
        asked = Request(method="GET", path=path, query=query | more, headers=KEYS)
        return DATA.handle(asked, START + timedelta(hours=1)).body

    rows: dict[str, list] = {}
    body = ask(limit=str(limit))
    while True:
        assert 0 < sum(map(len, body[kind].values())) <= limit
        for symbol, found in body[kind].items():
            rows.setdefault(symbol, []).extend(found)
        if body["next_page_token"] is None:
            break
        body = ask(limit=str(limit), page_token=body["next_page_token"])

    assert ask()[kind] == rows


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
WORDS = st.sampled_from(["AAPL", "*", ""]) | st.text()
CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "orderbooks", "news", "x")
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "action": st.sampled_from(["auth", "subscribe", "unsubscribe", "listen"]) | JSON,
        "key": st.sampled_from(["PK1", "x"]) | JSON,
        "secret": st.sampled_from(["hush", "x"]) | JSON,
        **{channel: st.lists(WORDS) | JSON for channel in CHANNELS},
    },
)
MESSAGES = (
    st.binary()
    | st.text()
    | (JSON | ASKED).map(json.dumps)
    | (JSON | ASKED).map(lambda content: json.dumps(content).encode())
)


def packed(content):
    try:
        return msgspec.msgpack.encode(content)
    except (OverflowError, ValueError):
        return b""


@given(
    feed=st.sampled_from(list(FEEDS.values())),
    encoding=st.sampled_from(Encoding),
    let_in=st.booleans(),
    limit=st.none() | st.integers(1, 3),
    messages=st.lists(MESSAGES | ASKED.map(packed), max_size=5),
)
def test_messages(feed, encoding, let_in, limit, messages):
    """Each message has one answer that reads as an array of objects: an error that is known, or the whole set."""
    made = DataProtocol(feed, authenticate=authenticate, encoding=encoding, symbol_limit=limit)
    if let_in:
        made.credentials("PK1", "hush")
    made.data_to_send()
    for message in messages:
        made.receive_data(message)
        (frame,) = made.data_to_send()
        (row,) = msgspec.msgpack.decode(frame) if encoding is Encoding.MESSAGEPACK else json.loads(frame)

        assert isinstance(frame, str) is (encoding is Encoding.TEXT)
        assert row["T"] in ("success", "subscription") or row["msg"] == ERRORS[row["code"]]
