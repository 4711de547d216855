"""
Tables of text from files: CSV, compressed CSV and Parquet, all as rows of cells.

What a file says wrongly is an error that names file, line and column; nothing is skipped, mended or guessed.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from itertools import chain
from typing import IO, Any, Protocol

from engine.clock import EPOCH, utc
from engine.errors import InvalidInput

__all__ = [
    "ABOVE_ZERO",
    "FROM_ZERO",
    "TIMESTAMP",
    "Cells",
    "Rows",
    "columns_of",
    "epoch",
    "header_of",
    "is_parquet",
    "places",
    "rows_of",
    "unreadable",
]

TIMESTAMP = ("timestamp", "time", "datetime", "date", "t")
"""How a column of moments may be called."""

ABOVE_ZERO = (True, "a price > 0")
FROM_ZERO = (False, "a number >= 0")
"""Bounds of a number: whether 0 is too little, and what is right."""

_SECONDS_END = 100_000_000_000


def is_parquet(name: str) -> bool:
    return name.lower().endswith(".parquet")


def places(name: str) -> tuple[str, str]:
    """How the header of a file and one of its rows are called in an error."""
    return (name, f"{name}, row") if is_parquet(name) else (f"{name}, line 1", f"{name}, line")


def rows_of(name: str, known: Collection[str]) -> AbstractContextManager[Rows]:
    """
    The rows of a file, the header first, read as they are asked for.

    Args:
        known: Names of columns in small letters; of a Parquet file no others are read.

    Raises:
        InvalidInput: The file cannot be read; while rows are asked for, too.
    """
    return _parquet_rows(name, known) if is_parquet(name) else _csv_rows(name)


def header_of(name: str) -> list[str]:
    """
    The names of a file's columns; none: it is empty.

    Raises:
        InvalidInput: The file cannot be read.
    """
    if not is_parquet(name):
        with _csv_rows(name) as rows:
            return next(rows, [])
    with _polars(name) as polars:
        return list(polars.read_parquet_schema(name))


class Rows(Protocol):
    """Rows of cells, the header first; ``line_num`` counts the lines or rows that have been read."""

    @property
    def line_num(self) -> int: ...
    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


@contextmanager
def _csv_rows(name: str) -> Iterator[Rows]:
    line = 0
    try:
        with _opened(name) as file:
            rows = csv.reader(file)
            try:
                yield rows
            finally:
                line = rows.line_num
    except UnicodeDecodeError as error:
        raise _undecodable(name, error) from error
    except gzip.BadGzipFile as error:
        raise InvalidInput(name, str(error), "a sound gzip file") from error
    except (EOFError, zlib.error) as error:
        expected = "a complete gzip file: this one is cut off or damaged"
        raise InvalidInput(f"{name}, after line {line}", str(error), expected) from error
    except csv.Error as error:
        raise InvalidInput(f"{name}, line {line}", str(error), "a line of CSV") from error
    except OSError as error:
        raise unreadable(name, error) from error


def _opened(name: str) -> IO[str]:
    if name.lower().endswith(".gz"):
        return gzip.open(name, "rt", encoding="utf-8-sig", newline="")
    return open(name, encoding="utf-8-sig", newline="")


class _Frame:
    """The rows of a Parquet file as text, so that they are read by the same rules as CSV."""

    def __init__(self, header: list[str], rows: Iterator[tuple[str, ...]]) -> None:
        self.line_num = -1  # a header is no row
        self._rows = chain([tuple(header)], rows)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        row = next(self._rows)
        self.line_num += 1
        return list(row)


@contextmanager
def _polars(name: str) -> Iterator[Any]:
    """The package that reads Parquet; what it complains about is said of the file."""
    try:
        import polars
    except ImportError as error:
        expected = "polars, to read Parquet: pip install 'tradebridge[data]'"
        raise InvalidInput(name, "no package 'polars'", expected) from error
    try:
        yield polars
    except OSError as error:
        raise unreadable(name, error) from error
    except polars.exceptions.PolarsError as error:
        raise InvalidInput(name, str(error).partition("\n")[0], "a Parquet file") from error


@contextmanager
def _parquet_rows(name: str, known: Collection[str]) -> Iterator[Rows]:
    with _polars(name) as polars:
        frame = polars.read_parquet(name)
        texts = []
        for column, kind in frame.schema.items():
            if column.strip().lower() in known:
                cell = polars.col(column)
                if isinstance(kind, polars.Datetime) and kind.time_zone is not None:
                    cell = cell.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
                texts.append(cell.cast(polars.String))
        frame = frame.select(texts)
    yield _Frame(frame.columns, frame.iter_rows())


def unreadable(name: str, error: OSError) -> InvalidInput:
    """The error for a file that the system does not give."""
    return InvalidInput(name, error.strerror or str(error), "a file that can be read")


def _undecodable(name: str, error: UnicodeDecodeError) -> InvalidInput:
    # The decoder reads ahead of the rows, so only a second look finds the line.
    with gzip.open(name) if name.lower().endswith(".gz") else open(name, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8-sig")
            except UnicodeDecodeError as found:
                bad = line[found.start : found.end]
                return InvalidInput(f"{name}, line {number}, byte {found.start + 1}", bad, "text in UTF-8")
    return InvalidInput(name, error.object[error.start : error.end], "text in UTF-8")


def columns_of(where: str, header: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> list[int]:
    """Where the wanted columns stand, by any of their names."""
    found = [cell.strip().lower() for cell in header]
    columns = []
    for column, aliases in wanted.items():
        spelled = next((alias for alias in aliases if alias in found), None)
        if spelled is None:
            near = get_close_matches(column, found, n=1)
            hint = f"; did you mean {column!r} by {header[found.index(near[0])]!r}?" if near else ""
            raise InvalidInput(where, ",".join(header), f"a column {column!r}{hint}")
        if found.count(spelled) > 1:
            raise InvalidInput(where, ",".join(header), f"only one column {spelled!r}")
        columns.append(found.index(spelled))
    return columns


def epoch(text: str) -> datetime:
    """Seconds or milliseconds since 1970, told apart by size: as seconds, 100,000,000,000 is the year 5138."""
    number = Decimal(text)
    return EPOCH + timedelta(microseconds=int(number * (1_000_000 if number < _SECONDS_END else 1_000)))


class Cells:
    """
    A row that is not sound, looked at once more to say what is wrong with it.

    Args:
        where: File and line, for people.
        columns: Where in the row the moment stands, and then the numbers.
    """

    def __init__(self, where: str, header: Sequence[str], columns: Sequence[int], row: Sequence[str]) -> None:
        self._where = where
        self._header = header
        self._columns = columns
        self._row = row

    def wrong(self, index: int, expected: str) -> InvalidInput:
        """The error of one of the columns."""
        column = self._columns[index]
        return InvalidInput(f"{self._where}, column {self._header[column]!r}", self._row[column], expected)

    def fault(
        self,
        moment: Callable[[str], datetime] | None,
        *,
        after: datetime,
        what: str,
        bounds: Sequence[tuple[bool, str]],
        together: bool = False,
    ) -> InvalidInput | None:
        """
        The first thing wrong by itself, from left to right; None: nothing is, but some do not go together.

        Args:
            moment: Reads the moments of this file; None: none was read yet.
            after: The moment of the row before.
            what: What a row is.
            bounds: For each number whether 0 is too little, and what is right.
            together: Rows may have the same moment.
        """
        row, columns = self._row, self._columns
        if len(row) != len(self._header):
            return InvalidInput(self._where, f"{len(row)} fields", f"{len(self._header)}, as in the header")
        zoned = "a moment with its zone, e.g. 2024-01-02T14:30:00Z, or seconds or milliseconds since 1970"
        try:
            at = utc((moment or datetime.fromisoformat)(row[columns[0]]))
        except (ValueError, TypeError, OverflowError, ArithmeticError):
            return self.wrong(0, f"{zoned}; all in the form of the first")
        if at < after or (at == after and not together):
            order = "not before" if together else "after"
            return self.wrong(0, f"a moment {order} the previous {what}'s, {after.isoformat()}")
        for index, (above, expected) in enumerate(bounds, 1):
            try:
                number = Decimal(row[columns[index]])
            except (ValueError, TypeError, ArithmeticError):
                return self.wrong(index, "a number")
            if not number.is_finite():
                return self.wrong(index, "a finite number")
            if number < 0 or (above and not number):
                return self.wrong(index, expected)
        return None
