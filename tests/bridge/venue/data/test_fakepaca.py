"""The symbol of the test feed."""

from __future__ import annotations

import pytest

from bridge.venue.data.fakepaca import fakepaca

NOON = 1_704_283_200


def test_every_second_has_a_trade_and_a_quote():
    """At that second, on the market of the test feed, the price between bid and ask."""
    quote, trade = fakepaca(0, NOON + 7)

    assert [("q", "FAKEPACA", "test"), ("t", "FAKEPACA", "test")] == [
        (each.kind, each.symbol, each.market) for each in (quote, trade)
    ]
    assert (NOON + 7) * 10**9 == quote.at == trade.at
    assert quote.row["bp"] < trade.row["p"] < quote.row["ap"]


def test_every_minute_has_a_bar():
    """Of the sixty trades before it, told when it is over."""
    *_, bar = fakepaca(0, NOON + 60)
    prices = [fakepaca(0, second)[1].row["p"] for second in range(NOON, NOON + 60)]

    assert ("b", NOON * 10**9) == (bar.kind, bar.at)
    assert (prices[0], max(prices), min(prices), prices[-1], 60) == tuple(bar.row[name] for name in "ohlcn")
    assert min(prices) <= bar.row["vw"] <= max(prices)


@pytest.mark.parametrize("second", [NOON, NOON + 1])
def test_a_second_is_the_same_for_all(second):
    """It depends on seed and moment alone."""
    assert fakepaca(1, second) == fakepaca(1, second)
    assert fakepaca(1, second) != fakepaca(2, second)
