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
from itertools import pairwise

from attrs import frozen

from engine.model import ZERO, Correction, Execution, VenueStatus

__all__ = ["NOTHING", "Evidence", "Provisional", "Settled", "Snapshot", "extended", "settle", "settle_chain"]


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
class Evidence:
    """All that the venue said of one broker order; order and repetitions mean nothing."""

    executions: Sequence[Execution]
    corrections: Sequence[Correction]
    snapshots: Sequence[Snapshot]


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
        fees: Quote units; what was taken in the coin counts at the price of its fill.
        fills: How many distinct fills are known (busted ones included).
        provisional: Stretches without an execution, ascending.
        unmatched: Ids of corrections whose execution has not been told.
        peak: The highest quantity that was ever filled; a bust lowers `quantity`, not this.
        fee_quantity: What was taken in the coin, base units.
        fee_worth: What that was worth, quote units; a part of `fees`.
    """

    quantity: Decimal
    cost: Decimal
    fees: Decimal
    fills: int
    provisional: tuple[Provisional, ...]
    unmatched: frozenset[str]
    peak: Decimal
    fee_quantity: Decimal = ZERO
    fee_worth: Decimal = ZERO


NOTHING = Settled(ZERO, ZERO, ZERO, 0, (), frozenset(), ZERO)


@frozen
class _Block:
    """A stretch (low, high] that is accounted for, at a price."""

    low: Decimal
    high: Decimal
    price: Decimal


class _Fill:
    """
    One distinct fill with its latest numbers.

    ``reported`` keeps the stretch it took when it happened; of several fees told the highest holds, for a source that
    does not tell it says 0; so it is with what was taken in the coin.
    """

    __slots__ = ("fee", "fee_quantity", "ids", "price", "quantity", "reported")

    def __init__(self, reported: Execution) -> None:
        self.reported = reported
        self.ids = {reported.id}
        self.fee = reported.fee
        self.fee_quantity = reported.fee_quantity
        self.quantity = reported.quantity
        self.price = reported.price


def settle(
    executions: Sequence[Execution],
    corrections: Sequence[Correction],
    snapshots: Sequence[Snapshot],
    *,
    since: datetime | None = None,
    fallback_price: Decimal,
) -> Settled:
    """
    Work out what one broker order has filled, or several of which each counts on from the one before.

    Args:
        executions: All that was told of, repetitions by other sources included; any order.
        corrections: All that was told of; any order.
        snapshots: The venue's pictures of the order; any order.
        since: What was filled before that counts for no peak; None: from the beginning.
        fallback_price: Price of a stretch of which nothing is known but its length.

    Source: docs/explanation/tracking.md, rules R1 to R6.
    """
    originals, amendments = _tell_apart(executions, corrections)
    dates = [amendment.at for amendment in amendments]
    fills = _distinct(originals, executions, dates)
    told = [(execution.at, execution.cumulative) for execution in originals]
    told += [(snapshot.at, snapshot.cumulative) for snapshot in snapshots]
    newest = bisect_right(dates, max(at for at, _ in told)) if told else 0
    peak = max((cumulative for at, cumulative in told if since is None or at >= since), default=ZERO)

    unmatched: set[str] = set()
    blocks = _blocks(fills, 0) if newest == 0 else []
    for number, amendment in enumerate(amendments, start=1):
        if not _amend(fills, amendment):
            unmatched.add(amendment.id)
        if since is None or amendment.at >= since:
            peak = max(peak, sum((fill.quantity for (its, _), fill in fills.items() if its <= number), ZERO))
        if number == newest:
            survivors = [fill for (its, _), fill in fills.items() if its < newest]
            before = sum((fill.quantity for fill in survivors), ZERO)
            if before:
                cost = sum((fill.quantity * fill.price for fill in survivors), ZERO)
                blocks.append(_Block(ZERO, before, cost / before))
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
    charged = [fill for fill in fills.values() if fill.quantity]  # a bust gives back what was taken
    fee_worth = sum((fill.fee_quantity * fill.price for fill in charged), ZERO)
    return Settled(
        quantity,
        cost,
        sum((fill.fee for fill in charged), ZERO) + fee_worth,
        len(fills),
        tuple(provisional),
        frozenset(unmatched),
        max(peak, quantity),
        sum((fill.fee_quantity for fill in charged), ZERO),
        fee_worth,
    )


def settle_chain(chain: Sequence[Evidence], *, fallback_price: Decimal) -> list[Settled]:
    """
    Work out what each broker order of a chain has filled, of which each replaces the one before.

    Some venues let the new order count on from what the old one had filled, others start at 0. Orders that count on
    share one count, so they are settled as one, and the answer stands with the last of them; with the others stands
    `NOTHING`. The sum is right either way, and a fill that is told of both is one fill.

    Source: docs/explanation/tracking.md, worked sequence 9.
    """
    chain = _each_to_its_own(chain)
    groups: list[tuple[list[int], Evidence, datetime | None]] = []
    for index, link in enumerate(chain):
        born = min((*(told.at for told in link.executions), *(told.at for told in link.snapshots)), default=None)
        home = None if born is None else _continued(groups, link, born, fallback_price)
        if home is None:
            groups.append(([index], link, None))
        else:
            members, before, _ = groups[home]
            groups[home] = ([*members, index], _together(before, link), born)
    settled = [NOTHING] * len(chain)
    for members, told, since in groups:
        settled[members[-1]] = settle(
            told.executions, told.corrections, told.snapshots, since=since, fallback_price=fallback_price
        )
    return settled


def _continued(
    groups: Sequence[tuple[list[int], Evidence, datetime | None]], link: Evidence, born: datetime, price: Decimal
) -> int | None:
    """Which group a link born then counts on from: the last one that had filled anything, if the numbers fit."""
    for index in reversed(range(len(groups))):
        _, told, _ = groups[index]
        filled = settle(
            [execution for execution in told.executions if execution.at <= born],
            [correction for correction in told.corrections if correction.at <= born],
            [snapshot for snapshot in told.snapshots if snapshot.at <= born],
            fallback_price=price,
        ).quantity
        if filled:
            # What was corrected later says nothing of where the count began.
            _, amendments = _tell_apart([*told.executions, *link.executions], [*told.corrections, *link.corrections])
            until = next((amendment.at for amendment in amendments if amendment.at > born), None)
            starts = [(execution.at, execution.cumulative - execution.quantity) for execution in link.executions]
            starts += [(snapshot.at, snapshot.cumulative) for snapshot in link.snapshots]
            start = min(quantity for at, quantity in starts if until is None or at < until)
            return index if start >= filled else None
    return None


def _together(one: Evidence, other: Evidence) -> Evidence:
    return Evidence(
        [*one.executions, *other.executions],
        [*one.corrections, *other.corrections],
        [*one.snapshots, *other.snapshots],
    )


def _each_to_its_own(chain: Sequence[Evidence]) -> list[Evidence]:
    """A fill told of several orders of a chain stands with the first of them, and corrections stand with their fill."""
    names: dict[str, int] = {}
    marks: dict[tuple[datetime, Decimal, Decimal], int] = {}
    for index, link in enumerate(chain):
        for execution in link.executions:
            names.setdefault(execution.id, index)
            marks.setdefault((execution.at, execution.cumulative, execution.quantity), index)
    executions: list[list[Execution]] = [[] for _ in chain]
    corrections: list[list[Correction]] = [[] for _ in chain]
    for link in chain:
        for execution in link.executions:
            mark = marks[execution.at, execution.cumulative, execution.quantity]
            names[execution.id] = min(names[execution.id], mark)
    for index, link in enumerate(chain):
        for execution in link.executions:
            executions[names[execution.id]].append(execution)
        for correction in link.corrections:
            corrections[names.get(correction.execution_id, index)].append(correction)
    return [Evidence(*told) for told in zip(executions, corrections, (link.snapshots for link in chain), strict=True)]


def extended(settled: Settled, known: Sequence[Execution], execution: Execution) -> Settled | None:
    """
    The short way for the usual case: the next fill of an order without corrections, right behind the last one.

    Returns:
        What `settle` would; None where that has to look at everything.
    """
    if settled.provisional or execution.cumulative - execution.quantity != settled.quantity:
        return None
    if settled.fills != len(known):  # some were told twice, or again with other numbers
        return None
    reached = ZERO
    for other in known:
        if other.id == execution.id or other.at > execution.at:
            return None
        reached = max(reached, other.cumulative)
    if reached != settled.quantity:  # the stretches told overlap
        return None
    quantity = execution.cumulative
    fees, fee_quantity, fee_worth = settled.fees + execution.fee, settled.fee_quantity, settled.fee_worth
    if execution.fee_quantity:
        worth = execution.fee_quantity * execution.price
        fees, fee_quantity, fee_worth = fees + worth, fee_quantity + execution.fee_quantity, fee_worth + worth
    return Settled(
        quantity,
        settled.cost + execution.quantity * execution.price,
        fees,
        settled.fills + 1,
        (),
        settled.unmatched,
        max(settled.peak, quantity),
        fee_quantity,
        fee_worth,
    )


def _tell_apart(
    executions: Iterable[Execution], corrections: Iterable[Correction]
) -> tuple[list[Execution], list[Correction]]:
    """First tellings, and all later changes to them by date: the same id with other numbers is a correction too."""
    by_id: dict[str, list[Execution]] = {}
    for execution in executions:
        by_id.setdefault(execution.id, []).append(execution)
    originals: list[Execution] = []
    amendments = {correction.id: correction for correction in sorted(corrections, key=_seniority)}
    for name, tellings in by_id.items():
        tellings.sort(key=_precedence)
        originals.append(tellings[0])
        for number, (known, told) in enumerate(pairwise(tellings)):
            if (told.quantity, told.price) != (known.quantity, known.price):
                change = f"{name}#{number}"
                amendments[change] = Correction(
                    id=change, execution_id=name, quantity=told.quantity, price=told.price, at=told.at
                )
    return originals, sorted(amendments.values(), key=_seniority)


def _precedence(execution: Execution) -> tuple[datetime, Decimal, Decimal, Decimal, str]:
    return (execution.at, execution.cumulative, execution.quantity, execution.price, execution.id)


def _seniority(correction: Correction) -> tuple[datetime, str, str, Decimal, Decimal]:
    return (correction.at, correction.id, correction.execution_id, correction.quantity, correction.price)


def _distinct(
    originals: Iterable[Execution], executions: Iterable[Execution], dates: Sequence[datetime]
) -> dict[tuple[int, Decimal], _Fill]:
    """Fills by their key; what other sources tell of the same fill becomes one of its ids."""
    fills: dict[tuple[int, Decimal], _Fill] = {}
    by_id: dict[str, _Fill] = {}
    for execution in sorted(originals, key=_precedence):
        key = (bisect_right(dates, execution.at), execution.cumulative)
        fill = fills.setdefault(key, _Fill(execution))
        fill.ids.add(execution.id)
        by_id[execution.id] = fill
    for execution in executions:
        fill = by_id[execution.id]
        fill.fee = max(fill.fee, execution.fee)
        fill.fee_quantity = max(fill.fee_quantity, execution.fee_quantity)
    return fills


def _amend(fills: dict[tuple[int, Decimal], _Fill], amendment: Correction) -> bool:
    for fill in fills.values():
        if amendment.execution_id in fill.ids:
            fill.quantity, fill.price = amendment.quantity, amendment.price
            fill.ids.add(amendment.id)  # the next correction may name this one
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
