"""
What we own: cash, positions at average cost, profit and loss, fees, and what live orders keep back.

Cash, equity and total profit depend on the fills alone. The split into realised and unrealised profit follows average
cost in the order of booking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from attrs import field, frozen

from engine.model import ZERO, Side, Status
from engine.orders.order import Order

__all__ = ["Portfolio", "Position", "Reservation", "reservation"]


@frozen
class Position:
    """
    A position in one symbol.

    Attributes:
        quantity: Signed, base units.
        basis: What the open quantity cost at average cost, quote units, with the quantity's sign.
        spent: All that was ever paid less all that was ever received, fees left out, quote units.
    """

    quantity: Decimal = ZERO
    basis: Decimal = ZERO
    spent: Decimal = ZERO

    @property
    def average(self) -> Decimal | None:
        """Average entry price, quote units; None: flat."""
        return self.basis / self.quantity if self.quantity else None

    @property
    def realised(self) -> Decimal:
        """Profit of what was closed, fees left out, quote units."""
        return self.basis - self.spent

    def after(
        self, quantity: Decimal, cost: Decimal, *, taken_back: bool = False, side: Side | None = None
    ) -> Position:
        """
        The position after a booking.

        Args:
            quantity, cost: Signed changes; quantity 0 is a change of price alone.
            taken_back: The booking undoes an earlier one (a bust): it leaves at its own price, not at the average.
            side: Of the order whose price changed: one that closes changes what was realised. None: it opened.
        """
        held, basis, spent = self.quantity, self.basis, self.spent + cost
        total = held + quantity
        if not quantity:
            opened = held and (side is None or (held > 0) is (side is Side.BUY))
            return Position(total, basis + cost if opened else basis, spent)
        if not held or (held > 0) is (quantity > 0):
            return Position(total, basis + cost, spent)
        if not total:
            return Position(ZERO, ZERO, spent)
        if (total > 0) is (held > 0):
            return Position(total, basis + cost if taken_back else basis + basis * quantity / held, spent)
        return Position(total, cost * total / quantity, spent)


@frozen
class Reservation:
    """
    What a live order keeps back.

    Attributes:
        money: For the part that opens or grows a position, at the worst price, quote units.
        exit: Base units of a position that the rest of it may close.
        order: What it was worked out from.
    """

    symbol: str
    group: str | None
    money: Decimal
    exit: Decimal
    order: Order | None = field(default=None, eq=False, repr=False)


def reservation(order: Order) -> Reservation | None:
    """
    What the order keeps back; None: nothing.

    An order whose outcome is unknown keeps all of it; a LOST one nothing. While a replacement is on its way the larger
    of both holds, and behind it never less than the new prices need.
    """
    if order.status.terminal or order.status is Status.LOST or order.foreign:
        return None
    quantity, price = order.quantity, order.reserve_price
    change, asked = order.replacing, order.request
    if len(order.links) > 1:
        price = max(price, asked.limit_price or price, asked.stop_price or price)
    if change is not None:
        quantity = max(quantity, change.quantity or quantity)
        price = max(price, change.limit_price or price, change.stop_price or price)
    remaining = max(quantity - order.filled, ZERO)
    closing = remaining if order.closing is None else min(max(order.closing - order.filled, ZERO), remaining)
    return Reservation(order.symbol, order.group, (remaining - closing) * price, closing, order)


def _needs_the_same(before: Order | None, after: Order) -> bool:
    """Whether nothing has changed of what a reservation is worked out from; most facts change none of it."""
    return (
        before is not None
        and before.filled is after.filled
        and before.request is after.request
        and before.replacing is after.replacing
        and not after.status.terminal
        and after.status is not Status.LOST
    )


class Portfolio:
    """
    The books of one account in one quote currency; belongs to the engine's thread.

    Attributes:
        cash: Quote units.
        fees: All fees so far, quote units.
    """

    def __init__(self, cash: Decimal) -> None:
        self.cash = cash
        self.fees = ZERO
        self._start = cash
        self._positions: dict[str, Position] = {}
        self._open: dict[str, Decimal] = {}  # symbol -> signed quantity, only what is not zero
        self._marks: dict[str, Decimal] = {}
        self._marked: dict[str, datetime | None] = {}
        self._reservations: dict[str, Reservation] = {}
        self._kept: dict[str, dict[str, Reservation]] = {}  # the same by symbol
        self._reserved = ZERO

    # --- booking ------------------------------------------------------------------------------------------------------

    def book(self, symbol: str, side: Side | None, quantity: Decimal, cost: Decimal, fee: Decimal) -> None:
        """
        Take in a change of position.

        Args:
            side: Of the order it belongs to; None: an adjustment without an order.
            quantity, cost: Signed; without what was taken in the coin, which is a fee.
            fee: All of it, quote units, that at its worth included.
        """
        against = side is not None and bool(quantity) and (quantity > 0) is not (side is Side.BUY)
        position = self._positions.get(symbol, _FLAT).after(quantity, cost, taken_back=against, side=side)
        self._positions[symbol] = position
        if position.quantity:
            self._open[symbol] = position.quantity
        else:
            self._open.pop(symbol, None)
        self.cash -= cost + fee
        self.fees += fee

    def reserve(self, order: Order) -> None:
        """Keep back what the order needs now, and release what it does not need any more."""
        order_id = order.id
        old = self._reservations.get(order_id)
        if old is not None and _needs_the_same(old.order, order):
            return
        new = reservation(order)
        if new is not None:
            self._reservations[order_id] = new
            kept = self._kept.get(new.symbol)
            if kept is None:
                kept = self._kept[new.symbol] = {}
            kept[order_id] = new
            self._reserved += new.money if old is None else new.money - old.money
        elif old is not None:
            del self._reservations[order_id]
            del self._kept[old.symbol][order_id]
            # sums of 28 digits may leave a last one
            self._reserved = self._reserved - old.money if self._reservations else ZERO

    def mark(self, symbol: str, price: Decimal, at: datetime | None = None) -> None:
        """The market's last price, quote units, and its moment; None: nobody knows how old it is."""
        self._marks[symbol] = price
        self._marked[symbol] = at

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def positions(self) -> Mapping[str, Position]:
        """Every symbol that was ever booked."""
        return self._positions

    @property
    def open_positions(self) -> Mapping[str, Decimal]:
        """Signed quantities by symbol; only what is not zero. To read, not to change."""
        return self._open

    def position(self, symbol: str) -> Decimal:
        """Signed, base units."""
        return self._open.get(symbol, ZERO)

    def price(self, symbol: str) -> Decimal | None:
        """The last mark, quote units; None: the symbol was never marked."""
        return self._marks.get(symbol)

    def marked(self, symbol: str) -> datetime | None:
        """The moment of the last mark; None: not known."""
        return self._marked.get(symbol)

    @property
    def reserved_cash(self) -> Decimal:
        """What live orders keep back of the cash, quote units."""
        return self._reserved

    def reserved(self, order_id: str) -> Decimal:
        """What this order keeps back of the cash, quote units."""
        found = self._reservations.get(order_id)
        return ZERO if found is None else found.money

    def exit_reserved_by(self, order_id: str) -> Decimal:
        """Base units that this order may close."""
        found = self._reservations.get(order_id)
        return ZERO if found is None else found.exit

    def exit_reserved(self, symbol: str, *, but_group: str | None = None) -> Decimal:
        """Base units that live exits may close; a group counts once, with its largest order, ``but_group`` not."""
        mine = self._kept.get(symbol)
        if not mine:
            return ZERO
        singles, groups = ZERO, dict[str, Decimal]()
        for kept in mine.values():
            if not kept.exit:
                continue
            if kept.group is None:
                singles += kept.exit
            elif kept.group != but_group:
                groups[kept.group] = max(groups.get(kept.group, ZERO), kept.exit)
        return singles + sum(groups.values(), ZERO)

    def available(self) -> Decimal:
        """Cash that neither a live order nor a short position needs: shorts keep their proceeds and as much again."""
        free = self.cash - self._reserved
        for symbol, quantity in self._open.items():
            if quantity < 0:
                free += 2 * quantity * self._value_price(symbol)
        return free

    def exposure(self, symbol: str) -> Decimal:
        """What is held in a symbol, long or short, and what live orders may add to it, quote units, >= 0."""
        held = self._open.get(symbol)
        total = ZERO if held is None else abs(held) * self._value_price(symbol)
        for kept in self._kept.get(symbol, {}).values():
            total += kept.money
        return total

    def gross(self) -> Decimal:
        """The exposure in all symbols together, quote units, >= 0."""
        total = self._reserved
        for symbol, quantity in self._open.items():
            total += abs(quantity) * self._value_price(symbol)
        return total

    @property
    def priced(self) -> bool:
        """Whether every open position has a mark, so that equity is what the market says."""
        return all(symbol in self._marks for symbol in self._open)

    def equity(self) -> Decimal:
        """Cash and positions at their marks, quote units."""
        total = self.cash
        for symbol, quantity in self._open.items():
            total += quantity * self._value_price(symbol)
        return total

    def realised(self) -> Decimal:
        """Profit of all that was closed, fees left out, quote units."""
        return sum((position.realised for position in self._positions.values()), ZERO)

    def unrealised(self) -> Decimal:
        """Profit of all that is open at its marks, quote units."""
        return sum(
            (
                position.quantity * self._value_price(symbol) - position.basis
                for symbol, position in self._positions.items()
            ),
            ZERO,
        )

    def profit(self) -> Decimal:
        """All profit since the start, fees paid, quote units."""
        return self.equity() - self._start

    def reservations(self) -> Iterable[tuple[str, Reservation]]:
        """What is kept back, by order."""
        return self._reservations.items()

    def _value_price(self, symbol: str) -> Decimal:
        mark = self._marks.get(symbol)
        if mark is not None:
            return mark
        average = self._positions[symbol].average
        return ZERO if average is None else average


_FLAT = Position()
