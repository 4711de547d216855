"""
Venues in a process of its own, for clients that cannot be installed beside them; one at a time.

Each line of input is a command, as JSON, and is answered with a line. It ends with its input.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from bridge.venue.limits import RateLimit
from bridge.venue.market import Recorded, Still
from bridge.venue.paper_venue import PaperVenue
from bridge.venue.recipe import Recipe


class Served:
    """The commands; what they return is the answer."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def begin(self, start: str, requests: int, bars: dict[str, str]) -> dict[str, str]:
        recipe = Recipe(
            market=Recorded(bars) if bars else Still(datetime.fromisoformat(start)),
            every=None,
            hours="exchange",
            rate=RateLimit(requests=requests),
        )
        self._venue = self._stack.enter_context(PaperVenue(recipe, speed=None))
        trader = recipe.traders[0]
        return {"url": self._venue.url, "key": trader.key, "secret": trader.secret}

    def end(self) -> None:
        self._stack.close()

    def step(self, seconds: float | None, to: str | None) -> None:
        self._venue.step(seconds, to=None if to is None else datetime.fromisoformat(to))

    def price(self, symbol: str, price: str) -> None:
        self._venue.price(symbol, price)

    def wait_listening(self, path: str) -> None:
        self._venue.wait_listening(path=path)


def main() -> None:
    with ExitStack() as stack:
        served = Served(stack)
        for line in sys.stdin:
            command: dict[str, Any] = json.loads(line)
            answer = getattr(served, command.pop("do"))(**command)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
