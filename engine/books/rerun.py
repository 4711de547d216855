"""
A session that runs again from its first bar, held against what its journal says.

An in-process session decides everything from its bars and its seed. So it resumes by running again: as far as the
journal goes each fact must be the recorded one, to the byte; behind its end the session goes on writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from engine.books.journal import Entry, Journal, encode
from engine.errors import Diverged
from engine.events import Fact

__all__ = ["Rerun"]


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
        self._recorded: Iterator[Entry] = self.entries()
        self._expected: Entry | None = next(self._recorded, None)

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
            Diverged: The journal has something else here.
        """
        expected = self._expected
        if expected is None:
            super().append(fact, at)
        elif expected.at == at and type(expected.fact) is type(fact) and encode(expected.fact) == encode(fact):
            self._expected = next(self._recorded, None)
        else:
            raise Diverged(bar=self.bar, recorded=expected.fact, found=fact)
        self._confirmed += 1

    def reached(self, moment: datetime) -> None:
        """
        The session has done all that it had to do before ``moment``.

        Raises:
            Diverged: The journal has a fact from before.
        """
        if self._expected is not None and self._expected.at < moment:
            raise Diverged(bar=self.bar, recorded=self._expected.fact, found=None)

    def ended(self) -> None:
        """
        The session is over.

        Raises:
            Diverged: The journal goes on.
        """
        if self._expected is not None:
            raise Diverged(bar=self.bar, recorded=self._expected.fact, found=None)
