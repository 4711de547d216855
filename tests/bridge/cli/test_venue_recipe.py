"""What the arguments say that a venue is made of."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge.cli.venue_recipe import number, recipe_of, rightly, whole
from bridge.venue.core import Trader
from bridge.venue.faults.frames import Drop
from bridge.venue.faults.rest import Slow
from bridge.venue.faults.sockets import ConnectionLimit
from bridge.venue.limits import RateLimit
from bridge.venue.market import Recorded, Still
from bridge.venue.recipe import PAPER
from engine.errors import InvalidInput, InvalidRequest
from engine.market.bars import Bar

START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def options(**given):
    """Arguments as the parser leaves them."""
    defaults = {
        "account": [],
        "account_file": None,
        "bars": [],
        "symbol": [],
        "still": False,
        "state": None,
        "hours": "always",
        "seed": "0",
        "latency": "0.05-0.4",
        "partials": "0.1",
        "rate_limit": "200/60",
        "faults": None,
        "max_streams": None,
    }
    return Namespace(**defaults | given)


def bar(symbol, price):
    """A minute in which nothing moves."""
    return Bar(symbol, START, START + timedelta(minutes=1), *[Decimal(price)] * 4, Decimal(100))


def test_defaults():
    """Without arguments there is the known account, a made-up market, and Alpaca's own latency, parts and limit."""
    recipe = recipe_of(options())

    assert ((PAPER,), None, "always", 0) == (recipe.traders, recipe.market, recipe.hours, recipe.seed)
    assert ((0.05, 0.4), 0.1) == (recipe.terms.latency, recipe.terms.partials)
    assert (RateLimit(), ()) == (recipe.rate, recipe.faults)


def test_settings():
    """Each argument finds its place."""
    given = options(hours="exchange", seed="7", latency="0", partials="0", rate_limit="5/1:first")
    recipe = recipe_of(given)

    assert ("exchange", 7, (0.0, 0.0), 0.0) == (
        recipe.hours,
        recipe.seed,
        recipe.terms.latency,
        recipe.terms.partials,
    )
    assert RateLimit(requests=5, window=timedelta(seconds=1), kind="first") == recipe.rate


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"hours": "nyse"}, "argument --hours: found 'nyse', expected always or exchange"),
        ({"seed": "-1"}, "argument --seed: found '-1', expected a whole number >= 0"),
        ({"latency": "0.4-0.05"}, "argument --latency: found '0.4-0.05', expected two numbers of seconds"),
        ({"latency": "soon"}, "argument --latency: found 'soon', expected seconds as 0.05-0.4"),
        ({"partials": "1"}, "argument --partials: found '1', expected a ratio from 0 to below 1"),
        ({"partials": "x"}, "argument --partials: found 'x', expected a number"),
        ({"rate_limit": "many"}, "argument --rate-limit: found 'many', expected requests and seconds"),
        ({"bars": ["a.csv"]}, "argument --symbol: found nothing, expected one for each --bars"),
        ({"symbol": ["AAPL"]}, "argument --bars: found nothing, expected one for each --symbol"),
        ({"bars": ["a", "b"], "symbol": ["A", "A"]}, "argument --symbol: found 'A', expected each only once"),
        ({"bars": ["a", "a"], "symbol": ["A", "B"]}, "argument --bars: found 'a', expected each only once"),
        ({"bars": ["no.csv"], "symbol": ["AAPL"]}, "no.csv: found 'No such file or directory'"),
        ({"faults": "no.toml"}, "no.toml: found 'no such file', expected a TOML file"),
        ({"faults": "no.json"}, "no.json: found 'No such file or directory', expected a file that can be read"),
        ({"max_streams": "0"}, "argument --max-streams: found '0', expected a whole number >= 1"),
        ({"max_streams": "x"}, "argument --max-streams: found 'x', expected a whole number >= 0"),
        ({"still": True, "state": "x"}, "argument --still: found nothing, expected prices of their own"),
    ],
)
def test_what_is_wrong(given, expected):
    """A mistake names its argument, what was found, and what would be right."""
    with pytest.raises(InvalidInput) as told:
        recipe_of(options(**given))

    assert str(told.value).startswith(expected)


# --- market -----------------------------------------------------------------------------------------------------------


def test_files(bars_file):
    """Files and symbols belong together in the order in which they stand."""
    paths = [str(bars_file(bar(symbol, price), name=f"{symbol}.csv")) for symbol, price in (("B", 20), ("A", 10))]
    market = recipe_of(options(bars=paths, symbol=["B", "A"])).market

    assert isinstance(market, Recorded)
    assert {"A": Decimal(10), "B": Decimal(20)} == market.prices
    assert START == market.first


def test_a_symbol_in_small_letters(bars_file):
    """It would be another one than clients ask for."""
    path = str(bars_file(bar("btc/usd", 20)))

    with pytest.raises(InvalidInput, match="argument --symbol: found 'btc/usd', expected capitals: BTC/USD"):
        recipe_of(options(bars=[path], symbol=["btc/usd"]))


def test_still():
    """A still market is one whose prices stand."""
    assert isinstance(recipe_of(options(still=True)).market, Still)


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_faults(tmp_path):
    """Faults come from a file, TOML or JSON by its name; a limit of streams is one too."""
    (tmp_path / "faults.toml").write_text('[[fault]]\nkind = "drop"\nevents = ["fill"]\ncount = 1\n')
    (tmp_path / "faults.json").write_text('{"fault": [{"kind": "slow", "seconds": 2}]}')
    toml, json = (recipe_of(options(faults=str(tmp_path / name))).faults for name in ("faults.toml", "faults.json"))
    both = recipe_of(options(max_streams="3", faults=str(tmp_path / "faults.json"))).faults

    assert (Drop(events=("fill",), count=1),) == toml
    assert (Slow(seconds=2),) == json
    assert (ConnectionLimit(most=3), *json) == both


# --- accounts ---------------------------------------------------------------------------------------------------------


def test_accounts():
    """An account is key, secret and dollars; there may be colons in the secret."""
    traders = recipe_of(options(account=["A:s:e:c:25000", "B:x:0.5"])).traders

    assert (
        Trader(key="A", secret="s:e:c", cash=Decimal(25_000)),
        Trader(key="B", secret="x", cash=Decimal("0.5")),
    ) == traders


@pytest.mark.parametrize("text", ["hush", "KEY:hush", ":hush:1", "KEY::1", "KEY:hush:", "KEY:hush:x", "KEY:hush:0"])
def test_an_account_that_is_none(text):
    """A mistake in an account is told without its secret."""
    with pytest.raises(InvalidInput, match="argument --account: found .* expected KEY:SECRET:CASH") as told:
        recipe_of(options(account=[text]))

    assert "hush" not in str(told.value)


def test_accounts_from_a_file(tmp_path, capsys):
    """A file has an account a line; empty lines and comments are none, and its mistakes name the line."""
    path = tmp_path / "accounts.txt"
    path.write_text("# mine\n\nB:x:50\n")
    path.chmod(0o600)
    traders = recipe_of(options(account=["A:y:10"], account_file=str(path))).traders
    path.write_text("# mine\n\nB:hush\n")
    with pytest.raises(InvalidInput, match="accounts.txt, line 3: found") as told:
        recipe_of(options(account_file=str(path)))

    assert ["A", "B"] == [trader.key for trader in traders]
    assert "hush" not in str(told.value)
    assert "" == capsys.readouterr().err


def test_a_file_that_others_can_read(tmp_path, capsys):
    """Whoever keeps secrets in a file that others can read is told, and how to change it."""
    path = tmp_path / "accounts.txt"
    path.write_text("B:x:50\n")
    path.chmod(0o644)
    recipe_of(options(account_file=str(path)))

    assert f"others can read the secrets in {path}: chmod 600 {path}\n" == capsys.readouterr().err


@pytest.mark.parametrize("raw", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read(tmp_path, raw):
    """A file of accounts that is not there, or is no text, is one line."""
    path = tmp_path / "accounts.txt"
    if raw is not None:
        path.write_bytes(raw)

    with pytest.raises(InvalidInput, match="argument --account-file: found .* expected a file of accounts"):
        recipe_of(options(account_file=str(path)))


def test_a_file_without_accounts(tmp_path):
    """Who names a file of accounts does not mean the well-known one."""
    path = tmp_path / "accounts.txt"
    path.write_text("# none yet\n\n")
    path.chmod(0o600)

    with pytest.raises(InvalidInput, match="--account-file: found .* expected at least one line like"):
        recipe_of(options(account_file=str(path)))


def test_two_accounts_with_one_key(tmp_path):
    """Each account has a key of its own, wherever it was named."""
    path = tmp_path / "accounts.txt"
    path.write_text("A:x:50\n")

    with pytest.raises(InvalidInput, match="line 1: found 'A', expected a key of its own"):
        recipe_of(options(account=["A:y:10"], account_file=str(path)))


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", "٣", "9" * 30])
def test_no_whole_number(text):
    """A whole number is made of digits, and not of too many."""
    with pytest.raises(InvalidRequest, match="whole number"):
        whole(text)


def test_numbers():
    """Numbers are read as they stand."""
    assert (12, 0.5) == (whole("12"), number("0.5"))


def test_a_mistake_gets_the_name_of_its_argument():
    """What is wrong within is told of the argument, with its value as it was written."""
    with pytest.raises(InvalidInput, match="argument --x: found 'ten', expected a number"), rightly("--x", "ten"):
        number("ten")
