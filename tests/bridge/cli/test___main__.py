"""``python -m bridge.cli``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bridge
import engine


def test_runs_as_a_module(tmp_path):
    """python -m bridge.cli is tradebridge, exit code included."""
    found = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))
    ran = subprocess.run(
        [sys.executable, "-m", "bridge.cli", "explain", "nowhere"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(found)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (2, "") == (ran.returncode, ran.stdout)
    assert "tradebridge explain: nowhere: found 'no journal'" in ran.stderr
