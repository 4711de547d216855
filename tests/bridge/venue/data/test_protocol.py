"""The dialogue of a market data websocket: every state with everything that may come."""

from __future__ import annotations

import json
from itertools import product

import msgspec
import pytest

from bridge.stream.frames import Encoding
from bridge.stream.protocol import Close
from bridge.venue.data.messages import CHANNELS, Message
from bridge.venue.data.protocol import ERRORS, FEEDS, TRANSITIONS, Asked, DataProtocol, DataState

IEX, COINS = FEEDS["/v2/iex"], FEEDS["/v1beta3/crypto/us"]
AUTH = {"action": "auth", "key": "PK1", "secret": "hush"}
SENT = {
    Asked.RIGHT: AUTH,
    Asked.WRONG: AUTH | {"secret": "wrong"},
    Asked.SUBSCRIBE: {"action": "subscribe", "trades": ["AAPL"]},
    Asked.UNSUBSCRIBE: {"action": "unsubscribe", "trades": ["AAPL"]},
    Asked.MALFORMED: {"action": "dance"},
}
NOTHING = {name: [] for name in (*IEX.channels, "corrections", "cancelErrors")}


def authenticate(key, secret):
    return "account-1" if (key, secret) == ("PK1", "hush") else None


def connection(feed=IEX, *, state=DataState.AUTHENTICATED, **more):
    """A connection that got to a state by the dialogue alone, with nothing left to send."""
    made = DataProtocol(feed, authenticate=authenticate, **more)
    if state is not DataState.CONNECTED:
        made.receive_data(json.dumps(AUTH))
    if state is DataState.CLOSED:
        made.fail(407)
    made.data_to_send()
    return made


def sent(made):
    return [json.loads(frame) for frame in made.data_to_send()]


def asked(made, **content):
    """What a message is answered with."""
    made.receive_data(json.dumps(content))
    return sent(made)


def error(code):
    return [{"T": "error", "code": code, "msg": ERRORS[code]}]


def trade(symbol="AAPL", kind="t", market="stocks"):
    return Message(kind, symbol, market, {"t": 10**9, "p": 1.5})


# --- the table --------------------------------------------------------------------------------------------------------

ANSWERS = {
    (DataState.CONNECTED, Asked.RIGHT): [[{"T": "success", "msg": "authenticated"}]],
    (DataState.CONNECTED, Asked.WRONG): [error(402)],
    (DataState.CONNECTED, Asked.SUBSCRIBE): [error(401)],
    (DataState.CONNECTED, Asked.UNSUBSCRIBE): [error(401)],
    (DataState.CONNECTED, Asked.MALFORMED): [error(400)],
    (DataState.AUTHENTICATED, Asked.RIGHT): [error(403)],
    (DataState.AUTHENTICATED, Asked.WRONG): [error(403)],
    (DataState.AUTHENTICATED, Asked.SUBSCRIBE): [
        [{"T": "subscription"} | NOTHING | {name: ["AAPL"] for name in ("trades", "corrections", "cancelErrors")}]
    ],
    (DataState.AUTHENTICATED, Asked.UNSUBSCRIBE): [[{"T": "subscription"} | NOTHING]],
    (DataState.AUTHENTICATED, Asked.MALFORMED): [error(400)],
}


@pytest.mark.parametrize(("state", "kind"), [*product(DataState, Asked)], ids=lambda each: each.name)
def test_every_pair_has_its_answer(state, kind):
    """Only right credentials change the state; one that is closed says nothing any more."""
    made = connection(state=state)
    made.counts.clear()
    answers = asked(made, **SENT[kind])

    assert ANSWERS.get((state, kind), []) == answers
    after = DataState.AUTHENTICATED if (state, kind) == (DataState.CONNECTED, Asked.RIGHT) else state
    assert after is made.state
    assert ({} if state is DataState.CLOSED else {kind: 1}) == made.counts


def test_the_table_is_whole():
    """Every pair is in it but those of a closed connection."""
    assert set(product((DataState.CONNECTED, DataState.AUTHENTICATED), Asked)) == set(TRANSITIONS)


def test_the_first_frame():
    """The venue speaks first, before anything comes."""
    assert [[{"T": "success", "msg": "connected"}]] == sent(DataProtocol(IEX, authenticate=authenticate))


def test_the_right_account():
    """Whose credentials they are is known from then on, and shown; they are not."""
    made = connection()

    assert "account-1" == made.account
    assert "<DataProtocol iex AUTHENTICATED, account 'account-1'>" == repr(made)


@pytest.mark.parametrize("state", DataState, ids=lambda each: each.name)
def test_credentials_of_the_handshake(state):
    """They are taken as a message of that content; none at all are no message."""
    made = connection(state=state)
    made.credentials("", "")
    assert [] == sent(made)
    made.credentials("PK1", "hush")

    assert ANSWERS.get((state, Asked.RIGHT), []) == sent(made)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "x",
        "[]",
        "7",
        "null",
        '{"trades": []}',
        '{"action": 7}',
        '{"action":"subscribe","trades":[1]}',
        b"\xff",
        b"\xc1",
        "[" * 5000,
        '"\ud800"',
    ],
)
@pytest.mark.parametrize("encoding", Encoding, ids=lambda each: each.name)
def test_what_cannot_be_read(data, encoding):
    """It is answered with an error, and the connection stays."""
    made = connection(encoding=encoding)
    made.receive_data(data)

    assert {Asked.RIGHT: 1, Asked.MALFORMED: 1} == made.counts
    assert (1, None) == (len(made.data_to_send()), made.close)


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_subscriptions_add_up():
    """The answer is always the whole set, in the order in which it came about; trades bring two more lists."""
    made = connection()
    asked(made, action="subscribe", trades=["F", "AAPL"], quotes=["AMD"], bars=["*"])
    whole = asked(made, action="subscribe", trades=["AAPL", "B"], quotes=[], lulds=None)
    less = asked(made, action="unsubscribe", trades=["F", "NOT"], bars=["*"])

    trades = {name: ["F", "AAPL", "B"] for name in ("trades", "corrections", "cancelErrors")}
    assert [[{"T": "subscription"} | NOTHING | trades | {"quotes": ["AMD"], "bars": ["*"]}]] == whole
    trades = {name: ["AAPL", "B"] for name in trades}
    assert [[{"T": "subscription"} | NOTHING | trades | {"quotes": ["AMD"]}]] == less


def test_subscriptions_to_coins():
    """They have order books, and neither statuses nor corrections."""
    answer = asked(connection(COINS), action="subscribe", orderbooks=["BTC/USD"])

    lists = {name: [] for name in ("trades", "quotes", "bars", "updatedBars", "dailyBars")}
    assert [[{"T": "subscription", "orderbooks": ["BTC/USD"]} | lists]] == answer


@pytest.mark.parametrize(
    ("feed", "channel"), [(IEX, "orderbooks"), (IEX, "news"), (COINS, "statuses"), (COINS, "lulds")]
)
@pytest.mark.parametrize("action", ["subscribe", "unsubscribe"])
def test_channels_that_a_feed_has_not(feed, channel, action):
    """Nothing of that message is done."""
    made = connection(feed)

    assert [error(410)] == asked(made, action=action, trades=["A"], **{channel: ["A"]})
    assert {} == made.subscriptions["trades"]


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({"trades": ["C"]}, True),
        ({"quotes": ["A", "B", "C"]}, True),
        ({"bars": ["*", "D", "E"]}, True),
        ({"trades": ["C", "D"]}, False),
        ({"quotes": ["C", "D"]}, False),
        ({"trades": ["*"]}, False),
    ],
)
def test_a_limit_of_symbols(more, fits):
    """Those of trades and quotes count once, all of them are too many; what is beyond changes nothing."""
    made = connection(symbol_limit=3)
    asked(made, action="subscribe", trades=["A", "B"])
    before = made.subscriptions
    answer = asked(made, action="subscribe", **more)

    assert fits is (answer != [error(405)])
    assert fits is (made.subscriptions != before)
    assert [error(405)] != asked(made, action="unsubscribe", trades=["A"])


def test_what_are_no_symbols_any_more():
    """A connection has a bound on the length of all its symbols, whatever its limit, and stays as it was beyond it."""
    made = connection()
    asked(made, action="subscribe", trades=["A"])
    before = made.subscriptions

    assert [error(405)] == asked(made, action="subscribe", trades=[f"{number:07}" for number in range(30_000)])
    assert [error(405)] == asked(made, action="subscribe", bars=["x" * 200_001])
    assert made.subscriptions == before


def test_books_come_at_once():
    """Who subscribes to an order book is told the present one; who has it already is not."""
    books = {"BTC/USD": [Message("o", "BTC/USD", "crypto", {"t": 0, "b": [], "a": [], "r": True})]}
    made = connection(COINS, books=lambda symbol: books.get(symbol, []))
    first = asked(made, action="subscribe", orderbooks=["BTC/USD", "NOPE"])
    again = asked(made, action="subscribe", orderbooks=["BTC/USD"])

    book = {"T": "o", "S": "BTC/USD", "t": "1970-01-01T00:00:00Z", "b": [], "a": [], "r": True}
    assert ([book], 2, 1) == (first[1], len(first), len(again))


# --- what is told -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CHANNELS)
def test_messages_reach_who_wants_them(kind):
    """By channel and symbol, or by channel alone; corrections with the trades."""
    feed = COINS if kind == "o" else IEX
    channel = "trades" if kind in "cx" else CHANNELS[kind]
    by_symbol, by_star, other = connection(feed), connection(feed), connection(feed)
    asked(by_symbol, action="subscribe", **{channel: ["AAPL"]})
    asked(by_star, action="subscribe", **{channel: ["*"]})
    asked(other, action="subscribe", **{"bars" if channel == "trades" else "trades": ["*"]})
    messages = [trade("F", kind), trade("AAPL", kind)]

    assert [True, True, False] == [each.send(messages) for each in (by_symbol, by_star, other)]
    assert [[["AAPL"]], [["F", "AAPL"]], []] == [
        [[row["S"] for row in frame] for frame in sent(each)] for each in (by_symbol, by_star, other)
    ]


@pytest.mark.parametrize("state", [DataState.CONNECTED, DataState.CLOSED], ids=lambda each: each.name)
def test_nobody_else_is_told(state):
    """Before authentication and after the end there are no messages."""
    made = connection(state=state)
    if state is DataState.CLOSED:
        made = connection()
        asked(made, action="subscribe", trades=["*"])
        made.fail(407)
        made.data_to_send()

    assert (False, []) == (made.send([trade()]), sent(made))


def test_messagepack():
    """Asked for in the handshake, it is what is read and what is written; text is read as JSON all the same."""
    made = DataProtocol(IEX, authenticate=authenticate, encoding=Encoding.MESSAGEPACK)
    made.receive_data(msgspec.msgpack.encode(AUTH))
    made.receive_data('{"action":"subscribe","trades":["AAPL"]}')
    made.send([trade()])
    frames = [msgspec.msgpack.decode(frame) for frame in made.data_to_send()]

    assert ["success", "success", "subscription", "t"] == [frame[0]["T"] for frame in frames]


# --- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_that_ends_it(code):
    """It is told, once, and the connection is to be closed then."""
    made = connection()
    made.fail(code)
    made.fail(code)

    assert [error(code)] == sent(made)
    assert (DataState.CLOSED, Close(1011 if code == 500 else 1008, ERRORS[code])) == (made.state, made.close)


@pytest.mark.parametrize("code", [406, 409])
def test_who_is_not_let_in(code):
    """Right credentials may be answered with an error, and the account holds nothing then."""
    made = connection(state=DataState.CONNECTED, admit=lambda account: code if account == "account-1" else None)

    assert [error(code)] == asked(made, **AUTH)
    assert (None, DataState.CLOSED) == (made.account, made.state)


def test_time_for_authentication():
    """Who has not done it by then is told and closed; all others stay."""
    late, done = connection(state=DataState.CONNECTED), connection()
    late.expired()
    done.expired()

    assert [error(404)] == sent(late)
    assert (DataState.CLOSED, DataState.AUTHENTICATED) == (late.state, done.state)


def test_nothing_is_sent_into_a_closed_one():
    """What was still to be sent is dropped."""
    made = connection()
    made.receive_data("?")
    made.closed()

    assert [] == made.data_to_send()
