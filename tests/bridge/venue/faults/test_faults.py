"""All faults together: the same for the same seed and calls, whatever comes, and fair to what no fault touches."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bridge.venue.faults.actions import CloseAll, CloseConnection, Deliver
from bridge.venue.faults.faults import Faults
from bridge.venue.faults.frames import Corrupt, Delay, Drop, Duplicate, Reorder
from bridge.venue.faults.happenings import Bust, ClockSkew, Correct, ForeignOrder, Restart
from bridge.venue.faults.rest import ErrorAfter, ErrorBefore, LostAfter, LostBefore, Slow, StaleReads, TooManyRequests
from bridge.venue.faults.sockets import Close, ConnectionLimit, HalfOpen, Mute, RefuseHandshake, ZombieSession

START = datetime(2024, 1, 2, 15, tzinfo=UTC)


class Shell:
    """What a server does with faults, in a time that is a number; keeps what was sent on each connection."""

    def __init__(self, faults, seed):
        self.faults = Faults(seed, faults, start=START)
        self.now = START
        self.lines = []
        self.log = []
        self.sent = defaultdict(list)
        self.told = defaultdict(list)
        self._count = 0

    def wake(self):
        for due in self.faults.due(self.now):
            self.log.append(due)
            action = due.action
            if isinstance(action, Deliver):
                self._send(action.connection, action.deliveries)
            elif isinstance(action, CloseConnection):
                self._end(action.connection)
            elif isinstance(action, CloseAll):
                for line in list(self.lines):
                    self._end(line)

    def _end(self, line):
        if line in self.lines:
            self.lines.remove(line)
            self.faults.closed(line, self.now, clean=False)

    def _send(self, line, deliveries):
        for each in deliveries:
            assert each.delay >= 0
            assert each.message(b"abc") is not None
            moment = self.now + timedelta(seconds=each.delay)
            name = None if each.data is None else each.data["event_id"]
            self.sent[line].append((moment, len(self.sent[line]), name))

    def step(self, what, number):
        """One of the things that happen to a server."""
        if what == "wait":
            until = self.now + timedelta(seconds=number / 4)
            for _ in range(200):
                due = self.faults.next_due()
                if due is None or due > until:
                    break
                self.now = max(self.now, due)
                self.wake()
            else:
                raise AssertionError("something is due for ever")
            self.now = until
            self.wake()
        elif what == "open":
            stream = ["trades", "data", "sse"][number % 3]
            verdict = self.faults.handshake(stream, "K" if stream == "sse" else None, self.now)
            self.log.append(verdict)
            line = self.faults.opened(stream, self.now)
            self.lines.append(line)
            for close in self.faults.authenticated(line, "KL"[number % 2], self.now):
                self._end(close.connection)
        elif what == "end" and self.lines:
            line = self.lines.pop(number % len(self.lines))
            self.faults.closed(line, self.now, clean=number % 2 == 0)
        elif what == "request":
            self.log.append(self.faults.request("POST", "/v2/orders", "K", self.now))
        elif what == "frame":
            self._count += 1
            event = "fill" if number % 2 else "new"
            data = {"event": event, "event_id": str(self._count), "order": {"id": "touched" if number < 5 else "o"}}
            for line in list(self.lines):
                if self.faults.connection(line, self.now) == "normal":
                    self.told[line].append((str(self._count), number < 5))
                self._send(line, self.faults.frame("K", data, self.now, line))
        self.log.append([(each.id, each.left) for each in self.faults.active(self.now)])
        assert self.faults.next_due() is None or self.faults.next_due() >= START


def any_fault(st):
    """A strategy of faults; those of frames touch one order alone."""
    window = st.fixed_dictionaries(
        {},
        optional={"at": st.integers(0, 10), "until": st.integers(11, 30), "probability": st.sampled_from([0.5, 1.0])},
    )
    count = st.fixed_dictionaries({}, optional={"count": st.integers(1, 3)})
    again = st.sampled_from([{}, {"every": 2, "count": 3}, {"every": 3, "count": None}])

    def made(kind, *settings, **more):
        return st.tuples(window, *settings).map(
            lambda given: kind(**{**more, **{k: v for each in given for k, v in each.items()}})
        )

    frames = [
        made(Drop, count, order="touched"),
        made(Delay, count, order="touched", seconds=1.5, jitter=1),
        made(Duplicate, count, order="touched", times=2, seconds=0.5),
        made(Reorder, count, order="touched", behind=2, within=2),
        made(Corrupt, count, order="touched", how="flip"),
        made(Corrupt, count, order="touched", how="null"),
    ]
    others = [
        made(Close, count, new=True, after=1),
        made(HalfOpen, count, connection=2),
        made(Mute, count, new=True),
        made(RefuseHandshake, count),
        made(ConnectionLimit, count, how="evict"),
        made(ConnectionLimit, count, stream="sse"),
        made(ZombieSession, count, how="close", seconds=5),
        *(made(kind, count) for kind in (TooManyRequests, ErrorBefore, ErrorAfter, LostBefore, LostAfter)),
        made(Slow, count, seconds=1, jitter=1),
        made(StaleReads, count, seconds=1),
        made(Restart, again, seconds=2),
        made(Bust, again),
        made(Correct, again, percent=Decimal(1)),
        made(ForeignOrder, again, symbol="AAPL"),
        st.just(ClockSkew(seconds=5, at=3, until=9)),
    ]
    return st.one_of(*frames), st.one_of(*frames, *others)


def steps_of(st):
    kinds = st.sampled_from(["wait", "open", "end", "request", "frame", "frame", "frame"])
    return st.lists(st.tuples(kinds, st.integers(0, 9)), max_size=30)


def played(faults, steps, seed=1):
    shell = Shell(faults, seed)
    for step in [("open", 0), *steps, ("wait", 100)]:
        shell.step(*step)
    return shell


def test_whatever_comes():
    """Nothing raises, nothing is due for ever, and the same seed makes the same of the same calls."""
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    _, some = any_fault(st)

    @hypothesis.settings(max_examples=300, deadline=None)
    @hypothesis.given(faults=st.lists(some, max_size=6), steps=steps_of(st))
    def holds(faults, steps):
        first, second = played(faults, steps), played(faults, steps)

        assert first.log == second.log
        assert first.sent == second.sent
        assert first.faults.tripped == second.faults.tripped

    holds()


def test_frames_that_no_fault_touches():
    """Each comes once, in the order in which it was told, whatever becomes of those around it."""
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    frames, _ = any_fault(st)
    others = st.sampled_from([ErrorBefore(), Slow(seconds=1), Bust(every=1, count=3), ClockSkew(seconds=5)])

    @hypothesis.settings(max_examples=300, deadline=None)
    @hypothesis.given(faults=st.lists(st.one_of(frames, others), max_size=6), steps=steps_of(st))
    def holds(faults, steps):
        steps = [step for step in steps if step[0] != "end"]
        shell = played(faults, steps)
        for line, told in shell.told.items():
            arrived = [name for _, _, name in sorted(shell.sent[line], key=lambda each: each[:2])]
            whole = [name for name, touched in told if not touched]

            assert whole == [name for name in arrived if name in set(whole)]

    holds()


def test_another_fault_changes_no_dice():
    """What one fault does to frames stays what it is when one of requests is there too."""
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    frames, _ = any_fault(st)

    @hypothesis.settings(max_examples=100, deadline=None)
    @hypothesis.given(fault=frames, steps=steps_of(st))
    def holds(fault, steps):
        alone = played([fault], steps)
        beside = played([ErrorBefore(probability=0.5), Slow(seconds=1, probability=0.5), fault], steps)

        assert alone.sent == beside.sent

    holds()


def test_all_by_hand():
    """A stream through several faults at once, call by call."""
    shell = Shell([Drop(events=("new",), count=1), Close(at=5), Restart(at=9, seconds=1)], 1)
    for step in [("open", 0), ("frame", 2), ("frame", 3), ("wait", 20), ("open", 0), ("frame", 7), ("wait", 16)]:
        shell.step(*step)
    first, second = shell.sent.values()

    assert [["2"], ["3"]] == [[name for _, _, name in sent] for sent in (first, second)]
    assert ["drop-1", "close-1", "restart-1"] == [trip.fault for trip in shell.faults.tripped]
    assert [] == shell.lines
