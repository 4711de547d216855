"""The page as a whole."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from hashlib import sha256

import pytest
from attrs import evolve

from engine.books.journal import Journal
from engine.report.history import history
from engine.report.page import page


def made(told, **more):
    return page(told, title="<script>alert('title')</script> & more", outcome="completed", **more)


def test_one_page_that_is_well_formed(full, parsed):
    """Every element is closed in its place, ids are there once, and links lead to them."""
    found = parsed(made(full))
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]

    assert [] == [name for name, count in Counter(ids).items() if count > 1]
    assert {attributes["href"][1:] for attributes in found.named("a")} <= set(ids)
    assert {attributes["href"][1:] for attributes in found.named("use")} <= set(ids)
    assert [{"lang": "en"}] == found.named("html")
    assert 1 == len(found.named("h1"))
    assert ("title", "<script>alert('title')</script> & more – session report") == found.texts[0]


def test_nothing_is_asked_of_the_network(full, parsed):
    """No element names a resource, and the page itself forbids all of them but its own style and script."""
    text = made(full)
    found = parsed(text)
    (policy,) = [each["content"] for each in found.named("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    hashed = b64encode(sha256(script.encode()).digest()).decode()

    assert [] == [attributes for _, attributes in found.tags if {"src", "srcset", "data", "poster"} & set(attributes)]
    assert [] == [tag for tag, _ in found.tags if tag in ("link", "img", "iframe", "object", "base", "form")]
    assert [] == re.findall(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[a-z]", text)
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'" == policy


def test_no_text_becomes_markup(full, parsed):
    """Names, symbols, reasons and errors are text, whatever they are."""
    text = made(evolve(full, failure="ValueError: <script>alert('error')</script>"), notes=["<script>note</script>"])
    found = parsed(text)

    assert 2 == len(found.named("script"))
    assert [] == found.named("b") + found.named("i") + found.named("it")
    for words in ("<script>alert('title')</script> & more", "<script>alert('error')</script>", "<script>note</script>"):
        assert words in found.text()
    assert "<script>alert(1)</script>" in found.text()


def test_the_same_history_gives_the_same_bytes(play, market):
    """Nothing in it depends on when or where it is made."""
    pages = []
    for _ in range(2):
        journal, _result = play()
        pages.append(made(history(journal, market())))

    assert pages[0] == pages[1]


def test_key_figures(full, parsed):
    """Profit, equity, drawdown, ratio, trades, exposure, fees and orders, each with what explains it."""
    told = parsed(made(full)).text()

    for words in (
        "2024-01-02 14:30 to 2024-01-02 14:35 UTC · 5 bars of 1 min",
        "Profit −61.66 −0.62 % Equity at the end 9,938.34 from 10,000.00 Deepest drawdown 1.59 % 160.66 at most",
        "a year, 5 bars of 1 min Trades 3 33 % won Exposure 80.0 % of the bars Fees 1.66 4 fills",
        "Orders 7 1 refused, 1 live, 2 locks",
    ):
        assert words in told


def test_statistics(full, parsed):
    """Every figure has its name; what is not defined is a dash."""
    told = parsed(made(full)).text()

    for words in (
        "Total return −0.62 %",
        "Buy and hold <b>X&Y</b>/USD −20.00 %",
        "Deepest drawdown 160.66 As a share of its peak 1.59 % From 2024-01-02 14:32 Deepest at 2024-01-02 14:35",
        "Recovered not yet Its length 3 min In bars 3 Longest below a peak 3 min Exposure 80.0 %",
        "Closed 3 Won / lost 1 / 1 Hit rate 33.3 % Profit factor 1.33 Average win +10.00 Average loss −7.50",
        "Slippage −30.00 Slippage, average −186.34 bp Slippage, worst +1,111.11 bp Measured on 4 of 4 fills",
    ):
        assert words in told


def test_every_table_has_its_rows(full, parsed):
    """Four groups of figures, and trades, locks, refusals and orders."""
    text = made(full)
    rows = {}
    for name in ("trades", "locks", "refusals", "orders"):
        body = re.search(rf'<section id="{name}">.*?<tbody>(.*?)</tbody>', text, re.DOTALL)[1]
        rows[name] = body.count("<tr>")

    assert {"trades": 3, "locks": 2, "refusals": 1, "orders": 7} == rows
    assert 8 == len(parsed(text).named("table"))
    assert all("scope" in cell for cell in parsed(text).named("th"))


def test_charts(full, parsed):
    """Equity, drawdown, a price for each symbol, and the trades' profits, each with a name for who cannot see it."""
    names = [svg["aria-label"] for svg in parsed(made(full)).named("svg") if svg.get("role") == "img"]

    assert [
        "Equity over time",
        "Drawdown over time",
        "Price of <b>X&Y</b>/USD with fills",
        "Profit of each trade",
    ] == names


def test_only_so_many_prices_are_drawn(full, parsed):
    """Of twenty symbols twelve, the traded one first, and a note about the others."""
    (symbol,) = full.prices
    told = evolve(full, prices={f"S{number:02}": full.prices[symbol] for number in range(19)} | full.prices)
    found = parsed(made(told))
    names = [svg["aria-label"] for svg in found.named("svg") if svg.get("aria-label", "").startswith("Price")]

    assert (12, f"Price of {symbol} with fills") == (len(names), names[0])
    assert "Prices are drawn of 12 of its 20 symbols" in found.text()


@pytest.mark.parametrize(
    ("outcome", "failure", "shown", "colour"),
    [
        ("completed", None, "completed", "completed"),
        ("stopped", None, "stopped", "open"),
        ("failed: ValueError", "ValueError", "failed", "failed"),
        (None, "ValueError", "failed", "failed"),
        (None, None, "unfinished", "open"),
    ],
)
def test_outcomes(told, parsed, outcome, failure, shown, colour):
    """How it ended is at the top; a failure has its error, and what was cut off says so."""
    found = parsed(page(evolve(told, failure=failure), title="t", outcome=outcome))
    (badge,) = [each for each in found.named("p") if "outcome" in each.get("class", "")]

    assert f"outcome {colour}" == badge["class"]
    assert ("p", shown) in found.texts
    assert (failure is not None) is ("The strategy raised ValueError" in found.text())
    assert (outcome is None and failure is None) is ("did not come to its end" in found.text())


def test_a_session_without_bars_has_a_page(play, parsed):
    """Equity at its fills, no prices, no exposure; figures that need bars are dashes."""
    journal, _ = play()
    found = parsed(made(history(journal)))

    assert "at the prices of the fills" in found.text()
    assert "Sharpe ratio – not defined" in found.text()
    assert not any(svg.get("aria-label", "").startswith("Price") for svg in found.named("svg"))


def test_a_session_in_which_nothing_happened_has_a_page(play, market, parsed):
    """No orders, no fills, no trades: sentences instead of tables, dashes instead of ratios."""

    class Nothing:
        def on_bar(self, bar, trader): ...

        def on_event(self, event, trader): ...

    journal, _ = play(strategy=Nothing())
    told = parsed(made(history(journal, market()))).text()

    assert "Hit rate – Profit factor –" in told
    assert "No position was closed." in told and "No order was meant." in told
    assert "inf" not in told and "nan" not in told.lower()


def test_a_session_that_only_began_has_a_page(play, market, parsed):
    """Its first fact, no bar and no chart of prices."""
    whole, _ = play()
    journal = Journal(None)
    begun = next(whole.entries())
    journal.append(begun.fact, begun.at)
    journal.commit()
    told = history(journal, market(), until=begun.at)
    found = parsed(page(told, title="t"))

    assert "2024-01-02 14:30 to 2024-01-02 14:30 UTC" in found.text()
    assert "did not come to its end" in found.text()


def test_the_script_knows_the_axis(full):
    """What is under the pointer is worked out from the stretches of time that are drawn."""
    axis = re.search(r'<script type="application/json" id="axis">(.*?)</script>', made(full))[1]

    assert [[1704205800.0, 1704206100.0, 0.0, 1.0]] == json.loads(axis)
