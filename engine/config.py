"""
Settings: strict conversion of TOML tables to attrs classes.

What does not fit is an `InvalidInput` that names the file, the path of the key, what was found and what is allowed. A
key that the class does not have is an error at any depth: a misspelt one would otherwise leave a default in force.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from attrs import NOTHING, Attribute, fields, has

from engine.clock import utc
from engine.errors import ClockError, InvalidInput, InvalidRequest

__all__ = ["convert", "read_toml"]

T = TypeVar("T")

_WORDS: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    Decimal: 'a finite number, e.g. 1000.50 or "1000.50"',
    date: "a date, e.g. 2024-01-02",
    time: 'a time of day, e.g. 09:30:00 or "09:30"',
    datetime: "a moment with its zone, e.g. 2024-01-02T09:30:00-05:00",
    timedelta: 'a duration: a number of seconds, or a text like "500ms", "30s", "5m", "1h", "1d"',
}
_COLLECTIONS: dict[object, type] = {list: list, Sequence: list, tuple: tuple, set: set, frozenset: frozenset}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
_ISO_DURATION = re.compile(r"P.+")  # what msgspec writes
_HOUR_AND_MINUTE = re.compile(r"\d\d:\d\d")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_POSITION = re.compile(r" \((?:at line (?P<line>\d+), column (?P<column>\d+)|at end of document)\)$")


def read_toml(path: str | Path) -> dict[str, Any]:
    """
    The tables of a TOML file; a number with a decimal point is a `Decimal`, every digit kept.

    Raises:
        InvalidInput: There is no such file, it cannot be read, or it is not TOML; with line and column.
    """
    path = Path(path)
    expected = "a TOML file"
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InvalidInput(str(path), "no such file", expected) from None
    except IsADirectoryError:
        raise InvalidInput(str(path), "a directory", expected) from None
    except OSError as error:
        raise InvalidInput(str(path), error.strerror, f"{expected} that can be read") from error
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"{path}, line {line}", raw[error.start : error.start + 1], "text in UTF-8") from error
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, str(error)) from error
    except (ValueError, ArithmeticError, RecursionError) as error:  # a number of 5,000 digits, 1,000 brackets
        raise InvalidInput(str(path), type(error).__name__, f"values that can be represented: {error}") from error


def _not_toml(path: Path, text: str, message: str) -> InvalidInput:
    lines = text.splitlines() or [""]
    position = _POSITION.search(message)
    what = message[: position.start()] if position else message
    if position is None or position["line"] is None:
        return InvalidInput(f"{path}, line {len(lines)}", lines[-1], f"TOML, but at its end: {what}")
    number = int(position["line"])
    where = f"{path}, line {number}, column {position['column']}"
    return InvalidInput(where, lines[number - 1] if number <= len(lines) else "", f"TOML, but: {what}")


def convert(table: Mapping[str, object], cls: type[T], *, where: str) -> T:
    """
    A table as an instance of an attrs class, with everything that is nested in it.

    A `Decimal` is read from a number with a decimal point, a whole number or a text, and never from a binary float,
    which has lost digits already. A `timedelta` is a number of seconds or a text like "5m" or "PT300S". A `datetime`
    must name its zone and becomes UTC. An enum is written as its value. ``dict[str, object]`` takes a table as it is.
    A union of attrs classes takes the one that the table names: each has a field of the same name whose type is a
    `Literal` and which has a default, as in ``method: Literal["cooldown"] = "cooldown"``.

    Args:
        table: As `read_toml` returns it, or any part of it.
        cls: Its fields' names are the allowed keys; fields without a default are required.
        where: Where the table stands, for people: "session.toml", "session.toml: strategy.fast".

    Raises:
        InvalidInput: A key is unknown or missing, or a value is not what its field or the class accepts.
    """
    built: T = _build(table, cls, where)
    return built


def _build(value: object, kind: Any, where: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if has(origin or kind):
        return _instance(value, kind, where)
    if origin in (Union, UnionType) and NoneType in args:
        if value is None:
            return None
        return _build(value, Union[tuple(arg for arg in args if arg is not NoneType)], where)  # noqa: UP007
    if origin in (Union, UnionType) and (tag := _tag(args)) is not None:
        return _instance(value, _named(_table(value, where), *tag, where), where)
    if origin in _COLLECTIONS:
        return _collection(value, origin, args, where)
    if origin in (dict, Mapping):
        return {
            _build(key, args[0], f"{where}, key {key!r}"): _build(item, args[1], _under(where, key))
            for key, item in _table(value, where).items()
        }
    return _single(value, kind, where)


def _tag(classes: tuple[Any, ...]) -> tuple[str, dict[object, type[Any]]] | None:
    """The key by which attrs classes are told apart, and the class for each of its values; None: there is none."""
    if not all(has(get_origin(cls) or cls) for cls in classes):
        return None
    found: dict[str, dict[object, type[Any]]] = {}
    for cls in classes:
        kinds = get_type_hints(cls)
        for attribute in fields(cls):
            if get_origin(kinds[attribute.name]) is Literal and attribute.default is not NOTHING:
                found.setdefault(attribute.alias, {})[attribute.default] = cls
    return next(((key, by_value) for key, by_value in found.items() if len(by_value) == len(classes)), None)


def _named(table: Mapping[str, object], key: str, by_value: Mapping[object, type[Any]], where: str) -> type[Any]:
    """The class that a table names under that key."""
    place, expected = _under(where, key), f"one of {_listed(by_value)}"
    if key not in table:
        raise InvalidInput(place, NOTHING, f"{expected}; it is required")
    value = table[key]
    if not isinstance(value, str | int) or value not in by_value:
        raise InvalidInput(place, value, expected + _perhaps(value, by_value))
    return by_value[value]


def _instance(value: object, cls: type[Any], where: str) -> Any:
    table = _table(value, where)
    attributes = {attribute.alias: attribute for attribute in fields(cls) if attribute.init}
    for key in table:
        if key not in attributes:
            raise InvalidInput(where, key, f"no other keys than {_listed(attributes)}{_perhaps(key, attributes)}")
    kinds = get_type_hints(cls, include_extras=True)
    values = {}
    for key, attribute in attributes.items():
        if key in table:
            values[key] = _build(table[key], kinds[attribute.name], _under(where, key))
        elif attribute.default is NOTHING:
            raise InvalidInput(_under(where, key), NOTHING, f"{_in_words(kinds[attribute.name])}; it is required")
    try:
        return cls(**values)
    except (ValueError, TypeError) as error:
        raise _refused(error, table, where) from error


def _refused(error: ValueError | TypeError, table: Mapping[str, object], where: str) -> InvalidInput:
    """What a class's own checks said, at the key that they looked at if that can be told."""
    if isinstance(error, InvalidRequest):
        return InvalidInput(_under(where, error.field, quote=False), error.value, error.expected)
    message = str(error.args[0]) if error.args else type(error).__name__
    named = next((arg.alias for arg in error.args if isinstance(arg, Attribute)), None)  # most of attrs' validators
    if named is None and (quoted := re.match(r"'(\w+)'", message)):  # the others start with it
        named = quoted[1]
    if named is not None and named in table:
        return InvalidInput(_under(where, named), table[named], f"a value that passes its check: {message}")
    return InvalidInput(where, dict(table), f"values that go together: {message}")


def _collection(value: object, origin: Any, args: tuple[Any, ...], where: str) -> Any:
    if not isinstance(value, list | tuple | set | frozenset):
        raise InvalidInput(where, value, _in_words(origin[args]))
    items = list(value)
    if origin is tuple and args[-1] is not Ellipsis:
        if len(items) != len(args):
            raise InvalidInput(where, value, _in_words(origin[args]))
        kinds = list(args)
    else:
        kinds = [args[0]] * len(items)
    return _COLLECTIONS[origin](
        _build(item, kind, f"{where}[{index}]") for index, (item, kind) in enumerate(zip(items, kinds, strict=True))
    )


def _single(value: object, kind: Any, where: str) -> Any:
    expected = _in_words(kind)
    if kind is Decimal and isinstance(value, float):
        raise InvalidInput(where, value, f"{expected}: a binary float has lost digits, so put quotes round the number")
    if kind is timedelta and not isinstance(value, timedelta):
        return _duration(value, where)
    if choices := _choices(kind):
        expected += _perhaps(value, choices)
    try:
        short = kind is time and isinstance(value, str) and _HOUR_AND_MINUTE.fullmatch(value)
        converted = msgspec.convert(f"{value}:00" if short else value, kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(where, value, expected or str(error)) from error
    if isinstance(converted, Decimal) and not converted.is_finite():
        raise InvalidInput(where, value, expected)
    if isinstance(converted, datetime):
        try:
            return utc(converted)
        except ClockError:
            raise InvalidInput(where, value, expected) from None
    return converted


def _duration(value: object, where: str) -> timedelta:
    seconds: Decimal | None = None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        seconds = Decimal(value)
    elif isinstance(value, str) and (parts := _DURATION.fullmatch(value.strip())):
        seconds = Decimal(parts[1]) * _SECONDS[parts[2]]
    try:
        if seconds is not None and seconds.is_finite():
            return timedelta(microseconds=int((seconds * 1_000_000).to_integral_value()))
        if isinstance(value, str) and _ISO_DURATION.fullmatch(value):
            return msgspec.convert(value, timedelta)
    except (OverflowError, ArithmeticError, msgspec.ValidationError):  # also more than 2.7 million years
        pass
    raise InvalidInput(where, value, _WORDS[timedelta])


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidInput(where, value, "a table")
    return value


def _under(where: str, key: object, *, quote: bool = True) -> str:
    """The place of a key in a table: "session.toml: strategy", then "session.toml: strategy.fast"."""
    text = str(key)
    name = text if not quote or _BARE_KEY.fullmatch(text) else f'"{text}"'
    return f"{where}.{name}" if ": " in where else f"{where}: {name}"


def _choices(kind: Any) -> list[object]:
    """What an enum or a Literal allows; nothing for any other type."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [member.value for member in kind]
    return list(get_args(kind)) if get_origin(kind) is Literal else []


def _listed(names: Iterable[object]) -> str:
    return ", ".join(repr(name) for name in names)


def _perhaps(found: object, allowed: Iterable[object]) -> str:
    names = {str(name).lower(): name for name in allowed}
    close = get_close_matches(str(found).lower(), names, n=1)
    return f" (did you mean {names[close[0]]!r}?)" if close else ""


def _in_words(kind: Any) -> str:
    """A type as a person would name it; "" if only msgspec knows."""
    if kind in _WORDS:
        return _WORDS[kind]
    if choices := _choices(kind):
        return f"one of {_listed(choices)}"
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_in_words(arg) for arg in args if arg is not NoneType))
    if origin in (dict, Mapping) or has(origin or kind):
        return "a table"
    if origin is tuple and args[-1] is not Ellipsis:
        return f"a list of {len(args)}: {', '.join(_in_words(arg) for arg in args)}"
    if origin in _COLLECTIONS:
        return f"a list, each {_in_words(args[0])}"
    return ""
