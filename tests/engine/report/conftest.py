"""Histories that can be worked out by hand, and one that has everything."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from attrs import evolve

from engine.books.journal import Journal
from engine.calendar import AlwaysOpen
from engine.facts import Locked
from engine.market.bars import Bar
from engine.model import Exits, OrderRequest, Side, TimeInForce
from engine.report.history import Lock, history
from engine.session import MarketConfig, MarketData, PaperSession, SessionConfig
from engine.testing import ManualHostClock
from engine.trade import ExitReason, Trade

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GTC = {"time_in_force": TimeInForce.GTC}
SYMBOL = "<b>X&Y</b>/USD"  # a name that must not become part of a page


class Script:
    """
    Buys 100 at once and sells 40 a bar later; asks for what it cannot pay; leaves one order and cancels another.

    In the fourth bar it buys 10 with a stop-loss beside it, which the fifth reaches.
    """

    bars = 0

    def on_bar(self, bar, trader):
        self.bars += 1
        if self.bars == 1:
            trader.submit(OrderRequest.market(bar.symbol, Side.BUY, D(100), client_order_id="first", **GTC))
            trader.submit(OrderRequest.limit(bar.symbol, Side.BUY, D(1), D(1), client_order_id="rests", **GTC))
            trader.submit(OrderRequest.limit(bar.symbol, Side.BUY, D(2), D(1), client_order_id="given-up", **GTC))
        if self.bars == 2:
            trader.submit(OrderRequest.market(bar.symbol, Side.SELL, D(40), client_order_id="part", **GTC))
            trader.submit(OrderRequest.market(bar.symbol, Side.BUY, D(999_999), client_order_id="much", **GTC))
            trader.cancel("given-up", "no <i>longer</i> wanted")
        if self.bars == 3:
            exits = Exits(stop_loss=D(8))
            trader.submit(
                OrderRequest.market(bar.symbol, Side.BUY, D(10), client_order_id="guarded", exits=exits, **GTC)
            )

    def on_event(self, event, trader): ...


def bar(number, opening, high, low, close, symbol=SYMBOL):
    start = START + number * MINUTE
    return Bar(symbol, start, start + MINUTE, *map(D, (opening, high, low, close)), D(1))


BARS = [
    bar(0, 10, 10, 10, 10),
    bar(1, 10, 11, 10, 11),
    bar(2, 12, 12, 9, 9),
    bar(3, 10, 10, 10, 10),
    bar(4, 9, 9, 7, 8),
]


def _market(bars=BARS):
    return MarketData(START, [(each,) for each in bars], AlwaysOpen(), "")


def _play(bars=BARS, strategy=None, cash=10_000, fee_bps=10):
    """A session of these bars; its journal, closed to nothing, and what it came to."""
    config = SessionConfig(cash=D(cash), market=MarketConfig(ideal=True, fee_bps=D(fee_bps)))
    journal = Journal(None)
    session = PaperSession(config, journal, _market(bars), strategy=strategy or Script(), host_clock=ManualHostClock())
    return journal, session.run()


def _closed(number=1, profit="10", symbol=SYMBOL, side=Side.BUY):
    """A trade of ten minutes."""
    return Trade(
        number=number,
        symbol=symbol,
        side=side,
        quantity=D(10),
        opened=START,
        closed=START + 10 * MINUTE,
        entry=D(10),
        exit=D(11),
        cost=D(100),
        profit=D(profit),
        fees=D("0.21"),
        reason=ExitReason.TAKE_PROFIT,
        orders=("a", "b"),
    )


def _locked(number=1, symbol=SYMBOL, side=None, first=1, last=3, why="lost <script>alert(1)</script> too much"):
    """A lock from one minute to another."""
    return Locked(
        at=START + first * MINUTE,
        id=f"lock-{number}",
        protection="stoploss-guard",
        symbol=symbol,
        side=side,
        until=START + last * MINUTE,
        reason=why,
        trades=(1, 2),
    )


@pytest.fixture
def market():
    """``market(bars)``: these bars as a session's data; the script's five without any."""
    return _market


@pytest.fixture
def play():
    """``play(bars, strategy=…, cash=…, fee_bps=…)``: journal and result of a session; the script's without any."""
    return _play


@pytest.fixture
def closed():
    """``closed(number, profit)``: a trade."""
    return _closed


@pytest.fixture
def locked():
    """``locked(number, symbol, side, first, last)``: a protection's lock from one minute to another."""
    return _locked


@pytest.fixture
def told():
    """The history of the script."""
    journal, _ = _play()
    return history(journal, _market())


@pytest.fixture
def full(told):
    """The same with trades and locks, as protections make them."""
    released = Lock(_locked(2, None, Side.BUY, 2, 4), START + 3 * MINUTE, "looked at <it>")
    return evolve(
        told,
        trades=[_closed(1), _closed(2, "-7.5"), _closed(3, "0", side=Side.SELL)],
        locks=[Lock(_locked()), released],
    )


class _Page(HTMLParser):
    """
    A page taken apart; a tag that is closed in the wrong place is an error.

    Attributes:
        tags: (name, attributes) of every element, in order.
        texts: Name of the innermost element and its text, as a reader sees it.
    """

    VOID = frozenset({"meta", "br", "link", "img", "hr", "input"})

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.open = [], [], []
        self.feed(text)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag}: an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert tag == self.open.pop(), f"</{tag}> in the wrong place"

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def named(self, name):
        """The attributes of every element of that name."""
        return [attributes for tag, attributes in self.tags if tag == name]

    def classes(self, name):
        """How often each class stands on elements of that name."""
        return Counter(word for attributes in self.named(name) for word in (attributes.get("class") or "").split())

    def text(self):
        """All that is to be read, with spaces between."""
        return " ".join(text for element, text in self.texts if element not in ("style", "script"))


@pytest.fixture
def parsed():
    """``parsed(text)``: HTML or SVG taken apart, and found well-formed."""
    return _Page
