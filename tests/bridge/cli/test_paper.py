"""Paper sessions from the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import bridge
import engine
from bridge.cli.paper import session_folder
from engine.books.journal import Journal
from engine.clock import SimulatedClock
from engine.market.synthetic import synthetic_day

FOUND = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))

DAYS = [date(2024, 1, day) for day in (2, 3, 4)]

# Buys one at its first bar, so that there is something to see; `more` runs at each of its bars.
MINE = """
import os
import signal
import sys
from decimal import Decimal

from engine.model import OrderRequest, Side, TimeInForce

GTC = {{"time_in_force": TimeInForce.GTC}}


class Mine:
    def __init__(self, **settings):
        self.settings = settings
        self.bars = 0

    def on_bar(self, bar, trader):
        self.bars += 1
        if self.bars == 1:
            trader.submit(OrderRequest.market(bar.symbol, Side.BUY, Decimal(1), **GTC))
        {more}

    def on_event(self, event, trader):
        {event}
"""


def mine(more="pass", event="pass"):
    return MINE.format(more=more, event=event)


def summary(directory):
    return json.loads((directory / "summary.json").read_bytes())


def settings(directory):
    """What the journal says the session was made of."""
    with Journal(directory / "journal.sqlite") as journal:
        return json.loads(next(journal.entries()).fact.config)


@pytest.fixture
def spy(bars_file):
    """The made-up day of one share, as a file."""
    return bars_file(*(bar for bar in synthetic_day(1) if bar.symbol == "SPY"))


# --- a session that completes -----------------------------------------------------------------------------------------


def test_the_made_up_day(run, tmp_path):
    """Without arguments there is a whole session: summary on stdout; journal, summary and report in its folder."""
    ran = run("paper")
    lines = ran.out.splitlines()
    (directory,) = Path("paper-sessions").iterdir()

    assert 0 == ran.code
    assert "outcome     completed" == lines[0]
    assert "market time 2024-01-02 14:30 to 2024-01-02 21:00, 390 bars" == lines[1]
    assert f"folder      {directory}  (journal.sqlite, summary.json, report.html)" in lines
    assert lines[-2].startswith(f"explain     tradebridge explain {directory} tb")
    assert f"run again   tradebridge paper --resume {directory}" == lines[-1]
    assert 16 == len(lines)
    assert re.fullmatch(r"20\d{6}-\d{6}", directory.name)
    found = sorted(path.name for path in (tmp_path / directory).iterdir())
    assert ["journal.sqlite", "report.html", "summary.json"] == found
    assert "completed" == summary(directory)["outcome"]


def test_default_folders(tmp_path, monkeypatch):
    """The default folder is named by the clock, with a number behind it where that is taken."""
    monkeypatch.chdir(tmp_path)
    clock = SimulatedClock(datetime(2024, 3, 1, 15, 4, 5, tzinfo=UTC))
    made = []
    for _ in range(3):
        with session_folder(None, clock) as directory:
            made.append(directory)

    assert [Path("paper-sessions", f"20240301-150405{end}") for end in ("", "-2", "-3")] == made
    assert made == sorted(Path("paper-sessions").iterdir())


def test_default_folder_where_there_can_be_none(run):
    """A file where the sessions' folder should be is named, with the way out."""
    Path("paper-sessions").write_text("")
    ran = run("paper")

    assert 2 == ran.code
    assert "or --out with another one" in ran.err


def test_same_seed_same_books(run):
    """The seed decides the day, and with it everything."""
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        run("paper", "--seed", seed, "--out", name)
    a, b, c = (summary(Path(name))["books"] for name in "abc")

    assert a == b
    assert a != c


def test_bars_from_a_file(run, spy):
    """Bars, symbol, hours, cash and fee come from arguments."""
    run(
        "paper", "--bars", spy, "--symbol", "SPY", "--hours", "24/7", "--cash", "5000", "--fee-bps", "1.5", "--out", "x"
    )

    expected = {"bars": str(spy), "symbol": "SPY", "hours": "24/7", "fee_bps": 1.5}
    found = settings(Path("x"))
    assert (expected, 5000) == ({name: found["market"][name] for name in expected}, found["cash"])
    assert float(summary(Path("x"))["fees"]) > 0


def test_an_ideal_market(run):
    """With --ideal nothing is taken and nothing is dearer than the bars; without it both are told."""
    run("paper", "--ideal", "--out", "ideal")
    run("paper", "--out", "truthful")
    ideal, truthful = summary(Path("ideal")), summary(Path("truthful"))

    assert ({}, "0") == (ideal["costs"], ideal["fees"])
    assert ["slippage", "spread"] == sorted(truthful["costs"])
    assert float(truthful["fees"]) > 0
    assert float(truthful["profit"]) < float(ideal["profit"])
    assert settings(Path("ideal"))["market"]["ideal"]


def test_settings_of_the_strategy(run):
    """--set gives the strategy its settings, numbers as numbers."""
    ran = run("paper", "--set", "fast=5", "--set", "slow=10", "--set", "share = 0.1", "--out", "x")

    assert 0 == ran.code
    assert {"fast": 5, "slow": 10, "share": 0.1} == settings(Path("x"))["strategy"]["settings"]


def test_values_of_settings(run, strategy):
    """Values are read as in TOML; what is none is a text."""
    name = strategy(mine())
    pairs = ["number=1_000", "yes=true", "list=[1, 2]", "text=a b", "quoted='1'", "empty=", "two=1\nthree=2"]
    run("paper", "--strategy", name, *(word for pair in pairs for word in ("--set", pair)), "--out", "x")

    assert {
        "number": 1000,
        "yes": True,
        "list": [1, 2],
        "text": "a b",
        "quoted": "1",
        "empty": "",
        "two": "1\nthree=2",
    } == settings(Path("x"))["strategy"]["settings"]


def test_own_strategy_in_the_current_folder(run, strategy):
    """module:Class is looked for in the current folder."""
    ran = run("paper", "--strategy", strategy(mine()), "--out", "x")

    assert 0 == ran.code
    assert {"filled": 1} == summary(Path("x"))["orders"]


def test_config_and_arguments(run, spy):
    """Settings come from the file where no argument says otherwise."""
    Path("session.toml").write_text(
        f"""
        cash = 5_000.50
        on_error = "keep"
        [market]
        bars = "{spy.as_posix()}"
        symbol = "SPY"
        fee_bps = 2
        [strategy]
        name = "sma-cross"
        settings = {{ fast = 5, slow = 30 }}
        """
    )
    ran = run("paper", "--config", "session.toml", "--fee-bps", "1", "--set", "slow=40", "--out", "x")
    made = settings(Path("x"))

    assert 0 == ran.code
    assert (5000.5, "keep", 1) == (made["cash"], made["on_error"], made["market"]["fee_bps"])
    assert {"fast": 5, "slow": 40} == made["strategy"]["settings"]


def test_progress(run, bars_file):
    """Every thousand bars there is a line on stderr, none of them on stdout."""
    bars = [bar for seed in range(3) for bar in synthetic_day(seed, day=DAYS[seed]) if bar.symbol == "SPY"]
    ran = run("paper", "--bars", bars_file(*bars), "--symbol", "SPY", "--out", "x")

    assert "2024-01-04 18:10  1,000 bars  equity " in ran.err
    assert "1,000 bars" not in ran.out


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--cash", "many"], "argument --cash: found 'many', expected a finite number"),
        (["--cash"], "argument --cash: expected one argument"),
        (["--cash", "-1"], "argument --cash: found -1, expected a number > 0"),
        (["--seed", "1.5"], "argument --seed: found '1.5', expected a whole number"),
        (["--hours", "late"], "argument --hours: found 'late', expected one of 'auto', '24/7', 'us-equities'"),
        (["--fee-bps=-1"], "argument --fee-bps: found -1, expected a number from 0 to below 10000"),
        (["--bars", "a.csv"], "argument --symbol: found 'nothing', expected it beside --bars"),
        (["--symbol", "SPY"], "argument --bars: found 'nothing', expected it beside --symbol"),
        (["--bars", "a.csv", "--symbol", "SPY"], "a.csv: found 'No such file or directory', expected a file"),
        (["--bars", "a.csv", "--symbol", " "], "argument --symbol: found ' ', expected a name, e.g. BTC/USD"),
        (
            ["--strategy", "sma-cros"],
            "argument --strategy: found 'sma-cros', expected one of sma-cross, vwap-reversion, or m",
        ),
        (["--strategy", "absent:Mine"], "argument --strategy: found 'absent', expected a module that can be imported"),
        (["--set", "fast"], "argument --set: found 'fast', expected KEY=VALUE"),
        (["--set", "fats=3"], "argument --set fats: found 'fats', expected no other keys than 'fast', 'slow'"),
        (["--set", "fast=no"], "argument --set fast: found 'no', expected a whole number"),
        (["--set", "fast=90"], "argument --set fast: found 90, expected less than slow"),
        (["--config", "no.toml"], "no.toml: found 'no such file', expected a TOML file"),
        (["--config", "bad.toml"], "bad.toml: found 'csh', expected no other keys than 'cash'"),
        (["--config", "worse.toml"], "worse.toml: market.fee_bps: found 20000, expected a number"),
        (["--config", "worst.toml"], "worst.toml: strategy.settings: fast: found 0, expected "),
        (["--config", "flat.toml", "--symbol", "SPY"], "flat.toml: market: found 3, expected a table"),
        (["--out", "bad.toml"], "bad.toml: found 'File exists', expected a folder"),
        (["--resume", "absent"], "absent: found 'no journal', expected the folder of a session"),
        (
            ["--resume", "absent", "--cash", "1", "--set", "a=1", "--fee-bps", "1"],
            "found '--cash --fee-bps --set', expected nothing beside --resume",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes(run, arguments, expected):
    """A mistake is one line on stderr that says where, what and what would be right; nothing is left behind."""
    Path("bad.toml").write_text("csh = 1\n")
    Path("worse.toml").write_text("market.fee_bps = 20000\n")
    Path("worst.toml").write_text("strategy.settings.fast = 0\n")
    Path("flat.toml").write_text("market = 3\n")
    ran = run("paper", *arguments)

    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert expected in ran.err
    assert ran.err.startswith("tradebridge paper: ")
    assert not Path("paper-sessions").exists()


def test_a_folder_that_is_taken(run):
    """A session is never written into another's folder; the line says how to go on with that one."""
    run("paper", "--out", "x")
    ran = run("paper", "--out", "x")

    assert 2 == ran.code
    assert "x: found 'a session', expected a new folder; to continue this session, resume x" in ran.err


def test_a_row_that_is_wrong(run, spy):
    """Wrong data end the session with the line of the file; what was played before stays recorded."""
    lines = spy.read_text().splitlines()
    spy.write_text("\n".join([*lines[:201], lines[201].replace(",", ",-", 1), *lines[202:]]))
    ran = run("paper", "--bars", spy, "--symbol", "SPY", "--out", "x")

    assert 2 == ran.code
    assert "bars.csv, line 202, column 'open'" in ran.err
    assert "what was played before is recorded in x" in ran.err
    assert 0 == run("explain", "x").code


# --- the strategy raises ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("cancel", "tb{0}-2 canceled, tb{0}-3 canceled"), ("keep", "tb{0}-2 working, tb{0}-3 working")],
)
def test_the_strategy_raises(run, strategy, policy, expected):
    """Exit code 3: its traceback, what is recorded and what became of its orders; the summary has the error."""
    far = "OrderRequest.limit(bar.symbol, Side.BUY, Decimal(1), Decimal(1), **GTC)"
    name = strategy(mine(f"trader.submit({far}) if self.bars in (2, 3) else 1 / (self.bars - 6)"))
    Path("session.toml").write_text(f'on_error = "{policy}"\nstrategy.name = "{name}"\n')
    ran = run("paper", "--config", "session.toml", "--out", "x")
    session_id = ran.out.rpartition("explain x tb")[2].partition("-")[0]

    assert 3 == ran.code
    assert ran.err.splitlines()[1] == "Traceback (most recent call last):"
    assert "ZeroDivisionError: division by zero\ntradebridge paper: the strategy raised; " in ran.err
    assert "session.py" not in ran.err
    assert f"its live orders (on_error is {policy}): {expected.format(session_id)}\n" in ran.err
    assert summary(Path("x"))["outcome"].startswith("failed: ZeroDivisionError: division by zero (mine.py, line ")
    assert 3 == run("paper", "--resume", "x").code


def test_the_strategy_raises_at_an_event(run, strategy):
    """What is raised in on_event is treated as what is raised in on_bar."""
    ran = run("paper", "--strategy", strategy(mine(event="raise KeyError('x')")), "--out", "x")

    assert 3 == ran.code
    assert "KeyError: 'x'" in ran.err
    assert re.search(r"its live orders \(on_error is cancel\): tb\w+-1 canceled\n", ran.err)


@pytest.mark.parametrize(
    "code", ["1 / 0", "class Mine:\n    def __init__(self):\n        1 / 0", "import sys; sys.exit(5)"]
)
def test_a_strategy_that_cannot_be_made(run, strategy, code):
    """A strategy that raises before there is a session ends with exit code 3 and leaves nothing behind."""
    ran = run("paper", "--strategy", strategy(code))

    assert (3, "") == (ran.code, ran.out)
    assert "ZeroDivisionError" in ran.err or "sys.exit(5)" in ran.err
    assert not Path("paper-sessions").exists()


def test_a_strategy_that_exits(run, strategy):
    """sys.exit in a strategy does not pass for a session that completed."""
    ran = run("paper", "--strategy", strategy(mine("sys.exit(0) if self.bars == 9 else None")), "--out", "x")

    assert 3 == ran.code
    assert "the strategy called sys.exit(0)" in ran.err
    assert "1 orders" in run("explain", "x").out


# --- stopping and resuming --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_stopped_by_a_signal(run, strategy, number):
    """A signal ends the run after the bar; it is summed up and, resumed, comes to the books of an unbroken run."""
    name = strategy(mine(f"signal.raise_signal(signal.{number}) if self.bars == 300 and os.environ.get('STOP') else 0"))
    run("paper", "--strategy", name, "--out", "unbroken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOP", "1")
        stopped = run("paper", "--strategy", name, "--out", "x")
    told = summary(Path("x"))
    resumed = run("paper", "--resume", "x")

    assert 130 == stopped.code
    assert "outcome     stopped\n" in stopped.out
    assert "resume      tradebridge paper --resume x\n" in stopped.out
    assert ("stopped", 100) == (told["outcome"], told["bars"])
    assert 0 == resumed.code
    assert summary(Path("unbroken"))["books"] == summary(Path("x"))["books"]


def test_stopped_while_it_replays(run, strategy):
    """A resumed session can be stopped again before it has repeated its journal, and nothing is lost."""
    name = strategy(mine("signal.raise_signal(signal.SIGINT) if self.bars == 300 and os.environ.get('STOP') else 0"))
    run("paper", "--strategy", name, "--out", "x")
    whole = summary(Path("x"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOP", "1")
        stopped = run("paper", "--resume", "x")
    again = run("paper", "--resume", "x")

    assert (130, 0) == (stopped.code, again.code)
    assert whole["books"] == summary(Path("x"))["books"]


def test_handlers_are_given_back(run):
    """After a session the process handles signals as before."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    run("paper", "--out", "x")

    assert before == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))


def test_replaying_is_told(run, bars_file):
    """While a resumed session repeats its journal the progress says so."""
    bars = [bar for seed in range(3) for bar in synthetic_day(seed, day=DAYS[seed]) if bar.symbol == "SPY"]
    run("paper", "--bars", bars_file(*bars), "--symbol", "SPY", "--out", "x")
    ran = run("paper", "--resume", "x")

    assert 0 == ran.code
    assert "replaying 2024-01-04 18:10  1,000 bars" in ran.err


def test_data_that_changed(run, spy):
    """A session does not go on with other bars than it began with."""
    run("paper", "--bars", spy, "--symbol", "SPY", "--out", "x")
    spy.write_text(spy.read_text() + "\n")
    ran = run("paper", "--resume", "x")

    assert 2 == ran.code
    assert "expected the file that the session began with" in ran.err


def test_a_session_that_decides_otherwise(run, strategy):
    """A strategy that is not deterministic is found out at resume, with the bar and both facts: exit code 4."""
    name = strategy(
        mine(
            "trader.submit(OrderRequest.market(bar.symbol, Side.BUY, Decimal(self.bars), **GTC)) "
            "if str(self.bars) == os.environ['AT'] else 0"
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AT", "31")
        run("paper", "--strategy", name, "--out", "x")
        patch.setenv("AT", "34")
        ran = run("paper", "--resume", "x")

    assert (4, "") == (ran.code, ran.out)
    assert "not deterministic: at the bar of 2024-01-02 14:41:00\n" in ran.err
    assert ": we mean to buy 31 AAPL at market, gtc" in ran.err
    assert ": we mean to buy 34 AAPL at market, gtc" in ran.err


def test_a_locked_journal(run):
    """A session that runs elsewhere is not resumed: exit code 4."""
    run("paper", "--out", "x")
    with Journal(Path("x/journal.sqlite")):
        ran = run("paper", "--resume", "x")

    assert (4, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "another process has it open; stop that session first" in ran.err


def test_a_summary_that_cannot_be_written(run):
    """Where summary.json has no place the figures are still told, the journal is whole, and the exit code is 4."""
    Path("x/summary.json").mkdir(parents=True)
    ran = run("paper", "--out", "x")

    assert 4 == ran.code
    assert "summary.json cannot be written" in ran.err
    assert "outcome     completed" in ran.out
    assert 0 == run("explain", "x").code


def test_a_second_signal_ends_at_once(tmp_path):
    """A strategy that hangs does not keep a second Ctrl-C from ending the session, which can be resumed."""
    (tmp_path / "mine.py").write_text(mine("self.bars == 300 and 'WAIT' in os.environ and sys.stdin.readline()"))
    env = os.environ | {"PYTHONPATH": os.pathsep.join(FOUND), "WAIT": "1"}
    command = [sys.executable, "-m", "bridge.cli", "paper", "--out", "x"]
    with subprocess.Popen(
        [*command, "--strategy", "mine:Mine"],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as session:
        assert "recording in x" in session.stderr.readline()
        session.send_signal(signal.SIGINT)
        assert "\n" == session.stderr.readline()
        assert "stopping after this bar; once more ends it at once\n" == session.stderr.readline()
        session.send_signal(signal.SIGINT)
        ended = session.wait(60)
    resumed = subprocess.run(
        [*command[:-2], "--resume", "x"], cwd=tmp_path, env=env | {"WAIT": ""}, input="\n", text=True, check=False
    )

    assert -signal.SIGINT == ended
    assert 0 == resumed.returncode


@pytest.mark.parametrize("argument", ["--out", "--resume"])
def test_an_empty_path_is_no_folder(run, argument):
    """A variable that is not set must not mean the folder in which one stands."""
    ran = run("paper", argument, "")

    assert (2, f"tradebridge paper: argument {argument}: found '', expected a folder\n") == (ran.code, ran.err)


def test_an_async_strategy(run, strategy):
    """Its methods would never run: it is refused, and nothing is recorded."""
    name = strategy("class Mine:\n    async def on_bar(self, *_): ...\n    def on_event(self, *_): ...\n")
    ran = run("paper", "--strategy", name, "--out", "x")

    assert (2, 1) == (ran.code, ran.err.count("\n"))
    assert "expected a class whose on_bar is a plain method: the engine is not async" in ran.err


def test_values_are_shown_as_they_are_written(run):
    """Numbers and lengths stand in an error as a person writes them."""
    Path("c.toml").write_text("[risk]\nper = 0\n")

    assert "argument --cash: found -5, expected" in run("paper", "--cash", "-5").err
    assert "risk.per: found 0:00:00, expected more than nothing" in run("paper", "--config", "c.toml").err
