"""
What a venue does to executions after the fact: it busts one, or corrects its numbers.

The books are then what they would be had the execution never been, or been another. What followed from it is not taken
back: exits that it has set off work on, and an order that was over stays over, with less filled than it was for. An
order that is still open works for what it lacks now. The user stream's WebSocket is told nothing, as at Alpaca: the
server-sent events are, and the activity of the execution says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from bridge.venue.accounts import Account
from bridge.venue.exchange import Exchange
from bridge.venue.executions import Execution
from bridge.venue.lifecycle import Lifecycle
from bridge.venue.orders import Order
from bridge.venue.rules import require_price
from bridge.venue.spelling import moment, plain
from engine.errors import InvalidRequest
from engine.market.fees import Charge, FeeModel
from engine.market.matching import RESTED
from engine.model import ZERO, require_positive

__all__ = ["Amendments"]


class Amendments:
    """
    Args:
        accounts: By id.
        fees: By which a corrected execution is charged anew.
    """

    def __init__(
        self, accounts: Mapping[str, Account], exchange: Exchange, lifecycle: Lifecycle, fees: FeeModel
    ) -> None:
        self._accounts = accounts
        self._exchange = exchange
        self._lifecycle = lifecycle
        self._fees = fees

    def bust(self, name: str) -> Execution:
        """
        Take an execution back.

        Args:
            name: Any of its ids, that of its activity among them.

        Raises:
            InvalidRequest: There is none of that name, or it was busted before.
        """
        execution = self._standing(name)
        self._change(execution, ZERO, execution.price)
        return execution

    def correct(self, name: str, *, price: Decimal | None = None, quantity: Decimal | None = None) -> Execution:
        """
        Change an execution's price, quantity or both; what is None stays.

        Raises:
            InvalidRequest: As in `bust`; or the numbers make no sense, change nothing, or are more than the order is
                for. A correction does not fill an order that is open: it has to leave something of it.
        """
        execution = self._standing(name)
        order = execution.order
        price = execution.price if price is None else price
        quantity = execution.quantity if quantity is None else quantity
        require_price("price", price)
        require_positive("quantity", quantity)
        if (price, quantity) == (execution.price, execution.quantity):
            raise InvalidRequest("price, quantity", (price, quantity), "at least one that changes")
        for each in self._chain(order):
            room = (each.quantity or ZERO) - each.filled + execution.quantity
            if quantity > room or (each.open and quantity == room):
                raise InvalidRequest("quantity", quantity, f"{'less than' if each.open else 'at most'} {plain(room)}")
        self._change(execution, quantity, price)
        return execution

    def _standing(self, name: str) -> Execution:
        execution = self._lifecycle.executions.find(name)
        if execution is None:
            raise InvalidRequest("execution", name, "the id of an execution, or of its activity")
        if execution.state == "busted":
            raise InvalidRequest("execution", name, "one that still stands: it was busted")
        return execution

    def _chain(self, order: Order) -> Iterator[Order]:
        """The order and those that have replaced it: they have its fills."""
        orders = self._accounts[order.owner].orders
        following: Order | None = order
        while following is not None:
            yield following
            following = None if following.replaced_by is None else orders[following.replaced_by]

    def _change(self, execution: Execution, quantity: Decimal, price: Decimal) -> None:
        asset, account = execution.asset, self._accounts[execution.order.owner]
        executions, yesterday = self._lifecycle.executions, self._exchange.yesterday(asset)
        before = (execution.signed, execution.price, execution.charge, execution.fee, execution.quantity)
        _, earned = executions.folded(account.id, asset, yesterday)

        execution.quantity, execution.price = quantity, price
        execution.charge = self._charge(execution)
        was_signed, was_price, was_charge, was_fee, was_quantity = before
        account.cash += was_signed * was_price + was_charge.money
        account.cash -= execution.signed * price + execution.charge.money
        account.fees += execution.fee - was_fee
        holding, now_earned = executions.folded(account.id, asset, yesterday)
        account.earned += now_earned - earned
        if holding.quantity:
            account.holdings[asset.symbol] = holding
        else:
            account.holdings.pop(asset.symbol, None)

        filled, cost = quantity - was_quantity, quantity * price - was_quantity * was_price
        self._lifecycle.amended(execution, list(self._chain(execution.order)), filled, cost, self._exchange.now)
        for order in self._chain(execution.order):
            self._exchange.work_again(order)

    def _charge(self, execution: Execution) -> Charge:
        if not execution.quantity:
            return Charge()
        side, rested = execution.order.draft.side, execution.assumption in RESTED
        at = moment(execution.at)
        return self._fees.charge(execution.asset.symbol, side, execution.quantity, execution.price, at, rested)
