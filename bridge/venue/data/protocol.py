"""
The dialogue of one market data websocket, the venue's side, without I/O.

Whole messages go in, whole messages to send come out; the caller does the rest: sockets, clocks, threads. What a client
asks moves the state by one table, and whatever it sends has an answer. docs/reference/venue-market-data.md shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from types import MappingProxyType

import msgspec
from attrs import frozen

from bridge.stream.frames import Encoding
from bridge.stream.protocol import Close
from bridge.venue.data.messages import CHANNELS, Market, Message, control, frames

__all__ = ["ERRORS", "FEEDS", "TRANSITIONS", "Asked", "DataProtocol", "DataState", "Feed"]

ERRORS: Mapping[int, str] = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    408: "v2 not enabled",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    500: "internal error",
}

_FOLLOWING = ("corrections", "cancelErrors")
"""They come with the trades, and are not asked for."""
_COUNTED = ("trades", "quotes")
"""The symbols of these count against the limit."""
_LONGEST = 200_000
"""Characters of all symbols of one connection together: more are no symbols, and each answer lists them all."""


@frozen(kw_only=True)
class Feed:
    """
    A websocket of market data.

    Attributes:
        name: The end of its path.
        channels: What can be subscribed to.
    """

    name: str
    market: Market
    channels: tuple[str, ...]


_SHARES = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds")
_COINS = ("trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars")
_US = Feed(name="us", market="crypto", channels=_COINS)
FEEDS: Mapping[str, Feed] = {
    "/v2/iex": Feed(name="iex", market="stocks", channels=_SHARES),
    "/v2/sip": Feed(name="sip", market="stocks", channels=_SHARES),
    "/v2/delayed_sip": Feed(name="delayed_sip", market="stocks", channels=_SHARES),
    "/v2/test": Feed(name="test", market="test", channels=_SHARES),
    "/v1beta3/crypto/us": _US,
    "/v1beta2/crypto": _US,
}
"""By path; alpaca-trade-api and ccxt still ask for the last one."""


class DataState(Enum):
    CONNECTED = "connected"
    AUTHENTICATED = "authenticated"
    CLOSED = "closed"


class Asked(Enum):
    """What a message of a client is to the table."""

    RIGHT = "right credentials"
    WRONG = "wrong credentials"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    MALFORMED = "what cannot be read, or another action"


def _transitions() -> Mapping[tuple[DataState, Asked], tuple[DataState, int | None]]:
    """
    The state after it, and the error it is answered with; None: it is done as asked.

    Every pair has its answer, but that a closed one ignores what was under way.
    """
    state, asked = DataState, Asked
    return MappingProxyType(
        {
            (state.CONNECTED, asked.RIGHT): (state.AUTHENTICATED, None),
            (state.CONNECTED, asked.WRONG): (state.CONNECTED, 402),
            (state.CONNECTED, asked.SUBSCRIBE): (state.CONNECTED, 401),
            (state.CONNECTED, asked.UNSUBSCRIBE): (state.CONNECTED, 401),
            (state.CONNECTED, asked.MALFORMED): (state.CONNECTED, 400),
            (state.AUTHENTICATED, asked.RIGHT): (state.AUTHENTICATED, 403),
            (state.AUTHENTICATED, asked.WRONG): (state.AUTHENTICATED, 403),
            (state.AUTHENTICATED, asked.SUBSCRIBE): (state.AUTHENTICATED, None),
            (state.AUTHENTICATED, asked.UNSUBSCRIBE): (state.AUTHENTICATED, None),
            (state.AUTHENTICATED, asked.MALFORMED): (state.AUTHENTICATED, 400),
        }
    )


TRANSITIONS = _transitions()


class _Ask(msgspec.Struct):
    action: str
    key: str | None = None
    secret: str | None = None
    trades: list[str] | None = None
    quotes: list[str] | None = None
    bars: list[str] | None = None
    updatedBars: list[str] | None = None
    dailyBars: list[str] | None = None
    statuses: list[str] | None = None
    lulds: list[str] | None = None
    orderbooks: list[str] | None = None
    news: list[str] | None = None


_ASKABLE = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "orderbooks", "news")
_TEXT = msgspec.json.Decoder(_Ask)
_PACKED = msgspec.msgpack.Decoder(_Ask)


def _read(data: str | bytes, encoding: Encoding) -> _Ask | None:
    """None: it cannot be read."""
    try:
        if encoding is Encoding.MESSAGEPACK and not isinstance(data, str):
            return _PACKED.decode(data)
        return _TEXT.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _nothing(symbol: str) -> Sequence[Message]:
    return ()


class DataProtocol:
    """
    The venue's side of one connection.

    Args:
        authenticate: The account that key and secret belong to; None: they are wrong.
        admit: Asked once they are right: the code of the error with which the connection is closed (406, 409, …);
            None: it may stay.
        encoding: How frames are sent; with MESSAGEPACK binary ones are read as such, text is always JSON.
        symbol_limit: How many symbols may be subscribed to for trades and quotes together, where "*" is too many.
        books: The present order books of a coin, or of "*", for who has just subscribed to them.

    Attributes:
        state: Where the dialogue stands.
        account: Whose it is; None: nobody is authenticated.
        subscriptions: The symbols of each channel, in the order in which they were asked for.
        close: How the caller is to close the connection once all is sent; None: not at all.
        counts: How many messages of each kind came.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        authenticate: Callable[[str, str], str | None],
        admit: Callable[[str], int | None] | None = None,
        encoding: Encoding = Encoding.TEXT,
        symbol_limit: int | None = None,
        books: Callable[[str], Sequence[Message]] = _nothing,
    ) -> None:
        self.feed = feed
        self.state = DataState.CONNECTED
        self.account: str | None = None
        self.subscriptions: dict[str, dict[str, None]] = {channel: {} for channel in feed.channels}
        self.close: Close | None = None
        self.counts: Counter[Asked] = Counter()
        self._authenticate = authenticate
        self._admit = admit
        self._encoding = encoding
        self._symbol_limit = symbol_limit
        self._books = books
        self._wanted: dict[str, dict[str, None]] = {}
        self._outgoing: list[str | bytes] = []
        self._subscribed()
        self._succeeded("connected")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.feed.name} {self.state.name}, account {self.account!r}>"

    # --- what comes ---------------------------------------------------------------------------------------------------

    def credentials(self, key: str, secret: str) -> None:
        """Those that came with the handshake; without any the client sends a message."""
        if key or secret:
            self._take(_Ask(action="auth", key=key, secret=secret))

    def receive_data(self, data: str | bytes) -> None:
        """Take in one whole message; whatever it is, there is an answer."""
        self._take(_read(data, self._encoding))

    def _take(self, ask: _Ask | None) -> None:
        if self.state is DataState.CLOSED:
            return
        account = None
        kind = Asked.MALFORMED
        if ask is not None and ask.action == "auth":
            account = self._authenticate(ask.key or "", ask.secret or "")
            kind = Asked.WRONG if account is None else Asked.RIGHT
        elif ask is not None and ask.action in ("subscribe", "unsubscribe"):
            kind = Asked.SUBSCRIBE if ask.action == "subscribe" else Asked.UNSUBSCRIBE
        self.counts[kind] += 1
        self.state, error = TRANSITIONS[self.state, kind]
        if error is not None:
            self._failed(error)
        elif account is not None:
            self._let_in(account)
        elif ask is not None:
            self._change(ask, adding=kind is Asked.SUBSCRIBE)

    def _let_in(self, account: str) -> None:
        error = None if self._admit is None else self._admit(account)
        if error is not None:
            self.fail(error)
            return
        self.account = account
        self._succeeded("authenticated")

    def _change(self, ask: _Ask, *, adding: bool) -> None:
        """Add to what is subscribed to, or take from it; all that was asked, or nothing."""
        asked = {channel: symbols for channel in _ASKABLE if (symbols := getattr(ask, channel))}
        if not asked.keys() <= self.subscriptions.keys():
            self._failed(410)
            return
        fresh: list[str] = []
        after = dict(self.subscriptions)
        for channel, symbols in asked.items():
            before = self.subscriptions[channel]
            if adding:
                after[channel] = before | dict.fromkeys(symbols)
                fresh += [symbol for symbol in after[channel] if channel == "orderbooks" and symbol not in before]
            else:
                gone = frozenset(symbols)
                after[channel] = {symbol: None for symbol in before if symbol not in gone}
        if self._beyond(after):
            self._failed(405)
            return
        self.subscriptions = after
        self._subscribed()
        self._outgoing.append(control(self._whole(), self._encoding))
        self._send([book for symbol in fresh for book in self._books(symbol)])

    def _beyond(self, subscriptions: Mapping[str, Iterable[str]]) -> bool:
        if sum(len(symbol) for symbols in subscriptions.values() for symbol in symbols) > _LONGEST:
            return True
        if self._symbol_limit is None:
            return False
        symbols = {symbol for channel in _COUNTED for symbol in subscriptions[channel]}
        return "*" in symbols or len(symbols) > self._symbol_limit

    def _whole(self) -> dict[str, object]:
        """All that is subscribed to."""
        lists: dict[str, object] = {channel: list(symbols) for channel, symbols in self.subscriptions.items()}
        if self.feed.market != "crypto":
            lists |= {channel: list(self.subscriptions["trades"]) for channel in _FOLLOWING}
        return {"T": "subscription", **lists}

    def _subscribed(self) -> None:
        trades = self.subscriptions["trades"]
        self._wanted = {kind: self.subscriptions.get(channel, trades) for kind, channel in CHANNELS.items()}

    # --- what is told -------------------------------------------------------------------------------------------------

    def send(self, messages: Iterable[Message]) -> bool:
        """
        Tell those of the messages that are subscribed to.

        Returns:
            Whether there is something to send for it.
        """
        wanted = self._wanted
        chosen = [
            message for message in messages if message.symbol in wanted[message.kind] or "*" in wanted[message.kind]
        ]
        if not chosen or self.state is not DataState.AUTHENTICATED:
            return False
        self._send(chosen)
        return True

    def _send(self, messages: Sequence[Message]) -> None:
        encoding = self._encoding
        self._outgoing.extend(frames([message.encoded(encoding) for message in messages], encoding))

    def _succeeded(self, message: str) -> None:
        self._outgoing.append(control({"T": "success", "msg": message}, self._encoding))

    def _failed(self, code: int) -> None:
        self._outgoing.append(control({"T": "error", "code": code, "msg": ERRORS[code]}, self._encoding))

    # --- how it ends --------------------------------------------------------------------------------------------------

    def fail(self, code: int) -> None:
        """Tell an error and close: 406 to one connection too many, 407 to a client that reads too slowly, …"""
        if self.state is DataState.CLOSED:
            return
        self._failed(code)
        self.state = DataState.CLOSED
        self.close = Close(1011 if code == 500 else 1008, ERRORS[code])

    def expired(self) -> None:
        """The time for authentication is over (10 s, by the caller's clock): who has not done so is closed."""
        if self.state is DataState.CONNECTED:
            self.fail(404)

    def closed(self) -> None:
        """The websocket is closed."""
        self.state = DataState.CLOSED
        self._outgoing.clear()

    def data_to_send(self) -> list[str | bytes]:
        """Whole messages to be sent now, in this order: str as text frames, bytes as binary ones."""
        taken, self._outgoing = self._outgoing, []
        return taken
