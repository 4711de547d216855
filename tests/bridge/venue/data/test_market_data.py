"""Market data as a whole: what it is told, who may ask how often, what it has to tell."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from bridge.venue.assets import ASSETS
from bridge.venue.data.market_data import serves
from bridge.venue.identity import Identity
from bridge.venue.limits import RateLimit
from engine.errors import ClockError, InvalidRequest
from engine.market.bars import Bar
from engine.market.ticks import Quote, TradeTick

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
COINS = "/v1beta3/crypto/us/latest/trades"
SHARES = "/v2/stocks/trades/latest"


def told(seen):
    return [(message.kind, message.symbol) for message in seen.data.messages()]


def test_a_move_is_a_trade_and_a_quote(seen):
    """At the price and around it, at the moment of the move."""
    seen.move("AAPL", 190)
    trade = seen.get("/v2/stocks/AAPL/trades/latest")["trade"]
    quote = seen.get("/v2/stocks/AAPL/quotes/latest")["quote"]

    assert (190, 189.98, 190.02) == (trade["p"], quote["bp"], quote["ap"])
    assert "2024-01-02T15:30:00Z" == trade["t"] == quote["t"]


def test_ticks_are_shown_as_they_are(seen):
    """A quote alone is no trade, a trade no quote."""
    seen.data.ticked("BTCUSD", Quote(START, D("1.5"), D("2.5"), D("0.1"), D("0.2")))
    seen.data.ticked("AAPL", TradeTick(START, D("1.5"), D("7")))

    assert {"t": "2024-01-02T15:30:00Z", "bp": 1.5, "bs": 0.1, "ap": 2.5, "as": 0.2} == (
        seen.get("/v1beta3/crypto/us/latest/quotes", symbols="BTC/USD")["quotes"]["BTC/USD"]
    )
    assert {"trades": {}} == seen.get(COINS, symbols="BTC/USD")
    assert (1.5, 7) == tuple(seen.get("/v2/stocks/AAPL/trades/latest")["trade"][name] for name in "ps")


def test_who_took_follows_the_price(seen):
    """Up a buyer, down a seller, and at the same price whoever it was before."""
    seen.move("BTC/USD", 10, 11, 11, 10, 10, 12)
    trades = seen.get("/v1beta3/crypto/us/trades", symbols="BTC/USD")["trades"]["BTC/USD"]

    assert "BBBSSB" == "".join(trade["tks"] for trade in trades)


def test_the_market_begins(seen):
    """From the first moment every asset has a price."""
    seen.data.opened(START)
    shares = ",".join(asset.symbol for asset in ASSETS if not asset.crypto)

    assert {asset.symbol: float(asset.price) for asset in ASSETS if not asset.crypto} == {
        symbol: trade["p"] for symbol, trade in seen.get(SHARES, symbols=shares)["trades"].items()
    }


def test_the_past_can_be_told(seen):
    """Bars from before the venue began are found, whenever they are told."""
    seen.bars("AAPL", 2)
    seen.bars("AAPL", 1, start=START - timedelta(days=30))
    bars = seen.get("/v2/stocks/AAPL/bars", timeframe="1Day", start="2023-12-01")["bars"]

    assert [1, 2] == [bar["c"] for bar in bars]


def test_the_oldest_go(new_seen):
    """Of each kind and asset only the newest are kept."""
    seen = new_seen(most_ticks=8, most_bars=8)
    seen.move("AAPL", *range(1, 101))
    seen.bars("AAPL", *range(1, 101))
    trades = seen.get("/v2/stocks/AAPL/trades")["trades"]
    bars = seen.get("/v2/stocks/AAPL/bars", timeframe="1Min", end="2024-01-03")["bars"]

    assert list(range(93, 101)) == [trade["p"] for trade in trades] == [trade["i"] for trade in trades]
    assert list(range(93, 101)) == [bar["c"] for bar in bars]


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_what_is_told_makes_sense(seen, price):
    """A price is above nothing, a symbol is an asset, a moment has a zone."""
    with pytest.raises(InvalidRequest, match="price"):
        seen.data.moved("AAPL", D(price), START)
    with pytest.raises(InvalidRequest, match="NOPE"):
        seen.data.moved("NOPE", D(1), START)
    with pytest.raises(ClockError):
        seen.data.moved("AAPL", D(1), START.replace(tzinfo=None))


def test_ids_of_requests_are_its_own(new_seen):
    """A venue whose parts share a seed gives no id twice."""
    ids = {new_seen(seed=7)(SHARES, symbols="AAPL").headers["X-Request-ID"], Identity(7).uuid()}

    assert 2 == len(ids)


# --- who may ask ------------------------------------------------------------------------------------------------------


def test_shares_need_credentials(seen):
    """Without good ones there is no answer, and it does not count."""
    for headers in ({}, {"apca-api-key-id": "PKTEST", "apca-api-secret-key": "wrong"}):
        seen.headers = headers
        answer = seen(SHARES, symbols="AAPL")
        assert (401, {"message": "unauthorized."}) == (answer.status, answer.body)
        assert "X-Ratelimit-Limit" not in answer.headers
    assert [] == list(seen.data.arrivals)


def test_coins_need_none(seen):
    """Wrong credentials are refused all the same."""
    seen.move("BTC/USD", 60000)
    statuses = []
    for headers in ({}, {"apca-api-key-id": "PKTEST"}, {"authorization": "Basic x"}):
        seen.headers = headers
        statuses.append(seen(COINS, symbols="BTC/USD").status)

    assert [200, 401, 200] == statuses


def test_basic_credentials_are_good(seen):
    """Key and secret may come as name and password."""
    seen.headers = {"authorization": "Basic " + b64encode(b"PKTEST:secret").decode()}

    assert 200 == seen(SHARES, symbols="AAPL").status


def test_requests_are_counted_by_account(new_seen):
    """Each has a window of its own, those without credentials one together; the headers say what is left."""
    seen = new_seen(rate=RateLimit(requests=2))
    answers = [seen(SHARES, symbols="AAPL") for _ in range(3)]
    seen.headers = {"apca-api-key-id": "PKOTHER", "apca-api-secret-key": "secret"}
    other = seen(SHARES, symbols="AAPL")
    seen.headers = {}
    nobody = [seen(COINS, symbols="BTC/USD").status for _ in range(3)]

    assert [(200, "1"), (200, "0"), (429, "0")] == [
        (answer.status, answer.headers["X-Ratelimit-Remaining"]) for answer in answers
    ]
    assert {"message": "too many requests."} == answers[2].body
    assert (200, [200, 200, 429]) == (other.status, nobody)
    assert [True, True, False, True, True, True, False] == [arrival.allowed for arrival in seen.data.arrivals]
    assert ["PKTEST"] * 3 + ["PKOTHER"] + [""] * 3 == [arrival.key for arrival in seen.data.arrivals]


def test_refusals_count_too(new_seen):
    """A request that makes no sense has its headers as well."""
    answer = new_seen()("/v2/stocks/nonsense/x")

    assert (404, "199") == (answer.status, answer.headers["X-Ratelimit-Remaining"])


def test_paths_of_market_data():
    """They are told from those of trading by how they begin."""
    assert [True, True, False, False] == [
        serves(path) for path in ("/v2/stocks/bars", "/v1beta3/crypto/us/bars", "/v2/orders", "/v2/stocksandmore")
    ]


# --- what is told -----------------------------------------------------------------------------------------------------


def test_nothing_is_gathered_for_nobody(seen):
    """While nobody listens there is nothing to tell."""
    seen.move("AAPL", 190)
    seen.bars("AAPL", 190)

    assert [] == told(seen)


def test_what_happens_is_told(seen):
    """In order, once; coins have a book besides, and a bar comes with that of the day so far."""
    seen.data.listening = True
    seen.move("AAPL", 190)
    seen.move("BTC/USD", 60000)
    seen.bars("AAPL", 190)

    assert [("t", "AAPL"), ("q", "AAPL"), ("t", "BTC/USD"), ("q", "BTC/USD"), ("o", "BTC/USD")] == told(seen)[:5]
    assert [] == told(seen)


def test_bars_are_told_with_their_day(seen):
    """The bar of the day is that of all that was seen of it, up to this one."""
    seen.data.listening = True
    seen.bars("AAPL", 10, 12)
    messages = seen.data.messages()

    assert ["b", "d", "b", "d"] == [message.kind for message in messages]
    assert (10, 12, 200) == tuple(messages[3].row[name] for name in "ocv")
    assert datetime(2024, 1, 2, 5, tzinfo=UTC).timestamp() * 10**9 == messages[3].at


def test_a_bar_that_was_told_is_updated(seen):
    """Told again it takes the place of the first, and is told as an update."""
    seen.data.listening = True
    seen.bars("AAPL", 10)
    seen.bars("AAPL", 11)

    assert ["b", "d", "u", "d"] == [kind for kind, _ in told(seen)]
    assert [11] == [bar["c"] for bar in seen.get("/v2/stocks/AAPL/bars", timeframe="1Min")["bars"]]


def test_books_for_who_comes_late(seen):
    """The present one of a coin, or of all that have one; shares have none."""
    seen.move("BTC/USD", 60000, 60001)
    seen.move("AAPL", 190)

    assert [["BTC/USD"], ["BTC/USD"], [], [], []] == [
        [book.symbol for book in seen.data.books(symbol)] for symbol in ("BTC/USD", "*", "ETH/USD", "AAPL", "NOPE")
    ]
    assert seen.data.books("*")[0].row["r"] is True


def test_the_same_calls_give_the_same_bytes(new_seen):
    """With the same seed; another one makes up other sizes and ids."""

    def story(seed):
        seen = new_seen(seed=seed)
        seen.data.listening = True
        seen.data.opened(START)
        seen.data.closed(Bar("AAPL", START, START, D(1), D(2), D(1), D(2), D(3)))
        return seen.data.messages(), seen(SHARES, symbols="AAPL")

    assert story(1) == story(1)
    assert story(1) != story(2)
