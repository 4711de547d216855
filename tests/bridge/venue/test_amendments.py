"""Executions that are busted or corrected: the books, the order, its activity, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge.venue.frictions import Terms
from engine.errors import InvalidRequest
from engine.market.fees import BasisPoints
from engine.market.liquidity import Depth
from engine.market.ticks import TradeTick


def state(desk):
    """What the account owns, and what it has earned."""
    account = desk.account
    held = {name: (each.quantity, each.cost, each.day_cost) for name, each in account.holdings.items()}
    return account.cash, held, account.earned, account.fees


def last(desk):
    return list(desk.core.executions)[-1]


@pytest.fixture
def part_filled(new_desk):
    """A desk, and a limit order for 10 of which 4 are filled and 6 work."""
    desk = new_desk(terms=Terms(depth=Depth(participation=Decimal("0.1"))))
    placed = desk.place("AAPL", 10, type="limit", limit_price=189)
    desk.later()
    desk.core.tick("AAPL", trade(desk, "188", 40))
    desk.core.frames()
    assert "4" == desk.order(placed)["filled_qty"]
    return desk, placed


def trade(desk, price, size):
    return TradeTick(at=desk.now, price=Decimal(price), size=Decimal(size))


# --- busts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["AAPL", "BTC/USD"])
def test_a_bust_undoes_the_books(desk, symbol):
    """Cash, position, fees and what was earned are as if it had never been."""
    before = state(desk)
    desk.buy(symbol, 1, time_in_force="day" if symbol == "AAPL" else "gtc")
    assert before != state(desk)
    desk.core.bust(last(desk).ids[0], desk.now)

    assert before == state(desk)
    assert [] == desk.get("/v2/positions")


def test_a_bust_in_the_middle(desk):
    """What came after it stands as if it had come alone: its price is in no average any more."""
    desk.buy("AAPL", 10)
    desk.price("AAPL", "200")
    desk.buy("AAPL", 10)
    desk.price("AAPL", "210")
    desk.place("AAPL", 5, side="sell")
    desk.later()
    first = next(iter(desk.core.executions))
    desk.core.bust(first.activity.id, desk.now)
    (position,) = desk.get("/v2/positions")

    assert ("5", "200") == (position["qty"], position["avg_entry_price"])
    assert Decimal(50) == desk.account.earned
    assert Decimal(100_000 - 2000 + 1050) == desk.account.cash


def test_a_bust_of_yesterday(new_desk):
    """The day's result is counted from what was held at its beginning, without what was busted."""
    desk = new_desk(start=datetime(2024, 1, 2, 20, tzinfo=UTC))
    desk.buy("AAPL", 2)
    desk.buy("AAPL", 3)
    desk.price("AAPL", "195")
    desk.at(datetime(2024, 1, 3, 15, tzinfo=UTC))
    desk.price("AAPL", "200")
    desk.core.bust(last(desk).ids[0], desk.now)
    (position,) = desk.get("/v2/positions")

    assert ("2", "20", "10") == (position["qty"], position["unrealized_pl"], position["unrealized_intraday_pl"])


def test_a_busted_order_stays_over(desk):
    """It is filled with less than it was for, and does not trade again."""
    placed = desk.buy("AAPL", 2)
    desk.core.bust(last(desk).ids[0], desk.now)
    desk.later()
    order = desk.order(placed)

    assert ("filled", "0", None) == (order["status"], order["filled_qty"], order["filled_avg_price"])
    assert [] == desk.core.frames()[1:]


def test_a_bust_of_an_open_order(part_filled):
    """It is new again, and works for all that it was for."""
    desk, placed = part_filled
    desk.core.bust(last(desk).ids[0], desk.now)
    order = desk.order(placed)

    assert ("new", "0") == (order["status"], order["filled_qty"])
    desk.core.tick("AAPL", trade(desk, "188", 1000))
    assert ("filled", "10") == (desk.order(placed)["status"], desk.order(placed)["filled_qty"])
    assert "10" == desk.get("/v2/positions/AAPL")["qty"]


def test_a_bust_reaches_the_order_that_came_after(part_filled):
    """A replacement has taken over the fills of the first order, and loses them with it."""
    desk, placed = part_filled
    new = desk("PATCH", f"/v2/orders/{placed['id']}", {"qty": "8"}).body
    desk.later()
    assert "4" == desk.order(new)["filled_qty"]
    desk.core.bust(last(desk).ids[0], desk.now)

    assert ("0", "0") == (desk.order(placed)["filled_qty"], desk.order(new)["filled_qty"])
    desk.core.tick("AAPL", trade(desk, "188", 1000))
    assert ("filled", "8") == (desk.order(new)["status"], desk.order(new)["filled_qty"])


def test_who_is_told_of_a_bust(desk):
    """One frame for server-sent events alone; it names the execution and itself, and has the order as it is then."""
    desk.buy("AAPL", 2)
    execution = last(desk)
    (fill,) = execution.ids
    desk.core.bust(fill, desk.now)
    (frame,) = desk.core.frames()
    data = frame.data

    assert frame.sse_only
    assert desk.account.id == frame.account
    assert ("trade_bust", fill) == (data["event"], data["previous_execution_id"])
    assert [fill, data["execution_id"]] == execution.ids
    assert ("2", "190", "0", "0") == (data["qty"], data["price"], data["position_qty"], data["order"]["filled_qty"])


def test_the_activity_of_a_bust(desk):
    """It stays in the list, as cancelled."""
    desk.buy()
    desk.core.bust(last(desk).ids[0], desk.now)
    (activity,) = desk.get("/v2/account/activities/FILL")

    assert ("canceled", "1") == (activity["status"], activity["qty"])


def test_fees_of_what_was_busted(desk):
    """Busted on its day, no fee is written; busted later, the fee comes back."""
    desk.buy("BTC/USD", "0.1", time_in_force="gtc")
    desk.buy("BTC/USD", "0.2", time_in_force="gtc")
    kept, busted = desk.core.executions
    desk.core.bust(busted.ids[0], desk.now)
    desk.later(timedelta(days=1).total_seconds())
    (fee,) = desk.get("/v2/account/activities/CFEE")
    desk.core.bust(kept.ids[0], desk.now)
    back, same = desk.get("/v2/account/activities/CFEE")

    assert fee == same
    assert Decimal(fee["qty"]) == -Decimal(back["qty"]) < 0
    assert 0 == desk.account.fees


# --- corrections ------------------------------------------------------------------------------------------------------


def test_a_corrected_price(desk):
    """Cash and cost follow, and the order's average too."""
    placed = desk.buy("AAPL", 2)
    execution = desk.core.correct(last(desk).ids[0], desk.now, price=Decimal(180))
    (position,) = desk.get("/v2/positions")

    assert "corrected" == execution.state
    assert (Decimal(100_000 - 360), "180") == (desk.account.cash, position["avg_entry_price"])
    assert ("filled", "2", "180") == tuple(desk.order(placed)[n] for n in ("status", "filled_qty", "filled_avg_price"))


def test_a_corrected_quantity(part_filled):
    """The order works for what it lacks now."""
    desk, placed = part_filled
    desk.core.correct(last(desk).ids[0], desk.now, quantity=Decimal(3))

    assert "3" == desk.order(placed)["filled_qty"]
    desk.core.tick("AAPL", trade(desk, "188", 1000))
    assert ["7", "3"] == [each["qty"] for each in desk.get("/v2/account/activities/FILL")]
    assert "10" == desk.get("/v2/positions/AAPL")["qty"]


def test_a_corrected_fee(desk):
    """The fee is that of the execution as it stands."""
    desk.buy("BTC/USD", "0.1", time_in_force="gtc")
    execution = last(desk)
    before = execution.charge.coin
    desk.core.correct(execution.ids[0], desk.now, quantity=Decimal("0.05"))

    assert before / 2 == execution.charge.coin
    assert desk.account.fees == execution.fee


def test_who_is_told_of_a_correction(desk):
    """Server-sent events: the numbers as they are from now on; the activity has them too."""
    desk.buy("AAPL", 2)
    fill = last(desk).ids[0]
    desk.core.correct(fill, desk.now, price=Decimal(180))
    desk.core.correct(fill, desk.now, quantity=Decimal(1))
    first, second = desk.core.frames()
    (activity,) = desk.get("/v2/account/activities/FILL")

    assert first.sse_only and second.sse_only
    assert ["trade_correct"] * 2 == [first.data["event"], second.data["event"]]
    assert (fill, first.data["execution_id"]) == tuple(each.data["previous_execution_id"] for each in (first, second))
    assert ("1", "180", "1") == tuple(second.data[name] for name in ("qty", "price", "position_qty"))
    assert ("correct", "1", "180") == tuple(activity[name] for name in ("status", "qty", "price"))


# --- what is refused --------------------------------------------------------------------------------------------------


def test_an_execution_that_is_none(desk):
    """A name that nothing has is said to be none."""
    with pytest.raises(InvalidRequest, match="execution = 'x': expected the id of an execution"):
        desk.core.bust("x", desk.now)


def test_a_bust_of_what_was_busted(desk):
    """Once is enough."""
    desk.buy()
    name = last(desk).ids[0]
    desk.core.bust(name, desk.now)

    with pytest.raises(InvalidRequest, match="one that still stands"):
        desk.core.bust(name, desk.now)
    with pytest.raises(InvalidRequest, match="one that still stands"):
        desk.core.correct(name, desk.now, price=Decimal(1))


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({}, "at least one that changes"),
        ({"price": Decimal(190)}, "at least one that changes"),
        ({"price": Decimal(0)}, "price"),
        ({"quantity": Decimal(0)}, "quantity"),
        ({"quantity": Decimal(3)}, "at most 2"),
    ],
)
def test_corrections_that_make_no_sense(desk, numbers, words):
    """They are refused by name, and nothing has changed."""
    desk.buy("AAPL", 2)
    before = state(desk)

    with pytest.raises(InvalidRequest, match=words):
        desk.core.correct(last(desk).ids[0], desk.now, **numbers)
    assert before == state(desk)


def test_a_correction_does_not_fill_an_order(part_filled):
    """It has to leave something of an order that is open."""
    desk, _ = part_filled

    with pytest.raises(InvalidRequest, match="less than 10"):
        desk.core.correct(last(desk).ids[0], desk.now, quantity=Decimal(10))


# --- orders of others -------------------------------------------------------------------------------------------------


def test_a_foreign_order(desk):
    """It trades as any other, under an id that nobody here has given it, and is no request of this key."""
    answer = desk.core.foreign_order(
        "PKTEST", b'{"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}', desk.now
    )
    desk.later()

    assert 200 == answer.status
    assert ["pending_new", "new", "fill"] == [event for event, _, _ in desk.events()]
    assert answer.body["client_order_id"] in desk.account.clients
    assert [] == desk.core.arrivals


def test_a_foreign_order_that_is_refused(desk):
    """The same rules hold for it."""
    answer = desk.core.foreign_order("PKTEST", b'{"symbol": "ZZZZ"}', desk.now)

    assert 422 == answer.status
    assert [] == desk.core.frames()


def test_a_foreign_order_on_no_account(desk):
    """There has to be one of that key."""
    with pytest.raises(InvalidRequest, match="the key of an account"):
        desk.core.foreign_order("nobody", b"{}", desk.now)


# --- fees in money ----------------------------------------------------------------------------------------------------


def test_fees_in_money(new_desk):
    """They come back with a bust, and follow a correction."""
    desk = new_desk(terms=Terms(fees=BasisPoints(Decimal(10))))
    before = state(desk)
    desk.buy("AAPL", 2)
    desk.core.correct(last(desk).ids[0], desk.now, price=Decimal(100))
    assert (Decimal("99799.80"), Decimal("0.20")) == (desk.account.cash, desk.account.fees)
    desk.core.bust(last(desk).ids[0], desk.now)

    assert before == state(desk)
