"""The requests that only read: orders, positions, the account, its activities, assets, clock and calendar."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import islice
from operator import attrgetter
from typing import Any

from bridge.venue.accounts import Account
from bridge.venue.assets import Assets
from bridge.venue.commands import found
from bridge.venue.drafts import flag
from bridge.venue.errors import Refused, missing, misunderstood, wrong_combination
from bridge.venue.exchange import Exchange
from bridge.venue.hours import Hours
from bridge.venue.orders import Order, order_json
from bridge.venue.spelling import NEW_YORK, moment, nanos, parsed

__all__ = ["Reads"]

_ACTIVITIES = frozenset(
    "FILL TRANS MISC ACATC ACATS CFEE CSD CSW DIV DIVCGL DIVCGS DIVFEE DIVFT DIVNRA DIVROC DIVTW DIVTXEX FEE INT "
    "INTNRA INTTW JNL JNLC JNLS MA NC OPASN OPCSH OPEXC OPEXP OPXRC PTC PTR REORG SC SSO SSP".split()
)
_YEAR = timedelta(days=366)
_WEEKS = timedelta(days=14)  # no pause of the market is longer
_FIRST, _LAST = date(1970, 1, 15), date(2100, 12, 31)
_PAGE = 100
_SUBMITTED = attrgetter("submitted_at")

Query = Mapping[str, str]


def choice(query: Query, name: str, choices: tuple[str, ...]) -> str:
    """One of these words, the first one if none is given."""
    value = query.get(name) or choices[0]
    if value not in choices:
        raise Refused(misunderstood(f"invalid {name}: {value}"))
    return value


def count(query: Query, name: str, default: int, most: int) -> int:
    text = query.get(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not 1 <= int(text) <= most:
        raise Refused(misunderstood(f"{name} must be between 1 and {most}"))
    return int(text)


def instant(query: Query, name: str) -> int | None:
    """Nanoseconds since 1970; None: not given."""
    text = query.get(name)
    if not text:
        return None
    at = parsed(text)
    if at is None:
        raise Refused(misunderstood(f"invalid {name}: {text}"))
    return at


def day(query: Query, name: str) -> date | None:
    at = instant(query, name)
    return None if at is None else moment(at).date()


def _midnight(on: date) -> int:
    """The moment at which a day of New York begins, nanoseconds since 1970."""
    return nanos(datetime.combine(on, time(), NEW_YORK))


def words(query: Query, name: str) -> frozenset[str] | None:
    """A list with commas; None: not given."""
    text = query.get(name)
    return frozenset(text.split(",")) if text else None


def _open(account: Account, nested: bool) -> list[Order]:
    """The open orders by moment of submission; nested: those that have an open one in their group."""
    orders: Iterable[Order] = account.open.values()
    if nested:
        orders = {first.id: first for first in (each.parent or each for each in orders)}.values()
    return sorted(orders, key=_SUBMITTED)


def _between(orders: list[Order], after: int | None, until: int | None, *, backwards: bool) -> Iterator[Order]:
    """Those of sorted orders that were submitted in between, one by one; neither end belongs to it."""
    first = 0 if after is None else bisect_right(orders, after, key=_SUBMITTED)
    last = len(orders) if until is None else bisect_left(orders, until, key=_SUBMITTED)
    return map(orders.__getitem__, range(last - 1, first - 1, -1) if backwards else range(first, last))


class Reads:
    """Of every account; handlers give the body of a 200."""

    def __init__(self, assets: Assets, exchange: Exchange, hours: Hours) -> None:
        self._assets = assets
        self._exchange = exchange
        self._hours = hours

    # --- orders -------------------------------------------------------------------------------------------------------

    def orders(self, account: Account, query: Query) -> list[dict[str, Any]]:
        """By moment of submission; with ``nested`` the legs stand under their entry alone."""
        status = choice(query, "status", ("open", "closed", "all"))
        limit = count(query, "limit", 50, 500)
        backwards = choice(query, "direction", ("desc", "asc")) == "desc"
        nested = flag(query, "nested")
        after, until = self._bounds(account, query)
        fits = self._filter(query)

        def listed(order: Order) -> bool:
            members = [order, *order.legs] if nested else [order]
            return status == "all" or any(each.open is (status == "open") for each in members)

        if status == "open":
            orders = _open(account, nested)
        else:
            orders = account.submitted  # a long history: only what is answered is looked at
        found = _between(orders, after, until, backwards=backwards)
        chosen = (order for order in found if (order.parent is None or not nested) and fits(order) and listed(order))
        return [order_json(order, nested=nested) for order in islice(chosen, limit)]

    @staticmethod
    def _bounds(account: Account, query: Query) -> tuple[int | None, int | None]:
        names = [name for name in ("after_order_id", "before_order_id") if query.get(name)]
        after, until = instant(query, "after"), instant(query, "until")
        if not names:
            return after, until
        if len(names) > 1 or after is not None or until is not None:
            raise Refused(wrong_combination("only one of after_order_id and before_order_id, without after and until"))
        at = found(account, query[names[0]]).submitted_at
        return (at, None) if names[0] == "after_order_id" else (None, at)

    @staticmethod
    def _filter(query: Query) -> Callable[[Order], bool]:
        symbols, kinds = words(query, "symbols"), words(query, "asset_class")
        side = query.get("side")
        if side and side not in ("buy", "sell"):
            raise Refused(misunderstood(f"invalid side: {side}"))

        def fits(order: Order) -> bool:
            asset = order.asset
            return (
                (symbols is None or not symbols.isdisjoint((asset.symbol, asset.short_symbol)))
                and (kinds is None or asset.kind in kinds)
                and (not side or order.draft.side.value == side)
            )

        return fits

    def order(self, account: Account, order_id: str, query: Query) -> dict[str, Any]:
        return order_json(found(account, order_id), nested=flag(query, "nested"))

    def order_by_client_id(self, account: Account, query: Query) -> dict[str, Any]:
        name = query.get("client_order_id", "")
        if not name:
            raise Refused(misunderstood("client_order_id is required"))
        order = account.clients.get(name)
        if order is None:
            raise Refused(missing(f"order not found for {name}"))
        return order_json(order, nested=flag(query, "nested"))

    # --- the account --------------------------------------------------------------------------------------------------

    def account(self, account: Account) -> dict[str, Any]:
        today = self._exchange.now.astimezone(NEW_YORK).date().isoformat()
        return account.json(self._exchange.price, today)

    def positions(self, account: Account) -> list[dict[str, Any]]:
        return [self._position(account, symbol) for symbol in account.holdings]

    def position(self, account: Account, name: str) -> dict[str, Any]:
        asset = self._assets.find(name)
        if asset is None or asset.symbol not in account.holdings:
            raise Refused(missing("position does not exist"))
        return self._position(account, asset.symbol)

    def _position(self, account: Account, symbol: str) -> dict[str, Any]:
        holding = account.holdings[symbol]
        asset = holding.asset
        return account.position_json(holding, self._exchange.price(asset), self._exchange.yesterday(asset))

    def activities(self, account: Account, kind: str | None, query: Query) -> list[dict[str, Any]]:
        """
        Args:
            kind: The one type that the path names; None: the query may name several.
        """
        kinds = frozenset((kind,)) if kind is not None else words(query, "activity_types")
        for each in kinds or ():
            if each not in _ACTIVITIES:
                raise Refused(misunderstood(f"invalid activity type: {each}"))
        if kinds is not None and query.get("category"):
            raise Refused(wrong_combination("only one of activity_types and category is accepted"))
        category = choice(query, "category", ("", "trade_activity", "non_trade_activity"))
        on = day(query, "date")
        after, until = instant(query, "after"), instant(query, "until")
        if on is not None and (after is not None or until is not None):
            raise Refused(wrong_combination("only one of date, and after and until, is accepted"))

        if on is not None:
            after, until = _midnight(on) - 1, _midnight(on + timedelta(days=1))
        backwards = choice(query, "direction", ("desc", "asc")) == "desc"
        size = count(query, "page_size", _PAGE, _PAGE)
        token = query.get("page_token")
        if token:
            last = account.activities.find(token)
            if last is None:
                raise Refused(misunderstood(f"invalid page_token: {token}"))
            if backwards:
                until = last.at if until is None else min(until, last.at)
            else:
                after = last.at if after is None else max(after, last.at)
        wanted = [
            each
            for each in account.activities.kinds()
            if (kinds is None or each in kinds) and (not category or (each == "FILL") is (category == "trade_activity"))
        ]
        entries = account.activities.between(after, until, kinds=wanted, backwards=backwards)
        unlimited = on is not None and not query.get("page_size")
        return [entry.body for entry in islice(entries, None if unlimited else size)]

    # --- the market ---------------------------------------------------------------------------------------------------

    def assets(self, query: Query) -> list[dict[str, Any]]:
        status = choice(query, "status", ("", "active", "inactive"))
        kinds, exchanges = words(query, "asset_class"), words(query, "exchange")
        return [
            asset.json
            for asset in self._assets
            if (not status or asset.active is (status == "active"))
            and (kinds is None or asset.kind in kinds)
            and (exchanges is None or asset.exchange in exchanges)
            and not query.get("attributes")  # no asset has any
        ]

    def asset(self, name: str) -> dict[str, Any]:
        asset = self._assets.find(name)
        if asset is None:
            raise Refused(missing(f"asset not found for {name}"))
        return asset.json

    def clock(self) -> dict[str, Any]:
        return self._hours.clock(self._exchange.now)

    def calendar(self, query: Query) -> list[dict[str, Any]]:
        """From today for a year, where nothing else is asked for; at most ten years."""
        settling = choice(query, "date_type", ("TRADING", "SETTLEMENT")) == "SETTLEMENT"
        today = self._exchange.now.astimezone(NEW_YORK).date()
        first, last = day(query, "start"), day(query, "end")
        if first is None:
            first = today if last is None else min(today, last)
        if last is None:
            last = first + _YEAR
        if not (_FIRST <= first <= last <= _LAST and last <= first + 10 * _YEAR):
            raise Refused(misunderstood("start and end must be at most ten years apart, in order, from 1970 to 2100"))
        if not settling:
            return self._hours.days(first, last)
        days = self._hours.days(first - _WEEKS, last)
        return [each for each in days if first.isoformat() <= (each["settlement_date"] or "") <= last.isoformat()]
