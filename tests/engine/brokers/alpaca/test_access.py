"""Paper unless somebody says live, and no secret anywhere."""

from __future__ import annotations

import pytest

from engine.brokers.alpaca.access import LIVE, PAPER, Access
from engine.errors import InvalidInput

KEYS = {"key_id": "PKTEST", "secret_key": "hush-hush"}
LIVE_KEYS = {"key_id": "AKTEST", "secret_key": "hush-hush"}
ENVIRONMENT = {"APCA_API_KEY_ID": "PKTEST", "APCA_API_SECRET_KEY": "hush-hush"}


# --- paper and live ---------------------------------------------------------------------------------------------------


def test_paper_is_the_default():
    """Nothing said is paper; live is said in so many words."""
    assert PAPER == Access(**KEYS).host
    assert LIVE == Access(**LIVE_KEYS, live=True).host


@pytest.mark.parametrize("live", ["false", "True", 1, None])
def test_live_is_true_or_false(live):
    """What is merely true enough, such as the text "false", decides nothing."""
    with pytest.raises(InvalidInput, match=r"alpaca\.live"):
        Access(**KEYS, live=live)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.alpaca.markets",
        "https://API.alpaca.markets/",
        "https://broker.example.com",
        "https://paper-api.alpaca.markets.example.com",
    ],
)
def test_no_other_host_without_live(url):
    """An address alone never leads to where real money may be."""
    with pytest.raises(InvalidInput, match=r"alpaca\.url.*live=True"):
        Access(**KEYS, url=url)


def test_another_host_with_live():
    """Whoever says live may name any host, but that of paper."""
    assert "https://broker.example.com" == Access(**KEYS, url="https://broker.example.com", live=True).host
    with pytest.raises(InvalidInput, match=r"alpaca\.live"):
        Access(**KEYS, url=PAPER, live=True)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost/", "http://localhost"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_a_venue_on_this_machine(url, host):
    """This machine may be reached without encryption and with any key."""
    access = Access(**LIVE_KEYS, url=url)

    assert (host, True) == (access.host, access.loopback)
    assert False is Access(**KEYS).loopback


@pytest.mark.parametrize(
    "url",
    [
        "http://paper-api.alpaca.markets",
        "http://10.0.0.1",
        "127.0.0.1:8080",
        "ftp://127.0.0.1",
        "http://127.0.0.1/v2",
        "http://127.0.0.1?live=1",
        "http://127.0.0.1:port",
        "http://127.0.0.1:99999",
        "http://localhost@api.alpaca.markets",
        "http://localhost\\@api.alpaca.markets",
        "http://[::1",
        "http://",
    ],
)
def test_addresses_that_are_none(url):
    """An address is scheme and host alone, encrypted unless it is this machine."""
    with pytest.raises(InvalidInput, match=r"alpaca\.url"):
        Access(**KEYS, url=url)


@pytest.mark.parametrize(("keys", "live"), [(KEYS, True), (LIVE_KEYS, False)])
def test_keys_of_the_other_kind(keys, live):
    """A paper key with live=True, or a live key without it, is a mistake, told before anything is sent."""
    with pytest.raises(InvalidInput, match=r"alpaca\.key_id: found 'the key of a (paper|live) account'"):
        Access(**keys, live=live)


def test_an_address_with_a_password():
    """A password in an address is refused, and not shown."""
    with pytest.raises(InvalidInput, match=r"alpaca\.url: found '127\.0\.0\.1'") as caught:
        Access(**KEYS, url="http://user:hush-hush@127.0.0.1")

    assert "hush-hush" not in str(caught.value) + repr(vars(caught.value))


# --- the environment --------------------------------------------------------------------------------------------------


def test_keys_of_the_environment():
    """The two variables are the keys; no variable makes it live or changes the host."""
    more = {"APCA_API_BASE_URL": LIVE, "ALPACA_LIVE": "true"}

    assert Access(**KEYS) == Access.from_environment(environment=ENVIRONMENT | more)
    assert "http://localhost:1" == Access.from_environment(environment=ENVIRONMENT, url="http://localhost:1").host


@pytest.mark.parametrize("missing", sorted(ENVIRONMENT))
def test_a_variable_that_is_missing(missing):
    """The error names the variable."""
    with pytest.raises(InvalidInput, match=f"environment variable {missing}"):
        Access.from_environment(environment=ENVIRONMENT | {missing: ""})


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_no_secret_in_a_repr():
    """What is printed or logged shows neither key."""
    assert "Access(live=False, url=None)" == repr(Access(**KEYS))


@pytest.mark.parametrize("wrong", ["", "hush hush", "hush-hush\n", "hüsch", None])
@pytest.mark.parametrize("name", ["key_id", "secret_key"])
def test_keys_that_are_none(name, wrong):
    """What cannot be a header is refused here, and not shown; the HTTP library would show it."""
    with pytest.raises(InvalidInput, match=rf"alpaca\.{name}") as caught:
        Access(**KEYS | {name: wrong})

    assert not wrong or wrong not in str(caught.value) + repr(vars(caught.value))


def test_secrets_are_taken_out_of_a_text():
    """What somebody sent back does not reach a message."""
    assert "(not shown) and (not shown)" == Access(**KEYS).hidden("PKTEST and hush-hush")
