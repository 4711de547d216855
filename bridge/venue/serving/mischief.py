"""The faults of a running venue in the hands of synchronous code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bridge.venue.faults.armed import AnyFault
from bridge.venue.faults.files import as_table, from_json
from bridge.venue.serving.clockwork import Clockwork
from engine.errors import InvalidRequest

__all__ = ["FaultSwitch", "Mischief"]


class FaultSwitch:
    """
    Faults on and off, within the venue's loop.

    A fault is told as it is written: a table with its ``kind``, see docs/reference/venue-faults.md.
    """

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork

    def add(self, raw: bytes) -> list[str]:
        """
        Switch on what a JSON document says, ``{"fault": [...]}`` or one fault alone.

        Returns:
            Their ids.

        Raises:
            InvalidInput: Something in it is wrong; none is switched on.
        """
        return self.arm(*from_json(_listed(raw)))

    def arm(self, *faults: AnyFault) -> list[str]:
        """Switch on some faults; their times are counted from now on."""
        try:
            return [self._clockwork.house.faults.add(fault, self._clockwork.now()) for fault in faults]
        finally:
            self._clockwork.settle()

    def remove(self, name: str | None) -> None:
        """
        Switch one off, or all.

        Raises:
            InvalidRequest: There is none of that id.
        """
        faults, now = self._clockwork.house.faults, self._clockwork.now()
        if name is None:
            faults.clear(now)
        else:
            faults.remove(name, now)
        self._clockwork.settle()

    def active(self) -> list[dict[str, Any]]:
        """Those that are on: what they are, and how often they can still bite."""
        return [
            {"id": each.id, **as_table(each.fault), "in_force": each.in_force, "left": each.left}
            for each in self._clockwork.house.faults.active(self._clockwork.now())
        ]


def _listed(raw: bytes) -> bytes:
    """One fault alone as a document with a list of one; what is no JSON is left for others to complain about."""
    try:
        table = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return raw
    return b'{"fault":[' + raw + b"]}" if "kind" in table else raw


class Mischief:
    """
    The same for the owner of the venue, from any thread.

    Args:
        run: Runs something of a `FaultSwitch` in the venue's loop and returns what came of it.
    """

    def __init__(self, run: Callable[[Callable[[FaultSwitch], Any]], Any]) -> None:
        self._run = run

    def add(self, fault: AnyFault | Mapping[str, Any] | None = None, /, **table: Any) -> str:
        """
        Switch a fault on.

        Args:
            fault: A fault, or a table with its ``kind``.
            table: The same as keywords: ``add(kind="drop", events=["fill"], count=1)``.

        Returns:
            Its id.

        Raises:
            InvalidInput: It makes no sense.
        """
        if fault is not None and table:
            raise InvalidRequest("fault", fault, "either a fault or keywords")
        if fault is None or isinstance(fault, Mapping):
            raw = msgspec.json.encode({"fault": [dict(fault or table)]})
            names = self._run(lambda switch: switch.add(raw))
        else:
            names = self._run(lambda switch: switch.arm(fault))
        return str(names[0])

    def remove(self, name: str) -> None:
        """
        Switch one off by its id.

        Raises:
            InvalidRequest: There is none of that id.
        """
        self._run(lambda switch: switch.remove(name))

    def clear(self) -> None:
        """Switch all of them off."""
        self._run(lambda switch: switch.remove(None))

    def active(self) -> list[dict[str, Any]]:
        """Those that are on: what they are, and how often they can still bite."""
        active: list[dict[str, Any]] = self._run(lambda switch: switch.active())
        return active
