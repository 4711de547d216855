"""Cash, average cost, profit, and what live orders keep back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve

from engine.books.portfolio import Portfolio, Position, Reservation, reservation
from engine.decisions import Refusal
from engine.facts import (
    Adopted,
    CancelRequested,
    DeclaredLost,
    Denied,
    Intended,
    OrderReported,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    Unanswered,
    Withdrawn,
)
from engine.model import Execution, OrderRequest, Replacement, Role, Side, VenueStatus
from engine.orders.lifecycle import note, opened, take

D = Decimal
AT = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
BUY, SELL = Side.BUY, Side.SELL


def booked(*bookings, cash="10000", symbol="AAPL"):
    """A portfolio after (side, signed quantity, price or None, fee) each; None: cost is given as fifth."""
    portfolio = Portfolio(D(cash))
    for side, quantity, price, *fee in bookings:
        portfolio.book(symbol, side, D(quantity), D(quantity) * D(price), D(fee[0]) if fee else D(0))
    return portfolio


def figures(portfolio, symbol="AAPL"):
    position = portfolio.positions[symbol]
    return position.quantity, position.average, position.realised


# --- average cost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bookings", "quantity", "average", "realised"),
    [
        pytest.param([(BUY, 100, 10)], 100, 10, 0, id="open"),
        pytest.param([(BUY, 100, 10), (BUY, 100, 12)], 200, 11, 0, id="add"),
        pytest.param([(BUY, 100, 10), (SELL, -40, 12)], 60, 10, 80, id="reduce"),
        pytest.param([(BUY, 100, 10), (BUY, 100, 12), (SELL, -50, 9)], 150, 11, -100, id="add, reduce"),
        pytest.param([(BUY, 100, 10), (SELL, -100, 12)], 0, None, 200, id="close"),
        pytest.param([(BUY, 100, 10), (SELL, -150, 12)], -50, 12, 200, id="flip"),
        pytest.param([(SELL, -100, 10)], -100, 10, 0, id="short"),
        pytest.param([(SELL, -100, 10), (SELL, -300, 14)], -400, 13, 0, id="add to a short"),
        pytest.param([(SELL, -100, 10), (BUY, 40, 8)], -60, 10, 80, id="reduce a short"),
        pytest.param([(SELL, -100, 10), (BUY, 100, 8)], 0, None, 200, id="close a short"),
        pytest.param([(SELL, -100, 10), (BUY, 130, 8)], 30, 8, 200, id="flip a short"),
        pytest.param([(BUY, 100, 10), (SELL, -100, 12), (BUY, 10, 20)], 10, 20, 200, id="open again"),
    ],
)
def test_positions_are_kept_at_average_cost(bookings, quantity, average, realised):
    """What is added changes the average, what is closed realises against it, what flips begins at its own price."""
    portfolio = booked(*bookings)

    assert (D(quantity), average if average is None else D(average), D(realised)) == figures(portfolio)


@pytest.mark.parametrize(
    ("bookings", "average", "realised"),
    [
        pytest.param([(BUY, 100, 10), (BUY, 100, 12), (BUY, -100, 12)], 10, 0, id="the second buy"),
        pytest.param([(BUY, 100, 10), (BUY, 100, 12), (BUY, -100, 10)], 12, 0, id="the first buy"),
        pytest.param([(SELL, -100, 10), (SELL, -100, 12), (SELL, 100, 12)], 10, 0, id="a short sale"),
        pytest.param([(BUY, 100, 10), (BUY, -100, 10)], None, 0, id="the only buy"),
        pytest.param([(BUY, 100, 10), (BUY, 100, 12), (SELL, -100, 12)], 11, 100, id="a sale is no bust"),
    ],
)
def test_a_bust_leaves_at_its_own_price(bookings, average, realised):
    """A buy that is taken back, unlike a sale, leaves what the others cost, and realises nothing."""
    _, actual_average, actual_realised = figures(booked(*bookings))

    assert (average if average is None else D(average), D(realised)) == (actual_average, actual_realised)


def test_a_changed_price_of_an_opening_order_changes_the_average():
    """The price of a buy that a long position came from moves its average cost and realises nothing."""
    portfolio = booked((BUY, 100, 10))
    portfolio.book("AAPL", BUY, D(0), D(-5), D(0))

    assert (D(100), D("9.95"), D(0), D(9005)) == (*figures(portfolio), portfolio.cash)


def test_a_changed_price_of_a_closing_order_changes_what_was_realised():
    """The price of a sale out of a long position moves realised profit and leaves the average alone."""
    portfolio = booked((BUY, 100, 10), (SELL, -40, 12))
    portfolio.book("AAPL", SELL, D(0), D(2), D(0))  # 40 at 11.95

    assert (D(60), D(10), D(78), D(9478)) == (*figures(portfolio), portfolio.cash)


def test_a_changed_price_of_a_closed_position_is_realised():
    """Behind a position that is flat again a change of price is profit or loss at once."""
    portfolio = booked((BUY, 100, 10), (SELL, -100, 12))
    portfolio.book("AAPL", BUY, D(0), D(3), D(0))

    assert (D(0), None, D(197)) == figures(portfolio)


def test_an_adjustment_without_an_order_is_like_a_trade():
    """Without a side the sign of the quantity alone says what is opened and what is closed."""
    portfolio = booked((BUY, 100, 10), (None, -40, 12))

    assert (D(60), D(10), D(80)) == figures(portfolio)


def test_a_position_is_listed_open_while_it_is_not_zero():
    """`open_positions` has only what is held; `positions` has all that was ever booked."""
    portfolio = booked((BUY, 100, 10), (SELL, -100, 12))
    portfolio.book("MSFT", SELL, D(-5), D(-500), D(0))

    assert {"MSFT": D(-5)} == dict(portfolio.open_positions)
    assert {"AAPL", "MSFT"} == set(portfolio.positions)
    assert (D(0), D(-5), D(0)) == tuple(portfolio.position(symbol) for symbol in ("AAPL", "MSFT", "SPY"))


# --- money ------------------------------------------------------------------------------------------------------------


def test_fees_leave_cash_and_stay_out_of_the_average():
    """Fees reduce cash and total profit; average and realised profit are told without them."""
    portfolio = booked((BUY, 100, 10, "1.50"), (SELL, -40, 12, "0.50"))

    assert (D("9478.00"), D("2.00"), D(10), D(80)) == (portfolio.cash, portfolio.fees, *figures(portfolio)[1:])
    assert D("78.00") == portfolio.profit()


def test_equity_is_cash_and_positions_at_their_marks():
    """Longs add and shorts take away their quantity at the last mark."""
    portfolio = booked((BUY, 100, 10))
    portfolio.book("MSFT", SELL, D(-10), D(-500), D(0))
    portfolio.mark("AAPL", D(11))
    portfolio.mark("MSFT", D(60))

    assert D(9500) + 1100 - 600 == portfolio.equity()
    assert (D(100) - 100, D(0)) == (portfolio.unrealised(), portfolio.realised())
    assert (D(11), None) == (portfolio.price("AAPL"), portfolio.price("SPY"))


def test_a_position_without_a_mark_is_worth_what_it_cost():
    """Before the first mark a position counts at its average, so it shows neither profit nor loss."""
    portfolio = booked((BUY, 100, 10))

    assert (D(10_000), D(0)) == (portfolio.equity(), portfolio.unrealised())


def test_profit_is_realised_and_unrealised_less_fees():
    """The three parts add up to what equity has gained."""
    portfolio = booked((BUY, 100, 10, 1), (SELL, -150, 12, 1), (SELL, -50, 13, 1), (BUY, 20, 14, 1))
    portfolio.mark("AAPL", D("12.5"))

    assert portfolio.equity() - 10_000 == portfolio.profit()
    assert portfolio.profit() == portfolio.realised() + portfolio.unrealised() - portfolio.fees


def test_a_short_keeps_its_proceeds_and_as_much_again():
    """Free cash is cash less twice what it would cost to buy the shorts back."""
    portfolio = booked((SELL, -10, 100))
    portfolio.mark("AAPL", D(110))

    assert D(11_000) - 2 * 1100 == portfolio.available()


# --- reservations -----------------------------------------------------------------------------------------------------


def intended(side=BUY, quantity=100, *, price="10", opening=None, name="a", group=None, **more):
    """An order that was meant; ``opening`` None: all of it opens."""
    request = OrderRequest.limit("AAPL", side, D(quantity), D(price), client_order_id=name, **more)
    return opened(
        Intended(
            at=AT,
            request=request,
            role=Role.SINGLE,
            group=group,
            reserve_price=D(price),
            opening=D(quantity if opening is None else opening),
        )
    )


def reported(order, cumulative="0", *, status=VenueStatus.NEW, broker="b1", name=None, quantity=None, **more):
    return take(
        order,
        OrderReported(
            at=AT,
            client_order_id=name or order.id,
            broker_order_id=broker,
            symbol=order.symbol,
            side=order.side,
            status=status,
            quantity=quantity or order.quantity,
            cumulative=D(cumulative),
            average=D(10) if D(cumulative) else None,
            **more,
        ),
        AT,
    )[0]


def sent(order):
    return note(order, Sent(at=AT, order_id=order.id))


def filled(order, quantity):
    execution = Execution(id="x1", cumulative=D(quantity), quantity=D(quantity), price=D(10), at=AT)
    return reported(order, quantity, status=VenueStatus.PARTIALLY_FILLED, execution=execution)


def kept(order):
    found = reservation(order)
    return None if found is None else (found.money, found.exit)


def test_a_buy_keeps_back_what_it_may_cost():
    """An intent keeps its quantity at its worst price, and so do the states up to working."""
    order = intended()

    assert [(D(1000), D(0))] * 3 == [kept(order), kept(sent(order)), kept(reported(sent(order)))]


def test_a_partly_filled_order_keeps_what_remains():
    """What is filled is paid for already."""
    assert (D(600), D(0)) == kept(filled(sent(intended()), 40))


def test_a_sell_that_opens_keeps_money_and_no_position():
    """A short sale reserves as a buy does."""
    assert (D(1000), D(0)) == kept(intended(SELL))


def test_an_exit_keeps_position_and_no_money():
    """A sale of what is held reserves the quantity that it may close, and less with each fill."""
    order = intended(SELL, opening=0)

    assert [(D(0), D(100)), (D(0), D(60))] == [kept(order), kept(filled(sent(order), 40))]


def test_an_order_that_closes_and_opens_closes_first():
    """Of a sale of 100 against a position of 70, 30 need money; fills count against the part that closes first."""
    order = intended(SELL, opening=30)

    assert [(D(300), D(70)), (D(300), D(30)), (D(200), D(0))] == [
        kept(order),
        kept(filled(sent(order), 40)),
        kept(filled(sent(order), 80)),
    ]


def test_an_unknown_order_keeps_everything():
    """Nobody knows whether it works, so it reserves as if it did."""
    order = note(sent(intended()), Unanswered(at=AT, order_id="a", reason="time-out"))

    assert (D(1000), D(0)) == kept(order)


def test_a_lost_order_keeps_nothing():
    """The evidence says that it never existed; a late fill is booked all the same."""
    order = note(sent(intended()), DeclaredLost(at=AT, order_id="a", answers=3, since=AT))

    assert None is kept(order)


@pytest.mark.parametrize("status", [VenueStatus.CANCELED, VenueStatus.EXPIRED, VenueStatus.REJECTED])
def test_an_ended_order_keeps_nothing(status):
    """The venue's end releases all, also of an order that was partly filled."""
    assert None is kept(reported(filled(sent(intended()), 40), 40, status=status))


def test_orders_that_never_left_keep_nothing():
    """Denied by our gate, or withdrawn before they were sent."""
    request = OrderRequest.market("AAPL", BUY, D(1), client_order_id="a")
    denied = opened(Denied(at=AT, request=request, refusal=Refusal(code="NO", message="no")))
    withdrawn = note(intended(), Withdrawn(at=AT, order_id="a", reason="asked for"))

    assert (None, None) == (kept(denied), kept(withdrawn))


def test_a_cancel_that_is_only_asked_for_releases_nothing():
    """Until the venue confirms the end the order can fill."""
    order = note(reported(sent(intended())), CancelRequested(at=AT, order_id="a", reason="asked for"))

    assert (D(1000), D(0)) == kept(order)


def test_foreign_orders_keep_nothing_of_ours():
    """An order by somebody else on the account is only read; an orphan of ours keeps its cost."""
    request = OrderRequest.limit("AAPL", BUY, D(10), D(7), client_order_id="a")

    assert None is kept(opened(Adopted(at=AT, request=request, foreign=True)))
    assert (D(70), D(0)) == kept(opened(Adopted(at=AT, request=request, foreign=False)))


@pytest.mark.parametrize(
    ("change", "money"),
    [
        ({"quantity": D(150)}, 1500),
        ({"quantity": D(50)}, 1000),
        ({"limit_price": D(12)}, 1200),
        ({"limit_price": D(8)}, 1000),
        ({"quantity": D(150), "limit_price": D(12)}, 1800),
    ],
)
def test_a_pending_replacement_keeps_the_larger_of_both(change, money):
    """Either order may be the one that fills, so what both could need together with the worse price is kept."""
    request = ReplaceRequested(at=AT, order_id="a", change=Replacement(client_order_id="a2", **change))

    assert (D(money), D(0)) == kept(note(reported(sent(intended())), request))


def test_a_refused_replacement_keeps_what_the_order_needs():
    """The order lives on as it was."""
    change = Replacement(client_order_id="a2", quantity=D(150))
    order = note(reported(sent(intended())), ReplaceRequested(at=AT, order_id="a", change=change))
    order = note(order, ReplaceRefused(at=AT, order_id="a", client_order_id="a2", reason="no"))

    assert (D(1000), D(0)) == kept(order)


@pytest.mark.parametrize(
    ("change", "money"), [({"quantity": D(50)}, 500), ({"limit_price": D(12)}, 1200), ({"limit_price": D(8)}, 1000)]
)
def test_a_replaced_order_keeps_what_its_new_terms_need(change, money):
    """Behind the replacement the new quantity holds, and a price that is never below the new one."""
    replacement = Replacement(client_order_id="a2", **change)
    order = note(reported(sent(intended())), ReplaceRequested(at=AT, order_id="a", change=replacement))
    order = reported(order, broker="b2", name="a2", quantity=replacement.quantity, replaces="b1")

    assert (D(money), D(0)) == kept(order)


def test_reservations_add_up_and_come_back():
    """Free cash goes down with each order and is exactly what it was once all have ended."""
    portfolio = Portfolio(D(10_000))
    orders = [intended(quantity=D("0.333333333333333333"), price="7.77777777777", name=name) for name in "abc"]
    for order in orders:
        portfolio.reserve(order)
    reserved = portfolio.available()
    for order in orders:
        portfolio.reserve(note(order, Withdrawn(at=AT, order_id=order.id, reason="asked for")))

    assert 10_000 - sum(D("0.333333333333333333") * D("7.77777777777") for _ in orders) == reserved
    assert (D(10_000), D(0), []) == (portfolio.available(), portfolio.reserved_cash, list(portfolio.reservations()))


def test_no_dust_is_left():
    """Amounts that a sum of 28 digits cannot hold together leave nothing behind."""
    portfolio = Portfolio(D(10_000))
    tiny, large = (
        intended(quantity=1, price="1E-24", name="tiny"),
        intended(quantity=1, price="12345.6789", name="large"),
    )
    for order in (tiny, large):
        portfolio.reserve(order)
    for order in (large, tiny):
        portfolio.reserve(note(order, Withdrawn(at=AT, order_id=order.id, reason="asked for")))

    assert D(0) == portfolio.reserved_cash


def test_an_order_is_reserved_for_once():
    """Telling the same order again replaces what it kept before."""
    portfolio = Portfolio(D(10_000))
    order = sent(intended())
    portfolio.reserve(order)
    portfolio.reserve(filled(order, 40))

    assert (D(600), D(600), D(0)) == (portfolio.reserved_cash, portfolio.reserved("a"), portfolio.reserved("b"))


def test_exits_of_a_group_count_once():
    """Take-profit and stop close the same shares: the larger of them counts, single exits come on top."""
    portfolio = Portfolio(D(10_000))
    for name, quantity, group in [("tp", 60, "g"), ("sl", 100, "g"), ("other", 30, "h"), ("single", 7, None)]:
        portfolio.reserve(intended(SELL, quantity, opening=0, name=name, group=group))

    assert D(100) + 30 + 7 == portfolio.exit_reserved("AAPL")
    assert D(30) + 7 == portfolio.exit_reserved("AAPL", but_group="g")
    assert D(0) == portfolio.exit_reserved("MSFT")
    assert (D(60), D(0)) == (portfolio.exit_reserved_by("tp"), portfolio.exit_reserved_by("nobody"))


def test_reservation_names_symbol_and_group():
    """What is kept back says for what."""
    assert Reservation("AAPL", "g", D(0), D(100)) == reservation(intended(SELL, opening=0, group="g"))


def test_a_position_is_a_value():
    """Booking makes a new position and leaves the old one as it was."""
    before = Position(D(100), D(1000), D(1000))
    after = before.after(D(-40), D(-480))

    assert (Position(D(100), D(1000), D(1000)), evolve(before, quantity=D(60), basis=D(600), spent=D(520))) == (
        before,
        after,
    )


def test_a_request_that_somebody_else_changed_is_reserved_for_anew():
    """A replacement that we did not ask for changes the request alone, and what it keeps back with it."""
    portfolio = Portfolio(D(10_000))
    order = sent(intended())
    portfolio.reserve(order)
    before = portfolio.reserved("a")
    portfolio.reserve(evolve(order, request=evolve(order.request, quantity=2 * order.quantity)))

    assert 2 * before == portfolio.reserved("a")
