"""What a session came to: about ten lines for people, the same figures as JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
from attrs import Factory, frozen

from engine.clock import Clock
from engine.model import ZERO, Status
from engine.report.assumptions import assumed
from engine.session import Result

__all__ = ["Summary", "as_json", "as_text", "save", "summarise"]


@frozen(kw_only=True)
class Summary:
    """
    The figures of a session; money in quote units.

    Attributes:
        outcome: "completed", "stopped", or "failed: …" with the strategy's error.
        first, last: Market time of the first bar's start and the last bar's end; None: no bar was played.
        orders: How many orders there are in each status.
        fills: Bookings that moved a position.
        max_drawdown_ratio: Deepest fall of equity from its peak, 0.01 = 1 %.
        exposure: Share of the bars that ended with a position open, 0 to 1.
        positions: Signed base units by symbol, what is not zero.
        books: Fingerprint of the books: equal books have equal fingerprints.
        finished: Wall-clock time at which these figures were made.
        seconds: How long the run took on this machine.
        assumptions: How many fills each assumption of the simulated venue made.
        costs: What each of its models made the fills dearer by; fees stand for themselves.
        refusals: How many orders our gate refused, by code.
        locks: How many locks there were, by protection.
        waived: What Alpaca would have refused and the session's own venue let pass, over the wire alone: its words, and
            how often.
    """

    outcome: str
    first: datetime | None
    last: datetime | None
    bars: int
    orders: dict[str, int]
    fills: int
    cash: Decimal
    equity: Decimal
    profit: Decimal
    realised: Decimal
    unrealised: Decimal
    fees: Decimal
    max_drawdown: Decimal
    max_drawdown_ratio: Decimal
    exposure: Decimal
    positions: dict[str, Decimal]
    facts: int
    books: str
    finished: datetime
    seconds: float
    assumptions: dict[str, int] = Factory(dict)
    costs: dict[str, Decimal] = Factory(dict)
    refusals: dict[str, int] = Factory(dict)
    locks: dict[str, int] = Factory(dict)
    waived: dict[str, int] = Factory(dict)


def summarise(result: Result, wall: Clock) -> Summary:
    """The figures of a run as its books stand; ``wall`` stamps them."""
    books, tally = result.books, result.tally
    portfolio = books.portfolio
    account = assumed(books.tracker)
    counted = Counter(order.status for order in books.tracker)
    return Summary(
        outcome=result.outcome,
        first=result.first,
        last=result.last,
        bars=tally.bars,
        orders={status.value: counted[status] for status in Status if counted[status]},
        fills=result.fills,
        cash=portfolio.cash,
        equity=portfolio.equity(),
        profit=portfolio.profit(),
        realised=portfolio.realised(),
        unrealised=portfolio.unrealised(),
        fees=portfolio.fees,
        max_drawdown=tally.drawdown,
        max_drawdown_ratio=tally.drawdown_ratio,
        exposure=Decimal(tally.exposed) / tally.bars if tally.bars else ZERO,
        positions=dict(portfolio.open_positions),
        facts=result.facts,
        books=books.fingerprint(),
        finished=wall.now(),
        seconds=result.seconds,
        assumptions=account.fills,
        costs=account.costs,
        refusals=_counted(order.refusal.code for order in books.tracker if order.refusal is not None),
        locks=_counted(lock.protection for lock in books.locks.all),
        waived=dict(result.waived),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    """How often each occurs, the most frequent first, equals by name."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def save(summary: Summary, directory: Path) -> Path:
    """Write ``summary.json`` into the folder, whole or not at all; where it is."""
    path = directory / "summary.json"
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(as_json(summary))
    unfinished.replace(path)
    return path


def as_json(summary: Summary) -> bytes:
    """One JSON object, indented; Decimals are strings, moments ISO 8601."""
    return msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"


def as_text(summary: Summary) -> str:
    """About ten lines, ``name  value``; what there was none of is left out."""
    orders = ", ".join(f"{count:,} {status}" for status, count in summary.orders.items()) or "none"
    made = ", ".join(f"{count:,} {name}" for name, count in summary.assumptions.items())
    costs = ", ".join(f"{name} {amount:,.2f}" for name, amount in (summary.costs | {"fees": summary.fees}).items())
    positions = ", ".join(f"{quantity:f} {symbol}" for symbol, quantity in summary.positions.items()) or "flat"
    period = "no bar was played"
    if summary.first is not None and summary.last is not None:
        period = f"{_moment(summary.first)} to {_moment(summary.last)}, {summary.bars:,} bars"
    lines = {
        "outcome": summary.outcome,
        "market time": period,
        "orders": f"{sum(summary.orders.values()):,}: {orders}",
        "refused": _listed(summary.refusals),
        "locks": _listed(summary.locks),
        "let pass": _listed(summary.waived),
        "fills": f"{summary.fills:,}" + (f": {made}" if made else ""),
        "profit": f"{summary.profit:+,.2f}  (realised {summary.realised:+,.2f}, open {summary.unrealised:+,.2f}, "
        f"fees {summary.fees:,.2f})",
        "costs": costs,
        "equity": f"{summary.equity:,.2f}  (cash {summary.cash:,.2f})",
        "drawdown": f"{summary.max_drawdown:,.2f}  ({summary.max_drawdown_ratio:.2%})",
        "exposure": f"{summary.exposure:.1%} of the bars",
        "positions": positions,
        "run": f"{summary.seconds:,.2f} s on this machine, {summary.facts:,} facts in the journal",
        "books": summary.books[:16],
    }
    return "\n".join(f"{name:<12}{value}" for name, value in lines.items() if value)


def _listed(counts: dict[str, int]) -> str:
    return (
        f"{sum(counts.values()):,}: {', '.join(f'{count:,} {name}' for name, count in counts.items())}"
        if counts
        else ""
    )


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")
