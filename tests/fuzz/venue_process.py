"""A venue in a process of its own, which tells how it fares; conftest.py starts it, and says what it is made of."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import sys
import threading
from datetime import UTC, datetime, timedelta

from bridge.venue.core import Trader
from bridge.venue.frictions import Terms
from bridge.venue.limits import RateLimit
from bridge.venue.paper_venue import PaperVenue
from bridge.venue.recipe import PAPER, Recipe

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
NEIGHBOUR = Trader(key="NEIGHBOUR", secret="neighbours-secret")
LOGGED: list[str] = []


class Kept(logging.Handler):
    """What was logged as an error, or with a traceback; that something was no HTTP is a line of the server's."""

    def emit(self, record: logging.LogRecord) -> None:
        if len(LOGGED) < 100 and (record.levelno >= logging.ERROR or record.exc_info or record.name[:3] != "uvi"):
            LOGGED.append(self.format(record))


def told() -> dict[str, object]:
    """How the process stands; after a breath, in which what is over can end."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[1])
    return {
        "tasks": venue._thread.call("tasks", tasks, timeout=10.0),
        "threads": threading.active_count(),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "connections": len(venue._server._server.server_state.connections),
        "rss": pages * resource.getpagesize(),
        "inputs": len(venue._server.clockwork.house.inputs),
        "logged": LOGGED,
    }


async def tasks() -> int:
    await asyncio.sleep(0.02)
    gc.collect()
    return len(asyncio.all_tasks())


made = json.loads(sys.argv[1])
logging.basicConfig(handlers=[Kept(logging.WARNING)])
recipe = Recipe(
    traders=(PAPER, NEIGHBOUR),
    start=START,
    every=timedelta(seconds=1),
    terms=Terms(latency=(0.0, 0.05), partials=0.2),
    rate=RateLimit(requests=10**9),
    data_rate=RateLimit(requests=10**9),
)
with PaperVenue(recipe, speed=made["speed"], token=made["token"], state=made["state"]) as venue:
    print(json.dumps({"port": venue.port}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(told()), flush=True)
