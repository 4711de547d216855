"""What a venue takes for a trade."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.market.fees import (
    ALPACA_CRYPTO_TIERS,
    US_EQUITY_RATES,
    AlpacaCrypto,
    BasisPoints,
    BySymbol,
    Charge,
    CryptoTier,
    NoFees,
    USEquityFees,
)
from engine.model import Side

D = Decimal
AT = datetime(2024, 1, 2, 15, tzinfo=UTC)


def charged(model, side, quantity, price, *, at=AT, maker=False, symbol="X"):
    return model.charge(symbol, side, D(quantity), D(price), at, maker)


def test_no_fees_are_nothing():
    """A venue without fees takes nothing."""
    assert Charge() == charged(NoFees(), Side.BUY, 10, 100)
    assert D(0) == NoFees().highest_rate


@pytest.mark.parametrize("side", list(Side))
def test_basis_points_are_a_part_of_the_cost(side):
    """The fee is the rate in hundredths of a percent of quantity times price, on both sides, and is not rounded."""
    model = BasisPoints(D("2.5"))

    assert Charge(D("0.007575750")) == charged(model, side, "0.3", "101.01")
    assert D("0.00025") == model.highest_rate


@pytest.mark.parametrize("rate", [D(-1), D("NaN"), D("Infinity"), D(10_000), 0.5, 3])
def test_a_rate_out_of_bounds_is_refused(rate):
    """A rate is a Decimal from nothing to below everything."""
    with pytest.raises(InvalidRequest, match="rate"):
        BasisPoints(rate)
    with pytest.raises(InvalidRequest, match="taker"):
        CryptoTier(D(0), D(0), rate)


# --- Alpaca, crypto ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volume", "maker", "taker"),
    [
        (0, 15, 25),
        ("99999.99", 15, 25),
        (100_000, 12, 22),
        (500_000, 10, 20),
        (1_000_000, 8, 18),
        (10_000_000, 5, 15),
        (25_000_000, 2, 13),
        (50_000_000, 2, 12),
        (10**9, 0, 10),
    ],
)
def test_the_tier_follows_the_volume_of_thirty_days(volume, maker, taker):
    """From each volume on its tier's rates hold, one for who rested and one for who came."""
    model = AlpacaCrypto(volume=D(volume))

    assert Charge(D(maker)) == charged(model, Side.SELL, 100, 100, maker=True)
    assert Charge(D(taker)) == charged(model, Side.SELL, 100, 100)


def test_a_purchase_is_charged_in_the_coin():
    """Buying one coin in the first tier leaves 0.9975 of it, and costs no money on top."""
    assert Charge(coin=D("0.0025")) == charged(AlpacaCrypto(), Side.BUY, 1, 40_000)
    assert D(0) == AlpacaCrypto().highest_rate


def test_a_fee_in_the_coin_has_nine_decimals():
    """What is taken in the coin is rounded up to its ninth decimal, and is never more than what was bought."""
    assert Charge(coin=D("0.000250001")) == charged(AlpacaCrypto(), Side.BUY, "0.100000001", 40_000)
    assert Charge(coin=D("1e-10")) == charged(AlpacaCrypto(), Side.BUY, "1e-10", 40_000)


@pytest.mark.parametrize("tiers", [(), ALPACA_CRYPTO_TIERS[1:], ALPACA_CRYPTO_TIERS[::-1]])
def test_tiers_begin_at_nothing_and_rise(tiers):
    """A table that leaves a volume without its tier is refused."""
    with pytest.raises(InvalidRequest, match="tiers = .*: expected tiers of rising volume, the first from 0"):
        AlpacaCrypto(tiers=tiers)


@pytest.mark.parametrize("volume", [D(-1), D("NaN"), 5])
def test_a_volume_is_not_negative(volume):
    """The volume of thirty days is a Decimal from nothing up."""
    with pytest.raises(InvalidRequest, match="volume"):
        AlpacaCrypto(volume=volume)


# --- US equities ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "quantity", "price", "fee"),
    [
        ("2019-05-01", 1000, 100, "2.21 + 0.12"),  # before the first rates: those
        ("2024-01-02", 160, "185.40", "0.24 + 0.03"),  # 0.2373…, 0.0266
        ("2024-05-21T23:59:59", 1000, 100, "0.80 + 0.17"),
        ("2024-05-22", 1000, 100, "2.78 + 0.17"),
        ("2025-05-14", 1000, 100, "0 + 0.17"),
        ("2030-01-01", 1, 1, "0 + 0.01"),
        ("2024-01-02", 1_000_000, "0.10", "0.80 + 8.30"),  # FINRA takes no more of one trade
    ],
)
def test_sales_of_shares_pay_what_regulators_take(at, quantity, price, fee):
    """The SEC's part of the proceeds and FINRA's a share, each up to the next cent, at the rates of that day."""
    when = datetime.fromisoformat(at).replace(tzinfo=UTC)

    assert Charge(sum(map(D, fee.split(" + ")))) == charged(USEquityFees(), Side.SELL, quantity, price, at=when)


def test_purchases_of_shares_are_free():
    """Nothing is taken of what is bought."""
    assert Charge() == charged(USEquityFees(), Side.BUY, 1000, 100)
    assert D(0) == USEquityFees().highest_rate


@pytest.mark.parametrize("rates", [(), US_EQUITY_RATES[::-1], US_EQUITY_RATES[:1] * 2])
def test_rates_stand_by_date(rates):
    """Rates that are not in the order of their dates are refused."""
    with pytest.raises(InvalidRequest, match="rates = .*: expected rates of rising dates"):
        USEquityFees(rates=rates)


def test_pairs_and_shares_have_models_of_their_own():
    """What has a slash is charged by one model, all else by the other; the highest rate is that of both."""
    model = BySymbol(pairs=BasisPoints(D(10)), others=BasisPoints(D(20)))

    assert Charge(D(1)) == charged(model, Side.BUY, 10, 100, symbol="BTC/USD")
    assert Charge(D(2)) == charged(model, Side.BUY, 10, 100, symbol="AAPL")
    assert D("0.002") == model.highest_rate
