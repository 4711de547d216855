"""What protections cost: an entry before all eight, and a closed trade, with few and with many trades behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from engine.books.recovery import Books
from engine.decisions import Approval
from engine.facts import DayBegan, Locked, SessionStarted
from engine.model import OrderRequest, OrderType, Role, Side, Status
from engine.orders.order import Link, Order
from engine.risk.gate import RiskGate
from engine.risk.protections import (
    CooldownPeriod,
    DailyLossLimit,
    LowProfitPairs,
    MaxDrawdown,
    MaxTradesPerDay,
    Protections,
    StoplossGuard,
    TradingWindow,
    VolatilityHalt,
)
from result import Result
from timing import best_mean

__all__ = ["NAME", "run"]

NAME = "checks"
NOW = datetime(2024, 1, 3, 15, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
ZERO, ONE, PRICE, CASH = Decimal(0), Decimal(1), Decimal(100), Decimal(10_000_000)
SYMBOLS = [f"S{number}" for number in range(10)]
# None of them minds here, so that each looks at all there is to look at.
PROTECTIONS = Protections(
    (
        StoplossGuard(trade_limit=1_000),
        MaxDrawdown(max_drawdown=Decimal("0.5")),
        LowProfitPairs(required_profit=Decimal(-100)),
        CooldownPeriod(min_loss=CASH),
        DailyLossLimit(max_loss_ratio=Decimal("0.02")),
        MaxTradesPerDay(max_trades=100),
        TradingWindow(start=time(9, 45), end=time(15, 45), after_open=MINUTE, before_close=MINUTE),
        VolatilityHalt(max_deviation=Decimal("0.006"), lock_for=timedelta(0)),
    )
)
GATE = RiskGate(protections=PROTECTIONS)
WANTED = OrderRequest.market("S0", Side.BUY, ONE, client_order_id="next")


def books(trades: int, *, recent: int = 50) -> Books:
    """Books with so many closed trades, of which ``recent`` at most closed within the last hour."""
    found = Books()
    found.apply(SessionStarted(at=NOW, session_id="b", cash=CASH, config="", data_digest=""), NOW)
    found.returns.watch(PROTECTIONS.lengths)
    opens = NOW - HOUR / 2
    found.apply(DayBegan(at=opens, number=1, opens=opens, closes=NOW + 6 * HOUR, equity=CASH), opens)
    entry, exit_ = order("in", Side.BUY), order("out", Side.SELL)
    for number in range(trades):
        left = trades - number
        at = NOW - MINUTE * left if left <= recent else NOW - 2 * HOUR - timedelta(seconds=left)
        symbol = SYMBOLS[number % len(SYMBOLS)]
        close(found, symbol, entry, exit_, at)
    for number in range(30):
        for symbol in SYMBOLS:
            price = PRICE + number % 2 * Decimal("0.01")
            found.portfolio.mark(symbol, price, NOW)
            found.returns.add(symbol, price)
    return found


def close(found: Books, symbol: str, entry: Order, exit_: Order, at: datetime) -> None:
    """A trade that loses a little, by a stop."""
    book = found.trades.book
    book(symbol, entry, ONE, PRICE, ZERO, before=ZERO, after=ONE, at=at, day=1)
    book(symbol, exit_, -ONE, Decimal("-99.9"), ZERO, before=ONE, after=ZERO, at=at, day=1)


def order(name: str, side: Side) -> Order:
    request = OrderRequest(symbol="S", side=side, quantity=ONE, type=OrderType.STOP, stop_price=PRICE)
    return Order(
        request=request,
        role=Role.SINGLE,
        group=None,
        placed=NOW,
        reserve_price=PRICE,
        closing=None,
        foreign=False,
        links=(Link(client_order_id=name, request=request),),
        stage=Status.SENT,
        status=Status.WORKING,
    )


def lock(found: Books, number: int) -> None:
    """A lock that does not concern the entry: of the other side, or of another symbol."""
    symbol, side = (None, Side.SELL) if number % 2 else (SYMBOLS[1 + number % 9], None)
    name, until = f"cooldown.4/{symbol or '*'}/{number}", NOW + HOUR + MINUTE * number
    fact = Locked(
        at=NOW, id=name, protection="cooldown", symbol=symbol, side=side, until=until, reason="r", trades=(1,)
    )
    found.apply(fact, NOW)


def run() -> Iterator[Result]:
    for trades in (10, 100_000):
        for locks in (0, 10):
            found = books(trades)
            for number in range(locks):
                lock(found, number)
            assert isinstance(GATE.check(WANTED, found, NOW), Approval)
            seconds = best_mean(lambda _, found=found: GATE.check(WANTED, found, NOW), range(10_000))
            case = f"an entry, {trades:,} trades, {locks} locks"
            yield Result(bench=NAME, case=case, value=seconds * 1e6, unit="us")
    for trades in (10, 50, 100_000):
        found = books(trades)
        last = found.trades.closed[-1]
        assert min(trades, 50) == len(found.trades.within(HOUR))
        assert not list(PROTECTIONS.after_trade(last, found))
        seconds = best_mean(lambda _, found=found, last=last: list(PROTECTIONS.after_trade(last, found)), range(4_000))
        case = f"a closed trade, {trades:,} trades, {min(trades, 50)} in the window"
        yield Result(bench=NAME, case=case, value=seconds * 1e6, unit="us")
    found = books(10)
    prices = [PRICE + Decimal(number % 2) / 100 for number in range(4_000)]
    halt = Protections((VolatilityHalt(max_deviation=Decimal("0.006")),))

    def price(value: Decimal) -> None:
        found.portfolio.mark("S0", value, NOW)
        found.returns.add("S0", value)
        list(halt.after_price("S0", found, NOW))

    yield Result(bench=NAME, case="a price, volatility halt", value=best_mean(price, prices) * 1e6, unit="us")
