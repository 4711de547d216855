"""alpaca-py as it comes from the package index trades at the venue: `TradingClient`, and what its models make of it."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its streams use a part of websockets that is going away
    pytest.importorskip("alpaca.trading.client")

from alpaca.common.enums import Sort
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AccountStatus,
    AssetClass,
    AssetExchange,
    AssetStatus,
    OrderClass,
    OrderSide,
    OrderStatus,
    OrderType,
    PositionIntent,
    PositionSide,
    QueryOrderStatus,
    TimeInForce,
)
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
)

from bridge.venue.core import Trader
from bridge.venue.frictions import Terms
from bridge.venue.limits import RateLimit

BUY, SELL = OrderSide.BUY, OrderSide.SELL
DAY, GTC = TimeInForce.DAY, TimeInForce.GTC
EVENING = datetime(2024, 1, 2, 22, tzinfo=UTC)  # five in the afternoon in New York, an hour after the close


@pytest.fixture
def client(venue):
    return venue.client()


@pytest.fixture
def trade(venue, client):
    """Submit an order, let it arrive, and read it again."""

    def traded(request):
        order = client.submit_order(request)
        venue.step(1)
        return client.get_order_by_id(order.id)

    return traded


def market(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, **more):
    return MarketOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=time_in_force, **more)


def limit(price, symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, **more):
    return LimitOrderRequest(symbol=symbol, qty=qty, side=side, time_in_force=time_in_force, limit_price=price, **more)


def exits(profit, stop, **more):
    return {"take_profit": TakeProfitRequest(limit_price=profit), "stop_loss": StopLossRequest(stop_price=stop, **more)}


def refusal(call, *args, **more):
    """Status, code and words of the error that a call ends with."""
    with pytest.raises(APIError) as caught:
        call(*args, **more)
    return caught.value.status_code, caught.value.code, caught.value.message


# --- the account and the market ---------------------------------------------------------------------------------------


def test_account(client):
    """The account has its money, may trade, and may hold four times what it owns."""
    account = client.get_account()

    assert isinstance(account.id, UUID)
    assert AccountStatus.ACTIVE is account.status
    assert ("100000", "400000", "4", "USD") == (
        account.cash,
        account.buying_power,
        account.multiplier,
        account.currency,
    )
    assert account.shorting_enabled
    assert not (account.trading_blocked or account.account_blocked or account.trade_suspended_by_user)


def test_configurations(client):
    """Settings are read, changed as a whole, and hold: a suspended account places nothing."""
    settings = client.get_account_configurations()
    settings.suspend_trade = True
    changed = client.set_account_configurations(settings)

    assert settings == changed == client.get_account_configurations()
    assert (403, 40310000, "new orders are rejected by user request") == refusal(client.submit_order, market())


def test_assets(client):
    """Assets are listed by status and class, and each is found by symbol and by id."""
    coins = client.get_all_assets(GetAssetsRequest(status=AssetStatus.ACTIVE, asset_class=AssetClass.CRYPTO))
    gone = client.get_all_assets(GetAssetsRequest(status=AssetStatus.INACTIVE))
    apple = client.get_asset("AAPL")

    assert {"BTC/USD", "ETH/USD", "DOGE/USD"} <= {asset.symbol for asset in coins}
    assert ["GONE"] == [asset.symbol for asset in gone]
    assert (AssetExchange.NASDAQ, AssetClass.US_EQUITY, True) == (
        apple.exchange,
        apple.asset_class,
        apple.fractionable,
    )
    assert apple == client.get_asset(apple.id)
    assert len(client.get_all_assets()) > len(coins)


@pytest.mark.parametrize("name", ["BTC/USD", "BTCUSD", "BTC%2FUSD"])
def test_asset_of_a_pair(client, name):
    """A pair is found with its slash, without it, and with it percent-encoded; orders in it have a least size."""
    asset = client.get_asset(name)

    assert ("BTC/USD", AssetExchange.CRYPTO, False) == (asset.symbol, asset.exchange, asset.shortable)
    assert asset.min_order_size > 0


def test_clock(venue, client):
    """The clock is the venue's, says whether the market is open, and when it opens and closes next."""
    clock = client.get_clock()
    venue.step(to=EVENING)
    later = client.get_clock()

    assert (True, EVENING - timedelta(hours=6, minutes=30)) == (clock.is_open, clock.timestamp)
    assert EVENING - timedelta(hours=1) == clock.next_close
    assert (False, EVENING) == (later.is_open, later.timestamp)
    assert datetime(2024, 1, 3, 14, 30, tzinfo=UTC) == later.next_open


def test_calendar(client):
    """The calendar leaves holidays out and knows half days."""
    days = client.get_calendar(GetCalendarRequest(start=date(2024, 7, 2), end=date(2024, 7, 5)))

    assert [(2, 16), (3, 13), (5, 16)] == [(day.date.day, day.close.hour) for day in days]
    assert {(9, 30)} == {(day.open.hour, day.open.minute) for day in days}


# --- types, durations and amounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_, submitted",
    [
        pytest.param(market(), {"type": OrderType.MARKET, "qty": "1", "notional": None}, id="market"),
        pytest.param(market(qty=0.5), {"qty": "0.5"}, id="fraction"),
        pytest.param(limit(200), {"type": OrderType.LIMIT, "limit_price": "200"}, id="limit"),
        pytest.param(limit(200, qty=0.25), {"qty": "0.25"}, id="fraction at a limit"),
        pytest.param(limit(200, time_in_force=GTC), {"time_in_force": GTC}, id="gtc"),
        pytest.param(limit(200, time_in_force=TimeInForce.IOC), {"time_in_force": TimeInForce.IOC}, id="ioc"),
        pytest.param(limit(200, time_in_force=TimeInForce.FOK), {"time_in_force": TimeInForce.FOK}, id="fok"),
        pytest.param(market(order_class=OrderClass.SIMPLE), {"order_class": OrderClass.SIMPLE}, id="simple"),
        pytest.param(
            market(position_intent=PositionIntent.BUY_TO_OPEN),
            {"position_intent": PositionIntent.BUY_TO_OPEN},
            id="intent",
        ),
    ],
)
def test_orders_that_fill_at_once(venue, client, request_, submitted):
    """What can be had is bought as soon as the order arrives; the answer shows the order as it was sent."""
    order = client.submit_order(request_)
    venue.step(1)
    filled = client.get_order_by_id(order.id)

    assert OrderStatus.PENDING_NEW is order.status
    assert submitted == {name: getattr(order, name) for name in submitted}
    assert (OrderStatus.FILLED, order.qty, "190") == (filled.status, filled.filled_qty, filled.filled_avg_price)
    assert filled.created_at <= filled.submitted_at <= filled.filled_at <= venue.now()


@pytest.mark.parametrize(
    "request_, bought",
    [
        (MarketOrderRequest(symbol="AAPL", notional=100, side=BUY, time_in_force=DAY), "0.526315789"),
        (LimitOrderRequest(symbol="AAPL", notional=100, side=BUY, time_in_force=DAY, limit_price=200), "0.5"),
    ],
    ids=["market", "limit"],
)
def test_an_amount_of_money(trade, request_, bought):
    """For an amount of money so much is bought as it pays for, at the limit if there is one, to nine decimals."""
    order = trade(request_)

    assert (OrderStatus.FILLED, None, "100") == (order.status, order.qty, order.notional)
    assert bought == order.filled_qty


@pytest.mark.parametrize(
    "request_, prices",
    [
        pytest.param(limit(180), {"limit_price": "180"}, id="limit"),
        pytest.param(
            StopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=GTC, stop_price=195.5),
            {"type": OrderType.STOP, "stop_price": "195.5"},
            id="stop",
        ),
        pytest.param(
            StopLimitOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, stop_price=195, limit_price=196),
            {"type": OrderType.STOP_LIMIT, "stop_price": "195", "limit_price": "196"},
            id="stop-limit",
        ),
        pytest.param(
            TrailingStopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, trail_price=2),
            {"type": OrderType.TRAILING_STOP, "trail_price": "2", "hwm": "190", "stop_price": "192"},
            id="trailing by a price",
        ),
        pytest.param(
            TrailingStopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=GTC, trail_percent=1),
            {"trail_percent": "1", "trail_price": None, "hwm": "190", "stop_price": "191.9"},
            id="trailing by percent",
        ),
    ],
)
def test_orders_that_wait(venue, trade, client, request_, prices):
    """What cannot be had yet is new, with its prices, and fills when the market comes its way."""
    order = trade(request_)
    venue.price("AAPL", "179")
    venue.price("AAPL", "196")
    filled = client.get_order_by_id(order.id)

    assert OrderStatus.NEW is order.status
    assert prices == {name: getattr(order, name) for name in prices}
    assert OrderStatus.FILLED is filled.status


def test_a_trailing_stop_follows(venue, trade, client):
    """The stop of a sale rises with the market, stays when it falls, and sells there."""
    trade(market(qty=2))
    order = trade(TrailingStopOrderRequest(symbol="AAPL", qty=2, side=SELL, time_in_force=DAY, trail_percent=10))
    venue.price("AAPL", "200")
    risen = client.get_order_by_id(order.id)
    venue.price("AAPL", "185")
    stayed = client.get_order_by_id(order.id)
    venue.price("AAPL", "175")
    sold = client.get_order_by_id(order.id)

    assert ("190", "171") == (order.hwm, order.stop_price)
    assert ("200", "180") == (risen.hwm, risen.stop_price) == (stayed.hwm, stayed.stop_price)
    assert (OrderStatus.FILLED, "180") == (sold.status, sold.filled_avg_price)


@pytest.mark.parametrize(
    "lasting, status", [(TimeInForce.IOC, OrderStatus.EXPIRED), (TimeInForce.FOK, OrderStatus.CANCELED)]
)
def test_now_or_never(trade, lasting, status):
    """What has to fill at once and cannot ends without a fill."""
    order = trade(limit(180, time_in_force=lasting))

    assert (status, "0") == (order.status, order.filled_qty)


@pytest.mark.parametrize(
    "lasting, filled_at",
    [
        (TimeInForce.OPG, datetime(2024, 1, 3, 14, 30, tzinfo=UTC)),
        (TimeInForce.CLS, datetime(2024, 1, 3, 21, tzinfo=UTC)),
    ],
)
def test_auctions(new_venue, lasting, filled_at):
    """Orders for the opening and the closing wait for it, accepted, and fill there."""
    venue = new_venue(start=EVENING + timedelta(hours=3))
    client = venue.client()
    order = client.submit_order(market(time_in_force=lasting))
    venue.step(to=datetime(2024, 1, 3, 14, 29, tzinfo=UTC))
    before = client.get_order_by_id(order.id)
    venue.step(to=datetime(2024, 1, 3, 14, 31, tzinfo=UTC))
    venue.price("AAPL", "191")
    venue.step(to=datetime(2024, 1, 3, 21, 1, tzinfo=UTC))
    filled = client.get_order_by_id(order.id)

    assert OrderStatus.ACCEPTED is order.status
    assert (None, OrderStatus.FILLED, "191") == (before.filled_at, filled.status, filled.filled_avg_price)
    assert filled_at <= filled.filled_at < filled_at + timedelta(minutes=2)


def test_hours_before_and_after(new_venue):
    """In the evening an order for extended hours fills, and one without waits for the morning."""
    venue = new_venue(start=EVENING)
    client = venue.client()
    early = client.submit_order(limit(200, extended_hours=True))
    plain = client.submit_order(market("F"))
    venue.step(1)
    evening = [client.get_order_by_id(order.id).status for order in (early, plain)]
    venue.step(to=datetime(2024, 1, 3, 14, 31, tzinfo=UTC))

    assert (True, OrderStatus.ACCEPTED) == (early.extended_hours, plain.status)
    assert [OrderStatus.FILLED, OrderStatus.ACCEPTED] == evening
    assert OrderStatus.FILLED is client.get_order_by_id(plain.id).status


def test_day_orders_expire(venue, trade, client):
    """What has not filled by the close expires if it was for the day, and lives on if it was not."""
    today, lasting = trade(limit(180)), trade(limit(179, time_in_force=GTC))
    venue.step(to=EVENING)

    assert EVENING - timedelta(hours=1) == client.get_order_by_id(today.id).expired_at
    assert OrderStatus.EXPIRED is client.get_order_by_id(today.id).status
    assert OrderStatus.NEW is client.get_order_by_id(lasting.id).status


# --- classes ----------------------------------------------------------------------------------------------------------


def test_bracket(venue, client, trade):
    """The entry brings two exits along that are held until it has filled; the one that fills ends the other."""
    entry = client.submit_order(market(qty=5, order_class=OrderClass.BRACKET, **exits(200, 180)))
    venue.step(1)
    working = client.get_order_by_id(entry.id, GetOrderByIdRequest(nested=True))
    venue.price("AAPL", "201")
    done = client.get_order_by_id(entry.id, GetOrderByIdRequest(nested=True))

    assert [(OrderType.LIMIT, OrderStatus.HELD), (OrderType.STOP, OrderStatus.HELD)] == [
        (leg.type, leg.status) for leg in entry.legs
    ]
    assert [OrderStatus.FILLED, OrderStatus.NEW, OrderStatus.HELD] == [o.status for o in (working, *working.legs)]
    assert [OrderStatus.FILLED, OrderStatus.CANCELED] == [leg.status for leg in done.legs]
    assert "200" == done.legs[0].filled_avg_price
    assert [] == client.get_all_positions()


def test_bracket_with_a_limit_at_its_stop(venue, client):
    """Entry at a limit, and the stop of the exits has a limit of its own."""
    entry = client.submit_order(limit(185, qty=5, order_class=OrderClass.BRACKET, **exits(200, 180, limit_price=179.5)))
    venue.step(1)
    venue.price("AAPL", "184")
    venue.price("AAPL", "179.8")
    done = client.get_order_by_id(entry.id, GetOrderByIdRequest(nested=True))

    assert (OrderType.STOP_LIMIT, "180", "179.5") == (
        done.legs[1].type,
        done.legs[1].stop_price,
        done.legs[1].limit_price,
    )
    assert [OrderStatus.CANCELED, OrderStatus.FILLED] == [leg.status for leg in done.legs]


def test_oco(venue, client, trade):
    """Of two exits of a position the stop is the leg of the other; what fills ends the other."""
    trade(market(qty=3))
    order = trade(limit(200, qty=3, side=SELL, order_class=OrderClass.OCO, **exits(200, 180)))
    nested = client.get_orders(GetOrdersRequest(nested=True))
    venue.price("AAPL", "179")
    done = client.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))

    assert [(OrderClass.OCO, 1)] == [(each.order_class, len(each.legs)) for each in nested]
    assert (OrderStatus.CANCELED, OrderStatus.FILLED) == (done.status, done.legs[0].status)
    assert [] == client.get_all_positions()


@pytest.mark.parametrize("leg", ["take_profit", "stop_loss"])
def test_oto(venue, client, leg):
    """An entry brings one exit along, either of the two."""
    order = client.submit_order(market(order_class=OrderClass.OTO, **{leg: exits(200, 180)[leg]}))
    venue.step(1)
    working = client.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))
    venue.price("AAPL", "201" if leg == "take_profit" else "179")
    done = client.get_order_by_id(order.id, GetOrderByIdRequest(nested=True))

    assert [OrderStatus.HELD] == [each.status for each in order.legs]
    assert [OrderStatus.NEW] == [each.status for each in working.legs]
    assert [OrderStatus.FILLED] == [each.status for each in done.legs]


# --- changing, cancelling, finding ------------------------------------------------------------------------------------


def test_replace(venue, client, trade):
    """An order is changed into another one, with an id and a name of its own, and each points at the other."""
    old = trade(limit(180, client_order_id="first"))
    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(qty=3, limit_price=181.25, client_order_id="second"))
    venue.step(1)
    replaced, working = client.get_order_by_id(old.id), client.get_order_by_id(new.id)

    assert (OrderStatus.REPLACED, new.id) == (replaced.status, replaced.replaced_by)
    assert (OrderStatus.NEW, old.id, "second") == (working.status, working.replaces, working.client_order_id)
    assert ("3", "181.25") == (working.qty, working.limit_price)


def test_replace_a_trail(venue, client, trade):
    """The distance of a trailing stop can be changed."""
    old = trade(TrailingStopOrderRequest(symbol="AAPL", qty=1, side=BUY, time_in_force=DAY, trail_price=2))
    new = client.replace_order_by_id(old.id, ReplaceOrderRequest(trail=5))
    venue.step(1)

    assert ("5", "195") == (new.trail_price, client.get_order_by_id(new.id).stop_price)


def test_replace_the_stop_of_a_bracket(venue, client):
    """The price of an exit can be changed while it works."""
    entry = client.submit_order(market(order_class=OrderClass.OTO, stop_loss=StopLossRequest(stop_price=180)))
    venue.step(1)
    client.replace_order_by_id(entry.legs[0].id, ReplaceOrderRequest(stop_price=185))
    venue.step(1)
    venue.price("AAPL", "184")

    assert [] == client.get_all_positions()


def test_replacing_refused(venue, client, trade):
    """What is over, on its way or as it was before is not changed, and the words say why."""
    filled, waiting = trade(market("F")), trade(limit(180))
    coming = client.submit_order(limit(179))
    replace = client.replace_order_by_id

    assert (422, 40010001, "unable to replace order, order is not open") == refusal(
        replace, filled.id, ReplaceOrderRequest(qty=2)
    )
    assert (403, 40310000, "order parameters are not changed") == refusal(
        replace, waiting.id, ReplaceOrderRequest(limit_price=180)
    )
    assert (422, 40010001, "unable to replace order, order isn't sent to exchange yet") == refusal(
        replace, coming.id, ReplaceOrderRequest(qty=2)
    )


def test_cancel(venue, client, trade):
    """A cancel is asked for at once and takes effect a little later."""
    order = trade(limit(180))

    assert client.cancel_order_by_id(order.id) is None
    assert OrderStatus.PENDING_CANCEL is client.get_order_by_id(order.id).status
    venue.step(1)
    canceled = client.get_order_by_id(order.id)
    assert (OrderStatus.CANCELED, True) == (canceled.status, canceled.canceled_at is not None)


def test_cancel_all(venue, client, trade):
    """All open orders end, and each is answered for; without any there is nothing to answer."""
    orders = [trade(limit(180)), trade(limit(11, "F"))]
    answers = client.cancel_orders()
    venue.step(1)

    assert {(order.id, 200) for order in orders} == {(answer.id, answer.status) for answer in answers}
    assert {"pending_cancel"} == {answer.body["status"] for answer in answers}
    assert [] == client.get_orders()
    assert [] == client.cancel_orders()


def test_find_by_name(client, trade):
    """An order is found by the name that its client gave it, and by the one that it was given otherwise."""
    named, unnamed = trade(limit(180, client_order_id="mine")), trade(limit(179))

    assert named == client.get_order_by_client_id("mine")
    assert unnamed == client.get_order_by_client_id(unnamed.client_order_id)
    assert (404, 40410000, "order not found for yours") == refusal(client.get_order_by_client_id, "yours")


def test_list_orders(venue, client, trade):
    """Orders are listed by status, symbol, side and moment, newest first or oldest first, so many at most."""
    bought = trade(market(qty=2))
    sale = trade(limit(200, side=SELL))
    ford = trade(limit(11, "F"))

    def listed(**query):
        return [order.id for order in client.get_orders(GetOrdersRequest(**query))]

    every = QueryOrderStatus.ALL
    assert [ford.id, sale.id] == [order.id for order in client.get_orders()]
    assert [bought.id] == listed(status=QueryOrderStatus.CLOSED)
    assert [bought.id, sale.id, ford.id] == listed(status=every, direction=Sort.ASC)
    assert [ford.id] == listed(status=every, limit=1)
    assert [ford.id] == listed(status=every, symbols=["F", "GM"])
    assert [sale.id] == listed(status=every, side=SELL)
    assert [ford.id] == listed(status=every, after=sale.submitted_at + timedelta(microseconds=1))
    assert [bought.id] == listed(status=every, until=sale.submitted_at)


def test_list_legs(client, trade):
    """Exits stand under their entry, or beside it if they are not asked to be nested."""
    entry = trade(market(order_class=OrderClass.BRACKET, **exits(200, 180)))
    nested = client.get_orders(GetOrdersRequest(nested=True, status=QueryOrderStatus.ALL))
    flat = client.get_orders(GetOrdersRequest(nested=False, status=QueryOrderStatus.ALL))

    assert [(entry.id, 2)] == [(order.id, len(order.legs)) for order in nested]
    assert 3 == len(flat)


# --- positions --------------------------------------------------------------------------------------------------------


def test_positions(venue, client, trade):
    """What is held is shown with what it cost and what it is worth, all of it or by symbol or id."""
    trade(market(qty=10))
    trade(market("F", qty=100, side=SELL))
    venue.price("AAPL", "195")
    apple = client.get_open_position("AAPL")

    assert {"AAPL": PositionSide.LONG, "F": PositionSide.SHORT} == {
        p.symbol: p.side for p in client.get_all_positions()
    }
    assert ("10", "190", "1900", "1950", "50") == (
        apple.qty,
        apple.avg_entry_price,
        apple.cost_basis,
        apple.market_value,
        apple.unrealized_pl,
    )
    assert apple == client.get_open_position(apple.asset_id)
    assert ("-100", "-1200") == (client.get_open_position("F").qty, client.get_open_position("F").market_value)


@pytest.mark.parametrize(
    "part, left",
    [(ClosePositionRequest(qty="4"), "6"), (ClosePositionRequest(percentage="25"), "7.5"), (None, None)],
    ids=["quantity", "percentage", "all"],
)
def test_close_a_position(venue, client, trade, part, left):
    """A position is closed in part or as a whole, by an order that the answer shows."""
    trade(market(qty=10))
    order = client.close_position("AAPL", part)
    venue.step(1)
    positions = {position.symbol: position.qty for position in client.get_all_positions()}

    assert (SELL, OrderType.MARKET) == (order.side, order.type)
    assert ({} if left is None else {"AAPL": left}) == positions


def test_close_all_positions(venue, client, trade):
    """All positions are closed, and the orders that hold some of them canceled if that is asked for."""
    trade(market(qty=10))
    trade(market("F", qty=100, side=SELL))
    exit_ = trade(limit(200, qty=4, side=SELL))
    answers = client.close_all_positions(cancel_orders=True)
    venue.step(1)

    assert {"AAPL", "F"} <= {answer.symbol for answer in answers}
    assert {200} == {answer.status for answer in answers}
    assert OrderStatus.CANCELED is client.get_order_by_id(exit_.id).status
    assert [] == client.get_all_positions()


def test_close_all_but_what_orders_hold(venue, client, trade):
    """What an open order holds is not closed unless the orders are canceled too; the answer says why."""
    trade(market(qty=10))
    trade(limit(200, qty=4, side=SELL))
    (answer,) = client.close_all_positions(cancel_orders=False)

    assert ("AAPL", 403, 40310000) == (answer.symbol, answer.status, answer.body.code)
    assert (10, 6, 4) == (answer.body.existing_qty, answer.body.available, answer.body.held_for_orders)


# --- history ----------------------------------------------------------------------------------------------------------


def test_activities(venue, client, trade):
    """Each execution is an activity, oldest first or newest first, page by page."""
    orders = [trade(market(qty=2)), trade(market("F")), trade(market(qty=2, side=SELL))]
    first = client.get("/account/activities/FILL", {"direction": "asc", "page_size": 2})
    rest = client.get("/account/activities/FILL", {"direction": "asc", "page_token": first[-1]["id"]})
    newest = client.get("/account/activities", {"activity_types": "FILL", "page_size": 1})

    assert [str(order.id) for order in orders] == [entry["order_id"] for entry in first + rest]
    assert rest == newest
    assert ("2", "190", "2", "0", "fill", "sell") == tuple(
        rest[0][name] for name in ("qty", "price", "cum_qty", "leaves_qty", "type", "side")
    )


def test_portfolio_history(venue, client, trade):
    """What the account was worth is told minute by minute."""
    trade(market(qty=10))
    venue.step(60)
    venue.price("AAPL", "200")
    venue.step(60)
    history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1D", timeframe="1Min"))

    assert ("1Min", 100_000) == (history.timeframe, history.base_value)
    assert [100_000, 100_100] == [history.equity[0], history.equity[-1]]
    assert (100, 0.001) == (history.profit_loss[-1], history.profit_loss_pct[-1])
    assert len(history.timestamp) == len(history.equity)


# --- errors -----------------------------------------------------------------------------------------------------------


def test_wrong_key(venue):
    """A key that is not good is refused."""
    stranger = TradingClient("PKNOBODY", "secret", url_override=venue.url)

    assert (401, 40110000, "access key verification failed : verification failure") == refusal(stranger.get_account)


@pytest.mark.parametrize(
    "request_, said",
    [
        (market(qty=10_000), (403, 40310000, "insufficient buying power")),
        (market("ZZZZ"), (422, 42210000, 'asset "ZZZZ" not found')),
        (market("HALT"), (422, 42210000, 'asset "HALT" is not tradable')),
        (market("HARD", side=SELL), (422, 42210000, 'asset "HARD" cannot be sold short')),
        (market("WHOLE", qty=0.5), (403, 40310000, 'asset "WHOLE" is not fractionable')),
        (market(qty=0.5, time_in_force=GTC), (422, 42210000, "fractional orders must be DAY orders")),
        (market(qty=0.5, side=SELL), (422, 42210000, "fractional orders cannot be sold short")),
        (
            limit(190.123),
            (
                422,
                42210000,
                "invalid limit_price 190.123. sub-penny increment does not fulfill minimum pricing criteria",
            ),
        ),
        (
            market(extended_hours=True),
            (422, 42210000, "extended hours order must be DAY or GTC limit orders"),
        ),
        (
            market("BTC/USD", qty=0.0001, time_in_force=GTC),
            (403, 40310000, "cost basis must be >= minimal amount of order 10"),
        ),
        (market("BTC/USD"), (422, 42210000, "invalid crypto time_in_force")),
        (
            StopOrderRequest(symbol="ETH/USD", qty=1, side=BUY, time_in_force=GTC, stop_price=4000),
            (422, 40010001, "invalid order type for crypto order"),
        ),
    ],
)
def test_refused_orders(client, request_, said):
    """An order against a rule is refused with status, code and words of Alpaca, and there is none."""
    assert said == refusal(client.submit_order, request_)
    assert [] == client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL))


def test_more_than_words(client, trade):
    """The body of an error has what a program needs besides the words."""
    trade(market(qty=10))
    open_sale = trade(limit(200, qty=6, side=SELL))
    with pytest.raises(APIError) as caught:
        client.submit_order(limit(201, qty=10, side=SELL))

    assert {
        "code": 40310000,
        "message": "insufficient qty available for order (requested: 10, available: 4)",
        "available": "4",
        "existing_qty": "10",
        "held_for_orders": "6",
        "related_orders": [str(open_sale.id)],
        "symbol": "AAPL",
    } == caught.value.response.json()


def test_wash_trade(client, trade):
    """An order that could trade with one's own is refused, and the body names that one."""
    mine = trade(limit(180))
    with pytest.raises(APIError) as caught:
        client.submit_order(market(side=SELL))

    body = caught.value.response.json()
    assert "potential wash trade detected. use complex orders" == caught.value.message
    assert (str(mine.id), "opposite side limit order exists") == (body["existing_order_id"], body["reject_reason"])


def test_names_are_unique(client, trade):
    """A name that was used is refused, whatever became of its order."""
    trade(market(client_order_id="once"))

    assert (422, 40010001, "client_order_id must be unique") == refusal(
        client.submit_order, market(client_order_id="once")
    )


def test_what_is_not_there(client, trade):
    """Orders, positions and assets that are not there are answered with 404, and a filled order is not canceled."""
    filled = trade(market())
    unknown = UUID(int=7)

    assert (404, 40410000, f"order not found for {unknown}") == refusal(client.get_order_by_id, unknown)
    assert (404, 40410000, f"order not found for {unknown}") == refusal(client.cancel_order_by_id, unknown)
    assert (404, 40410000, "position does not exist") == refusal(client.get_open_position, "F")
    assert (404, 40410000, "position does not exist") == refusal(client.close_position, "F")
    assert (404, 40410000, "asset not found for FFFFF") == refusal(client.get_asset, "FFFFF")
    assert (422, 42210000, 'order is already in "filled" state') == refusal(client.cancel_order_by_id, filled.id)


def test_too_many_requests(new_venue):
    """Above the limit requests are answered with 429 until the window is over; the headers say when."""
    venue = new_venue(rate=RateLimit(requests=2))
    client = venue.client()
    client._retry = 0  # it would try three times more, three seconds apart
    client.get_clock()
    client.get_clock()
    with pytest.raises(APIError) as caught:
        client.get_clock()
    headers = caught.value.response.headers
    venue.step(60)

    assert (429, 42910000, "rate limit exceeded") == (
        caught.value.status_code,
        caught.value.code,
        caught.value.message,
    )
    assert ("2", "0", str(int(TUESDAY_LATER))) == tuple(
        headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")
    )
    assert venue.now() == client.get_clock().timestamp


TUESDAY_LATER = datetime(2024, 1, 2, 15, 31, tzinfo=UTC).timestamp()


def test_it_tries_again(new_venue):
    """Its own retries, after 429, reach a venue whose window is over by then."""
    venue = new_venue(rate=RateLimit(requests=1))
    client = venue.client()
    client._retry_wait = 0
    client.get_clock()
    answers = []

    def seen(response, *args, **more):
        answers.append(response.status_code)
        if len(answers) == 2:
            venue.step(60)

    client._session.hooks["response"].append(seen)
    client.get_clock()

    assert [429, 429, 200] == answers


# --- coins ------------------------------------------------------------------------------------------------------------


def test_coins_and_their_fee(venue, client, trade):
    """A coin is ordered with a slash and held without; the fee is taken in it, and written down at the day's end."""
    order = trade(market("BTC/USD", qty=1, time_in_force=GTC))
    held = client.get_open_position("BTCUSD")
    venue.step(to=datetime(2024, 1, 3, 6, tzinfo=UTC))
    (fee,) = client.get("/account/activities/CFEE")

    assert ("BTC/USD", AssetClass.CRYPTO, "1") == (order.symbol, order.asset_class, order.filled_qty)
    assert ("BTCUSD", "0.9975", AssetClass.CRYPTO) == (held.symbol, held.qty, held.asset_class)
    assert held == client.get_open_position("BTC%2FUSD")
    assert ("BTCUSD", "-0.0025", "60000") == (fee["symbol"], fee["qty"], fee["price"])


@pytest.mark.parametrize(
    "request_, status",
    [
        (limit(61_000, "BTC/USD", qty=0.01, time_in_force=TimeInForce.IOC), OrderStatus.FILLED),
        (limit(59_000, "BTC/USD", qty=0.01, time_in_force=TimeInForce.IOC), OrderStatus.EXPIRED),
        (limit(59_000, "BTC/USD", qty=0.01, time_in_force=GTC), OrderStatus.NEW),
        (
            StopLimitOrderRequest(
                symbol="BTC/USD", qty=0.01, side=BUY, time_in_force=GTC, stop_price=61_000, limit_price=61_500
            ),
            OrderStatus.NEW,
        ),
        (MarketOrderRequest(symbol="ETH/USD", notional=50, side=BUY, time_in_force=GTC), OrderStatus.FILLED),
    ],
    ids=["ioc", "ioc without a fill", "gtc", "stop-limit", "notional"],
)
def test_orders_in_coins(trade, request_, status):
    """Coins are traded at limits, behind stops and for amounts of money, for as long as it takes or at once."""
    assert status is trade(request_).status


def test_coins_are_sold_back(venue, client, trade):
    """What is left of a coin after the fee is closed to the last digit, at any hour."""
    venue.step(to=datetime(2024, 1, 6, 3, tzinfo=UTC))  # the night to a Saturday
    trade(market("ETH/USD", qty=0.123456789, time_in_force=GTC))
    client.close_position("ETHUSD")
    venue.step(1)

    assert [] == client.get_all_positions()


# --- several accounts, parts ------------------------------------------------------------------------------------------


def test_two_accounts(new_venue):
    """Each key has its own account, and sees nothing of the other's."""
    traders = (Trader(key="PKONE", secret="one"), Trader(key="PKTWO", secret="two", cash=Decimal(500)))
    venue = new_venue(traders=traders)
    one, two = [TradingClient(trader.key, trader.secret, url_override=venue.url) for trader in traders]
    order = one.submit_order(market())
    venue.step(1)

    assert ("500", []) == (two.get_account().cash, two.get_all_positions())
    assert 404 == refusal(two.get_order_by_id, order.id)[0]
    assert 1 == len(one.get_all_positions())


def test_filled_in_parts(new_venue):
    """An order that fills in parts is partially filled until the last one, and its parts are activities."""
    venue = new_venue(terms=Terms(partials=0.99), seed=3)
    client = venue.client()
    order = client.submit_order(market(qty=1000))
    seen = [order]
    while seen[-1].status is not OrderStatus.FILLED:
        assert len(seen) < 100
        venue.step()
        seen.append(client.get_order_by_id(order.id))
    fills = client.get("/account/activities/FILL", {"direction": "asc"})

    assert OrderStatus.PARTIALLY_FILLED in {each.status for each in seen}
    assert 1000 == sum(int(entry["qty"]) for entry in fills)
    assert [*["partial_fill"] * (len(fills) - 1), "fill"] == [entry["type"] for entry in fills]
