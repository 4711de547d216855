"""What both sides of the user stream tell: values."""

from __future__ import annotations

import typing

import pytest
from attrs.exceptions import FrozenInstanceError

from bridge.stream.events import Authorized, ClientEvent, VenueEvent
from bridge.stream.frames import Complaint, Listening, Update


def test_events_cannot_be_changed():
    """What was told stays as it was."""
    with pytest.raises(FrozenInstanceError):
        Authorized(legacy=False).legacy = True


def test_frames_that_are_events():
    """Three frames are handed on to the caller of a client as they are, none to that of a venue."""
    module = Listening.__module__
    handed_on = {kind for kind in typing.get_args(ClientEvent | VenueEvent) if kind.__module__ == module}

    assert {Listening, Update, Complaint} == handed_on
