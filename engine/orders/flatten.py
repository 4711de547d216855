"""
Out of a position, whatever works for it: cancel, wait until nothing lives, sell or buy back what is left.

An exit beside a working one could close the same position twice, so the gate refuses it (`EXIT_WORKING`); this is the
way to be out all the same. Each step follows from the orders and the position as they are, so a restart goes on where
the journal ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from engine.clock import EPOCH, Clock
from engine.model import OrderRequest, Side, Status, TimeInForce
from engine.orders.tracker import Tracker
from engine.ports import BooksView

__all__ = ["Flattener"]


class Flattener:
    """
    Args:
        cancel: Asks for the end of orders, by our ids.
        leave: Sends the order that closes what is held.
        done: Takes a symbol in which nothing is held and nothing lives any more.
        retry_after: When an order to leave that came to nothing is followed by another, market time.
    """

    def __init__(
        self,
        tracker: Tracker,
        view: BooksView,
        clock: Clock,
        *,
        cancel: Callable[[Sequence[str]], object],
        leave: Callable[[OrderRequest], str],
        done: Callable[[str], object],
        retry_after: timedelta,
    ) -> None:
        self._tracker = tracker
        self._view = view
        self._clock = clock
        self._cancel = cancel
        self._leave = leave
        self._done = done
        self._retry_after = retry_after
        self._wanted: dict[str, datetime] = {}  # symbols to be out of, and when the next order to leave may be sent
        self._leaving: dict[str, str] = {}  # the last order to leave of each

    @property
    def busy(self) -> bool:
        """Whether `work` has something to do, now or later, even if no fact arrives."""
        return bool(self._wanted)

    def ask(self, symbol: str) -> None:
        """Be out of the symbol from the next `work` on."""
        self._wanted.setdefault(symbol, EPOCH)

    def work(self) -> None:
        """Take the steps that are due."""
        for symbol in list(self._wanted):
            self._look_at(symbol)

    def _look_at(self, symbol: str) -> None:
        ours = self._leaving.get(symbol)
        in_the_way = [order_id for order_id in self._live(symbol) if order_id != ours]
        unasked = [order_id for order_id in in_the_way if not self._tracker[order_id].cancel_requested]
        if unasked:
            self._cancel(unasked)
        if self._live(symbol):
            return  # their ends, or the fill of the order to leave, will come as facts
        held, now = self._view.position(symbol), self._clock.now()
        if not held:
            del self._wanted[symbol]
            self._leaving.pop(symbol, None)
            self._done(symbol)
        elif now >= self._wanted[symbol]:
            self._wanted[symbol] = now + self._retry_after
            round_the_clock = "/" in symbol  # pairs of coins know no day orders
            self._leaving[symbol] = self._leave(
                OrderRequest.market(
                    symbol,
                    Side.SELL if held > 0 else Side.BUY,
                    abs(held),
                    time_in_force=TimeInForce.GTC if round_the_clock else TimeInForce.DAY,
                )
            )

    def _live(self, symbol: str) -> list[str]:
        """Our orders in the symbol that live; one that is LOST is as good as none."""
        return [
            order.id
            for order in self._tracker.live.values()
            if order.symbol == symbol and not order.foreign and order.status is not Status.LOST
        ]
