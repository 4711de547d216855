"""The bot against a venue of its own: real HTTP, and prices that the test moves."""

import pytest
from alpaca.data.historical import StockHistoricalDataClient
from dip_bot import DipBot

pytestmark = pytest.mark.paper_venue(prices={"AAPL": 200}, cash=10_000)


@pytest.fixture
def bot(paper_venue):
    """The bot as it is, with clients that are pointed at the venue."""
    data = StockHistoricalDataClient(paper_venue.key, paper_venue.secret, url_override=paper_venue.url)
    return DipBot(paper_venue.client(), data, pause=0.01)


def test_it_waits_for_a_fall(paper_venue, bot):
    """Two percent are not there yet."""
    bot.look()
    paper_venue.price("AAPL", 196.5)
    bot.look()

    assert [] == paper_venue.client().get_orders()


def test_it_sells_with_a_gain(paper_venue, bot):
    """It buys the fall, and sells when the price has come back."""
    for price in (200, 195, 198):
        paper_venue.price("AAPL", price)
        bot.look()

    assert [] == paper_venue.client().get_all_positions()
    assert "10030" == paper_venue.client().get_account().cash


def test_it_limits_its_loss(paper_venue, bot):
    """It buys the fall, and gives up when it goes on."""
    for price in (200, 195, 189):
        paper_venue.price("AAPL", price)
        bot.look()

    assert [] == paper_venue.client().get_all_positions()
    assert "9940" == paper_venue.client().get_account().cash


@pytest.mark.paper_venue(prices={"AAPL": 200}, latency=0.2)
def test_it_waits_for_its_order(paper_venue, bot):
    """Orders that take a fifth of a second are polled until they are done."""
    bot.look()
    paper_venue.price("AAPL", 195)
    bot.look()

    assert 195 == bot.paid
    assert "10" == paper_venue.client().get_open_position("AAPL").qty
