"""
The durable log: an append-only SQLite file with one writer, from which all state is folded.

A fact is appended before it is applied; `commit` returns when everything appended so far survives a power loss. Every
row carries a check-sum chained to the row before, so a row that was changed, lost or put in by somebody else is found.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, get_args
from zlib import crc32

import msgspec
from attrs import frozen

from engine.clock import EPOCH
from engine.errors import JournalError
from engine.events import Fact

__all__ = ["FORMAT", "Entry", "Journal", "decode", "encode"]

FORMAT = 1
_APPLICATION = 0x74726462  # "trdb", so that another program's database is never taken for a journal
_KINDS: dict[str, type[Fact]] = {kind.__name__: kind for kind in get_args(Fact)}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {}
_ENCODER = msgspec.json.Encoder()
_MICROSECOND = timedelta(microseconds=1)
_FLUSH_AFTER = 4096  # rows kept in memory between commits at most
_CHECKPOINT_AFTER = 20_000  # rows written between two checkpoints of the write-ahead log

_SCHEMA = """
create table facts (
    seq integer primary key,
    at integer not null,     -- our time, microseconds since 1970, UTC
    kind text not null,      -- name of the fact's class
    order_id text,           -- whom it is about
    body blob not null,      -- the fact as JSON
    chain integer not null   -- CRC-32 of kind and body, chained to the row before
) strict
"""


@frozen
class Entry:
    """
    One row of a journal.

    Attributes:
        seq: 1, 2, 3, … without a hole.
        at: When we took it in, UTC; the fact's own moment may be the venue's.
        order_id: Whom the fact is about, by the id it carries; None: the session.
    """

    seq: int
    at: datetime
    order_id: str | None
    fact: Fact


def encode(fact: Fact) -> bytes:
    """The fact as JSON."""
    return _ENCODER.encode(fact)


def decode(kind: str, body: bytes) -> Fact:
    """
    The fact of that kind.

    Raises:
        JournalError: There is no such kind, or the body is not one.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        if kind not in _KINDS:
            raise JournalError(f"unknown kind of fact {kind!r}: written by a newer version of tradebridge?")
        decoder = _DECODERS[kind] = msgspec.json.Decoder(_KINDS[kind])
    try:
        return decoder.decode(body)  # type: ignore[no-any-return]
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise JournalError(f"a {kind} that cannot be read: {error}") from error


def _subject(fact: Fact) -> str | None:
    request = getattr(fact, "request", None)
    if request is not None and request.client_order_id is not None:
        return str(request.client_order_id)
    for name in ("order_id", "client_order_id", "broker_order_id"):
        found = getattr(fact, name, None)
        if found is not None:
            return str(found)
    return None


class Journal:
    """
    One journal, open for writing by this process alone.

    Args:
        path: The file; it is made if it is not there or empty. None: in memory, gone with the process.

    Raises:
        JournalError: The file is another program's, another version's, damaged, or open elsewhere.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._pending: list[tuple[int, int, str, str | None, bytes, int]] = []
        self._since_checkpoint = 0
        self._stamp: tuple[datetime, int] = (EPOCH, 0)
        self._failed: str | None = None
        try:
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=0.0)
        except sqlite3.Error as error:
            raise self._trouble("cannot be opened", error) from error
        try:
            self._prepare()
            last = self._db.execute("select seq, chain from facts order by seq desc limit 1").fetchone()
        except sqlite3.Error as error:
            self._db.close()
            raise self._trouble("cannot be read", error) from error
        except JournalError:
            self._db.close()
            raise
        self._seq: int = last[0] if last else 0
        self._chain: int = last[1] if last else 0
        self._written = self._seq

    def _prepare(self) -> None:
        run = self._db.execute
        run("pragma locking_mode=exclusive")
        application = run("pragma application_id").fetchone()[0]
        version = run("pragma user_version").fetchone()[0]
        tables = run("select count(*) from sqlite_master").fetchone()[0]
        if application == 0 and tables == 0:
            run("pragma journal_mode=wal")
            run("pragma synchronous=full")
            run("begin immediate")
            run(_SCHEMA)
            run(f"pragma application_id={_APPLICATION}")
            run(f"pragma user_version={FORMAT}")
            run("commit")
        elif application != _APPLICATION:
            raise JournalError(f"{self.path}: a database of another program, not a tradebridge journal; left untouched")
        elif version != FORMAT:
            raise JournalError(
                f"{self.path}: journal of format {version}, this version reads format {FORMAT}; left untouched"
            )
        run("pragma journal_mode=wal")
        run("pragma synchronous=full")
        run("pragma wal_autocheckpoint=0")

    # --- writing ------------------------------------------------------------------------------------------------------

    def append(self, fact: Fact, at: datetime) -> None:
        """Put a fact that was taken in at ``at`` at the end; it is durable after the next `commit`."""
        if self._failed is not None:
            raise JournalError(self._failed)
        body = _ENCODER.encode(fact)
        kind = type(fact).__name__
        self._seq += 1
        self._chain = crc32(body, crc32(kind.encode(), self._chain))
        if at is not self._stamp[0]:
            self._stamp = (at, (at - EPOCH) // _MICROSECOND)
        self._pending.append((self._seq, self._stamp[1], kind, _subject(fact), body, self._chain))
        if len(self._pending) >= _FLUSH_AFTER:
            self.commit()

    def commit(self) -> None:
        """
        Make everything appended durable; free when there is nothing new.

        Raises:
            JournalError: It could not be written; nothing more can be appended to this journal.
        """
        if not self._pending:
            return
        try:
            self._db.execute("begin immediate")
            self._db.executemany("insert into facts values (?, ?, ?, ?, ?, ?)", self._pending)
            self._db.execute("commit")
            self._since_checkpoint += len(self._pending)
            self._written = self._seq
            self._pending.clear()
            if self._since_checkpoint >= _CHECKPOINT_AFTER:
                self._db.execute("pragma wal_checkpoint(passive)")
                self._since_checkpoint = 0
        except sqlite3.Error as error:
            trouble = self._trouble("cannot be written", error)
            self._failed = str(trouble)
            raise trouble from error

    def close(self) -> None:
        """Commit, fold the write-ahead log into the file and let go of it; closing twice does nothing."""
        try:
            if self._failed is None:
                self.commit()
                self._db.execute("pragma wal_checkpoint(truncate)")
        except sqlite3.ProgrammingError:
            pass  # closed before
        except sqlite3.Error as error:
            raise self._trouble("cannot be closed", error) from error
        finally:
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- reading ------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """How many facts it holds, those that are not durable yet included."""
        return self._seq

    def rows(self) -> Iterator[tuple[int, int, str, str | None, bytes]]:
        """
        The durable rows as they are: (seq, at in microseconds, kind, order id, body), checked one by one.

        Raises:
            JournalError: A row is missing, was changed, or cannot be read; names the last one that is good.
        """
        chain, expected = 0, 1
        try:
            for seq, at, kind, order_id, body, link in self._db.execute(
                "select seq, at, kind, order_id, body, chain from facts order by seq"
            ):
                chain = crc32(body, crc32(kind.encode(), chain))
                if seq != expected or link != chain:
                    raise JournalError(
                        f"{self.path}: fact {expected} is damaged or missing; facts 1 to {expected - 1} are good"
                    )
                expected += 1
                yield seq, at, kind, order_id, body
        except sqlite3.Error as error:
            raise self._trouble(f"is damaged behind fact {expected - 1}", error) from error
        if expected != self._written + 1:
            raise JournalError(f"{self.path}: ends after fact {expected - 1}, expected {self._written}")

    def entries(self) -> Iterator[Entry]:
        """The durable facts, oldest first; errors as `rows`."""
        for seq, at, kind, order_id, body in self.rows():
            yield Entry(seq, EPOCH + at * _MICROSECOND, order_id, decode(kind, body))

    def _trouble(self, what: str, error: sqlite3.Error) -> JournalError:
        name = getattr(error, "sqlite_errorname", "")
        hint = {
            "SQLITE_BUSY": "another process has it open; stop that session first",
            "SQLITE_LOCKED": "another process has it open; stop that session first",
            "SQLITE_FULL": "the disk is full; make room and resume",
            "SQLITE_NOTADB": "it is not a journal",
            "SQLITE_CORRUPT": "the file is damaged; restore it from a copy, or reconcile from a new one",
            "SQLITE_CANTOPEN": "check that the folder exists and can be written",
            "SQLITE_READONLY": "the file or its folder is read-only",
            "SQLITE_IOERR": "the disk reports an error",
        }.get(name.split("_SHM")[0] if name else "", "")
        for known, text in (("SQLITE_IOERR", "the disk reports an error"), ("SQLITE_READONLY", "it is read-only")):
            if not hint and name.startswith(known):
                hint = text
        return JournalError(f"{self.path}: {what}: {error}" + (f" ({hint})" if hint else ""))
