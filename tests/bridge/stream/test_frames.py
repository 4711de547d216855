"""Frames read and written: every sample, every encoding, and nothing quoted of what was wrong."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal

import msgspec
import pytest

from bridge.stream.frames import (
    Authenticate,
    Authorization,
    Complaint,
    Encoding,
    Heartbeat,
    Keys,
    Listen,
    Listening,
    NoUpdate,
    OtherAction,
    OtherStream,
    Token,
    Update,
    ask_in,
    ask_of,
    tell_in,
    tell_of,
    update_of,
)
from engine.errors import InvalidInput, RemoteProtocolError

KEYS = Keys(key="PK1", secret="hush")
ASKS = {
    Authenticate(KEYS, legacy=False): {"action": "auth", "key": "PK1", "secret": "hush"},
    Authenticate(KEYS, legacy=True): {"action": "authenticate", "data": {"key_id": "PK1", "secret_key": "hush"}},
    Authenticate(Token(token="t"), legacy=True): {"action": "authenticate", "data": {"oauth_token": "t"}},
    Listen(("trade_updates", "other")): {"action": "listen", "data": {"streams": ["trade_updates", "other"]}},
    Listen(()): {"action": "listen", "data": {"streams": []}},
}
TELLS = {
    Authorization(True, "authenticate"): {
        "stream": "authorization",
        "data": {"status": "authorized", "action": "authenticate"},
    },
    Authorization(True, "authenticate", "old"): {
        "stream": "authorization",
        "data": {"action": "authenticate", "message": "old", "status": "authorized"},
    },
    Authorization(False, "listen"): {
        "stream": "authorization",
        "data": {"status": "unauthorized", "action": "listen"},
    },
    Listening(("trade_updates",)): {"stream": "listening", "data": {"streams": ["trade_updates"]}},
    Listening(()): {"stream": "listening", "data": {"streams": []}},
    Complaint("what?"): {"action": "error", "data": {"error_message": "what?"}},
}
ORDER = {"id": "b1", "status": "filled", "filled_qty": "1.50", "tomorrow": [1, None]}
UPDATE = {"stream": "trade_updates", "data": {"event": "fill", "order": ORDER, "qty": "1.50"}}


def on_the_wire(content, encoding):
    """The content as somebody else's library would send it."""
    if encoding is Encoding.MESSAGEPACK:
        return msgspec.msgpack.encode(content)
    text = json.dumps(content)
    return text if encoding is Encoding.TEXT else text.encode()


def off_the_wire(message, encoding):
    return msgspec.msgpack.decode(message) if encoding is Encoding.MESSAGEPACK else json.loads(message)


# --- both ways --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(("ask", "content"), ASKS.items())
def test_what_clients_ask(ask, content, encoding):
    """Each ask stands on the wire as Alpaca has it, and is read back from there."""
    assert content == off_the_wire(ask_of(ask, encoding), encoding)
    assert ask == ask_in(on_the_wire(content, encoding), encoding)


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(("tell", "content"), TELLS.items())
def test_what_the_venue_tells(tell, content, encoding):
    """Each answer stands on the wire as Alpaca has it, and is read back from there."""
    assert content == off_the_wire(tell_of(tell, encoding), encoding)
    assert tell == tell_in(on_the_wire(content, encoding), encoding)


@pytest.mark.parametrize("encoding", Encoding)
def test_updates(encoding):
    """An update keeps each digit; the order can be had as JSON with what we do not know of it."""
    frame = tell_in(on_the_wire(UPDATE, encoding), encoding)

    assert isinstance(frame, Update)
    assert ("fill", "b1", "1.50", "1.50") == (
        frame.update.event,
        frame.update.order.id,
        str(frame.update.order.filled_qty),
        str(frame.update.qty),
    )
    assert ORDER == json.loads(frame.order_json())


@pytest.mark.parametrize("encoding", Encoding)
def test_updates_written(encoding):
    """What is written can be read; Decimals are text."""
    message = update_of({"event": "fill", "order": ORDER, "qty": Decimal("1.50")}, encoding)

    assert UPDATE == off_the_wire(message, encoding)
    assert tell_in(on_the_wire(UPDATE, encoding), encoding) == tell_in(message, encoding)


@pytest.mark.parametrize("encoding", Encoding)
def test_updates_that_are_null(encoding):
    """A frame without an update is one of its own, however it is spaced."""
    assert NoUpdate() == tell_in(update_of(None, encoding), encoding)
    assert NoUpdate() == tell_in('{ "data" :  null , "stream" : "trade_updates" }', encoding)


@pytest.mark.parametrize(
    ("encoding", "kind"), [(Encoding.TEXT, str), (Encoding.BINARY, bytes), (Encoding.MESSAGEPACK, bytes)]
)
def test_kinds_of_websocket_messages(encoding, kind):
    """Text frames are str and binary ones bytes, whatever is in them."""
    messages = [
        ask_of(Listen(()), encoding),
        tell_of(Listening(()), encoding),
        tell_of(Heartbeat(), encoding),
        update_of(None, encoding),
    ]

    assert {kind} == {type(message) for message in messages}


@pytest.mark.parametrize("encoding", Encoding)
def test_either_frame_is_read(encoding):
    """Text is JSON however the other side was asked to write; so is binary, unless that is MessagePack."""
    assert Listen(()) == ask_in('{"action":"listen","data":{"streams":[]}}', encoding)
    assert Listening(()) == tell_in('{"stream":"listening","data":{"streams":[]}}', encoding)


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("beat", ["\x01", b"\x01"])
def test_heartbeats(beat, encoding):
    """One byte 0x01 is a sign of life, on either side and in either kind of frame."""
    assert Heartbeat() == ask_in(beat, encoding) == tell_in(beat, encoding)


def test_words_of_tomorrow():
    """Streams and actions that we do not know are told by name."""
    assert OtherStream("account_updates") == tell_in('{"stream":"account_updates","data":{"x":1}}', Encoding.TEXT)
    assert OtherAction("unlisten") == ask_in('{"action":"unlisten","data":7}', Encoding.TEXT)


def test_every_recorded_payload_is_read(shared):
    """Each frame of the recordings means what its kind says."""
    kinds = {
        "ws.client.listen": (ask_in, Listen),
        "ws.client.authenticate": (ask_in, Authenticate),
        "ws.server.listening.ok": (tell_in, Listening),
        "ws.server.authorization.authorized": (tell_in, Authorization),
        "ws.server.authorization.unauthorized": (tell_in, Authorization),
        "ws.server.trade_updates.fill": (tell_in, Update),
        "ws.server.trade_updates.new": (tell_in, Update),
    }
    entries = json.loads((shared / "alpaca/samples/trade_updates.json").read_text(encoding="utf-8"))
    for entry in entries:
        kind, payload = entry["kind"], entry["payload"]
        if kind.startswith("sse."):  # there the data come without the frame
            kind, payload = "ws.server.trade_updates.new", {"stream": "trade_updates", "data": payload}
        reader, meaning = kinds[kind]
        for encoding in Encoding:
            frame = reader(on_the_wire(payload, encoding), encoding)

            assert meaning is type(frame)
            if isinstance(frame, Update):
                assert payload["data"]["order"] == json.loads(frame.order_json())


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("", "the frame: .*truncated"),
        ("nonsense", "the frame: JSON is malformed"),
        (b"\xff\xfe", "the frame: JSON is malformed"),
        (b'{"stream":"\xff"}', "the frame: 'utf-8' codec"),
        ("\ud800", "the frame: 'utf-8' codec"),
        ('{"stream":"x","data":' + '{"a":' * 20_000, "the frame: maximum recursion"),
        ("[]", "the frame: Expected `object`, got `array`"),
        ("{}", "the frame: expected a stream, or the action error"),
        ('{"stream":7}', "the frame: Expected `str | null`, got `int`"),
        ('{"action":"auth"}', "the frame: expected a stream, or the action error"),
        ('{"stream":"authorization"}', "authorization, data: missing"),
        ('{"stream":"authorization","data":{"status":"perhaps"}}', "authorization, data: expected the status"),
        ('{"stream":"listening","data":{}}', "listening, data: .*missing required field `streams`"),
        ('{"stream":"listening","data":{"streams":[1.5]}}', r"listening, data: .*\$.streams"),
        ('{"action":"error","data":[]}', "error, data: Expected `object`"),
        ('{"stream":"trade_updates"}', "trade_updates, data: missing"),
        ('{"stream":"trade_updates","data":{"event":"new"}}', "trade_updates, data: .*field `order`"),
        (
            '{"stream":"trade_updates","data":{"event":"new","order":{"id":"b","status":"new","qty":"many"}}}',
            r"trade_updates, data: .*\$.order.qty",
        ),
        (
            '{"stream":"trade_updates","data":{"event":"new","order":{"id":"b","status":"new","qty":"NaN"}}}',
            "trade_updates, data: NaN: expected a finite number",
        ),
        (
            '{"stream":"trade_updates","data":{"event":"new","timestamp":"2024-01-02T03:04:05","order":{}}}',
            r"trade_updates, data: .*\$",
        ),
    ],
)
def test_tells_that_cannot_be_read(message, why):
    """A frame of the venue that makes no sense is an error that says where and what, and has no cause."""
    with pytest.raises(RemoteProtocolError, match=why) as caught:
        tell_in(message, Encoding.BINARY)

    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"data": {}}, "the frame: .*missing required field `action`"),
        ({"action": None}, "the frame: Expected `str`, got "),
        ({"action": "auth"}, "auth: expected key and secret"),
        ({"action": "auth", "key": "PK1"}, "auth: expected key and secret"),
        ({"action": "auth", "key": "", "secret": "hush"}, "auth: expected key and secret"),
        ({"action": "auth", "key": "PK1", "secret": ["hush"]}, r"the frame: Expected .*\$.secret"),
        ({"action": "auth", "data": {"key_id": "PK1", "secret_key": "hush"}}, "auth: expected key and secret"),
        ({"action": "authenticate"}, "authenticate, data: missing"),
        ({"action": "authenticate", "data": {}}, "authenticate: expected data with key_id and secret_key"),
        ({"action": "authenticate", "data": {"key_id": "PK1"}}, "authenticate: expected data"),
        ({"action": "authenticate", "key": "PK1", "secret": "hush"}, "authenticate, data"),
        ({"action": "listen"}, "listen, data: missing"),
        ({"action": "listen", "data": {"streams": "trade_updates"}}, r"listen, data: Expected `array`.*\$.streams"),
        ({"action": "listen", "data": {"streams": None}}, "listen, data"),
    ],
)
@pytest.mark.parametrize("encoding", Encoding)
def test_asks_that_cannot_be_read(content, why, encoding):
    """A client's message that lacks something is an error that names it and quotes nothing."""
    with pytest.raises(RemoteProtocolError, match=why) as caught:
        ask_in(on_the_wire(content, encoding), encoding)

    assert (None, None) == (caught.value.__cause__, caught.value.__context__)
    assert not [secret for secret in ("PK1", "hush") if secret in str(caught.value)]


def test_messagepack_that_cannot_be_read():
    """Binary frames that are no MessagePack are an error too."""
    for reader in (ask_in, tell_in):
        for message in (b"", b"\xc1", b"\x81", b"{}", b"\x81\x01\x02"):
            with pytest.raises(RemoteProtocolError, match="the frame: "):
                reader(message, Encoding.MESSAGEPACK)


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_credentials_are_not_shown():
    """No repr of credentials, or of an ask that has them, shows them."""
    token = Token(token="hush")

    assert "Keys()" == repr(KEYS)
    assert "Token()" == repr(token)
    assert not [ask for ask in ASKS if "PK1" in repr(ask) or "hush" in repr(ask)]


def test_credentials_are_taken_out_of_texts():
    """What somebody sent back loses them."""
    text = "no such key PK1 with hush"

    assert "no such key (not shown) with (not shown)" == KEYS.hidden(text)
    assert "no such key PK1 with (not shown)" == Token(token="hush").hidden(text)


def test_a_key_within_a_secret():
    """A secret that has the key in it is taken out whole."""
    assert "(not shown)" == Keys(key="PK", secret="xPKx").hidden("xPKx")


@pytest.mark.parametrize("make", [lambda value: Keys(key="k", secret=value), lambda value: Token(token=value)])
@pytest.mark.parametrize("value", ["", None, 7, b"hush"])
def test_credentials_are_text(make, value):
    """Anything else is refused without being shown."""
    with pytest.raises(InvalidInput, match="expected text") as caught:
        make(value)

    assert "hush" not in str(caught.value)


def test_credentials_survive_the_way_to_another_process():
    """They can be pickled, and are equal there."""
    assert KEYS == pickle.loads(pickle.dumps(KEYS))
