"""Solving one order: what fits already, what has to be rounded, what is refused; and finding its symbol."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from attrs import evolve

from engine.model import Exits, OrderRequest, Side, TimeInForce
from engine.risk.solving import solve
from engine.risk.symbols import ALPACA_CRYPTO, PRESETS, SymbolProperties, SymbolTable
from result import Result
from timing import best_mean

__all__ = ["NAME", "run"]

NAME = "symbols"
AT = datetime(2024, 1, 1, tzinfo=UTC)
D = Decimal
FLAT, PRICE = D(0), D(100)
BUY, GTC = Side.BUY, TimeInForce.GTC
SHARE = evolve(PRESETS["us-equity-fractional"], symbol="X")
COIN = evolve(ALPACA_CRYPTO, symbol="X")
BRACKET = Exits(take_profit=D("110.50"), stop_loss=D("95.25"))

CASES: list[tuple[str, OrderRequest, SymbolProperties]] = [
    ("a market order in a share, fits", OrderRequest.market("X", BUY, D(1)), SHARE),
    ("a limit order in a share, fits", OrderRequest.limit("X", BUY, D(1), D("99.95")), SHARE),
    ("a bracket in a share, fits", OrderRequest.limit("X", BUY, D(1), D("99.95"), exits=BRACKET), SHARE),
    ("a market order in a coin, fits", OrderRequest.market("X", BUY, D("0.5"), time_in_force=GTC), COIN),
    ("a limit order in a coin, fits", OrderRequest.limit("X", BUY, D("0.5"), D("99.95"), time_in_force=GTC), COIN),
    ("a limit order, rounded", OrderRequest.limit("X", BUY, D(1), D("99.955")), SHARE),
    ("a limit order, refused", OrderRequest.limit("X", BUY, D("0.001"), D("99.95")), SHARE),
]


def run() -> Iterator[Result]:
    for case, request, properties in CASES:
        seconds = best_mean(
            lambda _, request=request, properties=properties: solve(request, properties, reference=PRICE, held=FLAT),
            range(10_000),
        )
        yield Result(bench=NAME, case=case, value=seconds * 1e6, unit="us")
    versions = [evolve(SHARE, since=datetime(2024 + year, 1, 1, tzinfo=UTC)) for year in range(2)]
    for case, table in (
        ("finding a symbol with one version", SymbolTable([SHARE])),
        ("finding a symbol with two", SymbolTable(versions)),
    ):
        seconds = best_mean(lambda _, table=table: table.at("X", AT), range(10_000))
        yield Result(bench=NAME, case=case, value=seconds * 1e6, unit="us")
