"""Entries of an account's history, by id, kind and moment."""

from __future__ import annotations

import pytest

from bridge.venue.activities import Activities, Activity


def entry(at, kind="FILL"):
    return Activity(id=f"{at}", kind=kind, at=at, body={})


@pytest.fixture
def history():
    history = Activities()
    for at in range(10):
        history.append(entry(at, "FILL" if at % 3 else "FEE"))
    return history


@pytest.mark.parametrize(
    ("after", "until", "kinds", "backwards", "expected"),
    [
        (None, None, ("FILL", "FEE"), False, list(range(10))),
        (None, None, ("FEE", "FILL"), True, list(range(9, -1, -1))),
        (2, 6, ("FILL", "FEE"), False, [3, 4, 5]),
        (2, 6, ("FILL",), True, [5, 4]),
        (None, 4, ("FEE",), False, [0, 3]),
        (8, None, ("FEE", "DIV"), False, [9]),
        (8, 3, ("FILL", "FEE"), False, []),
        (None, None, (), False, []),
    ],
)
def test_entries_in_between(history, after, until, kinds, backwards, expected):
    """Of the kinds asked for, in the order asked for, without either end."""
    found = history.between(after, until, kinds=kinds, backwards=backwards)

    assert expected == [each.at for each in found]


def test_an_entry_is_found_by_its_id(history):
    """One that is not there is not."""
    assert (5, None) == (history.find("5").at, history.find("no"))


def test_an_entry_that_comes_late_finds_its_place():
    """Entries stand in order of time whatever order they come in."""
    history = Activities()
    for at in (1, 5, 3):
        history.append(entry(at))

    assert [1, 3, 5] == [each.at for each in history]
    assert (3, 5, {"FILL"}) == (len(history), history[-1].at, set(history.kinds()))
