"""Returns of prices, and how far they deviate."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

from engine.risk.returns import Deviation, Returns

D = Decimal
EXTREMES = ["100", "0.000001", "123456789", "0.01", "99999999999", "3", "3", "3"]


def returns(prices, *lengths):
    """Returns of a symbol with these prices."""
    seen = Returns()
    seen.watch(frozenset(lengths))
    for price in prices:
        seen.add("A", D(price))
    return seen


def variance(prices, length):
    """The population variance of the last returns, rounded to twelve decimals, as a fraction."""
    exact = [Fraction(D(b)) / Fraction(D(a)) - 1 for a, b in pairwise(prices)]
    last = [Fraction(round(each * 10**12), 10**12) for each in exact][-length:]
    mean = sum(last) / len(last)
    return sum((each - mean) ** 2 for each in last) / len(last)


def sign(number):
    return (number > 0) - (number < 0)


@pytest.mark.parametrize(("limit", "expected"), [("0.005999999999", 1), ("0.006", 0), ("0.006000000001", -1), ("0", 1)])
def test_a_deviation_that_equals_the_limit(limit, expected):
    """Returns of ± 0.6 % deviate by 0.6 %, to the last digit."""
    prices = [D(100)]
    for _ in range(10):
        prices += [prices[-1] * D("1.006"), prices[-1] * D("1.006") * D("0.994")]
    found = returns(prices, 20).deviation("A", 20)

    assert expected == found.compared(D(limit))
    assert (20, D("0.006")) == (found.count, found.value)


def test_one_jump():
    """Nineteen returns of 0.1 % and one of 3 % deviate by 0.632 %."""
    prices = [D(100)]
    for each in ["0.001"] * 19 + ["0.03"]:
        prices.append(prices[-1] * (1 + D(each)))

    assert "0.006320" == f"{returns(prices, 20).deviation('A', 20).value:.6f}"


def test_windows_roll_on():
    """Each window has the last returns of its length, whatever came before, and what left it leaves nothing behind."""
    seen = returns([*EXTREMES, "4", "5"], 2, 5)

    assert returns(["3", "4", "5"], 2).deviation("A", 2) == seen.deviation("A", 2)
    assert 5 == seen.deviation("A", 5).count


@pytest.mark.parametrize("price", ["1", "1e-9", "1e18"])
def test_prices_that_stay(price):
    """They deviate by nothing, and nothing is not above nothing."""
    found = returns([price] * 4, 3).deviation("A", 3)

    assert (Deviation(3, 0, 0), D(0), 0) == (found, found.value, found.compared(D(0)))


def test_nothing_to_tell():
    """Without two prices, or a window of that length, there is no deviation."""
    seen = returns(["1"], 3)

    assert [None, None, None] == [seen.deviation(*each) for each in (("A", 3), ("A", 4), ("B", 3))]
    seen.add("A", D(2))
    assert Deviation(1, 10**12, 10**24) == seen.deviation("A", 3)


def test_symbols_by_themselves():
    """Each symbol has its own prices; all of them are listed, sorted."""
    seen = returns(["1", "2"], 3)
    for symbol, price in (("C", 1), ("B", 5), ("C", 1)):
        seen.add(symbol, D(price))

    assert ["A", "B", "C"] == seen.symbols
    assert [Deviation(1, 10**12, 10**24), None, Deviation(1, 0, 0)] == [
        seen.deviation(symbol, 3) for symbol in seen.symbols]  # fmt: skip


def test_other_lengths_begin_anew():
    """What is watched from now on has seen nothing yet."""
    seen = returns(["1", "2"], 3)
    seen.watch(frozenset({2}))

    assert ([], None) == (seen.symbols, seen.deviation("A", 3))


def test_comparisons_are_exact():
    """Whatever the prices and the limit, the comparison is that of fractions."""
    hypothesis = pytest.importorskip("hypothesis")
    strategies = pytest.importorskip("hypothesis.strategies")
    price = strategies.decimals("0.000001", "1000000000", places=6)

    @hypothesis.given(
        prices=strategies.lists(price, min_size=3, max_size=12),
        length=strategies.integers(2, 5),
        limit=strategies.decimals("0", "10", places=9),
    )
    def check(prices, length, limit):
        found, exact = returns(prices, length).deviation("A", length), variance(prices, length)

        assert sign(exact - Fraction(limit) ** 2) == found.compared(limit)
        assert abs(float(found.value) ** 2 - float(exact)) <= 1e-9 * max(1.0, float(exact))

    check()


def test_extremes_are_exact_too():
    """Returns of fourteen digits are summed without loss."""
    exact = variance(EXTREMES, 5)

    for limit in (D(10) ** 6, D("57735027186.96"), D(10) ** 12):
        assert sign(exact - Fraction(limit) ** 2) == returns(EXTREMES, 5).deviation("A", 5).compared(limit)
