"""
What a session's fills rest on: which assumption made how many of them, and what each model cost.

A fold over the orders, which are folded from the facts: the same after a resume.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from attrs import frozen

from engine.model import ZERO
from engine.orders.order import Order

__all__ = ["Assumed", "assumed"]


@frozen
class Assumed:
    """
    The account of all fills that a simulated venue made.

    Attributes:
        fills: How many fills each assumption made, the most frequent first.
        costs: What each model made them dearer by, quote units, by its name.
    """

    fills: dict[str, int]
    costs: dict[str, Decimal]


def assumed(orders: Iterable[Order]) -> Assumed:
    """The account; a fill that was told twice counts once, and one that was taken back not at all."""
    fills: Counter[str] = Counter()
    costs: dict[str, Decimal] = {}
    for order in orders:
        counted = set()
        for link in order.links:
            if not link.executions:
                continue
            busted = {correction.execution_id for correction in link.corrections if not correction.quantity}
            for told in link.executions:
                mark = (told.at, told.cumulative, told.quantity)
                if told.assumption is None or mark in counted or told.id in busted:
                    continue
                counted.add(mark)
                fills[told.assumption] += 1
                for cost in told.costs:
                    costs[cost.model] = costs.get(cost.model, ZERO) + cost.amount
    return Assumed(dict(sorted(fills.items(), key=lambda item: (-item[1], item[0]))), dict(sorted(costs.items())))
