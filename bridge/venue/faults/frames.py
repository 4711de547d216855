"""The faults of stream frames: each is a value that says which frames, when, how often, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen

from bridge.venue.faults.matching import Fault, counted, one_of, same_symbol, some_seconds, some_text
from engine.errors import InvalidRequest

__all__ = ["STREAMS", "Corrupt", "Delay", "Drop", "Duplicate", "FrameFault", "Reorder", "Stream"]

Stream = Literal["trades", "data", "sse"]
"""The user stream, those of market data, and the server-sent events."""

STREAMS = ("trades", "data", "sse")


def _events(instance: object, attribute: Any, value: object) -> None:
    if not isinstance(value, tuple) or not all(isinstance(event, str) and event for event in value):
        raise InvalidRequest(attribute.name, value, 'names of events, e.g. ["fill", "partial_fill"]')


@frozen(kw_only=True)
class FrameFault(Fault):
    """
    Attributes:
        stream: On which stream.
        connection: Number of the connection on that stream, from 1 in order of opening; None: of any.
        events: Names of events, of market data the frame's "T"; empty: of any.
        symbol: None: of any; a pair with its slash or without.
        order: An order's id or its client's id; None: of any.
    """

    stream: Stream = field(default="trades", validator=one_of(*STREAMS))
    connection: int | None = field(default=None, validator=counted(1))
    events: tuple[str, ...] = field(default=(), validator=_events)
    symbol: str | None = field(default=None, validator=some_text)
    order: str | None = field(default=None, validator=some_text)

    def matches(self, stream: str, number: int, account: str | None, data: Mapping[str, Any]) -> bool:
        order = data.get("order")
        order = order if isinstance(order, Mapping) else {}
        return (
            self.stream == stream
            and self.connection in (None, number)
            and self.account in (None, account)
            and (not self.events or data.get("event", data.get("T")) in self.events)
            and same_symbol(self.symbol, order.get("symbol", data.get("S")))
            and self.order in (None, order.get("id"), order.get("client_order_id"))
        )


@frozen(kw_only=True)
class Drop(FrameFault):
    """The frame never comes; all others do."""

    kind: Literal["drop"] = "drop"


@frozen(kw_only=True)
class Delay(FrameFault):
    """
    The frame is late, and what comes behind it waits for it: the order stays.

    Attributes:
        seconds: How late.
        jitter: Up to so many seconds more, by chance.
    """

    kind: Literal["delay"] = "delay"
    seconds: float = field(validator=some_seconds)
    jitter: float = field(default=0.0, validator=some_seconds)


@frozen(kw_only=True)
class Duplicate(FrameFault):
    """
    The frame comes more than once.

    Attributes:
        times: How many copies follow it.
        seconds: From one copy to the next; what else is told comes in between.
    """

    kind: Literal["duplicate"] = "duplicate"
    times: int = field(default=1, validator=counted(1, 100))
    seconds: float = field(default=0.0, validator=some_seconds)


@frozen(kw_only=True)
class Reorder(FrameFault):
    """
    Later frames of the same connection overtake the frame.

    Attributes:
        behind: How many.
        within: Seconds; it comes then at the latest, overtaken or not.
    """

    kind: Literal["reorder"] = "reorder"
    behind: int = field(default=1, validator=counted(1, 1000))
    within: float = field(default=1.0, validator=some_seconds)


@frozen(kw_only=True)
class Corrupt(FrameFault):
    """
    The frame comes, and is not what was sent.

    Attributes:
        how: "cut": its end is missing; "flip": some of its bytes are others, and it may still parse; "null": a frame
            whose ``data`` is null.
        size: How many bytes are flipped.
    """

    kind: Literal["corrupt"] = "corrupt"
    how: Literal["cut", "flip", "null"] = field(default="cut", validator=one_of("cut", "flip", "null"))
    size: int = field(default=1, validator=counted(1, 1000))
