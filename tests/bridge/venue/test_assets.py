"""What is on offer, and how it is found."""

from __future__ import annotations

from decimal import Decimal as D

import pytest

from bridge.venue.assets import ASSETS, Asset, Assets
from engine.errors import InvalidRequest

SHARE = {"name": "One", "exchange": "NYSE", "price": D(1)}


def test_every_temper_is_on_offer():
    """Ten shares and more, three coins, and one of each kind that is refused."""
    shares = [asset for asset in ASSETS if not asset.crypto]

    assert (13, 3) == (len(shares), len(ASSETS) - len(shares))
    assert ["DIME"] == [asset.symbol for asset in shares if asset.price < 1]
    assert ["HARD", "GONE"] == [asset.symbol for asset in shares if not asset.shortable]
    assert ["HALT"] == [asset.symbol for asset in shares if not asset.tradable]


def test_an_id_is_always_the_same():
    """It follows from the symbol, not from a seed."""
    assert Asset(symbol="ONE", **SHARE).id == Asset(symbol="ONE", **SHARE).id != Asset(symbol="TWO", **SHARE).id


def test_markets_can_begin_elsewhere():
    """Some prices are given, the others stay."""
    assets = Assets().at(AAPL=D(150), BTCUSD=D(90_000))

    assert [D(150), D(90_000), D(410)] == [assets.find(name).price for name in ("AAPL", "BTC/USD", "MSFT")]


def test_symbols_are_there_once():
    """Two assets of one name could not be told apart."""
    with pytest.raises(InvalidRequest):
        Assets([Asset(symbol="ONE", **SHARE), Asset(symbol="ONE", **SHARE)])


@pytest.mark.parametrize("more", [{"symbol": "BTC/USD"}, {"symbol": "BTC", "kind": "crypto"}])
def test_a_pair_is_a_coin(more):
    """And a coin is a pair."""
    with pytest.raises(InvalidRequest):
        Asset(**SHARE, **more)


def test_a_market_begins_at_a_price():
    """Of more than nothing."""
    with pytest.raises(InvalidRequest):
        Asset(symbol="ONE", **SHARE | {"price": D(0)})
