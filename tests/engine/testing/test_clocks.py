"""Time in the hands of a test."""

from __future__ import annotations

import pytest

from engine.errors import ClockError
from engine.testing import ManualHostClock


def test_it_stands_still_until_it_is_told_to_go_on():
    """Asking for the time takes none."""
    clock = ManualHostClock(5.0)
    before = (clock.monotonic(), clock.monotonic())
    clock.advance(0.0)
    clock.advance(2.5)

    assert ((5.0, 5.0), 7.5) == (before, clock.monotonic())


def test_it_never_goes_back():
    """A monotonic clock that would is a mistake of the test."""
    clock = ManualHostClock()
    with pytest.raises(ClockError, match="cannot go back 1 s"):
        clock.advance(-1.0)

    assert 0.0 == clock.monotonic()
