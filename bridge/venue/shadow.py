"""
The venue as it was a while ago, for reads that lag behind the stream.

A second house of the same recipe follows the first one at a distance: what came from outside happens to it that much
later. So everything lags together, orders, positions and cash, as it does behind a replica.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bridge.venue.core import Answer, Request
from bridge.venue.data.market_data import serves
from bridge.venue.house import House
from bridge.venue.inputs import Input

__all__ = ["Shadow"]

_EVENTS = "/v2/events/trades"  # an answer that goes on does not go on in the past


class Shadow:
    """
    Args:
        house: A new house of the same recipe.
        inputs: What came from outside to the first one; it grows.
    """

    def __init__(self, make: Callable[[], House], inputs: list[Input]) -> None:
        self._make = make
        self._inputs = inputs
        self._house = make()
        self._next = 0

    @staticmethod
    def covers(request: Request) -> bool:
        """Whether it is a read that can lag; which of those do is the fault's to say."""
        return request.method == "GET" and request.path != _EVENTS

    def read(self, key: str, request: Request, moment: datetime) -> Answer:
        """What a read would have been answered at that moment, counted by no limit."""
        if moment < self._house.now and self._next:
            self._house, self._next = self._make(), 0  # it lags more than before
        house = self._house
        while self._next < len(self._inputs) and self._inputs[self._next].at <= moment:
            house.again(self._inputs[self._next])
            house.frames()
            self._next += 1
        house.advance(moment)
        house.frames()
        if serves(request.path):
            return house.data.handle(request, house.now)
        return house.core.perform(key, request)
