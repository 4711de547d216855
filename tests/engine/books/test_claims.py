"""What the venue says that we hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.books.claims import Claims

D = Decimal
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


def claims(*told):
    """Words on X, each (minute, quantity or None)."""
    known = Claims()
    for minute, quantity in told:
        known.told("X", NOON + timedelta(minutes=minute), None if quantity is None else D(quantity))
    return known


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], None),
        ([(1, 5)], 5),
        ([(1, 5), (2, 7)], 7),
        ([(2, 7), (1, 5)], 7),
        ([(1, 5), (2, None)], None),
        ([(2, 7), (1, None)], 7),
        ([(1, 5), (1, 6)], 6),
        ([(1, 5), (1, None)], 5),
        ([(1, None), (1, 5)], 5),
        ([(2, None), (1, 5)], None),
        ([(1, 0)], 0),
    ],
)
def test_the_latest_word_counts(told, expected):
    """By the venue's moments, not by arrival; at the same moment a word counts more than none."""
    assert expected == claims(*told).latest("X")


def test_symbols_by_themselves():
    """A word on one symbol says nothing of another."""
    assert None is claims((1, 5)).latest("Y")


@pytest.mark.parametrize(("later", "expected"), [((0, 8), None), ((1, 8), 8), ((2, 8), 8)])
def test_settling(later, expected):
    """What was said before the books were found equal is settled, and so is what comes late from before."""
    known = claims((1, 5))
    known.settle()
    assert None is known.latest("X")

    known.told("X", NOON + timedelta(minutes=later[0]), D(later[1]))
    assert expected == known.latest("X")
