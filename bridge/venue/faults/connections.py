"""
Who is connected, and what becomes of connections: closed, half open, mute, refused or evicted.

A fault decides once for each connection that it matches. Moments do not go back.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from attrs import define, field, frozen

from bridge.venue.faults.actions import Accept, Action, CloseConnection, Due, Flow, Refuse, SetFlow, Verdict
from bridge.venue.faults.armed import Armed, Arsenal
from bridge.venue.faults.delivery import Connection
from bridge.venue.faults.sockets import (
    Close,
    HalfOpen,
    RefuseHandshake,
    SessionLimit,
    SocketFault,
    ZombieSession,
)
from bridge.venue.faults.treatment import failure

__all__ = ["Connections"]

_REMEMBERED = 10_000  # unclean ends; more zombies than that fill any limit


@define(eq=False)
class _Session:
    """
    Attributes:
        account: Key; None: not known yet.
        decided: Ids of the faults that have decided about it.
        closing: What it is going to be closed by, and when; None: by nothing yet.
        told: How it is treated, as far as `Connections.due` has said.
    """

    connection: Connection
    account: str | None
    decided: set[str] = field(factory=set)
    stopped: list[Armed[SocketFault]] = field(factory=list)
    closing: tuple[datetime, Armed[SocketFault]] | None = None
    closed: CloseConnection | None = None
    told: Flow = "normal"


@frozen
class _Ended:
    stream: str
    account: str | None
    at: datetime


class Connections:
    """Of all streams."""

    def __init__(self, arsenal: Arsenal) -> None:
        self._arsenal = arsenal
        self._numbers: Counter[str] = Counter()
        self._open: dict[Connection, _Session] = {}
        self._unclean: deque[_Ended] = deque(maxlen=_REMEMBERED)
        self._begun: set[str] = set()
        self._changed: datetime | None = None

    # --- what the server says -----------------------------------------------------------------------------------------

    def opened(self, stream: str, account: str | None, now: datetime) -> Connection:
        self._begin(now)
        self._numbers[stream] += 1
        session = _Session(Connection(stream, self._numbers[stream]), account)
        self._open[session.connection] = session
        self._changed = now
        self._choose_new(session, now)
        return session.connection

    def authenticated(self, connection: Connection, account: str, now: datetime) -> list[CloseConnection]:
        """Somebody has said who they are; returned are the connections that end because of it."""
        session = self._open.get(connection)
        if session is None:
            return []
        self._begin(now)
        session.account = account
        self._changed = now
        self._choose_new(session, now)
        return self._limited(session, now)

    def closed(self, connection: Connection, now: datetime, *, clean: bool) -> None:
        session = self._open.pop(connection, None)
        if session is not None and not clean:
            self._unclean.append(_Ended(connection.stream, session.account, now))

    def touched(self, now: datetime) -> None:
        """Faults have come or gone."""
        self._changed = now if self._open else None
        self._begin(now)

    def __contains__(self, connection: object) -> bool:
        return connection in self._open

    # --- which connections --------------------------------------------------------------------------------------------

    def _begin(self, now: datetime) -> None:
        """Faults that begin decide about those who are connected then."""
        for armed in self._arsenal.of(SocketFault):
            if armed.id not in self._begun and armed.begins <= now:
                self._begun.add(armed.id)
                for session in list(self._open.values()):
                    self._choose(armed, session, now)

    def _choose_new(self, session: _Session, now: datetime) -> None:
        for armed in self._arsenal.of(SocketFault):
            if armed.id in self._begun and (armed.fault.new or armed.fault.connection is not None):
                self._choose(armed, session, now)

    def _choose(self, armed: Armed[SocketFault], session: _Session, now: datetime) -> None:
        fault, connection = armed.fault, session.connection
        if armed.id in session.decided or not fault.matches(connection.stream, connection.number, session.account):
            return
        session.decided.add(armed.id)
        if not self._arsenal.thrown(armed, now):
            return
        if isinstance(fault, Close):
            at = now + timedelta(seconds=fault.after)
            if session.closing is None or at < session.closing[0]:
                session.closing = (at, armed)
                self._arsenal.bites(armed, now, f"{connection}: closed with {fault.code}")
            return
        session.stopped.append(armed)
        word = "half open" if isinstance(fault, HalfOpen) else "mute"
        self._arsenal.bites(armed, now, f"{connection}: {word}")

    # --- handshakes ---------------------------------------------------------------------------------------------------

    def handshake(self, stream: str, account: str | None, now: datetime, *, masked: bool = False) -> Verdict:
        """
        Args:
            masked: Nobody gets in: faults throw their dice, and bite nobody.
        """
        for armed in self._arsenal.of(RefuseHandshake):
            fault = armed.fault
            fits = fault.stream in (None, stream) and fault.account in (None, account)
            if fits and self._arsenal.thrown(armed, now) and not masked:
                self._arsenal.bites(armed, now, f"handshake on {stream}: {fault.status}")
                return Refuse(failure(fault.status, retry_after=fault.retry_after))
        for limit in self._arsenal.of(SessionLimit):
            rule = limit.fault
            if rule.stream != stream or rule.how != "refuse" or account not in (None, rule.account or account):
                continue
            count = self._count(limit, rule.account or account, now)
            if self._arsenal.thrown(limit, now) and count >= rule.most and not masked:
                self._arsenal.bites(limit, now, f"handshake on {stream}: {rule.status}, {count} there")
                return Refuse(failure(rule.status))
        return Accept()

    def _limited(self, session: _Session, now: datetime) -> list[CloseConnection]:
        ending: list[CloseConnection] = []
        stream, account = session.connection.stream, session.account
        for armed in self._arsenal.of(SessionLimit):
            rule = armed.fault
            if rule.stream != stream or rule.how == "refuse" or rule.account not in (None, account):
                continue
            count = self._count(armed, account, now, but=session)
            if not self._arsenal.thrown(armed, now) or count < rule.most:
                continue
            if rule.how == "close":
                out = [session]
            else:
                others = [each for each in self._sessions(stream, account) if each is not session]
                out = others[: count - rule.most + 1]
            for each in out:
                if each.closed is None:
                    each.closed = CloseConnection(connection=each.connection, code=rule.code, reason=rule.reason)
                    ending.append(each.closed)
                    self._arsenal.bites(armed, now, f"{each.connection}: {count} others there, closed")
        return ending

    def _count(
        self,
        armed: Armed[SessionLimit],
        account: str | None,
        now: datetime,
        *,
        but: _Session | None = None,
    ) -> int:
        fault = armed.fault
        count = sum(1 for each in self._sessions(fault.stream, account) if each is not but)
        if isinstance(fault, ZombieSession):
            lingers = timedelta(seconds=fault.seconds)
            count += sum(
                1
                for ended in self._unclean
                if ended.stream == fault.stream
                and account in (None, ended.account)
                and armed.begins <= ended.at
                and now < ended.at + lingers
            )
        return count

    def _sessions(self, stream: str, account: str | None) -> Iterable[_Session]:
        """Who is connected, oldest first; of no account in particular: all, those of unknown accounts too."""
        for session in self._open.values():
            mine = account in (None, session.account)
            if session.connection.stream == stream and session.closed is None and mine:
                yield session

    # --- how they are treated -----------------------------------------------------------------------------------------

    def flow(self, connection: Connection, now: datetime) -> Flow | CloseConnection:
        session = self._open.get(connection)
        if session is None:
            return "normal"
        if session.closed is not None:
            return session.closed
        due = self._closing(session)
        if due is not None and due <= now:
            return self._close(session)
        return self._flow(session, now)

    def stopped_by(self, connection: Connection, now: datetime) -> str:
        """Id of the fault that makes the connection mute or worse; "": none does."""
        session = self._open.get(connection)
        if session is None:
            return ""
        return next((armed.id for armed in session.stopped if self._holds(armed, now)), "")

    def _holds(self, armed: Armed[SocketFault], now: datetime) -> bool:
        return armed in self._arsenal and (armed.ends is None or now < armed.ends)

    def _flow(self, session: _Session, now: datetime) -> Flow:
        flow: Flow = "normal"
        for armed in session.stopped:
            if self._holds(armed, now):
                if isinstance(armed.fault, HalfOpen):
                    return "half-open"
                flow = "mute"
        return flow

    def _closing(self, session: _Session) -> datetime | None:
        if session.closing is not None and session.closing[1] not in self._arsenal:
            session.closing = None
        return None if session.closing is None else session.closing[0]

    def _close(self, session: _Session) -> CloseConnection:
        assert session.closing is not None
        fault = session.closing[1].fault
        assert isinstance(fault, Close)
        session.closed = CloseConnection(connection=session.connection, code=fault.code, reason=fault.reason)
        return session.closed

    def due(self, now: datetime) -> list[Due]:
        """Connections to be closed, and those that are treated otherwise from now on."""
        self._begin(now)
        self._changed = None
        out: list[Due] = []
        for session in self._open.values():
            at = self._closing(session)
            if at is not None and at <= now and session.closed is None and session.closing is not None:
                out.append(_due(at, session.closing[1].id, self._close(session)))
            session.stopped = [armed for armed in session.stopped if self._holds(armed, now)]
            flow = self._flow(session, now)
            if flow != session.told:
                session.told = flow
                name = self.stopped_by(session.connection, now)
                out.append(_due(now, name, SetFlow(connection=session.connection, flow=flow)))
        return out

    def next_due(self) -> datetime | None:
        moments = [armed.begins for armed in self._arsenal.of(SocketFault) if armed.id not in self._begun]
        if self._changed is not None:
            moments.append(self._changed)
        for session in self._open.values():
            closing = self._closing(session)
            if closing is not None and session.closed is None:
                moments.append(closing)
            moments += [armed.ends for armed in session.stopped if armed.ends is not None]
        return min(moments, default=None)


def _due(at: datetime, fault: str, action: Action) -> Due:
    return Due(at=at, fault=fault, action=action)
