"""No entries while the market jumps about."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.facts import LocksReleased
from engine.model import OrderRequest, Side
from engine.risk.protections import Protections, VolatilityHalt

D = Decimal
LIMIT = D("0.006")
WHILE = {"max_deviation": LIMIT, "inclusive": True, "returns": 20, "lock_for": timedelta(0), "everything": True}
HALT = {"max_deviation": LIMIT}
CALM, EDGE = ["0.004", "-0.004"] * 10, ["0.006", "-0.006"] * 10
JUMP = ["0.001"] * 19 + ["0.030"]


def order(symbol="A"):
    return OrderRequest.market(symbol, Side.BUY, D(1))


class Market:
    """Prices that a rule sees, one a minute from 10:00 on."""

    def __init__(self, history, at, *rules):
        self.protections = Protections(rules)
        self.books = history().books
        self.books.returns.watch(self.protections.lengths)
        self.now = at("10:00")
        self.locks = []

    def play(self, returns, symbol="A"):
        """A price of 100 and then one for each return; the refusal of an entry behind the last one."""
        price = D(100)
        self.see(price, symbol)
        for each in returns:
            price *= 1 + D(each)
            self.see(price, symbol)
        return self.refusal(symbol)

    def see(self, price, symbol="A", minutes=1):
        self.now += timedelta(minutes=minutes)
        self.books.portfolio.mark(symbol, price, self.now)
        self.books.returns.add(symbol, price)
        for lock in self.protections.after_price(symbol, self.books, self.now):
            self.locks.append(lock)
            self.books.apply(lock, self.now)

    def refusal(self, symbol="A"):
        return self.protections.refusal(order(symbol), self.books, self.now)


@pytest.fixture
def market(history, at):
    """Makes a `Market` with rules."""
    return lambda *rules: Market(history, at, *rules)


@pytest.mark.parametrize(
    ("returns", "refuses", "locks"),
    [(CALM, False, False), (EDGE, True, False), (JUMP, True, True), (JUMP[1:], False, False)],
    ids=["calm", "at the limit", "one jump", "too few"],
)
def test_deviation_of_twenty_returns(market, returns, refuses, locks):
    """Exactly the limit is too much for a rule that is inclusive, one jump of 3 % for any; 19 returns say nothing."""
    inclusive, strict = market(VolatilityHalt(**WHILE)), market(VolatilityHalt(**HALT))
    inclusive.play(returns)
    strict.play(returns)

    assert (refuses, locks) == (inclusive.refusal() is not None, bool(strict.locks))


def test_refusals_last_as_long_as_the_deviation(market):
    """Without a lock entries are refused in every symbol until the jump has left the last twenty returns."""
    scene = market(VolatilityHalt(**WHILE))
    refusal = scene.play(JUMP, "B")
    assert ("VOLATILITY", "0.006") == (refusal.code, refusal.bound)
    assert "the returns of B deviate by 0.006320, the limit is 0.006" == scene.refusal("A").message

    price, answers = scene.books.mark("B"), []
    for _ in range(20):
        answers.append(scene.refusal("A") is None)
        scene.see(price, "B")
    assert [False] * 20 == answers
    assert None is scene.refusal("A")
    assert [] == scene.locks


def test_only_the_symbol_itself(market):
    """A rule that is not about everything refuses, or locks, the symbol that jumped alone."""
    scene = market(VolatilityHalt(**WHILE | {"everything": False}), VolatilityHalt(**HALT))
    scene.play(JUMP)

    assert ["VOLATILITY", None] == [(found := scene.refusal(symbol)) and found.code for symbol in ("A", "B")]
    assert ["A"] == [lock.symbol for lock in scene.locks]


def test_the_lock_begins_with_the_price(market):
    """It holds for half an hour from the price on that showed it, and says what it showed."""
    scene = market(VolatilityHalt(**HALT))
    scene.play(JUMP)
    (lock,) = scene.locks

    assert (scene.now, scene.now + timedelta(minutes=30)) == (lock.at, lock.until)
    assert f"volatility-halt.1/A/A@{scene.now.isoformat()}" == lock.id
    assert "the returns of A deviate by 0.006320, the limit is 0.006" == lock.reason
    assert None is scene.refusal(), "the lock keeps entries out, not the rule"


def test_it_looks_again_when_the_lock_has_ended(market):
    """While its lock holds a rule brings no other; at its very end it does if it is still too much."""
    scene = market(VolatilityHalt(**HALT, returns=20))
    scene.play(JUMP)
    began, price = scene.now, scene.books.mark("A")
    scene.see(price * D("1.05"), minutes=29)
    assert 1 == len(scene.locks)

    scene.see(price, minutes=1)
    assert [began, began + timedelta(minutes=30)] == [lock.at for lock in scene.locks]


def test_each_rule_has_its_own_locks(market):
    """A rule that locks longer for more is not silenced by the lock of the other one."""
    longer = VolatilityHalt(max_deviation=D("0.0063"), lock_for=timedelta(hours=4))
    scene = market(VolatilityHalt(**HALT), longer)
    scene.play(JUMP)

    hours = [(lock.until - lock.at) / timedelta(hours=1) for lock in scene.locks]
    assert [0.5, 4] == hours


def test_everything_is_locked_by_one_symbol(market):
    """The lock is on all symbols, and another hot symbol brings none while it holds."""
    scene = market(VolatilityHalt(**HALT, everything=True))
    scene.play(JUMP)
    scene.now -= timedelta(minutes=21)
    scene.play(JUMP, "B")

    assert [None] == [lock.symbol for lock in scene.locks]


def test_a_lock_that_was_lifted_comes_back_with_the_next_price(market):
    """What was released at a moment is not locked again by a price of that moment."""
    scene = market(VolatilityHalt(**HALT))
    scene.play(JUMP)
    fact = LocksReleased(at=scene.now, ids=(scene.locks[0].id,), reason="I know better")
    scene.books.apply(fact, scene.now)
    price = scene.books.mark("A")
    scene.see(price, minutes=0)
    assert 1 == len(scene.locks)

    scene.see(price * D("1.05"))
    assert 2 == len(scene.locks)


def test_missing_input_allows(market):
    """Without any price entries pass."""
    assert None is market(VolatilityHalt(**WHILE)).refusal()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"max_deviation": D(0)}, "max_deviation"),
        (HALT | {"returns": 1}, "returns"),
        (HALT | {"at_least": 1}, "at_least"),
        (HALT | {"returns": 20, "at_least": 21}, "at_least"),
        (HALT | {"lock_for": timedelta(-1)}, "lock_for"),
    ],
)
def test_settings_that_make_no_sense(settings, field):
    """They are refused by name."""
    with pytest.raises(InvalidRequest) as caught:
        VolatilityHalt(**settings)

    assert field == caught.value.field
