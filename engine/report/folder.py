"""A session's folder: its history is read from there, and its report written into it."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from attrs import evolve, frozen

from engine.books.journal import Journal
from engine.clock import EPOCH
from engine.errors import InvalidInput, JournalError, TradingError
from engine.facts import SessionStarted
from engine.market.bars import Bar
from engine.recipe import SessionConfig, from_text
from engine.report.history import History, history
from engine.report.page import page
from engine.session import JOURNAL, MarketData, market_data

__all__ = ["REPORT", "Session", "as_html", "read_session", "save_report"]

REPORT = "report.html"
_MICROSECOND = timedelta(microseconds=1)


@frozen(kw_only=True)
class Session:
    """
    A session as its folder tells it.

    Attributes:
        title: What it was: "sma-cross on BTC/USD".
        outcome: "completed", "stopped", "failed: …"; None: nobody wrote it down, so the process was killed.
        notes: What limits this history, a sentence each.
    """

    title: str
    outcome: str | None
    notes: tuple[str, ...]
    history: History


class _Ending(msgspec.Struct):
    """The part of summary.json that says how far a session came."""

    outcome: str
    last: datetime | None
    facts: int


def read_session(directory: Path) -> Session:
    """
    Read a session that is not running, with the bars that it was played on if they are still what they were.

    Raises:
        InvalidInput: There is no session in the folder.
        JournalError: The journal is damaged, another program's, or open elsewhere.
    """
    path = directory / JOURNAL
    if not path.is_file():
        raise InvalidInput(str(directory), "no journal", f"the folder of a session, which holds {JOURNAL}")
    with Journal(path) as journal:
        begun = next(iter(journal.entries()), None)
        if begun is None:
            raise InvalidInput(str(path), "nothing recorded", "a session that has begun")
        if not isinstance(begun.fact, SessionStarted):
            raise JournalError(f"{path}: begins with {type(begun.fact).__name__}, expected SessionStarted")
        notes: list[str] = []
        config = _config(begun.fact)
        data = _data(config, begun.fact, notes)
        ending = _ending(directory / "summary.json", len(journal))
        until = _last_moment(journal) if ending is None else ending.last
        told = history(journal, data, until=until)
    return Session(
        title=_title(config, told),
        outcome=None if ending is None else ending.outcome,
        notes=tuple(notes),
        history=told,
    )


def as_html(session: Session) -> str:
    """The session's report as one page."""
    return page(session.history, title=session.title, outcome=session.outcome, notes=session.notes)


def save_report(session: Session, path: Path) -> None:
    """Write the report, whole or not at all; raise `OSError` if it cannot be written."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder", str(path))
    unfinished = path.with_name(f"{path.name}.part")
    try:
        unfinished.write_bytes(as_html(session).encode())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _config(begun: SessionStarted) -> SessionConfig | None:
    """The settings; None: those of a session that was not made of them."""
    try:
        return from_text(begun.config, "settings")
    except (TradingError, ValueError):
        return None


def _data(config: SessionConfig | None, begun: SessionStarted, notes: list[str]) -> MarketData | None:
    """The bars, which end where the file cannot be read any further; None: they cannot be had."""
    if config is None:
        return None
    try:
        data = market_data(config)
    except InvalidInput as error:
        notes.append(f"Without the bars it was played on, equity is known at fills alone: {error}")
        return None
    if data.digest != begun.data_digest:
        notes.append(
            f"{config.market.bars} is not the file that this session was played on (SHA-256 {data.digest[:16]}…, then "
            f"{begun.data_digest[:16]}…), so equity is known at fills alone."
        )
        return None
    return evolve(data, bars=_readable(data.bars, notes))


def _readable(bars: Iterable[tuple[Bar, ...]], notes: list[str]) -> Iterator[tuple[Bar, ...]]:
    try:
        yield from bars
    except InvalidInput as error:
        notes.append(f"The bars cannot be read any further: {error}")


def _ending(path: Path, facts: int) -> _Ending | None:
    """How the run ended; None: nobody wrote it down, or what is there is about an earlier run."""
    try:
        ending = msgspec.json.decode(path.read_bytes(), type=_Ending)
    except (OSError, msgspec.MsgspecError):
        return None
    return ending if ending.facts == facts else None


def _last_moment(journal: Journal) -> datetime:
    at = 0
    for row in journal.rows():
        at = row[1]
    return EPOCH + at * _MICROSECOND


def _title(config: SessionConfig | None, told: History) -> str:
    symbols = list(told.prices) or list(dict.fromkeys(order.symbol for order in told.orders))
    named = ", ".join(symbols[:4]) + (f" and {len(symbols) - 4} more" if len(symbols) > 4 else "")
    name = f"Session {told.session.session_id}" if config is None else config.strategy.name
    return f"{name} on {named}" if named else name
