"""What faults make of requests is carried out, without sockets."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from bridge.venue.core import Request
from bridge.venue.faults.happenings import ClockSkew, Restart
from bridge.venue.faults.rest import (
    ErrorAfter,
    ErrorBefore,
    LostAfter,
    LostBefore,
    Slow,
    StaleReads,
    TooManyRequests,
)
from bridge.venue.serving.clockwork import Clockwork
from bridge.venue.serving.pace import Running, Stepped
from bridge.venue.serving.treating import Treating
from engine.testing import ManualHostClock

FAIL_AFTER = 5.0
NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


class Counter:
    """Where requests are treated: a house, its clock, and how often connections were cut."""

    def __init__(self, house, pace):
        self.house = house
        self.cuts = 0
        self.clockwork = Clockwork(house, pace, lambda frames: None)
        self._treat = Treating(self.clockwork, self._answer)

    def _answer(self, request):
        try:
            return self.house.handle(request, self.clockwork.now())
        finally:
            self.clockwork.settle()

    def _cut(self):
        self.cuts += 1

    async def __call__(self, request):
        return await self._treat({"state": {"cut": self._cut}}, request)

    def step(self, seconds):
        self.clockwork.step(self.clockwork.now() + timedelta(seconds=seconds))

    @property
    def orders(self):
        (account, _) = self.house.core.accounts.values()
        return len(account.orders)


@pytest.fixture
def run(new_house):
    """``run(main, *faults)``: main(counter) in a loop, with these faults switched on."""

    def ran(main, *faults, pace=None):
        async def within():
            house = new_house()
            house.arm(1, faults)
            counter = Counter(house, pace or Stepped(NOW))
            async with asyncio.timeout(FAIL_AFTER):
                try:
                    return await main(counter)
                finally:
                    counter.clockwork.stop()

        return asyncio.run(within())

    return ran


@pytest.fixture
def get(new_order):
    """``get("/v2/orders")``: a request of the first trader."""
    return lambda path, **query: Request(method="GET", path=path, query=query, headers=new_order().headers)


def test_without_faults(run, new_order):
    """An order is answered as always."""

    async def main(counter):
        answer = await counter(new_order())
        return answer.status, counter.orders, counter.cuts

    assert (200, 1, 0) == run(main)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (TooManyRequests(count=1), (429, 0, 0)),
        (ErrorBefore(count=1), (503, 0, 0)),
        (ErrorAfter(count=1), (504, 1, 0)),
        (LostBefore(count=1), (None, 0, 1)),
        (LostAfter(count=1), (None, 1, 1)),
    ],
    ids=lambda each: getattr(each, "kind", ""),
)
def test_what_is_answered_and_what_is_done(run, new_order, fault, expected):
    """Status, orders that are there then, connections that were cut; the next request is answered as always."""

    async def main(counter):
        answer = await counter(new_order())
        first = (None if answer is None else answer.status, counter.orders, counter.cuts)
        return first, (await counter(new_order())).status, counter.orders - first[1]

    assert (expected, 200, 1) == run(main, fault)


def test_what_was_not_done_is_not_written_down(run, new_order):
    """A venue that is made again knows as little of it."""

    async def main(counter):
        for _ in range(3):
            await counter(new_order())
        return len(counter.house.inputs), len(counter.house.core.arrivals)

    assert (1, 1) == run(main, ErrorBefore(count=1), LostBefore(count=1))


def test_slow_where_time_is_stepped(run, new_order):
    """It is done at once, and answered when the venue's time has come so far, not before."""

    async def main(counter):
        asked = asyncio.create_task(counter(new_order()))
        await asyncio.sleep(0)
        done = [(counter.orders, asked.done())]
        for seconds in (4.9, 0.1):
            counter.step(seconds)
            await asyncio.sleep(0)
            done.append((counter.orders, asked.done()))
        return done, (await asked).status

    assert ([(1, False), (1, False), (1, True)], 200) == run(main, Slow(seconds=5, count=1))


def test_slow_where_time_runs_fast(run, new_order):
    """Seconds are the venue's: an hour is soon over where it runs fast."""

    async def main(counter):
        return (await counter(new_order())).status

    assert 200 == run(main, Slow(seconds=3600, count=1), pace=Running(NOW, speed=3600, host_clock=_Hasty()))


class _Hasty(ManualHostClock):
    """A clock of the machine that is a second later each time one looks."""

    def monotonic(self):
        self.advance(1.0)
        return super().monotonic()


def test_lost_late(run, new_order):
    """The connection is cut when the answer would have come."""

    async def main(counter):
        asked = asyncio.create_task(counter(new_order()))
        await asyncio.sleep(0)
        before = counter.cuts
        counter.step(2)
        return before, await asked, counter.cuts

    assert (0, None, 1) == run(main, Slow(seconds=2), LostAfter())


def test_others_are_answered_meanwhile(run, new_order, get):
    """Who waits for a slow answer holds up nobody, and answers come in the order of their moments."""

    async def main(counter):
        order = []

        async def ask(name, request):
            await counter(request)
            order.append(name)

        tasks = [asyncio.create_task(ask("slow", new_order())), asyncio.create_task(ask("quick", get("/v2/clock")))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        then = list(order)
        counter.step(5)
        await asyncio.gather(*tasks)
        return then, order

    assert (["quick"], ["quick", "slow"]) == run(main, Slow(seconds=5, path="/v2/orders"))


def test_reads_that_lag(run, new_order, get):
    """A read is answered as of so long ago, with headers and limits of now; other requests are as always."""

    async def main(counter):
        await counter(new_order())
        counter.step(1)
        first = await counter(get("/v2/orders", status="all"))
        position = await counter(get("/v2/positions/AAPL"))
        clock = await counter(get("/v2/clock"))
        counter.step(1)
        later = await counter(get("/v2/orders", status="all"))
        return first, position, clock, later

    first, position, clock, later = run(main, StaleReads(seconds=1.5))

    assert ([], 404, 200) == (first.body, position.status, clock.status)
    assert ["filled"] == [order["status"] for order in later.body]
    assert int(first.headers["X-Ratelimit-Remaining"]) - 3 == int(later.headers["X-Ratelimit-Remaining"])


def test_who_is_turned_away_does_not_see_the_past(run, get):
    """A read with a key that is not good is refused, lagging or not."""

    async def main(counter):
        request = Request(method="GET", path="/v2/orders", headers={"apca-api-key-id": "NOBODY"})
        return (await counter(request)).status

    assert 401 == run(main, StaleReads(seconds=1))


def test_a_wrong_clock(run, new_order, get):
    """Moments in answers and headers are shifted, those that a client names are shifted back."""

    async def main(counter):
        clock = await counter(get("/v2/clock"))
        order = await counter(new_order())
        since = await counter(get("/v2/orders", status="all", after="2024-01-02T16:29:59Z"))
        until = await counter(get("/v2/orders", status="all", until="2024-01-02T16:29:59Z"))
        return clock, order, since, until

    clock, order, since, until = run(main, ClockSkew(seconds=3600))

    assert "2024-01-02T11:30:00-05:00" == clock.body["timestamp"]
    assert "Tue, 02 Jan 2024 16:30:00 GMT" == clock.headers["Date"]
    assert order.body["created_at"].startswith("2024-01-02T16:30:00")
    assert ([order.body["id"]], []) == ([each["id"] for each in since.body], until.body)


def test_a_wrong_clock_in_the_history_of_events(run, new_order, get):
    """What subscribers are told of the past is shifted too, and so is what happens before the answer begins."""

    async def main(counter):
        await counter(new_order())
        answer = await counter(get("/v2/events/trades", since="2024-01-02T16:29:00Z"))
        counter.step(1)
        return [data["timestamp"][:19] for data in (*answer.stream.history, *answer.stream.since())]

    assert ["2024-01-02T16:30:00"] * 3 == run(main, ClockSkew(seconds=3600))


@pytest.mark.parametrize(("status", "expected"), [(503, (503, 0)), (None, (None, 1))])
def test_a_restart(run, new_order, get, status, expected):
    """While it lasts nothing is done; then the books are what they were."""

    async def main(counter):
        await counter(new_order())
        counter.step(1)
        during = await counter(new_order())
        cuts = counter.cuts
        counter.step(5)
        after = await counter(get("/v2/positions"))
        return (during and during.status, cuts), after.body[0]["qty"]

    assert (expected, "1") == run(main, Restart(at=1, seconds=5, status=status))
