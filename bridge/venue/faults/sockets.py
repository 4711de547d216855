"""The faults of connections and handshakes: each is a value that says which connections, when, and what happens."""

from __future__ import annotations

from typing import Any, Literal

from attrs import field, frozen

from bridge.venue.faults.frames import STREAMS, Stream
from bridge.venue.faults.matching import Fault, counted, one_of, some_seconds, within
from engine.errors import InvalidRequest

__all__ = [
    "ABRUPT",
    "Close",
    "ConnectionLimit",
    "HalfOpen",
    "Mute",
    "RefuseHandshake",
    "SessionLimit",
    "SocketFault",
    "ZombieSession",
    "close_code",
    "close_reason",
    "some_status",
]

ABRUPT = 1006
"""The close code that is never sent: the connection just ends."""

_SENT = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, ABRUPT}

some_status = within(400, 599, "a status from 400 to 599")


def close_code(instance: object, attribute: Any, value: object) -> None:
    """A check of what a websocket can be closed with."""
    if type(value) is not int or not (value in _SENT or 3000 <= value <= 4999):
        words = f"{', '.join(map(str, sorted(_SENT)))}, or from 3000 to 4999; {ABRUPT} ends it without a close frame"
        raise InvalidRequest(attribute.name, value, words)


def close_reason(instance: object, attribute: Any, value: object) -> None:
    """A check of what fits into a close frame."""
    if not isinstance(value, str) or len(value.encode()) > 123:
        raise InvalidRequest(attribute.name, value, "text of at most 123 bytes")


# --- connections ------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class SocketFault(Fault):
    """
    A fault of connections, decided once for each that it matches.

    Attributes:
        stream: On which stream; None: on all.
        connection: Number of the connection on its stream, from 1 in order of opening, one to come as well; None: any.
        new: Also those that are opened while it is in force, and not only those that are open when it begins.
    """

    stream: Stream | None = field(default=None, validator=one_of(None, *STREAMS))
    connection: int | None = field(default=None, validator=counted(1))
    new: bool = False

    def matches(self, stream: str, number: int, account: str | None) -> bool:
        return self.stream in (None, stream) and self.connection in (None, number) and self.account in (None, account)


@frozen(kw_only=True)
class Close(SocketFault):
    """
    The venue closes the connection.

    Attributes:
        after: Seconds from the beginning of the fault, or from the opening of a new connection.
        code: 1006: without a close frame.
    """

    kind: Literal["close"] = "close"
    after: float = field(default=0.0, validator=some_seconds)
    code: int = field(default=1011, validator=close_code)
    reason: str = field(default="internal error", validator=close_reason)


@frozen(kw_only=True)
class HalfOpen(SocketFault):
    """The connection stays, and nothing is read or written any more, pings among it; what is told meanwhile is lost."""

    kind: Literal["half-open"] = "half-open"


@frozen(kw_only=True)
class Mute(SocketFault):
    """The connection is alive, pings are answered, and no event comes; what is told meanwhile is lost."""

    kind: Literal["mute"] = "mute"


# --- handshakes -------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class RefuseHandshake(Fault):
    """
    Handshakes are answered with an error.

    Whose handshake it is the venue knows on streams that carry credentials in their headers alone: a fault of one
    account refuses those, and no others.

    Attributes:
        stream: On which stream; None: on all.
        retry_after: What the header Retry-After says, seconds; None: there is none.
    """

    kind: Literal["refuse-handshake"] = "refuse-handshake"
    stream: Stream | None = field(default=None, validator=one_of(None, *STREAMS))
    status: int = field(default=429, validator=some_status)
    retry_after: int | None = field(default=None, validator=counted(0))


@frozen(kw_only=True)
class SessionLimit(Fault):
    """
    Attributes:
        stream: On which stream.
        most: How many connections at a time, of one account where it is known.
        how: "refuse": the next handshake gets ``status``, whoever's it is if nobody knows; "close": the next one is
            closed with ``code`` once it has authenticated; "evict": it stays, and the oldest one is closed.
    """

    stream: Stream = field(default="trades", validator=one_of(*STREAMS))
    most: int = field(default=1, validator=counted(1))
    how: Literal["refuse", "close", "evict"] = field(default="refuse", validator=one_of("refuse", "close", "evict"))
    status: int = field(default=429, validator=some_status)
    code: int = field(default=1008, validator=close_code)
    reason: str = field(default="connection limit exceeded", validator=close_reason)


@frozen(kw_only=True)
class ConnectionLimit(SessionLimit):
    """No more than some connections at a time."""

    kind: Literal["connection-limit"] = "connection-limit"


@frozen(kw_only=True)
class ZombieSession(SessionLimit):
    """
    After an unclean end the old session counts as connected for a while, and there is a limit.

    Attributes:
        seconds: How long it counts.
        how: As of a connection limit, but that a zombie cannot be evicted.
    """

    kind: Literal["zombie-session"] = "zombie-session"
    seconds: float = field(default=90.0, validator=some_seconds)
    how: Literal["refuse", "close"] = field(default="refuse", validator=one_of("refuse", "close"))
