"""The charts of a history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from attrs import evolve

from engine.model import Side
from engine.report import charts
from engine.report.axes import TimeAxis
from engine.report.history import Fill, Lock, Prices

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SYMBOL = "<b>X&Y</b>/USD"


def axis(told):
    return TimeAxis(told.curve.at)


def fill(number, side, quantity, price):
    signed = D(quantity) if side is Side.BUY else -D(quantity)
    return Fill(
        at=START + number * timedelta(seconds=1),
        order_id=f"o{number}",
        symbol=SYMBOL,
        side=side,
        quantity=signed,
        price=D(price),
        cost=signed * D(price),
        fee=D(0),
        expected=None,
        provisional=False,
    )


def test_equity(full, parsed):
    """Its values can be read out, its start is a level, and every lock is a band with its reason."""
    page = parsed(charts.equity_chart(full, axis(full)))
    (line,) = [path for path in page.named("path") if path["class"] == "equity"]

    assert "10000.00 10000.00 10099.00 10018.52 10078.42 9938.34" == line["data-values"]
    assert (2, 1) == (page.classes("rect")["lock"], page.classes("line")["level"])
    assert [charts.in_words(lock) for lock in full.locks] == [
        text for element, text in page.texts if element == "title"
    ]


def test_a_lock_is_shaded_from_its_beginning_to_its_end(full, parsed):
    """Minutes 1 to 3 of five; one that was released ends there."""
    first, second = parsed(charts.equity_chart(full, axis(full))).named("rect")

    assert ("20.00%", "40.00%") == (first["x"], first["width"])
    assert ("40.00%", "20.00%") == (second["x"], second["width"])


def test_drawdown(full, parsed):
    """Percent of the highest value so far."""
    (line,) = [
        path for path in parsed(charts.drawdown_chart(full, axis(full))).named("path") if path["class"] == "drawdown"
    ]

    assert "0.00 0.00 0.00 -0.80 -0.20 -1.59" == line["data-values"]


def test_price_with_fills(full, parsed):
    """The close, the range round it, a mark for each fill, and the locks of this symbol or of all."""
    other = Lock(evolve(full.locks[0].lock, symbol="OTHER"))
    page = parsed(charts.price_chart(evolve(full, locks=[*full.locks, other]), SYMBOL, axis(full)))
    titles = [text for element, text in page.texts if element == "title"]

    assert {"range": 1, "close": 1} == page.classes("path")
    assert {"buy": 2, "sell": 2} == page.classes("use")
    assert 2 == page.classes("rect")["lock"]
    assert "buy 100 at 10.00, 2024-01-02 14:31, order first" in titles


def test_fills_that_would_cover_each_other_share_a_mark(full, parsed):
    """Two purchases within a second stand at their average price; a sale beside them has its own mark."""
    fills = [fill(1, Side.BUY, 1, 9), fill(1, Side.SELL, 1, 10), fill(1, Side.BUY, 3, 11)]
    page = parsed(charts.price_chart(evolve(full, fills=fills, locks=[]), SYMBOL, axis(full)))

    assert {"buy": 1, "sell": 1} == page.classes("use")
    assert "2 fills: buy 4 at 10.50, 2024-01-02 14:30:01 to 2024-01-02 14:30:01" in page.text()


def test_many_marks_are_small(full, parsed):
    """With over a hundred of them the price would not be seen behind large ones."""
    fills = [fill(number, (Side.BUY, Side.SELL)[number % 2], 1, 9) for number in range(300)]
    page = parsed(charts.price_chart(evolve(full, fills=fills, locks=[]), SYMBOL, axis(full)))

    assert {"buys", "sells"} == set(page.classes("use"))
    assert 120 < page.classes("use").total() <= 300


def test_a_price_that_never_moves_has_a_chart(full, parsed):
    """A flat line, not an error."""
    array = type(full.prices[SYMBOL].close)
    flat = array("d", [10.0] * 5)
    told = evolve(full, prices={SYMBOL: Prices(full.prices[SYMBOL].at, flat, flat, flat)})

    assert 1 == parsed(charts.price_chart(told, SYMBOL, axis(full))).classes("path")["close"]


def test_profit_of_each_trade(full, parsed):
    """A bar for each, gains and losses apart, with everything about the trade in its title."""
    page = parsed(charts.profit_chart(full.trades))

    assert {"win": 1, "loss": 2} == page.classes("rect")
    assert (
        "trade 1: +10.00 (+10.00 %), long 10 <b>X&Y</b>/USD, 10.00 to 11.00, 10 min, "
        "closed 2024-01-02 14:40 by take_profit"
    ) in page.text()
    assert ["1", "2", "3"] == [text for element, text in page.texts if element == "text"][-3:]


def test_many_trades_share_bars(closed, parsed):
    """A thousand trades are summed three by three, and the title says which."""
    page = parsed(charts.profit_chart([closed(number, "2") for number in range(1, 1001)]))

    assert 3 == charts.trades_in_a_bar(1000)
    assert {"win": 334} == page.classes("rect")
    assert "trades 1 to 3: +6.00 together" in page.text()


def test_trades_that_came_out_even_have_a_chart(closed, parsed):
    """All at zero: there is a span to draw in."""
    assert {"loss": 2} == parsed(charts.profit_chart([closed(1, "0"), closed(2, "0")])).classes("rect")


def test_a_lock_in_words(full):
    """What kept whom out, from when to when, why, and who lifted it."""
    first, second = map(charts.in_words, full.locks)

    assert (
        "stoploss-guard keeps out <b>X&Y</b>/USD from 2024-01-02 14:31 to 2024-01-02 14:33: "
        "lost <script>alert(1)</script> too much"
    ) == first
    assert second.startswith("stoploss-guard keeps out all symbols, buy only from 2024-01-02 14:32")
    assert second.endswith("; released 2024-01-02 14:33: looked at <it>")
