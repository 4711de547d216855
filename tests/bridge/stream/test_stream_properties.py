"""Whatever arrives: nothing but protocol errors, and what is good still gets through."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as some

from bridge.stream.frames import Encoding, Keys
from bridge.stream.protocol import ClientProtocol, ClientState, VenueProtocol, VenueState
from engine.errors import RemoteProtocolError

KEYS = Keys(key="PK1", secret="hush")
GOOD = {
    "stream": "trade_updates",
    "data": {"event": "fill", "order": {"id": "b1", "status": "filled", "filled_qty": "2"}, "qty": "2", "price": "9.5"},
}
WORDS = some.sampled_from(
    "stream action data trade_updates listening authorization listen auth authenticate error key secret key_id"
    " secret_key oauth_token streams status authorized unauthorized event order id qty price filled_qty legs"
    " timestamp position_qty event_id execution_id NaN sNaN Infinity -1 1e400 2024-01-02T03:04:05Z".split()
)
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5) | WORDS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(WORDS | some.text(max_size=3), inner, max_size=5),
    max_leaves=12,
)


@some.composite
def spoilt(draw):
    """A good frame in which one value somewhere is something else."""
    content = json.loads(json.dumps(GOOD))
    place = content
    while True:
        name = draw(some.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or draw(some.booleans()):
            break
        place = place[name]
    place[name] = draw(VALUES)
    return json.dumps(content)


MESSAGES = (
    some.binary(max_size=40)
    | some.text(max_size=40)
    | VALUES.map(json.dumps)
    | some.dictionaries(WORDS, VALUES, max_size=4).map(json.dumps)
    | spoilt()
)


@given(some.lists(MESSAGES, max_size=8), some.sampled_from(Encoding))
def test_a_client_survives_anything(messages, encoding):
    """Whatever comes is an event, is ignored, or is the venue's mistake; a good frame behind it is told."""
    client = ClientProtocol(KEYS, encoding=encoding)
    client.opened()
    for content in (
        '{"stream":"authorization","data":{"status":"authorized"}}',
        '{"stream":"listening","data":{"streams":["trade_updates"]}}',
    ):
        client.receive_data(content)
    for message in messages:
        try:
            client.receive_data(message)
        except RemoteProtocolError as error:
            assert str(error)
    client.events_received()
    client.receive_data(json.dumps(GOOD))
    (last,) = client.events_received()

    assert ("fill", "b1", "2") == (last.update.event, last.update.order.id, str(last.update.qty))
    assert client.state in (ClientState.LISTENING, ClientState.JOINING)


@given(some.lists(MESSAGES, max_size=8), some.sampled_from(Encoding))
def test_a_client_survives_anything_from_the_beginning(messages, encoding):
    """Before it is authorized, too, nothing but the venue's mistakes is raised."""
    client = ClientProtocol(KEYS, encoding=encoding)
    client.opened()
    for message in messages:
        try:
            client.receive_data(message)
        except RemoteProtocolError as error:
            assert str(error)

    for message in client.data_to_send():
        assert isinstance(message, str | bytes)


@given(some.lists(MESSAGES, max_size=8), some.sampled_from(Encoding))
def test_a_venue_survives_anything(messages, encoding):
    """Whatever a client sends has an answer; only who is closed is not listened to any more."""
    venue = VenueProtocol({KEYS: "account-1"}.get, encoding=encoding)
    for message in messages:
        venue.receive_data(message)
        answered = bool(venue.data_to_send())

        assert answered or venue.close is not None or message in ("\x01", b"\x01")
    venue.receive_data('{"action":"auth","key":"PK1","secret":"hush"}')

    assert (venue.close is None) is (venue.state is VenueState.AUTHENTICATED)
