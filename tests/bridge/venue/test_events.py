"""GET /v2/events/trades: history by moment or id, and the text on the wire."""

from __future__ import annotations

import json

import pytest

from bridge.venue.events import HEARTBEAT, Subscription, comment, encoded

PATH = "/v2/events/trades"
FIRST, LAST = "0" * 26, "7" + "Z" * 25


@pytest.fixture
def told(desk):
    """A desk, and what its stream has told: two orders filled."""
    desk.place(qty=2)
    desk.later()
    desk.place("F", qty=3)
    desk.later()
    return desk, [frame.data for frame in desk.core.frames()]


def history(desk, **query):
    answer = desk("GET", PATH, **query)
    assert 200 == answer.status, answer.body
    return list(answer.stream.history), answer.stream.ends


def test_without_a_beginning_there_is_no_history(told):
    """What happens from now on is told, to the account that asks."""
    desk, _ = told
    answer = desk("GET", PATH)

    assert (200, None, "text/event-stream") == (answer.status, answer.body, answer.headers["Content-Type"])
    assert Subscription(account=desk.account.id, history=[], ends=False) == answer.stream


def test_history_goes_on_with_what_happens(told):
    """From a moment or an id on everything that was told, and then what will be."""
    desk, frames = told

    assert ["pending_new", "new", "fill"] * 2 == [data["event"] for data in frames]
    assert (frames, False) == history(desk, since="2024-01-02")
    assert (frames[2:], False) == history(desk, since_id=frames[2]["event_id"])
    assert (frames[3:], False) == history(desk, since_id=frames[3]["event_id"].lower())
    assert (frames[4:], False) == history(desk, since=frames[4]["at"])


def test_with_an_end_the_answer_is_complete(told):
    """Both ends belong to it."""
    desk, frames = told
    by_id = {"since_id": frames[1]["event_id"], "until_id": frames[3]["event_id"]}

    assert (frames[1:4], True) == history(desk, **by_id)
    assert (frames[:3], True) == history(desk, since="2024-01-02", until=frames[2]["at"])
    assert ([], True) == history(desk, since="2023-01-01", until="2023-06-01")


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"since": "2024-01-02", "since_id": FIRST}, 400, "only one of since and since_id is accepted"),
        ({"until": "2024-01-02"}, 400, "until requires since"),
        ({"until": "2024-01-02", "since_id": FIRST}, 400, "until requires since"),
        ({"until_id": LAST, "since": "2024-01-02"}, 400, "until_id requires since_id"),
        ({"since": "yesterday"}, 422, "invalid since: yesterday"),
        ({"since_id": "x"}, 422, "invalid since_id: x"),
        ({"since_id": "8" * 26}, 422, f"invalid since_id: {'8' * 26}"),
        ({"since": "2024-01-02", "until": "2024-01-01"}, 422, "until must not be before since"),
        ({"since": "2024-01-02", "until": "1969-01-01"}, 422, "until must not be before since"),
        ({"since_id": LAST, "until_id": FIRST}, 422, "until_id must not be before since_id"),
    ],
)
def test_ends_that_make_no_sense_are_refused(told, query, status, message):
    """Those that do not go together are a wrong combination, those that are none are not understood."""
    answer = told[0]("GET", PATH, **query)

    assert (status, {"code": 40010001, "message": message}) == (answer.status, answer.body)
    assert None is answer.stream


def test_events_of_others_are_not_told(told):
    """Somebody without a key is not let in, and an account has its own history."""
    desk, _ = told
    desk.headers = {}

    assert 401 == desk("GET", PATH, since="2024-01-02").status


def test_an_event_that_the_websocket_does_not_tell(desk):
    """It is marked, and stands in the history like every other one."""
    order = desk.account.orders[desk.buy()["id"]]
    core = desk.core
    at = core._identity.stamp(core.now)
    core._updates.tell("trade_bust", order, at, more={"previous_execution_id": "x"}, sse_only=True)
    (frame,) = core.frames()

    assert (True, "x") == (frame.sse_only, frame.data["previous_execution_id"])
    assert frame.data == history(desk, since="2024-01-02")[0][-1]


def test_an_event_on_the_wire(told):
    """A line of JSON and an empty one; lines that begin with a colon carry none."""
    _, frames = told
    text = encoded(frames[0])

    assert (b"data: ", b"\n\n", 1) == (text[:6], text[-2:], text[:-1].count(b"\n"))
    assert frames[0] == json.loads(text[6:])
    assert text + encoded(frames[1]) == Subscription(account="a", history=frames[:2], ends=True).text
    assert b":heartbeat\n\n" == HEARTBEAT
    assert b": you are reading too slowly, dropped 5 messages\n\n" == comment(
        "you are reading too slowly,\ndropped 5 messages"
    )
