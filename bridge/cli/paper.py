"""``tradebridge paper``: a session on bars from a file or on a made-up day, new or resumed."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

from bridge.cli.progress import display
from bridge.cli.records import summary_as_json
from bridge.cli.report import report_beside
from bridge.cli.terminal import Exit, complain, painter, say
from bridge.cli.wire import wired
from engine.clock import Clock, SystemClock
from engine.config import convert, read_toml
from engine.errors import InvalidInput, TradingError
from engine.facts import CancelRequested, StrategyFailed
from engine.report.folder import REPORT
from engine.report.summary import as_text, save, summarise
from engine.session import Hours, PaperSession, Result, SessionConfig, open_session, resume_session

__all__ = ["SESSIONS", "add", "session_folder"]

SESSIONS = Path("paper-sessions")

_PROG = "tradebridge paper"

_EPILOG = """\
examples:
  tradebridge paper
  tradebridge paper --bars btc.csv.gz --symbol BTC/USD --fee-bps 10
  tradebridge paper --bars btc.csv.gz --symbol BTC/USD --strategy my_strategy:Dip --set fall=0.02
  tradebridge paper --config session.toml --out first-try
  tradebridge paper --resume first-try
  tradebridge paper --wire
  tradebridge paper --json --quiet | jq .profit

A session is deterministic: the same bars, settings and strategy decide the same. So one that was stopped or killed, by
whatever, resumes by running again, and its journal is compared with as far as it goes. Ctrl-C (or SIGTERM) ends the run
after the bar it is in; a second one ends it at once. Either way it can be resumed.

With --wire the orders go over HTTP, through the broker for Alpaca, to a venue on this machine that plays the same
market. The session decides the same either way, and "books" is the same. The venue waits for the session, so its limit
of requests does not bind, and it lets pass what Alpaca would refuse: "let pass" says what that was.

On a terminal the progress and the summary are drawn, in colour unless NO_COLOR is set, if the package rich is there
(pip install 'tradebridge[cli]'); elsewhere, and with TERM=dumb, they are lines.

exit codes:
  0    the session completed
  2    an argument, a file or a setting is wrong
  3    the strategy raised; its traceback is on stderr, what happened before is recorded
  4    the journal cannot be read or written, or a resumed session decided otherwise than before
  130  stopped by a signal
"""

# Where the value of an argument stands in the settings.
_PLACES = {
    "cash": "cash",
    "seed": "seed",
    "bars": "market.bars",
    "symbol": "market.symbol",
    "hours": "market.hours",
    "fee_bps": "market.fee_bps",
    "ideal": "market.ideal",
    "strategy": "strategy.name",
    "wire": "wire",
}


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "paper",
        help="run a session without a broker, new or resumed",
        description="Run a session: bars, a strategy and the engine, with a journal that survives kill -9.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    market = parser.add_argument_group("market")
    market.add_argument(
        "--bars", metavar="FILE", help="bars, quotes or trades to play: CSV, CSV.gz, Parquet; without: a made-up day"
    )
    market.add_argument("--symbol", metavar="NAME", help="what the bars are of, e.g. BTC/USD; needed with --bars")
    market.add_argument(
        "--hours",
        metavar="HOURS",
        help=f"when the market is open, one of {', '.join(each.value for each in Hours)} (default: by the symbol)",
    )
    market.add_argument(
        "--fee-bps", metavar="N", help="a flat fee of every fill in basis points of its cost (default: by the symbol)"
    )
    market.add_argument(
        "--ideal", action="store_true", default=None, help="no spread, slippage, limit by volume, queue or fees"
    )
    market.add_argument("--seed", metavar="N", help="of the made-up day (default: 1)")
    strategy = parser.add_argument_group("strategy")
    strategy.add_argument(
        "--strategy", metavar="NAME", help="sma-cross (default), vwap-reversion, or your own as module:Class"
    )
    strategy.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a setting of the strategy, as often as needed; the value is read as in TOML, else as text",
    )
    session = parser.add_argument_group("session")
    session.add_argument("--config", metavar="FILE", help="settings in TOML; arguments given beside it win over it")
    session.add_argument("--cash", metavar="N", help="what it starts with (default: 100000)")
    session.add_argument(
        "--wire",
        action="store_true",
        default=None,
        help="over HTTP to a venue of its own (needs: pip install 'tradebridge[venue,alpaca]')",
    )
    session.add_argument("--out", metavar="DIR", help=f"its folder (default: {SESSIONS}/ and the time, UTC)")
    session.add_argument("--no-report", action="store_true", help="make no report.html at its end")
    session.add_argument("--resume", metavar="DIR", help="go on with the session in this folder; stands alone")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--json", action="store_true", help="the summary as one JSON object, and nothing else on stdout"
    )
    output.add_argument("--quiet", action="store_true", help="no progress; only mistakes on stderr")
    parser.set_defaults(run=run, prog=_PROG)


def run(options: argparse.Namespace) -> int:
    """Run or resume a session; the exit code."""
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)  # as with `python -m`: module:Class is looked for where the user stands
    for name in ("out", "resume"):
        if getattr(options, name) is not None and not getattr(options, name).strip():
            raise InvalidInput(f"argument --{name}", getattr(options, name), "a folder")
    with _Stop() as stop:
        try:
            return _begin(options, stop) if options.resume is None else _resume(options, stop)
        except _Unmade as error:
            complain(f"{_PROG}: {error}")
        except SystemExit as ended:
            complain(f"{_PROG}: the strategy called sys.exit({ended.code!r}); what happened before is recorded")
        return Exit.STRATEGY_RAISED


def _prints_aside(options: argparse.Namespace) -> AbstractContextManager[object]:
    """What a strategy prints would stand in the middle of the one object that --json asks for: to stderr with it."""
    return redirect_stdout(sys.stderr) if options.json else nullcontext()


def _begin(options: argparse.Namespace, stop: _Stop) -> int:
    config, origins = _config(options)
    with session_folder(options.out, SystemClock()) as directory, _made(config, origins), _prints_aside(options):
        session = open_session(config, directory, wired=wired)
    if not options.quiet:
        complain(f"recording in {directory}; Ctrl-C stops after the bar; to go on: {_resuming(directory)}")
    return _play(session, directory, stop, options)


def _resume(options: argparse.Namespace, stop: _Stop) -> int:
    others = [f"--{name.replace('_', '-')}" for name in (*_PLACES, "set", "config", "out") if getattr(options, name)]
    if others:
        expected = "nothing beside --resume: a session goes on with the settings it began with"
        raise InvalidInput("arguments", " ".join(others), expected)
    directory = Path(options.resume)
    with _made(None, {}), _prints_aside(options):
        session = resume_session(directory, wired=wired)
    if not options.quiet:
        complain(f"resuming {directory}; Ctrl-C stops after the bar")
    return _play(session, directory, stop, options)


# --- settings ---------------------------------------------------------------------------------------------------------


def _config(options: argparse.Namespace) -> tuple[SessionConfig, dict[str, str]]:
    """The settings of file and arguments, and where each of them was given, by its place."""
    where = "settings" if options.config is None else options.config
    table: dict[str, Any] = {} if options.config is None else read_toml(options.config)
    origins: dict[str, str] = {}
    for name, place in _PLACES.items():
        value = getattr(options, name)
        if value is not None:
            _put(table, place, int(value) if name == "seed" and _whole(value) else value)
            origins[place] = f"argument --{name.replace('_', '-')}"
    for pair in options.set:
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not equals or not key:
            raise InvalidInput("argument --set", pair, "KEY=VALUE, e.g. fast=10")
        _put(table, "strategy.settings", {**_settings(table), key: _value(value)})
        origins[f"strategy.settings.{key}"] = f"argument --set {key}"
    if options.config is None:
        for given, missing, example in (("bars", "symbol", "BTC/USD"), ("symbol", "bars", "btc.csv")):
            if getattr(options, given) is not None and getattr(options, missing) is None:
                expected = f"it beside --{given}, e.g. --{missing} {example}"
                raise InvalidInput(f"argument --{missing}", "nothing", expected)
    try:
        config = convert(table, SessionConfig, where=where)
    except InvalidInput as error:
        place = error.where.removeprefix(f"{where}: ")
        if place in origins:
            raise InvalidInput(origins[place], error.value, error.expected) from error
        raise
    if options.config is not None:
        origins = {"strategy": f"{where}: strategy"} | origins
    return config, origins


def _put(table: dict[str, Any], place: str, value: object) -> None:
    """Set a value in nested tables; what stands where a table should is left for `convert` to complain about."""
    *outer, last = place.split(".")
    for name in outer:
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        table = inner
    table[last] = value


def _settings(table: dict[str, Any]) -> dict[str, Any]:
    strategy = table.get("strategy", {})
    settings = strategy.get("settings", {}) if isinstance(strategy, dict) else {}
    return settings if isinstance(settings, dict) else {}


def _whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and len(text) < 100


def _value(text: str) -> object:
    """A number, true or false, a list, … as in TOML; any other text is a text."""
    try:
        read = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return text
    return read["value"] if read.keys() == {"value"} else text


@contextmanager
def _made(config: SessionConfig | None, origins: dict[str, str]) -> Iterator[None]:
    """Errors of a session in the making, named after what the user wrote."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(_origin(error, origins), error.value, error.expected) from error
    except (TradingError, OSError):
        raise
    except Exception as error:
        traceback.print_exc()
        name = "its strategy" if config is None else config.strategy.name
        raise _Unmade(f"{name} raised {type(error).__name__} while it was made; nothing was recorded") from error


class _Unmade(Exception):
    """The strategy could not be made."""


def _origin(error: InvalidInput, origins: dict[str, str]) -> str:
    where = error.where
    if where == "strategy.settings" and isinstance(error.value, str):
        where = f"strategy.settings.{error.value}"  # an unknown key stands in the value
    where = where.replace("strategy.settings: ", "strategy.settings.")
    if where in origins:
        return origins[where]
    if where == "strategy.settings" and any(place.startswith(where) for place in origins):
        return "arguments --set"
    if where.startswith("strategy") and "strategy" in origins:
        return origins["strategy"] + error.where.removeprefix("strategy")
    return error.where


# --- the folder -------------------------------------------------------------------------------------------------------


@contextmanager
def session_folder(wanted: str | None, clock: Clock) -> Iterator[Path]:
    """The session's folder; one that was made here and stayed empty is taken away again when an error comes out."""
    if wanted is not None:
        yield Path(wanted)
        return
    name = f"{clock.now():%Y%m%d-%H%M%S}"
    number = 1
    while True:
        directory = SESSIONS / (name if number == 1 else f"{name}-{number}")
        try:
            directory.mkdir(parents=True)
            break
        except FileExistsError:
            if not SESSIONS.is_dir():
                raise InvalidInput(str(SESSIONS), "a file", "a folder, or --out with another one") from None
            number += 1
        except OSError as error:
            expected = "a folder that can be made here, or --out with another one"
            raise InvalidInput(str(directory), error.strerror, expected) from error
    try:
        yield directory
    except BaseException:
        for empty in (directory, SESSIONS):
            try:
                empty.rmdir()
            except OSError:
                break
        raise


def _resuming(directory: Path) -> str:
    return f"{_PROG} --resume {shlex.quote(str(directory))}"


# --- the run ----------------------------------------------------------------------------------------------------------


class _Stop:
    """Whether a signal has asked for the end; a second one ends the process as if nobody listened."""

    def __init__(self) -> None:
        self.asked = False
        self.aside = ("\n", "\n")  # around what is said of it
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        return self.asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        for each in self._before:
            signal.signal(each, signal.SIG_DFL)
        before, behind = self.aside
        try:
            # print may be busy right here
            os.write(2, f"{before}stopping after this bar; once more ends it at once{behind}".encode())
        except OSError:
            pass


def _play(session: PaperSession, directory: Path, stop: _Stop, options: argparse.Namespace) -> int:
    try:
        with _prints_aside(options):
            result = _run(session, stop, options)
        summary = summarise(result, SystemClock())
        code = Exit.COMPLETED if result.outcome == "completed" else Exit.STOPPED
        if session.error is not None:
            code = Exit.STRATEGY_RAISED
            _tell_failure(session, session.error, directory)
    except InvalidInput:
        complain(f"{_PROG}: the data ended the session; what was played before is recorded in {directory}")
        raise
    finally:
        session.close()
    try:
        save(summary, directory)
    except OSError as error:
        complain(f"{_PROG}: {directory / 'summary.json'} cannot be written: {error.strerror}; the journal is complete")
        code = Exit.JOURNAL_TROUBLE
    made = not options.no_report and report_beside(directory, _PROG)
    if options.json:
        say(summary_as_json(summary, directory))
        return code
    paint = painter()
    say(as_text(summary) if paint is None else paint.summary(as_text(summary)))
    _tell_what_next(result, directory, f", {REPORT}" if made else "")
    return code


def _run(session: PaperSession, stop: _Stop, options: argparse.Namespace) -> Result:
    if options.quiet:
        return session.run(stopped=stop)
    shown = display(session.config)
    stop.aside = shown.aside
    try:
        return session.run(progress=shown, every=shown.every, stopped=stop)
    finally:
        shown.clear()


def _tell_what_next(result: Result, directory: Path, report: str) -> None:
    first = next(iter(result.books.tracker), None)
    explain = f"tradebridge explain {shlex.quote(str(directory))}"
    again = "resume" if result.outcome == "stopped" else "run again"
    say(f"\n{'folder':<12}{directory}  (journal.sqlite, summary.json{report})")
    say(f"{'explain':<12}{explain if first is None else f'{explain} {shlex.quote(first.id)}'}")
    say(f"{again:<12}{_resuming(directory)}")


def _tell_failure(session: PaperSession, error: Exception, directory: Path) -> None:
    """The strategy's traceback without our own frame on top, what is recorded, and what became of its orders."""
    frames = error.__traceback__
    if frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    complain("".join(traceback.format_exception(type(error), error, frames)).rstrip())
    complain(f"{_PROG}: the strategy raised; {len(session.journal):,} facts are recorded in {directory}")
    failed, asked = False, []
    for entry in session.journal.entries():
        if isinstance(entry.fact, StrategyFailed):
            failed = True
        elif failed and isinstance(entry.fact, CancelRequested):
            asked.append(entry.fact.order_id)
    tracker = session.engine.books.tracker
    became = [f"{order_id} {tracker[order_id].status.value}" for order_id in dict.fromkeys([*asked, *tracker.live])]
    policy = session.config.on_error.value
    complain(f"its live orders (on_error is {policy}): {', '.join(became) or 'there were none'}")
