"""
alpaca-trade-api 3.2.0 as it comes from the package index trades at the venue: `REST` and `Stream`.

It wants older versions of websockets and urllib3 than the venue, which is served from a process of its own.
"""

from __future__ import annotations

import asyncio
import warnings
from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Thread
from uuid import uuid4

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it was made for older versions of Python and pandas
    alpaca_trade_api = pytest.importorskip("alpaca_trade_api")

from alpaca_trade_api.common import URL
from alpaca_trade_api.rest import REST, APIError, TimeFrame
from alpaca_trade_api.stream import CryptoDataStream, DataStream, TradingStream

FAIL_AFTER = 5.0  # seconds; only a broken test ever waits this long
EVENING = datetime(2024, 1, 2, 22, tzinfo=UTC)  # an hour after the close
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def client_of(venue, **more):
    return REST(venue.key, venue.secret, base_url=URL(venue.url), **more)


@pytest.fixture
def api(served_venue):
    return client_of(served_venue)


@pytest.fixture
def trade(served_venue, api):
    """Submit an order, let it arrive, and read it again."""

    def traded(symbol="AAPL", qty=1, **more):
        order = api.submit_order(symbol, qty, **more)
        served_venue.step(1)
        return api.get_order(order.id)

    return traded


def refusal(call, *args, **more):
    """Status, code and words of the error that a call ends with."""
    with pytest.raises(APIError) as caught:
        call(*args, **more)
    return caught.value.status_code, caught.value.code, str(caught.value)


# --- the account and the market ---------------------------------------------------------------------------------------


def test_account_and_configurations(api):
    """The account has its money, and its settings hold once they are changed."""
    account = api.get_account()
    changed = api.update_account_configurations(suspend_trade=True)

    assert ("ACTIVE", "100000", "400000") == (account.status, account.cash, account.buying_power)
    assert changed.suspend_trade and api.get_account_configurations().suspend_trade
    assert (403, 40310000, "new orders are rejected by user request") == refusal(api.submit_order, "AAPL", 1)


def test_keys_from_the_environment(served_venue, monkeypatch):
    """Address and keys may stand in the environment, so that a program is pointed here without a change."""
    monkeypatch.setenv("APCA_API_BASE_URL", served_venue.url)
    monkeypatch.setenv("APCA_API_KEY_ID", served_venue.key)
    monkeypatch.setenv("APCA_API_SECRET_KEY", served_venue.secret)

    assert "100000" == REST().get_account().cash


def test_assets_clock_and_calendar(served_venue, api):
    """Assets, clock and calendar are read, a pair with its slash and without."""
    coins = [asset.symbol for asset in api.list_assets(status="active", asset_class="crypto")]
    clock = api.get_clock()
    days = api.get_calendar("2024-07-02", "2024-07-05")

    assert {"BTC/USD", "ETH/USD"} <= set(coins)
    assert "BTC/USD" == api.get_asset("BTC/USD").symbol == api.get_asset("BTCUSD").symbol
    assert (True, EVENING - timedelta(hours=1)) == (clock.is_open, clock.next_close)
    assert ["16:00", "13:00", "16:00"] == [day.close.strftime("%H:%M") for day in days]


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order, status, price",
    [
        ({}, "filled", "190"),
        ({"qty": 0.5}, "filled", "190"),
        ({"qty": None, "notional": 95}, "filled", "190"),
        ({"type": "limit", "limit_price": "200"}, "filled", "190"),
        ({"type": "limit", "limit_price": 180, "time_in_force": "gtc"}, "new", None),
        ({"type": "limit", "limit_price": 180, "time_in_force": "ioc"}, "expired", None),
        ({"type": "limit", "limit_price": 180, "time_in_force": "fok"}, "canceled", None),
        ({"type": "stop", "stop_price": "195"}, "new", None),
        ({"type": "stop_limit", "stop_price": "195", "limit_price": "196"}, "new", None),
        ({"type": "trailing_stop", "trail_price": "2"}, "new", None),
        ({"type": "trailing_stop", "trail_percent": "1.5"}, "new", None),
        ({"side": "sell", "symbol": "F"}, "filled", "12"),
        ({"symbol": "BTC/USD", "qty": 0.01, "time_in_force": "gtc"}, "filled", "60000"),
        ({"symbol": "BTC/USD", "qty": 0.01, "type": "limit", "limit_price": 1000, "time_in_force": "gtc"}, "new", None),
    ],
    ids=lambda value: " ".join(str(each) for each in value.values()) if isinstance(value, dict) else None,
)
def test_orders(trade, order, status, price):
    """Orders of every type and amount fill or wait as the market wants."""
    seen = trade(**order)

    assert (status, price) == (seen.status, seen.filled_avg_price)


def test_opening_and_closing(new_served_venue):
    """Orders for the opening and the closing fill there, one for extended hours in the evening already."""
    venue = new_served_venue(start=EVENING)
    api = client_of(venue)
    early = api.submit_order("F", 1, type="limit", limit_price=13, extended_hours=True)
    venue.step(to=EVENING + timedelta(hours=4))
    opening, closing = (api.submit_order("AAPL", 1, time_in_force=lasting) for lasting in ("opg", "cls"))
    venue.step(1)
    evening = [api.get_order(order.id).status for order in (early, opening, closing)]
    venue.step(to=datetime(2024, 1, 3, 15, tzinfo=UTC))
    venue.price("AAPL", "191")
    morning = [api.get_order(order.id).status for order in (opening, closing)]
    venue.step(to=datetime(2024, 1, 3, 22, tzinfo=UTC))

    assert ["filled", "accepted", "accepted"] == evening
    assert ["filled", "new"] == morning
    assert "filled" == api.get_order(closing.id).status


def test_bracket(served_venue, api):
    """An entry brings two exits; the one that fills ends the other."""
    order = api.submit_order(
        "AAPL",
        5,
        order_class="bracket",
        take_profit={"limit_price": "200"},
        stop_loss={"stop_price": "180", "limit_price": "179"},
    )
    served_venue.step(1)
    served_venue.price("AAPL", "201")
    done = api.get_order(order.id, nested=True)

    assert [("limit", "held"), ("stop_limit", "held")] == [(leg.type, leg.status) for leg in order.legs]
    assert ["filled", "canceled"] == [leg.status for leg in done.legs]
    assert [] == api.list_positions()


def test_oco_and_oto(served_venue, api, trade):
    """Two exits of a position end each other; an entry may bring one exit alone."""
    trade("AAPL", 3)
    oco = trade(
        "AAPL",
        3,
        side="sell",
        type="limit",
        order_class="oco",
        take_profit={"limit_price": "200"},
        stop_loss={"stop_price": "180"},
    )
    oto = trade("F", 10, order_class="oto", stop_loss={"stop_price": "11"})
    served_venue.price("AAPL", "179")
    served_venue.price("F", "10.90")

    assert "canceled" == api.get_order(oco.id).status
    assert ["filled"] == [leg.status for leg in api.get_order(oto.id, nested=True).legs]
    assert [] == api.list_positions()


def test_replace_and_cancel(served_venue, api, trade):
    """An order is replaced by another one, that one is canceled, and then all that are left."""
    old = trade(type="limit", limit_price="180", client_order_id="first")
    new = api.replace_order(old.id, qty="2", limit_price="181", client_order_id="second")
    served_venue.step(1)
    api.cancel_order(new.id)
    served_venue.step(1)
    trade(type="limit", limit_price="170")
    trade("F", type="limit", limit_price="11")
    api.cancel_all_orders()
    served_venue.step(1)

    assert ("replaced", new.id) == (api.get_order(old.id).status, api.get_order(old.id).replaced_by)
    assert ("canceled", "2") == (api.get_order_by_client_order_id("second").status, new.qty)
    assert [] == api.list_orders()


def test_list_orders(api, trade):
    """Orders are listed by status, symbol, side and moment."""
    bought, ford = trade(qty=2), trade("F", type="limit", limit_price="11")
    sale = trade(side="sell", type="limit", limit_price="200")

    def listed(**query):
        return [order.id for order in api.list_orders(**query)]

    assert [sale.id, ford.id] == listed()
    assert [bought.id] == listed(status="closed")
    assert [bought.id, ford.id, sale.id] == listed(status="all", direction="asc", nested=True)
    assert [sale.id] == listed(status="all", side="sell")
    assert [ford.id] == listed(status="all", symbols=["F"])
    assert [sale.id] == listed(status="all", limit=1)
    assert [sale.id] == listed(status="all", after=ford.submitted_at.isoformat())


# --- positions and history --------------------------------------------------------------------------------------------


def test_positions(served_venue, api, trade):
    """What is held is shown, closed in part, and closed as a whole."""
    trade(qty=10)
    trade("F", 100, side="sell")
    held = {position.symbol: position.qty for position in api.list_positions()}
    served_venue.price("AAPL", "195")
    profit = api.get_position("AAPL").unrealized_pl
    api.close_position("AAPL", qty=4)
    served_venue.step(1)
    left = api.get_position("AAPL").qty
    api.close_all_positions()
    served_venue.step(1)

    assert {"AAPL": "10", "F": "-100"} == held
    assert ("50", "6") == (profit, left)
    assert [] == api.list_positions()


def test_history(served_venue, api, trade):
    """Executions are activities, page by page, and what the account was worth is told minute by minute."""
    trade(qty=10)
    trade("F")
    served_venue.step(60)
    served_venue.price("AAPL", "200")
    served_venue.step(60)
    (first,) = api.get_activities("FILL", direction="asc", page_size=1)
    (second,) = api.get_activities("FILL", direction="asc", page_token=first.id)
    history = api.get_portfolio_history(period="1D", timeframe="1Min")

    assert [("AAPL", "10"), ("F", "1")] == [(each.symbol, each.qty) for each in (first, second)]
    assert [100_000, 100_100] == [history.equity[0], history.equity[-1]]
    assert 100_100 == history.df.equity.iloc[-1]


def test_fee_in_the_coin(served_venue, api, trade):
    """A coin is held without what was taken for the fee, which is written down at the day's end."""
    trade("BTC/USD", 1, time_in_force="gtc")
    held = api.get_position("BTCUSD")
    served_venue.step(to=datetime(2024, 1, 3, 6, tzinfo=UTC))
    (fee,) = api.get_activities("CFEE")

    assert ("0.9975", "-0.0025") == (held.qty, fee.qty)


# --- errors -----------------------------------------------------------------------------------------------------------


def test_errors(served_venue, api):
    """Errors have status, code and words."""
    stranger = REST("PKNOBODY", "secret", base_url=URL(served_venue.url))
    unknown = str(uuid4())

    assert (401, 40110000, "access key verification failed : verification failure") == refusal(stranger.get_account)
    assert (403, 40310000, "insufficient buying power") == refusal(api.submit_order, "AAPL", 10_000)
    assert (422, 42210000, 'asset "ZZZZ" not found') == refusal(api.submit_order, "ZZZZ", 1)
    assert (404, 40410000, f"order not found for {unknown}") == refusal(api.get_order, unknown)
    assert (404, 40410000, "position does not exist") == refusal(api.get_position, "F")


def test_too_many_requests(new_served_venue, monkeypatch):
    """Above the limit there is 429, and the client's own retries are heard as long as it takes."""
    monkeypatch.setenv("APCA_RETRY_WAIT", "0")
    venue = new_served_venue(requests=1)
    api = client_of(venue)
    api.get_clock()
    answers = []

    def seen(response, *args, **more):
        answers.append(response.status_code)
        if len(answers) == 3:
            venue.step(60)

    api._session.hooks["response"].append(seen)
    api.get_clock()
    api._retry = 0

    assert [429, 429, 429, 200] == answers
    assert (429, 42910000, "rate limit exceeded") == refusal(api.get_clock)


# --- the stream -------------------------------------------------------------------------------------------------------


@pytest.fixture
def updates(served_venue, threads):
    """What a `TradingStream` in a thread of its own is told, waited for: ``updates(3)``."""
    told = Queue()

    async def handle(update):
        told.put(update)

    stream = TradingStream(served_venue.key, served_venue.secret, URL(served_venue.url))
    stream.subscribe_trade_updates(handle)
    thread = Thread(target=lambda: asyncio.run(stream._run_forever()), name="alpaca-trade-api's stream", daemon=True)
    threads.append(thread)
    thread.start()
    served_venue.wait_listening()
    yield lambda count: [told.get(timeout=FAIL_AFTER) for _ in range(count)]
    stream.stop()


def test_fill(served_venue, api, updates):
    """A market order is pending, new, and filled."""
    order = api.submit_order("AAPL", 2)
    served_venue.step(1)
    pending, new, fill = updates(3)

    assert ["pending_new", "new", "fill"] == [update.event for update in (pending, new, fill)]
    assert {order.id} == {update.order["id"] for update in (pending, new, fill)}
    assert ("190", "2", "2") == (fill.price, fill.qty, fill.position_qty)


def test_canceled_and_replaced(served_venue, api, updates):
    """Changes and cancels are told."""
    old = api.submit_order("AAPL", 1, type="limit", limit_price="180")
    served_venue.step(1)
    new = api.replace_order(old.id, qty="2")
    served_venue.step(1)
    api.cancel_order(new.id)
    served_venue.step(1)

    assert [
        ("pending_new", old.id),
        ("new", old.id),
        ("pending_new", new.id),
        ("replaced", old.id),
        ("new", new.id),
        ("canceled", new.id),
    ] == [(update.event, update.order["id"]) for update in updates(6)]


def test_bracket_is_told(served_venue, api, updates):
    """Exits are told as they begin to work, fill, and end."""
    exits = {"take_profit": {"limit_price": 200}, "stop_loss": {"stop_price": 180}}
    order = api.submit_order("AAPL", 1, order_class="bracket", **exits)
    served_venue.step(1)
    served_venue.price("AAPL", "179")
    profit, stop = (leg.id for leg in order.legs)

    assert [
        ("pending_new", order.id),
        ("new", order.id),
        ("fill", order.id),
        ("new", profit),
        ("new", stop),
        ("fill", stop),
        ("canceled", profit),
    ] == [(update.event, update.order["id"]) for update in updates(7)]


# --- market data ------------------------------------------------------------------------------------------------------


MINUTES = [(190, 191, 189, 190.5, 1000), (190.5, 192, 190, 191, 2000), (191, 191.5, 188, 188.5, 3000)]


@pytest.fixture
def recorded(new_served_venue, minutes, monkeypatch):
    """A venue that plays `MINUTES` of AAPL, and is where the environment says that market data is."""
    venue = new_served_venue(bars={"AAPL": minutes("AAPL", *MINUTES)})
    monkeypatch.setenv("APCA_API_DATA_URL", venue.url)
    return venue


def test_bars_trades_and_quotes(recorded):
    """What was played is read as bars, trades and quotes, all of them or the newest."""
    api = client_of(recorded)
    recorded.step(180)
    bars = api.get_bars("AAPL", TimeFrame.Minute, "2024-01-02T15:30:00Z").df
    trades = api.get_trades("AAPL", "2024-01-02T15:30:00Z").df
    snapshot = api.get_snapshot("AAPL")

    assert MINUTES == list(bars[["open", "high", "low", "close", "volume"]].itertuples(index=False, name=None))
    assert {190, 192, 188, 188.5} <= set(trades.price)
    assert 188.5 == api.get_latest_bar("AAPL").c == api.get_latest_trade("AAPL").p == snapshot.minute_bar.c
    assert 0 < len(api.get_quotes("AAPL", "2024-01-02T15:30:00Z").df) == len(trades)
    assert {"AAPL", "BTC/USD"} == {*api.get_latest_bars(["AAPL"]), *api.get_latest_crypto_trades(["BTC/USD"])}


@pytest.fixture
def told(threads):
    """``told(stream)`` lets a data stream run in a thread of its own; what its handlers are given: ``take("bars")``."""
    streams = []

    class Told:
        def __init__(self):
            self._queues = {name: Queue() for name in ("bars", "trades", "quotes", "books")}

        def __getitem__(self, name):
            async def handle(data):
                self._queues[name].put(data)

            return handle

        def run(self, stream):
            streams.append(stream)
            run = lambda: asyncio.run(stream._run_forever())  # noqa: E731
            threads.append(Thread(target=run, name="alpaca-trade-api's data", daemon=True))
            threads[-1].start()

        def take(self, name, count=1):
            return [self._queues[name].get(timeout=FAIL_AFTER) for _ in range(count)]

    yield Told()
    for stream in streams:
        stream.stop()


def test_stream_of_shares(recorded, told):
    """Bars, trades and quotes are told as they happen."""
    stream = DataStream(recorded.key, recorded.secret, URL(recorded.url), False, "iex")
    stream.subscribe_bars(told["bars"], "AAPL")
    stream.subscribe_trades(told["trades"], "*")
    stream.subscribe_quotes(told["quotes"], "AAPL")
    told.run(stream)
    recorded.wait_listening(path="/v2/iex")
    recorded.step(180)

    assert MINUTES == [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in told.take("bars", 3)]
    assert "AAPL" == told.take("trades")[0].symbol == told.take("quotes")[0].symbol


def test_stream_of_coins(recorded, told):
    """Coins are told of where this client looks for them."""
    stream = CryptoDataStream(recorded.key, recorded.secret, URL(recorded.url), False)
    stream.subscribe_trades(told["trades"], "ETH/USD")
    stream.subscribe_orderbooks(told["books"], "ETH/USD")
    told.run(stream)
    recorded.wait_listening(path="/v1beta2/crypto")
    recorded.price("ETH/USD", "3100")
    (trade,) = told.take("trades")

    assert ("ETH/USD", 3100) == (trade.symbol, trade.price)
    assert "ETH/USD" == told.take("books")[0].symbol
