"""Requests for market data: listings and their pages, the latest, snapshots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from bridge.venue.data.queries import Place, token
from engine.market.ticks import TradeTick

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def paged(seen, path, kind, **query):
    """All pages of a listing: of each the symbols and how many rows they have, and all rows by symbol."""
    sizes, rows = [], {}
    while True:
        body = seen.get(path, **query)
        sizes.append({symbol: len(found) for symbol, found in body[kind].items()})
        for symbol, found in body[kind].items():
            rows.setdefault(symbol, []).extend(found)
        if body["next_page_token"] is None:
            return sizes, rows
        query["page_token"] = body["next_page_token"]


def test_bars_of_several_shares(seen):
    """By symbol; what has no bar is missing, and so is what is no asset here."""
    seen.bars("MSFT", 410)
    seen.bars("AAPL", 190, 191)
    body = seen.get("/v2/stocks/bars", symbols="AAPL,MSFT,F,NVDA", timeframe="1Min")

    assert ["AAPL", "MSFT"] == list(body["bars"])
    assert body["next_page_token"] is None
    assert [("2024-01-02T15:30:00Z", 190.0), ("2024-01-02T15:31:00Z", 191.0)] == [
        (bar["t"], bar["c"]) for bar in body["bars"]["AAPL"]
    ]
    assert {"t": "2024-01-02T15:30:00Z", "o": 410, "h": 410, "l": 410, "c": 410, "v": 100, "n": 2, "vw": 410} == (
        body["bars"]["MSFT"][0]
    )


@pytest.mark.parametrize("kind", ["bars", "quotes", "trades"])
def test_of_one_share(seen, kind):
    """The path names it; the answer is a list, empty if there is nothing, and names it too."""
    seen.bars("AAPL", 190)
    seen.move("AAPL", 190)
    bodies = [seen.get(f"/v2/stocks/{symbol}/{kind}", timeframe="1Min", currency="USD") for symbol in ("AAPL", "F")]

    assert [(1, "AAPL"), (0, "F")] == [(len(body[kind]), body["symbol"]) for body in bodies]
    assert {kind, "symbol", "next_page_token", "currency"} == bodies[0].keys()


@pytest.mark.parametrize("kind", ["bars", "quotes", "trades"])
def test_of_coins(seen, kind):
    """Pairs have paths of their own, and their own day."""
    seen.bars("BTC/USD", 60000)
    seen.move("BTC/USD", 60000)
    body = seen.get(f"/v1beta3/crypto/us/{kind}", symbols="BTC/USD,ETH/USD", timeframe="1Day")

    assert ["BTC/USD"] == list(body[kind])
    assert kind != "bars" or "2024-01-02T00:00:00Z" == body[kind]["BTC/USD"][0]["t"]


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize("kind", ["trades", "quotes"])
def test_pages_leave_nothing_out(seen, kind, limit, sort):
    """The limit counts all symbols; each row comes once, several at a moment too; the last page has no token."""
    for symbol in ("AAPL", "F", "MSFT"):
        seen.move(symbol, 1, 2, 3)
        seen.move(symbol, 3, 3, every=0, start=START + timedelta(seconds=2))
    whole = seen.get(f"/v2/stocks/{kind}", symbols="MSFT,F,AAPL", sort=sort)[kind]
    sizes, rows = paged(seen, f"/v2/stocks/{kind}", kind, symbols="MSFT,F,AAPL", limit=limit, sort=sort)

    assert whole == rows
    assert [5, 5, 5] == [len(found) for found in rows.values()]
    assert [limit] * (15 // limit) + [15 % limit] * (15 % limit > 0) == [sum(size.values()) for size in sizes]


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3, 4, 100])
def test_pages_of_bars_leave_nothing_out(seen, limit, sort):
    """Bars that are made of others are not cut by a page."""
    for symbol in ("AAPL", "F"):
        seen.bars(symbol, *range(1, 18))
    query = {"symbols": "F,AAPL", "timeframe": "5Min", "sort": sort}
    whole = seen.get("/v2/stocks/bars", **query)["bars"]
    _, rows = paged(seen, "/v2/stocks/bars", "bars", limit=limit, **query)

    assert whole == rows
    assert sorted([500, 500, 500, 200]) == sorted(bar["v"] for bar in rows["F"])


def test_pages_go_on_while_the_market_does(seen):
    """What happens between two pages is found by later ones and moves none."""
    seen.move("AAPL", 1, 2, 3)
    first = seen.get("/v2/stocks/AAPL/trades", limit=2)
    seen.move("AAPL", 4, start=START + timedelta(minutes=1))
    second = seen.get("/v2/stocks/AAPL/trades", limit=2, page_token=first["next_page_token"])

    assert ([1, 2], [3, 4]) == tuple([trade["p"] for trade in body["trades"]] for body in (first, second))


def test_a_token_belongs_to_its_symbols(seen):
    """Asked for others it is refused."""
    seen.move("AAPL", 1, 2)
    given = seen.get("/v2/stocks/AAPL/trades", limit=1)["next_page_token"]

    assert (400, "invalid page_token") == seen.refused("/v2/stocks/F/trades", page_token=given)


@pytest.mark.parametrize("at", [-(10**19) + 1, 0, 10**19 - 1])
@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("kind", ["bars", "trades"])
def test_tokens_that_were_made_up(seen, kind, sort, at):
    """Wherever one says that a listing is, the rest of it is what lies within start and end, or nothing."""
    seen.bars("AAPL", 1, 2)
    seen.move("AAPL", 1, 2)
    query = {"timeframe": "1Day", "sort": sort, "page_token": token(Place("AAPL", at, 999_999_999))}

    assert len(seen.get(f"/v2/stocks/AAPL/{kind}", **query)[kind]) <= 2


def test_a_listing_can_be_turned(seen):
    """The newest row first, while symbols stay in their order."""
    seen.move("AAPL", 1, 2, 3)
    seen.move("F", 4, 5)
    body = seen.get("/v2/stocks/trades", symbols="AAPL,F", sort="desc")

    assert [("AAPL", [3, 2, 1]), ("F", [5, 4])] == [
        (symbol, [trade["p"] for trade in trades]) for symbol, trades in body["trades"].items()
    ]


def test_start_and_end_are_included(seen):
    """A listing goes from the first moment to the last."""
    seen.move("AAPL", 1, 2, 3, 4)
    body = seen.get("/v2/stocks/AAPL/trades", start="2024-01-02T15:30:01Z", end="2024-01-02T10:30:02-05:00")

    assert [2, 3] == [trade["p"] for trade in body["trades"]]


@pytest.mark.parametrize(
    ("kind", "one", "field"), [("bars", "bar", "c"), ("quotes", "quote", "ap"), ("trades", "trade", "p")]
)
def test_the_latest(seen, kind, one, field):
    """By several symbols or by one, of shares and of coins."""
    for symbol in ("AAPL", "BTC/USD"):
        seen.bars(symbol, 1, 20)
        seen.move(symbol, 1, 20)
    many = seen.get(f"/v2/stocks/{kind}/latest", symbols="AAPL,F")
    single = seen.get(f"/v2/stocks/AAPL/{kind}/latest")
    coins = seen.get(f"/v1beta3/crypto/us/latest/{kind}", symbols="BTC/USD")

    assert {kind: {"AAPL": single[one]}} == many
    assert ({one, "symbol"}, 20) == (single.keys(), round(single[one][field], 0))
    assert 20 == round(coins[kind]["BTC/USD"][field], 0)


@pytest.mark.parametrize("kind", ["bar", "quote", "trade"])
def test_nothing_yet(seen, kind):
    """Of one share that has nothing there is none; of several they are missing."""
    assert (404, f"no {kind} found for F") == seen.refused(f"/v2/stocks/F/{kind}s/latest")
    assert {f"{kind}s": {}} == seen.get(f"/v2/stocks/{kind}s/latest", symbols="F")
    assert (404, "no snapshot found for F") == seen.refused("/v2/stocks/F/snapshot")
    assert {} == seen.get("/v2/stocks/snapshots", symbols="F")


def test_order_books(seen):
    """Of coins alone: the quote is its first level."""
    seen.move("BTC/USD", 60000)
    body = seen.get("/v1beta3/crypto/us/latest/orderbooks", symbols="BTC/USD,ETH/USD")

    assert (["BTC/USD"], 59994, 60006) == (
        list(body["orderbooks"]),
        body["orderbooks"]["BTC/USD"]["b"][0]["p"],
        body["orderbooks"]["BTC/USD"]["a"][0]["p"],
    )


@pytest.mark.parametrize("symbol", ["AAPL", "BTC/USD"])
def test_snapshots(seen, symbol):
    """The latest of each kind, today's bar and that of the day before that had one."""
    seen.bars(symbol, 10, 11, start=START - timedelta(days=4))
    seen.bars(symbol, 20, 21)
    seen.move(symbol, 21)
    if symbol == "AAPL":
        shot = seen.get("/v2/stocks/snapshots", symbols="AAPL,F")[symbol]
        assert {"symbol": symbol, **shot} == seen.get("/v2/stocks/AAPL/snapshot")
    else:
        shot = seen.get("/v1beta3/crypto/us/snapshots", symbols=symbol)["snapshots"][symbol]

    assert {"latestTrade", "latestQuote", "minuteBar", "dailyBar", "prevDailyBar"} == shot.keys()
    assert [(21, 21), (20, 21), (10, 11)] == [
        (shot[name]["o"], shot[name]["c"]) for name in ("minuteBar", "dailyBar", "prevDailyBar")
    ]


def test_delayed_is_a_quarter_of_an_hour_ago(seen):
    """The feed delayed_sip has the latest that is old enough."""
    for minutes in (30, 50):
        seen.data.ticked("AAPL", TradeTick(START + timedelta(minutes=minutes), D(minutes), D(1)))

    assert [50, 30] == [
        seen.get("/v2/stocks/AAPL/trades/latest", feed=feed)["trade"]["p"] for feed in ("iex", "delayed_sip")
    ]


def test_recent_consolidated_data_has_its_price(new_seen):
    """With the plan that costs nothing it is refused until it is a quarter of an hour old."""
    seen = new_seen(real_time=False)
    seen.move("AAPL", 190)
    refusal = (403, "subscription does not permit querying recent SIP data")

    assert refusal == seen.refused("/v2/stocks/AAPL/trades", feed="sip")
    assert refusal == seen.refused("/v2/stocks/AAPL/trades/latest", feed="sip")
    assert 42210000 == seen("/v2/stocks/AAPL/trades", feed="sip").body["code"]
    assert 1 == len(seen.get("/v2/stocks/AAPL/trades", feed="sip", end="2024-01-02T16:15:00Z")["trades"])
    assert 1 == len(seen.get("/v2/stocks/AAPL/trades", feed="iex")["trades"])


@pytest.mark.parametrize(
    ("path", "query", "status", "message"),
    [
        ("/v2/stocks/bars", {"timeframe": "1Min"}, 400, "symbols is required"),
        ("/v2/stocks/bars", {"symbols": "AAPL"}, 400, "timeframe is required"),
        ("/v2/stocks/BTC%2FUSD/trades", {}, 400, "invalid symbol: BTC/USD"),
        ("/v2/stocks/AAPL/quotes/latest", {"feed": "x"}, 400, "invalid feed: x"),
        ("/v1beta3/crypto/eu-1/trades", {"symbols": "BTC/USD"}, 400, "Invalid location: eu-1"),
        ("/v1beta3/crypto/us/latest/news", {"symbols": "BTC/USD"}, 404, "this venue has no GET /v1beta3/crypto/us/latest/news"),  # noqa: E501
        ("/v2/stocks/auctions", {}, 404, "this venue has no GET /v2/stocks/auctions"),
    ],
)  # fmt: skip
def test_requests_that_make_no_sense(seen, path, query, status, message):
    """Each is refused with what is wrong."""
    assert (status, message) == seen.refused(path, **query)


def test_data_is_only_read(seen):
    """There is nothing to be sent here."""
    assert 404 == seen("/v2/stocks/AAPL/trades", method="POST").status
