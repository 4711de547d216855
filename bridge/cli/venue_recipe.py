"""What the arguments of ``tradebridge venue`` say the venue is made of; every mistake names its argument."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from bridge.cli.terminal import complain
from engine.clock import SystemClock
from engine.errors import InvalidInput, InvalidRequest

if TYPE_CHECKING:  # loaded where a venue is made: no other command needs them
    from bridge.venue.core import Trader
    from bridge.venue.faults.armed import AnyFault
    from bridge.venue.market import Market
    from bridge.venue.recipe import Recipe

__all__ = ["number", "recipe_of", "rightly", "whole"]

_ACCOUNT = "KEY:SECRET:CASH"
_OTHERS = 0o044


def recipe_of(options: argparse.Namespace) -> Recipe:
    """
    The recipe.

    Raises:
        InvalidInput: An argument or a file is wrong.
    """
    from bridge.venue.frictions import Terms
    from bridge.venue.notation import latency, rate_limit
    from bridge.venue.recipe import PAPER, Recipe

    with rightly("--latency", options.latency):
        terms = Terms(latency=latency(options.latency))
    with rightly("--partials", options.partials):
        terms = Terms(latency=terms.latency, partials=number(options.partials))
    with rightly("--rate-limit", options.rate_limit):
        rate = rate_limit(options.rate_limit)
    with rightly("--seed", options.seed):
        seed = whole(options.seed)
    if options.hours not in ("always", "exchange"):
        raise InvalidInput("argument --hours", options.hours, "always or exchange")
    hours = cast(Literal["always", "exchange"], options.hours)
    traders = tuple(_traders(options)) or (PAPER,)
    market, faults = _market(options), tuple(_faults(options))
    return Recipe(traders=traders, market=market, hours=hours, seed=seed, terms=terms, rate=rate, faults=faults)


@contextmanager
def rightly(argument: str, value: object) -> Iterator[None]:
    """What is wrong in here is wrong with an argument."""
    try:
        yield
    except InvalidRequest as error:
        raise InvalidInput(f"argument {argument}", value, error.expected) from error


def whole(text: str) -> int:
    """A whole number >= 0."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise InvalidRequest("number", text, "a whole number >= 0")
    return int(text)


def number(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise InvalidRequest("number", text, "a number") from None


# --- accounts ---------------------------------------------------------------------------------------------------------


def _traders(options: argparse.Namespace) -> Iterator[Trader]:
    found: set[str] = set()
    for where, text in _accounts(options):
        trader = _trader(where, text)
        if trader.key in found:
            raise InvalidInput(where, trader.key, "a key of its own for each account")
        found.add(trader.key)
        yield trader


def _accounts(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Every account as it is written, and where it stands."""
    for text in options.account:
        yield "argument --account", text
    if options.account_file is None:
        return
    path = Path(options.account_file)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise InvalidInput("argument --account-file", options.account_file, f"a file of accounts ({why})") from error
    if os.name == "posix" and mode & _OTHERS:
        complain(f"others can read the secrets in {path}: chmod 600 {path}")
    accounts = [(at, text) for at, line in enumerate(lines, 1) if (text := line.strip()) and not text.startswith("#")]
    if not accounts:
        raise InvalidInput("argument --account-file", options.account_file, f"at least one line like {_ACCOUNT}")
    for at, text in accounts:
        yield f"{path}, line {at}", text


def _trader(where: str, text: str) -> Trader:
    """An account; whatever is wrong with it, its secret is not told."""
    from bridge.venue.core import Trader
    from bridge.venue.notation import amount

    key, _, rest = text.partition(":")
    secret, _, cash = rest.rpartition(":")  # there may be colons in a secret
    if not key or not secret or not cash:
        shown = f"{key}:…" if rest else "a text without colons"
        raise InvalidInput(where, shown, f"{_ACCOUNT}, e.g. MYKEY:mysecret:25000")
    try:
        return Trader(key=key, secret=secret, cash=amount("cash", cash))
    except InvalidRequest:
        raise InvalidInput(where, f"{key}:…:…", f"{_ACCOUNT} with an amount of dollars > 0 at its end") from None


# --- what goes wrong --------------------------------------------------------------------------------------------------


def _faults(options: argparse.Namespace) -> Iterator[AnyFault]:
    from bridge.venue.faults.files import from_file
    from bridge.venue.faults.sockets import ConnectionLimit

    if options.max_streams is not None:
        with rightly("--max-streams", options.max_streams):
            yield ConnectionLimit(most=whole(options.max_streams))
    if options.faults is not None:
        yield from from_file(options.faults)


# --- market -----------------------------------------------------------------------------------------------------------


def _market(options: argparse.Namespace) -> Market | None:
    files, symbols = options.bars, options.symbol
    if not files and not symbols:
        if not options.still:
            return None
        if options.state is not None:
            expected = "prices of their own beside --state: a still market begins anew each time"
            raise InvalidInput("argument --still", None, expected)
        from bridge.venue.market import Still

        return Still(SystemClock().now())
    if len(files) != len(symbols):
        missing, there = ("--symbol", "--bars") if len(files) > len(symbols) else ("--bars", "--symbol")
        example = "--symbol BTC/USD" if missing == "--symbol" else "--bars btc.csv"
        raise InvalidInput(f"argument {missing}", None, f"one for each {there}, e.g. {example}")
    from bridge.venue.market import Recorded, assets_for

    for argument, values in (("--symbol", symbols), ("--bars", files)):
        twice = next((each for each in values if values.count(each) > 1), None)
        if twice is not None:
            raise InvalidInput(f"argument {argument}", twice, "each only once")
    with rightly("--symbol", ", ".join(symbols)):
        market = Recorded(dict(zip(symbols, files, strict=True)))
        assets_for(market.prices)  # complains of what cannot be a symbol
    return market
