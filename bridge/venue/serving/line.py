"""A websocket to a client: what is said to it waits in a queue of its own, so that a slow one holds up nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bridge.venue.serving.connections import cut, halt

__all__ = ["Line"]

_MOST_WAITING = 50_000
_MOST_BYTES = 64 * 2**20
_CLOSED_WITHIN = 2.0


class Line:
    """
    One connection, after its handshake.

    Args:
        most, most_bytes: Messages that may wait, and how long they may be together; who reads so slowly that there is
            more is closed.
        within: Seconds that a client may take to read what waits when it is closed; then it is cut.

    Attributes:
        waiting: Messages that have not been sent.
        clean: Whether the client has closed it; False also while it is open.
    """

    def __init__(
        self,
        websocket: WebSocket,
        *,
        most: int = _MOST_WAITING,
        most_bytes: int = _MOST_BYTES,
        within: float = _CLOSED_WITHIN,
    ) -> None:
        self._socket = websocket
        self._most = most
        self._most_bytes = most_bytes
        self._within = within
        self.waiting: deque[str | bytes] = deque()
        self._length = 0  # of what waits, all together
        self.clean = False
        self._more = asyncio.Event()
        self._flows = asyncio.Event()
        self._flows.set()
        self._close: tuple[int, str] | None = None
        self._sender: asyncio.Task[None] | None = None

    async def open(self) -> bool:
        """Finish the handshake; False: the client is gone."""
        try:
            await self._socket.accept()
        except (WebSocketDisconnect, RuntimeError, OSError):
            return False
        self._sender = asyncio.create_task(self._send(), name="sender of a websocket")
        return True

    async def messages(self) -> AsyncIterator[str | bytes]:
        """What the client sends, whole messages, until either side closes."""
        while self._close is None:
            await self._flows.wait()  # to ask for the next message is to read on
            message = await self._socket.receive()
            if message["type"] != "websocket.receive":
                self.clean = "reason" in message  # only with a close frame
                return
            data = message.get("text")
            yield message["bytes"] if data is None else data

    def send(self, *messages: str | bytes) -> None:
        """Say it, behind all that was said before; who does not read is closed when too much waits."""
        if self._close is not None:
            return
        self.waiting.extend(messages)
        self._length += sum(map(len, messages))
        if len(self.waiting) > self._most or self._length > self._most_bytes:
            self.forget()
            self.close(1008, "reading too slowly")
        self._more.set()

    def close(self, code: int, reason: str) -> None:
        """Close once all that waits has been sent; nothing is said any more."""
        if self._close is None:
            self._close = (code, reason)
            asyncio.get_running_loop().call_later(self._within, self._expired)
            self._more.set()

    def forget(self) -> None:
        """Send nothing of what waits."""
        self.waiting.clear()
        self._length = 0

    def cut(self) -> None:
        """End it at once: nothing more is sent, not even what waits."""
        self.forget()
        self._flows.set()  # or a frozen line would not hear of its end
        cut(self._socket.scope)

    def freeze(self) -> None:
        """Send and read nothing from here on, though it stays open."""
        self._flows.clear()
        halt(self._socket.scope, True)

    def thaw(self) -> None:
        """Send on, beginning with all that waits, and read on."""
        self._flows.set()
        halt(self._socket.scope, False)

    async def gone(self) -> None:
        """The client is gone, or has been told to go: return once nothing is being sent any more."""
        if self._sender is not None:
            if self._close is None:
                self._sender.cancel()
            await asyncio.wait([self._sender])

    def _expired(self) -> None:
        # Also when all was written: a client that does not read leaves it in the buffers of the system.
        self.cut()
        if self._sender is not None:
            self._sender.cancel()

    async def _send(self) -> None:
        try:
            while True:
                await self._flows.wait()
                while self.waiting and self._flows.is_set():
                    message = self.waiting.popleft()
                    self._length -= len(message)
                    if isinstance(message, str):
                        await self._socket.send_text(message)
                    else:
                        await self._socket.send_bytes(message)
                if not self._flows.is_set():
                    continue
                if self._close is not None:
                    if self._socket.application_state is WebSocketState.CONNECTED:
                        await self._socket.close(*self._close)
                    return
                self._more.clear()
                await self._more.wait()
        except (WebSocketDisconnect, RuntimeError, OSError):
            self.forget()
            return  # the client is gone; its receiver notices too
