"""The tables of a history: what the page shows in part, and what is exported whole."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from engine.model import ZERO, Status
from engine.orders.order import Order
from engine.report.history import History

__all__ = ["Column", "Kind", "Table", "VENUE_REJECTED", "reason", "tables"]

VENUE_REJECTED = "VENUE_REJECTED"  # the code of a refusal that was not our gate's


class Kind(Enum):
    """What stands in a column; each may be None where nothing is to be told."""

    TEXT = "text"
    MOMENT = "moment"  # datetime, UTC
    AMOUNT = "amount"  # Decimal
    COUNT = "count"  # int
    SECONDS = "seconds"  # float
    FLAG = "flag"  # bool


@frozen
class Column:
    name: str
    kind: Kind = Kind.TEXT


@frozen
class Table:
    """Rows of values, oldest first, each as long as there are columns."""

    name: str
    columns: tuple[Column, ...]
    rows: list[tuple[object, ...]]


def tables(told: History) -> dict[str, Table]:
    """orders, fills, trades, locks, refusals and equity, by these names."""
    made = (_orders(told), _fills(told), _trades(told), _locks(told), _refusals(told), _equity(told))
    return {table.name: table for table in made}


def reason(order: Order, told: History) -> str:
    """Why an order ended without having filled, and what was changed of it; "" where its status says it all."""
    return "; ".join(part for part in (_ending(order, told), *told.changes.get(order.id, ())) if part)


def _ending(order: Order, told: History) -> str:
    if order.refusal is not None:
        return f"{order.refusal.code}: {order.refusal.message}"
    if order.status is Status.FILLED:
        return ""
    asked = told.cancelled.get(order.id, "")
    if not order.status.terminal:
        return f"cancel asked for: {asked}" if asked else ""
    if order.status is Status.CANCELED and asked:
        return asked
    return order.note or order.evidence or ""


def _columns(*columns: str | tuple[str, Kind]) -> tuple[Column, ...]:
    return tuple(Column(column) if isinstance(column, str) else Column(*column) for column in columns)


def _orders(told: History) -> Table:
    columns = _columns(
        "order_id",
        ("placed", Kind.MOMENT),
        "symbol",
        "side",
        "type",
        ("quantity", Kind.AMOUNT),
        ("limit_price", Kind.AMOUNT),
        ("stop_price", Kind.AMOUNT),
        "time_in_force",
        "role",
        "group",
        ("market", Kind.AMOUNT),  # its last price when the order was meant
        "status",
        ("filled", Kind.AMOUNT),
        ("average", Kind.AMOUNT),
        ("fees", Kind.AMOUNT),
        ("changed", Kind.MOMENT),
        "reason",
    )
    rows: list[tuple[object, ...]] = []
    for order in told.orders:
        asked = order.request
        rows.append(
            (
                order.id,
                order.placed,
                order.symbol,
                order.side.value,
                asked.type.value,
                asked.quantity,
                asked.limit_price,
                asked.stop_price,
                asked.time_in_force.value,
                order.role.value,
                order.group,
                told.placed_at.get(order.id),
                order.status.value,
                order.filled,
                order.average,
                order.fees,
                order.changed,
                reason(order, told),
            )
        )
    return Table("orders", columns, rows)


def _fills(told: History) -> Table:
    columns = _columns(
        ("at", Kind.MOMENT),
        "order_id",
        "symbol",
        "side",
        ("quantity", Kind.AMOUNT),
        ("price", Kind.AMOUNT),
        ("cost", Kind.AMOUNT),
        ("fee", Kind.AMOUNT),
        ("fee_quantity", Kind.AMOUNT),
        ("expected", Kind.AMOUNT),
        ("slippage", Kind.AMOUNT),
        ("slippage_bps", Kind.AMOUNT),
        ("provisional", Kind.FLAG),
        "assumption",
        ("modelled_cost", Kind.AMOUNT),
    )
    rows: list[tuple[object, ...]] = []
    for fill in told.fills:
        slip = fill.slip
        rows.append(
            (
                fill.at,
                fill.order_id,
                fill.symbol,
                fill.side.value,
                fill.quantity,
                fill.price,
                fill.cost,
                fill.fee,
                fill.fee_quantity,
                fill.expected,
                None if slip is None else slip.cost,
                None if slip is None else slip.bps,
                fill.provisional,
                fill.assumption,
                sum((cost.amount for cost in fill.costs), ZERO),
            )
        )
    return Table("fills", columns, rows)


def _trades(told: History) -> Table:
    columns = _columns(
        ("number", Kind.COUNT),
        "symbol",
        "side",
        ("quantity", Kind.AMOUNT),
        ("opened", Kind.MOMENT),
        ("closed", Kind.MOMENT),
        ("held", Kind.SECONDS),
        ("entry", Kind.AMOUNT),
        ("exit", Kind.AMOUNT),
        ("cost", Kind.AMOUNT),
        ("profit", Kind.AMOUNT),
        ("ratio", Kind.AMOUNT),
        ("fees", Kind.AMOUNT),
        "reason",
        "orders",
    )
    rows: list[tuple[object, ...]] = [
        (
            trade.number,
            trade.symbol,
            trade.side.value,
            trade.quantity,
            trade.opened,
            trade.closed,
            (trade.closed - trade.opened).total_seconds(),
            trade.entry,
            trade.exit,
            trade.cost,
            trade.profit,
            trade.ratio,
            trade.fees,
            trade.reason.value,
            _joined(trade.orders),
        )
        for trade in told.trades
    ]
    return Table("trades", columns, rows)


def _locks(told: History) -> Table:
    columns = _columns(
        "id",
        "protection",
        "symbol",
        "side",
        ("from", Kind.MOMENT),
        ("until", Kind.MOMENT),
        ("released", Kind.MOMENT),
        "reason",
        "released_because",
        "trades",
    )
    rows: list[tuple[object, ...]] = []
    for each in told.locks:
        lock = each.lock
        side = None if lock.side is None else lock.side.value
        rows.append(
            (
                lock.id,
                lock.protection,
                lock.symbol,
                side,
                lock.at,
                lock.until,
                each.released,
                lock.reason,
                each.why or None,
                _joined(map(str, lock.trades)),
            )
        )
    return Table("locks", columns, rows)


def _refusals(told: History) -> Table:
    columns = _columns(
        ("at", Kind.MOMENT),
        "order_id",
        "symbol",
        "side",
        "type",
        ("quantity", Kind.AMOUNT),
        "code",
        "message",
        "value",
        "bound",
        "nearest",
    )
    rows: list[tuple[object, ...]] = []
    for order in told.orders:
        asked, refusal = order.request, order.refusal
        what = (order.placed, order.id, order.symbol, order.side.value, asked.type.value, asked.quantity)
        if refusal is not None:
            rows.append((*what, refusal.code, refusal.message, refusal.value, refusal.bound, refusal.nearest))
        elif order.status is Status.REJECTED:
            rows.append((*what, VENUE_REJECTED, order.note or order.evidence or "", None, None, None))
    return Table("refusals", columns, rows)


def _equity(told: History) -> Table:
    columns = _columns(("at", Kind.MOMENT), ("equity", Kind.AMOUNT))
    return Table("equity", columns, list(zip(told.curve.at, told.curve.equity, strict=True)))


def _joined(words: Iterable[str]) -> str | None:
    return " ".join(words) or None
