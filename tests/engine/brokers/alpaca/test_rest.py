"""One call over real HTTP, made once, and what each of its failures means."""

from __future__ import annotations

import json
import logging
import pickle
import socket
import traceback
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("requests")

from engine.brokers.alpaca.access import Access
from engine.brokers.alpaca.rest import Rest, earliest
from engine.brokers.alpaca.wire import MarketClock, Order
from engine.clock import SimulatedClock, SystemHostClock
from engine.errors import AlreadyExists, BrokerError, InvalidRequest, NotSent, OutcomeUnknown, VenueRejected

NOW = datetime.fromtimestamp(1_700_000_000, UTC)  # what the venue's Date says too
SECRET = "hush-hush"
ORDER = {"id": "b1", "status": "new"}
GONE = {"code": 40410000, "message": "order not found for b1"}
PAGE = b"<html><head><title>Bad gateway</title></head></html>"


def rest_at(url, *, timeout=(3.0, 10.0), now=NOW):
    access = Access(key_id="PKTEST", secret_key=SECRET, url=url)
    return Rest(access, SimulatedClock(now), SystemHostClock(), timeout=timeout)


@pytest.fixture
def rest(venue):
    rest = rest_at(venue.url)
    yield rest
    rest.session.close()


def outcome(call, *arguments, **options):
    """What a call returns or raises."""
    try:
        return call(*arguments, **options)
    except BrokerError as error:
        return error


# --- the call ---------------------------------------------------------------------------------------------------------


def test_a_call_as_it_arrives(venue, rest):
    """Method, path, query, JSON body and credentials arrive once, and the answer comes back."""
    venue.reply(ORDER)
    answer = rest.call("POST", "/v2/orders", query={"a": "b c"}, body={"qty": "1"})
    (request,) = venue.requests

    assert ("POST", "/v2/orders", {"a": "b c"}, {"qty": "1"}) == (
        request.method,
        request.path,
        request.query,
        request.body,
    )
    assert ("PKTEST", SECRET, "application/json", "tradebridge") == tuple(
        request.headers[name] for name in ("apca-api-key-id", "apca-api-secret-key", "content-type", "user-agent")
    )
    assert ("b1", 200, False, "") == (answer.read(Order).id, answer.status, answer.refused, answer.reason)
    assert 0 <= answer.waited < 5


def test_connections_are_kept(venue, rest):
    """The second call goes through the connection of the first."""
    for _ in range(2):
        venue.reply(ORDER)
        rest.call("GET", "/v2/orders/b1")

    assert (2, 1) == (len(venue.requests), venue.connections)


def test_no_proxy_and_no_netrc_come_between(venue, tmp_path, monkeypatch):
    """The environment neither puts a proxy before this machine nor other credentials on a request."""
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    venue.reply(ORDER)
    rest = rest_at(venue.url)
    rest.call("GET", "/v2/clock")
    rest.session.close()

    assert "authorization" not in venue.requests[0].headers


@pytest.mark.parametrize("timeout", [(0, 1), (1, 0), (1, float("inf")), (float("nan"), 1)])
def test_every_call_has_a_timeout(timeout):
    """A timeout is a number of seconds that ends."""
    with pytest.raises(InvalidRequest, match="timeout"):
        rest_at("http://127.0.0.1:1", timeout=timeout)


# --- no answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_connection_refused(venue, method):
    """Nobody listens: nothing left, and it may be tried again in a second."""
    rest = rest_at(venue.stop_listening())
    error = outcome(rest.call, method, "/v2/orders", body={})

    assert (NotSent, NOW + timedelta(seconds=1)) == (type(error), error.earliest)
    assert "Connection refused" in str(error)


def test_a_host_that_has_no_address(monkeypatch):
    """A name that does not resolve proves that nothing left."""

    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    assert NotSent is type(outcome(rest_at("http://localhost:1").call, "POST", "/v2/orders", body={}))


def test_connecting_takes_too_long(monkeypatch):
    """A connection that did not come about in time proves that nothing left."""

    def too_slow(*_, **__):
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib3.util.connection.create_connection", too_slow)

    assert NotSent is type(outcome(rest_at("http://127.0.0.1:1").call, "POST", "/v2/orders", body={}))


@pytest.mark.parametrize("how", ["cut_unread", "cut_unanswered", "cut_short"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_connection_that_breaks(venue, rest, how, method):
    """Once there was a connection nobody knows what arrived; the call is not made again."""
    getattr(venue, how)()
    error = outcome(rest.call, method, "/v2/orders", body={})

    assert OutcomeUnknown is type(error)
    assert 1 == venue.connections


def test_an_answer_that_does_not_come(venue):
    """Silence ends with the timeout, and says nothing about the order."""
    venue.hold()
    rest = rest_at(venue.url, timeout=(3.0, 0.05))
    error = outcome(rest.call, "POST", "/v2/orders", body={})
    rest.session.close()

    assert OutcomeUnknown is type(error)
    assert venue.waiting.is_set()
    assert 1 == len(venue.requests)
    assert 0.05 <= error.waited < 5


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 307, 405, 408, 409, 418, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", PAGE, b'{"code": 50010000, "message": "internal server error occurred"}'])
def test_answers_that_decide_nothing(venue, rest, status, body):
    """A gateway's page, the venue's own trouble, a redirect: none says what became of the call, none is repeated."""
    venue.reply_raw(body, status, location=f"{venue.url}/v2/elsewhere")
    error = outcome(rest.call, "POST", "/v2/orders", body={})

    assert OutcomeUnknown is type(error)
    assert "POST /v2/orders: " in str(error) and f"HTTP {status}" in str(error)
    assert 1 == len(venue.requests)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("body", [b"", PAGE, b'{"message": "unauthorized."}', b'["list"]', b"\xff\xfe"])
def test_refusals(venue, rest, status, body):
    """By the venue's rules these did nothing, whatever stands in them."""
    venue.reply_raw(body, status)
    answer = rest.call("POST", "/v2/orders", body={})

    assert True is answer.refused
    with pytest.raises(VenueRejected, match=f"HTTP {status}"):
        answer.reject()


def test_recorded_errors(venue, rest, shared):
    """Each recorded error refuses in the venue's own words, with its status, code and details."""
    for sample in json.loads((shared / "alpaca/samples/errors.json").read_text(encoding="utf-8")):
        venue.reply(sample["payload"], sample["status"])
        answer = rest.call("POST", "/v2/orders", body={})
        with pytest.raises(VenueRejected) as caught:
            answer.reject()
        details = [f"{value}" for name, value in sample["payload"].items() if name != "message"]

        assert caught.value.reason.startswith(sample["payload"]["message"])
        assert [] == [each for each in [*details, f"HTTP {sample['status']}"] if each not in caught.value.reason]


@pytest.mark.parametrize(("status", "code"), [(422, 40010001), (422, 42210000), (403, None), (400, 1)])
def test_an_id_that_exists(venue, rest, status, code):
    """That the id must be unique proves that an earlier send arrived, whatever its status and code."""
    venue.reply({"code": code, "message": "client_order_id must be unique"}, status)

    with pytest.raises(AlreadyExists, match="must be unique"):
        rest.call("POST", "/v2/orders", body={}).reject()


def test_a_code_that_is_text(venue, rest):
    """A code in quotes is a code; a message that is none makes it somebody else's answer."""
    venue.reply({"code": "40410000", "message": "order not found for b1"}, 404)
    venue.reply({"code": 40410000, "message": {"of": "somebody"}}, 404)

    assert [True, False] == [rest.call("GET", "/v2/orders/b1").absent for _ in range(2)]


# --- too many requests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_too_many_requests(venue, rest, method):
    """A 429 did nothing; the call may be made again when the venue says so."""
    venue.reply({"code": 42910000, "message": "rate limit exceeded"}, 429, X_RateLimit_Reset="1700000017")
    error = outcome(rest.call, method, "/v2/orders", body={})

    assert (NotSent, NOW + timedelta(seconds=17)) == (type(error), error.earliest)
    assert "rate limit exceeded" in str(error)
    assert 1 == len(venue.requests)


DATE = "Tue, 14 Nov 2023 22:13:20 GMT"  # NOW


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 1),
        ({"X-RateLimit-Reset": "1700000030"}, 30),
        ({"X-RateLimit-Reset": "1700000030", "Date": DATE}, 30),
        ({"X-RateLimit-Reset": "1700000030", "Date": "Tue, 14 Nov 2023 22:13:40 GMT"}, 10),
        ({"X-RateLimit-Reset": "1600000000", "Date": DATE}, 1),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:25 GMT", "Date": DATE}, 5),
        ({"Retry-After": "7", "X-RateLimit-Reset": "1700000030", "Date": DATE}, 30),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "never", "Date": "today"}, 1),
        ({"Retry-After": "nan", "X-RateLimit-Reset": "inf"}, 1),
        ({"X-RateLimit-Reset": "1700000030000"}, 3600),
        ({"Retry-After": "1e300"}, 3600),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:25 -0000", "Date": DATE}, 5),
    ],
)
def test_when_to_try_again(headers, seconds):
    """By the venue's clock where it tells it, a second at least, an hour at most, and nonsense does not count."""
    assert NOW + timedelta(seconds=seconds) == earliest(headers, NOW)


# --- reading ----------------------------------------------------------------------------------------------------------


def test_what_exists_is_read(venue, rest):
    """An answer becomes the class asked for."""
    for _ in range(2):
        venue.reply(ORDER)

    assert "b1" == rest.get("/v2/orders/b1", Order).id == rest.find("/v2/orders/b1", Order).id


def test_what_does_not_exist(venue, rest):
    """Only the venue's own word proves absence; where something must exist it is a refusal."""
    venue.reply(GONE, 404)
    venue.reply(GONE, 404)

    assert None is rest.find("/v2/orders/b1", Order)
    with pytest.raises(VenueRejected, match="order not found"):
        rest.get("/v2/orders/b1", Order)


@pytest.mark.parametrize("body", [b"", PAGE, b'{"message": "Not Found"}', b'{"code": 1, "message": "no route"}'])
def test_a_page_that_is_not_found(venue, rest, body):
    """What a proxy does not find says nothing about the order."""
    venue.reply_raw(body, 404)

    assert OutcomeUnknown is type(outcome(rest.find, "/v2/orders/b1", Order))


def test_a_page_that_is_not_found_when_reading(venue, rest):
    """A proxy's 404 is no refusal of the venue."""
    venue.reply_raw(PAGE, 404)

    assert OutcomeUnknown is type(outcome(rest.get, "/v2/clock", MarketClock))


@pytest.mark.parametrize("call", ["get", "find"])
def test_credentials_that_are_refused(venue, rest, call):
    """The venue's 401 may be a page of its front; it is told as a refusal, without the keys."""
    venue.reply_raw(b"<html>401 Authorization Required PKTEST hush-hush</html>", 401)

    with pytest.raises(VenueRejected, match=r"HTTP 401.*Authorization Required \(not shown\)"):
        getattr(rest, call)("/v2/clock", MarketClock)


@pytest.mark.parametrize("call", ["get", "find"])
@pytest.mark.parametrize("body", [b"", PAGE, b'{"id": "b1"}', b"[]"])
def test_answers_that_cannot_be_read(venue, rest, call, body):
    """A success that cannot be read is no answer."""
    venue.reply_raw(body)

    with pytest.raises(OutcomeUnknown, match=r"GET /v2/orders/b1: HTTP 200, unreadable"):
        getattr(rest, call)("/v2/orders/b1", Order)


# --- secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["refused", "cut", "echo", "429", "504", "unreadable"])
def test_no_secret_in_an_error(venue, caplog, trouble):
    """Neither message nor chain nor log nor pickle of any failure holds a key."""
    caplog.set_level(logging.DEBUG)
    rest = rest_at(venue.stop_listening() if trouble == "refused" else venue.url)
    if trouble == "cut":
        venue.cut_unanswered()
    elif trouble == "unreadable":
        venue.reply_raw(SECRET.encode())
    elif trouble != "refused":
        venue.reply({"message": f"you sent {SECRET} of PKTEST"}, {"echo": 403}.get(trouble, None) or int(trouble))
    with pytest.raises(BrokerError) as caught:
        rest.get("/v2/clock", MarketClock)
    rest.session.close()
    error = caught.value
    said = "".join(traceback.format_exception(error)) + caplog.text + repr(vars(error)) + repr(pickle.dumps(error))
    said += repr(rest.session) + repr(rest.session.headers) + repr(vars(rest.session.auth))

    assert (None, None) == (error.__cause__, error.__context__)
    assert "you sent" in said or trouble not in ("echo", "429", "504")
    assert SECRET not in said
    assert "PKTEST" not in said
