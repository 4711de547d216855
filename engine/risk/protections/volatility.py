"""No entries while the market jumps about."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from engine.decisions import Refusal
from engine.errors import InvalidRequest
from engine.facts import Locked
from engine.model import OrderRequest
from engine.ports import BooksView
from engine.risk.checks import pause, positive, whole

__all__ = ["VolatilityHalt"]


@frozen(kw_only=True)
class VolatilityHalt:
    """
    Keeps entries out when the prices' simple returns deviate by more than ``max_deviation``.

    The deviation is the population standard deviation of the latest returns, of one price to the next. The lock begins
    with the price that showed it, and the rule looks again when the lock has ended.

    Attributes:
        max_deviation: Ratio of the price, 0.006 is 0.6 %.
        inclusive: Whether exactly so much is too much already.
        returns: How many of the latest returns count.
        at_least: With fewer than this nothing is said.
        lock_for: How long; 0: no lock, but refusals while it lasts.
        everything: One such symbol keeps entries out of all.

    Missing input: with fewer than ``at_least`` returns entries pass, since every symbol begins like that.
    """

    method: Literal["volatility-halt"] = "volatility-halt"
    max_deviation: Decimal = field(validator=positive)
    inclusive: bool = False
    returns: int = field(default=29, validator=whole(2))
    at_least: int = field(default=20, validator=whole(2))
    lock_for: timedelta = field(default=timedelta(minutes=30), validator=pause)
    everything: bool = False

    def __attrs_post_init__(self) -> None:
        if self.at_least > self.returns:
            raise InvalidRequest("at_least", self.at_least, f"at most returns, which is {self.returns}")

    def after_price(self, symbol: str, view: BooksView, at: datetime, *, name: str) -> Locked | None:
        """The lock that the latest price of a symbol brings; None: none."""
        if not self.lock_for or (found := self._too_much(symbol, view)) is None:
            return None
        whom = None if self.everything else symbol
        if view.locks.held_by(name, whom, at):
            return None
        return Locked(
            at=at,
            id=f"{name}/{whom or '*'}/{symbol}@{at.isoformat()}",
            protection=self.method,
            symbol=whom,
            side=None,
            until=at + self.lock_for,
            reason=f"the returns of {symbol} deviate by {found:.6f}, the limit is {self.max_deviation}",
        )

    def refusal(self, request: OrderRequest, view: BooksView, now: datetime) -> Refusal | None:
        """Why an entry may not go now; None: it may."""
        if self.lock_for:
            return None
        for symbol in view.returns.symbols if self.everything else (request.symbol,):
            if (found := self._too_much(symbol, view)) is not None:
                what = f"the returns of {symbol} deviate by {found:.6f}, the limit is {self.max_deviation}"
                return Refusal(code="VOLATILITY", message=what, value=str(found), bound=str(self.max_deviation))
        return None

    def _too_much(self, symbol: str, view: BooksView) -> Decimal | None:
        """The deviation if it is too much."""
        seen = view.returns.deviation(symbol, self.returns)
        if seen is None or seen.count < self.at_least:
            return None
        return seen.value if seen.compared(self.max_deviation) >= (0 if self.inclusive else 1) else None
