"""
What may be sent: pure checks in order, each with a stable code.

An order against the position we hold only closes it: it passes in every state, needs neither money nor a price, and is
held against nothing but the position that other exits leave free, so that none ever flips. Any other order is an entry,
and goes through all the checks. What a decision was made on goes with it into the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, DecimalException

from attrs import define, evolve, field, frozen, validators

from engine.clock import spelled
from engine.decisions import Approval, Refusal, Seen, TradingState
from engine.model import ZERO, OrderRequest, OrderType, Side
from engine.ports import BooksView
from engine.risk.bounds import plain
from engine.risk.limits import RiskLimits
from engine.risk.protections import Protections
from engine.risk.solving import solve
from engine.risk.symbols import SymbolTable

__all__ = ["RiskGate"]

_ROOM = 110  # characters of an id; a venue takes 128, and exits and replacements are named after their entry
_NEVER_USED = Decimal(1)  # an exit keeps back no money, at whatever price


@define(eq=False)
class _Case:
    """An order before the gate, and what has been looked at so far."""

    request: OrderRequest
    view: BooksView
    now: datetime
    replaces: str | None
    held: Decimal
    mark: Decimal | None
    closing: Decimal | None = None
    changes: tuple[str, ...] = ()
    price: Decimal = ZERO  # the worst that an entry is expected to trade at, fee included
    cost: Decimal = ZERO
    marked: datetime | None = None
    available: Decimal | None = None
    equity: Decimal | None = None
    exposure: Decimal | None = None
    gross: Decimal | None = None
    entries: int | None = None
    orders: int | None = None
    day_trades: int | None = None

    def seen(self) -> Seen:
        return Seen(
            state=self.view.state,
            held=self.held,
            closing=self.closing,
            mark=self.mark,
            marked=self.marked,
            available=self.available,
            equity=self.equity,
            exposure=self.exposure,
            gross=self.gross,
            entries=self.entries,
            orders=self.orders,
            day_trades=self.day_trades,
        )


@frozen(kw_only=True)
class RiskGate:
    """
    Attributes:
        symbols: The rules of each symbol; one that is not in it is refused. None: nobody knows any rules, and orders go
            as they are asked for.
        fee_rate: The highest fee, as a ratio of the cost.
    """

    limits: RiskLimits = field(factory=RiskLimits)
    protections: Protections = field(factory=Protections)
    symbols: SymbolTable | None = None
    fee_rate: Decimal = field(default=ZERO, validator=validators.ge(ZERO))
    _of_entries: tuple[_Check, ...] = field(init=False, repr=False)
    _of_exits: tuple[_Check, ...] = field(init=False, repr=False)

    @_of_entries.default
    def _find_of_entries(self) -> tuple[_Check, ...]:
        return self._that_matter(_ENTRY)

    @_of_exits.default
    def _find_of_exits(self) -> tuple[_Check, ...]:
        return self._that_matter(_EXIT)

    def _that_matter(self, checks: tuple[_Check, ...]) -> tuple[_Check, ...]:
        """Without those that have no limit to hold anything against."""
        limits = self.limits
        needed: dict[_Check, bool] = {
            RiskGate._protections: bool(self.protections.rules),
            RiskGate._rules: self.symbols is not None,
            RiskGate._size: any((limits.max_order, limits.max_exposure, limits.max_gross, limits.max_leverage)),
            RiskGate._collar: bool(limits.collar) or limits.quote_age is not None,
            RiskGate._rate: limits.max_orders is not None,
            RiskGate._day_trades: limits.day_trades is not None,
        }
        return tuple(check for check in checks if needed.get(check, True))

    def check(
        self,
        request: OrderRequest,
        view: BooksView,
        now: datetime,
        *,
        group: str | None = None,
        replaces: str | None = None,
    ) -> Approval | Refusal:
        """See `engine.ports.Gate`."""
        symbol = request.symbol
        held = view.position(symbol)
        case = _Case(request, view, now, replaces, held, view.mark(symbol))
        exits = bool(held) and (held > 0) is not (request.side is Side.BUY)
        try:
            for check in self._of_exits if exits or group is not None else self._of_entries:
                if (refusal := check(self, case, group)) is not None:
                    return evolve(refusal, seen=case.seen())
        except DecimalException:
            what = "a price or a quantity has too many digits to be counted"
            return Refusal(code="OUT_OF_RANGE", message=what, value=plain(request.quantity))
        if exits:
            price = _worst_price(case.request, case.mark, self.limits.allowance)
            return Approval(
                reserve_price=_NEVER_USED if price is None else price,
                opening=ZERO,
                request=case.request,
                changes=case.changes,
                seen=case.seen(),
            )
        return Approval(
            reserve_price=case.price,
            opening=case.request.quantity,
            request=case.request,
            changes=case.changes,
            seen=case.seen(),
        )

    # --- of all orders ------------------------------------------------------------------------------------------------

    def _id(self, case: _Case, group: str | None) -> Refusal | None:
        name = case.request.id
        if case.request.exits is not None and len(name) > _ROOM:
            what = f"an id of {len(name)} characters leaves no room for those of its exits, {_ROOM} do"
            return Refusal(code="ID_TOO_LONG", message=what, value=str(len(name)), bound=str(_ROOM))
        if name != case.replaces and case.view.has_order(name):
            return Refusal(code="DUPLICATE_ID", message=f"client order id {name} was used before", value=name)
        return None

    def _rules(self, case: _Case, group: str | None) -> Refusal | None:
        """The symbol's own rules; they change what can be changed."""
        assert self.symbols is not None  # or this check would not be made
        request, view = case.request, case.view
        properties = self.symbols.at(request.symbol, case.now)
        if properties is None:
            if case.held:
                return None  # whatever it is, what we hold of it must be able to leave
            what = f"no rules of {request.symbol} are known, and none are made up"
            return Refusal(code="UNKNOWN_SYMBOL", message=what, value=request.symbol)
        closes = bool(case.held) and (case.held > 0) is (request.side is Side.SELL)
        if properties.multiplier != 1 and not closes:
            what = f"one unit of {request.symbol} is worth {properties.multiplier} of its price, and books count one"
            return Refusal(code="CONTRACT", message=what, value=plain(properties.multiplier), bound="1")
        solved = solve(
            request,
            properties,
            reference=case.mark,
            held=case.held,
            open_orders=0 if properties.max_open_orders is None else view.open_orders(request.symbol, case.replaces),
            pending=ZERO if properties.max_position is None else view.pending(request.symbol, case.replaces),
            pair=group is not None and request.exits is not None,
        )
        if isinstance(solved, Refusal):
            return solved
        case.request, case.changes = solved.request, solved.changes
        return None

    # --- of exits -----------------------------------------------------------------------------------------------------

    def _free(self, case: _Case, group: str | None) -> Refusal | None:
        """No exit closes what another one is closing already, and none closes more than there is."""
        request, view, held = case.request, case.view, abs(case.held)
        case.closing = view.exit_reserved(request.symbol, but_group=group)
        if case.replaces is not None and group is None:
            case.closing -= view.exit_reserved_by(case.replaces)
        against = bool(case.held) and (case.held > 0) is not (request.side is Side.BUY)
        free = max(held - case.closing, ZERO) if against else ZERO
        quantity = request.quantity
        if quantity <= free:
            return None
        nearest = plain(free) if free else None
        if group is None and free == held:
            what = f"{quantity} would turn the position of {case.held} round, {held} closes it"
            return Refusal(code="WOULD_FLIP", message=what, value=plain(quantity), bound=plain(held), nearest=nearest)
        what = f"{quantity} would be closed, {free} of the position of {case.held} is free to be"
        return Refusal(code="EXIT_WORKING", message=what, value=plain(quantity), bound=plain(free), nearest=nearest)

    # --- of entries ---------------------------------------------------------------------------------------------------

    def _state(self, case: _Case, group: str | None) -> Refusal | None:
        state = case.view.state
        if state is TradingState.ACTIVE:
            return None
        return Refusal(code=f"TRADING_{state.name}", message=f"trading is {state.value}: only exits may pass")

    def _locks(self, case: _Case, group: str | None) -> Refusal | None:
        request = case.request
        lock = case.view.locked(request.symbol, request.side, case.now)
        if lock is None:
            return None
        whom = lock.symbol or "all symbols"
        what = f"{lock.protection} keeps entries out of {whom} until {lock.until:%Y-%m-%d %H:%M:%S}: {lock.reason}"
        return Refusal(code="LOCKED", message=what, value=lock.id, bound=lock.until.isoformat())

    def _protections(self, case: _Case, group: str | None) -> Refusal | None:
        case.entries = case.view.entries_today()
        again = case.replaces is not None
        return self.protections.refusal(case.request, case.view, case.now, again=again)

    def _flags(self, case: _Case, group: str | None) -> Refusal | None:
        flags = case.view.flags(case.request.symbol)
        if not flags:
            return None
        named = ", ".join(sorted(flag.value for flag in flags))
        what = f"{case.request.symbol} is {named}: only exits may pass"
        return Refusal(code="SYMBOL_FLAGGED", message=what, value=named)

    def _money(self, case: _Case, group: str | None) -> Refusal | None:
        """What it may cost at worst is free, with the fee."""
        request, view = case.request, case.view
        price = _worst_price(request, case.mark, self.limits.allowance)
        if price is None:
            what = f"no price of {request.symbol} is known yet, so the order's cost cannot be bounded"
            return Refusal(code="NO_PRICE", message=what, value=request.symbol)
        case.price = price if not self.fee_rate else price * (1 + self.fee_rate)
        case.cost = cost = request.quantity * case.price
        case.available = view.available()
        if case.replaces is not None:
            case.available += view.reserved(case.replaces)
        if cost <= case.available:
            return None
        what = f"the order may cost {_amount(cost)}, {_amount(case.available)} is free"
        return Refusal(code="INSUFFICIENT_CASH", message=what, value=plain(cost), bound=plain(case.available))

    def _size(self, case: _Case, group: str | None) -> Refusal | None:
        """Order, symbol and account stay within their limits."""
        limits, view, cost = self.limits, case.view, case.cost
        if limits.max_order is not None and cost > limits.max_order:
            return _above("ORDER_SIZE", "the order may cost", cost, limits.max_order)
        own = ZERO if case.replaces is None else view.reserved(case.replaces)
        if limits.max_exposure is not None:
            case.exposure = view.exposure(case.request.symbol) - own
            if case.exposure + cost > limits.max_exposure:
                what = f"the exposure in {case.request.symbol} may become"
                return _above("MAX_EXPOSURE", what, case.exposure + cost, limits.max_exposure)
        if limits.max_gross is None and limits.max_leverage is None:
            return None
        case.gross = view.gross() - own
        if limits.max_gross is not None and case.gross + cost > limits.max_gross:
            return _above("MAX_GROSS", "the exposure in all symbols may become", case.gross + cost, limits.max_gross)
        if limits.max_leverage is not None:
            case.equity = view.equity()
            if case.equity is None:
                what = "a position has no price, so what the account is worth is not known"
                return Refusal(code="NO_PRICE", message=what)
            bound = case.equity * limits.max_leverage
            if case.gross + cost > bound:
                return _above("MAX_LEVERAGE", "the exposure in all symbols may become", case.gross + cost, bound)
        return None

    def _collar(self, case: _Case, group: str | None) -> Refusal | None:
        """The market's price is fresh, and a limit is not much worse than it."""
        request, mark, limits = case.request, case.mark, self.limits
        if limits.quote_age is not None:
            case.marked = case.view.marked(request.symbol)
            age = None if case.marked is None else case.now - case.marked
            if age is None or age > limits.quote_age:
                what = f"the price of {request.symbol} is {'not known' if age is None else f'{spelled(age)} old'}"
                what += f", {spelled(limits.quote_age)} is allowed"
                return Refusal(
                    code="STALE_QUOTE",
                    message=what,
                    value=None if age is None else str(age),
                    bound=str(limits.quote_age),
                )
        limit = request.limit_price
        if limit is None or mark is None or not limits.collar:
            return None
        buying = request.side is Side.BUY
        if request.stop_price is not None:  # it is a limit order from its stop on
            mark = max(mark, request.stop_price) if buying else min(mark, request.stop_price)
        bound = mark * (1 + limits.collar) if buying else mark * (1 - limits.collar)
        if limit <= bound if buying else limit >= bound:
            return None
        what = f"a limit of {limit} is more than {limits.collar:%} worse than the market's {mark}"
        return Refusal(code="PRICE_COLLAR", message=what, value=plain(limit), bound=plain(bound), nearest=plain(bound))

    def _rate(self, case: _Case, group: str | None) -> Refusal | None:
        limits = self.limits
        assert limits.max_orders is not None  # as above
        if case.replaces is not None:
            return None
        case.orders = case.view.orders_since(case.now - limits.per)
        if case.orders < limits.max_orders:
            return None
        what = f"{case.orders} orders were sent within {spelled(limits.per)}, {limits.max_orders} may be"
        return Refusal(code="ORDER_RATE", message=what, value=str(case.orders), bound=str(limits.max_orders))

    def _day_trades(self, case: _Case, group: str | None) -> Refusal | None:
        rule = self.limits.day_trades
        assert rule is not None  # as above
        case.day_trades, case.equity = case.view.day_trades(rule.days), case.view.equity()
        if case.day_trades < rule.most or (case.equity is not None and case.equity >= rule.equity):
            return None
        what = f"{case.day_trades} day trades in {rule.days} session days, {rule.most} may be made below {rule.equity}"
        return Refusal(code="DAY_TRADES", message=what, value=str(case.day_trades), bound=str(rule.most))


_Check = Callable[[RiskGate, _Case, str | None], Refusal | None]
_EXIT: tuple[_Check, ...] = (RiskGate._id, RiskGate._free, RiskGate._rules)
_ENTRY: tuple[_Check, ...] = (
    RiskGate._state,
    RiskGate._locks,
    RiskGate._protections,
    RiskGate._id,
    RiskGate._flags,
    RiskGate._rules,
    RiskGate._money,
    RiskGate._size,
    RiskGate._collar,
    RiskGate._rate,
    RiskGate._day_trades,
)


def _worst_price(request: OrderRequest, mark: Decimal | None, allowance: Decimal) -> Decimal | None:
    """Quote units per base unit; None: there is nothing to go by."""
    if request.limit_price is not None:
        if request.side is Side.BUY or mark is None:
            return request.limit_price
        return max(request.limit_price, mark)
    if request.stop_price is not None:
        return request.stop_price * (1 + allowance)
    if mark is None:
        return None
    if request.type is OrderType.TRAILING_STOP:
        trail = request.trail_price or mark * (request.trail_percent or ZERO) / 100
        return (mark + trail) * (1 + allowance)
    return mark * (1 + allowance)


def _amount(money: Decimal) -> str:
    return f"{money:.2f}" if money.adjusted() < 40 else str(money)


def _above(code: str, what: str, value: Decimal, bound: Decimal) -> Refusal:
    message = f"{what} {_amount(value)}, {_amount(bound)} is the limit"
    return Refusal(code=code, message=message, value=plain(value), bound=plain(bound))
