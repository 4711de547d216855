"""Reports from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.books.journal import Journal
from engine.market.synthetic import synthetic_day


@pytest.fixture
def session(run):
    """A session in the folder "s", without its report."""
    assert 0 == run("paper", "--out", "s", "--set", "fast=2", "--set", "slow=8", "--no-report").code
    return run


def test_the_page_lies_beside_the_journal(session):
    """Without more arguments it is report.html in the session's folder, and its name is on stdout."""
    ran = session("report", "s")

    assert (0, f"{Path('s', 'report.html')}\n", "") == (ran.code, ran.out, ran.err)
    assert Path("s/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_page_elsewhere_and_the_tables(session):
    """--out names the page, --csv a folder that is made for the tables."""
    ran = session("report", "s", "--out", "monday.html", "--csv", "deep/tables")
    names = ["equity", "fills", "locks", "orders", "refusals", "trades"]

    assert 0 == ran.code
    assert ["journal.sqlite", "summary.json"] == sorted(path.name for path in Path("s").iterdir())
    assert [f"{name}.csv" for name in names] == sorted(path.name for path in Path("deep/tables").iterdir())
    assert {"monday.html", *(str(Path("deep/tables", f"{name}.csv")) for name in names)} == set(ran.out.split())


def test_a_session_leaves_its_report(run):
    """``paper`` makes the same page that ``report`` makes, and says that it is there."""
    ran = run("paper", "--out", "s")
    made = Path("s/report.html").read_bytes()
    run("report", "s", "--out", "again.html")

    assert f"folder      {Path('s')}  (journal.sqlite, summary.json, report.html)" in ran.out.splitlines()
    assert Path("again.html").read_bytes() == made
    assert b"Completed" not in made and b">completed<" in made


def test_a_session_without_a_report(session):
    """--no-report leaves nothing but journal and summary; a resumed session may be given it too."""
    ran = session("paper", "--resume", "s", "--no-report")

    assert 0 == ran.code
    assert ["journal.sqlite", "summary.json"] == sorted(path.name for path in Path("s").iterdir())


def test_a_session_that_failed_has_its_report(run, strategy):
    """The error is in it; the exit code stays that of the failure."""
    code = "class Mine:\n    def on_bar(self, bar, trader):\n        raise ValueError('<b>no</b>')\n"
    code += "    def on_event(self, event, trader): ...\n"
    ran = run("paper", "--out", "s", "--strategy", strategy(code))

    assert 3 == ran.code
    assert "ValueError: &lt;b&gt;no&lt;/b&gt;" in Path("s/report.html").read_text(encoding="utf-8")


def test_a_report_that_cannot_be_made_spoils_nothing(run):
    """It costs a line on stderr; outcome, summary and exit code are those of the session."""
    Path("s/report.html.part").mkdir(parents=True)
    ran = run("paper", "--out", "s")

    assert 0 == ran.code
    assert "outcome     completed" in ran.out.splitlines()
    assert f"folder      {Path('s')}  (journal.sqlite, summary.json)" in ran.out.splitlines()
    (line,) = [line for line in ran.err.splitlines() if "report.html" in line]
    assert line.startswith("tradebridge paper: ") and line.endswith("the journal is complete")
    assert "completed" == json.loads(Path("s/summary.json").read_bytes())["outcome"]


def test_what_limits_a_report_is_told(run, bars_file):
    """Bars that are gone are named on stderr, and the page is made without them."""
    path = bars_file(*(bar for bar in synthetic_day(1) if bar.symbol == "SPY"))
    run("paper", "--bars", path, "--symbol", "SPY", "--out", "s", "--no-report")
    path.unlink()
    ran = run("report", "s")

    assert 0 == ran.code
    assert 1 == len(ran.err.splitlines())
    assert str(path) in ran.err
    assert Path("s/report.html").is_file()


def test_mistakes(session):
    """No session there: exit code 2; a journal that is open elsewhere: 4; a file that cannot be written: 2."""
    nothing = session("report", "nowhere")
    with Journal(Path("s/journal.sqlite")):
        locked = session("report", "s")
    unwritten = session("report", "s", "--out", "no/such/folder.html")

    assert [2, 4, 2] == [ran.code for ran in (nothing, locked, unwritten)]
    for ran in (nothing, locked, unwritten):
        assert 1 == len(ran.err.splitlines())
        assert ran.err.startswith("tradebridge report: ")
    assert "another process has it open" in locked.err


@pytest.mark.parametrize(
    ("argument", "found"), [("--out", "."), ("--out", "taken"), ("--out", "absent/x.html"), ("--csv", "file.csv")]
)
def test_a_place_that_cannot_be_written(run, argument, found):
    """A folder in place of a file, or the other way round, is one line that names the argument, and leaves nothing."""
    run("paper", "--quiet", "--no-report", "--out", "x")
    Path("taken").mkdir()
    Path("file.csv").write_text("")
    ran = run("report", "x", argument, found)

    assert (2, 1) == (ran.code, ran.err.count("\n"))
    assert f"argument {argument}: found {found!r}, expected a " in ran.err
    assert [] == [path.name for path in Path().rglob("*.part")]
