"""
Tables of symbols from where they are written down: a file of one's own, or Alpaca's list of assets.

Neither fills in a rule that is not there: a file says of which preset it wants the rest, and an asset of a class that
is not known here is left out, so its orders are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from attrs import NOTHING, evolve, fields, frozen

from engine.config import convert, read_toml
from engine.errors import InvalidInput, InvalidRequest
from engine.model import OrderType, TimeInForce
from engine.risk.grid import Tick
from engine.risk.symbols import (
    ALPACA_CRYPTO,
    PRESETS,
    US_EQUITY,
    US_FRACTIONS,
    Fractions,
    PriceBand,
    SymbolProperties,
    SymbolTable,
)

__all__ = ["from_alpaca", "from_file"]

_KINDS = {"us_equity": US_EQUITY, "crypto": ALPACA_CRYPTO}


# --- a file -----------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class _File:
    symbols: list[dict[str, object]]


@frozen(kw_only=True)
class _Entry:
    """A table of the file; None: it does not say."""

    symbol: str
    like: str | None = None
    since: date | None = None
    ticks: tuple[Tick, ...] | None = None
    lot: Decimal | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    market_lot: Decimal | None = None
    market_min_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    fractions: Fractions | None = None
    odd_lots: bool | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    market_notional: bool | None = None
    multiplier: Decimal | None = None
    min_stop_distance: Decimal | None = None
    buy_band: PriceBand | None = None
    sell_band: PriceBand | None = None
    max_open_orders: int | None = None
    max_position: Decimal | None = None
    tradable: bool | None = None
    halted: bool | None = None
    shortable: bool | None = None
    easy_to_borrow: bool | None = None
    marginable: bool | None = None
    extended_hours: bool | None = None
    order_types: frozenset[OrderType] | None = None
    times_in_force: frozenset[TimeInForce] | None = None
    source: str | None = None


def from_file(path: str | Path) -> SymbolTable:
    """
    The table of a TOML file: a ``[[symbols]]`` table for each version of each symbol.

    Raises:
        InvalidInput: The file cannot be read, or an entry of it is not right; names the file, the entry and the key.
    """
    file = convert(read_toml(path), _File, where=str(path))
    known: dict[tuple[str, datetime | None], str] = {}
    properties = []
    for index, table in enumerate(file.symbols):
        where = f"{path}: symbols[{index}]"
        each = _properties(convert(table, _Entry, where=where), where, str(path))
        first = known.setdefault((each.symbol, each.since), where)
        if first is not where:
            raise InvalidInput(f"{where}.since", table.get("since"), f"another day than {first}")
        properties.append(each)
    return SymbolTable(properties)


def _properties(entry: _Entry, where: str, source: str) -> SymbolProperties:
    given: dict[str, Any] = {
        attribute.name: getattr(entry, attribute.name)
        for attribute in fields(_Entry)
        if attribute.name not in ("like", "since") and getattr(entry, attribute.name) is not None
    }
    given.setdefault("source", source)
    if entry.since is not None:
        given["since"] = datetime.combine(entry.since, time(), UTC)
    try:
        if entry.like is not None:
            if entry.like not in PRESETS:
                raise InvalidInput(f"{where}.like", entry.like, f"one of {', '.join(map(repr, PRESETS))}")
            return evolve(PRESETS[entry.like], **given)
        for name in ("ticks", "lot"):
            if name not in given:
                raise InvalidInput(f"{where}.{name}", NOTHING, "it, or the name of a preset as `like`")
        return SymbolProperties(**given)
    except InvalidRequest as error:
        raise InvalidInput(f"{where}.{error.field}", error.value, error.expected) from error


# --- Alpaca -----------------------------------------------------------------------------------------------------------


def from_alpaca(
    assets: Iterable[Mapping[str, object]], since: datetime | None = None, *, source: str = "Alpaca's assets"
) -> SymbolTable:
    """
    The table of what ``GET /v2/assets`` answers: shares and pairs of coins; anything else is left out.

    An asset that is inactive or not tradable is kept, with ``tradable`` off, so that a position in it can be closed. A
    permission that an asset does not speak of is not given.

    Args:
        assets: Decoded payloads; numbers as texts.
        since: When the list was fetched, aware; None: it holds for all times.

    Raises:
        InvalidInput: An asset has no symbol or class, a number in it is none, or a symbol comes twice.
        ClockError: ``since`` is naive.
    """
    properties: dict[str, SymbolProperties] = {}
    for index, asset in enumerate(assets):
        kind, symbol = _text(asset, "class", index), _text(asset, "symbol", index)
        where = f"asset {symbol}"
        preset = _KINDS.get(kind)
        if preset is None:
            continue
        if symbol in properties:
            raise InvalidInput(where, "a second entry", "every symbol once")
        values: dict[str, Any] = {
            "symbol": symbol,
            "tradable": asset.get("tradable") is True and asset.get("status") == "active",
            "shortable": asset.get("shortable") is True,
            "easy_to_borrow": _easy_to_borrow(asset),
            "marginable": asset.get("marginable") is True,
            "since": since,
            "source": source,
        }
        if preset is US_EQUITY:
            values["fractions"] = US_FRACTIONS if asset.get("fractionable") is True else None
        else:
            values |= _pair(asset, symbol, where)
        properties[symbol] = evolve(preset, **values)
    return SymbolTable(properties.values())


def _pair(asset: Mapping[str, object], symbol: str, where: str) -> dict[str, Any]:
    """What a pair of coins has of its own; the bounds in USD are for pairs in USD."""
    values: dict[str, Any] = {}
    if (size := _number(asset, "price_increment", where)) is not None:
        values["ticks"] = (Tick(size=size),)
    if (lot := _number(asset, "min_trade_increment", where)) is not None:
        values["lot"] = lot
    values["min_quantity"] = _number(asset, "min_order_size", where)
    if not symbol.endswith("/USD"):
        values |= {"min_notional": None, "max_notional": None}
    return values


def _easy_to_borrow(asset: Mapping[str, object]) -> bool:
    """By the newer of the two fields that say it, where that is there."""
    status = asset.get("borrow_status")
    return asset.get("easy_to_borrow") is True if status is None else status == "easy_to_borrow"


def _text(asset: Mapping[str, object], key: str, index: int) -> str:
    value = asset.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"assets[{index}], {key!r}", value, "a text that is not empty")
    return value


def _number(asset: Mapping[str, object], key: str, where: str) -> Decimal | None:
    """A number > 0 that stands as a text; None: it is not there."""
    value = asset.get(key)
    if value is None:
        return None
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal(0)
        if number.is_finite() and number > 0:
            return number
    raise InvalidInput(f"{where}: {key}", value, 'a number > 0 as a text, e.g. "0.0001"')
