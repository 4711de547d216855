"""Facts and orders in plain words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from attrs import evolve

from bridge.cli import words
from engine import facts
from engine.decisions import Refusal, Seen, TradingState
from engine.errors import Diverged
from engine.facts import Fact
from engine.model import (
    Correction,
    Cost,
    Execution,
    Exits,
    OrderRequest,
    OrderType,
    Replacement,
    Role,
    Side,
    TimeInForce,
    VenueStatus,
)
from engine.risk.locks import Locks

NOON = datetime(2024, 1, 2, 12, tzinfo=UTC)
D = Decimal
BUY = OrderRequest.market("SPY", Side.BUY, D(62), client_order_id="tb-1")
EXECUTION = Execution(
    id="x1", cumulative=D(62), quantity=D(62), price=D("478.710"), at=NOON, fee=D("0.5"), position_after=D(62)
)
IN_COIN = evolve(EXECUTION, fee=D(0), fee_quantity=D("0.155"), assumption="open", costs=(Cost("spread", D("2.50")),))
VENUE = {"symbol": "SPY", "side": Side.BUY, "client_order_id": "tb-1", "broker_order_id": "b1"}


def fact(name, **values):
    return getattr(facts, name)(at=NOON, **values)


def told(name, **values):
    return fact(name, order_id="tb-1", **values)


def correction(quantity):
    return Correction(id="c1", execution_id="x1", quantity=D(quantity), price=D(9), at=NOON)


FACTS = [
    (
        fact("SessionStarted", session_id="tb", cash=D("1E+5"), config="", data_digest=""),
        "session tb begins with cash 100000",
    ),
    (
        fact("Intended", request=BUY, role=Role.SINGLE, group=None, reserve_price=D("497.80"), opening=D(62)),
        "we mean to buy 62 SPY at market, day; passed the gate (opens 62, at worst 497.8)",
    ),
    (
        fact("Intended", request=BUY, role=Role.SINGLE, group=None, reserve_price=D("497.80"), opening=D(0)),
        "we mean to buy 62 SPY at market, day; passed the gate (only closes a position)",
    ),
    (
        fact("Denied", request=BUY, refusal=Refusal(code="INSUFFICIENT_CASH", message="5 is free")),
        "our gate refused to buy 62 SPY at market, day: INSUFFICIENT_CASH, 5 is free",
    ),
    (
        fact(
            "Intended",
            request=BUY,
            role=Role.SINGLE,
            group=None,
            reserve_price=D(5),
            opening=D(62),
            sending=True,
            changes=("whole shares",),
        ),
        "we mean to buy 62 SPY at market, day; whole shares; passed the gate (opens 62, at worst 5); sent to the venue",
    ),
    (
        fact("Denied", request=BUY, refusal=Refusal(code="WOULD_FLIP", message="60 closes it", nearest="60")),
        "our gate refused to buy 62 SPY at market, day: WOULD_FLIP, 60 closes it; 60 would have passed",
    ),
    (
        fact("DayBegan", number=2, opens=NOON, closes=NOON + timedelta(hours=6), equity=D("1000.50")),
        "session day 2 begins, 2024-01-02 12:00:00 to 2024-01-02 18:00:00; equity 1000.5",
    ),
    (
        fact("DayBegan", number=1, opens=NOON, closes=datetime.max.replace(tzinfo=UTC), equity=None),
        "session day 1 begins, from 2024-01-02 12:00:00 on; equity not known",
    ),
    (
        fact(
            "Locked",
            id="a",
            protection="cooldown",
            symbol="SPY",
            side=Side.BUY,
            until=NOON,
            reason="why",
            trades=(1, 2),
        ),
        "cooldown locks buy entries of SPY until 2024-01-02 12:00:00 (trades 1, 2): why",
    ),
    (
        fact("Locked", id="a", protection="max-drawdown", symbol=None, side=None, until=NOON, reason="why"),
        "max-drawdown locks entries of all symbols until 2024-01-02 12:00:00: why",
    ),
    (fact("LocksReleased", ids=("a", "b"), reason="by hand"), "locks lifted, by hand: a, b"),
    (
        fact("TradingStateChanged", state=TradingState.HALTED, reason="by hand"),
        "trading is halted from here on: by hand",
    ),
    (
        told(
            "ReplaceDenied",
            change=Replacement(client_order_id="tb-1.r1", quantity=D(9)),
            refusal=Refusal(code="EXIT_WORKING", message="5 is free", nearest="5"),
        ),
        ("our gate refused a change (quantity 9, under the id tb-1.r1): EXIT_WORKING, 5 is free; 5 would have passed"),
    ),
    (
        fact("FlattenRequested", symbol="SPY", reason="the day ends"),
        "out of SPY, the day ends: its orders are cancelled, then what is held is closed",
    ),
    (fact("Flattened", symbol="SPY"), "nothing is held in SPY any more"),
    (told("Sent"), "sent to the venue"),
    (told("Unsent", reason="429", earliest=None), "nothing was sent: 429"),
    (told("Unsent", reason="429", earliest=NOON), "nothing was sent: 429, again from 2024-01-02 12:00:00 on"),
    (told("Withdrawn", reason="asked for"), "given up before it was sent: asked for"),
    (
        told("Unanswered", reason="time-out"),
        "whether it arrived is not known: time-out; it is looked up and never sent again",
    ),
    (told("RejectedByVenue", reason="too small"), "the venue did not accept it: too small"),
    (told("CancelRequested", reason="asked for"), "we ask for its end: asked for"),
    (told("CancelRefused", reason="filled"), "the venue refused the cancel: filled"),
    (
        told("ReplaceRequested", change=Replacement(client_order_id="tb-1.r1", quantity=D(5), stop_price=D("4.50"))),
        "we ask for a change: quantity 5, stop 4.5, under the id tb-1.r1",
    ),
    (told("ReplaceRefused", client_order_id="tb-1.r1", reason="no"), "the change tb-1.r1 did not happen: no"),
    (told("NotFound"), "asked by every id, the venue does not know it"),
    (
        told("DeclaredLost", answers=4, since=NOON),
        'taken for lost: 4 answers "not found" since 2024-01-02 12:00:00',
    ),
    (told("Reopened", evidence="listed as new"), "the venue shows it live: listed as new"),
    (fact("Adopted", request=BUY, foreign=True), "found at the venue, somebody else's: buy 62 SPY at market, day"),
    (
        fact("Adopted", request=BUY, foreign=False),
        "found at the venue, unknown to the journal: buy 62 SPY at market, day",
    ),
    (fact("SyncBegan", epoch=2), "reconciliation 2 begins"),
    (
        fact(
            "Synced",
            epoch=2,
            gap=28.0,
            recovered=2,
            duplicates=2,
            provisional_replaced=0,
            orphans=1,
            shadows=0,
            mismatches=0,
        ),
        "reconciliation 2 ended: 2 fills recovered, 1 orphans, 0 mismatches",
    ),
    (
        fact("PositionMismatched", epoch=2, symbol="SPY", book=D(100), venue=D(60), trusted=True),
        "the venue holds 60 SPY, our books 100",
    ),
    (
        fact("PositionAdjusted", id="adjust-1", symbol="SPY", quantity=D(-40), price=D(10), reason="epoch 2"),
        "the books follow the venue by -40 SPY at 10: epoch 2",
    ),
    (
        fact("StrategyFailed", error="ValueError: no (mine.py, line 3)", policy="cancel"),
        "the strategy raised ValueError: no (mine.py, line 3); on_error is cancel",
    ),
    (fact("OrderReported", **VENUE, status=VenueStatus.NEW), "it works at the venue as b1"),
    (
        fact("OrderReported", **VENUE, status=VenueStatus.NEW, replaces="b0", cumulative=D(40), average=D(10)),
        "it works at the venue as b1, in place of b0, 40 filled at 10 on average",
    ),
    (
        fact("OrderReported", **VENUE, status=VenueStatus.FILLED, cumulative=D(62), execution=EXECUTION),
        "filled 62 at 478.71, fee 0.5 (execution x1 of b1; position then 62)",
    ),
    (
        fact("OrderReported", **VENUE, status=VenueStatus.FILLED, cumulative=D(62), execution=IN_COIN),
        "filled 62 at 478.71 (open, spread 2.5), fee 0.155 of what was bought (execution x1 of b1; position then 62)",
    ),
    (fact("OrderReported", **VENUE, status=VenueStatus.EXPIRED), "the venue let it expire as b1"),
    (
        fact("ExecutionReported", **VENUE, execution=EXECUTION),
        "an account activity: filled 62 at 478.71, fee 0.5 (execution x1 of b1; position then 62)",
    ),
    (fact("ExecutionCorrected", **VENUE, correction=correction(0)), "the venue took execution x1 back"),
    (fact("ExecutionCorrected", **VENUE, correction=correction(5)), "the venue corrected execution x1 to 5 at 9"),
]


@pytest.mark.parametrize(("given", "expected"), FACTS, ids=lambda value: type(value).__name__)
def test_facts(given, expected):
    """A fact is told in words, with its numbers."""
    assert expected == words.fact(given)


def test_no_fact_is_without_words():
    """The cases above have every kind of fact."""
    assert set(get_args(Fact)) == {type(given) for given, _ in FACTS}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"type": OrderType.LIMIT, "limit_price": D("9.50")}, "limit 9.5, day"),
        ({"type": OrderType.STOP, "stop_price": D(8)}, "stop 8, day"),
        ({"type": OrderType.STOP_LIMIT, "stop_price": D(8), "limit_price": D(7)}, "stop 8 limit 7, day"),
        ({"type": OrderType.TRAILING_STOP, "trail_price": D(2)}, "trailing by 2, day"),
        ({"type": OrderType.TRAILING_STOP, "trail_percent": D(2)}, "trailing by 2 %, day"),
        ({"time_in_force": TimeInForce.IOC}, "at market, ioc"),
        ({"time_to_live": timedelta(minutes=5)}, "at market, day, for 0:05:00 at most"),
        (
            {"exits": Exits(take_profit=D(12), stop_loss=D(8), stop_limit=D("7.9"))},
            "at market, day, take-profit 12, stop-loss 8, stop limit 7.9",
        ),
    ],
)
def test_requests(more, expected):
    """What an order asks for, type by type."""
    wanted = OrderRequest(symbol="SPY", side=Side.SELL, quantity=D(1), **more)

    assert f"sell 1 SPY {expected}" == words.request(wanted)


def test_what_a_decision_was_made_on():
    """The numbers that were looked at, and no others."""
    full = Seen(state=TradingState.HALTED, held=D("1.50"), mark=D(9), marked=NOON, entries=0, day_trades=3)

    assert "trading active, held 0" == words.seen(Seen(state=TradingState.ACTIVE, held=D(0)))
    assert "trading halted, held 1.5, mark 9, entries today 0, day trades 3, mark of 2024-01-02 12:00:00" == words.seen(
        full
    )


def test_locks_of_a_list():
    """Whom a lock kept out and why; whether somebody lifted it."""
    lock = fact("Locked", id="a", protection="p", symbol=None, side=Side.SELL, until=NOON, reason="why", trades=(3,))
    locks = Locks()
    locks.lock(lock)
    before = words.lifted(lock, locks)
    locks.release(fact("LocksReleased", ids=("a",), reason="by hand"))

    assert "sell entries of all symbols: why (trades 3)" == words.barred(lock)
    assert ("", "lifted 2024-01-02 12:00:00, by hand") == (before, words.lifted(lock, locks))


def test_only_decisions_were_made_on_something():
    """Intents and refusals of the gate tell what was looked at; other facts, and older ones, do not."""
    looked = Seen(state=TradingState.ACTIVE, held=D(0))
    refusal = Refusal(code="A", message="b", seen=looked)

    assert "trading active, held 0" == words.made_on(fact("Denied", request=BUY, refusal=refusal))
    assert None is words.made_on(fact("Denied", request=BUY, refusal=Refusal(code="A", message="b")))
    assert None is words.made_on(told("Sent"))


def test_moments():
    """Moments are told to the second, and finer only where there is more."""
    assert "2024-01-02 12:00:00" == words.moment(NOON)
    assert "2024-01-02 12:00:00.25" == words.moment(NOON + timedelta(microseconds=250_000))


def test_averages():
    """An average price is told to eight decimals."""
    assert ("-", "3.33333333") == (words.average(None), words.average(D(10) / 3))


def test_divergence():
    """Where two runs part: the bar, what the journal has, and what this run has."""
    error = Diverged(
        bar=NOON, recorded=told("Sent"), found=fact("Denied", request=BUY, refusal=Refusal(code="A", message="b"))
    )
    lines = words.divergence(error).splitlines()

    assert "the session is not deterministic: at the bar of 2024-01-02 12:00:00" == lines[0]
    assert "  the journal has  Sent tb-1: sent to the venue" == lines[1]
    assert "  this run has     Denied tb-1: our gate refused to buy 62 SPY at market, day: A, b" == lines[2]


def test_divergence_without_a_fact():
    """A run that went past what the journal has is told too."""
    lines = words.divergence(Diverged(bar=None, recorded=told("Sent"), found=None)).splitlines()

    assert "the session is not deterministic: before the first bar" == lines[0]
    assert "  this run has     nothing any more" == lines[2]
