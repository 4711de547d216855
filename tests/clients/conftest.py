"""A venue that real clients trade at over real sockets; its time stands until the test moves it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest

TUESDAY = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)  # half past ten in New York
JOINED_WITHIN = 10.0  # seconds; only a broken test ever waits this long


class Still:
    """A market in which nothing moves but by the test's hand; it lists what every venue does."""

    prices: Mapping[str, Decimal] = {}
    calendar = None
    recipe: Mapping[str, object] = {"market": "still"}

    def __init__(self, first: datetime) -> None:
        self.first = first

    def moves(self) -> Iterator[Any]:
        return iter(())


@pytest.fixture
def threads() -> Iterator[list[Thread]]:
    """Threads of clients; they end when the venue has closed their connections."""
    begun: list[Thread] = []
    yield begun
    for thread in begun:
        thread.join(JOINED_WITHIN)
    assert [] == [thread.name for thread in begun if thread.is_alive()]


@pytest.fixture
def new_venue(threads: list[Thread]) -> Iterator[Callable[..., Any]]:
    """``new_venue(seed=2)``: stepped, with the hours of New York, half past ten unless ``start`` says so."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    from bridge.venue.paper_venue import PaperVenue
    from bridge.venue.recipe import Recipe

    with ExitStack() as stack:

        def made(*, start: datetime = TUESDAY, **more: Any) -> Any:
            recipe = Recipe(**{"market": Still(start), "every": None, "hours": "exchange"} | more)
            return stack.enter_context(PaperVenue(recipe, speed=None))

        yield made


@pytest.fixture
def venue(new_venue: Callable[..., Any]) -> Any:
    return new_venue()
