"""Tables of symbols from a file, and from Alpaca's list of assets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import fields

from engine.errors import InvalidInput
from engine.model import OrderType, TimeInForce
from engine.risk.grid import Tick
from engine.risk.listings import _Entry, from_alpaca, from_file
from engine.risk.symbols import US_EQUITY, US_FRACTIONS, Fractions, PriceBand, SymbolProperties

D = Decimal
AT = datetime(2026, 10, 1, tzinfo=UTC)

SHARE = {
    "id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
    "class": "us_equity",
    "exchange": "NASDAQ",
    "symbol": "AAPL",
    "status": "active",
    "tradable": True,
    "marginable": True,
    "shortable": True,
    "easy_to_borrow": True,
    "fractionable": True,
    "maintenance_margin_requirement": 30,
}
COIN = {
    "class": "crypto",
    "exchange": "CRYPTO",
    "symbol": "BTC/USD",
    "status": "active",
    "tradable": True,
    "marginable": False,
    "shortable": False,
    "easy_to_borrow": False,
    "fractionable": True,
    "min_order_size": "0.0001",
    "min_trade_increment": "0.0001",
    "price_increment": "1",
}


@pytest.fixture
def read(tmp_path):
    """A function that writes a file and reads its table."""

    def write_and_read(text):
        path = tmp_path / "symbols.toml"
        path.write_text(text, encoding="utf-8")
        return from_file(path)

    return write_and_read


# --- a file -----------------------------------------------------------------------------------------------------------


def test_a_symbol_like_a_preset(read):
    """What the file says counts, and the preset for the rest."""
    found = read('[[symbols]]\nsymbol = "X"\nlike = "us-equity"\nlot = 10\nshortable = false\n').at("X", AT)

    assert (D(10), False, US_EQUITY.ticks, D("0.01")) == (
        found.lot,
        found.shortable,
        found.ticks,
        found.min_stop_distance,
    )
    assert ("X", None) == (found.symbol, found.since)
    assert found.source.endswith("symbols.toml")


def test_a_symbol_in_full(read):
    """Every rule can be written down, every digit of it is kept."""
    table = read(
        """
        [[symbols]]
        symbol = "X"
        since = "2024-01-02"
        source = "by hand"
        ticks = [{ size = 0.0001 }, { start = 1, size = "0.010" }]
        lot = 1
        fractions = { lot = 0.5, order_types = ["limit"], times_in_force = ["day", "gtc"] }
        buy_band = { low = 0.2, high = 1.2 }
        odd_lots = false
        max_open_orders = 7
        order_types = ["limit", "market"]
        times_in_force = ["gtc"]
        """
    )

    assert table.at("X", datetime(2024, 1, 1, 23, 59, tzinfo=UTC)) is None
    assert SymbolProperties(
        symbol="X",
        since=datetime(2024, 1, 2, tzinfo=UTC),
        source="by hand",
        ticks=(Tick(size=D("0.0001")), Tick(start=D(1), size=D("0.01"))),
        lot=D(1),
        fractions=Fractions(
            lot=D("0.5"),
            order_types=frozenset({OrderType.LIMIT}),
            times_in_force=frozenset({TimeInForce.DAY, TimeInForce.GTC}),
        ),
        buy_band=PriceBand(low=D("0.2"), high=D("1.2")),
        odd_lots=False,
        max_open_orders=7,
        order_types=frozenset({OrderType.LIMIT, OrderType.MARKET}),
        times_in_force=frozenset({TimeInForce.GTC}),
    ) == table.at("X", datetime(2024, 1, 2, tzinfo=UTC))


def test_dates_of_the_file(read):
    """A date may be written as TOML's own or as a text; each version holds from midnight UTC on."""
    table = read(
        """
        [[symbols]]
        symbol = "X"
        like = "us-equity"
        since = 2024-06-01
        lot = 2
        [[symbols]]
        symbol = "X"
        like = "us-equity"
        since = "2024-01-01"
        """
    )

    assert (D(1), D(2)) == (
        table.at("X", datetime(2024, 5, 31, 23, 59, tzinfo=UTC)).lot,
        table.at("X", datetime(2024, 6, 1, tzinfo=UTC)).lot,
    )


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        ('[[symbols]]\nlike = "us-equity"', "symbols[0].symbol", "required"),
        ('[[symbols]]\nsymbol = "X"\nlot = 1', "symbols[0].ticks", "preset"),
        ('[[symbols]]\nsymbol = "X"\nticks = []', "symbols[0].lot", "preset"),
        ('[[symbols]]\nsymbol = "X"\nlike = "shares"', "symbols[0].like", "'us-equity', 'us-equity-fractional'"),
        ('[[symbols]]\nsymbol = "X"\nlike = "us-equity"\nlots = 1', "symbols[0]", "did you mean 'lot'?"),
        ('[[symbols]]\nsymbol = "X"\nlike = "us-equity"\nlot = 0', "symbols[0].lot", "a finite Decimal > 0"),
        ('[[symbols]]\nsymbol = "X"\nlike = "us-equity"\nlot = "a"', "symbols[0].lot", "a finite number"),
        ('[[symbols]]\nsymbol = "X"\nlike = "us-equity"\nsince = 2024', "symbols[0].since", "a date"),
        (
            '[[symbols]]\nsymbol = "X"\nlike = "us-equity"\nticks = [{ start = 0.3, size = 0.2 }]',
            "symbols[0].ticks[0].start",
            "a multiple",
        ),
        (
            '[[symbols]]\nsymbol = "X"\nlike = "us-equity"\n[[symbols]]\nsymbol = "X"\nlike = "us-equity"',
            "symbols[1].since",
            "another day than",
        ),
        ("symbol = 1", "symbols.toml", "'symbols'"),
    ],
)
def test_what_is_wrong_in_the_file(read, text, where, expected):
    """The message names the file, the entry, the key and what would be right."""
    with pytest.raises(InvalidInput) as caught:
        read(text)

    assert caught.value.where.endswith(where)
    assert "symbols.toml" in caught.value.where
    assert expected in caught.value.expected


def test_every_rule_can_be_in_a_file():
    """The keys of an entry are the fields of the properties, and `like`."""
    keys = {attribute.alias for attribute in fields(_Entry)}
    rules = {attribute.name for attribute in fields(SymbolProperties)}

    assert rules | {"like"} == keys


# --- Alpaca -----------------------------------------------------------------------------------------------------------


def test_a_share_of_alpaca():
    """An active share is as the preset, with its own permissions."""
    found = from_alpaca([SHARE], AT).at("AAPL", AT)

    assert (US_EQUITY.ticks, D(1), US_FRACTIONS) == (found.ticks, found.lot, found.fractions)
    assert (True, True, True, True) == (found.tradable, found.shortable, found.easy_to_borrow, found.marginable)
    assert (AT, "Alpaca's assets") == (found.since, found.source)


@pytest.mark.parametrize("change", [{"status": "inactive"}, {"tradable": False}, {"status": None}])
def test_a_share_that_is_not_traded(change):
    """It is kept, so that a position in it can be closed."""
    found = from_alpaca([SHARE | change]).at("AAPL", AT)

    assert not found.tradable


@pytest.mark.parametrize("key", ["tradable", "shortable", "easy_to_borrow", "marginable", "fractionable"])
def test_a_permission_that_is_not_spoken_of(key):
    """It is not given."""
    found = from_alpaca([{name: value for name, value in SHARE.items() if name != key}]).at("AAPL", AT)

    assert not getattr(found, key)


@pytest.mark.parametrize(("status", "expected"), [("easy_to_borrow", True), ("hard_to_borrow", False)])
def test_the_newer_word_on_borrowing_counts(status, expected):
    """`borrow_status` is asked before `easy_to_borrow`."""
    found = from_alpaca([SHARE | {"borrow_status": status, "easy_to_borrow": not expected}]).at("AAPL", AT)

    assert expected == found.easy_to_borrow


def test_a_pair_of_alpaca():
    """A pair of coins has its own increments, and Alpaca's bounds in USD."""
    found = from_alpaca([COIN]).at("BTC/USD", AT)

    assert ((Tick(size=D(1)),), D("0.0001"), D("0.0001")) == (found.ticks, found.lot, found.min_quantity)
    assert (D(10), D(200_000), False) == (found.min_notional, found.max_notional, found.shortable)


def test_a_pair_that_is_not_in_usd():
    """Bounds in USD do not hold for it."""
    found = from_alpaca([COIN | {"symbol": "ETH/BTC"}]).at("ETH/BTC", AT)

    assert (None, None) == (found.min_notional, found.max_notional)


def test_a_pair_without_increments():
    """It has the nine places at which Alpaca cuts everything."""
    bare = {key: value for key, value in COIN.items() if not key.endswith(("_size", "_increment"))}
    found = from_alpaca([bare]).at("BTC/USD", AT)

    assert ((Tick(size=D("1E-9")),), D("1E-9"), None) == (found.ticks, found.lot, found.min_quantity)


def test_classes_that_are_not_known():
    """Nothing is assumed of an option: it is left out, so its orders are refused."""
    table = from_alpaca([SHARE | {"class": "us_option", "symbol": "AAPL240119C00100000"}, SHARE])

    assert ["AAPL"] == [each.symbol for each in table]


@pytest.mark.parametrize(
    ("asset", "where"),
    [
        ({"class": "us_equity"}, "assets[0], 'symbol'"),
        ({"symbol": "X"}, "assets[0], 'class'"),
        (COIN | {"price_increment": "x"}, "asset BTC/USD: price_increment"),
        (COIN | {"price_increment": 0.01}, "asset BTC/USD: price_increment"),
        (COIN | {"min_order_size": "-1"}, "asset BTC/USD: min_order_size"),
        (COIN | {"min_trade_increment": "NaN"}, "asset BTC/USD: min_trade_increment"),
        (COIN | {"min_trade_increment": True}, "asset BTC/USD: min_trade_increment"),
    ],
)
def test_what_is_wrong_in_an_asset(asset, where):
    """The message names the asset and the field; a binary float has lost digits already."""
    with pytest.raises(InvalidInput) as caught:
        from_alpaca([asset])

    assert where == caught.value.where


def test_an_asset_that_comes_twice():
    """Nobody can tell which one holds."""
    with pytest.raises(InvalidInput, match="asset AAPL: found 'a second entry'"):
        from_alpaca([SHARE, SHARE])


def test_recorded_assets(shared):
    """Every asset that was recorded or documented can be read."""
    samples = json.loads((shared / "alpaca/samples/assets.json").read_text(encoding="utf-8"))
    tables = [from_alpaca([sample["payload"]]) for sample in samples]
    found = {each.symbol: each for table in tables for each in table}

    assert {"AAPL", "BTC/USD", "KTP", "TSLA"} == set(found)
    assert (False, True) == (found["KTP"].tradable, found["TSLA"].tradable)
    assert D(1) == found["BTC/USD"].ticks[0].size
