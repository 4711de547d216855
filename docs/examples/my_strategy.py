"""
Buy what has fallen, with a take-profit and a stop-loss beside it.

Run it from this folder: tradebridge paper --config session.toml
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from attrs import Factory, define, field, validators

from engine.events import Alarm, Event
from engine.execution import ExecutionEngine, Ticket
from engine.market.bars import Bar
from engine.model import Exits, OrderRequest, Side, TimeInForce

CENT = Decimal("0.01")


@define(kw_only=True)
class Dip:
    """
    One position a symbol, each with its two exits.

    Attributes:
        fall: How far below the highest close so far it buys, as a ratio.
        gain, loss: How far from the entry the two exits stand, as ratios.
        money: What one purchase may cost, quote units.
    """

    fall: Decimal = field(default=Decimal("0.004"), validator=validators.gt(0))
    gain: Decimal = field(default=Decimal("0.003"), validator=validators.gt(0))
    loss: Decimal = field(default=Decimal("0.002"), validator=validators.gt(0))
    money: Decimal = field(default=Decimal(20_000), validator=validators.gt(0))
    _highest: dict[str, Decimal] = field(init=False, default=Factory(dict))
    _tickets: dict[str, Ticket] = field(init=False, default=Factory(dict))

    def on_bar(self, bar: Bar, trader: ExecutionEngine) -> None:
        highest = self._highest[bar.symbol] = max(bar.close, self._highest.get(bar.symbol, bar.close))
        if trader.position(bar.symbol) or self._is_buying(bar.symbol):
            return
        if bar.close > highest * (1 - self.fall):
            return
        quantity = (self.money / bar.close).to_integral_value(ROUND_DOWN)
        if not quantity:
            return
        exits = Exits(
            take_profit=(bar.close * (1 + self.gain)).quantize(CENT),
            stop_loss=(bar.close * (1 - self.loss)).quantize(CENT),
        )
        entry = OrderRequest.market(bar.symbol, Side.BUY, quantity, exits=exits, time_in_force=TimeInForce.GTC)
        self._tickets[bar.symbol] = trader.submit(entry)
        self._highest[bar.symbol] = bar.close  # the next fall is counted from here

    def on_event(self, event: Event, trader: ExecutionEngine) -> None:
        if isinstance(event, Alarm):  # a late fill, a position without its stop, …
            print(f"{event.at:%H:%M} {event.code.value}: {event.message}")

    def _is_buying(self, symbol: str) -> bool:
        ticket = self._tickets.get(symbol)
        return ticket is not None and not ticket.done
