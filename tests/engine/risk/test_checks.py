"""Checks of what a user may set."""

from __future__ import annotations

from datetime import UTC, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import field, frozen

from engine.errors import InvalidRequest
from engine.risk import checks

D = Decimal


@frozen(kw_only=True)
class Settings:
    length: Any = field(default=None, validator=checks.length)
    pause: Any = field(default=None, validator=checks.pause)
    local_time: Any = field(default=None, validator=checks.local_time)
    positive: Any = field(default=None, validator=checks.positive)
    not_negative: Any = field(default=None, validator=checks.not_negative)
    finite: Any = field(default=None, validator=checks.finite)
    whole: Any = field(default=None, validator=checks.whole(2))
    word: Any = field(default=None, validator=checks.one_of("a", "b"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("length", timedelta(microseconds=1)),
        ("length", checks.LONGEST),
        ("pause", timedelta(0)),
        ("pause", checks.LONGEST),
        ("local_time", time(0)),
        ("positive", D("1e-9")),
        ("not_negative", D(0)),
        ("finite", D(-5)),
        ("whole", 2),
        ("word", "b"),
    ],
)
def test_the_bound_itself_passes(name, value):
    """What is just allowed is kept as it is."""
    assert value == getattr(Settings(**{name: value}), name)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("length", timedelta(0), "more than nothing, and at most 36500 days"),
        ("length", checks.LONGEST + timedelta(microseconds=1), "more than nothing, and at most 36500 days"),
        ("pause", timedelta(microseconds=-1), "nothing or more, and at most 36500 days"),
        ("pause", timedelta.max, "nothing or more, and at most 36500 days"),
        ("local_time", time(0, tzinfo=UTC), "a time of day without a zone, e.g. 11:00"),
        ("positive", D(0), "a finite Decimal > 0"),
        ("positive", D("NaN"), "a finite Decimal > 0"),
        ("not_negative", D("-1e-9"), "a finite Decimal >= 0"),
        ("finite", D("Infinity"), "a finite Decimal"),
        ("whole", 1, "a whole number >= 2"),
        ("whole", 2.5, "a whole number >= 2"),
        ("whole", True, "a whole number >= 2"),
        ("word", "c", "one of 'a', 'b'"),
    ],
)
def test_what_does_not_pass_is_named(name, value, expected):
    """The error has the field, the value, and what would be right."""
    with pytest.raises(InvalidRequest) as caught:
        Settings(**{name: value})

    assert (name, expected) == (caught.value.field, caught.value.expected)
    assert value is caught.value.value


def test_nothing_set_passes():
    """None is left to the class."""
    assert Settings() == Settings(**dict.fromkeys(("length", "pause", "local_time", "whole", "word")))
