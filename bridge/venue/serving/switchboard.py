"""
Between the streams and their connections: what faults make of handshakes, messages and connections is done here.

Without faults everything goes straight through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, Protocol

import msgspec
from attrs import define, field
from starlette.responses import Response
from starlette.websockets import WebSocket

from bridge.venue.faults.actions import CloseAll, CloseConnection, Deliver, Due, Hangup, Refuse, SetFlow, Verdict
from bridge.venue.faults.delivery import Connection, Delivery
from bridge.venue.faults.faults import Faults
from bridge.venue.serving.connections import hang_up

__all__ = ["Call", "Outlet", "Switchboard"]

_Encode = Callable[[Mapping[str, Any] | None], list[str | bytes]]


class Outlet(Protocol):
    """What a switchboard needs of a connection, see `Line`."""

    def forget(self) -> None: ...

    def send(self, *messages: Any) -> None: ...

    def close(self, code: int, reason: str) -> None: ...

    def cut(self) -> None: ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...


@define(eq=False)
class Call:
    """
    One connection, as the switchboard has it.

    Attributes:
        encode: Makes messages of the ``data`` of a frame.
        key: Whose it is; None: nobody has said yet.
        late: Messages that come later: when, in which order, and what.
    """

    connection: Connection
    line: Outlet
    encode: _Encode
    key: str | None = None
    late: list[tuple[datetime, int, str | bytes]] = field(factory=list)


class Switchboard:
    """
    Args:
        faults: Those of the venue.
        now: The venue's time.
        woken: Called when something may be due from now on that was not before.
        cut_all: Ends every connection of the server at once, those of requests too.
    """

    def __init__(
        self,
        faults: Callable[[], Faults],
        now: Callable[[], datetime],
        woken: Callable[[], None],
        cut_all: Callable[[], None],
    ) -> None:
        self._faults = faults
        self._now = now
        self._woken = woken
        self._cut_all = cut_all
        self._calls: dict[Connection, Call] = {}
        self._order = count()

    # --- connections --------------------------------------------------------------------------------------------------

    async def admits(self, websocket: WebSocket, stream: str) -> bool:
        """Whether the handshake may be finished; if not, it has been answered or the connection has been cut."""
        verdict = self.verdict(stream, None)
        if isinstance(verdict, Hangup):
            await hang_up(websocket.scope)
            return False
        if isinstance(verdict, Refuse):
            answer = verdict.answer
            body = msgspec.json.encode(answer.body)
            await websocket.receive()  # or it may not be answered
            response = Response(body, answer.status, dict(answer.headers))
            del response.headers["content-length"]  # the server's to write; some write it beside this one
            await websocket.send_denial_response(response)
            await hang_up(websocket.scope)
            return False
        return True

    def verdict(self, stream: str, key: str | None) -> Verdict:
        """What becomes of the handshake of somebody who has said who they are, or not."""
        return self._faults().handshake(stream, key, self._now())

    def connect(self, stream: str, line: Outlet, encode: _Encode) -> Call:
        """A connection is open."""
        call = Call(self._faults().opened(stream, self._now()), line, encode)
        self._calls[call.connection] = call
        self._treat(call)
        self._woken()
        return call

    def introduce(self, call: Call, key: str) -> None:
        """Somebody has said who they are."""
        call.key = key
        for closing in self._faults().authenticated(call.connection, key, self._now()):
            self._close(closing)
        self._treat(call)
        self._woken()

    def disconnect(self, call: Call, *, clean: bool) -> None:
        """
        A connection is over.

        Args:
            clean: The other side has closed it, and not just gone away.
        """
        self._calls.pop(call.connection, None)
        self._faults().closed(call.connection, self._now(), clean=clean)

    def _treat(self, call: Call) -> None:
        flow = self._faults().connection(call.connection, self._now())
        if isinstance(flow, CloseConnection):
            self._close(flow)
        elif flow == "half-open":
            call.line.freeze()

    # --- messages -----------------------------------------------------------------------------------------------------

    def clear(self, call: Call) -> bool:
        """Whether what is sent goes straight through."""
        return self._faults().idle and not call.late

    def send(self, call: Call, data: Mapping[str, Any] | None) -> None:
        """Send a frame, or what faults leave of it."""
        if self.clear(call):
            call.line.send(*call.encode(data))
        else:
            now = self._now()
            self._deliver(call, self._faults().frame(call.key, data, now, call.connection), now)

    def _deliver(self, call: Call, deliveries: list[Delivery], now: datetime) -> None:
        for delivery in deliveries:
            for encoded in call.encode(delivery.data):
                due = now + timedelta(seconds=delivery.delay)
                heappush(call.late, (due, next(self._order), delivery.message(encoded)))
        _send_due(call, now)
        if call.late:
            self._woken()

    def flush(self, now: datetime) -> datetime | None:
        """Send what was late and is due; when more is."""
        coming = []
        for call in self._calls.values():
            _send_due(call, now)
            if call.late:
                coming.append(call.late[0][0])
        return min(coming, default=None)

    # --- what falls due -----------------------------------------------------------------------------------------------

    def act(self, fallen: list[Due]) -> None:
        """Carry out what faults ask of connections."""
        for due in fallen:
            action = due.action
            if isinstance(action, CloseConnection):
                self._close(action)
            elif isinstance(action, CloseAll):
                for call in list(self._calls.values()):
                    closing = CloseConnection(connection=call.connection, code=action.code, reason=action.reason)
                    self._close(closing)
                self._cut_all()
            elif isinstance(action, Deliver) and (found := self._calls.get(action.connection)) is not None:
                self._deliver(found, action.deliveries, due.at)
            elif isinstance(action, SetFlow) and (found := self._calls.get(action.connection)) is not None:
                if action.flow == "half-open":
                    found.line.freeze()
                else:
                    found.line.thaw()

    def _close(self, closing: CloseConnection) -> None:
        call = self._calls.get(closing.connection)
        if call is None:
            return
        call.late.clear()
        if closing.code == 1006:
            call.line.cut()
        else:
            call.line.forget()
            call.line.close(closing.code, closing.reason)


def _send_due(call: Call, now: datetime) -> None:
    while call.late and call.late[0][0] <= now:
        call.line.send(heappop(call.late)[2])
