"""The house is kept on time in a loop whose own time jumps from one timer to the next."""

from __future__ import annotations

import asyncio
import logging
import selectors
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from bridge.venue.market import Moved
from bridge.venue.serving.clockwork import Clockwork
from bridge.venue.serving.pace import Running, Stepped
from engine.errors import InvalidInput, InvalidRequest
from engine.testing import ManualHostClock

NOW = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


class Jumping(selectors.DefaultSelector):
    """Never waits: lets the clock jump to the moment until which it should."""

    def __init__(self, clock):
        super().__init__()
        self._clock = clock

    def select(self, timeout=None):
        assert timeout is not None, "nothing will ever happen again"
        self._clock.advance(max(timeout, 0))
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """A loop that runs by a clock of the test."""

    def __init__(self, clock):
        super().__init__(Jumping(clock))
        self._test_clock = clock

    def time(self):
        return self._test_clock.monotonic()


class Bench:
    """A clockwork, and what it had told."""

    def __init__(self, house, clock, *, speed=1.0):
        self.told = []
        pace = Stepped(NOW) if speed is None else Running(NOW, speed=speed, host_clock=clock)
        self.clockwork = Clockwork(house, pace, self.deliver)

    def deliver(self, frames):
        self.told += [(frame.data["event"], self.clockwork.now()) for frame in frames]


@pytest.fixture
def clock():
    return ManualHostClock()


@pytest.fixture
def run(clock):
    """Run a coroutine in a loop whose time jumps."""
    with asyncio.Runner(loop_factory=lambda: Loop(clock)) as runner:
        yield runner.run


@pytest.fixture
def bench(new_house, clock):
    """``bench(market, speed=60)``; speed None: stepped."""

    def made(market=None, **more):
        return Bench(new_house(market), clock, **more)

    return made


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_what_is_due_happens_by_itself(bench, run, new_order, speed):
    """An order arrives after its latency, at the venue's time, though nobody asks again."""
    work = bench(speed=speed)

    async def main():
        work.clockwork.house.handle(new_order(), work.clockwork.now())
        work.clockwork.settle()
        await work.clockwork.until(at(1))

    run(main())

    assert ["pending_new", "new", "fill"] == [event for event, _ in work.told]
    assert all(timedelta(0) <= moment - at(0.1) < timedelta(milliseconds=1) for _, moment in work.told[1:])


def test_a_market_that_takes_longer_than_it_lasts(run, clock, new_house, market_of_moves, caplog):
    """Time stands while it is played, so that there is not ever more to play at once; that is logged once."""
    shown = []

    class Slow(type(market_of_moves())):
        def moves(self):
            for number in range(1, 3000):
                clock.advance(0.01)  # of the machine, for a second of the market
                if not number % 100:
                    shown.append((work.clockwork.now() - work.clockwork.house.now).total_seconds())
                yield Moved(at(number), "AAPL", D(191), True)

    work = Bench(new_house(Slow()), clock, speed=1000)

    async def main():
        work.clockwork.settle()
        await work.clockwork.until(at(2500))

    with caplog.at_level(logging.WARNING):
        run(main())

    assert max(shown) < 1000
    assert 1 == sum(record.name.startswith("bridge") for record in caplog.records)


def test_an_earlier_moment_comes_first(bench, run, new_order):
    """What becomes due before that for which the timer was set is not late."""
    work, woken = bench(), []

    async def wait(seconds):
        await work.clockwork.until(at(seconds))
        woken.append((seconds, work.clockwork.now()))

    async def main():
        async with asyncio.TaskGroup() as group:
            for seconds in (5, 1, 3, 0, 1):
                group.create_task(wait(seconds))

    run(main())

    assert [0, 1, 1, 3, 5] == [seconds for seconds, _ in woken]
    assert all(timedelta(0) <= now - at(seconds) < timedelta(milliseconds=1) for seconds, now in woken)


def test_a_timer_that_is_early(bench, run, clock):
    """It is set again, for the rest: clocks do not agree to the last digit."""

    class Early(Running):
        def wait(self, due):
            return super().wait(due) * 0.9

    work = bench()
    work.clockwork._pace = Early(NOW, host_clock=clock)

    async def main():
        await work.clockwork.until(at(1))
        return work.clockwork.now()

    assert timedelta(0) <= run(main()) - at(1) < timedelta(milliseconds=1)


def test_who_gives_up_is_forgotten(bench, run):
    """A waiter that is cancelled keeps nothing: the next settling drops it, and no timer rings for it."""
    work = bench()

    async def main():
        waiting = asyncio.create_task(work.clockwork.until(at(3600)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        work.clockwork.settle()
        return work.clockwork._waiting, work.clockwork._armed

    assert ([], work.clockwork.house.next_due()) == run(main())


def test_nothing_happens_without_a_step(bench, run, new_order):
    """Time that is stepped stands; each step says which event was the last."""
    work = bench(speed=None)

    async def main():
        clockwork = work.clockwork
        clockwork.house.handle(new_order(), clockwork.now())
        clockwork.settle()
        before = list(work.told)
        early, late = clockwork.step(at(0.05)), clockwork.step(at(0.1))
        return before, early, late

    before, early, late = run(main())

    assert [("pending_new", NOW)] == before
    assert [("new", at(0.1)), ("fill", at(0.1))] == work.told[1:]
    assert early < late == work.clockwork.house.last_event


def test_in_lockstep_time_stops_behind_what_is_told(bench, run, new_order):
    """Each step has its frames told, and time does not go back."""
    work = bench(speed=None)

    async def main():
        clockwork = work.clockwork
        clockwork.house.handle(new_order(), clockwork.now())
        clockwork.settle()
        stops = [clockwork.step_within(at(1))]
        while not stops[-1].done:
            stops.append(clockwork.step_within(at(1)))
        with pytest.raises(InvalidRequest, match="a moment from"):
            clockwork.step_within(at(0.5))
        return stops

    stops = run(main())

    assert ([False, True], at(1)) == ([stops[0].done, stops[-1].done], stops[-1].at)
    assert ["pending_new", "new", "fill"] == [event for event, _ in work.told]
    assert work.clockwork.house.last_event == stops[-1].event_id


def test_steps_where_time_runs(bench, run):
    """It cannot be stepped there, and that is said."""
    work = bench()

    async def main():
        work.clockwork.step(at(1))

    async def within():
        work.clockwork.step_within(at(1))

    for stepping in (main, within):
        with pytest.raises(InvalidRequest, match="a venue that is stepped"):
            run(stepping())
    assert (False, True) == (work.clockwork.steps, bench(speed=None).clockwork.steps)


def test_what_happened_before_an_error_is_told(bench, run, new_order, market_of_moves):
    """Something goes wrong on the way: the frames of what had happened by then are not kept back."""
    work = bench(market_of_moves(Moved(at(1), "AAPL", D(191), True), error=ZeroDivisionError("a bug")), speed=None)

    async def main():
        work.clockwork.house.handle(new_order(), NOW)
        work.clockwork.step(at(2))

    with pytest.raises(ZeroDivisionError, match="a bug"):
        run(main())

    assert ["pending_new", "new", "fill"] == [event for event, _ in work.told]


def test_an_error_of_the_timer_is_told(bench, run, market_of_moves):
    """What goes wrong when nobody has asked is told to the loop."""
    work, told = bench(market_of_moves(Moved(at(1), "AAPL", D(191), True), error=ZeroDivisionError("a bug"))), []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
        work.clockwork.settle()
        await asyncio.sleep(2)

    run(main())

    assert ["a bug"] == [str(error) for error in told]


def test_a_market_that_breaks_is_told(bench, run, market_of_moves, caplog):
    """The log says once that prices stand, and why."""
    work = bench(market_of_moves(Moved(at(1), "AAPL", D(191), True), error=InvalidInput("line 3", "x", "a number")))

    async def main():
        work.clockwork.settle()
        await work.clockwork.until(at(3))
        work.clockwork.settle()

    with caplog.at_level(logging.WARNING):
        run(main())

    assert ["the market has ended, its prices stand: line 3: found 'x', expected a number"] == caplog.messages


def test_a_market_that_is_over_is_told(bench, run, market_of_moves, caplog):
    """Once, when its last move has been played; a market that never moves is not over."""
    over, still = bench(market_of_moves(Moved(at(1), "AAPL", D(191), True)), speed=None), bench(speed=None)

    async def main():
        for work in (over, still):
            work.clockwork.settle()
            work.clockwork.step(at(3))
            work.clockwork.step(at(4))

    with caplog.at_level(logging.WARNING):
        run(main())

    assert ["the market has ended, its prices stand: it was played to its end"] == caplog.messages
    assert (True, False) == (over.clockwork.house.over, still.clockwork.house.over)


def test_after_its_end(bench, run, new_order):
    """Who waits is cancelled, who comes is too, and no timer is set any more."""
    work = bench()

    async def main():
        waiting = asyncio.create_task(work.clockwork.until(at(1)))
        await asyncio.sleep(0)
        work.clockwork.stop()
        late = asyncio.create_task(work.clockwork.until(at(1)))
        await asyncio.wait([waiting, late])
        work.clockwork.house.handle(new_order(), work.clockwork.now())
        work.clockwork.settle()
        return waiting.cancelled(), late.cancelled()

    assert (True, True) == run(main())
    assert work.clockwork._timer is None or work.clockwork._timer.cancelled()


@pytest.mark.parametrize("years", [2, 7000])
def test_a_step_too_far(bench, run, years):
    """More than a year at once is refused, for nobody is answered meanwhile; time stays, and a year is taken."""
    work = bench(speed=None)
    with pytest.raises(InvalidRequest, match="a moment up to 2025-01-02T15:30:00"):
        work.clockwork.step(NOW.replace(year=NOW.year + years))

    assert NOW == work.clockwork.now()

    async def main():
        work.clockwork.step(NOW + timedelta(days=366))

    run(main())
    assert NOW + timedelta(days=366) == work.clockwork.house.now


def test_a_long_step_before_listeners_to_market_data(run, new_house):
    """They are told minute by minute: what is to be shown of an hour is not gathered first."""
    house, told = new_house(), []

    async def scene():
        clockwork = Clockwork(house, Stepped(NOW), lambda frames: None, told.append)
        clockwork.settle()
        told.clear()
        house.data.listening = True
        clockwork.step(at(3600))

    run(scene())

    assert [at(60 * minute) for minute in range(1, 61)] == told[:60]
    assert {at(3600)} == set(told[59:])
