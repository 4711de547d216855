"""
A thread with an asyncio loop of its own, for a program that is synchronous.

Whatever runs in the loop runs there alone; the rest of the program asks for it from outside, and waits with a deadline
or not at all. Stopping cancels what still runs and waits for it. A program that ends without stopping is neither held
up nor warned, and what failed unseen is logged then.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from engine.clock import HostClock, SystemHostClock
from engine.errors import InvalidRequest, NotSent, OutcomeUnknown

__all__ = ["LoopThread", "State", "answer"]

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_AT_EXIT = 2.0  # seconds that the end of the program waits for all threads of this kind together
_KEPT = 100  # errors at most that wait to be raised
_IMMINENT = 1.0  # seconds for a result that is being set at this moment: a few instructions of the other thread


class State(Enum):
    NEW = "not started"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FORKED = "left behind in the parent process by a fork"


class LoopThread:
    """
    An event loop in a daemon thread, for the length of a with block; it runs once.

    Args:
        name: Of the thread.
        start_within, stop_within: Seconds that the with block waits at either end.
        on_error: Called in the loop's thread with what an exception escaped from, and the exception; None: they are
            kept, and raised together when the thread is stopped.
        loop_factory: Makes the loop, in the new thread; ``uvloop.new_event_loop`` for example.
        clock: Measures how long an interrupted call waited.
    """

    def __init__(
        self,
        name: str,
        *,
        start_within: float = 5.0,
        stop_within: float = 5.0,
        on_error: Callable[[str, BaseException], None] | None = None,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
        clock: HostClock | None = None,
    ) -> None:
        self.name = name
        self._start_within = start_within
        self._stop_within = stop_within
        self._on_error = on_error
        self._loop_factory = loop_factory
        self._clock = SystemHostClock() if clock is None else clock
        self._lock = threading.RLock()  # guards the state, so that nothing is handed to a loop that has ended
        self._state = State.NEW
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[Any]] = set()  # a loop itself would let them be collected
        self._errors: list[BaseException] = []
        self._unfinished: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}, {self._state.value}>"

    @property
    def state(self) -> State:
        return self._state

    def __enter__(self) -> Self:
        self.start(self._start_within)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.stop(self._stop_within)
        except (Exception, BaseExceptionGroup) as failure:
            if error is None:
                raise
            error.add_note(f"and of {self.name}: {failure!r}")  # the block's own error comes first

    # --- its life -----------------------------------------------------------------------------------------------------

    def start(self, within: float) -> None:
        """
        Return once the loop runs.

        Raises:
            TimeoutError: It does not run within so many seconds; it will end by itself as soon as it could have run.
            RuntimeError: It was started before.
            Exception: Whatever kept it from running.
        """
        _seconds("within", within)
        with self._lock:
            if self._state is not State.NEW:
                raise RuntimeError(f"{self.name} is {self._state.value}: it runs once, make a new one")
            self._state = State.STARTING
        _ALIVE.add(self)
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=[ready], name=self.name, daemon=True)
        try:
            self._thread.start()
            ready.result(within)
        except BaseException as error:
            with self._lock:
                self._state = State.STOPPED  # the thread sees it when it gets so far
                if self._thread.ident is None:
                    self._thread = None  # there is none
                    _ALIVE.discard(self)
                loop = self._loop
                if loop is not None and not loop.is_closed():
                    loop.call_soon_threadsafe(loop.stop)  # it began to run just now
            failed = ready.done() and ready.exception() is not None
            if isinstance(error, TimeoutError) and not failed:
                raise TimeoutError(f"{self.name} does not run after {within:g} s") from None
            raise

    def stop(self, within: float) -> None:
        """
        Cancel what runs, wait until it has ended, close the loop, and join the thread. Afterwards it does nothing.

        Raises:
            TimeoutError: Something does not end within so many seconds; the message names it. It is waited for in the
                background, and by the next call.
            ExceptionGroup: What escaped from tasks since the start, if nobody was there to be told.
            RuntimeError: Called from the loop's own thread.
        """
        _seconds("within", within)
        self._refuse_own_thread("stop")
        self._end_soon()
        if self._thread is None or self._state is State.FORKED:
            return
        self._thread.join(within)
        if self._thread.is_alive():
            what = ", ".join(self._unfinished) or "its thread"
            raise TimeoutError(f"{self.name} does not end: after {within:g} s it still waits for {what}")
        errors, self._errors = self._errors, []
        if errors:
            raise BaseExceptionGroup(f"in {self.name}", errors)

    def _end_soon(self) -> None:
        with self._lock:
            if self._state is State.RUNNING:
                self._state = State.STOPPING
                assert self._loop is not None
                # Behind all that was handed over before: that begins, and is cancelled.
                self._loop.call_soon_threadsafe(self._loop.stop)
            elif self._state is State.NEW:
                self._state = State.STOPPED

    # --- asking from outside ------------------------------------------------------------------------------------------

    def call(self, what: str, fn: Callable[..., Coroutine[Any, Any, _T]], *args: Any, timeout: float) -> _T:
        """
        Run ``await fn(*args)`` in the loop and wait for it.

        Args:
            what: Names it, in errors and in the loop.
            timeout: Seconds; when they are over it is cancelled, which takes nothing back that it did already.

        Raises:
            NotSent: The loop does not run; nothing of it was begun.
            OutcomeUnknown: No answer within ``timeout``, or the loop was stopped meanwhile.
            RuntimeError: Called from the loop's own thread, which would wait for itself.
            Exception: Whatever it raised.
        """
        _seconds("timeout", timeout)
        self._refuse_own_thread(what)
        future: Future[_T] = Future()
        since = self._clock.monotonic()
        self._hand_over(what, self._begin, what, fn, args, future, False)
        return answer(future, what, timeout, clock=self._clock, since=since)

    def spawn(self, what: str, fn: Callable[..., Coroutine[Any, Any, _T]], *args: Any) -> Future[_T]:
        """
        Begin ``await fn(*args)`` in the loop, from any thread, and do not wait.

        Returns:
            Its result to be, to look at or to cancel. If it fails this is reported, whether somebody looks or not.

        Raises:
            NotSent: The loop does not run.
        """
        future: Future[_T] = Future()
        self._hand_over(what, self._begin, what, fn, args, future, True)
        return future

    def call_soon(self, fn: Callable[..., object], *args: Any) -> None:
        """Call ``fn(*args)`` in the loop soon, from any thread; `NotSent`: the loop does not run."""
        self._hand_over(getattr(fn, "__qualname__", repr(fn)), fn, *args)

    def _refuse_own_thread(self, what: str) -> None:
        if threading.current_thread() is self._thread:
            raise RuntimeError(f"{what}: {self.name}'s own thread would wait for itself")

    def _hand_over(self, what: str, fn: Callable[..., object], *args: Any) -> None:
        with self._lock:
            if self._state is not State.RUNNING:
                raise NotSent(f"{what}: {self.name} is {self._state.value}")
            assert self._loop is not None
            self._loop.call_soon_threadsafe(fn, *args)

    # --- in the loop's thread -----------------------------------------------------------------------------------------

    def _run(self, ready: Future[None]) -> None:
        try:
            loop = self._loop_factory()
        except BaseException as error:  # noqa: BLE001 - the starter raises it
            _ALIVE.discard(self)
            ready.set_exception(error)
            return
        loop.set_exception_handler(self._unhandled)
        with self._lock:
            started = self._state is State.STARTING
            if started:
                self._loop, self._state = loop, State.RUNNING
        try:
            if started:
                loop.call_soon(ready.set_result, None)
                loop.run_forever()
        except BaseException as error:  # noqa: BLE001 - a SystemExit in a task ends the loop, and must not end silently
            self._report("the loop", error)
        finally:
            self._end(loop)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            if self._state is State.RUNNING:  # it broke
                self._state = State.STOPPING
        ended = False
        while not ended:
            try:
                loop.run_until_complete(self._drain())
                ended = True
            except BaseException as error:  # noqa: BLE001 - one more SystemExit, while a task was cancelled
                self._report("the loop", error)
                ended = isinstance(error, Exception)
        with self._lock:
            loop.close()
            self._state = State.STOPPED
            _ALIVE.discard(self)

    async def _drain(self) -> None:
        mine = asyncio.current_task()
        await asyncio.sleep(0)  # what was handed over last begins
        while tasks := asyncio.all_tasks() - {mine}:
            # A task may begin others while it ends, so all of these end before any of those is cancelled.
            for task in tasks:
                task.cancel()
            while waiting := {task for task in tasks if not task.done()}:
                self._unfinished = tuple(sorted(task.get_name() for task in waiting))
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        self._unfinished = ("asynchronous generators",)
        await asyncio.get_running_loop().shutdown_asyncgens()
        self._unfinished = ()

    def _begin(
        self,
        what: str,
        fn: Callable[..., Coroutine[Any, Any, _T]],
        args: tuple[Any, ...],
        future: Future[_T],
        told: bool,
    ) -> None:
        if future.cancelled():
            return  # given up before it began
        try:
            task = asyncio.get_running_loop().create_task(fn(*args), name=what)
        except BaseException as error:  # noqa: BLE001 - whoever asked for it raises it
            self._fail(what, future, error, told)
            return
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, what, future, told))
        future.add_done_callback(partial(self._given_up, task))

    def _ended(self, what: str, future: Future[_T], told: bool, task: asyncio.Task[_T]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            future.cancel()
            future.set_running_or_notify_cancel()  # wakes who waits for any of several
        elif (error := task.exception()) is not None:
            self._fail(what, future, error, told)
        elif future.set_running_or_notify_cancel():
            future.set_result(task.result())

    def _fail(self, what: str, future: Future[_T], error: BaseException, told: bool) -> None:
        heard = future.set_running_or_notify_cancel()  # from here on it cannot be given up
        if heard:
            future.set_exception(error)
        if told or not heard:
            self._report(what, error)

    def _given_up(self, task: asyncio.Task[_T], future: Future[_T]) -> None:
        if future.cancelled():
            with suppress(NotSent):  # then the end of the loop cancels it
                self._hand_over("cancel", task.cancel)

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._report(context["message"], context.get("exception") or RuntimeError(context["message"]))

    def _report(self, what: str, error: BaseException) -> None:
        if self._on_error is not None:
            try:
                self._on_error(what, error)
                return
            except Exception as failure:  # noqa: BLE001 - kept with what it was told of
                self._keep(failure)
        error.add_note(f"in {self.name}: {what}")
        self._keep(error)

    def _keep(self, error: BaseException) -> None:
        if len(self._errors) < _KEPT and self._state is not State.STOPPED:
            self._errors.append(error)
        else:  # nobody will ask any more, or too many
            _log.error("in %s", self.name, exc_info=error)


def answer(future: Future[_T], what: str, timeout: float, *, clock: HostClock, since: float) -> _T:
    """
    Wait for a result that another thread brings; when the time is over, give it up.

    Args:
        since: When it was asked for, by the clock.

    Raises:
        OutcomeUnknown: It did not come, or was cancelled on the other side.
        Exception: Whatever the other side raised.
    """
    try:
        try:
            return future.result(timeout)
        except TimeoutError:
            # Its own TimeoutError, or it ended just now: what cannot be given up any more has an outcome.
            given_up = not future.done() and future.cancel()
        if given_up:
            raise OutcomeUnknown(what, waited=timeout)
        return future.result(_IMMINENT)
    except CancelledError:
        if not future.cancelled():
            raise
        waited = round(clock.monotonic() - since, 3)
        raise OutcomeUnknown(f"{what}, cut short by the end of its loop", waited=waited) from None
    except BaseException:
        future.cancel()  # such as Ctrl-C: nobody waits for it any more
        raise


def _seconds(name: str, value: float) -> None:
    if not 0 <= value <= threading.TIMEOUT_MAX:
        raise InvalidRequest(name, value, "seconds >= 0: every wait has an end")


# --- the end of the program, and forks --------------------------------------------------------------------------------

_ALIVE: set[LoopThread] = set()
_LEFT: list[LoopThread] = []  # never collected: closing their loops would take the parent's sockets out of its selector


def _stop_all() -> None:
    """
    Stop what still runs when the program ends.

    Threads that are not daemons have ended by then, so nobody can ask for anything any more. A thread of ours that
    does not end is frozen by the interpreter wherever it is, and its loop is never collected: nothing warns of it.
    """
    alive, clock = list(_ALIVE), SystemHostClock()
    for each in alive:
        each._end_soon()
    until = clock.monotonic() + _AT_EXIT
    for each in alive:
        try:
            each.stop(max(until - clock.monotonic(), 0.0))
        except TimeoutError as error:
            _log.warning("%s", error)
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - the program has ended
            _log.error("%s was not stopped, and failed unseen", each.name, exc_info=error)


def _after_fork() -> None:
    """In the child only the thread that forked goes on; the loops, and what they hold open, are the parent's."""
    for each in list(_ALIVE):
        each._lock = threading.RLock()  # another thread may have held it
        each._state = State.FORKED
        _LEFT.append(each)
    _ALIVE.clear()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
