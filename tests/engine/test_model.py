"""The values of the domain refuse what makes no sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import exceptions

from engine.decisions import Approval, Refusal
from engine.errors import ClockError, InvalidRequest
from engine.model import (
    ZERO,
    Correction,
    Execution,
    Exits,
    OrderRequest,
    OrderType,
    Replacement,
    Side,
    Status,
    TimeInForce,
    VenuePosition,
)

AT = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
ONE, TEN = Decimal(1), Decimal(10)
NOT_POSITIVE = [
    ZERO,
    Decimal(-1),
    Decimal("NaN"),
    Decimal("Infinity"),
    Decimal("-Infinity"),
    1,
    1.0,
    "1",
    True,
]


def order(**changes):
    return OrderRequest(**{"symbol": "AAPL", "side": Side.BUY, "quantity": ONE} | changes)


def execution(**changes):
    return Execution(**{"id": "x-1", "cumulative": ONE, "quantity": ONE, "price": TEN, "at": AT} | changes)


def correction(**changes):
    values = {"id": "c-1", "execution_id": "x-1", "quantity": ONE, "price": TEN, "at": AT}
    return Correction(**values | changes)


def position(**changes):
    return VenuePosition(**{"symbol": "AAPL", "quantity": ONE, "average_price": TEN} | changes)


# --- enums ------------------------------------------------------------------------------------------------------------


def test_opposite_side():
    """Each side is the other's opposite."""
    assert [Side.SELL, Side.BUY] == [side.opposite for side in (Side.BUY, Side.SELL)]


def test_side_signs_a_quantity():
    """A buy adds to the position, a sell takes away from it."""
    assert [TEN, -TEN] == [side.signed(TEN) for side in (Side.BUY, Side.SELL)]


def test_terminal_statuses():
    """What the venue or the gate ended is terminal; LOST and UNKNOWN are not, for they are not proved."""
    expected = {Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED, Status.DENIED}

    assert expected == {status for status in Status if status.terminal}


# --- order requests ---------------------------------------------------------------------------------------------------


def test_defaults_of_an_order():
    """Where nothing else is said an order is a market order for the day, without an id."""
    request = order()

    assert OrderType.MARKET is request.type
    assert TimeInForce.DAY is request.time_in_force
    assert request.client_order_id is None


def test_an_order_cannot_be_changed():
    """A request is frozen."""
    with pytest.raises(exceptions.FrozenInstanceError):
        order().quantity = TEN


@pytest.mark.parametrize("quantity", NOT_POSITIVE, ids=repr)
def test_quantity_is_a_finite_positive_decimal(quantity):
    """A quantity of any other type, without bounds, or not above 0 is refused, and the error names it."""
    with pytest.raises(InvalidRequest) as caught:
        order(quantity=quantity)

    assert ("quantity", "a finite Decimal > 0") == (caught.value.field, caught.value.expected)
    assert quantity is caught.value.value


@pytest.mark.parametrize("field", ["limit_price", "stop_price", "trail_price", "trail_percent"])
@pytest.mark.parametrize("price", NOT_POSITIVE, ids=repr)
def test_prices_are_finite_positive_decimals(field, price):
    """The same holds of every price of an order."""
    with pytest.raises(InvalidRequest) as caught:
        order(type=OrderType.STOP_LIMIT, **{field: price})

    assert field == caught.value.field


@pytest.mark.parametrize("symbol", ["", None, 7])
def test_symbol_is_filled_in(symbol):
    """An order is for a symbol."""
    with pytest.raises(InvalidRequest, match="symbol = .*: expected a text that is not empty"):
        order(symbol=symbol)


@pytest.mark.parametrize(
    ("order_type", "prices"),
    [
        (OrderType.MARKET, {}),
        (OrderType.LIMIT, {"limit_price": TEN}),
        (OrderType.STOP, {"stop_price": TEN}),
        (OrderType.STOP_LIMIT, {"limit_price": TEN, "stop_price": TEN}),
        (OrderType.TRAILING_STOP, {"trail_price": ONE}),
        (OrderType.TRAILING_STOP, {"trail_percent": ONE}),
    ],
)
def test_prices_that_a_type_needs(order_type, prices):
    """An order with exactly the prices of its type is made."""
    request = order(type=order_type, **prices)

    assert prices == {name: getattr(request, name) for name in prices}


@pytest.mark.parametrize("order_type", list(OrderType))
@pytest.mark.parametrize("limit", [None, TEN])
@pytest.mark.parametrize("stop", [None, TEN])
def test_prices_stand_on_their_own_types_only(order_type, limit, stop):
    """A limit or stop price that is missing, or that the type does not have, is refused."""
    needs_limit = order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    needs_stop = order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
    trail = ONE if order_type is OrderType.TRAILING_STOP else None
    allowed = (limit is not None) is needs_limit and (stop is not None) is needs_stop

    if allowed:
        assert order_type is order(type=order_type, limit_price=limit, stop_price=stop, trail_price=trail).type
    else:
        with pytest.raises(InvalidRequest, match=rf"_price = .*on a {order_type.value} order"):
            order(type=order_type, limit_price=limit, stop_price=stop, trail_price=trail)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": OrderType.TRAILING_STOP},
        {"type": OrderType.TRAILING_STOP, "trail_price": ONE, "trail_percent": ONE},
        {"trail_price": ONE},
        {"trail_percent": ONE},
        {"type": OrderType.LIMIT, "limit_price": TEN, "trail_price": ONE, "trail_percent": ONE},
    ],
)
def test_a_trailing_stop_has_one_distance(changes):
    """A trailing stop has exactly one distance, and no other order has any."""
    with pytest.raises(InvalidRequest, match="trail_price, trail_percent = .*exactly one of them"):
        order(**changes)


def test_a_trailing_stop_stays_above_zero():
    """A trail of 100 % would put the stop at 0."""
    assert Decimal("99.9") == order(type=OrderType.TRAILING_STOP, trail_percent=Decimal("99.9")).trail_percent

    with pytest.raises(InvalidRequest, match="less than 100"):
        order(type=OrderType.TRAILING_STOP, trail_percent=Decimal(100))


@pytest.mark.parametrize("seconds", [0, -1])
def test_time_to_live_is_positive(seconds):
    """An order that would be dead on arrival is refused."""
    with pytest.raises(InvalidRequest, match="time_to_live"):
        order(time_to_live=timedelta(seconds=seconds))


def test_time_to_live():
    """A time to live above nothing is kept."""
    assert timedelta(microseconds=1) == order(time_to_live=timedelta(microseconds=1)).time_to_live


def test_client_order_id_fits_the_wire():
    """An id has 1 to 128 characters."""
    assert "a" * 128 == order(client_order_id="a" * 128).id

    for unfit in ("", "a" * 129):
        with pytest.raises(InvalidRequest, match="client_order_id"):
            order(client_order_id=unfit)


def test_a_request_without_an_id_has_none_to_give():
    """Asking a request for the id that it was not given yet is an error, not None."""
    with pytest.raises(InvalidRequest, match="this request has not been submitted"):
        _ = order().id


def test_market_order():
    """The short form of a market order is the long one."""
    expected = order(time_in_force=TimeInForce.GTC)

    assert expected == OrderRequest.market("AAPL", Side.BUY, ONE, time_in_force=TimeInForce.GTC)


def test_limit_order():
    """The short form of a limit order is the long one."""
    expected = order(side=Side.SELL, type=OrderType.LIMIT, limit_price=TEN)

    assert expected == OrderRequest.limit("AAPL", Side.SELL, ONE, TEN)


def test_stop_order():
    """The short form of a stop order is the long one."""
    expected = order(side=Side.SELL, type=OrderType.STOP, stop_price=TEN)

    assert expected == OrderRequest.stop("AAPL", Side.SELL, ONE, TEN)


# --- exits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prices",
    [
        {"take_profit": TEN},
        {"stop_loss": ONE},
        {"take_profit": TEN, "stop_loss": ONE},
        {"stop_loss": ONE, "stop_limit": ONE},
        {"take_profit": TEN, "stop_loss": ONE, "stop_limit": ONE},
    ],
)
def test_exits(prices):
    """One protective order or both, the stop with or without a limit."""
    exits = Exits(**prices)

    assert prices == {name: getattr(exits, name) for name in prices}


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        ({}, "exits"),
        ({"stop_limit": ONE}, "exits"),
        ({"take_profit": TEN, "stop_limit": ONE}, "exits.stop_limit"),
        ({"take_profit": ZERO}, "take_profit"),
        ({"stop_loss": 1.0}, "stop_loss"),
        ({"stop_loss": ONE, "stop_limit": ZERO}, "stop_limit"),
    ],
)
def test_exits_that_make_no_sense(prices, field):
    """Exits without any order, a stop's limit without the stop, and prices that are none are refused."""
    with pytest.raises(InvalidRequest) as caught:
        Exits(**prices)

    assert field == caught.value.field


# --- replacements -----------------------------------------------------------------------------------------------------


def test_replacement_changes_what_it_names():
    """A replaced order has the new values and keeps the others, its id included."""
    request = order(type=OrderType.LIMIT, limit_price=TEN, client_order_id="a-1")
    replaced = Replacement(client_order_id="a-2", quantity=TEN).applied_to(request)

    assert order(type=OrderType.LIMIT, limit_price=TEN, client_order_id="a-1", quantity=TEN) == replaced


def test_replacement_of_prices():
    """Both prices of a stop-limit order can be replaced."""
    request = order(type=OrderType.STOP_LIMIT, limit_price=TEN, stop_price=TEN)
    replaced = Replacement(client_order_id="a-2", limit_price=ONE, stop_price=ONE).applied_to(request)

    assert order(type=OrderType.STOP_LIMIT, limit_price=ONE, stop_price=ONE) == replaced


def test_replacement_is_checked_against_the_order():
    """A price that the order's type does not have is refused where the replacement meets the order."""
    with pytest.raises(InvalidRequest, match="no such price on a market order"):
        Replacement(client_order_id="a-2", limit_price=ONE).applied_to(order())


@pytest.mark.parametrize(
    "changes", [{"client_order_id": ""}, {"quantity": ZERO}, {"limit_price": -ONE}, {"stop_price": 1}], ids=repr
)
def test_replacement_that_makes_no_sense(changes):
    """A replacement's own values are checked like an order's."""
    with pytest.raises(InvalidRequest) as caught:
        Replacement(**{"client_order_id": "a-2"} | changes)

    assert next(iter(changes)) == caught.value.field


# --- what a venue tells -----------------------------------------------------------------------------------------------


def test_execution_costs_nothing_unless_told():
    """An execution without a fee has the fee 0, and no position where the venue told none."""
    assert (ZERO, None) == (execution().fee, execution().position_after)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"cumulative": ZERO},
        {"quantity": ZERO},
        {"quantity": -ONE},
        {"price": ZERO},
        {"fee": -ONE},
        {"fee": 0},
        {"position_after": Decimal("NaN")},
        {"position_after": 1},
        {"at": "2024-01-02"},
    ],
    ids=repr,
)
def test_execution_that_makes_no_sense(changes):
    """An execution's numbers and moment are checked, and the error names the field."""
    with pytest.raises(InvalidRequest) as caught:
        execution(**changes)

    assert next(iter(changes)) == caught.value.field


def test_short_positions_are_negative():
    """The position after an execution may be short."""
    assert -ONE == execution(position_after=-ONE).position_after


def test_a_bust_is_a_correction_to_nothing():
    """A correction's quantity may be 0."""
    assert ZERO == correction(quantity=ZERO).quantity


@pytest.mark.parametrize(
    "changes", [{"id": ""}, {"execution_id": ""}, {"quantity": -ONE}, {"price": ZERO}, {"at": None}], ids=repr
)
def test_correction_that_makes_no_sense(changes):
    """A correction's values are checked, and the error names the field."""
    with pytest.raises(InvalidRequest) as caught:
        correction(**changes)

    assert next(iter(changes)) == caught.value.field


@pytest.mark.parametrize("make", [execution, correction])
def test_moments_are_aware(make):
    """A moment without a zone is an error of the clock's kind."""
    with pytest.raises(ClockError, match="at = 2024-01-02T14:30:00 has no time zone"):
        make(at=AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    "changes", [{"symbol": ""}, {"quantity": Decimal("NaN")}, {"quantity": 1}, {"average_price": ZERO}], ids=repr
)
def test_venue_position_that_makes_no_sense(changes):
    """A venue's position is checked, and the error names the field."""
    with pytest.raises(InvalidRequest) as caught:
        position(**changes)

    assert next(iter(changes)) == caught.value.field


def test_venue_position_may_be_short():
    """The venue's quantity is signed."""
    assert -TEN == position(quantity=-TEN).quantity


def test_refusal_needs_no_figures():
    """A refusal that compares nothing has neither value nor bound."""
    refusal = Refusal(code="HALTED", message="trading is halted")

    assert (None, None) == (refusal.value, refusal.bound)


@pytest.mark.parametrize("price", NOT_POSITIVE, ids=repr)
def test_approval_reserves_at_a_price(price):
    """An approval always says at which price it reserves."""
    with pytest.raises(InvalidRequest, match="reserve_price"):
        Approval(reserve_price=price, opening=ONE)


def test_approval_of_an_exit_opens_nothing():
    """What an approved order opens may be 0, and is never negative."""
    assert ZERO == Approval(reserve_price=TEN, opening=ZERO).opening

    with pytest.raises(InvalidRequest, match="opening"):
        Approval(reserve_price=TEN, opening=-ONE)
