"""No more entries once the day has lost too much."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.facts import DayBegan
from engine.model import OrderRequest, Side
from engine.risk.protections import DailyLossLimit

D = Decimal
BUY = OrderRequest.market("A", Side.BUY, D(1))


@pytest.fixture
def books(history, at):
    """Books with one unit of A bought at 1,000, all that there is, and marked there when the day began."""
    books = history(cash="1000").books
    books.portfolio.book("A", Side.BUY, D(1), D(1000), D(0))
    books.portfolio.mark("A", D(1000), at("14:30"))
    day = DayBegan(at=at("14:30"), number=1, opens=at("14:30"), closes=at("21:00"), equity=D(1000))
    books.apply(day, at("14:30"))
    return books


@pytest.mark.parametrize("settings", [{"max_loss": D(3)}, {"max_loss_ratio": D("0.003")}])
@pytest.mark.parametrize(
    ("price", "allowed"), [("1000", True), ("997.01", True), ("997.00", False), ("997.50", True), ("1100", True)]
)
def test_loss_since_the_day_began(books, at, settings, price, allowed):
    """A loss of exactly the limit refuses, less allows; it is looked at each time, so a recovery frees."""
    books.portfolio.mark("A", D(price), at("15:00"))
    rule = DailyLossLimit(**settings)

    assert allowed is (rule.refusal(BUY, books, at("15:00")) is None)


def test_prices_in_order(books, at):
    """2.99 below passes, 3.00 is refused, and at 2.50 entries pass again."""
    answers = []
    for price in ("1000.00", "997.01", "997.00", "997.50"):
        books.portfolio.mark("A", D(price), at("15:00"))
        answers.append(DailyLossLimit(max_loss=D("3.00")).refusal(BUY, books, at("15:00")) is None)

    assert [True, True, False, True] == answers


def test_another_day_begins_anew(books, at):
    """The reference is what the account was worth when the session day began."""
    books.portfolio.mark("A", D(990), at("20:59"))
    opens = at("14:30", 3)
    books.apply(DayBegan(at=opens, number=2, opens=opens, closes=at("21:00", 3), equity=D(990)), opens)
    rule = DailyLossLimit(max_loss=D(3))

    assert None is rule.refusal(BUY, books, at("14:30", 3))
    books.portfolio.mark("A", D(987), at("14:31", 3))
    assert "DAILY_LOSS" == rule.refusal(BUY, books, at("14:31", 3)).code


def test_a_refusal_says_how_much(books, at):
    """Day, loss and limit, in words and numbers."""
    books.portfolio.mark("A", D("996.5"), at("15:00"))
    refusal = DailyLossLimit(max_loss=D(3)).refusal(BUY, books, at("15:00"))

    assert ("DAILY_LOSS", "3.5", "3") == (refusal.code, refusal.value, refusal.bound)
    assert "the day that began 2024-01-02 14:30 has lost 3.50, 3.00 may be lost" == refusal.message


def test_missing_input_refuses(history, books, at):
    """Without a day, a reference or a price of what is held the loss is not known, and no entry passes."""
    rule = DailyLossLimit(max_loss=D(3))
    no_day = history().books
    no_reference = history().books
    day = DayBegan(at=at("14:30"), number=1, opens=at("14:30"), closes=at("21:00"), equity=None)
    no_reference.apply(day, at("14:30"))
    books.portfolio.book("B", Side.BUY, D(1), D(1), D(0))

    assert ["DAILY_LOSS"] * 3 == [rule.refusal(BUY, each, at("15:00")).code for each in (no_day, no_reference, books)]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "max_loss"),
        ({"max_loss": D(1), "max_loss_ratio": D("0.1")}, "max_loss"),
        ({"max_loss": D(0)}, "max_loss"),
        ({"max_loss_ratio": D("-0.1")}, "max_loss_ratio"),
    ],
)
def test_settings_that_make_no_sense(settings, field):
    """They are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        DailyLossLimit(**settings)

    assert field == caught.value.field
