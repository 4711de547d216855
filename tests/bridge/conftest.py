"""The command line as a test uses it: in this process, in a folder of its own."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

from bridge.cli import main
from engine.market.bars import Bar


@frozen
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Callable[..., Ran]:
    """``run("paper", "--seed", "2")`` in an empty folder, which is the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # the command puts the current folder in front

    def command(*arguments: object) -> Ran:
        code = main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return command


@pytest.fixture
def strategy(tmp_path, monkeypatch) -> Callable[[str], str]:
    """Write a module with a class Mine, in the current folder; its name for --strategy."""

    def write(code: str) -> str:
        (tmp_path / "mine.py").write_text(code, encoding="utf-8")
        monkeypatch.delitem(sys.modules, "mine", raising=False)
        return "mine:Mine"

    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a stale one would pass for the next test's module
    yield write
    sys.modules.pop("mine", None)


@pytest.fixture
def bars_file(tmp_path) -> Callable[..., Path]:
    """Write bars as a CSV file."""

    def write(*bars: Bar, name: str = "bars.csv") -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["timestamp", "open", "high", "low", "close", "volume"])
            for bar in bars:
                rows.writerow([bar.start.isoformat(), bar.open, bar.high, bar.low, bar.close, bar.volume])
        return path

    return write
