"""A move as the core of a venue takes it."""

from __future__ import annotations

from bridge.venue.core import Core
from bridge.venue.market.moves import Begun, Move, Moved, Ticked

__all__ = ["play"]


def play(core: Core, move: Move) -> None:
    """
    Let a move happen at a venue, and before it what is due by then.

    Raises:
        InvalidRequest: The venue has no such asset, see `bridge.venue.market.assets_for`.
    """
    if isinstance(move, Moved):
        core.price(move.symbol, move.price, move.at, jump=move.jump)
    elif isinstance(move, Ticked):
        core.tick(move.symbol, move.tick)
    elif isinstance(move, Begun):
        core.begin(move.symbol, move.volume, move.at)
    else:
        core.advance(move.at)
