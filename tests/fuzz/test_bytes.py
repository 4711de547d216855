"""Whatever bytes come in on the port, however they are cut: who sends them is answered or closed, and that is all."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies


@pytest.fixture(scope="module")
def rig(new_rig):
    return new_rig(speed=20)


KEYS = b"apca-api-key-id: PAPERKEY\r\napca-api-secret-key: papersecret\r\n"
GET = b"GET /v2/clock HTTP/1.1\r\nhost: localhost\r\n" + KEYS + b"\r\n"
UPGRADE = (
    b"GET /stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
POST = b"POST /v2/orders HTTP/1.1\r\nhost: localhost\r\n" + KEYS
PIECES = st.one_of(
    st.sampled_from(
        [
            GET,
            GET * 20,
            UPGRADE,
            UPGRADE + GET,
            UPGRADE.replace(b"version: 13", b"version: 12"),
            UPGRADE.replace(b"dGhl", b"!"),
            UPGRADE.replace(b"GET", b"POST"),
            UPGRADE.replace(b"\r\n\r\n", b'\r\nsec-websocket-extensions: permessage-deflate; x="\r\n\r\n'),
            UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0"),
            GET.replace(b"HTTP/1.1", b"HTTP/1.0"),
            GET.replace(b"HTTP/1.1", b"HTTP/9.9"),
            GET.replace(b"\r\n", b"\n"),
            GET.replace(b"host: localhost", b"host : localhost"),
            GET.replace(b"host: localhost\r\n", b""),
            GET.replace(b"/v2/clock", b"http://localhost/v2/clock"),
            GET.replace(b"/v2/clock", b"http://evil.com/v2/clock"),
            GET.replace(b"/v2/clock", b""),
            GET.replace(b"/v2/clock", b"/" + b"x" * 70_000),
            GET.replace(b"\r\n\r\n", b"\r\n folded: x\r\n\r\n"),
            GET.replace(b"host", b"x: " + b"y" * 70_000 + b"\r\nhost"),
            POST + b"content-length: 2\r\n\r\n{}",
            POST + b"content-length: 5\r\n\r\n{}",
            POST + b"content-length: 1\r\n\r\n{}",
            POST + b"content-length: -1\r\n\r\n",
            POST + b"content-length: 99999999999999999999\r\n\r\n",
            POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
            POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            POST + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            POST + b"transfer-encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nx: y\r\n\r\n",
            POST + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
            POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            POST + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            POST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n",
            POST + b"content-length: 1000000\r\n\r\n" + b" " * 1_000_000,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\r\n" * 100,
            b"\0" * 1000,
        ]
    ),
    st.binary(max_size=30),
)
CUTS = st.lists(st.integers(0, 500), max_size=4)


def _parts(data, cuts):
    places = sorted({cut % (len(data) + 1) for cut in cuts})
    return [data[low:high] for low, high in zip([0, *places], [*places, len(data)], strict=True)]


def test_bytes(rig, neighbour, fuzzed):
    """A connection is answered or closed once its other side has finished, and nothing is left of it."""

    def act(conversations):
        for pieces, cuts, ends in conversations:
            rig.count("connections")
            with closing(rig.connect()) as connection:
                try:
                    for part in _parts(b"".join(pieces), cuts):
                        connection.sendall(part)
                        rig.count("bytes", len(part))
                    if ends == "gone":
                        continue
                    connection.shutdown(1)
                    read = 0
                    while got := connection.recv(
                        1 << 16
                    ):  # until it is closed, or the test fails for the time it takes
                        read += len(got)
                        assert b" 500 " not in got[:40]
                except TimeoutError:
                    raise
                except OSError:  # closed, in one of the ways in which that is seen
                    pass
        rig.well()

    with neighbour(rig):
        fuzzed(
            st.lists(
                st.tuples(st.lists(PIECES, min_size=1, max_size=4), CUTS, st.sampled_from(["gone", "shut"])),
                min_size=1,
                max_size=10,
            ),
            act,
        )
    rig.check()


def test_many_at_once(rig, neighbour):
    """Connections that say nothing, or half of something, keep nobody else out; they are gone when they are closed."""
    with neighbour(rig):
        connections = [rig.connect() for _ in range(200)]
        for number, connection in enumerate(connections):
            connection.sendall([b"", GET[:40], UPGRADE, POST + b"content-length: 9\r\n\r\n{"][number % 4])
        rig.count("half requests", len(connections))
        rig.well()
        for connection in connections:
            connection.close()
    rig.check()


def test_bytes_of_chance(rig, fuzzed):
    """Noise by the megabyte is read or refused, and not kept."""

    def act(size):
        with closing(rig.connect()) as connection:
            try:
                connection.sendall(POST + b"content-length: %d\r\n\r\n" % size + os.urandom(size))
                connection.shutdown(1)
                while connection.recv(1 << 16):
                    pass
            except TimeoutError:
                raise
            except OSError:
                pass
        rig.count("bodies of noise")

    fuzzed(st.integers(0, 3_000_000), act)
    rig.well()
    rig.check()
