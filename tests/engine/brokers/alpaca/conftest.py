"""A venue on loopback that answers over real HTTP what a test tells it to: or not at all."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import frozen

FAIL_AFTER = 5.0  # seconds; only a broken test ever waits this long


@frozen
class Request:
    """What arrived; the body as JSON."""

    method: str
    path: str
    query: dict
    headers: dict
    body: dict | None


@frozen
class Reply:
    status: int
    body: bytes
    headers: dict


class Venue:
    """
    Attributes:
        requests: What arrived, in order; a connection that was cut unread leaves nothing here.
        route: Answers what no reply was put in line for: called with the request.
        acts_first: Whether `route` acts on a request before a reply that was put in line, or none, is given.
        now: The venue's clock, seconds since 1970; it stands still unless a test lets it go.
        waiting: Set while a request is held.
    """

    def __init__(self):
        self.requests = []
        self.connections = 0
        self.route = None
        self.acts_first = False
        self.now = lambda: 1_700_000_000
        self.waiting = threading.Event()
        self._released = threading.Event()
        self._line = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, name="venue", daemon=True
        )
        self._thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    # --- what comes next ----------------------------------------------------------------------------------------------

    def reply(self, payload=None, status=200, **headers):
        """Answer with JSON; underscores in a header's name are dashes."""
        body = b"" if payload is None else json.dumps(payload).encode()
        return self.reply_raw(body, status, content_type="application/json", **headers)

    def reply_raw(self, body, status=200, **headers):
        """Answer with these bytes."""
        reply = Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
        self._line.append(reply)
        return reply

    def cut_unread(self):
        """Take the connection and close it without reading anything."""
        self._line.append("unread")

    def cut_unanswered(self):
        """Read the request and close without an answer."""
        self._line.append("unanswered")

    def cut_short(self):
        """Answer with less than was announced."""
        self._line.append("short")

    def hold(self):
        """Read the request and answer only when the venue closes."""
        self._line.append("held")

    # --- inside -------------------------------------------------------------------------------------------------------

    def close(self):
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(FAIL_AFTER)

    def stop_listening(self):
        """Refuse connections from now on; the port stays known."""
        url = self.url
        self._server.shutdown()
        self._server.socket.close()
        return url

    def _handler(venue):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self):
                venue.connections += 1
                if venue._line and venue._line[0] == "unread":
                    venue._line.popleft()
                    return
                super().handle()

            def _serve(self):
                if venue._line and venue._line[0] == "unread":  # on a connection that was open already
                    venue._line.popleft()
                    self.close_connection = True
                    return
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    {name.lower(): value for name, value in self.headers.items()},
                    json.loads(body) if body else None,
                )
                venue.requests.append(request)
                step = venue._line.popleft() if venue._line else None
                if step is not None and venue.acts_first and venue.route is not None:
                    venue.route(request)
                if step == "held":
                    venue.waiting.set()
                    venue._released.wait(FAIL_AFTER)
                elif step == "short":
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b'{"id": "cut')
                elif step == "unanswered":
                    pass
                else:
                    self._answer(step or self._routed(request))
                    return
                self.close_connection = True

            def _routed(self, request):
                found = venue.route(request) if venue.route is not None else None
                if found is None:
                    return Reply(500, b"nothing is in line", {})
                status, payload = found
                return Reply(status, b"" if payload is None else json.dumps(payload).encode(), {})

            def _answer(self, reply):
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if reply.status != 204:
                    self.wfile.write(reply.body)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve

            def date_time_string(self, timestamp=None):
                return super().date_time_string(venue.now())

            def log_message(self, *words):
                pass

        return Handler


@pytest.fixture
def venue():
    venue = Venue()
    yield venue
    venue.close()
