"""GET and PATCH /v2/account/configurations."""

from __future__ import annotations

import pytest

PATH = "/v2/account/configurations"


def test_settings_change_and_stay(desk):
    """What is named changes, what is not stays, and a number is taken for the multiplier as well."""
    before = desk.get(PATH)
    changed = desk("PATCH", PATH, {"trade_confirm_email": "none", "max_margin_multiplier": 2, "unknown": 1})
    expected = before | {"trade_confirm_email": "none", "max_margin_multiplier": "2"}

    assert (200, expected) == (changed.status, changed.body)
    assert expected == desk.get(PATH)
    assert ("2", "200000") == tuple(desk.get("/v2/account")[name] for name in ("multiplier", "buying_power"))


def test_no_more_margin_than_the_account_has(new_desk):
    """The owner can choose less than the account's multiplier, not more."""
    desk = new_desk(multiplier=1)
    desk("PATCH", PATH, {"max_margin_multiplier": "4"})

    assert "1" == desk.get("/v2/account")["multiplier"]


@pytest.mark.parametrize(
    "body",
    [
        {"suspend_trade": "yes"},
        {"suspend_trade": 1},
        {"trade_confirm_email": "some"},
        {"max_margin_multiplier": 3},
        {"max_options_trading_level": True},
    ],
)
def test_other_values_are_refused(desk, body):
    """A setting has its own choices; the refusal names it and nothing changes."""
    before = desk.get(PATH)
    answer = desk("PATCH", PATH, body)

    assert (422, {"code": 40010001, "message": f"invalid {next(iter(body))}"}) == (answer.status, answer.body)
    assert before == desk.get(PATH)
