"""
What the stream told one account, kept so that it can be told again: newest first to stay, oldest first to go.

Frames resemble each other, so they are kept as JSON in compressed blocks: some hundred bytes each.
"""

from __future__ import annotations

from collections import deque
from typing import Any
from zlib import compress, decompress

import msgspec
from attrs import frozen

from bridge.venue.spelling import parsed

__all__ = ["EventLog", "Span"]

_BLOCK = 256


@frozen(kw_only=True)
class Span:
    """
    A stretch of events; both ends belong to it.

    Attributes:
        since, until: By the moment at which an event was written down, nanoseconds since 1970; None: no such end.
        since_id, until_id: By the id of an event, which need not be that of one; None: no such end.
    """

    since: int | None = None
    until: int | None = None
    since_id: str | None = None
    until_id: str | None = None

    def holds(self, data: dict[str, Any]) -> bool:
        """Whether an event is in it."""
        name = data["event_id"]
        if (self.since_id is not None and name < self.since_id) or (self.until_id is not None and name > self.until_id):
            return False
        if self.since is None and self.until is None:
            return True
        at = parsed(data["at"]) or 0
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


@frozen(kw_only=True)
class _Block:
    """
    Attributes:
        first, last: Moment and id of these events, as they are in them.
        lines: The events, compressed.
    """

    first: dict[str, Any]
    last: dict[str, Any]
    lines: bytes


class EventLog:
    """
    Args:
        kept: The newest so many events are there, and at most a block of 256 more.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._blocks: deque[_Block] = deque()
        self._newest: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._blocks) * _BLOCK + len(self._newest)

    def write(self, data: dict[str, Any]) -> None:
        """
        Args:
            data: With ``at`` and ``event_id`` not below those of the one before; it does not change any more.
        """
        self._newest.append(data)
        if len(self._newest) < _BLOCK:
            return
        lines = b"\n".join(map(msgspec.json.encode, self._newest))
        first, last = (
            {name: data[name] for name in ("at", "event_id")} for data in (self._newest[0], self._newest[-1])
        )
        self._blocks.append(_Block(first=first, last=last, lines=compress(lines, 1)))
        self._newest = []
        while len(self) - _BLOCK >= self._kept:
            self._blocks.popleft()

    def read(self, span: Span) -> list[dict[str, Any]]:
        """The events of a stretch that are still there, in order."""
        found: list[dict[str, Any]] = []
        beginning = Span(since=span.since, since_id=span.since_id)
        ending = Span(until=span.until, until_id=span.until_id)
        for block in reversed(self._blocks):
            if not beginning.holds(block.last):
                break
            if ending.holds(block.first):
                events = map(msgspec.json.decode, decompress(block.lines).split(b"\n"))
                found[:0] = [data for data in events if span.holds(data)]
        return found + [data for data in self._newest if span.holds(data)]
