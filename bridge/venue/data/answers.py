"""
The requests for market data: listings, the latest of each kind, snapshots.

A listing is sorted by symbol, then by time; its limit counts the rows of all symbols together, so a page may well hold
the first one alone. A symbol without a row is missing from the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal
from urllib.parse import unquote

from bridge.venue.data.queries import (
    Page,
    Place,
    Query,
    bad,
    currency,
    feed,
    named,
    page,
    share,
    token,
    width,
)
from bridge.venue.data.rows import Row, bar_row, book_row, quote_row, trade_row
from bridge.venue.data.tape import Record, Tape
from bridge.venue.data.timeframes import DAY, TimeFrame, bars, zone
from bridge.venue.errors import NOT_FOUND, NOT_VALID, Failure, Refused, no_route
from bridge.venue.spelling import nanos, zulu

__all__ = ["Answers"]

Kind = Literal["bars", "quotes", "trades", "orderbooks"]
Body = dict[str, Any]

_DELAY = timedelta(minutes=15)
_ONE = {"bars": "bar", "quotes": "quote", "trades": "trade"}
_KINDS = "bars|quotes|trades"
_DAYS = 40 * 86400 * 10**9  # longer than any pause of a market


class Answers:
    """
    Args:
        real_time: Whether shares' consolidated data ("sip") of the last 15 minutes is shown.
    """

    def __init__(self, tape: Tape, *, real_time: bool) -> None:
        self._tape = tape
        self._real_time = real_time
        self._routes: list[tuple[re.Pattern[str], Callable[..., Body]]] = [
            (re.compile(pattern), handler)
            for pattern, handler in (
                ("/v2/stocks/snapshots", self._snapshots),
                ("/v2/stocks/([^/]+)/snapshot", self._snapshot),
                (f"/v2/stocks/({_KINDS})", self._listed),
                (f"/v2/stocks/({_KINDS})/latest", self._latest),
                (f"/v2/stocks/([^/]+)/({_KINDS})", self._listed_one),
                (f"/v2/stocks/([^/]+)/({_KINDS})/latest", self._latest_one),
                (f"/v1beta3/crypto/([^/]+)/({_KINDS})", self._coins_listed),
                (f"/v1beta3/crypto/([^/]+)/latest/({_KINDS}|orderbooks)", self._coins_latest),
                ("/v1beta3/crypto/([^/]+)/snapshots", self._coins_snapshots),
            )
        ]

    def body(self, method: str, path: str, query: Query, now: datetime) -> Body:
        """
        Raises:
            Refused: With the answer that is given instead.
        """
        if method == "GET":
            for pattern, handler in self._routes:
                found = pattern.fullmatch(path)
                if found is not None:
                    return handler(query, now, *map(unquote, found.groups()))
        raise Refused(Failure(404, None, no_route(method, path).message))

    # --- shares -------------------------------------------------------------------------------------------------------

    def _listed(self, query: Query, now: datetime, kind: Kind) -> Body:
        symbols = named(query, crypto=False)
        return self._list(query, now, kind, symbols, crypto=False) | currency(query)

    def _listed_one(self, query: Query, now: datetime, symbol: str, kind: Kind) -> Body:
        body = self._list(query, now, kind, [share(symbol)], crypto=False)
        return {kind: body[kind].get(symbol, []), "symbol": symbol, "next_page_token": body["next_page_token"]} | (
            currency(query)
        )

    def _latest(self, query: Query, now: datetime, kind: Kind) -> Body:
        symbols = named(query, crypto=False)
        return {kind: self._newest(kind, symbols, self._until(query, now))} | currency(query)

    def _latest_one(self, query: Query, now: datetime, symbol: str, kind: Kind) -> Body:
        rows = self._newest(kind, [share(symbol)], self._until(query, now))
        if symbol not in rows:
            raise bad(f"no {_ONE[kind]} found for {symbol}", 404, NOT_FOUND)
        return {"symbol": symbol, _ONE[kind]: rows[symbol]} | currency(query)

    def _snapshots(self, query: Query, now: datetime) -> Body:
        return self._shots(named(query, crypto=False), self._until(query, now))

    def _snapshot(self, query: Query, now: datetime, symbol: str) -> Body:
        shots = self._shots([share(symbol)], self._until(query, now))
        if symbol not in shots:
            raise bad(f"no snapshot found for {symbol}", 404, NOT_FOUND)
        return {"symbol": symbol, **shots[symbol]} | currency(query)

    def _until(self, query: Query, now: datetime) -> int:
        """Up to when the latest is looked for."""
        source = feed(query)
        if source == "sip" and not self._real_time:
            raise bad("subscription does not permit querying recent SIP data", 403, NOT_VALID)
        return nanos(now - _DELAY if source == "delayed_sip" else now)

    # --- coins --------------------------------------------------------------------------------------------------------

    def _coins_listed(self, query: Query, now: datetime, place: str, kind: Kind) -> Body:
        _known(place)
        return self._list(query, now, kind, named(query, crypto=True), crypto=True)

    def _coins_latest(self, query: Query, now: datetime, place: str, kind: Kind) -> Body:
        _known(place)
        return {kind: self._newest(kind, named(query, crypto=True), nanos(now))}

    def _coins_snapshots(self, query: Query, now: datetime, place: str) -> Body:
        _known(place)
        return {"snapshots": self._shots(named(query, crypto=True), nanos(now))}

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _list(self, query: Query, now: datetime, kind: Kind, symbols: list[str], *, crypto: bool) -> Body:
        frame = width(query) if kind == "bars" else None
        wanted = page(query, now, zone(crypto=crypto))
        if not crypto and feed(query) == "sip" and not self._real_time and wanted.high > nanos(now - _DELAY):
            raise bad("subscription does not permit querying recent SIP data", 403, NOT_VALID)
        if wanted.after is not None and wanted.after.symbol not in symbols:
            raise bad("invalid page_token")
        rows: dict[str, list[Row]] = {}
        left = wanted.limit
        given = wanted.after
        for symbol in symbols:
            record = self._tape.find(symbol)
            if record is None or (wanted.after is not None and symbol < wanted.after.symbol):
                continue
            after = wanted.after if wanted.after is not None and wanted.after.symbol == symbol else None
            source = _bars(record, frame, wanted, after) if frame else _ticks(record, kind, wanted, after)
            found = list(islice(source, left))
            left -= len(found)
            if found:
                rows[symbol] = [_written(row) for row in found]
                given = _reached(symbol, rows[symbol], found, after)
            if not left and next(source, None) is not None:
                break
            if left:
                continue
            # The page is full, and this symbol is at its end: it goes on only if another one has a row.
            if not self._any(symbols[symbols.index(symbol) + 1 :], kind, frame, wanted):
                given = None
            break
        else:
            given = None
        return {kind: rows, "next_page_token": None if given is None else token(given)}

    def _any(self, symbols: list[str], kind: Kind, frame: TimeFrame | None, wanted: Page) -> bool:
        records = filter(None, map(self._tape.find, symbols))
        sources = (_bars(each, frame, wanted, None) if frame else _ticks(each, kind, wanted, None) for each in records)
        return any(next(source, None) is not None for source in sources)

    def _newest(self, kind: Kind, symbols: list[str], until: int) -> dict[str, Row]:
        rows = {}
        for symbol in symbols:
            record = self._tape.find(symbol)
            row = None if record is None else _last(record, kind, until)
            if row is not None:
                rows[symbol] = _written(row)
        return rows

    def _shots(self, symbols: list[str], until: int) -> Body:
        shots = {}
        for symbol in symbols:
            record = self._tape.find(symbol)
            shot = {} if record is None else _shot(record, until)
            if shot:
                shots[symbol] = shot
        return shots


def _known(place: str) -> None:
    if place != "us":
        raise bad(f"Invalid location: {place}")


def _written(row: Row) -> Row:
    return row | {"t": zulu(row["t"])}


def _reached(symbol: str, written: list[Row], found: list[Row], after: Place | None) -> Place:
    """How far the rows of a symbol have come."""
    at, count = found[-1]["t"], 0
    for row in reversed(found):
        if row["t"] != at:
            break
        count += 1
    if after is not None and after.at == at:
        count += after.count
    return Place(symbol, at, count)


def _bars(record: Record, frame: TimeFrame, wanted: Page, after: Place | None) -> Iterator[Row]:
    low, high = wanted.low, wanted.high
    if after is not None:
        low, high = (low, min(high, after.at - 1)) if wanted.backwards else (max(low, after.at + 1), high)
    crypto = record.asset.crypto
    where = zone(crypto=crypto)
    for at, numbers in bars(record.bars, frame, low, high, where=where, backwards=wanted.backwards):
        yield bar_row(at, numbers, crypto=crypto)


def _ticks(record: Record, kind: Kind, wanted: Page, after: Place | None) -> Iterator[Row]:
    series, row = (record.trades, trade_row) if kind == "trades" else (record.quotes, quote_row)
    low, high = series.between(wanted.low, wanted.high)
    if after is not None:
        first, behind = series.between(after.at, after.at)
        if wanted.backwards:
            high = min(high, behind - after.count)
        else:
            low = max(low, first + after.count)
    indices = range(high - 1, low - 1, -1) if wanted.backwards else range(low, high)
    return (row(record, index) for index in indices)


def _last(record: Record, kind: Kind, until: int) -> Row | None:
    series = {"bars": record.bars, "trades": record.trades}.get(kind, record.quotes)
    index = series.last(until)
    if index is None:
        return None
    if kind == "bars":
        return bar_row(series.at[index], series.row(index), crypto=record.asset.crypto)
    if kind == "trades":
        return trade_row(record, index)
    return book_row(record, index) if kind == "orderbooks" else quote_row(record, index)


def _shot(record: Record, until: int) -> Body:
    """A snapshot: what there is of the latest trade, quote and bar, of today's bar and of that of the day before."""
    crypto = record.asset.crypto
    parts: dict[str, Row | None] = {
        "latestTrade": _last(record, "trades", until),
        "latestQuote": _last(record, "quotes", until),
        "minuteBar": _last(record, "bars", until),
    }
    days = bars(record.bars, DAY, until - _DAYS, until, where=zone(crypto=crypto), backwards=True)
    for name, (at, numbers) in zip(("dailyBar", "prevDailyBar"), days, strict=False):
        parts[name] = bar_row(at, numbers, crypto=crypto)
    return {name: _written(row) for name, row in parts.items() if row is not None}
