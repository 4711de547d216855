"""The tables of the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from engine.decisions import Refusal, TradingState
from engine.facts import TradingStateChanged
from engine.model import Status
from engine.report.history import Lock
from engine.report.listings import locks_section, orders_section, refusals_section, states_section, tone, trades_section

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def test_trades(full, parsed):
    """A row for each, gains and losses in their colour."""
    page = parsed(trades_section(full.trades))
    told = page.text()

    assert 4 == len(page.named("tr"))
    assert {"gain": 2, "loss": 2, "num": 21} == page.classes("td")
    assert "1 <b>X&Y</b>/USD long 10 2024-01-02 14:30 2024-01-02 14:40 10 min 10.00 11.00 +10.00 +10.00 %" in told
    assert "short" in told and "take profit" in told


def test_locks(full, parsed):
    """What kept whom out, how long, why, because of which trades, and whether it was lifted."""
    told = parsed(locks_section(full.locks)).text()

    assert (
        "stoploss-guard <b>X&Y</b>/USD all 2024-01-02 14:31 2024-01-02 14:33 2 min "
        "lost <script>alert(1)</script> too much 1, 2 no"
    ) in told
    assert "stoploss-guard all buy 2024-01-02 14:32" in told
    assert told.endswith("1, 2 2024-01-02 14:33: looked at <it>")


def test_a_lock_of_many_trades(full, parsed):
    """Of hundreds the first and the last are named, and how many there are; of none there is a dash."""
    many, none = (evolve(full.locks[0].lock, trades=trades) for trades in (tuple(range(5, 305)), ()))
    told = parsed(locks_section([Lock(many), Lock(none)])).text()

    assert "too much 5, …, 304 (300 trades) no" in told
    assert told.endswith("too much – no")


def test_trading_states(parsed):
    """When trading was halted and why; a session in which that never changed has no such table."""
    halted = TradingStateChanged(at=START, state=TradingState.HALTED, reason="<b>by hand</b>")

    assert "From State Why 2024-01-02 14:30 halted <b>by hand</b>" in parsed(states_section([halted])).text()
    assert "" == states_section([])


def test_refusals_by_code(full, parsed):
    """The most frequent code first, with count, first and last, and the last one's reason, value and bound."""
    much = full.orders[4]

    def denied(code, minute, **more):
        refusal = Refusal(code=code, message=f"<{code}> at {minute}", **more)
        return evolve(much, refusal=refusal, placed=START + timedelta(minutes=minute))

    orders = [
        denied("RARE", 1),
        denied("OFTEN", 2, value="9", bound="8"),
        denied("OFTEN", 5, value="7", bound="<6>"),
        evolve(full.orders[1], status=Status.REJECTED, note="halted & closed"),
    ]
    page = parsed(refusals_section(evolve(full, orders=orders)))
    told = page.text()

    assert 4 == len(page.named("tr"))
    assert "4 orders in 3 kinds" in told
    assert "OFTEN 2 2024-01-02 14:32 2024-01-02 14:35 <OFTEN> at 5 (order much) 7 <6> RARE 1" in told
    assert "VENUE_REJECTED 1 2024-01-02 14:31 2024-01-02 14:31 halted & closed (order rests) – –" in told


def test_orders(full, parsed):
    """A row for each with its fate, and how many there are of each."""
    page = parsed(orders_section(full))
    told = page.text()

    assert 8 == len(page.named("tr"))
    assert "1 working, 4 filled, 1 canceled, 1 denied" in told
    assert "given-up 2024-01-02 14:31 <b>X&Y</b>/USD buy limit, gtc 2 1.00 canceled no <i>longer</i> wanted" in told
    assert "guarded.sl 2024-01-02 14:33 <b>X&Y</b>/USD sell stop, gtc 10 8.00 stop-loss filled 10 8.00" in told


def test_nothing_to_list_is_said(full):
    """An empty table is a sentence."""
    nothing = evolve(full, orders=[])

    assert "No position was closed." in trades_section([])
    assert "No protection kept anything out." in locks_section([])
    assert "Every order was let through." in refusals_section(nothing)
    assert "No order was meant." in orders_section(nothing)


@pytest.mark.parametrize(("amount", "expected"), [("0.01", "gain"), ("-0.01", "loss"), ("0", "")])
def test_tone(amount, expected):
    """Nothing gained or lost has no colour."""
    assert expected == tone(D(amount))
