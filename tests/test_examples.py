"""What the pages show works: every example runs, and so does every snippet of the README."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import bridge
import engine

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs/examples"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
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


def blocks(page, kind):
    """The fenced blocks of that kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


# --- examples ---------------------------------------------------------------------------------------------------------


def test_every_example_is_run():
    """The tests below know every file of the folder."""
    assert {"engine_by_hand.py", "my_strategy.py", "session.toml", "vwap.toml"} == {
        path.name for path in EXAMPLES.iterdir() if path.is_file()
    }


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


def test_reversion_to_the_vwap(tmp_path):
    """vwap.toml plays the strategy that it sets, which trades and is flat at the end."""
    ran = run(EXAMPLES, "-m", "bridge.cli", "paper", "--config", "vwap.toml", "--out", tmp_path / "x")
    listed = tradebridge(tmp_path, "tradebridge explain x").stdout

    assert 0 == ran.returncode
    assert "positions   flat\n" in ran.stdout
    assert 2 < len(re.findall(r"\.(?:tp|sl) .* filled ", listed))


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

    assert 8 == len(commands)
    assert shown in life


def test_snippets_of_the_reference(tmp_path):
    """The snippets of the reference run in the folder of a session called first."""
    tradebridge(tmp_path, "tradebridge paper --out first")
    for page in ("docs/reference/journal.md", "docs/reference/python.md"):
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
