"""engine.orders.settings: the defaults are those that the documents name, and nonsense is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.orders.settings import EngineSettings, MismatchPolicy, ReconcileSettings


def test_defaults():
    """A grace of 5 s, three answers over 30 s, an overlap of 5 minutes; the venue is trusted."""
    settings = EngineSettings().reconcile

    assert (timedelta(seconds=5), 3, timedelta(seconds=30), timedelta(minutes=5), MismatchPolicy.TRUST_VENUE) == (
        settings.grace,
        settings.answers,
        settings.absence,
        settings.overlap,
        settings.mismatch,
    )


@pytest.mark.parametrize("wrong", [{"lookup_every": 0.0}, {"resync_every": -1.0}, {"commit_every": -0.1}])
def test_waits_are_not_negative(wrong):
    """A wait of no length, or less, between two questions to the venue is refused."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        EngineSettings(**wrong)


def test_absence_needs_an_answer():
    """No order is LOST without a single answer."""
    with pytest.raises(ValueError, match="answers"):
        ReconcileSettings(answers=0)
