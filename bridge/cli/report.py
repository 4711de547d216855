"""``tradebridge report``: a session's page and its tables, from its folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.cli.terminal import Exit, complain, say
from engine.errors import InvalidInput
from engine.report.export import save_csv
from engine.report.folder import REPORT, read_session, save_report
from engine.report.tables import tables

__all__ = ["add", "report_beside"]

_PROG = "tradebridge report"

_EPILOG = """\
examples:
  tradebridge report paper-sessions/20240102-150405
  tradebridge report paper-sessions/20240102-150405 --out monday.html --csv tables

The page is one file that opens in any browser, offline. Sessions that failed or were killed have a report too; that of
a running session is locked. The same session gives the same bytes.

exit codes:
  0  written
  2  there is no such session, or a file cannot be written
  4  the journal is locked or damaged
"""


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "report",
        help="make the page of a session, or its tables as CSV",
        description="Make the page of a session, with charts, figures and tables, and its tables as CSV.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("directory", metavar="DIR", help="the session's folder")
    parser.add_argument("--out", metavar="FILE", help=f"where to put the page (default: {REPORT} in DIR)")
    parser.add_argument("--csv", metavar="FOLDER", help="also write orders.csv, fills.csv, trades.csv, … into it")
    parser.set_defaults(run=run, prog=_PROG)


def run(options: argparse.Namespace) -> int:
    """Make it; the exit code."""
    directory = Path(options.directory)
    session = read_session(directory)
    for note in session.notes:
        complain(f"{_PROG}: {note}")
    path = directory / REPORT if options.out is None else Path(options.out)
    with _written("--out", path, "a file that can be written"):
        save_report(session, path)
    say(str(path))
    if options.csv is not None:
        folder = Path(options.csv)
        with _written("--csv", folder, "a folder that can be made and written to"):
            saved = save_csv(tables(session.history).values(), folder)
        for table in saved:
            say(str(table))
    return Exit.COMPLETED


@contextmanager
def _written(argument: str, path: Path, expected: str) -> Iterator[None]:
    """What the system says of a path, named after the argument that it was given with."""
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"argument {argument}", str(path), f"{expected} ({error.strerror})") from error


def report_beside(directory: Path, prog: str) -> bool:
    """Write the report of a session that has just ended; False: it cannot be made, which is told and spoils nothing."""
    try:
        save_report(read_session(directory), directory / REPORT)
    except Exception as error:  # noqa: BLE001 - whatever it is, the session is complete and its journal closed
        complain(f"{prog}: {directory / REPORT} cannot be made: {error}; the journal is complete")
        return False
    return True
