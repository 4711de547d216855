"""The command line as a whole: help, versions, mistakes in what to run, readers who leave."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import bridge
import engine
from bridge.cli import main

FOUND = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))


@pytest.mark.parametrize("arguments", [["--help"], ["paper", "--help"], ["explain", "--help"], ["venue", "--help"]])
def test_help(run, arguments):
    """Every help has examples and exit codes, and ends well."""
    ran = run(*arguments)

    assert 0 == ran.code
    assert "examples:\n  tradebridge " in ran.out
    assert "exit codes:" in ran.out


def test_version(run):
    """--version names the program."""
    ran = run("--version")

    assert 0 == ran.code
    assert ran.out.startswith("tradebridge ")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["papr"], "invalid choice: 'papr'"),
        (["paper", "--csh", "3"], "unrecognized arguments: --csh 3"),
        (["paper", "--see", "3"], "unrecognized arguments: --see 3"),
        (["explain"], "the following arguments are required: DIR"),
    ],
)
def test_what_cannot_be_parsed(run, arguments, expected):
    """What is no command or no argument is told in one line on stderr, with exit code 2."""
    ran = run(*arguments)

    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert expected in ran.err


def test_arguments_of_the_process(monkeypatch, capsys):
    """Without a list main takes the arguments that the program was started with."""
    monkeypatch.setattr(sys, "argv", ["tradebridge", "--version"])

    assert 0 == main()
    assert "tradebridge" in capsys.readouterr().out


def test_interrupted_before_the_session(run, strategy):
    """A KeyboardInterrupt that comes through is a line and exit code 130, not a traceback."""
    name = strategy("raise KeyboardInterrupt\n")
    ran = run("paper", "--strategy", name)

    assert (130, "tradebridge paper: interrupted\n") == (ran.code, ran.err)


@pytest.mark.parametrize(("stream", "more"), [("stdout", []), ("stderr", []), ("stdout", ["--json"])])
def test_a_reader_who_leaves(tmp_path, stream, more):
    """A closed pipe on stdout or stderr changes neither the session nor its exit code."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(FOUND)}
    reader, writer = os.pipe()
    os.close(reader)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: writer}
    ran = subprocess.run(
        [sys.executable, "-m", "bridge.cli", "paper", "--out", "day", *more],
        cwd=tmp_path,
        env=env,
        check=False,
        timeout=60,
        **pipes,
    )
    os.close(writer)

    assert 0 == ran.returncode
    assert b"Traceback" not in (ran.stderr or b"")
    assert b"BrokenPipe" not in (ran.stderr or b"")
    assert (tmp_path / "day/summary.json").is_file()
