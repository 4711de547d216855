"""What the core does where a fault asks for it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.venue.faults.actions import BustNewest, CorrectNewest, PlaceOrder, carry_out

NOTHING = {"account": None, "symbol": None, "price": None, "percent": None, "quantity": None}
BODY = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}


def done(desk, action):
    """What was done, in words; ids replaced by X."""
    name = next(iter(desk.core.executions)).ids[0] if list(desk.core.executions) else "-"
    return [said.replace(name, "X") for said in carry_out(desk.core, action, desk.now)]


def test_a_bust(desk):
    """The newest execution that fits is taken back; after it the one before."""
    desk.buy("AAPL", 2)
    desk.buy("MSFT", 2)
    desk.buy("AAPL", 3)
    action = BustNewest(account="PKTEST", symbol="AAPL")
    carry_out(desk.core, action, desk.now)

    assert ["2", "2"] == [each["qty"] for each in desk.get("/v2/positions")]
    assert ["busted X"] == done(desk, action)
    assert ["MSFT"] == [each["symbol"] for each in desk.get("/v2/positions")]
    assert ["there is no execution that could be changed"] == done(desk, action)


@pytest.mark.parametrize(
    ("symbol", "change", "words"),
    [
        ("AAPL", {"price": Decimal(180)}, "corrected X to 2 at 180"),
        ("AAPL", {"percent": Decimal("1.111")}, "corrected X to 2 at 192.11"),
        ("AAPL", {"quantity": Decimal(1), "percent": Decimal(-10)}, "corrected X to 1 at 171"),
        ("BTC/USD", {"quantity": Decimal("0.5")}, "corrected X to 0.5 at"),
        ("AAPL", {"quantity": Decimal(9)}, "X stays: quantity = Decimal('9'): expected at most 2"),
        ("AAPL", {"price": Decimal(190)}, "X stays: price, quantity = "),
    ],
)
def test_a_correction(desk, symbol, change, words):
    """Its price by number or by per cent, in cents, its quantity; what makes no sense changes nothing."""
    desk.buy(symbol, 2 if symbol == "AAPL" else 1, time_in_force="day" if symbol == "AAPL" else "gtc")
    (said,) = done(desk, CorrectNewest(**{**NOTHING, **change}))

    assert said.startswith(words)


def test_an_order_of_another_program(desk):
    """On an account or on all of them; a refusal is said."""
    (placed,) = done(desk, PlaceOrder(account=None, body=BODY))
    desk.later()

    assert "1" == desk.get("/v2/positions/AAPL")["qty"]
    assert placed.startswith("placed ") and placed.endswith(" for PKTEST")
    (refused,) = done(desk, PlaceOrder(account="PKTEST", body=BODY | {"symbol": "ZZZZ"}))
    assert refused.startswith("422 for PKTEST: ")


@pytest.mark.parametrize("action", [BustNewest(account="L", symbol=None), PlaceOrder(account="L", body=BODY)])
def test_an_account_that_is_not_there(desk, action):
    """It is said, and nothing is done."""
    assert ["no account has the key L"] == done(desk, action)
