"""A session on the wire and the same one in this process."""

from __future__ import annotations

import csv
import socket
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from attrs import evolve

from engine.books.journal import Journal
from engine.config import convert, read_toml
from engine.errors import BrokerError, Diverged, TradingError
from engine.events import Filled
from engine.facts import OrderReported, SessionStarted
from engine.market.synthetic import synthetic_day
from engine.model import Exits, OrderRequest, OrderType, Side, TimeInForce
from engine.session import (
    MarketConfig,
    PaperSession,
    SessionConfig,
    StrategyConfig,
    market_data,
    open_session,
    resume_session,
)
from engine.strategies.loading import load_strategy

pytest.importorskip("requests")
pytest.importorskip("msgspec")

from bridge.venue.wired import in_memory

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
CENT = Decimal("0.01")


class Restless:
    """Orders of every kind, changed and cancelled at random; the same for the same seed."""

    def __init__(self, seed):
        self.chance = Random(seed)

    def on_bar(self, bar, trader):
        if self.chance.random() < 0.3:
            self._act(bar.symbol, bar.close, trader)

    def on_event(self, event, trader):
        if type(event) is Filled and self.chance.random() < 0.3:
            self._act(event.symbol, trader.books.mark(event.symbol) or Decimal(100), trader)

    def _act(self, symbol, price, trader):
        live = [order for order in trader.books.tracker.live.values() if order.symbol == symbol]
        pick = self.chance.random()
        try:
            if live and pick < 0.15:
                trader.cancel(self.chance.choice(live).id)
            elif live and pick < 0.35:
                self._change(self.chance.choice(live), price, trader)
            elif pick < 0.38:
                trader.flatten(symbol)
            else:
                self._send(symbol, price, trader)
        except TradingError:
            pass  # of an order that is over, or one that makes no sense

    def _change(self, order, price, trader):
        change = {}
        if self.chance.random() < 0.5:
            change["quantity"] = order.filled + self._quantity(order.symbol)
        for name in ("limit_price", "stop_price"):
            if getattr(order.request, name) is not None:
                change[name] = self._near(price)
        if change:
            trader.replace(order.id, **change)

    def _send(self, symbol, price, trader):
        held, coin = trader.position(symbol), "/" in symbol
        closing = held and self.chance.random() < 0.6
        side = (Side.SELL if held > 0 else Side.BUY) if closing else self.chance.choice((Side.BUY, Side.SELL))
        quantity = min(abs(held), self._quantity(symbol)) if closing else self._quantity(symbol)
        kind = self.chance.choice(list(OrderType))
        more = {}
        if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            more["limit_price"] = self._near(price)
        if kind in (OrderType.STOP, OrderType.STOP_LIMIT):
            more["stop_price"] = self._near(price)
        if kind is OrderType.TRAILING_STOP:
            more["trail_price"] = (price / 500).quantize(CENT) + CENT
        if self.chance.random() < 0.2:
            more["time_to_live"] = timedelta(minutes=self.chance.randrange(1, 20))
        if not closing and self.chance.random() < 0.3:
            away = (price / 300).quantize(CENT) + CENT
            stop = price - side.signed(away)
            limit = stop - side.signed(away) if coin else None
            more["exits"] = Exits(take_profit=price + side.signed(away), stop_loss=stop, stop_limit=limit)
        lasting = self.chance.choice([TimeInForce.GTC, TimeInForce.IOC] if coin else list(TimeInForce))
        trader.submit(
            OrderRequest(symbol=symbol, side=side, type=kind, quantity=quantity, time_in_force=lasting, **more)
        )

    def _quantity(self, symbol):
        if "/" in symbol:
            return Decimal(self.chance.randrange(1, 3_000_000)) / 1_000_000
        return Decimal(self.chance.randrange(1, 400))

    def _near(self, price):
        return (price * Decimal(self.chance.randrange(9970, 10031)) / 10_000).quantize(CENT)


def written(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(), *rows])
    return str(path)


def days_of_a_share(path):
    """Three days with little volume, so that orders fill in parts and rest overnight."""
    bars = [bar for number in range(3) for bar in synthetic_day(number, day=date(2024, 1, 2) + timedelta(number))]
    rows = [
        (bar.start.isoformat(), bar.open, bar.high, bar.low, bar.close, bar.volume / 200)
        for bar in bars
        if bar.symbol == "SPY"
    ]
    return written(path, "timestamp open high low close volume", rows)


def coin(path):
    """A coin around midnight, with gaps and minutes without volume."""
    chance, price, at = Random(1), Decimal(40_000), datetime(2024, 1, 2, 21, 7, tzinfo=UTC)
    rows = []
    for _ in range(700):
        opened = price + Decimal(chance.randrange(-2000, 2001)) / 100
        price = opened + Decimal(chance.randrange(-9000, 9001)) / 100
        high = max(opened, price) + Decimal(chance.randrange(4000)) / 100
        low = min(opened, price) - Decimal(chance.randrange(4000)) / 100
        rows.append((at.isoformat(), opened, high, low, price, Decimal(chance.randrange(4000)) / 1000))
        at += timedelta(minutes=chance.choice([1, 1, 1, 1, 1, 7, 60]))
    return written(path, "timestamp open high low close volume", rows)


def ticks(path, *, quotes):
    chance, price, at = Random(2), Decimal(100), datetime(2024, 1, 2, 14, 29, tzinfo=UTC)
    rows = []
    for _ in range(3000):
        price += Decimal(chance.randrange(-5, 6)) / 100
        at += timedelta(seconds=chance.choice([0, 1, 2, 5, 5, 9, 20]), microseconds=chance.randrange(1000))
        ask = price + Decimal(chance.randrange(1, 6)) / 100
        quote = (price, chance.randrange(1, 300), ask, chance.randrange(1, 300))
        rows.append((at.isoformat(), *(quote if quotes else (price, chance.randrange(1, 3000)))))
    return written(path, "timestamp bid bid_size ask ask_size" if quotes else "timestamp price size", rows)


FILES = {
    "shares": (days_of_a_share, "SPY"),
    "coin": (coin, "BTC/USD"),
    "quotes": (lambda path: ticks(path, quotes=True), "SPY"),
    "trades": (lambda path: ticks(path, quotes=False), "SPY"),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Settings for one of the `FILES`, by its name."""
    folder, made = tmp_path_factory.mktemp("recorded"), {}

    def settings(name):
        write, symbol = FILES[name]
        if name not in made:
            made[name] = write(folder / f"{name}.csv")
        return SessionConfig(cash=Decimal(1_000_000), market=MarketConfig(bars=made[name], symbol=symbol))

    return settings


def ran(config, make_strategy=None, *, wire):
    """A session to its end, and what its stage let pass."""
    config = evolve(config, wire=wire)
    data = market_data(config)
    strategy = (
        load_strategy(config.strategy.name, config.strategy.settings) if make_strategy is None else make_strategy()
    )
    stage = in_memory(config, data) if wire else None
    with Journal(None) as journal:
        return PaperSession(config, journal, data, strategy=strategy, stage=stage).run()


def told(result):
    """All that became of the orders, without the ids that a venue gives."""
    books = result.books
    orders = [
        (
            order.id,
            order.status,
            order.request,
            (order.filled, order.cost, order.fees, order.fee_quantity),
            order.changed,
            None if order.refusal is None else order.refusal.code,
            [
                (done.cumulative, done.quantity, done.price, done.at, done.fee, done.fee_quantity)
                for link in order.links
                for done in link.executions
            ],
        )
        for order in books.tracker
    ]
    locks = [(lock.id, lock.until) for lock in books.locks.all]
    return orders, locks, books.portfolio.cash, books.portfolio.open_positions, result.fills, result.outcome


def same(config, make_strategy=None):
    """Run it on both ways; what the one on the wire came to."""
    here, there = ran(config, make_strategy, wire=False), ran(config, make_strategy, wire=True)

    assert told(here) == told(there)
    assert here.books.fingerprint() == there.books.fingerprint()
    return there


# --- the same on either way -------------------------------------------------------------------------------------------


def test_the_default_session():
    """Over the wire the session that needs nothing gives the same orders, fills and books."""
    result = same(SessionConfig())

    assert (28, {}) == (result.fills, result.waived)


@pytest.mark.parametrize("name", ["guarded-day.toml", "vwap.toml"])
def test_the_examples(name):
    """Refusals of the gate, locks, and exits of an entry are the same over the wire."""
    config = convert(read_toml(str(EXAMPLES / name)), SessionConfig, where=name)

    assert same(config).fills


def test_a_coin_with_stop_limits(recorded):
    """What the venue takes in the coin is read off the account, and the books are the same."""
    settings = {"least_bps": 1, "warm_up": 5, "after_open": timedelta(0), "deviations": 1, "share": Decimal("0.05")}
    config = evolve(recorded("coin"), strategy=StrategyConfig(name="vwap-reversion", settings=settings))
    result = same(config)

    assert {
        "insufficient balance for BTC",
        "potential wash trade detected. use complex orders",
    } == result.waived.keys()
    assert sum(bool(order.fee_quantity) for order in result.books.tracker) > 5
    assert {Decimal("0.0015"), Decimal("0.0025")} <= {
        (done.fee_quantity / done.quantity).quantize(Decimal("0.0001"))
        for order in result.books.tracker
        for link in order.links
        for done in link.executions
    }


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", FILES)
def test_whatever_is_sent(recorded, name, seed):
    """Orders of every kind, changes and cancels at random come to the same over the wire, and so do their fills."""
    result = same(recorded(name), lambda: Restless(seed))

    assert result.fills > 10


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_sent_in_several_symbols(seed):
    """Symbols that move in the same minute take their turns in the same order."""
    assert same(SessionConfig(), lambda: Restless(seed)).fills > 10


def test_the_ideal_market():
    """Without frictions nothing differs either."""
    assert same(SessionConfig(market=MarketConfig(ideal=True)), lambda: Restless(3)).fills > 10


# --- on the wire ------------------------------------------------------------------------------------------------------


class Buys:
    """Buys once, at the end of the third bar, and notes what it hears."""

    def __init__(self, request):
        self.request = request
        self.bars = 0
        self.heard = []

    def on_bar(self, bar, trader):
        self.bars += 1
        if self.bars == 3:
            trader.submit(self.request)

    def on_event(self, event, trader):
        self.heard.append(event)


def test_nobody_is_asked_while_nothing_works():
    """A session without an order makes no more requests than its beginning takes."""
    config = SessionConfig(wire=True)
    data = market_data(config)
    stage = in_memory(config, data)
    wire = stage.alpaca.rest.session.get_adapter(stage.alpaca.access.host)
    with Journal(None) as journal:
        session = PaperSession(config, journal, data, strategy=load_strategy("sma-cross", {"slow": 399}), stage=stage)
        session.begin()
        before = wire.requests
        session.run()

    assert before == wire.requests


def test_the_account_is_the_sessions():
    """The venue has the session's money, and afterwards what the session's books say."""
    config = evolve(SessionConfig(), wire=True, cash=Decimal(50_000))
    data = market_data(config)
    stage = in_memory(config, data)
    before = stage.alpaca.account().cash
    with Journal(None) as journal:
        result = PaperSession(config, journal, data, strategy=load_strategy("sma-cross", {}), stage=stage).run()
    after = stage.alpaca.account().cash
    held = {symbol: position.quantity for symbol, position in stage.positions().items()}

    assert (Decimal(50_000), result.books.portfolio.cash) == (before, after)
    assert dict(result.books.portfolio.open_positions) == held


def test_a_venue_that_does_not_answer_ends_the_session():
    """What happened and cannot be heard is an error, never silence."""
    config = SessionConfig(wire=True)
    data = market_data(config)
    stage = in_memory(config, data)
    request = OrderRequest.market("SPY", Side.BUY, Decimal(1))

    class Leaves(Buys):
        def on_bar(self, bar, trader):
            super().on_bar(bar, trader)
            if self.bars == 3:
                stage.alpaca.rest.session.mount("http://", None)  # nothing answers any more
                stage.alpaca.rest.session.adapters.clear()

    with Journal(None) as journal:
        session = PaperSession(config, journal, data, strategy=Leaves(request), stage=stage)
        with pytest.raises(BrokerError, match="did not answer, 3 times"):
            session.run()


def test_the_name_of_a_session_does_not_tell_the_way():
    """Orders have the same ids on either way, and the settings in the journal say which one it was."""
    facts = []
    for wire in (False, True):
        config = SessionConfig(wire=wire)
        data = market_data(config)
        with Journal(None) as journal:
            stage = in_memory(config, data) if wire else None
            PaperSession(config, journal, data, strategy=load_strategy("sma-cross", {}), stage=stage).begin()
            facts.append(next(entry.fact for entry in journal.entries() if isinstance(entry.fact, SessionStarted)))

    assert facts[0].session_id == facts[1].session_id
    assert [False, True] == ['"wire":true' in fact.config for fact in facts]


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_over_http(tmp_path):
    """With sockets in between the journal is the same to the byte, resumed or not, and the venue ends."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    from bridge.venue.rehearsal import rehearse

    config = convert(read_toml(str(EXAMPLES / "vwap.toml")), SessionConfig, where="vwap.toml")
    session = open_session(evolve(config, wire=True), tmp_path / "http", wired=rehearse)
    bars = iter(range(150))
    stopped = session.run(stopped=lambda: next(bars, None) is None)
    session.close()
    session = resume_session(tmp_path / "http", wired=rehearse)
    url = session.stage.alpaca.access.host
    result = session.run()
    session.close()
    in_process = ran(config, wire=False)
    resumed = resume_session(tmp_path / "http", wired=in_memory)  # held against the journal, fact by fact
    again = resumed.run()
    resumed.close()

    assert ("stopped", "completed", "completed") == (stopped.outcome, result.outcome, again.outcome)
    assert told(in_process) == told(result) == told(again)
    assert in_process.books.fingerprint() == result.books.fingerprint()
    assert (result.waived, result.facts) == (again.waived, again.facts)
    assert ["insufficient qty available for order"] == list(result.waived)
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))):
        pass


# --- resuming ---------------------------------------------------------------------------------------------------------


def test_a_stopped_session_goes_on(tmp_path):
    """It runs again from its first bar, at a new venue that does the same, and goes on as if it had never stopped."""
    config = SessionConfig(wire=True)
    session = open_session(config, tmp_path / "whole", wired=in_memory)
    whole = session.run()
    session.close()
    session = open_session(config, tmp_path / "parts", wired=in_memory)
    bars = iter(range(200))
    first = session.run(stopped=lambda: next(bars, None) is None)
    session.close()
    session = resume_session(tmp_path / "parts", wired=in_memory)
    last = session.run()
    session.close()

    assert ("stopped", "completed") == (first.outcome, last.outcome)
    assert 0 < first.fills < last.fills == whole.fills
    assert (whole.books.fingerprint(venue=True), whole.facts) == (last.books.fingerprint(venue=True), last.facts)


def test_a_venue_that_does_something_else_is_noticed(tmp_path):
    """A resumed session is held against its journal, the words of the venue too."""
    session = open_session(SessionConfig(wire=True), tmp_path / "day", wired=in_memory)
    session.run()
    session.close()
    resumed = resume_session(tmp_path / "day", wired=lambda config, data: in_memory(evolve(config, seed=2), data))
    with pytest.raises(Diverged):
        resumed.run()
    resumed.close()

    assert isinstance(resumed.journal, Journal)


def test_the_journal_tells_of_the_venues_ids(tmp_path):
    """Every order has the id that the venue gave it, which a session in this process does not have."""
    session = open_session(SessionConfig(wire=True), tmp_path / "day", wired=in_memory)
    session.run()
    reports = [entry.fact for entry in session.journal.entries() if isinstance(entry.fact, OrderReported)]
    session.close()

    assert {36} == {len(report.broker_order_id) for report in reports}
