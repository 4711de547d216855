"""Values as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.report import words

D = Decimal


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (words.money(D("1234567.895")), "1,234,567.90"),
        (words.money(D("-0.5"), signed=True), "−0.50"),
        (words.money(D("0.5"), signed=True), "+0.50"),
        (words.money(D("-0.001"), signed=True), "0.00"),
        (words.percent(D("0.01234")), "1.23 %"),
        (words.percent(-0.5, decimals=0, signed=True), "−50 %"),
        (words.ratio(-1.2345), "−1.23"),
        (words.bps(D("2.5")), "+2.50 bp"),
        (words.price(D("46388.0")), "46,388.00"),
        (words.price(D("470.085")), "470.085"),
        (words.price(D("0.00001234")), "0.00001234"),
        (words.price(D("100") / 3), "33.3333"),
        (words.quantity(D("1E-8")), "0.00000001"),
        (words.quantity(D("-1200.50")), "−1,200.5"),
        (words.quantity(D("1E+3")), "1,000"),
        (words.quantity(D("0.000")), "0"),
        (words.moment(datetime(2024, 1, 2, 3, 4, tzinfo=UTC)), "2024-01-02 03:04"),
        (words.moment(datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)), "2024-01-02 03:04:05"),
        (words.duration(timedelta(0)), "0 s"),
        (words.duration(timedelta(seconds=1.5)), "1.5 s"),
        (words.duration(timedelta(minutes=61)), "1 h 1 min"),
        (words.duration(timedelta(days=3, minutes=4)), "3 d"),
        (words.duration(timedelta(hours=30)), "1 d 6 h"),
    ],
)
def test_words(told, expected):
    """Digits in groups, a true minus sign, no exponents, and no sign on what rounds to nothing."""
    assert expected == told


@pytest.mark.parametrize(
    "word", [words.money, words.percent, words.ratio, words.bps, words.price, words.quantity, words.moment]
)
def test_what_is_not_defined(word):
    """None is a dash, never 0."""
    assert "–" == word(None) == words.duration(None)
