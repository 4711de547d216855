"""Bodies as they come: numbers as text or as numbers, and fields that nobody knows. Refusals are in test_errors."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from bridge.venue.assets import Assets
from bridge.venue.drafts import body_of, draft_of, flag, number

BUY = b'{"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day", '


@pytest.mark.parametrize("raw", [b"2.5", b'"2.5"', b'" 2.50 "', b'"25e-1"'])
def test_numbers_come_in_every_form(raw):
    """As text or as a number, exactly as written."""
    assert D("2.5") == number(body_of(b'{"qty": ' + raw + b"}"), "qty")


def test_what_is_null_or_empty_is_not_there():
    """Neither is a number."""
    assert [None, None, None] == [number(body, "qty") for body in ({}, {"qty": None}, {"qty": ""})]


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("TRUE", True), ("1", True), ("false", False), (None, False)]
)
def test_flags(value, expected):
    """In a query they are text."""
    assert expected is flag({"nested": value}, "nested")


def test_unknown_fields_are_ignored():
    """An order of tomorrow can be placed today."""
    draft = draft_of(body_of(BUY + b'"qty": 1, "advanced_instructions": {"algorithm": "DMA"}}'), Assets())

    assert (D(1), "") == (draft.qty, draft.order_class)


def test_assets_go_by_id_as_well():
    """And a simple order is one without a class."""
    assets = Assets()
    body = body_of(BUY + b'"qty": 1, "order_class": "simple"}') | {"symbol": assets.find("F").id}

    assert ("F", "") == (draft_of(body, assets).asset.symbol, draft_of(body, assets).order_class)


def test_the_profit_of_an_oco_is_its_own_limit():
    """It stands in take_profit, and the order needs no limit price beside it."""
    body = body_of(BUY + b'"qty": 1}') | {"type": "limit", "order_class": "oco", "take_profit": {"limit_price": 5}}

    assert D(5) == draft_of(body, Assets()).limit_price
