"""Checks of settings, as validators of attrs: what does not pass is an `InvalidRequest`; None always passes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from attrs import Attribute

from engine.errors import InvalidRequest
from engine.model import require_finite, require_not_negative, require_positive

__all__ = ["LONGEST", "finite", "length", "local_time", "not_negative", "one_of", "pause", "positive", "whole"]

LONGEST = timedelta(days=36_500)  # a moment so far before or after any market's is still a moment
_NOTHING = timedelta(0)

_Attribute: TypeAlias = "Attribute[Any]"
_Check: TypeAlias = Callable[[object, _Attribute, Any], None]


def length(instance: object, attribute: _Attribute, value: timedelta | None) -> None:
    """More than nothing, and at most a hundred years."""
    if value is not None and not _NOTHING < value <= LONGEST:
        raise InvalidRequest(attribute.name, value, "more than nothing, and at most 36500 days")


def pause(instance: object, attribute: _Attribute, value: timedelta | None) -> None:
    """Nothing or more, and at most a hundred years."""
    if value is not None and not _NOTHING <= value <= LONGEST:
        raise InvalidRequest(attribute.name, value, "nothing or more, and at most 36500 days")


def local_time(instance: object, attribute: _Attribute, value: time | None) -> None:
    """A time of day without a zone of its own."""
    if value is not None and value.tzinfo is not None:
        raise InvalidRequest(attribute.name, value, "a time of day without a zone, e.g. 11:00")


def positive(instance: object, attribute: _Attribute, value: Decimal | None) -> None:
    """A finite number > 0."""
    if value is not None:
        require_positive(attribute.name, value)


def not_negative(instance: object, attribute: _Attribute, value: Decimal | None) -> None:
    """A finite number >= 0."""
    if value is not None:
        require_not_negative(attribute.name, value)


def finite(instance: object, attribute: _Attribute, value: Decimal | None) -> None:
    """Any finite number."""
    if value is not None:
        require_finite(attribute.name, value)


def whole(least: int) -> _Check:
    """A whole number that is not less than that."""

    def check(instance: object, attribute: _Attribute, value: int | None) -> None:
        if value is not None and (type(value) is not int or value < least):
            raise InvalidRequest(attribute.name, value, f"a whole number >= {least}")

    return check


def one_of(*words: str) -> _Check:
    """One of these words."""

    def check(instance: object, attribute: _Attribute, value: str | None) -> None:
        if value is not None and value not in words:
            raise InvalidRequest(attribute.name, value, f"one of {', '.join(map(repr, words))}")

    return check
