"""
Check that the tests notice mistakes: python tests/mutation/run.py [NAME …]

A list of mistakes is a file mutants_*.py beside this one with ``TESTS``, the test files to run, and ``MUTANTS``. The
tree is copied to a temporary folder, and there one mistake at a time is made. Without names all of them are made. The
exit status is 1 if the tests let one pass that is not marked as equivalent.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))  # mutant.py

from mutant import Mutant  # noqa: E402

__all__ = ["main"]

LONGEST = 300  # seconds; a test that never ends has noticed, too


def lists(folder: Path) -> list[tuple[Sequence[str], Sequence[Mutant]]]:
    """The test files and the mutants of each list in a folder."""
    found: list[tuple[Sequence[str], Sequence[Mutant]]] = []
    for path in sorted(folder.glob("mutants_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append((module.TESTS, module.MUTANTS))
    return found


def mutated(mutant: Mutant, tree: Path) -> str:
    """
    The text of the mutant's file with its change.

    Raises:
        SystemExit: Its original text does not occur exactly once.
    """
    text = (tree / mutant.file).read_text(encoding="utf-8")
    occurrences = text.count(mutant.original)
    if occurrences != 1:
        raise SystemExit(f"{mutant.name}: its original text occurs {occurrences} times in {mutant.file}, not once")
    return text.replace(mutant.original, mutant.replacement)


def noticed(tests: Sequence[str], tree: Path) -> str | None:
    """The first test that fails in the tree; None: all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    # Two versions of a file may have the same size and the same second: no bytecode is kept.
    env = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ran = subprocess.run(
            command, cwd=tree, env=env, capture_output=True, text=True, check=False, timeout=LONGEST
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"no end within {LONGEST} s"
    if ran.returncode == 0:
        return None
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if ran.returncode not in (1, 2) or not failed:
        raise SystemExit(f"pytest itself failed:\n{ran.stdout}{ran.stderr}")
    return failed[0].split(" - ")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the mistakes and say which were noticed; 1 if one was not that should have been."""
    parser = argparse.ArgumentParser(description="Check that the tests notice mistakes.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these mutants")
    wanted = set(parser.parse_args(arguments).names)
    everything = lists(HERE)
    unknown = wanted - {mutant.name for _, mutants in everything for mutant in mutants}
    if unknown:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    killed = equivalent = 0
    survivors: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info"))
        for tests, mutants in everything:
            for mutant in mutants:
                mutated(mutant, tree)  # a list that has fallen behind the code is found before the long run
            chosen = [mutant for mutant in mutants if not wanted or mutant.name in wanted]
            failure = noticed(tests, tree) if chosen else None
            if failure is not None:
                raise SystemExit(f"the tests fail without any mistake: {failure}")
            for mutant in chosen:
                file = tree / mutant.file
                before = file.read_text(encoding="utf-8")
                file.write_text(mutated(mutant, tree), encoding="utf-8")
                failure = noticed(tests, tree)
                file.write_text(before, encoding="utf-8")
                if failure is not None:
                    killed += 1
                    print(f"killed      {mutant.name}: {failure}", flush=True)
                elif mutant.equivalent is not None:
                    equivalent += 1
                    print(f"equivalent  {mutant.name}: {mutant.equivalent}", flush=True)
                else:
                    survivors.append(mutant.name)
                    print(f"SURVIVED    {mutant.name}: {mutant.why}", flush=True)
    print(f"{killed} killed, {len(survivors)} survived, {equivalent} equivalent")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
