"""What a venue demands of orders in a symbol, and since when."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve

from engine.errors import ClockError, InvalidRequest
from engine.model import OrderType, TimeInForce
from engine.risk.grid import Tick
from engine.risk.symbols import (
    ALPACA_CRYPTO,
    PRESETS,
    US_EQUITY,
    US_FRACTIONS,
    Fractions,
    PriceBand,
    SymbolProperties,
    SymbolTable,
)

D = Decimal


def day(number):
    return datetime(2024, 1, number, tzinfo=UTC)


def properties(**more):
    return SymbolProperties(**{"symbol": "X", "ticks": (Tick(size=D("0.01")),), "lot": D(1)} | more)


# --- properties -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("symbol", ""),
        ("ticks", (Tick(start=D(1), size=D(1)),)),
        ("lot", D(0)),
        ("lot", 1.0),
        ("multiplier", D(-1)),
        ("min_quantity", D(0)),
        ("market_lot", D("NaN")),
        ("max_position", D(0)),
        ("min_stop_distance", D("-0.01")),
        ("max_open_orders", 0),
        ("order_types", frozenset()),
        ("order_types", frozenset({TimeInForce.DAY})),
        ("times_in_force", [TimeInForce.DAY]),
    ],
)
def test_values_that_make_no_sense(field, value):
    """Each is refused under its own name."""
    with pytest.raises(InvalidRequest) as caught:
        properties(**{field: value})

    assert field == caught.value.field


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("min_quantity", "max_quantity"),
        ("market_min_quantity", "market_max_quantity"),
        ("min_notional", "max_notional"),
    ],
)
def test_bounds_that_cross(low, high):
    """The upper bound is not below the lower one; they may be equal."""
    with pytest.raises(InvalidRequest, match=f"{high} = .* expected at least {low}, 5"):
        properties(**{low: D(5), high: D(4)})

    assert D(5) == getattr(properties(**{low: D(5), high: D(5)}), high)


def test_fractions_are_parts_of_the_lot():
    """Whole lots are quantities of fractional orders too."""
    with pytest.raises(InvalidRequest, match=r"fractions.lot = Decimal\('0.3'\): expected a part of the lot, 1"):
        properties(fractions=evolve(US_FRACTIONS, lot=D("0.3")))


def test_parts_are_checked():
    """A band whose ends cross, and fractions that no order could have, are refused."""
    with pytest.raises(InvalidRequest, match="high"):
        PriceBand(low=D(2), high=D(1))
    with pytest.raises(InvalidRequest, match="order_types"):
        Fractions(lot=D(1), order_types=frozenset(), times_in_force=frozenset({TimeInForce.DAY}))
    with pytest.raises(InvalidRequest, match="min_notional"):
        evolve(US_FRACTIONS, min_notional=D(0))


def test_since_is_aware():
    """A version cannot begin at a moment without a zone."""
    with pytest.raises(ClockError):
        properties(since=datetime(2024, 1, 1))


def test_fractionable():
    """Quantities that are no whole number are possible with fractions, or with a lot that is not whole."""
    assert (False, False, True, True) == (
        properties().fractionable,
        properties(lot=D(50)).fractionable,
        properties(lot=D("0.5")).fractionable,
        properties(fractions=US_FRACTIONS).fractionable,
    )


# --- presets ----------------------------------------------------------------------------------------------------------


def test_preset_of_shares():
    """US shares: four places below a dollar, two from a dollar on, whole shares, stops a cent away."""
    assert (
        [(D(0), D("0.0001")), (D(1), D("0.01"))],
        D(1),
        None,
        D("0.01"),
    ) == (
        [(tick.start, tick.size) for tick in US_EQUITY.ticks],
        US_EQUITY.lot,
        US_EQUITY.fractions,
        US_EQUITY.min_stop_distance,
    )
    assert (D("0.000000001"), D(1)) == (US_FRACTIONS.lot, US_FRACTIONS.min_notional)
    assert US_FRACTIONS == PRESETS["us-equity-fractional"].fractions


def test_preset_of_coins():
    """Alpaca's pairs: nine places, from 10 to 200,000 USD, three types, gtc and ioc, no shorts."""
    assert (D("1E-9"), D("1E-9"), D(10), D(200_000), False) == (
        ALPACA_CRYPTO.ticks[0].size,
        ALPACA_CRYPTO.lot,
        ALPACA_CRYPTO.min_notional,
        ALPACA_CRYPTO.max_notional,
        ALPACA_CRYPTO.shortable,
    )
    assert {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT} == ALPACA_CRYPTO.order_types
    assert {TimeInForce.GTC, TimeInForce.IOC} == ALPACA_CRYPTO.times_in_force


# --- table ------------------------------------------------------------------------------------------------------------


def test_unknown_symbol():
    """Nothing is said of a symbol that is not in the table."""
    assert SymbolTable([properties()]).at("Y", day(1)) is None


def test_one_version_for_all_times():
    """A version without a date always holds."""
    only = properties()

    assert only is SymbolTable([only]).at("X", day(1))


def test_versions_by_date():
    """Each version holds from its own moment on, whatever order they come in; before the first nothing is known."""
    cents, halves = properties(since=day(10)), properties(since=day(20), ticks=(Tick(size=D("0.005")),))
    table = SymbolTable([halves, cents])
    found = [table.at("X", day(number)) for number in (9, 10, 19, 20, 21)]

    assert [None, cents, cents, halves, halves] == found


def test_a_version_before_the_first_date():
    """One version may be without a date; it holds until the first that has one."""
    first, then = properties(), properties(since=day(10))
    table = SymbolTable([then, first])

    assert [first, then] == [table.at("X", day(9)), table.at("X", day(10))]


@pytest.mark.parametrize("since", [None, day(3)])
def test_two_versions_at_once(since):
    """Two versions that begin at the same moment cannot both hold."""
    with pytest.raises(InvalidRequest, match="another moment for each version"):
        SymbolTable([properties(since=since), properties(since=since, lot=D(2)), properties(since=day(1))])


def test_what_a_table_holds():
    """It knows its symbols and gives all versions back."""
    versions = [properties(symbol="A"), properties(symbol="B", since=day(1)), properties(symbol="B", since=day(2))]
    table = SymbolTable(versions)

    assert 2 == len(table)
    assert versions == list(table)
    assert ("A" in table, "B" in table, "C" in table) == (True, True, False)


def test_merged():
    """Of a symbol that both know the other table's versions hold, all of them and no other."""
    mine = SymbolTable([properties(symbol="A"), properties(symbol="B", since=day(1))])
    other = SymbolTable([properties(symbol="B", since=day(5), lot=D(2)), properties(symbol="C")])
    merged = mine.merged(other)

    assert (None, D(2)) == (merged.at("B", day(2)), merged.at("B", day(6)).lot)
    assert (True, True) == ("A" in merged, "C" in merged)
