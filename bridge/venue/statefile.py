"""
A venue that outlives its process: a file of what came from outside, from which the same venue is made again.

The first line says what the venue is made of, every other one is an input. A line is written and flushed as soon as it
has happened, so that a killed venue goes on from there too; a last line that was cut short did not happen.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from bridge.venue.inputs import Input, Reached
from bridge.venue.recipe import Recipe, described, house_of
from engine.errors import InvalidInput, TradingError

if sys.platform != "win32":
    from fcntl import LOCK_EX, LOCK_NB, flock

__all__ = ["StateFile"]

_FORMAT = 1
_BEGINS = b'{"tradebridge_venue":'


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    tradebridge_venue: int
    start: datetime
    recipe: dict[str, object]


class StateFile:
    """
    The state of one venue, for the length of a with block.

    Args:
        path: Made if it is not there; otherwise the venue goes on that it holds.
        recipe: What the venue is made of; to go on it has to be what it was made of.
        now: The present, for a new venue whose recipe has no moment of its own.

    Attributes:
        house: The venue; what comes from outside is written from here on.
        resumed: Whether it goes on from what the file held.

    Raises:
        InvalidInput: The file is another venue's, or none, or damaged, or open in another process, or cannot be opened.
    """

    def __init__(self, path: Path, recipe: Recipe, *, now: datetime) -> None:
        self._path = path
        try:
            self._file: IO[bytes] = open(path, "a+b")
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise InvalidInput(
                str(path), why, "a file that can be read and written, in a folder that is there"
            ) from error
        try:
            self._lock()
            self._file.seek(0)
            lines = self._file.readlines()
            cut = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
            self.resumed = bool(lines)
            if lines:
                start = self._check(lines[0], recipe)
                self.house = house_of(recipe, now=start)
                self._again(lines[1:])
                self._drop(cut)
            else:
                if cut[: len(_BEGINS)] != _BEGINS[: len(cut)]:  # somebody's file of one line
                    self._check(cut, recipe)
                self._drop(cut)
                self.house = house_of(recipe, now=now)
                start = self.house.now
                header = _Header(_FORMAT, start, dict(described(recipe, start)))
                self._line(msgspec.json.encode(header))
            self.house.record = self._record
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write how far time had come, and let go of the file."""
        if not self._file.closed:
            self.house.record = None
            self.house.frames()
            self._record(Reached(at=self.house.now, event=self.house.last_event))
            self._file.close()

    # --- reading ------------------------------------------------------------------------------------------------------

    def _check(self, line: bytes, recipe: Recipe) -> datetime:
        try:
            header = msgspec.json.decode(line, type=_Header)
        except msgspec.MsgspecError as error:
            raise InvalidInput(f"{self._path}, line 1", str(error), "the state of a venue, or no file yet") from error
        if header.tradebridge_venue != _FORMAT:
            raise InvalidInput(f"{self._path}, line 1", f"format {header.tradebridge_venue}", f"format {_FORMAT}")
        now: Mapping[str, object] = msgspec.to_builtins(described(recipe, header.start))
        # The market last: one that is made of the seed and the hours differs where they do.
        for name in sorted(header.recipe, key=lambda name: name == "market"):
            found = _differs(name, header.recipe[name], now.get(name))
            if found is not None:
                place, was, value = found
                expected = f"what it began with, {was!r}; or another file for another venue"
                raise InvalidInput(f"{self._path}: {place}", value, expected)
        return header.start

    def _again(self, lines: list[bytes]) -> None:
        decode = msgspec.json.Decoder(Input).decode
        for number, line in enumerate(lines, 2):
            try:
                entry = decode(line)
            except msgspec.MsgspecError as error:
                raise InvalidInput(f"{self._path}, line {number}", str(error), "an input of a venue") from error
            try:
                self.house.again(entry)
            except (TradingError, LookupError, TypeError) as error:  # an unknown symbol, a key, a moment without a zone
                raise InvalidInput(f"{self._path}, line {number}", str(error), "an input of this venue") from error
            self.house.frames()
            if isinstance(entry, Reached) and entry.event != self.house.last_event:
                raise InvalidInput(
                    f"{self._path}, line {number}",
                    f"last event {entry.event!r}, and now {self.house.last_event!r}",
                    "the release of tradebridge that wrote it: this one lets something else happen",
                )

    def _drop(self, cut: bytes) -> None:
        """Take away the line that was cut short; not before it is sure whose file this is."""
        if cut:
            self._file.truncate(self._file.tell() - len(cut))

    # --- writing ------------------------------------------------------------------------------------------------------

    def _record(self, entry: Input) -> None:
        self._line(msgspec.json.encode(entry))

    def _line(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        self._file.flush()

    def _lock(self) -> None:
        if sys.platform != "win32":  # there nobody guards against a second process
            try:
                flock(self._file, LOCK_EX | LOCK_NB)
            except OSError as error:
                raise InvalidInput(
                    str(self._path), f"in use by another process ({error.strerror})", "a file of its own"
                ) from error


def _differs(place: str, was: object, now: object) -> tuple[str, object, object] | None:
    """The first thing that is not as it was, within tables too: its place, what it was and what it is."""
    if was == now:
        return None
    if isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
        return next(found for name in was if (found := _differs(f"{place}.{name}", was[name], now[name])) is not None)
    return place, was, now
