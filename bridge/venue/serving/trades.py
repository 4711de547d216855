"""The user stream of the venue: who listens to ``trade_updates``, over websockets and as server-sent events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.websockets import WebSocket

from bridge.stream.frames import Credentials, Encoding, Keys
from bridge.stream.protocol import VenueProtocol, VenueState
from bridge.venue.core import Core
from bridge.venue.serving.line import Line
from bridge.venue.serving.switchboard import Call, Switchboard
from bridge.venue.updates import Frame

__all__ = ["TradeStream"]

_log = logging.getLogger(__name__)
_AUTHENTICATE_WITHIN = 10.0


class TradeStream:
    """
    Args:
        core: Knows whose credentials are whose.
        switchboard: What is said goes through it.
        encoding: How frames are written to clients that do not ask for MessagePack.
        patience: Seconds in which a client has to authenticate.
    """

    def __init__(
        self,
        core: Core,
        switchboard: Switchboard,
        *,
        encoding: Encoding = Encoding.BINARY,
        patience: float = _AUTHENTICATE_WITHIN,
    ) -> None:
        self._core = core
        self._switchboard = switchboard
        self._encoding = encoding
        self._patience = patience
        self._open: dict[VenueProtocol, Call] = {}
        self._asked = asyncio.Event()

    async def listening(self, count: int) -> None:
        """Return once at least so many connections listen."""
        while sum(protocol.state is VenueState.LISTENING for protocol in self._open) < count:
            self._asked.clear()
            await self._asked.wait()

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection until it ends."""
        if not await self._switchboard.admits(websocket, "trades"):
            return
        wanted = websocket.headers.get("content-type", "")
        encoding = Encoding.MESSAGEPACK if wanted == "application/msgpack" else self._encoding
        protocol, line = VenueProtocol(self._authorize, encoding=encoding), Line(websocket)
        if not await line.open():
            return
        call = self._switchboard.connect("trades", line, partial(_encoded, protocol))
        self._open[protocol] = call
        patience = asyncio.get_running_loop().call_later(self._patience, self._expired, protocol)
        try:
            async for message in line.messages():
                protocol.receive_data(message)
                self._flush(protocol)
                if protocol.account is not None and call.key is None:
                    self._switchboard.introduce(call, self._core.accounts[protocol.account].credential.key)
                self._asked.set()
        except Exception:  # noqa: BLE001 - one client must not end the venue
            _log.exception("a connection to the user stream")
            line.close(1011, "internal error")
        finally:
            patience.cancel()
            del self._open[protocol]
            protocol.closed()
            self._switchboard.disconnect(call, clean=line.clean)
            await line.gone()

    def deliver(self, frames: list[Frame]) -> None:
        """Tell all who listen."""
        for protocol, call in self._open.items():
            if protocol.state is VenueState.LISTENING:
                for frame in frames:
                    if frame.account == protocol.account and not frame.sse_only:
                        self._switchboard.send(call, frame.data)

    def close(self, code: int, reason: str) -> None:
        """Close every connection."""
        for call in self._open.values():
            call.line.close(code, reason)

    def _authorize(self, credentials: Credentials) -> str | None:
        return self._core.authenticate(credentials.key, credentials.secret) if isinstance(credentials, Keys) else None

    def _expired(self, protocol: VenueProtocol) -> None:
        protocol.expired()
        self._flush(protocol)

    def _flush(self, protocol: VenueProtocol) -> None:
        line = self._open[protocol].line
        protocol.events_received()  # what it did with a message is told to the client, and enough
        line.send(*protocol.data_to_send())
        if protocol.close is not None:
            line.close(protocol.close.code, protocol.close.reason)


def _encoded(protocol: VenueProtocol, data: Mapping[str, Any] | None) -> list[str | bytes]:
    """The messages that a frame becomes: one to who listens, else none."""
    protocol.send_update(data)
    return protocol.data_to_send()
