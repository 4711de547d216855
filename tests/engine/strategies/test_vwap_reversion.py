"""Reversion to the VWAP: when it enters, at which prices, and every way out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from engine.books.journal import Journal
from engine.calendar import AlwaysOpen, FixedCalendar, Session, USEquities
from engine.config import convert
from engine.errors import InvalidInput, InvalidRequest, NotSent
from engine.facts import CancelRequested, Intended, PositionAdjusted
from engine.market.bars import Bar
from engine.model import OrderType, Role, Side, Status, TimeInForce, VenueStatus
from engine.recipe import MarketConfig, StrategyConfig
from engine.session import MarketData, PaperSession, SessionConfig, open_session
from engine.strategies.vwap_reversion import VwapReversion
from engine.testing import Desk

D = Decimal
START = datetime(2024, 1, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

# Whatever a test is not about does not get in its way.
SETTINGS = {
    "deviations": D("0.5"),
    "least_bps": D(0),
    "warm_up": 1,
    "after_open": timedelta(0),
    "before_close": 2 * MINUTE,
    "out_before_close": 2 * MINUTE,
    "patience": HOUR,
    "time_limit": 12 * HOUR,
    "cool_down": timedelta(0),
    "share": D("0.5"),
}


def bar(number, close, *, start=START, opens=None, high=None, low=None, volume=1, symbol="X/USD"):
    """A bar of one minute that stays where it is, unless told otherwise."""
    at = start + number * MINUTE
    first, last = D(close if opens is None else opens), D(close)
    top = max(first, last) if high is None else D(high)
    bottom = min(first, last) if low is None else D(low)
    return Bar(symbol, at, at + MINUTE, first, top, bottom, last, D(volume))


def flat(*closes, **more):
    return [bar(number, close, **more) for number, close in enumerate(closes)]


def hours(*sessions):
    """A calendar of sessions: (minute of the open, minute of the close)."""
    return FixedCalendar(Session(open=START + first * MINUTE, close=START + last * MINUTE) for first, last in sessions)


def play(bars, *, calendar=None, cash=1000, fee_bps=0, **settings):
    data = MarketData(bars[0].start, [(each,) for each in bars], calendar or AlwaysOpen(), "")
    config = SessionConfig(cash=D(cash), market=MarketConfig(fee_bps=D(fee_bps), ideal=True))
    strategy = VwapReversion(**(SETTINGS | settings))
    result = PaperSession(config, Journal(None), data, strategy=strategy).run()
    assert "completed" == result.outcome
    return result


def orders(result, *roles):
    return [order for order in result.books.tracker if not roles or order.role in roles]


def minute(order, start=START):
    """The minute of the session in which it was sent."""
    return (order.placed - start) // MINUTE


def entered(result):
    """The minutes at which entries were sent."""
    return [minute(order) for order in orders(result, Role.ENTRY)]


def told(result, start=START):
    """Every order: (minute in which it was sent, role, status)."""
    return [(minute(order, start), order.role.value, order.status.value) for order in orders(result)]


def held(result):
    return dict(result.books.portfolio.open_positions)


# --- the signal -------------------------------------------------------------------------------------------------------


def test_an_entry():
    """Far below the VWAP it buys at the close or better, with the VWAP as target and a stop as far below."""
    # Typical prices 100, 100, 100 and 98: VWAP 99.5, deviation 0.87; the close is 2.5 below it.
    result = play([*flat(100, 100, 100), bar(3, 97, opens=100), bar(4, 97)], deviations=D("2.8"))
    request = orders(result)[0].request

    assert (OrderType.LIMIT, Side.BUY, D(97), TimeInForce.GTC) == (
        request.type,
        request.side,
        request.limit_price,
        request.time_in_force,
    )
    assert (D("99.5"), D("94.5")) == (request.exits.take_profit, request.exits.stop_loss)
    assert D("5.1546") == request.quantity
    assert [(4, "entry", "filled"), (4, "stop_loss", "working"), (4, "take_profit", "working")] == told(result)


def test_not_far_enough():
    """The same market is no signal for one who asks for three deviations."""
    assert [] == orders(play([*flat(100, 100, 100), bar(3, 97, opens=100), bar(4, 97)], deviations=D("2.9")))


@pytest.mark.parametrize(("deviations", "expected"), [("1", []), ("0.9999999999", [2])])
def test_deviations_at_the_boundary(deviations, expected):
    """A close of exactly so many deviations below is not more than that."""
    assert expected == entered(play(flat(100, 98), deviations=D(deviations)))  # VWAP 99, deviation 1


def test_prices_count_by_their_volume():
    """The average and its deviation weigh each bar by what was traded in it."""
    # VWAP 99.5, deviation 0.866: 1.73 deviations; counted alike it would be 1.
    assert [2] == entered(play([bar(0, 100, volume=3), bar(1, 98)], deviations=D("1.73")))
    assert [] == entered(play([bar(0, 100, volume=3), bar(1, 98)], deviations=D("1.74")))


def test_the_typical_price_counts():
    """A bar stands for the mean of its high, low and close."""
    result = play([bar(0, 100, high=112, low=97), bar(1, 98, volume=3)], warm_up=2)  # typical 103: VWAP 99.25
    assert D("99.25") == orders(result)[0].request.exits.take_profit


@pytest.mark.parametrize(("least_bps", "expected"), [("100", [2]), ("100.01", [])])
def test_least_distance_at_the_boundary(least_bps, expected):
    """A close that is nearer to the VWAP than so many basis points of itself is left alone."""
    assert expected == entered(play(flat(102, 100), deviations=D(0), least_bps=D(least_bps)))


@pytest.mark.parametrize(("warm_up", "expected"), [(3, [3]), (4, [])])
def test_enough_bars(warm_up, expected):
    """Nothing is entered before so many bars of the session have been seen, the last one included."""
    assert expected == entered(play(flat(100, 100, 98, 100), warm_up=warm_up))


def test_above_the_average():
    """A close above the VWAP, however far, is nothing to buy."""
    assert [] == orders(play(flat(100, 100, 150, 150)))


def test_no_volume():
    """Bars without volume give no average, and so no signal."""
    assert [] == orders(play(flat(100, 100, 50, 50, volume=0), deviations=D(0)))


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dip", "expected"), [(8, []), (9, [10]), (18, [19]), (19, [])])
def test_the_window_of_entries(dip, expected):
    """Entries are sent from after the open, that minute included, to before the close, that minute excluded."""
    closes = [98 if number == dip else 100 for number in range(30)]
    result = play(flat(*closes), calendar=hours((0, 30)), after_open=10 * MINUTE, before_close=10 * MINUTE)

    assert expected == entered(result)


@pytest.mark.parametrize("close", [datetime(2024, 7, 2, 20, tzinfo=UTC), datetime(2024, 7, 3, 17, tzinfo=UTC)])
def test_half_days(close):
    """On a half day the window ends, and a trade is left, as early as the exchange closes."""
    pytest.importorskip("holidays")
    start = close - HOUR
    falling = [100 - D(number) / 100 for number in range(60)]
    result = play(
        flat(*falling, start=start),
        calendar=USEquities(),
        before_close=30 * MINUTE,
        out_before_close=10 * MINUTE,
        stop=D(100),
        target=D(1),
    )

    assert [
        (2, "entry", "filled"),
        (2, "stop_loss", "canceled"),
        (2, "take_profit", "canceled"),
        (50, "single", "filled"),
    ] == told(result, start)
    assert {} == held(result)


def test_each_session_begins_anew():
    """What was traded yesterday is no measure for today, nor are its bars."""
    calendar = hours((0, 10), (60, 80))
    yesterday, today = flat(*[100] * 10), [bar(60 + number, price) for number, price in enumerate((50, 50, 49, 50))]

    assert [] == entered(play([*yesterday, *today[:2]], calendar=calendar))
    assert [63] == entered(play([*yesterday, *today], calendar=calendar, warm_up=3))
    assert [] == entered(play([*yesterday, *today], calendar=calendar, warm_up=4))


def test_round_the_clock_a_session_is_a_day():
    """Where the market never closes the average begins anew at midnight, UTC."""
    evening = START - 3 * MINUTE
    before = flat(100, 100, 100, start=evening)

    assert [] == entered(play([*before, bar(0, 98), bar(1, 98)]))
    assert [2] == entered(play([*before, bar(0, 98), bar(1, 97)]))


def test_bars_outside_of_sessions_do_not_count():
    """What is traded before the open makes no average, and nothing is entered then."""
    early = flat(200, 150, 100)
    result = play([*early, *[bar(10 + number, 100) for number in range(3)]], calendar=hours((10, 30)))

    assert [] == orders(result)


def test_a_symbol_has_a_session_of_its_own():
    """The average, the trade and the pause of one symbol say nothing about another."""
    falling = [(bar(number, 100 - number), bar(number, 100, symbol="Y/USD")) for number in range(4)]
    data = MarketData(START, falling, AlwaysOpen(), "")
    strategy = VwapReversion(**SETTINGS)
    result = PaperSession(SessionConfig(market=MarketConfig(ideal=True)), Journal(None), data, strategy=strategy).run()

    assert {"X/USD"} == {order.symbol for order in orders(result)}


# --- prices and sizes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "profit", "stop"),
    [({}, "99", "97"), ({"target": D("0.5")}, "98.5", "97"), ({"stop": D(2)}, "99", "96")],
)
def test_where_the_exits_stand(settings, profit, stop):
    """Target and stop are shares of the way from the limit to the VWAP, upwards and downwards."""
    exits = orders(play(flat(100, 98), deviations=D(0), **settings))[0].request.exits

    assert (D(profit), D(stop)) == (exits.take_profit, exits.stop_loss)


@pytest.mark.parametrize(
    ("prices", "tick", "expected"),
    [
        (("100.00", "98.33"), None, ("98.33", "99.17", "97.49")),  # 99.165 up, 97.495 down
        (("100.00", "98.337"), None, ("98.33", "99.17", "97.50")),
        (("0.9000", "0.8001"), None, ("0.8001", "0.8501", "0.7501")),  # 0.85005 up, 0.75015 down
        (("1.10", "0.9"), None, ("0.9", "1.00", "0.8")),
        (("100.00", "98.33"), D(1), ("98", "100", "97")),
    ],
)
def test_prices_are_on_a_grid(prices, tick, expected):
    """Whole cents, a ten-thousandth below 1, or as set: the take-profit rounded up, the rest rounded down."""
    request = orders(play(flat(*prices), deviations=D(0), tick=tick))[0].request

    assert tuple(map(D, expected)) == (request.limit_price, request.exits.take_profit, request.exits.stop_loss)


def test_no_room_for_a_stop():
    """A price about as small as the grid has no room for a stop, and nothing is entered."""
    assert [] == orders(play(flat("0.0002", "0.0001"), deviations=D(0), cash=1))


@pytest.mark.parametrize(
    ("symbol", "settings", "quantity"),
    [
        ("X/USD", {}, "5.1020"),
        ("AAPL", {}, "5"),
        ("AAPL", {"lot": D(2)}, "4"),
        ("AAPL", {"share": D("0.3")}, "3"),
        ("AAPL", {"risk": D("0.003")}, "3"),  # 3 of 1000, and the stop is 1 below
        ("AAPL", {"risk": D("0.5")}, "5"),
    ],
)
def test_how_much(symbol, settings, quantity):
    """A share of the free cash, no more than what the stop may cost, in whole lots."""
    bought = orders(play(flat(100, 98, symbol=symbol), deviations=D(0), **settings))[0].quantity

    assert D(quantity) == bought


def test_less_than_a_lot():
    """With too little cash for one share nothing is sent."""
    assert [] == orders(play(flat(100, 98, symbol="AAPL"), deviations=D(0), cash=100))


# --- ways out ---------------------------------------------------------------------------------------------------------

ENTRY = [bar(0, 100), bar(1, 98), bar(2, 98)]  # bought at 98 at the open of the third bar; target 99, stop 97


def test_the_target():
    """The take-profit ends the trade, and the stop is gone."""
    result = play([*ENTRY, bar(3, 99)])

    assert [(2, "entry", "filled"), (2, "stop_loss", "canceled"), (2, "take_profit", "filled")] == told(result)[:3]
    assert {} == held(result)


def test_one_position_at_a_time():
    """While an entry lives or something is held no other signal counts."""
    waits = play([bar(0, 100), bar(1, 98), bar(2, 99), bar(3, 98, opens=99, high=99, low="98.01")])
    holds = play([*ENTRY, bar(3, "97.5"), bar(4, "97.2"), bar(5, "97.1")])

    assert [2] == entered(waits)
    assert [2] == entered(holds)


@pytest.mark.parametrize(("cool_down", "expected"), [(0, [2, 4]), (1, [2, 4]), (2, [2, 5]), (3, [2, 6])])
def test_the_pause_after_a_stop(cool_down, expected):
    """So long after the stop has filled nothing is entered; the end of a bar at just that moment is late enough."""
    falling = [bar(3 + number, 96 - number) for number in range(4)]  # stopped at the open of the fourth bar
    result = play([*ENTRY, *falling], deviations=D(0), stop=D(1), cool_down=cool_down * MINUTE, stop_room_bps=D(500))

    assert (2, "stop_loss", "filled") == told(result)[1]
    assert expected == entered(result)[:2]


@pytest.mark.parametrize(
    ("symbol", "room", "kind", "limit"),
    [
        ("X/USD", "50", OrderType.STOP_LIMIT, "95.52"),
        ("X/USD", "100", OrderType.STOP_LIMIT, "95.04"),
        ("X", "50", OrderType.STOP, None),
    ],
)
def test_the_stop_of_a_pair_has_a_limit(symbol, room, kind, limit):
    """Venues take no plain stop of a pair: it may sell so much below its stop and no worse; that of a share may."""
    bars = [evolve(each, symbol=symbol) for each in ENTRY]
    (stop,) = orders(play(bars, stop=D(2), stop_room_bps=D(room), lot=D("0.0001")), Role.STOP_LOSS)

    assert (kind, limit and D(limit)) == (stop.request.type, stop.request.limit_price)


def test_no_pause_after_a_target():
    """A trade that reached its target may be followed by another at once."""
    result = play([*ENTRY, bar(3, 98, opens=99), bar(4, 98)], deviations=D("0.5"), cool_down=HOUR)

    assert [2, 4] == entered(result)


@pytest.mark.parametrize(
    ("opens", "high", "low", "expected"),
    [(98, 100, 96, "take_profit"), (98, "99.5", 96, "take_profit"), (98, 101, 96, "stop_loss")],
)
def test_stop_and_target_in_the_same_bar(opens, high, low, expected):
    """Whichever the path meets first ends the trade; the other one does not trade."""
    close = 97 if expected == "take_profit" else 98
    result = play([*ENTRY, bar(3, close, opens=opens, high=high, low=low)], cool_down=HOUR)
    filled = [order.role.value for order in orders(result) if order.status is Status.FILLED]

    assert ["entry", expected] == filled
    assert {} == held(result)


def test_in_and_out_within_one_bar():
    """The exits work from the fill on, so the bar of the entry may also end the trade."""
    result = play([bar(0, 100), bar(1, 98), bar(2, 97, opens=98, low=96)], cool_down=HOUR)

    assert [(2, "entry", "filled"), (2, "stop_loss", "filled"), (2, "take_profit", "canceled")] == told(result)


@pytest.mark.parametrize(("minutes", "left"), [(5, 7), (6, 8)])
def test_the_time_limit(minutes, left):
    """Counted from the first fill, at its end the exits are cancelled, and then all is sold at market."""
    result = play([*ENTRY, *[bar(number, 98) for number in range(3, 12)]], time_limit=minutes * MINUTE, warm_up=2)
    first, stop, profit, out, *_ = orders(result)

    assert (left, OrderType.MARKET, first.quantity) == (minute(out), out.request.type, out.quantity)
    assert (Status.CANCELED, Status.CANCELED, Status.FILLED) == (stop.status, profit.status, out.status)
    assert [] == [order.refusal for order in orders(result) if order.refusal]


def test_why_exits_were_cancelled():
    """The journal says which limit ended the trade, and the market order comes behind both cancels."""
    for bars, calendar, why in [
        ([*ENTRY, *flat(*[98] * 9, start=START + 3 * MINUTE)], None, "the time in the trade is over"),
        ([*ENTRY, *flat(*[98] * 6, start=START + 3 * MINUTE)], hours((0, 9)), "the session ends"),
    ]:
        data = MarketData(START, [(each,) for each in bars], calendar or AlwaysOpen(), "")
        strategy = VwapReversion(**SETTINGS | {"time_limit": 6 * MINUTE, "before_close": 3 * MINUTE})
        journal = Journal(None)
        PaperSession(SessionConfig(market=MarketConfig(ideal=True)), journal, data, strategy=strategy).run()
        facts = [entry.fact for entry in journal.entries() if isinstance(entry.fact, CancelRequested | Intended)]

        assert [why, why] == [fact.reason for fact in facts[3:5]]
        assert OrderType.MARKET is facts[5].request.type


@pytest.mark.parametrize(("out_before_close", "left"), [(1, 29), (3, 27)])
def test_out_before_the_close(out_before_close, left):
    """What is held near the session's end is sold in the session, so that nothing stays overnight."""
    bars = [*ENTRY, *[bar(number, 98) for number in range(3, 30)], *[bar(number, 98) for number in range(90, 95)]]
    result = play(
        bars, calendar=hours((0, 30), (90, 120)), before_close=20 * MINUTE, out_before_close=out_before_close * MINUTE
    )

    assert (left, "single", "filled") == told(result)[-1]
    assert START + left * MINUTE == orders(result)[-1].changed
    assert {} == held(result)


def test_a_session_that_breaks_off():
    """Where the last bars of a session are missing the trade is left with the first bar that comes."""
    bars = [*ENTRY, *[bar(number, 98) for number in range(3, 10)], *[bar(number, 98) for number in range(90, 93)]]
    result = play(bars, calendar=hours((0, 30), (90, 120)))

    assert [(91, "single", "filled")] == told(result)[3:]
    assert {} == held(result)


def test_an_entry_that_never_fills():
    """After so long it is cancelled, and the next signal may enter again."""
    closes = [100, 98, 100, 100, 100, 100, 97, 97]
    result = play(flat(*closes), patience=3 * MINUTE, cool_down=HOUR)

    assert [(2, "entry", "canceled"), (7, "entry", "filled")] == [each for each in told(result) if each[1] == "entry"]


def test_an_entry_still_there_near_the_close():
    """An entry that has not filled is cancelled when trades are left, and nothing is sold."""
    result = play(flat(100, 98, *[100] * 20), calendar=hours((0, 20)), before_close=5 * MINUTE)

    assert [(2, "entry", "canceled")] == told(result)
    assert START + 18 * MINUTE == orders(result)[0].changed


@pytest.mark.parametrize(("cool_down", "expected"), [(2, [2, 4, 6]), (3, [2, 5])])
def test_an_entry_that_is_denied(cool_down, expected):
    """What the gate refuses is not asked for with every bar, only after a pause."""
    falling = [100 - D(number) / 10 for number in range(7)]
    result = play(flat(*falling), share=D(1), fee_bps=1, cool_down=cool_down * MINUTE)

    assert {Status.DENIED} == {order.status for order in orders(result)}
    assert expected == [minute(order) for order in orders(result)]


# --- at a venue that takes its time -----------------------------------------------------------------------------------


class Trading:
    """The strategy at a fake venue, bar after bar."""

    def __init__(self, **settings):
        self.desk = Desk(start=START).start()
        self.engine = self.desk.engine
        self.strategy = VwapReversion(**(SETTINGS | settings))
        self.bars = 0

    def bar(self, close):
        """One bar passes, with all that the engine has to tell about it."""
        made = bar(self.bars, close, symbol="X")
        self.bars += 1
        self.desk.clock.advance_to(made.end)
        self.desk.host.advance(60)
        self.hear()
        self.engine.books.portfolio.mark("X", made.close)
        self.strategy.on_bar(made, self.engine)
        self.hear()

    def hear(self):
        while events := self.engine.step():
            for event in events:
                self.strategy.on_event(event, self.engine)

    def fill(self, order_id, quantity, price):
        self.desk.broker.fill(order_id, D(quantity), D(price))
        self.hear()

    def adjust(self, quantity):
        """The venue holds so much more than was traded, and the books follow it."""
        total = self.engine.position("X") + D(quantity)
        self.desk.broker.hold("X", total, D(98))
        self.engine._record(
            PositionAdjusted(
                at=self.desk.clock.now(), id=quantity, symbol="X", quantity=D(quantity), price=D(98), reason="test"
            )
        )
        self.hear()

    def orders(self):
        """Every order: what it is called behind the session's name, what it asks for, what is filled, how it stands."""
        return [
            (order.id.removeprefix("tb-"), int(order.quantity), int(order.filled), order.status.value)
            for order in self.engine.books.tracker
        ]


@pytest.fixture
def trading():
    """An entry of 50 at 98 that works at the venue."""
    made = Trading(time_limit=5 * MINUTE, patience=3 * MINUTE, share=D("0.0049"))
    for close in (100, 98):
        made.bar(close)
    assert [("1", 50, 0, "working")] == made.orders()
    return made


def test_a_part_of_the_entry(trading):
    """What fills is protected at once; the rest is cancelled after its patience, and the part has its trade."""
    trading.fill("tb-1", 20, 98)
    trading.bar(98)
    trading.fill("tb-1", 10, 98)
    for _ in range(2):
        trading.bar(98)
    protected = trading.orders()
    trading.fill("tb-1.tp", 30, 99)

    assert [("1", 50, 30, "canceled"), ("1.sl", 30, 0, "working"), ("1.tp", 30, 0, "working")] == protected
    assert (0, None) == (trading.engine.position("X"), trading.strategy._symbols["X"].trade)


def test_the_time_limit_counts_from_the_first_part(trading):
    """Later parts do not prolong the trade, and only what is held is sold."""
    trading.fill("tb-1", 20, 98)
    trading.bar(98)
    trading.fill("tb-1", 10, 98)
    for _ in range(4):
        trading.bar(98)

    assert 7 == trading.bars
    assert ("2", 30, 0, "working") == trading.orders()[-1]


def test_an_entry_that_works_is_cancelled_first():
    """Leaving takes the entry away before its exits, or it would fill on."""
    trading = Trading(time_limit=MINUTE, share=D("0.0049"))
    for close in (100, 98):
        trading.bar(close)
    trading.fill("tb-1", 20, 98)
    trading.bar(98)
    cancelled = [trading.desk.broker.known(f"tb-{name}").broker_order_id for name in ("1", "1.sl", "1.tp")]

    assert cancelled == trading.desk.calls("cancel")
    assert ("2", 20, 0, "working") == trading.orders()[-1]


def test_nothing_is_sold_while_an_exit_may_live(trading):
    """The market order waits for the venue's word that both exits are gone, and goes out with that word."""
    trading.fill("tb-1", 50, 98)
    trading.desk.broker.muted = True
    for _ in range(7):
        trading.bar(98)
    waiting = trading.orders()
    trading.desk.broker.muted = False
    trading.desk.broker.tell(trading.desk.broker.known("tb-1.tp"))
    trading.hear()
    still_waiting = trading.orders()
    trading.desk.broker.tell(trading.desk.broker.known("tb-1.sl"))
    trading.hear()

    assert [("1", 50, 50, "filled"), ("1.sl", 50, 0, "working"), ("1.tp", 50, 0, "working")] == waiting
    assert 3 == len(still_waiting)
    assert ("2", 50, 0, "working") == trading.orders()[-1]


def test_an_exit_that_fills_while_it_is_cancelled(trading):
    """A stop that fills on the way out leaves nothing to sell, and still makes a pause."""
    trading.strategy.cool_down = HOUR
    trading.fill("tb-1", 50, 98)
    trading.desk.broker.muted = True
    for _ in range(5):
        trading.bar(98)
    trading.desk.broker.muted = False
    trading.fill("tb-1.sl", 50, 97)
    trading.desk.broker.tell(trading.desk.broker.known("tb-1.tp"))
    for _ in range(3):
        trading.bar(97)

    assert (0, 3) == (trading.engine.position("X"), len(trading.orders()))


def test_a_part_of_an_exit(trading):
    """Where the target was reached in part, the rest is what is sold when time is up."""
    trading.fill("tb-1", 50, 98)
    trading.fill("tb-1.tp", 15, 99)
    for _ in range(5):
        trading.bar(98)

    assert ("2", 35, 0, "working") == trading.orders()[-1]


def test_a_market_order_that_the_venue_ends(trading):
    """What was not sold is sold with the next bar, and the trade is over when all is."""
    trading.fill("tb-1", 50, 98)
    for _ in range(5):
        trading.bar(98)
    trading.fill("tb-2", 20, 98)
    trading.bar(98)
    trading.desk.broker.end("tb-2", VenueStatus.CANCELED)
    trading.hear()
    before = trading.orders()[-1]
    trading.bar(98)
    after = trading.orders()[-1]
    trading.fill("tb-3", 30, 98)

    assert (("2", 50, 20, "canceled"), ("3", 30, 0, "working")) == (before, after)
    assert trading.strategy._symbols["X"].trade is None


def test_exits_that_the_venue_ends(trading):
    """A trade that lost its exits is still one, and is left when its time is over."""
    trading.fill("tb-1", 50, 98)
    for name in ("tb-1.sl", "tb-1.tp"):
        trading.desk.broker.end(name, VenueStatus.CANCELED)
    trading.hear()
    for _ in range(4):
        trading.bar(98)
    before = trading.orders()[-1]
    trading.bar(98)

    assert (("1.tp", 50, 0, "canceled"), ("2", 50, 0, "working")) == (before, trading.orders()[-1])


def test_an_entry_that_never_left():
    """An entry that waited for its rate when the trade was left is withdrawn, and the trade is over."""
    waiting = Trading(time_limit=MINUTE)
    waiting.desk.broker.script("submit", NotSent("no permit", earliest=START + 24 * HOUR))
    for close in (100, 98):
        waiting.bar(close)
    before = waiting.orders()[0][-1]
    waiting.strategy._symbols["X"].trade.deadline = START + 3 * MINUTE
    waiting.bar(100)

    assert ("intent", "canceled") == (before, waiting.orders()[0][-1])
    assert waiting.strategy._symbols["X"].trade is None


def test_what_is_held_is_sold(trading):
    """Where a fee was taken in the coin, less is held than was bought, and that is what is sold."""
    trading.strategy.lot = D("0.01")
    trading.fill("tb-1", 50, 98)
    trading.adjust("-0.125")
    for _ in range(5):
        trading.bar(98)
    out = list(trading.engine.books.tracker)[-1]

    assert (D("49.875"), Status.WORKING) == (out.quantity, out.status)


def test_dust_is_not_held(trading):
    """Less than a lot neither keeps a trade open nor keeps another from beginning."""
    trading.strategy.lot = D(1)
    trading.fill("tb-1", 50, 98)
    trading.adjust("0.5")
    trading.fill("tb-1.tp", 50, 99)
    trading.bar(97)

    assert D("0.5") == trading.engine.position("X")
    assert ("2", "working") == (trading.orders()[-1][0], trading.orders()[-1][-1])


def test_a_position_of_somebody_else(trading):
    """What the strategy did not buy it does not sell, and beside it it does not buy."""
    trading.engine.cancel("tb-1")
    trading.hear()
    trading.adjust("7")
    for _ in range(8):
        trading.bar(97)

    assert [("1", 50, 0, "canceled")] == trading.orders()


def test_an_entry_that_the_venue_rejects(trading):
    """A rejection is followed by the pause, as a denial is."""
    trading.strategy.cool_down = 2 * MINUTE
    trading.desk.broker.end("tb-1", VenueStatus.REJECTED)
    trading.hear()
    counts = []
    for _ in range(3):
        trading.bar(97)
        counts.append(len(trading.orders()))

    assert [1, 2, 2] == counts


# --- whole sessions ---------------------------------------------------------------------------------------------------


def test_made_up_days(tmp_path):
    """On made-up days it enters, takes profits, is stopped, runs out of time, and goes home flat."""
    seen = set()
    for seed in (1, 2, 3):
        session = open_session(
            SessionConfig(seed=seed, strategy=StrategyConfig(name="vwap-reversion")), tmp_path / str(seed)
        )
        result = session.run()
        session.journal.close()
        seen |= {(order.role, order.status) for order in result.books.tracker}

        assert ("completed", {}, {}) == (result.outcome, held(result), dict(result.books.tracker.live))

    assert {(role, Status.FILLED) for role in Role} <= seen
    assert not any(status is Status.DENIED for _, status in seen)


def test_a_month_of_bitcoin(shared_data, tmp_path):
    """Round the clock it is flat at the end of every UTC day, and every position had its stop."""
    market = MarketConfig(bars=str(shared_data / "btcusd-1m-2022-01.csv.gz"), symbol="BTC/USD")
    session = open_session(SessionConfig(market=market, strategy=StrategyConfig(name="vwap-reversion")), tmp_path / "x")
    overnight, alarms = [], []
    on_bar, on_event = session._strategy.on_bar, session._strategy.on_event

    class Watched:
        def on_bar(self, bar, trader):
            if bar.end.hour == bar.end.minute == 0 and trader.position(bar.symbol):
                overnight.append(bar.end)
            on_bar(bar, trader)

        def on_event(self, event, trader):
            if hasattr(event, "code"):
                alarms.append(event)
            on_event(event, trader)

    session._strategy = Watched()
    result = session.run()
    session.journal.close()
    trades = [order for order in orders(result, Role.ENTRY) if order.filled]

    assert (45_031, {}, [], []) == (result.tally.bars, held(result), overnight, alarms)
    assert len(trades) > 50
    assert all(trade.filled == trade.quantity for trade in trades)


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"deviations": D(-1)},
        {"least_bps": D(-1)},
        {"warm_up": 0},
        {"after_open": -MINUTE},
        {"before_close": -MINUTE},
        {"out_before_close": timedelta(0)},
        {"patience": timedelta(0)},
        {"time_limit": timedelta(0)},
        {"cool_down": -MINUTE},
        {"target": D(0)},
        {"target": D("1.01")},
        {"stop": D(0)},
        {"share": D(0)},
        {"share": D("1.01")},
        {"risk": D(0)},
        {"risk": D("1.01")},
        {"lot": D(0)},
        {"tick": D(0)},
        {"before_close": 4 * MINUTE},
    ],
    ids=str,
)
def test_settings_are_checked(settings):
    """What is out of bounds is refused, in Python and from a file."""
    with pytest.raises(ValueError):
        VwapReversion(**settings)
    with pytest.raises(InvalidInput):
        convert(settings, VwapReversion, where="x")


def test_out_before_the_window_ends():
    """A trade that could begin after it had to end is refused, with both settings."""
    with pytest.raises(InvalidRequest, match="expected at most before_close, which is 0:05:00"):
        VwapReversion(out_before_close=6 * MINUTE, before_close=5 * MINUTE)


def test_settings_of_a_file():
    """Durations are written as texts, numbers as numbers."""
    made = convert({"time_limit": "90m", "deviations": "1.5", "risk": "0.01"}, VwapReversion, where="x")

    assert VwapReversion(time_limit=90 * MINUTE, deviations=D("1.5"), risk=D("0.01")) == made
