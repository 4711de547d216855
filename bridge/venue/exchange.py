"""
Orders on their way to the market and in it: latency, sessions, groups of exits, and the engine's matcher.

It has no clock: `advance` lets happen what is due, and every move of the market does so first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from bridge.venue.accounts import Account
from bridge.venue.assets import Asset, Assets
from bridge.venue.frictions import Frictions, Terms
from bridge.venue.hours import Hours, Phase
from bridge.venue.lifecycle import Lifecycle
from bridge.venue.orders import Order
from bridge.venue.schedule import Schedule
from bridge.venue.spelling import nanos
from engine.calendar import Session
from engine.market.bars import Bar
from engine.market.matching import RESTED, Ended, Match, Matcher
from engine.market.path import corners
from engine.market.ticks import Quote, Tick
from engine.model import ZERO, TimeInForce

__all__ = ["Exchange"]

_FINEST = Decimal("0.000000001")
_COLLAR = Decimal("1.02")  # Alpaca buys coins for money as if they cost so much more, and 2 % of it is left over
_OPENING = 0  # ranks: a session begins before anything arrives, and its prices come after that;
_CLOSING, _EXPIRY = 8, 9  # it ends after all that belongs to its last moment, and its orders end after it


class Exchange:
    """
    Args:
        accounts: By id.
        start: The first moment; none before it comes.

    Attributes:
        now: The moment that has been reached.
        phase: Of the market in shares.
        holding: A price of this very moment may still come, so a session that ends now waits with that.
    """

    def __init__(
        self,
        *,
        assets: Assets,
        accounts: dict[str, Account],
        hours: Hours,
        terms: Terms,
        frictions: Frictions,
        lifecycle: Lifecycle,
        schedule: Schedule,
        start: datetime,
    ) -> None:
        self._assets = assets
        self._accounts = accounts
        self._hours = hours
        self._fees = terms.fees
        self._direct = terms.direct
        self._frictions = frictions
        self._lifecycle = lifecycle
        self._schedule = schedule
        self._matcher = Matcher(frictions.liquidity, frictions.paid)
        self._orders: dict[str, Order] = {}
        self._waiting: dict[str, Order] = {}  # for their hours
        self._ending: dict[int, dict[str, Order]] = {}  # by the moment at which they expire
        self._last = {asset.symbol: asset.price for asset in assets}
        self._yesterday = dict(self._last)
        self._quotes: dict[str, Quote] = {}
        self._to_open: set[str] = set()  # shares that have had no price in this session
        self._session: Session | None = hours.session(start)
        self.now = start
        self.phase = hours.phase(start)
        self.holding = False
        self._plan_turn()

    # --- prices -------------------------------------------------------------------------------------------------------

    def price(self, asset: Asset) -> Decimal:
        """The last one; of an asset that is quoted the middle of the quote."""
        return self._last[asset.symbol]

    def taking(self, asset: Asset, *, buying: bool) -> Decimal:
        """What somebody who takes would be shown: the ask or the bid where there is a quote."""
        quote = self._quotes.get(asset.symbol)
        if quote is None:
            return self._last[asset.symbol]
        return quote.ask if buying else quote.bid

    def yesterday(self, asset: Asset) -> Decimal:
        """The last price of the session before."""
        return self._yesterday[asset.symbol]

    # --- time ---------------------------------------------------------------------------------------------------------

    def advance(self, now: datetime) -> None:
        """Let happen what is due by then; a moment that has passed changes nothing."""
        for _ in self.passing(now):
            pass

    def reach(self, now: datetime) -> None:
        """As `advance`, for a price of that moment: it still belongs to a session that ends with it."""
        for _ in self.passing(now, ending=False):
            pass

    def passing(self, now: datetime, *, ending: bool = True) -> Iterator[None]:
        """As `advance`, and stop behind each moment at which something happens."""
        below = None if ending and not self.holding else _CLOSING
        while (entry := self._schedule.pop(now, below=below)) is not None:
            due, what, arguments = entry
            self.now = max(self.now, due)
            what(*arguments)
            if self._schedule.next_due != due:
                yield
        self.now = max(self.now, now)

    def _plan_turn(self) -> None:
        due = self._hours.next_change(self.now)
        if due is not None:
            self._schedule.at(due, self._turn, rank=_OPENING if self._session is None else _CLOSING)

    def _turn(self) -> None:
        """A session, or the hours around it, begin or end."""
        session = self._hours.session(self.now)
        if self._session is not None and session != self._session:
            self._close()
        if session is not None and session != self._session:
            self._to_open = {asset.symbol for asset in self._assets if not asset.crypto}
        self._session, self.phase = session, self._hours.phase(self.now)
        for working in self._matcher.open_orders():
            order = self._orders[working.order_id]
            if not self._may_trade(order):
                self._matcher.cancel(order.id)
                self._waiting[order.id] = order
        for order in list(self._waiting.values()):
            if self._may_trade(order):
                del self._waiting[order.id]
                self._schedule.at(self.now + self._frictions.delay(), self._arrive, order)
        self._plan_turn()

    def _close(self) -> None:
        for asset in self._assets:
            if not asset.crypto:
                for _ in self._auctioning(asset.symbol, self._last[asset.symbol], "close"):
                    pass
        self._yesterday = dict(self._last)
        for account in self._accounts.values():
            account.end_day(self.price)
        self._lifecycle.executions.end_day()

    def _may_trade(self, order: Order) -> bool:
        if self._direct or order.asset.crypto or self.phase is Phase.REGULAR:
            return True
        # An order for the opening auction has to be there before it.
        early = order.draft.extended_hours or order.draft.time_in_force is TimeInForce.OPG
        return self.phase is Phase.EXTENDED and early

    # --- the market ---------------------------------------------------------------------------------------------------

    def move(self, asset: Asset, price: Decimal, *, jump: bool) -> None:
        """The price of an asset goes to another one, along the way or at once."""
        for _ in self.moving(asset, price, jump=jump):
            pass

    def moving(self, asset: Asset, price: Decimal, *, jump: bool) -> Iterator[None]:
        """As `move`, and stop behind each thing that happens on the way."""
        symbol = asset.symbol
        self._quotes.pop(symbol, None)
        yield from self._opening_at(symbol, price)
        way = self._matcher.jump if jump else self._matcher.walk
        yield from self._along(symbol, way(symbol, price, self.now))
        self._last[symbol] = price

    def tick(self, asset: Asset, tick: Tick) -> None:
        """A quote or a trade of others."""
        for _ in self.ticking(asset, tick):
            pass

    def ticking(self, asset: Asset, tick: Tick) -> Iterator[None]:
        """As `tick`, and stop behind each thing that happens with it."""
        symbol = asset.symbol
        self._frictions.see(symbol, tick)
        yield from self._opening_at(symbol, tick.price)
        self._last[symbol] = tick.price
        if isinstance(tick, Quote):
            self._quotes[symbol] = tick
            for buying in (True, False):
                yield from self._along(symbol, self._quoted(symbol, tick, buying=buying))
        else:
            yield from self._along(symbol, self._matcher.tick(symbol, tick.price, self.now, kind="trade"))

    def begin(self, asset: Asset, volume: Decimal) -> None:
        """A bar begins that will trade so many base units."""
        self._frictions.begin(asset.symbol, volume)

    def bars(self, bars: Sequence[tuple[Asset, Bar]]) -> None:
        """Play bars of the same moment, all of them corner by corner; what is due in between happens in between."""
        paths = [(asset, corners(bar)) for asset, bar in bars]
        for asset, bar in bars:
            self.advance(bar.start)  # what was due before it is not traded against its volume
            self.begin(asset, bar.volume)
        for corner in range(4):
            for asset, path in paths:
                at, price = path[corner]
                self.reach(at)
                self.move(asset, price, jump=corner == 0)
        for _, bar in bars:
            self.advance(bar.end)

    def _quoted(self, symbol: str, quote: Quote, *, buying: bool) -> Iterator[Match | Ended]:
        price = quote.ask if buying else quote.bid
        return self._matcher.tick(symbol, price, self.now, kind="quote", buying=buying)

    def _along(self, symbol: str, events: Iterator[Match | Ended]) -> Iterator[None]:
        """Let happen what a move brings, one by one."""
        for event in events:
            self._happened(event)
            yield
        self._settled(symbol)

    def _look(self, order: Order) -> None:
        """Let an order meet the market as it stands; where it is direct, it waits for the next move."""
        if self._direct:
            return
        symbol = order.asset.symbol
        quote = self._quotes.get(symbol)
        if quote is not None:
            way = self._quoted(symbol, quote, buying=order.draft.buying)
        else:
            way = self._matcher.walk(symbol, self._last[symbol], self.now)
        for _ in self._along(symbol, way):
            pass

    def _look_again(self, order_id: str) -> None:
        if self._matcher.order(order_id) is not None:
            self._look(self._orders[order_id])

    def _opening_at(self, symbol: str, price: Decimal) -> Iterator[None]:
        if symbol in self._to_open and self.phase is Phase.REGULAR:
            self._to_open.discard(symbol)
            yield from self._auctioning(symbol, price, "open")

    def _auctioning(self, symbol: str, price: Decimal, kind: Literal["open", "close"]) -> Iterator[None]:
        while (event := self._matcher.auction(symbol, price, self.now, kind)) is not None:
            self._happened(event)
            yield

    def _settled(self, symbol: str) -> None:
        """Behind a move: stops as they stand now, and another look for those that chance has cut."""
        for working in self._matcher.open_orders(symbol):
            order = self._orders[working.order_id]
            if working.trails:
                order.hwm, order.stop_price = working.mark, working.stop
            if working.triggered and not order.triggered and order.draft.type.value in _STOPS:
                order.triggered = True
        for order_id in self._frictions.cut:
            self._schedule.at(self.now + self._frictions.delay(), self._look_again, order_id)
        self._frictions.cut.clear()

    # --- orders -------------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Take an order in, its legs with it; it meets the market once it has arrived there."""
        for each in (order, *order.legs):
            self._expire_in_time(each)
        if self._may_trade(order):
            self._lifecycle.received(order, "pending_new")
            self._in_time(self._arrive, order)
        else:
            self._lifecycle.received(order, "accepted")
            self._waiting[order.id] = order

    def cancel(self, order: Order) -> None:
        """Ask for the end of an order; until it comes a fill can win."""
        self._lifecycle.asked_to_cancel(order, self.now)
        self._in_time(self._cancel, order)

    def end(self, order: Order) -> None:
        """Cancel an order and what belongs to it at once."""
        self._end(order, "canceled")

    def replace(self, old: Order, new: Order) -> None:
        """Ask for another order in the place of one; until it comes a fill can win."""
        self._expire_in_time(new)
        self._lifecycle.asked_to_replace(old, self.now)
        self._lifecycle.received(new, "pending_new" if self._may_trade(old) else "accepted")
        self._in_time(self._replace, old, new)

    def _in_time(self, what: Callable[..., None], *orders: Order) -> None:
        """Let something take effect after its latency, or at once."""
        if self._direct:
            what(*orders)
        else:
            self._schedule.at(self.now + self._frictions.delay(), what, *orders)

    def work_again(self, order: Order) -> None:
        """What it has filled was changed after the fact: if it works, it works for what is left of it now."""
        if self._matcher.cancel(order.id) is not None:
            self._work(order)

    def _expire_in_time(self, order: Order) -> None:
        self._orders[order.id] = order
        lasting = order.draft.time_in_force is TimeInForce.GTC
        ends: datetime | None
        if self._direct:
            ends = None if lasting else self._session_ends()
        elif order.asset.crypto or lasting:
            ends = self._hours.kept_until(self.now, crypto=order.asset.crypto)
        else:
            ends = self._hours.day_ends(self.now, extended=order.draft.extended_hours)
        if ends is None:
            return
        at = order.expires_at = nanos(ends)
        if at not in self._ending:  # one entry for all that end together: most are over long before
            self._ending[at] = {}
            self._schedule.at(ends, self._expire, at, rank=_EXPIRY)
        self._ending[at][order.id] = order

    def _session_ends(self) -> datetime | None:
        """When the session is over that an order of now is for; at the very close it is this one until it has ended."""
        return self._hours.day_ends(self.now, extended=False) if self._session is None else self._session.close

    def _forget(self, order: Order) -> None:
        """It is over: nothing here is about it any more."""
        self._orders.pop(order.id, None)
        self._waiting.pop(order.id, None)
        if order.expires_at is not None and order.expires_at in self._ending:
            self._ending[order.expires_at].pop(order.id, None)

    def _arrive(self, order: Order) -> None:
        if not order.open or order.status == "pending_cancel":
            return
        if not self._may_trade(order):
            self._waiting[order.id] = order
            return
        if order.status in ("accepted", "pending_new", "held"):
            self._lifecycle.at_market(order, self.now)
        self._work(order)
        if order.draft.order_class == "oco":
            for leg in order.legs:
                self._work(leg)
        self._look(order)

    def _work(self, order: Order) -> None:
        if order.quantity is None:
            self._measure(order)
        if self._matcher.order(order.id) is None and order.remaining:
            working = self._matcher.add(order.id, order.as_request(order.remaining), self.now)
            if working.trails and order.hwm is not None and not self._direct:  # what it has seen is in the matcher
                working.follow(order.hwm)

    def _measure(self, order: Order) -> None:
        """How many base units an order for money is for, now that it is at the market."""
        draft = order.draft
        price = draft.limit_price or draft.stop_price
        if price is None:
            shown = self.taking(order.asset, buying=draft.buying)
            price = self._frictions.expected(order.asset.symbol, shown, buying=draft.buying)
            if order.asset.crypto and draft.buying:
                price *= _COLLAR
        quantity = ((draft.notional or ZERO) / price).quantize(_FINEST, ROUND_DOWN)
        if not order.opens:
            quantity = min(quantity, abs(self._accounts[order.owner].quantity(order.asset)))
        order.quantity = max(quantity, _FINEST)

    # --- what happens to them -----------------------------------------------------------------------------------------

    def _happened(self, event: Match | Ended) -> None:
        order = self._orders[event.order_id]
        if isinstance(event, Ended):
            self._end(order, "canceled" if event.reason is TimeInForce.FOK else "expired")
            return
        symbol, side = order.asset.symbol, order.draft.side
        charge = self._fees.charge(symbol, side, event.quantity, event.price, self.now, event.assumption in RESTED)
        self._frictions.took(symbol, event.quantity, buying=order.draft.buying)
        self._lifecycle.filled(order, event.quantity, event.price, charge, self.now, event.assumption)
        for other in self._others(order):
            self._shrink(other, event.quantity)
        if order.status == "filled":
            self._forget(order)
        if order.status == "filled" and order.draft.order_class != "oco":
            for number, leg in enumerate(order.legs):
                if leg.open:
                    self._take_turn(leg, shown=number == 0)

    def _take_turn(self, leg: Order, *, shown: bool) -> None:
        """The entry is filled: all exits work, and of two the second is shown as held."""
        if leg.status == "pending_cancel":
            return
        if shown:
            self._lifecycle.at_market(leg, self.now)
        if self._may_trade(leg):
            self._work(leg)
        else:
            self._waiting[leg.id] = leg

    def _others(self, order: Order) -> list[Order]:
        """The open exits of the same position, of which an exit takes something away."""
        first = order if order.parent is None else order.parent
        exits = [*first.legs, *([first] if first.draft.order_class == "oco" else [])]
        return [other for other in exits if other is not order and other.open] if order in exits else []

    def _shrink(self, order: Order, by: Decimal) -> None:
        order.quantity = (order.quantity or ZERO) - by
        works = self._matcher.cancel(order.id) is not None
        if order.quantity <= order.filled:
            order.quantity += by  # it is shown as it was
            self._end(order, "canceled")
        elif works:
            self._work(order)

    def _end(self, order: Order, status: str) -> None:
        """An order is over without having filled, and so is what belongs to it."""
        if not order.open:
            return
        self._matcher.cancel(order.id)
        self._forget(order)
        self._lifecycle.over(order, status, self.now)
        first = order if order.parent is None else order.parent
        for other in (first, *first.legs):
            if other.open:
                together = status == "expired" and other.expires_at == order.expires_at
                self._end(other, "expired" if together else "canceled")

    def _cancel(self, order: Order) -> None:
        self._take_its_place(order)
        self._end(order, "canceled")

    def _expire(self, at: int) -> None:
        for order in list(self._ending[at].values()):
            self._take_its_place(order)
            self._end(order, "expired")
        del self._ending[at]

    def _take_its_place(self, order: Order) -> None:
        """An order that ends before it has replaced another replaces it first, lest the other waits for ever."""
        old = None if order.replaces is None else self._orders.get(order.replaces)
        if old is not None and old.status == "pending_replace":
            self._replace(old, order)

    def _replace(self, old: Order, new: Order) -> None:
        if not new.open or new.replaces != old.id or old.status == "replaced":
            return
        if old.parent is not None or old.draft.order_class == "oco":
            new.quantity = old.quantity  # what the other exit has done meanwhile counts
        quantity = new.quantity or ZERO
        if not old.open or quantity <= old.filled:
            self._lifecycle.goes_on(old, self.now)
            self._forget(new)
            self._lifecycle.over(new, "rejected", self.now)
            return
        new.filled, new.cost, new.triggered, new.hwm = old.filled, old.cost, old.triggered, old.hwm
        self._inherit(old, new)
        working = self._matcher.order(old.id)
        if working is not None:
            request = new.as_request(quantity - old.filled + working.cumulative)
            self._matcher.replace(old.id, new.id, request, self.now)
        self._forget(old)
        old.replaced_by = new.id
        self._lifecycle.over(old, "replaced", self.now)
        if not self._may_trade(new):
            self._waiting[new.id] = new
            return
        if new.status in ("accepted", "pending_new"):
            self._lifecycle.at_market(new, self.now)
        self._work(new)
        self._look(new)

    @staticmethod
    def _inherit(old: Order, new: Order) -> None:
        """The new order takes the old one's place among entry and exits."""
        new.parent, new.legs = old.parent, old.legs
        for leg in new.legs:
            leg.parent = new
            if leg.draft.order_class != "oco" and leg.waits:
                leg.quantity = new.quantity
        if new.parent is not None:
            new.parent.legs = [new if leg is old else leg for leg in new.parent.legs]
        old.parent, old.legs = None, []


_STOPS = frozenset({"stop", "stop_limit", "trailing_stop"})
