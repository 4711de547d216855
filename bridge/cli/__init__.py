"""
The command line: ``tradebridge paper`` runs a session, ``explain`` tells the life of an order, ``report`` makes
its page, and ``venue`` is Alpaca on localhost.

Each command is a module with ``add(commands)``; what they return is the exit code, and every mistake of the user is one
line on stderr.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from bridge.cli import explain, paper, report, venue
from bridge.cli.terminal import Exit, complain
from bridge.cli.words import divergence
from engine.errors import Diverged, InvalidInput, JournalError

__all__ = ["main"]

_EPILOG = """\
examples:
  tradebridge paper                                   a made-up day of three US shares, needs nothing
  tradebridge paper --bars btc.csv --symbol BTC/USD   your bars
  tradebridge paper --resume DIR                      go on with a session that was stopped or killed
  tradebridge explain DIR                             the orders of a session, a line each
  tradebridge explain DIR ORDER_ID                    the life of one of them
  tradebridge report DIR                              its page, with charts and tables
  tradebridge venue                                   Alpaca on localhost, for clients as they are

NO_COLOR (any value) switches colour off, TERM=dumb everything that is redrawn.

exit codes:
  0 completed   2 wrong input   3 the strategy raised   4 journal trouble   130 stopped by a signal
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is where --help is."""

    def error(self, message: str) -> NoReturn:
        complain(f"{self.prog}: {message} (see {self.prog} --help)")
        raise SystemExit(Exit.WRONG_INPUT)


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run a command.

    Args:
        argv: Arguments without the program's name; None: those of this process.

    Returns:
        The exit code, see `bridge.cli.terminal.Exit`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a symbol that the terminal cannot show is no error
    try:
        options = _parser().parse_args(argv)
    except SystemExit as ended:  # --help, --version, or a mistake that has been told
        return ended.code if isinstance(ended.code, int) else Exit.WRONG_INPUT
    command: Callable[[argparse.Namespace], int] = options.run
    try:
        return command(options)
    except InvalidInput as error:
        complain(f"{options.prog}: {error}")
        return Exit.WRONG_INPUT
    except Diverged as error:
        complain(f"{options.prog}: {divergence(error)}")
        return Exit.JOURNAL_TROUBLE
    except JournalError as error:
        complain(f"{options.prog}: {error}")
        return Exit.JOURNAL_TROUBLE
    except OSError as error:
        complain(f"{options.prog}: {error}")
        return Exit.WRONG_INPUT
    except KeyboardInterrupt:
        complain(f"{options.prog}: interrupted")
        return Exit.STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tradebridge",
        description="Paper sessions of the trading engine, what became of their orders, and Alpaca on localhost.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tradebridge {_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    paper.add(commands)
    explain.add(commands)
    report.add(commands)
    venue.add(commands)
    return parser


def _version() -> str:
    try:
        return version("tradebridge")
    except PackageNotFoundError:
        return "(not installed)"
