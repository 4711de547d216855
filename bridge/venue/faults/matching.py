"""When a fault is in force and how often it bites: what every kind of fault has, and the checks of its numbers."""

from __future__ import annotations

from math import isfinite
from typing import Any

from attrs import Attribute, field, frozen

from engine.errors import InvalidRequest

__all__ = [
    "LONGEST",
    "Fault",
    "Window",
    "chance",
    "counted",
    "one_of",
    "same_symbol",
    "some_seconds",
    "some_text",
    "within",
]

LONGEST = 10**8
"""Seconds, a little more than three years: the longest time that a fault can name."""


# --- checks -----------------------------------------------------------------------------------------------------------


def within(least: float, most: float, words: str) -> Any:
    """A check of a finite number, bounds included; None passes."""

    def check(instance: object, attribute: Attribute[Any], value: Any) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and isfinite(value) and least <= value <= most):
            raise InvalidRequest(attribute.name, value, words)

    return check


def counted(least: int, most: int = 10**9) -> Any:
    """A check of a whole number, bounds included; None passes."""
    words = f"a whole number >= {least}" if most == 10**9 else f"a whole number from {least} to {most}"

    def check(instance: object, attribute: Attribute[Any], value: Any) -> None:
        if value is not None and not (type(value) is int and least <= value <= most):
            raise InvalidRequest(attribute.name, value, words)

    return check


def one_of(*allowed: Any) -> Any:
    """A check of a choice."""
    words = f"one of {', '.join(repr(each) for each in allowed)}"

    def check(instance: object, attribute: Attribute[Any], value: Any) -> None:
        if value not in allowed or isinstance(value, bool):
            raise InvalidRequest(attribute.name, value, words)

    return check


def some_text(instance: object, attribute: Attribute[Any], value: Any) -> None:
    """A check of a text that is not empty; None passes."""
    if value is not None and not (isinstance(value, str) and value):
        raise InvalidRequest(attribute.name, value, "text that is not empty, or nothing at all")


some_seconds = within(0, LONGEST, f"seconds, 0 <= number <= {LONGEST}")
chance = within(0, 1, "a ratio from 0 to 1")


def _until(instance: Window, attribute: Attribute[Any], value: float | None) -> None:
    some_seconds(instance, attribute, value)
    if value is not None and value <= instance.at:
        raise InvalidRequest(attribute.name, value, f"seconds, more than at = {instance.at:g}")


def same_symbol(wanted: str | None, found: str | None) -> bool:
    """Whether a symbol is the one that is wanted, a pair with its slash or without; None wants any."""
    return wanted is None or (found is not None and _bare(wanted) == _bare(found))


def _bare(symbol: str) -> str:
    return symbol.replace("/", "").upper()


# --- what all faults have ---------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Window:
    """
    Attributes:
        at: When it begins, seconds of the venue's time: from its first moment for a fault of its schedule, from the
            moment at which it was switched on for any other.
        until: When it ends, counted in the same way and no longer in force then; None: never.
    """

    at: float = field(default=0.0, validator=some_seconds)
    until: float | None = field(default=None, validator=_until)


@frozen(kw_only=True)
class Fault(Window):
    """
    A fault that bites what it matches while it is in force.

    Attributes:
        account: Key of the account that it is about; None: of any.
        probability: How often it bites what it matches, 0 <= ratio <= 1.
        count: How many times it bites in all; None: without end. With a probability of 1: the next so many that match.
    """

    account: str | None = field(default=None, validator=some_text)
    probability: float = field(default=1.0, validator=chance)
    count: int | None = field(default=None, validator=counted(1))
