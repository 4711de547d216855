"""Rows of text from files; what the formats do with moments and numbers is tested with bars and ticks."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pytest

from engine.errors import InvalidInput
from engine.market.tables import columns_of, epoch, header_of, rows_of

WANTED = {"timestamp": ("timestamp", "t"), "price": ("price", "p")}


def test_rows_are_cells_and_their_lines(tmp_path):
    """The header comes first, and each row knows its line."""
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n\n3,4\n")

    with rows_of(str(path), {"a", "b"}) as rows:
        assert [(["a", "b"], 1), (["1", "2"], 2), ([], 3), (["3", "4"], 4)] == [(row, rows.line_num) for row in rows]


@pytest.mark.parametrize(("content", "header"), [("", []), ("a,b\n1,2\n", ["a", "b"])])
def test_the_header_of_a_text(tmp_path, content, header):
    """An empty file has none."""
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(content.encode()))

    assert header == header_of(str(path))


def test_the_header_of_parquet(tmp_path):
    """The names of its columns, without reading its rows."""
    polars = pytest.importorskip("polars")
    path = tmp_path / "x.parquet"
    polars.DataFrame({"a": [1], "b": [2]}).write_parquet(path)

    assert ["a", "b"] == header_of(str(path))


def test_a_header_of_nothing(tmp_path):
    """A file that is not there is named, whatever it would be."""
    for name in ("x.csv", "x.parquet"):
        if name.endswith("parquet"):
            pytest.importorskip("polars")
        with pytest.raises(InvalidInput, match=name):
            header_of(str(tmp_path / name))


def test_columns_are_found_by_any_of_their_names():
    """In any order and case, spaces left out."""
    assert [2, 0] == columns_of("x", ["P", "other", " T "], WANTED)


@pytest.mark.parametrize(
    ("header", "error"),
    [(["t"], "a column 'price'"), (["t", "prise"], "did you mean 'price' by 'prise'"), (["t", "p", "P"], "only one")],
)
def test_columns_that_are_missing_or_double(header, error):
    """What is missing is named with the nearest there is, and two of one name are one too many."""
    with pytest.raises(InvalidInput, match=error):
        columns_of("x", header, WANTED)


@pytest.mark.parametrize("text", ["1704205800", "1704205800000", "1704205800.000"])
def test_epochs_in_seconds_or_milliseconds(text):
    """They are told apart by their size."""
    assert datetime(2024, 1, 2, 14, 30, tzinfo=UTC) == epoch(text)
