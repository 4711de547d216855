"""
The report as one HTML page that needs nothing else: no network, no script, no other file.

The same history gives the same bytes. Every text that comes from outside (symbols, names, messages) is escaped.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape

from engine.model import Status
from engine.report import charts, words
from engine.report.axes import TimeAxis
from engine.report.figures import Figures, figures
from engine.report.history import History
from engine.report.listings import locks_section, orders_section, refusals_section, states_section, tone, trades_section
from engine.report.markup import attribute, plural, section
from engine.report.style import SCRIPT, STYLE, SYMBOLS
from engine.trade import Trade

__all__ = ["page"]

_DRAWN = 12  # prices at most


def page(told: History, *, title: str, outcome: str | None = None, notes: Sequence[str] = ()) -> str:
    """
    The page of a history.

    Args:
        title: What it was, for people: "sma-cross on BTC/USD".
        outcome: "completed", "stopped", "failed: …"; None: nobody wrote it down.
        notes: What a reader has to know first, a sentence each.
    """
    found = figures(told)
    axis = TimeAxis([*told.curve.at, max(told.last, told.curve.at[-1])])
    traded = {fill.symbol for fill in told.fills}
    drawn = sorted(told.prices, key=lambda symbol: (symbol not in traded, symbol))[:_DRAWN]
    if len(drawn) < len(told.prices):
        notes = [*notes, f"Prices are drawn of {len(drawn)} of its {len(told.prices)} symbols, traded ones first."]
    sections = [
        _equity(told, found, axis),
        *(_price(told, found, symbol, axis, first=symbol == drawn[0]) for symbol in drawn),
        _profit(told.trades),
        _statistics(told, found),
        trades_section(told.trades),
        locks_section(told.locks),
        states_section(told.states),
        refusals_section(told),
        orders_section(told),
    ]
    script = b64encode(sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'"
    stretches = [
        [each.start.timestamp(), each.end.timestamp(), round(each.left, 6), round(each.right, 6)]
        for each in axis.stretches
    ]
    body = "\n".join([_head(told, title, outcome), *_notes(told, outcome, notes), _key(told, found), *sections])
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} – session report</title>
<style>
{STYLE}</style>
</head>
<body>
{SYMBOLS}
{body}
{_foot(told)}
<script type="application/json" id="axis">{json.dumps(stretches)}</script>
<script>{SCRIPT}</script>
</body>
</html>
"""


# --- top and bottom ---------------------------------------------------------------------------------------------------


def _head(told: History, title: str, outcome: str | None) -> str:
    said = outcome or ("failed" if told.failure is not None else "unfinished")
    kind = said.partition(":")[0]
    bars = len(told.curve.at) - 1
    played = f" · {bars:,} bars of {words.duration(told.width)}" if told.width is not None else ""
    colour = {"completed": "completed", "failed": "failed"}.get(kind, "open")
    links = [("equity", "Equity"), *([("price", "Price")] if told.prices else []), ("statistics", "Statistics")]
    links += [("trades", "Trades"), ("locks", "Locks"), ("refusals", "Refusals"), ("orders", "Orders")]
    nav = "".join(f'<a href="#{name}">{text}</a>' for name, text in links)
    return f"""\
<header>
<p class="kicker">tradebridge · session {escape(told.session.session_id)}</p>
<h1>{escape(title)}</h1>
<p class="outcome {colour}">{escape(kind)}</p>
<p class="period">{words.moment(told.first)} to {words.moment(told.last)} UTC{played}</p>
<nav aria-label="Sections">{nav}</nav>
</header>"""


def _notes(told: History, outcome: str | None, notes: Sequence[str]) -> Iterator[str]:
    if told.failure is not None:
        yield f'<p class="note failed">The strategy raised {escape(told.failure)}</p>'
    elif outcome is None:
        yield '<p class="note">This session did not come to its end; it is shown as far as its journal goes.</p>'
    for note in notes:
        yield f'<p class="note">{escape(note)}</p>'


def _key(told: History, found: Figures) -> str:
    profit = found.end - found.start
    trades, fall = found.trades, found.drawdown
    waiting = sum(not order.status.terminal for order in told.orders)
    denied = sum(order.status in (Status.DENIED, Status.REJECTED) for order in told.orders)
    locks = f"{len(told.locks):,} {plural('lock', len(told.locks))}"
    hits = f"{words.percent(trades.hit_rate, decimals=0)} won" if trades.count else "none closed"
    ratio = found.sharpe
    tiles = [
        ("Profit", words.money(profit, signed=True), tone(profit), words.percent(found.growth, signed=True)),
        ("Equity at the end", words.money(found.end), "", f"from {words.money(found.start)}"),
        ("Deepest drawdown", words.percent(fall.ratio), "", f"{words.money(fall.amount)} at most"),
        ("Sharpe ratio", words.ratio(ratio), "", "not defined" if ratio is None else f"a year, {_periods(found)}"),
        ("Trades", f"{trades.count:,}", "", hits),
        ("Exposure", words.percent(found.exposure, decimals=1), "", "of the bars"),
        ("Fees", words.money(told.fees), "", f"{len(told.fills):,} {plural('fill', len(told.fills))}"),
        ("Orders", f"{len(told.orders):,}", "", f"{denied:,} refused, {waiting:,} live, {locks}"),
    ]
    told_tiles = "\n".join(
        f'<div><dt>{name}</dt><dd{attribute(colour)}>{value}</dd><dd class="more">{more}</dd></div>'
        for name, value, colour, more in tiles
    )
    return f'<dl class="key">\n{told_tiles}\n</dl>'


def _foot(told: History) -> str:
    data = f", market data <code>{escape(told.session.data_digest[:16])}</code>" if told.session.data_digest else ""
    return (
        f"<footer>Made from the session's journal and bars: {told.facts:,} facts, "
        f"books <code>{told.fingerprint[:16]}</code>{data}. All times are UTC; money is in quote units. "
        "Every row of every table: <code>tradebridge report DIR --csv FOLDER</code>.</footer>"
    )


# --- charts -----------------------------------------------------------------------------------------------------------

_LOCKED = '<span><svg><rect class="lock" y="1" width="12" height="9"/></svg>locked</span>'


def _equity(told: History, found: Figures, axis: TimeAxis) -> str:
    legend = _LOCKED if told.locks else ""
    what = "at the close of every bar" if told.curve.by_bar else "at the prices of the fills"
    plot = charts.equity_chart(told, axis) + "\n" + charts.drawdown_chart(told, axis)
    return section("equity", "Equity and drawdown", what, _plot(plot, "Point at the chart to read values."), legend)


def _price(told: History, found: Figures, symbol: str, axis: TimeAxis, *, first: bool) -> str:
    count = sum(fill.symbol == symbol and bool(fill.quantity) for fill in told.fills)
    what = f"{words.percent(found.market[symbol], signed=True)} over the session, {count:,} {plural('fill', count)}"
    legend = (
        '<span><svg viewBox="-6 0 13 11"><use href="#buy" class="buy" y="1"/></svg>buy</span>'
        '<span><svg viewBox="-6 0 13 11"><use href="#sell" class="sell" y="10"/></svg>sell</span>'
    )
    if any(lock.lock.symbol in (None, symbol) for lock in told.locks):
        legend += _LOCKED
    plot = _plot(charts.price_chart(told, symbol, axis), "Close, and the range from low to high.")
    return section("price" if first else "", symbol, what, plot, legend)


def _profit(trades: Sequence[Trade]) -> str:
    if not trades:
        return ""
    legend = (
        '<span class="sample"><svg><rect class="win" y="1" width="11" height="9"/></svg>profit</span>'
        '<span class="sample"><svg><rect class="loss" y="1" width="11" height="9"/></svg>loss</span>'
    )
    plot = _plot(charts.profit_chart(trades), "")
    together = charts.trades_in_a_bar(len(trades))
    what = "after fees, in the order in which they closed" + (f"; each bar sums {together}" if together > 1 else "")
    return section("", "Profit of each trade", what, plot, legend)


def _plot(chart: str, hint: str) -> str:
    return f'<figure class="plot">\n{chart}\n<output>{hint}</output>\n</figure>'


# --- figures ----------------------------------------------------------------------------------------------------------


def _statistics(told: History, found: Figures) -> str:
    fall, trades, slip = found.drawdown, found.trades, found.slippage
    recovery = words.NOTHING
    if fall.peak is not None:
        recovery = words.moment(fall.recovered) if fall.recovered is not None else "not yet"
    groups: list[tuple[str, list[tuple[str, str]]]] = [
        (
            "Returns",
            [
                ("Total return", words.percent(found.growth, signed=True)),
                *(
                    (f"Buy and hold {escape(name)}", words.percent(grew, signed=True))
                    for name, grew in found.market.items()
                ),
                ("Profit", words.money(found.end - found.start, signed=True)),
                ("Realised, before fees", words.money(told.realised, signed=True)),
                ("Open, before fees", words.money(told.unrealised, signed=True)),
                ("Sharpe ratio, annualised", words.ratio(found.sharpe)),
                ("Sortino ratio, annualised", words.ratio(found.sortino)),
                ("Both from", _periods(found)),
                ("Periods in a year", words.NOTHING if found.per_year is None else f"{found.per_year:,.0f}"),
            ],
        ),
        (
            "Risk",
            [
                ("Deepest drawdown", words.money(fall.amount)),
                ("As a share of its peak", words.percent(fall.ratio)),
                ("From", words.moment(fall.peak)),
                ("Deepest at", words.moment(fall.trough)),
                ("Recovered", recovery),
                ("Its length", words.duration(fall.length) if fall.peak else words.NOTHING),
                ("In bars", f"{fall.steps:,}" if fall.peak and told.curve.by_bar else words.NOTHING),
                ("Longest below a peak", words.duration(fall.longest) if fall.longest else words.NOTHING),
                ("Exposure", words.percent(found.exposure, decimals=1)),
            ],
        ),
        (
            "Trades",
            [
                ("Closed", f"{trades.count:,}"),
                ("Won / lost", f"{trades.wins:,} / {trades.losses:,}"),
                ("Hit rate", words.percent(trades.hit_rate, decimals=1)),
                ("Profit factor", words.ratio(trades.profit_factor)),
                ("Average win", words.money(trades.average_win, signed=True)),
                ("Average loss", words.money(trades.average_loss, signed=True)),
                ("Win over loss", words.ratio(trades.payoff)),
                ("Expectancy", words.money(trades.expectancy, signed=True)),
                ("Best", words.money(trades.best, signed=True)),
                ("Worst", words.money(trades.worst, signed=True)),
                ("Average time held", words.duration(trades.held)),
                ("Losses in a row, most", f"{trades.losing_streak:,}" if trades.count else words.NOTHING),
            ],
        ),
        (
            "Costs and holdings",
            [
                ("Fees", words.money(told.fees)),
                ("Slippage", words.money(slip.cost, signed=True) if slip.fills else words.NOTHING),
                ("Slippage, average", words.bps(slip.average)),
                ("Slippage, worst", words.bps(slip.worst)),
                ("Measured on", f"{slip.fills:,} of {len(told.fills):,} fills"),
                *((f"Of it modelled: {escape(name)}", words.money(cost)) for name, cost in found.modelled.items()),
                ("Cash", words.money(told.cash)),
                *((escape(symbol), words.quantity(held)) for symbol, held in told.positions.items()),
            ],
        ),
    ]
    tables_told = "\n".join(
        f"<table>\n<caption>{caption}</caption>\n<tbody>\n"
        + "\n".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
        + "\n</tbody>\n</table>"
        for caption, rows in groups
    )
    return section("statistics", "Statistics", "", f'<div class="groups">\n{tables_told}\n</div>')


def _periods(found: Figures) -> str:
    return words.NOTHING if found.period is None else f"{found.periods:,} {escape(found.period)}"
