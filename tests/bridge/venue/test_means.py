"""What an account can do, from the side that is allowed; what is refused is in test_errors."""

from __future__ import annotations


def test_all_of_a_position_can_be_sold(desk):
    """And all of a short one bought back, but not one share more."""
    desk.buy(qty=5)
    desk.buy("F", 5, side="sell")

    assert (403, 403) == (desk.refused(qty=6, side="sell")[0], desk.refused("F", 6)[0])
    assert ("sell_to_close", "buy_to_close") == (
        desk.place(qty=5, side="sell")["position_intent"],
        desk.place("F", 5)["position_intent"],
    )


def test_all_of_the_buying_power_can_be_spent(new_desk):
    """To the last cent, and not beyond it."""
    desk = new_desk(cash=1000, multiplier=1)

    assert 403 == desk.refused(qty=10, type="limit", limit_price="100.01")[0]
    assert desk.place(qty=10, type="limit", limit_price="100.00")["id"]
    assert "0" == desk.get("/v2/account")["buying_power"]


def test_an_amount_of_money_costs_that_amount(new_desk):
    """Nothing is put on top of it."""
    desk = new_desk(cash=1000, multiplier=1)

    assert desk.place(qty=None, notional=1000)["id"]


def test_a_sale_needs_no_buying_power(new_desk):
    """Whoever has spent everything can still get out."""
    desk = new_desk(cash=1000, multiplier=1)
    desk.buy(qty=None, notional=1000)
    held = desk.get("/v2/positions/AAPL")["qty"]

    assert desk.place(qty=held, side="sell")["id"]
