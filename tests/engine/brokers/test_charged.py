"""Fees that the venue does not tell."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve

from engine.brokers.charged import Charged
from engine.facts import ExecutionReported
from engine.market.fees import AlpacaCrypto, BasisPoints, NoFees
from engine.model import Execution, OrderRequest, Side, VenuePosition

D = Decimal
AT = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
COIN = "BTC/USD"


class Teller:
    """A broker that tells executions, positions and cash as they are given to it."""

    def __init__(self):
        self.told = []
        self.cash = D(100_000)
        self.held = D(0)
        self.asked = 0

    def submit(self, request):
        return request

    def executions(self, since=None):
        return list(self.told)

    def positions(self):
        self.asked += 1
        return {COIN: VenuePosition(symbol=COIN, quantity=self.held, average_price=D(1))} if self.held else {}

    def ask_cash(self):
        self.asked += 1
        return self.cash

    def trade(self, side, quantity, price, *, coin="0", money="0"):
        quantity, price = D(quantity), D(price)
        self.held += side.signed(quantity) - D(coin)
        self.cash -= side.signed(quantity) * price + D(money)
        number = len(self.told) + 1
        done = Execution(id=f"x{number}", cumulative=quantity, quantity=quantity, price=price, at=AT)
        self.told.append(ExecutionReported(at=AT, broker_order_id=f"o{number}", symbol=COIN, side=side, execution=done))


@pytest.fixture
def teller():
    return Teller()


def charged(teller, fees):
    """A broker that has sent an order."""
    broker = Charged(teller, fees, teller.ask_cash)
    broker.submit(OrderRequest.market(COIN, Side.BUY, D(1)))
    return broker


def fees_of(broker):
    return [(report.execution.fee, report.execution.fee_quantity) for report in broker.executions()]


@pytest.mark.parametrize(("coin", "expected"), [("0.0025", D("0.0025")), ("0.0015", D("0.0015"))])
def test_a_fee_in_the_coin_is_what_is_not_there(teller, coin, expected):
    """Of two rates the one holds by which the position is smaller than what was bought."""
    broker = charged(teller, AlpacaCrypto())
    teller.trade(Side.BUY, 1, 40_000, coin=coin)

    assert [(D(0), expected)] == fees_of(broker)


@pytest.mark.parametrize(("money", "expected"), [("100", D(100)), ("60", D(60))])
def test_a_fee_in_money_is_what_the_account_lacks(teller, money, expected):
    """Of two rates the one holds by which the account has less than was received."""
    teller.held = D(1)
    broker = charged(teller, AlpacaCrypto())
    teller.trade(Side.SELL, 1, 40_000, money=money)

    assert [(expected, D(0))] == fees_of(broker)


def test_one_rate_needs_no_account(teller):
    """Where both rates are the same nothing is asked."""
    broker = charged(teller, BasisPoints(D(10)))
    asked = teller.asked
    teller.trade(Side.BUY, 1, 40_000, money="40")

    assert [(D(40), D(0))] == fees_of(broker)
    assert asked == teller.asked


def test_what_was_charged_stays(teller):
    """An execution has the same fee however often it is told, and the account is asked once."""
    broker = charged(teller, AlpacaCrypto())
    teller.trade(Side.BUY, 1, 40_000, coin="0.0015")
    first, asked = fees_of(broker), teller.asked
    teller.held = D(0)

    assert first == fees_of(broker)
    assert asked == teller.asked


def test_several_at_once_are_charged_the_higher_rate(teller):
    """What each of two executions was charged the account does not tell."""
    broker = charged(teller, AlpacaCrypto())
    teller.trade(Side.BUY, 1, 40_000, coin="0.0015")
    teller.trade(Side.BUY, 2, 40_000, coin="0.003")

    assert [(D(0), D("0.0025")), (D(0), D("0.0050"))] == fees_of(broker)


def test_without_fees_executions_are_as_told(teller):
    """A model that takes nothing leaves the reports as they are."""
    broker = charged(teller, NoFees())
    teller.trade(Side.BUY, 1, 40_000)

    assert teller.told == broker.executions()


def test_all_else_is_the_other_brokers(teller):
    """Commands and listings go through as they are."""
    calls = []

    class Other(Teller):
        def cancel(self, broker_order_id):
            calls.append(("cancel", broker_order_id))

        def replace(self, broker_order_id, change):
            calls.append(("replace", broker_order_id))

        def lookup(self, *, client_order_id=None, broker_order_id=None):
            calls.append(("lookup", client_order_id, broker_order_id))

        def orders(self, *, since=None, open_only=False):
            calls.append(("orders", since, open_only))
            return []

    other = Other()
    broker = charged(other, NoFees())
    broker.cancel("a")
    broker.replace("b", None)
    broker.lookup(client_order_id="c")
    broker.orders(open_only=True)
    other.held = D(3)

    expected = [("cancel", "a"), ("replace", "b"), ("lookup", "c", None), ("orders", None, True)]
    assert expected == calls
    assert evolve(broker.positions()[COIN], average_price=D(1)).quantity == 3
