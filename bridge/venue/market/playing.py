"""A move as the core of a venue takes it."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.venue.core import Core
from bridge.venue.market.moves import Begun, Move, Moved, Ticked

__all__ = ["play", "playing"]


def play(core: Core, move: Move) -> None:
    """
    Let a move happen at a venue, and before it what is due by then.

    Raises:
        InvalidRequest: The venue has no such asset, see `bridge.venue.market.assets_for`.
    """
    for _ in playing(core, move):
        pass


def playing(core: Core, move: Move) -> Iterator[None]:
    """As `play`, and stop behind each thing that happens."""
    if isinstance(move, Moved):
        yield from core.moving(move.symbol, move.price, move.at, jump=move.jump)
    elif isinstance(move, Ticked):
        yield from core.ticking(move.symbol, move.tick)
    else:
        yield from core.passing(move.at)
        if isinstance(move, Begun):
            core.begin(move.symbol, move.volume, move.at)
