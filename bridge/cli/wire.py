"""What ``tradebridge paper --wire`` needs beyond the rest of the command line, fetched when it is asked for."""

from __future__ import annotations

from engine.errors import InvalidInput
from engine.ports import Stage
from engine.recipe import SessionConfig
from engine.stage import MarketData

__all__ = ["wired"]


def wired(config: SessionConfig, data: MarketData) -> Stage:
    """
    The stage of a session over HTTP, at a venue of its own that runs until the session is closed.

    Raises:
        InvalidInput: A package that it takes is not installed.
    """
    try:
        from bridge.venue.rehearsal import rehearse
    except ImportError as error:
        expected = "it to be installed: python -m pip install 'tradebridge[venue,alpaca]'"
        raise InvalidInput("wire", f"no package {error.name!r}", expected) from error
    return rehearse(config, data)
