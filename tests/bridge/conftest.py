"""The command line as a test uses it: in this process, in a folder of its own."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

import bridge
import engine
from bridge.cli import main
from engine.market.bars import Bar

FOUND = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))


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


@frozen
class Seen:
    """What a command showed on a terminal, and what it wrote elsewhere."""

    code: int
    screen: str
    out: str
    err: str

    @property
    def plain(self) -> str:
        """The screen's text without its escape sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.screen)


@pytest.fixture
def on_terminal(tmp_path) -> Callable[..., Seen]:
    """
    ``on_terminal("paper", on=("out",))``: a command in a process of its own, with a terminal of 80 columns.

    ``on`` says which of "out" and "err" are the terminal; the rest goes into files. ``code`` runs before the command.
    """
    openpty = getattr(os, "openpty", None)
    if openpty is None:
        pytest.skip("needs pseudo-terminals")

    def command(*arguments: object, on=("out", "err"), code="", **env: str) -> Seen:
        ours, theirs = openpty()
        files = {name: (tmp_path / f"terminal.{name}").open("w+") for name in ("out", "err")}
        streams = {name: theirs if name in on else files[name] for name in files}
        base = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
        setting = {"PYTHONPATH": os.pathsep.join(FOUND), "TERM": "xterm-256color", "COLUMNS": "80"}
        program = f"import sys\n{code}\nfrom bridge.cli import main\nsys.exit(main())"
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            cwd=tmp_path,
            env=base | setting | env,
            stdin=subprocess.DEVNULL,
            stdout=streams["out"],
            stderr=streams["err"],
        )
        os.close(theirs)
        shown = bytearray()
        try:
            while block := os.read(ours, 1 << 16):
                shown += block
        except OSError:  # Linux says so when the last writer has gone
            pass
        os.close(ours)
        ended = process.wait(60)
        wrote = {}
        for name, file in files.items():
            file.seek(0)
            wrote[name] = file.read()
            file.close()
        return Seen(ended, shown.decode().replace("\r\n", "\n"), wrote["out"], wrote["err"])

    return command
