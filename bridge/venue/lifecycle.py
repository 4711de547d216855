"""
What becomes of an order: the only code that changes a status, books an execution, or tells the stream.

An event is told once it is booked: whoever reads the account at a frame finds what the frame says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal

from bridge.venue.accounts import Account
from bridge.venue.activities import Activity
from bridge.venue.hours import Hours
from bridge.venue.identity import Identity
from bridge.venue.orders import Order
from bridge.venue.schedule import Schedule
from bridge.venue.spelling import NEW_YORK, plain, zulu
from bridge.venue.updates import Updates
from engine.market.fees import Charge

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
    """

    def __init__(
        self, identity: Identity, updates: Updates, accounts: Mapping[str, Account], schedule: Schedule, hours: Hours
    ) -> None:
        self._hours = hours
        self._identity = identity
        self._updates = updates
        self._accounts = accounts
        self._schedule = schedule

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

    def filled(self, order: Order, quantity: Decimal, price: Decimal, charge: Charge, now: datetime) -> None:
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
        self._record(account, order, quantity, price, at)
        self._charge(account, order, charge, price, now)
        event = "fill" if complete else "partial_fill"
        settles = self._hours.settles(now, crypto=order.asset.crypto)
        more = {} if settles is None else {"settle_date": settles}
        self._updates.tell(event, order, at, price=price, qty=quantity, position_qty=position, more=more)

    # --- activities ---------------------------------------------------------------------------------------------------

    def _record(self, account: Account, order: Order, quantity: Decimal, price: Decimal, at: int) -> None:
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
        account.activities.append(Activity(id=name, kind="FILL", at=at, body=body))

    def _charge(self, account: Account, order: Order, charge: Charge, price: Decimal, now: datetime) -> None:
        """A fee is an entry of its own, written when its day in New York is over."""
        if not (charge.coin or charge.money):
            return
        day = now.astimezone(NEW_YORK).date()
        ends = datetime.combine(day + _DAY, time(), NEW_YORK).astimezone(now.tzinfo)
        self._schedule.at(ends, self._write_fee, account, order, charge, price, day.isoformat(), ends, rank=3)

    def _write_fee(
        self, account: Account, order: Order, charge: Charge, price: Decimal, day: str, now: datetime
    ) -> None:
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
