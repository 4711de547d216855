"""The figures of a session, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve, fields
from freezegun import freeze_time

from engine.books.journal import Journal
from engine.books.recovery import Books
from engine.books.tally import Tally
from engine.calendar import AlwaysOpen
from engine.clock import SimulatedClock, SystemClock
from engine.facts import SessionStarted
from engine.market.bars import Bar
from engine.model import OrderRequest, Side, TimeInForce
from engine.report.summary import Summary, as_json, as_text, save, summarise
from engine.risk.protections import CooldownPeriod
from engine.session import MarketConfig, MarketData, PaperSession, Result, SessionConfig
from engine.testing import ManualHostClock

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WALL = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


class Script:
    """Buys 100 in the first bar, sells 40 in the second, leaves an order that rests."""

    bars = 0

    def on_bar(self, bar, trader):
        self.bars += 1
        if self.bars == 1:
            trader.submit(OrderRequest.market("BTC/USD", Side.BUY, D(100)))
            trader.submit(OrderRequest.limit("BTC/USD", Side.BUY, D(1), D(1), time_in_force=TimeInForce.GTC))
        if self.bars == 2:
            trader.submit(OrderRequest.market("BTC/USD", Side.SELL, D(40)))

    def on_event(self, event, trader): ...


def played():
    """A run of four bars: bought at 10, sold at 12, last price 9; ten basis points a trade."""
    prices = [10, 10, 12, 9]
    bars = [
        (Bar("BTC/USD", START + i * MINUTE, START + (i + 1) * MINUTE, *[D(price)] * 4, D(1)),)
        for i, price in enumerate(prices)
    ]
    config = SessionConfig(cash=D(10_000), market=MarketConfig(fee_bps=D(10), ideal=True))
    data = MarketData(START, bars, AlwaysOpen(), "")
    return PaperSession(config, Journal(None), data, strategy=Script(), host_clock=ManualHostClock()).run()


@pytest.fixture
def summary():
    return summarise(played(), SimulatedClock(WALL))


def test_the_figures_of_a_small_session(summary):
    """Every figure of an example that can be worked out by hand."""
    # Bought 100 at 10 for 1000 and 1 fee; sold 40 at 12 for 480 and 0.48 fee; 60 left at 9.
    books = summary.books
    expected = Summary(
        outcome="completed",
        first=START,
        last=START + 4 * MINUTE,
        bars=4,
        orders={"working": 1, "filled": 2},
        fills=2,
        cash=D("9478.52"),
        equity=D("10018.52"),
        profit=D("18.52"),
        realised=D(80),
        unrealised=D(-60),
        fees=D("1.48"),
        max_drawdown=D("180.00"),
        max_drawdown_ratio=D("180.00") / D("10198.52"),
        exposure=D("0.75"),
        positions={"BTC/USD": D(60)},
        facts=summary.facts,
        books=books,
        finished=WALL,
        seconds=0.0,
        assumptions={"open": 2},
        costs={},
    )

    assert expected == summary
    assert (64, summary.realised + summary.unrealised - summary.fees) == (len(books), summary.profit)


def test_the_text_has_every_figure_in_its_line(summary):
    """About ten lines, in the same order for every session."""
    expected = f"""\
outcome     completed
market time 2024-01-02 14:30 to 2024-01-02 14:34, 4 bars
orders      3: 1 working, 2 filled
fills       2: 2 open
profit      +18.52  (realised +80.00, open -60.00, fees 1.48)
costs       fees 1.48
equity      10,018.52  (cash 9,478.52)
drawdown    180.00  (1.76%)
exposure    75.0% of the bars
positions   60 BTC/USD
run         1,234.50 s on this machine, {summary.facts} facts in the journal
books       {summary.books[:16]}"""

    assert expected == as_text(evolve(summary, seconds=1234.5))


def test_refusals_and_locks_are_counted():
    """By code and by protection, the most frequent first; their lines are there only where there were any."""
    config = SessionConfig(
        cash=D(10_000),
        market=MarketConfig(ideal=True),
        protections=(CooldownPeriod(lock_for=2 * MINUTE, everything=True),),
    )
    bars = [(Bar("X", START + i * MINUTE, START + (i + 1) * MINUTE, *[D(10)] * 4, D(1)),) for i in range(9)]
    data = MarketData(START, bars, AlwaysOpen(), "")
    run = PaperSession(config, Journal(None), data, strategy=Restless(), host_clock=ManualHostClock()).run()
    summary = summarise(run, SimulatedClock(WALL))
    lines = as_text(summary).splitlines()

    assert ({"LOCKED": 6, "INSUFFICIENT_CASH": 3}, {"cooldown": 3}) == (
        summary.refusals,
        summary.locks,
    )
    assert "refused     9: 6 LOCKED, 3 INSUFFICIENT_CASH" in lines
    assert "locks       3: 3 cooldown" in lines


class Restless:
    """Buys and sells by turns; asks for too much beside it."""

    def __init__(self):
        self.bars = 0

    def on_bar(self, bar, trader):
        self.bars += 1
        held = trader.position(bar.symbol)
        side = Side.SELL if held else Side.BUY
        trader.submit(OrderRequest.market(bar.symbol, side, D(1), time_in_force=TimeInForce.GTC))
        if not held:
            trader.submit(OrderRequest.market(bar.symbol, Side.BUY, D(10**6), time_in_force=TimeInForce.GTC))

    def on_event(self, event, trader): ...


def nothing_played():
    books = Books()
    books.apply(SessionStarted(at=START, session_id="tb", cash=D(100), config="{}", data_digest=""), START)
    return Result(
        outcome="stopped", first=None, last=None, fills=0, facts=1, seconds=0.0, tally=Tally(D(100)), books=books
    )


def test_a_session_without_bars_has_figures_too():
    """Nothing was played: no period, no share of no bars, flat."""
    summary = summarise(nothing_played(), SimulatedClock(WALL))
    lines = as_text(summary).splitlines()

    assert (D(0), D(100), {}) == (summary.exposure, summary.equity, summary.orders)
    assert "market time no bar was played" == lines[1]
    assert "orders      0: none" == lines[2]
    assert "positions   flat" == lines[9]


def test_costs_are_told_by_their_model(summary):
    """What each model and the fees took stands in one line, what made the fills in another."""
    text = as_text(
        evolve(summary, assumptions={"through": 3, "open": 1}, costs={"slippage": D("1.005"), "spread": D(2)})
    )

    assert "fills       2: 3 through, 1 open\n" in text
    assert "costs       slippage 1.00, spread 2.00, fees 1.48\n" in text


def test_small_and_large_quantities_are_written_out(summary):
    """No exponents in what people read."""
    positions = {"A/USD": D("1E-8"), "B/USD": D("-1E+3")}

    assert "positions   0.00000001 A/USD, -1000 B/USD" in as_text(evolve(summary, positions=positions))


def test_the_stamp_is_the_wall_clocks():
    """The system's clock says when the figures were made, not the market's."""
    with freeze_time(WALL):
        summary = summarise(nothing_played(), SystemClock())

    assert WALL == summary.finished


def test_json_reads_back_as_the_same_figures(summary):
    """Numbers keep their digits as texts, moments are ISO 8601."""
    read = json.loads(as_json(summary))

    assert {attribute.name for attribute in fields(Summary)} == set(read)
    for name in ("cash", "equity", "profit", "realised", "unrealised", "fees", "max_drawdown_ratio", "exposure"):
        assert str(getattr(summary, name)) == read[name]
    assert ({"BTC/USD": "60"}, {"working": 1, "filled": 2}) == (read["positions"], read["orders"])
    assert WALL == datetime.fromisoformat(read["finished"])
    assert as_json(summary).endswith(b"}\n") and b'\n  "cash"' in as_json(summary)


def test_no_setting_is_told():
    """Whatever stands in a session's settings, a key that a strategy was given too, neither form repeats it."""
    result = nothing_played()
    secret = "PKSECRET123"
    books = Books()
    config = json.dumps({"strategy": {"settings": {"key": secret}}})
    books.apply(evolve(result.books.session, config=config), START)
    summary = summarise(evolve(result, books=books), SimulatedClock(WALL))

    assert secret not in as_text(summary) + as_json(summary).decode() + repr(summary)


def test_saving_replaces_the_file(tmp_path, summary):
    """The folder gets summary.json and nothing else; a later one takes its place."""
    save(evolve(summary, outcome="stopped"), tmp_path)
    path = save(summary, tmp_path)

    assert [tmp_path / "summary.json"] == [path] == list(tmp_path.iterdir())
    assert as_json(summary) == path.read_bytes()


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path, summary):
    """The file is written whole or not at all."""
    path = save(summary, tmp_path)
    (tmp_path / "summary.part").mkdir()

    with pytest.raises(OSError):
        save(evolve(summary, outcome="stopped"), tmp_path)
    assert as_json(summary) == path.read_bytes()
