"""
Run benchmarks: python tests/benchmarks/run.py [NAME …] [--json]

A benchmark is a file bench_*.py beside this one with ``NAME`` and ``def run() -> Iterator[Result]``. Without names all
of them run. A peer that is not installed is left out, with a line on stderr.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from attrs import asdict

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]  # result.py, and the engine of this tree

from result import Result  # noqa: E402

__all__ = ["main"]


def benchmarks(folder: Path) -> dict[str, ModuleType]:
    """The benchmarks of a folder by their NAME, in the order of their files."""
    found: dict[str, ModuleType] = {}
    for path in sorted(folder.glob("bench_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module  # so that a benchmark can run a part of itself in another process
        spec.loader.exec_module(module)
        found[module.NAME] = module
    return found


def measured(module: ModuleType) -> Iterator[Result]:
    """What a benchmark yields, without the peers that are not installed."""
    for result in module.run():
        if result.value is None:
            print(f"{result.bench}: {result.peer} is not installed, left out", file=sys.stderr)
        else:
            yield result


def table(results: Sequence[Result]) -> str:
    """One line a result, in columns, figures to the right."""
    head = ("bench", "case", "value", "unit", "by")
    rows = [
        (each.bench, each.case, figure(each.value or 0.0), each.unit, each.peer or "tradebridge") for each in results
    ]
    wide = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.rjust(width) if column == 2 else cell.ljust(width) for column, (cell, width) in enumerate(cells))
        for cells in (zip(row, wide, strict=True) for row in [head, *rows])
    ]
    return "\n".join(line.rstrip() for line in lines)


def figure(value: float) -> str:
    """Four significant digits at least, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def main(arguments: Sequence[str] | None = None, *, folder: Path = HERE) -> int:
    parser = argparse.ArgumentParser(description="Run benchmarks.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="which to run; none: all")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, as soon as it is known")
    options = parser.parse_args(arguments)

    known = benchmarks(folder)
    if unknown := [name for name in options.names if name not in known]:
        parser.error(f"no benchmark {', '.join(map(repr, unknown))}; there are: {', '.join(known) or 'none'}")
    results = []
    for name in options.names or known:
        for result in measured(known[name]):
            results.append(result)
            if options.json:
                print(json.dumps(asdict(result)), flush=True)
    if not options.json:
        print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
