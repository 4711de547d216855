"""GET /v2/account/portfolio/history."""

from __future__ import annotations

import pytest

PATH = "/v2/account/portfolio/history"


@pytest.fixture
def played(desk):
    """Ten shares, and three prices a minute apart."""
    desk.buy(qty=10)
    for price in ("191", "195", "189"):
        desk.price("AAPL", price)
        desk.later(60)
    return desk


def test_equity_by_the_minute(played):
    """Numbers, each with what it is above the beginning."""
    history = played.get(PATH, period="1D", timeframe="1Min")

    assert [100_000.0, 100_010.0, 100_050.0, 99_990.0] == history["equity"]
    assert [0.0, 10.0, 50.0, -10.0] == history["profit_loss"]
    assert [0.0, 0.0001, 0.0005, -0.0001] == history["profit_loss_pct"]
    assert [1704209400 + 60 * n for n in range(4)] == history["timestamp"]
    assert (100_000.0, "1Min", {}) == tuple(history[name] for name in ("base_value", "timeframe", "cashflow"))


def test_a_coarser_frame_has_the_last_of_each(played):
    """A quarter of an hour, or a day of New York."""
    histories = [played.get(PATH, timeframe=frame) for frame in ("15Min", "1D")]

    assert [([1704209400], [99_990.0]), ([1704171600], [99_990.0])] == [
        (history["timestamp"], history["equity"]) for history in histories
    ]


def test_a_span_has_a_base_of_its_own(played):
    """What it was worth before."""
    history = played.get(PATH, start="2024-01-02T15:32:00Z", timeframe="1Min")

    assert (100_010.0, [40.0, -20.0]) == (history["base_value"], history["profit_loss"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"period": "5X"}, 422),
        ({"period": "99A"}, 422),
        ({"timeframe": "2Min"}, 422),
        ({"pnl_reset": "never"}, 422),
        ({"start": "2024-01-03", "end": "2024-01-02"}, 422),
        ({"start": "2024-01-01", "end": "2024-01-02", "period": "1D"}, 400),
    ],
)
def test_spans_that_make_no_sense(desk, query, status):
    """Each is refused."""
    assert status == desk("GET", PATH, **query).status
