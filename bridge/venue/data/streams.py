"""
All market data websockets of a venue: who may connect, and who is told what.

A message is made once, encoded once for each encoding, and put into the frames of those who subscribed to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import Attribute, field, frozen

from bridge.stream.frames import Encoding
from bridge.venue.core import credentials
from bridge.venue.data.fakepaca import SECOND, fakepaca
from bridge.venue.data.market_data import MarketData
from bridge.venue.data.messages import Market, Message
from bridge.venue.data.protocol import FEEDS, DataProtocol, DataState, Feed
from bridge.venue.spelling import moment, nanos
from engine.clock import utc
from engine.errors import InvalidRequest

__all__ = ["DataLimits", "DataStreams"]

_DELAY = 15 * 60 * SECOND
_CAUGHT_UP = 60  # seconds of FAKEPACA that are told at once, however far time went
_ONE_SECOND = timedelta(seconds=1)


def _at_least_one(instance: object, attribute: Attribute[int | None], value: object) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise InvalidRequest(attribute.name, value, "a whole number >= 1, or None for no limit")


@frozen(kw_only=True)
class DataLimits:
    """
    What an account may have; at Alpaca one connection, and 30 symbols with the plan that costs nothing.

    Attributes:
        connections: Of one feed at a time; one too many is answered with error 406. None: as many as it likes.
        symbols: Of one connection, for trades and quotes; error 405. None: as many as it likes.
    """

    connections: int | None = field(default=None, validator=_at_least_one)
    symbols: int | None = field(default=None, validator=_at_least_one)


class DataStreams:
    """
    Args:
        seed: Of what the feed ``test`` tells.
    """

    def __init__(self, data: MarketData, *, limits: DataLimits | None = None, seed: int = 0) -> None:
        self._data = data
        self._limits = limits or DataLimits()
        self._seed = seed
        self._open: dict[DataProtocol, None] = {}
        self._held: deque[tuple[int, list[Message]]] = deque()  # until when, for those whose feed is late
        self._tested: int | None = None  # the last second that was told

    def __len__(self) -> int:
        return len(self._open)

    @staticmethod
    def feed(path: str) -> Feed | None:
        """The feed of a path; None: there is none."""
        return FEEDS.get(path.rstrip("/"))

    def connect(self, feed: Feed, headers: Mapping[str, str]) -> DataProtocol:
        """
        A websocket is open.

        Args:
            headers: Of the handshake, by names in lower case: ``content-type: application/msgpack`` asks for
                MessagePack in binary frames instead of JSON in text frames; credentials spare the client a message.
        """
        packed = headers.get("content-type", "").partition(";")[0].strip().lower() == "application/msgpack"
        protocol = DataProtocol(
            feed,
            authenticate=self._data.authenticate,
            admit=lambda account: self._objection(feed, account),
            encoding=Encoding.MESSAGEPACK if packed else Encoding.TEXT,
            symbol_limit=self._limits.symbols,
            books=self._data.books,
        )
        self._open[protocol] = None
        self._data.listening = True
        protocol.credentials(*credentials(headers))
        return protocol

    def _objection(self, feed: Feed, account: str) -> int | None:
        """The code of the error with which an account is not let in."""
        if feed.name == "sip" and not self._data.real_time:
            return 409
        there = sum(each.account == account and each.feed is feed for each in self._open)
        return 406 if self._limits.connections is not None and there >= self._limits.connections else None

    def closed(self, protocol: DataProtocol) -> None:
        """Its websocket is closed, and another one may take its place."""
        protocol.closed()
        self._open.pop(protocol, None)
        if not self._open:
            self._data.listening = False
            self._data.messages()
            self._held.clear()

    def deliver(self, now: datetime) -> list[DataProtocol]:
        """Tell all connections what happened since the last call; those that have something to send for it."""
        at = nanos(utc(now))
        if not self._open:
            self._tested = at // SECOND
            return []
        told: dict[Market, list[Message]] = {"stocks": [], "crypto": [], "test": []}
        for message in self._data.messages():
            told[message.market].append(message)
        late = self._late(told["stocks"], at)
        told["test"] = self._test(at)
        return [
            protocol
            for protocol in self._open
            if protocol.send(late if protocol.feed.name == "delayed_sip" else told[protocol.feed.market])
        ]

    def next_due(self, now: datetime) -> datetime | None:
        """When there is something to deliver although nothing happens; None: never."""
        moments = [moment(self._held[0][0])] if self._held else []
        if self._listened("test"):
            moments.append(moment(nanos(utc(now)) // SECOND * SECOND) + _ONE_SECOND)
        return min(moments, default=None)

    def _listened(self, name: str) -> bool:
        """Whether somebody who is let in is connected to that feed."""
        return any(each.feed.name == name and each.state is DataState.AUTHENTICATED for each in self._open)

    def _late(self, messages: list[Message], at: int) -> list[Message]:
        """What the delayed feed tells now: what others were told a quarter of an hour ago."""
        if not self._listened("delayed_sip"):
            self._held.clear()
            return []
        if messages:
            self._held.append((at + _DELAY, messages))
        due: list[Message] = []
        while self._held and self._held[0][0] <= at:
            due += self._held.popleft()[1]
        return due

    def _test(self, at: int) -> list[Message]:
        before, self._tested = self._tested, at // SECOND
        if before is None or not self._listened("test"):
            return []
        seconds = range(max(before, self._tested - _CAUGHT_UP) + 1, self._tested + 1)
        return [message for second in seconds for message in fakepaca(self._seed, second)]
