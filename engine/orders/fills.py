"""
What has been filled, worked out from everything the venue said of it, in whatever order it came.

`settle` is a pure function of the evidence as a set, so permutations and repetitions of messages cannot change its
answer (rule R9 of docs/explanation/tracking.md). The identity of a fill is (order, generation, cumulative quantity
after it). The generation of anything that the venue dates is the number of corrections it made to the order up to that
moment: that way a fill which comes after a bust is never taken for the one that was busted, even if we hear of the bust
last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from attrs import frozen

from engine.model import ZERO, Correction, Execution, VenueStatus

__all__ = ["NOTHING", "Provisional", "Settled", "Snapshot", "extended", "settle"]


@frozen
class Snapshot:
    """
    What one report said of the whole order.

    Attributes:
        cumulative: Filled so far as the venue counts, base units, >= 0.
        average: Average price of that, quote units; None: not told.
        at: The venue's moment of this picture.
    """

    status: VenueStatus
    cumulative: Decimal
    average: Decimal | None
    at: datetime


@frozen
class Provisional:
    """
    A stretch (before, after] of an order's filled quantity that no known execution accounts for.

    Attributes:
        cost: What it must have cost for the venue's average to be right, quote units.
    """

    before: Decimal
    after: Decimal
    cost: Decimal

    def id(self, broker_order_id: str) -> str:
        """A name that is the same whenever this stretch is found again."""
        return "provisional-" + sha256(f"{broker_order_id}|{self.before}|{self.after}".encode()).hexdigest()[:16]


@frozen
class Settled:
    """
    The outcome.

    Attributes:
        quantity: Filled, base units: fills after corrections, and provisional stretches.
        cost: What that cost, quote units.
        fees: Quote units.
        fills: How many distinct fills are known (busted ones included).
        provisional: Stretches without an execution, ascending.
        unmatched: Ids of corrections whose execution has not been told.
        peak: The highest quantity the order had filled at any time; a bust lowers `quantity`, not this.
    """

    quantity: Decimal
    cost: Decimal
    fees: Decimal
    fills: int
    provisional: tuple[Provisional, ...]
    unmatched: frozenset[str]
    peak: Decimal


NOTHING = Settled(ZERO, ZERO, ZERO, 0, (), frozenset(), ZERO)


@frozen
class _Block:
    """A stretch (low, high] that is accounted for, at a price."""

    low: Decimal
    high: Decimal
    price: Decimal


class _Fill:
    """One distinct fill with its latest numbers; ``reported`` keeps the stretch it took when it happened."""

    __slots__ = ("ids", "price", "quantity", "reported")

    def __init__(self, reported: Execution) -> None:
        self.reported = reported
        self.ids = {reported.id}
        self.quantity = reported.quantity
        self.price = reported.price


def settle(
    executions: Sequence[Execution],
    corrections: Sequence[Correction],
    snapshots: Sequence[Snapshot],
    *,
    carried: Decimal = ZERO,
    carried_cost: Decimal = ZERO,
    fallback_price: Decimal,
) -> Settled:
    """
    Work out what one broker order has filled.

    Args:
        executions: All that was told of, repetitions by other sources included; any order.
        corrections: All that was told of; any order.
        snapshots: The venue's pictures of the order; any order.
        carried: Quantity that the venue's cumulative counts from the order which this one replaced; not in the answer.
        carried_cost: What that cost.
        fallback_price: Price of a stretch of which nothing is known but its length.

    Source: docs/explanation/tracking.md, rules R1 to R6.
    """
    originals, amendments = _tell_apart(executions, corrections)
    dates = [amendment.at for amendment in amendments]
    fills = _distinct(originals, dates)
    told = [*(execution.at for execution in originals), *(snapshot.at for snapshot in snapshots)]
    newest = bisect_right(dates, max(told)) if told else 0

    unmatched: set[str] = set()
    peak = sum((fill.quantity for (generation, _), fill in fills.items() if generation == 0), ZERO)
    blocks: list[_Block] = [] if not carried else [_Block(ZERO, carried, carried_cost / carried)]
    if newest == 0:
        blocks += _blocks(fills, 0)
    for number, amendment in enumerate(amendments, start=1):
        if not _amend(fills, amendment):
            unmatched.add(amendment.id)
        known = sum((fill.quantity for (generation, _), fill in fills.items() if generation <= number), ZERO)
        peak = max(peak, known)
        if number == newest:
            survivors = [fill for (generation, _), fill in fills.items() if generation < newest]
            before = sum((fill.quantity for fill in survivors), ZERO)
            if before:
                cost = sum((fill.quantity * fill.price for fill in survivors), ZERO)
                blocks.append(_Block(carried, carried + before, cost / before))
            blocks += _blocks(fills, newest)

    provisional = _uncovered(
        blocks,
        [snapshot for snapshot in snapshots if bisect_right(dates, snapshot.at) == newest],
        fallback_price,
    )
    quantity = sum((fill.quantity for fill in fills.values()), ZERO)
    quantity += sum((gap.after - gap.before for gap in provisional), ZERO)
    cost = sum((fill.quantity * fill.price for fill in fills.values()), ZERO)
    cost += sum((gap.cost for gap in provisional), ZERO)
    return Settled(
        quantity,
        cost,
        sum((fill.reported.fee for fill in fills.values() if fill.quantity), ZERO),
        len(fills),
        tuple(provisional),
        frozenset(unmatched),
        max(peak, quantity),
    )


def extended(settled: Settled, known: Sequence[Execution], execution: Execution) -> Settled | None:
    """
    The short way for the usual case: the next fill of an order without corrections, right behind the last one.

    Returns:
        What `settle` would; None where that has to look at everything.
    """
    if settled.provisional or execution.cumulative - execution.quantity != settled.quantity:
        return None
    for other in known:
        if other.id == execution.id or other.at > execution.at:
            return None
    quantity = execution.cumulative
    return Settled(
        quantity,
        settled.cost + execution.quantity * execution.price,
        settled.fees + execution.fee,
        settled.fills + 1,
        (),
        settled.unmatched,
        max(settled.peak, quantity),
    )


def _tell_apart(
    executions: Iterable[Execution], corrections: Iterable[Correction]
) -> tuple[list[Execution], list[Correction]]:
    """First tellings, and all later changes to them by date: the same id with other numbers is a correction too."""
    by_id: dict[str, dict[tuple[Decimal, Decimal], Execution]] = {}
    for execution in executions:
        versions = by_id.setdefault(execution.id, {})
        key = (execution.quantity, execution.price)
        if key not in versions or _precedence(execution) < _precedence(versions[key]):
            versions[key] = execution
    originals: list[Execution] = []
    amendments = {correction.id: correction for correction in corrections}
    for versions in by_id.values():
        first, *later = sorted(versions.values(), key=_precedence)
        originals.append(first)
        for number, version in enumerate(later, start=1):
            name = f"{version.id}#{number}"
            amendments[name] = Correction(
                id=name, execution_id=version.id, quantity=version.quantity, price=version.price, at=version.at
            )
    return originals, sorted(amendments.values(), key=lambda amendment: (amendment.at, amendment.id))


def _precedence(execution: Execution) -> tuple[datetime, Decimal, Decimal, str]:
    return (execution.at, execution.cumulative, execution.price, execution.id)


def _distinct(originals: Iterable[Execution], dates: Sequence[datetime]) -> dict[tuple[int, Decimal], _Fill]:
    """Fills by their key; what other sources tell of the same fill becomes one of its ids."""
    fills: dict[tuple[int, Decimal], _Fill] = {}
    for execution in sorted(originals, key=_precedence):
        key = (bisect_right(dates, execution.at), execution.cumulative)
        if key in fills:
            fills[key].ids.add(execution.id)
        else:
            fills[key] = _Fill(execution)
    return fills


def _amend(fills: dict[tuple[int, Decimal], _Fill], amendment: Correction) -> bool:
    for fill in fills.values():
        if amendment.execution_id in fill.ids:
            fill.quantity, fill.price = amendment.quantity, amendment.price
            return True
    return False


def _blocks(fills: dict[tuple[int, Decimal], _Fill], generation: int) -> list[_Block]:
    return [
        _Block(
            max(fill.reported.cumulative - fill.reported.quantity, ZERO), fill.reported.cumulative, fill.reported.price
        )
        for (its_generation, _), fill in fills.items()
        if its_generation == generation
    ]


def _uncovered(blocks: list[_Block], snapshots: Sequence[Snapshot], fallback_price: Decimal) -> list[Provisional]:
    """The stretches that must have been filled and that no block covers, priced so that the averages come out right."""
    told = max((snapshot.cumulative for snapshot in snapshots), default=ZERO)
    implied = max((block.high for block in blocks), default=ZERO)
    top = max(told, implied)
    blocks.sort(key=lambda block: (block.low, block.high))
    gaps = _gaps(blocks, top)
    if not gaps:
        return []
    provisional: list[Provisional] = []
    low, low_cost = ZERO, ZERO
    for high, high_cost in [*_cost_points(snapshots), (top, None)]:
        within = [(max(a, low), min(b, high)) for a, b in gaps if a < high and b > low]
        if within:
            missing = sum((b - a for a, b in within), ZERO)
            if high_cost is None:
                price = next((block.price for block in blocks if block.high > low), None) or (
                    low_cost / low if low else fallback_price
                )
                cost = missing * price
            else:
                cost = high_cost - low_cost - _covered_cost(blocks, low, high)
                if cost <= 0:  # the venue's average is rounded: too coarse for a stretch this short
                    cost = missing * high_cost / high
            left, spent = missing, ZERO
            for a, b in within:
                share = cost - spent if b - a == left else cost * (b - a) / missing
                provisional.append(Provisional(a, b, share))
                left, spent = left - (b - a), spent + share
        if high_cost is not None:
            low, low_cost = high, high_cost
    return provisional


def _gaps(blocks: Sequence[_Block], top: Decimal) -> list[tuple[Decimal, Decimal]]:
    gaps: list[tuple[Decimal, Decimal]] = []
    reached = ZERO
    for block in blocks:
        if block.low > reached:
            gaps.append((reached, block.low))
        reached = max(reached, block.high)
    if top > reached:
        gaps.append((reached, top))
    return gaps


def _cost_points(snapshots: Iterable[Snapshot]) -> list[tuple[Decimal, Decimal]]:
    """What the venue says each filled quantity has cost: (cumulative, cost), ascending; of two, the later holds."""
    points: dict[Decimal, tuple[datetime, Decimal]] = {}
    for snapshot in snapshots:
        if snapshot.average is not None and snapshot.cumulative:
            point = (snapshot.at, snapshot.cumulative * snapshot.average)
            points[snapshot.cumulative] = max(points.get(snapshot.cumulative, point), point)
    return [(cumulative, cost) for cumulative, (_, cost) in sorted(points.items())]


def _covered_cost(blocks: Iterable[_Block], low: Decimal, high: Decimal) -> Decimal:
    cost = ZERO
    for block in blocks:
        overlap = min(block.high, high) - max(block.low, low)
        if overlap > 0:
            cost += overlap * block.price
    return cost
