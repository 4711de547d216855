"""Every error that the venue can answer with: status, code, words, and what else the body has."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

NOT_UNDERSTOOD, NOT_ALLOWED, NOT_FOUND, NOT_VALID = 40010001, 40310000, 40410000, 42210000
UNKNOWN = "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415"
COIN = {"time_in_force": "gtc"}
SHORT_EXITS = {"take_profit": {"limit_price": 180}, "stop_loss": {"stop_price": 200}}
BRACKET = {"order_class": "bracket", "take_profit": {"limit_price": 200}, "stop_loss": {"stop_price": 180}}


def failure(code, message, **extra):
    return {"code": code, "message": message, **extra}


# --- of an order alone ------------------------------------------------------------------------------------------------

ALONE = [
    ({"qty": None}, 422, NOT_UNDERSTOOD, "qty is required"),
    ({"notional": 5}, 400, NOT_UNDERSTOOD, "only one of qty or notional is accepted"),
    ({"qty": "many"}, 422, NOT_UNDERSTOOD, "invalid qty"),
    ({"qty": True}, 422, NOT_UNDERSTOOD, "invalid qty"),
    ({"qty": "NaN"}, 422, NOT_UNDERSTOOD, "invalid qty"),
    ({"qty": "1e99"}, 422, NOT_UNDERSTOOD, "invalid qty"),
    ({"qty": 0}, 422, NOT_UNDERSTOOD, "qty must be > 0"),
    ({"qty": "0.0000000001"}, 422, NOT_UNDERSTOOD, "qty must be below 1000000000000 with at most 9 decimals"),
    ({"symbol": None}, 422, NOT_UNDERSTOOD, "symbol is required"),
    ({"symbol": "ZZZZ"}, 422, NOT_VALID, 'asset "ZZZZ" not found'),
    ({"symbol": "GONE"}, 422, NOT_UNDERSTOOD, "asset GONE is not active"),
    ({"symbol": "HALT"}, 422, NOT_VALID, 'asset "HALT" is not tradable'),
    ({"side": None}, 422, NOT_UNDERSTOOD, "side is required"),
    ({"side": "hold"}, 422, NOT_UNDERSTOOD, "invalid side"),
    ({"side": 1}, 422, NOT_UNDERSTOOD, "side must be a string"),
    ({"type": "iceberg"}, 422, NOT_UNDERSTOOD, "invalid type"),
    ({"time_in_force": "gtd"}, 422, NOT_UNDERSTOOD, "invalid time_in_force"),
    ({"extended_hours": "perhaps"}, 422, NOT_UNDERSTOOD, "extended_hours must be true or false"),
    ({"position_intent": "win"}, 422, NOT_UNDERSTOOD, "invalid position_intent"),
    ({"client_order_id": "x" * 129}, 422, NOT_UNDERSTOOD, "client_order_id must be no more than 128 characters"),
    ({"type": "limit"}, 422, NOT_UNDERSTOOD, "limit orders require limit_price"),
    ({"type": "stop_limit", "limit_price": 195}, 422, NOT_UNDERSTOOD, "stop_limit orders require stop_price"),
    ({"limit_price": 5}, 422, NOT_UNDERSTOOD, "market orders must not have limit_price"),
    ({"trail_price": 5}, 422, NOT_UNDERSTOOD, "market orders must not have trail_price or trail_percent"),
    (
        {"type": "limit", "limit_price": "290.123"},
        422,
        NOT_VALID,
        "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing criteria",
    ),
    (
        {"symbol": "DIME", "type": "stop", "stop_price": "0.43211"},
        422,
        NOT_VALID,
        "invalid stop_price 0.43211. sub-penny increment does not fulfill minimum pricing criteria",
    ),
    # fractions and amounts of money
    ({"symbol": "WHOLE", "qty": "0.5"}, 403, NOT_ALLOWED, 'asset "WHOLE" is not fractionable'),
    ({"symbol": "WHOLE", "qty": None, "notional": 50}, 403, NOT_ALLOWED, 'asset "WHOLE" is not fractionable'),
    ({"qty": "0.5", "time_in_force": "gtc"}, 422, NOT_VALID, "fractional orders must be DAY orders"),
    ({"qty": "1.5", **BRACKET}, 422, NOT_VALID, "fractional orders must be simple orders"),
    (
        {"qty": "1.5", "type": "trailing_stop", "trail_price": 2},
        422,
        NOT_VALID,
        "fractional orders must be market, limit, stop or stop_limit orders",
    ),
    ({"qty": "1.5", "side": "sell"}, 422, NOT_VALID, "fractional orders cannot be sold short"),
    ({"qty": None, "notional": "0.99"}, 422, NOT_VALID, "notional amount must be >= 1.00"),
    ({"qty": "0.001"}, 403, NOT_ALLOWED, "cost basis must be >= minimal amount of order 1"),
    # hours and auctions
    ({"extended_hours": True}, 422, NOT_VALID, "extended hours order must be DAY or GTC limit orders"),
    (
        {"extended_hours": True, "type": "limit", "limit_price": 190, "time_in_force": "ioc"},
        422,
        NOT_VALID,
        "extended hours order must be DAY or GTC limit orders",
    ),
    (
        {"extended_hours": True, "type": "limit", "limit_price": 190, **BRACKET},
        422,
        NOT_VALID,
        "extended hours orders must be simple orders",
    ),
    ({"time_in_force": "opg"}, 422, NOT_VALID, "opg orders are not accepted between 09:28 and 19:00 ET"),
    (
        {"time_in_force": "cls", "type": "stop", "stop_price": 200},
        422,
        NOT_VALID,
        "cls orders must be simple market or limit orders",
    ),
    # trailing stops
    (
        {"type": "trailing_stop"},
        422,
        NOT_UNDERSTOOD,
        "trailing_stop orders require one of trail_price and trail_percent",
    ),
    (
        {"type": "trailing_stop", "trail_percent": 100},
        422,
        NOT_UNDERSTOOD,
        "trail_percent must be below 100",
    ),
    (
        {"type": "trailing_stop", "trail_price": 1, "time_in_force": "ioc"},
        422,
        NOT_VALID,
        "trailing stop orders must be DAY or GTC orders",
    ),
    (
        {"type": "trailing_stop", "trail_price": 1, **BRACKET},
        422,
        NOT_VALID,
        "trailing stop orders must be simple orders",
    ),
    # groups
    (
        {"order_class": "mleg"},
        422,
        NOT_UNDERSTOOD,
        "invalid order_class mleg: simple, bracket, oco or oto",
    ),
    (
        {"take_profit": {"limit_price": 200}},
        422,
        NOT_UNDERSTOOD,
        "take_profit and stop_loss need an order_class",
    ),
    ({**BRACKET, "take_profit": "high"}, 422, NOT_UNDERSTOOD, "take_profit must be an object"),
    ({**BRACKET, "take_profit": None}, 422, NOT_UNDERSTOOD, "bracket orders require take_profit.limit_price"),
    ({**BRACKET, "stop_loss": None}, 422, NOT_UNDERSTOOD, "bracket orders require stop_loss.stop_price"),
    ({**BRACKET, "stop_loss": {"limit_price": 5}}, 422, NOT_UNDERSTOOD, "stop_loss.stop_price is required"),
    ({**BRACKET, "time_in_force": "ioc"}, 422, NOT_VALID, "bracket orders must be DAY or GTC orders"),
    ({**BRACKET, "order_class": "oto"}, 422, NOT_UNDERSTOOD, "oto orders require one of take_profit and stop_loss"),
    ({**BRACKET, "order_class": "oco"}, 422, NOT_UNDERSTOOD, "oco orders must be limit orders"),
    ({**SHORT_EXITS, "order_class": "oco", "type": "limit"}, 422, NOT_VALID, "oco orders must be exit orders"),
    (
        {**BRACKET, "take_profit": {"limit_price": 170}},
        422,
        NOT_UNDERSTOOD,
        "take_profit.limit_price must be > stop_loss.stop_price",
    ),
    (
        {**BRACKET, "stop_loss": {"stop_price": "180.001"}},
        422,
        NOT_VALID,
        "invalid stop_loss.stop_price 180.001. sub-penny increment does not fulfill minimum pricing criteria",
    ),
    # coins
    (
        {"symbol": "BTC/USD", "type": "stop", "stop_price": 70000, **COIN},
        422,
        NOT_UNDERSTOOD,
        "invalid order type for crypto order",
    ),
    ({"symbol": "BTC/USD"}, 422, NOT_VALID, "invalid crypto time_in_force"),
    ({"symbol": "BTC/USD", **BRACKET, **COIN}, 422, NOT_VALID, "crypto orders must be simple orders"),
    (
        {"symbol": "BTC/USD", "qty": "0.0001", **COIN},
        403,
        NOT_ALLOWED,
        "cost basis must be >= minimal amount of order 10",
    ),
    (
        {"symbol": "BTC/USD", "qty": 4, **COIN},
        403,
        NOT_ALLOWED,
        "cost basis must be <= maximal amount of order 200000",
    ),
    ({"symbol": "HARD", "side": "sell"}, 422, NOT_VALID, 'asset "HARD" cannot be sold short'),
]


@pytest.mark.parametrize(("more", "status", "code", "message"), ALONE, ids=lambda value: str(value)[:60])
def test_an_order_that_breaks_a_rule_is_refused(desk, more, status, code, message):
    """A rule of the order or of its asset is answered with its own status, code and words, and nothing is placed."""
    assert (status, failure(code, message)) == desk.refused(**more)
    assert [] == desk.get("/v2/orders", status="all")


@pytest.mark.parametrize(
    "raw", [b"nonsense", b"[1]", b'{"qty": NaN}', b"\xff", b"[" * 100_000, b'{"symbol": "\\ud800"}']
)
def test_a_body_that_is_no_object_is_refused(desk, raw):
    """What cannot be read as a JSON object is not understood."""
    answer = desk("POST", "/v2/orders", raw)

    assert (422, failure(NOT_UNDERSTOOD, "request body format is invalid")) == (answer.status, answer.body)


@pytest.mark.parametrize(
    ("side", "stop", "word"), [("buy", 190, "greater"), ("sell", "190.00", "less"), ("sell", 191, "less")]
)
def test_a_stop_on_the_wrong_side_of_the_market_is_refused(desk, side, stop, word):
    """A buy stops above the market and a sell below it; the refusal names both prices."""
    message = f"stop price must be {word} than current price"
    expected = failure(NOT_VALID, message, market_price="190", stop_price=str(stop).removesuffix(".00"))

    assert (422, expected) == desk.refused(side=side, type="stop", stop_price=stop)


def test_a_stop_loss_at_the_market_is_refused(desk):
    """The stop of a bracket lies a cent or more beyond the market."""
    message = "stop_loss.stop_price must be <= base_price - 0.01"
    expected = failure(NOT_VALID, message, base_price="190", stop_price="190")

    assert (422, expected) == desk.refused(**{**BRACKET, "stop_loss": {"stop_price": 190}})


# --- of the account ---------------------------------------------------------------------------------------------------


def test_too_dear_an_order_says_what_there_is(desk):
    """Buying power that does not suffice is told beside what the order would cost."""
    expected = failure(NOT_ALLOWED, "insufficient buying power", buying_power="400000", cost_basis="1947500")

    assert (403, expected) == desk.refused(qty=10_000)


def test_coins_are_paid_in_cash(desk):
    """A coin is bought without margin."""
    answer = desk.refused("BTC/USD", 3, **COIN)

    assert (403, NOT_ALLOWED) == (answer[0], answer[1]["code"])
    assert "insufficient balance for USD (requested: 184500, available: 100000)" == answer[1]["message"]


def test_a_coin_that_is_not_there_cannot_be_sold(desk):
    """The fee was taken in the coin: less is there than was bought."""
    desk.buy("BTC/USD", "0.5", **COIN)
    status, answer = desk.refused("BTC/USD", "0.5", side="sell", **COIN)

    assert (403, NOT_ALLOWED) == (status, answer["code"])
    assert "insufficient balance for BTC (requested: 0.5, available: 0.49875)" == answer["message"]


def test_shares_that_orders_hold_cannot_be_sold_twice(desk):
    """What open sells hold is not there for another one; the refusal names them."""
    desk.buy(qty=10)
    resting = desk.place(qty=6, side="sell", type="limit", limit_price=200)
    expected = failure(
        NOT_ALLOWED,
        "insufficient qty available for order (requested: 10, available: 4)",
        available="4",
        existing_qty="10",
        held_for_orders="6",
        related_orders=[resting["id"]],
        symbol="AAPL",
    )

    assert (403, expected) == desk.refused(qty=10, side="sell", type="limit", limit_price=210)


@pytest.mark.parametrize(
    ("first", "second", "reason", "prices"),
    [
        (
            {"side": "sell", "type": "limit", "limit_price": 200},
            {"side": "buy", "type": "limit", "limit_price": 200},
            "sell order exists, buy limit price should be less than existing sell limit price",
            {"buy_limit_price": "200", "sell_limit_price": "200"},
        ),
        (
            {"side": "buy", "type": "limit", "limit_price": 180},
            {"side": "sell", "type": "limit", "limit_price": 180},
            "buy order exists, sell limit price should be greater than existing buy limit price",
            {"buy_limit_price": "180", "sell_limit_price": "180"},
        ),
        (
            {"side": "sell", "type": "limit", "limit_price": 200},
            {"side": "buy"},
            "opposite side limit order exists",
            {"sell_limit_price": "200"},
        ),
        (
            {"side": "sell", "type": "stop", "stop_price": 180},
            {"side": "buy", "type": "limit", "limit_price": 170},
            "opposite side market/stop order exists",
            {"buy_limit_price": "170"},
        ),
        (
            {"side": "sell", "type": "stop_limit", "stop_price": 180, "limit_price": 179},
            {"side": "buy", "type": "stop_limit", "stop_price": 200, "limit_price": 201},
            "sell order exists, buy limit price should be less than existing sell limit price",
            {"buy_limit_price": "201", "sell_limit_price": "179"},
        ),
    ],
)
def test_an_order_against_an_own_one_is_refused(desk, first, second, reason, prices):
    """What could trade with an open order of the account is a wash trade, by the table of types and limits."""
    desk.buy(qty=10)
    resting = desk.place(**first)
    message = "potential wash trade detected. use complex orders"
    extra = {"existing_order_id": resting["id"], "reject_reason": reason, **prices}

    assert (403, failure(NOT_ALLOWED, message, **extra)) == desk.refused(**second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"side": "sell", "type": "limit", "limit_price": 200}, {"side": "buy", "type": "limit", "limit_price": 199}),
        ({"side": "sell", "type": "trailing_stop", "trail_price": 5}, {"side": "buy"}),
        ({"side": "sell", "type": "limit", "limit_price": 200}, BRACKET),
        ({"side": "sell", "type": "limit", "limit_price": 200}, {"symbol": "MSFT"}),
        ({"side": "sell", "type": "limit", "limit_price": 200}, {"side": "sell", "type": "stop", "stop_price": 180}),
    ],
)
def test_an_order_that_cannot_meet_an_own_one_is_taken(desk, first, second):
    """Limits that do not cross, trailing stops, brackets, other symbols and the same side are no wash trade."""
    desk.buy(qty=10)
    desk.place(**first)

    assert desk.place(**second)["id"]


def test_client_order_ids_are_used_once(desk):
    """An id is taken for ever, also by an order that is over."""
    desk.buy(client_order_id="mine")

    assert (422, failure(NOT_UNDERSTOOD, "client_order_id must be unique")) == desk.refused(client_order_id="mine")


@pytest.mark.parametrize(
    ("setting", "order", "message"),
    [
        ({"suspend_trade": True}, {}, "new orders are rejected by user request"),
        ({"no_shorting": True}, {"side": "sell"}, "account is not allowed to short"),
        (
            {"fractional_trading": False},
            {"qty": "1.5"},
            "fractional trading is not enabled for this account",
        ),
    ],
)
def test_settings_refuse_orders(desk, setting, order, message):
    """What the owner has switched off is not allowed."""
    desk("PATCH", "/v2/account/configurations", setting)

    assert (403, failure(NOT_ALLOWED, message)) == desk.refused(**order)


def test_a_small_account_cannot_short(new_desk):
    """A short sale needs an equity of 2000 dollars."""
    refused = new_desk(cash=1999).refused("F", side="sell")

    assert (403, failure(NOT_ALLOWED, "account is not allowed to short")) == refused


def test_no_short_sale_while_a_buy_is_open(desk):
    """Two open orders may not open positions of both signs, whatever their limits."""
    desk.place(type="limit", limit_price=180)
    refused = desk.refused(side="sell", type="limit", limit_price=200)

    assert (403, failure(NOT_ALLOWED, "cannot open a short sell while a long buy order is open")) == refused


def test_no_buy_while_a_short_sale_is_open(desk):
    """The same the other way round."""
    desk.place(side="sell", type="limit", limit_price=200)
    refused = desk.refused(type="limit", limit_price=180)

    assert (403, failure(NOT_ALLOWED, "cannot open a long buy while a short sell order is open")) == refused


@pytest.mark.parametrize("order_class", ["bracket", "oto"])
def test_brackets_are_for_entries(desk, order_class):
    """An order with exits cannot close a position."""
    desk.buy(qty=5)
    exits = {"stop_loss": {"stop_price": 200}} | ({"take_profit": {"limit_price": 180}} if order_class != "oto" else {})
    refused = desk.refused(side="sell", order_class=order_class, **exits)

    assert (422, failure(NOT_VALID, f"{order_class} orders must be entry orders")) == refused


# --- of what is asked for ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "message"),
    [
        ("GET", f"/v2/orders/{UNKNOWN}", 404, NOT_FOUND, f"order not found for {UNKNOWN}"),
        ("DELETE", f"/v2/orders/{UNKNOWN}", 404, NOT_FOUND, f"order not found for {UNKNOWN}"),
        ("PATCH", f"/v2/orders/{UNKNOWN}", 404, NOT_FOUND, f"order not found for {UNKNOWN}"),
        ("GET", "/v2/orders/fake_id", 422, NOT_UNDERSTOOD, "order_id is missing"),
        ("GET", "/v2/orders:by_client_order_id", 422, NOT_UNDERSTOOD, "client_order_id is required"),
        ("GET", "/v2/positions/F", 404, NOT_FOUND, "position does not exist"),
        ("DELETE", "/v2/positions/F", 404, NOT_FOUND, "position does not exist"),
        ("GET", "/v2/positions/NONE", 404, NOT_FOUND, "position does not exist"),
        ("GET", "/v2/assets/FFFFF", 404, NOT_FOUND, "asset not found for FFFFF"),
        ("GET", "/v2/account/activities/FFFFF", 422, NOT_UNDERSTOOD, "invalid activity type: FFFFF"),
        ("GET", "/v2/watchlists", 404, NOT_FOUND, "this venue has no GET /v2/watchlists"),
        ("PUT", "/v2/orders", 404, NOT_FOUND, "this venue has no PUT /v2/orders"),
        ("GET", "/", 404, NOT_FOUND, "this venue has no GET /"),
    ],
)
def test_what_is_not_there_is_said(desk, method, path, status, code, message):
    """Unknown orders, positions, assets, types and paths have an error of their own."""
    answer = desk(method, path)

    assert (status, failure(code, message)) == (answer.status, answer.body)


def test_an_unknown_client_order_id_is_named(desk):
    """The message has the client order id where one was asked for."""
    answer = desk("GET", "/v2/orders:by_client_order_id", client_order_id="mine")

    assert (404, failure(NOT_FOUND, "order not found for mine")) == (answer.status, answer.body)


@pytest.mark.parametrize("status", ["filled", "expired"])
def test_what_is_over_cannot_be_cancelled(desk, status):
    """The refusal names the state that the order is in."""
    order = desk.place() if status == "filled" else desk.place(type="limit", limit_price=100)
    desk.at(datetime(2024, 1, 2, 22, tzinfo=UTC))
    answer = desk("DELETE", f"/v2/orders/{order['id']}")

    assert (422, failure(NOT_VALID, f'order is already in "{status}" state')) == (answer.status, answer.body)


@pytest.mark.parametrize("secret", [None, "", "guess"])
def test_wrong_credentials(desk, secret):
    """Without the right key and secret nothing is answered, and no rate is told."""
    desk.headers = {} if secret is None else {"apca-api-key-id": "PKTEST", "apca-api-secret-key": secret}
    answer = desk("GET", "/v2/account")
    message = "access key verification failed : verification failure"

    assert (401, failure(40110000, message)) == (answer.status, answer.body)
    assert [] == [name for name in answer.headers if name.lower().startswith("x-ratelimit")]


def test_one_request_too_many(desk):
    """The request after the last one that is allowed is refused with the three headers, and costs nothing more."""
    answers = [desk("GET", "/v2/clock") for _ in range(202)]
    names = ("X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset")

    assert [200, 429, 429] == [answer.status for answer in answers[199:]]
    assert failure(42910000, "rate limit exceeded") == answers[-1].body
    assert ["200", "0", "1704209460"] == [answers[-1].headers[name] for name in names]
