"""
GET /v2/events/trades: the stream as server-sent events, which can begin in the past.

What the query asks for, and the text that is sent; the socket is somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from attrs import field, frozen

from bridge.venue.errors import Refused, misunderstood, wrong_combination
from bridge.venue.eventlog import Span
from bridge.venue.reads import instant

__all__ = ["HEARTBEAT", "Subscription", "comment", "encoded", "span_of"]

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.ASCII)

HEARTBEAT = b":heartbeat\n\n"
"""Sent while nothing happens, so that both sides see that the other one is there."""


@frozen(kw_only=True)
class Subscription:
    """
    What one request for events gets.

    Attributes:
        account: Id of the account whose frames follow.
        history: The ``data`` of what has happened, to be sent at once.
        ends: Nothing follows: the answer is complete behind the history.
        since: What has happened after the history, for an answer that begins later than it was made.
    """

    account: str
    history: Sequence[dict[str, Any]]
    ends: bool
    since: Callable[[], Sequence[dict[str, Any]]] = field(default=tuple, eq=False, repr=False)

    @property
    def text(self) -> bytes:
        """The history as it is sent now."""
        return b"".join(map(encoded, [*self.history, *self.since()]))


def span_of(query: Mapping[str, str]) -> Span | None:
    """
    The stretch of the past that a query asks for; None: none.

    Raises:
        Refused: Ends that do not go together (400), or that are none (422).
    """
    given = {name for name in ("since", "until", "since_id", "until_id") if query.get(name)}
    if {"since", "since_id"} <= given:
        raise Refused(wrong_combination("only one of since and since_id is accepted"))
    for end, beginning in (("until", "since"), ("until_id", "since_id")):
        if end in given and beginning not in given:
            raise Refused(wrong_combination(f"{end} requires {beginning}"))
    span = Span(
        since=instant(query, "since"),
        until=instant(query, "until"),
        since_id=_ulid(query, "since_id"),
        until_id=_ulid(query, "until_id"),
    )
    if (span.until or 0) < (span.since or 0) and span.until is not None:
        raise Refused(misunderstood("until must not be before since"))
    if span.until_id is not None and span.until_id < (span.since_id or ""):
        raise Refused(misunderstood("until_id must not be before since_id"))
    return span if given else None


def _ulid(query: Mapping[str, str], name: str) -> str | None:
    text = query.get(name, "").upper()
    if text and _ULID.fullmatch(text) is None:
        raise Refused(misunderstood(f"invalid {name}: {query[name]}"))
    return text or None


def encoded(data: Mapping[str, Any]) -> bytes:
    """One event."""
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


def comment(words: str) -> bytes:
    """A line that carries no event; of several lines one."""
    return b": " + " ".join(words.split()).encode() + b"\n\n"
