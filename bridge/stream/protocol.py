"""
The dialogue of the user stream, both sides, without I/O.

Whole messages go in, events and messages to send come out; the caller does the rest: sockets, clocks, threads. Each
side is a table, and a frame moves its state here and nowhere else. docs/reference/wire.md shows the dialogue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeVar

from attrs import frozen

from bridge.stream.events import (
    Authenticated,
    AuthenticationFailed,
    AuthenticationRefused,
    Authorized,
    ClientEvent,
    ListenRefused,
    Misunderstood,
    Subscribed,
    VenueEvent,
)
from bridge.stream.frames import (
    TRADE_UPDATES,
    Ask,
    Authenticate,
    Authorization,
    Complaint,
    Credentials,
    Encoding,
    Heartbeat,
    Listen,
    Listening,
    NoUpdate,
    OtherAction,
    OtherStream,
    Tell,
    Token,
    Update,
    ask_in,
    ask_of,
    tell_in,
    tell_of,
    update_of,
)
from engine.errors import LocalProtocolError, RemoteProtocolError

__all__ = [
    "CLIENT_TRANSITIONS",
    "VENUE_TRANSITIONS",
    "Asked",
    "ClientProtocol",
    "ClientState",
    "Close",
    "Told",
    "VenueProtocol",
    "VenueState",
]

_T = TypeVar("_T")
DEPRECATED = (
    "this authentication format is being deprecated. Please use the format: "
    '{"action": "auth", "key": "x", "secret": "x"}'
)


# --- the client's table -----------------------------------------------------------------------------------------------


class ClientState(Enum):
    NEW = "not open yet"
    AUTHENTICATING = "waiting for the answer to the current form"
    AUTHENTICATING_LEGACY = "waiting for the answer to the older form"
    JOINING = "authorized, not listening yet"
    LISTENING = "listening"
    REFUSED = "refused"
    CLOSED = "closed"


class Told(Enum):
    """What a frame of the venue is to the client's table."""

    AUTHORIZED = "authorized"
    UNAUTHORIZED = "unauthorized"
    LISTEN_UNAUTHORIZED = "unauthorized to listen"
    LISTENING = "listening"
    NOT_LISTENING = "listening without trade_updates"
    UPDATE = "an update"
    NO_UPDATE = "an update that is null"
    COMPLAINT = "an error"
    OTHER = "a frame of another stream"
    HEARTBEAT = "a heartbeat"


def _client_transitions() -> Mapping[tuple[ClientState, Told], ClientState]:
    """A pair that is not in it breaks the rules, and changes nothing."""
    state, told = ClientState, Told
    # An update is a fact, and handed on whenever it comes; only who was refused cannot be meant.
    anywhere = (told.COMPLAINT, told.OTHER, told.HEARTBEAT, told.NO_UPDATE)
    table = {
        (at, kind): at
        for at in (state.AUTHENTICATING, state.AUTHENTICATING_LEGACY, state.JOINING, state.LISTENING)
        for kind in (*anywhere, told.UPDATE)
    }
    table |= {(state.REFUSED, kind): state.REFUSED for kind in anywhere}
    table |= {
        (state.AUTHENTICATING, told.AUTHORIZED): state.JOINING,
        (state.AUTHENTICATING, told.UNAUTHORIZED): state.AUTHENTICATING_LEGACY,
        (state.AUTHENTICATING_LEGACY, told.AUTHORIZED): state.JOINING,
        (state.AUTHENTICATING_LEGACY, told.UNAUTHORIZED): state.REFUSED,
        (state.JOINING, told.LISTENING): state.LISTENING,
        (state.JOINING, told.NOT_LISTENING): state.JOINING,
        (state.JOINING, told.LISTEN_UNAUTHORIZED): state.JOINING,
        (state.LISTENING, told.LISTENING): state.LISTENING,
        (state.LISTENING, told.NOT_LISTENING): state.JOINING,
    }
    return MappingProxyType(table)


CLIENT_TRANSITIONS = _client_transitions()
_PLAIN_TOLD: dict[type[Tell], Told] = {
    Update: Told.UPDATE,
    NoUpdate: Told.NO_UPDATE,
    Complaint: Told.COMPLAINT,
    OtherStream: Told.OTHER,
    Heartbeat: Told.HEARTBEAT,
}


def _told(frame: Tell) -> Told:
    if isinstance(frame, Authorization):
        if frame.authorized:
            return Told.AUTHORIZED
        return Told.LISTEN_UNAUTHORIZED if frame.action == "listen" else Told.UNAUTHORIZED
    if isinstance(frame, Listening):
        return Told.LISTENING if TRADE_UPDATES in frame.streams else Told.NOT_LISTENING
    return _PLAIN_TOLD[type(frame)]


class ClientProtocol:
    """
    The client's side: authenticates, listens, hands on updates.

    Updates are handed on as soon as they come, those before `Listening` too, and in their order; but only after it are
    they certain to come at all.

    Args:
        credentials: With keys the current form is tried, then, if that is refused, the older one, once. A token has
            the older form only.
        encoding: How frames are sent. With MESSAGEPACK the handshake needs the header Content-Type:
            application/msgpack, and binary frames are read as such.
        legacy: Begin with the older form, as a venue that took only that one needs it.

    Attributes:
        state: Where the dialogue stands.
        legacy: Whether the older form was the last one sent.
        counts: How many frames of each kind came, those that were ignored included.
    """

    def __init__(self, credentials: Credentials, *, encoding: Encoding = Encoding.TEXT, legacy: bool = False) -> None:
        self.state = ClientState.NEW
        self.legacy = legacy or isinstance(credentials, Token)
        self.counts: Counter[Told] = Counter()
        self._credentials = credentials
        self._encoding = encoding
        self._events: list[ClientEvent] = []
        self._outgoing: list[str | bytes] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name}>"

    def opened(self) -> None:
        """The websocket is open: the first frame is to be sent."""
        if self.state is not ClientState.NEW:
            raise LocalProtocolError(f"opened while {self.state.value}: a connection opens once")
        self.state = ClientState.AUTHENTICATING_LEGACY if self.legacy else ClientState.AUTHENTICATING
        self._send(Authenticate(self._credentials, self.legacy))

    def closed(self) -> None:
        """The websocket is closed: nothing is sent any more; events that were not taken yet stay."""
        self.state = ClientState.CLOSED
        self._outgoing.clear()

    def receive_data(self, data: str | bytes) -> None:
        """
        Take in one whole message.

        Raises:
            RemoteProtocolError: It cannot be read or may not come now. It alone is left out, and the state stays; what
                it would have said is not known, so a caller that goes on has to ask the venue otherwise.
            LocalProtocolError: The websocket is not open.
        """
        if self.state in (ClientState.NEW, ClientState.CLOSED):
            raise LocalProtocolError(f"a message while {self.state.value}")
        try:
            frame = tell_in(data, self._encoding)
        except RemoteProtocolError as error:
            why = self._credentials.hidden(str(error))
        else:
            kind = _told(frame)
            after = CLIENT_TRANSITIONS.get((self.state, kind))
            if after is not None:
                self.counts[kind] += 1
                before, self.state = self.state, after
                self._act(frame, before)
                return
            why = f"{kind.value} while {self.state.value}"
        raise RemoteProtocolError(why)

    def _act(self, frame: Tell, before: ClientState) -> None:
        if isinstance(frame, Update):
            self._events.append(frame)
        elif isinstance(frame, Authorization):
            self._judged(frame)
        elif isinstance(frame, Complaint):
            self._events.append(Complaint(self._credentials.hidden(frame.message)))
        elif isinstance(frame, Listening):
            if self.state is not ClientState.LISTENING:
                self._events.append(ListenRefused(streams=frame.streams))
            elif before is not ClientState.LISTENING:
                self._events.append(frame)

    def _judged(self, verdict: Authorization) -> None:
        message = None if verdict.message is None else self._credentials.hidden(verdict.message)
        if verdict.authorized:
            self._events.append(Authorized(legacy=self.legacy, message=message))
            self._send(Listen((TRADE_UPDATES,)))
        elif self.state is ClientState.JOINING:
            self._events.append(ListenRefused(streams=None))
        elif self.state is ClientState.REFUSED:
            self._events.append(AuthenticationRefused(message=message))
        else:
            self.legacy = True
            self._send(Authenticate(self._credentials, self.legacy))

    def _send(self, ask: Authenticate | Listen) -> None:
        self._outgoing.append(ask_of(ask, self._encoding))

    def events_received(self) -> list[ClientEvent]:
        """What came since the last call, oldest first."""
        return _taken(self._events)

    def data_to_send(self) -> list[str | bytes]:
        """Whole messages to be sent now, in this order: str as text frames, bytes as binary ones."""
        return _taken(self._outgoing)


# --- the venue's table ------------------------------------------------------------------------------------------------


class VenueState(Enum):
    CONNECTED = "connected"
    AUTHENTICATED = "authenticated"
    LISTENING = "listening"
    CLOSED = "closed"


class Asked(Enum):
    """What a message of a client is to the venue's table."""

    RIGHT = "right credentials"
    WRONG = "wrong credentials"
    LISTEN = "listen to trade_updates"
    LISTEN_NOT = "listen without trade_updates"
    OTHER = "another action"
    MALFORMED = "what cannot be read"
    HEARTBEAT = "a heartbeat"


def _venue_transitions() -> Mapping[tuple[VenueState, Asked], VenueState]:
    """Every pair has its answer: a client may send what it likes."""
    state, asked = VenueState, Asked
    table = {(at, kind): at for at in state for kind in asked}  # a closed one ignores what was under way
    table |= {
        (state.CONNECTED, asked.RIGHT): state.AUTHENTICATED,
        (state.CONNECTED, asked.MALFORMED): state.CLOSED,
        (state.AUTHENTICATED, asked.LISTEN): state.LISTENING,
        (state.AUTHENTICATED, asked.OTHER): state.CLOSED,
        (state.AUTHENTICATED, asked.MALFORMED): state.CLOSED,
        (state.LISTENING, asked.LISTEN_NOT): state.AUTHENTICATED,
        (state.LISTENING, asked.OTHER): state.CLOSED,
        (state.LISTENING, asked.MALFORMED): state.CLOSED,
    }
    return MappingProxyType(table)


VENUE_TRANSITIONS = _venue_transitions()


@frozen
class Close:
    """The connection is to be closed once what is to be sent has been sent."""

    code: int
    reason: str


class VenueProtocol:
    """
    The venue's side: checks credentials, answers, sends updates to who listens.

    Args:
        authorize: The account that credentials belong to; None: they are wrong.
        encoding: How frames are sent, and with MESSAGEPACK how binary ones are read.

    Attributes:
        state: Where the dialogue stands.
        account: Whose it is; None: nobody is authenticated.
        close: How the caller is to close the connection; None: not at all.
        counts: How many messages of each kind came.
    """

    def __init__(self, authorize: Callable[[Credentials], str | None], *, encoding: Encoding = Encoding.BINARY) -> None:
        self.state = VenueState.CONNECTED
        self.account: str | None = None
        self.close: Close | None = None
        self.counts: Counter[Asked] = Counter()
        self._authorize = authorize
        self._encoding = encoding
        self._events: list[VenueEvent] = []
        self._outgoing: list[str | bytes] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.state.name}, account {self.account!r}>"

    def receive_data(self, data: str | bytes) -> None:
        """Take in one whole message; whatever it is, there is an answer."""
        if self.state is VenueState.CLOSED:
            return
        ask: Ask | None = None
        account, why = None, ""
        try:
            ask = ask_in(data, self._encoding)
        except RemoteProtocolError as error:
            why = str(error)
        if isinstance(ask, Authenticate):
            account = self._authorize(ask.credentials)
            if self.account not in (None, account):
                account = None  # one connection is one account's
        kind = _asked(ask, account)
        self.counts[kind] += 1
        before, self.state = self.state, VENUE_TRANSITIONS[self.state, kind]
        if isinstance(ask, Authenticate):
            self._judge(ask, account)
        elif isinstance(ask, Listen | OtherAction) and before is VenueState.CONNECTED:
            action = "listen" if isinstance(ask, Listen) else ask.action
            self._tell(Authorization(False, action))
        elif isinstance(ask, Listen):
            streams = tuple(stream for stream in dict.fromkeys(ask.streams) if stream == TRADE_UPDATES)
            self._events.append(Subscribed(streams=streams))
            self._tell(Listening(streams))
        elif isinstance(ask, OtherAction):
            self._give_up("expected the action auth, authenticate or listen")
        elif ask is None:
            self._give_up(why)

    def _judge(self, ask: Authenticate, account: str | None) -> None:
        if account is None:
            self._events.append(AuthenticationFailed(legacy=ask.legacy))
        else:
            self.account = account
            self._events.append(Authenticated(account=account, legacy=ask.legacy))
        message = DEPRECATED if ask.legacy and account is not None else None
        self._tell(Authorization(account is not None, "authenticate", message))

    def _give_up(self, reason: str) -> None:
        self._events.append(Misunderstood(reason=reason))
        self._tell(Complaint(reason))
        self.close = Close(1008, "malformed message")

    def send_update(self, data: Mapping[str, object] | None) -> bool:
        """
        Send an update to the client if it listens.

        Args:
            data: As docs/reference/wire.md has it; None: the frame without one that clients have to survive.

        Returns:
            Whether it listens; if not, the update is lost to it, as at Alpaca.
        """
        if self.state is not VenueState.LISTENING:
            return False
        self._outgoing.append(update_of(data, self._encoding))
        return True

    def expired(self) -> None:
        """The time for authentication is over (10 s, by the caller's clock): who has not done so is closed."""
        if self.state is VenueState.CONNECTED:
            self.state = VenueState.CLOSED
            self.close = Close(1008, "not authenticated in time")

    def closed(self) -> None:
        """The websocket is closed."""
        self.state = VenueState.CLOSED
        self._outgoing.clear()

    def _tell(self, tell: Authorization | Listening | Complaint) -> None:
        self._outgoing.append(tell_of(tell, self._encoding))

    def events_received(self) -> list[VenueEvent]:
        """What came since the last call, oldest first."""
        return _taken(self._events)

    def data_to_send(self) -> list[str | bytes]:
        """Whole messages to be sent now, in this order: str as text frames, bytes as binary ones."""
        return _taken(self._outgoing)


def _asked(ask: Ask | None, account: str | None) -> Asked:
    if ask is None:
        return Asked.MALFORMED
    if isinstance(ask, Authenticate):
        return Asked.WRONG if account is None else Asked.RIGHT
    if isinstance(ask, Listen):
        return Asked.LISTEN if TRADE_UPDATES in ask.streams else Asked.LISTEN_NOT
    return Asked.HEARTBEAT if isinstance(ask, Heartbeat) else Asked.OTHER


def _taken(waiting: list[_T]) -> list[_T]:
    taken = list(waiting)
    waiting.clear()
    return taken
