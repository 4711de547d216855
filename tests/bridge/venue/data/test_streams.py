"""All websockets of market data together: who gets in, who is told what, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bridge.venue.data.protocol import DataState
from bridge.venue.data.streams import DataLimits, DataStreams
from engine.errors import InvalidRequest

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
KEYS = {"apca-api-key-id": "PKTEST", "apca-api-secret-key": "secret"}
OTHER = KEYS | {"apca-api-key-id": "PKOTHER"}


@pytest.fixture
def streams(seen):
    return DataStreams(seen.data)


def joined(streams, path="/v2/iex", headers=KEYS, **channels):
    """A connection whose handshake had credentials, and what it subscribed to."""
    made = streams.connect(streams.feed(path), headers)
    made.receive_data(json.dumps({"action": "subscribe", **channels}))
    made.data_to_send()
    return made


def rows(made):
    return [(row["T"], row["S"]) for frame in made.data_to_send() for row in json.loads(frame)]


def errors(made):
    return [row["code"] for frame in made.data_to_send() for row in json.loads(frame) if row["T"] == "error"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v2/iex", "iex"),
        ("/v2/sip", "sip"),
        ("/v2/delayed_sip", "delayed_sip"),
        ("/v2/test/", "test"),
        ("/v1beta3/crypto/us", "us"),
        ("/v1beta2/crypto", "us"),
        ("/v2/otc", None),
        ("/stream", None),
    ],
)
def test_paths(path, name):
    """Each feed has one; a slash at its end changes nothing."""
    feed = DataStreams.feed(path)

    assert name == (feed and feed.name)


def test_shares_and_coins_apart(seen, streams):
    """A connection is told of its own market alone."""
    shares = joined(streams, trades=["*"])
    coins = joined(streams, "/v1beta3/crypto/us", trades=["*"])
    seen.move("AAPL", 190)
    seen.move("BTC/USD", 60000)

    assert [shares, coins] == streams.deliver(START)
    assert ([("t", "AAPL")], [("t", "BTC/USD")]) == (rows(shares), rows(coins))
    assert [] == streams.deliver(START)


def test_only_who_has_something_is_named(seen, streams):
    """The caller need not look at the others."""
    idle, busy = joined(streams, trades=["F"]), joined(streams, trades=["AAPL"])
    seen.move("AAPL", 190)

    assert [busy] == streams.deliver(START)
    assert [] == rows(idle)


def test_nobody_listens(seen, streams):
    """Nothing is gathered before the first connection and after the last one."""
    seen.move("AAPL", 190)
    made = joined(streams, trades=["*"])
    assert [] == streams.deliver(START)
    seen.move("AAPL", 191)
    streams.closed(made)
    seen.move("AAPL", 192)

    assert (0, []) == (len(streams), streams.deliver(START))
    assert [] == seen.data.messages()


def test_messagepack_is_asked_for(streams):
    """By the content type of the handshake, with whatever follows it."""
    packed = streams.connect(streams.feed("/v2/iex"), {"content-type": "Application/MsgPack; x=1"})
    text = streams.connect(streams.feed("/v2/iex"), {"content-type": "application/json"})

    assert [{"T": "success", "msg": "connected"}] == msgspec.msgpack.decode(packed.data_to_send()[0])
    assert isinstance(text.data_to_send()[0], str)


def test_one_connection_of_a_feed(seen):
    """One too many is told so; another feed, another account, and a place that became free are fine."""
    streams = DataStreams(seen.data, limits=DataLimits(connections=1))
    first = joined(streams)
    second = streams.connect(streams.feed("/v2/iex"), KEYS)
    assert [406] == errors(second)
    assert DataState.CLOSED is second.state
    streams.closed(second)
    others = [streams.connect(streams.feed("/v2/sip"), KEYS), streams.connect(streams.feed("/v2/iex"), OTHER)]
    streams.closed(first)
    third = streams.connect(streams.feed("/v2/iex"), KEYS)

    assert [[], [], []] == [errors(made) for made in (*others, third)]


def test_a_limit_of_symbols(seen):
    """It holds for each connection."""
    made = joined(DataStreams(seen.data, limits=DataLimits(symbols=1)))
    made.receive_data(json.dumps({"action": "subscribe", "trades": ["A", "B"]}))

    assert [405] == errors(made)


@pytest.mark.parametrize("name", ["connections", "symbols"])
def test_limits_are_whole_numbers(name):
    """None is no limit; nothing at all is none either."""
    with pytest.raises(InvalidRequest, match=name):
        DataLimits(**{name: 0})


def test_consolidated_data_has_its_price(new_seen):
    """With the plan that costs nothing its feed is refused, and the delayed one is not."""
    streams = DataStreams(new_seen(real_time=False).data)
    made = [streams.connect(streams.feed(path), KEYS) for path in ("/v2/sip", "/v2/delayed_sip", "/v2/iex")]

    assert [[409], [], []] == [errors(each) for each in made]


def test_the_delayed_feed_is_late(seen, streams):
    """What happens is told a quarter of an hour later, and it is said when."""
    late, now = joined(streams, "/v2/delayed_sip", bars=["*"]), joined(streams, bars=["*"])
    seen.bars("AAPL", 190)
    told = START + timedelta(minutes=1)

    assert [now] == streams.deliver(told)
    assert told + timedelta(minutes=15) == streams.next_due(told)
    assert [] == streams.deliver(told + timedelta(minutes=14, seconds=59))
    assert [late] == streams.deliver(told + timedelta(minutes=15))
    assert [("b", "AAPL")] == rows(late)
    assert streams.next_due(told) is None


def test_the_test_feed_goes_around_the_clock(streams):
    """A trade each second, whatever the market does, and nothing of the time before."""
    made = joined(streams, "/v2/test", trades=["FAKEPACA"])
    streams.deliver(START)
    assert [] == rows(made)

    assert START + timedelta(seconds=1) == streams.next_due(START + timedelta(milliseconds=300))
    assert [] == streams.deliver(START + timedelta(milliseconds=999))
    assert [made] == streams.deliver(START + timedelta(seconds=2))
    assert [("t", "FAKEPACA")] * 2 == rows(made)


def test_the_test_feed_does_not_make_up_for_hours(streams):
    """However far time goes at once, a minute is told."""
    made = joined(streams, "/v2/test", trades=["*"], bars=["*"])
    streams.deliver(START)
    streams.deliver(START + timedelta(hours=5))

    assert [("t", "FAKEPACA")] * 60 + [("b", "FAKEPACA")] == rows(made)


def test_nobody_tests(streams):
    """Without somebody who is let in nothing is due."""
    streams.connect(streams.feed("/v2/test"), {})
    streams.deliver(START)

    assert ([], None) == (streams.deliver(START + timedelta(seconds=9)), streams.next_due(START))


def test_a_book_on_arrival(seen, streams):
    """Who subscribes to order books is told what they are, before anything happens."""
    seen.move("BTC/USD", 60000)
    made = streams.connect(streams.feed("/v1beta3/crypto/us"), KEYS)
    made.receive_data(json.dumps({"action": "subscribe", "orderbooks": ["*"]}))

    assert "o" == json.loads(made.data_to_send()[-1])[0]["T"]
