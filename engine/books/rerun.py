"""
A session that runs again from its first bar, held against what its journal says.

An in-process session decides everything from its bars and its seed. So it resumes by running again: as far as the
journal goes each fact must be the recorded one, to the byte; behind its end the session goes on writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from engine.books.journal import Journal, decode, encode
from engine.clock import EPOCH
from engine.errors import Diverged
from engine.facts import Fact

__all__ = ["Rerun"]

_MICROSECOND = timedelta(microseconds=1)


class Rerun(Journal):
    """
    A journal that compares before it writes.

    Attributes:
        bar: Start of the bar that the session is in, set by whoever plays the market; named in errors.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.bar: datetime | None = None
        self._confirmed = 0
        self._recorded: Iterator[tuple[int, int, str, str | None, bytes]] = self.rows()
        self._expected = next(self._recorded, None)

    @property
    def replaying(self) -> bool:
        """Whether the journal still holds facts that this run has not come to."""
        return self._expected is not None

    def __len__(self) -> int:
        """How many facts this run has come to."""
        return self._confirmed

    def append(self, fact: Fact, at: datetime) -> None:
        """
        Compare with the next recorded fact; behind the last one write.

        Raises:
            Diverged: The journal has something else here; nothing can be appended any more.
        """
        expected = self._expected
        if expected is None or self._failed is not None:
            super().append(fact, at)
        else:
            _, stamp, kind, _, body = expected
            if kind != type(fact).__name__ or stamp != (at - EPOCH) // _MICROSECOND or body != encode(fact):
                raise self._diverged(found=fact)
            self._expected = next(self._recorded, None)
        self._confirmed += 1

    def reached(self, moment: datetime) -> None:
        """
        The session has done all that it had to do before ``moment``.

        Raises:
            Diverged: The journal has a fact from before.
        """
        if self._expected is not None and self._expected[1] < (moment - EPOCH) // _MICROSECOND:
            raise self._diverged(found=None)

    def ended(self) -> None:
        """
        The session is over.

        Raises:
            Diverged: The journal goes on.
        """
        if self._expected is not None:
            raise self._diverged(found=None)

    def _diverged(self, *, found: Fact | None) -> Diverged:
        """The error, which every later `append` and `commit` raises too: whoever swallows it does not get past it."""
        recorded = None if self._expected is None else decode(self._expected[2], self._expected[4])
        self._failed = error = Diverged(bar=self.bar, recorded=recorded, found=found)
        return error
