"""What kill -9 does to a session: nothing that a resume does not mend, whenever it comes."""

from __future__ import annotations

import json
import signal
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9")

# Buys and sells by turns. On the way it stands still at the bars that AT names, in the place that WHERE names, says so
# on stderr and goes on when a line comes in on stdin. A session that resumes is given neither.
STANDS_STILL = """
import os
import sys
from decimal import Decimal

from engine.model import OrderRequest, Side, TimeInForce

AT = {int(number) for number in os.environ.get("AT", "").split()}
WHERE = os.environ.get("WHERE")


def stand_still():
    print("standing still", file=sys.stderr, flush=True)
    sys.stdin.readline()


class StandsStill:
    def __init__(self):
        self.bars = 0
        self.ready = False

    def on_bar(self, bar, trader):
        self.bars += 1
        if not self.ready and AT:
            self.ready = True
            self.place(trader)
        if WHERE == "before it decides" and self.bars in AT:
            stand_still()
        if self.bars % 5 == 0:
            side = Side.SELL if trader.position(bar.symbol) else Side.BUY
            trader.submit(OrderRequest.market(bar.symbol, side, Decimal(3), time_in_force=TimeInForce.GTC))
        if WHERE == "after it decided" and self.bars in AT:
            stand_still()

    def place(self, trader):
        if WHERE == "in a commit":  # the rows are in the transaction, which is not over
            trader.journal._db.set_trace_callback(lambda sql: sql == "commit" and self.bars in AT and stand_still())
        submit = trader.broker.submit

        def around(request):
            if WHERE == "before the send" and self.bars in AT:  # durable, and nothing has left
                stand_still()
            report = submit(request)
            if WHERE == "after the send" and self.bars in AT:  # the venue has it, and nobody has recorded that
                stand_still()
            return report

        trader.broker.submit = around

    def on_event(self, event, trader):
        pass
"""

# Decides by what is not in its bars.
UNSTEADY = """
import os
from decimal import Decimal

from engine.model import OrderRequest, Side, TimeInForce


class {name}:
    def __init__(self):
        self.bars = 0

    def on_bar(self, bar, trader):
        self.bars += 1
        if self.bars == 100:
            trader.submit(OrderRequest.market(bar.symbol, Side.BUY, {quantity}, time_in_force=TimeInForce.GTC))

    def on_event(self, event, trader):
        pass
"""


def books(folder):
    return json.loads((folder / "summary.json").read_bytes())["books"]


def kill_after(tradebridge, bars, *arguments):
    """Start a session and kill it when it has reported that many bars; whether it said that it was replaying."""
    with tradebridge.started("paper", *arguments) as session:
        for line in session.stderr:
            if f"  {bars:,} bars  " in line:
                session.kill()
                break
        assert -signal.SIGKILL == session.wait(60)
    return "replaying" in line


@pytest.fixture(params=["made-up days", "a month of real bars"])
def market(request, made_up_bars):
    """Arguments for bars, and a number of bars of which there are seven stretches and a rest."""
    if request.param == "made-up days":
        return ["--bars", made_up_bars(20), "--symbol", "SPY"], 1_000
    data = request.getfixturevalue("shared_data") / "btcusd-1m-2022-01.csv.gz"
    if not data.is_file():
        pytest.skip(f"needs {data.name}")
    return ["--bars", data, "--symbol", "BTC/USD", "--fee-bps", "10"], 6_000


def test_killed_ten_times(tradebridge, tmp_path, market):
    """A session that is killed at ten moments, also while it repeats its journal, ends as one that was left alone."""
    arguments, stretch = market
    assert 0 == tradebridge("paper", *arguments, "--out", "unbroken").returncode
    kill_after(tradebridge, 2 * stretch, *arguments, "--out", "x")
    # Every second moment lies before the last one, where the run still repeats what is recorded.
    moments = [3, 1, 4, 2, 5, 3, 6, 4, 7]
    replaying = [kill_after(tradebridge, number * stretch, "--resume", "x") for number in moments]
    ended = tradebridge("paper", "--resume", "x")

    assert all(replaying[1::2])
    assert 0 == ended.returncode
    assert books(tmp_path / "unbroken") == books(tmp_path / "x")


GUARDED = """
[strategy]
settings = { fast = 5, slow = 12 }

[[protections]]
method = "stoploss-guard"
counts = "losses"
trade_limit = 2
lookback = "1h"

[[protections]]
method = "max-drawdown"
max_drawdown = 0.001
lookback = "1d"

[[protections]]
method = "low-profit-pairs"
trade_limit = 2
required_profit = -0.001
lookback = "2h"

[[protections]]
method = "cooldown"
after = "losses"
lock_for = "10m"

[[protections]]
method = "volatility-halt"
max_deviation = 0.0003
"""


def test_locks_survive_kills(tradebridge, tmp_path, made_up_bars):
    """A session that is killed again and again has the same locks in the end, of five protections."""
    (tmp_path / "guarded.toml").write_text(GUARDED)
    arguments = ["--config", "guarded.toml", "--bars", made_up_bars(20), "--symbol", "SPY"]
    assert 0 == tradebridge("paper", *arguments, "--out", "unbroken").returncode
    kill_after(tradebridge, 2_000, *arguments, "--out", "x")
    for bars in (3_000, 1_000, 5_000, 4_000, 7_000):
        kill_after(tradebridge, bars, "--resume", "x")
    assert 0 == tradebridge("paper", "--resume", "x").returncode
    locks = tradebridge("explain", "unbroken", "--locks").stdout

    assert locks == tradebridge("explain", "x", "--locks").stdout
    assert books(tmp_path / "unbroken") == books(tmp_path / "x")
    for protection in ("stoploss-guard", "max-drawdown", "low-profit-pairs", "cooldown", "volatility-halt"):
        assert f"\n{protection}." in locks


@pytest.mark.parametrize(
    "where", ["before it decides", "after it decided", "in a commit", "before the send", "after the send"]
)
def test_killed_at_a_chosen_place(tradebridge, tmp_path, where):
    """Killed between two steps of one order, or with a transaction open, a session resumes to the same books."""
    (tmp_path / "standing.py").write_text(STANDS_STILL)
    arguments = ["--strategy", "standing:StandsStill"]
    assert 0 == tradebridge("paper", *arguments, "--out", "unbroken").returncode
    found = []
    for bar in (5, 600):
        with tradebridge.started("paper", *arguments, "--out", bar, AT=f"{bar}", WHERE=where) as session:
            assert any("standing still" in line for line in session.stderr)
            session.kill()
            assert -signal.SIGKILL == session.wait(60)
        assert 0 == tradebridge("paper", "--resume", bar).returncode
        found.append(books(tmp_path / str(bar)))

    assert [books(tmp_path / "unbroken")] * 2 == found


def test_a_killed_session_is_explained(tradebridge, tmp_path):
    """An order whose send was cut short is told as far as it came; resumed, it goes on."""
    (tmp_path / "standing.py").write_text(STANDS_STILL)
    arguments = ["--strategy", "standing:StandsStill", "--out", "x"]
    with tradebridge.started("paper", *arguments, AT="5", WHERE="before the send") as session:
        assert any("standing still" in line for line in session.stderr)
        locked = tradebridge("explain", "x")
        session.kill()
        session.wait(60)
    (line,) = tradebridge("explain", "x").stdout.splitlines()[1:]
    before = tradebridge("explain", "x", line.split()[0]).stdout.splitlines()
    tradebridge("paper", "--resume", "x")
    after = tradebridge("explain", "x", line.split()[0]).stdout.splitlines()

    assert 4 == locked.returncode
    assert "another process has it open; stop that session first" in locked.stderr
    assert "end         none yet: the order is sent, 3 may still fill" == before[-1]
    assert "end         filled: filled 3 of 3" == after[-1]


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("Random", "int.from_bytes(os.urandom(6)) + Decimal(1)"),
        ("Environment", "Decimal(os.environ['LOTS'])"),
    ],
)
def test_a_strategy_that_is_not_deterministic(tradebridge, tmp_path, name, quantity):
    """Resumed, it is found out where it first decides otherwise: the bar and both facts, exit code 4, nothing added."""
    (tmp_path / "unsteady.py").write_text(UNSTEADY.format(name=name, quantity=quantity))
    arguments = ["--strategy", f"unsteady:{name}", "--cash", "1e18", "--out", "x"]
    first = tradebridge("paper", *arguments, LOTS="3")
    recorded = tradebridge("explain", "x").stdout
    resumed = tradebridge("paper", "--resume", "x", LOTS="4")

    assert (0, 4) == (first.returncode, resumed.returncode)
    assert "the session is not deterministic: at the bar of 2024-01-02 15:03:00\n" in resumed.stderr
    assert "  the journal has  Intended tb" in resumed.stderr
    assert "  this run has     Intended tb" in resumed.stderr
    assert "Traceback" not in resumed.stderr
    assert recorded == tradebridge("explain", "x").stdout
