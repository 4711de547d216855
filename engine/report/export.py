"""Tables as CSV files, and as frames of polars or pandas where those are installed."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidInput
from engine.report.tables import Kind, Table

if TYPE_CHECKING:
    import pandas
    import polars

__all__ = ["save_csv", "to_pandas", "to_polars"]


def save_csv(tables: Iterable[Table], directory: Path) -> list[Path]:
    """
    Write each table into the folder, which is made if it is not there; where they are.

    Amounts have every digit and no exponent, moments are ISO 8601 in UTC, nothing is an empty cell. A file is written
    whole or not at all; one of that name is replaced.

    Raises:
        OSError: A file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in tables:
        path = directory / f"{table.name}.csv"
        unfinished = path.with_suffix(".part")
        with unfinished.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow([column.name for column in table.columns])
            rows.writerows([_cell(value) for value in row] for row in table.rows)
        unfinished.replace(path)
        paths.append(path)
    return paths


def to_polars(table: Table) -> polars.DataFrame:
    """
    The table as a frame of polars.

    Amounts and seconds become Float64: a frame is for working with, the CSV is exact. Moments become Datetime in
    microseconds and UTC, counts Int64, flags Boolean, texts String; what is not told is null.

    Raises:
        InvalidInput: polars is not installed.
    """
    try:
        import polars
    except ImportError as error:
        raise _missing("to_polars", "polars", "tradebridge[data]") from error
    kinds: dict[Kind, Any] = {
        Kind.TEXT: polars.String,
        Kind.MOMENT: polars.Datetime("us", "UTC"),
        Kind.AMOUNT: polars.Float64,
        Kind.COUNT: polars.Int64,
        Kind.SECONDS: polars.Float64,
        Kind.FLAG: polars.Boolean,
    }
    schema = {column.name: kinds[column.kind] for column in table.columns}
    return polars.DataFrame(_floats(table), schema=schema, orient="row")


def to_pandas(table: Table) -> pandas.DataFrame:
    """
    The table as a frame of pandas.

    As `to_polars`: float64, datetime64[us, UTC], Int64, boolean and string; what is not told is NaN, NaT or NA.

    Raises:
        InvalidInput: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise _missing("to_pandas", "pandas", "pandas") from error
    kinds = {
        Kind.TEXT: "string",
        Kind.MOMENT: "datetime64[us, UTC]",
        Kind.AMOUNT: "float64",
        Kind.COUNT: "Int64",
        Kind.SECONDS: "float64",
        Kind.FLAG: "boolean",
    }
    columns: list[tuple[object, ...]] = list(zip(*_floats(table), strict=True)) or [()] * len(table.columns)
    return pandas.DataFrame(
        {
            column.name: pandas.Series(values, dtype=kinds[column.kind])
            for column, values in zip(table.columns, columns, strict=True)
        }
    )


def _floats(table: Table) -> list[tuple[object, ...]]:
    return [tuple(float(value) if type(value) is Decimal else value for value in row) for row in table.rows]


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value).lower() if isinstance(value, bool) else value


def _missing(where: str, package: str, requirement: str) -> InvalidInput:
    return InvalidInput(where, f"no package {package!r}", f"it to be installed: pip install '{requirement}'")
