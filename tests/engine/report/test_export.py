"""Tables as files and frames."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.errors import InvalidInput
from engine.report.export import save_csv, to_pandas, to_polars
from engine.report.tables import Column, Kind, Table, tables

D = Decimal
AT = datetime(2024, 1, 2, 14, 30, 0, 250_000, tzinfo=UTC)
TABLE = Table(
    "mixed",
    tuple(Column(kind.value, kind) for kind in Kind),
    [('a "quoted", text', AT, D("1E-8"), 7, 1.5, True), (None, None, None, None, None, None)],
)


def test_files_hold_every_row(tmp_path, full):
    """Each table becomes a file of its name: a header, then all rows."""
    made = tables(full)
    paths = save_csv(made.values(), tmp_path / "new" / "folder")

    assert [f"{name}.csv" for name in made] == [path.name for path in paths]
    assert sorted(paths) == sorted((tmp_path / "new" / "folder").iterdir())
    for table, path in zip(made.values(), paths, strict=True):
        header, *rows = csv.reader(path.read_text(encoding="utf-8").splitlines())
        assert [column.name for column in table.columns] == header
        assert len(table.rows) == len(rows)


def test_cells_are_exact(tmp_path):
    """Amounts keep every digit, moments are ISO 8601, nothing is an empty cell."""
    (path,) = save_csv([TABLE], tmp_path)

    assert path.read_bytes().decode() == (
        "text,moment,amount,count,seconds,flag\n"
        '"a ""quoted"", text",2024-01-02T14:30:00.250000+00:00,0.00000001,7,1.5,true\n'
        ",,,,,\n"
    )


def test_amounts_read_back_as_they_were(tmp_path, full):
    """A file's amounts are those of the history, to the last digit."""
    (path,) = save_csv([tables(full)["fills"]], tmp_path)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))

    assert [fill.price for fill in full.fills] == [D(row["price"]) for row in rows]
    assert [fill.slip.bps for fill in full.fills] == [D(row["slippage_bps"]) for row in rows]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    """Files are replaced whole or not at all."""
    (path,) = save_csv([TABLE], tmp_path)
    before = path.read_bytes()
    (tmp_path / "mixed.part").mkdir()

    with pytest.raises(OSError):
        save_csv([Table("mixed", TABLE.columns, [])], tmp_path)
    assert before == path.read_bytes()


def test_frames_of_polars(full):
    """Amounts are Float64, moments have their zone, what is not told is null; empty tables keep their types."""
    polars = pytest.importorskip("polars")
    frame = to_polars(TABLE)
    kinds = [polars.String, polars.Datetime("us", "UTC"), polars.Float64, polars.Int64, polars.Float64, polars.Boolean]

    assert kinds == frame.dtypes == to_polars(Table("empty", TABLE.columns, [])).dtypes
    assert ('a "quoted", text', AT, 1e-8, 7, 1.5, True) == frame.row(0)
    assert (None,) * 6 == frame.row(1)
    for table in tables(full).values():
        assert (len(table.rows), len(table.columns)) == to_polars(table).shape


def test_frames_of_pandas(full):
    """Amounts are float64, moments have their zone, what is not told is missing; empty tables keep their types."""
    pandas = pytest.importorskip("pandas")
    frame = to_pandas(TABLE)
    kinds = ["string", "datetime64[us, UTC]", "float64", "Int64", "float64", "boolean"]

    assert kinds == [str(kind) for kind in frame.dtypes]
    assert kinds == [str(kind) for kind in to_pandas(Table("empty", TABLE.columns, [])).dtypes]
    assert ['a "quoted", text', pandas.Timestamp(AT), 1e-8, 7, 1.5, True] == list(frame.iloc[0])
    assert frame.iloc[1].isna().all()
    for table in tables(full).values():
        assert (len(table.rows), len(table.columns)) == to_pandas(table).shape


@pytest.mark.parametrize(
    ("make", "package", "requirement"), [(to_polars, "polars", "tradebridge[data]"), (to_pandas, "pandas", "pandas")]
)
def test_a_missing_package_is_named(monkeypatch, make, package, requirement):
    """Where it is not installed the error says how to get it."""
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(InvalidInput, match=f"no package '{package}'.*") as caught:
        make(TABLE)
    assert f"pip install '{requirement}'" in str(caught.value)
