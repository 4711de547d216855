"""The websockets of market data: connections round the dialogue of `bridge.venue.data`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.websockets import WebSocket

from bridge.venue.core import Core
from bridge.venue.data.protocol import DataProtocol
from bridge.venue.data.streams import DataStreams
from bridge.venue.serving.line import Line
from bridge.venue.serving.switchboard import Call, Switchboard

__all__ = ["Feeds"]

_log = logging.getLogger(__name__)
_AUTHENTICATE_WITHIN = 10.0

_RAW = ""  # the key of the message itself, beside the fields of what it holds
_JSON = msgspec.json.Decoder(list[msgspec.Raw])
_PACKED = msgspec.msgpack.Decoder(list[msgspec.Raw])


class Feeds:
    """
    Args:
        woken: Called when somebody came or asked for something: there may be more to do from now on.
        patience: Seconds in which a client has to authenticate.
    """

    def __init__(
        self,
        streams: DataStreams,
        core: Core,
        switchboard: Switchboard,
        woken: Callable[[], None],
        *,
        patience: float = _AUTHENTICATE_WITHIN,
    ) -> None:
        self._streams = streams
        self._patience = patience
        self._core = core
        self._switchboard = switchboard
        self._woken = woken
        self._open: dict[DataProtocol, Call] = {}
        self._asked = asyncio.Event()

    async def listening(self, path: str, count: int) -> None:
        """Return once at least so many connections of that feed have subscribed to something."""
        while self._subscribed(path) < count:
            self._asked.clear()
            await self._asked.wait()

    def _subscribed(self, path: str) -> int:
        feed = self._streams.feed(path)
        return sum(protocol.feed is feed and any(protocol.subscriptions.values()) for protocol in self._open)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection until it ends."""
        feed = self._streams.feed(websocket.scope["path"])
        if feed is None:
            await websocket.close()
            return
        if not await self._switchboard.admits(websocket, "data"):
            return
        line = Line(websocket)
        if not await line.open():
            return
        protocol = self._streams.connect(feed, websocket.headers)
        call = self._switchboard.connect("data", line, _encoded)
        self._open[protocol] = call
        patience = asyncio.get_running_loop().call_later(self._patience, self._expired, protocol)
        try:
            self._answer(protocol)
            async for message in line.messages():
                protocol.receive_data(message)
                self._answer(protocol)
                self._woken()
                self._asked.set()
        except Exception:  # noqa: BLE001 - one client must not end the venue
            _log.exception("a connection to market data")
            line.close(1011, "internal error")
        finally:
            patience.cancel()
            del self._open[protocol]
            self._streams.closed(protocol)
            self._switchboard.disconnect(call, clean=line.clean)
            await line.gone()

    def deliver(self, now: datetime) -> datetime | None:
        """Tell all what happened by now; when there is something to tell although nothing happens."""
        for protocol in self._streams.deliver(now):
            call = self._open[protocol]
            for message in protocol.data_to_send():
                for data in [{_RAW: message}] if self._switchboard.clear(call) else _apart(message):
                    self._switchboard.send(call, data)
        return self._streams.next_due(now)

    def close(self, code: int, reason: str) -> None:
        """Close every connection."""
        for call in self._open.values():
            call.line.close(code, reason)

    def _expired(self, protocol: DataProtocol) -> None:
        protocol.expired()
        self._flush(protocol)

    def _answer(self, protocol: DataProtocol) -> None:
        self._flush(protocol)
        call = self._open[protocol]
        if protocol.account is not None and call.key is None:
            self._switchboard.introduce(call, self._core.accounts[protocol.account].credential.key)

    def _flush(self, protocol: DataProtocol) -> None:
        line = self._open[protocol].line
        line.send(*protocol.data_to_send())
        if protocol.close is not None:
            line.close(protocol.close.code, protocol.close.reason)


# --- frames as faults see them ----------------------------------------------------------------------------------------


def _apart(message: str | bytes) -> Iterator[dict[str, Any]]:
    """The objects of a message, each a frame of its own: its fields, and how it was written."""
    for raw in _objects(message):
        yield {**_fields(raw, message), _RAW: _alone(raw, message)}


def _objects(message: str | bytes) -> list[msgspec.Raw]:
    return _JSON.decode(message) if isinstance(message, str) else _PACKED.decode(message)


def _fields(raw: msgspec.Raw, like: str | bytes) -> dict[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(raw) if isinstance(like, str) else msgspec.msgpack.decode(raw)
    return read


def _alone(raw: msgspec.Raw | bytes, like: str | bytes) -> str | bytes:
    """An object as a message with nothing else in it."""
    return f"[{bytes(raw).decode()}]" if isinstance(like, str) else b"\x91" + bytes(raw)


def _encoded(data: Mapping[str, Any] | None) -> list[str | bytes]:
    """A frame is the message as it was written, but for the moments of a clock that is wrong."""
    if data is None:
        return ["[null]"]
    message: str | bytes = data[_RAW]
    fields = {name: value for name, value in data.items() if name != _RAW}
    if not fields or fields == _fields(_objects(message)[0], message):
        return [message]
    encode = msgspec.json.encode if isinstance(message, str) else msgspec.msgpack.encode
    return [_alone(encode(fields), message)]
