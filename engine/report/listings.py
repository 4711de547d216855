"""The tables of the page: trades, locks, refusals and orders, each a section of its own."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from html import escape

from engine.facts import TradingStateChanged
from engine.model import Status
from engine.orders.order import Order
from engine.report import words
from engine.report.history import History, Lock
from engine.report.markup import Cell, listed, plural, section
from engine.report.tables import VENUE_REJECTED, reason
from engine.trade import Trade

__all__ = ["locks_section", "orders_section", "refusals_section", "states_section", "tone", "trades_section"]


def trades_section(trades: Sequence[Trade]) -> str:
    if not trades:
        return section("trades", "Trades", "", '<p class="empty">No position was closed.</p>')
    columns = ["#", "Symbol", "Side", ">Quantity", "Opened", "Closed", ">Held", ">Entry", ">Exit", ">Profit", ">Return"]
    columns += [">Fees", "Closed by"]
    return listed("trades", "Trades", columns, trades, _trade_row)


def _trade_row(trade: Trade) -> list[Cell]:
    colour = f"num {tone(trade.profit)}".rstrip()
    return [
        ("", f"{trade.number}"),
        ("", escape(trade.symbol)),
        ("", "long" if trade.side.value == "buy" else "short"),
        ("num", words.quantity(trade.quantity)),
        ("", words.moment(trade.opened)),
        ("", words.moment(trade.closed)),
        ("num", words.duration(trade.closed - trade.opened)),
        ("num", words.price(trade.entry)),
        ("num", words.price(trade.exit)),
        (colour, words.money(trade.profit, signed=True)),
        (colour, words.percent(trade.ratio, signed=True)),
        ("num", words.money(trade.fees)),
        ("", trade.reason.value.replace("_", " ")),
    ]


def locks_section(locks: Sequence[Lock]) -> str:
    if not locks:
        return section("locks", "Locks", "", '<p class="empty">No protection kept anything out.</p>')
    columns = ["Protection", "Symbol", "Entries", "From", "Until", ">Length", "Why", "Trades", "Released"]
    return listed("locks", "Locks", columns, locks, _lock_row)


def _lock_row(each: Lock) -> list[Cell]:
    lock = each.lock
    released = "no"
    if each.released is not None:
        released = f"{words.moment(each.released)}: {each.why}"
    return [
        ("", escape(lock.protection)),
        ("", escape(lock.symbol or "all")),
        ("", "all" if lock.side is None else lock.side.value),
        ("", words.moment(lock.at)),
        ("", words.moment(lock.until)),
        ("num", words.duration(lock.until - lock.at)),
        ("why", escape(lock.reason)),
        ("few", _numbers(lock.trades)),
        ("why" if each.released is not None else "", escape(released)),
    ]


def _numbers(trades: Sequence[int]) -> str:
    """The numbers of trades; of many the first, the last, and how many there are."""
    if len(trades) > 12:
        return f"{trades[0]}, …, {trades[-1]} ({len(trades)} trades)"
    return ", ".join(map(str, trades)) or words.NOTHING


def states_section(states: Sequence[TradingStateChanged]) -> str:
    """When trading was reduced or halted, and when it went on; nothing where it never changed."""
    if not states:
        return ""
    return listed("states", "Trading state", ["From", "State", "Why"], states, _state_row)


def _state_row(change: TradingStateChanged) -> list[Cell]:
    return [("", words.moment(change.at)), ("", change.state.value), ("why", escape(change.reason))]


def refusals_section(told: History) -> str:
    by_code: dict[str, list[Order]] = {}
    for order in told.orders:
        if order.refusal is not None:
            by_code.setdefault(order.refusal.code, []).append(order)
        elif order.status is Status.REJECTED:
            by_code.setdefault(VENUE_REJECTED, []).append(order)
    if not by_code:
        return section("refusals", "Refusals", "", '<p class="empty">Every order was let through.</p>')
    groups = sorted(by_code.items(), key=lambda each: -len(each[1]))
    count = sum(map(len, by_code.values()))
    columns = ["Code", ">Times", "First", "Last", "Why, the last time", ">Value", ">Bound"]
    what = f"{count:,} {plural('order', count)} in {len(groups):,} {plural('kind', len(groups))}"
    return listed("refusals", "Refusals", columns, groups, lambda group: _refusal_row(*group, told), what=what)


def _refusal_row(code: str, orders: list[Order], told: History) -> list[Cell]:
    last = orders[-1]
    why, value, bound = reason(last, told), None, None
    if last.refusal is not None:
        why, value, bound = last.refusal.message, last.refusal.value, last.refusal.bound
    return [
        ("", f"<code>{escape(code)}</code>"),
        ("num", f"{len(orders):,}"),
        ("", words.moment(orders[0].placed)),
        ("", words.moment(last.placed)),
        ("why", f'{escape(why)} <span class="soft">(order {escape(last.id)})</span>'),
        ("num", words.NOTHING if value is None else escape(value)),
        ("num", words.NOTHING if bound is None else escape(bound)),
    ]


def orders_section(told: History) -> str:
    if not told.orders:
        return section("orders", "Orders", "", '<p class="empty">No order was meant.</p>')
    counted = {status: sum(order.status is status for order in told.orders) for status in Status}
    what = ", ".join(f"{count:,} {status.value}" for status, count in counted.items() if count)
    columns = ["Order", "Placed", "Symbol", "Side", "Type", ">Quantity", ">Limit", ">Stop", "Role", "Status", ">Filled"]
    columns += [">Average", "Why"]
    return listed("orders", "Orders", columns, told.orders, lambda order: _order_row(order, told), what=what)


def _order_row(order: Order, told: History) -> list[Cell]:
    asked = order.request
    return [
        ("", f"<code>{escape(order.id)}</code>"),
        ("", words.moment(order.placed)),
        ("", escape(order.symbol)),
        ("", order.side.value),
        ("", f"{asked.type.value.replace('_', '-')}, {asked.time_in_force.value}"),
        ("num", words.quantity(asked.quantity)),
        ("num", words.price(asked.limit_price) if asked.limit_price is not None else ""),
        ("num", words.price(asked.stop_price) if asked.stop_price is not None else ""),
        ("", order.role.value.replace("_", "-") if order.role.value != "single" else ""),
        ("", order.status.value),
        ("num", words.quantity(order.filled) if order.filled else ""),
        ("num", words.price(order.average) if order.average is not None else ""),
        ("why", escape(reason(order, told))),
    ]


def tone(amount: Decimal) -> str:
    """The class of an amount: of a gain, of a loss, or none."""
    return "gain" if amount > 0 else "loss" if amount < 0 else ""
