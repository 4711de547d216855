"""What may be sent: pure checks in order, each with a stable code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import Factory, define, evolve

from engine.decisions import Approval, Refusal, Seen, TradingState
from engine.facts import DayBegan, Locked
from engine.model import OrderRequest, OrderType, Side, SymbolFlag
from engine.risk.gate import RiskGate
from engine.risk.grid import Tick
from engine.risk.limits import DayTradeRule, RiskLimits
from engine.risk.protections import MaxTradesPerDay, Protections, TradingWindow
from engine.risk.symbols import SymbolProperties, SymbolTable

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
    state: TradingState = TradingState.ACTIVE
    lock: Locked | None = None
    worth: Decimal | None = Decimal(1000)
    age: timedelta | None = timedelta(0)
    elsewhere: Decimal = Decimal(0)
    entries: int = 0
    sent: int = 0
    day_traded: int = 0
    asked: list[object] = Factory(list)

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

    def locked(self, symbol, side, now):
        return self.lock

    def equity(self):
        return self.worth

    def marked(self, symbol):
        return None if self.age is None else NOW - self.age

    def exposure(self, symbol):
        return abs(self.held) * (self.price or 0) + sum(self.money.values())

    def gross(self):
        return self.exposure("X") + self.elsewhere

    def day(self):
        return DayBegan(at=NOW, number=1, opens=NOW, closes=NOW + timedelta(hours=6), equity=self.worth)

    def entries_today(self, symbol=None):
        return self.entries

    def orders_since(self, moment):
        self.asked.append(moment)
        return self.sent

    def day_trades(self, days):
        self.asked.append(days)
        return self.day_traded

    def open_orders(self, symbol, but=None):
        return 1 if but is None else 0

    def pending(self, symbol, but=None):
        return D(50) if but is None else D(0)


def order(side=BUY, quantity="100", type=OrderType.MARKET, **prices):
    numbers = {name: D(value) for name, value in prices.items()}
    return OrderRequest(symbol="X", side=side, quantity=D(quantity), type=type, client_order_id="a", **numbers)


def check(request, view, gate=None, **more):
    return (gate or limited()).check(request, view, NOW, **more)


def limited(**limits):
    """A gate that reserves for the market's price alone, with these limits and no others."""
    return RiskGate(limits=RiskLimits(**{"allowance": D(0), "collar": None} | limits))


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
    gate = RiskGate(limits=RiskLimits(allowance=D(0)), fee_rate=D("0.01"))

    assert D("10.10") == check(order(quantity="99"), View(), gate).reserve_price
    assert "INSUFFICIENT_CASH" == code(check(order(), View(), gate))


def test_the_fee_is_not_negative():
    """A gate that would reserve too little cannot be made."""
    with pytest.raises(ValueError, match="fee_rate"):
        RiskGate(fee_rate=D("-0.01"))


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
    verdict = check(request_, View(cash=D(10_000)), limited(allowance=D("0.04")))

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


@pytest.mark.parametrize(("held", "side"), [("99", SELL), ("-99", BUY)])
def test_nothing_flips(held, side):
    """An order against the position closes it at most, however much cash there is; the refusal says how much does."""
    verdict = check(order(side), View(held=D(held), cash=D(10**9)))

    assert ("WOULD_FLIP", "100", "99", "99") == (verdict.code, verdict.value, verdict.bound, verdict.nearest)
    assert isinstance(check(order(side, "99"), View(held=D(held), cash=D(0))), Approval)


@pytest.mark.parametrize(("quantity", "expected"), [("40", None), ("41", "EXIT_WORKING")])
def test_exits_never_exceed_the_position(quantity, expected):
    """What live exits may close already cannot be closed again, however much cash there is."""
    view = View(held=D(100), cash=D(10**9), exits={"b": (None, D(60))})

    assert expected == code(check(order(SELL, quantity), view))


def test_the_refusal_of_an_exit_says_what_is_left():
    """The bound is what may still be closed."""
    verdict = check(order(SELL), View(held=D(100), exits={"b": (None, D(60))}))

    assert ("100", "40", "40") == (verdict.value, verdict.bound, verdict.nearest)


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


@pytest.mark.parametrize("state", TradingState)
def test_exits_pass_in_every_state(state):
    """Whatever the state, the locks and the protections say, what only closes a position passes."""
    gate = RiskGate(protections=Protections((MaxTradesPerDay(max_trades=0),)))
    view = View(held=D(100), state=state, lock=LOCK, entries=9, sent=9, cash=D(-1))

    assert isinstance(check(order(SELL), view, gate), Approval)


def test_an_exit_of_an_unknown_symbol_passes():
    """What we hold must be able to leave, also where nobody knows the symbol's rules."""
    assert isinstance(check(order(SELL), View(held=D(100)), RiskGate(symbols=SymbolTable())), Approval)


def test_an_exit_is_not_held_against_the_collar():
    """An exit at any limit passes: it means to be out."""
    cheap = order(SELL, type=OrderType.LIMIT, limit_price="1")

    assert isinstance(check(cheap, View(held=D(100), age=None), limited(collar=D("0.1"), quote_age=ONE)), Approval)


# --- state and locks --------------------------------------------------------------------------------------------------

ONE = timedelta(seconds=1)
LOCK = Locked(
    at=NOW,
    id="cooldown.1/X/7",
    protection="cooldown",
    symbol="X",
    side=None,
    until=NOW + timedelta(minutes=30),
    reason="a trade of X closed",
    trades=(7,),
)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (TradingState.ACTIVE, None),
        (TradingState.REDUCING, "TRADING_REDUCING"),
        (TradingState.HALTED, "TRADING_HALTED"),
    ],
)
def test_entries_pass_while_trading_is_active(state, expected):
    """Each other state has its code."""
    assert expected == code(check(order(), View(state=state)))


def test_a_lock_keeps_entries_out():
    """The refusal names the lock, why it is there, and when it ends."""
    verdict = check(order(), View(lock=LOCK))

    assert ("LOCKED", "cooldown.1/X/7", "2024-01-02T12:30:00+00:00") == (verdict.code, verdict.value, verdict.bound)
    assert "cooldown keeps entries out of X until 2024-01-02 12:30:00: a trade of X closed" == verdict.message


def test_a_protection_refuses_an_entry():
    """Rules that look at the moment answer with their own code; a change of an order that passed is no new entry."""
    gate = RiskGate(protections=Protections((MaxTradesPerDay(max_trades=2),)))

    assert [None, "MAX_TRADES_PER_DAY"] == [code(check(order(), View(cash=D(2000), entries=n), gate)) for n in (1, 2)]
    assert isinstance(check(order(), View(cash=D(2000), entries=2), gate, replaces="b"), Approval)


def test_the_first_protection_that_minds_answers():
    """Rules are asked in the order in which they stand."""
    window, most = TradingWindow(after_open=ONE), MaxTradesPerDay(max_trades=0)
    verdicts = [
        check(order(), View(), RiskGate(protections=Protections(rules))) for rules in ((window, most), (most, window))
    ]

    assert ["TRADING_WINDOW", "MAX_TRADES_PER_DAY"] == [code(verdict) for verdict in verdicts]


def test_what_comes_first():
    """State before locks, locks before ids, ids before flags, flags before money."""
    view = View(
        state=TradingState.HALTED, lock=LOCK, known={"a"}, raised=frozenset({SymbolFlag.SUSPECT}), cash=D(0), sent=9
    )
    codes = []
    for ease in (
        {"state": TradingState.ACTIVE},
        {"lock": None},
        {"known": set()},
        {"raised": frozenset()},
        {"cash": D(10**9)},
    ):
        codes.append(code(check(order(), view, limited(max_orders=9, day_trades=DayTradeRule(most=0)))))
        for name, value in ease.items():
            setattr(view, name, value)
    codes.append(code(check(order(), view, limited(max_orders=9, day_trades=DayTradeRule(most=0)))))

    assert ["TRADING_HALTED", "LOCKED", "DUPLICATE_ID", "SYMBOL_FLAGGED", "INSUFFICIENT_CASH", "ORDER_RATE"] == codes


# --- symbols ----------------------------------------------------------------------------------------------------------


def rules(**more):
    properties = {"symbol": "X", "ticks": (Tick(size=D("0.01")),), "lot": D(1)} | more
    return RiskGate(
        limits=RiskLimits(allowance=D(0), collar=None), symbols=SymbolTable([SymbolProperties(**properties)])
    )


def test_an_order_is_made_to_fit_its_symbol():
    """What may go is the order as the rules allow it, with what was changed; cost and reservation follow it."""
    verdict = check(order(quantity="99.7", type=OrderType.LIMIT, limit_price="10.018"), View(), rules())

    assert (D(99), D("10.01"), D(99)) == (verdict.request.quantity, verdict.request.limit_price, verdict.opening)
    assert D("10.01") == verdict.reserve_price
    assert 2 == len(verdict.changes)
    assert () == check(order(), View(), rules()).changes


def test_an_exit_is_made_to_fit_its_symbol():
    """Exits are solved too; one that flips is refused before anybody shortens it."""
    view = View(held=D(100))
    exits = [check(order(SELL, q), view, rules()) for q in ("50.5", "101")]

    assert (D(50), "WOULD_FLIP") == (exits[0].request.quantity, exits[1].code)


def test_the_rules_of_a_symbol_refuse():
    """A refusal of the solver is the gate's, and says what it was made on."""
    verdict = check(order(quantity="0.5"), View(), rules())

    assert ("NOT_FRACTIONABLE", D(10)) == (verdict.code, verdict.seen.mark)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [({"max_open_orders": 1}, "MAX_OPEN_ORDERS"), ({"max_position": D(100)}, "MAX_POSITION")],
)
def test_counts_of_a_symbol(limit, expected):
    """Other live orders count against the symbol's limits; the order whose place it takes does not."""
    assert expected == code(check(order(), View(), rules(**limit)))
    assert isinstance(check(order(), View(), rules(**limit), replaces="b"), Approval)


def test_an_unknown_symbol_is_refused():
    """Nobody makes up rules for it."""
    verdict = check(order(), View(), RiskGate(symbols=SymbolTable()))

    assert ("UNKNOWN_SYMBOL", "X") == (verdict.code, verdict.value)


# --- size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "view", "expected"),
    [
        ({"max_order": D(1000)}, View(), None),
        ({"max_order": D("999.99")}, View(), "ORDER_SIZE"),
        ({"max_exposure": D(1500)}, View(held=D(50)), None),
        ({"max_exposure": D("1499.99")}, View(held=D(50)), "MAX_EXPOSURE"),
        ({"max_exposure": D("1499.99")}, View(money={"b": D(500)}), "MAX_EXPOSURE"),
        ({"max_gross": D(1700)}, View(elsewhere=D(700)), None),
        ({"max_gross": D("1699.99")}, View(elsewhere=D(700)), "MAX_GROSS"),
        ({"max_leverage": D("1.5")}, View(elsewhere=D(500)), None),
        ({"max_leverage": D("1.5")}, View(elsewhere=D(500), worth=D(999)), "MAX_LEVERAGE"),
        ({"max_leverage": D(10)}, View(worth=None), "NO_PRICE"),
    ],
)
def test_limits_of_size(limit, view, expected):
    """Order, symbol, all symbols, and all symbols by what the account is worth: the limit itself passes."""
    view.cash = D(10_000)

    assert expected == code(check(order(), view, limited(**limit)))


def test_a_replacement_is_not_counted_beside_its_order():
    """What the old order keeps back is no exposure of the new one."""
    view, gate = View(cash=D(10_000), money={"b": D(900)}), limited(max_exposure=D(1000), max_gross=D(1000))

    assert ("MAX_EXPOSURE", None) == (code(check(order(), view, gate)), code(check(order(), view, gate, replaces="b")))


# --- prices against the market ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "nearest"),
    [
        (order(type=OrderType.LIMIT, limit_price="10.5"), None),
        (order(type=OrderType.LIMIT, limit_price="10.51"), "10.500"),
        (order(type=OrderType.LIMIT, limit_price="1"), None),
        (order(SELL, type=OrderType.LIMIT, limit_price="9.5"), None),
        (order(SELL, type=OrderType.LIMIT, limit_price="9.49"), "9.500"),
        (order(SELL, type=OrderType.LIMIT, limit_price="99"), None),
        (order(type=OrderType.STOP_LIMIT, stop_price="20", limit_price="21"), None),
        (order(type=OrderType.STOP_LIMIT, stop_price="20", limit_price="21.01"), "21.00"),
        (order(SELL, type=OrderType.STOP_LIMIT, stop_price="8", limit_price="7.6"), None),
        (order(SELL, type=OrderType.STOP_LIMIT, stop_price="8", limit_price="7.59"), "7.60"),
    ],
)
def test_the_collar(wanted, nearest):
    """A limit may be 5 % worse than the market, or than the stop it waits for, and better as it likes."""
    verdict = check(wanted, View(cash=D(10**6)), limited(collar=D("0.05")))

    assert ("PRICE_COLLAR" if nearest else None) == code(verdict)
    assert nearest is None or D(nearest) == D(verdict.nearest)


def test_no_collar():
    """0 lets a limit be as bad as it likes."""
    assert None is code(check(order(type=OrderType.LIMIT, limit_price="99"), View(cash=D(10**6)), limited(collar=D(0))))


@pytest.mark.parametrize(
    ("age", "expected"), [(ONE, None), (ONE + timedelta(microseconds=1), "STALE_QUOTE"), (None, "STALE_QUOTE")]
)
def test_the_age_of_the_price(age, expected):
    """A price that is too old, or not known, is nothing to go by."""
    assert expected == code(check(order(), View(age=age), limited(quote_age=ONE)))


# --- how often --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "expected"), [(2, None), (3, "ORDER_RATE")])
def test_the_rate_of_orders(sent, expected):
    """The order after so many within the time is refused; a change of one that passed is not."""
    view, gate = View(sent=sent), limited(max_orders=3, per=ONE)

    assert expected == code(check(order(), view, gate))
    assert [NOW - ONE] == view.asked
    assert isinstance(check(order(), view, gate, replaces="b"), Approval)


@pytest.mark.parametrize(
    ("traded", "worth", "expected"),
    [
        (2, D(1000), None),
        (3, D(1000), "DAY_TRADES"),
        (3, D("24999.99"), "DAY_TRADES"),
        (3, D(25_000), None),
        (3, None, "DAY_TRADES"),
    ],
)
def test_the_rule_on_day_trades(traded, worth, expected):
    """Three in five days below 25,000; an account whose worth is not known is taken for a small one."""
    view = View(day_traded=traded, worth=worth)

    assert expected == code(check(order(), view, limited(day_trades=DayTradeRule())))
    assert [5] == view.asked
    assert None is code(check(order(), view, limited()))


# --- what was looked at -----------------------------------------------------------------------------------------------


def test_an_approval_says_what_it_was_made_on():
    """The numbers behind a decision go with it."""
    view = View(held=D(1), entries=4, sent=1, age=ONE, cash=D(5000))
    gate = evolve(
        limited(max_orders=9, max_gross=D(9000), quote_age=ONE),
        protections=Protections((MaxTradesPerDay(max_trades=5),)),
    )
    verdict = check(order(), view, gate)

    assert (
        Seen(
            state=TradingState.ACTIVE,
            held=D(1),
            mark=D(10),
            marked=NOW - ONE,
            available=D(5000),
            gross=D(10),
            entries=4,
            orders=1,
        )
        == verdict.seen
    )


def test_a_refusal_says_what_it_was_made_on():
    """What comes behind the check that refused was not looked at."""
    refused, working = check(order(), View(cash=D(1))), check(order(SELL), View(held=D(9), exits={"b": (None, D(4))}))

    assert Seen(state=TradingState.ACTIVE, held=D(0), mark=D(10), available=D(1)) == refused.seen
    assert Seen(state=TradingState.ACTIVE, held=D(9), mark=D(10), closing=D(4)) == working.seen
