"""
The durable log: an append-only SQLite file with one writer, from which all state is folded.

A fact is appended before it is applied; `commit` returns when everything appended so far survives a power loss. Every
row carries a check-sum chained to the row before, so a row that was changed, lost or put in by somebody else is found.
The write-ahead log has check-sums of its own; before it is folded into the file a seal is set on the last row, so the
file cannot lose its end unnoticed either.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self, get_args
from zlib import crc32

import msgspec
from attrs import fields, frozen

from engine.clock import EPOCH
from engine.errors import JournalError
from engine.facts import Fact

__all__ = ["FORMAT", "Entry", "Journal", "decode", "encode"]

FORMAT = 1
_APPLICATION = 0x74726462  # "trdb", so that another program's database is never taken for a journal
_KINDS: dict[str, type[Fact]] = {kind.__name__: kind for kind in get_args(Fact)}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {}
_ENCODER = msgspec.json.Encoder()
_MICROSECOND = timedelta(microseconds=1)
_FLUSH_AFTER = 4096  # rows kept in memory between commits at most
_CHECKPOINT_AFTER = 20_000  # rows written between two checkpoints of the write-ahead log
_SHORTEST = 512  # bytes, of any SQLite database
_HINTS = {  # by the beginning of SQLite's name for the error
    "SQLITE_BUSY": "another process has it open; stop that session first",
    "SQLITE_LOCKED": "another process has it open; stop that session first",
    "SQLITE_FULL": "the disk is full; make room and resume",
    "SQLITE_NOTADB": "it is not a journal, or its beginning is damaged",
    "SQLITE_CORRUPT": "the file is damaged; restore it from a copy, or reconcile from a new one",
    "SQLITE_CANTOPEN": "check that the folder exists and can be written",
    "SQLITE_READONLY": "the file or its folder is read-only",
    "SQLITE_IOERR_LOCK": "the file is read-only, or its disk cannot lock files",
    "SQLITE_IOERR": "the disk reports an error",
}

_UNREADABLE = (sqlite3.Error, UnicodeDecodeError)  # the latter where SQLite's own message repeats damaged text

_FACTS = """
create table facts (
    seq integer primary key,
    at integer not null,     -- our time, microseconds since 1970, UTC
    kind text not null,      -- name of the fact's class
    order_id text,           -- whom it is about
    body blob not null,      -- the fact as JSON
    chain integer not null   -- CRC-32 of the other columns, chained to the row before
) strict
"""
_SEAL = "create table seal (seq integer not null, chain integer not null) strict"  # one row, as of the last checkpoint


_Row = tuple[int, int, str, str | None, bytes, int]  # the columns of `facts`


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


def _link(chain: int, at: int, kind: str, order_id: str | None, body: bytes) -> int:
    return crc32(body, crc32(f"{at} {kind} {order_id}".encode(), chain))


def _subject(kind: type[Fact]) -> Callable[[Any], str | None]:
    """How to find out whom a fact of that kind is about; looked up by kind, for every fact is asked."""
    names = {field.name for field in fields(kind)}
    if "order_id" in names:
        return lambda fact: fact.order_id
    if "broker_order_id" in names:
        return lambda fact: fact.client_order_id or fact.broker_order_id
    if "request" in names:
        return lambda fact: fact.request.client_order_id
    return lambda fact: None


_ABOUT = {kind: (name, _subject(kind)) for name, kind in _KINDS.items()}


def _look_at(path: Path) -> None:
    """
    Refuse what SQLite would take for a new database: too short a file, and a log without its file, which it drops.

    The file is not opened: closing it again would take the lock from a journal that this process has open.
    """
    log = path.with_name(f"{path.name}-wal")
    try:
        size, rest = (each.stat().st_size if each.is_file() else 0 for each in (path, log))
    except OSError:
        return  # SQLite will say what is wrong
    if 0 < size < _SHORTEST:
        raise JournalError(f"{path}: not a journal, or the very beginning of one; left untouched")
    if not size and rest:
        raise JournalError(f"{path}: missing or empty, but {log.name} still holds its last facts; left untouched")


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
        self._pending: list[_Row] = []
        self._since_checkpoint = 0
        self._stamp: tuple[datetime, int] = (EPOCH, 0)
        self._failed: JournalError | None = None
        self._kept: list[_Row] = []
        self._seq, self._chain = 0, 0
        self._db = None if path is None else self._opened(path)
        self._written = self._seq

    def _opened(self, path: Path) -> sqlite3.Connection:
        _look_at(path)
        try:
            db = sqlite3.connect(path, isolation_level=None, timeout=0.0)
        except sqlite3.Error as error:
            raise self._trouble("cannot be opened", error) from error
        try:
            self._prepare(db)
            self._seq, self._chain = self._end(db)
        except _UNREADABLE as error:
            db.close()
            raise self._trouble("cannot be read", error) from error
        except JournalError:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        run = db.execute
        run("pragma locking_mode=exclusive")
        application = run("pragma application_id").fetchone()[0]
        version = run("pragma user_version").fetchone()[0]
        tables = run("select count(*) from sqlite_master").fetchone()[0]
        if application == 0 and tables == 0:
            run("pragma journal_mode=wal")
            run("pragma synchronous=full")
            run("begin immediate")
            run(_FACTS)
            run(_SEAL)
            run("insert into seal values (0, 0)")
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

    def _end(self, db: sqlite3.Connection) -> tuple[int, int]:
        """Number and check-sum of the last row, which the seal must not be behind."""
        last = db.execute("select seq, chain from facts order by seq desc limit 1").fetchone() or (0, 0)
        seals = db.execute("select seq, chain from seal").fetchall()
        if len(seals) != 1:
            raise JournalError(f"{self.path}: damaged: it has {len(seals)} seals, expected 1")
        seal = seals[0]
        sealed = db.execute("select seq, chain from facts where seq = ?", seal[:1]).fetchone() or (0, 0)
        if sealed != seal or not isinstance(last[1], int):
            raise JournalError(f"{self.path}: damaged: fact {seal[0]} had been written, the file ends with {last[0]}")
        self._since_checkpoint = last[0] - seal[0]  # more than 0 if the last writer did not come to close it
        return last[0], last[1]

    # --- writing ------------------------------------------------------------------------------------------------------

    def append(self, fact: Fact, at: datetime) -> None:
        """Put a fact that was taken in at ``at`` at the end; it is durable after the next `commit`."""
        if self._failed is not None:
            raise self._failed
        body = _ENCODER.encode(fact)
        kind, subject = _ABOUT[type(fact)]
        self._seq += 1
        if at is not self._stamp[0]:
            self._stamp = (at, (at - EPOCH) // _MICROSECOND)
        stamp, order_id = self._stamp[1], subject(fact)
        self._chain = _link(self._chain, stamp, kind, order_id, body)
        self._pending.append((self._seq, stamp, kind, order_id, body, self._chain))
        if len(self._pending) >= _FLUSH_AFTER:
            self.commit()

    def commit(self) -> None:
        """
        Make everything appended durable; free when there is nothing new.

        Raises:
            JournalError: It could not be written; nothing more can be appended to this journal.
        """
        if self._failed is not None:
            raise self._failed
        if not self._pending:
            return
        if self._db is None:
            self._kept += self._pending
            self._written = self._seq
            self._pending.clear()
            return
        try:
            self._db.execute("begin immediate")
            self._db.executemany("insert into facts values (?, ?, ?, ?, ?, ?)", self._pending)
            self._db.execute("commit")
            self._since_checkpoint += len(self._pending)
            self._written = self._seq
            self._pending.clear()
            if self._since_checkpoint >= _CHECKPOINT_AFTER:
                self._checkpoint(self._db)
        except sqlite3.Error as error:
            self._failed = self._trouble("cannot be written", error)
            raise self._failed from error

    def _checkpoint(self, db: sqlite3.Connection) -> None:
        """Fold the log into the file and empty it: a log that was left and broke off would bring old pages back."""
        if self._since_checkpoint:
            db.execute("update seal set seq = ?, chain = ?", (self._seq, self._chain))
        db.execute("pragma wal_checkpoint(truncate)")
        self._since_checkpoint = 0

    def close(self) -> None:
        """Commit, fold the write-ahead log into the file and let go of it; closing twice does nothing."""
        if self._db is None:
            return
        try:
            if self._failed is None:
                self.commit()
                self._checkpoint(self._db)
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
            for seq, at, kind, order_id, body, link in self._stored():
                if type(body) is bytes:  # a damaged row may hold anything
                    chain = _link(chain, at, kind, order_id, body)
                if type(body) is not bytes or seq != expected or link != chain:
                    raise JournalError(
                        f"{self.path}: fact {expected} is damaged or missing; facts 1 to {expected - 1} are good"
                    )
                expected += 1
                yield seq, at, kind, order_id, body
        except _UNREADABLE as error:
            raise self._trouble(f"is damaged behind fact {expected - 1}", error) from error
        if expected != self._written + 1:
            raise JournalError(f"{self.path}: ends after fact {expected - 1}, expected {self._written}")

    def _stored(self) -> Iterator[_Row]:
        """The rows in parts: a query that is half read would keep the file locked and checkpoints from working."""
        if self._db is None:
            yield from self._kept
            return
        last = -(2**63)
        query = "select seq, at, kind, order_id, body, chain from facts where seq > ? order by seq limit 1000"
        while rows := self._db.execute(query, (last,)).fetchall():
            yield from rows
            last = rows[-1][0]

    def entries(self) -> Iterator[Entry]:
        """The durable facts, oldest first; errors as `rows`."""
        for seq, at, kind, order_id, body in self.rows():
            yield Entry(seq, EPOCH + at * _MICROSECOND, order_id, decode(kind, body))

    def _trouble(self, what: str, error: Exception) -> JournalError:
        name = getattr(error, "sqlite_errorname", "")
        hint = next((f" ({text})" for prefix, text in _HINTS.items() if name.startswith(prefix)), "")
        return JournalError(f"{self.path}: {what}: {error}{hint}")
