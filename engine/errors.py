"""
The errors of tradebridge, one tree.

TradingError              base of all; also what the bridge raises
├── InvalidRequest        the request makes no sense: a bug in the strategy
├── InvalidInput          a file, a setting or an argument is wrong; names where, what and what would be right
├── Refused               our gate said no; .refusal has the code, the value and the bound
├── IllegalTransition     a command of ours that the order's status does not allow (the venue's facts are never illegal)
├── ClockError            a naive datetime, or a clock asked to go back
├── JournalError          the journal cannot be read or written
│   └── Diverged          a session that runs again decides otherwise than its journal says
├── ProtocolError         who broke the wire's rules:
│   ├── LocalProtocolError    we did
│   └── RemoteProtocolError   the venue did
├── FeedClosed            the feed has ended; nothing more will come from it
└── BrokerError
    ├── VenueRejected     the venue said no; .reason; the order does not exist there
    ├── AlreadyExists     the venue has an order under this client id: an earlier send arrived
    ├── NotSent           nothing left this machine: safe to send again
    └── OutcomeUnknown    perhaps sent: look the order up by its id, never send it again
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.decisions import Refusal

__all__ = [
    "AlreadyExists",
    "BrokerError",
    "ClockError",
    "Diverged",
    "FeedClosed",
    "IllegalTransition",
    "InvalidInput",
    "InvalidRequest",
    "JournalError",
    "LocalProtocolError",
    "NotSent",
    "OutcomeUnknown",
    "ProtocolError",
    "Refused",
    "RemoteProtocolError",
    "TradingError",
    "VenueRejected",
]


class TradingError(Exception):
    """Base of every error that tradebridge raises on purpose; it survives the way to another process."""

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(kind: type[TradingError], args: tuple[object, ...], attributes: dict[str, object]) -> TradingError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(attributes)
    return error


class InvalidRequest(TradingError, ValueError):
    """A value that makes no sense where it stands: names the field, the value and what would be right."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"{field} = {value!r}: expected {expected}")
        self.field = field
        self.value = value
        self.expected = expected


class InvalidInput(TradingError):
    """
    Something the user gave is wrong.

    Attributes:
        where: Where it stands, for people: "bars.csv, line 7, column 'high'", "session.toml, strategy.fast".
        value: What was found there.
        expected: What would be right.
    """

    def __init__(self, where: str, value: object, expected: str) -> None:
        super().__init__(f"{where}: found {_shown(value)}, expected {expected}")
        self.where = where
        self.value = value
        self.expected = expected


def _shown(value: object) -> str:
    """A value as it stands in a file: numbers, times and lengths plain, texts in quotes; "nothing" where none is."""
    if isinstance(value, Decimal | date | time | timedelta):
        return str(value)
    return "nothing" if value is None or repr(value) == "NOTHING" else repr(value)


class Refused(TradingError):
    """Our gate said no, where nobody would look at a value."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal


class IllegalTransition(TradingError):
    """A command of ours that the order's status does not allow."""

    def __init__(self, order_id: str, command: str, status: str) -> None:
        super().__init__(f"order {order_id}: cannot {command} while {status}")
        self.order_id = order_id
        self.command = command
        self.status = status


class ClockError(TradingError, ValueError):
    """A datetime without a time zone, or a clock asked to go back."""


class JournalError(TradingError):
    """The journal cannot be read or written; the message says which file, what is wrong and what to do."""


class Diverged(JournalError):
    """
    A session that runs again from its first bar decided otherwise than its journal says.

    Attributes:
        bar: Start of the bar in which it happened, UTC; None before the first bar.
        recorded: The fact that the journal holds next; None at its end.
        found: The fact that came instead; None if the run went past it.
    """

    def __init__(self, *, bar: datetime | None, recorded: object | None, found: object | None) -> None:
        when = "before the first bar" if bar is None else f"at the bar of {bar.isoformat()}"
        super().__init__(
            f"the session is not deterministic: {when} the journal has {recorded!r}, this run has {found!r}"
        )
        self.bar = bar
        self.recorded = recorded
        self.found = found


class ProtocolError(TradingError):
    """A message that may not come now, or cannot be read."""


class LocalProtocolError(ProtocolError):
    """We broke the wire's rules."""


class RemoteProtocolError(ProtocolError):
    """The venue broke the wire's rules."""


class FeedClosed(TradingError):
    """The feed has ended; nothing more will come from it."""


class BrokerError(TradingError):
    """A call to the broker failed."""


class VenueRejected(BrokerError):
    """The venue proved that it did not accept the request."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AlreadyExists(BrokerError):
    """The venue has an order under this client order id: proof that an earlier send arrived, not a failure."""


class NotSent(BrokerError):
    """Nothing left this machine: safe to send again, not before ``earliest`` (UTC; None: at once)."""

    def __init__(self, reason: str, *, earliest: datetime | None = None) -> None:
        super().__init__(reason if earliest is None else f"{reason}; not before {earliest.isoformat()}")
        self.reason = reason
        self.earliest = earliest


class OutcomeUnknown(BrokerError):
    """Perhaps sent, and no answer in ``waited`` seconds: look the order up by its id, never send it again."""

    def __init__(self, what: str, *, waited: float) -> None:
        super().__init__(f"{what}: no answer in {waited:g} s")
        self.waited = waited
