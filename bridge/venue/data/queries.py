"""What the query of a request for market data says, checked; what is wrong is refused as Alpaca does."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, time, tzinfo

from attrs import frozen

from bridge.venue.data.timeframes import DAY, TimeFrame, stretch, timeframe
from bridge.venue.errors import Failure, Refused
from bridge.venue.spelling import nanos, parsed

__all__ = ["Page", "Place", "Query", "bad", "currency", "feed", "named", "page", "pair", "share", "token", "width"]

Query = Mapping[str, str]

_LIMIT, _MOST = 1000, 10_000
_SHARE = re.compile(r"[A-Z][A-Z0-9]*(?:[./-][A-Z0-9]+)?")
_PAIR = re.compile(r"[A-Z0-9]+/[A-Z0-9]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FEEDS = frozenset({"sip", "iex", "delayed_sip", "boats", "overnight", "otc"})
_ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})


def bad(message: str, status: int = 400, code: int | None = None) -> Refused:
    return Refused(Failure(status, code, message))


@frozen
class Place:
    """
    How far a listing has come.

    Attributes:
        at: The moment of the last row that was given.
        count: How many rows of that moment were given.
    """

    symbol: str
    at: int
    count: int


@frozen(kw_only=True)
class Page:
    """
    Attributes:
        low, high: From when until when, both included, nanoseconds since 1970.
        limit: Rows of all symbols together.
        after: Where the page before ended; None: it is the first one.
    """

    low: int
    high: int
    limit: int
    backwards: bool
    after: Place | None


# --- symbols ----------------------------------------------------------------------------------------------------------


def share(text: str) -> str:
    if not _SHARE.fullmatch(text) or _PAIR.fullmatch(text):
        raise bad(f"invalid symbol: {text}")
    return text


def pair(text: str) -> str:
    if not _PAIR.fullmatch(text):
        raise bad(f"invalid symbol: {text} does not match ^[A-Z]+/[A-Z]+$")
    return text


def named(query: Query, *, crypto: bool) -> list[str]:
    """The symbols asked for, each once, in the order of the alphabet, in which they are answered."""
    texts = {text.strip() for text in query.get("symbols", "").split(",")} - {""}
    if not texts:
        raise bad("symbols is required")
    return sorted(map(pair if crypto else share, sorted(texts)))


# --- pages ------------------------------------------------------------------------------------------------------------


def page(query: Query, now: datetime, where: tzinfo) -> Page:
    """What part of the rows is asked for; the day that begins a listing is that of ``where``."""
    high, low = _instant(query, "end", where), _instant(query, "start", where)
    if high is None:
        high = nanos(now)
    if low is None:
        low = stretch(DAY, nanos(now), where)[0]
    if high < low:
        raise bad("end should not be before start")
    sort = query.get("sort") or "asc"
    if sort not in ("asc", "desc"):
        raise bad(f"invalid sort: {sort}")
    return Page(low=low, high=high, limit=_limit(query), backwards=sort == "desc", after=_place(query))


def _limit(query: Query) -> int:
    text = query.get("limit")
    if not text:
        return _LIMIT
    if not (text.isascii() and text.isdigit()):
        raise bad(f"invalid limit: {text}")
    digits = text.lstrip("0")
    if not digits:
        raise bad("invalid limit: smaller than the allowed minimum of 1")
    if len(digits) > 5 or int(digits) > _MOST:
        raise bad(f"invalid limit: larger than the allowed maximum of {_MOST}")
    return int(digits)


def _instant(query: Query, name: str, where: tzinfo) -> int | None:
    """A date alone is its midnight where the market is."""
    text = query.get(name, "").strip()
    if not text:
        return None
    at = parsed(text)
    if at is None:
        raise bad(f"Invalid format for parameter {name}: expected RFC 3339 or YYYY-MM-DD, found {text}")
    if _DATE.fullmatch(text):
        return nanos(datetime.combine(datetime.fromisoformat(text), time(), where))
    return at


def token(place: Place) -> str:
    """What a client gives back to go on from there."""
    return urlsafe_b64encode(f"{place.symbol}|{place.at}|{place.count}".encode()).decode()


def _place(query: Query) -> Place | None:
    text = query.get("page_token")
    if not text:
        return None
    try:
        symbol, at, count = urlsafe_b64decode(text.encode("ascii")).decode().split("|")
        if not re.fullmatch(r"-?[0-9]{1,19}\|[0-9]{1,9}", f"{at}|{count}", re.ASCII):
            raise ValueError
        return Place(symbol, int(at), int(count))
    except ValueError:
        raise bad("invalid page_token") from None


# --- the rest ---------------------------------------------------------------------------------------------------------


def width(query: Query) -> TimeFrame:
    """The width of the bars asked for; there is no default."""
    text = query.get("timeframe", "")
    found = timeframe(text)
    if found is None:
        raise bad(f"invalid timeframe: {text}" if text else "timeframe is required")
    return found


def feed(query: Query) -> str:
    """The source asked for, empty if none; what else only a request for shares says is checked with it."""
    source = query.get("feed", "")
    if source and source not in _FEEDS:
        raise bad(f"invalid feed: {source}")
    for word in filter(None, query.get("adjustment", "").split(",")):
        if word not in _ADJUSTMENTS:
            raise bad(f"invalid adjustment: {word}")
    asof = query.get("asof", "")
    if asof not in ("", "-") and not (_DATE.fullmatch(asof) and parsed(asof)):
        raise bad(f"invalid asof: {asof}")
    currency(query)
    return source


def currency(query: Query) -> dict[str, str]:
    """What the answer says of it: nothing if nobody asked. Prices are in dollars alone."""
    name = query.get("currency", "")
    if name not in ("", "USD"):
        raise bad(f"invalid currency: {name}")
    return {"currency": name} if name else {}
