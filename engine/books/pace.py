"""The session day that we are in, and how much was sent in it and lately."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime

from engine.facts import DayBegan, Intended

__all__ = ["Pace"]

_KEPT = 10_000


class Pace:
    """
    A fold over days and intents.

    Attributes:
        day: None: none has begun.
    """

    def __init__(self) -> None:
        self.day: DayBegan | None = None
        self._entries: Counter[str] = Counter()  # of this day, by symbol
        self._total = 0
        self._sent: deque[datetime] = deque(maxlen=_KEPT)  # moments of the latest orders

    @property
    def number(self) -> int:
        """The day's number; 0: none has begun."""
        return 0 if self.day is None else self.day.number

    def begin(self, fact: DayBegan) -> None:
        """Another day begins: nothing was sent in it yet."""
        self.day = fact
        self._entries.clear()
        self._total = 0

    def intended(self, fact: Intended) -> None:
        """An order passed the gate."""
        self._sent.append(fact.at)
        if fact.opening:
            self._entries[fact.request.symbol] += 1
            self._total += 1

    def entries_today(self, symbol: str | None = None) -> int:
        """Orders of this day that open or grow a position, whatever became of them; of one symbol, or of all."""
        return self._total if symbol is None else self._entries[symbol]

    def orders_since(self, moment: datetime) -> int:
        """Orders of any kind after ``moment``, not at it; of the last 10,000."""
        count = 0
        for sent in reversed(self._sent):
            if sent <= moment:
                break
            count += 1
        return count
