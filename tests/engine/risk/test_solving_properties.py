"""What holds of a solved order, and of a refusal, whatever is asked and whatever the symbol's rules are."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate

import pytest
from attrs import evolve

from engine.model import Exits, OrderRequest, OrderType, Side, TimeInForce
from engine.risk.grid import Tick, floor_to, next_above, next_below, off_grid, off_tick, round_down, round_up
from engine.risk.solving import Solved, solve
from engine.risk.symbols import Fractions, PriceBand, SymbolProperties

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def amounts(low, high, places):
    return st.decimals(D(low), D(high), places=places, allow_nan=False, allow_infinity=False)


def maybe(strategy):
    return st.none() | strategy


PRICES = amounts("0.0001", "40", 5)
QUANTITIES = amounts("0.0001", "60", 5)
SIZES = st.sampled_from([D(each) for each in ("0.0001", "0.0025", "0.01", "0.05", "0.25", "0.3", "1")])


@st.composite
def tick_tables(draw):
    """Bands whose sizes need not divide each other."""
    sizes = draw(st.lists(SIZES, max_size=3))
    starts = accumulate(draw(st.lists(st.integers(1, 9), min_size=len(sizes), max_size=len(sizes))), initial=0)
    ticks, last = [], D(-1)
    for size, start in zip(sizes, starts, strict=False):
        begin = floor_to(D(start), size)
        if begin > last:
            ticks.append(Tick(start=begin, size=size))
            last = begin
    return tuple(ticks)


def table(*bands):
    return tuple(Tick(start=D(start), size=D(size)) for start, size in bands)


TABLES = [
    (),
    table(("0", "0.01")),
    table(("0", "0.0001"), ("1", "0.01")),
    table(("0", "0.3"), ("1", "0.25"), ("6", "2")),
    table(("0", "0.05"), ("3", "0.1"), ("9", "0.0025")),
]
FRACTIONS = Fractions(
    lot=D("0.001"),
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}),
    times_in_force=frozenset({TimeInForce.DAY}),
    min_notional=D(7),
)
LOTS = [
    {"lot": D("0.0001")},
    {"lot": D(1), "odd_lots": False},
    {"lot": D(1), "fractions": FRACTIONS},
    {"lot": D("0.5"), "market_lot": D(2), "min_quantity": D(1), "max_quantity": D(40)},
    {"lot": D(3), "min_quantity": D(4), "max_quantity": D(41), "market_max_quantity": D(20), "odd_lots": False},
]
BOUNDS = [
    {},
    {"min_notional": D(10), "max_notional": D(400)},
    {"min_notional": D(10), "market_notional": False, "multiplier": D(50), "odd_lots": False},
    {"min_stop_distance": D("0.01"), "max_position": D(30), "max_open_orders": 2},
    {"min_stop_distance": D(1), "shortable": False, "max_notional": D(300)},
    {"buy_band": PriceBand(low=D("0.5"), high=D("1.5")), "sell_band": PriceBand(low=D("0.7"), high=D(3))},
]


def rules():
    """Tables of ticks that divide each other and that do not, with all kinds of lots and bounds."""
    return st.builds(
        lambda ticks, lots, bounds: SymbolProperties(
            **{"symbol": "X", "ticks": ticks, "shortable": True} | lots | bounds
        ),
        st.sampled_from(TABLES),
        st.sampled_from(LOTS),
        st.sampled_from(BOUNDS),
    )


@st.composite
def requests(draw):
    """Orders of all types, one in three with exits."""
    side, kind = draw(st.sampled_from(Side)), draw(st.sampled_from(OrderType))
    quantity, one, two = draw(QUANTITIES), draw(PRICES), draw(PRICES)
    exits = None
    which = draw(st.sampled_from(["", "", "", "", "profit", "stop", "stop-limit", "both", "all"]))
    if which:
        low, high = sorted((draw(PRICES), draw(PRICES)))
        profit, stop = (high, low) if side is BUY else (low, high)
        exits = Exits(
            take_profit=profit if which in ("profit", "both", "all") else None,
            stop_loss=None if which == "profit" else stop,
            stop_limit=two if which in ("stop-limit", "all") else None,
        )
    return OrderRequest(
        symbol="X",
        side=side,
        type=kind,
        quantity=quantity,
        time_in_force=draw(st.sampled_from([TimeInForce.DAY, TimeInForce.GTC])),
        limit_price=one if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop_price=two if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
        trail_price=one if kind is OrderType.TRAILING_STOP else None,
        exits=exits,
    )


SITUATIONS = st.builds(
    lambda reference, held, open_orders, pending: {
        "reference": reference,
        "held": held,
        "open_orders": open_orders,
        "pending": pending,
    },
    maybe(PRICES),
    st.sampled_from([D(each) for each in ("0", "0", "50", "-50", "1.5", "-0.0007", "0.00007", "-29")]),
    st.sampled_from([0, 0, 2]),
    st.sampled_from([D(0), D("2.5")]),
)


def fits(ticks, price):
    return price is None or not off_tick(ticks, price)


# --- the grid ---------------------------------------------------------------------------------------------------------


@given(tick_tables(), PRICES)
def test_rounded_prices_are_neighbours(ticks, price):
    """Down and up are on the table, on both sides of the price, and nothing of the table lies between."""
    assume(ticks)
    down, up = round_down(ticks, price), round_up(ticks, price)

    assert fits(ticks, down)
    assert fits(ticks, up)
    assert down <= price <= up
    if down == up:
        assert down == price
    else:
        assert (up, down) == (next_above(ticks, down), next_below(ticks, up) or D(0))


# --- solved orders ----------------------------------------------------------------------------------------------------


@given(requests(), rules(), SITUATIONS)
def test_solving_twice_changes_nothing(request, properties, situation):
    """A solved order is handed back as it is."""
    answer = solve(request, properties, **situation)
    assume(isinstance(answer, Solved))
    again = solve(answer.request, properties, **situation)

    assert (answer.request, ()) == again
    assert again.request is answer.request


@given(requests(), rules(), SITUATIONS)
def test_a_solved_order_keeps_the_rules(request, properties, situation):
    """Prices are on their ticks, and the quantity is on its lot and within its bounds, or it closes the holding."""
    answer = solve(request, properties, **situation)
    assume(isinstance(answer, Solved))
    found, held = answer.request, situation["held"]
    closes = bool(held) and (held > 0) is (found.side is SELL)
    exits = found.exits or Exits(take_profit=None, stop_loss=D(1))

    assert fits(properties.ticks, found.limit_price)
    assert fits(properties.ticks, found.stop_price)
    if found.exits is not None:
        assert fits(properties.ticks, exits.take_profit)
        assert fits(properties.ticks, exits.stop_loss)
        assert fits(properties.ticks, exits.stop_limit)
    if not (closes and properties.odd_lots and found.quantity == abs(held)):
        lots = {properties.lot} | ({properties.market_lot} if found.type is OrderType.MARKET else set())
        lots |= {properties.fractions.lot} if properties.fractions is not None else set()
        assert any(not off_grid(found.quantity, lot) for lot in lots if lot is not None)
        assert properties.min_quantity is None or found.quantity >= properties.min_quantity
        if found.limit_price is not None and properties.min_notional is not None:
            assert found.limit_price * found.quantity * properties.multiplier >= properties.min_notional
    assert properties.max_quantity is None or found.quantity <= properties.max_quantity
    if found.limit_price is not None and properties.max_notional is not None:
        assert found.limit_price * found.quantity * properties.multiplier <= properties.max_notional
    if not closes:
        assert properties.max_open_orders is None or situation["open_orders"] < properties.max_open_orders
        assert properties.max_position is None or abs(held) + found.quantity <= properties.max_position
        assert properties.shortable or found.side is BUY


@given(requests(), rules(), SITUATIONS)
def test_a_quantity_never_grows_and_nothing_crosses_zero(request, properties, situation):
    """What is solved is at most what was asked, and an order against the position at most closes it."""
    answer = solve(request, properties, **situation)
    assume(isinstance(answer, Solved))
    quantity, held = answer.request.quantity, situation["held"]

    assert 0 < quantity <= request.quantity
    if held:
        assert (held + request.side.signed(quantity)) * held >= 0


@given(requests(), rules(), SITUATIONS)
def test_a_limit_never_gets_more_aggressive(request, properties, situation):
    """No buy limit is raised and no sell limit lowered, of the order and of its exits, by a tick or more."""
    answer = solve(request, properties, **situation)
    assume(isinstance(answer, Solved))
    exits, before = answer.request.exits, request.exits
    pairs = [(request.side, request.limit_price, answer.request.limit_price)]
    if exits is not None:
        pairs += [
            (request.side.opposite, before.take_profit, exits.take_profit),
            (request.side.opposite, before.stop_limit, exits.stop_limit),
        ]
    for side, asked, found in pairs:
        if asked is not None:
            assert found <= asked if side is BUY else found >= asked
            assert found == (round_down if side is BUY else round_up)(properties.ticks, asked)


@given(requests(), rules(), SITUATIONS)
def test_stops_round_by_their_role(request, properties, situation):
    """What closes triggers sooner, what opens later; never by a tick or more."""
    answer = solve(request, properties, **situation)
    assume(isinstance(answer, Solved))
    held, found = situation["held"], answer.request
    closes = bool(held) and (held > 0) is (found.side is SELL)
    if found.stop_price is not None:
        up = (found.side is BUY) is not closes
        assert found.stop_price == (round_up if up else round_down)(properties.ticks, request.stop_price)
    if found.trail_price is not None:
        assert found.trail_price <= request.trail_price if closes else found.trail_price >= request.trail_price
    if found.exits is not None and found.exits.stop_loss is not None:
        up = found.side is BUY
        assert found.exits.stop_loss == (round_up if up else round_down)(properties.ticks, request.exits.stop_loss)


@given(requests(), rules(), SITUATIONS)
def test_changes_are_told(request, properties, situation):
    """There is something to tell exactly if the request is another one."""
    answer = solve(request, properties, **situation)
    assume(isinstance(answer, Solved))

    assert (answer.request is request) is (answer.changes == ())
    assert (answer.request == request) is (answer.changes == ())


# --- refusals ---------------------------------------------------------------------------------------------------------

FIELDS = {
    "ZERO_QUANTITY": "quantity",
    "NOT_FRACTIONABLE": "quantity",
    "MIN_QUANTITY": "quantity",
    "MAX_QUANTITY": "quantity",
    "MIN_NOTIONAL": "quantity",
    "MAX_NOTIONAL": "quantity",
    "MAX_POSITION": "quantity",
    "PRICE_BAND": "limit_price",
    "EXITS_CROSSED": "exits.stop_loss",
}


# Only refusals are looked at, and most orders fit.
most_fit = settings(suppress_health_check=[HealthCheck.filter_too_much])


@most_fit
@given(requests(), rules(), SITUATIONS)
def test_the_nearest_passes(request, properties, situation):
    """A request with the value that a refusal names passes, and keeps that value."""
    answer = solve(request, properties, **situation)
    assume(not isinstance(answer, Solved) and answer.nearest is not None)
    field = FIELDS.get(answer.code)
    if field is None:
        field = answer.message.split("; ")[-1].split(" ")[0]
    value = D(answer.nearest)
    if field.startswith("exits."):
        other = evolve(request, exits=evolve(request.exits, **{field.removeprefix("exits."): value}))
    else:
        other = evolve(request, **{field: value})
    solved = solve(other, properties, **situation)

    assert isinstance(solved, Solved)
    assert not any(change.startswith(field) for change in solved.changes)


@most_fit
@given(requests(), rules(), SITUATIONS, QUANTITIES)
def test_nothing_nearer_passes(request, properties, situation, quantity):
    """No other quantity passes that is nearer to the one asked for; without a nearest none passes at all."""
    answer = solve(request, properties, **situation)
    assume(not isinstance(answer, Solved) and FIELDS.get(answer.code) == "quantity")
    lots = [properties.lot] if properties.fractions is None else [properties.lot, properties.fractions.lot]
    for lot in lots:
        other = evolve(request, quantity=max(lot, floor_to(quantity, lot)))
        solved = solve(other, properties, **situation)
        if isinstance(solved, Solved) and solved.request.quantity == other.quantity:
            assert answer.nearest is not None
            assert abs(D(answer.nearest) - request.quantity) <= abs(other.quantity - request.quantity)
