"""
The requests that change something: orders placed, changed and cancelled, positions closed, settings set.

Each reads, judges, and only then changes; one that is refused has changed nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

from attrs import evolve, frozen

from bridge.venue.accounts import Account
from bridge.venue.assets import Asset, Assets
from bridge.venue.drafts import body_of, draft_of, flag, number, text
from bridge.venue.errors import Failure, Refused, forbidden, missing, misunderstood, unsuited, wrong_combination
from bridge.venue.exchange import Exchange
from bridge.venue.identity import Identity
from bridge.venue.means import (
    check_account,
    check_costs,
    check_free,
    check_position,
    check_unique,
    check_wash,
    estimated,
    would_open,
)
from bridge.venue.orders import Draft, Order, order_json
from bridge.venue.rules import Quoted, check_increment, check_order, check_stop, workable
from bridge.venue.settings import changed_settings
from engine.model import ZERO, OrderType, TimeInForce

__all__ = ["Commands", "Waived"]

_FINEST = Decimal("0.000000001")
_HUNDRED = Decimal(100)
_NOT_YET = frozenset({"accepted", "pending_new", "pending_cancel", "pending_replace"})

Reply = tuple[int, Any]


@frozen(kw_only=True)
class Waived:
    """
    An order, or a change of one, that was taken although it would have been refused.

    Attributes:
        account: Id of the account.
        client_order_id: "": it had none.
        failure: What the answer would have been.
    """

    at: datetime
    account: str
    client_order_id: str
    failure: Failure


class Commands:
    """
    Of every account; handlers take the account, and give status and body.

    Args:
        lenient: See `bridge.venue.frictions.Terms`.

    Attributes:
        waived: What lenient terms let pass, oldest first.
    """

    def __init__(self, assets: Assets, exchange: Exchange, identity: Identity, *, lenient: bool = False) -> None:
        self.waived: list[Waived] = []
        self._lenient = lenient
        self._assets = assets
        self._exchange = exchange
        self._identity = identity

    def quoted(self, asset: Asset) -> Quoted:
        exchange = self._exchange
        return Quoted(
            price=exchange.price(asset),
            bid=exchange.taking(asset, buying=False),
            ask=exchange.taking(asset, buying=True),
            now=exchange.now,
        )

    # --- placing ------------------------------------------------------------------------------------------------------

    def submit(self, account: Account, raw: bytes) -> Reply:
        order = self._place(account, draft_of(body_of(raw), self._assets))
        return 200, order_json(order, nested=True)

    def _place(self, account: Account, draft: Draft, *, small: bool = False) -> Order:
        quoted, prices = self.quoted(draft.asset), self._exchange.price
        check_unique(account, draft.client_order_id)
        opens = would_open(account, draft)
        estimate = estimated(draft, quoted, opens=opens)
        with self._letting_pass(account, draft):
            check_account(account, draft)
            check_order(draft, quoted, small=small)
            check_wash(account, draft)
            check_position(account, draft, quoted, prices)
            if opens:
                cost = draft.notional if draft.notional is not None else (draft.qty or ZERO) * estimate
                check_costs(account, draft, cost, prices)
        order = self._made(account, draft, estimate, opens=opens)
        order.legs = [self._leg(account, order, leg) for leg in _legs(draft)]
        self._exchange.submit(order)
        return order

    @contextmanager
    def _letting_pass(self, account: Account, draft: Draft) -> Iterator[None]:
        """Under lenient terms keep a refusal in mind and go on, if a market could work the order."""
        try:
            yield
        except Refused as refused:
            if not (self._lenient and workable(draft)):
                raise
            name = draft.client_order_id or ""
            self.waived.append(
                Waived(at=self._exchange.now, account=account.id, client_order_id=name, failure=refused.failure)
            )

    def _made(self, account: Account, draft: Draft, estimate: Decimal, *, opens: bool) -> Order:
        order = Order(
            id=self._identity.uuid(),
            client_order_id=draft.client_order_id or self._identity.uuid(),
            owner=account.id,
            draft=draft,
            status="held",
            created_at=self._identity.stamp(self._exchange.now),
            opens=opens,
            quantity=draft.qty,
            estimate=estimate,
        )
        if draft.type is OrderType.TRAILING_STOP:
            price = self._exchange.price(draft.asset)
            away = draft.trail_price
            if away is None:
                away = price * (draft.trail_percent or ZERO) / _HUNDRED
            order.hwm, order.stop_price = price, price + away if draft.buying else price - away
        return order

    def _leg(self, account: Account, parent: Order, draft: Draft) -> Order:
        leg = self._made(account, draft, parent.estimate, opens=False)
        leg.parent = parent
        leg.submitted_at = parent.created_at
        return leg

    # --- changing -----------------------------------------------------------------------------------------------------

    def replace(self, account: Account, order_id: str, raw: bytes) -> Reply:
        order, body = found(account, order_id), body_of(raw)
        if not order.open:
            raise Refused(misunderstood("unable to replace order, order is not open"))
        if order.status in _NOT_YET or order.waits:
            raise Refused(misunderstood("unable to replace order, order isn't sent to exchange yet"))
        draft = _changed(order, body)
        if draft == evolve(order.draft, client_order_id=draft.client_order_id):
            raise Refused(forbidden("order parameters are not changed"))
        check_unique(account, draft.client_order_id)
        quoted, prices = self.quoted(draft.asset), self._exchange.price
        rest = (draft.qty or ZERO) - order.filled
        estimate = estimated(draft, quoted, opens=True) if order.opens else order.estimate
        with self._letting_pass(account, draft):
            if order.parent is None and draft.order_class != "oco" and not order.triggered:
                check_order(draft, quoted)
            else:
                for name in ("limit_price", "stop_price"):
                    check_increment(name, getattr(draft, name))
                if not order.triggered:
                    check_stop(draft, quoted)
            claimed = order.remaining * order.estimate
            if order.opens and rest * estimate > claimed:
                check_costs(account, draft, rest * estimate, prices, without=claimed)
            elif not order.opens and rest > order.remaining:
                check_free(account, draft, rest, without=order.remaining)
        new = self._made(account, draft, estimate, opens=order.opens)
        new.replaces, new.quantity = order.id, draft.qty
        if draft.type is OrderType.TRAILING_STOP:
            new.hwm = order.hwm
        self._exchange.replace(order, new)
        return 200, order_json(new)

    # --- cancelling ---------------------------------------------------------------------------------------------------

    def cancel(self, account: Account, order_id: str) -> Reply:
        order = found(account, order_id)
        if order.status in ("canceled", "pending_cancel"):
            return 204, None
        if not order.open or order.status == "pending_replace":
            raise Refused(unsuited(f'order is already in "{order.status}" state'))
        self._exchange.cancel(order)
        return 204, None

    def cancel_all(self, account: Account) -> Reply:
        """One entry for each order with its legs, which end together."""
        answers = []
        for first, order in _groups(account):
            try:
                self.cancel(account, order.id)
            except Refused as refused:
                answers.append({"id": first.id, "status": 500, "body": refused.failure.body})
            else:
                answers.append({"id": first.id, "status": 200, "body": order_json(first, nested=True)})
        return 207, answers

    # --- closing ------------------------------------------------------------------------------------------------------

    def close(self, account: Account, name: str, query: Mapping[str, str]) -> Reply:
        asset = self._assets.find(name)
        if asset is None or not account.quantity(asset):
            raise Refused(missing("position does not exist"))
        return 200, order_json(self._place(account, self._closing(account, asset, query), small=True))

    def _closing(self, account: Account, asset: Asset, query: Mapping[str, str]) -> Draft:
        held = account.quantity(asset)
        qty, part = number(query, "qty"), number(query, "percentage")
        if qty is not None and part is not None:
            raise Refused(wrong_combination("only one of qty or percentage is accepted"))
        if part is not None:
            if part > _HUNDRED:
                raise Refused(misunderstood("percentage must be between 0 and 100"))
            qty = (abs(held) * part / _HUNDRED).quantize(_FINEST, ROUND_DOWN)
            if not qty:
                raise Refused(misunderstood("qty must be > 0"))
        return draft_of(
            {
                "symbol": asset.symbol,
                "side": "sell" if held > 0 else "buy",
                "type": "market",
                "time_in_force": (TimeInForce.GTC if asset.crypto else TimeInForce.DAY).value,
                "qty": qty if qty is not None else abs(held),
            },
            self._assets,
        )

    def close_all(self, account: Account, query: Mapping[str, str]) -> Reply:
        """With ``cancel_orders`` the orders end at once, for what they hold could not be closed."""
        answers: list[dict[str, Any]] = []
        if flag(query, "cancel_orders"):
            for first, order in _groups(account):
                self._exchange.end(order)
                answers.append({"symbol": first.id, "status": 200, "body": order_json(first, nested=True)})
        for holding in list(account.holdings.values()):
            symbol = holding.asset.short_symbol
            try:
                order = self._place(account, self._closing(account, holding.asset, {}), small=True)
            except Refused as refused:
                failure = refused.failure
                answers.append({"symbol": symbol, "status": failure.status, "body": failure.body})
            else:
                answers.append({"symbol": symbol, "status": 200, "body": order_json(order)})
        return 207, answers

    # --- settings -----------------------------------------------------------------------------------------------------

    def configure(self, account: Account, raw: bytes) -> Reply:
        account.configurations = changed_settings(account.configurations, body_of(raw))
        account.multiplier = min(account.most, int(account.configurations["max_margin_multiplier"]))
        return 200, dict(account.configurations)


def found(account: Account, order_id: str) -> Order:
    """
    An order by its id.

    Raises:
        Refused: The id is none, or of no order.
    """
    if not _is_uuid(order_id):
        raise Refused(misunderstood("order_id is missing"))
    order = account.orders.get(order_id.lower())
    if order is None:
        raise Refused(missing(f"order not found for {order_id}"))
    return order


def _is_uuid(name: str) -> bool:
    parts = name.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(c in "0123456789abcdefABCDEF-" for c in name)


def _legs(draft: Draft) -> list[Draft]:
    """The exits that an order brings along; of an OCO it is one of them itself."""
    if not draft.order_class:
        return []
    oco = draft.order_class == "oco"
    bare = evolve(
        draft,
        side=draft.side if oco else draft.side.opposite,
        limit_price=None,
        stop_price=None,
        take_profit=None,
        stop_loss=None,
        stop_loss_limit=None,
        client_order_id=None,
        position_intent=None,
    )
    legs = []
    if draft.take_profit is not None and not oco:
        legs.append(evolve(bare, type=OrderType.LIMIT, limit_price=draft.take_profit))
    if draft.stop_loss is not None:
        kind = OrderType.STOP if draft.stop_loss_limit is None else OrderType.STOP_LIMIT
        legs.append(evolve(bare, type=kind, stop_price=draft.stop_loss, limit_price=draft.stop_loss_limit))
    return legs


def _groups(account: Account) -> list[tuple[Order, Order]]:
    """Of each group of orders the first one, and one of those that are open."""
    groups: dict[str, tuple[Order, Order]] = {}
    for order in account.open.values():
        if order.status != "pending_cancel":
            first = order if order.parent is None else order.parent
            groups.setdefault(first.id, (first, order))
    return list(groups.values())


def _changed(order: Order, body: Mapping[str, Any]) -> Draft:
    """The order as PATCH wants it."""
    draft = order.draft
    if body.get("notional") is not None:
        raise Refused(misunderstood("notional can be changed of ipo orders only"))
    changes: dict[str, Any] = {"client_order_id": text(body, "client_order_id")}
    qty = number(body, "qty")
    if qty is not None and qty != order.quantity:
        if order.parent is not None or draft.order_class == "oco":
            raise Refused(misunderstood("qty of a leg cannot be changed"))
        if draft.fractional:
            raise Refused(misunderstood("qty of a fractional or notional order cannot be changed"))
        if not draft.asset.crypto and qty != qty.to_integral_value():
            raise Refused(misunderstood("qty must be integer"))
        if qty <= order.filled:
            raise Refused(misunderstood("qty must be greater than filled_qty"))
        changes["qty"] = qty
    elif draft.qty is not None:
        changes["qty"] = order.quantity
    for name in ("limit_price", "stop_price"):
        price = number(body, name)
        if price is not None:
            if getattr(draft, name) is None:
                raise Refused(misunderstood(f"{draft.type.value} orders must not have {name}"))
            changes[name] = price
    trail = number(body, "trail")
    if trail is not None:
        if draft.type is not OrderType.TRAILING_STOP:
            raise Refused(misunderstood(f"{draft.type.value} orders must not have trail"))
        changes["trail_price" if draft.trail_price is not None else "trail_percent"] = trail
    lasting = text(body, "time_in_force")
    if lasting is not None:
        if lasting not in [each.value for each in TimeInForce]:
            raise Refused(misunderstood("invalid time_in_force"))
        changes["time_in_force"] = TimeInForce(lasting)
    if draft.order_class == "oco" and "limit_price" in changes:
        changes["take_profit"] = changes["limit_price"]
    return evolve(draft, **changes)
