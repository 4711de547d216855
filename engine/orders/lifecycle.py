"""
The life of one order: the only code that gives an order a status.

An `Order` holds what we meant, what we did and everything the venue said; its status, quantity and cost are worked out
from that by `take` and `note`. No fact of the venue is ever illegal; `command` says which of our own commands are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum

from attrs import evolve

from engine.errors import IllegalTransition
from engine.facts import (
    Adopted,
    CancelRefused,
    CancelRequested,
    DeclaredLost,
    Denied,
    ExecutionCorrected,
    ExecutionReported,
    Intended,
    NotFound,
    OrderReported,
    RejectedByVenue,
    Reopened,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    Unanswered,
    Unsent,
    VenueFact,
    Withdrawn,
)
from engine.model import ZERO, OrderRequest, Role, Status, VenueStatus
from engine.orders.fills import Evidence, Settled, Snapshot, extended, settle, settle_chain
from engine.orders.order import MEANING, RANK, Link, Order, Outcome, current, ended

__all__ = ["COMMANDS", "Command", "Note", "command", "note", "opened", "take"]


class Command(Enum):
    """What we may want of an order of ours."""

    SEND = "send"
    WITHDRAW = "withdraw"
    CANCEL = "cancel"
    REPLACE = "replace"


_LIVE = frozenset({Status.SENT, Status.UNKNOWN, Status.LOST, Status.ACKED, Status.WORKING, Status.PARTIAL})

COMMANDS: dict[Command, frozenset[Status]] = {
    Command.SEND: frozenset({Status.INTENT}),
    Command.WITHDRAW: frozenset({Status.INTENT}),
    Command.CANCEL: _LIVE,
    Command.REPLACE: frozenset({Status.ACKED, Status.WORKING, Status.PARTIAL}),
}


def command(order: Order, wanted: Command) -> None:
    """
    Nothing, if the order's status allows what we want of it.

    Raises:
        IllegalTransition: It does not.
    """
    if order.status not in COMMANDS[wanted]:
        raise IllegalTransition(order.id, wanted.value, order.status.value)
    if order.replacing is not None and wanted is Command.REPLACE:
        raise IllegalTransition(order.id, wanted.value, "being replaced")
    if order.cancel_requested and wanted is Command.REPLACE:
        raise IllegalTransition(order.id, wanted.value, "being cancelled")


def opened(fact: Intended | Denied | Adopted) -> Order:
    """An order as it begins: meant, denied, or found at the venue."""
    request = fact.request
    link = Link(request.id, request)
    role, group, reserve, refusal = Role.SINGLE, None, ZERO, None
    closing: Decimal | None = ZERO
    status = Status.SENT
    if isinstance(fact, Intended):
        role, group, reserve = fact.role, fact.group, fact.reserve_price
        closing = request.quantity - fact.opening if fact.opening else None
        status = Status.SENT if fact.sending else Status.INTENT
    elif isinstance(fact, Denied):
        refusal = fact.refusal
        status = Status.DENIED
    else:
        reserve = request.limit_price or request.stop_price or ZERO
    return Order(
        request,
        role,
        group,
        fact.at,
        reserve,
        closing,
        isinstance(fact, Adopted) and fact.foreign,
        (link,),
        status,
        status,
        changed=fact.at,
        refusal=refusal,
        note="" if refusal is None else refusal.message,
    )


# --- what we did ------------------------------------------------------------------------------------------------------

Note = (
    Sent
    | Unsent
    | Withdrawn
    | Unanswered
    | RejectedByVenue
    | CancelRequested
    | CancelRefused
    | ReplaceRequested
    | ReplaceRefused
    | NotFound
    | DeclaredLost
    | Reopened
)


def note(order: Order, fact: Note) -> Order:
    """The order after a fact of our own side."""
    if isinstance(fact, Sent):
        return _staged(order, Status.SENT, fact.at)
    if isinstance(fact, Unsent):
        return _staged(order, Status.INTENT, fact.at)
    if isinstance(fact, Unanswered):
        return _staged(order, Status.UNKNOWN, fact.at)
    if isinstance(fact, Withdrawn):
        return _staged(order, Status.CANCELED, fact.at, fact.reason)
    if isinstance(fact, DeclaredLost):
        return _staged(order, Status.LOST, fact.at)
    if isinstance(fact, RejectedByVenue):
        link = order.links[0]
        said = Snapshot(VenueStatus.REJECTED, ZERO, None, fact.at)
        rejected = evolve(link, snapshots=(*link.snapshots, said))
        return _worked_out(order, (rejected, *order.links[1:]), fact.at, why=fact.reason)
    if isinstance(fact, Reopened):
        working = current(order.links)
        links = tuple(evolve(link, reopened=fact.at) if link is working else link for link in order.links)
        return _worked_out(evolve(order, stage=Status.SENT, cancel_requested=False), links, fact.at)
    if isinstance(fact, CancelRequested):
        return evolve(order, cancel_requested=True, changed=fact.at)
    if isinstance(fact, CancelRefused):
        return evolve(order, cancel_requested=False, changed=fact.at)
    if isinstance(fact, ReplaceRequested):
        price = order.reserve_price if fact.reserve_price is None else max(order.reserve_price, fact.reserve_price)
        return evolve(order, replacing=fact.change, reserve_price=price, changed=fact.at)
    if isinstance(fact, ReplaceRefused):
        asked = order.replacing is not None and order.replacing.client_order_id == fact.client_order_id
        return evolve(order, replacing=None, changed=fact.at) if asked else order
    since = order.absent_since or fact.at
    return evolve(order, answers=order.answers + 1, absent_since=since)


def _staged(order: Order, stage: Status, at: datetime, why: str | None = None) -> Order:
    return _worked_out(order, order.links, at, stage=stage, heard=True, why=why)


# --- what the venue said ----------------------------------------------------------------------------------------------


def take(order: Order, fact: VenueFact, at: datetime) -> tuple[Order, Outcome]:
    """
    The order after a message of the venue about it, and what became of the message.

    Args:
        at: Our time, when the message was taken in.
    """
    index, links = _addressed(order, fact)
    link = links[index]
    before = link
    if isinstance(fact, ExecutionCorrected):
        if fact.correction not in link.corrections:
            link = evolve(link, corrections=(*link.corrections, fact.correction), known=None)
    else:
        link = _with_report(link, fact)
        if index and isinstance(fact, OrderReported) and fact.quantity is not None and fact.quantity > link.told:
            link = evolve(link, told=fact.quantity, request=evolve(link.request, quantity=fact.quantity))
    known = link is before and links is order.links and order.stage is not Status.LOST and not order.answers
    if known:
        return order, Outcome.DUPLICATE

    after = (link,) if len(links) == 1 else (*links[:index], link, *links[index + 1 :])
    stage = Status.SENT if order.stage in (Status.LOST, Status.UNKNOWN, Status.INTENT) else order.stage
    taken = _worked_out(order, after, at, stage=stage, heard=True)
    return taken, _outcome(order, taken, before, fact, named=links is not order.links)


def _addressed(order: Order, fact: VenueFact) -> tuple[int, tuple[Link, ...]]:
    """Which link the message is about; a link that the venue tells of for the first time joins the chain."""
    links = order.links
    broker_id, client_id = fact.broker_order_id, fact.client_order_id
    for index, link in enumerate(links):
        if link.broker_order_id is not None and link.broker_order_id == broker_id:
            if index and client_id is not None and link.client_order_id == broker_id:
                named = evolve(link, client_order_id=client_id, request=_continued(order, client_id, link.told))
                return index, (*links[:index], named, *links[index + 1 :])
            return index, links
    for index, link in enumerate(links):
        if link.broker_order_id is None and (client_id is None or client_id == link.client_order_id):
            if broker_id is None:
                return index, links
            named = Link(  # what `evolve` does, in a third of the time: every order comes here once
                link.client_order_id,
                link.request,
                broker_id,
                link.executions,
                link.corrections,
                link.snapshots,
                link.reopened,
                link.known,
                link.told,
            )
            return index, (*links[:index], named, *links[index + 1 :])
        if broker_id is None and client_id == link.client_order_id:
            return index, links
    name = client_id or broker_id or ""
    return len(links), (*links, Link(name, _continued(order, name, ZERO), broker_id))


def _continued(order: Order, client_id: str, told: Decimal) -> OrderRequest:
    """What the order asks for as its link of that id continues it."""
    change = order.replacing
    asked = order.request if change is None or change.client_order_id != client_id else change.applied_to(order.request)
    return evolve(asked, quantity=told) if told else asked


def _with_report(link: Link, fact: OrderReported | ExecutionReported) -> Link:
    """The link with what the message adds; the same object if it adds nothing."""
    executions, snapshots = link.executions, link.snapshots
    settled: Settled | None = link.settled
    execution = fact.execution
    if execution is not None and execution not in executions:
        settled = None if link.corrections else extended(link.settled, executions, execution)
        executions = (*executions, execution)
    if isinstance(fact, OrderReported):
        said = Snapshot(fact.status, fact.cumulative, fact.average, fact.at)
        if said not in snapshots:
            snapshots = (*snapshots, said)
            if settled is not None and (said.cumulative or link.corrections or settled.fills != len(executions)):
                explained = settled.fills == len(executions) and not (link.corrections or settled.provisional)
                if not (explained and executions and said.cumulative <= executions[-1].cumulative):
                    settled = None
    if executions is link.executions and snapshots is link.snapshots:
        return link
    return Link(
        link.client_order_id,
        link.request,
        link.broker_order_id,
        executions,
        link.corrections,
        snapshots,
        link.reopened,
        settled,
        link.told,
    )


def _outcome(before: Order, after: Order, old: Link, fact: VenueFact, *, named: bool) -> Outcome:
    """
    What became of a message that added something.

    Args:
        old: The link that it is about, as it was before.
        named: It told an id, or a link of the chain, that was not known.
    """
    if isinstance(fact, ExecutionCorrected):
        name = fact.correction.id
        again = any(known.id == name for known in old.corrections)  # if it waits, it is counted as waiting already
        waits = not again and any(name in link.settled.unmatched for link in after.links)
        return Outcome.PARKED if waits else Outcome.CORRECTION
    execution = fact.execution
    if execution is not None:
        if _fills(after) > _fills(before):
            return Outcome.APPLIED
        numbers = {(known.quantity, known.price) for known in old.executions if known.id == execution.id}
        changed = not isinstance(fact, OrderReported) and (after.filled, after.cost) != (before.filled, before.cost)
        if numbers and (changed or (execution.quantity, execution.price) not in numbers):
            return Outcome.CORRECTION
    if not isinstance(fact, OrderReported):
        return Outcome.DUPLICATE
    if after.status is not before.status or after.filled != before.filled or after.cost != before.cost:
        return Outcome.APPLIED
    if named or after.request is not before.request:
        return Outcome.APPLIED
    if execution is not None:
        return Outcome.DUPLICATE  # the fill is known by another name
    lowest = Status.WORKING if before.status is Status.PARTIAL else before.status
    if all(fact.at > known.at for known in old.snapshots):
        regresses = RANK[MEANING[fact.status]] < RANK[lowest] or fact.cumulative < old.settled.quantity
        return Outcome.STALE if regresses else Outcome.APPLIED
    told = {(known.status, known.cumulative) for known in old.snapshots}
    return Outcome.DUPLICATE if (fact.status, fact.cumulative) in told else Outcome.STALE


def _fills(order: Order) -> int:
    links = order.links
    return links[0].settled.fills if len(links) == 1 else sum(link.settled.fills for link in links)


# --- what follows -----------------------------------------------------------------------------------------------------


def _worked_out(
    order: Order,
    links: tuple[Link, ...],
    at: datetime,
    *,
    stage: Status | None = None,
    heard: bool = False,
    why: str | None = None,
) -> Order:
    """The order with its status, quantity and cost worked out afresh from its links and its stage."""
    stage = stage or order.stage
    replacing = order.replacing
    if len(links) > 1:
        links = _settled(links, order.reserve_price)
        if replacing is not None and any(link.client_order_id == replacing.client_order_id for link in links):
            replacing = None
    elif links[0].known is None:
        links = _settled(links, order.reserve_price)
    working = current(links)
    settled = working.settled
    filled, cost, fees = settled.quantity, settled.cost, settled.fees
    fee_quantity, fee_worth = settled.fee_quantity, settled.fee_worth
    for link in links:
        if link is not working:
            filled += link.settled.quantity
            cost += link.settled.cost
            fees += link.settled.fees
            fee_quantity += link.settled.fee_quantity
            fee_worth += link.settled.fee_worth
    return Order(
        working.request,
        order.role,
        order.group,
        order.placed,
        order.reserve_price,
        order.closing,
        order.foreign,
        links,
        stage,
        _status(stage, links, working, filled, working.request.quantity),
        filled,
        cost,
        fees,
        order.cancel_requested,
        replacing,
        0 if heard else order.answers,
        None if heard else order.absent_since,
        at,
        order.refusal,
        order.note if why is None else why,
        fee_quantity,
        fee_worth,
    )


def _status(stage: Status, links: Sequence[Link], working: Link, filled: Decimal, quantity: Decimal) -> Status:
    if filled >= quantity:
        return Status.FILLED
    end = ended(working)
    if end is not None:
        return MEANING[end.status]
    if working.settled.peak >= quantity and working.reopened is None:
        # It was complete once; a bust takes money back, it does not send the order again. What earlier links filled
        # under a count of their own is left out: that, and the peak, may never have been there at the same time.
        return Status.FILLED
    if stage is Status.LOST:
        return Status.LOST  # inferred from silence; `take` ends it with the venue's next word
    if filled:
        return Status.PARTIAL
    heard = False
    for link in links:
        if link.executions:
            return Status.WORKING  # busted since, but what trades has been accepted
        for snapshot in link.snapshots:
            heard = True
            if MEANING[snapshot.status] is Status.WORKING:
                return Status.WORKING
    return Status.ACKED if heard else stage


def _settled(links: tuple[Link, ...], fallback_price: Decimal) -> tuple[Link, ...]:
    """Every link with its fills worked out."""
    if len(links) == 1:
        link = links[0]
        known = settle(link.executions, link.corrections, link.snapshots, fallback_price=fallback_price)
        return (evolve(link, known=known),)
    chain = [Evidence(link.executions, link.corrections, link.snapshots) for link in links]
    outcomes = settle_chain(chain, fallback_price=fallback_price)
    return tuple(evolve(link, known=known) for link, known in zip(links, outcomes, strict=True))
