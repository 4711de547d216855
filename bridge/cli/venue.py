"""``tradebridge venue``: Alpaca on localhost, until a signal ends it."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import threading
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any

from bridge.cli.terminal import Exit, complain, say
from bridge.cli.venue_recipe import number, recipe_of, rightly, whole
from engine.clock import EPOCH
from engine.errors import InvalidInput

if TYPE_CHECKING:
    from bridge.venue.core import Trader
    from bridge.venue.paper_venue import PaperVenue

__all__ = ["TOKEN", "add"]

TOKEN = "TRADEBRIDGE_VENUE_TOKEN"

_PROG = "tradebridge venue"
_EXTRA = {"starlette", "uvicorn", "websockets"}
_ANYWHERE = "0.0.0.0"

_EPILOG = f"""\
examples:
  tradebridge venue
  tradebridge venue --bars btc.csv.gz --symbol BTC/USD --speed 60
  tradebridge venue --bars aapl.csv --symbol AAPL --bars spy.csv --symbol SPY --hours exchange
  tradebridge venue --still --step --latency 0 --partials 0
  tradebridge venue --faults faults.toml --seed 7
  tradebridge venue --account-file accounts.txt --rate-limit 200/60:sliding --port 0

Its first line on stdout says that it listens, and where:

  venue ready http://127.0.0.1:8765 ws://127.0.0.1:8765/stream

Then it tells how to point clients at it. Without --account there is one account, key PAPERKEY, secret papersecret, with
100,000 dollars. Nobody but this machine reaches it unless --host and --open-to-the-network say so. What stands on a
command line can be read by everybody on the machine: --account-file and {TOKEN} keep secrets out of it.

Ctrl-C or SIGTERM stops it; a second one ends it at once.

exit codes:
  0    stopped by SIGTERM
  2    an argument or a file is wrong, the port is taken, or a package is missing
  130  stopped by Ctrl-C
"""


def add(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser's."""
    parser = commands.add_parser(
        "venue",
        help="Alpaca on localhost, for clients as they are",
        description="Alpaca on localhost: REST and streams that unmodified clients trade against, with paper money.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    market = parser.add_argument_group("market")
    prices = market.add_mutually_exclusive_group()
    prices.add_argument("--synthetic", action="store_true", help="made-up prices of shares and coins (default)")
    prices.add_argument("--still", action="store_true", help="prices stand until POST /_venue/price moves them")
    prices.add_argument(
        "--bars",
        metavar="FILE",
        action="append",
        default=[],
        help="bars, quotes or trades to play: CSV, CSV.gz, Parquet; as often as needed, each with its --symbol",
    )
    market.add_argument("--symbol", metavar="NAME", action="append", default=[], help="what a file is of, in turn")
    market.add_argument(
        "--hours",
        metavar="HOURS",
        default="always",
        help="when shares trade: always (default), or exchange: as in New York",
    )
    market.add_argument(
        "--seed", metavar="N", default="0", help="of prices, ids and all else that is chance (default: 0)"
    )
    time = parser.add_argument_group("time").add_mutually_exclusive_group()
    time.add_argument(
        "--speed", metavar="N", default="1", help="seconds of the venue in one of the machine (default: 1)"
    )
    time.add_argument("--step", action="store_true", help="time stands until POST /_venue/step moves it on")
    trading = parser.add_argument_group("trading")
    trading.add_argument(
        "--account",
        metavar="KEY:SECRET:CASH",
        action="append",
        default=[],
        help="who has an account, and how many dollars in it; as often as needed",
    )
    trading.add_argument("--account-file", metavar="FILE", help="the same from a file, a line each")
    trading.add_argument(
        "--latency",
        metavar="LEAST-MOST",
        default="0.05-0.4",
        help="seconds until an order takes effect (default: 0.05-0.4)",
    )
    trading.add_argument(
        "--partials",
        metavar="RATIO",
        default="0.1",
        help="how often an order fills in parts by chance (default: 0.1, as at Alpaca)",
    )
    trading.add_argument(
        "--rate-limit",
        metavar="N/SECONDS",
        default="200/60",
        help="requests of a key; behind it :clock, :first or :sliding for the kind of window (default: 200/60:clock)",
    )
    trading.add_argument("--faults", metavar="FILE", help="what goes wrong on purpose: TOML, or JSON in a .json")
    network = parser.add_argument_group("network")
    network.add_argument(
        "--port", metavar="N", default="8765", help="where it listens; 0: any free one (default: 8765)"
    )
    network.add_argument("--host", metavar="ADDR", default="127.0.0.1", help="of this machine (default: 127.0.0.1)")
    network.add_argument(
        "--open-to-the-network", action="store_true", help="let --host be an address that others can reach"
    )
    network.add_argument(
        "--frames",
        metavar="KIND",
        default="binary",
        help="of the user stream: binary (default), as Alpaca's paper trading, or text",
    )
    network.add_argument(
        "--max-streams", metavar="N", help="connections to the user stream at a time; one more gets 429 (default: any)"
    )
    network.add_argument(
        "--token", metavar="TOKEN", help=f"opens the routes under /_venue/ (default: {TOKEN}, else a new one)"
    )
    parser.add_argument("--state", metavar="FILE", help="keep what happens in it, and go on from it if it is there")
    parser.add_argument("--quiet", action="store_true", help="print the ready line alone")
    parser.set_defaults(run=run, prog=_PROG)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes; the exit code."""
    ended: SimpleQueue[int] = SimpleQueue()
    with _Signals(ended):
        venue = _venue(options)
        try:
            venue.start()
        except OSError as error:
            raise _not_there(options, error) from error
        try:
            venue.when_ended(lambda: ended.put(0))
            _tell(venue, options)
            number = _wait(ended)
        finally:
            venue.stop()
    return Exit.STOPPED if number == signal.SIGINT else Exit.COMPLETED


def _venue(options: argparse.Namespace) -> PaperVenue:
    try:
        from bridge.stream.frames import Encoding
        from bridge.venue.paper_venue import PaperVenue
        from bridge.venue.serving.pace import Running
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        expected = "it to be installed: pip install 'tradebridge[venue]'"
        raise InvalidInput("server", f"no package {package}", expected) from error
    recipe = recipe_of(options)
    speed = None
    if not options.step:
        with rightly("--speed", options.speed):
            speed = number(options.speed)
            Running(EPOCH, speed=speed)
    with rightly("--port", options.port):
        port = whole(options.port)
    if port > 65535:
        raise InvalidInput("argument --port", options.port, "a port, 0 to 65535")
    encodings = {"binary": Encoding.BINARY, "text": Encoding.TEXT}
    if options.frames not in encodings:
        raise InvalidInput("argument --frames", options.frames, "binary or text")
    token = options.token if options.token is not None else os.environ.get(TOKEN) or None
    if token is not None and not (token.isascii() and token.isprintable() and token.strip() == token and token):
        where = f"variable {TOKEN}" if options.token is None else "argument --token"
        raise InvalidInput(where, "something else", "printable ASCII, for it goes into a header")
    if options.state is not None and not options.state.strip():
        raise InvalidInput("argument --state", options.state, "a file")
    encoding = encodings[options.frames]
    return PaperVenue(
        recipe, speed=speed, token=token, host=_host(options), port=port, state=options.state, encoding=encoding
    )


def _host(options: argparse.Namespace) -> str:
    host: str = options.host
    if host == "localhost":
        return "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is None or address.version != 4:
        raise InvalidInput("argument --host", host, "an IPv4 address of this machine, e.g. 127.0.0.1")
    if not address.is_loopback and not options.open_to_the_network:
        expected = "127.0.0.1, or --open-to-the-network beside it: who knows a key and its secret can then trade here"
        raise InvalidInput("argument --host", host, expected)
    return host


def _not_there(options: argparse.Namespace, error: OSError) -> InvalidInput:
    """Why it cannot listen."""
    why = error.strerror or str(error)
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return InvalidInput("argument --port", options.port, f"one that can be had, or 0 for any ({why.lower()})")
    return InvalidInput("argument --host", options.host, f"an address of this machine ({why.lower()})")


# --- what its owner is told -------------------------------------------------------------------------------------------


def _tell(venue: PaperVenue, options: argparse.Namespace) -> None:
    from bridge.venue.pointing import Pointing
    from bridge.venue.recipe import PAPER

    url = venue.url.replace(f"//{_ANYWHERE}:", "//127.0.0.1:")
    pointing = Pointing(url=url, key=venue.key, secret=PAPER.secret if venue.recipe.traders[0] is PAPER else "SECRET")
    say(f"venue ready {pointing.url} {pointing.stream_url}/stream")
    if options.open_to_the_network:
        complain(f"{_PROG}: open to the network at {options.host}, without encryption")
    if options.quiet:
        return
    say("")
    for trader in venue.recipe.traders:
        say(f"{'account':<12}{_account(trader)}")
    say(f"{'time':<12}{_time(options)}")
    say(f"{'its owner':<12}{_owner(venue, options)}")
    say(f"\n{pointing.guide}\n\nCtrl-C stops it.")


def _account(trader: Trader) -> str:
    from bridge.venue.recipe import PAPER

    secret = f"secret {PAPER.secret}" if trader is PAPER else "secret as given"
    return f"key {trader.key}, {secret}, {trader.cash:,} USD"


def _time(options: argparse.Namespace) -> str:
    if options.step:
        return "stands until it is moved on: POST /_venue/step"
    return "runs" if number(options.speed) == 1 else f"runs {number(options.speed):g} times as fast"


def _owner(venue: PaperVenue, options: argparse.Namespace) -> str:
    from bridge.venue.serving.admin import TOKEN_HEADER

    if options.token is not None:
        token = "the token of --token"
    elif os.environ.get(TOKEN):
        token = f"the token in {TOKEN}"
    else:
        token = venue.token
    return f"is let in to /_venue/ by the header {TOKEN_HEADER}: {token}"


# --- signals ----------------------------------------------------------------------------------------------------------


class _Signals:
    """Puts the first signal into a queue; a second one ends the process as if nobody listened."""

    def __init__(self, told: SimpleQueue[int]) -> None:
        self._told = told  # a queue that a handler may write to whatever is going on
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGINT, signal.SIGTERM):
                self._before[each] = signal.signal(each, self._note)

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def _note(self, which: int, frame: FrameType | None) -> None:
        self._told.put(which)
        for each in self._before:
            signal.signal(each, signal.SIG_DFL)


def _wait(ended: SimpleQueue[int]) -> int:
    """The signal that came; 0: the venue ended by itself."""
    while True:
        try:
            return ended.get(timeout=1.0)  # on Windows a wait without an end would not hear of Ctrl-C
        except Empty:
            continue
