"""The venue's own faults by the clock: what happens when, and what the clock itself says."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import asdict, define

from bridge.venue.faults.actions import Action, BustNewest, CloseAll, CorrectNewest, Due, PlaceOrder
from bridge.venue.faults.armed import Armed, Arsenal
from bridge.venue.faults.happenings import Bust, ClockSkew, Correct, ForeignOrder, Happening, Restart
from bridge.venue.spelling import plain

__all__ = ["Agenda"]

_OF_AN_ORDER = ("symbol", "side", "type", "time_in_force", "qty", "limit_price", "stop_price", "trail_percent")


@define
class _Down:
    until: datetime
    armed: Armed[Restart]


class Agenda:
    """Moments do not go back."""

    def __init__(self, arsenal: Arsenal) -> None:
        self._arsenal = arsenal
        self._times: dict[str, int] = {}  # how often each had its turn
        self._down: _Down | None = None
        self._skewing: set[str] = set()

    # --- happenings ---------------------------------------------------------------------------------------------------

    def _next(self, armed: Armed[Happening]) -> datetime | None:
        turn = self._times.get(armed.id, 0)
        if armed.left == 0 or (turn and armed.fault.every is None):
            return None
        at = armed.begins + timedelta(seconds=turn * (armed.fault.every or 0.0))
        ends = armed.ends
        return None if ends is not None and at >= ends else at

    def due(self, now: datetime) -> list[Due]:
        """What falls due by now, in order of time; what is due at the same moment as its faults were switched on."""
        out: list[Due] = []
        while (first := self._first()) is not None and first[0] <= now:
            at, armed = first
            self._times[armed.id] = self._times.get(armed.id, 0) + 1
            if armed.throws(armed.fault.probability):
                action = self._happens(armed, at)
                self._arsenal.bites(armed, at, _said(action))
                out.append(Due(at=at, fault=armed.id, action=action))
        for skew in self._arsenal.of(ClockSkew):
            if skew.id in self._skewing or skew.begins > now:
                continue
            self._skewing.add(skew.id)
            if skew.in_force(now):
                self._arsenal.bites(skew, skew.begins, f"the clock is {skew.fault.seconds:+g} s off")
        return out

    def _first(self) -> tuple[datetime, Armed[Happening]] | None:
        """What comes next, and when; of the same moment what was switched on first."""
        to_come = [(at, armed) for armed in self._arsenal.of(Happening) if (at := self._next(armed)) is not None]
        return min(to_come, key=lambda each: each[0], default=None)

    def _happens(self, armed: Armed[Happening], at: datetime) -> Action:
        fault = armed.fault
        if isinstance(fault, Restart):
            until = at + timedelta(seconds=fault.seconds)
            if self._down is None or until > self._down.until:
                self._down = _Down(until, armed)  # type: ignore[arg-type]
            return CloseAll(code=fault.code, reason=fault.reason)
        if isinstance(fault, Bust):
            return BustNewest(account=fault.account, symbol=fault.symbol)
        if isinstance(fault, Correct):
            return CorrectNewest(
                account=fault.account,
                symbol=fault.symbol,
                price=fault.price,
                percent=fault.percent,
                quantity=fault.quantity,
            )
        assert isinstance(fault, ForeignOrder)
        given = asdict(fault)
        body = {
            name: each if isinstance(each, str) else plain(each)
            for name in _OF_AN_ORDER
            if (each := given[name]) is not None
        }
        return PlaceOrder(account=fault.account, body=body)

    def next_due(self) -> datetime | None:
        first = self._first()
        moments = [] if first is None else [first[0]]
        skews = [armed.begins for armed in self._arsenal.of(ClockSkew) if armed.id not in self._skewing]
        return min([*moments, *skews], default=None)

    # --- what they leave ----------------------------------------------------------------------------------------------

    def down(self, now: datetime) -> Restart | None:
        """The restart that is going on; None: none is."""
        if self._down is None or now >= self._down.until or self._down.armed not in self._arsenal:
            return None
        return self._down.armed.fault

    def skew(self, now: datetime) -> float:
        """Seconds by which the clock is ahead; several add up."""
        return sum(armed.fault.seconds for armed in self._arsenal.of(ClockSkew) if armed.in_force(now))


def _said(action: Action) -> str:
    if isinstance(action, CloseAll):
        return f"restart: every connection closed with {action.code}"
    if isinstance(action, BustNewest):
        return f"bust of the newest execution, {action.symbol or 'any symbol'}"
    if isinstance(action, CorrectNewest):
        return f"correction of the newest execution, {action.symbol or 'any symbol'}"
    assert isinstance(action, PlaceOrder)
    return f"another program's order: {action.body['side']} {action.body['qty']} {action.body['symbol']}"
