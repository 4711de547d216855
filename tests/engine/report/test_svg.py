"""Charts as SVG."""

from __future__ import annotations

import pytest

from engine.report.axes import Tick
from engine.report.svg import Chart


@pytest.fixture
def chart():
    """A hundred pixels from 0 to 10."""
    return Chart('A "chart" of <things>', height=100, low=0.0, high=10.0)


def test_a_chart_is_as_wide_as_its_place(chart, parsed):
    """Its width is that of the page, its height is fixed, and it says what it shows."""
    (svg,) = parsed(chart.svg()).named("svg")

    assert ("100%", "122", "img") == (svg["width"], svg["height"], svg["role"])
    assert 'A "chart" of <things>' == svg["aria-label"]


def test_values_go_from_the_bottom_to_the_top(chart):
    """The lowest value stands at the bottom, which is the largest y; without a span all stand there."""
    assert [100, 50, 0] == [chart.y(value) for value in (0, 5, 10)]
    assert 100 == Chart("flat", height=100, low=3.0, high=3.0).y(3.0)


def test_a_line(chart, parsed):
    """It goes through its points in units of a thousandth of the width, stretched to the place."""
    chart.line([0, 0.25, 1], [0, 10, 5], "equity", name="Equity & more", decimals=1, unit=" %")
    page = parsed(chart.svg())
    (path,) = page.named("path")

    assert ("equity", "M0 100L250 0L1000 50") == (path["class"], path["d"])
    assert ("Equity & more", "0.0 10.0 5.0", "1", " %") == tuple(
        path[f"data-{name}"] for name in ("name", "values", "decimals", "unit")
    )
    assert ("0 0 1000 100", "none") == tuple(page.named("svg")[1][name] for name in ("viewbox", "preserveaspectratio"))


def test_a_line_without_a_name_is_not_read_out(chart, parsed):
    """Nothing but class and path."""
    chart.line([0, 1], [0, 10], "equity")

    assert [{"class": "equity", "d": "M0 100L1000 0"}] == parsed(chart.svg()).named("path")


def test_an_area(chart, parsed):
    """Along the upper line, back along the lower one, closed."""
    chart.area([0, 1], [0, 2], [5, 10], "range")

    assert [{"class": "range", "d": "M0 50L1000 0L1000 80L0 100Z"}] == parsed(chart.svg()).named("path")


def test_lines_are_thinned_to_the_pixels(chart, parsed):
    """A hundred thousand points become a few thousand, the one that sticks out among them."""
    count = 100_000
    values = [5.0] * count
    values[77_777] = 10.0
    chart.line([number / count for number in range(count)], values, "equity")
    (path,) = parsed(chart.svg()).named("path")

    assert path["d"].count("L") < 4_000
    assert "L777.8 0L" in path["d"]


def test_a_band(chart, parsed):
    """From place to place over the whole height; one that is too short to see keeps a visible width."""
    chart.band(0.25, 0.5, "lock", "held <back>")
    chart.band(0.5, 0.5, "lock", "for a moment")
    page = parsed(chart.svg())

    assert [("25.00%", "25.00%", "100"), ("50.00%", "0.15%", "100")] == [
        (rect["x"], rect["width"], rect["height"]) for rect in page.named("rect")
    ]
    assert [("title", "held <back>"), ("title", "for a moment")] == page.texts


def test_bars_stand_on_zero(parsed):
    """A gain goes up from zero, a loss down, and nothing is as thin as to vanish."""
    chart = Chart("profit", height=100, low=-10.0, high=10.0)
    for number, value in enumerate((5.0, -10.0, 0.0)):
        chart.bar(number / 3, (number + 0.8) / 3, value, "win", str(value))

    assert [("25", "25"), ("50", "50"), ("50", "1")] == [
        (rect["y"], rect["height"]) for rect in parsed(chart.svg()).named("rect")
    ]


def test_marks_keep_their_size(chart, parsed):
    """A mark is a symbol of the page at a share of the width, with its title."""
    chart.mark(0.5, 5, "buy", "bought <1>")
    page = parsed(chart.svg())

    assert [{"href": "#buy", "class": "buy", "x": "50.00%", "y": "50"}] == page.named("use")
    assert [("title", "bought <1>")] == page.texts


def test_axes(chart, parsed):
    """A line and a text for each tick; texts at the ends stay inside, every other moment may give way."""
    chart.value_axis([Tick(0.0, "0"), Tick(1.0, "10")], " %")
    chart.time_axis([Tick(0.0, "15:00"), Tick(0.5, "<16:00>"), Tick(1.0, "17:00")])
    chart.level(5)
    page = parsed(chart.svg())

    assert ["0 %", "10 %", "15:00", "<16:00>", "17:00"] == [text for _, text in page.texts]
    assert ["value", "value", "moment first", "moment spare", "moment last"] == [
        text["class"] for text in page.named("text")
    ]
    assert {"grid": 2, "tick": 3, "axis": 1, "level": 1} == page.classes("line")
