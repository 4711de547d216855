"""A wrong clock: the moments in what the venue says, and those that clients name, shifted by some seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.venue.spelling import moment, parsed, zulu

__all__ = ["skewed", "skewed_headers"]

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_NANO = 10**9


def skewed(value: Any, seconds: float) -> Any:
    """
    A value of JSON with every moment in it shifted; dates, ids and numbers stay.

    For what a client asks it is the way back: the query of a request with ``-seconds``.
    """
    if not seconds:
        return value
    if isinstance(value, str):
        return _shifted(value, seconds)
    if isinstance(value, datetime):  # as MessagePack has it
        return value + timedelta(seconds=seconds)
    if isinstance(value, Mapping):
        return {name: skewed(each, seconds) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [skewed(each, seconds) for each in value]
    return value


def _shifted(text: str, seconds: float) -> str:
    if not _MOMENT.fullmatch(text):
        return text
    at = parsed(text)
    if at is None:
        return text
    by = round(seconds * 1_000_000) * 1000
    if text.endswith("Z"):
        return zulu(at + by) or text
    zone = datetime.fromisoformat(re.sub(r"\.\d+", "", text)).tzinfo  # as /v2/clock writes it
    return moment(at + by).astimezone(zone).isoformat()


def skewed_headers(headers: Mapping[str, str], seconds: float) -> dict[str, str]:
    """An answer's headers, those of its rate limit with the wrong clock too; ``Date`` is the server's to write."""
    shift = timedelta(seconds=seconds) // timedelta(seconds=1)
    return {
        name: str(int(value) + shift) if name.lower() == "x-ratelimit-reset" else value
        for name, value in headers.items()
    }
