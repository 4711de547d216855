"""
Simple returns of the prices seen lately, with the sums from which their deviation follows.

A return is rounded to twelve decimals and kept as a whole number of them, so that sums of returns and of their squares
are exact and stay exact while they roll on: a deviation that equals a limit is seen to be equal.
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from attrs import frozen

__all__ = ["Deviation", "Returns"]

_GRAINS = 10**12  # in a return of 1, which is 100 %


@frozen
class Deviation:
    """
    Sums over ``count`` returns, from which their population standard deviation follows.

    Attributes:
        total, squares: Sum of the returns, and of their squares, in twelfth decimals.
    """

    count: int
    total: int
    squares: int

    def compared(self, limit: Decimal) -> int:
        """1: the deviation is above ``limit`` >= 0, 0: it is equal, -1: below; exact, without a root."""
        above, below = limit.as_integer_ratio()
        difference = self._spread * below * below - (self.count * _GRAINS * above) ** 2
        return (difference > 0) - (difference < 0)

    @property
    def value(self) -> Decimal:
        """The deviation, as a ratio of the price; for people."""
        return Decimal(self._spread).sqrt() / (self.count * _GRAINS)

    @property
    def _spread(self) -> int:
        # deviation ** 2 = squares / n - (total / n) ** 2, here times n ** 2; never negative
        return self.count * self.squares - self.total * self.total


class _Window:
    __slots__ = ("length", "returns", "squares", "total")

    def __init__(self, length: int) -> None:
        self.length = length
        self.returns: deque[int] = deque()
        self.total = 0
        self.squares = 0

    def add(self, value: int) -> None:
        self.returns.append(value)
        self.total += value
        self.squares += value * value
        if len(self.returns) > self.length:
            gone = self.returns.popleft()
            self.total -= gone
            self.squares -= gone * gone


class Returns:
    """
    Attributes:
        lengths: How many returns each window reaches back; nothing is kept while it is empty.
    """

    def __init__(self) -> None:
        self.lengths: frozenset[int] = frozenset()
        self._last: dict[str, Decimal] = {}
        self._windows: dict[str, list[_Window]] = {}

    def watch(self, lengths: frozenset[int]) -> None:
        """Keep windows of these lengths, of the prices from now on."""
        self.lengths = lengths
        self._last.clear()
        self._windows.clear()

    def add(self, symbol: str, price: Decimal) -> None:
        """The next price of a symbol, > 0."""
        last = self._last.get(symbol)
        self._last[symbol] = price
        if last is None:
            self._windows[symbol] = [_Window(length) for length in sorted(self.lengths)]
            return
        value = round((price / last - 1) * _GRAINS)
        for window in self._windows[symbol]:
            window.add(value)

    def deviation(self, symbol: str, length: int) -> Deviation | None:
        """Of the last ``length`` returns, or of as many as there are; None: there are none."""
        for window in self._windows.get(symbol, ()):
            if window.length == length and window.returns:
                return Deviation(len(window.returns), window.total, window.squares)
        return None

    @property
    def symbols(self) -> list[str]:
        """Every symbol with a window, sorted."""
        return sorted(self._windows)
