"""The runner of the benchmarks: which run, and how their figures are printed."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

BENCH = """
from result import Result

NAME = {name!r}


def run():
    yield Result(bench=NAME, case="small", value=1234567.8, unit="bars/s")
    yield Result(bench=NAME, case="small", value=0.123456, unit="us", peer="other")
    yield Result(bench=NAME, case="small", value=None, unit="us", peer="absent")
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The runner's main, with two benchmarks, "one" and "two", in its folder."""
    for name in ("one", "two"):
        (tmp_path / f"bench_{name}.py").write_text(BENCH.format(name=name))
    monkeypatch.setattr(sys, "path", list(sys.path))  # the runner puts its own folder in front
    spec = importlib.util.spec_from_file_location("benchmark_runner", Path(__file__).with_name("run.py"))
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    return lambda *arguments: runner.main(arguments, folder=tmp_path)


def test_table(run, capsys):
    """The figures of a benchmark are printed in columns, its peers beside it."""
    assert 0 == run("one")

    expected = (
        "bench  case       value  unit    by\n"
        "one    small  1,234,568  bars/s  tradebridge\n"
        "one    small     0.1235  us      other\n"
    )
    assert expected == capsys.readouterr().out


def test_all_run_without_names(run, capsys):
    """Without a name every benchmark runs, in the order of the files."""
    assert 0 == run("--json")

    assert ["one", "one", "two", "two"] == [json.loads(line)["bench"] for line in capsys.readouterr().out.splitlines()]


def test_json(run, capsys):
    """With --json each figure is an object on a line of its own."""
    assert 0 == run("two", "--json")

    expected = [
        {"bench": "two", "case": "small", "value": 1234567.8, "unit": "bars/s", "peer": None},
        {"bench": "two", "case": "small", "value": 0.123456, "unit": "us", "peer": "other"},
    ]
    assert expected == [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_absent_peers_are_named(run, capsys):
    """A peer that is not installed is left out of the figures and named on stderr."""
    assert 0 == run("one")

    assert "one: absent is not installed, left out\n" == capsys.readouterr().err


def test_unknown_benchmark(run, capsys):
    """A name that no benchmark has is an error that lists those that there are."""
    with pytest.raises(SystemExit) as caught:
        run("one", "three")

    assert 2 == caught.value.code
    assert "no benchmark 'three'; there are: one, two" in capsys.readouterr().err
