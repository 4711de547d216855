"""Every recorded message of Alpaca's market data websockets beside what the venue says, and understands."""

from __future__ import annotations

import json

import pytest

from bridge.venue.data.protocol import ERRORS, FEEDS, DataProtocol

SECRET = "***********************************"


@pytest.fixture(scope="module")
def recorded(shared):
    path = shared / "alpaca/samples/market_data_ws.json"
    if not path.is_file():
        pytest.skip("needs ../shared/alpaca/samples/market_data_ws.json")
    return json.loads(path.read_text(encoding="utf-8"))


def connection(path):
    """A connection that is let in whatever its key."""
    return DataProtocol(FEEDS[path], authenticate=lambda key, secret: "account-1")


def said(protocol):
    return [message for frame in protocol.data_to_send() for message in json.loads(frame)]


def test_what_is_said_was_recorded(recorded):
    """Successes, errors and subscriptions: every field that was recorded is sent, words and codes as they were."""
    protocol = connection("/v2/iex")
    for ask in ({"action": "auth", "key": "k", "secret": SECRET}, {"action": "subscribe", "trades": ["AAPL"]}):
        protocol.receive_data(json.dumps(ask))
    control = said(protocol)
    successes = {message["msg"] for message in control if message["T"] == "success"}
    subscription = next(message for message in control if message["T"] == "subscription")
    payloads = [message for each in recorded if ".server." in each["kind"] for message in each["payload"]]
    missing = []
    for message in payloads:
        if message["T"] == "success":
            missing += [message] * (message["msg"] not in successes)
        elif message["T"] == "error":
            missing += [message] * (ERRORS.get(message["code"]) != message["msg"])
        else:
            assert message["T"] == "subscription", f"a kind that nobody has looked at: {message}"
            missing += sorted(message.keys() - subscription.keys())

    assert len(payloads) >= 10
    assert [] == missing


def test_what_clients_were_recorded_to_say_is_understood(recorded):
    """Authentications and subscriptions for shares and for coins: none of them is answered with an error."""
    asked = [each for each in recorded if ".client." in each["kind"]]
    errors = []
    for each in asked:
        protocol = connection("/v1beta3/crypto/us" if "crypto" in each["source"] else "/v2/iex")
        if "auth" not in each["kind"]:
            protocol.receive_data(json.dumps({"action": "auth", "key": "k", "secret": SECRET}))
        protocol.receive_data(json.dumps(each["payload"]))
        errors += [(each["payload"], message) for message in said(protocol) if message["T"] == "error"]

    assert len(asked) >= 5
    assert [] == errors
