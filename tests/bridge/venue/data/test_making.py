"""What is made of a price alone, and of a bar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from bridge.venue.assets import ASSETS, Assets
from bridge.venue.data.making import Maker, counted, quoted
from engine.market.bars import Bar
from engine.market.ticks import Quote, TickBar, TradeTick

START = datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
SHARE, COIN = Assets().find("AAPL"), Assets().find("BTC/USD")


@pytest.mark.parametrize(
    ("price", "crypto", "bid", "ask"),
    [
        ("190", False, "189.98", "190.02"),
        ("12", False, "11.99", "12"),
        ("12.004", False, "11.99", "12.01"),
        ("0.42", False, "0.4199", "0.42"),
        ("60000", True, "59994", "60006"),
        ("0.12", True, "0.119988", "0.120012"),
    ],
)
def test_quotes_are_two_hundredths_of_a_percent_wide(price, crypto, bid, ask):
    """On the grid of the asset, a step at least, with the price between bid and ask."""
    assert (D(bid), D(ask)) == quoted(D(price), crypto=crypto)


@pytest.mark.parametrize("price", ["1E-30", "0.000000001", "0.0001", "0.99999", "1E+15", "1E+300", "1E+5000"])
@pytest.mark.parametrize("crypto", [False, True])
def test_quotes_of_odd_prices(price, crypto):
    """However small or large: there is a bid above nothing, and the price lies between the two."""
    bid, ask = quoted(D(price), crypto=crypto)

    assert 0 < bid <= D(price) <= ask


def test_sizes_are_chance_that_repeats():
    """The same seed and asset give the same sizes, another seed others, whatever other assets do."""
    made = [[Maker(SHARE, seed).around(D(190)) for _ in range(1)] for seed in (1, 1, 2)]
    maker, again = Maker(SHARE, 1), Maker(SHARE, 1)
    Maker(COIN, 1).around(D(60000))

    assert made[0] == made[1]
    assert [maker.around(D(190)) for _ in range(20)] == [again.around(D(190)) for _ in range(20)]
    assert [maker.around(D(190)) for _ in range(20)] != [Maker(SHARE, 2).around(D(190)) for _ in range(20)]


def test_sizes_are_small():
    """Shares by the hundred at most, coins for a few thousand dollars."""
    maker, coins = Maker(SHARE, 0), Maker(COIN, 0)
    shares = [maker.around(D(190)) for _ in range(200)]
    parts = [coins.around(D(60000)) for _ in range(200)]

    assert all(1 <= made.size <= 300 and made.size.is_integer() and made.bid_size % 100 == 0 for made in shares)
    assert all(20 / 60000 - 1e-9 <= made.size <= 2068 / 60000 for made in parts)


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.symbol)
def test_every_asset_has_a_market(asset):
    """Around the price at which it begins."""
    made = Maker(asset, 0).around(asset.price)

    assert made.bid <= float(asset.price) <= made.ask and min(made.size, made.bid_size, made.ask_size) > 0


def bar(volume, symbol="AAPL", price="100"):
    return Bar(symbol, START, START + timedelta(minutes=1), D(price), D("103"), D("99"), D("102"), D(volume))


def test_bars_are_counted():
    """Trades are a part of the volume, one at least; their average price lies in the bar."""
    assert [(13, 101), (1, 101), (0, 101)] == [counted(bar(volume), crypto=False) for volume in (1000, 1, 0)]
    assert (2, 101) == counted(bar(10, "BTC/USD"), crypto=True)


def test_bars_of_trades_are_counted_exactly():
    """Quotes among them do not count; volume weighs."""
    ticks = (TradeTick(START, D(10), D(1)), Quote(START, D(1), D(2), D(3), D(4)), TradeTick(START, D(20), D(3)))
    made = TickBar("AAPL", START, START, D(10), D(20), D(10), D(20), D(4), ticks)

    assert (2, 17.5) == counted(made, crypto=False)


def test_giant_bars_are_counted():
    """A volume that no float holds makes no infinite number of trades."""
    assert 10**9 == counted(bar("1E+400"), crypto=False)[0]
    assert 10**9 == counted(bar("1E+400", "BTC/USD"), crypto=True)[0]
