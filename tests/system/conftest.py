"""Sessions as a user runs them: the command line in a process of its own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

import bridge
import engine
from engine.market.synthetic import synthetic_day

FOUND = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))


class Tradebridge:
    """The command line in a folder of its own."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd

    def __call__(self, *arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._command(arguments),
            cwd=self.cwd,
            env=self._env(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @contextmanager
    def started(self, *arguments: object, **env: str) -> Iterator[subprocess.Popen[str]]:
        """A command while it runs; whoever gets it ends it."""
        with subprocess.Popen(
            self._command(arguments),
            cwd=self.cwd,
            env=self._env(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @staticmethod
    def _command(arguments: tuple[object, ...]) -> list[str]:
        return [sys.executable, "-m", "bridge.cli", *map(str, arguments)]

    @staticmethod
    def _env(more: dict[str, str]) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": os.pathsep.join(FOUND)} | more


@pytest.fixture
def tradebridge(tmp_path) -> Tradebridge:
    return Tradebridge(tmp_path)


@pytest.fixture(scope="session")
def made_up_bars(tmp_path_factory) -> Callable[[int], Path]:
    """A file with that many made-up days of SPY, one after the other."""

    def write(days: int) -> Path:
        path = tmp_path_factory.mktemp("bars") / f"spy-{days}-days.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["timestamp", "open", "high", "low", "close", "volume"])
            for number in range(days):
                for bar in synthetic_day(number, day=date(2024, 1, 2) + timedelta(days=number)):
                    if bar.symbol == "SPY":
                        rows.writerow([bar.start.isoformat(), bar.open, bar.high, bar.low, bar.close, bar.volume])
        return path

    return write
