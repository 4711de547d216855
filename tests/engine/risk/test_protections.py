"""Rules in order, and the locks that they bring."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import NOTHING, fields, frozen

from engine.config import convert
from engine.facts import DayBegan, LocksReleased
from engine.model import OrderRequest, Side
from engine.recipe import as_text
from engine.risk.locks import Lasting
from engine.risk.protections import (
    CooldownPeriod,
    DailyLossLimit,
    LowProfitPairs,
    MaxDrawdown,
    MaxTradesPerDay,
    Protection,
    Protections,
    StoplossGuard,
    TradingWindow,
    VolatilityHalt,
)

D = Decimal
BUY = OrderRequest.market("A", Side.BUY, D(1))
TEN, HOUR = timedelta(minutes=10), timedelta(hours=1)
ALL = (
    StoplossGuard(trade_limit=1),
    MaxDrawdown(max_drawdown=D("0.05"), mode="ratios"),
    LowProfitPairs(unlock_at=time(11)),
    CooldownPeriod(lock_for=TEN),
    DailyLossLimit(max_loss=D(100)),
    MaxTradesPerDay(max_trades=2),
    TradingWindow(start=time(10), end=time(16), before_close=TEN),
    VolatilityHalt(max_deviation=D("0.006")),
)


REFERENCE = Path(__file__).parents[3] / "docs/reference/protections.md"
LASTING = {"lock_for", "unlock_at", "candle"}


@frozen
class Holder:
    protections: tuple[Protection, ...]


def test_every_rule_locks_in_order(history):
    """A closed trade is shown to each rule in turn; what a lock that holds keeps out as long brings none."""
    rules = ((HOUR, True), (TEN, True), (HOUR * 2, True), (HOUR * 3, False), (HOUR * 3, True), (HOUR * 4, False))
    longer = [StoplossGuard(trade_limit=1, lock_for=lasts, only_per_symbol=alone) for lasts, alone in rules]
    locks = history(*longer).close("10:00")

    names = [("A", 1), ("A", 3), ("*", 4), ("*", 6)]
    assert [f"stoploss-guard.{number}/{whom}/1" for whom, number in names] == [lock.id for lock in locks]


def test_the_same_trade_locks_once(history):
    """A trade that was looked at before brings nothing, also when its lock was lifted since."""
    book = history(CooldownPeriod(), CooldownPeriod(everything=True, lock_for=HOUR * 2))
    trade = book.trade("10:00")
    first = []
    for lock in book.protections.after_trade(trade, book.books):
        first.append(lock)
        book.books.apply(lock, lock.at)
    lifted = LocksReleased(at=trade.closed, ids=tuple(lock.id for lock in first), reason="r")
    book.books.apply(lifted, trade.closed)

    assert ["cooldown.1/A/1", "cooldown.2/*/1"] == [lock.id for lock in first]
    assert [] == list(book.protections.after_trade(trade, book.books))


def test_a_lifted_lock_covers_nothing(history):
    """After a release the next trade locks anew."""
    book = history(CooldownPeriod())
    (lock,) = book.close("10:00")
    book.books.apply(LocksReleased(at=lock.at, ids=(lock.id,), reason="r"), lock.at)

    assert ["A 10:30:00"] == history(CooldownPeriod(lock_for=TEN * 3)).ends("10:00")
    assert ["A 11:00:00"] == book.ends("10:00")


def test_the_first_rule_that_minds_answers(history, at):
    """Rules about entries are asked in their order, and none of the others is."""
    books = history().books
    answers = [Protections(rules).refusal(BUY, books, at("12:00")) for rules in (
        ALL, ALL[5:], ALL[6:], ALL[:4], ALL[7:], ())]  # fmt: skip

    assert ["DAILY_LOSS", "TRADING_WINDOW", "TRADING_WINDOW", None, None, None] == [
        answer and answer.code for answer in answers]  # fmt: skip


def test_all_rules_may_let_pass(history, at):
    """On an ordinary day an entry passes all eight."""
    books = history().books
    books.apply(
        DayBegan(at=at("14:30"), number=1, opens=at("14:30"), closes=at("21:00"), equity=D(10_000)), at("14:30")
    )

    assert None is Protections(ALL).refusal(BUY, books, at("15:30"))


def test_how_far_back_prices_are_kept():
    """Each volatility rule has its own length; without one nothing has to be kept."""
    rules = (*ALL, VolatilityHalt(max_deviation=D(1), returns=50), VolatilityHalt(max_deviation=D(1)))

    assert (frozenset({29, 50}), frozenset()) == (Protections(rules).lengths, Protections(ALL[:7]).lengths)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.method)
def test_rules_survive_being_written(rule):
    """What a journal keeps of a rule's settings makes the same rule again."""
    table = json.loads(as_text(rule), parse_float=D)

    assert rule == convert({"protections": [table]}, Holder, where="journal").protections[0]


# --- the reference ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [type(rule) for rule in ALL], ids=lambda cls: fields(cls).method.default)
def test_the_reference_has_every_key(cls):
    """The table of a method lists its keys, which of them are required, and the defaults that are words or numbers."""
    text = REFERENCE.read_text(encoding="utf-8").split(f"## {fields(cls).method.default}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    told = {row[0].strip(" `"): row for row in rows}
    keys = {key.alias: key for key in fields(cls) if key.init and key.name != "method"}

    assert keys.keys() - told.keys() <= (LASTING if issubclass(cls, Lasting) else set())
    assert told.keys() <= keys.keys()
    for name, row in told.items():
        default = keys[name].default
        assert (default is NOTHING) is ("required" in row[1])
        if isinstance(default, str | int | Decimal):
            assert json.dumps(default if isinstance(default, str | bool) else int(default)) == row[2].strip(" `")


def test_the_example_of_the_reference():
    """It can be read, and means what it says."""
    (example,) = re.findall(r"```toml\n(.*?)```", REFERENCE.read_text(encoding="utf-8"), re.DOTALL)
    table = tomllib.loads(example, parse_float=Decimal)
    guard = StoplossGuard(lookback=HOUR, trade_limit=3, lock_for=TEN * 3, candle=TEN / 2)
    window = TradingWindow(start=time(10), end=time(15, 30))

    expected = (guard, DailyLossLimit(max_loss_ratio=D("0.02")), window)
    assert expected == convert(table, Holder, where="session.toml").protections
