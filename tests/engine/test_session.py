"""Sessions from their settings to their end: what they decide follows from settings, data and seed alone."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from engine.books.journal import Journal
from engine.books.recovery import recovered
from engine.calendar import AlwaysOpen
from engine.config import convert
from engine.errors import Diverged, InvalidInput, InvalidRequest, JournalError
from engine.events import Filled
from engine.facts import CancelRequested, SessionStarted, StrategyFailed
from engine.market.bars import Bar, digest
from engine.model import Exits, OrderRequest, Side, Status, TimeInForce
from engine.session import (
    JOURNAL,
    Fees,
    FillsConfig,
    Hours,
    MarketConfig,
    MarketData,
    OnError,
    PaperSession,
    SessionConfig,
    StrategyConfig,
    as_text,
    open_session,
    resume_session,
)
from engine.stage import simulated
from engine.testing import ManualHostClock

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NUMBERS = count(1)


def run(config, directory, **more):
    session = open_session(config, directory)
    try:
        return session.run(**more)
    finally:
        session.journal.close()


def resume(directory, **more):
    session = resume_session(directory)
    try:
        return session.run(**more)
    finally:
        session.journal.close()


def facts(directory):
    with Journal(directory / JOURNAL) as journal:
        return [entry.fact for entry in journal.entries()]


def after(bars):
    """Says stop behind so many bars."""
    calls = count(1)
    return lambda: next(calls) >= bars


def flat_bars(number, *, symbol="BTC/USD", price=100):
    price = D(price)
    return [
        (Bar(symbol, START + i * MINUTE, START + (i + 1) * MINUTE, price, price + 1, price - 1, price, D(1)),)
        for i in range(number)
    ]


def session_of(strategy, bars, *, journal=None, **settings):
    """A session in memory, on bars round the clock, with the strategy as it is."""
    data = MarketData(bars[0][0].start, bars, AlwaysOpen(), "")
    journal = Journal(None) if journal is None else journal  # an empty one is false
    config = SessionConfig(market=MarketConfig(ideal=True), **settings)
    return PaperSession(config, journal, data, strategy=strategy, host_clock=ManualHostClock())


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Makes a module with a class Strategy in it and names that class; the file may be changed and named anew."""
    monkeypatch.syspath_prepend(tmp_path / "modules")
    (tmp_path / "modules").mkdir()

    def make(body):
        name = f"made_for_a_session_{next(NUMBERS)}"
        (tmp_path / "modules" / f"{name}.py").write_text(PREAMBLE + body)
        return f"{name}:Strategy"

    return make


PREAMBLE = """
from decimal import Decimal
from engine.model import OrderRequest, Side, TimeInForce

class Base:
    bars = 0
    def on_bar(self, bar, trader):
        self.bars += 1
        self.decide(bar, trader)
    def on_event(self, event, trader):
        pass
    def buy(self, trader, symbol, quantity, **more):
        return trader.submit(OrderRequest.market(symbol, Side.BUY, Decimal(quantity), **more))
    def rest(self, trader, symbol):
        one = Decimal(1)
        return trader.submit(OrderRequest.limit(symbol, Side.BUY, one, one, time_in_force=TimeInForce.GTC))
"""


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_have_defaults():
    """Without any setting: the synthetic day, the crossing averages, a hundred thousand, cancel on error."""
    config = convert({}, SessionConfig, where="x")

    assert SessionConfig() == config
    assert (D(100_000), 1, OnError.CANCEL) == (config.cash, config.seed, config.on_error)
    assert (None, None, Hours.AUTO, None) == (
        config.market.bars,
        config.market.symbol,
        config.market.hours,
        config.market.fee_bps,
    )
    assert ("sma-cross", {}) == (config.strategy.name, config.strategy.settings)


@pytest.mark.parametrize(
    ("table", "where", "expected"),
    [
        ({"cash": 0}, "x: cash", "a number > 0"),
        ({"cash": "-1"}, "x: cash", "a number > 0"),
        ({"cash": "NaN"}, "x: cash", "a finite number"),
        ({"seed": 1.5}, "x: seed", "a whole number"),
        ({"on_error": "panic"}, "x: on_error", "one of 'cancel', 'keep'"),
        ({"market": {"hours": "always"}}, "x: market.hours", "one of 'auto', '24/7', 'us-equities'"),
        ({"market": {"fee_bps": -1}}, "x: market.fee_bps", "a number from 0 to below 10000"),
        ({"market": {"fee_bps": 10_000}}, "x: market.fee_bps", "a number from 0 to below 10000"),
        ({"market": {"bars": "a.csv"}}, "x: market.symbol", "a value, because bars is given"),
        ({"market": {"symbol": "AAPL"}}, "x: market.bars", "a value, because symbol is given"),
        ({"strategy": {"nam": "x"}}, "x: strategy", "did you mean 'name'"),
    ],
)
def test_wrong_settings_say_where_and_what_would_be_right(table, where, expected):
    """Each is an InvalidInput that names the key and what is allowed."""
    with pytest.raises(InvalidInput) as caught:
        convert(table, SessionConfig, where="x")

    assert where == caught.value.where
    assert expected in caught.value.expected


@pytest.mark.parametrize("fee", ["NaN", "Infinity", "-0.1"])
def test_fees_are_checked_where_they_are_made(fee):
    """A fee that makes no sense is refused without a file too."""
    with pytest.raises(InvalidRequest, match="fee_bps"):
        MarketConfig(fee_bps=D(fee))


def test_settings_survive_their_text():
    """Every digit, key and enum is the same once the text in the journal is read again."""
    config = SessionConfig(
        cash=D("12345.670"),
        seed=7,
        on_error=OnError.KEEP,
        market=MarketConfig(bars="/x/é.csv", symbol="BTC/USD", hours=Hours.ALWAYS, fee_bps=D("2.50")),
        strategy=StrategyConfig(settings={"fast": 3, "share": D("0.10"), "deep": {"list": [1, "a", True]}}),
    )
    again = convert(json.loads(as_text(config), parse_float=Decimal), SessionConfig, where="x")

    assert config == again
    assert as_text(config) == as_text(again)


@pytest.mark.parametrize(
    ("strategy", "where"),
    [
        (StrategyConfig(name="sma-kross"), "strategy.name"),
        (StrategyConfig(settings={"fast": 0}), "strategy.settings: fast"),
        (StrategyConfig(settings={"fast": object()}), "strategy.settings"),
    ],
)
def test_a_wrong_strategy_leaves_no_folder(tmp_path, strategy, where):
    """Everything is checked before anything is made."""
    with pytest.raises(InvalidInput) as caught:
        open_session(SessionConfig(strategy=strategy), tmp_path / "new")

    assert where == caught.value.where
    assert [] == list(tmp_path.iterdir())


def test_data_that_are_wrong_leave_no_folder(tmp_path):
    """No such file, and a file without bars, are found before the journal is made."""
    empty = tmp_path / "empty.csv"
    empty.write_text("timestamp,open,high,low,close,volume\n")
    for bars, expected in [(tmp_path / "none.csv", "a file that can be read"), (empty, "at least one")]:
        with pytest.raises(InvalidInput, match=expected):
            open_session(SessionConfig(market=MarketConfig(bars=str(bars), symbol="BTC/USD")), tmp_path / "new")

    assert [empty] == list(tmp_path.iterdir())


def test_the_session_gets_what_its_resumption_will_get(tmp_path, module):
    """A strategy without declared fields is made from the text in the journal, so types cannot differ later."""
    name = module(
        """
class Strategy(Base):
    seen = []
    def __init__(self, **settings):
        self.seen.append({key: (type(value), value) for key, value in settings.items()})
    def decide(self, bar, trader):
        pass
"""
    )
    settings = {"a": 0.5, "b": D(5), "c": [1], "d": datetime(2024, 1, 2, tzinfo=UTC)}
    run(SessionConfig(strategy=StrategyConfig(name=name, settings=settings)), tmp_path / "s", stopped=after(1))
    session = resume_session(tmp_path / "s")
    session.journal.close()
    first, second = type(session._strategy).seen

    assert first == second
    assert {"a": (Decimal, D("0.5")), "b": (int, 5)}.items() <= first.items()


# --- folders ----------------------------------------------------------------------------------------------------------


def test_the_folder_is_made(tmp_path):
    """Missing folders are made, and hold the journal and nothing else."""
    run(SessionConfig(), tmp_path / "a" / "b", stopped=after(1))

    assert [tmp_path / "a" / "b" / JOURNAL] == list((tmp_path / "a" / "b").iterdir())


def test_a_session_is_not_overwritten(tmp_path):
    """A folder that holds a session is refused with a hint, and the session stays as it was."""
    run(SessionConfig(), tmp_path, stopped=after(60))
    before = facts(tmp_path)

    with pytest.raises(InvalidInput, match="found 'a session', expected a new folder; to continue.*resume"):
        open_session(SessionConfig(seed=2), tmp_path)
    assert before == facts(tmp_path)


def test_something_else_under_the_journals_name_is_left_alone(tmp_path):
    """A file that is no journal is not overwritten either."""
    (tmp_path / JOURNAL).write_bytes(b"my notes\n" * 100)

    with pytest.raises(JournalError):
        open_session(SessionConfig(), tmp_path)
    assert b"my notes\n" * 100 == (tmp_path / JOURNAL).read_bytes()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    """The folder cannot be made where a file is."""
    (tmp_path / "file").touch()

    with pytest.raises(InvalidInput, match="a folder that can be made and written to"):
        open_session(SessionConfig(), tmp_path / "file")


@pytest.mark.parametrize("begin", [lambda path: path.touch(), lambda path: Journal(path).close()])
def test_a_session_that_never_began_can_be_begun(tmp_path, begin):
    """A journal without a fact is nothing to resume, and no obstacle to a new session."""
    begin(tmp_path / JOURNAL)
    with pytest.raises(
        InvalidInput, match="found 'nothing recorded', expected a session; begin it anew in this folder"
    ):
        resume_session(tmp_path)

    assert "stopped" == run(SessionConfig(), tmp_path, stopped=after(1)).outcome


def test_there_must_be_a_session_to_resume(tmp_path):
    """A folder without a journal, or no folder, is an error that says what is missing."""
    for directory in (tmp_path, tmp_path / "none"):
        with pytest.raises(InvalidInput, match="found 'no journal', expected the folder of a session"):
            resume_session(directory)

    assert [] == list(tmp_path.iterdir())


def test_two_processes_do_not_share_a_session(tmp_path):
    """A session that runs can neither be resumed nor begun a second time."""
    session = open_session(SessionConfig(), tmp_path)
    for again in (lambda: resume_session(tmp_path), lambda: open_session(SessionConfig(), tmp_path)):
        with pytest.raises(JournalError, match="another process has it open"):
            again()

    session.journal.close()


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_plays_all_bars(tmp_path):
    """The result has the outcome, the period, what was filled and what the journal holds."""
    result = run(SessionConfig(), tmp_path)

    assert ("completed", START, START + 390 * MINUTE, 390) == (
        result.outcome,
        result.first,
        result.last,
        result.tally.bars,
    )
    assert result.fills > 3
    assert len(facts(tmp_path)) == result.facts


def test_one_seed_gives_one_result(tmp_path):
    """Two runs have the same facts and the same books; another seed has others."""
    first, second, other = (
        run(SessionConfig(seed=seed), tmp_path / name) for seed, name in [(5, "a"), (5, "b"), (6, "c")]
    )

    assert facts(tmp_path / "a") == facts(tmp_path / "b")
    assert first.books.fingerprint() == second.books.fingerprint() != other.books.fingerprint()
    assert first.tally.drawdown == second.tally.drawdown


def test_a_replay_of_the_journal_gives_the_books(tmp_path):
    """Fees included, the fold over the journal has the run's fingerprint."""
    result = run(SessionConfig(seed=3, market=MarketConfig(fee_bps=D(10))), tmp_path)
    with Journal(tmp_path / JOURNAL) as journal:
        books = recovered(journal)

    assert result.books.fingerprint() == books.fingerprint()
    assert books.portfolio.fees > 0


def test_progress_is_told_every_so_many_bars(tmp_path):
    """Market time, bars and equity, and whether the journal is still being repeated."""
    told = []
    run(SessionConfig(), tmp_path, progress=told.append, every=100, stopped=after(250))
    again = []
    resume(tmp_path, progress=again.append, every=100)

    assert [100, 200] == [each.bars for each in told]
    assert (START + 100 * MINUTE, False) == (told[0].at, told[0].replaying)
    assert [(100, True), (200, True), (300, False)] == [(each.bars, each.replaying) for each in again]
    assert [each.equity for each in told] == [each.equity for each in again[:2]]


def test_progress_tells_drawdown_and_orders(tmp_path):
    """As they are at that bar, and in the last one as the result has them."""
    told = []
    result = run(SessionConfig(), tmp_path, progress=told.append, every=10)

    assert sorted(each.drawdown for each in told) == [each.drawdown for each in told]
    assert (result.tally.drawdown_ratio, sum(1 for _ in result.books.tracker)) == (told[-1].drawdown, told[-1].orders)
    assert told[0].orders < told[-1].orders


def test_seconds_are_the_machines():
    """How long a run took is the host clock's, not the market's."""
    host = ManualHostClock()

    class Slow:
        def on_bar(self, bar, trader):
            host.advance(0.5)

        def on_event(self, event, trader): ...

    bars = flat_bars(4)
    data = MarketData(bars[0][0].start, bars, AlwaysOpen(), "")
    result = PaperSession(SessionConfig(), Journal(None), data, strategy=Slow(), host_clock=host).run()

    assert 2.0 == result.seconds


def test_exposure_counts_bars_that_end_with_a_position():
    """A position opened at the open of the second bar and closed at the open of the fourth is there for two closes."""

    class InAndOut:
        bars = 0

        def on_bar(self, bar, trader):
            self.bars += 1
            if self.bars in (1, 3):
                side = Side.BUY if self.bars == 1 else Side.SELL
                trader.submit(OrderRequest.market(bar.symbol, side, D(1)))

        def on_event(self, event, trader): ...

    result = session_of(InAndOut(), flat_bars(5)).run()

    assert (5, 2, 2) == (result.tally.bars, result.tally.exposed, result.fills)


def test_what_is_lost_within_one_bar_is_a_drawdown():
    """A position that is opened and stopped out in the same bar never ends a bar, but its loss is a fall."""

    class Hasty:
        bars = 0

        def on_bar(self, bar, trader):
            self.bars += 1
            if self.bars == 1:
                exits = Exits(stop_loss=D("99.5"))
                trader.submit(OrderRequest.market(bar.symbol, Side.BUY, D(2), exits=exits))

        def on_event(self, event, trader): ...

    result = session_of(Hasty(), flat_bars(3)).run()

    assert (0, 2, D(1)) == (result.tally.exposed, result.fills, result.tally.drawdown)


def test_bad_bars_end_the_run_and_spare_what_was_played(tmp_path):
    """A wrong line in the middle of a file is an error with its number; the journal is sound up to there."""
    path = write_bars(tmp_path / "bars.csv", 120)
    path.write_text(path.read_text() + "2024-01-02T00:00:00Z,1,1,1,1,1\n")

    with pytest.raises(InvalidInput, match="bars.csv, line 122"):
        run(SessionConfig(market=MarketConfig(bars=str(path), symbol="BTC/USD")), tmp_path / "s")
    assert SessionStarted is type(facts(tmp_path / "s")[0])


def write_bars(path, number, *, bump=0):
    """A file of minutes that rise and fall, so that averages cross."""
    lines = ["timestamp,open,high,low,close,volume"]
    for i in range(number):
        price = 100 + abs(i % 40 - 20) + bump * (i == number - 1)
        lines.append(f"{(START + i * MINUTE).isoformat()},{price},{price + 1},{price - 1},{price},1")
    path.write_text("\n".join(lines) + "\n")
    return path


# --- stopping and resuming --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stops", [(1,), (60,), (101, 200), (7, 150, 151, 389), (390,)])
def test_a_session_in_parts_equals_one_run(tmp_path, stops):
    """Stopped anywhere, even several times, and resumed, it has the same facts and books as if it had never stopped."""
    whole = run(SessionConfig(seed=4), tmp_path / "whole")
    first, *others = stops
    outcomes = [run(SessionConfig(seed=4), tmp_path / "parts", stopped=after(first)).outcome]
    outcomes += [resume(tmp_path / "parts", stopped=after(stop)).outcome for stop in others]
    last = resume(tmp_path / "parts")

    assert ["stopped"] * len(stops) == outcomes
    assert facts(tmp_path / "whole") == facts(tmp_path / "parts")
    assert whole.books.fingerprint() == last.books.fingerprint()
    assert (whole.outcome, whole.fills, whole.facts, whole.tally.exposed, whole.tally.drawdown) == (
        last.outcome,
        last.fills,
        last.facts,
        last.tally.exposed,
        last.tally.drawdown,
    )


def test_a_finished_session_can_be_run_again(tmp_path):
    """It comes to the same and writes nothing."""
    first = run(SessionConfig(), tmp_path)
    before = facts(tmp_path)
    again = resume(tmp_path)

    assert (first.outcome, first.books.fingerprint(), first.facts) == (
        again.outcome,
        again.books.fingerprint(),
        again.facts,
    )
    assert before == facts(tmp_path)


def test_stopping_before_the_journals_end_loses_nothing(tmp_path):
    """A resumed run that is stopped where it has only repeated leaves the journal as it is, to be resumed again."""
    run(SessionConfig(seed=4), tmp_path, stopped=after(300))
    before = facts(tmp_path)
    outcome = resume(tmp_path, stopped=after(100)).outcome

    assert ("stopped", before) == (outcome, facts(tmp_path))
    assert "completed" == resume(tmp_path).outcome


def test_a_session_on_a_file_resumes(tmp_path):
    """From the same file, wherever the program is started from next time."""
    path = write_bars(tmp_path / "bars.csv", 300)
    config = SessionConfig(
        market=MarketConfig(bars=str(path), symbol="BTC/USD"),
        strategy=StrategyConfig(settings={"fast": 3, "slow": 8, "share": D("0.25")}),
    )
    whole = run(config, tmp_path / "whole")
    run(config, tmp_path / "parts", stopped=after(123))
    parts = resume(tmp_path / "parts")

    assert whole.fills > 10
    assert whole.books.fingerprint() == parts.books.fingerprint()


def test_relative_paths_are_kept_whole(tmp_path, monkeypatch):
    """A file named relative to where the session began is found from anywhere."""
    write_bars(tmp_path / "bars.csv", 100)
    monkeypatch.chdir(tmp_path)
    run(SessionConfig(market=MarketConfig(bars="bars.csv", symbol="BTC/USD")), tmp_path / "s", stopped=after(10))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert "completed" == resume(tmp_path / "s").outcome


def test_data_that_changed_are_refused(tmp_path):
    """One other number in the file, or no file, and the session cannot be repeated."""
    path = write_bars(tmp_path / "bars.csv", 100)
    run(SessionConfig(market=MarketConfig(bars=str(path), symbol="BTC/USD")), tmp_path / "s", stopped=after(10))
    write_bars(path, 100, bump=1)
    with pytest.raises(InvalidInput, match="SHA-256 .* expected the file that the session began with"):
        resume_session(tmp_path / "s")
    path.unlink()

    with pytest.raises(InvalidInput, match="bars.csv"):
        resume_session(tmp_path / "s")
    write_bars(path, 100)
    assert "completed" == resume(tmp_path / "s").outcome


def test_damage_is_found_when_it_is_resumed(tmp_path):
    """A changed fact stops the resumption, and is not blamed on the strategy."""
    run(SessionConfig(), tmp_path, stopped=after(200))
    db = sqlite3.connect(tmp_path / JOURNAL)
    db.execute("update facts set at = at + 1 where seq = 9")
    db.commit()
    db.close()

    with pytest.raises(JournalError, match="fact 9 is damaged or missing; facts 1 to 8 are good") as caught:
        resume(tmp_path)
    assert JournalError is type(caught.value)


def test_a_strategy_that_decides_otherwise_is_caught(tmp_path, module):
    """The resumed run stops at the first other decision; the error has its bar and both facts."""
    name = module(
        """
made = 0
class Strategy(Base):
    def __init__(self):
        global made
        made += 1
        self.quantity = made
    def decide(self, bar, trader):
        if self.bars == 31:
            self.buy(trader, bar.symbol, self.quantity)
"""
    )
    run(SessionConfig(strategy=StrategyConfig(name=name)), tmp_path / "s")
    before = facts(tmp_path / "s")

    with pytest.raises(Diverged, match="not deterministic: at the bar of 2024-01-02T14:40:00") as caught:
        resume(tmp_path / "s")
    assert START + 10 * MINUTE == caught.value.bar
    assert (D(1), D(2)) == (caught.value.recorded.request.quantity, caught.value.found.request.quantity)
    assert before == facts(tmp_path / "s")


@pytest.mark.parametrize(("bars", "minute"), [(31, 11), (1170, 389)])
def test_a_strategy_that_does_nothing_this_time_is_caught(tmp_path, module, bars, minute):
    """A recorded decision that does not come is missed by the end of the next bar, or of the last."""
    name = module(
        f"""
made = 0
class Strategy(Base):
    def __init__(self):
        global made
        made += 1
        self.first = made == 1
    def decide(self, bar, trader):
        if self.first and self.bars == {bars}:
            self.rest(trader, bar.symbol)
"""
    )
    run(SessionConfig(strategy=StrategyConfig(name=name)), tmp_path / "s")

    with pytest.raises(Diverged, match="Intended.*this run has None") as caught:
        resume(tmp_path / "s")
    assert START + minute * MINUTE == caught.value.bar


def test_a_strategy_cannot_swallow_the_difference(tmp_path, module):
    """Catching every exception round a submit does not hide that the run decides otherwise."""
    name = module(
        """
made = 0
class Strategy(Base):
    def __init__(self):
        global made
        made += 1
        self.quantity = made
    def decide(self, bar, trader):
        if self.bars == 31:
            try:
                self.buy(trader, bar.symbol, self.quantity)
            except Exception:
                pass
"""
    )
    run(SessionConfig(strategy=StrategyConfig(name=name)), tmp_path / "s", stopped=after(200))

    with pytest.raises(Diverged):
        resume(tmp_path / "s")


# --- strategies that raise --------------------------------------------------------------------------------------------


RAISES = """
class Strategy(Base):
    def decide(self, bar, trader):
        if self.bars == 4:
            self.rest(trader, bar.symbol)
            self.rest(trader, bar.symbol)
        if self.bars == 7:
            self.ratio = 1 / 0
"""
RAISES_LINE = len((PREAMBLE + RAISES).splitlines())


@pytest.mark.parametrize(("policy", "status"), [(OnError.CANCEL, Status.CANCELED), (OnError.KEEP, Status.WORKING)])
def test_a_strategy_that_raises_ends_the_session(tmp_path, module, policy, status):
    """Its error is recorded with file and line, and its live orders are cancelled or kept."""
    name = module(RAISES)
    file = f"{name.partition(':')[0]}.py"
    result = run(SessionConfig(strategy=StrategyConfig(name=name), on_error=policy), tmp_path / "s")
    recorded = [fact for fact in facts(tmp_path / "s") if isinstance(fact, StrategyFailed)]
    error = f"ZeroDivisionError: division by zero ({file}, line {RAISES_LINE})"

    assert f"failed: {error}" == result.outcome
    assert [(error, policy.value)] == [(fact.error, fact.policy) for fact in recorded]
    assert [status, status] == [order.status for order in result.books.tracker]
    assert error == result.books.failure
    assert START + 3 * MINUTE == result.last


def test_an_error_in_our_code_names_the_strategys_line(tmp_path, module):
    """An order that makes no sense is refused deep in the engine; recorded is where the strategy asked for it."""
    name = module(
        "class Strategy(Base):\n    def decide(self, bar, trader):\n        self.buy(trader, bar.symbol, -1)\n"
    )
    result = run(SessionConfig(strategy=StrategyConfig(name=name)), tmp_path / "s")

    assert "failed: InvalidRequest: quantity" in result.outcome
    assert f"({name.partition(':')[0]}.py, line " in result.outcome


def test_a_strategy_may_raise_on_an_event():
    """What it raises when it is told of a fill ends the session as well, within the bar; all fills are counted."""

    class Fragile:
        def on_bar(self, bar, trader):
            if not trader.position(bar.symbol):
                trader.submit(OrderRequest.market(bar.symbol, Side.BUY, D(1)))

        def on_event(self, event, trader):
            if isinstance(event, Filled):
                trader.submit(OrderRequest.limit("BTC/USD", Side.BUY, D(1), D(1), time_in_force=TimeInForce.GTC))
                raise LookupError("nothing here")

    session = session_of(Fragile(), flat_bars(5))
    result = session.run()

    assert "failed: LookupError: nothing here (test_session.py, line " in result.outcome
    assert (1, {"BTC/USD": D(1)}, [Status.FILLED, Status.CANCELED]) == (
        result.fills,
        dict(result.books.portfolio.open_positions),
        [order.status for order in result.books.tracker],
    )
    assert LookupError is type(session.error)
    assert 1 == sum(isinstance(entry.fact, CancelRequested) for entry in session.journal.entries())


def test_a_failed_session_fails_again(tmp_path, module):
    """Resumed with the same strategy it comes to the same failure and writes nothing."""
    first = run(SessionConfig(strategy=StrategyConfig(name=module(RAISES))), tmp_path / "s")
    before = facts(tmp_path / "s")
    again = resume(tmp_path / "s")

    assert (first.outcome, first.books.fingerprint()) == (again.outcome, again.books.fingerprint())
    assert before == facts(tmp_path / "s")


def test_a_failed_session_is_not_mended_by_another_strategy(tmp_path, module):
    """A strategy that was corrected decides otherwise from the failure on, and the difference names it."""
    name = module("class Strategy(Base):\n    ok = 0\n    def decide(self, bar, trader):\n        1 / self.ok\n")
    run(SessionConfig(strategy=StrategyConfig(name=name)), tmp_path / "s")
    session = resume_session(tmp_path / "s")
    session._strategy.ok = 1

    with pytest.raises(Diverged, match="the journal has StrategyFailed.*ZeroDivisionError"):
        session.run()
    session.journal.close()


class Buyer:
    """Sends an order with every bar."""

    def __init__(self, *, swallow=False):
        self.swallow = swallow
        self.caught = 0

    def on_bar(self, bar, trader):
        try:
            trader.submit(OrderRequest.limit(bar.symbol, Side.BUY, D(1), D(1), time_in_force=TimeInForce.GTC))
        except Exception:
            self.caught += 1
            if not self.swallow:
                raise

    def on_event(self, event, trader): ...


@pytest.mark.parametrize("swallow", [False, True])
def test_trouble_with_the_journal_is_not_the_strategys(tmp_path, swallow):
    """A disk that is full ends the run with a JournalError, also if the strategy catches everything."""
    with Journal(tmp_path / "j") as journal:
        journal._db.execute("pragma max_page_count=12")
        session = session_of(Buyer(swallow=swallow), flat_bars(300), journal=journal)
        with pytest.raises(JournalError, match="disk is full"):
            session.run()
    with Journal(tmp_path / "j") as journal:
        kinds = {type(entry.fact) for entry in journal.entries()}

    assert None is session.error
    assert StrategyFailed not in kinds
    assert session._strategy.caught >= 1


def test_an_interrupt_is_not_an_error_of_the_strategy(tmp_path, module):
    """Ctrl-C leaves the run at once; the session can be resumed and comes to its end."""
    name = module(
        """
made = 0
class Strategy(Base):
    def __init__(self):
        global made
        made += 1
        self.first = made == 1
    def decide(self, bar, trader):
        if self.bars % 50 == 0:
            self.rest(trader, bar.symbol)
        if self.first and self.bars == 130:
            raise KeyboardInterrupt
"""
    )
    with pytest.raises(KeyboardInterrupt):
        run(SessionConfig(strategy=StrategyConfig(name=name)), tmp_path / "s")
    before = facts(tmp_path / "s")
    result = resume(tmp_path / "s")

    assert ("completed", None) == (result.outcome, result.books.failure)
    assert before == facts(tmp_path / "s")[: len(before)]


# --- a real month -----------------------------------------------------------------------------------------------------


def test_a_real_month_in_parts_equals_one_run(tmp_path, shared_data):
    """A month of minutes of BTC/USD: stopped in its middle and resumed, facts and books are those of one run."""
    config = SessionConfig(
        market=MarketConfig(bars=str(shared_data / "btcusd-1m-2022-01.csv.gz"), symbol="BTC/USD", fee_bps=D(10))
    )
    whole = run(config, tmp_path / "whole")
    run(config, tmp_path / "parts", stopped=after(20_011))
    parts = resume(tmp_path / "parts")

    assert whole.fills > 500
    assert whole.books.fingerprint() == parts.books.fingerprint()
    assert facts(tmp_path / "whole") == facts(tmp_path / "parts")
    assert whole.books.portfolio.equity() - 100_000 == whole.books.portfolio.profit()


def test_an_opened_session_can_be_resumed_before_it_runs(tmp_path):
    """What a session is made of is durable as soon as it is open."""
    session = open_session(SessionConfig(), tmp_path / "s")
    session.journal._db.close()  # as a kill would: nothing is committed on the way out

    assert "completed" == resume(tmp_path / "s").outcome


def test_what_a_reaction_causes_is_told_in_the_same_bar():
    """An order denied in reaction to an event is told too, though no bar follows."""

    class Twice:
        told = 0

        def on_bar(self, bar, trader):
            self.ask(bar.symbol, trader)

        def on_event(self, event, trader):
            self.told += 1
            if self.told == 1:
                self.ask(event.symbol, trader)

        @staticmethod
        def ask(symbol, trader):
            trader.submit(OrderRequest.market(symbol, Side.BUY, Decimal(1_000), time_in_force=TimeInForce.GTC))

    strategy = Twice()
    session_of(strategy, flat_bars(1), cash=Decimal(100)).run()

    assert 2 == strategy.told


# --- what a session assumes of its market -----------------------------------------------------------------------------


class Once:
    """Buys in the first bar."""

    def __init__(self, symbol, quantity=1):
        self.order = OrderRequest.market(symbol, Side.BUY, D(quantity), time_in_force=TimeInForce.GTC)
        self.sent = False

    def on_bar(self, bar, trader):
        if not self.sent:
            self.sent = True
            trader.submit(self.order)

    def on_event(self, event, trader): ...


def bought(market, symbol="BTC/USD", quantity=1):
    bars = [(Bar(symbol, START + i * MINUTE, START + (i + 1) * MINUTE, *[D(100)] * 4, D(5)),) for i in range(6)]
    data = MarketData(START, bars, AlwaysOpen(), "")
    config = SessionConfig(market=market)
    result = PaperSession(config, Journal(None), data, strategy=Once(symbol, quantity)).run()
    (order,) = result.books.tracker
    return order


def test_by_default_a_session_is_truthful():
    """Half of two basis points of spread, one of slippage, a tenth of the volume; a pair pays Alpaca's first tier."""
    order = bought(MarketConfig())
    executions = order.links[0].executions

    assert [D("0.5"), D("0.5")] == [each.quantity for each in executions]
    assert (D("100.02"), D("0.0025"), D("0.25005")) == (order.average, order.fee_quantity, order.fees)


def test_shares_pay_nothing_when_they_are_bought():
    """By default what has no slash is charged as US equities are; whole shares wait for the volume of one."""
    order = bought(MarketConfig(fills=FillsConfig(participation=D(1))), "AAPL", 7)

    assert (D("100.02"), D(0), [D(5), D(2)]) == (
        order.average,
        order.fees,
        [each.quantity for each in order.links[0].executions],
    )


@pytest.mark.parametrize(
    ("market", "average", "fees"),
    [
        (MarketConfig(ideal=True), "100", "0"),
        (MarketConfig(ideal=True, fee_bps=D(10)), "100", "0.1"),
        (MarketConfig(fees=Fees.NONE), "100.02", "0"),
        (MarketConfig(fee_bps=D(0)), "100.02", "0"),
        (MarketConfig(fees=Fees.US_EQUITIES, fills=FillsConfig(spread_bps=D(0), slippage_bps=D(0))), "100", "0"),
        (MarketConfig(fills=FillsConfig(tick=D("0.05"))), "100.05", "0.250125"),
    ],
)
def test_settings_say_what_a_fill_costs(market, average, fees):
    """An ideal market has no friction, a flat fee stands for the venue's, and each model has its figure."""
    order = bought(market)

    assert (D(average), D(fees)) == (order.average, order.fees)


def test_a_truthful_session_resumes(tmp_path):
    """Partial fills, coins taken and all: run again it decides the same, and its figures are those of one run."""
    path = write_bars(tmp_path / "bars.csv", 200)
    config = SessionConfig(
        market=MarketConfig(bars=str(path), symbol="BTC/USD"), strategy=StrategyConfig(settings={"fast": 3, "slow": 7})
    )
    whole = run(config, tmp_path / "whole")
    run(config, tmp_path / "parts", stopped=after(100))
    resumed = resume(tmp_path / "parts")

    assert whole.books.fingerprint() == resumed.books.fingerprint()
    assert whole.fills == resumed.fills > 5
    assert any(order.fee_quantity for order in whole.books.tracker)


# --- quotes and trades ------------------------------------------------------------------------------------------------


def write_ticks(path, kind, number):
    """A tick every ten seconds: a jagged price, as trades or as quotes two cents wide."""
    rows = ["timestamp,price,size" if kind == "trades" else "timestamp,bid,ask,bid_size,ask_size"]
    for i in range(number):
        price = D(100) + D(i * i % 37) / 10
        at = (START + i * timedelta(seconds=10)).isoformat()
        rows.append(f"{at},{price},3" if kind == "trades" else f"{at},{price - D('.01')},{price + D('.01')},2,2")
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("kind", ["trades", "quotes"])
def test_a_session_on_ticks(tmp_path, kind):
    """A strategy gets bars of the ticks, its orders trade at real ones, and a resumed session decides the same."""
    path = write_ticks(tmp_path / "ticks.csv", kind, 900)
    config = SessionConfig(
        market=MarketConfig(bars=str(path), symbol="BTC/USD", bar_seconds=60),
        strategy=StrategyConfig(settings={"fast": 2, "slow": 5}),
    )
    whole = run(config, tmp_path / "whole")
    run(config, tmp_path / "parts", stopped=after(70))
    resumed = resume(tmp_path / "parts")
    made = {told.assumption for order in whole.books.tracker for link in order.links for told in link.executions}

    assert ("completed", 150) == (whole.outcome, whole.tally.bars)
    assert whole.fills > 5
    assert {kind[:-1]} == made
    assert whole.books.fingerprint() == resumed.books.fingerprint()


def test_bars_of_ticks_have_the_width_of_the_settings(tmp_path):
    """A bar is as long as the settings say."""
    path = write_ticks(tmp_path / "ticks.csv", "trades", 900)
    config = SessionConfig(market=MarketConfig(bars=str(path), symbol="BTC/USD", bar_seconds=300))

    assert 30 == run(config, tmp_path / "s").tally.bars
    with pytest.raises(InvalidRequest, match="bar_seconds = 0: expected a whole number of seconds, at least 1"):
        MarketConfig(bar_seconds=0)


def test_a_cancel_of_the_last_order_is_told_at_once():
    """The end of the only order that worked is known with the bar in which it was asked for, also in the last one."""

    class Cancels:
        def on_bar(self, bar, trader):
            if (bar.start - START) % (2 * MINUTE):
                trader.cancel(self.ticket)
            else:
                self.ticket = trader.submit(OrderRequest.limit("X", Side.BUY, D(1), D(1)))

        def on_event(self, event, trader):
            told.append((trader.clock.now(), event.after.value))

    told = []
    bars = [
        (Bar("X", START + n * MINUTE, START + (n + 1) * MINUTE, D(10), D(10), D(10), D(10), D(1)),) for n in range(4)
    ]
    PaperSession(SessionConfig(), Journal(None), MarketData(START, bars, AlwaysOpen(), ""), strategy=Cancels()).run()

    assert [(START + n * MINUTE, word) for n, word in enumerate(["working", "canceled"] * 2, 1)] == told


def test_what_an_event_led_to_is_told_at_once():
    """An order that is cancelled from an event is seen cancelled in the same bar."""

    class CancelsAgain:
        def on_bar(self, bar, trader):
            trader.submit(OrderRequest.limit("X", Side.BUY, D(1), D(1)))

        def on_event(self, event, trader):
            told.append(event.after)
            if event.after is Status.WORKING:
                trader.cancel(event.order_id)

    told = []
    bars = [(Bar("X", START, START + MINUTE, D(10), D(10), D(10), D(10), D(1)),)]
    PaperSession(
        SessionConfig(), Journal(None), MarketData(START, bars, AlwaysOpen(), ""), strategy=CancelsAgain()
    ).run()

    assert [Status.WORKING, Status.CANCELED] == told


# --- rules of symbols -------------------------------------------------------------------------------------------------


def test_rules_of_a_file_can_be_pinned(tmp_path):
    """A digest in the settings is held against the file; without one a session keeps that of the file it finds."""
    rules = tmp_path / "rules.toml"
    rules.write_text(
        "".join(f'[[symbols]]\nsymbol = "{name}"\nlike = "us-equity"\n' for name in ("AAPL", "MSFT", "SPY"))
    )
    session = open_session(SessionConfig(symbols=str(rules)), tmp_path / "x")
    session.journal.close()

    assert digest(rules) == session.config.symbols_digest
    with pytest.raises(InvalidInput, match="SHA-256"):
        open_session(SessionConfig(symbols=str(rules), symbols_digest="0" * 64), tmp_path / "y")
    rules.write_text(rules.read_text() + "\n")
    with pytest.raises(InvalidInput, match="the file that the session began with"):
        resume_session(tmp_path / "x")


# --- over the wire ----------------------------------------------------------------------------------------------------


def test_a_session_on_the_wire_needs_its_stage(tmp_path):
    """Without it the session is not begun, and the error says what is missing."""
    with pytest.raises(InvalidInput, match="wire: found True, expected false, or whoever opens the session"):
        open_session(SessionConfig(wire=True), tmp_path / "x")

    assert not (tmp_path / "x" / JOURNAL).exists()


def test_a_session_is_played_on_the_stage_that_it_is_given(tmp_path):
    """The stage is made of the settings and the data, and left when the session is closed."""
    left = []

    def made(config, data):
        stage = simulated(config, data)
        stage.close = lambda: left.append(config.wire)
        return stage

    session = open_session(SessionConfig(wire=True), tmp_path, wired=made)
    result = session.run()
    session.close()
    resumed = resume_session(tmp_path, wired=made)
    again = resumed.run()
    resumed.close()

    assert (28, 28, [True, True]) == (result.fills, again.fills, left)
