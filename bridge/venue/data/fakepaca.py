"""
FAKEPACA, which the feed ``/v2/test`` tells of around the clock: a trade and a quote each second, a bar each minute.

Each second is made of its own number alone, so that it is the same whoever listened before.
"""

from __future__ import annotations

from random import Random

from bridge.venue.data.messages import Message
from bridge.venue.data.rows import Row

__all__ = ["SECOND", "SYMBOL", "fakepaca"]

SYMBOL = "FAKEPACA"
SECOND = 10**9
_MINUTE = 60


def fakepaca(seed: int, second: int) -> list[Message]:
    """What is told at that second since 1970; where it begins a minute, the bar of the one before comes last."""
    price, size, lots = _traded(seed, second)
    trade = {"x": "V", "p": price, "s": size, "c": ["@", "I"], "i": second, "z": "B"}
    quote = {"ax": "V", "ap": _cents(price + 0.01), "as": lots, "bx": "V", "bp": _cents(price - 0.01), "bs": lots}
    told = [_message("q", second, quote | {"c": ["R"], "z": "B"}), _message("t", second, trade)]
    if second % _MINUTE == 0:
        told.append(_message("b", second - _MINUTE, _bar(seed, second - _MINUTE)))
    return told


def _traded(seed: int, second: int) -> tuple[float, int, int]:
    """Price, size, and the size that is quoted."""
    chance = Random(f"{seed}:{SYMBOL}:{second}")
    return _cents(130 + chance.randrange(-200, 201) / 100), chance.randrange(1, 100), 100 * chance.randrange(1, 10)


def _bar(seed: int, start: int) -> Row:
    trades = [_traded(seed, second)[:2] for second in range(start, start + _MINUTE)]
    prices = [price for price, _ in trades]
    volume = sum(size for _, size in trades)
    return {
        "o": prices[0],
        "h": max(prices),
        "l": min(prices),
        "c": prices[-1],
        "v": volume,
        "n": len(trades),
        "vw": round(sum(price * size for price, size in trades) / volume, 6),
    }


def _cents(price: float) -> float:
    return round(price, 2)


def _message(kind: str, second: int, row: Row) -> Message:
    return Message(kind, SYMBOL, "test", row | {"t": second * SECOND})
