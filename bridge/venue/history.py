"""
What an account was worth over time: GET /v2/account/portfolio/history.

The market moves from one price to the next, so equity is noted once a minute in which it was played, and a point of a
coarser frame is the last one in it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.venue.accounts import Account
from bridge.venue.errors import Refused, misunderstood, wrong_combination
from bridge.venue.exchange import Exchange
from bridge.venue.hours import Hours, Phase
from bridge.venue.reads import choice, instant
from bridge.venue.spelling import NEW_YORK, moment, nanos

__all__ = ["Equities"]

_MINUTE = timedelta(minutes=1)
_FRAMES = {
    "1Min": _MINUTE,
    "5Min": 5 * _MINUTE,
    "15Min": 15 * _MINUTE,
    "1H": 60 * _MINUTE,
    "1D": timedelta(days=1),
}
_PERIODS = {"D": 1, "W": 7, "M": 30, "A": 365}


class Equities:
    """Equity by minute, of every account."""

    def __init__(self, accounts: Mapping[str, Account], exchange: Exchange, hours: Hours) -> None:
        self._accounts = accounts
        self._exchange = exchange
        self._hours = hours
        self._minutes: list[datetime] = []
        self._phases: list[Phase] = []
        self._values: dict[str, list[Decimal]] = {name: [] for name in accounts}

    def note(self) -> None:
        """Write down what the accounts are worth, if this minute has not been written down."""
        now = self._exchange.now
        minute = now.replace(second=0, microsecond=0)
        if self._minutes and minute <= self._minutes[-1]:
            return
        self._minutes.append(minute)
        self._phases.append(self._exchange.phase)
        for name, account in self._accounts.items():
            self._values[name].append(account.equity(self._exchange.price))

    def history(self, account: Account, query: Mapping[str, str]) -> dict[str, Any]:
        first, last = self._span(query)
        days = (last - first) / timedelta(days=1)
        usual = "1Min" if days < 7 else "15Min" if days < 30 else "1D"
        frame = query.get("timeframe") or usual
        if frame not in _FRAMES:
            raise Refused(misunderstood(f"invalid timeframe: {frame}"))
        kind = choice(query, "intraday_reporting", ("market_hours", "extended_hours", "continuous"))
        per_day = choice(query, "pnl_reset", ("per_day", "no_reset")) == "per_day" and frame != "1D"
        seen = {Phase.REGULAR} if kind == "market_hours" else {Phase.REGULAR, Phase.EXTENDED}
        points: dict[int, Decimal] = {}
        values = self._values[account.id]
        before = bisect_left(self._minutes, first)
        for place in range(before, bisect_right(self._minutes, last)):
            if kind == "continuous" or frame == "1D" or self._phases[place] in seen:
                points[_bucket(self._minutes[place], frame)] = values[place]
        base = values[before - 1] if before else account.start
        began = max(first, moment(account.created_at))
        return self._body(points, base, frame, per_day, began)

    @staticmethod
    def _body(
        points: Mapping[int, Decimal], base: Decimal, frame: str, per_day: bool, first: datetime
    ) -> dict[str, Any]:
        profit, ratio, reference, day, last = [], [], base, None, base
        for at, equity in points.items():
            today = moment(at * 10**9).astimezone(NEW_YORK).date()
            if frame == "1D" or (per_day and today != day):
                reference, day = last, today
            profit.append(float(equity - reference))
            ratio.append(float((equity - reference) / reference) if reference else 0.0)
            last = equity
        return {
            "timestamp": list(points),
            "equity": [float(equity) for equity in points.values()],
            "profit_loss": profit,
            "profit_loss_pct": ratio,
            "base_value": float(base),
            "base_value_asof": first.astimezone(NEW_YORK).date().isoformat(),
            "timeframe": frame,
            "cashflow": {},
        }

    def _span(self, query: Mapping[str, str]) -> tuple[datetime, datetime]:
        start, end, period = instant(query, "start"), instant(query, "end"), query.get("period")
        if start is not None and end is not None and period:
            raise Refused(wrong_combination("only two of start, end and period are accepted"))
        found = re.fullmatch(r"([1-9]\d{0,2})([DWMA])", period or "1M", re.ASCII)
        if found is None:
            raise Refused(misunderstood(f"invalid period: {period}"))
        length = timedelta(days=int(found[1]) * _PERIODS[found[2]])
        if int(found[1]) * _PERIODS[found[2]] > 3650:
            raise Refused(misunderstood(f"invalid period: {period}, at most ten years"))
        now = self._exchange.now
        if start is None:
            last = now if end is None else min(moment(end), now)
            return max(last, _EARLY) - length, last
        first = max(moment(start), _EARLY - length)
        last = moment(end) if end is not None else first + length if period else now
        if last < first:
            raise Refused(misunderstood("end must not be before start"))
        return first, last


_EARLY = moment(nanos(datetime.fromisoformat("1990-01-01T00:00:00+00:00")))


def _bucket(minute: datetime, frame: str) -> int:
    """Seconds since 1970 at which the frame of a minute begins; a day is one of New York's."""
    if frame == "1D":
        return int(minute.astimezone(NEW_YORK).replace(hour=0, minute=0).timestamp())
    width = _FRAMES[frame] // timedelta(seconds=1)
    return int(minute.timestamp()) // width * width
