"""A call into a loop of another thread and back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from bridge.loopthread import LoopThread
from result import Result

__all__ = ["NAME", "run"]

NAME = "loopthread"
CALLS = 20_000


def run() -> Iterator[Result]:
    for case, factory in _loops():
        with LoopThread("bench", loop_factory=factory) as thread:
            took = sorted(_timed(thread) for _ in range(CALLS))
        for name, place in (("p50", 0.5), ("p99", 0.99)):
            yield Result(bench=NAME, case=f"call, {case}, {name}", value=took[int(CALLS * place)] * 1e6, unit="us")


def _loops():
    yield "asyncio", asyncio.new_event_loop
    try:
        import uvloop
    except ModuleNotFoundError:
        return
    yield "uvloop", uvloop.new_event_loop


async def _nothing() -> None:
    pass


def _timed(thread: LoopThread) -> float:
    began = time.perf_counter()
    thread.call("nothing", _nothing, timeout=5)
    return time.perf_counter() - began
