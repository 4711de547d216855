"""What queries say, and how they are refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.venue.data.queries import Place, bad, currency, feed, named, page, pair, share, token, width
from bridge.venue.data.timeframes import TimeFrame
from bridge.venue.errors import Refused
from bridge.venue.spelling import NEW_YORK, instant, moment

NOW = datetime(2024, 1, 3, 2, 30, tzinfo=UTC)  # the evening of the second in New York


def refusal(look, *arguments, **more):
    with pytest.raises(Refused) as caught:
        look(*arguments, **more)
    return caught.value.failure.status, caught.value.failure.message


def span(where=UTC, **query):
    found = page(query, NOW, where)
    return instant(moment(found.low)), instant(moment(found.high))


def test_symbols_are_answered_in_order():
    """Each once, by the alphabet, blanks around them ignored."""
    assert ["AAPL", "BRK.B", "MSFT"] == named({"symbols": "MSFT, AAPL,,AAPL,BRK.B"}, crypto=False)
    assert ["BTC/USD", "ETH/USD"] == named({"symbols": "ETH/USD,BTC/USD"}, crypto=True)


@pytest.mark.parametrize("symbol", ["aapl", "TAOP:NASDAQ", "BTC/USD", "", "A B", "ÄPL", "A\n"])
def test_shares_are_spelt_in_capitals(symbol):
    """A pair is no share either."""
    assert (400, f"invalid symbol: {symbol}") == refusal(share, symbol)


@pytest.mark.parametrize("symbol", ["BTCUSD", "btc/usd", "/USD", "BTC/", "A/B/C"])
def test_coins_are_pairs(symbol):
    """Without the slash there is no coin."""
    assert (400, f"invalid symbol: {symbol} does not match ^[A-Z]+/[A-Z]+$") == refusal(pair, symbol)


def test_symbols_are_required():
    """None at all is refused, and so are commas."""
    assert [(400, "symbols is required")] * 2 == [
        refusal(named, query, crypto=True) for query in ({}, {"symbols": ","})
    ]


def test_a_listing_is_of_today():
    """From midnight of the market's own day until now, a thousand rows, forwards."""
    found = page({}, NOW, UTC)

    assert (1000, False, None) == (found.limit, found.backwards, found.after)
    assert ("2024-01-03T00:00:00Z", "2024-01-03T02:30:00Z") == span()
    assert ("2024-01-02T05:00:00Z", "2024-01-03T02:30:00Z") == span(NEW_YORK)


@pytest.mark.parametrize(
    ("start", "where", "low"),
    [
        ("2024-01-02", UTC, "2024-01-02T00:00:00Z"),
        ("2024-01-02", NEW_YORK, "2024-01-02T05:00:00Z"),
        ("2024-01-02T09:30:00-05:00", NEW_YORK, "2024-01-02T14:30:00Z"),
        ("2024-01-02T14:30:00Z", NEW_YORK, "2024-01-02T14:30:00Z"),
        ("2024-01-02T14:30:00.123456Z", UTC, "2024-01-02T14:30:00.123456Z"),
    ],
)
def test_moments_are_read(start, where, low):
    """A date alone is its midnight where the market is."""
    assert low == span(where, start=start)[0]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"limit": "10001"}, "invalid limit: larger than the allowed maximum of 10000"),
        ({"limit": "9" * 5000}, "invalid limit: larger than the allowed maximum of 10000"),
        ({"limit": "0"}, "invalid limit: smaller than the allowed minimum of 1"),
        ({"limit": "-1"}, "invalid limit: -1"),
        ({"limit": "ten"}, "invalid limit: ten"),
        ({"limit": "²"}, "invalid limit: ²"),
        ({"sort": "up"}, "invalid sort: up"),
        ({"start": "2024-01-04"}, "end should not be before start"),
        ({"end": "2024-01-02"}, "end should not be before start"),
        ({"start": "soon"}, "Invalid format for parameter start: expected RFC 3339 or YYYY-MM-DD, found soon"),
        ({"end": "2024-13-01"}, "Invalid format for parameter end: expected RFC 3339 or YYYY-MM-DD, found 2024-13-01"),
        *[({"page_token": text}, "invalid page_token") for text in ("x", "é", "QUFQTA==", "QUFQTHwxfHg=", "//8=", "A")],
    ],
)
def test_pages_that_make_no_sense(query, message):
    """Each is refused with what is wrong."""
    assert (400, message) == refusal(page, query, NOW, UTC)


def test_limits_are_read():
    """From one to ten thousand; zeros in front say nothing."""
    assert [1, 10_000, 7] == [page({"limit": text}, NOW, UTC).limit for text in ("1", "10000", "007")]


def test_a_token_says_how_far_it_got():
    """What is given to a client is understood when it comes back."""
    place = Place("BTC/USD", -5, 3)

    assert place == page({"page_token": token(place)}, NOW, UTC).after


def test_widths_have_no_default():
    """A request for bars says how wide."""
    assert TimeFrame(5, "Min") == width({"timeframe": "5T"})
    assert (400, "invalid timeframe: 5m") == refusal(width, {"timeframe": "5m"})
    assert (400, "timeframe is required") == refusal(width, {})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"feed": "nasdaq"}, "invalid feed: nasdaq"),
        ({"adjustment": "all,none"}, "invalid adjustment: none"),
        ({"asof": "today"}, "invalid asof: today"),
        ({"asof": "2024-02-31"}, "invalid asof: 2024-02-31"),
        ({"currency": "EUR"}, "invalid currency: EUR"),
    ],
)
def test_sources_that_are_not_there(query, message):
    """Feed, adjustment, date and currency are checked."""
    assert (400, message) == refusal(feed, query)


def test_sources_are_taken():
    """All that Alpaca has; prices are in dollars."""
    assert "iex" == feed({"feed": "iex", "adjustment": "split,spin-off", "asof": "-", "currency": "USD"})
    assert "" == feed({"asof": "2024-01-02"})
    assert ({}, {"currency": "USD"}) == (currency({}), currency({"currency": "USD"}))


def test_refusals_have_a_message_alone():
    """No code where Alpaca has none."""
    assert [{"message": "no"}, {"code": 1, "message": "no"}] == [
        bad("no").failure.body,
        bad("no", 403, 1).failure.body,
    ]
