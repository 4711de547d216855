"""A wrong clock in what is said and asked."""

from __future__ import annotations

import pytest

from bridge.venue.faults.skew import skewed, skewed_headers


@pytest.mark.parametrize(
    ("value", "by", "shifted"),
    [
        ("2024-01-02T15:00:00Z", 1.5, "2024-01-02T15:00:01.5Z"),
        ("2024-01-02T15:00:00.123456789Z", -1, "2024-01-02T14:59:59.123456789Z"),
        ("2024-01-02T10:00:00.5-05:00", 3600, "2024-01-02T11:00:00.500000-05:00"),
        ("2024-01-02T15:00:00Z", 0, "2024-01-02T15:00:00Z"),
        ("2024-01-02", 86400, "2024-01-02"),
        ("20240102150000000::6f", 60, "20240102150000000::6f"),
        ("2024-13-02T15:00:00Z", 1, "2024-13-02T15:00:00Z"),
        ("AAPL", 1, "AAPL"),
        (5, 1, 5),
        (None, 1, None),
        (True, 1, True),
        ({"a": ["2024-01-02T15:00:00Z", {"b": "x"}]}, 60, {"a": ["2024-01-02T15:01:00Z", {"b": "x"}]}),
    ],
)
def test_values(value, by, shifted):
    """Every moment at any depth is shifted, with its offset and its digits; nothing else is."""
    assert shifted == skewed(value, by)


def test_there_and_back():
    """What a client has read and names again is what it was."""
    query = {"after": "2024-01-02T15:00:00.123456789Z", "limit": "5"}

    assert query == skewed(skewed(query, 90.25), -90.25)


def test_the_venues_answers(desk):
    """Clock and orders of the venue: shifted in every moment, and no other key is touched."""
    desk.buy()
    for path in ("/v2/clock", "/v2/orders"):
        body = desk.get(path, **({"status": "all"} if path == "/v2/orders" else {}))
        late, right = skewed(body, 30), skewed(skewed(body, 30), -30)

        assert right == body != late


def test_headers():
    """The reset of the rate limit goes by the wrong clock too."""
    headers = {"X-RateLimit-Reset": "100", "X-Ratelimit-Remaining": "5"}

    assert {"X-RateLimit-Reset": "98", "X-Ratelimit-Remaining": "5"} == skewed_headers(headers, -1.5)
