"""
What an account owns and owes: cash, positions, and what its open orders claim of both.

Claims are worked out from the open orders whenever they are asked for, never booked: so none is left behind, and none
is below zero. Buying power is what equity allows at the account's multiplier, less what is held and what is claimed.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from decimal import Decimal
from operator import attrgetter
from typing import Any

from attrs import define, field, frozen

from bridge.venue.activities import Activities
from bridge.venue.assets import Asset
from bridge.venue.orders import Order
from bridge.venue.settings import settings
from bridge.venue.spelling import plain, ratio, zulu
from engine.market.fees import Charge
from engine.model import ZERO, Side

__all__ = ["Account", "Credential", "Holding", "Prices"]

Prices = Callable[[Asset], Decimal]
"""The last price of an asset, quote units."""

_FINEST = Decimal("0.000000001")
_SIX = Decimal("0.000001")
_MAINTENANCE = Decimal("0.3")
_TWO = Decimal(2)
_SUBMITTED = attrgetter("submitted_at")


@frozen(kw_only=True)
class Credential:
    """What a client shows to be let into an account; the secret is not shown in a repr."""

    key: str
    secret: str = field(repr=False)


@define(kw_only=True)
class Holding:
    """
    A position.

    Attributes:
        quantity: Base units, negative if short.
        cost: What it was entered at in all, quote units, of the quantity's sign.
        day_cost: The same, as if what is held since yesterday had been entered at yesterday's last price.
    """

    asset: Asset
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    day_cost: Decimal = ZERO

    def change(self, by: Decimal, price: Decimal) -> Decimal:
        """Add a signed quantity at a price; return what was earned by closing, quote units."""
        earned, held = ZERO, self.quantity
        if held and (held > 0) is not (by > 0):
            closed = min(abs(by), abs(held))
            share = closed / abs(held)
            part = self.cost if closed == abs(held) else (self.cost * share).quantize(_FINEST)
            day_part = self.day_cost if closed == abs(held) else (self.day_cost * share).quantize(_FINEST)
            proceeds = closed * price if held > 0 else -closed * price
            earned = proceeds - part
            self.cost -= part
            self.day_cost -= day_part
            self.quantity += closed if by > 0 else -closed
            by += -closed if by > 0 else closed
        self.quantity += by
        self.cost += by * price
        self.day_cost += by * price
        return earned

    def execute(self, by: Decimal, price: Decimal, coin: Decimal) -> Decimal:
        """
        Take in an execution; return what was earned by closing.

        Args:
            coin: Base units of it that were taken as a fee.
        """
        earned = self.change(by, price)
        if coin:  # bought and at once given away, at what it cost
            self.quantity -= coin
            self.cost -= coin * price
            self.day_cost -= coin * price
        if not self.quantity:
            earned -= self.cost  # what rounding has left
            self.cost = self.day_cost = ZERO
        return earned


@define(kw_only=True, eq=False)
class Account:
    """
    Attributes:
        cash: Quote units; below zero: borrowed.
        multiplier: 1, 2 or 4 times what it owns can be held in shares; its owner can choose less, up to ``most``.
        last_equity: At the end of the last session.
        earned, fees: Since the beginning, quote units; coins taken as a fee count at the price of their fill.
        orders, clients: Every order, by id and by the client's id.
        open: The open orders by id, in order of arrival.
        submitted: Every order, by moment of submission, which the market stamps anew.
    """

    id: str
    number: str
    credential: Credential
    created_at: int
    start: Decimal
    cash: Decimal = field(init=False)
    multiplier: int = 4
    most: int = field(init=False)
    last_equity: Decimal = field(init=False)
    last_maintenance: Decimal = ZERO
    earned: Decimal = ZERO
    fees: Decimal = ZERO
    holdings: dict[str, Holding] = field(factory=dict)
    orders: dict[str, Order] = field(factory=dict)
    clients: dict[str, Order] = field(factory=dict)
    open: dict[str, Order] = field(factory=dict)
    submitted: list[Order] = field(factory=list)
    activities: Activities = field(factory=Activities)
    configurations: dict[str, Any] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.cash = self.last_equity = self.start
        self.most = self.multiplier
        self.configurations = settings(self.multiplier)

    def take_in(self, order: Order) -> None:
        self.orders[order.id] = self.clients[order.client_order_id] = self.open[order.id] = order
        insort(self.submitted, order, key=_SUBMITTED)

    def submit_again(self, order: Order, at: int) -> None:
        """The order is submitted at this moment and no longer when it was."""
        place = bisect_left(self.submitted, order.submitted_at, key=_SUBMITTED)
        while self.submitted[place] is not order:  # the orders of a group share a moment
            place += 1
        del self.submitted[place]
        order.submitted_at = at
        insort(self.submitted, order, key=_SUBMITTED)

    def quantity(self, asset: Asset) -> Decimal:
        """What is held of an asset, signed."""
        holding = self.holdings.get(asset.symbol)
        return ZERO if holding is None else holding.quantity

    # --- claims -------------------------------------------------------------------------------------------------------

    def held_by_orders(self, asset: Asset, side: Side) -> tuple[Decimal, list[str]]:
        """What open orders of that side are going to close of a position, and their ids."""
        orders = [
            order
            for order in self.open.values()
            if order.asset is asset and order.draft.side is side and _closes(order)
        ]
        return self._claimed(orders, _closes), [order.id for order in orders]

    def available(self, asset: Asset) -> Decimal:
        """What of a position no open order is going to close, signed like the position."""
        quantity = self.quantity(asset)
        held, _ = self.held_by_orders(asset, Side.SELL if quantity > 0 else Side.BUY)
        return max(quantity - held, ZERO) if quantity > 0 else min(quantity + held, ZERO)

    def reserved(self, *, crypto: bool) -> Decimal:
        """What open orders that open or enlarge a position may cost, quote units."""
        orders = [order for order in self.open.values() if order.opens and order.asset.crypto is crypto]
        return self._claimed(orders, lambda order: order.remaining * order.estimate)

    def _claimed(self, orders: Iterable[Order], amount: Callable[[Order], Decimal]) -> Decimal:
        """The sum over groups of which only one can happen: the exits of an entry, an order and its replacement."""
        groups: dict[str, Decimal] = {}
        for order in orders:
            first = order
            while first.replaces is not None and first.replaces in self.open:
                first = self.open[first.replaces]
            groups[first.group] = max(groups.get(first.group, ZERO), amount(order))
        return sum(groups.values(), ZERO)

    # --- margin -------------------------------------------------------------------------------------------------------

    def values(self, prices: Prices) -> tuple[Decimal, Decimal, Decimal]:
        """What is held in long shares, in short shares (below zero), and in coins, quote units."""
        long = short = coins = ZERO
        for holding in self.holdings.values():
            value = holding.quantity * prices(holding.asset)
            if holding.asset.crypto:
                coins += value
            elif value > 0:
                long += value
            else:
                short += value
        return long, short, coins

    def equity(self, prices: Prices) -> Decimal:
        return self.cash + sum(self.values(prices), ZERO)

    def buying_power(self, prices: Prices, multiplier: int | None = None) -> Decimal:
        """What more can be held in shares, quote units; a coin weighs as much as it costs at every multiplier."""
        by = self.multiplier if multiplier is None else min(multiplier, self.multiplier)
        long, short, coins = self.values(prices)
        power = by * (self.cash + long + short + coins) - (long - short) - by * coins
        power -= self.reserved(crypto=False) + by * self.reserved(crypto=True)
        return max(power, ZERO)

    # --- changes ------------------------------------------------------------------------------------------------------

    def book(self, asset: Asset, side: Side, quantity: Decimal, price: Decimal, charge: Charge) -> Decimal:
        """Take in an execution; return the position after it."""
        holding = self.holdings.get(asset.symbol)
        if holding is None:
            holding = self.holdings[asset.symbol] = Holding(asset=asset)
        self.cash -= side.signed(quantity) * price + charge.money
        self.earned += holding.execute(side.signed(quantity), price, charge.coin)
        self.fees += charge.money + charge.coin * price
        if not holding.quantity:
            del self.holdings[asset.symbol]
        return holding.quantity

    def end_day(self, prices: Prices) -> None:
        """Take this moment's prices as the last ones of the day."""
        self.last_equity = self.equity(prices)
        self.last_maintenance = self._maintenance(prices)
        for holding in self.holdings.values():
            holding.day_cost = holding.quantity * prices(holding.asset)

    def _maintenance(self, prices: Prices) -> Decimal:
        long, short, coins = self.values(prices)
        return (long - short) * _MAINTENANCE + coins

    # --- as answers ---------------------------------------------------------------------------------------------------

    def json(self, prices: Prices, today: str) -> dict[str, Any]:
        long, short, coins = self.values(prices)
        equity = self.cash + long + short + coins
        power = plain(self.buying_power(prices))
        cash_only = plain(self.buying_power(prices, 1))
        return {
            "id": self.id,
            "admin_configurations": {},
            "user_configurations": None,
            "account_number": self.number,
            "status": "ACTIVE",
            "crypto_status": "ACTIVE",
            "options_approved_level": 0,
            "options_trading_level": 0,
            "currency": "USD",
            "buying_power": power,
            "regt_buying_power": plain(self.buying_power(prices, 2)),
            "effective_buying_power": power,
            "non_marginable_buying_power": cash_only,
            "options_buying_power": cash_only,
            "cash": plain(self.cash),
            "accrued_fees": "0",
            "portfolio_value": plain(equity),
            "trading_blocked": False,
            "transfers_blocked": False,
            "account_blocked": False,
            "created_at": zulu(self.created_at),
            "trade_suspended_by_user": self.configurations["suspend_trade"],
            "multiplier": str(self.multiplier),
            "shorting_enabled": self.multiplier > 1 and not self.configurations["no_shorting"],
            "equity": plain(equity),
            "last_equity": plain(self.last_equity),
            "long_market_value": plain(long + coins),
            "short_market_value": plain(short),
            "position_market_value": plain(long + short + coins),
            "initial_margin": plain((long - short) / _TWO + coins),
            "maintenance_margin": plain(self._maintenance(prices)),
            "last_maintenance_margin": plain(self.last_maintenance),
            "sma": "0",
            "balance_asof": today,
            "crypto_tier": 1,
            "intraday_adjustments": "0",
            "pending_reg_taf_fees": "0",
            "pending_transfer_in": "0",
            "pending_transfer_out": "0",
        }

    def position_json(self, holding: Holding, price: Decimal, yesterday: Decimal) -> dict[str, Any]:
        quantity, asset = holding.quantity, holding.asset
        average = holding.cost / quantity
        whole = quantity == quantity.to_integral_value()
        value = quantity * price
        profit, today = value - holding.cost, value - holding.day_cost
        return {
            "asset_id": asset.id,
            "symbol": asset.short_symbol,
            "exchange": asset.exchange,
            "asset_class": asset.kind,
            "asset_marginable": asset.marginable and not asset.crypto,
            "qty": plain(quantity),
            "qty_available": plain(self.available(asset)),
            "avg_entry_price": ratio(holding.cost, quantity) if whole else plain(average.quantize(_SIX)),
            "side": "long" if quantity > 0 else "short",
            "market_value": plain(value),
            "cost_basis": plain(holding.cost),
            "unrealized_pl": plain(profit),
            "unrealized_plpc": ratio(profit, abs(holding.cost)),
            "unrealized_intraday_pl": plain(today),
            "unrealized_intraday_plpc": ratio(today, abs(holding.day_cost)),
            "current_price": plain(price),
            "lastday_price": plain(yesterday),
            "change_today": ratio(price - yesterday, yesterday),
        }


def _closes(order: Order) -> Decimal:
    """Base units that an order is going to close; an exit whose entry still fills: what that has so far."""
    if order.opens:
        return ZERO
    if order.waits and order.parent is not None:
        return min(order.remaining, order.parent.filled)
    return order.remaining
