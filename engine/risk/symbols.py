"""
What a venue demands of orders in a symbol, and since when.

Properties are data: a rule that the venue does not have is None, and nothing is assumed of a symbol that is not in the
table. How an order is made to fit is `engine.risk.solving`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from attrs import evolve, field, frozen

from engine.errors import InvalidRequest
from engine.model import (
    OrderType,
    TimeInForce,
    require_aware,
    require_member,
    require_not_negative,
    require_positive,
    require_text,
)
from engine.risk.grid import Tick, check_ticks, off_grid

__all__ = ["ALPACA_CRYPTO", "PRESETS", "US_EQUITY", "US_FRACTIONS", "Fractions", "PriceBand", "SymbolProperties"]
__all__ += ["SymbolTable"]

_ONE = Decimal(1)


@frozen(kw_only=True)
class PriceBand:
    """
    How far a limit price may be from the market: low × reference <= price <= high × reference.

    Attributes:
        low, high: Ratios, 1 = the reference itself.
    """

    low: Decimal
    high: Decimal

    def __attrs_post_init__(self) -> None:
        require_not_negative("low", self.low)
        require_positive("high", self.high)
        if self.high < self.low:
            raise InvalidRequest("high", self.high, f"at least low, {self.low}")


@frozen(kw_only=True)
class Fractions:
    """
    What an order may be whose quantity is no multiple of the symbol's lot: one of these types and times in force, on
    its own (neither with exits nor of an OCO pair), and no short sale. Any other order takes whole lots.

    Attributes:
        lot: Quantities of such orders are multiples of it, base units.
        min_notional: Least price × quantity × multiplier, quote units; None: any.
    """

    lot: Decimal
    order_types: frozenset[OrderType]
    times_in_force: frozenset[TimeInForce]
    min_notional: Decimal | None = None

    def __attrs_post_init__(self) -> None:
        require_positive("lot", self.lot)
        _require_members("order_types", self.order_types, OrderType)
        _require_members("times_in_force", self.times_in_force, TimeInForce)
        if self.min_notional is not None:
            require_positive("min_notional", self.min_notional)


@frozen(kw_only=True)
class SymbolProperties:
    """
    The rules of one symbol at one venue from one moment on. None: no such rule.

    Notional is price × quantity × multiplier, quote units. An order without a price of its own is measured at the
    reference price, which is the caller's.

    Attributes:
        symbol: As requests spell it.
        ticks: Bands of the price grid, rising from 0; none: any price. Limit and stop prices alike.
        lot: Quantities are multiples of it, base units.
        min_quantity, max_quantity: Bounds of the quantity, base units, both included.
        market_lot, market_min_quantity, market_max_quantity: Instead of those for market orders; None: the same.
        fractions: Quantities between two lots are taken in some orders; None: in none.
        odd_lots: An order that closes the exact holding may be off the lot and below the least quantity and notional.
        min_notional, max_notional: Bounds of the notional, both included.
        market_notional: Whether these and that of fractions hold for market orders and trailing stops too.
        multiplier: Money that one unit of price is worth per base unit; 1 but for contracts.
        min_stop_distance: How far the stop of exits has to be beyond its entry's limit, or its pair's, and beyond the
            market, quote units; a stop order that opens has to be beyond the market at all. None: any stop is taken.
        buy_band, sell_band: Where limit prices may be.
        max_open_orders: Orders that may be open in the symbol, this one included.
        max_position: Largest position that an order may lead to, base units without sign.
        tradable: Listed and open for orders; False: nothing can be opened.
        halted: Trading is interrupted; True: nothing can be opened.
        shortable, easy_to_borrow: Both have to hold for a sell order that opens.
        marginable: Counts as collateral; for those who work out buying power.
        extended_hours: Traded outside of the regular session; for those who ask for it.
        order_types, times_in_force: What the venue takes; None: all.
        since: When this version begins to hold, aware; None: always.
        source: Where it is from, for people.
    """

    symbol: str
    ticks: tuple[Tick, ...]
    lot: Decimal
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    market_lot: Decimal | None = None
    market_min_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    fractions: Fractions | None = None
    odd_lots: bool = True
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    market_notional: bool = True
    multiplier: Decimal = _ONE
    min_stop_distance: Decimal | None = None
    buy_band: PriceBand | None = None
    sell_band: PriceBand | None = None
    max_open_orders: int | None = None
    max_position: Decimal | None = None
    tradable: bool = True
    halted: bool = False
    shortable: bool = False
    easy_to_borrow: bool = True
    marginable: bool = False
    extended_hours: bool = False
    order_types: frozenset[OrderType] | None = None
    times_in_force: frozenset[TimeInForce] | None = None
    since: datetime | None = None
    source: str = ""

    def __attrs_post_init__(self) -> None:
        require_text("symbol", self.symbol)
        check_ticks(self.ticks)
        require_positive("lot", self.lot)
        require_positive("multiplier", self.multiplier)
        for name in _POSITIVE:
            if getattr(self, name) is not None:
                require_positive(name, getattr(self, name))
        if self.min_stop_distance is not None:
            require_not_negative("min_stop_distance", self.min_stop_distance)
        for low, high in _BOUNDS:
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and most < least:
                raise InvalidRequest(high, most, f"at least {low}, {least}")
        if self.fractions is not None and off_grid(self.lot, self.fractions.lot):
            raise InvalidRequest("fractions.lot", self.fractions.lot, f"a part of the lot, {self.lot}")
        if self.max_open_orders is not None and self.max_open_orders < 1:
            raise InvalidRequest("max_open_orders", self.max_open_orders, "1 or more")
        if self.order_types is not None:
            _require_members("order_types", self.order_types, OrderType)
        if self.times_in_force is not None:
            _require_members("times_in_force", self.times_in_force, TimeInForce)
        if self.since is not None:
            require_aware("since", self.since)

    @property
    def fractionable(self) -> bool:
        """Whether a quantity may be no whole number."""
        return self.fractions is not None or off_grid(self.lot, _ONE)


_POSITIVE = (
    "min_quantity",
    "max_quantity",
    "market_lot",
    "market_min_quantity",
    "market_max_quantity",
    "min_notional",
    "max_notional",
    "max_position",
)
_BOUNDS = (
    ("min_quantity", "max_quantity"),
    ("market_min_quantity", "market_max_quantity"),
    ("min_notional", "max_notional"),
)


def _require_members(name: str, values: object, kind: type[OrderType] | type[TimeInForce]) -> None:
    if not isinstance(values, frozenset) or not values:
        raise InvalidRequest(name, values, f"a frozenset of {kind.__name__} that is not empty")
    for value in values:
        require_member(name, value, kind)


class SymbolTable:
    """
    Properties by symbol, each version from its moment on.

    Raises:
        InvalidRequest: Two versions of a symbol begin at the same moment.
    """

    __slots__ = ("_dated", "_single")

    def __init__(self, properties: Iterable[SymbolProperties] = ()) -> None:
        versions: dict[str, list[SymbolProperties]] = {}
        for each in properties:
            versions.setdefault(each.symbol, []).append(each)
        self._single: dict[str, SymbolProperties] = {}
        self._dated: dict[str, _Versions] = {}
        for symbol, known in versions.items():
            if len(known) == 1 and known[0].since is None:
                self._single[symbol] = known[0]
            else:
                self._dated[symbol] = _Versions.of(known)

    def at(self, symbol: str, moment: datetime) -> SymbolProperties | None:
        """What holds for the symbol at that moment, aware; None: nobody knows, so nothing may be assumed."""
        single = self._single.get(symbol)
        if single is not None:
            return single
        dated = self._dated.get(symbol)
        return None if dated is None else dated.at(moment)

    def merged(self, other: SymbolTable) -> SymbolTable:
        """Both tables as one; a symbol that both know is as the other has it, with none of the versions of this one."""
        mine = [each for each in self if each.symbol not in other]
        return SymbolTable([*mine, *other])

    def __iter__(self) -> Iterator[SymbolProperties]:
        yield from self._single.values()
        for dated in self._dated.values():
            yield from dated.versions

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._single or symbol in self._dated

    def __len__(self) -> int:
        """How many symbols it knows."""
        return len(self._single) + len(self._dated)


@frozen
class _Versions:
    """
    Attributes:
        always: What holds before the first date; None: nothing.
        starts: When each dated version begins, rising.
        versions: All of them, oldest first.
    """

    always: SymbolProperties | None
    starts: list[datetime]
    dated: list[SymbolProperties]
    versions: list[SymbolProperties] = field(init=False)

    def __attrs_post_init__(self) -> None:
        first = [] if self.always is None else [self.always]
        object.__setattr__(self, "versions", first + self.dated)

    @classmethod
    def of(cls, known: list[SymbolProperties]) -> _Versions:
        always = [each for each in known if each.since is None]
        dated = sorted(((each.since, each) for each in known if each.since is not None), key=lambda version: version[0])
        starts = [start for start, _ in dated]
        if len(always) > 1 or len(set(starts)) < len(starts):
            raise InvalidRequest("since", known[0].symbol, "another moment for each version of a symbol")
        return cls(always[0] if always else None, starts, [each for _, each in dated])

    def at(self, moment: datetime) -> SymbolProperties | None:
        if moment >= self.starts[-1]:
            return self.dated[-1]
        index = bisect_right(self.starts, moment)
        return self.dated[index - 1] if index else self.always


# --- presets ----------------------------------------------------------------------------------------------------------

US_FRACTIONS = Fractions(
    lot=Decimal("1E-9"),
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}),
    times_in_force=frozenset({TimeInForce.DAY}),
    min_notional=Decimal(1),
)
"""Fractions of shares as Alpaca takes them."""

US_EQUITY = SymbolProperties(
    symbol="us-equity",
    ticks=(Tick(size=Decimal("0.0001")), Tick(start=Decimal("1.00"), size=Decimal("0.01"))),
    lot=Decimal(1),
    min_stop_distance=Decimal("0.01"),
    shortable=True,
    marginable=True,
    extended_hours=True,
    source="preset us-equity",
)
"""A share of the US exchanges, in whole shares."""

ALPACA_CRYPTO = SymbolProperties(
    symbol="alpaca-crypto",
    ticks=(Tick(size=Decimal("1E-9")),),
    lot=Decimal("1E-9"),
    min_notional=Decimal(10),
    max_notional=Decimal(200_000),
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LIMIT}),
    times_in_force=frozenset({TimeInForce.GTC, TimeInForce.IOC}),
    source="preset alpaca-crypto",
)
"""A pair of Alpaca's in USD, with the finest grid; a pair's own is in its asset."""

PRESETS: Mapping[str, SymbolProperties] = MappingProxyType(
    {
        "us-equity": US_EQUITY,
        "us-equity-fractional": evolve(
            US_EQUITY, symbol="us-equity-fractional", fractions=US_FRACTIONS, source="preset us-equity-fractional"
        ),
        "alpaca-crypto": ALPACA_CRYPTO,
    }
)
"""To be evolved with a symbol; a preset is never in a table by itself."""
