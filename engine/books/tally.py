"""What is measured bar by bar while a session runs: exposure, and the deepest fall of equity from a peak."""

from __future__ import annotations

from decimal import Decimal

from engine.model import ZERO

__all__ = ["Tally"]


class Tally:
    """
    Attributes:
        bars: How many moments were played; bars of several symbols at one moment count once.
        exposed: How many of them ended with a position open.
        peak: Highest equity so far, quote units.
        drawdown: Deepest fall from a peak, quote units, >= 0.
        drawdown_ratio: Deepest fall from a peak as a ratio of that peak.
    """

    __slots__ = ("bars", "drawdown", "drawdown_ratio", "exposed", "peak")

    def __init__(self, equity: Decimal) -> None:
        self.bars = 0
        self.exposed = 0
        self.peak = equity
        self.drawdown = ZERO
        self.drawdown_ratio = ZERO

    def take(self, equity: Decimal) -> None:
        """The equity at the end of a bar in which it may have changed."""
        if equity > self.peak:
            self.peak = equity
        elif (fall := self.peak - equity) > ZERO:
            self.drawdown = max(self.drawdown, fall)
            if self.peak > 0:
                self.drawdown_ratio = max(self.drawdown_ratio, fall / self.peak)
