"""The path within a bar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.market.bars import Bar
from engine.market.path import corners

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def bar(opening: str, high: str, low: str, close: str, width: timedelta = timedelta(minutes=1)) -> Bar:
    return Bar("AAPL", START, START + width, Decimal(opening), Decimal(high), Decimal(low), Decimal(close), Decimal(1))


@pytest.mark.parametrize(
    ("opening", "high", "low", "close", "expected"),
    [
        ("10", "11", "8", "9", ["10", "11", "8", "9"]),  # the high is nearer, in a falling bar
        ("10", "11", "8", "10.5", ["10", "11", "8", "10.5"]),  # and in a rising one
        ("10", "13", "9", "12", ["10", "9", "13", "12"]),
        ("10", "13", "9", "9.5", ["10", "9", "13", "9.5"]),
        ("10", "12", "8", "11", ["10", "8", "12", "11"]),  # equally far: towards the close
        ("10", "12", "8", "10", ["10", "8", "12", "10"]),
        ("10", "12", "8", "9", ["10", "12", "8", "9"]),
        ("10", "10", "10", "10", ["10", "10", "10", "10"]),
    ],
)
def test_the_nearer_extreme_comes_first(opening: str, high: str, low: str, close: str, expected: list[str]) -> None:
    """The path leads from the open by the nearer and the farther extreme to the close."""
    prices = [price for _, price in corners(bar(opening, high, low, close))]

    assert [Decimal(text) for text in expected] == prices


def test_the_corners_are_a_third_of_the_bar_apart() -> None:
    """The path takes the whole bar, from its first moment to its end."""
    moments = [moment for moment, _ in corners(bar("10", "12", "8", "11"))]

    assert [START + timedelta(seconds=s) for s in (0, 20, 40, 60)] == moments


def test_the_corners_of_an_uneven_bar_stay_in_order() -> None:
    """Where a third is no whole microsecond, moments are cut to one and still do not decrease."""
    moments = [moment for moment, _ in corners(bar("10", "12", "8", "11", timedelta(microseconds=2)))]

    assert [START, START, START, START + timedelta(microseconds=2)] == moments
