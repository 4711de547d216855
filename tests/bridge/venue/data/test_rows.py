"""How rows stand on the wire."""

from __future__ import annotations

import json
import sys
from decimal import Decimal as D

import pytest

from bridge.venue.assets import Assets
from bridge.venue.data.rows import bar_row, book_row, number, quote_row, trade_row
from bridge.venue.data.tape import Tape


@pytest.fixture
def tape():
    return Tape(Assets())


def test_trades_of_shares(tape):
    """Exchange, conditions and tape; less than a round lot has a condition of its own, parts of a share stay."""
    record = tape.record("AAPL")
    for size in (100.0, 7.0, 0.5):
        record.trades.add(5, 190.25, size, 1.0)

    assert {"t": 5, "x": "Q", "p": 190.25, "s": 100, "c": ["@"], "i": 1, "z": "C"} == trade_row(record, 0)
    assert [(["@", "I"], 7, 2), (["@", "I"], 0.5, 3)] == [
        (row["c"], row["s"], row["i"]) for row in (trade_row(record, 1), trade_row(record, 2))
    ]


def test_trades_of_coins(tape):
    """Who took stands there, and no exchange."""
    record = tape.record("BTC/USD")
    record.trades.add(5, 60000.5, 0.1, -1.0)

    assert {"t": 5, "p": 60000.5, "s": 0.1, "i": 1, "tks": "S"} == trade_row(record, 0)


def test_quotes(tape):
    """Of shares with exchanges, sizes whole; of coins the four numbers."""
    for symbol in ("SPY", "BTC/USD"):
        tape.record(symbol).quotes.add(5, 1.5, 100.0, 2.5, 300.0)

    share = {"t": 5, "ax": "P", "ap": 2.5, "as": 300, "bx": "P", "bp": 1.5, "bs": 100, "c": ["R"], "z": "B"}
    assert share == quote_row(tape.record("SPY"), 0)
    assert {"t": 5, "bp": 1.5, "bs": 100.0, "ap": 2.5, "as": 300.0} == quote_row(tape.record("BTC/USD"), 0)


def test_bars():
    """Shares are counted, coins measured."""
    numbers = (1.0, 2.0, 0.5, 1.5, 70.0, 3.0, 1.25)
    wanted = {"t": 5, "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 70, "n": 3, "vw": 1.25}

    assert '"v": 70, "n": 3,' in json.dumps(bar_row(5, numbers, crypto=False))
    assert '"v": 70.0, "n": 3,' in json.dumps(bar_row(5, numbers, crypto=True))
    assert wanted == bar_row(5, numbers, crypto=False)


def test_books_begin_with_the_quote(tape):
    """Five levels on either side, each further away and larger than the one before."""
    record = tape.record("BTC/USD")
    record.quotes.add(5, 59994.0, 0.5, 60006.0, 0.25)
    book = book_row(record, 0)

    assert ({"p": 59994.0, "s": 0.5}, {"p": 60006.0, "s": 0.25}) == (book["b"][0], book["a"][0])
    assert (5, [12.0] * 4) == (
        len(book["b"]),
        [a["p"] - b["p"] for b, a in zip(book["a"], book["a"][1:], strict=False)],
    )
    assert sorted((level["p"] for level in book["b"]), reverse=True) == [level["p"] for level in book["b"]]


def test_books_have_no_price_below_nothing(tape):
    """A wide spread leaves fewer bids."""
    record = tape.record("DOGE/USD")
    record.quotes.add(5, 1.0, 1.0, 2.0, 1.0)

    assert [1.0] == [level["p"] for level in book_row(record, 0)["b"]]


def test_numbers_are_finite():
    """What no float holds is the largest of them, for JSON has no infinity."""
    assert (1.5, sys.float_info.max) == (number(D("1.5")), number(D("1E+400")))
