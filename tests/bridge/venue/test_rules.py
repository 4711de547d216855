"""The bounds of the rules, from the side that is taken; what is refused is in test_errors."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

COIN = {"symbol": "BTC/USD", "time_in_force": "gtc"}


@pytest.mark.parametrize(
    "order",
    [
        {"symbol": "DIME", "type": "limit", "limit_price": "0.4199"},
        {"type": "limit", "limit_price": "190.01", "time_in_force": "ioc"},
        {"type": "limit", "limit_price": "190.000"},
        {"type": "stop", "stop_price": "190.01"},
        {"type": "stop_limit", "stop_price": "191", "limit_price": "0.5"},
        {"qty": None, "notional": "1.00"},
        {"qty": "0.006"},
        {"qty": "1.5", "type": "stop", "stop_price": 195},
        {"type": "limit", "limit_price": 190, "time_in_force": "gtc", "extended_hours": True},
        {"time_in_force": "cls"},
        {"type": "trailing_stop", "trail_percent": "99.9", "time_in_force": "gtc"},
        {"order_class": "bracket", "take_profit": {"limit_price": 190}, "stop_loss": {"stop_price": "189.99"}},
        {"order_class": "oto", "take_profit": {"limit_price": 195}},
        {
            "side": "sell",
            "order_class": "bracket",
            "take_profit": {"limit_price": 180},
            "stop_loss": {"stop_price": "190.01", "limit_price": 195},
        },
        {**COIN, "qty": "0.0002"},
        {**COIN, "qty": None, "notional": 10},
        {**COIN, "type": "limit", "limit_price": "59999.123456789", "qty": "0.01"},
        {
            **COIN,
            "type": "stop_limit",
            "stop_price": 61000,
            "limit_price": 61000,
            "qty": "0.01",
            "time_in_force": "ioc",
        },
        {"client_order_id": "x" * 128},
        {"position_intent": "buy_to_open"},
    ],
    ids=str,
)
def test_what_is_just_right_is_taken(desk, order):
    """At the very bound an order passes."""
    assert "pending_new" == desk.place(**order)["status"]


@pytest.mark.parametrize(
    ("lasting", "moment", "taken"),
    [
        ("opg", datetime(2024, 1, 3, 14, 27, tzinfo=UTC), True),
        ("opg", datetime(2024, 1, 3, 14, 28, tzinfo=UTC), False),
        ("opg", datetime(2024, 1, 3, 23, 59, tzinfo=UTC), False),
        ("opg", datetime(2024, 1, 4, 0, 0, tzinfo=UTC), True),
        ("cls", datetime(2024, 1, 3, 20, 49, tzinfo=UTC), True),
        ("cls", datetime(2024, 1, 3, 20, 50, tzinfo=UTC), False),
    ],
)
def test_auctions_take_orders_until_shortly_before(new_desk, lasting, moment, taken):
    """And from seven in the evening on for the next day."""
    answer = new_desk(start=moment)("POST", "/v2/orders", order_for(lasting))

    assert (200 if taken else 422) == answer.status


def order_for(lasting):
    return {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": lasting}
