"""Whatever is said on a websocket, in messages or broken frames: it is answered or closed, and nobody else notices."""

from __future__ import annotations

import json
import struct
from contextlib import closing

import pytest

hypothesis = pytest.importorskip("hypothesis")
msgspec = pytest.importorskip("msgspec")
st = hypothesis.strategies


@pytest.fixture(scope="module")
def rig(new_rig):
    return new_rig(speed=20)


PLACES = st.sampled_from("/stream /stream /stream/ /v2/iex /v2/sip /v2/delayed_sip /v2/test /v1beta3/crypto/us".split())
WORDS = st.sampled_from(
    "auth authenticate listen subscribe unsubscribe trade_updates AAPL F BTC/USD * FAKEPACA PAPERKEY "
    "papersecret".split()
)
TEXT = st.one_of(WORDS, st.text(max_size=6), st.sampled_from(["\ud800", "\x00", "💥"]))
ANY = st.recursive(
    st.one_of(TEXT, st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
CHANNELS = "trades quotes bars updatedBars dailyBars statuses lulds orderbooks news streams".split()
SYMBOLS = st.one_of(st.lists(st.sampled_from(["AAPL", "F", "BTC/USD", "*", "FAKEPACA", "x" * 1000]), max_size=3), ANY)
GOOD = [
    {"action": "auth", "key": "PAPERKEY", "secret": "papersecret"},
    {"action": "authenticate", "data": {"key_id": "PAPERKEY", "secret_key": "papersecret"}},
    {"action": "listen", "data": {"streams": ["trade_updates"]}},
    {"action": "listen", "data": {"streams": []}},
    {"action": "subscribe", "trades": ["AAPL", "F"], "quotes": ["*"], "bars": ["*"]},
    {"action": "subscribe", "orderbooks": ["*"], "trades": ["BTC/USD"]},
    {"action": "subscribe", "trades": ["FAKEPACA"]},
    {"action": "unsubscribe", "trades": ["AAPL"], "quotes": ["*"]},
    {"action": "subscribe", "trades": [f"s{number}" for number in range(5000)]},
]
MESSAGES = st.one_of(
    st.sampled_from(GOOD),
    st.sampled_from(GOOD[:2]),
    st.fixed_dictionaries(
        {"action": TEXT}, optional=dict.fromkeys(CHANNELS, SYMBOLS) | {"key": TEXT, "secret": TEXT, "data": ANY}
    ),
    ANY,
)


def text(message):
    return json.dumps(message).encode()


def raw_text(message):
    return json.dumps(message, ensure_ascii=False).encode(errors="surrogatepass")


def packed(message):
    try:
        return msgspec.msgpack.encode(message)
    except (ValueError, TypeError, OverflowError, UnicodeEncodeError):
        return b"\xc1"


PAYLOADS = st.one_of(
    st.builds(lambda how, message: how(message), st.sampled_from([text, text, raw_text, packed]), MESSAGES),
    st.binary(max_size=20),
    st.sampled_from(
        [
            b"[" * 100_000,
            b'{"action":' * 50_000,
            b"\x91" * 50_000,
            b"\xdf\xff\xff\xff\xff",
            b"\xc7\xff\xff",
            b"\x01",
            b"null",
            b"x" * 999_000,
            b'{"action":"auth","action":"listen","key":"PAPERKEY","key":"x","secret":"papersecret"}',
            b'{"action":"auth","key":"PAPERKEY","secret":"\xed\xa0\x80"}',
            b'{"action":"auth","key":"\\ud800","secret":"\\udfff"}',
        ]
    ),
)
TEXT_FRAME, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PLAIN = st.tuples(st.sampled_from([TEXT_FRAME, TEXT_FRAME, BINARY]), PAYLOADS, st.integers(1, 4))
ODD = st.tuples(st.integers(0, 255), st.booleans(), st.binary(max_size=130), st.none() | st.integers(0, 2**63))
CONTROL = st.tuples(st.sampled_from([PING, PONG, CLOSE]), st.binary(max_size=125))
STEPS = st.one_of(
    PLAIN.map(lambda plain: b"".join(whole(*plain))),
    PLAIN.map(lambda plain: b"".join(whole(*plain))),
    PLAIN.map(lambda plain: frame(0x80 | PING, b"between").join(whole(*plain))),
    CONTROL.map(lambda control: frame(0x80 | control[0], control[1])),
    ODD.map(lambda odd: frame(odd[0], odd[2], masked=odd[1], length=odd[3])),
    st.binary(min_size=1, max_size=10),
)
HEADERS = st.sampled_from(
    [
        b"",
        b"",
        b"content-type: application/msgpack\r\n",
        b"apca-api-key-id: PAPERKEY\r\napca-api-secret-key: papersecret\r\n",
        b"apca-api-key-id: x\r\n",
        b"sec-websocket-extensions: permessage-deflate\r\n",
        b"sec-websocket-protocol: x, y\r\n",
        b"authorization: Basic \xff\r\n",
    ]
)


def frame(first, payload, *, masked=True, length=None):
    """A frame as a client sends it, or not; ``length`` in the place of the right one."""
    size = len(payload) if length is None else length
    mask = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    return head + bytes(4 if masked else 0) + payload  # a mask of zeros changes nothing


def whole(opcode, payload, parts):
    """The frames of a message in so many parts."""
    size = -(-len(payload) // parts) or 1
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(pieces) - 1
    return [frame((opcode if not at else 0) | (0x80 if at == last else 0), piece) for at, piece in enumerate(pieces)]


class Reader:
    """What the venue says, frame by frame."""

    def __init__(self, connection):
        self._connection = connection
        self._rest = b""

    def _take(self, size):
        while len(self._rest) < size:
            got = self._connection.recv(1 << 16)
            if not got:
                raise EOFError
            self._rest += got
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def status(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._take(1)
        return int(head.split()[1])

    def frame(self):
        first, size = self._take(2)
        assert size < 0x80  # a server does not mask
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        return first, self._take(size)


def said(reader, rig, *, msgpack):
    """Take in all that comes until the end; whatever it is, it is whole, and no internal error."""
    while True:
        first, payload = reader.frame()
        assert first in (0x80 | kind for kind in (TEXT_FRAME, BINARY, CLOSE, PING, PONG))
        rig.count("messages back")
        kind = first & 15
        if kind == CLOSE:
            assert payload[:2] != struct.pack("!H", 1011), payload
        elif kind in (TEXT_FRAME, BINARY):
            assert b"papersecret" not in payload
            if kind == BINARY and msgpack:
                msgspec.msgpack.decode(payload)
            else:
                json.loads(payload)


def test_websockets(rig, neighbour, fuzzed):
    """Each connection is answered in whole messages and ends when it is closed; nothing is left of it."""

    def act(conversations):
        for place, headers, steps, ends in conversations:
            rig.count("websockets")
            with closing(rig.connect()) as connection:
                reader = Reader(connection)
                connection.sendall(
                    f"GET {place} HTTP/1.1\r\n".encode()
                    + b"host: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                    + b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    + headers
                    + b"\r\n"
                )
                assert reader.status() == 101
                try:
                    for step in steps:
                        connection.sendall(step)
                        rig.count("messages")
                    if ends == "gone":
                        continue
                    connection.sendall(frame(0x80 | CLOSE, struct.pack("!H", 1000)))
                    if ends == "shut":
                        connection.shutdown(1)
                    said(reader, rig, msgpack=b"msgpack" in headers)
                except TimeoutError:
                    # The rest of half a frame may still come, unless its other side is over.
                    assert ends != "shut", steps
                except (OSError, EOFError):  # closed, in one of the ways in which that is seen
                    pass
        rig.well()

    fuzzing = st.lists(
        st.tuples(PLACES, HEADERS, st.lists(STEPS, max_size=8), st.sampled_from(["gone", "shut", "shut", "shut"])),
        min_size=1,
        max_size=8,
    )
    with neighbour(rig):
        fuzzed(fuzzing, act)
    rig.check()
