"""What is kept of what was seen."""

from __future__ import annotations

import pytest

from bridge.venue.assets import Assets
from bridge.venue.data.tape import Series, Tape
from engine.errors import InvalidRequest


def series(*moments, most=100):
    made = Series(1, most)
    for at in moments:
        made.add(at, float(at))
    return made


def test_rows_stand_in_order_of_time():
    """A row that comes late is put where its moment belongs, behind those of the same moment."""
    made = series(1, 3, 5)
    place = made.add(3, 3.5)

    assert (2, [1, 3, 3, 5], [1.0, 3.0, 3.5, 5.0]) == (place, list(made.at), list(made.columns[0]))


def test_a_row_takes_the_place_of_another():
    """Putting a moment that is there changes its numbers; another one is added."""
    made = series(1, 3)

    assert ((1, True), (2, False)) == (made.put(3, 9.0), made.put(4, 4.0))
    assert [1.0, 9.0, 4.0] == list(made.columns[0])


@pytest.mark.parametrize("most", [1, 8, 100])
def test_the_newest_are_kept(most):
    """As many as were promised and at most an eighth more, the newest; what went is counted."""
    made = series(*range(1000), most=most)

    assert most <= len(made) < most + max(1, most // 8) + 1
    assert list(range(1000))[-len(made) :] == list(made.at)
    assert 1000 - len(made) == made.dropped
    assert len(made) == len(made.columns[0])


def test_lookups_include_both_ends():
    """Between two moments are the rows at both of them; the last until a moment may be at it."""
    made = series(1, 3, 3, 5)

    assert [(1, 3), (0, 4), (4, 4)] == [made.between(3, 4), made.between(0, 5), made.between(6, 9)]
    assert [None, 0, 2, 3] == [made.last(at) for at in (0, 2, 3, 99)]


def test_assets_have_any_name_when_told_and_one_when_asked():
    """Told is by every name of an asset, asked by the one that market data has."""
    tape = Tape(Assets())

    assert tape.record("BTCUSD") is tape.find("BTC/USD")
    assert tape.find("BTCUSD") is None


@pytest.mark.parametrize("name", ["most_ticks", "most_bars"])
def test_a_cap_is_a_whole_number(name):
    """Nothing, and no number, are refused."""
    with pytest.raises(InvalidRequest, match=name):
        Tape(Assets(), **{name: 0})


def test_unknown_assets_are_a_mistake():
    """What is told of must exist."""
    with pytest.raises(InvalidRequest, match="NOPE"):
        Tape(Assets()).record("NOPE")
