"""The life of an order, told from the journal."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bridge.cli.explain import life
from engine.books.journal import Journal
from engine.books.recovery import recovered
from engine.clock import SimulatedClock
from engine.errors import OutcomeUnknown
from engine.execution import ExecutionEngine
from engine.facts import SessionStarted, Unanswered
from engine.market.bars import Bar
from engine.model import OrderRequest, Side
from engine.risk.gate import RiskGate
from engine.testing import FakeBroker, Lost, ManualHostClock

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

# One of each fate: filled with exits, denied, changed and cancelled, still working.
MINE = """
from decimal import Decimal

from engine.model import Exits, OrderRequest, Side, TimeInForce

D, GTC = Decimal, {"time_in_force": TimeInForce.GTC}


class Mine:
    def __init__(self):
        self.bars = 0

    def on_bar(self, bar, trader):
        self.bars += 1
        if self.bars == 1:
            exits = Exits(take_profit=D(110), stop_loss=D(95))
            trader.submit(OrderRequest.market("XYZ", Side.BUY, D(2), exits=exits, client_order_id="entry", **GTC))
            trader.submit(OrderRequest.market("XYZ", Side.BUY, D(999999), client_order_id="much", **GTC))
            trader.submit(OrderRequest.limit("XYZ", Side.BUY, D(5), D(50), client_order_id="low", **GTC))
            trader.submit(OrderRequest.limit("XYZ", Side.BUY, D(1), D("10.50"), client_order_id="lower", **GTC))
        if self.bars == 2:
            trader.replace("low", quantity=D(4), limit_price=D(51))
        if self.bars == 3:
            trader.cancel("low", "no longer wanted")

    def on_event(self, event, trader):
        pass
"""


def bar(number, low, high):
    price = Decimal(100)
    start = START + number * MINUTE
    return Bar("XYZ", start, start + MINUTE, price, Decimal(high), Decimal(low), price, Decimal(1))


@pytest.fixture
def session(run, strategy, bars_file):
    """A session in the folder "x": bought at 100, taken with profit at 110 in the fourth bar."""
    path = bars_file(bar(0, 99, 101), bar(1, 99, 101), bar(2, 99, 101), bar(3, 98, 111))
    ran = run(
        "paper",
        "--ideal",
        "--bars",
        path,
        "--symbol",
        "XYZ",
        "--hours",
        "24/7",
        "--strategy",
        strategy(MINE),
        "--fee-bps",
        "10",
        "--out",
        "x",
    )
    assert 0 == ran.code
    return run


def test_all_orders(session):
    """Without an id each order has one line: id, when, what, how it stands."""
    ran = session("explain", "x")
    head, *lines = ran.out.splitlines()
    rows = [re.split(" {2,}", line) for line in lines]

    assert 0 == ran.code
    assert head.endswith(", from 2024-01-02 14:30:00 on: 6 orders")
    at = "2024-01-02 14:31:00"
    assert [
        ["entry", at, "buy 2 XYZ at market, gtc, take-profit 110, stop-loss 95", "filled", "2 of 2 at 100"],
        ["much", at, "buy 999999 XYZ at market, gtc", "denied", "INSUFFICIENT_CASH"],
        ["low", at, "buy 4 XYZ limit 51, gtc", "canceled", "0 of 4"],
        ["lower", at, "buy 1 XYZ limit 10.5, gtc", "working", "0 of 1"],
        ["entry.sl", at, "sell 2 XYZ stop 95, gtc", "canceled", "0 of 2"],
        ["entry.tp", at, "sell 2 XYZ limit 110, gtc", "filled", "2 of 2 at 110"],
    ] == rows


def test_an_order_that_filled(session):
    """Each fact in order with what the order was after it; the fill with price and fee; the end with its evidence."""
    ran = session("explain", "x", "entry")

    assert 0 == ran.code
    assert (
        """\
order       entry  (at the venue: sim-1)
asks for    buy 2 XYZ at market, gtc, take-profit 110, stop-loss 95
role        entry
beside it   entry.sl: stop-loss, canceled, 0 of 2
beside it   entry.tp: take-profit, filled, 2 of 2 at 110

market time          status   filled  average  what happened
2024-01-02 14:31:00  sent     0       -        we mean to buy 2 XYZ at market, gtc, take-profit 110, stop-loss 95; \
passed the gate (opens 2, at worst 104.104); sent to the venue
                                                 decided on: trading active, held 0, mark 100, available 100000
2024-01-02 14:31:00  working  0       -        it works at the venue as sim-1
2024-01-02 14:31:00  filled   2       100      filled 2 at 100 (open), fee 0.2 \
(execution sim-x1 of sim-1; position then 2)

fees        0.2
end         filled: filled 2 of 2
"""
    ) == ran.out


def test_an_order_that_was_denied(session):
    """A denied order says which rule refused it, with its numbers."""
    lines = session("explain", "x", "much").out.splitlines()

    assert "order       much  (never known to the venue)" == lines[0]
    assert lines[4].startswith("2024-01-02 14:31:00  denied  0       -        our gate refused to buy 999999 XYZ")
    assert ": INSUFFICIENT_CASH, the order may cost 104103895.90, " in lines[4]
    assert lines[-1].startswith("end         denied: denied by our gate: INSUFFICIENT_CASH; the order may cost ")


@pytest.mark.parametrize("name", ["low", "low.r1", "sim-2", "sim-6"])
def test_an_order_by_any_id_it_ever_had(session, name):
    """Our id, the venue's and those of a replacement lead to the same order, told whole."""
    lines = session("explain", "x", name).out.splitlines()
    happened = [line.split("  ")[-1].strip() for line in lines[4:-3]]

    assert lines[0].startswith("order       low, low.r1  (at the venue: sim-2, sim-")
    assert "we ask for a change: quantity 4, limit 51, under the id low.r1" in happened
    assert any(line.startswith("it works at the venue as sim-") and "in place of sim-2" in line for line in happened)
    assert "the venue replaced it as sim-2" in happened
    assert "we ask for its end: no longer wanted" in happened
    assert "end         canceled: the venue's canceled of 2024-01-02T14:33:00+00:00" == lines[-1]


def test_an_order_that_lives(session):
    """An order without an end says how it stands and what may still fill."""
    assert (
        "end         none yet: the order is working, 1 may still fill"
        == (session("explain", "x", "lower").out.splitlines()[-1])
    )


def test_a_protective_order(session):
    """A protective order names its entry and its sibling, and why it was cancelled."""
    out = session("explain", "x", "entry.sl").out

    assert "role        stop-loss\nbeside it   entry: entry, filled, 2 of 2 at 100\nbeside it   entry.tp: " in out
    assert "we ask for its end: nothing is left for it to close" in out


def test_an_unknown_order(session):
    """An id that no order has is answered with near ones and how many there are."""
    ran = session("explain", "x", "entri")

    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "found 'entri', expected an id of one of the 6 orders of x (did you mean entry" in ran.err


def test_no_session(run):
    """A folder without a journal is no session."""
    ran = run("explain", ".")

    assert 2 == ran.code
    assert ".: found 'no journal', expected the folder of a session" in ran.err


def test_an_empty_journal(run):
    """A journal in which nothing stands yet has nothing to tell."""
    Journal(Path("journal.sqlite")).close()
    ran = run("explain", ".")

    assert 2 == ran.code
    assert "found 'nothing recorded', expected a session that has begun" in ran.err


LOCKED_OUT = """
[[protections]]
method = "cooldown"
lock_for = "20m"
"""


def test_what_was_locked(run):
    """The locks of a session, a line each, with what they kept out, why, and until when."""
    Path("cooling.toml").write_text(LOCKED_OUT)
    run("paper", "--config", "cooling.toml", "--quiet", "--out", "x")
    first, *lines = run("explain", "x", "--locks").out.splitlines()
    told = json.loads(run("explain", "x", "--locks", "--json").out)["locks"]

    assert f"{len(lines)} locks" == first
    assert [line.split()[0] for line in lines] == [lock["id"] for lock in told]
    assert re.fullmatch(
        r"cooldown\.1/SPY/1 +2024-01-02 15:23:00  2024-01-02 15:43:00 +"
        r"entries of SPY: a trade of SPY closed with -\d+\.\d\d \(signal\) \(trades 1\)",
        lines[0],
    )
    assert ("cooldown", [1], None) == tuple(told[0][key] for key in ("protection", "trades", "released"))


def test_a_refusal_tells_what_it_was_made_on(run):
    """An order that a lock kept out names the lock, and what the gate looked at."""
    Path("cooling.toml").write_text(LOCKED_OUT)
    run("paper", "--config", "cooling.toml", "--set", "fast=3", "--set", "slow=6", "--quiet", "--out", "x")
    order_id = next(line.split()[0] for line in run("explain", "x").out.splitlines() if line.endswith("LOCKED"))
    lines = run("explain", "x", order_id).out.splitlines()

    assert "LOCKED, cooldown keeps entries out of " in lines[4]
    assert lines[5].strip().startswith("decided on: trading active, held 0, mark ")


def test_locks_are_no_order_s(session):
    """An order beside --locks is a mistake."""
    ran = session("explain", "x", "entry", "--locks")

    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))


def test_a_running_session(session):
    """The journal of a session that runs is locked, and the line says so."""
    with Journal(Path("x/journal.sqlite")):
        ran = session("explain", "x")

    assert (4, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "another process has it open; stop that session first" in ran.err


def test_a_session_that_failed(run, strategy):
    """A session whose strategy raised is told, with its error and what it meant for the order."""
    mine = MINE.replace("XYZ", "SPY")
    name = strategy(mine.replace("if self.bars == 2:", "if self.bars == 2:\n            raise ValueError('no')"))
    run("paper", "--strategy", name, "--out", "x")
    lines = run("explain", "x").out.splitlines()

    assert "the strategy raised ValueError: no (mine.py, line " in lines[1]
    assert "the strategy raised ValueError: no " in run("explain", "x", "low").out


def test_an_order_whose_answer_was_lost(tmp_path):
    """Facts about an order by any of its ids are part of its life, and a reconciliation while its fate is open."""
    clock = SimulatedClock(START)
    broker = FakeBroker(clock)
    with Journal(tmp_path / "journal.sqlite") as journal:
        engine = ExecutionEngine(
            broker, feed=broker, journal=journal, gate=RiskGate(), clock=clock, host_clock=ManualHostClock()
        )
        engine.start(SessionStarted(at=START, session_id="tb", cash=Decimal(1000), config="", data_digest=""))
        engine.books.portfolio.mark("X", Decimal(10))
        broker.script("submit", Lost(OutcomeUnknown("submit", waited=5)))
        ticket = engine.submit(OrderRequest.market("X", Side.BUY, Decimal(1)))
        clock.advance_to(START + MINUTE)
        engine.reconcile()
        broker.fill(ticket.id, Decimal(1), Decimal(10))
        engine.step()
        journal.commit()
        told = [
            (type(chapter.entry.fact).__name__, chapter.after and chapter.after.status.value)
            for chapter in life(journal, recovered(journal).tracker, ticket.id)
        ]

    assert [
        ("Intended", "sent"),
        (Unanswered.__name__, "unknown"),
        ("SyncBegan", "unknown"),
        ("OrderReported", "working"),
        ("OrderReported", "filled"),
    ] == told
