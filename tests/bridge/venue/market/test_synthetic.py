"""Markets that are made up."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal as D
from decimal import localcontext
from hashlib import sha256
from itertools import islice, pairwise

import pytest

from bridge.venue.assets import ASSETS, Asset
from bridge.venue.market.listing import decimals_of
from bridge.venue.market.moves import Begun, Closed, Moved, digest_of
from bridge.venue.market.synthetic import Synthetic, SyntheticDay
from engine.calendar import Daily, FixedCalendar, Session
from engine.errors import ClockError, InvalidRequest
from engine.market.synthetic import synthetic_calendar, synthetic_day

START = datetime(2026, 3, 6, 20, 50, tzinfo=UTC)  # ten minutes before the exchanges close for a weekend
ACTIVE = sorted(asset.symbol for asset in ASSETS if asset.active)
EXCHANGE = FixedCalendar(
    Session(open=datetime(2026, 3, day, 14, 30, tzinfo=UTC), close=datetime(2026, 3, day, 21, tzinfo=UTC))
    for day in (6, 9)
)


def bars_of(market, minutes):
    """The bars that are complete within so many minutes."""
    found = []
    for move in market.moves():
        if move.at > START + timedelta(minutes=minutes):
            break
        if isinstance(move, Closed):
            found.append(move.bar)
    return found


def test_a_seed_gives_the_same_market_everywhere():
    """The moves of a seed never change, on no machine and no Python, whatever the decimal context."""
    with localcontext() as context:
        context.prec = 5
        text = "".join(f"{move}\n" for move in islice(Synthetic(7, START).moves(), 9000))

    assert "93deb6bc1c80c5c07215def6e34bb8686b04fa483bd14a386179ca237f8adef9" == sha256(text.encode()).hexdigest()


def test_seeds_differ():
    """Another seed, other prices."""
    assert bars_of(Synthetic(1, START), 5) != bars_of(Synthetic(2, START), 5)


def test_every_active_asset_has_a_market():
    """Minute after minute round the clock, each going on from where the last one ended."""
    bars = bars_of(Synthetic(1, START), 60)

    assert sorted(ACTIVE * 60) == sorted(bar.symbol for bar in bars)
    assert {timedelta(minutes=1)} == {bar.end - bar.start for bar in bars}
    for symbol in ACTIVE:
        own = [bar for bar in bars if bar.symbol == symbol]
        assert all((before.close, before.end) == (after.open, after.start) for before, after in pairwise(own))


def test_markets_begin_at_the_assets_prices():
    """The first price is the asset's own, and the first moment the one asked for."""
    market = Synthetic(1, START)
    first = {move.symbol: move.price for move in islice(market.moves(), 30) if isinstance(move, Moved)}

    assert {asset.symbol: asset.price for asset in ASSETS if asset.active} == first == market.prices
    assert START == market.first == next(market.moves()).at


def test_bars_are_sound():
    """Prices are on their grids within the extremes, which are not far away; something is traded each minute."""
    for bar in bars_of(Synthetic(3, START), 1440):
        begun = next(asset.price for asset in ASSETS if asset.symbol == bar.symbol)
        grid = D(1).scaleb(-decimals_of(bar.symbol, begun))
        prices = (bar.open, bar.high, bar.low, bar.close)

        assert begun / 2 <= bar.low <= min(bar.open, bar.close)
        assert max(bar.open, bar.close) <= bar.high <= begun * 2
        assert {0} == {price % grid for price in prices}
        assert {grid.as_tuple().exponent} == {price.as_tuple().exponent for price in prices}
        assert bar.volume > 0
        assert "/" in bar.symbol or bar.volume % 1 == 0


def test_prices_move():
    """Within a day each asset has many prices, and most go the same way as the market more often than not."""
    bars = bars_of(Synthetic(3, START), 1440)
    closes = {symbol: [bar.close for bar in bars if bar.symbol == symbol] for symbol in ACTIVE}
    moves = {symbol: [after - before for before, after in pairwise(prices)] for symbol, prices in closes.items()}
    products = [a * b for a, b in zip(moves["SPY"], moves["QQQ"], strict=True)]

    assert all(len(set(prices)) > 10 for prices in closes.values())
    assert sum(product > 0 for product in products) > 1.2 * sum(product < 0 for product in products)


def test_an_asset_does_not_depend_on_the_others():
    """Its bars are the same alone and in company."""
    alone = Synthetic(1, START, assets=[asset for asset in ASSETS if asset.symbol == "MSFT"])

    assert [bar for bar in bars_of(Synthetic(1, START), 30) if bar.symbol == "MSFT"] == bars_of(alone, 30)


def test_what_was_asked_for_does_not_change_what_comes():
    """Two who play the same market at another pace are told the same."""
    market = Synthetic(1, START)
    first = market.moves()
    head = list(islice(first, 500))
    list(islice(market.moves(), 100))

    assert head + list(islice(first, 500)) == list(islice(market.moves(), 1000))


def test_moves_are_in_order():
    """Of time, and of what belongs together: all begin, move, and are complete."""
    moves = list(islice(Synthetic(1, START).moves(), 15 * 6 * 20))

    assert all(before.at <= after.at for before, after in pairwise(moves))
    assert [Begun] * 15 + [Moved] * 60 + [Closed] * 15 == [type(move) for move in moves[:90]]


# --- hours ------------------------------------------------------------------------------------------------------------


def test_shares_pause_with_their_exchange():
    """They trade in the sessions of the calendar only, coins always."""
    market = Synthetic(1, START, calendar=EXCHANGE)
    monday = datetime(2026, 3, 9, 14, 30, tzinfo=UTC)
    bars = bars_of(market, (monday - START) // timedelta(minutes=1) + 5)
    shares = sorted({bar.start for bar in bars if bar.symbol == "AAPL"})
    coins = [bar for bar in bars if bar.symbol == "BTC/USD"]

    assert [START + timedelta(minutes=n) for n in range(10)] + [
        monday + timedelta(minutes=n) for n in range(5)
    ] == shares
    assert [START + timedelta(minutes=n) for n in range(len(coins))] == [bar.start for bar in coins]
    assert market.calendar is EXCHANGE


def test_shares_open_away_from_their_last_close():
    """By one percent at most, and coins go on as they do all day."""
    market = Synthetic(1, START, calendar=EXCHANGE)
    bars = bars_of(market, (datetime(2026, 3, 9, 14, 31, tzinfo=UTC) - START) // timedelta(minutes=1))
    for symbol in ACTIVE:
        before, after = [bar for bar in bars if bar.symbol == symbol][-2:]
        gap = abs(after.open / before.close - 1)

        assert gap == 0 if "/" in symbol else 0 < gap < D("0.0101") or symbol in ("F", "GM", "HARD")


def test_a_market_of_shares_begins_with_their_session():
    """Before it there is no move, so the first moment is the open, and the first prices are the assets' own."""
    shares = [asset for asset in ASSETS if not asset.crypto]
    monday = datetime(2026, 3, 9, 14, 30, tzinfo=UTC)
    market = Synthetic(1, START + timedelta(hours=5), assets=shares, calendar=EXCHANGE)
    moves = islice(market.moves(), 30)

    assert monday == market.first
    assert {monday} == {move.at for move in moves if not isinstance(move, Moved) or move.jump}
    for start in (START - timedelta(hours=8), START + timedelta(hours=5)):
        market = Synthetic(1, start, calendar=EXCHANGE)
        opens = {}
        for move in islice(market.moves(), 100_000):
            if isinstance(move, Moved):
                opens.setdefault(move.symbol, move.price)
        assert market.prices == opens


def test_a_market_of_shares_ends_with_its_calendar():
    """After the last session nothing moves, and a market that would begin there is refused."""
    shares = [asset for asset in ASSETS if not asset.crypto]
    market = Synthetic(1, datetime(2026, 3, 9, 20, 58, tzinfo=UTC), assets=shares, calendar=EXCHANGE)

    assert datetime(2026, 3, 9, 21, tzinfo=UTC) == max(move.at for move in market.moves())
    with pytest.raises(InvalidRequest, match="start"):
        Synthetic(1, datetime(2026, 3, 9, 21, tzinfo=UTC), assets=shares, calendar=EXCHANGE)


# --- borders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("price", ["0.9999", "1.00", "1.01", "0.0001"])
def test_a_share_stays_on_its_side_of_one_dollar(price):
    """So that its grid is the same all along, and no price is nothing."""
    asset = Asset(symbol="EDGE", name="Edge", exchange="NYSE", price=D(price))
    bars = bars_of(Synthetic(1, START, assets=[asset]), 3000)

    assert {D(price) < 1} == {p < 1 for bar in bars for p in (bar.low, bar.high)}
    assert all(bar.low > 0 for bar in bars)


def test_a_start_is_a_whole_minute():
    """As all bars are; the error names the one before."""
    with pytest.raises(InvalidRequest, match="20:50:00"):
        Synthetic(1, START + timedelta(seconds=1))
    with pytest.raises(ClockError):
        Synthetic(1, START.replace(tzinfo=None))


def test_a_market_has_assets():
    """Without an active one nothing would ever move."""
    with pytest.raises(InvalidRequest, match="assets"):
        Synthetic(1, START, assets=[asset for asset in ASSETS if not asset.active])


def test_a_recipe_says_what_decides_the_moves():
    """Seed, start, assets with their prices, and hours."""
    markets = [
        Synthetic(1, START),
        Synthetic(2, START),
        Synthetic(1, START + timedelta(minutes=1)),
        Synthetic(1, START, assets=ASSETS[:3]),
        Synthetic(1, START, calendar=EXCHANGE),
    ]

    assert 5 == len({digest_of(market) for market in markets})
    assert digest_of(markets[0]) == digest_of(Synthetic(1, START))


# --- the synthetic day ------------------------------------------------------------------------------------------------


def test_the_synthetic_day_is_the_one_of_a_session():
    """Its bars are those that a session on paper plays without a file."""
    day = SyntheticDay(7)

    assert synthetic_day(7) == [move.bar for move in day.moves() if isinstance(move, Closed)]
    assert ["AAPL", "MSFT", "SPY"] == list(day.prices)
    assert synthetic_day(7)[0].open == day.prices["AAPL"]


def test_the_synthetic_day_is_a_session_of_its_calendar():
    """The same as that of a session on paper, and there is always another one."""
    day = SyntheticDay(7)
    session = synthetic_calendar().session_at(day.first)

    assert session == day.calendar.session_at(day.first)
    assert isinstance(day.calendar, Daily)
    assert (
        datetime(2024, 1, 8, 14, 30, tzinfo=UTC) == day.calendar.next_session(datetime(2024, 1, 5, 15, tzinfo=UTC)).open
    )
    assert digest_of(day) != digest_of(SyntheticDay(8))


# --- whatever the seed ------------------------------------------------------------------------------------------------


def test_whatever_the_seed_and_the_assets():
    """The same seed makes the same moves, in order of time, of sound bars on their grids."""
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    prices = st.decimals("0.0001", "100000", places=4)

    @hypothesis.given(
        seed=st.integers(),
        share=prices,
        coin=prices,
        minute=st.integers(0, 20_000),
        calendar=st.sampled_from([None, Daily(opens=time(9, 30), closes=time(16), days=range(5))]),
    )
    def check(seed, share, coin, minute, calendar):
        assets = [
            Asset(symbol="XYZ", name="Share", exchange="NYSE", price=share),
            Asset(symbol="XYZ/USD", name="Coin", exchange="CRYPTO", price=coin, kind="crypto"),
        ]
        start = START + timedelta(minutes=minute)
        markets = [Synthetic(seed, start, assets=each, calendar=calendar) for each in (assets, assets[::-1])]
        moves, again = (list(islice(market.moves(), 400)) for market in markets)
        bars = [move.bar for move in moves if isinstance(move, Closed)]

        assert moves == again
        assert start == moves[0].at
        assert all(before.at <= after.at for before, after in pairwise(moves))
        assert all(0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
        for bar in bars:
            grid = D(1).scaleb(-decimals_of(bar.symbol, markets[0].prices[bar.symbol]))
            assert {0} == {price % grid for price in (bar.open, bar.high, bar.low, bar.close)}

    check()
