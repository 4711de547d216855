"""Messages of the streams, and the frames that they go out in."""

from __future__ import annotations

import json

import msgspec
import pytest

from bridge.stream.frames import Encoding
from bridge.venue.data.messages import CHANNELS, Message, control, frames

AT = 1_704_209_400_123_456_789


def trade(number=0):
    return Message("t", "AAPL", "stocks", {"t": AT, "p": 190.5, "i": number})


def unpacked(frame):
    return msgspec.msgpack.decode(frame)


def test_every_kind_has_its_channel():
    """No two kinds of message share a list of symbols."""
    assert len(CHANNELS) == len(set(CHANNELS.values()))


def test_as_text():
    """Kind and symbol in front, the moment with nine digits."""
    frame = '[{"T":"t","S":"AAPL","t":"2024-01-02T15:30:00.123456789Z","p":190.5,"i":0}]'

    assert [frame] == list(frames([trade().encoded(Encoding.TEXT)], Encoding.TEXT))
    assert [frame.encode()] == list(frames([trade().encoded(Encoding.BINARY)], Encoding.BINARY))


@pytest.mark.parametrize(
    ("at", "stamp"),
    [
        (AT, ((123456789 << 34) | 1704209400).to_bytes(8, "big")),
        (-1, (999999999).to_bytes(4, "big") + (-1).to_bytes(8, "big", signed=True)),
        (1 << 34 | 5, ((1 << 34 | 5) % 10**9 << 34 | (1 << 34 | 5) // 10**9).to_bytes(8, "big")),
        ((1 << 34) * 10**9, bytes(4) + (1 << 34).to_bytes(8, "big")),
    ],
)
def test_moments_in_messagepack(at, stamp):
    """The extension -1: eight bytes, or twelve where seconds need them."""
    message = Message("t", "AAPL", "stocks", {"t": at})

    head = b"\xd7\xff" if len(stamp) == 8 else b"\xc7\x0c\xff"
    assert message.encoded(Encoding.MESSAGEPACK).endswith(b"\xa1t" + head + stamp)


def test_encoded_once():
    """However many connections there are, the bytes are the same object."""
    message = trade()

    for encoding in (Encoding.TEXT, Encoding.MESSAGEPACK):
        assert message.encoded(encoding) is message.encoded(encoding)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 499, 500, 501, 1200])
@pytest.mark.parametrize("encoding", [Encoding.TEXT, Encoding.MESSAGEPACK])
def test_frames_are_arrays(count, encoding):
    """Every frame is one, of at most 500 objects; none is lost and their order stays."""
    made = list(frames([trade(number).encoded(encoding) for number in range(count)], encoding))
    read = [json.loads(frame) if encoding is Encoding.TEXT else unpacked(frame) for frame in made]

    assert [500] * (count // 500) + [count % 500] * (count % 500 > 0) == [len(array) for array in read]
    assert list(range(count)) == [row["i"] for array in read for row in array]


def test_controls_stand_alone():
    """In an array of their own, in whatever encoding."""
    content = {"T": "success", "msg": "connected"}

    assert '[{"T":"success","msg":"connected"}]' == control(content, Encoding.TEXT)
    assert [content] == json.loads(control(content, Encoding.BINARY))
    assert [content] == unpacked(control(content, Encoding.MESSAGEPACK))
