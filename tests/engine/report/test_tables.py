"""Rows of everything that happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from engine.model import Cost, Status
from engine.report.tables import Kind, reason, tables

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KINDS = {
    Kind.TEXT: str,
    Kind.MOMENT: datetime,
    Kind.AMOUNT: Decimal,
    Kind.COUNT: int,
    Kind.SECONDS: float,
    Kind.FLAG: bool,
}


def row(table, number):
    return {column.name: value for column, value in zip(table.columns, table.rows[number], strict=True)}


def test_all_tables(full):
    """Six of them, by name, with a row for each order, fill, trade, lock, refusal and value of equity."""
    made = tables(full)
    rows = {name: len(table.rows) for name, table in made.items()}

    assert {"orders": 7, "fills": 4, "trades": 3, "locks": 2, "refusals": 1, "equity": 6} == rows
    assert list(made) == [table.name for table in made.values()]


def test_values_are_what_their_column_says(full):
    """Each value is of its column's kind, or None."""
    for table in tables(full).values():
        for values in table.rows:
            for column, value in zip(table.columns, values, strict=True):
                assert value is None or type(value) is KINDS[column.kind], (table.name, column)


def test_row_of_an_order(full):
    """What it asked for, what became of it, and why."""
    expected = {
        "order_id": "given-up",
        "placed": START + MINUTE,
        "symbol": "<b>X&Y</b>/USD",
        "side": "buy",
        "type": "limit",
        "quantity": D(2),
        "limit_price": D(1),
        "stop_price": None,
        "time_in_force": "gtc",
        "role": "single",
        "group": None,
        "market": D(10),
        "status": "canceled",
        "filled": D(0),
        "average": None,
        "fees": D(0),
        "changed": START + 2 * MINUTE,
        "reason": "no <i>longer</i> wanted",
    }

    assert expected == row(tables(full)["orders"], 2)


def test_row_of_a_fill(full):
    """Its amounts, signed, and its slippage against what was expected."""
    told = row(tables(full)["fills"], 1)

    assert ("part", D(-40), D(12), D(-480), D("0.48")) == tuple(
        told[name] for name in ("order_id", "quantity", "price", "cost", "fee")
    )
    assert (D(11), D(-40)) == (told["expected"], told["slippage"])
    assert D(-40) / 440 * 10_000 == told["slippage_bps"]


def test_what_a_simulated_venue_assumed_of_a_fill(full):
    """What made it, and all that the venue's models made it dearer by."""
    costs = (Cost("spread", D("0.25")), Cost("impact", D("0.5")))
    fill = evolve(full.fills[0], costs=costs, fee_quantity=D("0.1"))
    told = row(tables(evolve(full, fills=[fill]))["fills"], 0)

    assert ("open", D("0.75"), D("0.1")) == tuple(
        told[name] for name in ("assumption", "modelled_cost", "fee_quantity")
    )


def test_what_a_symbols_rules_changed_is_a_reason(full):
    """It stands behind why the order ended, also where that needs no words."""
    told = evolve(full, changes={"first": ("100.4 -> 100, lot 1", "x"), "given-up": ("y",)})

    assert "100.4 -> 100, lot 1; x" == reason(full.orders[0], told)
    assert "no <i>longer</i> wanted; y" == reason(full.orders[2], told)


def test_row_of_a_trade(full):
    """How long it was held in seconds, its return, the orders in it."""
    told = row(tables(full)["trades"], 0)

    assert (1, 600.0, D("0.1"), "take_profit", "a b") == tuple(
        told[name] for name in ("number", "held", "ratio", "reason", "orders")
    )


def test_rows_of_locks(full):
    """Whom they kept out and from when to when, the trades that caused them, and their release."""
    first, second = row(tables(full)["locks"], 0), row(tables(full)["locks"], 1)

    assert ("<b>X&Y</b>/USD", None, None, None, "1 2") == tuple(
        first[name] for name in ("symbol", "side", "released", "released_because", "trades")
    )
    assert (None, "buy", START + 3 * MINUTE, "looked at <it>") == tuple(
        second[name] for name in ("symbol", "side", "released", "released_because")
    )
    assert (START + MINUTE, START + 3 * MINUTE) == (first["from"], first["until"])


def test_row_of_a_refusal(full):
    """Code, value and bound as the gate gave them."""
    told = row(tables(full)["refusals"], 0)

    assert ("much", "INSUFFICIENT_CASH", "11451428.54856", "8995.997") == tuple(
        told[name] for name in ("order_id", "code", "value", "bound")
    )


def test_a_rejection_by_the_venue_is_a_refusal_too(full):
    """It has a code of its own, and the venue's reason."""
    rejected = evolve(full.orders[1], status=Status.REJECTED, note="asset is not tradable")
    told = row(tables(evolve(full, orders=[rejected]))["refusals"], 0)

    assert ("VENUE_REJECTED", "asset is not tradable", None) == (told["code"], told["message"], told["value"])


@pytest.mark.parametrize(
    ("number", "changes", "expected"),
    [
        (0, {}, ""),
        (1, {}, ""),
        (1, {"status": Status.CANCELED, "note": "withdrawn"}, "withdrawn"),
        (2, {}, "no <i>longer</i> wanted"),
        (2, {"status": Status.WORKING}, "cancel asked for: no <i>longer</i> wanted"),
        (2, {"status": Status.FILLED}, ""),
        (2, {"status": Status.EXPIRED}, "the venue's canceled of 2024-01-02T14:32:00+00:00"),
        (4, {}, "INSUFFICIENT_CASH: the order may cost 11451428.55, 8996.00 is free"),
    ],
)
def test_reasons(full, number, changes, expected):
    """Why an order ended without a fill: the refusal, whoever asked for its end, or what proves it."""
    assert expected == reason(evolve(full.orders[number], **changes), full)
