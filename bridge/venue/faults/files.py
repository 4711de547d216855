"""
Faults as they stand in a file: a list of tables, each with the kind and what it sets.

```toml
[[fault]]
kind = "drop"
events = ["fill"]
count = 1
```

JSON has the same: {"fault": [{"kind": "drop", "events": ["fill"], "count": 1}]}.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from bridge.venue.faults.armed import AnyFault
from bridge.venue.spelling import plain
from engine.config import convert, read_toml
from engine.errors import InvalidInput

__all__ = ["as_table", "from_file", "from_json", "from_toml"]


@frozen(kw_only=True)
class _File:
    fault: tuple[AnyFault, ...] = field(factory=tuple)


def from_file(path: str | Path) -> tuple[AnyFault, ...]:
    """
    The faults of a file, in its order: JSON where its name ends in .json, TOML otherwise.

    Raises:
        InvalidInput: As in `from_toml`.
    """
    if Path(path).suffix.lower() != ".json":
        return from_toml(path)
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise InvalidInput(str(path), error.strerror or "no file", "a file that can be read") from error
    return from_json(raw, where=str(path))


def from_toml(path: str | Path) -> tuple[AnyFault, ...]:
    """
    The faults of a file, in its order.

    Raises:
        InvalidInput: It cannot be read, or something in it is wrong; with file, place in the list, key and value.
    """
    return convert(read_toml(path), _File, where=str(path)).fault


def from_json(raw: bytes, *, where: str = "faults") -> tuple[AnyFault, ...]:
    """
    The faults of a JSON document, in its order.

    Args:
        where: What it is called in errors.

    Raises:
        InvalidInput: As in `from_toml`.
    """
    try:
        table = json.loads(raw, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidInput(where, raw[:80].decode(errors="replace"), f"JSON, but: {error}") from error
    if not isinstance(table, Mapping):
        raise InvalidInput(where, table, 'a table, {"fault": [...]}')
    return convert(table, _File, where=where).fault


def as_table(fault: AnyFault) -> dict[str, Any]:
    """What a file would say of a fault: its kind, and what it sets that is not None."""
    given = {name: value for name, value in asdict(fault).items() if value is not None}
    kind = given.pop("kind")
    return {"kind": kind} | {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    return list(value) if isinstance(value, tuple) else value
