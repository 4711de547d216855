"""A venue that plays bars: what fills where and when, and what it tells."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from engine.brokers.simulated import SimulatedBroker
from engine.calendar import AlwaysOpen, FixedCalendar, Session
from engine.clock import SimulatedClock
from engine.errors import AlreadyExists, VenueRejected
from engine.market.bars import Bar
from engine.market.fees import AlpacaCrypto, BasisPoints
from engine.market.liquidity import Depth
from engine.market.prices import TakerCosts
from engine.market.ticks import Quote, TickBar, TradeTick
from engine.model import Cost, OrderRequest, OrderType, Replacement, Side, TimeInForce, VenuePosition, VenueStatus

D = Decimal
DAY = date(2024, 1, 2)
OPEN = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BUY, SELL = Side.BUY, Side.SELL
ONE_DAY = [Session(open=OPEN, close=OPEN + 3 * MINUTE)]
TWO_DAYS = [*ONE_DAY, Session(open=OPEN + timedelta(days=1), close=OPEN + timedelta(days=1, minutes=3))]


def bar(minute, *prices, symbol="AAPL", day=0, width=1):
    """A bar from its open, high, low and close; one price: nothing moves."""
    opening, high, low, close = (D(price) for price in (prices if len(prices) == 4 else prices * 4))
    start = OPEN + minute * MINUTE + timedelta(days=day)
    return Bar(symbol, start, start + width * MINUTE, opening, high, low, close, D(1000))


class Market:
    def __init__(self, sessions=None, *, calendar=None, **models):
        self.clock = SimulatedClock(OPEN - MINUTE)
        calendar = calendar or (None if sessions is None else FixedCalendar(sessions))
        self.broker = SimulatedBroker(self.clock, calendar=calendar, **models)
        self.names = 0

    def send(self, side=BUY, quantity=10, *, kind=OrderType.MARKET, tif=TimeInForce.GTC, symbol="AAPL", **prices):
        self.names += 1
        return self.broker.submit(
            OrderRequest(
                symbol=symbol,
                side=side,
                type=kind,
                quantity=D(quantity),
                time_in_force=tif,
                client_order_id=f"c{self.names}",
                **{f"{name}_price": D(price) for name, price in prices.items()},
            )
        )

    def play(self, *bars, react=None):
        """Play bars of one moment; what was told, and the clock at that moment."""
        told = []
        for _ in self.broker.play(bars):
            while (fact := self.broker.get(0.0)) is not None:
                told.append((fact, self.clock.now()))
                if react is not None:
                    react(fact)
        assert None is self.broker.get(0.0)
        return told

    def run(self, *moments):
        """Play each moment if an order works, else let it pass, as a session does."""
        told = []
        for bars in moments:
            group = bars if isinstance(bars, tuple) else (bars,)
            if self.broker.working:
                told += self.play(*group)
            else:
                self.broker.skip(group)
        return told


def prices(told):
    return [fact.execution.price for fact, _ in told if fact.execution is not None]


def ends(told):
    return [(fact.client_order_id, fact.status, fact.at) for fact, _ in told if fact.execution is None]


# --- no look-ahead ----------------------------------------------------------------------------------------------------


def test_a_market_order_fills_at_the_next_open():
    """Sent at the close of one bar, it knows nothing of the next and gets its open, at its first moment."""
    market = Market()
    market.run(bar(0, 10))
    market.send()
    told = market.play(bar(1, 11, 13, 9, 12))

    assert [D(11)] == prices(told)
    assert [OPEN + MINUTE] == [fact.at for fact, _ in told] == [now for _, now in told]


@pytest.mark.parametrize(
    ("side", "kind", "terms"),
    [
        (BUY, OrderType.LIMIT, {"limit": 100}),
        (SELL, OrderType.LIMIT, {"limit": 1}),
        (BUY, OrderType.STOP, {"stop": 5}),
        (SELL, OrderType.STOP, {"stop": 50}),
    ],
)
def test_no_order_trades_before_the_next_bar(side, kind, terms):
    """An order that could have traded at the close of its bar trades at the open of the next, never before."""
    market = Market()
    market.run(bar(0, 10, 12, 8, 10))
    market.send(side, kind=kind, **terms)
    nothing = market.broker.get(0.0)
    told = market.play(bar(1, 11, 12, 10, 11))

    assert (None, [D(11)]) == (nothing, prices(told))


def test_an_extreme_from_before_the_order_does_not_count():
    """A limit that the last bar's low would have reached waits for a price of its own."""
    market = Market()
    market.run(bar(0, 10, 10, 5, 10))
    market.send(kind=OrderType.LIMIT, limit=6)

    assert [] == market.play(bar(1, 10, 11, 9, 10))
    assert [D(6)] == prices(market.play(bar(2, 10, 11, 5, 10)))


def test_what_is_sent_on_the_way_sees_only_the_rest_of_the_way():
    """A reaction to a fill within a bar trades on what is left of the path, from the price that was reached."""
    market = Market()
    market.run(bar(0, 10))
    market.send(kind=OrderType.STOP, stop=12)
    # The path is 10, 9, 13, 11: the low comes first, so a limit at 9.5 is too late for it.
    told = market.play(
        bar(1, 10, 13, 9, 11),
        react=lambda fact: market.names == 1 and market.send(SELL, kind=OrderType.LIMIT, limit="9.5"),
    )

    assert [D(12), D(12)] == prices(told)


# --- where orders fill ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "kind", "terms", "expected"),
    [
        pytest.param(BUY, OrderType.LIMIT, {"limit": 12}, "11", id="limit, better open"),
        pytest.param(BUY, OrderType.LIMIT, {"limit": "9.5"}, "9.5", id="limit, touched"),
        pytest.param(SELL, OrderType.LIMIT, {"limit": "12.5"}, "12.5", id="limit sell, touched"),
        pytest.param(BUY, OrderType.STOP, {"stop": "10.5"}, "11", id="stop, gap"),
        pytest.param(BUY, OrderType.STOP, {"stop": "12.5"}, "12.5", id="stop on the path"),
        pytest.param(SELL, OrderType.STOP, {"stop": "11.5"}, "11", id="stop sell, gap"),
        pytest.param(SELL, OrderType.STOP, {"stop": "9.5"}, "9.5", id="stop sell on the path"),
        pytest.param(BUY, OrderType.STOP_LIMIT, {"stop": 12, "limit": 12}, "12", id="stop limit"),
    ],
)
def test_fills_are_where_the_path_reaches_the_order(side, kind, terms, expected):
    """Gaps fill at the open, also to the better; else the price is the limit or the stop itself."""
    market = Market()
    market.run(bar(0, 10))
    market.send(side, kind=kind, **terms)

    assert [D(expected)] == prices(market.play(bar(1, 11, 13, 9, 12)))


def test_fills_carry_the_moment_of_their_corner():
    """The corners lie at the start, after one and two thirds, and at the end of the bar; the clock stands there."""
    market = Market()
    market.run(bar(0, 10))
    for limit in ("9", "13"):
        market.send(BUY if limit == "9" else SELL, kind=OrderType.LIMIT, limit=limit)
    told = market.play(bar(1, 11, 13, 9, 12, width=3))

    # Open 11; the extremes are equally far and the bar rises, so the low is first.
    assert [OPEN + 2 * MINUTE, OPEN + 3 * MINUTE] == [fact.at for fact, _ in told] == [now for _, now in told]
    assert OPEN + 4 * MINUTE == market.clock.now()


def test_a_bracket_is_entered_and_left_within_one_bar():
    """Exits that are sent as the entry fills trade in the same bar; the one that is left is cancelled at once."""
    market = Market()
    market.run(bar(0, 10))
    market.send()
    ids = {}

    def react(fact):
        if fact.execution is None:
            return
        if not ids:
            ids["tp"] = market.send(SELL, kind=OrderType.LIMIT, limit=12).broker_order_id
            ids["sl"] = market.send(SELL, kind=OrderType.STOP, stop=9).broker_order_id
        elif fact.broker_order_id == ids["tp"]:
            market.broker.cancel(ids["sl"])

    told = market.play(bar(1, 10, 13, "9.5", 12), react=react)

    assert [D(10), D(12)] == prices(told)
    assert [("c3", VenueStatus.CANCELED)] == [end[:2] for end in ends(told)]
    assert ({}, False) == (market.broker.positions(), market.broker.working)


# --- how long orders work ---------------------------------------------------------------------------------------------


def away(market, tif):
    """An order that never fills."""
    return market.send(kind=OrderType.LIMIT, limit=1, tif=tif)


def test_day_orders_end_with_the_session():
    """At the close a day order expires and a GTC order works on."""
    market = Market(TWO_DAYS)
    market.run(bar(0, 10))
    away(market, TimeInForce.DAY)
    away(market, TimeInForce.GTC)

    assert [] == market.run(bar(1, 10))
    assert [("c1", VenueStatus.EXPIRED, OPEN + 3 * MINUTE)] == ends(market.run(bar(2, 10)))
    assert ["c2"] == [order.client_order_id for order in market.broker.orders(open_only=True)]


def test_day_orders_end_also_when_the_last_bar_is_missing():
    """Without a bar that reaches the close, the next session's first bar finds them ended, and trades none of them."""
    market = Market(TWO_DAYS)
    market.run(bar(0, 10), bar(1, 10))
    market.send(kind=OrderType.LIMIT, limit=9, tif=TimeInForce.DAY)
    market.run(bar(1.5, 10, width=0.5))
    told = market.run(bar(0, 5, day=1))

    assert ([("c1", VenueStatus.EXPIRED, OPEN + 3 * MINUTE)], []) == (ends(told), prices(told))


@pytest.mark.parametrize("busy", [False, True])
def test_a_day_order_from_the_close_belongs_to_the_next_session(busy):
    """Sent when the session is over it works in the next, whether or not others worked until the close."""
    market = Market(TWO_DAYS)
    market.run(bar(0, 10))
    market.send()  # plays once in this session
    if busy:
        away(market, TimeInForce.DAY)
    market.run(bar(1, 10), bar(2, 10))
    order = market.send(tif=TimeInForce.DAY)
    told = market.run(bar(0, 11, day=1))

    assert (OPEN + 3 * MINUTE, [D(11)], []) == (order.at, prices(told), ends(told))


@pytest.mark.parametrize("busy", [False, True])
def test_round_the_clock_a_day_is_a_day_of_utc(busy):
    """Day orders end at midnight UTC, and one that is sent at midnight has the new day before it."""
    market = Market(calendar=AlwaysOpen())
    last = (datetime(2024, 1, 3, tzinfo=UTC) - OPEN) // MINUTE - 1
    market.run(bar(0, 10))
    market.send()
    market.run(bar(1, 10))
    if busy:
        away(market, TimeInForce.DAY)
    told = market.run(bar(last, 10))
    market.send(tif=TimeInForce.DAY)

    assert ([VenueStatus.EXPIRED] if busy else []) == [status for _, status, _ in ends(told)]
    assert [D(12)] == prices(market.run(bar(last + 1, 12)))


def test_auctions():
    """OPG fills at the first price of the session and CLS at its last; other prices do not reach them."""
    market = Market(TWO_DAYS)
    market.run(bar(-1, 9))
    market.send(tif=TimeInForce.OPG)
    market.send(SELL, tif=TimeInForce.CLS)
    told = market.run(bar(0, 10, 12, 8, 11), bar(1, 11, 12, 8, 11), bar(2, 11, 13, 8, 12))

    assert [("c1", D(10), OPEN), ("c2", D(12), OPEN + 3 * MINUTE)] == [
        (fact.client_order_id, fact.execution.price, fact.at) for fact, _ in told
    ]


@pytest.mark.parametrize(("tif", "at"), [(TimeInForce.OPG, 0), (TimeInForce.CLS, 3)])
def test_a_limit_that_the_auction_does_not_meet_expires(tif, at):
    """An auction order is over with its auction, filled or not."""
    market = Market(ONE_DAY)
    market.run(bar(-1, 9))
    market.send(kind=OrderType.LIMIT, limit=5, tif=tif)
    told = market.run(bar(0, 10), bar(1, 4), bar(2, 10))

    assert [("c1", VenueStatus.EXPIRED, OPEN + at * MINUTE)] == ends(told)
    assert [] == prices(told)


def test_with_the_closing_auction_the_session_is_over():
    """Orders for the day end in the order in which they came; what is sent because of it is for the next session."""
    market = Market(TWO_DAYS)
    market.run(bar(0, 10))
    market.send(kind=OrderType.LIMIT, limit=2, tif=TimeInForce.DAY, symbol="MSFT")
    market.send(kind=OrderType.LIMIT, limit=2, tif=TimeInForce.DAY)
    market.send(SELL, tif=TimeInForce.CLS)

    def react(fact):
        if fact.execution is not None:
            market.send(kind=OrderType.LIMIT, limit=3, tif=TimeInForce.DAY)

    told = market.play(bar(2, 10), bar(2, 10, symbol="MSFT"), react=react)
    later = market.run(bar(0, 2, day=1))

    assert [D(10), "c1", "c2"] == [prices(told)[0], *[name for name, _, _ in ends(told)]]
    assert [D(2)] == prices(later)


def test_orders_end_at_the_close_though_no_bar_ends_there():
    """The clock stands at the session's close when they do."""
    market = Market(TWO_DAYS)
    market.run(bar(0, 10))
    market.send(kind=OrderType.LIMIT, limit=2, tif=TimeInForce.DAY)
    told = market.run(bar(1, 10), bar(0, 2, day=1))

    assert [("c1", VenueStatus.EXPIRED, OPEN + 3 * MINUTE)] == ends(told)
    assert [OPEN + 3 * MINUTE] == [now for _, now in told]


def test_an_opening_order_that_missed_the_opening_ends_with_the_session():
    """Sent when the auction is over there is nothing for it to trade in this session."""
    market = Market(ONE_DAY)
    market.run(bar(0, 10))
    market.send(tif=TimeInForce.OPG)
    told = market.run(bar(1, 10), bar(2, 10))

    assert ([("c1", VenueStatus.EXPIRED, OPEN + 3 * MINUTE)], []) == (ends(told), prices(told))


@pytest.mark.parametrize(
    ("tif", "end"), [(TimeInForce.IOC, VenueStatus.EXPIRED), (TimeInForce.FOK, VenueStatus.CANCELED)]
)
def test_at_once_or_not_at_all(tif, end):
    """What cannot trade at the next open ends there; what can is filled."""
    market = Market()
    market.run(bar(0, 10))
    market.send(kind=OrderType.LIMIT, limit=9, tif=tif)
    market.send(kind=OrderType.LIMIT, limit=12, tif=tif)
    told = market.play(bar(1, 11, 12, 8, 11))

    assert [("c1", end, OPEN + MINUTE)] == ends(told)
    assert [D(11)] == prices(told)


# --- commands ---------------------------------------------------------------------------------------------------------


def test_the_answer_to_a_submit_is_the_working_order():
    """The order is new, nothing is filled, and the moment is the market's."""
    market = Market()
    report = market.send(quantity=7)

    assert ("c1", "sim-1", VenueStatus.NEW, D(7), D(0), OPEN - MINUTE) == (
        report.client_order_id,
        report.broker_order_id,
        report.status,
        report.quantity,
        report.cumulative,
        report.at,
    )
    assert True is market.broker.working


def test_an_id_is_used_once():
    """A second order under an id is AlreadyExists, also when the first has ended."""
    market = Market()
    market.send()
    market.run(bar(0, 10))
    market.names = 0

    with pytest.raises(AlreadyExists, match="client_order_id must be unique: c1"):
        market.send()
    assert 1 == len(market.broker.orders())


def test_what_the_market_does_not_take_is_rejected():
    """A stop order for an auction is refused with the reason, and its id stays free."""
    market = Market()
    with pytest.raises(VenueRejected, match="auction"):
        market.send(kind=OrderType.STOP, stop=12, tif=TimeInForce.OPG)

    assert (None, False) == (market.broker.lookup(client_order_id="c1"), market.broker.working)


def test_a_cancel_ends_an_order():
    """The end is told, nothing works any more, and a second cancel is refused."""
    market = Market()
    order = market.send()
    market.broker.cancel(order.broker_order_id)
    fact = market.broker.get(0.0)

    assert (VenueStatus.CANCELED, "c1", False) == (fact.status, fact.client_order_id, market.broker.working)
    with pytest.raises(VenueRejected, match='already in "canceled" state'):
        market.broker.cancel(order.broker_order_id)


def test_a_cancel_of_nothing_is_refused():
    """The venue does not know the id."""
    with pytest.raises(VenueRejected, match="order not found for sim-9"):
        Market().broker.cancel("sim-9")


def partly_filled(market):
    """An order of 10 of which 4 are filled at 10; the rest would fill at 9."""
    market.run(bar(0, 10))
    order = market.send(kind=OrderType.LIMIT, limit=10)
    market.broker._matcher._liquidity = lambda symbol, working, *asked: D(4) if working.cumulative == 0 else D(0)
    market.play(bar(1, 10))
    market.broker._matcher._liquidity = None
    return order


def test_a_replacement_carries_the_fills():
    """The old order is replaced and the new one goes on from what is filled, under its own ids."""
    market = Market()
    order = partly_filled(market)
    new = market.broker.replace(order.broker_order_id, Replacement(client_order_id="n", quantity=D(6)))
    old = market.broker.get(0.0)
    told = market.play(bar(2, 10))

    assert (VenueStatus.REPLACED, D(4), None) == (old.status, old.cumulative, old.execution)
    assert ("n", order.broker_order_id, D(6), D(4), D(10)) == (
        new.client_order_id,
        new.replaces,
        new.quantity,
        new.cumulative,
        new.average,
    )
    assert [(D(2), D(6), VenueStatus.FILLED)] == [
        (fact.execution.quantity, fact.cumulative, fact.status) for fact, _ in told
    ]
    assert (False, {"AAPL": D(6)}) == (market.broker.working, held(market))


def held(market):
    return {symbol: position.quantity for symbol, position in market.broker.positions().items()}


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"quantity": D(4)}, "more than the 4 filled"), ({"stop_price": D(9)}, "no such price on a limit order")],
)
def test_a_replacement_that_makes_no_sense_changes_nothing(change, reason):
    """It is refused, and the order works on as it was."""
    market = Market()
    order = partly_filled(market)
    with pytest.raises(VenueRejected, match=reason):
        market.broker.replace(order.broker_order_id, Replacement(client_order_id="n", **change))

    assert (None, True) == (market.broker.get(0.0), market.broker.working)
    assert [D(6)] == [fact.execution.quantity for fact, _ in market.play(bar(2, 9))]


def test_an_order_that_has_ended_cannot_be_replaced():
    """Filled, cancelled or replaced before: it is not open."""
    market = Market()
    order = market.send()
    market.run(bar(0, 10))

    with pytest.raises(VenueRejected, match="order is not open"):
        market.broker.replace(order.broker_order_id, Replacement(client_order_id="n", quantity=D(20)))


def test_a_replacement_needs_an_id_of_its_own():
    """An id that was used before is AlreadyExists, and still means the order that it meant."""
    market = Market()
    first, second = market.send(kind=OrderType.LIMIT, limit=1), market.send(kind=OrderType.LIMIT, limit=1)
    with pytest.raises(AlreadyExists):
        market.broker.replace(second.broker_order_id, Replacement(client_order_id="c1", quantity=D(20)))

    assert first.broker_order_id == market.broker.lookup(client_order_id="c1").broker_order_id


# --- listings ---------------------------------------------------------------------------------------------------------


def test_orders_are_looked_up_by_either_id():
    """The picture is the latest one, with the request; what was never sent is not known."""
    market = Market()
    order = market.send()
    market.run(bar(0, 10))
    by_client = market.broker.lookup(client_order_id="c1")

    assert by_client == market.broker.lookup(broker_order_id=order.broker_order_id)
    assert (VenueStatus.FILLED, D(10), "c1") == (by_client.status, by_client.cumulative, by_client.request.id)
    assert (None, None) == (
        market.broker.lookup(client_order_id="sim-1"),
        market.broker.lookup(broker_order_id="c1"),
    )


def test_listings_reach_back_as_far_as_asked():
    """Orders by their last change, executions by their moment, both bounds included; open ones alone if wanted."""
    market = Market()
    market.send()
    market.run(bar(0, 10))
    market.send(kind=OrderType.LIMIT, limit=1)
    broker, later = market.broker, OPEN + MINUTE

    assert ["c1", "c2"] == [order.client_order_id for order in broker.orders()]
    assert ["c1", "c2"] == [order.client_order_id for order in broker.orders(since=OPEN)]
    assert ["c2"] == [order.client_order_id for order in broker.orders(since=later)]
    assert ["c2"] == [order.client_order_id for order in broker.orders(open_only=True)]
    assert [1, 1, 0] == [len(broker.executions(since)) for since in (None, OPEN, later)]


def test_executions_tell_fee_and_position():
    """Each execution has its own id, what the venue took, and the position behind it."""
    market = Market(fees=BasisPoints(rate=D(10)))
    market.send()
    market.send(SELL, 25)
    told = market.run(bar(0, 100))
    executions = [fact.execution for fact, _ in told]

    assert [(D(1), D(10)), (D("2.5"), D(-15))] == [(each.fee, each.position_after) for each in executions]
    assert executions == [listed.execution for listed in market.broker.executions()]
    assert 2 == len({each.id for each in executions})


def test_positions_are_kept_at_average_cost():
    """Adding changes the average, reducing does not, flipping begins anew; what is flat is not listed."""
    market = Market()
    averages = []
    for minute, (side, quantity, price) in enumerate([(BUY, 10, 10), (BUY, 10, 20), (SELL, 5, 30), (SELL, 25, 40)]):
        market.send(side, quantity)
        market.run(bar(minute, price))
        averages.append(market.broker.positions()["AAPL"])
    market.send(BUY, 10)
    market.run(bar(4, 1))

    assert [(10, 10), (20, 15), (15, 15), (-10, 40)] == [(each.quantity, each.average_price) for each in averages]
    assert VenuePosition(symbol="AAPL", quantity=D(10), average_price=D(10)) == averages[0]
    assert {} == market.broker.positions()


# --- several symbols, and time ----------------------------------------------------------------------------------------


def test_symbols_move_together():
    """Bars of one moment are played corner by corner: a reaction to one symbol meets the others at the same place."""
    market = Market()
    market.run((bar(0, 10), bar(0, 100, symbol="MSFT")))
    market.send(kind=OrderType.LIMIT, limit=9)

    def react(fact):
        if fact.symbol == "AAPL":
            market.send(symbol="MSFT")

    told = market.play(bar(1, 10, 12, 9, 11), bar(1, 100, 130, 90, 110, symbol="MSFT"), react=react)

    # AAPL reaches 9 at the first extreme; MSFT is still at its open then, and the order trades on its next leg.
    assert [("AAPL", D(9)), ("MSFT", D(100))] == [(fact.symbol, fact.execution.price) for fact, _ in told]


def test_a_symbol_without_a_bar_stands_still():
    """Its orders wait for its next bar."""
    market = Market()
    market.run((bar(0, 10), bar(0, 100, symbol="MSFT")))
    market.send(symbol="MSFT")

    assert [] == market.run(bar(1, 11))
    assert [D(104)] == prices(market.run((bar(2, 12), bar(2, 104, symbol="MSFT"))))


def test_skipping_and_playing_come_to_the_same():
    """Where nothing works, letting a bar pass leaves clock and prices as playing it would."""
    skipped, played = Market(TWO_DAYS), Market(TWO_DAYS)
    bars = [bar(0, 10, 12, 9, 11), bar(1, 11), bar(2, 12), bar(0, 13, day=1)]
    for each in bars:
        skipped.broker.skip((each,))
        played.play(each)
    results = []
    for market in (skipped, played):
        market.send(tif=TimeInForce.DAY)
        results.append((market.clock.now(), market.run(bar(1, 14, day=1))))

    assert results[0] == results[1]


def test_time_only_goes_forward():
    """Every fact is told at a moment not before the last, and the bar ends at its end."""
    market = Market(TWO_DAYS)
    moments = []
    for minute in range(3):
        market.send(SELL if minute % 2 else BUY, tif=TimeInForce.DAY)
        market.send(kind=OrderType.LIMIT, limit=8, tif=TimeInForce.DAY)
        moments += [now for _, now in market.run(bar(minute, 10, 12, 9, 11))]
        assert OPEN + (minute + 1) * MINUTE == market.clock.now()

    assert sorted(moments) == moments
    assert 6 == len(moments)


def test_the_feed_never_waits():
    """Nothing can arrive before the market moves, so a long timeout returns at once."""
    market = Market()

    assert (None, OPEN - MINUTE) == (market.broker.get(3600.0), market.clock.now())


def test_a_fee_in_the_coin_is_told_and_not_held():
    """The first tier takes its part of what is bought, less of who rested; the position is what is left."""
    market = Market(fees=AlpacaCrypto())
    market.send(quantity=1)
    market.send(quantity=1, kind=OrderType.LIMIT, limit=9)
    executions = [fact.execution for fact, _ in market.play(bar(0, 10, 10, 8, 10)) if fact.execution is not None]

    assert [("open", D("0.0025"), D("0.9975")), ("through", D("0.0015"), D("1.996"))] == [
        (each.assumption, each.fee_quantity, each.position_after) for each in executions
    ]
    assert [D(0), D(0)] == [each.fee for each in executions]
    assert {"AAPL": D("1.996")} == {symbol: held.quantity for symbol, held in market.broker.positions().items()}


# --- models of the market ---------------------------------------------------------------------------------------------

TENTH = Depth(participation=D("0.1"))  # 100 of the 1000 that each bar trades


def fills(told):
    return [(fact.execution.quantity, fact.execution.price) for fact, _ in told if fact.execution is not None]


def test_a_large_order_rests_over_several_bars():
    """Each bar fills its part at its own open, until nothing is left."""
    market = Market(depth=TENTH)
    market.send(quantity=250)
    told = market.run(bar(0, 10), bar(1, 11), bar(2, 12), bar(3, 13))

    assert [(D(100), D(10)), (D(100), D(11)), (D(50), D(12))] == fills(told)
    assert [VenueStatus.PARTIALLY_FILLED, VenueStatus.PARTIALLY_FILLED, VenueStatus.FILLED] == [
        fact.status for fact, _ in told
    ]
    assert not market.broker.working


def test_orders_share_what_a_bar_trades():
    """Two orders in one bar get together what one would have got, the first one first."""
    market = Market(depth=TENTH)
    market.send(quantity=60)
    market.send(SELL, quantity=60)
    told = market.run(bar(0, 10), bar(1, 11))

    assert [(D(60), D(10)), (D(40), D(10)), (D(20), D(11))] == fills(told)


def test_what_a_day_leaves_of_an_order_expires():
    """A day order that the volume did not fill ends with the session, with what it has."""
    market = Market(ONE_DAY, depth=TENTH)
    market.send(quantity=1000, tif=TimeInForce.DAY)
    told = market.run(bar(0, 10), bar(1, 10), bar(2, 10))

    assert [(D(100), D(10))] * 3 == fills(told)
    assert [("c1", VenueStatus.EXPIRED, OPEN + 3 * MINUTE)] == ends(told)
    assert D(300) == market.broker.lookup(client_order_id="c1").cumulative


@pytest.mark.parametrize(
    ("tif", "quantity", "filled"),
    [
        (TimeInForce.IOC, 250, [(D(100), D(10))]),
        (TimeInForce.FOK, 250, []),
        (TimeInForce.FOK, 100, [(D(100), D(10))]),
    ],
)
def test_all_or_nothing_and_at_once_know_the_volume(tif, quantity, filled):
    """IOC takes what there is and ends; FOK takes all or nothing."""
    market = Market(depth=TENTH)
    market.send(quantity=quantity, tif=tif)
    told = market.run(bar(0, 10), bar(1, 10))

    assert filled == fills(told)
    end = VenueStatus.CANCELED if tif is TimeInForce.FOK else VenueStatus.EXPIRED
    assert ([] if sum(each for each, _ in filled) == quantity else [end]) == [status for _, status, _ in ends(told)]


def test_a_touched_limit_waits_its_turn():
    """The first bar that touches the limit serves those before it, the second one us."""
    market = Market(depth=Depth(queue=D(1)))
    market.send(kind=OrderType.LIMIT, limit=9)
    told = market.run(bar(0, 10, 10, 9, 10), bar(1, 10, 10, 9, 10))

    assert [("touch", D(9), OPEN + MINUTE)] == [
        (fact.execution.assumption, fact.execution.price, fact.at - MINUTE // 3 * 2) for fact, _ in told
    ]


def test_a_limit_that_is_passed_fills_at_once():
    """Where the price goes through the limit all there have traded; what the volume leaves over keeps its price."""
    market = Market(depth=Depth(participation=D("0.1"), queue=D(1)))
    market.send(quantity=150, kind=OrderType.LIMIT, limit=9)
    told = market.run(bar(0, 10, 10, 8, 10), bar(1, 8))

    assert [(D(100), D(9)), (D(50), D(9))] == fills(told)
    assert ["through", "through"] == [fact.execution.assumption for fact, _ in told]


def test_a_bar_without_volume_fills_nothing():
    """Nobody traded, so nobody traded with us; the order waits."""
    market = Market(depth=TENTH)
    market.send()
    empty = Bar("AAPL", OPEN, OPEN + MINUTE, *[D(10)] * 4, D(0))

    assert [] == market.run(empty)
    assert [(D(10), D(11))] == fills(market.run(bar(1, 11)))


COSTS = TakerCosts(spread=D(20), slippage=D(10))  # 0.1 % each, as an order takes


@pytest.mark.parametrize(
    ("side", "kind", "terms", "price"),
    [
        (BUY, OrderType.MARKET, {}, "10.02"),
        (SELL, OrderType.MARKET, {}, "9.98"),
        (BUY, OrderType.LIMIT, {"limit": "10.015"}, "10.015"),
        (BUY, OrderType.STOP, {"stop": "12"}, "12.024"),
        (SELL, OrderType.STOP, {"stop": "8"}, "7.984"),
        (BUY, OrderType.LIMIT, {"limit": "9"}, "9"),
        (SELL, OrderType.LIMIT, {"limit": "12"}, "12"),
    ],
)
def test_who_takes_pays_who_rests_does_not(side, kind, terms, price):
    """Market and stop orders pay spread and slippage, a limit no more than its limit, and a resting one nothing."""
    market = Market(costs=COSTS)
    market.send(side, kind=kind, **terms)
    (told,) = [fact.execution for fact, _ in market.play(bar(0, 10, 13, 7, 10))]

    assert D(price) == told.price
    assert abs(told.price - (told.price if not told.costs else D(terms.get("stop", 10)))) * 10 == sum(
        (cost.amount for cost in told.costs), D(0)
    )


def test_costs_are_in_the_average_and_told():
    """The report's average has them in it, and the execution says which model took what."""
    market = Market(costs=COSTS)
    market.send(quantity=10)
    ((report, _),) = market.play(bar(0, 10))

    assert (D("10.02"), (Cost("spread", D("0.1")), Cost("slippage", D("0.1")))) == (
        report.average,
        report.execution.costs,
    )


def test_an_auction_has_one_price_for_all():
    """Neither spread nor slippage in an auction."""
    market = Market(ONE_DAY, costs=COSTS)
    market.send(tif=TimeInForce.OPG)
    ((report, _),) = market.play(bar(0, 10, 12, 9, 11))

    assert ("auction", D(10), ()) == (report.execution.assumption, report.execution.price, report.execution.costs)


def test_an_order_weighs_by_its_part_of_the_bar():
    """The impact knows the bar's volume even where nothing is limited by it."""
    market = Market(costs=TakerCosts(impact=D(1000)))
    market.send(quantity=500)

    assert [(D(500), D("10.5"))] == fills(market.play(bar(0, 10)))


# --- real ticks -------------------------------------------------------------------------------------------------------

SECOND = timedelta(seconds=1)
WHOLE = Depth(participation=D(1))


def ticked(*ticks, minute=0):
    """A bar of trades (price, size) or quotes (bid, ask, bid size, ask size), a second between two of them."""
    start = OPEN + minute * MINUTE
    made = [
        (TradeTick if len(tick) == 2 else Quote)(start + number * SECOND, *map(D, tick))
        for number, tick in enumerate(ticks, 1)
    ]
    prices_ = [tick.price for tick in made]
    high, low = max(prices_), min(prices_)
    return TickBar("AAPL", start, start + MINUTE, prices_[0], high, low, prices_[-1], D(0), tuple(made))


def executed(told):
    return [
        (fact.execution.assumption, fact.execution.quantity, fact.execution.price)
        for fact, _ in told
        if fact.execution is not None
    ]


@pytest.mark.parametrize(("side", "price"), [(BUY, "10.2"), (SELL, "9.9")])
def test_market_orders_trade_at_the_quote(side, price):
    """Who buys pays what is asked, who sells gets what is bid, at the quote's moment."""
    market = Market()
    market.send(side)
    told = market.play(ticked(("9.9", "10.2", 100, 100), (9, 11, 100, 100)))

    assert [("quote", D(10), D(price))] == executed(told)
    assert [OPEN + SECOND] == [fact.at for fact, _ in told]
    assert OPEN + MINUTE == market.clock.now()


def test_a_quote_fills_no_more_than_its_size():
    """The rest waits for a quote with another price or size; one that only stands on has been taken."""
    market = Market(depth=TENTH)
    market.send(quantity=10)
    told = market.play(ticked((9, 10, 5, 4), (9, 10, 5, 4), ("9.5", 10, 5, 4), (9, 10, 5, 3), (9, 11, 5, 8)))

    assert [("quote", D(4), D(10)), ("quote", D(3), D(10)), ("quote", D(3), D(11))] == executed(told)


@pytest.mark.parametrize(
    ("side", "limit", "quotes", "expected"),
    [
        (BUY, 9, [("9.5", 10), ("8.5", 9)], [("through", D(10), D(9))]),  # asked down to our bid
        (BUY, 9, [("9.5", 10), (7, 8)], [("through", D(10), D(9))]),  # and past it: our bid was there first
        (BUY, 9, [("9.5", 10), (9, "9.1")], []),  # others bid as much: nobody sells to us
        (SELL, 11, [("9.5", 10), (11, 12)], [("through", D(10), D(11))]),
        (SELL, 11, [("9.5", 10), ("10.9", 11)], []),
        (BUY, 11, [("9.5", 10)], [("quote", D(10), D(10))]),  # good enough when it came
        (BUY, 10, [("9.5", 10)], [("quote", D(10), D(10))]),
    ],
)
def test_a_resting_limit_trades_where_a_quote_reaches_it(side, limit, quotes, expected):
    """At its own price if it rested, at the quote if it came to it; the other side's price is no matter."""
    market = Market()
    market.send(side, kind=OrderType.LIMIT, limit=limit)

    assert expected == executed(market.play(ticked(*((bid, ask, 100, 100) for bid, ask in quotes))))


def test_a_stop_pays_the_quote_that_triggers_it():
    """A stop is triggered by the price at which it will trade."""
    market = Market()
    market.send(SELL, kind=OrderType.STOP, stop="9.5")

    assert [("gap", D(10), D(9))] == executed(market.play(ticked(("9.6", 10, 9, 9), (9, "9.1", 99, 99))))


def test_a_trailing_stop_follows_its_own_side():
    """A buy stop behind the lowest ask takes no notice of the bid."""
    market = Market()
    market.play(ticked((9, 10, 99, 99)))
    market.broker.submit(
        OrderRequest(
            symbol="AAPL", side=BUY, type=OrderType.TRAILING_STOP, quantity=D(1), trail_price=D(1),
            time_in_force=TimeInForce.GTC, client_order_id="t",
        )
    )  # fmt: skip

    assert [("gap", D(1), D("11.1"))] == executed(
        market.play(ticked((9, 10, 99, 99), ("9", "10.9", 99, 99), (9, "11.1", 99, 99), minute=1))
    )


def test_the_spread_of_a_quote_is_measured():
    """What the quote is away from the middle is told as spread, and slippage comes on top; no spread is assumed."""
    market = Market(costs=COSTS)
    market.send(quantity=10)
    ((report, _),) = market.play(ticked((9, 11, 100, 100)))

    assert (D("11.011"), (Cost("spread", D(10)), Cost("slippage", D("0.11")))) == (
        report.execution.price,
        report.execution.costs,
    )


def test_market_orders_trade_at_the_next_trade():
    """With trades alone the next one's price is the market's, and our part of it is bounded."""
    market = Market(depth=TENTH, costs=TakerCosts(slippage=D(10)))
    market.send(quantity=15)
    told = market.play(ticked((10, 100), (11, 20), (12, 100)))

    assert [("trade", D(10), D("10.01")), ("trade", D(2), D("11.011")), ("trade", D(3), D("12.012"))] == executed(told)


def test_trades_of_one_moment_are_several():
    """Two trades alike at the same moment fill twice."""
    market = Market(depth=WHOLE)
    market.send(quantity=10)
    first = TradeTick(OPEN + SECOND, D(10), D(4))
    last = TradeTick(OPEN + 2 * SECOND, D(10), D(9))
    bar_ = TickBar("AAPL", OPEN, OPEN + MINUTE, *[D(10)] * 4, D(8), (first, first, last))

    assert [D(4), D(4), D(2)] == [quantity for _, quantity, _ in executed(market.play(bar_))]


def test_a_limit_in_trades():
    """A trade at the limit serves those before us first, one beyond it us, at the limit."""
    market = Market(depth=Depth(queue=D(2)))
    market.send(kind=OrderType.LIMIT, limit=9)
    touched = market.play(ticked((10, 5), (9, 5), (9, 5), (10, 5)))
    told = market.play(ticked((10, 5), (9, 5), minute=1))

    assert [] == touched
    assert [("touch", D(10), D(9))] == executed(told)

    market = Market(depth=Depth(queue=D(2)))
    market.send(kind=OrderType.LIMIT, limit=9)
    assert [("through", D(10), D(9))] == executed(market.play(ticked((10, 5), (8, 5))))


def test_what_is_sent_at_a_tick_trades_from_there_on():
    """A reaction to a fill takes part at the very tick, and never before."""
    market = Market()
    market.send()
    told = market.play(
        ticked((9, 10, 99, 99), (20, 21, 99, 99)),
        react=lambda fact: market.names == 1 and market.send(SELL),
    )

    assert [("quote", D(10), D(10)), ("quote", D(10), D(9))] == executed(told)


def test_auctions_and_days_know_ticks():
    """The opening auction has the first tick's price; day orders end with the session."""
    market = Market(ONE_DAY)
    market.send(tif=TimeInForce.OPG)
    market.send(kind=OrderType.LIMIT, limit=5, tif=TimeInForce.DAY)
    told = market.run(*(ticked((10 + minute, 5), minute=minute) for minute in range(3)))

    assert [("auction", D(10), D(10))] == executed(told)
    assert [("c2", VenueStatus.EXPIRED, OPEN + 3 * MINUTE)] == ends(told)


def test_ticks_without_orders_pass():
    """Where nothing works a bar of ticks is skipped as any other."""
    market = Market()
    market.run(ticked((10, 5), (12, 5)))

    assert OPEN + MINUTE == market.clock.now()


def test_models_keep_their_promises_whatever_comes():
    """Over random bars and orders: no limit is passed, a bar gives its part and no more, each cost is in its price."""
    hypothesis = pytest.importorskip("hypothesis")
    given, settings, st = hypothesis.given, hypothesis.settings, hypothesis.strategies
    cents = st.integers(9_500, 10_500).map(lambda number: D(number).scaleb(-2))
    orders = st.tuples(st.integers(0, 3), st.sampled_from([BUY, SELL]), st.integers(1, 120), st.none() | cents)

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(
        st.lists(st.tuples(st.lists(cents, min_size=4, max_size=4), st.integers(0, 1000)), min_size=4, max_size=6),
        st.lists(orders, min_size=1, max_size=5),
    )
    def hold(shapes, arrivals):
        market = Market(depth=Depth(participation=D("0.1"), queue=D(1)), costs=COSTS, fees=AlpacaCrypto())
        limits = {}
        for minute, (four, volume) in enumerate(shapes):
            for when, side, quantity, limit in arrivals:
                if when == minute:
                    terms = {} if limit is None else {"kind": OrderType.LIMIT, "limit": limit}
                    limits[market.send(side, quantity, symbol="X/Y", **terms).client_order_id] = limit
            low, opening, close, high = sorted(four)
            start = OPEN + minute * MINUTE
            told = market.run(Bar("X/Y", start, start + MINUTE, opening, high, low, close, D(volume)))
            assert sum(quantity for quantity, _ in fills(told)) <= D(volume) / 10
            for fact, _ in told:
                each, limit = fact.execution, limits[fact.client_order_id]
                buying = fact.side is BUY
                dearer = sum((cost.amount for cost in each.costs), D(0)) / each.quantity
                shown = each.price - dearer if buying else each.price + dearer
                assert limit is None or (each.price <= limit if buying else each.price >= limit)
                assert low <= shown.quantize(D("1e-9")) <= high or shown == limit
                assert (each.assumption in ("touch", "through")) <= (not each.costs)
        held = sum(
            (fact.side.signed(fact.execution.quantity) - fact.execution.fee_quantity for fact in
             market.broker.executions()), D(0)
        )  # fmt: skip
        assert {symbol: each.quantity for symbol, each in market.broker.positions().items()} == (
            {"X/Y": held} if held else {}
        )

    hold()
