"""The rules of a symbol that rounding cannot keep; each names the value, the bound and what would do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from attrs import evolve

from engine.decisions import Refusal
from engine.model import Exits, OrderRequest, OrderType, Side, TimeInForce
from engine.risk.bounds import plain
from engine.risk.grid import Tick
from engine.risk.solving import Solved, solve
from engine.risk.symbols import ALPACA_CRYPTO, PRESETS, US_EQUITY, PriceBand, SymbolProperties

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
FOK, GTC = TimeInForce.FOK, TimeInForce.GTC

SHARE = evolve(US_EQUITY, symbol="X")
FRACTIONAL = evolve(PRESETS["us-equity-fractional"], symbol="X")
COIN = evolve(ALPACA_CRYPTO, symbol="X")
BTC = SymbolProperties(
    symbol="X", ticks=(Tick(size=D("0.01")),), lot=D("0.00001"), min_notional=D(5), shortable=True, odd_lots=False
)


def market(side, quantity="1", **more):
    return OrderRequest.market("X", side, D(quantity), **more)


def limit(side, price, quantity="1", **more):
    return OrderRequest.limit("X", side, D(quantity), D(price), **more)


def stop(side, price, quantity="1", **more):
    return OrderRequest.stop("X", side, D(quantity), D(price), **more)


def answer(request, properties=SHARE, *, reference="100", held="0", **more):
    return solve(request, properties, reference=None if reference is None else D(reference), held=D(held), **more)


def passes(request, properties=SHARE, **more):
    """Whether it passes as it is."""
    given = answer(request, properties, **more)
    return isinstance(given, Solved) and given.request is request


def no(request, properties=SHARE, **more):
    """Code, value, bound and nearest of the refusal."""
    given = answer(request, properties, **more)
    assert isinstance(given, Refusal), given
    return given.code, given.value, given.bound, given.nearest


# --- what is forbidden ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"tradable": False}, "NOT_TRADABLE", "X is not tradable: a position can only be closed"),
        ({"halted": True}, "HALTED", "trading in X is halted: a position can only be closed"),
        ({"shortable": False}, "NOT_SHORTABLE", "X cannot be sold short"),
        ({"easy_to_borrow": False}, "NOT_SHORTABLE", "X cannot be sold short: it is hard to borrow"),
    ],
)
def test_flags_stop_entries_only(change, code, message):
    """A short sale is refused by each flag, for good; the same order closes a long position."""
    properties = evolve(SHARE, **change)
    given = answer(market(SELL), properties)

    assert Refusal(code=code, message=message) == given
    assert passes(market(SELL), properties, held="1")


def test_purchases_need_no_borrowing():
    """What cannot be sold short can be bought."""
    assert passes(market(BUY), evolve(SHARE, shortable=False, easy_to_borrow=False))


def test_types_that_the_venue_does_not_take():
    """They are refused whatever the order is for, and the allowed ones named."""
    allowed = "limit, market, stop_limit"

    assert ("ORDER_TYPE", "stop", allowed, None) == no(stop(BUY, "110", time_in_force=GTC), COIN)
    assert ("ORDER_TYPE", "stop", allowed, None) == no(stop(SELL, "90", time_in_force=GTC), COIN, held="1")


def test_types_of_exits():
    """An entry is refused if what should protect it could not be sent."""
    plain_stop, stop_limit = Exits(stop_loss=D(90)), Exits(stop_loss=D(90), stop_limit=D(89))
    no_limits = evolve(COIN, order_types=frozenset({OrderType.MARKET, OrderType.STOP}))

    assert "stop" == no(market(BUY, exits=plain_stop, time_in_force=GTC), COIN)[1]
    assert passes(market(BUY, exits=stop_limit, time_in_force=GTC), COIN)
    assert passes(market(BUY, exits=Exits(take_profit=D(110)), time_in_force=GTC), COIN)
    assert "stop_limit" == no(market(BUY, exits=stop_limit, time_in_force=GTC), no_limits)[1]
    assert "limit" == no(market(BUY, exits=Exits(take_profit=D(110)), time_in_force=GTC), no_limits)[1]


def test_times_that_the_venue_does_not_take():
    """The first one that would do is named."""
    assert ("TIME_IN_FORCE", "day", "gtc, ioc", "gtc") == no(market(BUY), COIN)
    assert ("TIME_IN_FORCE", "fok", "gtc, ioc", "gtc") == no(
        market(SELL, time_in_force=TimeInForce.FOK), COIN, held="1"
    )


def test_count_of_open_orders():
    """The last place can be taken; a close is not counted here."""
    properties = evolve(SHARE, max_open_orders=5)

    assert passes(market(BUY), properties, open_orders=4)
    assert ("MAX_OPEN_ORDERS", "5", "5", None) == no(market(BUY), properties, open_orders=5)
    assert passes(market(SELL), properties, open_orders=5, held="1")


# --- quantity ---------------------------------------------------------------------------------------------------------


def test_least_and_most_quantity():
    """Both bounds are included; the nearest is the bound, on the lot."""
    properties = evolve(SHARE, lot=D(10), min_quantity=D(25), max_quantity=D(95))

    assert passes(market(BUY, "30"), properties)
    assert passes(market(BUY, "90"), properties)
    assert ("MIN_QUANTITY", "20", "25", "30") == no(market(BUY, "20"), properties)
    assert ("MAX_QUANTITY", "100", "95", "90") == no(market(BUY, "100"), properties)


def test_bounds_of_market_orders():
    """They hold for market orders, instead of the others."""
    properties = evolve(
        SHARE,
        min_quantity=D(2),
        max_quantity=D(50),
        market_min_quantity=D(5),
        market_max_quantity=D(10),
    )

    assert ("MIN_QUANTITY", "3", "5", "5") == no(market(BUY, "3"), properties)
    assert ("MAX_QUANTITY", "11", "10", "10") == no(market(BUY, "11"), properties)
    assert passes(limit(BUY, "5", "3"), properties)
    assert passes(limit(BUY, "5", "50"), properties)


def test_the_most_quantity_holds_for_a_close():
    """A holding that is too large for one order is closed in parts."""
    properties = evolve(SHARE, max_quantity=D(50))

    assert ("MAX_QUANTITY", "80", "50", "50") == no(market(SELL, "80"), properties, held="80")


def test_the_nearest_passes_every_bound_of_the_quantity():
    """The least quantity is not named where it would be worth too little."""
    properties = evolve(SHARE, min_quantity=D(2), min_notional=D(1000))

    assert ("MIN_QUANTITY", "1", "2", "10") == no(limit(BUY, "100", "1"), properties)


def test_no_nearest_where_nothing_passes():
    """Bounds that leave nothing between them have no nearest."""
    properties = evolve(SHARE, max_quantity=D(5), min_notional=D(1000))

    assert ("MIN_NOTIONAL", "100", "1000", None) == no(limit(BUY, "100", "1"), properties)


# --- notional ---------------------------------------------------------------------------------------------------------


def test_notional_by_the_kind_of_order():
    """0.00018 is worth enough at the reference of 28,000, and too little at a limit of 27,123.45."""
    assert passes(market(BUY, "0.00018"), BTC, reference="28000")
    assert ("MIN_NOTIONAL", "4.882221", "5", "0.00019") == no(limit(BUY, "27123.45", "0.00018"), BTC, reference="28000")


def test_notional_of_stops():
    """A stop counts at its stop price, and a stop-limit order at its limit."""
    both = OrderRequest(
        symbol="X", side=BUY, type=OrderType.STOP_LIMIT, quantity=D("0.1"), stop_price=D(40), limit_price=D(50)
    )

    assert ("MIN_NOTIONAL", "4.0", "5", "0.125") == no(stop(BUY, "40", "0.1"), BTC, reference="28")
    assert passes(both, BTC, reference="28")


def test_bounds_of_the_notional_are_included():
    """Exactly 10 and exactly 200,000 USD pass."""
    assert passes(limit(BUY, "100", "0.1", time_in_force=GTC), COIN)
    assert passes(limit(BUY, "100", "2000", time_in_force=GTC), COIN)
    assert ("MIN_NOTIONAL", "9.9999999", "10", "0.10") == no(limit(BUY, "100", "0.099999999", time_in_force=GTC), COIN)
    assert ("MAX_NOTIONAL", "200000.0000001", "200000", "2000.00") == no(
        limit(BUY, "100.00", "2000.000000001", time_in_force=GTC), COIN
    )


def test_notional_counts_the_multiplier():
    """One contract of 5,000 at 4.5025 is worth 22,512.50."""
    corn = evolve(SHARE, ticks=(Tick(size=D("0.0025")),), multiplier=D(5000), max_notional=D(22_512))

    code, value, _, _ = no(limit(BUY, "4.5025", "1"), corn)

    assert ("MAX_NOTIONAL", D("22512.50")) == (code, D(value))
    assert passes(limit(BUY, "4.5025", "1"), evolve(corn, max_notional=D("22512.50")))


def test_market_orders_may_be_exempt():
    """Where the bounds are not for market orders no price is needed."""
    properties = evolve(COIN, market_notional=False)

    assert passes(market(BUY, "0.000000001", time_in_force=GTC), properties, reference=None)


def test_fractions_are_worth_a_dollar():
    """The least notional of fractions is not that of whole shares."""
    assert passes(limit(BUY, "0.50", "1"), FRACTIONAL)
    assert ("MIN_NOTIONAL", "0.75", "1", "1") == no(limit(BUY, "0.50", "1.5"), FRACTIONAL)
    assert ("MIN_NOTIONAL", "0.50", "1", "0.02") == no(market(BUY, "0.01"), FRACTIONAL, reference="50")


def test_the_stricter_bound_of_fractions():
    """A fraction is held to both its own least notional and the symbol's."""
    for own, all_orders in ((D(3), D(2)), (D(2), D(3))):
        fractions = evolve(FRACTIONAL.fractions, min_notional=own)
        properties = evolve(FRACTIONAL, fractions=fractions, min_notional=all_orders)

        assert ("MIN_NOTIONAL", "2.50", "3", "0.06") == no(limit(BUY, "50", "0.05"), properties)


# --- closing ----------------------------------------------------------------------------------------------------------


def test_a_close_is_not_judged_by_the_market():
    """Neither its notional at the reference, nor a band, nor the side of a stop can stop a close."""
    banded = evolve(SHARE, min_notional=D(1000), sell_band=PriceBand(low=D("0.9"), high=D("1.1")))

    assert passes(market(SELL, "1"), banded, held="5")
    assert passes(stop(SELL, "101", "1"), SHARE, held="5")
    assert passes(limit(SELL, "500", "2"), banded, held="5")
    assert "PRICE_BAND" == no(limit(SELL, "500", "2"), banded)[0]


def test_a_close_is_judged_at_its_own_price():
    """Part of a holding has to be worth what the venue wants; the holding itself does not."""
    assert ("MIN_NOTIONAL", "5.00", "10", "0.10") == no(limit(SELL, "100", "0.05", time_in_force=GTC), COIN, held="0.5")
    assert passes(limit(SELL, "100", "0.05", time_in_force=GTC), COIN, held="0.05")


def test_the_most_notional_holds_for_a_close():
    """A holding that is worth too much for one order is closed in parts."""
    given = no(limit(SELL, "100", "3000", time_in_force=GTC), COIN, held="3000")

    assert ("MAX_NOTIONAL", "300000", "200000", "2000.00") == given


def test_a_close_too_small_may_close_all():
    """Where only the whole holding is excused, that is what would do."""
    given = no(limit(SELL, "100", "0.04", time_in_force=GTC), COIN, held="0.05")

    assert ("MIN_NOTIONAL", "0.05") == (given[0], given[3])


def test_a_close_that_grows_nothing():
    """The largest position does not matter to a close."""
    assert passes(market(SELL, "5"), evolve(SHARE, max_position=D(2)), held="10")


# --- prices -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("130.00", None),
        ("130.01", ("PRICE_BAND", "130.01", "130.00", "130.00")),
        ("70.00", None),
        ("69.99", ("PRICE_BAND", "69.99", "70.0", "70.00")),
    ],
)
def test_band_round_the_market(price, expected):
    """From 0.7 to 1.3 times 100, both ends included."""
    band = PriceBand(low=D("0.7"), high=D("1.3"))
    properties = evolve(SHARE, buy_band=band, sell_band=band)
    if expected is None:
        assert passes(limit(BUY, price), properties)
    else:
        found = no(limit(BUY, price), properties)

        assert expected[:2] == found[:2]
        assert [D(each) for each in expected[2:]] == [D(each) for each in found[2:]]


@pytest.mark.parametrize(
    ("side", "price", "fits"),
    [
        (BUY, "119", True),
        (BUY, "121", False),
        (SELL, "121", True),
        (SELL, "79", False),
        (BUY, "79", True),
    ],
)
def test_bands_by_side(side, price, fits):
    """Purchases go by their own band, sales by theirs."""
    properties = evolve(
        SHARE,
        buy_band=PriceBand(low=D("0.2"), high=D("1.2")),
        sell_band=PriceBand(low=D("0.8"), high=D(5)),
    )

    assert fits == passes(limit(side, price), properties)


def test_the_nearest_of_a_band_is_on_the_tick():
    """The end of the band is rounded into it."""
    properties = evolve(SHARE, buy_band=PriceBand(low=D("0.999"), high=D("1.0007")))

    assert "33.35" == no(limit(BUY, "34"), properties, reference="33.333")[3]
    assert "33.30" == no(limit(BUY, "33"), properties, reference="33.333")[3]


@pytest.mark.parametrize(
    ("side", "price", "nearest"), [(BUY, "100.00", "100.01"), (BUY, "99", "100.01"), (SELL, "100", "99.99")]
)
def test_a_stop_that_opens_is_beyond_the_market(side, price, nearest):
    """One that would trigger at once is refused, one tick further on it passes."""
    assert ("STOP_SIDE", price, "100", nearest) == no(stop(side, price), SHARE)
    assert passes(stop(side, nearest), SHARE)
    assert passes(stop(side, price), evolve(SHARE, min_stop_distance=None))


def test_a_stop_between_two_ticks_of_the_market():
    """Beyond is beyond: the distance of exits is not asked of an order that opens."""
    assert passes(stop(BUY, "100.01"), SHARE, reference="100.0099")
    assert "100.01" == no(stop(BUY, "99"), SHARE, reference="100.0099")[3]
    assert "100.00" == no(stop(SELL, "101"), SHARE, reference="100.0099")[3]


# --- exits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "market_", "stop_loss", "expected"),
    [
        ("50.00", "50.02", "49.99", None),
        ("50.00", "50.02", "49.991", ("STOP_SIDE", "50.00", "49.99", "49.99")),
        ("50.00", "50.02", "50.01", ("STOP_SIDE", "50.01", "49.99", "49.99")),
        ("50.00", "49.50", "49.49", None),
        ("50.00", "49.50", "49.75", ("STOP_SIDE", "49.75", "49.49", "49.49")),
        ("50.00", None, "49.99", None),
    ],
)
def test_stop_loss_of_a_purchase(price, market_, stop_loss, expected):
    """It is a cent below the entry's limit and below the market, whichever is lower."""
    request = limit(BUY, price, exits=Exits(stop_loss=D(stop_loss)))

    if expected is None:
        assert passes(request, reference=market_)
    else:
        assert expected == no(request, reference=market_)


def test_stop_loss_of_a_short_sale():
    """It is a cent above the entry's limit and above the market, whichever is higher."""
    fits, high = Exits(stop_loss=D("50.03")), Exits(stop_loss=D("50.01"))

    assert passes(limit(SELL, "50.00", exits=fits), reference="50.02")
    assert ("STOP_SIDE", "50.01", "50.03", "50.03") == no(limit(SELL, "50.00", exits=high), reference="50.02")
    assert passes(limit(SELL, "50.00", exits=high), reference=None)


def test_stop_loss_that_is_too_near():
    """On the right side and not far enough is another code."""
    properties = evolve(SHARE, min_stop_distance=D("0.50"))
    near = Exits(stop_loss=D("99.75"))

    assert ("STOP_DISTANCE", "99.75", "99.50", "99.50") == no(market(BUY, exits=near), properties)
    assert passes(market(BUY, exits=near), evolve(properties, min_stop_distance=D("0.25")))


def test_stop_loss_of_a_cheap_share():
    """Where a cent below is no price any more there is no nearest."""
    request = limit(BUY, "0.0050", "100", exits=Exits(stop_loss=D("0.0040")))

    assert ("STOP_DISTANCE", "0.004", "-0.005", None) == no(request, reference="0.005")


def test_stop_of_a_pair():
    """The base of an OCO pair's stop is the take-profit, not the market."""
    exits = Exits(stop_loss=D("59.99"))

    assert passes(limit(SELL, "60.00", "5", exits=exits), reference="50", held="5", pair=True)
    assert ("EXITS_CROSSED", "60.00", "60.00", "59.99") == no(
        limit(SELL, "60.00", "5", exits=Exits(stop_loss=D("60.00"))), reference="50", held="5", pair=True
    )
    assert ("EXITS_CROSSED", "39", "40.00", "40.01") == no(
        limit(BUY, "40.00", "5", exits=Exits(stop_loss=D(39))), reference="50", held="-5", pair=True
    )


def test_exits_that_cross():
    """The take-profit of a purchase is above its stop-loss, that of a short sale below; at any venue."""
    properties = evolve(SHARE, min_stop_distance=None)

    assert ("EXITS_CROSSED", "95", "95", "94.99") == no(
        market(BUY, exits=Exits(take_profit=D(95), stop_loss=D(95))), properties
    )
    assert ("EXITS_CROSSED", "105", "105", "105.01") == no(
        market(SELL, exits=Exits(take_profit=D(105), stop_loss=D(105))), properties
    )
    assert passes(market(BUY, exits=Exits(take_profit=D("95.01"), stop_loss=D(95))), properties)


# --- position ---------------------------------------------------------------------------------------------------------


def test_largest_position():
    """What is held and what live entries may add count; the nearest is the room that is left."""
    properties = evolve(SHARE, max_position=D(100))

    assert passes(market(BUY, "30"), properties, held="60", pending=D(10))
    assert ("MAX_POSITION", "101", "100", "30") == no(market(BUY, "31"), properties, held="60", pending=D(10))
    assert ("MAX_POSITION", "101", "100", "40") == no(market(SELL, "41"), properties, held="-60")
    assert ("MAX_POSITION", "101", "100", None) == no(market(BUY, "1"), properties, held="100")


def test_what_has_filled_is_in_the_position():
    """The total of a replacement counts without what is held of it already."""
    properties = evolve(SHARE, max_position=D(100))

    assert passes(market(BUY, "100"), properties, held="40", filled=D(40))
    assert ("MAX_POSITION", "101", "100", "100") == no(market(BUY, "101"), properties, held="40", filled=D(40))


# --- no price ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "properties"),
    [
        (market(BUY, time_in_force=GTC), COIN),
        (stop(BUY, "110"), SHARE),
        (limit(BUY, "100"), evolve(SHARE, buy_band=PriceBand(low=D(0), high=D(2)))),
        (market(BUY, exits=Exits(stop_loss=D(90))), SHARE),
    ],
    ids=["notional", "stop", "band", "exits"],
)
def test_an_entry_that_cannot_be_judged(request_, properties):
    """Where a rule needs the market's price and nobody knows it, the entry is refused."""
    assert ("NO_PRICE", "X", None, None) == no(request_, properties, reference=None)
    assert passes(request_, properties)


def test_a_rule_that_is_not_there_needs_no_price():
    """Shares have no bounds of the notional, so a market order passes without a price."""
    assert passes(market(BUY), SHARE, reference=None)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("1E-9", "0.000000001"),
        ("1E+2", "100"),
        ("1E+100", "1E+100"),
        ("1E-100", "1E-100"),
        ("1.50", "1.50"),
        ("1.2000", "1.20"),
        ("0.001000", "0.001"),
    ],
)
def test_numbers_are_written_out(number, expected):
    """Without an exponent where that is short."""
    assert expected == plain(D(number))
