"""A loop in a thread: its start and end, calls with deadlines, errors that nobody saw, exits and forks."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

import bridge
import bridge.loopthread
import engine
from bridge.loopthread import LoopThread, State, answer
from engine.clock import SystemHostClock
from engine.errors import InvalidRequest, NotSent, OutcomeUnknown
from engine.testing.clocks import ManualHostClock

FAIL_AFTER = 5.0  # seconds; only a broken test ever waits this long
FOUND = dict.fromkeys(str(Path(package.__file__).parents[1]) for package in (engine, bridge))


class Boom(Exception):
    """What goes wrong in these tests."""


class Latch:
    """What a coroutine waits for until a test lets it go; what became of it."""

    def __init__(self):
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.cancelled = False
        self._open = None

    async def wait(self, result=None):
        self._open = asyncio.Event()
        self.begun.set()
        try:
            await self._open.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()
        return result

    def open(self):
        self._open.set()


async def echo(value):
    return value


async def fails(error=None):
    raise Boom("it failed") if error is None else error


@pytest.fixture
def latch():
    return Latch()


@pytest.fixture
def loop_thread():
    """A loop in a thread, running."""
    with LoopThread("test-loop") as thread:
        yield thread


def threads(name="test-loop"):
    return [thread for thread in threading.enumerate() if thread.name == name]


# --- start ------------------------------------------------------------------------------------------------------------


def test_a_named_daemon_thread():
    """Within the block the loop runs in a daemon thread of that name; after it there is no such thread."""
    with LoopThread("test-loop") as thread:
        (system,) = threads()
        ran_in = thread.call("who", _who, timeout=FAIL_AFTER)

        assert (True, system, State.RUNNING) == (system.daemon, ran_in, thread.state)
    assert ([], State.STOPPED) == (threads(), thread.state)


async def _who():
    return threading.current_thread()


def test_what_keeps_a_loop_from_running():
    """An error of the start is raised to the starter, and no thread is left."""

    def broken():
        raise Boom("no loop")

    thread = LoopThread("test-loop", loop_factory=broken)
    with pytest.raises(Boom, match="no loop"):
        thread.start(FAIL_AFTER)
    thread.stop(FAIL_AFTER)

    assert ([], State.STOPPED, False) == (threads(), thread.state, thread in bridge.loopthread._ALIVE)


def test_a_timeout_of_the_start_itself():
    """A TimeoutError that the making of the loop raised is raised as it is."""

    def broken():
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="^mine$"), LoopThread("test-loop", loop_factory=broken):
        pass


def test_a_start_that_takes_too_long():
    """The starter is told after its deadline; the loop ends by itself as soon as it could have run."""
    go, made = threading.Event(), []

    def slow():
        assert go.wait(FAIL_AFTER)
        made.append(asyncio.new_event_loop())
        return made[0]

    thread = LoopThread("test-loop", loop_factory=slow)
    with pytest.raises(TimeoutError, match=r"test-loop does not run after 0.01 s"):
        thread.start(0.01)
    with pytest.raises(NotSent):
        thread.call("late", echo, 1, timeout=FAIL_AFTER)
    with pytest.raises(TimeoutError, match="test-loop does not end: after 0 s it still waits for its thread"):
        thread.stop(0)
    go.set()
    thread.stop(FAIL_AFTER)

    assert ([], True) == (threads(), made[0].is_closed())


def test_a_start_that_takes_exactly_too_long():
    """Whether the loop or the deadline comes first, it either runs and stops, or it was told and no thread is left."""
    for within in (0.0, 0.0001, 0.0002, 0.0005, 0.001) * 10:
        thread = LoopThread("test-loop")
        try:
            thread.start(within)
        except TimeoutError as error:
            assert "test-loop does not run after" in str(error)
        else:
            assert 1 == thread.call("echo", echo, 1, timeout=FAIL_AFTER)
        thread.stop(FAIL_AFTER)

        assert ([], False) == (threads(), thread in bridge.loopthread._ALIVE)


def test_a_thread_that_cannot_be_made(monkeypatch):
    """Where the system gives no thread that is the error, and there is nothing to stop."""

    class NoThread(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading, "Thread", NoThread)
    thread = LoopThread("test-loop")
    with pytest.raises(RuntimeError, match="can't start new thread"):
        thread.start(FAIL_AFTER)
    thread.stop(0)

    assert (State.STOPPED, False) == (thread.state, thread in bridge.loopthread._ALIVE)


def test_it_runs_once():
    """Neither a running nor a stopped one can be started."""
    thread = LoopThread("test-loop")
    with thread, pytest.raises(RuntimeError, match="test-loop is running: it runs once, make a new one"):
        thread.start(FAIL_AFTER)

    with pytest.raises(RuntimeError, match="test-loop is stopped"):
        thread.start(FAIL_AFTER)


def test_two_loops_at_once(latch):
    """Each has its own thread and loop; the one can wait for the other."""
    with LoopThread("test-loop-1") as one, LoopThread("test-loop-2") as other:
        waiting = one.spawn("wait", latch.wait, "done")
        assert latch.begun.wait(FAIL_AFTER)
        other.call_soon(one.call_soon, latch.open)

        assert "done" == waiting.result(FAIL_AFTER)
        loops = {thread.call("loop", _loop, timeout=FAIL_AFTER) for thread in (one, other)}
        assert 2 == len(loops)


async def _loop():
    return asyncio.get_running_loop()


# --- call -------------------------------------------------------------------------------------------------------------


def test_a_call(loop_thread):
    """Its result comes back; what it raises is raised as it is."""
    assert "x" == loop_thread.call("echo", echo, "x", timeout=FAIL_AFTER)
    with pytest.raises(Boom, match="it failed"):
        loop_thread.call("fails", fails, timeout=FAIL_AFTER)


def test_a_call_that_is_no_coroutine(loop_thread):
    """What cannot be begun fails the call, not the loop."""

    def broken():
        raise SystemExit("at once")

    with pytest.raises(SystemExit, match="at once"):
        loop_thread.call("broken", broken, timeout=FAIL_AFTER)
    with pytest.raises(TypeError):
        loop_thread.call("number", lambda: 7, timeout=FAIL_AFTER)

    assert 1 == loop_thread.call("echo", echo, 1, timeout=FAIL_AFTER)


def test_a_call_that_gets_no_answer(loop_thread, latch):
    """After its deadline the outcome is not known; it is cancelled, and nothing else is."""
    with pytest.raises(OutcomeUnknown, match=r"^wait: no answer in 0.01 s$") as caught:
        loop_thread.call("wait", latch.wait, timeout=0.01)

    assert latch.ended.wait(FAIL_AFTER)
    assert (True, 0.01, None) == (latch.cancelled, caught.value.waited, caught.value.__context__)
    assert 1 == loop_thread.call("echo", echo, 1, timeout=FAIL_AFTER)


def test_a_call_that_is_given_up_before_it_began(loop_thread):
    """While the loop is busy nothing begins; what was given up meanwhile never does."""
    busy, begun = threading.Event(), []

    async def begin():
        begun.append(1)

    loop_thread.call_soon(busy.wait, FAIL_AFTER)
    with pytest.raises(OutcomeUnknown):
        loop_thread.call("begin", begin, timeout=0)
    busy.set()
    loop_thread.call("echo", echo, 1, timeout=FAIL_AFTER)

    assert [] == begun


def test_a_call_whose_own_timeout_ends_it(loop_thread):
    """A TimeoutError that the call itself raised is no unknown outcome."""
    with pytest.raises(TimeoutError, match="mine"):
        loop_thread.call("fails", fails, TimeoutError("mine"), timeout=FAIL_AFTER)


class EndsLate(Future):
    """A future that ends between the deadline and the attempt to give it up."""

    def __init__(self, end):
        super().__init__()
        self._end = end

    def cancel(self):
        if not self.done():
            self._end(self)
        return super().cancel()


def test_a_call_that_ends_just_as_its_time_is_over():
    """An outcome that is there is never called unknown."""
    clock = SystemHostClock()

    assert 5 == answer(EndsLate(lambda future: future.set_result(5)), "it", 0, clock=clock, since=0)
    with pytest.raises(Boom):
        answer(EndsLate(lambda future: future.set_exception(Boom())), "it", 0, clock=clock, since=0)
    with pytest.raises(TimeoutError, match="mine"):
        answer(EndsLate(lambda future: future.set_exception(TimeoutError("mine"))), "it", 0, clock=clock, since=0)


def test_calls_that_race_their_deadline(loop_thread):
    """Whatever comes first, a call gives its own result or OutcomeUnknown."""
    outcomes = []
    for number in range(300):
        try:
            outcomes.append(loop_thread.call("echo", echo, number, timeout=number % 30 / 100_000) == number)
        except OutcomeUnknown:
            outcomes.append(True)

    assert [True] * 300 == outcomes
    assert 1 == loop_thread.call("echo", echo, 1, timeout=FAIL_AFTER)


def test_calls_from_many_threads(loop_thread):
    """Each caller gets its own answer."""

    def ask(number):
        return [loop_thread.call("echo", echo, (number, each), timeout=FAIL_AFTER) for each in range(50)]

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert [[(number, each) for each in range(50)] for number in range(4)] == list(pool.map(ask, range(4)))


def test_a_caller_that_is_interrupted(latch):
    """Ctrl-C while a call waits gives the call up."""

    class Interrupted(Future):
        def result(self, timeout=None):
            raise KeyboardInterrupt

    future = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        answer(future, "it", FAIL_AFTER, clock=SystemHostClock(), since=0)

    assert future.cancelled()


def test_calls_from_the_loops_own_thread(loop_thread):
    """They are refused at once, for they would wait for themselves; so is stopping."""

    async def inside():
        with pytest.raises(RuntimeError, match="echo: test-loop's own thread would wait for itself"):
            loop_thread.call("echo", echo, 1, timeout=FAIL_AFTER)
        with pytest.raises(RuntimeError, match="stop: test-loop's own thread"):
            loop_thread.stop(FAIL_AFTER)
        return "refused"

    assert "refused" == loop_thread.call("inside", inside, timeout=FAIL_AFTER)


def test_calls_of_what_does_not_run():
    """Before the start and after the end nothing is begun, and that is said."""
    thread = LoopThread("test-loop")
    with pytest.raises(NotSent, match="echo: test-loop is not started"):
        thread.call("echo", echo, 1, timeout=FAIL_AFTER)
    with thread:
        pass
    for hand_over in (
        lambda: thread.call("echo", echo, 1, timeout=FAIL_AFTER),
        lambda: thread.spawn("echo", echo, 1),
        lambda: thread.call_soon(print),
    ):
        with pytest.raises(NotSent, match="(echo|print): test-loop is stopped"):
            hand_over()


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_every_wait_has_an_end(loop_thread, seconds):
    """A deadline that is none is refused."""
    other = LoopThread("other")
    for wait in (
        lambda: loop_thread.call("echo", echo, 1, timeout=seconds),
        lambda: loop_thread.stop(seconds),
        lambda: other.start(seconds),
    ):
        with pytest.raises(InvalidRequest, match="seconds >= 0: every wait has an end"):
            wait()

    assert (State.RUNNING, State.NEW) == (loop_thread.state, other.state)


# --- spawn and call_soon ----------------------------------------------------------------------------------------------


def test_spawn(loop_thread, latch):
    """It begins without waiting, can be waited for, and is held by the loop thread however long it takes."""
    waiting = loop_thread.spawn("wait", latch.wait, "done")
    assert latch.begun.wait(FAIL_AFTER)
    gc.collect()
    loop_thread.call_soon(latch.open)

    assert "done" == waiting.result(FAIL_AFTER)


def test_what_nobody_holds_is_held():
    """A task whose future was thrown away lives until it ends, though nothing else knows of it."""
    ended, begun = [], threading.Event()

    async def waits():
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        finally:
            ended.append("ended")

    with LoopThread("test-loop") as thread:
        thread.spawn("waits", waits)
        assert begun.wait(FAIL_AFTER)
        thread.call("echo", echo, 1, timeout=FAIL_AFTER)
        gc.collect()
        before = list(ended)

    assert ([], ["cancelled", "ended"]) == (before, ended)


def test_what_is_spawned_can_be_cancelled(loop_thread, latch):
    """To cancel its future cancels the task; that is no error."""
    waiting = loop_thread.spawn("wait", latch.wait)
    assert latch.begun.wait(FAIL_AFTER)
    waiting.cancel()

    assert latch.ended.wait(FAIL_AFTER)
    assert latch.cancelled


def test_tasks_carry_the_name_of_what_they_do(loop_thread):
    """A call's task is named after it, so that debuggers and errors can tell."""

    async def name():
        return asyncio.current_task().get_name()

    assert ["a call", "a task"] == [
        loop_thread.call("a call", name, timeout=FAIL_AFTER),
        loop_thread.spawn("a task", name).result(FAIL_AFTER),
    ]


def test_spawn_and_call_soon_from_within(loop_thread):
    """Both can be used from the loop's own thread."""

    async def inside():
        loop_thread.call_soon(done.set)
        return loop_thread.spawn("echo", echo, 7)

    done = threading.Event()
    inner = loop_thread.call("inside", inside, timeout=FAIL_AFTER)

    assert 7 == inner.result(FAIL_AFTER)
    assert done.wait(FAIL_AFTER)


# --- stop -------------------------------------------------------------------------------------------------------------


def test_stop_while_calls_are_pending(latch):
    """A call that is cut short has an unknown outcome, and knows how long it waited; nothing is left running."""
    clock = ManualHostClock()
    thread = LoopThread("test-loop", clock=clock)
    with ThreadPoolExecutor(max_workers=1) as pool:
        with thread:
            call = pool.submit(thread.call, "wait", latch.wait, timeout=FAIL_AFTER)
            assert latch.begun.wait(FAIL_AFTER)
            clock.advance(0.25)
        with pytest.raises(OutcomeUnknown, match=r"^wait, cut short by the end of its loop: no answer in 0.25 s$"):
            call.result(FAIL_AFTER)

    assert (True, []) == (latch.cancelled, threads())


def test_what_was_handed_over_before_a_stop_begins():
    """Calls that race a stop either were not begun, or began and were cut short or answered; none waits for ever."""
    for _ in range(20):
        begun = []

        async def begin(number, begun=begun):
            begun.append(number)
            await asyncio.sleep(FAIL_AFTER)

        with LoopThread("test-loop") as thread:
            futures = [thread.spawn("begin", begin, number) for number in range(10)]
        for future in futures:
            with pytest.raises(CancelledError):
                future.result(FAIL_AFTER)

        assert [*range(10)] == begun


def test_stop_waits_for_the_end_of_tasks():
    """A cancelled task may still clean up, with tasks of its own, before the loop is closed."""
    ended = []

    async def tidy():
        await asyncio.sleep(0)
        ended.append("tidied")

    async def works():
        try:
            await asyncio.sleep(FAIL_AFTER)
        finally:
            await asyncio.create_task(tidy())
            ended.append("ended")

    with LoopThread("test-loop") as thread:
        thread.spawn("works", works)

    assert ["tidied", "ended"] == ended


def test_stop_cancels_what_begins_meanwhile(latch):
    """A task that a task begins as it ends, and leaves behind, is cancelled too."""
    left = []

    async def leaves():
        try:
            await asyncio.sleep(FAIL_AFTER)
        finally:
            left.append(asyncio.create_task(latch.wait()))

    with LoopThread("test-loop") as thread:
        thread.spawn("leaves", leaves)

    assert ([True], True) == ([task.cancelled() for task in left], latch.cancelled)


def test_stop_closes_asynchronous_generators():
    """A generator that was left half way runs its end before the loop is closed."""
    ended = []

    async def numbers():
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)
            ended.append(1)

    async def one(generator):
        return await anext(generator)

    generator = numbers()
    with LoopThread("test-loop") as thread:
        thread.call("one", one, generator, timeout=FAIL_AFTER)

    assert [1] == ended


def test_stop_twice():
    """The second stop, and one before any start, do nothing."""
    thread = LoopThread("test-loop")
    with thread:
        thread.stop(FAIL_AFTER)
        thread.stop(FAIL_AFTER)
    unused = LoopThread("unused")
    unused.stop(0)

    assert (State.STOPPED, State.STOPPED) == (thread.state, unused.state)


def test_stops_from_several_threads():
    """They all return once the thread has ended."""
    for _ in range(20):
        thread = LoopThread("test-loop")
        thread.start(FAIL_AFTER)
        with ThreadPoolExecutor(max_workers=3) as pool:
            stops = [pool.submit(thread.stop, FAIL_AFTER) for _ in range(3)]

        assert [None] * 3 == [stop.result(FAIL_AFTER) for stop in stops]
        assert [] == threads()


def test_stop_has_a_bound(latch):
    """What does not end is named after the deadline; it is waited for, and a later stop succeeds."""
    go = threading.Event()
    insisting = threading.Event()

    async def stubborn():
        while not go.is_set():
            try:
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                insisting.set()

    thread = LoopThread("test-loop", stop_within=0.05)
    with pytest.raises(TimeoutError, match=r"test-loop does not end: after 0.05 s it still waits for stubborn"), thread:
        thread.spawn("stubborn", stubborn)
    assert insisting.wait(FAIL_AFTER)
    with pytest.raises(NotSent, match="is stopping"):
        thread.spawn("echo", echo, 1)
    go.set()
    thread.stop(FAIL_AFTER)

    assert [] == threads()


def test_stop_of_a_loop_that_is_blocked():
    """A loop that is held up in a call that does not return is told of after the deadline."""
    go = threading.Event()
    thread = LoopThread("test-loop")
    thread.start(FAIL_AFTER)
    thread.call_soon(go.wait, FAIL_AFTER)
    with pytest.raises(TimeoutError, match="it still waits for its thread"):
        thread.stop(0.01)
    go.set()
    thread.stop(FAIL_AFTER)

    assert State.STOPPED is thread.state


# --- errors that nobody saw -------------------------------------------------------------------------------------------


def test_an_exception_that_escapes_a_task_is_raised_at_the_end():
    """Without anybody to be told, what failed is raised by stop, once, with what it escaped from."""
    thread = LoopThread("test-loop")
    with pytest.raises(ExceptionGroup) as caught, thread:
        thread.spawn("resident", fails)
    thread.stop(FAIL_AFTER)

    (error,) = caught.value.exceptions
    assert (Boom, ["in test-loop: resident"]) == (type(error), error.__notes__)
    assert "in test-loop" == caught.value.message


def test_an_exception_that_escapes_a_task_is_told():
    """Who asks to be told is told what it escaped from, in the loop's thread; stop then raises nothing."""
    told = []

    def tell(what, error):
        told.append((what, type(error), threading.current_thread().name))

    with LoopThread("test-loop", on_error=tell) as thread:
        thread.spawn("resident", fails)
        thread.call_soon(_raise)

    assert {
        ("resident", Boom, "test-loop"),
        ("Exception in callback _raise", Boom, "test-loop"),
    } == {(what.partition("()")[0], *more) for what, *more in told}
    assert 2 == len(told)


def _raise():
    raise Boom


def test_who_is_told_fails_itself():
    """What the teller raises is kept, and what it was told of too."""

    def tell(what, error):
        raise ValueError(what)

    with pytest.raises(ExceptionGroup) as caught, LoopThread("test-loop", on_error=tell) as thread:
        thread.spawn("resident", fails)

    assert [ValueError, Boom] == [type(error) for error in caught.value.exceptions]


def test_tasks_of_tasks():
    """An exception in a task that nobody awaited escapes too."""

    async def leaves():
        task = asyncio.create_task(fails())
        await asyncio.wait([task])

    with pytest.raises(ExceptionGroup) as caught, LoopThread("test-loop") as thread:
        thread.call("leaves", leaves, timeout=FAIL_AFTER)
        gc.collect()

    assert [Boom] == [type(error) for error in caught.value.exceptions]


def test_errors_while_tasks_are_cancelled():
    """What a task raises when it is cancelled is not lost."""

    async def breaks():
        try:
            await asyncio.sleep(FAIL_AFTER)
        finally:
            raise Boom

    with pytest.raises(ExceptionGroup) as caught, LoopThread("test-loop") as thread:
        thread.spawn("breaks", breaks)

    assert [Boom] == [type(error) for error in caught.value.exceptions]


def test_a_call_that_fails_after_it_was_given_up():
    """Nobody waits for it any more, so its error escapes."""

    async def breaks():
        try:
            await asyncio.sleep(FAIL_AFTER)
        finally:
            raise Boom

    with pytest.raises(ExceptionGroup) as caught, LoopThread("test-loop") as thread:
        with pytest.raises(OutcomeUnknown):
            thread.call("breaks", breaks, timeout=0.01)
        thread.call("echo", echo, 1, timeout=FAIL_AFTER)

    assert [Boom] == [type(error) for error in caught.value.exceptions]


def test_an_error_of_a_call_is_its_callers():
    """What a call raised to its caller has been seen, and is not raised again."""
    with LoopThread("test-loop") as thread, pytest.raises(Boom):
        thread.call("fails", fails, timeout=FAIL_AFTER)


def test_the_blocks_own_error_comes_first():
    """An error of the with block is raised as it is; what escaped meanwhile is noted on it."""
    with pytest.raises(KeyError) as caught, LoopThread("test-loop") as thread:
        thread.spawn("resident", fails)
        raise KeyError("block")

    (note,) = caught.value.__notes__
    assert "and of test-loop: ExceptionGroup('in test-loop', [Boom('it failed')])" == note


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_ends_a_loop(error, latch):
    """A task that wants to end the program ends the loop in order; calls are cut short, and stop raises what it was."""
    thread = LoopThread("test-loop")
    thread.start(FAIL_AFTER)
    with ThreadPoolExecutor(max_workers=1) as pool:
        call = pool.submit(thread.call, "wait", latch.wait, timeout=FAIL_AFTER)
        assert latch.begun.wait(FAIL_AFTER)
        thread.spawn("ends", fails, error("the end"))
        with pytest.raises(OutcomeUnknown):
            call.result(FAIL_AFTER)
    with pytest.raises(BaseExceptionGroup) as caught:
        thread.stop(FAIL_AFTER)

    assert {error} == {type(each) for each in caught.value.exceptions}
    assert ([], State.STOPPED) == (threads(), thread.state)


def test_errors_that_are_kept_are_bounded(caplog):
    """A hundred wait to be raised; more are logged."""
    with pytest.raises(ExceptionGroup) as caught, LoopThread("test-loop") as thread:
        for number in range(103):
            thread.spawn(f"resident {number}", fails)

    assert 100 == len(caught.value.exceptions)
    assert ["in test-loop"] * 3 == [record.message for record in caplog.records if record.levelno == logging.ERROR]


# --- loops, clocks, modes ---------------------------------------------------------------------------------------------


def test_another_kind_of_loop(latch):
    """uvloop serves as well: results, deadlines, the end of tasks."""
    uvloop = pytest.importorskip("uvloop")
    with LoopThread("test-loop", loop_factory=uvloop.new_event_loop) as thread:
        loop = thread.call("loop", _loop, timeout=FAIL_AFTER)
        with pytest.raises(OutcomeUnknown):
            thread.call("wait", latch.wait, timeout=0.01)
        other = Latch()
        thread.spawn("wait", other.wait)

    assert ("uvloop", True, True) == (type(loop).__module__, latch.cancelled, other.cancelled)
    assert [] == threads()


def test_a_frozen_clock():
    """Timers of the loop and deadlines of calls go on while freezegun holds the clock, and after it lets go."""
    freezegun = pytest.importorskip("freezegun")

    async def timer():
        await asyncio.sleep(0.001)
        return "rang"

    with LoopThread("test-loop") as thread:
        rang = [thread.call("timer", timer, timeout=FAIL_AFTER)]
        with freezegun.freeze_time("2020-01-01"):
            rang.append(thread.call("timer", timer, timeout=FAIL_AFTER))
            with pytest.raises(OutcomeUnknown):
                thread.call("wait", Latch().wait, timeout=0.01)
            with LoopThread("test-loop-frozen") as frozen:
                rang.append(frozen.call("timer", timer, timeout=FAIL_AFTER))
        rang.append(thread.call("timer", timer, timeout=FAIL_AFTER))

    assert ["rang"] * 4 == rang


# --- the end of the program, and forks --------------------------------------------------------------------------------

PRELUDE = """
import asyncio, os, sys, threading
from bridge.loopthread import LoopThread, State
from engine.errors import NotSent

async def echo(value):
    return value

async def for_ever():
    await asyncio.Event().wait()

async def fails():
    raise ValueError("unseen")

thread = LoopThread("test-loop")
"""


def program(code, **env):
    """Run a program with every warning an error; its exit code, output and errors."""
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PRELUDE + code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(FOUND)} | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.parametrize("stop", ["", "thread.stop(5)"])
def test_a_program_ends(stop, debug):
    """With a stop or without, a program that used a loop ends at once and without a word."""
    code = f"""
thread.start(5)
thread.spawn("for ever", for_ever)
print(thread.call("echo", echo, 1, timeout=5))
{stop}
"""
    assert (0, "1\n", "") == program(code, PYTHONASYNCIODEBUG=debug)


def test_a_program_ends_by_an_error():
    """The program's own error is all that is shown."""
    code, _, errors = program('thread.start(5)\nthread.spawn("for ever", for_ever)\nraise SystemExit("own")\n')

    assert (1, "own\n") == (code, errors)


def test_a_program_ends_while_threads_still_use_the_loop():
    """A thread that is no daemon, and outlives the main one, can use the loop to its end."""
    code = """
thread.start(5)
main_ended = threading.Event()

def bot():
    threading.main_thread().join(5)
    print(thread.call("echo", echo, "after the main thread", timeout=5))

threading.Thread(target=bot).start()
"""
    assert (0, "after the main thread\n", "") == program(code)


def test_a_program_ends_with_errors_that_nobody_saw():
    """Without a stop they are logged."""
    code, _, errors = program('thread.start(5)\nthread.spawn("resident", fails)\n')

    assert 0 == code
    assert "test-loop was not stopped, and failed unseen" in errors
    assert "ValueError: unseen" in errors


def test_a_program_ends_with_loops_that_do_not_end():
    """All of them together hold it up for a bounded time; each that does not end is named."""
    code = """
import bridge.loopthread
bridge.loopthread._AT_EXIT = 0.2
others = [thread, LoopThread("blocked"), LoopThread("fine")]

async def stubborn():
    while True:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            pass

for each in others:
    each.start(5)
thread.spawn("stubborn", stubborn)
thread.call("echo", echo, 1, timeout=5)
others[1].call_soon(threading.Event().wait)
"""
    ended, _, errors = program(code)

    assert 0 == ended
    assert {"test-loop does not end", "blocked does not end"} == {
        line.partition(":")[0] for line in errors.splitlines()
    }
    assert "waits for stubborn" in errors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork():
    """The child's copy says that it does not run, can be left, and does not disturb the parent; a new one runs."""
    code = """
import warnings
warnings.filterwarnings("ignore", category=DeprecationWarning)  # 3.12 and newer: of fork in a process with threads
with thread:
    thread.call("echo", echo, 1, timeout=5)
    thread._lock.acquire()  # as another thread may have it
    child = os.fork()
    if child == 0:
        try:
            thread.call("echo", echo, 1, timeout=5)
        except NotSent as error:
            print("child:", error, flush=True)
        thread.stop(0)
        with LoopThread("new") as new:
            print("child:", new.call("echo", echo, "runs", timeout=5), flush=True)
        raise SystemExit(7)
    thread._lock.release()
    print("parent:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print("parent:", thread.call("echo", echo, "runs", timeout=5), thread.state is State.RUNNING)
"""
    code, out, errors = program(code)

    assert (0, "") == (code, errors)
    assert [
        "child: echo: test-loop is left behind in the parent process by a fork",
        "child: runs",
        "parent: 7",
        "parent: runs True",
    ] == out.splitlines()


def test_what_is_shown_of_it(loop_thread):
    """A repr has the name and how it stands."""
    assert "<LoopThread 'test-loop', running>" == repr(loop_thread)
