"""What may be sent: pure checks in order, each with a stable code."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import Factory, define

from engine.decisions import Approval, Refusal
from engine.model import OrderRequest, OrderType, Side, SymbolFlag
from engine.risk.gate import CashGate

D = Decimal
NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)
BUY, SELL = Side.BUY, Side.SELL


@define(kw_only=True)
class View:
    """Books as a test states them."""

    cash: Decimal = Decimal(1000)
    held: Decimal = Decimal(0)
    price: Decimal | None = Decimal(10)
    known: set[str] = Factory(set)
    raised: frozenset[SymbolFlag] = frozenset()
    exits: dict[str, tuple[str | None, Decimal]] = Factory(dict)
    money: dict[str, Decimal] = Factory(dict)

    def has_order(self, order_id):
        return order_id in self.known

    def position(self, symbol):
        return self.held

    def mark(self, symbol):
        return self.price

    def available(self):
        return self.cash - sum(self.money.values())

    def exit_reserved(self, symbol, *, but_group=None):
        groups = {}
        for name, (group, quantity) in self.exits.items():
            if group is None or group != but_group:
                key = group or name
                groups[key] = max(groups.get(key, D(0)), quantity)
        return sum(groups.values(), D(0))

    def reserved(self, order_id):
        return self.money.get(order_id, D(0))

    def exit_reserved_by(self, order_id):
        return self.exits.get(order_id, (None, D(0)))[1]

    def flags(self, symbol):
        return self.raised


def order(side=BUY, quantity="100", type=OrderType.MARKET, **prices):
    numbers = {name: D(value) for name, value in prices.items()}
    return OrderRequest(symbol="X", side=side, quantity=D(quantity), type=type, client_order_id="a", **numbers)


def check(request, view, gate=None, **more):
    return (gate or CashGate(allowance=D(0))).check(request, view, NOW, **more)


def code(verdict):
    return verdict.code if isinstance(verdict, Refusal) else None


# --- ids --------------------------------------------------------------------------------------------------------------


def test_an_id_is_used_once():
    """A client order id that was ever used is refused, unless the order takes its own place."""
    view = View(known={"a"})

    assert "DUPLICATE_ID" == code(check(order(), view))
    assert isinstance(check(order(), view, replaces="a"), Approval)


# --- money ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cash", "passes"), [("1000", True), ("999.99", False)])
def test_an_entry_costs_at_most_what_is_free(cash, passes):
    """The bound itself passes."""
    verdict = check(order(), View(cash=D(cash)))

    assert passes is isinstance(verdict, Approval)


def test_a_refusal_names_value_and_bound():
    """People read what was asked and what there is, programs the numbers."""
    verdict = check(order(), View(cash=D("999.5")))

    assert ("INSUFFICIENT_CASH", "1000", "999.5") == (verdict.code, verdict.value, verdict.bound)
    assert "the order may cost 1000.00, 999.50 is free" == verdict.message


def test_what_other_orders_reserve_is_not_free():
    """Reservations of live orders count against the cash."""
    assert "INSUFFICIENT_CASH" == code(check(order(), View(money={"b": D(1)})))


def test_a_replacement_may_use_what_its_order_reserves():
    """An order that takes another's place does not pay twice."""
    view = View(money={"b": D(400)})

    assert isinstance(check(order(), view, replaces="b"), Approval)
    assert "INSUFFICIENT_CASH" == code(check(order(quantity="101"), view, replaces="b"))


def test_fees_are_part_of_the_cost():
    """The highest fee is reserved for with the price."""
    gate = CashGate(allowance=D(0), fee_rate=D("0.01"))

    assert D("10.10") == check(order(quantity="99"), View(), gate).reserve_price
    assert "INSUFFICIENT_CASH" == code(check(order(), View(), gate))


@pytest.mark.parametrize("name", ["allowance", "fee_rate"])
def test_rates_are_not_negative(name):
    """A gate that would reserve too little cannot be made."""
    with pytest.raises(ValueError, match=name):
        CashGate(**{name: D("-0.01")})


# --- prices -----------------------------------------------------------------------------------------------------------

PRICES = [
    ("market buy", order(), "10.4"),
    ("market sell", order(SELL), "10.4"),
    ("limit buy", order(type=OrderType.LIMIT, limit_price="9"), "9"),
    ("limit buy above the market", order(type=OrderType.LIMIT, limit_price="11"), "11"),
    ("limit sell above the market", order(SELL, type=OrderType.LIMIT, limit_price="11"), "11"),
    ("limit sell below the market", order(SELL, type=OrderType.LIMIT, limit_price="9"), "10"),
    ("stop buy", order(type=OrderType.STOP, stop_price="12"), "12.48"),
    ("stop sell", order(SELL, type=OrderType.STOP, stop_price="9"), "9.36"),
    ("stop-limit buy", order(type=OrderType.STOP_LIMIT, stop_price="12", limit_price="12.5"), "12.5"),
    ("stop-limit sell", order(SELL, type=OrderType.STOP_LIMIT, stop_price="9", limit_price="8"), "10"),
    ("trailing buy, by price", order(type=OrderType.TRAILING_STOP, trail_price="2"), "12.48"),
    ("trailing buy, by percent", order(type=OrderType.TRAILING_STOP, trail_percent="5"), "10.92"),
]


@pytest.mark.parametrize(("request_", "price"), [each[1:] for each in PRICES], ids=[each[0] for each in PRICES])
def test_the_worst_price(request_, price):
    """A limit is the worst there is; what trades at the market may trade worse than it by the allowance."""
    verdict = check(request_, View(cash=D(10_000)), CashGate())

    assert (D(price), D(100)) == (verdict.reserve_price, verdict.opening)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (order(), "NO_PRICE"),
        (order(type=OrderType.TRAILING_STOP, trail_price="2"), "NO_PRICE"),
        (order(type=OrderType.LIMIT, limit_price="10"), None),
        (order(SELL, type=OrderType.LIMIT, limit_price="10"), None),
        (order(type=OrderType.STOP, stop_price="10"), None),
    ],
    ids=["market", "trailing", "limit", "limit sell", "stop"],
)
def test_without_a_price_only_what_brings_its_own_passes(request_, expected):
    """An order whose cost cannot be bounded is refused."""
    assert expected == code(check(request_, View(price=None)))


# --- exits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", ["100", "-100"])
def test_an_exit_needs_neither_cash_nor_price_nor_order(held):
    """What only closes a position passes without money, without a mark, in a flagged symbol."""
    view = View(cash=D(-5), held=D(held), price=None, raised=frozenset(SymbolFlag))
    verdict = check(order(SELL if held == "100" else BUY), view)

    assert D(0) == verdict.opening


def test_a_symbol_that_is_flagged_takes_no_entries():
    """Any flag will do, and the refusal names it."""
    verdicts = [check(order(), View(raised=frozenset({flag}))) for flag in SymbolFlag]

    assert ["SYMBOL_FLAGGED"] * len(SymbolFlag) == [code(verdict) for verdict in verdicts]
    assert [flag.value for flag in SymbolFlag] == [verdict.value for verdict in verdicts]


def test_growing_a_position_is_an_entry():
    """Buying more of what is held closes nothing."""
    assert D(100) == check(order(), View(held=D(50))).opening


def test_reversing_needs_money_for_what_it_opens():
    """Where no exit is under way an order may go through zero; the part beyond is an entry."""
    view = View(held=D(60), cash=D(400))

    assert D(40) == check(order(SELL), view).opening
    assert "INSUFFICIENT_CASH" == code(check(order(SELL), View(held=D(60), cash=D(399))))
    assert "SYMBOL_FLAGGED" == code(check(order(SELL), View(held=D(60), raised=frozenset({SymbolFlag.SUSPECT}))))


@pytest.mark.parametrize(("quantity", "expected"), [("40", None), ("41", "EXIT_WORKING")])
def test_exits_never_exceed_the_position(quantity, expected):
    """What live exits may close already cannot be closed again, however much cash there is."""
    view = View(held=D(100), cash=D(10**9), exits={"b": (None, D(60))})

    assert expected == code(check(order(SELL, quantity), view))


def test_the_refusal_of_an_exit_says_what_is_left():
    """The bound is what may still be closed."""
    verdict = check(order(SELL), View(held=D(100), exits={"b": (None, D(60))}))

    assert ("100", "40") == (verdict.value, verdict.bound)


def test_a_group_counts_once():
    """The two orders of a pair close the same position only once."""
    view = View(held=D(100), exits={"p": ("g", D(60)), "s": ("g", D(50))})

    assert (None, "EXIT_WORKING") == (code(check(order(SELL, "40"), view)), code(check(order(SELL, "41"), view)))


def test_a_sibling_is_not_in_the_way():
    """An order of the group itself is held against what other groups close."""
    view = View(held=D(100), exits={"p": ("g", D(100))})

    assert isinstance(check(order(SELL), view, group="g"), Approval)
    assert "EXIT_WORKING" == code(check(order(SELL), view, group="h"))


def test_a_protective_order_never_opens():
    """One that is larger than what is there to close is refused, whatever cash there is, and with no position too."""
    verdicts = [check(order(SELL), View(held=D(held), cash=D(10**9)), group="g") for held in (60, 0, -60)]

    assert ["EXIT_WORKING"] * 3 == [code(verdict) for verdict in verdicts]


@pytest.mark.parametrize(("quantity", "expected"), [("100", None), ("101", "EXIT_WORKING")])
def test_a_replacement_of_an_exit(quantity, expected):
    """It may close what its order closes and what is free, and no more."""
    view = View(held=D(100), exits={"b": (None, D(60))})
    with_other = View(held=D(130), exits={"b": (None, D(60)), "c": (None, D(30))})

    assert expected == code(check(order(SELL, quantity), with_other, replaces="b"))
    assert isinstance(check(order(SELL), view, replaces="b"), Approval)


def test_a_replacement_within_a_group():
    """What its order reserves is not counted twice: the whole group is left out."""
    view = View(held=D(100), exits={"p": ("g", D(60)), "s": ("g", D(60))})

    assert isinstance(check(order(SELL), view, group="g", replaces="p"), Approval)
    assert "EXIT_WORKING" == code(check(order(SELL, "101"), view, group="g", replaces="p"))
