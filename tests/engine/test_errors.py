"""The tree of errors and what each of them says."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from engine import errors
from engine.decisions import Refusal
from engine.errors import (
    BrokerError,
    ClockError,
    Diverged,
    IllegalTransition,
    InvalidInput,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    Refused,
    TradingError,
    VenueRejected,
)

AT = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def drawn_tree():
    """Each class of the docstring's drawing with the one that it hangs under."""
    parents, path = {}, []
    for line in errors.__doc__.splitlines():
        if drawn := re.match(r"((?:[│ ]   )*)([├└]── )?([A-Z]\w+)(?:  +|$)", line):
            depth = len(drawn[1]) // 4 + bool(drawn[2])
            path[depth:] = [drawn[3]]
            parents[drawn[3]] = path[-2] if depth else None
    return parents


def test_docstring_draws_the_classes():
    """The tree in the docstring is the tree of the classes: nothing missing, nothing extra, all in their places."""
    classes = {name: getattr(errors, name) for name in errors.__all__}
    actual = {
        name: next((base.__name__ for base in cls.__bases__ if issubclass(base, TradingError)), None)
        for name, cls in classes.items()
    }

    assert drawn_tree() == actual


def test_every_class_is_listed():
    """Each exception that the module defines stands in __all__."""
    defined = {
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    }

    assert defined == set(errors.__all__)


@pytest.mark.parametrize("cls", [InvalidRequest, ClockError])
def test_bad_values_are_value_errors(cls):
    """Code that only knows Python's own errors catches a bad value as a ValueError."""
    assert issubclass(cls, ValueError)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvalidRequest("quantity", 0, "a finite Decimal > 0"), "quantity = 0: expected a finite Decimal > 0"),
        (InvalidInput("bars.csv, line 7", "x", "a number"), "bars.csv, line 7: found 'x', expected a number"),
        (Refused(Refusal(code="HALTED", message="trading is halted")), "HALTED: trading is halted"),
        (IllegalTransition("a-1", "cancel", "filled"), "order a-1: cannot cancel while filled"),
        (VenueRejected("insufficient buying power"), "insufficient buying power"),
        (NotSent("no connection"), "no connection"),
        (NotSent("429", earliest=AT), "429; not before 2024-01-02T14:30:00+00:00"),
        (OutcomeUnknown("submit a-1", waited=10.0), "submit a-1: no answer in 10 s"),
        (OutcomeUnknown("submit a-1", waited=0.25), "submit a-1: no answer in 0.25 s"),
        (
            Diverged(bar=AT, recorded="sent", found="denied"),
            (
                "the session is not deterministic: at the bar of 2024-01-02T14:30:00+00:00 the journal has 'sent', "
                "this run has 'denied'"
            ),
        ),
        (
            Diverged(bar=None, recorded=None, found="sent"),
            "the session is not deterministic: before the first bar the journal has None, this run has 'sent'",
        ),
    ],
)
def test_message(error, message):
    """The message is built from the data and says what happened."""
    assert message == str(error)


@pytest.mark.parametrize(
    ("error", "data"),
    [
        (InvalidRequest("quantity", 0, "more"), {"field": "quantity", "value": 0, "expected": "more"}),
        (InvalidInput("a.toml", 1, "a text"), {"where": "a.toml", "value": 1, "expected": "a text"}),
        (IllegalTransition("a", "cancel", "filled"), {"order_id": "a", "command": "cancel", "status": "filled"}),
        (VenueRejected("no"), {"reason": "no"}),
        (NotSent("429"), {"reason": "429", "earliest": None}),
        (NotSent("429", earliest=AT), {"reason": "429", "earliest": AT}),
        (OutcomeUnknown("submit", waited=10.0), {"waited": 10.0}),
        (Diverged(bar=AT, recorded=1, found=2), {"bar": AT, "recorded": 1, "found": 2}),
    ],
)
def test_data_are_attributes(error, data):
    """A caller reads the data from attributes and never parses the message."""
    assert data == {name: getattr(error, name) for name in data}


def test_refused_carries_the_refusal():
    """The refusal itself comes with Refused, code and bound included."""
    refusal = Refusal(code="EXPOSURE", message="too much", value="12", bound="10")

    assert refusal is Refused(refusal).refusal


@pytest.mark.parametrize("cls", [VenueRejected, NotSent, OutcomeUnknown])
def test_broker_errors_are_caught_together(cls):
    """Whoever does not care how a call to the broker failed catches BrokerError."""
    assert issubclass(cls, BrokerError)
    assert issubclass(cls, TradingError)
