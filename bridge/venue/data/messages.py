"""
What the streams tell, one value each, and how it stands on the wire.

Every frame is an array of objects. A message is encoded once for all connections that speak the same encoding; what a
connection gets is put together from those pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from struct import pack
from typing import Any, Literal

import msgspec
from attrs import define, field

from bridge.stream.frames import Encoding
from bridge.venue.data.rows import Row
from bridge.venue.spelling import zulu

__all__ = ["CHANNELS", "Market", "Message", "control", "frames"]

Market = Literal["stocks", "crypto", "test"]

CHANNELS: Mapping[str, str] = {
    "t": "trades",
    "q": "quotes",
    "b": "bars",
    "u": "updatedBars",
    "d": "dailyBars",
    "s": "statuses",
    "l": "lulds",
    "o": "orderbooks",
    "c": "corrections",
    "x": "cancelErrors",
}
"""The list in which a client names the symbols it wants, by the letter ``T`` of its messages."""

_MOST = 500  # in one frame: some 80 kB, and clients take a megabyte
_TIMESTAMP = -1
_SECONDS = 1 << 34


@define
class Message:
    """
    Attributes:
        kind: ``T`` on the wire.
        symbol: As clients ask for it.
        row: Its fields, without those two; a moment ``t`` is nanoseconds since 1970.
    """

    kind: str
    symbol: str
    market: Market
    row: Row
    _text: bytes | None = field(default=None, init=False, repr=False, eq=False)
    _packed: bytes | None = field(default=None, init=False, repr=False, eq=False)

    @property
    def at(self) -> int:
        """When it happened, nanoseconds since 1970."""
        at: int = self.row["t"]
        return at

    def encoded(self, encoding: Encoding) -> bytes:
        """The object alone, without the array that it goes out in."""
        if encoding is Encoding.MESSAGEPACK:
            if self._packed is None:
                self._packed = msgspec.msgpack.encode(self._content(_stamp(self.at)))
            return self._packed
        if self._text is None:
            self._text = msgspec.json.encode(self._content(zulu(self.at)))
        return self._text

    def _content(self, at: object) -> dict[str, Any]:
        return {"T": self.kind, "S": self.symbol, **self.row, "t": at}


def _stamp(at: int) -> msgspec.msgpack.Ext:
    """The timestamp of MessagePack: 8 bytes where 34 bits of seconds do, else 12."""
    seconds, rest = divmod(at, 10**9)
    if 0 <= seconds < _SECONDS:
        return msgspec.msgpack.Ext(_TIMESTAMP, pack(">Q", rest << 34 | seconds))
    return msgspec.msgpack.Ext(_TIMESTAMP, pack(">Iq", rest, seconds))


def frames(parts: Sequence[bytes], encoding: Encoding) -> Iterable[str | bytes]:
    """Whole frames with these objects, in their order, at most 500 each."""
    for first in range(0, len(parts), _MOST):
        some = parts[first : first + _MOST]
        if encoding is Encoding.MESSAGEPACK:
            yield _array(len(some)) + b"".join(some)
            continue
        data = b"[" + b",".join(some) + b"]"
        yield data.decode() if encoding is Encoding.TEXT else data


def _array(length: int) -> bytes:
    return bytes((0x90 | length,)) if length < 16 else pack(">BH", 0xDC, length)


def control(content: Mapping[str, Any], encoding: Encoding) -> str | bytes:
    """A frame about the connection itself, alone in its array."""
    if encoding is Encoding.MESSAGEPACK:
        return msgspec.msgpack.encode([content])
    data = msgspec.json.encode([content])
    return data.decode() if encoding is Encoding.TEXT else data
