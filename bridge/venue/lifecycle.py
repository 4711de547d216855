"""
What becomes of an order: the only code that changes a status, books an execution, or tells the stream.

An event is told once it is booked: whoever reads the account at a frame finds what the frame says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal

from bridge.venue.accounts import Account
from bridge.venue.activities import Activity
from bridge.venue.executions import Execution, Executions
from bridge.venue.hours import Hours
from bridge.venue.identity import Identity
from bridge.venue.orders import Order
from bridge.venue.schedule import Schedule
from bridge.venue.spelling import NEW_YORK, plain, zulu
from bridge.venue.updates import Updates
from engine.market.fees import Charge
from engine.market.matching import Assumption

__all__ = ["Lifecycle"]

_STAMPS = {
    "canceled": "canceled_at",
    "expired": "expired_at",
    "rejected": "failed_at",
    "replaced": "replaced_at",
}
_UNDECIDED = frozenset({"pending_cancel", "pending_replace"})
_DAY = timedelta(days=1)


class Lifecycle:
    """
    Args:
        accounts: By id.
        schedule: Where fees wait for the end of their day.
        hours: By which shares settle.

    Attributes:
        executions: All that were booked here.
    """

    def __init__(
        self, identity: Identity, updates: Updates, accounts: Mapping[str, Account], schedule: Schedule, hours: Hours
    ) -> None:
        self._hours = hours
        self._identity = identity
        self._updates = updates
        self._accounts = accounts
        self._schedule = schedule
        self.executions = Executions()

    def received(self, order: Order, status: str) -> None:
        """
        An order comes in, and its legs with it.

        Args:
            status: "pending_new": on its way to the market; "accepted": the market is closed.
        """
        order.status = status
        account = self._accounts[order.owner]
        account.take_in(order)
        for leg in order.legs:
            account.take_in(leg)
        self._updates.tell(status, order, order.created_at)

    def at_market(self, order: Order, now: datetime) -> None:
        """It is at the market from now on: its moment of submission is this one."""
        at = self._identity.stamp(now)
        order.status, order.updated_at = "new", at
        self._accounts[order.owner].submit_again(order, at)
        self._updates.tell("new", order, at)

    def asked_to_cancel(self, order: Order, now: datetime) -> None:
        order.status = "pending_cancel"
        order.cancel_requested_at = order.updated_at = self._identity.stamp(now)

    def asked_to_replace(self, order: Order, now: datetime) -> None:
        order.status = "pending_replace"
        order.updated_at = self._identity.stamp(now)

    def goes_on(self, order: Order, now: datetime) -> None:
        """Its replacement was refused: it works as before."""
        at = order.updated_at = self._identity.stamp(now)
        if order.open:
            order.status = "partially_filled" if order.filled else "new"
        self._updates.tell("order_replace_rejected", order, at)

    def over(self, order: Order, status: str, now: datetime) -> None:
        """It ends without another execution."""
        at = order.updated_at = self._identity.stamp(now)
        order.status = status
        setattr(order, _STAMPS[status], at)
        self._accounts[order.owner].open.pop(order.id, None)
        self._updates.tell(status, order, at)

    def filled(
        self,
        order: Order,
        quantity: Decimal,
        price: Decimal,
        charge: Charge,
        now: datetime,
        assumption: Assumption,
    ) -> None:
        """One execution, booked and told."""
        account, side = self._accounts[order.owner], order.draft.side
        if order.status == "held":
            self.at_market(order, now)
        position = account.book(order.asset, side, quantity, price, charge)
        at = order.updated_at = self._identity.stamp(now)
        order.filled += quantity
        order.cost += quantity * price
        complete = order.filled == order.quantity
        if complete:
            order.status, order.filled_at = "filled", at
            account.open.pop(order.id, None)
        elif order.status not in _UNDECIDED:
            order.status = "partially_filled"
        activity = self._record(account, order, quantity, price, at)
        event = "fill" if complete else "partial_fill"
        settles = self._hours.settles(now, crypto=order.asset.crypto)
        more = {} if settles is None else {"settle_date": settles}
        told = self._updates.tell(event, order, at, price=price, qty=quantity, position_qty=position, more=more)
        execution = Execution(
            ids=[told["execution_id"]],
            activity=activity,
            order=order,
            quantity=quantity,
            price=price,
            charge=charge,
            at=at,
            position=position,
            assumption=assumption,
        )
        self.executions.add(execution)
        self._charge(execution, now)

    def amended(
        self, execution: Execution, orders: Sequence[Order], filled: Decimal, cost: Decimal, now: datetime
    ) -> None:
        """
        An execution's numbers have changed, and are booked; it is told to those who read server-sent events.

        Args:
            orders: That of the execution, and those that have replaced it.
            filled, cost: What is added to what they have filled; base units, quote units.
        """
        at = self._identity.stamp(now)
        busted = not execution.quantity
        for order in orders:
            order.filled += filled
            order.cost += cost
            order.updated_at = at
            if order.status == "partially_filled" and not order.filled:
                order.status = "new"
        order, body = orders[0], execution.activity.body
        execution.state = "busted" if busted else "corrected"
        if busted:
            body["status"] = "canceled"
        else:
            body |= {"status": "correct", "price": plain(execution.price), "qty": plain(execution.quantity)}
        told = self._updates.tell(
            "trade_bust" if busted else "trade_correct",
            order,
            at,
            price=execution.price,
            qty=-filled if busted else execution.quantity,
            position_qty=self._accounts[order.owner].quantity(order.asset),
            more={"previous_execution_id": execution.ids[-1]},
            sse_only=True,
        )
        self.executions.also(execution, told["execution_id"])
        if execution.written != Charge():
            self._write_fee(execution, now.astimezone(NEW_YORK).date().isoformat(), now)

    # --- activities ---------------------------------------------------------------------------------------------------

    def _record(self, account: Account, order: Order, quantity: Decimal, price: Decimal, at: int) -> Activity:
        name = self._identity.activity(at)
        body = {
            "id": name,
            "activity_type": "FILL",
            "transaction_time": zulu(at),
            "type": "fill" if order.status == "filled" else "partial_fill",
            "price": plain(price),
            "qty": plain(quantity),
            "side": "sell_short" if order.opens and not order.draft.buying else order.draft.side.value,
            "symbol": order.asset.symbol,
            "leaves_qty": plain(order.remaining),
            "order_id": order.id,
            "cum_qty": plain(order.filled),
            "order_status": "filled" if order.status == "filled" else "partially_filled",
        }
        activity = Activity(id=name, kind="FILL", at=at, body=body)
        account.activities.append(activity)
        return activity

    def _charge(self, execution: Execution, now: datetime) -> None:
        """A fee is an entry of its own, written when its day in New York is over."""
        if execution.charge == Charge():
            return
        day = now.astimezone(NEW_YORK).date()
        ends = datetime.combine(day + _DAY, time(), NEW_YORK).astimezone(now.tzinfo)
        self._schedule.at(ends, self._write_fee, execution, day.isoformat(), ends, rank=3)

    def _write_fee(self, execution: Execution, day: str, now: datetime) -> None:
        """What of its charge has not been written; after a bust or a correction that may be money back."""
        account, order, price = self._accounts[execution.order.owner], execution.order, execution.price
        written, execution.written = execution.written, execution.charge
        charge = Charge(execution.charge.money - written.money, execution.charge.coin - written.coin)
        if charge == Charge():
            return
        at = self._identity.stamp(now)
        kind = "CFEE" if charge.coin else "FEE"
        name = self._identity.activity(at)
        body = {
            "id": name,
            "activity_type": kind,
            "date": day,
            "created_at": zulu(at),
            "net_amount": plain(-charge.money),
            "description": "Coin Pair Transaction Fee (Non USD)" if charge.coin else "Transaction Fee",
            "status": "executed",
            "currency": "USD",
            "symbol": order.asset.short_symbol,
        }
        if charge.coin:
            body |= {"qty": plain(-charge.coin), "price": plain(price)}
        account.activities.append(Activity(id=name, kind=kind, at=at, body=body))
