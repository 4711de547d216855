"""The faults of REST: each is a value that says which requests, when, how often, and what becomes of them."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any, Literal
from urllib.parse import unquote

from attrs import field, frozen

from bridge.venue.faults.matching import Fault, counted, one_of, same_symbol, some_seconds, some_text
from engine.errors import InvalidRequest

__all__ = [
    "ErrorAfter",
    "ErrorBefore",
    "LostAfter",
    "LostBefore",
    "RequestFault",
    "Slow",
    "StaleReads",
    "TooManyRequests",
]

_STATUSES = (500, 502, 503, 504)
_METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT")
_OF_A_SYMBOL = ("/v2/positions/", "/v2/assets/")
_LAGGING = ("/v2/orders*", "/v2/positions*", "/v2/account*")


def _pattern(instance: object, attribute: Any, value: object) -> None:
    if value is not None and not (isinstance(value, str) and value[:1] in ("/", "*")):
        raise InvalidRequest(attribute.name, value, 'a path with * for any part of it, e.g. "/v2/orders*"')


@frozen(kw_only=True)
class RequestFault(Fault):
    """
    Attributes:
        method: None: any.
        path: Without the query; "*" stands for any part of it, slashes too. None: any.
        symbol: That the path or the body names; None: any.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE", "PUT"] | None = field(
        default=None, validator=one_of(None, *_METHODS)
    )
    path: str | None = field(default=None, validator=_pattern)
    symbol: str | None = field(default=None, validator=some_text)

    def matches(self, method: str, path: str, account: str | None, body: bytes) -> bool:
        return (
            self.method in (None, method)
            and (self.path is None or fnmatchcase(path, self.path))
            and self.account in (None, account)
            and (self.symbol is None or same_symbol(self.symbol, _symbol(path, body)))
        )


def _symbol(path: str, body: bytes) -> str | None:
    for start in _OF_A_SYMBOL:
        if path.startswith(start):
            return unquote(path.removeprefix(start))
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = asked.get("symbol") if isinstance(asked, dict) else None
    return found if isinstance(found, str) else None


@frozen(kw_only=True)
class TooManyRequests(RequestFault):
    """
    Answered with 429; nothing is done.

    Attributes:
        retry_after: What the header Retry-After says, seconds; None: there is none.
        reset: In so many seconds the rate headers let the window begin anew; None: there are no rate headers.
    """

    kind: Literal["too-many-requests"] = "too-many-requests"
    retry_after: int | None = field(default=None, validator=counted(0))
    reset: int | None = field(default=None, validator=counted(0))


@frozen(kw_only=True)
class ErrorBefore(RequestFault):
    """Answered with an error of the venue's own; nothing is done."""

    kind: Literal["error-before"] = "error-before"
    status: int = field(default=503, validator=one_of(*_STATUSES))


@frozen(kw_only=True)
class ErrorAfter(RequestFault):
    """It is done, and answered with an error of the venue's own all the same."""

    kind: Literal["error-after"] = "error-after"
    status: int = field(default=504, validator=one_of(*_STATUSES))


@frozen(kw_only=True)
class LostBefore(RequestFault):
    """The connection is closed without an answer; nothing is done."""

    kind: Literal["lost-before"] = "lost-before"


@frozen(kw_only=True)
class LostAfter(RequestFault):
    """It is done, and the connection is closed without an answer."""

    kind: Literal["lost-after"] = "lost-after"


@frozen(kw_only=True)
class Slow(RequestFault):
    """
    It is done at once, and the answer takes its time.

    Attributes:
        seconds: How long.
        jitter: Up to so many seconds more, by chance.
    """

    kind: Literal["slow"] = "slow"
    seconds: float = field(validator=some_seconds)
    jitter: float = field(default=0.0, validator=some_seconds)


@frozen(kw_only=True)
class StaleReads(RequestFault):
    """
    A GET is answered with how things stood a while ago, whatever the stream has told since.

    Without a path it is about orders, positions and the account.

    Attributes:
        seconds: How long ago.
    """

    kind: Literal["stale-reads"] = "stale-reads"
    seconds: float = field(validator=some_seconds)

    def matches(self, method: str, path: str, account: str | None, body: bytes) -> bool:
        reads = method == "GET" and (self.path is not None or any(fnmatchcase(path, each) for each in _LAGGING))
        return reads and super().matches(method, path, account, body)
