"""How much an order can trade: a part of the bar's volume, and behind those who stood at its price before it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.errors import InvalidRequest
from engine.market.liquidity import BarLiquidity, Depth
from engine.market.matching import WorkingOrder
from engine.model import OrderRequest, Side

D = Decimal
AT = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
TENTH = Depth(participation=D("0.1"))


def order(quantity=1000, symbol="AAPL"):
    request = OrderRequest.limit(symbol, Side.BUY, D(quantity), D(10))
    return WorkingOrder(order_id="1", request=request, added=AT, sequence=0, remaining=D(quantity))


def there(liquidity, order, assumption="open"):
    return liquidity(order.request.symbol, order, D(10), assumption)


def test_an_order_gets_its_part_of_the_bar():
    """What all orders of a symbol take comes out of one part of the bar's volume; the next bar has its own."""
    liquidity = BarLiquidity(TENTH)
    liquidity.begin("AAPL", D(2000))
    first = there(liquidity, order())
    liquidity.took("AAPL", first, buying=True)
    second = there(liquidity, order())
    liquidity.begin("AAPL", D(3000))

    assert (D(200), D(0), D(300)) == (first, second, there(liquidity, order()))


def test_symbols_have_their_own_volume():
    """What was taken of one leaves the others alone; one whose bar has not begun has nothing."""
    liquidity = BarLiquidity(TENTH)
    liquidity.begin("AAPL", D(2000))
    liquidity.begin("MSFT", D(1000))
    liquidity.took("AAPL", D(200), buying=False)

    assert (D(0), D(100), D(0)) == tuple(there(liquidity, order(symbol=name)) for name in ("AAPL", "MSFT", "SPY"))
    assert (D(1000), D(0)) == (liquidity.volume("MSFT", buying=True), liquidity.volume("SPY", buying=True))


def test_a_small_order_is_filled_whole():
    """An order that fits gets what it wants, to the last digit."""
    liquidity = BarLiquidity(TENTH)
    liquidity.begin("AAPL", D(1234))

    assert D("123.4") == there(liquidity, order("123.4"))


@pytest.mark.parametrize(
    ("symbol", "quantity", "volume", "filled"),
    [
        ("AAPL", "1000", "1234", "123"),
        ("AAPL", "1000.5", "1234", "123.4"),
        ("BTC/USD", "1000", "12.34567890123", "1.234567890"),
        ("AAPL", "1000", "5", "0"),
    ],
)
def test_parts_are_whole_shares(symbol, quantity, volume, filled):
    """A part of an order of whole shares is whole shares; of any other it has nine decimals; always rounded down."""
    liquidity = BarLiquidity(TENTH)
    liquidity.begin(symbol, D(volume))

    assert D(filled) == there(liquidity, order(quantity, symbol))


def test_without_limits_an_order_gets_all_it_wants():
    """No participation and no queue: the whole order, whatever the volume."""
    liquidity = BarLiquidity(Depth())
    liquidity.begin("AAPL", D(0))

    assert D(1000) == there(liquidity, order(), "touch")


# --- the queue --------------------------------------------------------------------------------------------------------


def touches(depth, *volumes, quantity=1000):
    """What an order could fill in each of the bars that touch its limit."""
    liquidity, waiting = BarLiquidity(depth), order(quantity)
    answers = []
    for volume in volumes:
        liquidity.begin("AAPL", D(volume))
        answers.append(there(liquidity, waiting, "touch"))
    return answers


@pytest.mark.parametrize(
    ("queue", "volumes", "expected"),
    [
        ("1", (500, 500), [0, 1000]),  # as much stood before it as the first bar trades
        ("2.5", (500, 500, 500), [0, 0, 1000]),
        ("1", (500, 200, 200, 200), [0, 1000, 1000, 1000]),
        ("2", (500, 200, 200, 200), [0, 0, 0, 1000]),
        ("0.5", (500,), [1000]),
        ("0", (500,), [1000]),
    ],
)
def test_a_touched_limit_waits_for_those_before_it(queue, volumes, expected):
    """The first touch tells what stands before it; it fills when the touching bars have traded as much."""
    assert [D(each) for each in expected] == touches(Depth(queue=D(queue)), *volumes)


def test_queue_and_participation_together():
    """Behind the queue the order gets its part of what the bar has left."""
    depth = Depth(participation=D("0.1"), queue=D("1.5"))

    assert [D(0), D(50), D(100)] == touches(depth, 1000, 1000, 1000)


def test_a_bar_serves_the_queue_once():
    """A path that comes by the limit twice in one bar does not trade its volume twice."""
    liquidity, waiting = BarLiquidity(Depth(queue=D(1))), order()
    liquidity.begin("AAPL", D(500))

    assert [D(0), D(0)] == [there(liquidity, waiting, "touch"), there(liquidity, waiting, "touch")]
    liquidity.begin("AAPL", D(500))
    assert D(1000) == there(liquidity, waiting, "touch")


@pytest.mark.parametrize("assumption", ["through", "open", "marketable", "stop", "market"])
def test_only_a_touch_queues(assumption):
    """Where the price goes through the limit, or the order takes, nobody stands before it."""
    liquidity = BarLiquidity(Depth(queue=D(5)))
    liquidity.begin("AAPL", D(500))

    assert D(1000) == there(liquidity, order(), assumption)


@pytest.mark.parametrize(
    ("name", "value"),
    [("participation", D(0)), ("participation", D("1.1")), ("participation", 0.1), ("queue", D(-1)), ("queue", 1)],
)
def test_depths_out_of_bounds_are_refused(name, value):
    """A participation is above nothing and at most all, a queue not negative."""
    with pytest.raises(InvalidRequest, match=name):
        Depth(**{name: value})
