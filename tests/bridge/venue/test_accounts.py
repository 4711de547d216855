"""Cash, positions, what orders claim, and books that add up whatever happens."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from bridge.venue.frictions import Terms
from engine.market.fees import BasisPoints
from engine.model import Side


def of(body, *names):
    return tuple(body[name] for name in names)


def test_a_new_account(desk):
    """Four times its cash for shares, its cash for coins."""
    account = desk.get("/v2/account")

    assert ("100000", "100000", "400000", "200000", "100000", "4", True) == of(
        account,
        "cash",
        "equity",
        "buying_power",
        "regt_buying_power",
        "non_marginable_buying_power",
        "multiplier",
        "shorting_enabled",
    )


def test_a_position(desk):
    """What was paid, what it is worth, and what came of it today and in all."""
    desk.buy(qty=4)
    desk.price("AAPL", "200")
    position = desk.get("/v2/positions/AAPL")

    assert ("4", "190", "760", "800", "40", "0.0526315789473684", "200", "190", "0.0526315789473684", "long") == of(
        position,
        "qty",
        "avg_entry_price",
        "cost_basis",
        "market_value",
        "unrealized_pl",
        "unrealized_plpc",
        "current_price",
        "lastday_price",
        "change_today",
        "side",
    )
    assert ("99240", "100040", "399360") == of(desk.get("/v2/account"), "cash", "equity", "buying_power")


def test_a_short_position(desk):
    """Quantity, value and cost are below zero."""
    desk.buy(qty=4, side="sell")
    desk.price("AAPL", "180")

    assert ("-4", "-4", "short", "190", "-720", "-760", "40") == of(
        desk.get("/v2/positions/AAPL"),
        "qty",
        "qty_available",
        "side",
        "avg_entry_price",
        "market_value",
        "cost_basis",
        "unrealized_pl",
    )
    assert "sell_short" == desk.get("/v2/account/activities/FILL")[0]["side"]


def test_a_coins_fee_is_taken_from_what_was_bought(desk):
    """One was filled and less is held, at the price that was paid; the position has no slash and both names find it."""
    desk.place("BTC/USD", 1, time_in_force="gtc")
    desk.later()
    frame = desk.core.frames()[-1].data
    position = desk.get("/v2/positions/BTC%2FUSD")

    assert ("1", "0.9975") == (frame["order"]["filled_qty"], frame["position_qty"])
    assert ("BTCUSD", "0.9975", "60000", "59850", "crypto") == of(
        position, "symbol", "qty", "avg_entry_price", "cost_basis", "asset_class"
    )
    assert position == desk.get("/v2/positions/BTCUSD") == desk.get("/v2/positions/BTC/USD")


def test_open_orders_claim_buying_power(desk):
    """A limit buy its cost, a market buy some more than the price, a short sale three per cent more, a sell nothing."""

    def free():
        return D(desk.get("/v2/account")["buying_power"])

    before = free()
    claims = []
    for order in (
        {"type": "limit", "limit_price": 180},
        {"symbol": "MSFT"},
        {"symbol": "F"},
        {"symbol": "SPY", "side": "sell", "type": "limit", "limit_price": 510},
    ):
        desk.place(**order)
        claims.append(before - free())
        before = free()

    assert [D(180), D("420.25"), D("12.48"), D(515)] == claims


def test_claims_end_with_their_order(desk):
    """A cancelled order leaves nothing behind."""
    order = desk.place(type="limit", limit_price=180)
    desk("DELETE", f"/v2/orders/{order['id']}")
    desk.later()

    assert "400000" == desk.get("/v2/account")["buying_power"]


def test_exits_hold_what_their_entry_has_filled(new_desk):
    """While an entry fills in parts nothing else can close what its exits are going to."""
    desk = new_desk(terms=Terms(partials=0.9, latency=(0.6, 0.9)), seed=4)
    exits = {"order_class": "bracket", "take_profit": {"limit_price": 200}, "stop_loss": {"stop_price": 180}}
    desk.place(qty=100, **exits)
    desk.later()
    position = desk.get("/v2/positions/AAPL")

    assert 0 < int(position["qty"]) < 100
    assert "0" == position["qty_available"]
    assert 403 == desk.refused(side="sell", type="trailing_stop", trail_price=1)[0]


def test_the_end_of_a_day(desk):
    """Equity and prices of the close are yesterday's, and today's profit begins anew."""
    desk.buy(qty=4)
    desk.price("AAPL", "200")
    desk.at(datetime(2024, 1, 3, 15, tzinfo=UTC))
    desk.price("AAPL", "201")

    assert ("100040", "100044") == of(desk.get("/v2/account"), "last_equity", "equity")
    assert ("200", "44", "4") == of(
        desk.get("/v2/positions/AAPL"), "lastday_price", "unrealized_pl", "unrealized_intraday_pl"
    )


def books(account):
    """Both sides of the account: what is there, and what came of it."""
    there = account.cash + sum(holding.cost for holding in account.holdings.values())
    return there, account.start + account.earned - account.fees


def test_books_add_up_at_any_time(new_desk):
    """Cash and positions at cost are the start, what was earned, less fees; no claim is ever below zero."""
    hypothesis = pytest.importorskip("hypothesis")
    strategies = hypothesis.strategies
    steps = strategies.lists(
        strategies.tuples(
            strategies.sampled_from(["AAPL", "F", "BTC/USD"]),
            strategies.sampled_from(["buy", "sell"]),
            strategies.sampled_from(["market", "limit", "stop", "trailing_stop", "bracket", "cancel", "move", "patch"]),
            strategies.decimals("0.5", "20", places=2),
            strategies.integers(-8, 8),
        ),
        max_size=30,
    )

    @hypothesis.given(steps=steps, seed=strategies.integers(0, 99))
    def holds(steps, seed):
        terms = Terms(partials=0.5, fees=BasisPoints(D(7)) if seed % 2 else Terms().fees)
        desk = new_desk(seed=seed, terms=terms)
        for symbol, side, what, quantity, shift in steps:
            step(desk, symbol, side, what, quantity, shift)
            account = desk.account
            left, right = books(account)
            assert left == right
            prices = desk.core.last
            assert account.reserved(crypto=True) >= 0 <= account.reserved(crypto=False)
            assert account.buying_power(prices) >= 0
            for holding in account.holdings.values():
                assert abs(account.available(holding.asset)) <= abs(holding.quantity)
                closing = Side.SELL if holding.quantity > 0 else Side.BUY
                held, _ = account.held_by_orders(holding.asset, closing)
                assert held <= abs(holding.quantity)
            fills = [entry.body for entry in account.activities if entry.kind == "FILL"]
            for order in account.orders.values():
                assert order.filled == sum(D(fill["qty"]) for fill in fills if fill["order_id"] == order.id) or (
                    order.replaces is not None
                )

    holds()


def step(desk, symbol, side, what, quantity, shift):
    asset = desk.core.assets.find(symbol)
    here = desk.core.last(asset)
    away = (here * (100 + D(shift)) / 100).quantize(D("0.01"))
    qty = quantity.to_integral_value() or D(1)
    if asset.crypto:
        qty = quantity / 100
    if what == "move":
        desk.price(symbol, str(away), jump=shift % 2 == 0)
    elif what == "cancel":
        desk("DELETE", "/v2/orders")
    elif what == "patch":
        for order in list(desk.account.open.values()):
            desk("PATCH", f"/v2/orders/{order.id}", {"qty": str(qty), "limit_price": str(away)})
    else:
        more = {"limit": {"limit_price": str(away)}, "stop": {"stop_price": str(away)}}.get(what, {})
        if what == "trailing_stop":
            more = {"trail_percent": 2}
        if what == "bracket":
            low, high = str((here * D("0.9")).quantize(D("0.01"))), str((here * D("1.1")).quantize(D("0.01")))
            low, high = (low, high) if side == "buy" else (high, low)
            more = {"order_class": "bracket", "stop_loss": {"stop_price": low}, "take_profit": {"limit_price": high}}
        desk.refused(
            symbol,
            str(qty),
            side=side,
            type="market" if what == "bracket" else what,
            time_in_force="gtc",
            **more,
        )
    desk.later(0.25)


def test_orders_that_share_a_moment_are_told_apart(desk):
    """The legs of a bracket have its entry's: each of the three can be stamped anew."""
    exits = {"take_profit": {"limit_price": 200}, "stop_loss": {"stop_price": 180}}
    desk.place(order_class="bracket", type="limit", limit_price=185, **exits)
    account = desk.account
    entry, profit, stop = account.submitted
    account.submit_again(stop, stop.submitted_at + 10**9)
    account.submit_again(profit, profit.submitted_at + 2 * 10**9)

    assert [entry, stop, profit] == account.submitted
