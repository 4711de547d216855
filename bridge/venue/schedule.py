"""What is going to happen, in order of time; whoever has the clock asks when, and lets it happen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush
from typing import Any

__all__ = ["Schedule"]


class Schedule:
    """Calls that are due at a moment; of the same moment those of a lower rank first, then those put in first."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, due: datetime, what: Callable[..., None], *arguments: Any, rank: int = 2) -> None:
        self._count += 1
        heappush(self._entries, (due, rank, self._count, what, arguments))

    @property
    def next_due(self) -> datetime | None:
        return self._entries[0][0] if self._entries else None

    def pop(
        self, now: datetime, *, below: int | None = None
    ) -> tuple[datetime, Callable[..., None], tuple[Any, ...]] | None:
        """
        The next call that is due by now; None: there is none.

        Args:
            below: Of those that are due at this very moment only such of a lower rank; None: all.
        """
        if not self._entries or self._entries[0][0] > now:
            return None
        if below is not None and self._entries[0][0] == now and self._entries[0][1] >= below:
            return None
        due, _, _, what, arguments = heappop(self._entries)
        return due, what, arguments
