"""
Buy what has fallen far below the session's VWAP, and sell it back there.

The volume-weighted average price and its deviation begin anew with each session of the engine's calendar and are kept
as sums of `Decimal`: with p three times a bar's typical price, and v its volume, the sums of v, v·p and v·p². A close c
lies more than k deviations below the average exactly where

    3·V·c < S1    and    (S1 - 3·V·c)² > k²·(S2·V - S1²)

so that no bar costs a division or a root.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from attrs import Factory, define, field, validators

from engine.clock import EPOCH
from engine.errors import InvalidRequest
from engine.events import Alarm, Event, Filled, OrderChanged
from engine.execution import ExecutionEngine, Ticket
from engine.market.bars import Bar
from engine.model import ZERO, Exits, OrderRequest, Role, Side, Status, TimeInForce
from engine.orders.order import Order
from engine.strategies.sizing import lot_of, whole_lots

__all__ = ["VwapReversion"]

_NO_TIME = timedelta(0)
_ONE = Decimal(1)
_THREE = Decimal(3)
_IN_BPS = Decimal(10_000)
_CENT = Decimal("0.01")
_BELOW_ONE = Decimal("0.0001")
_REFUSED = frozenset({Status.DENIED, Status.REJECTED})


class _Trade:
    """One entry with all that follows from it, until nothing of it lives and nothing is held."""

    __slots__ = ("deadline", "entry", "exit", "leaving")

    def __init__(self, entry: Ticket, deadline: datetime) -> None:
        self.entry = entry
        self.deadline = deadline  # to be left by the bar that ends here, or at the first one after it
        self.leaving: str | None = None  # why
        self.exit: Ticket | None = None  # the last market order sent to leave


class _Session:
    """The session that one symbol is in, its sums, and what is traded in it."""

    __slots__ = (
        "bars",
        "close",
        "first",
        "last",
        "open",
        "out",
        "quiet",
        "squares",
        "trade",
        "volume",
        "weighted",
    )

    def __init__(self) -> None:
        self.open = self.close = self.first = self.last = self.out = EPOCH  # none yet
        self.bars = 0
        self.volume = self.weighted = self.squares = ZERO
        self.quiet = EPOCH  # no entry before
        self.trade: _Trade | None = None


@define(kw_only=True)
class VwapReversion:
    """
    Long only, one position a symbol: a limit order at the close with take-profit and stop-loss, a time limit.

    Distances are shares of the way from the entry's limit up to the VWAP at that moment. What the strategy sends lasts
    until cancelled: it leaves by itself before the session ends.

    Attributes:
        deviations: How many deviations a close has to be below the VWAP, more than that; >= 0.
        least_bps: And how many basis points of the close at least; >= 0.
        warm_up: Bars of the session that have to be there first, >= 1.
        after_open, before_close: Entries are sent at ends of bars from ``open + after_open`` to before
            ``close - before_close``.
        out_before_close: A trade is left at the first end of a bar from ``close - out_before_close`` on; it is above 0,
            or the order to leave would meet no bar, and at most ``before_close``.
        patience: An entry that has not filled by then is cancelled, > 0.
        time_limit: From an entry's first fill on; at the first end of a bar from there on the trade is left, > 0.
        cool_down: After a fill of a stop-loss, and after an entry that was denied or rejected, nothing is entered for
            so long, >= 0.
        target: Share of the way at which the take-profit is, 0 < target <= 1.
        stop: As much of the way in the other direction is the stop-loss, > 0.
        share: Part of the free cash that an entry may cost, 0 < share <= 1.
        risk: Part of the equity that a stop-loss may cost, fees and slippage left out; None: no such bound.
        lot: What quantities are rounded down to, base units; less than that is not held. None: 0.0001 for pairs like
            BTC/USD, else whole shares.
        tick: Grid of the prices, quote units; None: 0.01, below 1 0.0001.
        stop_room_bps: Of pairs like BTC/USD, for which venues take no plain stop: how far below the stop it may sell,
            basis points, > 0. Beyond that it does not, and the time limit is what is left.
    """

    deviations: Decimal = field(default=Decimal(2), validator=validators.ge(ZERO))
    least_bps: Decimal = field(default=Decimal(5), validator=validators.ge(ZERO))
    warm_up: int = field(default=15, validator=validators.ge(1))
    after_open: timedelta = field(default=timedelta(minutes=15), validator=validators.ge(_NO_TIME))
    before_close: timedelta = field(default=timedelta(minutes=30), validator=validators.ge(_NO_TIME))
    out_before_close: timedelta = field(default=timedelta(minutes=5), validator=validators.gt(_NO_TIME))
    patience: timedelta = field(default=timedelta(minutes=5), validator=validators.gt(_NO_TIME))
    time_limit: timedelta = field(default=timedelta(minutes=60), validator=validators.gt(_NO_TIME))
    cool_down: timedelta = field(default=timedelta(minutes=30), validator=validators.ge(_NO_TIME))
    target: Decimal = field(default=_ONE, validator=[validators.gt(ZERO), validators.le(_ONE)])
    stop: Decimal = field(default=_ONE, validator=validators.gt(ZERO))
    share: Decimal = field(default=Decimal("0.3"), validator=[validators.gt(ZERO), validators.le(_ONE)])
    risk: Decimal | None = field(
        default=None, validator=validators.optional([validators.gt(ZERO), validators.le(_ONE)])
    )
    lot: Decimal | None = field(default=None, validator=validators.optional(validators.gt(ZERO)))
    tick: Decimal | None = field(default=None, validator=validators.optional(validators.gt(ZERO)))
    stop_room_bps: Decimal = field(default=Decimal(50), validator=[validators.gt(ZERO), validators.lt(_IN_BPS)])
    _square: Decimal = field(init=False, eq=False, repr=False)
    _symbols: dict[str, _Session] = field(init=False, default=Factory(dict), repr=False)

    def __attrs_post_init__(self) -> None:
        if self.out_before_close > self.before_close:
            expected = f"at most before_close, which is {self.before_close}"
            raise InvalidRequest("out_before_close", self.out_before_close, expected)
        self._square = self.deviations * self.deviations

    # --- bars ---------------------------------------------------------------------------------------------------------

    def on_bar(self, bar: Bar, trader: ExecutionEngine) -> None:
        session = self._symbols.get(bar.symbol)
        if session is None:
            session = self._symbols[bar.symbol] = _Session()
        trade, end = session.trade, bar.end
        if trade is not None and end >= trade.deadline:
            self._leave(session, trade, trader, again=True)
        if not session.open <= bar.start < session.close and not self._turned(session, bar, trader):
            return  # outside of sessions nothing counts
        close, volume = bar.close, bar.volume
        price = bar.high + bar.low + close
        weighted = price * volume
        session.volume = total = session.volume + volume
        session.weighted = first = session.weighted + weighted
        session.squares = second = session.squares + weighted * price
        session.bars += 1
        below = first - _THREE * total * close
        if (
            below > 0
            and session.trade is None
            and session.bars >= self.warm_up
            and below * below > self._square * (second * total - first * first)
            and session.first <= end < session.last
            and end >= session.quiet
        ):
            self._enter(bar, below / (_THREE * total), session, trader)

    def _turned(self, session: _Session, bar: Bar, trader: ExecutionEngine) -> bool:
        """Go over to the session that the bar is in; False: it is in none."""
        found = trader.calendar.session_at(bar.start)
        if found is None:
            return False
        session.open, session.close = found.open, found.close
        session.first = found.open + self.after_open
        session.last = found.close - self.before_close
        session.out = found.close - self.out_before_close
        session.bars = 0
        session.volume = session.weighted = session.squares = ZERO
        return True

    def _enter(self, bar: Bar, distance: Decimal, session: _Session, trader: ExecutionEngine) -> None:
        """Buy at the close or better; ``distance`` is how far it is below the VWAP, quote units."""
        close, lot = bar.close, self.lot or lot_of(bar.symbol)
        if distance * _IN_BPS < close * self.least_bps or abs(trader.position(bar.symbol)) >= lot:
            return
        limit = self._on_grid(close, ROUND_FLOOR)
        profit = self._on_grid(close + distance * self.target, ROUND_CEILING)
        stop = self._on_grid(close - distance * self.stop, ROUND_FLOOR)
        if not ZERO < stop < limit:
            return  # the price is of the size of the grid: no room for a stop
        quantity = trader.books.available() * self.share / limit
        if self.risk is not None:
            quantity = min(quantity, trader.books.portfolio.equity() * self.risk / (limit - stop))
        quantity = whole_lots(quantity, lot)
        if not quantity:
            return
        exits = Exits(take_profit=profit, stop_loss=stop, stop_limit=self._stop_limit(bar.symbol, stop))
        request = OrderRequest.limit(
            bar.symbol,
            Side.BUY,
            quantity,
            limit,
            time_in_force=TimeInForce.GTC,
            time_to_live=self.patience,
            exits=exits,
        )
        session.trade = _Trade(trader.submit(request), session.out)

    def _stop_limit(self, symbol: str, stop: Decimal) -> Decimal | None:
        """The worst price that the stop-loss of a pair sells at; None: no pair, whatever it comes to."""
        if "/" not in symbol:
            return None
        return self._on_grid(stop * (1 - self.stop_room_bps / _IN_BPS), ROUND_FLOOR)

    def _on_grid(self, price: Decimal, rounding: str) -> Decimal:
        tick = self.tick or (_CENT if price >= _ONE else _BELOW_ONE)
        return (price / tick).to_integral_value(rounding) * tick

    # --- events -------------------------------------------------------------------------------------------------------

    def on_event(self, event: Event, trader: ExecutionEngine) -> None:
        session = self._symbols.get(event.symbol)
        if session is None or isinstance(event, Alarm):
            return
        order, trade = trader.books.tracker[event.order_id], session.trade
        if type(event) is Filled and order.role is Role.STOP_LOSS:
            session.quiet = max(session.quiet, event.at + self.cool_down)
        if trade is None:
            return
        if order.id == trade.entry.id:
            if type(event) is OrderChanged and event.after in _REFUSED:
                session.quiet = max(session.quiet, event.at + self.cool_down)
            elif type(event) is Filled:  # the first one counts: later ones would set later ends
                trade.deadline = min(trade.deadline, event.at + self.time_limit)
        self._go_on(session, trade, trader)

    def _go_on(self, session: _Session, trade: _Trade, trader: ExecutionEngine) -> None:
        """Something changed: the trade may be over, or the way out may be free."""
        if trade.leaving is not None:
            self._leave(session, trade, trader, again=False)
        elif not self._alive(trade, trader) and not self._held(trade, trader):
            session.trade = None

    def _leave(self, session: _Session, trade: _Trade, trader: ExecutionEngine, *, again: bool) -> None:
        """
        Get one step further on the way out: first nothing of the trade lives any more, then what is held is sold.

        Args:
            again: Whether a market order that came to nothing is sent once more. An event must not do so: a venue that
                refuses at once would be asked for ever.
        """
        if trade.leaving is None:
            trade.leaving = "the session ends" if trade.deadline == session.out else "the time in the trade is over"
        alive = self._alive(trade, trader)
        for order in alive:
            trader.cancel(order.id, trade.leaving)  # asking again does nothing
        if alive or (trade.exit is not None and not trade.exit.done):
            return
        held = self._held(trade, trader)
        if not held:
            session.trade = None
        elif trade.exit is None or again:
            symbol = trade.entry.order.symbol
            trade.exit = trader.submit(OrderRequest.market(symbol, Side.SELL, held, time_in_force=TimeInForce.GTC))

    @staticmethod
    def _alive(trade: _Trade, trader: ExecutionEngine) -> list[Order]:
        """The entry, its take-profit and its stop-loss, as far as they live; the entry first, or it would fill on."""
        tracker = trader.books.tracker
        live, entry = tracker.live, trade.entry.id
        return [live[each] for each in (entry, *tracker.members(entry)) if each in live]

    def _held(self, trade: _Trade, trader: ExecutionEngine) -> Decimal:
        """What there is to sell, base units; 0 for less than a lot, which a fee taken in the coin may leave behind."""
        symbol = trade.entry.order.symbol
        held = trader.position(symbol)
        return held if held >= (self.lot or lot_of(symbol)) else ZERO
