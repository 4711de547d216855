"""
Fees for a venue that does not tell them with its executions.

Alpaca books fees in lists of its own, once the day is over; until then its account alone shows them. So each execution
is charged by a model. Where the model has two rates, for those who take and those who rested, no answer says which one
held, but the account does: less of the coin is there, or less money. Whichever rate comes nearer to that was it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from attrs import evolve

from engine.facts import ExecutionReported, OrderReported
from engine.market.fees import Charge, FeeModel
from engine.model import ZERO, OrderRequest, Replacement, VenuePosition
from engine.ports import Broker

__all__ = ["Charged"]


class Charged:
    """
    `Broker` that adds fees to the executions of another one, which tells none.

    Args:
        fees: What the venue is expected to take.
        cash: Asks what the account has, quote units; of several executions that are heard of together nobody can tell
            what each was charged, so they have the rate of those who take.
    """

    def __init__(self, broker: Broker, fees: FeeModel, cash: Callable[[], Decimal]) -> None:
        self._broker = broker
        self._fees = fees
        self._ask_cash = cash
        self._charges: dict[str, Charge] = {}  # by execution id
        self._cash: Decimal | None = None  # as the account should have it; None: not asked yet
        self._held: dict[str, Decimal] = {}

    # --- as they are --------------------------------------------------------------------------------------------------

    def submit(self, request: OrderRequest) -> OrderReported:
        if self._cash is None:
            self._cash = self._ask_cash()
            self._held = {symbol: position.quantity for symbol, position in self._broker.positions().items()}
        return self._broker.submit(request)

    def cancel(self, broker_order_id: str) -> None:
        self._broker.cancel(broker_order_id)

    def replace(self, broker_order_id: str, change: Replacement) -> OrderReported:
        return self._broker.replace(broker_order_id, change)

    def lookup(self, *, client_order_id: str | None = None, broker_order_id: str | None = None) -> OrderReported | None:
        return self._broker.lookup(client_order_id=client_order_id, broker_order_id=broker_order_id)

    def orders(self, *, since: datetime | None = None, open_only: bool = False) -> Sequence[OrderReported]:
        return self._broker.orders(since=since, open_only=open_only)

    def positions(self) -> Mapping[str, VenuePosition]:
        return self._broker.positions()

    # --- executions ---------------------------------------------------------------------------------------------------

    def executions(self, since: datetime | None = None) -> Sequence[ExecutionReported]:
        """Those of the other broker, each with its fee; one that was charged once keeps that."""
        told = self._broker.executions(since)
        fresh = [report for report in told if report.execution.id not in self._charges]
        for report in fresh:
            self._charges[report.execution.id] = self._charge(report, alone=len(fresh) == 1)
        return [self._with_fee(report) for report in told]

    def _with_fee(self, report: ExecutionReported) -> ExecutionReported:
        charge = self._charges[report.execution.id]
        if not (charge.money or charge.coin):
            return report
        return evolve(report, execution=evolve(report.execution, fee=charge.money, fee_quantity=charge.coin))

    def _charge(self, report: ExecutionReported, *, alone: bool) -> Charge:
        done, symbol, side = report.execution, report.symbol, report.side
        taken = self._fees.charge(symbol, side, done.quantity, done.price, done.at, False)
        rested = self._fees.charge(symbol, side, done.quantity, done.price, done.at, True)
        change, paid = side.signed(done.quantity), -side.signed(done.quantity) * done.price
        charge = taken
        if taken != rested and alone and self._cash is not None:
            if taken.coin != rested.coin:
                held = self._broker.positions().get(symbol)
                missing = self._held.get(symbol, ZERO) + change - (ZERO if held is None else held.quantity)
                nearer = abs(missing - rested.coin) < abs(missing - taken.coin)
            else:
                missing = self._cash + paid - self._ask_cash()
                nearer = abs(missing - rested.money) < abs(missing - taken.money)
            charge = rested if nearer else taken
        self._held[symbol] = self._held.get(symbol, ZERO) + change - charge.coin
        if self._cash is not None:
            self._cash += paid - charge.money
        return charge
