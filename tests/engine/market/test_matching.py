"""Which order trades, where, and what made it trade."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest

from engine.errors import InvalidRequest
from engine.market.bars import Bar
from engine.market.matching import Ended, Match, Matcher
from engine.market.path import corners
from engine.model import Cost, OrderRequest, OrderType, Side, TimeInForce

D = Decimal
T0 = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
BUY, SELL = Side.BUY, Side.SELL
TIF = TimeInForce

Event = Match | Ended
Told = list[tuple[str, str, str]]


def at(second: int) -> datetime:
    return T0 + timedelta(seconds=second)


def request(side: Side, type: OrderType = OrderType.MARKET, quantity: str = "10", **more: Any) -> OrderRequest:
    given: dict[str, Any] = {"symbol": "X", **more}
    for name in ("limit_price", "stop_price", "trail_price", "trail_percent"):
        if name in given:
            given[name] = D(given[name])
    return OrderRequest(side=side, type=type, quantity=D(quantity), **given)


def market(side: Side, **more: Any) -> OrderRequest:
    return request(side, **more)


def limit(side: Side, price: str, **more: Any) -> OrderRequest:
    return request(side, OrderType.LIMIT, limit_price=price, **more)


def stop(side: Side, price: str, **more: Any) -> OrderRequest:
    return request(side, OrderType.STOP, stop_price=price, **more)


def stop_limit(side: Side, price: str, worst: str, **more: Any) -> OrderRequest:
    return request(side, OrderType.STOP_LIMIT, stop_price=price, limit_price=worst, **more)


def trailing(side: Side, **more: Any) -> OrderRequest:
    return request(side, OrderType.TRAILING_STOP, **more)


class Tape:
    """A matcher and what it told: (order id, price, what made it trade or what ended it)."""

    def __init__(self, *requests: OrderRequest, price: str | None = "100", **more: Any) -> None:
        self.matcher = Matcher(**more)
        self.second = 0
        if price is not None:
            self.jump(price)
        for number, each in enumerate(requests, 1):
            self.matcher.add(str(number), each, at(self.second))

    def jump(self, price: str) -> Told:
        self.second += 1
        return tell(list(self.matcher.jump("X", D(price), at(self.second))))

    def walk(self, *prices: str) -> Told:
        told = []
        for price in prices:
            self.second += 1
            told += tell(list(self.matcher.walk("X", D(price), at(self.second))))
        return told

    def auction(self, price: str, kind: Literal["open", "close"]) -> Told:
        events = []
        while (event := self.matcher.auction("X", D(price), at(self.second), kind)) is not None:
            events.append(event)
        return tell(events)


def tell(events: list[Event]) -> Told:
    return [
        (event.order_id, f"{event.price.normalize():f}", event.assumption)
        if isinstance(event, Match)
        else (event.order_id, "ended", event.reason.value)
        for event in events
    ]


# --- one order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", list(Side))
def test_a_market_order_meets_the_next_jump(side: Side) -> None:
    """An order from between two bars trades at the open of the next, not at the price that has been."""
    tape = Tape(market(side))

    assert [("1", "103", "open")] == tape.jump("103")


@pytest.mark.parametrize("side", list(Side))
def test_a_market_order_on_the_path_trades_where_it_is(side: Side) -> None:
    """An order from within a bar trades at the price that has been reached."""
    tape = Tape(market(side))

    assert [("1", "100", "market")] == tape.walk("103")


def test_a_market_order_waits_for_the_first_price() -> None:
    """Without a price nothing trades; the first one is a jump, also if it is walked to."""
    tape = Tape(market(BUY), price=None)

    assert [("1", "103", "open")] == tape.walk("103")


@pytest.mark.parametrize(
    ("order", "path", "expected"),
    [
        # limits, walked to: at the limit, and a touch is enough
        (limit(BUY, "98"), ["97"], [("1", "98", "through")]),
        (limit(BUY, "98"), ["98"], [("1", "98", "touch")]),
        (limit(BUY, "98"), ["98.01", "105"], []),
        (limit(SELL, "102"), ["103"], [("1", "102", "through")]),
        (limit(SELL, "102"), ["102"], [("1", "102", "touch")]),
        (limit(SELL, "102"), ["101.99", "95"], []),
        # limits that are good enough at once: at the price that is
        (limit(BUY, "101"), ["90"], [("1", "100", "marketable")]),
        (limit(SELL, "99"), ["110"], [("1", "100", "marketable")]),
        (limit(BUY, "100"), ["90"], [("1", "100", "through")]),
        # stops: at the stop
        (stop(BUY, "102"), ["103"], [("1", "102", "stop")]),
        (stop(BUY, "102"), ["102"], [("1", "102", "stop")]),
        (stop(BUY, "102"), ["101.99", "90"], []),
        (stop(SELL, "98"), ["97"], [("1", "98", "stop")]),
        (stop(SELL, "98"), ["98"], [("1", "98", "stop")]),
        (stop(SELL, "98"), ["98.01", "110"], []),
        (stop(BUY, "99"), ["90"], [("1", "100", "stop")]),  # already beyond the stop
        (stop(SELL, "101"), ["110"], [("1", "100", "stop")]),
        # stop limits: from the stop on a limit
        (stop_limit(BUY, "102", "103"), ["105"], [("1", "102", "stop")]),
        (stop_limit(BUY, "102", "101"), ["105", "100"], [("1", "101", "through")]),
        (stop_limit(BUY, "102", "101"), ["101.5", "95"], []),  # the limit was reached, the stop was not
        (stop_limit(SELL, "98", "97"), ["95"], [("1", "98", "stop")]),
        (stop_limit(SELL, "98", "99"), ["95", "100"], [("1", "99", "through")]),
        (stop_limit(SELL, "98", "99"), ["98.5", "105"], []),
        # trailing stops: the mark follows to the very turn of the path
        (trailing(SELL, trail_price="2"), ["98"], [("1", "98", "stop")]),
        (trailing(SELL, trail_price="2"), ["98.01", "99"], []),
        (trailing(SELL, trail_price="2"), ["110", "109", "90"], [("1", "108", "stop")]),
        (trailing(SELL, trail_price="2"), ["110", "109", "110.5", "90"], [("1", "108.5", "stop")]),
        (trailing(BUY, trail_price="2"), ["102"], [("1", "102", "stop")]),
        (trailing(BUY, trail_price="2"), ["90", "91", "100"], [("1", "92", "stop")]),
        (trailing(SELL, trail_percent="10"), ["200", "100"], [("1", "180", "stop")]),
        (trailing(BUY, trail_percent="10"), ["50", "100"], [("1", "55", "stop")]),
        (trailing(SELL, trail_price="200"), ["1"], []),  # its stop is below nothing
    ],
)
def test_an_order_on_a_path(order: OrderRequest, path: list[str], expected: Told) -> None:
    """Along a path an order trades where the path first lets it, at that price."""
    assert expected == Tape(order).walk(*path)


@pytest.mark.parametrize(
    ("order", "price", "expected"),
    [
        (limit(BUY, "98"), "95", [("1", "95", "open")]),
        (limit(BUY, "98"), "98", [("1", "98", "touch")]),
        (limit(BUY, "98"), "98.01", []),
        (limit(BUY, "101"), "103", []),  # good enough before the jump is too early
        (limit(SELL, "102"), "105", [("1", "105", "open")]),
        (limit(SELL, "102"), "101.99", []),
        (stop(BUY, "102"), "105", [("1", "105", "gap")]),
        (stop(BUY, "102"), "102", [("1", "102", "gap")]),
        (stop(BUY, "102"), "101.99", []),
        (stop(SELL, "98"), "95", [("1", "95", "gap")]),
        (stop(SELL, "98"), "98.01", []),
        (stop_limit(BUY, "102", "104"), "103", [("1", "103", "gap")]),
        (stop_limit(BUY, "102", "104"), "105", []),
        (stop_limit(SELL, "98", "96"), "97", [("1", "97", "gap")]),
        (stop_limit(SELL, "98", "96"), "95", []),
        (trailing(SELL, trail_price="2"), "95", [("1", "95", "gap")]),
        (trailing(SELL, trail_price="2"), "98.01", []),
        (trailing(BUY, trail_percent="2"), "105", [("1", "105", "gap")]),
        (trailing(BUY, trail_percent="2"), "101.99", []),
    ],
)
def test_an_order_at_a_jump(order: OrderRequest, price: str, expected: Told) -> None:
    """At a jump an order trades at the price of the jump or not at all; what lies between is not traded."""
    assert expected == Tape(order).jump(price)


def test_a_stop_limit_that_was_leapt_over_waits_at_its_limit() -> None:
    """A gap beyond stop and limit triggers the order, which then rests at its limit."""
    tape = Tape(stop_limit(BUY, "102", "104"))
    tape.jump("105")

    assert [("1", "104", "through")] == tape.walk("106", "103")


def test_a_trailing_mark_follows_a_jump() -> None:
    """A jump in the order's favour moves its stop along."""
    tape = Tape(trailing(SELL, trail_price="2"))
    tape.jump("110")

    assert [("1", "108", "stop")] == tape.walk("100")


def test_a_trailing_mark_begins_at_the_first_price() -> None:
    """Where there was no price yet, the first one is the mark."""
    tape = Tape(trailing(SELL, trail_price="2"), price=None)

    assert [] == tape.jump("50")
    assert [("1", "48", "stop")] == tape.walk("40")


def test_a_trailing_stop_is_followed_behind_the_fills_of_others() -> None:
    """A turn of the path at which another order trades is a mark too."""
    tape = Tape(limit(SELL, "105"), trailing(SELL, trail_price="2"))

    assert [("1", "105", "touch"), ("2", "103", "stop")] == tape.walk("105", "90")


def test_a_match_tells_the_order_as_it_stands() -> None:
    """An execution carries its own numbers and the order's after it."""
    tape = Tape(limit(BUY, "98", quantity="3"))
    event = tape.matcher.advance("X", D(95), at(60), jump=False)

    assert event == Match(
        order_id="1",
        quantity=D(3),
        price=D(98),
        at=at(60),
        cumulative=D(3),
        cost=D(294),
        remaining=D(0),
        assumption="through",
    )


# --- several orders ---------------------------------------------------------------------------------------------------


def test_the_nearest_order_on_the_path_comes_first() -> None:
    """Along a path orders trade in the order in which it reaches them."""
    tape = Tape(limit(BUY, "95"), limit(BUY, "98"), stop(SELL, "97"), stop_limit(SELL, "96", "96"))

    assert [("2", "98", "through"), ("3", "97", "stop"), ("4", "96", "touch"), ("1", "95", "through")] == tape.walk(
        "90"
    )


def test_upward_too() -> None:
    """Rising prices reach the lowest order first."""
    tape = Tape(limit(SELL, "105"), stop(BUY, "102"), limit(SELL, "103"))

    assert [("2", "102", "stop"), ("3", "103", "through"), ("1", "105", "through")] == tape.walk("110")


def test_first_come_first_served_at_one_price() -> None:
    """At the same price the older order goes first, whatever its type."""
    tape = Tape(stop(SELL, "98"), limit(BUY, "98"), stop(SELL, "98"))

    assert ["1", "2", "3"] == [order_id for order_id, _, _ in tape.walk("90")]


def test_at_a_jump_the_older_order_goes_first() -> None:
    """All that a jump reaches trades at its price, the oldest first."""
    tape = Tape(limit(BUY, "96"), limit(BUY, "99"), market(SELL))

    assert [("1", "95", "open"), ("2", "95", "open"), ("3", "95", "open")] == tape.jump("95")


def test_the_price_is_where_the_event_was() -> None:
    """Between two calls the price stands at the last event, and at the target in the end."""
    tape = Tape(limit(BUY, "98"))

    tape.matcher.advance("X", D(90), at(9), jump=False)
    assert D(98) == tape.matcher.price("X")
    tape.matcher.advance("X", D(90), at(9), jump=False)
    assert D(90) == tape.matcher.price("X")


def test_a_reaction_takes_part_from_the_place_that_is_reached() -> None:
    """Orders that answer a fill trade within the same bar, and only on the part of the path still to come."""
    tape = Tape(limit(BUY, "98"))
    matcher = tape.matcher

    assert matcher.advance("X", D(90), at(9), jump=False) is not None
    matcher.add("above", limit(BUY, "99"), at(9))
    matcher.add("stop", stop(SELL, "95"), at(9))
    matcher.add("behind", stop(BUY, "99"), at(9))
    rest = tell(list(matcher.walk("X", D(90), at(9))))

    assert [("above", "98", "marketable"), ("stop", "95", "stop")] == rest
    assert ["behind"] == [order.order_id for order in matcher.open_orders()]


def test_a_reaction_at_the_open_trades_at_the_open() -> None:
    """A market order that answers a fill at the open trades there, before the path goes on."""
    matcher = Tape(market(BUY)).matcher

    matcher.advance("X", D(103), at(9), jump=True)
    matcher.add("2", market(SELL), at(9))

    assert [("2", "103", "open")] == tell(list(matcher.jump("X", D(103), at(9))))


def test_an_order_can_be_cancelled_by_a_reaction() -> None:
    """The other half of a pair, cancelled between two events, does not trade on the same path."""
    matcher = Tape(limit(BUY, "98"), limit(BUY, "95")).matcher

    matcher.advance("X", D(90), at(9), jump=False)
    matcher.cancel("2")

    assert [] == list(matcher.walk("X", D(90), at(9)))


def test_symbols_do_not_meet() -> None:
    """A price of one symbol moves no order of another."""
    tape = Tape(market(BUY, symbol="Y"))

    assert [] == tape.jump("90")
    assert tape.matcher.has_orders("Y")
    assert not tape.matcher.has_orders("X")
    assert tape.matcher.price("Y") is None


# --- the life of an order ---------------------------------------------------------------------------------------------


def test_an_order_can_be_looked_up_while_it_works() -> None:
    """By id, by symbol and all together, the oldest first; a filled one is gone."""
    tape = Tape(limit(BUY, "98"), market(BUY, symbol="Y"), limit(BUY, "97"))
    matcher = tape.matcher
    tape.walk("97.5")

    assert (None, None, 0) == (matcher.order("1"), matcher.price("Z"), len(matcher.open_orders("Z")))
    assert ["2", "3"] == [order.order_id for order in matcher.open_orders()]
    assert ["3"] == [order.order_id for order in matcher.open_orders("X")]


def test_a_cancelled_order_is_returned_once() -> None:
    """A cancel gives the order as it ended; a second one, and one of a filled order, nothing."""
    tape = Tape(limit(BUY, "98"), limit(BUY, "90"))
    tape.walk("95")
    cancelled = tape.matcher.cancel("2")

    assert cancelled is not None
    assert ("2", D(10)) == (cancelled.order_id, cancelled.remaining)
    assert tape.matcher.cancel("2") is None
    assert tape.matcher.cancel("1") is None
    assert not tape.matcher.has_orders("X")


def test_an_id_is_used_once() -> None:
    """An id that works already is refused, and the order that has it stays."""
    matcher = Tape(limit(BUY, "98")).matcher

    with pytest.raises(InvalidRequest, match="order_id"):
        matcher.add("1", market(BUY), at(1))
    with pytest.raises(InvalidRequest, match="order_id"):
        matcher.replace("1", "1", limit(BUY, "97"), at(1))

    assert [limit(BUY, "98")] == [order.request for order in matcher.open_orders()]


def test_a_replaced_order_keeps_what_it_filled() -> None:
    """The new order's total includes what the old one filled."""
    tape = Tape(limit(BUY, "98", quantity="10"), liquidity=lambda *asked: D(4))
    tape.walk("98")
    new = tape.matcher.replace("1", "2", limit(BUY, "97", quantity="6"), at(5))

    assert new is not None
    assert (D(4), D(2), D(392), D(98)) == (new.cumulative, new.remaining, new.cost, new.average)
    assert [("2", "97", "through")] == tape.walk("90")
    assert not tape.matcher.has_orders("X")


def test_a_replaced_order_loses_its_place() -> None:
    """At one price it goes behind those that were there."""
    tape = Tape(limit(BUY, "98"), limit(BUY, "98"))
    tape.matcher.replace("1", "3", limit(BUY, "98"), at(5))

    assert ["2", "3"] == [order_id for order_id, _, _ in tape.walk("90")]


def test_what_does_not_work_is_not_replaced() -> None:
    """Replacing an unknown order gives nothing and adds nothing."""
    matcher = Tape().matcher

    assert matcher.replace("1", "2", market(BUY), at(1)) is None
    assert [] == matcher.open_orders()


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (limit(BUY, "98", quantity="4"), "quantity"),
        (limit(SELL, "98"), "side"),
        (limit(BUY, "98", symbol="Y"), "symbol"),
    ],
)
def test_a_replacement_that_makes_no_sense_is_refused(new: OrderRequest, field: str) -> None:
    """A total that is filled already, another side or symbol: the old order stays as it was."""
    tape = Tape(limit(BUY, "98"), liquidity=lambda *asked: D(4))
    tape.walk("98")

    with pytest.raises(InvalidRequest, match=field):
        tape.matcher.replace("1", "2", new, at(5))

    assert ["1"] == [order.order_id for order in tape.matcher.open_orders()]


def test_a_replaced_trailing_stop_keeps_its_mark() -> None:
    """A new distance counts from the best price that the old order saw."""
    tape = Tape(trailing(SELL, trail_price="20"))
    tape.walk("110", "105")
    tape.matcher.replace("1", "2", trailing(SELL, trail_price="6"), at(5))

    assert [("2", "104", "stop")] == tape.walk("90")


def test_a_replaced_stop_limit_stays_triggered() -> None:
    """An order that has been triggered is a limit order, also under its new id."""
    tape = Tape(stop_limit(BUY, "102", "101"))
    tape.walk("103")
    tape.matcher.replace("1", "2", stop_limit(BUY, "110", "102.5"), at(5))

    assert [("2", "102.5", "through")] == tape.walk("100")


def test_an_average_needs_a_fill() -> None:
    """An order that has filled nothing has no average price."""
    order = Tape(market(BUY)).matcher.order("1")

    assert order is not None
    assert order.average is None


# --- how long, and how much -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tif", [TIF.IOC, TIF.FOK])
def test_at_once_or_never(tif: TimeInForce) -> None:
    """An order that does not fill at its first look ends there, though the path would come by."""
    tape = Tape(limit(BUY, "98", time_in_force=tif), market(BUY, time_in_force=tif))

    assert [("1", "ended", tif.value), ("2", "100", "market")] == tape.walk("90")
    assert not tape.matcher.has_orders("X")


@pytest.mark.parametrize("tif", [TIF.IOC, TIF.FOK])
def test_at_once_counts_from_the_trigger(tif: TimeInForce) -> None:
    """A stop order waits for its stop, and is in the market at once or never from there."""
    tape = Tape(stop_limit(BUY, "102", "101", time_in_force=tif), stop(BUY, "102", time_in_force=tif))

    assert [] == tape.walk("101", "99")
    assert [("1", "ended", tif.value), ("2", "102", "stop")] == tape.walk("105", "90")


def test_ioc_fills_in_part_and_ends() -> None:
    """What was there is taken, the rest ends in the same place, however much comes later."""
    tape = Tape(market(BUY, time_in_force=TIF.IOC), liquidity=lambda *asked: D(4))
    events = list(tape.matcher.jump("X", D(103), at(9)))

    assert [("1", "103", "open"), ("1", "ended", "ioc")] == tell(events)
    assert Ended(order_id="1", reason=TIF.IOC, at=at(9), cumulative=D(4), cost=D(412)) == events[1]
    assert not tape.matcher.has_orders("X")


def test_ioc_gets_one_look_even_if_the_caller_moves_on() -> None:
    """A caller that does not wait for the end of a leg gives no second chance."""
    tape = Tape(market(BUY, time_in_force=TIF.IOC), liquidity=lambda *asked: D(4))
    tape.matcher.advance("X", D(103), at(9), jump=True)

    assert [("1", "ended", "ioc")] == tape.walk("104")


def test_fok_is_whole_or_nothing() -> None:
    """Less than the whole is refused."""
    tape = Tape(
        market(BUY, quantity="5", time_in_force=TIF.FOK),
        market(BUY, quantity="4", time_in_force=TIF.FOK),
        liquidity=lambda *asked: D(4),
    )

    assert [("1", "ended", "fok"), ("2", "100", "market")] == tape.walk("101")


def test_a_limit_that_fills_in_part_rests() -> None:
    """The rest waits, is not asked for again on the same leg, and fills on the next, at the limit that was passed."""
    asked: list[Decimal] = []

    def liquidity(symbol: str, order: object, price: Decimal, assumption: str) -> Decimal:
        asked.append(price)
        return D(4)

    tape = Tape(limit(BUY, "98"), liquidity=liquidity)

    assert [("1", "98", "through")] == tape.walk("95")
    assert [("1", "98", "through")] == tape.walk("99")
    assert [("1", "98", "through")] == tape.jump("96")
    assert [D(98), D(98), D(98)] == asked
    assert not tape.matcher.has_orders("X")


def test_a_market_order_goes_on_with_each_new_target() -> None:
    """A market order that fills in part asks once a leg until it is done."""
    tape = Tape(market(BUY), liquidity=lambda *asked: D(4))

    assert [("1", "103", "open")] == tape.jump("103")
    assert [("1", "103", "market")] == tape.walk("105")
    assert [("1", "105", "market")] == tape.walk("105")
    assert [] == tape.walk("101")


@pytest.mark.parametrize("there", ["0", "-1"])
def test_nothing_to_trade_is_no_endless_loop(there: str) -> None:
    """Without liquidity nothing trades, every leg ends, and the orders stay."""
    orders = [market(BUY), limit(BUY, "98"), stop(SELL, "98"), stop_limit(SELL, "97", "96")]
    tape = Tape(*orders, trailing(SELL, trail_price="1"), liquidity=lambda *asked: D(there))

    assert [] == tape.jump("100")
    assert [] == tape.walk("90", "110")
    assert 5 == len(tape.matcher.open_orders("X"))


def test_a_stop_that_found_nothing_is_a_market_order() -> None:
    """Triggered without liquidity, it trades as soon as there is some, wherever the price is then."""
    there = [D(0), D(99)]
    tape = Tape(stop(SELL, "98"), liquidity=lambda *asked: there.pop(0))

    assert [] == tape.walk("105", "97")
    assert [("1", "97", "market")] == tape.walk("110")


def test_a_replacement_is_no_second_look() -> None:
    """An order that asked on this leg does not ask again under a new id before the next."""
    tape = Tape(limit(BUY, "98"), liquidity=lambda *asked: D(4))
    matcher = tape.matcher
    matcher.advance("X", D(95), at(9), jump=False)
    matcher.replace("1", "2", limit(BUY, "99"), at(9))

    assert [] == list(matcher.walk("X", D(95), at(9)))
    assert [("2", "95", "marketable")] == tape.walk("94")


def test_liquidity_is_told_whom_it_is_for() -> None:
    """It is asked with the symbol, the order and the price."""
    asked: list[tuple[str, str, Decimal]] = []

    def liquidity(symbol: str, order: Any, price: Decimal, assumption: str) -> Decimal:
        asked.append((symbol, order.order_id, price))
        return D(99)

    Tape(limit(BUY, "98"), liquidity=liquidity).walk("90")

    assert [("X", "1", D(98))] == asked


# --- sessions ---------------------------------------------------------------------------------------------------------


AUCTIONS: list[tuple[Literal["open", "close"], TimeInForce]] = [("open", TIF.OPG), ("close", TIF.CLS)]


@pytest.mark.parametrize(("kind", "tif"), AUCTIONS)
def test_auction_orders_trade_in_their_auction_or_end(kind: Literal["open", "close"], tif: TimeInForce) -> None:
    """Market orders and limits that are good enough get its price, the others end, all others wait."""
    other = TIF.CLS if tif is TIF.OPG else TIF.OPG
    tape = Tape(
        market(BUY, time_in_force=tif),
        limit(BUY, "99", time_in_force=tif),
        limit(BUY, "105", time_in_force=tif),
        limit(SELL, "103", time_in_force=tif),
        market(BUY, time_in_force=other),
        market(BUY),
    )

    assert [] == [told for told in tape.walk("80", "120") if told[0] != "6"]
    assert [
        ("1", "103", "auction"),
        ("2", "ended", tif.value),
        ("3", "103", "auction"),
        ("4", "103", "auction"),
    ] == tape.auction("103", kind)
    assert ["5"] == [order.order_id for order in tape.matcher.open_orders()]
    assert D(103) == tape.matcher.price("X")


@pytest.mark.parametrize(("there", "expected"), [("4", [("1", "101", "auction"), ("1", "ended", "opg")]), ("0", [])])
def test_an_auction_is_one_look(there: str, expected: Told) -> None:
    """What an auction does not fill ends with it."""
    tape = Tape(market(BUY, time_in_force=TIF.OPG), liquidity=lambda *asked: D(there))

    assert (expected or [("1", "ended", "opg")]) == tape.auction("101", "open")


def test_an_auction_without_orders_sets_the_price() -> None:
    """The price of an auction is one that has been reached."""
    tape = Tape(price=None)

    assert [] == tape.auction("101", "open")
    assert D(101) == tape.matcher.price("X")


@pytest.mark.parametrize("tif", [TIF.OPG, TIF.CLS])
@pytest.mark.parametrize("order", [stop, trailing])
def test_no_stop_in_an_auction(order: Callable[..., OrderRequest], tif: TimeInForce) -> None:
    """Only market and limit orders are for auctions; others are refused and not kept."""
    matcher = Tape().matcher
    given = stop(BUY, "9", time_in_force=tif) if order is stop else trailing(BUY, trail_price="1", time_in_force=tif)

    with pytest.raises(InvalidRequest, match="type"):
        matcher.add("1", given, at(1))
    assert [] == matcher.open_orders()


def test_a_session_ends_all_but_gtc() -> None:
    """At the end of a session only what is good till cancelled works on."""
    tape = Tape(*[limit(BUY, "90", time_in_force=tif) for tif in TIF])
    ended = tape.matcher.end_session("X", at(99))

    assert [tif for tif in TIF if tif is not TIF.GTC] == [event.reason for event in ended]
    assert {at(99)} == {event.at for event in ended}
    assert [TIF.GTC] == [order.request.time_in_force for order in tape.matcher.open_orders("X")]


def test_a_session_end_is_one_symbols() -> None:
    """Other symbols have their own sessions."""
    tape = Tape(market(BUY, symbol="Y"))

    assert [] == tape.matcher.end_session("X", at(99))
    assert tape.matcher.has_orders("Y")


# --- whatever comes ---------------------------------------------------------------------------------------------------


def play(bars: list[Bar], arrivals: list[tuple[int, int, OrderRequest]], there: list[int]) -> list[tuple[int, Event]]:
    """Play bars through a matcher; ``arrivals`` are (bar, corners reached in it, request). Returns (bar, event)."""
    rounds = iter(range(100_000))

    def liquidity(symbol: str, order: object, price: Decimal, assumption: str) -> Decimal:
        return D(there[next(rounds) % len(there)]) if there else D(1_000_000)

    matcher = Matcher(liquidity)
    told: list[tuple[int, Event]] = []
    for index, bar in enumerate(bars):
        for step, (moment, price) in enumerate(corners(bar)):
            for number, (in_bar, reached, order) in enumerate(arrivals):
                if (in_bar, reached) == (index, step):
                    matcher.add(str(number), order, moment)
            calls = 0
            while (event := matcher.advance("X", price, moment, jump=step == 0)) is not None:
                told.append((index, event))
                calls += 1
                assert calls <= 2 * len(arrivals)
            assert price == matcher.price("X")
    return told


def test_nothing_trades_that_could_not_have() -> None:
    """
    Over random bars, orders and liquidity: limits hold, prices are the bar's, quantities add up, stops were touched.

    And an order trades at no price from before it came: its first bar counts from the corner that had been reached.
    """
    hypothesis = pytest.importorskip("hypothesis")
    given, settings, st = hypothesis.given, hypothesis.settings, hypothesis.strategies

    cents = st.integers(9_000, 11_000).map(lambda n: D(n).scaleb(-2))
    tifs = st.sampled_from([TIF.DAY, TIF.GTC, TIF.IOC, TIF.FOK])

    @st.composite
    def bars(draw: Any) -> list[Bar]:
        made = []
        for index in range(draw(st.integers(1, 5))):
            low, *inner, high = sorted(draw(st.lists(cents, min_size=4, max_size=4)))
            opening, close = draw(st.permutations(inner))
            start = T0 + timedelta(minutes=index)
            made.append(Bar("X", start, start + timedelta(minutes=1), opening, high, low, close, D(1)))
        return made

    @st.composite
    def orders(draw: Any) -> OrderRequest:
        type = draw(st.sampled_from(OrderType))
        more: dict[str, Any] = {}
        if type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            more["limit_price"] = draw(cents)
        if type in (OrderType.STOP, OrderType.STOP_LIMIT):
            more["stop_price"] = draw(cents)
        if type is OrderType.TRAILING_STOP:
            kind = draw(st.sampled_from(["trail_price", "trail_percent"]))
            more[kind] = D(draw(st.integers(1, 500))).scaleb(-2)
        side, quantity = draw(st.sampled_from(Side)), D(draw(st.integers(1, 20)))
        return OrderRequest(symbol="X", side=side, type=type, quantity=quantity, time_in_force=draw(tifs), **more)

    arrivals = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), orders()), max_size=6)

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(bars(), arrivals, st.lists(st.integers(0, 7), max_size=4))
    def hold(bars: list[Bar], arrivals: list[tuple[int, int, OrderRequest]], there: list[int]) -> None:
        told = play(bars, arrivals, there)
        filled: dict[str, Decimal] = {}
        ended: set[str] = set()
        for index, event in told:
            bar, (in_bar, reached, order) = bars[index], arrivals[int(event.order_id)]
            assert event.order_id not in ended
            if isinstance(event, Ended):
                assert order.time_in_force in (TIF.IOC, TIF.FOK)
                assert event.cumulative == filled.get(event.order_id, D(0)) < order.quantity
                ended.add(event.order_id)
                continue
            buying = order.side is BUY
            # The path from the place where the order came in to the end of the bar in which it traded. An order that
            # came before an open meets that open; one that came on the way meets the place reached.
            seen = [
                price
                for number, each in enumerate(bars[: index + 1])
                for step, (_, price) in enumerate(corners(each))
                if (number, step) >= (in_bar, max(reached - 1, 0))
            ]
            here = [
                price for step, (_, price) in enumerate(corners(bar)) if (index, step) >= (in_bar, max(reached - 1, 0))
            ]
            total = filled[event.order_id] = filled.get(event.order_id, D(0)) + event.quantity
            # What went through a limit and was not filled whole trades at that limit, wherever the path is by then.
            assert min(here) <= event.price <= max(here) or (
                event.assumption == "through" and event.price == order.limit_price
            )
            assert bar.start <= event.at <= bar.end
            assert event.at >= corners(bars[in_bar])[reached][0]
            assert order.limit_price is None or (
                event.price <= order.limit_price if buying else event.price >= order.limit_price
            )
            assert order.stop_price is None or (
                max(seen) >= order.stop_price if buying else min(seen) <= order.stop_price
            )
            assert order.time_in_force is not TIF.FOK or event.quantity == order.quantity
            assert event.quantity > 0
            assert (total, order.quantity - total) == (event.cumulative, event.remaining)
            assert event.remaining >= 0

    hold()


def test_what_must_trade_does() -> None:
    """Over random bars, with all the liquidity one could want, a limit trades if and only if its price was there."""
    hypothesis = pytest.importorskip("hypothesis")
    given, settings, st = hypothesis.given, hypothesis.settings, hypothesis.strategies
    cents = st.integers(9_900, 10_100).map(lambda n: D(n).scaleb(-2))

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.lists(cents, min_size=4, max_size=4), cents, st.sampled_from(Side), st.booleans())
    def hold(prices: list[Decimal], price: Decimal, side: Side, stops: bool) -> None:
        low, opening, close, high = sorted(prices)
        bar = Bar("X", T0, T0 + timedelta(minutes=1), opening, high, low, close, D(1))
        order = stop(side, str(price)) if stops else limit(side, str(price))
        traded = [event.price for _, event in play([bar], [(0, 0, order)], []) if isinstance(event, Match)]

        rising = (side is BUY) is stops  # buy stops and sell limits are reached from below
        reached = high >= price if rising else low <= price
        beyond = opening >= price if rising else opening <= price
        assert ([opening if beyond else price] if reached else []) == traded

    hold()


# --- what an order is told of -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "moves", "expected"),
    [
        (limit(BUY, "98"), [("98", False)], ["touch"]),
        (limit(BUY, "98"), [("97", False)], ["through"]),
        (limit(SELL, "102"), [("102", False)], ["touch"]),
        (limit(SELL, "102"), [("103", False)], ["through"]),
        (limit(BUY, "98"), [("98", True)], ["touch"]),
        (limit(BUY, "98"), [("98", False), ("97", False)], ["touch", "through"]),
        (limit(BUY, "98"), [("98", False), ("99", False)], ["touch", "touch"]),
        (limit(BUY, "98"), [("97", True)], ["open"]),
        (market(BUY), [("98", True)], ["open"]),
        (market(BUY), [("98", False)], ["market"]),
    ],
)
def test_liquidity_is_told_why_it_is_asked(order: OrderRequest, moves: list[tuple[str, bool]], expected: list[str]):
    """A limit that the price only reaches is a touch, one that it goes through is not, at either side."""
    asked: list[str] = []

    def liquidity(symbol: str, order: object, price: Decimal, assumption: str) -> Decimal:
        asked.append(assumption)
        return D(0)

    tape = Tape(order, liquidity=liquidity)
    for price, jump in moves:
        (tape.jump if jump else tape.walk)(price)

    assert expected == asked


def test_prices_make_the_fill() -> None:
    """What the models ask for is the price of the match, and counts in the order's cost."""

    def dearer(order: object, quantity: Decimal, price: Decimal, assumption: str) -> tuple[Decimal, tuple[Cost, ...]]:
        return price + 1, (Cost("spread", quantity),)

    matcher = Matcher(prices=dearer)
    matcher.add("1", market(BUY, quantity="3"), at(0))
    event = matcher.advance("X", D(100), at(1), jump=True)

    assert isinstance(event, Match)
    assert (D(101), D(303), (Cost("spread", D(3)),)) == (event.price, event.cost, event.costs)
