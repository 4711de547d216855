"""Taking facts into the books: lifecycle, tracker and portfolio, without journal and venue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.books.recovery import Books
from engine.facts import ExecutionReported, Intended, OrderReported, Sent, SessionStarted
from engine.model import Execution, OrderRequest, Role, Side, VenueStatus
from result import Result
from timing import best_mean

__all__ = ["NAME", "run"]

NAME = "tracker"
ORDERS = 10_000
AT = datetime(2024, 1, 1, tzinfo=UTC)
ONE, PRICE = Decimal(1), Decimal(100)


def run() -> Iterator[Result]:
    for past in (0, 100_000):
        books = _books()
        for number in range(past):
            _life(books, number)
        seconds = best_mean(lambda number, books=books: _life(books, number), range(past, past + ORDERS))
        case = f"intent, sent, ack and fill, {past:,} orders before"
        yield Result(bench=NAME, case=case, value=seconds * 1e6, unit="us")
    books = _books()
    _begin(books, 0)
    parts = [_part(number) for number in range(2_000)]
    for case in ("each of 2,000 fills of one order, mean", "the same fills a second time, mean"):
        seconds = best_mean(lambda fact: books.apply(fact, AT), parts, lot=len(parts))
        yield Result(bench=NAME, case=case, value=seconds * 1e6, unit="us")


def _books() -> Books:
    books = Books()
    books.apply(SessionStarted(at=AT, session_id="b", cash=PRICE, config="", data_digest=""), AT)
    return books


def _begin(books: Books, number: int) -> None:
    request = OrderRequest.market("X", Side.BUY, Decimal(1_000_000), client_order_id=f"b-{number}")
    fact = Intended(at=AT, request=request, role=Role.SINGLE, group=None, reserve_price=PRICE, opening=ONE)
    books.apply(fact, AT)
    books.apply(Sent(at=AT, order_id=request.id), AT)


def _life(books: Books, number: int) -> None:
    request = OrderRequest.market("X", Side.BUY, ONE, client_order_id=f"b-{number}")
    fact = Intended(at=AT, request=request, role=Role.SINGLE, group=None, reserve_price=PRICE, opening=ONE)
    books.apply(fact, AT)
    books.apply(Sent(at=AT, order_id=request.id), AT)
    books.apply(_report(number, VenueStatus.NEW, None), AT)
    execution = Execution(id=f"x{number}", cumulative=ONE, quantity=ONE, price=PRICE, at=AT)
    books.apply(_report(number, VenueStatus.FILLED, execution), AT)


def _report(number: int, status: VenueStatus, execution: Execution | None) -> OrderReported:
    return OrderReported(
        at=AT,
        client_order_id=f"b-{number}",
        broker_order_id=f"v-{number}",
        symbol="X",
        side=Side.BUY,
        status=status,
        cumulative=ONE if execution else Decimal(0),
        average=PRICE if execution else None,
        execution=execution,
    )


def _part(number: int) -> ExecutionReported:
    at = AT + timedelta(seconds=number)
    execution = Execution(id=f"x{number}", cumulative=Decimal(number + 1), quantity=ONE, price=PRICE, at=at)
    return ExecutionReported(at=at, client_order_id="b-0", symbol="X", side=Side.BUY, execution=execution)
