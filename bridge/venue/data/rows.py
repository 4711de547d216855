"""How a trade, a quote and a bar stand on the wire; shares and coins have other fields."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from bridge.venue.data.tape import Record

__all__ = ["Row", "bar_row", "book_row", "number", "quote_row", "trade_row"]

Row = dict[str, Any]
"""The fields of one; ``t`` is nanoseconds since 1970 until it is written."""

_LARGEST = sys.float_info.max
_LOT = 100
_LEVELS = 5


def number(value: Decimal) -> float:
    """The float next to it, never an infinite one: JSON has none."""
    return min(float(value), _LARGEST)


def _size(value: float) -> float:
    """Of shares, whole where they are."""
    return int(value) if value.is_integer() else value


def trade_row(record: Record, index: int) -> Row:
    trades = record.trades
    price, size, side = trades.row(index)
    at, number = trades.at[index], trades.dropped + index + 1
    if record.asset.crypto:
        return {"t": at, "p": price, "s": size, "i": number, "tks": "B" if side > 0 else "S"}
    conditions = ["@", "I"] if size < _LOT else ["@"]
    return {
        "t": at,
        "x": record.exchange,
        "p": price,
        "s": _size(size),
        "c": conditions,
        "i": number,
        "z": record.tape,
    }


def quote_row(record: Record, index: int) -> Row:
    bid, bid_size, ask, ask_size = record.quotes.row(index)
    at = record.quotes.at[index]
    if record.asset.crypto:
        return {"t": at, "bp": bid, "bs": bid_size, "ap": ask, "as": ask_size}
    return {
        "t": at,
        "ax": record.exchange,
        "ap": ask,
        "as": _size(ask_size),
        "bx": record.exchange,
        "bp": bid,
        "bs": _size(bid_size),
        "c": ["R"],
        "z": record.tape,
    }


def bar_row(at: int, numbers: Sequence[float], *, crypto: bool) -> Row:
    opening, high, low, close, volume, count, average = numbers
    return {
        "t": at,
        "o": opening,
        "h": high,
        "l": low,
        "c": close,
        "v": volume if crypto else _size(volume),
        "n": int(count),
        "vw": average,
    }


def book_row(record: Record, index: int) -> Row:
    """The best five prices of either side: that of the quote, and behind it steps of its spread with more size."""
    bid, bid_size, ask, ask_size = record.quotes.row(index)
    step = max(ask - bid, bid * 0.0001)
    bids = [{"p": round(bid - step * deep, 9), "s": bid_size * (deep + 1)} for deep in range(_LEVELS)]
    asks = [{"p": round(ask + step * deep, 9), "s": ask_size * (deep + 1)} for deep in range(_LEVELS)]
    return {
        "t": record.quotes.at[index],
        "b": [level for level in bids if level["p"] > 0],
        "a": [level for level in asks if level["p"] < _LARGEST],
    }
