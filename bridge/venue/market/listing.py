"""What a venue has to list so that a market can be played there, and the grids that its prices stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from attrs import evolve

from bridge.venue.assets import ASSETS, Asset, Assets
from engine.errors import InvalidRequest
from engine.model import require_positive

__all__ = ["assets_for", "decimals_of"]

_DIGITS = 5  # that a coin's price has, where that is more than cents
_MOST = 9


def assets_for(prices: Mapping[str, Decimal], *, known: Iterable[Asset] = ASSETS) -> Assets:
    """
    The assets of a venue at which these symbols are played.

    Args:
        prices: The first price of each symbol, quote units; `Market.prices` are such.
        known: Those that are listed in any case, at these prices where there are some.

    Returns:
        The known ones, and each symbol that is not among them: with a slash as a coin, otherwise as a share that can be
        bought in parts and sold short.

    Raises:
        InvalidRequest: A symbol without a name, or with that of another one but for the slash; a price of nothing.
    """
    found = {asset.symbol: asset for asset in known}
    listed = Assets(found.values())
    for symbol, price in prices.items():
        if not symbol.strip("/ "):
            raise InvalidRequest("symbol", symbol, "a name, e.g. AAPL or BTC/USD")
        if symbol != symbol.upper():
            raise InvalidRequest("symbol", symbol, f"capitals: {symbol.upper()}")
        require_positive(f"price of {symbol}", price)
        asset = listed.find(symbol) or _made(symbol, price)
        found[asset.symbol] = evolve(asset, price=price)
    return Assets(found.values())


def _made(symbol: str, price: Decimal) -> Asset:
    if "/" in symbol:
        return Asset(symbol=symbol, name=symbol, exchange="CRYPTO", price=price, kind="crypto", shortable=False)
    return Asset(symbol=symbol, name=symbol, exchange="NASDAQ", price=price)


def decimals_of(symbol: str, price: Decimal) -> int:
    """
    How many decimals prices in the neighbourhood of this one have.

    Shares: two from one dollar on, four below, as the rules of the exchanges say. Coins: so many that there are five
    digits, at least two and at most nine.
    """
    if "/" not in symbol:
        return 2 if price >= 1 else 4
    return min(_MOST, max(2, _DIGITS - 1 - price.adjusted()))
