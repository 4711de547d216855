"""The list of executions: both names, the newest, and what they add up to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from bridge.venue.accounts import Holding
from bridge.venue.frictions import Terms


def last(desk):
    return list(desk.core.executions)[-1]


def test_an_execution_has_both_names(desk):
    """It is found by the id of the stream and by that of the activity, which differ."""
    desk.place()
    desk.later()
    told = desk.core.frames()[-1].data
    (activity,) = desk.get("/v2/account/activities/FILL")
    execution = last(desk)

    assert told["execution_id"] != activity["id"]
    assert execution is desk.core.executions.find(told["execution_id"])
    assert execution is desk.core.executions.find(activity["id"])
    assert desk.core.executions.find("another") is None


def test_what_an_execution_says(desk):
    """Quantity, price, the position as it was told, and which assumption made it."""
    desk.buy("AAPL", 3)
    desk.place("AAPL", 2, side="sell")
    desk.later()
    execution = last(desk)

    assert ("-2", "190", "1") == (str(execution.signed), str(execution.price), str(execution.position))
    assert ("market", "executed", Decimal(0)) == (execution.assumption, execution.state, execution.fee)


def test_a_fee_in_the_coin_counts_at_its_own_price(desk):
    """What is taken of a coin that was bought is a fee in quote units."""
    desk.buy("BTC/USD", "0.1", time_in_force="gtc")
    execution = last(desk)

    assert execution.charge.coin > 0
    assert desk.account.fees == execution.fee == execution.charge.coin * execution.price


def test_the_newest(desk):
    """Of all, of an account, of a symbol with or without its slash; those that were busted do not count."""
    executions = desk.core.executions
    assert executions.newest() is None
    desk.buy("BTC/USD", "0.1", time_in_force="gtc")
    desk.buy("AAPL")
    coin, share = executions

    assert executions.newest() is executions.newest(desk.account.id) is executions.newest(symbol="AAPL") is share
    assert executions.newest(symbol="BTCUSD") is executions.newest(symbol="BTC/USD") is coin
    assert executions.newest("another") is executions.newest(symbol="MSFT") is None
    desk.core.bust(share.ids[0], desk.now)
    assert executions.newest() is coin


@pytest.mark.parametrize("seed", range(5))
def test_they_add_up_to_the_books(new_desk, seed):
    """Over days of buying and selling, shares and coins, the fold of the executions is what the account holds."""
    chance = Random(seed)
    desk = new_desk(start=datetime(2024, 1, 2, 15, tzinfo=UTC), terms=Terms(partials=0.4), seed=seed)
    exchange = desk.core._exchange
    for step in range(60):
        symbol = chance.choice(["AAPL", "BTC/USD"])
        price = Decimal(chance.randint(150, 210)) if symbol == "AAPL" else Decimal(chance.randint(30_000, 50_000))
        desk.price(symbol, str(price))
        qty = chance.randint(1, 9) if symbol == "AAPL" else f"0.{chance.randint(1, 9)}"
        lasting = "day" if symbol == "AAPL" else "gtc"
        desk.refused(symbol, qty, side=chance.choice(["buy", "sell"]), time_in_force=lasting)
        desk.later(chance.choice([1, 60, 7200]) if step % 10 else timedelta(days=1).total_seconds())
    desk.later(3600)
    earned = Decimal(0)
    for symbol in ("AAPL", "BTC/USD"):
        asset = desk.core.assets.find(symbol)
        holding, part = desk.core.executions.folded(desk.account.id, asset, exchange.yesterday(asset))
        earned += part

        assert desk.account.holdings.get(symbol, Holding(asset=asset)) == holding
    assert 10 < len(list(desk.core.executions))
    assert desk.account.earned == earned
