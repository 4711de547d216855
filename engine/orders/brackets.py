"""
Protective orders for venues that do not group orders themselves.

A group is named by one order: an entry, whose `exits` say what protects it once it fills (OTO with one, bracket with
two), or the take-profit of an OCO pair. `due` compares what should stand at the venue with what does and answers with
the steps that are missing; it is a pure function of the orders and of what is held, so a restart goes on where the
journal ends. `Guards` takes those steps and tells of positions that stay without their stop.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import evolve, frozen

from engine.clock import Clock
from engine.events import Alarm, AlarmCode
from engine.facts import Fact, OrderReported, PositionAdjusted
from engine.model import ZERO, Exits, OrderRequest, OrderType, Role, Side, Status, TimeInForce, VenueStatus
from engine.orders.lifecycle import COMMANDS, Command
from engine.orders.order import Order
from engine.orders.tracker import Tracker
from engine.ports import BooksView

__all__ = [
    "Cancel",
    "Guards",
    "Place",
    "Resize",
    "Step",
    "due",
    "exit_request",
    "group_of",
    "stop_beside",
    "unprotected",
]


@frozen
class Place:
    """Send a protective order; ``again``: our gate denied one in its place before."""

    request: OrderRequest
    role: Role
    group: str
    again: bool = False


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
_NOTHING_LEFT = "nothing is left for it to close"
_WRONG_SIZE = "it has the wrong size by now"


def group_of(order: Order) -> str | None:
    """The group that a change of this order may concern; None: none."""
    return order.group or (order.id if order.role is Role.ENTRY else None)


def due(group: str, tracker: Tracker, free: Decimal) -> list[Step]:
    """
    What has to be done in the group of that name now; nothing while all stands as it should.

    Args:
        free: How much of the position is the group's to close, base units.
    """
    head = tracker[group]
    exits = [tracker[member] for member in tracker.members(group)]
    left = min(_left(head, exits), free)
    by_role = {
        role: [order for order in exits if order.role is role and not _as_good_as_none(order)]
        for role in (Role.STOP_LOSS, Role.TAKE_PROFIT)
    }
    # A filled exit has closed all there was. What the entry fills after that is a new round, with new orders.
    rounds = max(
        (number for mine in by_role.values() for number, order in enumerate(mine, 1) if _full(order)), default=0
    )
    steps: list[Step] = []
    for role, mine in by_role.items():
        last = mine[-1] if mine else None
        steps += [Cancel(order.id, "another one has taken its place") for order in mine[:-1] if _cancellable(order)]
        if last is None or (last.status.terminal and len(mine) <= rounds):
            number = _unused(head, role, tracker)
            request = None if left <= 0 else exit_request(head, role, left, number=number)
            if request is not None:
                again = number > 1 + sum(order.role is role for order in exits)
                steps.append(Place(request, role, group, again))
        elif not _cancellable(last):
            continue  # somebody or something did not want it: an alarm's matter, not ours to send again
        elif left <= 0:
            steps.append(Cancel(last.id, _NOTHING_LEFT))
        elif last.status is Status.INTENT and last.quantity != left:
            steps.append(Cancel(last.id, _WRONG_SIZE))
        elif last.quantity != left + last.filled and last.replacing is None:
            steps.append(Resize(last.id, left + last.filled))
    return steps


def unprotected(group: str, tracker: Tracker, free: Decimal) -> Decimal:
    """How much of a group's position needs a stop and has none alive, base units; ``free`` as in `due`."""
    head = tracker[group]
    exits = [tracker[member] for member in tracker.members(group)]
    if head.request.exits is None or head.request.exits.stop_loss is None:
        return ZERO
    covered = sum(
        (
            order.remaining
            for order in exits
            if order.role is Role.STOP_LOSS and order.status not in (Status.LOST, Status.INTENT) and not order.resting
        ),
        ZERO,
    )
    return max(min(_left(head, exits), free) - covered, ZERO)


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
        side=_closing_side(head),
        type=kind,
        quantity=quantity,
        time_in_force=head.request.time_in_force if lasting else TimeInForce.GTC,
        limit_price=limit,
        stop_price=stop,
        client_order_id=_name(head, role, number),
    )


def stop_beside(profit: OrderRequest, exits: Exits) -> OrderRequest:
    """The stop order of an OCO pair, beside its take-profit."""
    return evolve(
        profit,
        type=OrderType.STOP if exits.stop_limit is None else OrderType.STOP_LIMIT,
        limit_price=exits.stop_limit,
        stop_price=exits.stop_loss,
        exits=None,
        client_order_id=f"{profit.id}.{_SUFFIX[Role.STOP_LOSS]}",
    )


class Guards:
    """
    Sees to it that every group stands as it should.

    Args:
        view: What is held, and what other exits are closing.
        place, resize, cancel: Take a step; what came of it is seen in the tracker.
        tell: Takes an alarm.
        unprotected_for: How long a position may lack its stop before there is an alarm, and between two alarms.
        retry_after: When a step that did not go through is tried again. Both in market time.
    """

    def __init__(
        self,
        tracker: Tracker,
        view: BooksView,
        clock: Clock,
        *,
        place: Callable[[Place], object],
        resize: Callable[[Resize], object],
        cancel: Callable[[Cancel], object],
        tell: Callable[[Alarm], object],
        unprotected_for: timedelta,
        retry_after: timedelta,
    ) -> None:
        self._tracker = tracker
        self._view = view
        self._clock = clock
        self._place = place
        self._resize = resize
        self._cancel = cancel
        self._tell = tell
        self._unprotected_for = unprotected_for
        self._retry_after = retry_after
        self._changed: dict[str, None] = {}  # groups to look at, in the order in which they changed
        self._again: dict[str, datetime] = {}  # groups with a step that did not go through
        self._bare: dict[str, tuple[datetime, datetime]] = {}  # groups without their stop: since when, next alarm
        self._open: dict[str, str] = {}  # groups with something to close or alive, and their symbol

    @property
    def busy(self) -> bool:
        """Whether `work` has something to do, now or later, even if no fact arrives."""
        return bool(self._changed or self._again or self._bare)

    def changed(self, order: Order) -> None:
        """An order changed, which may be one of a group."""
        group = group_of(order)
        if group is not None:
            self._changed[group] = None
            self._open.setdefault(group, order.symbol)

    def moved(self, symbol: str) -> None:
        """The position in a symbol changed: what its groups may close, too."""
        for group, its_symbol in self._open.items():
            if its_symbol == symbol:
                self._changed[group] = None

    def heard(self, fact: Fact) -> None:
        """A fact came that changed no order and told no fill: it may concern groups all the same."""
        if isinstance(fact, PositionAdjusted):
            self.moved(fact.symbol)
        elif isinstance(fact, OrderReported) and fact.status is VenueStatus.RESTING:
            order = self._tracker.find(client_order_id=fact.client_order_id, broker_order_id=fact.broker_order_id)
            if order is not None:
                self.changed(order)

    def work(self) -> None:
        """Take all steps that are due, and tell of positions that have been without their stop for too long."""
        now = self._clock.now()
        for group in [group for group, at in self._again.items() if at <= now]:
            self._changed[group] = None
        while self._changed:
            self._look_at(next(iter(self._changed)))
        for group, (since, next_alarm) in list(self._bare.items()):
            if now < next_alarm:
                continue
            bare = unprotected(group, self._tracker, self._free(group))
            if not bare:
                del self._bare[group]
                continue
            self._bare[group] = (since, now + self._unprotected_for)
            symbol = self._tracker[group].symbol
            what = f"{bare} of {symbol} have had no working stop since {since.isoformat()}"
            self._tell(Alarm(at=now, code=AlarmCode.UNPROTECTED, symbol=symbol, order_id=group, message=what))

    def _look_at(self, group: str) -> None:
        del self._changed[group]
        self._again.pop(group, None)
        try:
            for step in due(group, self._tracker, self._free(group)):
                if isinstance(step, Place):
                    self._place(step)
                elif isinstance(step, Cancel):
                    self._cancel(step)
                elif self._tracker[step.order_id].status in COMMANDS[Command.REPLACE]:
                    self._resize(step)
        except BaseException:
            self._changed[group] = None  # what is still missing is found again
            raise
        now, free = self._clock.now(), self._free(group)
        tracker, alive = self._tracker, self._tracker.live
        members = [alive[member] for member in tracker.members(group) if member in alive]
        # What is still due did not go through, and of a replacement that nobody answered we are not told the end.
        if any(member.replacing is not None for member in members) or due(group, tracker, free):
            self._again[group] = now + self._retry_after
        if unprotected(group, tracker, free):
            self._bare.setdefault(group, (now, now + self._unprotected_for))
        else:
            self._bare.pop(group, None)
        if not (members or group in alive or group in self._again or group in self._bare):
            self._open.pop(group, None)

    def _free(self, group: str) -> Decimal:
        """
        How much of the position is the group's to close.

        Where not all that was bought is held any more, because somebody sold some of it, the latest groups have it, and
        those that ask for nothing come last.
        """
        tracker, head = self._tracker, self._tracker[group]
        side = _closing_side(head)
        free = max(-side.signed(self._view.position(head.symbol)), ZERO)
        for order in tracker.live.values():
            if order.group is None and order.side is side and order.symbol == head.symbol:
                free -= self._view.exit_reserved_by(order.id)
        claims = self._claim(group)
        for other in reversed(self._open):
            if other == group and claims:
                break
            if self._open[other] == head.symbol and _closing_side(tracker[other]) is side:
                free -= self._claim(other)
        return free

    def _claim(self, group: str) -> Decimal:
        """What a group wants to close: all it has left, unless it stands without exits and asks for none."""
        tracker = self._tracker
        exits = [tracker[member] for member in tracker.members(group)]
        left = max(_left(tracker[group], exits), ZERO)
        standing = any(_cancellable(order) and order.status is not Status.LOST for order in exits)
        return left if standing or due(group, tracker, left) else ZERO


def _left(head: Order, exits: list[Order]) -> Decimal:
    """
    How much the group has still to close, base units: what the entry brought, or what the pair was sent for.

    A fee that was taken in the coin is not held, so it cannot be sold again.
    """
    target = head.moved if head.role is Role.ENTRY else head.links[0].quantity
    return target - sum((order.moved for order in exits), ZERO)


def _as_good_as_none(order: Order) -> bool:
    """LOST (should it turn up after all, it is one too many), or withdrawn by us to make place for another."""
    return order.status is Status.LOST or order.note in (_NOTHING_LEFT, _WRONG_SIZE)


def _full(order: Order) -> bool:
    return order.status is Status.FILLED


def _cancellable(order: Order) -> bool:
    return not (order.status.terminal or order.cancel_requested)


def _closing_side(head: Order) -> Side:
    return head.side.opposite if head.role is Role.ENTRY else head.side


def _name(head: Order, role: Role, number: int) -> str:
    return f"{head.id}.{_SUFFIX[role]}{'' if number == 1 else number}"


def _unused(head: Order, role: Role, tracker: Tracker) -> int:
    """The first number whose name is free: one that our gate denied is used up as well."""
    number = 1
    while _name(head, role, number) in tracker:
        number += 1
    return number
