"""Protections in a running engine: locks beside the fills that caused them, kept through a kill; session days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.books.recovery import recovered
from engine.calendar import FixedCalendar, Session
from engine.decisions import TradingState
from engine.errors import InvalidRequest, NotSent
from engine.facts import DayBegan, Locked, LocksReleased, OrderReported, TradingStateChanged
from engine.model import Exits, OrderRequest, Side, Status
from engine.risk.gate import RiskGate
from engine.risk.grid import Tick
from engine.risk.protections import (
    CooldownPeriod,
    DailyLossLimit,
    LowProfitPairs,
    MaxTradesPerDay,
    Protections,
    StoplossGuard,
    TradingWindow,
    VolatilityHalt,
)
from engine.risk.symbols import SymbolProperties, SymbolTable
from engine.testing import Desk

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
TEN, HOUR = timedelta(minutes=10), timedelta(hours=1)
GUARD = StoplossGuard(trade_limit=1, only_per_side=True, lock_for=HOUR * 2)
COOLDOWN = CooldownPeriod()


def protected(*rules, **more):
    """A desk with rules, at which X and Y cost 10."""
    desk = Desk(gate=RiskGate(protections=Protections(rules)), **more).start()
    desk.engine.books.portfolio.mark("Y", D(10))
    return desk


def market(desk, side, symbol="X", quantity="10"):
    """A market order; its code if it is refused."""
    ticket = desk.engine.submit(OrderRequest.market(symbol, side, D(quantity)))
    refusal = ticket.order.refusal
    return ticket if refusal is None else refusal.code


def filled(desk, side, price="10", symbol="X"):
    """A market order that fills at once."""
    ticket = market(desk, side, symbol)
    desk.broker.fill(ticket.id, D(10), D(price))
    desk.run()
    desk.journal.commit()
    return ticket


def stopped(desk, price="9", symbol="X"):
    """A long that a stop ends."""
    filled(desk, BUY, symbol=symbol)
    ticket = desk.engine.submit(OrderRequest.stop(symbol, SELL, D(10), D(price)))
    desk.broker.fill(ticket.id, D(10), D(price))
    desk.run()
    desk.journal.commit()
    return ticket


def kinds(entries):
    return [type(entry.fact) for entry in entries]


def active(desk):
    return desk.engine.books.locks.active(desk.clock.now())


# --- locks ------------------------------------------------------------------------------------------------------------


def test_locks_stand_right_behind_the_fill_that_caused_them():
    """Each is a fact with the numbers of its trades, and holds from the moment at which the last of them closed."""
    desk = protected(GUARD, COOLDOWN)
    now = desk.clock.now()
    stopped(desk)
    *_, fill, first, second = desk.journal.entries()

    assert [OrderReported, Locked, Locked] == kinds((fill, first, second))
    assert fill.fact.execution is not None
    assert [("stoploss-guard", BUY, None, (1,)), ("cooldown", None, "X", (1,))] == [
        (lock.protection, lock.side, lock.symbol, lock.trades) for lock in (first.fact, second.fact)]  # fmt: skip
    assert [(now, now + 2 * HOUR), (now, now + HOUR)] == [(each.fact.at, each.fact.until) for each in (first, second)]


def test_entries_are_refused_and_exits_pass():
    """A lock on everything refuses entries in every symbol; what reduces passes, and so do cancels."""
    desk = protected(CooldownPeriod(everything=True))
    filled(desk, BUY, symbol="Y")
    resting = desk.engine.submit(OrderRequest.limit("Y", BUY, D(10), D(9)))
    desk.run()
    stopped(desk)
    assert ["LOCKED"] * 4 == [market(desk, side, symbol) for side, symbol in (
        (BUY, "X"), (SELL, "X"), (BUY, "Y"), (BUY, "Z"))]  # fmt: skip

    desk.engine.cancel(resting)
    exit_ = filled(desk, SELL, symbol="Y")
    assert (Status.CANCELED, Status.FILLED) == (resting.order.status, exit_.order.status)


def test_entries_pass_at_the_end_of_the_lock():
    """A moment before they are refused, with the lock's id and end."""
    desk = protected(COOLDOWN)
    stopped(desk)
    desk.run(3599.999)
    refusal = desk.engine.submit(OrderRequest.market("X", BUY, D(1))).order.refusal
    (lock,) = desk.facts(Locked)
    assert ("LOCKED", lock.id, lock.until.isoformat()) == (refusal.code, refusal.value, refusal.bound)

    desk.run(0.001)
    assert Status.WORKING is market(desk, BUY).order.status


def test_sides_by_themselves():
    """A guard of sides lets the other side in."""
    desk = protected(GUARD)
    stopped(desk)

    assert ("LOCKED", Status.WORKING) == (market(desk, BUY), market(desk, SELL).order.status)


def test_an_adjustment_closes_a_trade_too():
    """The books follow the venue out of a position: that is the end of a trade, and the protections see it."""
    desk = protected(COOLDOWN)
    filled(desk, BUY)
    desk.broker.hold("X", D(0), D(10))
    desk.engine.reconcile()

    assert [("X", (1,))] == [(lock.symbol, lock.trades) for lock in desk.facts(Locked)]


# --- restart ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0, 3599, 3600, 7200])
def test_a_restart_has_the_same_locks(seconds):
    """The same journal gives the same active locks at the same moment, and the same trades."""
    desk = protected(GUARD, COOLDOWN, LowProfitPairs(lock_for=TEN))
    stopped(desk, "10.5", "Y")
    desk.run(60)
    stopped(desk)
    desk.run(seconds)
    locks, books = active(desk), desk.engine.books
    desk.journal.commit()
    recorded = len(desk.facts(Locked))
    assert books.fingerprint() == recovered(desk.journal).fingerprint()

    desk.restart()
    assert locks == active(desk)
    assert books.trades.closed == desk.engine.books.trades.closed
    assert recorded == len(desk.facts(Locked))


@pytest.mark.parametrize("lost", [0, 1, 2])
@pytest.mark.parametrize("seconds", [0, 30, 4000])
def test_a_kill_between_a_fill_and_its_locks(lost, seconds):
    """A start judges the trade again that the journal ends with: exactly the locks that are missing come back."""
    desk = protected(GUARD, CooldownPeriod(lock_for=TEN), CooldownPeriod())
    stopped(desk)
    locks, entries = desk.facts(Locked), list(desk.journal.entries())
    assert [OrderReported, Locked, Locked, Locked] == kinds(entries[-4:])

    desk.run(seconds)
    desk.restart(entries[: len(entries) - lost])
    assert locks == desk.facts(Locked)
    assert [lock for lock in locks if lock.until > desk.clock.now()] == active(desk)


def test_what_was_covered_does_not_come_back():
    """A lock that another one covered when its trade closed was not recorded, and is not by a restart."""
    desk = protected(CooldownPeriod(lock_for=TEN * 2), CooldownPeriod(lock_for=TEN))
    stopped(desk)
    (lock,) = desk.facts(Locked)
    for survived in (None, list(desk.journal.entries())[:-1]):
        desk.restart(survived)

        assert [lock] == desk.facts(Locked)


def test_what_was_lifted_does_not_come_back():
    """A restart right behind the release brings nothing back."""
    desk = protected(COOLDOWN)
    stopped(desk)
    assert ["cooldown.1/X/1"] == desk.engine.release("I know better")
    assert LocksReleased is kinds(desk.journal.entries())[-1]
    desk.restart()

    assert ([], 1, Status.WORKING) == (active(desk), len(desk.facts(Locked)), market(desk, BUY).order.status)


def test_a_trade_is_judged_once():
    """Only what the very last fact closed is judged by a start; whatever else stands behind shows that it was."""
    desk = protected()
    stopped(desk)
    market(desk, BUY)
    entries = list(desk.journal.entries())
    desk.gate = RiskGate(protections=Protections((COOLDOWN,)))
    desk.restart(entries)
    assert [] == desk.facts(Locked)

    while getattr(entries[-1].fact, "execution", None) is None:
        entries.pop()
    desk.restart(entries)
    assert [(1,)] == [lock.trades for lock in desk.facts(Locked)]


def test_a_price_behind_a_trade_shows_that_it_was_judged():
    """A lock that no trade caused stands behind what the closed trade brought, so a start judges nothing again."""
    desk = protected()
    stopped(desk)
    entries = list(desk.journal.entries())
    now = desk.clock.now()
    hot = Locked(at=now, id="v", protection="v", symbol="Y", side=None, until=now + HOUR, reason="r")
    desk.journal.append(hot, now)
    desk.journal.commit()
    desk.gate = RiskGate(protections=Protections((COOLDOWN,)))
    desk.restart()

    assert [hot] == desk.facts(Locked)
    assert len(entries) + 1 <= len(desk.journal)


# --- release ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "lifted"),
    [
        ({}, [0, 1, 2]),
        ({"because": "cooldown"}, [0, 1]),
        ({"because": "a trade of X closed with -10.00 (stop_loss)"}, [0]),
        ({"because": "a trade of X"}, []),
        ({"symbol": "Y"}, [1]),
        ({"because": "stoploss-guard"}, [2]),
        ({"because": "stoploss-guard", "symbol": "X"}, []),
    ],
)
def test_release(which, lifted):
    """Locks are lifted by protection, by exactly their reason, by symbol, or all; a fact tells if there are any."""
    desk = protected(COOLDOWN, StoplossGuard(trade_limit=2))
    stopped(desk)
    stopped(desk, symbol="Y")
    locks = active(desk)
    assert ["cooldown.1/X/1", "cooldown.1/Y/2", "stoploss-guard.2/*/2"] == [lock.id for lock in locks]

    ids = desk.engine.release("by hand", **which)
    assert [locks[place].id for place in lifted] == ids
    assert [lock for lock in locks if lock.id not in ids] == active(desk)
    assert [("by hand", tuple(ids))][: len(ids)] == [(fact.reason, fact.ids) for fact in desk.facts(LocksReleased)]


def test_what_has_ended_is_not_lifted():
    """A lock that does not hold any more is left as it was."""
    desk = protected(COOLDOWN)
    stopped(desk)
    desk.run(3600)

    assert ([], []) == (desk.engine.release("by hand"), desk.facts(LocksReleased))


# --- state ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_only_exits_pass_unless_trading_is_active(state):
    """The state is a fact: it survives a restart, and saying it again records nothing."""
    desk = protected()
    filled(desk, BUY)
    desk.engine.set_state(state, "by hand")
    desk.engine.set_state(state, "by hand")
    desk.restart()
    assert [f"TRADING_{state.name}"] * 2 == [market(desk, BUY), market(desk, SELL, "Y")]
    assert Status.FILLED is filled(desk, SELL).order.status
    assert [(state, "by hand")] == [(fact.state, fact.reason) for fact in desk.facts(TradingStateChanged)]

    desk.engine.set_state(TradingState.ACTIVE, "again")
    assert Status.WORKING is market(desk, BUY).order.status


@pytest.mark.parametrize(("state", "kept"), [(TradingState.REDUCING, True), (TradingState.HALTED, False)])
def test_live_entries_are_cancelled_when_trading_halts(state, kept):
    """Exits stay, entries stay unless it is a halt; orders of others are not ours to cancel."""
    desk = protected()
    filled(desk, BUY)
    entry = desk.engine.submit(OrderRequest.limit("X", BUY, D(10), D(9)))
    exit_ = desk.engine.submit(OrderRequest.limit("X", SELL, D(10), D(11)))
    desk.broker.place_foreign(OrderRequest.limit("Y", BUY, D(1), D(1), client_order_id="theirs"))
    desk.run()
    desk.engine.set_state(state, "by hand")
    desk.run()

    assert (kept, False) == (not entry.order.status.terminal, exit_.order.status.terminal)
    assert ["theirs"] == [order.client_order_id for order in desk.broker.orders_open() if order.symbol == "Y"]


# --- session days -----------------------------------------------------------------------------------------------------

DAYS = ((2, 20), (3, 17), (5, 20))  # the 3rd of July is a half day, the 4th a holiday


def july(day, clock):
    return datetime.fromisoformat(f"2024-07-{day:02}T{clock}+00:00")


@pytest.fixture
def sessions():
    """Three sessions of New York, from 13:30 UTC on."""
    return FixedCalendar([Session(open=july(day, "13:30"), close=july(day, f"{close}:00")) for day, close in DAYS])


def moved(desk, day, clock):
    """Let time pass until then."""
    desk.run((july(day, clock) - desk.clock.now()).total_seconds())
    return desk


def seen(desk, day, clock, price="10"):
    """The market's price of X at that moment."""
    moved(desk, day, clock).engine.saw("X", D(price), desk.clock.now())


def days(desk):
    return [(fact.number, f"{fact.opens:%d %H:%M}", f"{fact.closes:%d %H:%M}") for fact in desk.facts(DayBegan)]


def test_days_begin_with_their_first_price(sessions):
    """A price at the close still belongs to the day that ends; one while the market is closed to the next session."""
    desk = protected(start=july(2, "13:00"), calendar=sessions)
    began = []
    for day, clock in ((2, "13:31"), (2, "20:00"), (3, "13:31"), (3, "17:00"), (3, "17:00:01"), (5, "13:31")):
        seen(desk, day, clock)
        desk.journal.commit()
        began.append(len(desk.facts(DayBegan)))

    assert [1, 1, 2, 2, 3, 3] == began
    assert [(1, "02 13:30", "02 20:00"), (2, "03 13:30", "03 17:00"), (3, "05 13:30", "05 20:00")] == days(desk)
    assert july(3, "17:00:01") - timedelta(microseconds=1) == desk.facts(DayBegan)[-1].at


def test_days_begin_with_their_first_order(sessions):
    """An order while the market is closed is one of the next session, and so is one at the very close."""
    desk = protected(start=july(1, "22:00"), calendar=sessions)
    market(desk, BUY)
    seen(desk, 2, "13:31")
    assert [(1, "02 13:30", "02 20:00")] == days(desk)

    moved(desk, 2, "20:00")
    market(desk, BUY)
    seen(desk, 3, "13:31")
    assert [1, 2] == [number for number, *_ in days(desk)]


def test_entries_are_counted_per_session_day(sessions):
    """One entry each: on a half day the next one begins at its early close, and a holiday is none."""
    desk = protected(MaxTradesPerDay(max_trades=1), start=july(2, "13:31"), calendar=sessions)
    answers = []
    for day, clock in (
        (2, "13:31"), (2, "19:59:59"), (2, "20:00"), (3, "16:59:59"), (3, "17:00"), (4, "15:00"), (5, "19:59"),
    ):  # fmt: skip
        moved(desk, day, clock)
        answers.append(market(desk, BUY) != "MAX_TRADES_PER_DAY")

    assert [True, False, True, False, True, False, False] == answers


def test_exits_are_no_trades_of_the_day(sessions):
    """They are neither counted nor refused, and a change of an entry is no new one."""
    desk = protected(MaxTradesPerDay(max_trades=2), start=july(2, "13:31"), calendar=sessions)
    for _ in range(2):
        filled(desk, BUY)
        filled(desk, SELL)
    assert "MAX_TRADES_PER_DAY" == market(desk, BUY)

    desk.gate = RiskGate(protections=Protections((MaxTradesPerDay(max_trades=3),)))
    desk.restart()
    entry = desk.engine.submit(OrderRequest.limit("X", BUY, D(10), D(9)))
    assert "MAX_TRADES_PER_DAY" == market(desk, BUY)
    assert None is desk.engine.replace(entry, limit_price=D(8))


def test_a_price_at_the_close_belongs_to_the_day_that_ends(sessions):
    """Also where it is the first of its day: a bar as long as its session ends at the close."""
    desk = protected(start=july(2, "13:31"), calendar=sessions)
    seen(desk, 2, "13:31")
    seen(desk, 3, "17:00")
    desk.journal.commit()

    assert [1, 2] == [number for number, *_ in days(desk)]
    assert 3 == desk.facts(DayBegan)[-1].opens.day


def test_a_gap_over_night_is_lost_today(sessions):
    """A day begins with what the account was worth at the last price of the one before."""
    desk = protected(DailyLossLimit(max_loss=D(10)), start=july(2, "13:31"), calendar=sessions)
    seen(desk, 2, "13:31")
    filled(desk, BUY)
    seen(desk, 2, "19:59", "12")
    seen(desk, 3, "13:31", "11.01")
    assert Status.WORKING is market(desk, BUY).order.status

    seen(desk, 3, "13:32", "11")
    assert ("DAILY_LOSS", D(1_000_020)) == (market(desk, BUY), desk.facts(DayBegan)[-1].equity)
    seen(desk, 3, "13:33", "11.5")
    assert Status.WORKING is market(desk, BUY).order.status


def test_days_begin_with_their_first_fill(sessions):
    """A stop that fills in the gap, before any price of the day, loses today, and is no day trade of the day before."""
    desk = protected(DailyLossLimit(max_loss=D(10)), start=july(2, "13:31"), calendar=sessions)
    seen(desk, 2, "13:31")
    filled(desk, BUY)
    stop = desk.engine.submit(OrderRequest.stop("X", SELL, D(10), D("9.5")))
    moved(desk, 3, "13:30")
    desk.broker.fill(stop.id, D(10), D(9))
    desk.run()
    seen(desk, 3, "13:31", "9")

    assert ([1, 2], D(1_000_000)) == ([number for number, *_ in days(desk)], desk.facts(DayBegan)[-1].equity)
    assert ("DAILY_LOSS", 0) == (market(desk, BUY), desk.engine.books.day_trades(5))


def test_a_fill_while_the_market_is_closed_begins_no_day(sessions):
    """The closing auction is told a moment after the close."""
    desk = protected(start=july(2, "13:31"), calendar=sessions)
    seen(desk, 2, "13:31")
    ticket = market(desk, BUY)
    moved(desk, 2, "20:00:00.5")
    desk.broker.fill(ticket.id, D(10), D(10))
    desk.run()

    desk.journal.commit()
    assert [1] == [number for number, *_ in days(desk)]


def test_a_restart_goes_on_with_its_day(sessions):
    """Day, reference and entries are those that the journal has."""
    desk = protected(MaxTradesPerDay(max_trades=1), start=july(2, "13:31"), calendar=sessions)
    seen(desk, 2, "13:31")
    market(desk, BUY)
    desk.restart()
    seen(desk, 2, "13:32")

    assert "MAX_TRADES_PER_DAY" == market(desk, BUY)
    assert [1] == [number for number, *_ in days(desk)]


def test_the_last_session_goes_on(sessions):
    """A calendar that has no more sessions leaves the last day on."""
    desk = protected(MaxTradesPerDay(max_trades=1), start=july(5, "13:31"), calendar=sessions)
    seen(desk, 5, "13:31")
    market(desk, BUY)
    seen(desk, 6, "13:31")

    assert "MAX_TRADES_PER_DAY" == market(desk, BUY)
    assert 1 == len(days(desk))


def test_hours_of_a_half_day(sessions):
    """Entries end half an hour before the early close."""
    desk = protected(TradingWindow(before_close=timedelta(minutes=30)), start=july(3, "13:31"), calendar=sessions)
    answers = []
    for clock in ("16:30", "16:30:00.000001"):
        moved(desk, 3, clock)
        answers.append(market(desk, BUY) != "TRADING_WINDOW")

    assert [True, False] == answers


def test_days_of_a_market_that_never_closes():
    """They are those of UTC: a price at midnight ends a day, an order at midnight begins one."""
    desk = protected(start=datetime(2024, 1, 2, 23, 59, tzinfo=UTC))
    desk.engine.saw("X", D(10), desk.clock.now())
    desk.run(60)
    desk.engine.saw("X", D(10), desk.clock.now())
    desk.journal.commit()
    assert 1 == len(desk.facts(DayBegan))

    market(desk, BUY)
    assert [("02 00:00", "03 00:00"), ("03 00:00", "04 00:00")] == [each[1:] for each in days(desk)]


# --- volatility -------------------------------------------------------------------------------------------------------


def test_a_jump_of_the_price_locks():
    """The lock is a fact of its price's moment; with a restart it holds on, though no price is remembered."""
    rule = VolatilityHalt(max_deviation=D("0.006"), returns=3, at_least=2)
    desk = protected(rule)
    for price in ("10", "10", "10.5"):
        desk.run(60)
        desk.engine.saw("X", D(price), desk.clock.now())
    desk.journal.commit()
    (lock,) = desk.facts(Locked)
    assert ((), desk.clock.now(), "X") == (lock.trades, lock.at, lock.symbol)
    assert ("LOCKED", Status.WORKING) == (market(desk, BUY), market(desk, BUY, "Y").order.status)

    desk.restart()
    assert "LOCKED" == market(desk, BUY)
    desk.run(1800)
    for price in ("10.5", "10.5", "10.5"):
        desk.engine.saw("X", D(price), desk.clock.now())
    assert Status.WORKING is market(desk, BUY).order.status


# --- what must not slip through ---------------------------------------------------------------------------------------


def test_a_pair_is_sent_whole_or_not_at_all():
    """Where one order of a pair is refused the other one is too, and says why; neither reaches the venue."""
    rules = SymbolProperties(symbol="X", ticks=(Tick(size=D("0.01")),), lot=D(1))
    desk = Desk(gate=RiskGate(symbols=SymbolTable([rules]))).start()
    filled(desk, BUY)
    pair = desk.engine.submit_oco(OrderRequest.limit("X", SELL, D(10), D(12)), stop_loss=D(13))

    assert ["EXITS_CROSSED", "PAIR_REFUSED"] == [ticket.refusal.code for ticket in pair]
    assert 1 == len(desk.calls("submit"))
    assert [Status.WORKING] * 2 == [
        each.status for each in desk.engine.submit_oco(OrderRequest.limit("X", SELL, D(10), D(12)), stop_loss=D(9))
    ]


def test_an_id_has_room_for_those_of_its_exits():
    """Exits are named after their entry, so an id that is too long for that is refused with it."""
    desk = protected()
    tickets = [
        desk.engine.submit(
            OrderRequest.market("X", BUY, D(1), exits=Exits(stop_loss=D(9)), client_order_id="a" * length)
        )
        for length in (111, 110)
    ]

    assert ("ID_TOO_LONG", Status.WORKING) == (tickets[0].refusal.code, tickets[1].status)


@pytest.mark.parametrize(("lost", "after"), [(False, (Status.WORKING, "")), (True, (Status.CANCELED, "DAILY_LOSS"))])
def test_an_entry_that_waited_is_held_against_the_rules_of_now(lost, after):
    """It passed, but the day has lost too much since: it is withdrawn; one entry too many it is not."""
    desk = protected(DailyLossLimit(max_loss=D(90)), MaxTradesPerDay(max_trades=2))
    filled(desk, BUY)
    desk.broker.script("submit", NotSent("rate", earliest=desk.clock.now() + timedelta(seconds=60)))
    waiting = market(desk, BUY, quantity="5")
    entries = desk.engine.books.entries_today()
    if lost:
        filled(desk, SELL, price="0.5")
    desk.run(61)

    assert (2, after) == (entries, (waiting.status, waiting.order.note.partition(":")[0]))


def test_an_exit_that_lost_its_position_is_not_changed_into_an_entry():
    """Nothing is held any more: a change of what was to close it would open a position."""
    desk = protected()
    filled(desk, BUY)
    exit_ = desk.engine.submit(OrderRequest.limit("X", SELL, D(10), D(12)))
    desk.broker.hold("X", D(0), D(10))
    desk.engine.reconcile()
    refusal = desk.engine.replace(exit_, limit_price=D(11))

    assert (D(0), "WOULD_OPEN") == (desk.engine.position("X"), refusal.code)


def test_a_change_of_nothing_is_not_asked_for():
    """What the symbol's rules make of it is what works already."""
    rules = SymbolProperties(symbol="X", ticks=(Tick(size=D("0.01")),), lot=D(1))
    desk = Desk(gate=RiskGate(symbols=SymbolTable([rules]))).start()
    ticket = desk.engine.submit(OrderRequest.limit("X", BUY, D(10), D("9.99")))

    assert None is desk.engine.replace(ticket, quantity=D("10.4"), limit_price=D("9.999"))
    assert [] == desk.calls("replace")


def test_a_halt_is_finished_after_a_restart():
    """The process died between the state and the cancels: they are asked for at the next start."""
    desk = protected()
    entry = desk.engine.submit(OrderRequest.limit("X", BUY, D(1), D(9)))
    desk.journal.commit()
    halted = [*desk.journal.entries()]
    desk.restart(halted)
    desk.engine._record(TradingStateChanged(at=desk.clock.now(), state=TradingState.HALTED, reason="why"))
    desk.journal.commit()
    desk.restart()
    desk.run()

    assert Status.CANCELED is desk.engine.books.tracker[entry.id].status


def test_a_change_keeps_back_what_the_gate_counted():
    """The new limit with its fee, not the limit alone."""
    desk = Desk(gate=RiskGate(fee_rate=D("0.01"))).start()
    ticket = desk.engine.submit(OrderRequest.limit("X", BUY, D(10), D(10)))
    desk.engine.replace(ticket, limit_price=D(11))
    desk.run()

    assert D("111.10") == desk.engine.books.reserved(ticket.id)


@pytest.mark.parametrize("quantity", ["1E+999999", "1E+100000"])
def test_numbers_beyond_counting_are_refused(quantity):
    """A quantity that nobody can multiply is refused, in a few words."""
    desk = protected()
    ticket = desk.engine.submit(OrderRequest.market("X", BUY, D(quantity)))

    assert ticket.refusal.code in ("OUT_OF_RANGE", "INSUFFICIENT_CASH")
    assert len(ticket.refusal.message) < 200


def test_contracts_are_not_traded_yet():
    """A symbol whose unit is worth more than its price is refused: the books count one."""
    rules = SymbolProperties(symbol="X", ticks=(Tick(size=D("0.01")),), lot=D(1), multiplier=D(50))
    desk = Desk(gate=RiskGate(symbols=SymbolTable([rules]))).start()

    assert "CONTRACT" == market(desk, BUY)


def test_a_price_is_more_than_nothing():
    """A price of 0 is a mistake of the caller, and says so."""
    with pytest.raises(InvalidRequest, match="price"):
        protected().engine.saw("X", D(0), datetime(2024, 1, 2, 12, tzinfo=UTC))
