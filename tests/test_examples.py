"""What the pages show works: every example runs, and so does every snippet of the README."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import bridge
import engine
from bridge.venue.faults.faults import Faults
from bridge.venue.faults.files import from_toml
from engine.books.journal import Journal
from engine.facts import Denied, Locked, LocksReleased, TradingStateChanged
from engine.risk.listings import from_file

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs/examples"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BARS_OF_A_MONTH = ROOT.parent / "shared/data/btcusd-1m-2022-01.csv.gz"
FOUND = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))


def run(cwd, *arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(FOUND), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def tradebridge(cwd, command):
    """Run a command line as it stands on a page."""
    program, *arguments = shlex.split(command)
    assert "tradebridge" == program
    return run(cwd, "-m", "bridge.cli", *arguments)


def facts_of(session):
    """What the journal in that folder holds."""
    with Journal(session / "journal.sqlite") as journal:
        return [entry.fact for entry in journal.entries()]


def codes_in(facts):
    """The codes of all refusals."""
    return {fact.refusal.code for fact in facts if isinstance(fact, Denied)}


def blocks(page, kind):
    """The fenced blocks of that kind."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for its, block in found if its == kind]


# --- examples ---------------------------------------------------------------------------------------------------------


def test_every_example_is_run():
    """The tests below know every file of the folder."""
    known = {"engine_by_hand.py", "my_strategy.py", "session.toml", "symbols.toml", "vwap.toml"}
    known |= {"dip_bot.py", "test_dip_bot.py", "guarded-day.toml", "guarded-month.toml", "faults.toml"}

    assert known == {path.name for path in EXAMPLES.iterdir() if path.is_file()}


def test_engine_by_hand():
    """The engine by hand buys, takes its profit and prints its books."""
    ran = run(EXAMPLES, "engine_by_hand.py")

    assert (0, "") == (ran.returncode, ran.stderr)
    assert "byhand-1.tp  sell 50 of 50 at 102.50  filled 50 of 50\n" in ran.stdout
    assert "cash 10113.9865, equity 10113.9865, fees 1.0135, profit 113.9865\n" in ran.stdout


def test_session_with_its_strategy(tmp_path):
    """session.toml plays my_strategy.py, whose positions are all closed by one of their exits."""
    ran = run(EXAMPLES, "-m", "bridge.cli", "paper", "--config", "session.toml", "--out", tmp_path / "x")
    listed = tradebridge(tmp_path, "tradebridge explain x").stdout

    assert 0 == ran.returncode
    assert "positions   flat\n" in ran.stdout
    assert 5 < len(re.findall(r"\.(?:tp|sl) .* filled ", listed))


def test_table_of_symbols():
    """symbols.toml can be read, and its versions hold by date."""
    table = from_file(EXAMPLES / "symbols.toml")
    before, after = (table.at("HALF", datetime(2026, 11, day, tzinfo=UTC)) for day in (1, 2))

    assert {"AAPL", "HARD", "BTC/USD", "HALF", "BTCUSDT"} == {each.symbol for each in table}
    assert (Decimal("0.01"), Decimal("0.005")) == (before.ticks[1].size, after.ticks[1].size)


def test_schedule_of_faults():
    """faults.toml can be read, and every fault of it is in force at some time of the first hour."""
    start = datetime(2024, 1, 2, tzinfo=UTC)
    faults = Faults(1, from_toml(EXAMPLES / "faults.toml"), start=start)
    active = [each for minute in range(60) for each in faults.active(start + timedelta(minutes=minute))]

    assert 10 == len({each.id for each in active}) == len({each.id for each in active if each.in_force})


def test_reversion_to_the_vwap(tmp_path):
    """vwap.toml plays the strategy that it sets, which trades and is flat at the end."""
    ran = run(EXAMPLES, "-m", "bridge.cli", "paper", "--config", "vwap.toml", "--out", tmp_path / "x")
    listed = tradebridge(tmp_path, "tradebridge explain x").stdout

    assert 0 == ran.returncode
    assert "positions   flat\n" in ran.stdout
    assert 2 < len(re.findall(r"\.(?:tp|sl) .* filled ", listed))


def test_the_test_of_a_bot(monkeypatch):
    """test_dip_bot.py tests dip_bot.py, a bot on alpaca-py, against a venue for each of its tests."""
    for package in ("alpaca", "starlette", "uvicorn"):
        pytest.importorskip(package)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ["-p", "no:cacheprovider", "-p", "bridge.pytest_plugin"]
    ran = run(EXAMPLES, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", EXAMPLES, *plugins, "test_dip_bot.py")

    assert (0, "") == (ran.returncode, ran.stderr), ran.stdout
    assert "\n4 passed" in ran.stdout


def test_testing_a_bot(tmp_path, monkeypatch):
    """The how-to's tests pass as they stand, and its snippet for other frameworks runs."""
    for package in ("alpaca", "starlette", "uvicorn"):
        pytest.importorskip(package)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    *tests, without = blocks("docs/how-to/test-your-bot.md", "python")
    for test in tests:
        (tmp_path / test.splitlines()[0].removeprefix("# ")).write_text(test)
    (tmp_path / "without.py").write_text(without)
    tested = run(tmp_path, "-m", "pytest", "-q", "-p", "bridge.pytest_plugin", "test_order.py", "test_lost.py")
    ran = run(tmp_path, "without.py")

    assert (0, "") == (tested.returncode, tested.stderr), tested.stdout
    assert "\n2 passed" in tested.stdout
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+ PAPERKEY\n", ran.stdout)


# --- protections ------------------------------------------------------------------------------------------------------

REFUSING = {
    "DAILY_LOSS": "daily-loss",
    "MAX_TRADES_PER_DAY": "max-trades-per-day",
    "TRADING_WINDOW": "trading-window",
    "VOLATILITY": "volatility-halt",
}


def not_told(session, codes, locks):
    """What the session's report should name and does not: codes of refusals, and protections that locked."""
    page = (session / "report.html").read_text(encoding="utf-8")
    return [name for name in sorted(codes | locks) if name not in page]


def test_guarded_day(tmp_path):
    """guarded-day.toml: six protections act, entries are refused for five reasons, the report names all."""
    ran = run(EXAMPLES, "-m", "bridge.cli", "paper", "--config", "guarded-day.toml", "--out", tmp_path / "x")
    facts = facts_of(tmp_path / "x")
    codes, locks = codes_in(facts), {fact.protection for fact in facts if isinstance(fact, Locked)}

    assert 0 == ran.returncode
    assert {"DAY_TRADES", "LOCKED", "MAX_GROSS", "MAX_TRADES_PER_DAY", "TRADING_WINDOW"} == codes
    assert {"cooldown", "low-profit-pairs", "stoploss-guard", "volatility-halt"} == locks
    assert {"max-trades-per-day", "trading-window"} == {REFUSING[code] for code in codes if code in REFUSING}
    assert [] == not_told(tmp_path / "x", codes, locks)


@pytest.mark.skipif(not BARS_OF_A_MONTH.exists(), reason="the bars of the month are not here")
def test_guarded_month(tmp_path):
    """guarded-month.toml: seven protections act, entries are refused for five reasons, the report names all."""
    command = ["paper", "--config", "guarded-month.toml", "--bars", BARS_OF_A_MONTH, "--symbol", "BTC/USD"]
    ran = run(EXAMPLES, "-m", "bridge.cli", *command, "--out", tmp_path / "x")
    facts = facts_of(tmp_path / "x")
    codes, locks = codes_in(facts), {fact.protection for fact in facts if isinstance(fact, Locked)}

    assert 0 == ran.returncode
    assert {"DAILY_LOSS", "LOCKED", "MAX_TRADES_PER_DAY", "ORDER_RATE", "TRADING_WINDOW"} == codes
    assert {"cooldown", "max-drawdown", "stoploss-guard", "volatility-halt"} == locks
    acting = {REFUSING[code] for code in codes if code in REFUSING}
    assert {"daily-loss", "max-trades-per-day", "trading-window"} == acting
    assert [] == not_told(tmp_path / "x", codes, locks)


def test_limiting_the_risk(tmp_path):
    """The how-to's settings are one file, of which limits and protections hold entries back."""
    free, *limits = blocks("docs/how-to/limit-the-risk.md", "toml")
    (tmp_path / "careful.toml").write_text(free)
    without = tradebridge(tmp_path, "tradebridge paper --config careful.toml --out free")
    (tmp_path / "careful.toml").write_text("\n".join([free, *limits]))
    within = tradebridge(tmp_path, "tradebridge paper --config careful.toml --out careful")

    assert (0, 0) == (without.returncode, within.returncode)
    assert set() == codes_in(facts_of(tmp_path / "free"))
    assert {"DAILY_LOSS", "LOCKED", "MAX_GROSS", "ORDER_RATE"} == codes_in(facts_of(tmp_path / "careful"))


def test_refusals_of_the_how_to(tmp_path):
    """The lines that the how-to shows are those of the day, but for the session's id."""
    (shown,) = (block for block in blocks("docs/how-to/limit-the-risk.md", "") if block.startswith("tb"))
    run(EXAMPLES, "-m", "bridge.cli", "paper", "--config", "guarded-day.toml", "--out", tmp_path / "day")
    listed = tradebridge(tmp_path, "tradebridge explain day").stdout
    lines = {re.sub(r"^tb\w+-", "", line) for line in listed.splitlines()}

    assert {re.sub(r"^tb\w+-", "", line) for line in shown.splitlines()} <= lines


def test_lifting_locks_and_stopping(tmp_path):
    """The how-to's strategy lifts locks of one protection, and lets exits pass only once it has lost."""
    (code,) = blocks("docs/how-to/limit-the-risk.md", "python")
    (tmp_path / code.splitlines()[0].removeprefix("# ")).write_text(code)
    config = EXAMPLES / "guarded-day.toml"
    ran = tradebridge(tmp_path, f"tradebridge paper --config {config} --strategy careful:Careful --out x")
    facts = facts_of(tmp_path / "x")

    assert 0 == ran.returncode
    assert {"it rises again"} == {fact.reason for fact in facts if isinstance(fact, LocksReleased)}
    assert ["reducing"] == [fact.state.value for fact in facts if isinstance(fact, TradingStateChanged)]
    assert "TRADING_REDUCING" in codes_in(facts)


# --- README -----------------------------------------------------------------------------------------------------------


def test_what_the_readme_prints(tmp_path):
    """The first command prints what the README shows, but for times, places and how long it took."""
    (shown,) = (block for block in blocks("README.md", "") if block.startswith("outcome"))
    printed = tradebridge(tmp_path, "tradebridge paper").stdout

    assert printed.splitlines()[:9] == shown.splitlines()[:9]
    assert [line.split(" ")[0] for line in printed.splitlines()] == [line.split(" ")[0] for line in shown.splitlines()]


def test_strategy_of_the_readme(tmp_path):
    """The README's strategy runs by the README's command, and trades."""
    (code,) = blocks("README.md", "python")
    (command,) = re.findall(
        r"^    (tradebridge paper --strategy \S+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    (tmp_path / code.splitlines()[0].removeprefix("# ")).write_text(code)
    ran = tradebridge(tmp_path, command)

    assert 0 == ran.returncode
    assert re.search(r"^orders .* filled", ran.stdout, re.MULTILINE)


@pytest.mark.skipif(not BARS_OF_A_MONTH.exists(), reason="the bars of the month are not here")
def test_strategy_of_the_readme_on_a_coin(tmp_path):
    """The same strategy runs by the README's second command too: what it sends fits the rules of a pair."""
    (code,) = blocks("README.md", "python")
    (command,) = re.findall(
        r"^    (tradebridge paper --strategy \S+ --bars .*)$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    (tmp_path / code.splitlines()[0].removeprefix("# ")).write_text(code)
    (tmp_path / "btc.csv.gz").symlink_to(BARS_OF_A_MONTH)
    ran = tradebridge(tmp_path, f"{command} --out x")

    assert 0 == ran.returncode
    assert {"INSUFFICIENT_CASH"} == codes_in(facts_of(tmp_path / "x"))  # in the end the fees have taken it all
    assert re.search(r"^orders .* filled", ran.stdout, re.MULTILINE)


# --- pages ------------------------------------------------------------------------------------------------------------


def test_tutorial(tmp_path):
    """The tutorial's commands work one after the other, with the files that it has one write."""
    days, dip = blocks("docs/tutorial/first-session.md", "python")
    (tmp_path / "days.py").write_text(days)
    (tmp_path / "dip.py").write_text(dip)
    assert 0 == run(tmp_path, "days.py").returncode
    text = (ROOT / "docs/tutorial/first-session.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    (tradebridge [^&\n]+)(?:&.*)?$", text, re.MULTILINE)
    for command in commands:
        ran = tradebridge(tmp_path, command)
        assert 0 == ran.returncode, f"{command}: {ran.stderr}"
    life = tradebridge(tmp_path, "tradebridge explain first sim-1").stdout
    (shown,) = (block for block in blocks("docs/tutorial/first-session.md", "") if "what happened" in block)

    assert 9 == len(commands)
    assert shown in life


def test_snippets_of_the_reference(tmp_path):
    """The snippets of the reference run in the folder of a session called first."""
    tradebridge(tmp_path, "tradebridge paper --out first")
    for page in ("docs/reference/journal.md", "docs/reference/python.md", "docs/how-to/read-the-report.md"):
        for number, code in enumerate(blocks(page, "python")):
            (tmp_path / f"snippet{number}.py").write_text(code)
            ran = run(tmp_path, f"snippet{number}.py")

            assert (0, "") == (ran.returncode, ran.stderr)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links(page):
    """Every link to a file leads to one."""
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))

    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_every_page_is_found_from_the_index():
    """The index of the docs links every page."""
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]

    assert [] == [page for page in pages if page != "index.md" and f"({page})" not in index]
