"""Both sides of the user stream, joined in memory."""

from __future__ import annotations

import pytest

from bridge.stream.frames import Encoding, Keys
from bridge.stream.protocol import ClientProtocol, VenueProtocol


class ConnectionPair:
    """
    A client and a venue; what one sends the other receives.

    Attributes:
        wire: All messages, in order: "C" or "V" for who sent it, and the message.
    """

    def __init__(self, client, venue):
        self.client, self.venue = client, venue
        self.wire = []

    def run(self):
        """Deliver until nobody has anything to say; what each side was told."""
        asked, told = self.client.data_to_send(), self.venue.data_to_send()
        while asked or told:
            for message in asked:
                self.wire.append(("C", message))
                self.venue.receive_data(message)
            for message in told:
                self.wire.append(("V", message))
                self.client.receive_data(message)
            asked, told = self.client.data_to_send(), self.venue.data_to_send()
        return self.client.events_received(), self.venue.events_received()


@pytest.fixture
def pair():
    """``pair()``: a client that is right about its keys, and a venue; neither has said anything."""

    def make(
        credentials=None, *, knows=None, asks=Encoding.TEXT, tells=Encoding.BINARY, **options
    ):  # fmt: skip
        held = credentials or Keys(key="PK1", secret="hush")
        right = {held: "account-1"} if knows is None else knows
        client = ClientProtocol(held, encoding=asks, **options)
        return ConnectionPair(client, VenueProtocol(right.get, encoding=tells))

    return make
