"""``tradebridge explain``: the orders of a session, and the life of one of them, from the journal alone."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from attrs import frozen

from bridge.cli import records, words
from bridge.cli.terminal import Exit, number, painter, say
from engine.books.journal import Entry, Journal
from engine.books.recovery import Books
from engine.errors import InvalidInput
from engine.facts import StrategyFailed, SyncBegan, Synced
from engine.model import Status
from engine.orders.order import Order
from engine.orders.tracker import Tracker
from engine.session import JOURNAL

__all__ = ["Chapter", "add", "life"]

_PROG = "tradebridge explain"

_EPILOG = """\
examples:
  tradebridge explain paper-sessions/20240102-150405
  tradebridge explain paper-sessions/20240102-150405 tb124a2a1a-1
  tradebridge explain paper-sessions/20240102-150405 --locks
  tradebridge explain --json paper-sessions/20240102-150405

An order is found by any id it ever had: ours, the venue's, or that of a replacement. Sessions that failed or were
killed can be explained too; that of a running session is locked.

exit codes:
  0  told
  2  there is no such session, or no such order
  4  the journal is locked or damaged
"""


@frozen
class Chapter:
    """
    Something that happened to an order.

    Attributes:
        after: The order behind it; None: it was not known yet, the message waits for it.
    """

    entry: Entry
    after: Order | None


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "explain",
        help="tell the life of an order, or list all of them",
        description="Tell the life of one order of a session, each fact in order, or list all orders.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("directory", metavar="DIR", help="the session's folder")
    parser.add_argument("order_id", metavar="ORDER_ID", nargs="?", help="any id of the order; without: all orders")
    parser.add_argument("--locks", action="store_true", help="instead of orders: what protections kept out, and when")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines or tables")
    parser.set_defaults(run=run, prog=_PROG)


def run(options: argparse.Namespace) -> int:
    """Tell it; the exit code."""
    path = Path(options.directory) / JOURNAL
    if not path.is_file():
        raise InvalidInput(options.directory, "no journal", f"the folder of a session, which holds {JOURNAL}")
    with Journal(path) as journal:
        books = Books()
        for entry in journal.entries():
            books.apply(entry.fact, entry.at)
        if books.session is None:
            raise InvalidInput(str(path), "nothing recorded", "a session that has begun")
        if options.locks:
            if options.order_id is not None:
                raise InvalidInput("ORDER_ID", options.order_id, "nothing beside --locks: a lock is no order's")
            if options.json:
                say(records.locks_as_json(books))
            else:
                _list_locks(books)
            return Exit.COMPLETED
        if options.order_id is None:
            if options.json:
                say(records.orders_as_json(books))
            else:
                _list(books)
            return Exit.COMPLETED
        order = books.tracker.find(client_order_id=options.order_id, broker_order_id=options.order_id)
        if order is None:
            raise _unknown(options.order_id, options.directory, books.tracker)
        chapters = life(journal, books.tracker, order.id)
        if options.json:
            say(records.life_as_json(order, ((chapter.entry, chapter.after) for chapter in chapters)))
        else:
            _tell(order, books.tracker, chapters)
    return Exit.COMPLETED


def life(journal: Journal, known: Tracker, order_id: str) -> Iterator[Chapter]:
    """
    Everything in a journal that is about one order, or changed it, oldest first.

    Args:
        known: All orders as the journal leaves them: says which ids are this order's.
        order_id: Our own id.
    """
    books = Books()
    before: Order | None = None
    for entry in journal.entries():
        books.apply(entry.fact, entry.at)
        after = books.tracker.find(client_order_id=order_id)
        if after is not before or _is_about(entry, known, order_id, before):
            yield Chapter(entry, after)
        before = after


def _is_about(entry: Entry, known: Tracker, order_id: str, before: Order | None) -> bool:
    told = entry.fact
    if isinstance(told, StrategyFailed):
        return before is not None and not before.status.terminal
    if isinstance(told, SyncBegan | Synced):
        return before is not None and before.status is Status.UNKNOWN
    ours = [getattr(told, "order_id", None), getattr(told, "client_order_id", None), entry.order_id]
    theirs = [getattr(told, "broker_order_id", None), getattr(told, "replaces", None)]
    found = [known.find(client_order_id=name) for name in ours if name is not None]
    found += [known.find(broker_order_id=name) for name in theirs if name is not None]
    return any(order is not None and order.id == order_id for order in found)


# --- telling ----------------------------------------------------------------------------------------------------------


def _list(books: Books) -> None:
    session = books.session
    assert session is not None  # asked before
    orders = list(books.tracker)
    say(f"session {session.session_id}, from {words.moment(session.at)} on: {len(orders):,} orders")
    if books.failure is not None:
        say(f"the strategy raised {books.failure}")
    rows = [
        (order.id, words.moment(order.placed), words.request(order.request), order.status.value, _filled(order))
        for order in orders
    ]
    paint = painter()
    if paint is not None and rows:
        say(paint.table(("order", "market time", "asks for", "status", "filled"), rows))
        return
    _lines(rows)


def _list_locks(books: Books) -> None:
    say(f"{len(books.locks.all):,} locks")
    rows = [
        (lock.id, words.moment(lock.at), words.moment(lock.until), words.lifted(lock, books.locks), words.barred(lock))
        for lock in books.locks.all
    ]
    paint = painter()
    if paint is not None and rows:
        say(paint.table(("lock", "from", "until", "status", "what it kept out, and why"), rows))
        return
    _lines(rows)


def _tell(order: Order, tracker: Tracker, chapters: Iterator[Chapter]) -> None:
    venue = ", ".join(link.broker_order_id for link in order.links if link.broker_order_id is not None)
    ours = ", ".join(link.client_order_id for link in order.links)
    say(f"order       {ours}" + (f"  (at the venue: {venue})" if venue else "  (never known to the venue)"))
    say(f"asks for    {words.request(order.request)}")
    for line in _relations(order, tracker):
        say(line)
    say("")
    header = ("market time", "status", "filled", "average", "what happened")
    rows = []
    for chapter in chapters:
        after = chapter.after
        state = ("-", "-", "-")
        if after is not None:
            state = (_status(after), number(after.filled), words.average(after.average))
        rows.append((words.moment(chapter.entry.at), *state, words.fact(chapter.entry.fact)))
        if (made_on := words.made_on(chapter.entry.fact)) is not None:
            rows.append(("", "", "", "", f"  decided on: {made_on}"))
    paint = painter()
    if paint is not None:
        say(paint.table(header, rows))
    else:
        _lines([header, *rows])
    say("")
    say(f"fees        {number(order.fees)}")
    say(f"end         {_end(order)}")


def _relations(order: Order, tracker: Tracker) -> Iterator[str]:
    """The other orders of its group, each with what it is there for and how it stands."""
    head = order.group or order.id
    members = [tracker[member] for member in tracker.members(head)]
    if order.role.value != "single":
        yield f"role        {order.role.value.replace('_', '-')}"
    if order.group is not None and order.group != order.id and tracker[order.group].role.value == "entry":
        members.insert(0, tracker[order.group])
    for other in members:
        if other.id != order.id:
            yield f"beside it   {other.id}: {other.role.value.replace('_', '-')}, {_status(other)}, {_filled(other)}"


def _end(order: Order) -> str:
    if order.status is Status.LOST:
        return "lost: not proven, only inferred from the venue's silence; any later word of the venue re-opens it"
    if not order.status.terminal:
        return f"none yet: the order is {_status(order)}, {number(order.remaining)} may still fill"
    why = f"; {order.note}" if order.note else ""
    return f"{order.status.value}: {order.evidence or 'without evidence'}{why}"


def _status(order: Order) -> str:
    return order.status.value + (" (cancel asked for)" if order.cancel_pending else "")


def _filled(order: Order) -> str:
    told = f"{number(order.filled)} of {number(order.quantity)}"
    if order.refusal is not None:
        return order.refusal.code
    return f"{told} at {words.average(order.average)}" if order.filled else told


def _lines(rows: Sequence[tuple[str, ...]]) -> None:
    """Rows of cells under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _unknown(order_id: str, directory: str, tracker: Tracker) -> InvalidInput:
    ids = [name for order in tracker for link in order.links for name in (link.client_order_id, link.broker_order_id)]
    near = get_close_matches(order_id, [name for name in ids if name is not None], n=3)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    count = sum(1 for _ in tracker)
    return InvalidInput("ORDER_ID", order_id, f"an id of one of the {count:,} orders of {directory}{hint}")
