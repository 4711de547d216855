"""The history of an account as entries, looked up by id, kind and moment without reading what lies before."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterator, Sequence
from heapq import merge
from operator import attrgetter
from typing import Any

from attrs import frozen

__all__ = ["Activities", "Activity"]

_AT = attrgetter("at")


@frozen(kw_only=True)
class Activity:
    """
    An entry of the account's history.

    Attributes:
        kind: "FILL", "CFEE", "FEE" or another one of Alpaca's.
        at: Nanoseconds since 1970; no two entries have the same.
        body: As it is answered.
    """

    id: str
    kind: str
    at: int
    body: dict[str, Any]


class Activities(Sequence[Activity]):
    """The entries of one account, oldest first."""

    def __init__(self) -> None:
        self._all: list[Activity] = []
        self._kinds: dict[str, list[Activity]] = {}
        self._names: dict[str, Activity] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, place: Any) -> Any:
        return self._all[place]

    def append(self, entry: Activity) -> None:
        """Take in an entry, mostly the newest one."""
        insort(self._all, entry, key=_AT)
        insort(self._kinds.setdefault(entry.kind, []), entry, key=_AT)
        self._names[entry.id] = entry

    def find(self, name: str) -> Activity | None:
        return self._names.get(name)

    def kinds(self) -> Collection[str]:
        """The kinds of which there are entries."""
        return self._kinds.keys()

    def between(
        self, after: int | None, until: int | None, *, kinds: Collection[str], backwards: bool
    ) -> Iterator[Activity]:
        """
        The entries of these kinds, one by one.

        Args:
            after, until: Neither belongs to it; nanoseconds since 1970. None: no such end.
        """
        parts = []
        for kind in kinds:
            entries = self._kinds.get(kind, [])
            first = 0 if after is None else bisect_right(entries, after, key=_AT)
            last = len(entries) if until is None else bisect_left(entries, until, key=_AT)
            places = range(last - 1, first - 1, -1) if backwards else range(first, last)
            parts.append(map(entries.__getitem__, places))
        return merge(*parts, key=_AT, reverse=backwards)
