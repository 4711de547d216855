"""The market data clients of alpaca-py as they come from the package index, historical and live, read the venue's."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Thread

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its streams use a part of websockets that is going away
    pytest.importorskip("alpaca.data.live")

from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoQuoteRequest,
    CryptoSnapshotRequest,
    CryptoTradesRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

from bridge.venue.limits import RateLimit
from bridge.venue.market import Recorded

FAIL_AFTER = 5.0  # seconds; only a broken test ever waits this long
FIRST = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PRICES = {  # open, high, low, close and volume of a few minutes
    "AAPL": [(190, 191, 189, 190.5, 1000), (190.5, 192, 190, 191, 2000), (191, 191.5, 188, 188.5, 3000)],
    "BTC/USD": [(60000, 60100, 59900, 60050, 3), (60050, 60500, 60000, 60400, 2), (60400, 60450, 60000, 60100, 1)],
}
# Python 3.14 deprecates what the streams ask of their handlers.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def new_recorded(new_venue, minutes):
    """A venue that plays `PRICES`."""
    files = {symbol: minutes(symbol, *bars) for symbol, bars in PRICES.items()}
    return lambda **more: new_venue(market=Recorded(files), **more)


@pytest.fixture
def venue(new_recorded):
    return new_recorded()


def keys(venue):
    trader = venue.recipe.traders[0]
    return trader.key, trader.secret


@pytest.fixture
def stocks(venue):
    return StockHistoricalDataClient(*keys(venue), url_override=venue.url)


@pytest.fixture
def coins(venue):
    return CryptoHistoricalDataClient(url_override=venue.url)  # it needs no keys


def numbers(bars):
    return [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


# --- over REST --------------------------------------------------------------------------------------------------------


def test_bars(venue, stocks):
    """Minutes come as they were played, none before it is over, and wider bars are made of them."""
    venue.step(150)
    request = StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Minute, start=FIRST)
    early = stocks.get_stock_bars(request)["AAPL"]
    venue.step(30)
    bars = stocks.get_stock_bars(request)
    (whole,) = stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols=["AAPL", "GM"], timeframe=TimeFrame(5, TimeFrameUnit.Minute), start=FIRST)
    )["AAPL"]

    assert PRICES["AAPL"][:2] == numbers(early)
    assert PRICES["AAPL"] == numbers(bars["AAPL"])
    assert [FIRST, FIRST + MINUTE, FIRST + 2 * MINUTE] == [bar.timestamp for bar in bars["AAPL"]]
    assert [(190, 192, 188, 188.5, 6000)] == numbers([whole])
    assert (3, 188.5) == (len(bars.df), bars.df.close.iloc[-1])


def test_part_of_the_bars(venue, stocks):
    """Bars are counted and bounded as was asked for."""
    venue.step(180)
    request = {"symbol_or_symbols": "AAPL", "timeframe": TimeFrame.Minute}
    few = stocks.get_stock_bars(StockBarsRequest(start=FIRST, limit=2, **request))
    late = stocks.get_stock_bars(StockBarsRequest(start=FIRST + MINUTE, end=FIRST + MINUTE, **request))

    assert PRICES["AAPL"][:2] == numbers(few["AAPL"])
    assert PRICES["AAPL"][1:2] == numbers(late["AAPL"])


def test_trades_and_quotes(venue, stocks):
    """Each price that was played is a trade, with a quote around it."""
    venue.step(180)
    request = {"symbol_or_symbols": "AAPL", "start": FIRST}
    trades = stocks.get_stock_trades(StockTradesRequest(**request))["AAPL"]
    quotes = stocks.get_stock_quotes(StockQuotesRequest(**request))["AAPL"]

    assert {190, 191, 189, 190.5, 192, 188, 188.5} <= {trade.price for trade in trades}
    assert trades == sorted(trades, key=lambda trade: trade.timestamp)
    assert all(quote.bid_price < quote.ask_price for quote in quotes)
    assert len(trades) == len(quotes)


def test_latest(venue, stocks):
    """The newest bar, trade and quote, and all of them together."""
    venue.step(180)
    bar = stocks.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))["AAPL"]
    trade = stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))["AAPL"]
    quote = stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAPL"))["AAPL"]
    snapshot = stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["AAPL"], feed=DataFeed.IEX))["AAPL"]

    assert PRICES["AAPL"][-1:] == numbers([bar])
    assert 188.5 == trade.price
    assert quote.bid_price < 188.5 < quote.ask_price
    assert (trade, quote, bar) == (snapshot.latest_trade, snapshot.latest_quote, snapshot.minute_bar)
    assert [(190, 192, 188, 188.5, 6000)] == numbers([snapshot.daily_bar])


def test_a_price_that_was_set(venue, stocks):
    """A price that the owner of the venue sets is seen at once."""
    venue.price("F", "12.34")
    trades = stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=["F", "GM"]))

    assert {"F": 12.34, "GM": 45} == {symbol: trade.price for symbol, trade in trades.items()}


def test_coins(venue, coins):
    """Market data of coins is there for everybody, by the pair's symbol."""
    venue.step(180)
    pair = {"symbol_or_symbols": "BTC/USD"}
    bars = coins.get_crypto_bars(CryptoBarsRequest(timeframe=TimeFrame.Minute, start=FIRST, **pair))["BTC/USD"]
    trades = coins.get_crypto_trades(CryptoTradesRequest(start=FIRST, **pair))["BTC/USD"]
    quotes = coins.get_crypto_quotes(CryptoQuoteRequest(start=FIRST, **pair))["BTC/USD"]
    bar = coins.get_crypto_latest_bar(CryptoLatestBarRequest(**pair))["BTC/USD"]
    trade = coins.get_crypto_latest_trade(CryptoLatestTradeRequest(**pair))["BTC/USD"]
    quote = coins.get_crypto_latest_quote(CryptoLatestQuoteRequest(**pair))["BTC/USD"]
    book = coins.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(**pair))["BTC/USD"]
    snapshot = coins.get_crypto_snapshot(CryptoSnapshotRequest(**pair))["BTC/USD"]

    assert PRICES["BTC/USD"] == numbers(bars)
    assert (bars[-1], trades[-1], quotes[-1]) == (bar, trade, quote)
    assert (bar, trade, quote) == (snapshot.minute_bar, snapshot.latest_trade, snapshot.latest_quote)
    assert (quote.bid_price, quote.ask_price) == (book.bids[0].price, book.asks[0].price)


def test_errors(venue):
    """A wrong key is refused."""
    stranger = StockHistoricalDataClient("PKNOBODY", "secret", url_override=venue.url)
    with pytest.raises(APIError) as caught:
        stranger.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))

    assert (401, "unauthorized.") == (caught.value.status_code, caught.value.message)


def test_a_limit_of_its_own(new_recorded):
    """Requests for data are counted apart from those to trade."""
    venue = new_recorded(data_rate=RateLimit(requests=1))
    stocks = StockHistoricalDataClient(*keys(venue), url_override=venue.url)
    stocks._retry = 0  # it would try three times more, three seconds apart
    request = StockLatestBarRequest(symbol_or_symbols="AAPL")
    stocks.get_stock_latest_bar(request)
    with pytest.raises(APIError) as caught:
        stocks.get_stock_latest_bar(request)

    assert (429, "too many requests.") == (caught.value.status_code, caught.value.message)
    assert venue.now() == venue.client().get_clock().timestamp


# --- over websockets --------------------------------------------------------------------------------------------------


class Told:
    """A data stream in a thread of its own; what its handlers were given, by the name of the handler."""

    def __init__(self, stream, threads):
        self.stream = stream
        self._queues = {}
        self._threads = threads

    def handler(self, name):
        queue = self._queues[name] = Queue()

        async def handle(data):
            queue.put(data)

        return handle

    def run(self):
        thread = Thread(target=self.stream.run, name="alpaca-py's data", daemon=True)
        self._threads.append(thread)
        thread.start()

    def take(self, name, count=1):
        """So many of them, waited for."""
        return [self._queues[name].get(timeout=FAIL_AFTER) for _ in range(count)]

    def waiting(self, name):
        """How many have come that were not taken."""
        return self._queues[name].qsize()


@pytest.fixture
def streaming(new_recorded, threads):
    """``streaming(StockDataStream, venue, "/v2/iex")``; the threads end with the venue."""
    begun = []

    def made(kind, venue, path, **more):
        stream = kind(*keys(venue), url_override=f"ws://127.0.0.1:{venue.port}{path}", **more)
        begun.append(stream)
        return Told(stream, threads)

    yield made
    for stream in begun:
        stream.stop()


@pytest.mark.parametrize("path", ["/v2/iex", "/v2/sip"])
def test_stream_of_shares(venue, streaming, path):
    """Trades, quotes and bars are told as they happen, with a bar of the day behind each bar."""
    told = streaming(StockDataStream, venue, path)
    stream = told.stream
    stream.subscribe_trades(told.handler("trades"), "AAPL")
    stream.subscribe_quotes(told.handler("quotes"), "AAPL")
    stream.subscribe_bars(told.handler("bars"), "*")
    stream.subscribe_daily_bars(told.handler("days"), "AAPL")
    told.run()
    venue.wait_listening(path=path)
    venue.step(180)
    (trade,), (quote,) = told.take("trades"), told.take("quotes")

    assert PRICES["AAPL"] == numbers(told.take("bars", 3))
    assert [(190, 192, 188, 188.5, 6000)] == numbers(told.take("days", 3)[-1:])
    assert ("AAPL", True) == (trade.symbol, FIRST <= trade.timestamp <= FIRST + MINUTE)
    assert quote.bid_price < quote.ask_price


def test_stream_of_coins(venue, streaming):
    """Coins are told of likewise, and an order book at once."""
    told = streaming(CryptoDataStream, venue, "/v1beta3/crypto/us")
    stream = told.stream
    stream.subscribe_bars(told.handler("bars"), "BTC/USD")
    stream.subscribe_trades(told.handler("trades"), "BTC/USD")
    stream.subscribe_quotes(told.handler("quotes"), "BTC/USD")
    stream.subscribe_orderbooks(told.handler("books"), "BTC/USD")
    told.run()
    venue.wait_listening(path="/v1beta3/crypto/us")
    (book,) = told.take("books")
    venue.step(180)

    assert "BTC/USD" == book.symbol == told.take("trades")[0].symbol == told.take("quotes")[0].symbol
    assert book.bids[0].price < book.asks[0].price
    assert PRICES["BTC/USD"] == numbers(told.take("bars", 3))


def test_the_stream_that_never_sleeps(venue, streaming):
    """The feed for trying out tells of its one symbol every second, whatever the hour."""
    told = streaming(StockDataStream, venue, "/v2/test")
    told.stream.subscribe_trades(told.handler("trades"), "FAKEPACA")
    told.run()
    venue.wait_listening(path="/v2/test")
    venue.step(3)

    assert {"FAKEPACA"} == {trade.symbol for trade in told.take("trades", 3)}


def test_subscribe_later(venue, streaming):
    """What is subscribed to changes while the stream runs."""
    told = streaming(CryptoDataStream, venue, "/v1beta3/crypto/us")
    told.stream.subscribe_bars(told.handler("bars"), "BTC/USD")
    told.run()
    venue.wait_listening(path="/v1beta3/crypto/us")
    venue.step(60)
    first = told.take("bars")
    told.stream.unsubscribe_bars("BTC/USD")
    told.stream.subscribe_trades(told.handler("trades"), "ETH/USD")
    told.stream.subscribe_orderbooks(told.handler("books"), "ETH/USD")
    told.take("books")  # it is told at once, behind the answers to all that was asked before
    venue.step(60)
    venue.price("ETH/USD", "3100")

    assert PRICES["BTC/USD"][:1] == numbers(first)
    assert ["ETH/USD"] == [trade.symbol for trade in told.take("trades")]
    assert 0 == told.waiting("bars")
