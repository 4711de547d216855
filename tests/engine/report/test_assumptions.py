"""What fills rest on, and what each model cost, over all orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from engine.books.recovery import Books
from engine.facts import ExecutionCorrected, ExecutionReported, Intended, Sent, SessionStarted
from engine.model import Correction, Cost, Execution, OrderRequest, Role, Side
from engine.report.assumptions import Assumed, assumed

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def told(number, cumulative, assumption, *costs, name=None):
    at = START + timedelta(seconds=number)
    execution = Execution(
        id=name or f"x{number}",
        cumulative=D(cumulative),
        quantity=D(10),
        price=D(5),
        at=at,
        assumption=assumption,
        costs=tuple(Cost(model, D(amount)) for model, amount in costs),
    )
    return ExecutionReported(at=at, client_order_id="a", symbol="X", side=Side.BUY, execution=execution)


def account(*facts):
    books = Books()
    request = OrderRequest.limit("X", Side.BUY, D(100), D(9), client_order_id="a")
    intent = Intended(at=START, request=request, role=Role.SINGLE, group=None, reserve_price=D(9), opening=D(100))
    started = SessionStarted(at=START, session_id="tb", cash=D(1000), config="", data_digest="")
    for fact in (started, intent, Sent(at=START, order_id="a"), *facts):
        books.apply(fact, START)
    return assumed(books.tracker)


def test_fills_are_counted_by_their_assumption():
    """The most frequent comes first; costs add up by the model that made them."""
    facts = (
        told(1, 10, "open", ("spread", 1), ("slippage", "0.5")),
        told(2, 20, "through"),
        told(3, 30, "through"),
        told(4, 40, "market", ("spread", 2)),
    )

    found = account(*facts)
    assert Assumed({"through": 2, "market": 1, "open": 1}, {"slippage": D("0.5"), "spread": D(3)}) == found
    assert ["through", "market", "open"] == list(found.fills)


def test_a_fill_told_twice_counts_once():
    """Another source that tells the same fill adds nothing."""
    facts = (told(1, 10, "open", ("spread", 1)), told(1, 10, "open", ("spread", 1), name="other"))

    assert Assumed({"open": 1}, {"spread": D(1)}) == account(*facts)


def test_a_fill_that_was_taken_back_does_not_count():
    """A bust takes its costs along."""
    bust = ExecutionCorrected(
        at=START + timedelta(seconds=9),
        client_order_id="a",
        symbol="X",
        side=Side.BUY,
        correction=Correction(id="c", execution_id="x1", quantity=D(0), price=D(5), at=START + timedelta(seconds=9)),
    )

    assert Assumed({"touch": 1}, {}) == account(told(1, 10, "open", ("spread", 1)), told(2, 20, "touch"), bust)


def test_a_real_market_assumes_nothing():
    """Fills without an assumption are left out."""
    assert Assumed({}, {}) == account(told(1, 10, None))
