"""What becomes of a request: the faults that match it, put into one value that a server carries out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from attrs import frozen

from bridge.venue.core import Answer
from bridge.venue.errors import TOO_MANY
from bridge.venue.faults.armed import Arsenal
from bridge.venue.faults.rest import (
    ErrorAfter,
    ErrorBefore,
    LostAfter,
    LostBefore,
    RequestFault,
    Slow,
    StaleReads,
    TooManyRequests,
)
from bridge.venue.limits import RateLimit

__all__ = ["Treatment", "failure", "treat"]

_WORDS = {500: "internal server error occurred", 502: "bad gateway", 503: "service unavailable", 504: "gateway timeout"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True)
class Treatment:
    """
    What to do with a request, in this order; one without faults is handled and answered as always.

    Attributes:
        before: Not None: do not handle it, this is the answer.
        after: Not None: handle it, and answer this instead.
        lose: "before": do not handle it, "after": handle it; in both cases close the connection without an answer.
            Of ``before``, ``after`` and ``lose`` at most one is set.
        delay: Seconds from handling it to answering, or to closing the connection.
        lag: Seconds; answer with how things stood so long ago. A request with a lag changes nothing.
        skew: Seconds by which the venue's clock is ahead: moments in the query are taken back by it, and those in the
            answer shifted, with `skewed` and `skewed_headers`.
    """

    before: Answer | None = None
    after: Answer | None = None
    lose: Literal["before", "after"] | None = None
    delay: float = 0.0
    lag: float = 0.0
    skew: float = 0.0

    @property
    def handled(self) -> bool:
        """Whether the request gets to the venue."""
        return self.before is None and self.lose != "before"


def failure(status: int, *, retry_after: int | None = None) -> Answer:
    """An error of the venue's own; its words are Alpaca's where they are known."""
    body = {"code": 50010000} if status == 500 else {}
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    if status == 429:
        return Answer(status=429, headers=headers | _retry(retry_after), body=TOO_MANY.body)
    words = _WORDS.get(status, "refused")
    return Answer(status=status, headers=headers | _retry(retry_after), body={**body, "message": words})


def _retry(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _too_many(fault: TooManyRequests, now: datetime) -> Answer:
    answer = failure(429, retry_after=fault.retry_after)
    if fault.reset is None:
        return answer
    resets = -((_EPOCH - now - timedelta(seconds=fault.reset)) // timedelta(seconds=1))
    rate = {
        "X-Ratelimit-Limit": str(RateLimit().requests),
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(resets),
    }
    return Answer(status=429, headers={**answer.headers, **rate}, body=answer.body)


def treat(
    arsenal: Arsenal,
    method: str,
    path: str,
    account: str | None,
    body: bytes,
    now: datetime,
    *,
    skew: float = 0.0,
    masked: bool = False,
) -> Treatment:
    """
    What becomes of a request.

    The first fault that decides between errors and lost answers does; the others that would have do not bite, and keep
    their count. Slow answers add up, and of lags the longest counts.

    Args:
        masked: The venue is not there: faults throw their dice, and bite nothing.
    """
    before = after = None
    lose: Literal["before", "after"] | None = None
    delay = lag = 0.0
    what = f"{method} {path}"
    for armed in arsenal.of(RequestFault):
        fault = armed.fault
        if not fault.matches(method, path, account, body) or not arsenal.thrown(armed, now) or masked:
            continue
        if isinstance(fault, Slow):
            more = fault.seconds + armed.dice.random() * fault.jitter
            delay += more
            arsenal.bites(armed, now, f"{what}: answered {more:g} s later")
        elif isinstance(fault, StaleReads):
            lag = max(lag, fault.seconds)
            arsenal.bites(armed, now, f"{what}: answered as of {fault.seconds:g} s ago")
        elif before is None and after is None and lose is None:
            if isinstance(fault, TooManyRequests):
                before, words = _too_many(fault, now), "429, not done"
            elif isinstance(fault, ErrorBefore):
                before, words = failure(fault.status), f"{fault.status}, not done"
            elif isinstance(fault, ErrorAfter):
                after, words = failure(fault.status), f"done, and answered with {fault.status}"
            elif isinstance(fault, LostBefore):
                lose, words = "before", "not done, and no answer"
            else:
                assert isinstance(fault, LostAfter)
                lose, words = "after", "done, and no answer"
            arsenal.bites(armed, now, f"{what}: {words}")
    return Treatment(before=before, after=after, lose=lose, delay=delay, lag=lag, skew=skew)
