"""Groups of orders, trailing stops, and a market that is moved by bars, quotes, trades and prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from bridge.venue.frictions import Terms
from engine.market.bars import Bar
from engine.market.ticks import Quote, TradeTick

EXITS = {"take_profit": {"limit_price": 200}, "stop_loss": {"stop_price": 180}}
BRACKET = {"order_class": "bracket", **EXITS}
OCO = {"order_class": "oco", "side": "sell", "type": "limit", **EXITS}


def legs_of(desk, order):
    return [(leg["type"], leg["status"]) for leg in desk.order(order, nested=True)["legs"]]


# --- groups -----------------------------------------------------------------------------------------------------------


def test_the_legs_of_a_bracket_are_held_until_it_is_filled(desk):
    """They come with the answer, inherit quantity and time in force, and lie on the other side."""
    entry = desk.place(qty=2, type="limit", limit_price=185, **BRACKET)
    desk.later()

    assert [("limit", "held"), ("stop", "held")] == legs_of(desk, entry)
    assert {("2", "day", "sell", "bracket", "sell_to_close")} == {
        tuple(leg[name] for name in ("qty", "time_in_force", "side", "order_class", "position_intent"))
        for leg in entry["legs"]
    }
    desk.price("AAPL", "185")
    assert [("limit", "new"), ("stop", "held")] == legs_of(desk, entry)


@pytest.mark.parametrize(
    ("price", "expected", "cash"),
    [
        ("200", [("limit", "filled"), ("stop", "canceled")], "100020"),
        ("180", [("limit", "canceled"), ("stop", "filled")], "99980"),
    ],
)
def test_one_leg_of_a_bracket_ends_the_other(desk, price, expected, cash):
    """Whichever exit fills, the other one is cancelled and nothing is held any more."""
    entry = desk.buy(qty=2, **BRACKET)
    desk.price("AAPL", price)

    assert expected == legs_of(desk, entry)
    assert ([], cash) == (desk.get("/v2/positions"), desk.get("/v2/account")["cash"])


@pytest.mark.parametrize("which", ["entry", "leg"])
def test_cancelling_one_of_a_bracket_cancels_all(desk, which):
    """Entry and legs belong together."""
    entry = desk.place(type="limit", limit_price=185, **BRACKET)
    desk.later()
    desk("DELETE", f"/v2/orders/{(entry if which == 'entry' else entry['legs'][1])['id']}")
    desk.later()

    assert "canceled" == desk.order(entry)["status"]
    assert [("limit", "canceled"), ("stop", "canceled")] == legs_of(desk, entry)


def test_a_bracket_ends_with_its_day(desk):
    """An entry that was not filled expires with its legs."""
    entry = desk.place(type="limit", limit_price=185, **BRACKET)
    desk.at(datetime(2024, 1, 2, 21, tzinfo=UTC))

    assert [("limit", "expired"), ("stop", "expired")] == legs_of(desk, entry)


def test_the_exits_of_a_bracket_hold_the_position_once(desk):
    """Only one of the two can sell, so both together hold what one of them would."""
    desk.buy(qty=2, **BRACKET)

    assert "0" == desk.get("/v2/positions/AAPL")["qty_available"]
    assert 403 == desk.refused(side="sell", type="limit", limit_price=210)[0]


def test_an_oco_is_one_exit_of_two(desk):
    """The profit is the order itself, the stop is its leg; one fills and the other is cancelled."""
    desk.buy(qty=3)
    order = desk.place(qty=3, **OCO)
    desk.later()

    assert ("200", "new") == tuple(desk.order(order)[name] for name in ("limit_price", "status"))
    assert [("stop", "held")] == legs_of(desk, order)
    desk.price("AAPL", "180")
    assert ("canceled", [("stop", "filled")]) == (desk.order(order)["status"], legs_of(desk, order))
    assert [] == desk.get("/v2/positions")


def test_an_oto_brings_one_order_along(desk):
    """The second order becomes new when the first one is filled."""
    entry = desk.place(order_class="oto", stop_loss={"stop_price": 180})
    desk.later()

    assert [("stop", "new")] == legs_of(desk, entry)


def test_a_part_of_the_profit_shrinks_the_stop(new_desk):
    """What the profit has sold the stop will not sell again."""
    desk = new_desk(terms=Terms(partials=0.9), seed=3)
    entry = desk.place(qty=100, order_class="bracket", **EXITS)
    for _ in range(60):
        desk.later()
    desk.price("AAPL", "200")
    profit, stop = desk.order(entry, nested=True)["legs"]
    sold = int(profit["filled_qty"])

    assert 0 < sold < 100
    assert str(100 - sold) == stop["qty"]
    desk.price("AAPL", "170")
    for _ in range(60):
        desk.later()
    assert [] == desk.get("/v2/positions")


def test_the_price_of_a_leg_can_be_changed(desk):
    """A stop that is held behind a filled entry moves, stays in its group, and its quantity does not change."""
    entry = desk.buy(qty=2, **BRACKET)
    stop = desk.order(entry, nested=True)["legs"][1]
    refused = desk("PATCH", f"/v2/orders/{stop['id']}", {"qty": 1})
    new = desk("PATCH", f"/v2/orders/{stop['id']}", {"stop_price": 185}).body
    desk.later()
    desk.price("AAPL", "184")

    assert (422, "qty of a leg cannot be changed") == (refused.status, refused.body["message"])
    assert "filled" == desk.order(new)["status"]
    assert [("limit", "canceled"), ("stop", "filled")] == legs_of(desk, entry)


# --- stops ------------------------------------------------------------------------------------------------------------


def test_a_trailing_stop_follows_the_price(desk):
    """Its stop and the best price seen are told from the first answer on."""
    desk.buy(qty=1)
    order = desk.place(side="sell", type="trailing_stop", trail_percent=10)
    desk.later()
    desk.price("AAPL", "200")
    moved = desk.order(order)
    desk.price("AAPL", "179")

    assert ("190", "171") == (order["hwm"], order["stop_price"])
    assert ("200", "180", "10") == (moved["hwm"], moved["stop_price"], moved["trail_percent"])
    assert ("filled", "180") == tuple(desk.order(order)[name] for name in ("status", "filled_avg_price"))


def test_the_trail_can_be_changed(desk):
    """PATCH calls it trail, whichever of the two it is."""
    desk.buy(qty=1)
    order = desk.place(side="sell", type="trailing_stop", trail_price=10, time_in_force="gtc")
    desk.later()
    new = desk("PATCH", f"/v2/orders/{order['id']}", {"trail": 5}).body
    desk.later()

    assert ("5", "190", "185") == tuple(desk.order(new)[name] for name in ("trail_price", "hwm", "stop_price"))


def test_a_trailing_stop_sleeps_at_night(desk):
    """What the price does while the market is closed does not move it, and it remembers what it saw before."""
    desk.buy(qty=1)
    order = desk.place(side="sell", type="trailing_stop", trail_price=10, time_in_force="gtc")
    desk.later()
    desk.price("AAPL", "195")
    desk.at(datetime(2024, 1, 3, 2, tzinfo=UTC))
    desk.price("AAPL", "150")
    desk.price("AAPL", "191")
    desk.at(datetime(2024, 1, 3, 14, 31, tzinfo=UTC))

    assert ("new", "195", "185") == tuple(desk.order(order)[name] for name in ("status", "hwm", "stop_price"))


def test_a_stop_limit_stays_triggered_over_night(desk):
    """Once its stop was reached it is a limit order, the next day too; the first price of a session is a jump."""
    order = desk.place(type="stop_limit", stop_price=195, limit_price=194, time_in_force="gtc")
    desk.later()
    desk.price("AAPL", "196")
    desk.at(datetime(2024, 1, 3, 14, 31, tzinfo=UTC))
    desk.price("AAPL", "193")

    assert ("filled", "193") == tuple(desk.order(order)[name] for name in ("status", "filled_avg_price"))


# --- the market -------------------------------------------------------------------------------------------------------


def test_money_buys_what_it_buys(desk):
    """An order for an amount has no quantity, and fills as many parts of a share as the price allows."""
    order = desk.place(qty=None, notional=100)
    desk.later()
    order = desk.order(order)

    assert (None, "100", "0.526315789", "filled") == tuple(
        order[name] for name in ("qty", "notional", "filled_qty", "status")
    )


def test_orders_trade_at_the_quote(desk):
    """Buyers pay what is asked, sellers get what is bid."""
    desk.core.tick("AAPL", Quote(desk.now, D("189.9"), D("190.1"), D(100), D(100)))
    bought = desk.place(qty=2)
    desk.later()
    sold = desk.place(side="sell")
    desk.later()

    assert ["190.1", "189.9"] == [desk.order(each)["filled_avg_price"] for each in (bought, sold)]
    assert "190" == desk.get("/v2/positions/AAPL")["current_price"]


def test_a_trade_of_others_fills_what_rests(desk):
    """A trade at the limit or through it is one that the order could have had."""
    order = desk.place(type="limit", limit_price=185)
    desk.later()
    desk.core.tick("AAPL", TradeTick(desk.now, D("186"), D(100)))
    desk.core.tick("AAPL", TradeTick(desk.now, D("184.5"), D(100)))

    assert ("filled", "185") == tuple(desk.order(order)[name] for name in ("status", "filled_avg_price"))


def test_a_bar_is_played_from_its_start_to_its_end(desk):
    """Orders meet every price on its way, and what is due in between happens in between."""
    buy = desk.place(type="limit", limit_price=185)
    start = desk.now + timedelta(seconds=1)
    desk.core.bar(
        Bar("AAPL", start, start + timedelta(minutes=1), D(190), D(195), D(184), D(194), D(1000)),
        Bar("MSFT", start, start + timedelta(minutes=1), D(410), D(411), D(409), D(410), D(1000)),
    )
    desk.now = desk.core.now

    assert start + timedelta(minutes=1) == desk.now
    assert ("filled", "185") == tuple(desk.order(buy)[name] for name in ("status", "filled_avg_price"))
    assert "194" == desk.get("/v2/positions/AAPL")["current_price"]


def test_a_jump_skips_what_lies_between(desk):
    """A limit order gets the better price, a stop the worse one."""
    limit = desk.place(type="limit", limit_price=185)
    desk.later()
    desk.price("AAPL", "180", jump=True)

    assert "180" == desk.order(limit)["filled_avg_price"]


def test_coins_trade_at_night(new_desk):
    """Whatever the calendar says."""
    desk = new_desk(start=datetime(2024, 1, 6, 12, tzinfo=UTC))
    order = desk.place("BTC/USD", "0.1", time_in_force="gtc")
    desk.later()

    assert "filled" == desk.order(order)["status"]


def test_bars_after_quotes(desk):
    """Once the market is moved by prices again, what was quoted before is gone."""
    desk.core.tick("AAPL", Quote(desk.now, D("189.9"), D("190.1"), D(100), D(100)))
    desk.price("AAPL", "195")
    order = desk.place()
    desk.later()

    assert "195" == desk.order(order)["filled_avg_price"]


def test_the_first_move_is_a_way_too(desk):
    """Every market begins at a price, so the first move from there meets what lies between."""
    order = desk.place(type="limit", limit_price=185)
    desk.at(desk.core.next_due())
    other = desk.place("MSFT", type="limit", limit_price=400)
    desk.price("AAPL", "180")

    assert ("185", "pending_new") == (desk.order(order)["filled_avg_price"], desk.order(other)["status"])


def test_a_stop_that_buys_pays_little_more(desk):
    """It is sent as a stop-limit, 4 % above a stop below 50 dollars and 2.5 % above others; a gap leaves it behind."""
    cheap = desk.place("GM", type="stop", stop_price=46)
    dear = desk.place(type="stop", stop_price=200)
    within = desk.place("MSFT", type="stop", stop_price=420)
    desk.later()
    for symbol, price in (("GM", "47.85"), ("AAPL", "205.01"), ("MSFT", "430.50")):
        desk.price(symbol, price, jump=True)
    left = [desk.order(each) for each in (cheap, dear, within)]
    for symbol, price in (("GM", "47.84"), ("AAPL", "205")):
        desk.price(symbol, price, jump=True)

    assert [("new", "stop", None), ("new", "stop", None), ("filled", "stop", None)] == [
        tuple(each[name] for name in ("status", "type", "limit_price")) for each in left
    ]
    assert ["47.84", "205"] == [desk.order(each)["filled_avg_price"] for each in (cheap, dear)]


def test_a_stop_that_sells_gets_what_there_is(desk):
    """However far the market has gone."""
    desk.buy()
    order = desk.place(side="sell", type="stop", stop_price=180)
    desk.later()
    desk.price("AAPL", "100", jump=True)

    assert "100" == desk.order(order)["filled_avg_price"]


def test_money_leaves_two_percent_of_a_coin_order(desk):
    """A market order for money buys coins as if they cost 2 % more."""
    order = desk.place("BTC/USD", None, notional=1020, time_in_force="gtc")
    desk.later()
    order = desk.order(order)

    assert ("filled", "0.016666666", "60000") == tuple(
        order[name] for name in ("status", "filled_qty", "filled_avg_price")
    )


# --- replacements -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_a_replacement_that_is_cancelled_at_once_replaces_first(new_desk, seed):
    """Whichever of the two takes effect first, nothing is left open."""
    desk = new_desk(seed=seed)
    old = desk.place(type="limit", limit_price=180)
    desk.later()
    new = desk("PATCH", f"/v2/orders/{old['id']}", {"limit_price": 181}).body
    desk("DELETE", f"/v2/orders/{new['id']}")
    desk.later()

    assert ("replaced", "canceled") == (desk.order(old)["status"], desk.order(new)["status"])
    assert [] == desk.get("/v2/orders")


@pytest.mark.parametrize("seed", range(8))
def test_a_replacement_for_the_day_that_is_asked_for_at_its_end(new_desk, seed):
    """It replaces and expires; the order it was for does not wait for ever."""
    desk = new_desk(seed=seed)
    old = desk.place(type="limit", limit_price=180, time_in_force="gtc")
    desk.at(datetime(2024, 1, 2, 20, 59, 59, 900_000, tzinfo=UTC))
    new = desk("PATCH", f"/v2/orders/{old['id']}", {"time_in_force": "day"}).body
    desk.later()

    assert ("replaced", "expired") == (desk.order(old)["status"], desk.order(new)["status"])


def test_an_order_whose_replacement_is_awaited_trades(new_desk):
    """Also one that comes to the market meanwhile: a session begins before the replacement takes effect."""
    worked = []
    for seed in range(10):
        desk = new_desk(seed=seed, terms=Terms(latency=(0.05, 3600)))
        old = desk.place(type="limit", limit_price=185, time_in_force="gtc")
        desk.at(datetime(2024, 1, 3, 14, 29, tzinfo=UTC))
        desk("PATCH", f"/v2/orders/{old['id']}", {"limit_price": 150})
        desk.later(1800)
        awaited = desk.order(old)["status"] == "pending_replace"
        desk.price("AAPL", "184")
        worked.append(awaited and desk.order(old)["status"] == "filled")
        desk.later(7200)

        assert desk.order(old)["status"] in ("filled", "replaced")
    assert any(worked)


def test_the_stop_of_a_bracket_is_replaced_while_its_profit_fills(desk):
    """What the profit has sold meanwhile the new stop does not sell again."""
    entry = desk.buy(qty=100, **BRACKET)
    profit, stop = desk.order(entry, nested=True)["legs"]
    core, account = desk.core, desk.account
    new = desk("PATCH", f"/v2/orders/{stop['id']}", {"stop_price": 181}).body
    order = account.orders[profit["id"]]
    core._exchange._matcher.order(order.id).remaining = D(40)  # as if the rest stood behind others
    desk.price("AAPL", "200")
    desk.later()
    desk.price("AAPL", "170")

    assert "60" == desk.order(new)["filled_qty"]
    assert [] == desk.get("/v2/positions")


def test_nothing_is_kept_of_an_order_that_is_over(desk):
    """Neither of one that filled, nor of one that was cancelled, replaced or refused."""
    desk.buy()
    resting = desk.place(type="limit", limit_price=150, time_in_force="gtc")
    desk.later()
    new = desk("PATCH", f"/v2/orders/{resting['id']}", {"limit_price": 151}).body
    desk.later()
    desk("DELETE", f"/v2/orders/{new['id']}")
    desk.later()
    exchange = desk.core._exchange

    assert ({}, {}, set()) == (
        exchange._orders,
        exchange._waiting,
        {id for ids in exchange._ending.values() for id in ids},
    )
