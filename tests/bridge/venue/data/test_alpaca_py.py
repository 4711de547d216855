"""Alpaca's own client reads what is answered and told; its requests come here without a socket."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

pytest.importorskip("alpaca")
msgpack = pytest.importorskip("msgpack")
requests = pytest.importorskip("requests")

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the websockets that it uses
    from alpaca.common.exceptions import APIError
    from alpaca.data import enums, historical, live, timeframe
    from alpaca.data import requests as asks

from bridge.venue.core import Request  # noqa: E402
from bridge.venue.data.streams import DataStreams  # noqa: E402

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
MINUTE = timeframe.TimeFrame.Minute


class Wire(requests.adapters.BaseAdapter):
    """Hands requests to market data, and its answers back."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def send(self, request, **_):
        parts = urlsplit(request.url)
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(method=request.method, path=parts.path, query=dict(parse_qsl(parts.query)), headers=headers)
        answer = self.seen.data.handle(asked, self.seen.now)
        response = requests.Response()
        response.status_code, response.request, response.url = answer.status, request, request.url
        response.headers.update(answer.headers)
        response._content = json.dumps(answer.body, allow_nan=False).encode()
        return response

    def close(self):
        pass


def client(kind, seen, *keys):
    made = kind(*keys, url_override="http://venue")
    made._session.mount("http://", Wire(seen))
    return made


@pytest.fixture
def shares(seen):
    seen.bars("AAPL", *range(100, 130))
    seen.bars("F", *range(10, 40))
    for symbol in ("AAPL", "F"):
        seen.move(symbol, 10, 11, 12)
    return client(historical.StockHistoricalDataClient, seen, "PKTEST", "secret")


@pytest.fixture
def coins(seen):
    seen.bars("BTC/USD", *range(100, 130))
    seen.move("BTC/USD", 10, 11, 12)
    return client(historical.CryptoHistoricalDataClient, seen)


def test_bars_of_shares(shares):
    """They are read with their moments, over as many pages as there are."""
    asked = asks.StockBarsRequest(
        symbol_or_symbols=["F", "AAPL"], timeframe=MINUTE, start=START, feed=enums.DataFeed.IEX
    )
    found = shares.get_stock_bars(asked)

    assert [(symbol, len(bars), bars[0].timestamp) for symbol, bars in sorted(found.data.items())] == [
        ("AAPL", 30, START),
        ("F", 30, START),
    ]
    assert (100, 100, 2) == (found["AAPL"][0].close, found["AAPL"][0].vwap, found["AAPL"][0].trade_count)


def test_quotes_and_trades_of_shares(shares):
    """With and without a limit."""
    quotes = shares.get_stock_quotes(asks.StockQuotesRequest(symbol_or_symbols="AAPL", start=START, limit=2))
    trades = shares.get_stock_trades(asks.StockTradesRequest(symbol_or_symbols="AAPL", start=START))

    assert (2, [10, 11, 12]) == (len(quotes["AAPL"]), [trade.price for trade in trades["AAPL"]])


def test_the_latest_of_shares(shares):
    """Bar, quote, trade and snapshot."""
    bar = shares.get_stock_latest_bar(asks.StockLatestBarRequest(symbol_or_symbols=["AAPL", "F"]))
    quote = shares.get_stock_latest_quote(asks.StockLatestQuoteRequest(symbol_or_symbols="AAPL"))
    trade = shares.get_stock_latest_trade(asks.StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    shot = shares.get_stock_snapshot(asks.StockSnapshotRequest(symbol_or_symbols="AAPL"))["AAPL"]

    assert (129, 39) == (bar["AAPL"].close, bar["F"].close)
    assert quote["AAPL"].bid_price < trade["AAPL"].price <= quote["AAPL"].ask_price
    assert (12, 129, 100, None) == (
        shot.latest_trade.price,
        shot.minute_bar.close,
        shot.daily_bar.open,
        shot.previous_daily_bar,
    )


def test_coins(coins):
    """Without any credentials: listings, the latest, books, snapshots."""
    pair = {"symbol_or_symbols": "BTC/USD"}
    days = coins.get_crypto_bars(asks.CryptoBarsRequest(timeframe=timeframe.TimeFrame.Day, start=START.date(), **pair))
    hours = coins.get_crypto_bars(
        asks.CryptoBarsRequest(timeframe=timeframe.TimeFrame.Hour, start=START - timedelta(hours=1), **pair)
    )
    trades = coins.get_crypto_trades(asks.CryptoTradesRequest(start=START, **pair))
    quotes = coins.get_crypto_quotes(asks.CryptoQuoteRequest(start=START, **pair))
    book = coins.get_crypto_latest_orderbook(asks.CryptoLatestOrderbookRequest(**pair))["BTC/USD"]
    shot = coins.get_crypto_snapshot(asks.CryptoSnapshotRequest(**pair))["BTC/USD"]

    assert [(datetime(2024, 1, 2, tzinfo=UTC), 3000)] == [(bar.timestamp, bar.volume) for bar in days["BTC/USD"]]
    assert [datetime(2024, 1, 2, 15, tzinfo=UTC)] == [bar.timestamp for bar in hours["BTC/USD"]]
    assert (3, 3) == (len(trades["BTC/USD"]), len(quotes["BTC/USD"]))
    assert book.bids[0].price < 12 < book.asks[0].price
    assert (12, 129) == (shot.latest_trade.price, shot.minute_bar.close)
    latest = (coins.get_crypto_latest_bar, coins.get_crypto_latest_quote, coins.get_crypto_latest_trade)
    kinds = (asks.CryptoLatestBarRequest, asks.CryptoLatestQuoteRequest, asks.CryptoLatestTradeRequest)
    assert [["BTC/USD"]] * 3 == [list(get(kind(**pair))) for get, kind in zip(latest, kinds, strict=True)]


def test_refusals_are_its_errors(shares, coins):
    """What is wrong is said in the words that its users know."""
    with pytest.raises(APIError, match=r"invalid symbol: BTCUSD does not match") as caught:
        coins.get_crypto_latest_trade(asks.CryptoLatestTradeRequest(symbol_or_symbols="BTCUSD"))

    assert 400 == caught.value.status_code


@pytest.mark.parametrize(
    ("path", "stream", "symbol"),
    [("/v2/iex", live.StockDataStream, "AAPL"), ("/v1beta3/crypto/us", live.CryptoDataStream, "BTC/USD")],
)
def test_streams(seen, path, stream, symbol):
    """It reads every frame as its own code unpacks it, and makes its models of the messages."""
    streams = DataStreams(seen.data)
    made = streams.connect(streams.feed(path), {"content-type": "application/msgpack"})
    made.receive_data(msgpack.packb({"action": "auth", "key": "PKTEST", "secret": "secret"}))
    channels = ["trades", "quotes", "bars", "updatedBars", "dailyBars"] + ["orderbooks"] * ("/" in symbol)
    made.receive_data(msgpack.packb({"action": "subscribe", **{name: [symbol] for name in channels}}))
    seen.move(symbol, 190.25)
    seen.bars(symbol, 190.25, 190.5)
    seen.bars(symbol, 191)
    streams.deliver(START)
    reader = stream("PKTEST", "secret")
    controls, told = [], []
    for frame in made.data_to_send():
        for row in msgpack.unpackb(frame):
            (told if "S" in row else controls).append(row)
    models = [(row["T"], reader._cast(row)) for row in told]

    assert ["success", "success", "subscription"] == [row["T"] for row in controls]
    assert {"t", "q", "b", "u", "d"} | {"o"} & {kind for kind, _ in models} == {kind for kind, _ in models}
    assert {symbol} == {model.symbol for _, model in models}
    assert START == dict(models)["t"].timestamp == dict(models)["q"].timestamp
    assert 190.25 == dict(models)["t"].price
