"""Making an order fit the rules of its symbol."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from attrs import evolve

from engine.decisions import Refusal
from engine.model import Exits, OrderRequest, OrderType, Side, TimeInForce
from engine.risk.grid import Tick
from engine.risk.solving import Solved, solve
from engine.risk.symbols import ALPACA_CRYPTO, PRESETS, US_EQUITY, SymbolProperties

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
GTC = TimeInForce.GTC

SHARE = evolve(US_EQUITY, symbol="X")
FRACTIONAL = evolve(PRESETS["us-equity-fractional"], symbol="X")
COIN = evolve(ALPACA_CRYPTO, symbol="X", ticks=(Tick(size=D(1)),), lot=D("0.0001"), min_quantity=D("0.0001"))
FREE = SymbolProperties(symbol="X", ticks=(), lot=D("1E-9"), shortable=True)


def order(side, quantity="1", *, type=None, limit=None, stop=None, trail=None, exits=None, tif=TimeInForce.DAY):
    """A request of the type that its prices make it."""
    if type is None:
        type = {
            (False, False): OrderType.MARKET,
            (True, False): OrderType.LIMIT,
            (False, True): OrderType.STOP,
            (True, True): OrderType.STOP_LIMIT,
        }[limit is not None, stop is not None]
        type = type if trail is None else OrderType.TRAILING_STOP
    return OrderRequest(
        symbol="X",
        side=side,
        type=type,
        quantity=D(quantity),
        time_in_force=tif,
        limit_price=None if limit is None else D(limit),
        stop_price=None if stop is None else D(stop),
        trail_price=None if trail is None else D(trail),
        exits=exits,
    )


def solved(request, properties=SHARE, *, reference=None, held="0", **more):
    """What becomes of the request, which has to fit."""
    answer = solve(request, properties, reference=None if reference is None else D(reference), held=D(held), **more)
    assert isinstance(answer, Solved), answer
    return answer


def refused(request, properties=SHARE, *, reference=None, held="0", **more):
    """Why the request does not fit, which it must not."""
    answer = solve(request, properties, reference=None if reference is None else D(reference), held=D(held), **more)
    assert isinstance(answer, Refusal), answer
    return answer


# --- nothing to do ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        order(BUY),
        order(SELL, "3", limit="11.05"),
        order(BUY, stop="101.00"),
        order(BUY, limit="100", exits=Exits(take_profit=D(110), stop_loss=D("99.99"), stop_limit=D("99.50"))),
        order(BUY, trail="1.50"),
    ],
)
def test_what_fits_is_handed_back(request_):
    """A request that is on the grid comes back as the same object, with no changes."""
    answer = solved(request_, reference="100")

    assert answer.request is request_
    assert () == answer.changes


# --- prices -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "side", "expected"),
    [
        ("11.055", BUY, "11.05"),
        ("11.055", SELL, "11.06"),
        ("0.60134", SELL, "0.6014"),
        ("0.60134", BUY, "0.6013"),
        ("0.99996", BUY, "0.9999"),
        ("0.99996", SELL, "1.00"),
        ("10.005", BUY, "10.00"),
        ("10.005", SELL, "10.01"),
        ("10.015", BUY, "10.01"),
        ("10.015", SELL, "10.02"),
    ],
)
def test_limits_of_shares(price, side, expected):
    """A buy limit rounds down and a sell limit up, on the tick of its band; halves are nothing special."""
    assert D(expected) == solved(order(side, limit=price)).request.limit_price


@pytest.mark.parametrize(
    ("side", "held", "expected"),
    [(SELL, "10", "290.13"), (BUY, "-10", "290.12"), (BUY, "0", "290.13"), (SELL, "0", "290.12")],
)
def test_stops_by_their_role(side, held, expected):
    """A stop that closes rounds to trigger sooner, one that opens to trigger later."""
    reference = "280" if side is BUY else "300"

    assert D(expected) == solved(order(side, stop="290.123"), reference=reference, held=held).request.stop_price


@pytest.mark.parametrize(
    ("side", "held", "stop", "limit"),
    [
        (SELL, "10", "290.13", "290.46"),
        (BUY, "-10", "290.12", "290.45"),
        (BUY, "10", "290.13", "290.45"),
        (SELL, "-10", "290.12", "290.46"),
    ],
)
def test_stop_limits(side, held, stop, limit):
    """The limit of a stop-limit order is a limit: it never gets more aggressive, whatever its stop does."""
    reference = "280" if side is BUY else "300"
    request = solved(order(side, stop="290.123", limit="290.455"), reference=reference, held=held).request

    assert (D(stop), D(limit)) == (request.stop_price, request.limit_price)


@pytest.mark.parametrize(
    ("side", "held", "expected"), [(SELL, "10", "0.50"), (BUY, "-10", "0.50"), (BUY, "0", "0.51"), (SELL, "0", "0.51")]
)
def test_trails_on_the_tick_of_the_market(side, held, expected):
    """A trail of less than a dollar is on the cent where the price is; it shortens to close, lengthens to open."""
    answer = solved(order(side, trail="0.505"), reference="50", held=held)

    assert D(expected) == answer.request.trail_price
    assert 1 == len(answer.changes)
    assert answer.changes[0].startswith(f"trail_price 0.505 → {expected}: tick 0.01, a trail that ")


def test_trails_without_a_market():
    """Where no price is known a trail is on the tick of its own size, and one in percent is left alone."""
    percent = OrderRequest(
        symbol="X", side=SELL, type=OrderType.TRAILING_STOP, quantity=D(1), trail_percent=D("1.23456789")
    )

    assert D("0.5055") == solved(order(SELL, trail="0.50555"), held="1").request.trail_price
    assert percent is solved(percent, held="1").request


def test_a_trail_of_nothing():
    """A trail that would shorten to nothing is refused; one tick would do."""
    answer = refused(order(SELL, trail="0.005"), reference="50", held="1")

    assert ("ZERO_PRICE", "0.005", "0.01", "0.01") == (answer.code, answer.value, answer.bound, answer.nearest)


@pytest.mark.parametrize(("side", "expected"), [(BUY, "43210"), (SELL, "43211")])
def test_worked_price_of_a_coin(side, expected):
    """43,210.75 on a tick of 1: a buy at 43,210, a sell at 43,211."""
    properties = evolve(COIN, shortable=True)

    assert D(expected) == solved(order(side, limit="43210.75", tif=GTC), properties).request.limit_price


@pytest.mark.parametrize(("side", "expected"), [(BUY, "4500.00"), (SELL, "4500.25")])
def test_ticks_that_are_no_power_of_ten(side, expected):
    """4500.13 has two places, and is off a tick of 0.25 all the same."""
    future = evolve(SHARE, ticks=(Tick(size=D("0.25")),), multiplier=D(50))

    assert D(expected) == solved(order(side, limit="4500.13"), future).request.limit_price


@pytest.mark.parametrize(("field", "held"), [("limit_price", "0"), ("stop_price", "-1")])
def test_prices_below_the_lowest(field, held):
    """A price that would round to nothing is refused, and the lowest one named."""
    given = {"limit": "0.00004"} if field == "limit_price" else {"stop": "0.00004"}
    answer = refused(order(BUY, **given), held=held)

    assert ("ZERO_PRICE", "0.00004", "0.0001", "0.0001") == (answer.code, answer.value, answer.bound, answer.nearest)
    assert f"{field} 0.00004 is below the lowest, 0.0001; {field} 0.0001 would do" == answer.message


# --- exits ------------------------------------------------------------------------------------------------------------


def test_exits_of_a_purchase():
    """They sell: the limits round up, and so does the stop, to trigger sooner."""
    exits = Exits(take_profit=D("60.001"), stop_loss=D("49.001"), stop_limit=D("48.001"))
    answer = solved(order(BUY, limit="50.00", exits=exits))

    assert Exits(take_profit=D("60.01"), stop_loss=D("49.01"), stop_limit=D("48.01")) == answer.request.exits
    assert (
        "exits.take_profit 60.001 → 60.01: tick 0.01, a sell limit rounds up",
        "exits.stop_loss 49.001 → 49.01: tick 0.01, a sell stop that closes rounds up",
        "exits.stop_limit 48.001 → 48.01: tick 0.01, a sell limit rounds up",
    ) == answer.changes


def test_exits_of_a_short_sale():
    """They buy: everything rounds down."""
    exits = Exits(take_profit=D("40.009"), stop_loss=D("51.009"), stop_limit=D("52.009"))
    request = solved(order(SELL, limit="50.00", exits=exits)).request

    assert Exits(take_profit=D("40.00"), stop_loss=D("51.00"), stop_limit=D("52.00")) == request.exits


def test_exits_of_a_market_order():
    """An order without a price of its own has its exits rounded too."""
    request = solved(order(BUY, exits=Exits(stop_loss=D("49.001"))), reference="50").request

    assert D("49.01") == request.exits.stop_loss


def test_the_other_order_of_a_pair():
    """In an OCO pair the stop is on the side of the take-profit."""
    exits = Exits(stop_loss=D("49.001"))
    long = solved(order(SELL, "10", limit="60.00", exits=exits), held="10", pair=True)
    short = solved(order(BUY, "10", limit="40.00", exits=exits), held="-10", pair=True)

    assert (D("49.01"), D("49.00")) == (long.request.exits.stop_loss, short.request.exits.stop_loss)


def test_exits_below_the_lowest_price():
    """A price of exits that would round to nothing is named as it stands in the request."""
    answer = refused(order(SELL, limit="0.5", exits=Exits(take_profit=D("0.00001"))))

    assert ("ZERO_PRICE", "0.0001") == (answer.code, answer.nearest)
    assert answer.message.endswith("exits.take_profit 0.0001 would do")


# --- quantities -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "quantity", "expected"), [(BUY, "130", "100"), (SELL, "130", "100")])
def test_lots_round_toward_zero(side, quantity, expected):
    """130 in lots of 50 is 100, to buy and to sell."""
    assert D(expected) == solved(order(side, quantity), evolve(SHARE, lot=D(50))).request.quantity


def test_worked_quantities_of_a_coin():
    """0.00125678 becomes 0.0012; 0.00007 is refused and never becomes 0.0001."""
    answer = solved(order(BUY, "0.00125678", limit="43210", tif=GTC), COIN)
    refusal = refused(order(BUY, "0.00007", limit="43210", tif=GTC), evolve(COIN, min_notional=None))

    assert D("0.0012") == answer.request.quantity
    assert ("quantity 0.00125678 → 0.0012: lot 0.0001, a quantity rounds down",) == answer.changes
    assert ("ZERO_QUANTITY", "0.00007", "0.0001", "0.0001") == (
        refusal.code,
        refusal.value,
        refusal.bound,
        refusal.nearest,
    )


def test_decimals_have_no_noise():
    """0.3 is three lots of 0.1."""
    request = order(BUY, "0.3")

    assert request is solved(request, evolve(SHARE, lot=D("0.1"))).request


def test_whole_shares():
    """Where there are no fractions 1.5 becomes 1, and 0.5 is refused."""
    answer = refused(order(BUY, "0.5"))

    assert D(1) == solved(order(BUY, "1.5")).request.quantity
    assert ("NOT_FRACTIONABLE", "0.5", "1", "1") == (answer.code, answer.value, answer.bound, answer.nearest)
    assert "quantity 0.5: X is not traded in fractions; quantity 1 would do" == answer.message


@pytest.mark.parametrize(
    "request_",
    [
        order(BUY, "1.5", limit="50", tif=GTC),
        order(SELL, "1.5", limit="50"),
        order(BUY, "1.5", limit="50", exits=Exits(stop_loss=D(40))),
        order(BUY, "1.5", trail="1"),
    ],
    ids=["gtc", "short", "exits", "trailing"],
)
def test_orders_that_take_no_fractions(request_):
    """Fractions of a share are for day orders of their own that do not sell short; others take whole shares."""
    assert D(1) == solved(request_, FRACTIONAL, reference="50").request.quantity
    assert "NOT_FRACTIONABLE" == refused(evolve(request_, quantity=D("0.5")), FRACTIONAL, reference="50").code


def test_orders_that_take_fractions():
    """Up to nine places, in a day order, to buy and to close."""
    assert D("1.123456789") == solved(order(BUY, "1.1234567891", limit="50"), FRACTIONAL).request.quantity
    assert D("0.25") == solved(order(SELL, "0.25", limit="50"), FRACTIONAL, held="0.75").request.quantity


def test_neither_order_of_a_pair_takes_fractions():
    """The stop of an OCO pair is no order of its own, though its request looks like one."""
    assert D(1) == solved(order(SELL, "1.5", stop="50"), FRACTIONAL, held="1.5", pair=True).request.quantity


def test_market_orders_may_have_a_lot_of_their_own():
    """The lot of market orders is for them alone."""
    properties = evolve(SHARE, market_lot=D(10))

    assert D(20) == solved(order(BUY, "25"), properties).request.quantity
    assert D(25) == solved(order(BUY, "25", limit="5"), properties).request.quantity


def test_huge_quantities_keep_every_digit():
    """Whatever the caller's context is."""
    quantity = "12345678901234567890123456789012345.1234567895"
    with localcontext() as context:
        context.prec = 5

        assert D(quantity[:-1]) == solved(order(BUY, quantity), FREE).request.quantity


@pytest.mark.parametrize("quantity", ["1E+1000", "9" * 500 + ".1"])
def test_what_cannot_be_counted(quantity):
    """A number that would have to be rounded to be judged is refused."""
    assert "OUT_OF_RANGE" == refused(order(BUY, quantity), FREE).code


# --- closing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("side", "held"), [(SELL, "100"), (BUY, "-100")])
def test_nothing_turns_a_position_round(side, held):
    """An order against the position is cut to what is held."""
    answer = solved(order(side, "150"), held=held)

    assert D(100) == answer.request.quantity
    assert (
        "quantity 150 → 100: 100 is held, and one order does not turn a position round",
    ) == answer.changes  # fmt: skip


def test_the_exact_holding_may_be_off_the_lot():
    """Dust can be closed, whole, where the venue takes odd lots, however little it is worth."""
    whole = order(SELL, "0.00001234", tif=GTC)
    properties = evolve(COIN, min_quantity=D("0.001"))

    assert whole is solved(whole, properties, reference="43210", held="0.00001234").request
    assert D("0.00001234") == solved(order(SELL, "1", tif=GTC), properties, held="0.00001234").request.quantity


def test_part_of_a_holding_is_on_the_lot():
    """A close that leaves something rounds down like any other order."""
    assert D("1.0056") == solved(order(SELL, "1.00566", limit="43210", tif=GTC), COIN, held="1.00567").request.quantity


def test_where_odd_lots_are_not_taken():
    """The holding is rounded down, and what stays is told."""
    properties = evolve(COIN, odd_lots=False)
    answer = solved(order(SELL, "1.00567", limit="43210", tif=GTC), properties, held="1.00567")

    assert D("1.0056") == answer.request.quantity
    assert ("quantity 1.00567 → 1.0056: lot 0.0001, a quantity rounds down; 0.00007 stays",) == answer.changes
    assert "MIN_NOTIONAL" == refused(order(SELL, "0.0001", limit="43210", tif=GTC), properties, held="0.0001").code


def test_a_fraction_is_not_closed_by_what_takes_none():
    """A gtc stop protects the whole shares of a fractional holding; the venue would not take the rest."""
    answer = solved(order(SELL, "1.5", stop="40", tif=GTC), FRACTIONAL, held="1.5")

    assert D(1) == answer.request.quantity
    assert answer.changes[0].endswith("; 0.5 stays")


def test_a_close_that_rounds_to_nothing():
    """Closing less than a lot of an odd holding is refused; closing all of it would do."""
    answer = refused(order(SELL, "0.3"), held="0.5")

    assert ("NOT_FRACTIONABLE", "0.5") == (answer.code, answer.nearest)


def test_what_has_traded_counts_for_a_replacement():
    """The total of an order that closes may be what is held and what it has closed already."""
    request = order(SELL, "100", limit="50")

    assert request is solved(request, held="60", filled=D(40)).request
    assert D(100) == solved(evolve(request, quantity=D(101)), held="60", filled=D(40)).request.quantity


# --- all together -----------------------------------------------------------------------------------------------------


def test_the_notional_is_that_of_the_rounded_order():
    """0.00036868 at 27,123.456 becomes 0.00036 at 27,123.45, worth 9.764442."""
    properties = evolve(FREE, ticks=(Tick(size=D("0.01")),), lot=D("0.00001"), min_notional=D(5))
    request = solved(order(BUY, "0.00036868", limit="27123.456"), properties).request
    low = refused(order(BUY, "0.000184342", limit="27123.456"), properties)

    assert (D("27123.45"), D("0.00036")) == (request.limit_price, request.quantity)
    assert ("MIN_NOTIONAL", "4.882221", "5", "0.00019") == (low.code, low.value, low.bound, low.nearest)


def test_changes_are_told_in_order():
    """Prices first, then the quantity."""
    answer = solved(order(BUY, "1.5", limit="11.055"))

    assert (
        "limit_price 11.055 → 11.05: tick 0.01, a buy limit rounds down",
        "quantity 1.5 → 1: lot 1, a quantity rounds down",
    ) == answer.changes


def test_everything_else_is_left():
    """A request that is changed keeps its id, its life time and its time in force."""
    request = evolve(order(BUY, limit="11.055", tif=GTC), client_order_id="mine-1")

    assert evolve(request, limit_price=D("11.05")) == solved(request).request
