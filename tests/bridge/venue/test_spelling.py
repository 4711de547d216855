"""Numbers and moments as they stand on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal as D

import pytest

from bridge.venue.spelling import instant, local, moment, nanos, parsed, plain, ratio, zulu

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"),
    [("1.50", "1.5"), ("1E+3", "1000"), ("1E-9", "0.000000001"), ("-0.0", "0"), ("100", "100"), ("-2.50", "-2.5")],
)
def test_numbers_are_plain(number, text):
    """No exponent, no zeros at the end, no negative zero."""
    assert text == plain(D(number))


def test_ratios_have_sixteen_decimals():
    """A part of something is cut; of nothing it is nothing, and a giant one is told as it is."""
    assert ("0.3333333333333333", "0", "1" + "0" * 20) == (ratio(D(1), D(3)), ratio(D(1), D(0)), ratio(D(10**20), D(1)))


@pytest.mark.parametrize(
    ("at", "text"),
    [(0, "1970-01-01T00:00:00Z"), (1_500_000_000, "1970-01-01T00:00:01.5Z"), (7, "1970-01-01T00:00:00.000000007Z")],
)
def test_moments_drop_zeros(at, text):
    """Up to nine digits, as many as are needed; and what was written can be read."""
    assert (text, at) == (zulu(at), parsed(text))


def test_no_moment_is_null():
    """What has not happened has no text."""
    assert zulu(None) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02T12:00:00Z", nanos(NOON)),
        ("2024-01-02T07:00:00-05:00", nanos(NOON)),
        ("2024-01-02 12:00:00", nanos(NOON)),
        ("2024-01-02T12:00:00.123456789Z", nanos(NOON) + 123_456_789),
        ("2024-01-02", nanos(NOON) - 12 * 3600 * 10**9),
        ("2024-02-30", None),
        ("9999-12-31", None),
        ("0001-01-01", None),
        ("soon", None),
        ("", None),
    ],
)
def test_moments_are_read(text, expected):
    """Any offset and up to nine digits; a date is its midnight; what is no moment is None."""
    assert expected == parsed(text)


def test_moments_come_back():
    """To nanoseconds and back nothing is lost, and New York has its own offset."""
    assert NOON == moment(nanos(NOON))
    assert ("2024-01-02T12:00:00Z", "2024-01-02T07:00:00-05:00") == (instant(NOON), local(NOON))
