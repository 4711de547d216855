"""
Protective orders for venues that do not group orders themselves.

A group is named by one order: an entry, whose `exits` say what protects it once it fills (OTO with one, bracket with
two), or the take-profit of an OCO pair. `due` compares what should stand at the venue with what does and answers with
the steps that are missing; it is a pure function of the orders, so a restart goes on where the journal ends.
"""

from __future__ import annotations

from decimal import Decimal

from attrs import frozen

from engine.model import ZERO, OrderRequest, OrderType, Role, Status, TimeInForce
from engine.orders.order import Order
from engine.orders.tracker import Tracker

__all__ = ["Cancel", "Place", "Resize", "Step", "due", "exit_request", "group_of", "unprotected"]


@frozen
class Place:
    """Send a protective order."""

    request: OrderRequest
    role: Role
    group: str


@frozen
class Resize:
    """Give a protective order another total quantity, base units."""

    order_id: str
    quantity: Decimal


@frozen
class Cancel:
    """Take a protective order away: there is nothing left for it to close."""

    order_id: str
    reason: str


Step = Place | Resize | Cancel

_SUFFIX = {Role.TAKE_PROFIT: "tp", Role.STOP_LOSS: "sl"}


def group_of(order: Order) -> str | None:
    """The group that a change of this order may concern; None: none."""
    return order.group or (order.id if order.request.exits is not None else None)


def due(group: str, tracker: Tracker) -> list[Step]:
    """What has to be done in the group of that name now; nothing while all stands as it should."""
    head = tracker[group]
    exits = [tracker[member] for member in tracker.members(group)]
    target = _target(head)
    left = target - sum((order.filled for order in exits), ZERO)
    steps: list[Step] = []
    for role in (Role.STOP_LOSS, Role.TAKE_PROFIT):
        mine = [order for order in exits if order.role is role]
        last = mine[-1] if mine else None
        if last is None or last.status is Status.FILLED:
            request = exit_request(head, role, left, number=len(mine) + 1) if left > 0 else None
            if request is not None:
                steps.append(Place(request, role, group))
        elif last.status.terminal or last.status is Status.LOST or last.cancel_requested:
            continue  # somebody or something did not want it: an alarm's matter, not ours to send again
        elif left <= 0:
            steps.append(Cancel(last.id, "nothing is left for it to close"))
        elif last.quantity != left + last.filled and last.replacing is None:
            steps.append(Resize(last.id, left + last.filled))
    return steps


def unprotected(group: str, tracker: Tracker) -> Decimal:
    """How much of a group's position needs a stop and has none alive, base units."""
    head = tracker[group]
    exits = [tracker[member] for member in tracker.members(group)]
    needs_stop = head.request.exits is not None and head.request.exits.stop_loss is not None
    if not needs_stop and not any(order.role is Role.STOP_LOSS for order in exits):
        return ZERO
    alive = any(
        order.role is Role.STOP_LOSS
        and not order.status.terminal
        and order.status not in (Status.LOST, Status.INTENT)
        and not order.resting
        for order in exits
    )
    left = _target(head) - sum((order.filled for order in exits), ZERO)
    return ZERO if alive else max(left, ZERO)


def exit_request(head: Order, role: Role, quantity: Decimal, *, number: int = 1) -> OrderRequest | None:
    """The protective order of that role, for ``quantity`` base units; None: the group has none."""
    exits = head.request.exits
    if exits is None:
        return None
    limit: Decimal | None
    if role is Role.TAKE_PROFIT:
        kind, limit, stop = OrderType.LIMIT, exits.take_profit, None
    else:
        kind, limit, stop = OrderType.STOP, exits.stop_limit, exits.stop_loss
        if limit is not None:
            kind = OrderType.STOP_LIMIT
    if (limit if role is Role.TAKE_PROFIT else stop) is None:
        return None
    lasting = head.request.time_in_force in (TimeInForce.DAY, TimeInForce.GTC)
    return OrderRequest(
        symbol=head.symbol,
        side=head.side.opposite if head.role is Role.ENTRY else head.side,
        type=kind,
        quantity=quantity,
        time_in_force=head.request.time_in_force if lasting else TimeInForce.GTC,
        limit_price=limit,
        stop_price=stop,
        client_order_id=f"{head.id}.{_SUFFIX[role]}{'' if number == 1 else number}",
    )


def _target(head: Order) -> Decimal:
    """How much the group is there to close, base units: what the entry filled, or what the pair was sent for."""
    return head.filled if head.role is Role.ENTRY else head.links[0].quantity
