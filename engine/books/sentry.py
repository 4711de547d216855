"""
Which session day it is, and what the protections have to look at.

Both are told by what happens: prices, executions and orders begin a day, and what a rule answers becomes a fact.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.books.recovery import Books
from engine.calendar import Calendar, Session
from engine.errors import InvalidRequest
from engine.facts import DayBegan, Fact
from engine.risk.protections import Protections

__all__ = ["Sentry"]

_INSTANT = timedelta(microseconds=1)
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


class Sentry:
    """
    Args:
        record: Journals a fact and applies it.
    """

    def __init__(
        self, books: Books, protections: Protections, calendar: Calendar, record: Callable[[Fact], object]
    ) -> None:
        self._books = books
        self._protections = protections
        self._calendar = calendar
        self._record = record
        self._watching = bool(protections.lengths)
        books.returns.watch(protections.lengths)
        began = books.pace.day
        self._day = None if began is None else Session(open=began.opens, close=began.closes)

    def price(self, symbol: str, price: Decimal, at: datetime) -> None:
        """The market's price, quote units; at the very close it still belongs to the day that ends."""
        if not price > 0:
            raise InvalidRequest("price", price, "more than 0 quote units")
        day = self._day
        if day is None or at > day.close:
            self._begin(at - _INSTANT)
        self._books.portfolio.mark(symbol, price, at)
        if self._watching:
            self._books.returns.add(symbol, price)
            for lock in self._protections.after_price(symbol, self._books, at):
                self._record(lock)

    def order(self, now: datetime) -> None:
        """An order is about to be judged; at the very close it belongs to the next day."""
        day = self._day
        if day is None or now >= day.close:
            self._begin(now)

    def execution(self, at: datetime) -> None:
        """An execution is about to be booked, perhaps before the day's first price; between sessions none begins."""
        day = self._day
        if day is None or at >= day.close:
            session = self._calendar.session_at(at)
            if session is not None and (day is None or session.open > day.open):
                self._begin(at)

    def judge(self) -> None:
        """Let the protections look at the trades that the last fact closed."""
        trades, self._books.unjudged = self._books.unjudged, []
        for trade in trades:
            for lock in self._protections.after_trade(trade, self._books):
                self._record(lock)

    def _begin(self, moment: datetime) -> None:
        """Be in the session day of that moment; while the market is closed, in that of the next session."""
        try:
            session = self._calendar.session_at(moment) or self._calendar.next_session(moment)
        except InvalidRequest:  # the calendar has no more sessions: the last day goes on
            session = Session(open=self._day.open if self._day else moment, close=_FOR_EVER)
        before, self._day = self._day, session
        if before is None or session.open > before.open:
            self._record(
                DayBegan(
                    at=moment,
                    number=self._books.pace.number + 1,
                    opens=session.open,
                    closes=session.close,
                    equity=self._books.equity(),
                )
            )
