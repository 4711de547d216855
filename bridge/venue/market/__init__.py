"""
Where a venue's prices come from: markets that were recorded or are made up, as moves in order of time.

A market is asked for its moves and makes the same ones each time; it has no clock. `fine` and `shifted` make another
market of one.
"""

from __future__ import annotations

from bridge.venue.market.listing import assets_for
from bridge.venue.market.moves import Begun, Closed, Market, Move, Moved, Ticked, digest_of, moves_of
from bridge.venue.market.playing import play, playing
from bridge.venue.market.recorded import Recorded
from bridge.venue.market.resolution import fine
from bridge.venue.market.shifting import shifted
from bridge.venue.market.still import Still
from bridge.venue.market.synthetic import Synthetic, SyntheticDay

__all__ = [
    "Begun",
    "Closed",
    "Market",
    "Move",
    "Moved",
    "Recorded",
    "Still",
    "Synthetic",
    "SyntheticDay",
    "Ticked",
    "assets_for",
    "digest_of",
    "fine",
    "moves_of",
    "play",
    "playing",
    "shifted",
]
