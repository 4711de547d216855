"""``tradebridge paper --wire``: the same session over HTTP, and what is said where that cannot be."""

from __future__ import annotations

import builtins
import json

import pytest

from bridge.cli.wire import wired
from engine.errors import InvalidInput
from engine.session import SessionConfig, market_data


def test_the_same_books(run):
    """The figures are those of the session in this process, but for what the wire does not tell."""
    for package in ("requests", "starlette", "uvicorn"):
        pytest.importorskip(package)
    here = json.loads(run("paper", "--json", "--quiet", "--no-report", "--out", "here").out)
    there = json.loads(run("paper", "--wire", "--json", "--quiet", "--out", "there").out)
    kept = {"assumptions", "costs", "directory", "facts", "finished", "seconds"}

    assert 28 == there["fills"]
    assert ({}, {}, {}) == (there["assumptions"], there["costs"], there["waived"])
    assert {key: here[key] for key in here.keys() - kept} == {key: there[key] for key in there.keys() - kept}
    assert 0 == run("paper", "--resume", "there", "--quiet").code
    assert "filled" in run("explain", "there").out


def test_what_alpaca_would_refuse_is_told(run):
    """A line of the summary says what the venue let pass."""
    for package in ("requests", "starlette", "uvicorn"):
        pytest.importorskip(package)
    told = run("paper", "--wire", "--strategy", "vwap-reversion", "--seed", "3", "--quiet", "--no-report")

    assert 0 == told.code
    (line,) = [line for line in told.out.splitlines() if line.startswith("let pass")]
    assert line.endswith("insufficient qty available for order")


def test_a_package_that_is_missing(monkeypatch):
    """The error names it, and how to install what the wire needs."""
    imported = builtins.__import__

    def without(name, *more):
        if name == "bridge.venue.rehearsal":
            raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
        return imported(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    config = SessionConfig(wire=True)
    with pytest.raises(InvalidInput, match=r"no package 'uvicorn'.*pip install 'tradebridge\[venue,alpaca\]'"):
        wired(config, market_data(config))
