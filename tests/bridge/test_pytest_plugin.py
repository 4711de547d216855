"""The fixture paper_venue, in runs of pytest as a user has them."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import bridge
import engine
from bridge.pytest_plugin import _made

ROOT = Path(__file__).parents[2]
FOUND = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))
PLUGIN = ("-p", "no:tradebridge", "-p", "bridge.pytest_plugin")  # whether or not it is installed

SETTING = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}

TRADING = """
import json
from http.client import HTTPConnection

import pytest


def ask(venue, method, path, body=None):
    connection = HTTPConnection("127.0.0.1", venue.port, timeout=10)
    headers = {"APCA-API-KEY-ID": venue.key, "APCA-API-SECRET-KEY": venue.secret}
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def buy(venue, **more):
    order = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"} | more
    return ask(venue, "POST", "/v2/orders", order)["id"]


def status(venue, order_id):
    return ask(venue, "GET", f"/v2/orders/{order_id}")["status"]
"""


def run(folder, code, *arguments, path=()):
    """A run of pytest on one file in that folder, with no other plugin than those that it names."""
    (folder / "test_mine.py").write_text(code, encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider", "-W", "error"]
        + ["-c", os.devnull, "--rootdir", str(folder), *arguments, str(folder)],
        cwd=folder,
        env=env | SETTING | {"PYTHONPATH": os.pathsep.join([*map(str, path), *FOUND])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def outcome(ran):
    """How many tests ended in which way: {"passed": 3}."""
    last = ran.stdout.strip().splitlines()[-1]
    return {name.removesuffix("s"): int(number) for number, name in re.findall(r"(\d+) ([a-z]+)", last)}


@pytest.fixture
def with_server():
    """What the venue needs beside pytest."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")


# --- the plugin -------------------------------------------------------------------------------------------------------


def test_it_loads_nothing_but_pytest():
    """Whoever runs pytest without a venue does not wait for one: the plugin brings two modules, both of bridge."""
    code = "import sys, pytest; before = set(sys.modules); import bridge.pytest_plugin\n"
    code += "print(sorted(name for name in set(sys.modules) - before if '__editable__' not in name))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(FOUND)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert "['bridge', 'bridge.pytest_plugin']\n" == ran.stdout


def installed(folder):
    """A folder in which the plugin is installed as setup.cfg says."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    information = folder / "probe-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[pytest11]{setup['options.entry_points']['pytest11']}\n")
    modules = ["bridge/__init__.py", "bridge/pytest_plugin.py", "engine/__init__.py", "engine/errors.py"]
    (information / "RECORD").write_text("".join(f"{module},,\n" for module in modules))
    return folder


def test_installed(tmp_path):
    """setup.cfg installs it under the name tradebridge."""
    ran = run(tmp_path, "", "--fixtures", "-p", "tradebridge", path=[installed(tmp_path / "site")])

    assert re.search(r"^paper_venue -- .*pytest_plugin", ran.stdout, re.MULTILINE)


def test_the_marker_is_told(tmp_path):
    """pytest --markers has the marker with its arguments."""
    ran = run(tmp_path, "", "--markers", *PLUGIN)

    assert "@pytest.mark.paper_venue(speed=1.0, seed=0, cash=100000, latency=0, " in ran.stdout


# --- the fixture ------------------------------------------------------------------------------------------------------


def test_trading(tmp_path, with_server):
    """By default orders fill at once, and a limit is reached when the test moves the price; a venue for each test."""
    code = f"""{TRADING}
seen = set()


def test_default(paper_venue):
    market, limit = buy(paper_venue), buy(paper_venue, type="limit", limit_price="150")
    assert ("filled", "new") == (status(paper_venue, market), status(paper_venue, limit))
    paper_venue.price("AAPL", 149.5)
    assert "filled" == status(paper_venue, limit)
    seen.add(paper_venue.port)


def test_another(paper_venue):
    assert [] == ask(paper_venue, "GET", "/v2/positions")
    assert not {{paper_venue.port}} & seen


def test_environment(paper_venue, monkeypatch):
    for name, value in paper_venue.env().items():
        monkeypatch.setenv(name, value)
    assert paper_venue.env()["APCA_API_BASE_URL"] == paper_venue.url
    assert paper_venue.env()["APCA_API_KEY_ID"] == paper_venue.key
    assert paper_venue.stream_url == f"ws://127.0.0.1:{{paper_venue.port}}/stream"
"""
    ran = run(tmp_path, code, *PLUGIN)

    assert {"passed": 3} == outcome(ran), ran.stdout


def test_the_marker(tmp_path, with_server):
    """The marker says what the venue is made of, on a test or for a whole file."""
    code = f"""{TRADING}
pytestmark = pytest.mark.paper_venue(cash=1000, prices={{"AAPL": 50, "MINE": "3.5"}})


def test_of_the_file(paper_venue):
    assert "1000" == ask(paper_venue, "GET", "/v2/account")["cash"]
    assert "3.5" == ask(paper_venue, "GET", f"/v2/orders/{{buy(paper_venue, symbol='MINE')}}")["filled_avg_price"]


@pytest.mark.paper_venue(speed=None, latency=5)
def test_stepped(paper_venue):
    order, before = buy(paper_venue), paper_venue.now()
    assert "pending_new" == status(paper_venue, order)
    paper_venue.step(5)
    assert "filled" == status(paper_venue, order)
    assert 5 == (paper_venue.now() - before).total_seconds()


@pytest.mark.paper_venue(market="synthetic", latency="0.1-0.2", rate_limit="2/60:sliding", seed=4, hours="exchange")
def test_limited(paper_venue):
    answers = [ask(paper_venue, "GET", "/v2/account") for _ in range(3)]
    assert [True, True, False] == ["cash" in answer for answer in answers]
    assert 4 == paper_venue.recipe.seed
    assert (0.1, 0.2) == paper_venue.recipe.terms.latency
"""
    ran = run(tmp_path, code, *PLUGIN)

    assert {"passed": 3} == outcome(ran), ran.stdout


def test_faults(tmp_path, with_server):
    """Faults come with the marker, as tables, values or a file, or by the test; the oracle counts what came of them."""
    code = f"""{TRADING}
from bridge.venue.faults.rest import ErrorBefore

ERROR = {{"kind": "error-before", "status": 503, "count": 1}}


def answers(venue):
    return ["status" in ask(venue, "GET", "/v2/account") for _ in range(2)]


@pytest.mark.paper_venue(faults=[ERROR])
def test_tables(paper_venue):
    assert [False, True] == answers(paper_venue)


@pytest.mark.paper_venue(faults=[ErrorBefore(status=503, count=1)])
def test_values(paper_venue):
    assert [False, True] == answers(paper_venue)


@pytest.mark.paper_venue(faults="faults.json")
def test_file(paper_venue):
    assert [False, True] == answers(paper_venue)


def test_by_the_test(paper_venue):
    paper_venue.faults.add(**ERROR)
    assert [False, True] == answers(paper_venue)
    assert ["error-before-1"] == [trip["fault"] for trip in paper_venue.oracle()["faults"]]


@pytest.mark.paper_venue(faults=[{{"kind": "drop", "seconds": 1}}])
def test_wrong(paper_venue):
    ...
"""
    (tmp_path / "faults.json").write_text('{"fault": [{"kind": "error-before", "status": 503, "count": 1}]}')
    ran = run(tmp_path, code, *PLUGIN)

    assert {"passed": 4, "error": 1} == outcome(ran), ran.stdout
    assert "\nmarker paper_venue: faults: " in ran.stdout


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((), {"sped": 2}, "got an unexpected keyword argument 'sped'; by name it takes speed, seed, cash, latency, "),
        ((2,), {}, "too many positional arguments; by name it takes speed, "),
        ((), {"speed": 0}, "speed = 0: expected a number > 0"),
        ((), {"cash": "x"}, "cash = 'x': expected a number > 0"),
        ((), {"latency": "x"}, "latency = 'x': expected seconds as 0.05-0.4"),
        ((), {"partials": 2}, "partials = 2: expected a ratio from 0 to below 1"),
        ((), {"rate_limit": "x"}, "rate_limit = 'x': expected requests and seconds as 200/60"),
        ((), {"rate_limit": 5}, "rate = 5: expected a limit"),
        ((), {"seed": "x"}, "seed = 'x': expected a whole number"),
        ((), {"latency": None}, "latency = (None, None): expected two numbers of seconds"),
        ((), {"hours": "x"}, "hours = 'x': expected always or exchange"),
        ((), {"market": "x"}, "market = 'x': expected still, synthetic, or a market"),
        ((), {"market": "synthetic", "prices": {"AAPL": 1}}, "prices = {'AAPL': 1}: expected none, or a still market"),
        ((), {"prices": {"AAPL": 0}}, "price of AAPL = 0: expected a number > 0"),
    ],
)
def test_a_marker_that_is_wrong(args, kwargs, expected, with_server):
    """What the marker does not know or cannot be is one line."""
    told = _made(args, kwargs)

    assert isinstance(told, str)
    assert told.startswith(expected)


def test_a_test_with_a_wrong_marker(tmp_path, with_server):
    """A wrong marker is an error of its test, told without a traceback."""
    code = "import pytest\n\n\n@pytest.mark.paper_venue(sped=2)\ndef test_it(paper_venue): ...\n"
    ran = run(tmp_path, code, *PLUGIN)

    assert {"error": 1} == outcome(ran)
    assert "\nmarker paper_venue: got an unexpected keyword argument 'sped'; by name it takes" in ran.stdout
    assert "Traceback" not in ran.stdout
    assert "During handling" not in ran.stdout


def test_without_the_extra(tmp_path):
    """Where the server's packages are missing the test says what to install."""
    code = "import sys\n\nsys.modules['uvicorn'] = None\n\n\ndef test_it(paper_venue): ...\n"
    pytest.importorskip("starlette")
    ran = run(tmp_path, code, *PLUGIN)

    assert {"error": 1} == outcome(ran)
    assert "\npaper_venue needs the package uvicorn: pip install 'tradebridge[venue]'\n" in ran.stdout


def test_alpacas_own_client(tmp_path, with_server):
    """client() is a TradingClient of alpaca-py."""
    pytest.importorskip("alpaca")
    code = """
def test_it(paper_venue):
    assert paper_venue.client().get_account().cash == "100000"
"""
    ran = run(tmp_path, code, *PLUGIN, "-W", "ignore:websockets.legacy:DeprecationWarning")

    assert {"passed": 1} == outcome(ran), ran.stdout
