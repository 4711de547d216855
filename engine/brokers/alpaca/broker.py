"""
Alpaca as a `Broker`: stocks and crypto over REST, one call of theirs for one call of ours.

Needs the extra ``alpaca``. It keeps no books: it remembers which orders it has seen open, so that none ends unnoticed
(`watch`), and how coins are spelt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self
from urllib.parse import quote

from msgspec import to_builtins

from engine.brokers.alpaca.access import Access
from engine.brokers.alpaca.rest import Answer, Rest
from engine.brokers.alpaca.translate import (
    body_of,
    change_body,
    execution_reported,
    order_reported,
    venue_position,
)
from engine.brokers.alpaca.watch import ENDS, Watch
from engine.brokers.alpaca.wire import Account, Asset, CalendarDay, FillActivity, MarketClock, Order, Position
from engine.clock import Clock, HostClock, SystemClock, SystemHostClock, utc
from engine.errors import BrokerError, InvalidRequest, OutcomeUnknown, RemoteProtocolError, VenueRejected
from engine.facts import ExecutionReported, OrderReported
from engine.model import OrderRequest, Replacement, VenuePosition
from engine.risk.listings import from_alpaca
from engine.risk.symbols import SymbolTable

__all__ = ["AlpacaBroker"]

_ORDERS = "/v2/orders"
_FILLS = "/v2/account/activities/FILL"
_ORDERS_A_PAGE = 500
_FILLS_A_PAGE = 100
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


class AlpacaBroker:
    """
    `Broker` for one account; belongs to one thread.

    Args:
        access: Credentials and host; paper unless it says ``live=True``.
        clock: Stands in where an answer has no moment of its own.
        timeout: Seconds to connect, and of silence before an answer; every call has both.

    Attributes:
        access: As given.
        rest: The calls; ``rest.session`` is the `requests.Session` that they go through.

    Raises:
        InvalidRequest: A timeout is no number > 0.
    """

    def __init__(
        self,
        access: Access,
        *,
        clock: Clock | None = None,
        host_clock: HostClock | None = None,
        timeout: tuple[float, float] = (3.0, 10.0),
    ) -> None:
        self.access = access
        self._clock = clock or SystemClock()
        self.rest = Rest(access, self._clock, host_clock or SystemHostClock(), timeout=timeout)
        self._watch = Watch()
        self._names: dict[str, str] = {}  # of coins by asset id, as orders spell them: "BTC/USD"

    def __repr__(self) -> str:
        return f"AlpacaBroker({'LIVE' if self.access.live else 'paper'}, {self.access.host})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the next call would open new ones."""
        self.rest.session.close()

    # --- commands -----------------------------------------------------------------------------------------------------

    def submit(self, request: OrderRequest) -> OrderReported:
        """
        Send an order under its client order id, once; see `engine.ports.Broker`.

        ``exits`` and ``time_to_live`` are the engine's to see to, and are not sent.
        """
        answer = self.rest.call("POST", _ORDERS, body=body_of(request))
        if answer.refused:
            answer.reject()
        return self._told(answer)

    def cancel(self, broker_order_id: str) -> None:
        """Ask for a cancel; a 204 says that it was asked for."""
        self._accepted(self.rest.call("DELETE", _order(broker_order_id)))

    def replace(self, broker_order_id: str, change: Replacement) -> OrderReported:
        """Continue an order under a new id; that Alpaca takes the request does not say that it will happen."""
        answer = self.rest.call("PATCH", _order(broker_order_id), body=change_body(change))
        self._accepted(answer)
        return self._told(answer, replaces=broker_order_id)

    @staticmethod
    def _accepted(answer: Answer) -> None:
        """A refusal ends the matter only if it is Alpaca's own: what a proxy refuses can be asked for again."""
        if answer.refused:
            if answer.failure is None:
                answer.unknown()
            answer.reject()

    def _told(self, answer: Answer, *, replaces: str | None = None) -> OrderReported:
        order = answer.read(Order)
        report = self._report(order, continues=replaces)
        if report is None:
            raise OutcomeUnknown(f"{answer.what}: the order has no side", waited=answer.waited)
        return report

    # --- single orders ------------------------------------------------------------------------------------------------

    def lookup(self, *, client_order_id: str | None = None, broker_order_id: str | None = None) -> OrderReported | None:
        """
        The order by exactly one of its ids; None: Alpaca itself answered that it does not know it.

        Raises:
            InvalidRequest: Not exactly one id is given.
            VenueRejected: The id cannot be one of Alpaca's, or the credentials are refused.
        """
        if (client_order_id is None) == (broker_order_id is None):
            raise InvalidRequest("client_order_id, broker_order_id", (client_order_id, broker_order_id), "one of them")
        if client_order_id is not None:
            path, query = f"{_ORDERS}:by_client_order_id", {"client_order_id": client_order_id}
        else:
            path, query = _order(broker_order_id or ""), {}
        order = self.rest.find(path, Order, query)
        if order is None:
            return None
        report = self._report(order)
        if report is None:
            raise BrokerError(f"GET {path}: the order has no side")
        return report

    # --- listings -----------------------------------------------------------------------------------------------------

    def orders(self, *, since: datetime | None = None, open_only: bool = False) -> Sequence[OrderReported]:
        """
        Orders changed at or after ``since``, oldest change first; see `engine.ports.Broker`.

        Alpaca lists by the moment of submission. So this asks for what was submitted since, for all that is open, and
        by id for each order that was seen open before and is not any more. Not covered: an order that was submitted
        before ``since``, has ended, and was never seen open here, because another program or an earlier run sent it;
        the reconciliation asks for those of ours by their ids. Options orders of several legs have no side and are left
        out; their legs are listed.

        Raises:
            BrokerError: A listing makes no sense; here and in the two below.
        """
        if since is None:
            found = self._listed("open" if open_only else "all", None)
        else:
            found = {} if open_only else self._listed("all", since)
            working = self._listed("open", None)
            found = _newest(found, working)
            for name in self._watch.missing(found):
                report = self.lookup(broker_order_id=name)
                if report is None:
                    self._watch.forget(name)
                else:
                    found[name] = report
            if not open_only:
                found = _newest(found, {end.broker_order_id or "": end for end in self._watch.ended(since)})
        reports = (report for report in found.values() if since is None or report.at >= since)
        if open_only:
            reports = (report for report in reports if report.status not in ENDS)
        return sorted(reports, key=lambda report: report.at)

    def _listed(self, status: str, since: datetime | None) -> dict[str, OrderReported]:
        """All pages, by broker id."""
        query = {"status": status, "direction": "asc", "limit": str(_ORDERS_A_PAGE), "nested": "false"}
        found: dict[str, OrderReported] = {}
        seen: set[str] = set()
        after = None if since is None else utc(since) - _MICROSECOND  # "after" excludes the moment itself
        while True:
            page = self.rest.get(_ORDERS, list[Order], query if after is None else query | {"after": _stamp(after)})
            fresh = [order for order in page if order.id not in seen]
            seen.update(order.id for order in fresh)
            # One that was released while we read moves to the end, and is the newer picture there.
            reports = {order.id: report for order in page if (report := self._report(order)) is not None}
            found = _newest(found, reports)
            if len(page) < _ORDERS_A_PAGE:
                return found
            last = page[-1].submitted_at
            if last is None or not fresh:
                raise BrokerError(f"GET {_ORDERS}: the listing cannot be read on behind {page[-1].id}")
            # Orders of one bracket share a moment, and it was rounded: so the last ones are read again.
            after = utc(last) - _MICROSECOND

    def executions(self, since: datetime | None = None) -> Sequence[ExecutionReported]:
        """
        Executions at or after ``since``, oldest first; within one order by what was filled in all.

        Fees are not told here: Alpaca books them after the day, and takes those of coins from what was bought.
        """
        query = {"direction": "asc", "page_size": str(_FILLS_A_PAGE)}
        if since is not None:
            # Whole seconds are what it takes; whether it includes the moment is not documented.
            query["after"] = (utc(since) - _SECOND).strftime("%Y-%m-%dT%H:%M:%SZ")
        fills: dict[str, FillActivity] = {}
        while True:
            page = self.rest.get(_FILLS, list[FillActivity], query)
            known = len(fills)
            fills |= {fill.id: fill for fill in page}
            if len(page) < _FILLS_A_PAGE:
                break
            if len(fills) == known:
                raise BrokerError(f"GET {_FILLS}: the page behind {page[-1].id} says nothing new")
            query["page_token"] = page[-1].id
        try:
            told = [execution_reported(fill, self._names) for fill in fills.values()]
        except RemoteProtocolError as error:
            raise BrokerError(f"GET {_FILLS}: {error}") from error
        places: dict[str, int] = {}  # of orders: which of two that share a moment was first is told by the listing
        for report in told:
            places.setdefault(report.broker_order_id or "", len(places))
        return sorted(
            (report for report in told if since is None or report.at >= since),
            key=lambda report: (report.at, places[report.broker_order_id or ""], report.execution.cumulative),
        )

    def positions(self) -> Mapping[str, VenuePosition]:
        """What Alpaca says we hold, by symbol as orders spell it; only what is not zero."""
        listed = self.rest.get("/v2/positions", list[Position])
        for position in listed:
            self._learn_name(position)
        try:
            held = [venue_position(position, self._names) for position in listed]
        except RemoteProtocolError as error:
            raise BrokerError(f"GET /v2/positions: {error}") from error
        return {position.symbol: position for position in held if position is not None}

    def _learn_name(self, position: Position) -> None:
        """Where the slash of "BTCUSD" belongs is known to the asset alone."""
        if position.asset_class != "crypto" or "/" in position.symbol or not position.asset_id:
            return
        if position.asset_id not in self._names and self.asset(position.asset_id) is None:
            raise VenueRejected(f"position {position.symbol}: Alpaca does not know its asset {position.asset_id}")

    # --- the account and the market -----------------------------------------------------------------------------------

    def account(self) -> Account:
        """Cash, equity, buying power, and whether trading is blocked."""
        return self.rest.get("/v2/account", Account)

    def assets(self, *, status: str = "active", asset_class: str | None = None) -> list[Asset]:
        """
        What can be traded, in one call of 2 MB and more.

        Args:
            status: "active" or "inactive".
            asset_class: "us_equity" or "crypto"; None: all.
        """
        query = {"status": status} | ({} if asset_class is None else {"asset_class": asset_class})
        assets = self.rest.get("/v2/assets", list[Asset], query)
        for asset in assets:
            self._name(asset)
        return assets

    def symbols(self, *, asset_class: str | None = None) -> SymbolTable:
        """
        The rules of all that can be traded, for a gate; they hold from now on.

        Args:
            asset_class: As in `assets`.
        """
        fetched = self._clock.now()
        listed = [*self.assets(asset_class=asset_class), *self.assets(status="inactive", asset_class=asset_class)]
        return from_alpaca([to_builtins(asset) for asset in listed], fetched)

    def asset(self, symbol: str) -> Asset | None:
        """One asset by symbol or id; None: there is none."""
        asset = self.rest.find(f"/v2/assets/{quote(symbol, safe='')}", Asset)
        if asset is not None:
            self._name(asset)
        return asset

    def clock(self) -> MarketClock:
        """Whether the stock market is open, and when that changes; by the venue's clock."""
        return self.rest.get("/v2/clock", MarketClock)

    def calendar(self, start: date, end: date) -> list[CalendarDay]:
        """The days on which the stock market opens, from ``start`` to ``end``, both included."""
        return self.rest.get("/v2/calendar", list[CalendarDay], {"start": start.isoformat(), "end": end.isoformat()})

    # --- inside -------------------------------------------------------------------------------------------------------

    def _report(self, order: Order, *, continues: str | None = None) -> OrderReported | None:
        """The order in our words; what it teaches is remembered."""
        if order.asset_class == "crypto" and order.asset_id and order.symbol and "/" in order.symbol:
            self._names[order.asset_id] = order.symbol
        report = order_reported(order, self._names, asked=self._clock.now(), continues=continues)
        if report is not None:
            self._watch.saw(report)
        return report

    def _name(self, asset: Asset) -> None:
        if asset.asset_class == "crypto":
            self._names[asset.id] = asset.symbol


def _order(broker_order_id: str) -> str:
    return f"{_ORDERS}/{quote(broker_order_id, safe='')}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _newest(one: Mapping[str, OrderReported], other: Mapping[str, OrderReported]) -> dict[str, OrderReported]:
    """Both listings; of two pictures of an order the later one, and of the same moment the one that was read later."""
    merged = dict(one)
    for name, report in other.items():
        if name not in merged or merged[name].at <= report.at:
            merged[name] = report
    return merged
