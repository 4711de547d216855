"""A journal folded in step with its bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from engine.books.journal import Journal
from engine.calendar import AlwaysOpen
from engine.decisions import TradingState
from engine.errors import JournalError
from engine.facts import Intended, LocksReleased, Sent, TradingStateChanged
from engine.market.bars import Bar, slices
from engine.market.synthetic import synthetic_calendar, synthetic_day
from engine.model import Exits, OrderRequest, Side, TimeInForce
from engine.report.figures import figures
from engine.report.history import Lock, history
from engine.report.statistics import Slip
from engine.session import MarketConfig, MarketData, PaperSession, SessionConfig
from engine.strategies.sma_cross import SmaCross
from engine.testing import ManualHostClock

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SYMBOL = "<b>X&Y</b>/USD"


def test_equity_at_the_close_of_every_bar(told):
    """What the account was worth, worked out by hand: prices 10, 11, 9, 10, 8 and the fees of four fills."""
    # 100 bought at 10 for 1 fee, 40 sold at 12 for 0.48; 10 bought at 10 for 0.10, stopped at 8 for 0.08.
    equity = [10_000, 10_000, 10_099, "10018.52", "10078.42", "9938.34"]

    assert [D(value) for value in equity] == told.curve.equity
    assert [START + number * MINUTE for number in range(6)] == told.curve.at
    assert (4, True) == (told.curve.exposed, told.curve.by_bar)


def test_fills_with_what_was_expected(told):
    """A market order expects the last price, a stop its stop price; what is worse costs."""
    rows = [(fill.order_id, fill.quantity, fill.price, fill.expected) for fill in told.fills]

    assert [("first", 100, 10, 10), ("part", -40, 12, 11), ("guarded", 10, 10, 9), ("guarded.sl", -10, 8, 8)] == rows
    assert [0, -40, 10, 0] == [fill.slip.cost for fill in told.fills]


def test_a_limit_order_bounds_its_fill(play, market):
    """A fill at a limit or better does not slip; it is left out of slippage."""

    class Limit:
        def on_bar(self, bar, trader):
            if not trader.position(bar.symbol):
                trader.submit(OrderRequest.limit(bar.symbol, Side.BUY, D(1), D(10), time_in_force=TimeInForce.GTC))

        def on_event(self, event, trader): ...

    journal, _ = play(strategy=Limit())
    (fill, *_) = history(journal, market()).fills

    assert (None, None) == (fill.expected, fill.slip)


def test_orders_as_they_ended(told):
    """Each order in the order of its intent, with the market's price then, and why its end was asked for."""
    states = {order.id: order.status.value for order in told.orders}
    expected = {
        "first": "filled",
        "rests": "working",
        "given-up": "canceled",
        "part": "filled",
        "much": "denied",
        "guarded": "filled",
        "guarded.sl": "filled",
    }

    assert expected == states
    assert list(expected) == list(states)
    assert {"given-up": "no <i>longer</i> wanted"} == told.cancelled
    assert (D(10), D(11), D(9)) == tuple(told.placed_at[order] for order in ("first", "much", "guarded"))


def test_what_is_left_at_the_end(told):
    """Money, profit and positions of the books, and the period."""
    assert (D("9458.34"), D("1.66"), {SYMBOL: D(60)}) == (told.cash, told.fees, told.positions)
    assert told.curve.equity[-1] == 10_000 + told.realised + told.unrealised - told.fees
    assert (START, START + 5 * MINUTE, MINUTE, None) == (told.first, told.last, told.width, told.failure)


def test_prices_for_drawing(told):
    """Low, high and close of each bar."""
    prices = told.prices[SYMBOL]

    assert [10, 10, 9, 10, 7] == list(prices.low)
    assert [10, 11, 12, 10, 9] == list(prices.high)
    assert [10, 11, 9, 10, 8] == list(prices.close)


def test_without_bars_equity_is_known_at_fills(play):
    """Positions are valued at the price of their last fill, and nothing is said of bars."""
    journal, _ = play()
    told = history(journal)

    assert [D(value) for value in (10_000, 9_999, "10198.52", "10078.42", "9938.34")] == told.curve.equity
    assert (False, 0, {}, None, None) == (
        told.curve.by_bar,
        told.curve.exposed,
        told.prices,
        told.calendar,
        told.width,
    )


def test_until(play, market):
    """Bars that were not played are left out; what happened in a bar that did not end is taken at its last prices."""
    journal, _ = play()
    told = history(journal, market(), until=START + 3 * MINUTE)

    assert [START + number * MINUTE for number in range(4)] == told.curve.at[:4]
    assert (3, 4) == (len(told.prices[SYMBOL].at), len(told.fills))
    assert START + 4 * MINUTE < told.last < START + 5 * MINUTE


class Bracket:
    """Buys three bars after it was flat, with both exits close by."""

    def __init__(self):
        self.flat = {}

    def on_bar(self, bar, trader):
        held = trader.position(bar.symbol)
        self.flat[bar.symbol] = 0 if held else self.flat.get(bar.symbol, 0) + 1
        if self.flat[bar.symbol] == 3:
            cents = D("0.15")
            exits = Exits(take_profit=bar.close + cents, stop_loss=bar.close - cents)
            trader.submit(OrderRequest.market(bar.symbol, Side.BUY, D(10), exits=exits, time_in_force=TimeInForce.GTC))

    def on_event(self, event, trader): ...


def session(strategy, seed, **market):
    """A session on the made-up day of a seed: what it measured itself, and its history."""

    def data():
        days = list(slices(synthetic_day(seed)))
        return MarketData(days[0][0].start, days, synthetic_calendar(), "")

    config = SessionConfig(seed=seed, market=MarketConfig(**market))
    journal = Journal(None)
    result = PaperSession(config, journal, data(), strategy=strategy, host_clock=ManualHostClock()).run()
    return result, history(journal, data())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("strategy", [SmaCross, Bracket])
def test_the_session_counted_the_same(strategy, seed):
    """Exposure, drawdown and equity of the fold are those that the session itself measured, bar by bar."""
    result, told = session(strategy(), seed, ideal=True)
    found = figures(told)
    tally = result.tally

    assert result.fills > 5
    assert (tally.bars, tally.exposed) == (len(told.curve.at) - 1, told.curve.exposed)
    assert (tally.drawdown, tally.drawdown_ratio) == (found.drawdown.amount, found.drawdown.ratio)
    assert (result.books.portfolio.equity(), result.books.fingerprint()) == (found.end, told.fingerprint)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("strategy", [SmaCross, Bracket])
def test_a_market_with_frictions_is_counted_the_same(strategy, seed):
    """
    Bar by bar too, with partial fills, spreads and queues.

    But for limits that close and next open both touch and that waited in a queue: nobody can tell the two apart then.
    """
    result, told = session(strategy(), seed)

    assert result.fills > 5
    assert abs(result.tally.exposed - told.curve.exposed) <= 2
    assert result.tally.drawdown == pytest.approx(figures(told).drawdown.amount, abs=D("0.1"))
    assert (result.books.portfolio.equity(), result.books.fingerprint()) == (told.curve.equity[-1], told.fingerprint)


def test_what_a_simulated_venue_assumed(play):
    """Each fill names what made it, and what the venue's models made it dearer by; sums go by model."""
    _, told = session(SmaCross(fast=5, slow=20), 1)
    found = figures(told)

    assert {"open"} <= {fill.assumption for fill in told.fills}
    assert {"spread", "slippage"} == set(found.modelled)
    assert found.modelled["spread"] == sum(
        cost.amount for fill in told.fills for cost in fill.costs if cost.model == "spread"
    )
    assert found.slippage.cost > 0


def test_trades_are_those_of_the_books():
    """Positions from flat to flat, in the order in which they closed."""
    result, told = session(Bracket(), 0, ideal=True)

    assert list(result.books.trades.closed) == told.trades
    assert [1, 2, 3] == [trade.number for trade in told.trades]


def test_locks_states_and_changes_are_taken_from_the_journal(play, market, locked):
    """Locks with their release, changes of the trading state, and what a symbol's rules changed of an order."""
    whole, _ = play()
    journal = Journal(None)
    halted = TradingStateChanged(at=START + 4 * MINUTE, state=TradingState.HALTED, reason="by hand")
    more = [
        locked(1),
        locked(2),
        LocksReleased(at=START + 2 * MINUTE, ids=("lock-2", "unknown"), reason="looked at it"),
        halted,
    ]
    for entry in whole.entries():
        fact = entry.fact
        if isinstance(fact, Intended) and fact.request.id == "rests":
            fact = evolve(fact, changes=("0.999 -> 1, tick 0.01",))
        journal.append(fact, entry.at)
    for fact in more:
        journal.append(fact, START + 5 * MINUTE)
    journal.commit()
    told = history(journal, market())

    assert [Lock(locked(1)), Lock(locked(2), START + 2 * MINUTE, "looked at it")] == told.locks
    assert [halted] == told.states
    assert {"rests": ("0.999 -> 1, tick 0.01",)} == told.changes


def test_a_fill_at_the_very_border_of_two_bars(play):
    """A resting order that the next bar's open fills belongs to that bar, one that the close reached to its own."""

    class Rests:
        bars = 0

        def on_bar(self, bar, trader):
            self.bars += 1
            if self.bars == 1:
                trader.submit(OrderRequest.limit(bar.symbol, Side.BUY, D(1), D(9), time_in_force=TimeInForce.GTC))

        def on_event(self, event, trader): ...

    def bars(*closes):
        made = []
        for number, (opening, close) in enumerate(closes):
            start = START + number * MINUTE
            low, high = min(opening, close), max(opening, close)
            made.append(Bar("A/B", start, start + MINUTE, *map(D, (opening, high, low, close)), D(1)))
        return made

    for closes, exposed in ((((10, 10), (10, 10), (8, 8)), 1), (((10, 10), (10, 9), (9, 9)), 2)):
        journal, result = play(bars(*closes), strategy=Rests())
        data = MarketData(START, [(each,) for each in bars(*closes)], AlwaysOpen(), "")

        assert exposed == result.tally.exposed == history(journal, data).curve.exposed


def test_a_failure_is_told(play, market):
    """A session whose strategy raised has its history up to there, and the error."""

    class Raises:
        def on_bar(self, bar, trader):
            raise ValueError("no idea")

        def on_event(self, event, trader): ...

    journal, _ = play(strategy=Raises())
    told = history(journal, market(), until=START + MINUTE)

    assert told.failure.startswith("ValueError: no idea")
    assert 2 == len(told.curve.at)


def test_a_journal_that_begins_no_session():
    """What is no session has no history; the error says what was expected."""
    with pytest.raises(JournalError, match="a session that has begun"):
        history(Journal(None))
    journal = Journal(None)
    journal.append(Sent(at=START, order_id="x"), START)
    journal.commit()
    with pytest.raises(JournalError, match="begins with SessionStarted"):
        history(journal)


def test_a_journal_that_tells_what_cannot_be(play):
    """A fact about an order that never was is named with its number."""
    journal, _ = play()
    journal.append(Sent(at=START + 9 * MINUTE, order_id="nobody"), START + 9 * MINUTE)
    journal.commit()

    with pytest.raises(JournalError, match=f"fact {len(journal)}, Sent, does not follow"):
        history(journal)


def test_a_correction_does_not_slip(told):
    """A fill that is taken back goes against its order's side and says nothing of slippage."""
    fill = told.fills[0]
    back = evolve(fill, quantity=D(-1))

    assert Slip(side=Side.BUY, quantity=D(100), expected=D(10), price=D(10)) == fill.slip
    assert None is back.slip


def test_a_lock_ends_when_it_is_released(locked):
    """It holds to its end, or until somebody lifted it; a release behind its end changes nothing."""
    lock = locked(first=1, last=3)

    assert START + 3 * MINUTE == Lock(lock).end == Lock(lock, START + 9 * MINUTE, "late").end
    assert START + 2 * MINUTE == Lock(lock, START + 2 * MINUTE, "why not").end
