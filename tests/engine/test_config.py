"""Settings are converted strictly, and every error says where, what and what is allowed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from attrs import NOTHING, Factory, field, frozen, validators

from engine.config import convert, read_toml
from engine.errors import InvalidInput, InvalidRequest
from engine.model import Exits


class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"


class Level(Enum):
    ONE = 1
    TWO = 2


def below_100(instance, attribute, value):
    if value >= 100:
        raise InvalidRequest(attribute.name, value, "less than 100")


def shaky(instance, attribute, value):
    raise ValueError


@frozen(kw_only=True)
class Rule:
    name: str
    percent: Decimal = field(default=Decimal(1), validator=below_100)
    mode: Mode = Mode.FAST


@frozen(kw_only=True)
class Checked:
    count: int = field(default=1, validator=validators.ge(0))
    word: str = field(default="a", validator=validators.in_(["a", "b"]))
    form: str = field(default="a", validator=validators.matches_re("[ab]"))
    kind: Any = field(default=1, validator=validators.instance_of(int))
    low: int = 1
    high: int = 2

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low must not be above high")


@frozen(kw_only=True)
class Timer:
    method: Literal["timer"] = "timer"
    every: timedelta = timedelta(minutes=1)


@frozen(kw_only=True)
class Counter:
    method: Literal["counter"] = "counter"
    most: int


@frozen(kw_only=True)
class Plan:
    steps: tuple[Timer | Counter, ...] = ()
    last: Timer | Counter | None = None


@frozen
class Shaky:
    value: int = field(default=0, validator=shaky)


@frozen(kw_only=True)
class Everything:
    """One field of each kind, all with defaults."""

    cash: Decimal = Decimal(0)
    count: int = 0
    ratio: float = 0.0
    name: str = ""
    on: bool = False
    mode: Mode = Mode.FAST
    level: Level = Level.ONE
    word: Literal["a", "b"] = "a"
    patience: timedelta = timedelta(0)
    start: datetime | None = None
    day: date | None = None
    opens: time | None = None
    limit: Decimal | None = None
    either: int | str = 0
    bounded: Annotated[int, msgspec.Meta(ge=0)] = 0
    names: list[str] = Factory(list)
    many: Sequence[int] = ()
    pair: tuple[str, int] = ("", 0)
    rules: tuple[Rule, ...] = ()
    unique: frozenset[str] = frozenset()
    distinct: set[int] = Factory(set)
    rule: Rule | None = None
    by_name: dict[str, Rule] = Factory(dict)
    amounts: Mapping[str, Decimal] = Factory(dict)
    by_mode: dict[Mode, int] = Factory(dict)
    free: dict[str, object] = Factory(dict)
    _hidden: int = 0
    made: int = field(default=7, init=False)


def toml(text):
    return tomllib.loads(text, parse_float=Decimal)


def refused(table, cls=Everything, where="a.toml"):
    """The error's where, value and expected."""
    with pytest.raises(InvalidInput) as caught:
        convert(table, cls, where=where)
    return caught.value.where, caught.value.value, caught.value.expected


# --- what is accepted -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cash = 1000.50", Decimal("1000.50")),
        ("cash = 0.1", Decimal("0.1")),
        ("cash = 1_000.000_1", Decimal("1000.0001")),
        ("cash = 1e3", Decimal("1e3")),
        ("cash = 1000", Decimal(1000)),
        ("cash = -5", Decimal(-5)),
        ('cash = "1000.50"', Decimal("1000.50")),
        ("ratio = 1.5", 1.5),
        ("ratio = 2", 2.0),
        ("count = 3", 3),
        ('name = "x"', "x"),
        ("on = true", True),
        ('mode = "slow"', Mode.SLOW),
        ("level = 2", Level.TWO),
        ('word = "b"', "b"),
        ("either = 1", 1),
        ('either = "1"', "1"),
        ("bounded = 1", 1),
        ("limit = 1.5", Decimal("1.5")),
        ("day = 2024-01-02", date(2024, 1, 2)),
        ("opens = 09:30:00", time(9, 30)),
        ('opens = "09:30:15"', time(9, 30, 15)),
        ('opens = "09:30"', time(9, 30)),
        ("names = ['a', 'b', 'a']", ["a", "b", "a"]),
        ("many = [1, 2]", [1, 2]),
        ("pair = ['a', 1]", ("a", 1)),
        ("unique = ['a', 'b', 'a']", frozenset({"a", "b"})),
        ("distinct = [1, 2, 1]", {1, 2}),
        ("rules = []", ()),
        ("rule.name = 'r'", Rule(name="r")),
        (
            "[[rules]]\nname = 'a'\n[[rules]]\nname = 'b'\npercent = 2",
            (Rule(name="a"), Rule(name="b", percent=Decimal(2))),
        ),
        ("[by_name.x]\nname = 'r'\nmode = 'slow'", {"x": Rule(name="r", mode=Mode.SLOW)}),
        ("[amounts]\nUSD = 1.10\nEUR = 2", {"USD": Decimal("1.10"), "EUR": Decimal(2)}),
        ("[by_mode]\nslow = 1", {Mode.SLOW: 1}),
        ("[free]\na = 1.50\nb = { c = [1] }", {"a": Decimal("1.50"), "b": {"c": [1]}}),
    ],
)
def test_value_of_each_kind(text, expected):
    """A value in a TOML file arrives as its field's type, exactly."""
    value = getattr(convert(toml(text), Everything, where="a.toml"), toml_key(text))

    assert expected == value
    assert type(expected) is type(value)
    assert str(expected) == str(value) or isinstance(value, set | frozenset)


def toml_key(text):
    return next(iter(toml(text)))


def test_defaults_stay():
    """A key that is not there leaves its field's default."""
    assert Everything() == convert({}, Everything, where="a.toml")


@pytest.mark.parametrize("text", ["1.5", "1e-7", "123456789012345678901234567890.123456789"])
def test_money_keeps_every_digit(text):
    """A number with a decimal point reaches a Decimal with the digits that stand in the file."""
    settings = convert(toml(f"cash = {text}"), Everything, where="a.toml")

    assert str(Decimal(text)) == str(settings.cash)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (30, timedelta(seconds=30)),
        (Decimal("0.25"), timedelta(milliseconds=250)),
        (0.25, timedelta(milliseconds=250)),
        (0, timedelta(0)),
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("1.5h", timedelta(minutes=90)),
        ("2 d", timedelta(days=2)),
        ("PT1800S", timedelta(minutes=30)),
        ("P1DT0.5S", timedelta(days=1, milliseconds=500)),
        (timedelta(minutes=1), timedelta(minutes=1)),
    ],
)
def test_durations(value, expected):
    """A duration is a number of seconds, a number and its unit in a text, or a text of ISO 8601."""
    assert expected == convert({"patience": value}, Everything, where="a.toml").patience


@pytest.mark.parametrize("value", [timedelta(microseconds=1), timedelta(minutes=30), timedelta(days=400, hours=1)])
def test_durations_that_msgspec_wrote(value):
    """What msgspec makes of a duration becomes the same duration."""
    assert value == convert({"patience": msgspec.to_builtins(value)}, Everything, where="a.toml").patience


def test_the_class_that_a_table_names():
    """Of several classes that of the table's method is made, in lists and where nothing may stand, with all checks."""
    text = (
        "[[steps]]\nmethod = 'counter'\nmost = 3\n[[steps]]\nmethod = 'timer'\nevery = '5m'\n[last]\nmethod = 'timer'"
    )
    plan = convert(toml(text), Plan, where="a.toml")

    assert Plan(steps=(Counter(most=3), Timer(every=timedelta(minutes=5))), last=Timer()) == plan
    assert Plan() == convert({"last": None}, Plan, where="a.toml")


@pytest.mark.parametrize(
    "text", ["2024-01-02T09:30:00-05:00", "2024-01-02T14:30:00Z", '"2024-01-02T14:30:00Z"', "2024-01-02 14:30:00+00:00"]
)
def test_moments_become_utc(text):
    """A moment of any zone, as TOML's own type or as a text, becomes the same instant in UTC."""
    start = convert(toml(f"start = {text}"), Everything, where="a.toml").start

    assert datetime(2024, 1, 2, 14, 30, tzinfo=UTC) == start
    assert UTC is start.tzinfo


def test_optional_values_may_be_none():
    """A table that does not come from TOML may say None where a field allows it."""
    assert Everything() == convert({"limit": None, "rule": None}, Everything, where="a.toml")


def test_values_of_the_right_type_pass():
    """A table that was built in Python may hold enum members and Decimals already."""
    expected = Everything(mode=Mode.SLOW, cash=Decimal("1.5"), names=["a"])

    assert expected == convert({"mode": Mode.SLOW, "cash": Decimal("1.5"), "names": ("a",)}, Everything, where="here")


def test_private_fields_go_by_their_public_name():
    """A field with an underscore has the key that its class's own arguments have."""
    assert Everything(hidden=3) == convert({"hidden": 3}, Everything, where="a.toml")


def test_a_free_table_can_be_converted_later():
    """What stands in a free table is converted by a second call, once its class is known."""
    settings = convert(toml("[free.risk]\nname = 'r'\npercent = 2.50"), Everything, where="a.toml")

    assert Rule(name="r", percent=Decimal("2.50")) == convert(settings.free["risk"], Rule, where="a.toml: free.risk")


def test_classes_of_the_model_convert():
    """A class that checks itself in terms of InvalidRequest needs nothing more."""
    assert Exits(stop_loss=Decimal("9.5")) == convert(toml("stop_loss = 9.5"), Exits, where="a.toml")


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where", "key"),
    [
        ("rule = { name = 'r', percnt = 1 }", "a.toml: rule", "percnt"),
        ("[[rules]]\nname = 'a'\n[[rules]]\nname = 'b'\nPercent = 1", "a.toml: rules[1]", "Percent"),
        ("[by_name.x]\nname = 'r'\npercent_ = 1", "a.toml: by_name.x", "percent_"),
    ],
)
def test_unknown_keys_are_errors_at_any_depth(text, where, key):
    """A misspelt key is refused wherever it stands, with the key that was probably meant and all that are allowed."""
    expected = "no other keys than 'name', 'percent', 'mode' (did you mean 'percent'?)"

    assert (where, key, expected) == refused(toml(text))


def test_unknown_key_that_resembles_nothing():
    """Without a key that is close nothing is suggested."""
    assert ("a.toml", "zzz", "no other keys than 'name', 'percent', 'mode'") == refused({"zzz": 1}, Rule)


def test_unknown_keys_come_before_missing_ones():
    """A required key that was misspelt is reported as misspelt, not as missing."""
    assert ("a.toml", "nme") == refused({"nme": "x"}, Rule)[:2]


def test_fields_that_are_not_arguments_are_not_keys():
    """A field that a class works out itself cannot be set from a file."""
    assert ("a.toml", "made") == refused({"made": 1})[:2]


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ({"rule": {}}, "a.toml: rule.name"),
        ({"rules": [{"name": "a"}, {}]}, "a.toml: rules[1].name"),
        ({"by_name": {"x": {}}}, "a.toml: by_name.x.name"),
        ({"by_name": {"a.b": {}}}, 'a.toml: by_name."a.b".name'),
    ],
)
def test_missing_keys_name_their_path(table, where):
    """A required key that is missing is named with its path and what should stand there."""
    found = refused(table)

    assert (where, "a text in quotes; it is required") == (found[0], found[2])
    assert "NOTHING" == repr(found[1])


def test_the_path_goes_on_from_where_the_table_stands():
    """A table from the middle of a file has the path that leads to it."""
    assert "a.toml: strategy.fast.percent" == refused({"name": "r", "percent": "x"}, Rule, "a.toml: strategy.fast")[0]


def test_the_message_says_all_of_it():
    """The error reads as one sentence."""
    with pytest.raises(InvalidInput) as caught:
        convert({"rule": {"name": "r", "mode": "fats"}}, Everything, where="session.toml")

    assert "session.toml: rule.mode: found 'fats', expected one of 'fast', 'slow' (did you mean 'fast'?)" == str(
        caught.value
    )


@pytest.mark.parametrize(
    ("table", "where", "value", "expected"),
    [
        ({}, ".method", NOTHING, "one of 'timer', 'counter'; it is required"),
        ({"most": 3}, ".method", NOTHING, "one of 'timer', 'counter'; it is required"),
        ({"method": "count"}, ".method", "count", "one of 'timer', 'counter' (did you mean 'counter'?)"),
        ({"method": "x"}, ".method", "x", "one of 'timer', 'counter'"),
        ({"method": ["timer"]}, ".method", ["timer"], "one of 'timer', 'counter' (did you mean 'timer'?)"),
        ({"method": "counter"}, ".most", NOTHING, "a whole number; it is required"),
        ({"method": "timer", "most": 3}, "", "most", "no other keys than 'method', 'every'"),
        ("timer", "", "timer", "a table"),
    ],
)
def test_tables_that_name_no_class(table, where, value, expected):
    """A method that is missing or unknown is named with all there are; the rest is checked by the class it names."""
    assert (f"a.toml: steps[0]{where}", value, expected) == refused({"steps": [table]}, Plan)


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("cash", "lots", 'a finite number, e.g. 1000.50 or "1000.50"'),
        ("cash", True, 'a finite number, e.g. 1000.50 or "1000.50"'),
        ("cash", Decimal("NaN"), 'a finite number, e.g. 1000.50 or "1000.50"'),
        ("cash", "Infinity", 'a finite number, e.g. 1000.50 or "1000.50"'),
        ("count", "1", "a whole number"),
        ("count", Decimal("1.0"), "a whole number"),
        ("count", 1.0, "a whole number"),
        ("count", True, "a whole number"),
        ("ratio", "1.5", "a number"),
        ("ratio", True, "a number"),
        ("name", 1, "a text in quotes"),
        ("name", None, "a text in quotes"),
        ("on", 1, "true or false"),
        ("on", "true", "true or false"),
        ("mode", "FAST", "one of 'fast', 'slow' (did you mean 'fast'?)"),
        ("mode", "quick", "one of 'fast', 'slow'"),
        ("mode", 1, "one of 'fast', 'slow'"),
        ("level", 3, "one of 1, 2"),
        ("word", "c", "one of 'a', 'b'"),
        ("either", True, "a whole number or a text in quotes"),
        ("day", "tomorrow", "a date, e.g. 2024-01-02"),
        ("opens", "9 am", 'a time of day, e.g. 09:30:00 or "09:30"'),
        ("opens", "25:00", 'a time of day, e.g. 09:30:00 or "09:30"'),
        ("opens", "9:30", 'a time of day, e.g. 09:30:00 or "09:30"'),
        ("limit", "x", 'a finite number, e.g. 1000.50 or "1000.50"'),
        ("rule", "r", "a table"),
        ("rule", [], "a table"),
        ("by_name", [], "a table"),
        ("free", 1, "a table"),
        ("names", "abc", "a list, each a text in quotes"),
        ("many", 1, "a list, each a whole number"),
        ("rules", {"name": "r"}, "a list, each a table"),
        ("unique", "ab", "a list, each a text in quotes"),
        ("pair", ["a"], "a list of 2: a text in quotes, a whole number"),
        ("pair", "ab", "a list of 2: a text in quotes, a whole number"),
    ],
)
def test_value_of_the_wrong_kind(key, value, expected):
    """A value that does not fit is named with its path, and what fits in plain words."""
    assert (f"a.toml: {key}", value, expected) == refused({key: value})


def test_a_range_of_the_type_is_told():
    """A bound that stands in the type is part of the message."""
    where, value, expected = refused({"bounded": -1})

    assert ("a.toml: bounded", -1) == (where, value)
    assert ">= 0" in expected


def test_money_is_never_a_binary_float():
    """A binary float where money belongs is refused with the way out."""
    where, value, expected = refused({"cash": 1000.5})

    assert ("a.toml: cash", 1000.5) == (where, value)
    assert expected.endswith("a binary float has lost digits, so put quotes round the number")


@pytest.mark.parametrize("key", ["limit", "amounts.USD", "rules[0].percent"])
def test_money_is_never_a_binary_float_at_any_depth(key):
    """The same holds of optional and nested money."""
    table = {"limit": 1.5} if key == "limit" else {"amounts": {"USD": 1.5}}
    table = {"rules": [{"name": "a", "percent": 1.5}]} if key.startswith("rules") else table

    assert f"a.toml: {key}" == refused(table)[0]


@pytest.mark.parametrize(
    "value", [datetime(2024, 1, 2, 9, 30), "2024-01-02T09:30:00", date(2024, 1, 2), "noon", 1704205800], ids=repr
)
def test_moments_need_a_zone(value):
    """A moment without a zone, or no moment at all, is refused."""
    expected = "a moment with its zone, e.g. 2024-01-02T09:30:00-05:00"

    assert ("a.toml: start", value, expected) == refused({"start": value})


@pytest.mark.parametrize(
    "value",
    [True, "soon", "5 parsecs", "", "-5s", "1h30m", "P1Y", "PT", "-PT5S", [], Decimal("NaN"), float("inf"), 10**30],
    ids=repr,
)
def test_durations_that_are_none(value):
    """What is neither seconds nor a text with a unit is refused with examples."""
    where, found, expected = refused({"patience": value})

    assert ("a.toml: patience", value) == (where, found)
    assert expected.startswith('a duration: a number of seconds, or a text like "500ms"')


@pytest.mark.parametrize(
    ("table", "where", "value"),
    [
        ({"names": ["a", 1]}, "a.toml: names[1]", 1),
        ({"pair": ["a", "b"]}, "a.toml: pair[1]", "b"),
        ({"amounts": {"USD": 1, "EUR": "x"}}, "a.toml: amounts.EUR", "x"),
        ({"by_mode": {"quick": 1}}, "a.toml: by_mode, key 'quick'", "quick"),
        ({"rules": [{"name": "a", "mode": "x"}]}, "a.toml: rules[0].mode", "x"),
    ],
)
def test_values_within_collections_have_their_place(table, where, value):
    """The path leads into lists, tuples and tables."""
    assert (where, value) == refused(table)[:2]


@pytest.mark.parametrize("table", ["abc", 1, None, [("name", "a")]])
def test_a_table_is_a_table(table):
    """Anything else than a table is refused as a whole."""
    assert ("a.toml", table, "a table") == refused(table, Rule)


# --- what a class checks itself ---------------------------------------------------------------------------------------


def test_our_own_validators_are_kept():
    """The value and the bound of an InvalidRequest are the error's."""
    table = {"rules": [{"name": "a", "percent": 100}]}

    assert ("a.toml: rules[0].percent", Decimal(100), "less than 100") == refused(table)


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("count", -1, "'count' must be >= 0: -1"),
        ("word", "c", "'word' must be in ['a', 'b'] (got 'c')"),
        ("form", "c", "'form' must match regex '[ab]' ('c' doesn't)"),
        ("kind", "x", "'kind' must be <class 'int'> (got 'x' that is a <class 'str'>)."),
    ],
)
def test_validators_of_attrs_are_kept(key, value, part):
    """The message of one of attrs' validators is kept and put at its key."""
    expected = f"a value that passes its check: {part}"

    assert (f"a.toml: {key}", value, expected) == refused({key: value}, Checked)


def test_checks_of_several_fields_are_kept():
    """A check that looks at several fields is told of the whole table."""
    expected = "values that go together: low must not be above high"

    assert ("a.toml", {"low": 3}, expected) == refused({"low": 3}, Checked)


def test_checks_without_words():
    """A check that says nothing is named by the class of its error."""
    assert ("a.toml", {}, "values that go together: ValueError") == refused({}, Shaky)


def test_a_request_error_keeps_the_names_it_gives():
    """An InvalidRequest of several fields is told with all their names."""
    where, value, expected = refused({"take_profit": 10, "stop_limit": 9}, Exits)

    assert ("a.toml: exits.stop_limit", Decimal(9), "a stop_loss beside it") == (where, value, expected)


def test_the_cause_is_chained():
    """Whoever looks for the check that refused finds it behind the error."""
    with pytest.raises(InvalidInput) as caught:
        convert({"count": -1}, Checked, where="a.toml")

    assert ValueError is type(caught.value.__cause__)


# --- files ------------------------------------------------------------------------------------------------------------


def read_refused(path):
    with pytest.raises(InvalidInput) as caught:
        read_toml(path)
    return caught.value.where, caught.value.value, caught.value.expected


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_read_toml(tmp_path, kind):
    """A file is read as tables, its numbers with a decimal point as Decimal."""
    path = tmp_path / "a.toml"
    path.write_text('[session]\r\ncash = 1000.50\r\nname = "Ä"\r\n', encoding="utf-8")

    assert {"session": {"cash": Decimal("1000.50"), "name": "Ä"}} == read_toml(kind(path))


def test_an_empty_file_is_an_empty_table(tmp_path):
    """A file without any key is valid TOML."""
    path = tmp_path / "a.toml"
    path.touch()

    assert {} == read_toml(path)


def test_file_that_is_not_there(tmp_path):
    """A missing file is named."""
    path = tmp_path / "a.toml"

    assert (str(path), "no such file", "a TOML file") == read_refused(path)


def test_folder_in_place_of_a_file(tmp_path):
    """A folder is no settings file."""
    assert (str(tmp_path), "a directory", "a TOML file") == read_refused(tmp_path)


def test_path_through_a_file(tmp_path):
    """Any other trouble with the path comes in the words of the operating system."""
    (tmp_path / "a").touch()
    where, value, expected = read_refused(tmp_path / "a" / "b.toml")

    assert (str(tmp_path / "a" / "b.toml"), "a TOML file that can be read") == (where, expected)
    assert isinstance(value, str)


def test_bytes_that_are_no_text(tmp_path):
    """A file in another encoding is refused at the line of the first byte that is not UTF-8."""
    path = tmp_path / "a.toml"
    path.write_bytes("a = 1\nname = 'Ä'\n".encode("latin-1"))

    assert (f"{path}, line 2", b"\xc4", "text in UTF-8") == read_refused(path)


def test_syntax_error(tmp_path):
    """What is not TOML is shown with line, column and the parser's reason."""
    path = tmp_path / "a.toml"
    path.write_text("a = 1\nmode = fast\n")

    assert (f"{path}, line 2, column 8", "mode = fast", "TOML, but: Invalid value") == read_refused(path)


@pytest.mark.parametrize(("text", "last"), [("a = 1\nb = ", "b = "), ("a = 1\na = 2", "a = 2")])
def test_syntax_error_at_the_end(tmp_path, text, last):
    """An error that shows only at the end of the file is put on its last line."""
    path = tmp_path / "a.toml"
    path.write_text(text)
    where, value, expected = read_refused(path)

    assert (f"{path}, line 2", last) == (where, value)
    assert expected.startswith("TOML, but at its end: ")


@pytest.mark.parametrize("text", ["a = " + "1" * 5000, "a = 1e999999999999999999999", "a = " + "[" * 3000])
def test_values_beyond_all_bounds(tmp_path, text):
    """Numbers and nestings that Python gives up on are errors like any other."""
    path = tmp_path / "a.toml"
    path.write_text(text)

    assert str(path) == read_refused(path)[0].partition(",")[0]
