"""Trades: what becomes of bookings from flat to flat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.books.portfolio import Portfolio
from engine.books.trades import Trades
from engine.model import OrderRequest, OrderType, Role, Side, Status
from engine.orders.order import Link, Order
from engine.trade import ExitReason

D = Decimal
NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
CASH = D(10_000)
LONG, SHORT = Side.BUY, Side.SELL
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def order(name, side, type=OrderType.MARKET, role=Role.SINGLE):
    prices = {
        OrderType.STOP: {"stop_price": D(1)},
        OrderType.STOP_LIMIT: {"stop_price": D(1), "limit_price": D(1)},
        OrderType.LIMIT: {"limit_price": D(1)},
        OrderType.TRAILING_STOP: {"trail_percent": D(1)},
    }.get(type, {})
    request = OrderRequest(symbol="X", side=side, quantity=D(1), type=type, client_order_id=name, **prices)
    return Order(
        request=request,
        role=role,
        group=None,
        placed=NOON,
        reserve_price=D(1),
        closing=None,
        foreign=False,
        links=(Link(client_order_id=name, request=request),),
        stage=Status.SENT,
        status=Status.WORKING,
    )


class Ledger:
    """Trades and the portfolio that is booked along with them."""

    def __init__(self):
        self.trades = Trades(CASH)
        self.portfolio = Portfolio(CASH)
        self.orders = {}
        self.minutes = 0

    def book(self, name, quantity, price="0", *, fee="0", cost=None, minute=None, day=1, symbol="X", **kind):
        """A fill of an order, which is of the side of its first one; no name: an adjustment. The trade it closes."""
        quantity, change, of_fees = D(quantity), D(quantity) * D(price) if cost is None else D(cost), D(fee)
        self.minutes = self.minutes + 1 if minute is None else minute
        if name and name not in self.orders:
            self.orders[name] = order(name, LONG if quantity > 0 else SHORT, **kind)
        whose = self.orders[name] if name else None
        before = self.portfolio.position(symbol)
        self.portfolio.book(symbol, whose and whose.side, quantity, change, of_fees)
        after = self.portfolio.position(symbol)
        at = NOON + timedelta(minutes=self.minutes)
        more = {"before": before, "after": after, "at": at, "day": day}
        return self.trades.book(symbol, whose, quantity, change, of_fees, **more)

    def play(self, *bookings):
        """Book all; the ledger itself."""
        for booking in bookings:
            self.book(*booking)
        return self

    @property
    def profits(self):
        return [trade.profit for trade in self.trades.closed]

    def agrees(self):
        """Whether, with nothing held, all profits and the start add up to the cash."""
        return not self.portfolio.open_positions and self.trades.balance(FAR) == self.portfolio.cash


@pytest.fixture
def ledger():
    return Ledger()


def shape(trade):
    return trade.side, trade.quantity, trade.entry, trade.exit, trade.cost, trade.profit


# --- from flat to flat ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bookings", "expected"),
    [
        ([("a", "10", "100"), ("b", "-10", "110")], (LONG, 10, 100, 110, 1000, 100)),
        ([("a", "-10", "100"), ("b", "10", "110")], (SHORT, 10, 100, 110, 1000, -100)),
        ([("a", "10", "100"), ("b", "10", "120"), ("c", "-20", "115")], (LONG, 20, 110, 115, 2200, 100)),
        ([("a", "10", "100"), ("b", "-4", "110"), ("c", "-6", "90")], (LONG, 10, 100, 98, 1000, -20)),
        (
            [("a", "10", "100"), ("b", "-5", "120"), ("c", "5", "110"), ("b", "-10", "110")],
            (LONG, 15, D(1550) / 15, D(1700) / 15, 1550, 150),
        ),
        ([("a", "-2", "100"), ("a", "-3", "90"), ("b", "5", "80")], (SHORT, 5, 94, 80, 470, 70)),
        ([(None, "10", "100"), (None, "-10", "90")], (LONG, 10, 100, 90, 1000, -100)),
    ],
    ids=["long", "short", "scaled in", "scaled out", "in and out", "short in parts", "adjustments"],
)
def test_a_trade_closes_when_it_is_flat(ledger, bookings, expected):
    """Whatever is added or taken off on the way belongs to one trade, which closes with the last of it, not before."""
    closes = [ledger.book(*booking) for booking in bookings]

    assert [None] * (len(bookings) - 1) == closes[:-1]
    assert expected == shape(closes[-1])
    assert closes[-1:] == list(ledger.trades.closed)
    assert ledger.agrees()


def test_all_that_a_trade_says(ledger):
    """Number, moments, fees, reason and orders."""
    ledger.book("a", "10", "100", fee="1")
    ledger.book("a", "5", "100", fee="0.5")
    trade = ledger.book("b", "-15", "101", fee="2")

    assert (1, "X", D("3.5"), D("11.5")) == (trade.number, trade.symbol, trade.fees, trade.profit)
    assert (NOON + timedelta(minutes=1), NOON + timedelta(minutes=3)) == (trade.opened, trade.closed)
    assert (ExitReason.SIGNAL, ("a", "b")) == (trade.reason, trade.orders)
    assert D("11.5") / 1500 == trade.ratio


def test_fills_out_of_order(ledger):
    """The first and the last of the venue's moments count, whatever arrived first."""
    ledger.book("a", "10", "100", minute=5)
    ledger.book("a", "10", "100", minute=3)
    ledger.book("b", "-10", "100", minute=9)
    trade = ledger.book("b", "-10", "100", minute=8)

    assert (NOON + timedelta(minutes=3), NOON + timedelta(minutes=9)) == (trade.opened, trade.closed)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ({}, ExitReason.SIGNAL),
        ({"type": OrderType.LIMIT}, ExitReason.SIGNAL),
        ({"type": OrderType.LIMIT, "role": Role.TAKE_PROFIT}, ExitReason.TAKE_PROFIT),
        ({"type": OrderType.STOP}, ExitReason.STOP_LOSS),
        ({"type": OrderType.STOP_LIMIT}, ExitReason.STOP_LOSS),
        ({"role": Role.STOP_LOSS}, ExitReason.STOP_LOSS),
        ({"type": OrderType.TRAILING_STOP, "role": Role.STOP_LOSS}, ExitReason.TRAILING_STOP),
    ],
)
def test_why_it_closed(ledger, kind, expected):
    """The order that closed the last of it says why, not those before."""
    ledger.play(("a", "10", "100"), ("b", "-5", "100"))

    assert expected is ledger.book("c", "-5", "100", **kind).reason


def test_an_adjustment_is_a_reason(ledger):
    """What the books followed the venue in has no order."""
    ledger.book("a", "10", "100")

    assert ExitReason.ADJUSTMENT is ledger.book(None, "-10", "100").reason


@pytest.mark.parametrize(("first", "second"), [("10", "-15"), ("-10", "15")])
def test_one_booking_may_close_and_open(ledger, first, second):
    """What turns a position round closes one trade and begins the next, with its share of cost and fee."""
    ledger.book("a", first, "100")
    closed = ledger.book("b", second, "110", fee="3")
    last = ledger.book("c", "5" if first == "10" else "-5", "120", fee="1")
    sign = 1 if first == "10" else -1

    assert (10, 110, sign * 100 - 2, 2) == (closed.quantity, closed.exit, closed.profit, closed.fees)
    assert (5, 110, 120, -sign * 50 - 2, 2) == (last.quantity, last.entry, last.exit, last.profit, last.fees)
    assert [("a", "b"), ("b", "c")] == [trade.orders for trade in ledger.trades.closed]
    assert (1, -1) == tuple(sign if trade.side is LONG else -sign for trade in (closed, last))
    assert ledger.agrees()


def test_symbols_by_themselves(ledger):
    """Positions in other symbols neither close nor belong to a trade."""
    ledger.book("a", "10", "100")
    ledger.book("b", "10", "100", symbol="Y")
    one = ledger.book("c", "-10", "101")
    other = ledger.book("d", "-10", "102", symbol="Y")

    assert [("X", 10, ("a", "c")), ("Y", 20, ("b", "d"))] == [
        (trade.symbol, trade.profit, trade.orders) for trade in (one, other)]  # fmt: skip


# --- what is taken back -----------------------------------------------------------------------------------------------


def test_a_bust_empties_a_trade(ledger):
    """If all that was entered is taken back there was no trade; a fee that stays is still paid."""
    ledger.book("a", "10", "100", fee="1")

    assert None is ledger.book("a", "-10", "100", fee="-0.75")
    assert [] == ledger.profits
    assert (ledger.agrees(), D("9999.75")) == (True, ledger.trades.balance(NOON))


def test_a_bust_within_a_trade(ledger):
    """What was entered or left by mistake does not count."""
    ledger.play(("a", "10", "100"), ("b", "10", "150"), ("b", "-10", "150"), ("c", "-5", "90"), ("c", "5", "90"))
    trade = ledger.book("d", "-10", "110")

    assert (LONG, 10, 100, 110, 1000, 100) == shape(trade)
    assert ledger.agrees()


def test_a_bust_that_closes(ledger):
    """With the last entry taken back nothing is held: the trade closes then, without an order that ended it."""
    ledger.play(("a", "10", "100"), ("b", "5", "100"))
    ledger.book("c", "-10", "110", minute=3)
    trade = ledger.book("b", "-5", "100", minute=7)

    assert ((LONG, 10, 100, 110, 1000, 100), ExitReason.ADJUSTMENT) == (shape(trade), trade.reason)
    assert NOON + timedelta(minutes=7) == trade.closed


def test_a_bust_of_the_exit_behind_the_close(ledger):
    """The trade stays as it was, and what is held again is another one, entered at the price taken back."""
    ledger.play(("a", "10", "100"), ("b", "-10", "110"), ("b", "10", "110"))
    assert [100] == ledger.profits

    assert (LONG, 10, 110, 120, 1100, 100) == shape(ledger.book("c", "-10", "120"))
    assert ledger.agrees()


def test_a_bust_of_the_entry_behind_the_close(ledger):
    """What was sold was never bought: a short, entered at the price taken back."""
    ledger.play(("a", "10", "100"), ("b", "-10", "110"), ("a", "-10", "100"))

    assert (SHORT, 10, 100, 90, 1000, 100) == shape(ledger.book("c", "10", "90"))
    assert ([100, 100], True) == (ledger.profits, ledger.agrees())


def test_a_bust_through_zero(ledger):
    """More is taken back than is held: one trade closes and another begins."""
    ledger.play(("a", "10", "100"), ("b", "-4", "110"))
    closed = ledger.book("a", "-10", "100")
    assert (LONG, 4, 100, 110, 400, 40) == shape(closed)

    assert (SHORT, 4, 100, 120, 400, -80) == shape(ledger.book("c", "4", "120"))
    assert ledger.agrees()


def test_a_bust_of_an_earlier_trade(ledger):
    """While another trade is open it counts as what it does to that one's position."""
    ledger.play(("a", "10", "100"), ("b", "-10", "110"), ("c", "20", "50"))
    assert None is ledger.book("a", "-10", "100")
    trade = ledger.book("d", "-10", "60")

    assert (LONG, 20, 50, 80, 1000, 600) == shape(trade)
    assert ledger.agrees()


def test_a_bust_of_a_booking_that_turned_round(ledger):
    """It empties the trade that it began, and the rest of it is another one."""
    ledger.play(("a", "10", "100"), ("b", "-15", "110"))
    assert None is ledger.book("b", "15", "110")
    trade = ledger.book("c", "-10", "120")

    assert (LONG, 10, 110, 120, 1100, 100) == shape(trade)
    assert ([100, 100], True) == (ledger.profits, ledger.agrees())


@pytest.mark.parametrize(
    ("name", "cost", "expected"),
    [
        ("a", "50", (LONG, 10, 105, 110, 1050, 50)),
        ("b", "50", (LONG, 10, 100, 105, 1000, 50)),
        ("b", "-50", (LONG, 10, 100, 115, 1000, 150)),
    ],
)
@pytest.mark.parametrize("when", ["before", "after", "much later"])
def test_a_change_of_price(ledger, name, cost, expected, when):
    """Before the close and behind it, also with another trade under way, it counts where its order filled."""
    ledger.play(("a", "10", "100"), ("b", "-5", "110"))
    if when == "before":
        ledger.book(name, "0", cost=cost)
    ledger.book("b", "-5", "110")
    if when == "much later":
        ledger.play(("c", "1", "1"), ("d", "-1", "1"), ("e", "1", "1"))
    if when != "before":
        ledger.book(name, "0", cost=cost)
    ledger.play(*([("f", "-1", "1")] if when == "much later" else []))

    assert expected == shape(ledger.trades.closed[0])
    assert {D(0)} >= set(ledger.profits[1:])
    assert ledger.agrees()


@pytest.mark.parametrize(("name", "cost", "entry", "exit"), [("a", "-50", 105, 110), ("b", "50", 100, 115)])
def test_a_change_of_price_of_a_short(ledger, name, cost, entry, exit):
    """What was sold brought in more, or what was bought back cost more."""
    ledger.play(("a", "-10", "100"), ("b", "10", "110"), (name, "0", "0"))
    ledger.book(name, "0", cost=cost)
    (trade,) = ledger.trades.closed

    assert (entry, exit, 10 * entry, 10 * (entry - exit)) == (trade.entry, trade.exit, trade.cost, trade.profit)
    assert ledger.agrees()


def test_a_change_of_fee(ledger):
    """It is part of the profit, and of no price."""
    ledger.play(("a", "10", "100"), ("b", "-10", "110"))
    ledger.book("b", "0", fee="2")

    assert ((LONG, 10, 100, 110, 1000, 98), 2) == (shape(ledger.trades.closed[0]), ledger.trades.closed[0].fees)


def test_a_change_of_price_to_nothing(ledger):
    """A correction that leaves no cost changes the profit alone: a ratio needs something to be held against."""
    ledger.play(("a", "10", "100"), ("b", "-10", "110"))
    ledger.book("a", "0", cost="-1000")

    assert (1000, 1100) == (ledger.trades.closed[0].cost, ledger.trades.closed[0].profit)


def test_a_change_of_price_that_belongs_nowhere(ledger):
    """What is left of an order that filled in no trade is money all the same."""
    ledger.play(("a", "10", "100"), ("a", "-10", "100"))
    ledger.book("a", "0", fee="1")

    assert ([], D(9999), True) == (ledger.profits, ledger.trades.balance(FAR), ledger.agrees())


# --- looking ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def closed(ledger):
    """Trades that closed at minutes 10, 30, 20 and 30, in X, Y, X and X, with profits of 1, 2, 4 and 8."""
    for number, (minute, symbol, profit) in enumerate([(10, "X", 1), (30, "Y", 2), (20, "X", 4), (30, "X", 8)]):
        ledger.book(f"{number}i", "1", "100", minute=minute, symbol=symbol)
        ledger.book(f"{number}o", "-1", 100 + profit, minute=minute, symbol=symbol)
    return ledger.trades


def test_trades_stand_in_the_order_of_their_closing(closed):
    """One that closed late stands where it belongs; of the same moment the first booked comes first."""
    assert [1, 3, 2, 4] == [trade.number for trade in closed.closed]


@pytest.mark.parametrize(
    ("minute", "symbol", "numbers"),
    [(9, None, [1, 3, 2, 4]), (10, None, [3, 2, 4]), (30, None, []), (10, "X", [3, 4]), (0, "Y", [2]), (0, "Z", [])],
)
def test_trades_after_a_moment(closed, minute, symbol, numbers):
    """Those at the very moment are not after it."""
    found = closed.after(NOON + timedelta(minutes=minute), symbol)

    assert numbers == [trade.number for trade in found]


@pytest.mark.parametrize(
    ("lookback", "symbol", "numbers"),
    [(5, None, [2, 4]), (10, None, [2, 4]), (11, None, [3, 2, 4]), (60, "X", [1, 3, 4]), (60, "Z", [])],
)
def test_trades_within_a_lookback(closed, lookback, symbol, numbers):
    """The window ends with the latest close and is open at its far end."""
    assert numbers == [trade.number for trade in closed.within(timedelta(minutes=lookback), symbol)]


@pytest.mark.parametrize(("minute", "made"), [(9, 0), (10, 1), (19, 1), (20, 5), (30, 15), (99, 15)])
def test_balance(closed, minute, made):
    """What the account began with and what had been made by a moment, the moment included."""
    assert CASH + made == closed.balance(NOON + timedelta(minutes=minute))


def test_nothing_yet():
    """Without trades there is nothing to find."""
    trades = Trades(CASH)

    assert ([], [], [], CASH) == (
        trades.closed, trades.after(NOON), trades.within(timedelta(1)), trades.balance(NOON))  # fmt: skip


# --- day trades -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bookings", "count"),
    [
        ([("10", 1), ("-10", 1)], 1),
        ([("-10", 1), ("10", 1)], 1),
        ([("10", 1), ("-5", 1), ("-5", 1)], 1),
        ([("10", 1), ("-5", 1), ("5", 1), ("-10", 1)], 1),
        ([("10", 1), ("-10", 2)], 0),
        ([("10", 1), ("5", 2), ("-15", 2)], 1),
        ([("10", 1), ("-5", 2), ("5", 2), ("-10", 3)], 0),
        ([("10", 1), ("-15", 1), ("5", 1)], 2),
        ([("10", 1), ("-10", 1), ("10", 1), ("-10", 1)], 2),
    ],
    ids=["long", "short", "in parts", "in and out", "over night", "added today", "sold first", "turned", "twice"],
)
def test_day_trades(ledger, bookings, count):
    """A trade counts once, when some of it leaves on a day on which some was entered."""
    for number, (quantity, day) in enumerate(bookings):
        ledger.book(f"{number}", quantity, "100", day=day)

    assert count == ledger.trades.day_trades_since(1)


def test_busts_are_no_day_trades(ledger):
    """What is taken back neither left nor was entered."""
    ledger.book("a", "10", "100", day=1)
    ledger.book("b", "5", "100", day=2)
    ledger.book("b", "-5", "100", day=2)
    assert 0 == ledger.trades.day_trades_since(1)

    ledger.book("a", "-2", "100", day=3)
    ledger.book("c", "-8", "100", day=3)
    assert 0 == ledger.trades.day_trades_since(1)


def test_five_days_are_known(ledger):
    """Older days are forgotten, and days without a day trade count as days."""
    for day in (1, 1, 2, 4, 6):
        ledger.book(f"{ledger.minutes}", "1", "100", day=day)
        ledger.book(f"{ledger.minutes}", "-1", "100", day=day)

    assert [3, 3, 2, 2, 1, 1, 0] == [ledger.trades.day_trades_since(day) for day in range(1, 8)]
    assert [(2, 1), (4, 1), (6, 1)] == list(ledger.trades.day_trades)


# --- properties -------------------------------------------------------------------------------------------------------


def test_nothing_gets_lost():
    """
    Whatever is booked, taken back or corrected: flat again, start and profits are the cash, and trades are sound.

    Prefix sums equal a plain sum, and what was closed stays in order.
    """
    hypothesis = pytest.importorskip("hypothesis")
    strategies = pytest.importorskip("hypothesis.strategies")
    fills = strategies.tuples(
        strategies.sampled_from("abcdef"),
        strategies.integers(-20, 20),
        strategies.integers(1, 200),
        strategies.integers(0, 3),
        strategies.integers(0, 60),
    )

    @hypothesis.given(strategies.lists(fills, max_size=25))
    def check(bookings):
        ledger = Ledger()
        for name, quantity, price, fee, minute in bookings:
            if quantity or name in ledger.orders:
                cost = None if quantity else price - 100
                ledger.book(name, quantity, price, fee=fee, cost=cost, minute=minute)
        left = ledger.portfolio.position("X")
        if left:
            ledger.book(None, -left, "100", minute=61)
        trades, plain = ledger.trades, CASH

        assert abs(ledger.trades.balance(FAR) - ledger.portfolio.cash) < D("1e-18")
        assert list(range(1, len(trades.closed) + 1)) == sorted(trade.number for trade in trades.closed)
        assert sorted(trade.closed for trade in trades.closed) == [trade.closed for trade in trades.closed]
        for trade in trades.closed:
            assert trade.quantity > 0
            assert trade.cost > 0
            assert trade.opened <= trade.closed
            plain += trade.profit
        stray = trades.balance(FAR) - plain
        for trade in trades.closed:
            made = sum((each.profit for each in trades.closed if each.closed <= trade.closed), D(0))
            assert abs(CASH + stray + made - trades.balance(trade.closed)) < D("1e-18")

    check()
