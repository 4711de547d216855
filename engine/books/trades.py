"""
Trades: positions from flat to flat, as they follow from the bookings.

A fold, like all books. Closed trades are kept in the order of their closing moments, with running sums, so that what
happened lately is found without looking at what happened before. Nothing that was booked gets lost: whenever nothing
is held, what the account began with and the profits of all trades add up to its cash.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import Factory, define, evolve

from engine.model import ZERO, OrderType, Role, Side
from engine.orders.order import Order
from engine.trade import ExitReason, Trade

__all__ = ["Trades"]

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


@define(eq=False)
class _Open:
    """
    A trade that has begun.

    Attributes:
        first, last: Venue's moments of what it is made of.
        day: Number of the session day of its latest entry.
        orders: What each order moved in it, signed base units.
        counted: Whether it was counted as a day trade.
    """

    side: Side
    first: datetime
    last: datetime
    day: int
    entered: Decimal = ZERO
    cost: Decimal = ZERO
    left: Decimal = ZERO
    proceeds: Decimal = ZERO
    fees: Decimal = ZERO
    orders: dict[str, Decimal] = Factory(dict)
    counted: bool = False

    def takes_back(self, order: Order | None, quantity: Decimal) -> bool:
        """Whether a change of position undoes what the order did in this very trade: a bust."""
        if order is None or (quantity > 0) is (order.side is Side.BUY):
            return False
        return abs(self.orders.get(order.id, ZERO)) >= abs(quantity)

    def add(self, quantity: Decimal, cost: Decimal, fee: Decimal, *, entering: bool) -> None:
        """Take in signed changes of position and cost."""
        sign = 1 if self.side is Side.BUY else -1
        if entering:
            self.entered += sign * quantity
            self.cost += sign * cost
        else:
            self.left -= sign * quantity
            self.proceeds -= sign * cost
        self.fees += fee

    @property
    def made(self) -> Decimal:
        """Its profit if nothing of it is held any more, quote units."""
        profit = self.proceeds - self.cost if self.side is Side.BUY else self.cost - self.proceeds
        return profit - self.fees


class _Line:
    """Closed trades in the order of their closing moments."""

    __slots__ = ("closes", "profits", "trades")

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.closes: list[datetime] = []
        self.profits: list[Decimal] = [ZERO]  # of the first n trades

    def add(self, trade: Trade) -> None:
        if not self.closes or trade.closed >= self.closes[-1]:  # hardly ever is one told late
            self.closes.append(trade.closed)
            self.trades.append(trade)
            self.profits.append(self.profits[-1] + trade.profit)
            return
        place = bisect_right(self.closes, trade.closed)
        self.closes.insert(place, trade.closed)
        self.trades.insert(place, trade)
        self._sum_up_from(place)

    def change(self, new: Trade) -> None:
        """Put another version in the place of the trade with the same number; it closed at the same moment."""
        place = bisect_left(self.closes, new.closed)
        while self.trades[place].number != new.number:
            place += 1
        self.trades[place] = new
        self._sum_up_from(place)

    def _sum_up_from(self, place: int) -> None:
        del self.profits[place + 1 :]
        for each in self.trades[place:]:
            self.profits.append(self.profits[-1] + each.profit)


class Trades:
    """
    Belongs to the engine's thread.

    A trade closes when its position is flat or turns round, and never opens again: what an execution that is taken back
    later leaves behind, or a fill that comes late, is another trade. A change of price changes the trade it belongs to.

    Args:
        cash: What the account began with, quote units.

    Attributes:
        day_trades: Trades of which something was entered and left on one session day, as (day, how many), oldest first;
            the days of the last five sessions alone.
    """

    def __init__(self, cash: Decimal) -> None:
        self.day_trades: deque[tuple[int, int]] = deque()
        self._cash = cash  # with what belongs to no trade, as a fee that stays when its execution is taken back
        self._open: dict[str, _Open] = {}
        self._all = _Line()
        self._by_symbol: dict[str, _Line] = {}

    # --- booking ------------------------------------------------------------------------------------------------------

    def book(
        self,
        symbol: str,
        order: Order | None,
        quantity: Decimal,
        cost: Decimal,
        fee: Decimal,
        *,
        before: Decimal,
        after: Decimal,
        at: datetime,
        day: int,
    ) -> Trade | None:
        """
        Take in a booking.

        Args:
            order: Whose it is; None: an adjustment without an order.
            quantity, cost: Signed changes, as in `engine.events.Filled`; quantity 0 is a change of price alone.
            before, after: The position, signed base units.
            at: The venue's moment of what was booked.
            day: Number of the session day.

        Returns:
            The trade that it closed; None: it closed none.
        """
        if not quantity:
            self._reprice(symbol, order, cost, fee)
            return None
        begun, closed = self._open.get(symbol), None
        if begun is not None:
            turns = bool(after) and (before > 0) is not (after > 0)
            if not turns:
                self._move(begun, order, quantity, cost, fee, at, day)
                if after:
                    return None
            else:
                # What of a booking that turns a position round belongs to the trade that ends, and what to the next.
                part, part_fee = -cost * before / quantity, -fee * before / quantity
                self._move(begun, order, -before, part, part_fee, at, day)
                quantity, cost, fee = after, cost - part, fee - part_fee
            del self._open[symbol]
            closed = self._close(symbol, begun, order)
        if after:
            begun = self._open[symbol] = _Open(Side.BUY if after > 0 else Side.SELL, at, at, day)
            self._move(begun, order, quantity, cost, fee, at, day)
        return closed

    def _move(
        self, begun: _Open, order: Order | None, quantity: Decimal, cost: Decimal, fee: Decimal, at: datetime, day: int
    ) -> None:
        """Take in what belongs to this trade, and count a day trade once, when some of a day's entries leaves."""
        back = begun.takes_back(order, quantity)
        grows = (quantity > 0) is (begun.side is Side.BUY)
        begun.add(quantity, cost, fee, entering=grows is not back)
        begun.last = max(begun.last, at)
        if order is not None:
            begun.orders[order.id] = begun.orders.get(order.id, ZERO) + quantity
        if back:
            return
        begun.first = min(begun.first, at)
        if grows:
            begun.day = day
        elif begun.day == day and not begun.counted:
            begun.counted = True
            self._count_day_trade(day)

    def _close(self, symbol: str, begun: _Open, order: Order | None) -> Trade | None:
        """The trade; None: all of it was taken back."""
        if begun.entered <= 0 or begun.left <= 0 or begun.cost <= 0:
            self._cash += begun.made
            return None
        exits = order is not None and order.side is not begun.side
        trade = Trade(
            number=len(self._all.trades) + 1,
            symbol=symbol,
            side=begun.side,
            quantity=begun.entered,
            opened=begun.first,
            closed=begun.last,
            entry=begun.cost / begun.entered,
            exit=begun.proceeds / begun.left,
            cost=begun.cost,
            profit=begun.made,
            fees=begun.fees,
            reason=_reason(order if exits else None),
            orders=tuple(begun.orders),
        )
        self._all.add(trade)
        line = self._by_symbol.get(symbol)
        if line is None:
            line = self._by_symbol[symbol] = _Line()
        line.add(trade)
        return trade

    def _reprice(self, symbol: str, order: Order | None, cost: Decimal, fee: Decimal) -> None:
        """A change of price alone belongs to the latest trade in which the order filled."""
        begun, line = self._open.get(symbol), self._by_symbol.get(symbol)
        name = "" if order is None else order.id
        if begun is not None and order is not None and name in begun.orders:
            begun.add(ZERO, cost, fee, entering=order.side is begun.side)
            return
        trade = next((each for each in reversed(line.trades) if name in each.orders), None) if line else None
        if line is None or trade is None or order is None:
            self._cash -= cost + fee
            return
        spent, exit_ = trade.cost, trade.exit
        if order.side is not trade.side:
            exit_ -= trade.side.signed(cost) / trade.quantity
        elif trade.cost + trade.side.signed(cost) > 0:
            spent += trade.side.signed(cost)
        changed = evolve(
            trade,
            cost=spent,
            entry=spent / trade.quantity,
            exit=exit_,
            profit=trade.profit - cost - fee,
            fees=trade.fees + fee,
        )
        self._all.change(changed)
        line.change(changed)

    def _count_day_trade(self, day: int) -> None:
        days = self.day_trades
        if days and days[-1][0] == day:
            days[-1] = (day, days[-1][1] + 1)
        else:
            days.append((day, 1))
        while days[0][0] <= day - 5:
            days.popleft()

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> Sequence[Trade]:
        """All closed trades, in the order of their closing moments; to read, not to change."""
        return self._all.trades

    def after(self, moment: datetime, symbol: str | None = None) -> Sequence[Trade]:
        """Trades that closed after ``moment``, not at it, oldest first; of one symbol, or of all."""
        line = self._all if symbol is None else self._by_symbol.get(symbol)
        return [] if line is None else line.trades[bisect_right(line.closes, moment) :]

    def within(self, lookback: timedelta, symbol: str | None = None) -> Sequence[Trade]:
        """Those that closed less than ``lookback`` before the latest of them, oldest first; of one symbol, or all."""
        line = self._all if symbol is None else self._by_symbol.get(symbol)
        return [] if line is None or not line.closes else self.after(line.closes[-1] - lookback, symbol)

    def balance(self, moment: datetime) -> Decimal:
        """What the account began with and the profit of all trades that had closed by ``moment``, quote units."""
        return self._cash + self._all.profits[bisect_right(self._all.closes, moment)]

    def day_trades_since(self, day: int) -> int:
        """How many day trades there were on that session day and later; at most the last five days are known."""
        return sum(count for its, count in self.day_trades if its >= day)


def _reason(order: Order | None) -> ExitReason:
    if order is None:
        return ExitReason.ADJUSTMENT
    if order.role is Role.TAKE_PROFIT:
        return ExitReason.TAKE_PROFIT
    if order.request.type is OrderType.TRAILING_STOP:
        return ExitReason.TRAILING_STOP
    if order.role is Role.STOP_LOSS or order.request.type in _STOPS:
        return ExitReason.STOP_LOSS
    return ExitReason.SIGNAL
