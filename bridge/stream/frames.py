"""
The frames of the user stream: what each means, and how it stands on the wire.

A frame is one whole websocket message. Alpaca sends JSON in binary frames; text frames and MessagePack are understood
and can be sent too. No text of an error quotes what was sent: it may hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

import msgspec
from attrs import Attribute, field, frozen

from engine.brokers.alpaca.wire import TradeUpdate, read
from engine.errors import InvalidInput, RemoteProtocolError

__all__ = [
    "TRADE_UPDATES",
    "Ask",
    "Authenticate",
    "Authorization",
    "Complaint",
    "Credentials",
    "Encoding",
    "Heartbeat",
    "Keys",
    "Listen",
    "Listening",
    "NoUpdate",
    "OtherAction",
    "OtherStream",
    "Tell",
    "Token",
    "Update",
    "ask_in",
    "ask_of",
    "tell_in",
    "tell_of",
    "update_of",
]

_T = TypeVar("_T")
TRADE_UPDATES = "trade_updates"
_BEATS = ("\x01", b"\x01")
_NULLS = (msgspec.Raw(b"null"), msgspec.Raw(b"\xc0"))  # in JSON, in MessagePack
_MISSING = msgspec.Raw()


class Encoding(Enum):
    """How frames are written; read is whatever comes, but that binary frames are JSON or MessagePack as told here."""

    TEXT = "JSON in text frames"
    BINARY = "JSON in binary frames"
    MESSAGEPACK = "MessagePack in binary frames"


# --- credentials ------------------------------------------------------------------------------------------------------


def _text(_: object, attribute: Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"stream.{attribute.name}", "(not shown)" if value else "nothing", "text")


@frozen(kw_only=True)
class Keys:
    """Key and secret of an account; neither is ever shown."""

    key: str = field(repr=False, validator=_text)
    secret: str = field(repr=False, validator=_text)

    def hidden(self, text: str) -> str:
        """The text without them, should somebody have sent them back."""
        return text.replace(self.secret, "(not shown)").replace(self.key, "(not shown)")


@frozen(kw_only=True)
class Token:
    """An OAuth token; it is never shown."""

    token: str = field(repr=False, validator=_text)

    def hidden(self, text: str) -> str:
        """The text without it, should somebody have sent it back."""
        return text.replace(self.token, "(not shown)")


Credentials = Keys | Token


# --- what a client asks -----------------------------------------------------------------------------------------------


@frozen
class Authenticate:
    """
    Attributes:
        legacy: In the older form, {"action": "authenticate"}; a token has only that one.
    """

    credentials: Credentials
    legacy: bool


@frozen
class Listen:
    """The whole set of streams that are wanted from now on."""

    streams: tuple[str, ...]


@frozen
class OtherAction:
    action: str


@frozen
class Heartbeat:
    """One byte, 0x01: an old client's sign of life; either side may send it."""


Ask = Authenticate | Listen | OtherAction | Heartbeat


class _Asked(msgspec.Struct):
    action: str
    key: str | None = None
    secret: str | None = None
    data: msgspec.Raw = _MISSING


class _Login(msgspec.Struct):
    key_id: str | None = None
    secret_key: str | None = None
    oauth_token: str | None = None


class _Streams(msgspec.Struct):
    streams: tuple[str, ...]


def ask_in(message: str | bytes, encoding: Encoding) -> Ask:
    """
    What a client asks.

    Raises:
        RemoteProtocolError: It cannot be read, or lacks what its action needs.
    """
    if message in _BEATS:
        return Heartbeat()
    packed = _packed(message, encoding)
    asked = _part(message, _Asked, packed, "the frame")
    if asked.action == "auth":
        if not asked.key or not asked.secret:
            raise RemoteProtocolError("auth: expected key and secret")
        return Authenticate(Keys(key=asked.key, secret=asked.secret), legacy=False)
    if asked.action == "authenticate":
        login = _part(asked.data, _Login, packed, "authenticate, data")
        if login.oauth_token:
            return Authenticate(Token(token=login.oauth_token), legacy=True)
        if not login.key_id or not login.secret_key:
            raise RemoteProtocolError("authenticate: expected data with key_id and secret_key, or with oauth_token")
        return Authenticate(Keys(key=login.key_id, secret=login.secret_key), legacy=True)
    if asked.action == "listen":
        return Listen(_part(asked.data, _Streams, packed, "listen, data").streams)
    return OtherAction(asked.action)


def ask_of(ask: Authenticate | Listen, encoding: Encoding) -> str | bytes:
    """The frame of what a client asks."""
    if isinstance(ask, Listen):
        return _message({"action": "listen", "data": {"streams": ask.streams}}, encoding)
    held = ask.credentials
    if isinstance(held, Token):
        return _message({"action": "authenticate", "data": {"oauth_token": held.token}}, encoding)
    if ask.legacy:
        return _message({"action": "authenticate", "data": {"key_id": held.key, "secret_key": held.secret}}, encoding)
    return _message({"action": "auth", "key": held.key, "secret": held.secret}, encoding)


# --- what the venue tells ---------------------------------------------------------------------------------------------


@frozen
class Authorization:
    """
    Attributes:
        action: What was asked for: "authenticate", or what may not be asked without it, such as "listen".
    """

    authorized: bool
    action: str
    message: str | None = None


@frozen
class Listening:
    """The streams that will be sent from now on; those that do not exist are missing."""

    streams: tuple[str, ...]


@frozen
class Update:
    """Something happened to an order."""

    update: TradeUpdate
    _data: msgspec.Raw = field(repr=False, eq=False)
    _packed: bool = field(repr=False, eq=False)

    def order_json(self) -> bytes:
        """The order as the venue sent it, fields that we do not know included; JSON."""
        if self._packed:
            return msgspec.json.encode(msgspec.msgpack.decode(self._data)["order"])
        return bytes(msgspec.json.decode(self._data, type=_Order).order)


class _Order(msgspec.Struct):
    order: msgspec.Raw


@frozen
class NoUpdate:
    """A frame of the stream without an update: ``null``, which Alpaca was seen to send."""


@frozen
class Complaint:
    """The venue did not understand; it closes the connection next."""

    message: str


@frozen
class OtherStream:
    """A frame of a stream that we do not know."""

    stream: str


Tell = Authorization | Listening | Update | NoUpdate | Complaint | OtherStream | Heartbeat


class _Told(msgspec.Struct):
    stream: str | None = None
    action: str | None = None
    data: msgspec.Raw = _MISSING


class _Verdict(msgspec.Struct):
    status: str
    action: str = ""
    message: str | None = None


class _Error(msgspec.Struct):
    error_message: str = ""


def tell_in(message: str | bytes, encoding: Encoding) -> Tell:
    """
    What the venue tells.

    Raises:
        RemoteProtocolError: It cannot be read, or lacks what it is for; the message says what and where.
    """
    if message in _BEATS:
        return Heartbeat()
    packed = _packed(message, encoding)
    told = _part(message, _Told, packed, "the frame")
    stream = told.stream
    if stream == TRADE_UPDATES:
        if told.data == _NULLS[packed]:
            return NoUpdate()
        return Update(_part(told.data, TradeUpdate, packed, "trade_updates, data"), told.data, packed)
    if stream == "authorization":
        verdict = _part(told.data, _Verdict, packed, "authorization, data")
        if verdict.status not in ("authorized", "unauthorized"):
            raise RemoteProtocolError("authorization, data: expected the status authorized or unauthorized")
        return Authorization(verdict.status == "authorized", verdict.action, verdict.message)
    if stream == "listening":
        return Listening(_part(told.data, _Streams, packed, "listening, data").streams)
    if told.action == "error":
        return Complaint(_part(told.data, _Error, packed, "error, data").error_message)
    if stream is None:
        raise RemoteProtocolError("the frame: expected a stream, or the action error")
    return OtherStream(stream)


def tell_of(tell: Authorization | Listening | Complaint | Heartbeat, encoding: Encoding) -> str | bytes:
    """The frame of what the venue tells; an update has `update_of`."""
    if isinstance(tell, Heartbeat):
        return _BEATS[encoding is not Encoding.TEXT]
    if isinstance(tell, Listening):
        return _message({"stream": "listening", "data": {"streams": tell.streams}}, encoding)
    if isinstance(tell, Complaint):
        return _message({"action": "error", "data": {"error_message": tell.message}}, encoding)
    verdict = {"action": tell.action}
    if tell.message is not None:
        verdict["message"] = tell.message
    verdict["status"] = "authorized" if tell.authorized else "unauthorized"
    return _message({"stream": "authorization", "data": verdict}, encoding)


def update_of(data: Mapping[str, object] | None, encoding: Encoding) -> str | bytes:
    """The frame of an update; Decimals become text, moments RFC 3339."""
    return _message({"stream": TRADE_UPDATES, "data": data}, encoding)


# --- the wire ---------------------------------------------------------------------------------------------------------

_UNPACKERS: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def _packed(message: str | bytes, encoding: Encoding) -> bool:
    return encoding is Encoding.MESSAGEPACK and not isinstance(message, str)


def _part(data: Any, kind: type[_T], packed: bool, where: str) -> _T:
    try:
        if not packed:
            return read(data, kind)
        unpacker = _UNPACKERS.get(kind)
        if unpacker is None:
            unpacker = _UNPACKERS[kind] = msgspec.msgpack.Decoder(kind, strict=False)
        found: _T = unpacker.decode(data)
        return found
    except (RemoteProtocolError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        why = "missing" if data == _MISSING else str(error)
    # Outside, so that the error has no cause: that of a wrong letter holds all that was sent.
    raise RemoteProtocolError(f"{where}: {why}")


def _message(content: Mapping[str, object], encoding: Encoding) -> str | bytes:
    if encoding is Encoding.MESSAGEPACK:
        return msgspec.msgpack.encode(content)
    text = msgspec.json.encode(content)
    return text.decode() if encoding is Encoding.TEXT else text
