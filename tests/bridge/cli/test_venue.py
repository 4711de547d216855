"""The venue from the command line: in a process of its own where it serves."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import bridge
import engine

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

FOUND = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))
READY = re.compile(r"venue ready (http://127\.0\.0\.1:\d+) (ws://127\.0\.0\.1:\d+/stream)\n")
FAIL_AFTER = 60  # seconds; only a broken test ever waits this long


class Served:
    """A venue in a process, from its ready line on."""

    def __init__(self, process):
        self.process = process
        self.first = process.stdout.readline()
        found = READY.fullmatch(self.first)
        assert found, (self.first, process.stderr.read())
        self.url, self.stream_url = found.groups()

    def ask(self, path, method="GET", body=None, **headers):
        """Status and JSON of an answer."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=FAIL_AFTER)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        read = json.loads(answer.read())
        connection.close()
        return answer.status, read

    def account(self, key="PAPERKEY", secret="papersecret"):
        return self.ask("/v2/account", **{"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret})

    def end(self, number):
        """What it leaves behind when a signal comes: exit code, the rest of stdout, stderr."""
        self.process.send_signal(number)
        out, err = self.process.stdout.read(), self.process.stderr.read()  # they end when it ends
        return self.process.wait(FAIL_AFTER), out, err


@pytest.fixture
def venue(tmp_path):
    """``with venue("--step") as served``."""

    @contextmanager
    def serve(*arguments, **env):
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli", "venue", "--port", "0", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(FOUND)} | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield Served(process)
            finally:
                process.kill()

    return serve


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_serves_until_a_signal(venue, number, code):
    """The ready line is the first and with --quiet the only one; SIGTERM ends it well, Ctrl-C as Ctrl-C does."""
    with venue("--quiet") as served:
        status, account = served.account()

        assert (200, "100000") == (status, account["cash"])
        assert (code, "", "") == served.end(number)


def test_what_it_tells(venue):
    """Behind the ready line stand the account, how time runs, the owner's token, and how clients are pointed at it."""
    with venue() as served:
        _, out, err = served.end(signal.SIGTERM)

    assert "\naccount     key PAPERKEY, secret papersecret, 100,000 USD\n" in out
    assert "\ntime        runs\n" in out
    assert re.search(r"\nits owner .* X-Venue-Token: [\w-]{32}\n", out)
    assert f'  TradingClient("PAPERKEY", "papersecret", url_override="{served.url}")\n' in out
    assert f"  export APCA_API_BASE_URL={served.url}\n" in out
    assert f'  TradingStream("PAPERKEY", "papersecret", url_override="{served.stream_url}")\n' in out
    assert "" == err


def test_accounts(venue, tmp_path):
    """Accounts of arguments and of a file are let in, the known one is not; no secret is told."""
    (tmp_path / "accounts.txt").write_text("TWO:alsohush:50\n")
    (tmp_path / "accounts.txt").chmod(0o600)
    with venue("--account", "ONE:hush:25000", "--account-file", "accounts.txt") as served:
        one, two, known = served.account("ONE", "hush"), served.account("TWO", "alsohush"), served.account()
        _, out, err = served.end(signal.SIGTERM)

    assert (200, "25000") == (one[0], one[1]["cash"])
    assert (200, "50") == (two[0], two[1]["cash"])
    assert 401 == known[0]
    assert "key ONE, secret as given, 25,000 USD" in out
    assert "hush" not in out + err


def test_time_and_prices_by_the_owner(venue):
    """With a token of the environment its owner moves time and prices, where both stand; the token is not told."""
    with venue("--step", "--still", TRADEBRIDGE_VENUE_TOKEN="mine") as served:
        token = {"X-Venue-Token": "mine"}
        _, before = served.ask("/_venue/now", **token)
        moved, after = served.ask("/_venue/step", "POST", '{"seconds": 60}', **token)
        priced, _ = served.ask("/_venue/price", "POST", '{"symbol": "AAPL", "price": "150"}', **token)
        refused, _ = served.ask("/_venue/now", **{"X-Venue-Token": "not mine"})
        _, out, _ = served.end(signal.SIGTERM)

    assert (200, 200, 401) == (moved, priced, refused)
    assert before["now"] < after["now"]
    assert "X-Venue-Token: the token in TRADEBRIDGE_VENUE_TOKEN\n" in out
    assert "mine" not in out
    assert "time        stands until it is moved on" in out


def test_it_goes_on_from_its_file(venue, tmp_path):
    """With --state an order is still there after the end of the process."""
    keys = {"APCA-API-KEY-ID": "PAPERKEY", "APCA-API-SECRET-KEY": "papersecret"}
    order = '{"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1", "time_in_force": "gtc"}'
    with venue("--state", "day.venue", "--quiet") as served:
        _, placed = served.ask("/v2/orders", "POST", order, **keys)
        served.end(signal.SIGTERM)
    with venue("--state", "day.venue", "--quiet") as served:
        status, found = served.ask(f"/v2/orders/{placed['id']}", **keys)

    assert (200, placed["client_order_id"]) == (status, found["client_order_id"])


@pytest.mark.filterwarnings("ignore:websockets.legacy:DeprecationWarning")
def test_a_client_as_it_is(venue):
    """alpaca-py trades against it, pointed there by its own argument."""
    pytest.importorskip("alpaca")
    from alpaca.trading.client import TradingClient
    from alpaca.trading.requests import MarketOrderRequest

    with venue("--still", "--latency", "0", "--partials", "0") as served:
        client = TradingClient("PAPERKEY", "papersecret", url_override=served.url)
        order = MarketOrderRequest(symbol="AAPL", qty=2, side="buy", time_in_force="day")
        sent = client.submit_order(order)
        (held,) = client.get_all_positions()

        assert "filled" == client.get_order_by_id(sent.id).status.value
        assert ("AAPL", "2") == (held.symbol, held.qty)


def test_open_to_the_network(venue):
    """In words it can be opened; it says so on stderr, and its ready line shows an address that works here."""
    with venue("--host", "0.0.0.0", "--open-to-the-network", "--quiet") as served:
        status, _ = served.account()
        _, _, err = served.end(signal.SIGTERM)

    assert 200 == status
    assert "tradebridge venue: open to the network at 0.0.0.0, without encryption\n" == err


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken(run):
    """A port that somebody else has is one line with its number."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("venue", "--port", port)

    line = f"tradebridge venue: argument --port: found '{port}', expected one that can be had, or 0 for any (address"
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert ran.err.startswith(line)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--port", "x"], "argument --port: found 'x', expected a whole number >= 0"),
        (["--port", "65536"], "argument --port: found '65536', expected a port, 0 to 65535"),
        (["--host", "0.0.0.0"], "argument --host: found '0.0.0.0', expected 127.0.0.1, or --open-to-the-network"),
        (["--host", "my.example"], "argument --host: found 'my.example', expected an IPv4 address"),
        (["--host", "::1"], "argument --host: found '::1', expected an IPv4 address"),
        (["--host", "192.0.2.1", "--open-to-the-network"], "argument --host: found '192.0.2.1', expected an address"),
        (["--speed", "0"], "argument --speed: found '0', expected a number > 0"),
        (["--speed", "nan"], "argument --speed: found 'nan', expected a number > 0"),
        (["--frames", "json"], "argument --frames: found 'json', expected binary or text"),
        (["--token", "ü"], "argument --token: found 'something else', expected printable ASCII"),
        (["--token", ""], "argument --token: found 'something else', expected printable ASCII"),
        (["--state", " "], "argument --state: found ' ', expected a file"),
        (["--step", "--speed", "2"], "argument --speed: not allowed with argument --step"),
        (["--still", "--bars", "x.csv"], "argument --bars: not allowed with argument --still"),
        (["--account", "KEY"], "argument --account: found 'a text without colons', expected KEY:SECRET:CASH"),
    ],
)
def test_mistakes(run, arguments, expected):
    """A mistake is one line that names the argument, with exit code 2, and nothing has been served."""
    ran = run("venue", "--port", "0", *arguments)

    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert ran.err.startswith(f"tradebridge venue: {expected}")


def test_without_the_extra(tmp_path):
    """Where the server's packages are missing one line says what to install."""
    code = "import sys; sys.modules['uvicorn'] = None; from bridge.cli import main; sys.exit(main(['venue']))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(FOUND)},
        capture_output=True,
        text=True,
        check=False,
        timeout=FAIL_AFTER,
    )

    assert (2, "", 1) == (ran.returncode, ran.stdout, ran.stderr.count("\n"))
    assert "no package uvicorn" in ran.stderr
    assert "pip install 'tradebridge[venue]'" in ran.stderr
