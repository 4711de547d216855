"""Summaries, orders and their lives as JSON, for programs: Decimals are texts, moments ISO 8601, absent values null."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from attrs import asdict

from bridge.cli import words
from engine.books.journal import Entry
from engine.books.recovery import Books
from engine.orders.order import Order
from engine.report.summary import Summary, as_json

__all__ = ["life_as_json", "locks_as_json", "orders_as_json", "summary_as_json"]


def summary_as_json(summary: Summary, directory: Path) -> str:
    """What summary.json has, and the session's folder as ``directory``."""
    return _text({**msgspec.json.decode(as_json(summary)), "directory": str(directory)})


def orders_as_json(books: Books) -> str:
    """The session and all its orders, in the order in which they were meant."""
    session = books.session
    return _text(
        {
            "session_id": None if session is None else session.session_id,
            "began": None if session is None else session.at,
            "failure": books.failure,
            "orders": [_order(order) for order in books.tracker],
        }
    )


def locks_as_json(books: Books) -> str:
    """All locks in the order in which they were recorded, each with what lifted it before its time, or null."""
    released = books.locks.released
    return _text(
        {"locks": [{**asdict(lock, recurse=False), "released": released.get(lock.id)} for lock in books.locks.all]}
    )


def life_as_json(order: Order, told: Iterable[tuple[Entry, Order | None]]) -> str:
    """An order, and each fact about it with what the order was after it; None: it was not known yet."""
    return _text({"order": _order(order), "facts": [_fact(entry, after) for entry, after in told]})


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "client_order_ids": [link.client_order_id for link in order.links],
        "broker_order_ids": [link.broker_order_id for link in order.links if link.broker_order_id is not None],
        "role": order.role,
        "group": order.group,
        "placed": order.placed,
        "request": order.request,
        **_standing(order),
        "remaining": order.remaining,
        "cost": order.cost,
        "fees": order.fees,
        "refusal": order.refusal,
        "note": order.note,
        "evidence": order.evidence,
    }


def _standing(order: Order) -> dict[str, Any]:
    return {
        "status": order.status,
        "cancel_pending": order.cancel_pending,
        "filled": order.filled,
        "average": order.average,
    }


def _fact(entry: Entry, after: Order | None) -> dict[str, Any]:
    return {
        "at": entry.at,
        "fact": type(entry.fact).__name__,
        "text": words.fact(entry.fact),
        "after": None if after is None else _standing(after),
        "details": entry.fact,
    }


def _text(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
