"""
The faults of a venue: told what comes and who connects, it says what becomes of it.

Nothing here acts, and there is no clock: moments are arguments and do not go back. The same seed and the same calls
give the same answers. Each fault throws dice of its own, whatever other faults there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from bridge.venue.faults.actions import (
    CloseConnection,
    Deliver,
    Due,
    Flow,
    Hangup,
    Refuse,
    Verdict,
)
from bridge.venue.faults.agenda import Agenda
from bridge.venue.faults.armed import AnyFault, Arsenal, Trip
from bridge.venue.faults.connections import Connections
from bridge.venue.faults.delivery import Connection, Deliveries, Delivery, name_of
from bridge.venue.faults.skew import skewed
from bridge.venue.faults.treatment import Treatment, failure, treat
from engine.clock import utc

__all__ = ["Active", "Faults"]


@frozen(kw_only=True)
class Active:
    """
    A fault that is switched on.

    Attributes:
        in_force: It bites what it matches now; not before its beginning.
        left: How many times it can still bite; None: without end.
    """

    id: str
    fault: AnyFault
    since: datetime
    in_force: bool
    left: int | None


class Faults:
    """
    Args:
        seed: Of all that is left to chance.
        start: The venue's first moment, from which the times of ``faults`` are counted.
        faults: Switched on from the beginning.

    An account is named by its key throughout; None: nobody knows whose it is.
    """

    def __init__(self, seed: int, faults: Iterable[AnyFault] = (), *, start: datetime) -> None:
        self._arsenal = Arsenal(seed)
        self._connections = Connections(self._arsenal)
        self._deliveries = Deliveries(self._arsenal)
        self._agenda = Agenda(self._arsenal)
        self._waiting: list[Due] = []
        for fault in faults:
            self._arsenal.add(fault, utc(start))

    # --- which there are ----------------------------------------------------------------------------------------------

    def add(self, fault: AnyFault, now: datetime) -> str:
        """
        Switch a fault on.

        Args:
            now: Its times are counted from here.

        Returns:
            Its id: the kind and a number.
        """
        self._run(now)
        name = self._arsenal.add(fault, utc(now))
        self._connections.touched(now)
        return name

    def remove(self, fault: str, now: datetime) -> None:
        """
        Switch a fault off by its id; what it has held up goes on.

        Raises:
            InvalidRequest: None of that id is switched on.
        """
        self._run(now)
        self._arsenal.remove(fault)
        self._connections.touched(now)

    def clear(self, now: datetime) -> None:
        """Switch all of them off."""
        self._run(now)
        self._arsenal.clear()
        self._connections.touched(now)

    def active(self, now: datetime) -> list[Active]:
        """Those that are over neither by time nor by count, in the order in which they were switched on."""
        return [
            Active(
                id=armed.id,
                fault=armed.fault,  # type: ignore[arg-type]
                since=armed.since,
                in_force=armed.in_force(now),
                left=armed.left,
            )
            for armed in self._arsenal
            if armed.left != 0 and (armed.ends is None or now < armed.ends)
        ]

    @property
    def idle(self) -> bool:
        """Whether nothing is switched on and nothing held up: everything goes its way."""
        return not self._arsenal and self.next_due() is None

    @property
    def tripped(self) -> list[Trip]:
        """What has bitten, oldest first."""
        return self._arsenal.tripped

    # --- what becomes of it -------------------------------------------------------------------------------------------

    def request(self, method: str, path: str, account: str | None, now: datetime, *, body: bytes = b"") -> Treatment:
        """
        What becomes of a request.

        Args:
            path: As it stands on the wire, without the query.
            body: For faults of one symbol.
        """
        self._run(now)
        skew = self._agenda.skew(now)
        restart = self._agenda.down(now)
        masked = restart is not None
        treatment = treat(self._arsenal, method, path, account, body, now, skew=skew, masked=masked)
        if restart is None:
            return treatment
        if restart.status is None:
            return Treatment(lose="before", skew=skew)
        return Treatment(before=failure(restart.status), skew=skew)

    def frame(
        self, account: str | None, data: Mapping[str, Any] | None, now: datetime, connection: Connection
    ) -> list[Delivery]:
        """What is sent of a frame to one connection, and what of earlier ones goes with it, in this order."""
        self._run(now)
        if connection not in self._connections:
            return []
        flow = self._connections.flow(connection, now)
        lost = flow != "normal"
        if lost:
            how = "closed" if isinstance(flow, CloseConnection) else flow
            self._note_lost(connection, f"{name_of(data)} on {connection}: lost, the connection is {how}", now)
        skew = self._agenda.skew(now)
        deliveries = self._deliveries.frame(connection, account, data, now, lost=lost)
        if not skew:
            return deliveries
        return [evolve(each, data=skewed(each.data, skew)) for each in deliveries]

    def _note_lost(self, connection: Connection, what: str, now: datetime) -> None:
        fault = self._connections.stopped_by(connection, now)
        if fault:
            self._arsenal.tripped.append(Trip(at=now, fault=fault, what=what))

    def handshake(self, stream: str, account: str | None, now: datetime) -> Verdict:
        """What becomes of the handshake of a connection to come."""
        self._run(now)
        restart = self._agenda.down(now)
        verdict = self._connections.handshake(stream, account, now, masked=restart is not None)
        if restart is None:
            return verdict
        return Hangup() if restart.status is None else Refuse(failure(restart.status))

    # --- connections --------------------------------------------------------------------------------------------------

    def opened(self, stream: str, now: datetime, *, account: str | None = None) -> Connection:
        """A connection is open; returned is its name for all that follows."""
        self._run(now)
        return self._connections.opened(stream, account, now)

    def authenticated(self, connection: Connection, account: str, now: datetime) -> list[CloseConnection]:
        """Somebody has said who they are; returned are the connections to be closed, theirs perhaps among them."""
        self._run(now)
        return self._connections.authenticated(connection, account, now)

    def closed(self, connection: Connection, now: datetime, *, clean: bool) -> None:
        """
        A connection is over, whoever ended it.

        Args:
            clean: With close frames from both sides.
        """
        self._run(now)
        self._connections.closed(connection, now, clean=clean)
        self._deliveries.closed(connection)
        self._waiting = [due for due in self._waiting if getattr(due.action, "connection", None) != connection]

    def connection(self, connection: Connection, now: datetime) -> Flow | CloseConnection:
        """How a connection is treated; `due` says when that changes."""
        self._run(now)
        return self._connections.flow(connection, now)

    # --- by the clock -------------------------------------------------------------------------------------------------

    def due(self, now: datetime) -> list[Due]:
        """What has fallen due since the last call, in order of time; carry it out in this order."""
        self._run(now)
        waiting, self._waiting = self._waiting, []
        return waiting

    def next_due(self) -> datetime | None:
        """When `due` has something to say; None: never, unless something happens."""
        moments = [self._agenda.next_due(), self._connections.next_due(), self._deliveries.next_due()]
        moments += [due.at for due in self._waiting]
        return min((at for at in moments if at is not None), default=None)

    def _run(self, now: datetime) -> None:
        """Let fall due what is due by now, so that who asks before the server was woken gets the same answer."""
        fallen = [*self._agenda.due(now), *self._connections.due(now)]
        for at, fault, connection, deliveries in self._deliveries.late(now):
            skew = self._agenda.skew(now)
            told = [evolve(each, data=skewed(each.data, skew)) for each in deliveries]
            fallen.append(Due(at=at, fault=fault, action=Deliver(connection=connection, deliveries=told)))
        fallen.sort(key=lambda due: due.at)
        self._waiting += fallen
