"""The books are a fold over the facts: what each fact does to them, and that a replay gives the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from engine.books.journal import Journal
from engine.books.recovery import Books, recovered
from engine.clock import SimulatedClock
from engine.errors import JournalError
from engine.events import Alarm, AlarmCode, Filled, OrderChanged
from engine.execution import EngineSettings, ExecutionEngine
from engine.facts import (
    Adopted,
    ExecutionCorrected,
    ExecutionReported,
    Intended,
    NotFound,
    OrderReported,
    PositionAdjusted,
    PositionMismatched,
    ReplaceRequested,
    Sent,
    SessionStarted,
    StrategyFailed,
    SyncBegan,
    Synced,
)
from engine.model import Correction, Execution, OrderRequest, Replacement, Role, Side, Status, SymbolFlag, VenueStatus
from engine.orders.order import Outcome
from engine.orders.settings import MismatchPolicy, ReconcileSettings
from engine.risk.gate import RiskGate
from engine.session import SessionConfig, open_session
from engine.testing import FakeBroker, ManualHostClock

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
SESSION = SessionStarted(at=START, session_id="tb", cash=D(10_000), config="{}", data_digest="")
SUSPECT = frozenset({SymbolFlag.SUSPECT})
SECOND = timedelta(seconds=1)


def after(seconds):
    return START + seconds * SECOND


def books_after(*facts):
    books = Books()
    for fact in (SESSION, *facts):
        books.apply(fact, fact.at)
    return books


def order(name="a", side=Side.BUY, quantity=100, price=10):
    """An order that was meant and sent."""
    request = OrderRequest.limit("AAPL", side, D(quantity), D(price), client_order_id=name)
    intent = Intended(
        at=START, request=request, role=Role.SINGLE, group=None, reserve_price=D(price), opening=D(quantity)
    )
    return intent, Sent(at=START, order_id=name)


def fill(quantity, cumulative, position, *, at=1, name="a", number=None, side=Side.BUY, price=10, total=100):
    """A fill as the stream tells it."""
    execution = Execution(
        id=f"x{number or at}",
        cumulative=D(cumulative),
        quantity=D(quantity),
        price=D(price),
        at=after(at),
        position_after=None if position is None else D(position),
    )
    return OrderReported(
        at=after(at),
        client_order_id=name,
        broker_order_id=f"b-{name}",
        symbol="AAPL",
        side=side,
        status=VenueStatus.FILLED if cumulative == total else VenueStatus.PARTIALLY_FILLED,
        quantity=D(total),
        cumulative=D(cumulative),
        average=D(price),
        execution=execution,
    )


def activity(quantity, cumulative, *, at=1, name="a"):
    """The same fill as an account activity: other id, no position."""
    execution = Execution(id=f"act{at}", cumulative=D(cumulative), quantity=D(quantity), price=D(10), at=after(at))
    return ExecutionReported(
        at=after(at),
        client_order_id=name,
        broker_order_id=f"b-{name}",
        symbol="AAPL",
        side=Side.BUY,
        execution=execution,
    )


def coin_fill(quantity, cumulative, position, *, at=1, price=10, coin="0"):
    """A purchase of which a part was taken in the coin."""
    told = fill(quantity, cumulative, position, at=at, price=price)
    return evolve(told, execution=evolve(told.execution, fee_quantity=D(coin)))


def synced(epoch=1, at=10):
    return Synced(
        at=after(at),
        epoch=epoch,
        gap=0.0,
        recovered=0,
        duplicates=0,
        provisional_replaced=0,
        orphans=0,
        shadows=0,
        mismatches=0,
    )


def alarms(events):
    return [event.code for event in events if isinstance(event, Alarm)]


# --- the session ------------------------------------------------------------------------------------------------------


def test_a_journal_begins_with_its_session():
    """Any other first fact is refused, and nothing of it is kept."""
    books = Books()

    with pytest.raises(JournalError, match="a journal begins with SessionStarted, this one with Sent"):
        books.apply(Sent(at=START, order_id="a"), START)
    assert (None, []) == (books.session, list(books.tracker))


def test_a_journal_has_one_session():
    """A second beginning means that two sessions wrote to one file."""
    with pytest.raises(JournalError, match="two sessions wrote to one journal"):
        books_after(SESSION)


def test_the_session_brings_its_cash():
    """The books begin with what the session started with."""
    books = books_after()

    assert (SESSION, D(10_000), D(10_000)) == (books.session, books.portfolio.cash, books.available())


def test_a_failure_of_the_strategy_is_kept():
    """The books say with which error the strategy ended the session."""
    assert None is books_after().failure
    assert "ValueError: x" == books_after(StrategyFailed(at=START, error="ValueError: x", policy="keep")).failure


# --- bookings and reservations ----------------------------------------------------------------------------------------


def test_a_fill_moves_position_and_money():
    """Intent, send and fill: the events are told, the position booked, the rest still reserved."""
    books = books_after(*order())
    events = books.apply(fill(40, 40, 40), after(1))

    assert [Filled, OrderChanged] == [type(event) for event in events]
    assert (D(40), D(9600), D(600)) == (books.position("AAPL"), books.portfolio.cash, books.reserved("a"))
    assert (D(9000), D(10), {"AAPL": D(40)}) == (books.available(), books.average("AAPL"), dict(books.held()))


def test_an_order_releases_what_it_kept_when_it_ends():
    """Behind the last fill nothing is reserved."""
    books = books_after(*order(), fill(100, 100, 100))

    assert (D(0), D(9000), Status.FILLED) == (books.reserved("a"), books.available(), books.tracker["a"].status)


def test_a_replacement_that_came_through_releases_the_larger():
    """Once the venue shows the smaller order, no more than it needs is kept."""
    books = books_after(*order(), OrderReported(**_picture("a", "b-a", 100)))
    change = Replacement(client_order_id="a.r1", quantity=D(40))
    books.apply(ReplaceRequested(at=after(2), order_id="a", change=change), after(2))
    pending = books.reserved("a")
    books.apply(OrderReported(**_picture("a.r1", "b-a2", 40, replaces="b-a")), after(3))

    assert (D(1000), D(400)) == (pending, books.reserved("a"))


def test_a_replacement_to_more_keeps_more_at_once():
    """What the larger order may cost is kept from the moment it is asked for."""
    books = books_after(*order(), OrderReported(**_picture("a", "b-a", 100)))
    change = Replacement(client_order_id="a.r1", quantity=D(150), limit_price=D(11))
    books.apply(ReplaceRequested(at=after(2), order_id="a", change=change), after(2))
    pending = books.reserved("a")
    books.apply(OrderReported(**_picture("a.r1", "b-a2", 150, replaces="b-a")), after(3))

    assert (D(1650), D(1650)) == (pending, books.reserved("a"))


def _picture(name, broker, quantity, **more):
    return {
        "at": after(1),
        "client_order_id": name,
        "broker_order_id": broker,
        "symbol": "AAPL",
        "side": Side.BUY,
        "status": VenueStatus.NEW,
        "quantity": D(quantity),
        **more,
    }


def test_a_bust_takes_its_money_back():
    """A fill that is taken back leaves at its own price, and what is left keeps its average."""
    books = books_after(*order(), fill(40, 40, 40), fill(60, 100, 100, at=2, price=20))
    books.apply(correction("x2"), after(3))

    assert (D(40), D(10), D(9600)) == (books.position("AAPL"), books.average("AAPL"), books.portfolio.cash)


def correction(execution_id, *, at=3):
    return ExecutionCorrected(
        at=after(at),
        client_order_id="a",
        broker_order_id="b-a",
        symbol="AAPL",
        side=Side.BUY,
        correction=Correction(id=f"c{at}", execution_id=execution_id, quantity=D(0), price=D(20), at=after(at)),
    )


# --- the venue's word on the position (worked sequence 12) ------------------------------------------------------------


def test_a_position_that_does_not_add_up_is_suspect():
    """The venue says 140 after a fill, ours is 100: an alarm, and no new entry in the symbol."""
    books = books_after(*order())
    events = books.apply(fill(100, 100, 140), after(1))

    assert [AlarmCode.POSITION_SUSPECT] == alarms(events)
    assert "the venue says 140, our books say 100: an execution is missing" == events[-1].message
    assert SUSPECT == books.flags("AAPL")


def test_a_position_that_adds_up_is_not_suspect():
    """The check compares with the position behind the fill."""
    assert frozenset() == books_after(*order(), fill(40, 40, 40), fill(60, 100, 100, at=2)).flags("AAPL")


def test_the_alarm_is_told_once():
    """Further fills that still do not add up tell nothing new."""
    books = books_after(*order(), fill(40, 40, 80))
    events = books.apply(fill(60, 100, 140, at=2), after(2))

    assert [] == alarms(events)
    assert SUSPECT == books.flags("AAPL")


def test_the_missing_execution_clears_the_suspicion():
    """A fill of another order that explains the difference, told late by a listing, lowers the flag."""
    books = books_after(*order(), *order("z"), fill(100, 100, 140, at=5))
    books.apply(activity(40, 40, at=4, name="z"), after(6))

    assert (D(140), frozenset()) == (books.position("AAPL"), books.flags("AAPL"))


def test_a_stranger_that_explains_the_position_clears_the_suspicion():
    """A fill of an order that nobody knows is suspect until the order is adopted and its fill booked."""
    books = books_after()
    suspected = books.apply(fill(100, 100, 100, name="s"), after(1))
    request = OrderRequest.limit("AAPL", Side.BUY, D(100), D(10), client_order_id="s")
    books.apply(Adopted(at=after(2), request=request, foreign=True), after(2))

    assert [AlarmCode.POSITION_SUSPECT] == alarms(suspected)
    assert (D(100), frozenset()) == (books.position("AAPL"), books.flags("AAPL"))


def test_an_older_position_is_not_held_against_newer_books():
    """Fills that arrive in the wrong order: only the latest position counts."""
    books = books_after(*order(), fill(60, 100, 100, at=2, number=2))
    events = books.apply(fill(40, 40, 40, at=1, number=1), after(3))

    assert ([], frozenset()) == (alarms(events), books.flags("AAPL"))


def test_a_repetition_is_not_held_against_newer_books():
    """A fill told again, behind another whose position was not told, says where the position was, not where it is."""
    first = fill(40, 40, 40)
    books = books_after(*order(), first, activity(60, 100, at=2))
    events = books.apply(first, after(3))

    assert ([], frozenset()) == (alarms(events), books.flags("AAPL"))


def test_a_repetition_is_not_held_against_a_bust():
    """A fill told again after another one was taken back raises no suspicion."""
    second = fill(60, 100, 100, at=2)
    books = books_after(*order(), fill(40, 40, 40), second, correction("x2"))

    assert [] == alarms(books.apply(second, after(4)))
    assert [] == alarms(books.apply(activity(60, 100, at=2), after(4)))
    assert (D(40), frozenset()) == (books.position("AAPL"), books.flags("AAPL"))


def test_two_fills_of_one_moment_may_be_repeated():
    """Where moments are equal the later telling counts, and repeating the earlier changes nothing."""
    first, second = fill(40, 40, 40, number=1), fill(60, 100, 100, number=2)
    books = books_after(*order(), first, second)

    assert ([], frozenset()) == (alarms(books.apply(first, after(2))), books.flags("AAPL"))


# --- reconciliation ---------------------------------------------------------------------------------------------------


def test_synced_clears_flags_and_orphans():
    """Books that equal the venue have nothing to suspect, and what a complete listing did not know is an orphan."""
    stray = fill(5, 5, 145, at=2, name="nobody")
    books = books_after(*order(), fill(100, 100, 140), stray, SyncBegan(at=after(9), epoch=1))
    books.tracker.flag("AAPL", SymbolFlag.OVERFILLED)
    before = books.flags("AAPL"), len(books.tracker.parked), books.epoch, books.synced
    books.apply(synced(), after(10))

    assert (SUSPECT | {SymbolFlag.OVERFILLED}, 1, 0, None) == before
    assert (frozenset(), [], 1, after(10)) == (books.flags("AAPL"), books.tracker.parked, books.epoch, books.synced)
    assert {Outcome.APPLIED: 1, Outcome.ORPHAN: 1} == {key: n for key, n in books.tracker.counts.items() if n}


def test_what_was_said_before_the_sync_is_settled():
    """A repetition of an old fill is not held against books that were made equal to the venue."""
    first = fill(100, 100, 140)
    adjustment = PositionAdjusted(at=after(9), id="j", symbol="AAPL", quantity=D(-30), price=D(10), reason="r")
    books = books_after(*order(), first, adjustment, synced())

    assert ([], frozenset()) == (alarms(books.apply(first, after(11))), books.flags("AAPL"))


def test_an_adjustment_counts_once():
    """The same adjustment found again, by its id, changes nothing."""
    adjustment = PositionAdjusted(at=START, id="j1", symbol="AAPL", quantity=D(-40), price=D(12), reason="r")
    books = books_after(*order(), fill(100, 100, 100), adjustment, adjustment)

    assert (D(60), D(9480), [adjustment]) == (books.position("AAPL"), books.portfolio.cash, books.adjustments)
    assert D(80) == books.portfolio.realised()


@pytest.mark.parametrize(("trusted", "flags"), [(True, frozenset()), (False, frozenset({SymbolFlag.REDUCE_ONLY}))])
def test_a_mismatch_is_an_alarm(trusted, flags):
    """Where the venue is trusted an adjustment follows; where not, only exits pass."""
    books = books_after()
    fact = PositionMismatched(at=after(1), epoch=1, symbol="AAPL", book=D(1), venue=D(2), trusted=trusted)
    events = books.apply(fact, after(1))

    assert [AlarmCode.POSITION_MISMATCH] == alarms(events)
    assert flags == books.flags("AAPL")


def engine_on(journal, broker, clock, policy=MismatchPolicy.TRUST_VENUE):
    engine = ExecutionEngine(
        broker,
        feed=broker,
        journal=journal,
        gate=RiskGate(),
        clock=clock,
        host_clock=ManualHostClock(),
        settings=EngineSettings(reconcile=ReconcileSettings(mismatch=policy)),
    )
    engine.start(SESSION)
    return engine


@pytest.mark.parametrize(
    ("policy", "position", "flags"),
    [
        (MismatchPolicy.TRUST_VENUE, 60, frozenset()),
        (MismatchPolicy.REDUCE_ONLY, 100, frozenset({SymbolFlag.REDUCE_ONLY})),
    ],
)
def test_a_restart_does_with_a_mismatch_what_the_policy_says(tmp_path, policy, position, flags):
    """Book 100, venue 60: trusted, an adjustment by 40 that the next start does not book again; else reduce-only."""
    clock = SimulatedClock(START)
    broker = FakeBroker(clock)
    with Journal(tmp_path / "j") as journal:
        engine = engine_on(journal, broker, clock, policy)
        engine.books.portfolio.mark("AAPL", D(10))
        engine.submit(OrderRequest.limit("AAPL", Side.BUY, D(100), D(10), client_order_id="a"))
        broker.fill("a", D(100), D(10))
        engine.step()
        broker.hold("AAPL", D(60), D(10))
        engine.reconcile()
        first = engine.books.fingerprint(venue=True)
    with Journal(tmp_path / "j") as journal:
        assert first == recovered(journal).fingerprint(venue=True)
        again = engine_on(journal, broker, clock, policy).books

    assert (D(position), flags) == (again.position("AAPL"), again.flags("AAPL"))
    assert (1 if policy is MismatchPolicy.TRUST_VENUE else 0) == len(again.adjustments)


# --- replay -----------------------------------------------------------------------------------------------------------


def test_a_replay_gives_the_same_books(tmp_path):
    """The fold over the journal of a whole session has the session's fingerprint, orders, money and reservations."""
    session = open_session(SessionConfig(seed=7), tmp_path)
    result = session.run()
    session.journal.close()
    with Journal(tmp_path / "journal.sqlite") as journal:
        books = recovered(journal)

    assert result.fills > 0
    assert result.books.fingerprint(venue=True) == books.fingerprint(venue=True)
    assert list(result.books.tracker) == list(books.tracker)
    assert list(result.books.portfolio.reservations()) == list(books.portfolio.reservations())
    assert result.books.portfolio.cash.as_tuple() == books.portfolio.cash.as_tuple()


FACTS = [*order(), fill(40, 40, 40), *order("z", Side.SELL, 10), synced(), fill(60, 100, 100, at=11)]


def test_every_fact_is_in_the_fingerprint():
    """Books that lack a fact, or saw it at another moment, do not have the same fingerprint."""
    prints = {books_after(*FACTS[:count]).fingerprint(venue=True) for count in range(len(FACTS) + 1)}
    late = Books()
    for fact in (SESSION, *FACTS):
        late.apply(fact, after(99))

    assert len(FACTS) == len(prints)  # a sync changes neither orders nor money
    assert late.fingerprint(venue=True) not in prints


def test_equal_numbers_have_equal_fingerprints():
    """1.0 and 1.00 are the same amount."""
    plain, padded = Books(), Books()
    plain.apply(SESSION, START)
    padded.apply(SessionStarted(at=START, session_id="tb", cash=D("10000.00"), config="", data_digest=""), START)

    assert plain.fingerprint(venue=True) == padded.fingerprint(venue=True)


def test_an_empty_journal_gives_empty_books():
    """Nothing recorded is no session."""
    with Journal(None) as journal:
        assert None is recovered(journal).session


@pytest.mark.parametrize("fact", [NotFound(at=START, order_id="nobody"), order()[0]])
def test_facts_that_do_not_follow_are_named(fact):
    """A sound file that tells of an unknown order, or of one twice, is a JournalError with number and kind."""
    with Journal(None) as journal:
        for each in (SESSION, *order(), fact):
            journal.append(each, START)
        journal.commit()

        with pytest.raises(JournalError, match=f"fact 4, {type(fact).__name__}, does not follow"):
            recovered(journal)


# --- fees in the coin -------------------------------------------------------------------------------------------------


def money(books):
    portfolio = books.portfolio
    return portfolio.cash, portfolio.fees, portfolio.realised() + portfolio.unrealised() - portfolio.fees


def test_a_fee_in_the_coin_leaves_less_than_was_filled():
    """All of the price is paid, so much less is held, and the rest is a fee at its worth: profit adds up."""
    books = books_after(*order(), coin_fill(100, 100, "99.75", price=8, coin="0.25"))
    books.portfolio.mark("AAPL", D(9))
    position = books.portfolio.positions["AAPL"]

    assert (D(100), D("99.75")) == (books.tracker["a"].filled, books.position("AAPL"))
    assert (D(9200), D(2), D("97.75")) == money(books)
    assert (D(8), D(0)) == (position.average, position.realised)
    assert D("97.75") == books.portfolio.profit()
    assert frozenset() == books.flags("AAPL")


def test_a_bust_gives_a_fee_in_the_coin_back():
    """What is taken back leaves as it came, coin and all, in one booking or in parts."""
    bust = ExecutionCorrected(
        at=after(3),
        client_order_id="a",
        broker_order_id="b-a",
        symbol="AAPL",
        side=Side.BUY,
        correction=Correction(id="c", execution_id="x2", quantity=D(0), price=D(10), at=after(3)),
    )
    first = coin_fill(40, 40, "39.9", price=8, coin="0.1")
    books = books_after(*order(), first, coin_fill(60, 100, "99.75", at=2, coin="0.15"), bust)
    expected = books_after(*order(), first)

    assert expected.position("AAPL") == books.position("AAPL") == D("39.9")
    assert expected.portfolio.positions == books.portfolio.positions
    assert money(expected) == money(books)


def test_a_fee_in_the_coin_that_is_told_later_is_taken_then():
    """A source that does not tell the coin's fee is made up for by one that does."""
    late = evolve(activity(100, 100), execution=evolve(activity(100, 100).execution, fee_quantity=D("0.25")))
    books = books_after(*order(), fill(100, 100, None), late)
    expected = books_after(*order(), coin_fill(100, 100, None, coin="0.25"))

    assert D("99.75") == books.position("AAPL")
    assert expected.portfolio.positions == books.portfolio.positions
    assert money(expected) == money(books)


def test_equal_money_with_other_fees_in_the_coin_is_another_fingerprint():
    """Books that differ in what was taken in the coin are not equal."""
    assert len({books_after(*order(), coin_fill(100, 100, None, coin=c)).fingerprint() for c in ("0", "0.25")}) == 2


def test_what_the_way_to_the_venue_leaves_is_no_part_of_the_books():
    """The venue's ids and repetitions make no difference, unless they are asked for."""
    plain, other = books_after(*order(), fill(40, 40, 40)), books_after(*order(), fill(40, 40, 40), fill(40, 40, 40))

    assert plain.fingerprint() == other.fingerprint()
    assert plain.fingerprint(venue=True) != other.fingerprint(venue=True)
