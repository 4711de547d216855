"""
One HTTP call to Alpaca, and which of our errors its failure is.

Every call has a timeout and is made once: no retries, no redirects. What a failed call may have done decides its error:
`NotSent` where it is proven that nothing arrived, `OutcomeUnknown` where nobody knows. By Alpaca's rules 400, 401, 403,
404, 422 and 429 did nothing; 408 and all of 5xx may have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar

import msgspec
import requests
import urllib3
from attrs import field, frozen
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from engine.brokers.alpaca.access import Access
from engine.brokers.alpaca.wire import Failure, read
from engine.clock import Clock, HostClock
from engine.errors import (
    AlreadyExists,
    BrokerError,
    InvalidRequest,
    NotSent,
    OutcomeUnknown,
    RemoteProtocolError,
    VenueRejected,
)

__all__ = ["Answer", "Rest", "earliest"]

_T = TypeVar("_T")
_REFUSALS = frozenset({400, 401, 403, 404, 422})  # by the venue's rules nothing was done
_NOT_FOUND = 40410000
_PAUSE = 1.0  # seconds before another try where nobody says how long
_LONGEST = 3600.0  # what a header may keep us from sending, seconds
_WORDS = 200  # of somebody else's text in an error, characters


@frozen(kw_only=True)
class Answer:
    """
    An answer that says what became of the call.

    Attributes:
        what: Method and path of the call.
        failure: Alpaca's own words if it refused; None: it did not, or somebody else answered.
        reason: The same for people; "" if it did not refuse.
        waited: Seconds, from the call to the answer.
    """

    what: str
    status: int
    body: bytes = field(repr=False)
    failure: Failure | None
    reason: str
    waited: float

    @property
    def refused(self) -> bool:
        return self.status in _REFUSALS

    @property
    def absent(self) -> bool:
        """Alpaca itself says that there is no such thing; a page that is not found is not that."""
        return self.status == 404 and self.failure is not None and self.failure.code == _NOT_FOUND

    def read(self, kind: type[_T]) -> _T:
        """
        What the answer tells.

        Raises:
            OutcomeUnknown: It cannot be read, so it is none.
        """
        try:
            return read(self.body, kind)
        except RemoteProtocolError as error:
            why = str(error)
        raise OutcomeUnknown(f"{self.what}: HTTP {self.status}, unreadable: {why}", waited=self.waited)

    def reject(self) -> NoReturn:
        """Raise what the refusal means: `AlreadyExists` or `VenueRejected`."""
        # The code of it has changed over the years.
        if self.failure is not None and "client_order_id must be unique" in self.failure.message:
            raise AlreadyExists(self.reason)
        raise VenueRejected(self.reason)

    def unknown(self) -> NoReturn:
        """Raise that this answer decides nothing."""
        raise OutcomeUnknown(f"{self.what}: {self.reason}", waited=self.waited)


class Rest:
    """
    Calls under one account's credentials; belongs to one thread.

    Args:
        clock: Tells from when on a call may be repeated.
        host_clock: Measures how long an answer took.
        timeout: Seconds to connect, and of silence before an answer, each > 0.

    Attributes:
        session: What the calls go through; whoever wants to limit or watch them mounts an adapter there.
    """

    def __init__(self, access: Access, clock: Clock, host_clock: HostClock, *, timeout: tuple[float, float]) -> None:
        connect, silence = timeout
        if not (0 < connect < math.inf and 0 < silence < math.inf):
            raise InvalidRequest("timeout", timeout, "two numbers of seconds > 0: to connect, to read")
        self.session = requests.Session()
        self.session.mount("https://", HTTPAdapter(max_retries=0))
        self.session.mount("http://", HTTPAdapter(max_retries=0))
        self.session.auth = _Signature(access)  # an auth of our own, so none is taken from a .netrc
        self.session.headers.update({"User-Agent": "tradebridge", "Accept": "application/json"})
        self.session.trust_env = not access.loopback  # no proxy stands before this machine
        self._access = access
        self._clock = clock
        self._host = host_clock
        self._timeout = timeout

    def get(self, path: str, kind: type[_T], query: Mapping[str, str] | None = None) -> _T:
        """
        Read something that exists.

        Raises:
            VenueRejected: Alpaca refuses to tell.
        """
        answer = self.call("GET", path, query=query)
        if answer.refused:
            if answer.status == 404 and answer.failure is None:
                answer.unknown()
            answer.reject()
        return answer.read(kind)

    def find(self, path: str, kind: type[_T], query: Mapping[str, str] | None = None) -> _T | None:
        """Read something that may not exist; None: Alpaca itself answered that it does not."""
        answer = self.call("GET", path, query=query)
        if answer.absent:
            return None
        if answer.refused:
            if answer.status == 404:
                answer.unknown()
            answer.reject()
        return answer.read(kind)

    def call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object | None = None
    ) -> Answer:
        """
        Make one call.

        Returns:
            Success or a refusal.

        Raises:
            NotSent: No connection, or one request too many; not before the moment that it names.
            OutcomeUnknown: No answer, or one that decides nothing.
        """
        what, began = f"{method} {path}", self._host.monotonic()
        response, trouble = None, None
        try:
            response = self.session.request(
                method,
                self._access.host + path,
                params=dict(query or {}),
                data=None if body is None else msgspec.json.encode(body),
                headers=None if body is None else {"Content-Type": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            trouble = self._trouble(what, error, self._host.monotonic() - began)
        # Raised out here, for the library's errors carry the request with its credentials, and would be chained.
        if trouble is not None:
            raise trouble
        assert response is not None  # else there was trouble
        return self._answer(what, response, self._host.monotonic() - began)

    def _trouble(self, what: str, error: Exception, waited: float) -> BrokerError:
        why = self._access.hidden(_root_of(error))[:_WORDS]
        if _nothing_left(error):
            at = self._clock.now() + timedelta(seconds=_PAUSE)
            return NotSent(f"{what}: no connection ({why})", earliest=at)
        return OutcomeUnknown(f"{what} ({why})", waited=waited)

    def _answer(self, what: str, response: requests.Response, waited: float) -> Answer:
        status = response.status_code
        failure = None if status < 400 else _failure(response.content)
        answer = Answer(
            what=what,
            status=status,
            body=response.content,
            failure=failure,
            reason="" if 200 <= status < 300 else self._access.hidden(_reason(response, failure)),
            waited=waited,
        )
        if status == 429:
            raise NotSent(f"{what}: {answer.reason}", earliest=earliest(response.headers, self._clock.now()))
        if not 200 <= status < 300 and not answer.refused:
            answer.unknown()
        return answer


class _Signature(AuthBase):
    """Puts the credentials on each request."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["APCA-API-KEY-ID"] = self._access.key_id
        request.headers["APCA-API-SECRET-KEY"] = self._access.secret_key
        return request


# --- what a failure means ---------------------------------------------------------------------------------------------


def _nothing_left(error: Exception) -> bool:
    """
    Whether it is proven that no byte of the request left this machine: there was no connection.

    A connection that breaks, even at once, proves nothing: it may have been an old one that took the request along.
    """
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    if isinstance(reason, urllib3.exceptions.ProxyError):
        reason = reason.original_error
    return isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError)


def _root_of(error: BaseException) -> str:
    """What the system said in the first place; the layers above repeat it with addresses of objects."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return f"{type(error).__name__}: {error}"


def _failure(body: bytes) -> Failure | None:
    """Alpaca's own words; None: this is not from Alpaca."""
    try:
        return read(body, Failure)
    except RemoteProtocolError:
        return None


def _reason(response: requests.Response, failure: Failure | None) -> str:
    status = f"HTTP {response.status_code}"
    if failure is None:
        text = " ".join(response.content[: 4 * _WORDS].decode("utf-8", "replace").split())
        said = f"not from Alpaca: {text[:_WORDS]!r}" if text else "without a word"
        return f"{status}, {said}"
    details = read(response.content, dict[str, Any])
    more = [f"{name} {value}" for name, value in details.items() if name not in ("code", "message")]
    code = "" if failure.code is None else f", {failure.code}"
    return "; ".join([failure.message, *more])[: 2 * _WORDS] + f" ({status}{code})"


def earliest(headers: Mapping[str, str], now: datetime) -> datetime:
    """
    When to try again after "too many requests", on our own clock.

    Args:
        headers: Of the answer; X-RateLimit-Reset and Retry-After are counted from its Date, so a clock of ours that is
            wrong does no harm. What cannot be read is left out, and an hour is the longest.
    """
    theirs = _date(headers.get("Date")) or now
    reset, after = _number(headers.get("X-RateLimit-Reset")), _number(headers.get("Retry-After"))
    waits = [_PAUSE]
    if reset is not None:
        waits.append(reset - theirs.timestamp())
    if after is not None:
        waits.append(after)
    elif (moment := _date(headers.get("Retry-After"))) is not None:
        waits.append((moment - theirs).total_seconds())
    return now + timedelta(seconds=min(max(waits), _LONGEST))


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(text: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
