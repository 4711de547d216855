"""The dialogue of the user stream: every state with every frame, both sides joined, and no secret told."""

from __future__ import annotations

import json
import logging
from itertools import product

import msgspec
import pytest

from bridge.stream.events import (
    Authenticated,
    AuthenticationFailed,
    AuthenticationRefused,
    Authorized,
    ListenRefused,
    Misunderstood,
    Subscribed,
)
from bridge.stream.frames import Complaint, Encoding, Keys, Listening, Token, Update, tell_in
from bridge.stream.protocol import (
    CLIENT_TRANSITIONS,
    DEPRECATED,
    VENUE_TRANSITIONS,
    Asked,
    ClientProtocol,
    ClientState,
    Close,
    Told,
    VenueProtocol,
    VenueState,
)
from engine.errors import LocalProtocolError, RemoteProtocolError

KEYS = Keys(key="PK1", secret="hush")
ORDER = {"id": "b1", "client_order_id": "tb-1", "symbol": "AAPL", "side": "buy", "status": "new", "qty": "3"}
AUTH = {"action": "auth", "key": "PK1", "secret": "hush"}
LEGACY = {"action": "authenticate", "data": {"key_id": "PK1", "secret_key": "hush"}}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}
ACK = {"stream": "listening", "data": {"streams": ["trade_updates"]}}


def verdict(status, action="authenticate", **more):
    return {"stream": "authorization", "data": {"status": status, "action": action} | more}


def frame(event, number=1, **more):
    data = {"event": event, "event_id": f"01J{number:05}", "order": ORDER} | more
    return {"stream": "trade_updates", "data": data}


def told_to(client, *contents):
    """Let the client receive frames; what it tells of them."""
    for content in contents:
        client.receive_data(json.dumps(content).encode())
    return client.events_received()


def sent(side):
    """What a side has to send, decoded."""
    return [json.loads(message) for message in side.data_to_send()]


# --- the client's table -----------------------------------------------------------------------------------------------

TELLS = {
    Told.AUTHORIZED: verdict("authorized"),
    Told.UNAUTHORIZED: verdict("unauthorized"),
    Told.LISTEN_UNAUTHORIZED: verdict("unauthorized", "listen"),
    Told.LISTENING: ACK,
    Told.NOT_LISTENING: {"stream": "listening", "data": {"streams": []}},
    Told.UPDATE: frame("new"),
    Told.NO_UPDATE: {"stream": "trade_updates", "data": None},
    Told.COMPLAINT: {"action": "error", "data": {"error_message": "what?"}},
    Told.OTHER: {"stream": "account_updates", "data": {}},
    Told.HEARTBEAT: None,
}
NOISE = "heartbeat other complaint no_update"
CLIENT = {  # what may come in a state, and where it leads
    ClientState.NEW: {},
    ClientState.AUTHENTICATING: {
        "authorized": "joining",
        "unauthorized": "authenticating_legacy",
        f"update {NOISE}": "authenticating",
    },
    ClientState.AUTHENTICATING_LEGACY: {
        "authorized": "joining",
        "unauthorized": "refused",
        f"update {NOISE}": "authenticating_legacy",
    },
    ClientState.JOINING: {
        "listening": "listening",
        f"not_listening listen_unauthorized update {NOISE}": "joining",
    },
    ClientState.LISTENING: {
        "not_listening": "joining",
        f"listening update {NOISE}": "listening",
    },
    ClientState.REFUSED: {NOISE: "refused"},
    ClientState.CLOSED: {},
}
CLIENT_AFTER = {
    (state, Told[word.upper()]): ClientState[after.upper()]
    for state, row in CLIENT.items()
    for words, after in row.items()
    for word in words.split()
}


def client_in(state):
    """A client that got to a state by the dialogue alone; nothing of that is left to be taken."""
    client = ClientProtocol(KEYS)
    if state is not ClientState.NEW:
        client.opened()
    if state in (ClientState.AUTHENTICATING_LEGACY, ClientState.REFUSED):
        told_to(client, verdict("unauthorized"))
    if state is ClientState.REFUSED:
        told_to(client, verdict("unauthorized"))
    if state in (ClientState.JOINING, ClientState.LISTENING):
        told_to(client, verdict("authorized"))
    if state is ClientState.LISTENING:
        told_to(client, ACK)
    if state is ClientState.CLOSED:
        client.closed()
    client.events_received(), client.data_to_send()
    assert state is client.state
    return client


def raw(told):
    content = TELLS[told]
    return b"\x01" if content is None else json.dumps(content).encode()


def test_the_clients_table():
    """Which frame may come in which state, and where it leads, is as written above."""
    assert CLIENT_AFTER == dict(CLIENT_TRANSITIONS)


@pytest.mark.parametrize(("state", "told"), [*product(ClientState, Told)])
def test_every_frame_in_every_state_of_a_client(state, told):
    """A frame that may come moves the state as the table says and is counted."""
    client = client_in(state)
    after = CLIENT_AFTER.get((state, told))
    before = client.counts[told]
    if after is None:
        error = LocalProtocolError if state in (ClientState.NEW, ClientState.CLOSED) else RemoteProtocolError
        with pytest.raises(error, match=rf"while {state.value}"):
            client.receive_data(raw(told))

        assert (state, before, [], []) == (
            client.state,
            client.counts[told],
            client.events_received(),
            client.data_to_send(),
        )
    else:
        client.receive_data(raw(told))

        assert (after, before + 1) == (client.state, client.counts[told])


ANSWERS = {  # what is told of it, and what is sent
    (ClientState.AUTHENTICATING, Told.AUTHORIZED): ([Authorized(legacy=False)], [LISTEN]),
    (ClientState.AUTHENTICATING, Told.UNAUTHORIZED): ([], [LEGACY]),
    (ClientState.AUTHENTICATING_LEGACY, Told.AUTHORIZED): ([Authorized(legacy=True)], [LISTEN]),
    (ClientState.AUTHENTICATING_LEGACY, Told.UNAUTHORIZED): ([AuthenticationRefused()], []),
    (ClientState.JOINING, Told.LISTENING): ([Listening(("trade_updates",))], []),
    (ClientState.JOINING, Told.NOT_LISTENING): ([ListenRefused(streams=())], []),
    (ClientState.JOINING, Told.LISTEN_UNAUTHORIZED): ([ListenRefused(streams=None)], []),
    (ClientState.LISTENING, Told.LISTENING): ([], []),
    (ClientState.LISTENING, Told.NOT_LISTENING): ([ListenRefused(streams=())], []),
}
ALIKE = {  # in every state in which it may come
    Told.UPDATE: [tell_in(json.dumps(frame("new")), Encoding.TEXT)],
    Told.COMPLAINT: [Complaint("what?")],
    Told.NO_UPDATE: [],
    Told.OTHER: [],
    Told.HEARTBEAT: [],
}


@pytest.mark.parametrize(("state", "told"), [*CLIENT_TRANSITIONS])
def test_what_a_client_makes_of_frames(state, told):
    """Each frame that may come has its events and its answer, and no other."""
    client = client_in(state)
    client.receive_data(raw(told))

    expected = ANSWERS[state, told] if told not in ALIKE else (ALIKE[told], [])
    assert expected == (client.events_received(), sent(client))


# --- the client -------------------------------------------------------------------------------------------------------


def test_a_client_waits_for_its_connection():
    """Nothing is to be sent before the websocket is open; then it is the current form."""
    client = ClientProtocol(KEYS)
    before = client.data_to_send()
    client.opened()

    assert [] == before
    assert [AUTH] == sent(client)


def test_a_connection_opens_once():
    """To open it again is our own mistake, and names the state."""
    client = client_in(ClientState.LISTENING)

    with pytest.raises(LocalProtocolError, match="opened while listening"):
        client.opened()
    client.closed()
    with pytest.raises(LocalProtocolError, match="opened while closed"):
        client.opened()


def test_a_client_that_begins_with_the_older_form():
    """Who was taken by the older form last time begins with it, and does not try it twice."""
    client = ClientProtocol(KEYS, legacy=True)
    client.opened()
    first = sent(client)

    assert [AuthenticationRefused(message="no")] == told_to(client, verdict("unauthorized", message="no"))
    assert ([LEGACY], []) == (first, sent(client))


def test_a_client_with_a_token():
    """A token has the older form only."""
    client = ClientProtocol(Token(token="t"))
    client.opened()

    assert [{"action": "authenticate", "data": {"oauth_token": "t"}}] == sent(client)
    assert [AuthenticationRefused()] == told_to(client, verdict("unauthorized"))


def test_what_is_taken_is_gone():
    """Events and messages are handed out once."""
    client = ClientProtocol(KEYS)
    client.opened()
    told_to(client, verdict("authorized"))

    assert [AUTH, LISTEN] == sent(client)
    assert ([], []) == (client.events_received(), client.data_to_send())


def test_updates_before_the_acknowledgement():
    """What comes before the client listens is handed on, in the order in which it came."""
    client = ClientProtocol(KEYS)
    client.opened()
    events = told_to(
        client, frame("a", 1), verdict("authorized"), frame("b", 2), ACK, frame("c", 3), ACK, frame("d", 4)
    )  # fmt: skip

    kinds = [Update, Authorized, Update, Listening, Update, Update]
    assert kinds == [type(event) for event in events]
    assert ["a", "b", "c", "d"] == [event.update.event for event in events if isinstance(event, Update)]


def test_a_bad_frame_loses_nothing_else():
    """What came before a frame that cannot be read and what comes after it is told; the state stays."""
    client = client_in(ClientState.LISTENING)
    client.receive_data(json.dumps(frame("a")))
    for bad in ("nonsense", b"", json.dumps(frame("x") | {"data": {}}), json.dumps(verdict("authorized"))):
        with pytest.raises(RemoteProtocolError):
            client.receive_data(bad)
    client.receive_data(json.dumps(frame("b")))

    assert ["a", "b"] == [event.update.event for event in client.events_received()]
    assert (ClientState.LISTENING, []) == (client.state, client.data_to_send())


def test_what_is_ignored_is_counted():
    """Frames without an update, of other streams, and heartbeats tell nothing, but how many there were."""
    client = client_in(ClientState.LISTENING)
    client.receive_data(b"\x01")
    events = told_to(client, TELLS[Told.NO_UPDATE], TELLS[Told.NO_UPDATE], TELLS[Told.OTHER])

    assert [] == events
    assert (2, 1, 1) == tuple(client.counts[told] for told in (Told.NO_UPDATE, Told.OTHER, Told.HEARTBEAT))


def test_a_closed_client_keeps_its_events():
    """After the end nothing is to be sent; what came before can still be taken."""
    client = client_in(ClientState.AUTHENTICATING)
    client.receive_data(json.dumps(verdict("authorized")))
    client.closed()
    client.closed()

    assert ([Authorized(legacy=False)], []) == (client.events_received(), client.data_to_send())


# --- the venue's table ------------------------------------------------------------------------------------------------

ASKS = {
    Asked.RIGHT: AUTH,
    Asked.WRONG: AUTH | {"secret": "other"},
    Asked.LISTEN: LISTEN,
    Asked.LISTEN_NOT: {"action": "listen", "data": {"streams": ["account_updates"]}},
    Asked.OTHER: {"action": "dance"},
    Asked.MALFORMED: ["?"],
    Asked.HEARTBEAT: None,
}
YES, NO = verdict("authorized"), verdict("unauthorized")
MUTE = {"stream": "listening", "data": {"streams": []}}
UNREADABLE = "the frame: Expected `object`, got `array`"
UNKNOWN = "expected the action auth, authenticate or listen"


def error(text):
    return {"action": "error", "data": {"error_message": text}}


VENUE = {  # where it leads, what is answered
    VenueState.CONNECTED: {
        Asked.RIGHT: ("authenticated", [YES]),
        Asked.WRONG: ("connected", [NO]),
        Asked.LISTEN: ("connected", [verdict("unauthorized", "listen")]),
        Asked.LISTEN_NOT: ("connected", [verdict("unauthorized", "listen")]),
        Asked.OTHER: ("connected", [verdict("unauthorized", "dance")]),
        Asked.MALFORMED: ("closed", [error(UNREADABLE)]),
        Asked.HEARTBEAT: ("connected", []),
    },
    VenueState.AUTHENTICATED: {
        Asked.RIGHT: ("authenticated", [YES]),
        Asked.WRONG: ("authenticated", [NO]),
        Asked.LISTEN: ("listening", [ACK]),
        Asked.LISTEN_NOT: ("authenticated", [MUTE]),
        Asked.OTHER: ("closed", [error(UNKNOWN)]),
        Asked.MALFORMED: ("closed", [error(UNREADABLE)]),
        Asked.HEARTBEAT: ("authenticated", []),
    },
    VenueState.LISTENING: {
        Asked.RIGHT: ("listening", [YES]),
        Asked.WRONG: ("listening", [NO]),
        Asked.LISTEN: ("listening", [ACK]),
        Asked.LISTEN_NOT: ("authenticated", [MUTE]),
        Asked.OTHER: ("closed", [error(UNKNOWN)]),
        Asked.MALFORMED: ("closed", [error(UNREADABLE)]),
        Asked.HEARTBEAT: ("listening", []),
    },
    VenueState.CLOSED: dict.fromkeys(Asked, ("closed", [])),
}


def ask(venue, content):
    venue.receive_data(b"\x01" if content is None else json.dumps(content))


def venue_in(state):
    venue = VenueProtocol({KEYS: "account-1"}.get)
    if state in (VenueState.AUTHENTICATED, VenueState.LISTENING):
        ask(venue, AUTH)
    if state is VenueState.LISTENING:
        ask(venue, LISTEN)
    if state is VenueState.CLOSED:
        venue.closed()
    venue.events_received(), venue.data_to_send()
    assert state is venue.state
    return venue


def test_the_venues_table():
    """Every message has an answer in every state."""
    after = {
        (state, asked): VenueState[word.upper()] for state, row in VENUE.items() for asked, (word, _) in row.items()
    }

    assert set(product(VenueState, Asked)) == set(after)
    assert after == dict(VENUE_TRANSITIONS)


@pytest.mark.parametrize(("state", "asked"), [*product(VenueState, Asked)])
def test_every_message_in_every_state_of_a_venue(state, asked):
    """The state moves and the answer is as the table above says; a malformed message closes."""
    venue = venue_in(state)
    ask(venue, ASKS[asked])

    word, answers = VENUE[state][asked]
    assert (VenueState[word.upper()], answers) == (venue.state, sent(venue))
    closes = state is not VenueState.CLOSED and word == "closed"
    assert (Close(1008, "malformed message") if closes else None) == venue.close


# --- the venue --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "credentials", "message"),
    [
        (AUTH, KEYS, None),
        (LEGACY, KEYS, DEPRECATED),
        ({"action": "authenticate", "data": {"oauth_token": "t"}}, Token(token="t"), DEPRECATED),
    ],
)
def test_forms_of_authentication(form, credentials, message):
    """Each form is understood; the older one is answered with what to use instead."""
    venue = VenueProtocol({credentials: "account-7"}.get)
    ask(venue, form)

    more = {} if message is None else {"message": message}
    assert [verdict("authorized", **more)] == sent(venue)
    assert [Authenticated(account="account-7", legacy=message is not None)] == venue.events_received()
    assert "account-7" == venue.account


def test_the_answer_to_the_older_form_as_recorded():
    """Its bytes are those that Alpaca sent, which name the current form."""
    venue = VenueProtocol({KEYS: "a"}.get)
    ask(venue, LEGACY)

    recorded = (
        r'{"stream":"authorization","data":{"action":"authenticate","message":"this authentication format is being '
        r"deprecated. Please use the format: {\"action\": \"auth\", \"key\": \"x\", \"secret\": \"x\"}"
        r'","status":"authorized"}}'
    )
    assert [recorded.encode()] == venue.data_to_send()


def test_wrong_credentials():
    """They are told to be wrong, in both forms, and may be followed by right ones."""
    venue = VenueProtocol({KEYS: "a"}.get)
    ask(venue, AUTH | {"key": "PK2"})
    ask(venue, {"action": "authenticate", "data": {"oauth_token": "hush"}})
    ask(venue, AUTH)

    assert [NO, NO, YES] == sent(venue)
    assert [
        AuthenticationFailed(legacy=False),
        AuthenticationFailed(legacy=True),
        Authenticated(account="a", legacy=False),
    ] == venue.events_received()


def test_one_connection_is_one_accounts():
    """The right keys of another account are refused once somebody is authenticated."""
    other = Keys(key="PK2", secret="quiet")
    venue = VenueProtocol({KEYS: "a", other: "b"}.get)
    for content in (AUTH, {"action": "auth", "key": "PK2", "secret": "quiet"}, AUTH):
        ask(venue, content)

    assert ([YES, NO, YES], "a") == (sent(venue), venue.account)


@pytest.mark.parametrize(
    ("wanted", "streams"),
    [
        (["trade_updates"], ["trade_updates"]),
        (["account_updates", "trade_updates", "trade_updates"], ["trade_updates"]),
        (["account_updates"], []),
        ([], []),
    ],
)
def test_the_whole_wanted_set(wanted, streams):
    """The acknowledgement names those of the wanted streams that there are, each once."""
    venue = venue_in(VenueState.LISTENING)
    ask(venue, {"action": "listen", "data": {"streams": wanted}})

    assert [{"stream": "listening", "data": {"streams": streams}}] == sent(venue)
    assert [Subscribed(streams=tuple(streams))] == venue.events_received()
    assert bool(streams) is venue.send_update({"event": "new"})


@pytest.mark.parametrize("state", VenueState)
def test_updates_reach_listeners_alone(state):
    """Who does not listen misses an update, and whoever sends it can tell."""
    venue = venue_in(state)
    heard = state is VenueState.LISTENING

    assert heard is venue.send_update({"event": "new", "order": ORDER})
    assert [{"stream": "trade_updates", "data": {"event": "new", "order": ORDER}}] * heard == sent(venue)


def test_malformed_messages_are_told():
    """The answer names what is wrong, then the connection closes; what comes behind it is ignored."""
    venue = venue_in(VenueState.LISTENING)
    ask(venue, {"action": "listen"})
    ask(venue, LISTEN)

    assert [error("listen, data: missing")] == sent(venue)
    assert [Misunderstood(reason="listen, data: missing")] == venue.events_received()
    assert (Close(1008, "malformed message"), False) == (venue.close, venue.send_update({}))


@pytest.mark.parametrize("state", VenueState)
def test_time_for_authentication(state):
    """Once it is over, who has not authenticated is closed, and nobody else."""
    venue = venue_in(state)
    venue.expired()

    late = state is VenueState.CONNECTED
    assert (Close(1008, "not authenticated in time") if late else None) == venue.close
    assert (VenueState.CLOSED if late else state) is venue.state


def test_a_closed_venue_sends_nothing():
    """After the end of the connection nothing is left to be sent."""
    venue = venue_in(VenueState.LISTENING)
    venue.send_update({})
    venue.closed()

    assert [] == venue.data_to_send()


@pytest.mark.parametrize("encoding", Encoding)
def test_the_venues_encodings(encoding):
    """Answers and updates are written as the venue is told; binary JSON is the default."""
    venue = VenueProtocol({KEYS: "a"}.get, encoding=encoding)
    for content in (AUTH, LISTEN):
        ask(venue, content)
    venue.send_update({"event": "new"})
    read = msgspec.msgpack.decode if encoding is Encoding.MESSAGEPACK else json.loads
    messages = venue.data_to_send()

    assert [YES, ACK, {"stream": "trade_updates", "data": {"event": "new"}}] == [read(each) for each in messages]
    assert {str if encoding is Encoding.TEXT else bytes} == {type(message) for message in messages}
    assert bytes is type(venue_sends_by_default())


def venue_sends_by_default():
    venue = VenueProtocol({KEYS: "a"}.get)
    ask(venue, AUTH)
    return venue.data_to_send()[0]


# --- both, joined -----------------------------------------------------------------------------------------------------

SEQUENCES = {  # as Alpaca was seen to send them
    "market order": ["pending_new", "new", "fill"],
    "market closed": ["accepted", "new", "fill"],
    "two executions": ["pending_new", "new", "partial_fill", "fill"],
    "cancel": ["new", "canceled"],
    "a fill wins against a cancel": ["new", "pending_cancel", "fill", "order_cancel_rejected"],
    "replace": ["new", "pending_replace", "replaced", "new"],
    "replace too late": ["new", "fill", "order_replace_rejected"],
    "bracket": ["new", "fill", "new", "held", "fill", "canceled"],
}


@pytest.mark.parametrize(("asks", "tells"), [*product([Encoding.TEXT, Encoding.BINARY], repeat=2)])
@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences(pair, name, asks, tells):
    """Every update of a sequence arrives once and in order, whichever frames the two sides write."""
    both = pair(asks=asks, tells=tells)
    both.client.opened()
    both.run()
    for number, event in enumerate(SEQUENCES[name]):
        both.venue.send_update(frame(event, number)["data"])
    events, _ = both.run()

    assert SEQUENCES[name] == [event.update.event for event in events]
    assert [f"01J{number:05}" for number in range(len(events))] == [event.update.event_id for event in events]


def test_messagepack_on_both_sides(pair):
    """With MessagePack everything but heartbeats is MessagePack, both ways."""
    both = pair(asks=Encoding.MESSAGEPACK, tells=Encoding.MESSAGEPACK)
    both.client.opened()
    both.run()
    both.venue.send_update(frame("fill", qty="1.50")["data"])
    (event,), _ = both.run()

    assert ("fill", "1.50") == (event.update.event, str(event.update.qty))
    assert [AUTH, YES, LISTEN, ACK] == [msgspec.msgpack.decode(message) for _, message in both.wire[:4]]


def test_the_minimal_dialogue(pair):
    """Authenticate, listen, an update: five messages, and each side is told what it has to know."""
    both = pair()
    both.client.opened()
    told, asked = both.run()
    both.venue.send_update(frame("new")["data"])
    updates, _ = both.run()

    assert [Authorized(legacy=False), Listening(("trade_updates",))] == told
    assert [Authenticated(account="account-1", legacy=False), Subscribed(streams=("trade_updates",))] == asked
    assert ["new"] == [event.update.event for event in updates]
    assert [("C", AUTH), ("V", YES), ("C", LISTEN), ("V", ACK), ("V", frame("new"))] == [
        (who, json.loads(message)) for who, message in both.wire
    ]


def test_a_venue_that_takes_the_older_form_only(pair):
    """The client falls back to it once, and says so."""
    both = pair()
    both.client.opened()
    (current,) = both.client.data_to_send()
    assert AUTH == json.loads(current)
    both.client.receive_data(json.dumps(NO))  # as a venue that does not know the current form
    told, asked = both.run()

    assert [Authorized(legacy=True, message=DEPRECATED), Listening(("trade_updates",))] == told
    assert [Authenticated(account="account-1", legacy=True), Subscribed(streams=("trade_updates",))] == asked
    assert both.client.legacy


def test_a_client_that_nobody_knows(pair):
    """Both forms are tried, once each; then the client gives up."""
    both = pair(knows={})
    both.client.opened()
    told, asked = both.run()

    assert [AuthenticationRefused()] == told
    assert [AuthenticationFailed(legacy=False), AuthenticationFailed(legacy=True)] == asked
    assert [AUTH, NO, LEGACY, NO] == [json.loads(message) for _, message in both.wire]
    assert ClientState.REFUSED is both.client.state


def test_a_client_with_a_token_at_a_venue(pair):
    """A token is as good as keys."""
    both = pair(Token(token="T0KEN"))
    both.client.opened()

    assert [Authorized(legacy=True, message=DEPRECATED), Listening(("trade_updates",))] == both.run()[0]


def test_recorded_frames_pass_the_client(shared):
    """Each recorded frame of the venue can be received by a client that listens or is about to."""
    entries = json.loads((shared / "alpaca/samples/trade_updates.json").read_text(encoding="utf-8"))
    payloads = {entry["kind"]: entry["payload"] for entry in entries}
    client = client_in(ClientState.AUTHENTICATING)
    events = told_to(
        client,
        payloads["ws.server.authorization.authorized"],
        payloads["ws.server.listening.ok"],
        payloads["ws.server.trade_updates.new"],
        payloads["ws.server.trade_updates.fill"],
    )

    assert [Authorized, Listening, Update, Update] == [type(event) for event in events]
    assert ["new", "fill"] == [event.update.event for event in events[2:]]


def test_recorded_messages_pass_the_venue(shared):
    """The recorded messages of a client are understood."""
    entries = json.loads((shared / "alpaca/samples/trade_updates.json").read_text(encoding="utf-8"))
    payloads = {entry["kind"]: entry["payload"] for entry in entries}
    venue = VenueProtocol(lambda credentials: "a")
    ask(venue, payloads["ws.client.authenticate"])
    ask(venue, payloads["ws.client.listen"])

    answers = sent(venue)
    assert ["authorized", ["trade_updates"]] == [answers[0]["data"]["status"], answers[1]["data"]["streams"]]
    assert payloads["ws.server.listening.ok"] == answers[1]


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_a_client_tells_no_secret(caplog):
    """Whatever the venue sends back, no repr, event, error or log of the client has key or secret."""
    caplog.set_level(logging.DEBUG)
    shown = []
    for state in ClientState:
        client = client_in(state)
        shown.append(repr(client))
        for content in (
            verdict("authorized", message="hello PK1 hush"),
            verdict("unauthorized", message="hello PK1 hush"),
            verdict("unauthorized", "listen", message="PK1 hush"),
            verdict("PK1 hush"),
            error("cannot read PK1 hush"),
            AUTH,
            LEGACY,
            {"stream": "PK1 hush", "data": {}},
            {"stream": "listening", "data": {"streams": ["trade_updates"], "PK1": "hush"}},
            {"stream": "trade_updates", "data": {"PK1": "hush"}},
            {"stream": "trade_updates", "data": "PK1 hush"},
        ):
            for message in (json.dumps(content), json.dumps(content).encode() + b"\xff", b"\xff" + b"PK1 hush"):
                try:
                    client.receive_data(message)
                except (LocalProtocolError, RemoteProtocolError) as caught:
                    assert caught.__context__ is None
                    shown.append(repr(caught))
        shown += [repr(event) for event in client.events_received()]

    assert [] == [text for text in [*shown, caplog.text] if "PK1" in text or "hush" in text]


def test_a_venue_tells_no_secret(caplog):
    """No repr, event, answer or log of the venue has what a client sent as key or secret."""
    caplog.set_level(logging.DEBUG)
    shown = []
    for content in (
        AUTH,
        LEGACY,
        AUTH | {"key": 7},
        {"action": "auth", "key": ["PK1"], "secret": {"hush": "hush"}},
        {"action": "authenticate", "data": "PK1 hush"},
        {"action": "authenticate", "data": {"key_id": "PK1", "secret": "hush"}},
        {"action": "authenticate", "data": {"oauth_token": ["hush"]}},
    ):
        for knows in ({}, {KEYS: "account-1"}):
            for message in (json.dumps(content), json.dumps(content)[:-2], json.dumps(content).encode() + b"\xff"):
                venue = VenueProtocol(knows.get)
                venue.receive_data(message)
                shown += [repr(venue), repr(venue.close), repr(venue.events_received()), repr(venue.data_to_send())]

    assert [] == [text for text in [*shown, caplog.text] if "PK1" in text or "hush" in text]
