"""Assets for whatever is played."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from bridge.venue.assets import ASSETS
from bridge.venue.market.listing import assets_for, decimals_of
from engine.errors import InvalidRequest


def test_what_is_known_begins_at_the_first_price():
    """Also where a coin's symbol is spelled without its slash; the others stay as they are."""
    assets = assets_for({"AAPL": D(185), "BTCUSD": D(42_000)})

    assert [D(185), D(42_000), D(410)] == [assets.find(name).price for name in ("AAPL", "BTC/USD", "MSFT")]
    assert len(ASSETS) == len(list(assets))


def test_what_is_known_keeps_its_temper():
    """A share that cannot be sold short cannot be sold short at another price."""
    assert not assets_for({"HARD": D(7)}).find("HARD").shortable


def test_any_symbol_can_be_played():
    """A slash makes it a coin, none a share that can be bought in parts and sold short."""
    assets = assets_for({"NVDA": D(900), "SOL/USD": D(150)})
    share, coin = assets.find("NVDA"), assets.find("SOLUSD")

    assert ("us_equity", D(900), True, True, True) == (
        share.kind,
        share.price,
        share.json["tradable"],
        share.fractionable,
        share.shortable,
    )
    assert ("crypto", D(150), True, False) == (coin.kind, coin.price, coin.json["tradable"], coin.shortable)


def test_only_what_is_played():
    """Where nothing is known nothing else is listed."""
    assert ["NVDA"] == [asset.symbol for asset in assets_for({"NVDA": D(900)}, known=())]


@pytest.mark.parametrize(
    ("prices", "name"),
    [
        ({" ": D(1)}, "symbol"),
        ({"/": D(1)}, "symbol"),
        ({"NVDA": D(0)}, "price of NVDA"),
        ({"NVDA": 1.5}, "price of NVDA"),
        ({"btc/usd": D(1)}, "capitals: BTC/USD"),
        ({"SOL/USD": D(1), "SOLUSD": D(1)}, "assets"),
    ],
)
def test_what_cannot_be_listed(prices, name):
    """A symbol without a name or in small letters, a price of nothing, and two that orders could not tell apart."""
    with pytest.raises(InvalidRequest, match=name):
        assets_for(prices)


@pytest.mark.parametrize(
    ("symbol", "price", "decimals"),
    [
        ("AAPL", "190", 2),
        ("AAPL", "1", 2),
        ("DIME", "0.9999", 4),
        ("BTC/USD", "60000", 2),
        ("ETH/USD", "3000", 2),
        ("SOL/USD", "150", 2),
        ("XRP/USD", "2.5", 4),
        ("DOGE/USD", "0.12", 5),
        ("SHIB/USD", "0.00001", 9),
        ("DUST/USD", "0.0000000001", 9),
    ],
)
def test_grids(symbol, price, decimals):
    """Cents from one dollar on and hundredths of them below; of coins five digits."""
    assert decimals == decimals_of(symbol, D(price))
