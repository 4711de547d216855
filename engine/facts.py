"""
The facts that the engine's state is folded from.

A fact is immutable, carries its own moment (market time, UTC) and is written to the journal before it is applied.
Facts of our own say what we meant and did; facts of the venue say what it reported.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from attrs import frozen

from engine.decisions import Refusal, Seen, TradingState
from engine.model import (
    ZERO,
    Correction,
    Execution,
    OrderRequest,
    Replacement,
    Role,
    Side,
    VenueStatus,
)

__all__ = [
    "Adopted",
    "CancelRefused",
    "CancelRequested",
    "DayBegan",
    "DeclaredLost",
    "Denied",
    "ExecutionCorrected",
    "ExecutionReported",
    "Fact",
    "FlattenRequested",
    "Flattened",
    "Intended",
    "Locked",
    "LocksReleased",
    "NotFound",
    "OrderReported",
    "PositionAdjusted",
    "PositionMismatched",
    "RejectedByVenue",
    "Reopened",
    "ReplaceDenied",
    "ReplaceRefused",
    "ReplaceRequested",
    "Sent",
    "SessionStarted",
    "StrategyFailed",
    "SyncBegan",
    "Synced",
    "TradingStateChanged",
    "Unanswered",
    "Unsent",
    "VenueFact",
    "Withdrawn",
]


# --- facts of our own -------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class SessionStarted:
    """
    The first fact of every journal: what the session is made of.

    Attributes:
        session_id: Prefix of every client order id of the session.
        config: The session's settings as text; running it again needs nothing else.
        data_digest: SHA-256 of the market data, hex; "" where the market is live.
    """

    at: datetime
    session_id: str
    cash: Decimal
    config: str
    data_digest: str


@frozen(kw_only=True)
class Intended:
    """
    We mean to send this order; durable before anything is sent.

    Attributes:
        request: With its client order id.
        group: The id of the order that a protective order belongs to, or of its OCO pair; None: it stands alone.
        reserve_price: The worst price that it reserves for, quote units.
        opening: How much of it opens or grows a position; the rest closes one. Base units.
        sending: It is sent as soon as this is durable, so its bytes may have left; False: it waits for a `Sent`.
        changes: What the symbol's rules changed of what was asked for.
        seen: What the gate let it pass on.
    """

    at: datetime
    request: OrderRequest
    role: Role
    group: str | None
    reserve_price: Decimal
    opening: Decimal
    sending: bool = False
    changes: tuple[str, ...] = ()
    seen: Seen | None = None


@frozen(kw_only=True)
class Denied:
    """Our gate refused the order; it is never sent."""

    at: datetime
    request: OrderRequest
    refusal: Refusal


@frozen(kw_only=True)
class Sent:
    """From here on the order's bytes may have left; durable before they do."""

    at: datetime
    order_id: str


@frozen(kw_only=True)
class Unsent:
    """Nothing left this machine; the order may be sent again, not before ``earliest``."""

    at: datetime
    order_id: str
    reason: str
    earliest: datetime | None


@frozen(kw_only=True)
class Withdrawn:
    """We gave the order up before anything of it was sent."""

    at: datetime
    order_id: str
    reason: str


@frozen(kw_only=True)
class Unanswered:
    """The outcome of a send is not known."""

    at: datetime
    order_id: str
    reason: str


@frozen(kw_only=True)
class RejectedByVenue:
    """The answer to our send proved that the venue did not accept the order."""

    at: datetime
    order_id: str
    reason: str


@frozen(kw_only=True)
class CancelRequested:
    at: datetime
    order_id: str
    reason: str


@frozen(kw_only=True)
class CancelRefused:
    at: datetime
    order_id: str
    reason: str


@frozen(kw_only=True)
class ReplaceRequested:
    """
    We asked for a change of a working order.

    Attributes:
        change: As the symbol's rules allow it.
        reserve_price: The worst price that the order reserves for from here on, if it is worse than before.
        changes: What the rules changed of what was asked for.
        seen: What the gate let it pass on.
    """

    at: datetime
    order_id: str
    change: Replacement
    reserve_price: Decimal | None = None
    changes: tuple[str, ...] = ()
    seen: Seen | None = None


@frozen(kw_only=True)
class ReplaceDenied:
    """Our gate refused a change; nothing was asked for, and the order lives on as it was."""

    at: datetime
    order_id: str
    change: Replacement
    refusal: Refusal


@frozen(kw_only=True)
class ReplaceRefused:
    """The replacement did not happen; the order lives on as it was."""

    at: datetime
    order_id: str
    client_order_id: str
    reason: str


@frozen(kw_only=True)
class NotFound:
    """The venue answered that it does not know the order, asked by every id we have."""

    at: datetime
    order_id: str


@frozen(kw_only=True)
class DeclaredLost:
    """The evidence against the order is complete; ``since`` is the first of its ``answers`` "not found"."""

    at: datetime
    order_id: str
    answers: int
    since: datetime


@frozen(kw_only=True)
class Reopened:
    """The venue's own listing shows an order live that had ended here."""

    at: datetime
    order_id: str
    evidence: str


@frozen(kw_only=True)
class Adopted:
    """
    An order of the venue that we did not send becomes one of ours to watch.

    Attributes:
        request: What it asks for, under the client order id that the venue shows.
        foreign: Its id does not carry our prefix: another program or a person sent it; it is only read.
    """

    at: datetime
    request: OrderRequest
    foreign: bool


@frozen(kw_only=True)
class SyncBegan:
    """A reconciliation pass begins; ``epoch`` is one more than the last one that ended in sync."""

    at: datetime
    epoch: int


@frozen(kw_only=True)
class Synced:
    """
    A reconciliation pass ended with the books equal to the venue.

    Attributes:
        gap: Seconds since the last confirmed event.
        recovered: Executions that no live event had told.
        duplicates, provisional_replaced, orphans, shadows, mismatches: Counts of this pass.
    """

    at: datetime
    epoch: int
    gap: float
    recovered: int
    duplicates: int
    provisional_replaced: int
    orphans: int
    shadows: int
    mismatches: int


@frozen(kw_only=True)
class PositionMismatched:
    """Books and venue still differ after a second look."""

    at: datetime
    epoch: int
    symbol: str
    book: Decimal
    venue: Decimal
    trusted: bool  # True: an adjustment follows; False: the symbol is reduce-only


@frozen(kw_only=True)
class PositionAdjusted:
    """
    The books follow the venue without an execution.

    Attributes:
        id: Derived from symbol, epoch and both quantities, so that it counts once however often it is found.
        quantity: Signed change of position, base units.
        price: What the change is booked at, quote units.
    """

    at: datetime
    id: str
    symbol: str
    quantity: Decimal
    price: Decimal
    reason: str


@frozen(kw_only=True)
class DayBegan:
    """
    The first price of a session day arrived, or the first order of it was judged.

    Attributes:
        number: 1, 2, 3, … in this journal.
        opens, closes: The day's session as the exchange's calendar has it.
        equity: What the account was worth before that price, quote units; None: a position had no price.
    """

    at: datetime
    number: int
    opens: datetime
    closes: datetime
    equity: Decimal | None


@frozen(kw_only=True)
class Locked:
    """
    A protection keeps entries out for a while.

    Attributes:
        at: The moment of the event that caused it; it holds from here on.
        id: Made from the protection and that event, so that the same event locks once.
        protection: The method, e.g. "stoploss-guard".
        symbol: None: all symbols.
        side: Entries of that side only; None: both.
        until: The first moment at which it does not hold any more.
        trades: Numbers of the trades that caused it.
    """

    at: datetime
    id: str
    protection: str
    symbol: str | None
    side: Side | None
    until: datetime
    reason: str
    trades: tuple[int, ...] = ()


@frozen(kw_only=True)
class LocksReleased:
    """Somebody lifted locks before their time."""

    at: datetime
    ids: tuple[str, ...]
    reason: str


@frozen(kw_only=True)
class FlattenRequested:
    """Somebody wants to be out of a symbol: its orders are cancelled, then what is held is closed."""

    at: datetime
    symbol: str
    reason: str


@frozen(kw_only=True)
class Flattened:
    """Nothing is held in the symbol any more and nothing lives; entries may pass again."""

    at: datetime
    symbol: str


@frozen(kw_only=True)
class TradingStateChanged:
    at: datetime
    state: TradingState
    reason: str


@frozen(kw_only=True)
class StrategyFailed:
    """The strategy raised; the session ends."""

    at: datetime
    error: str
    policy: str


# --- facts of the venue -----------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class OrderReported:
    """
    The venue's picture of one order at one moment, from an answer, a listing or the stream.

    Attributes:
        at: The venue's ``updated_at`` of this picture, or the moment of the event.
        client_order_id, broker_order_id: At least one is told.
        quantity: What the order asks for in all; None: not told.
        cumulative: Filled so far as the venue counts, >= 0.
        average: Average price of what is filled, quote units; None: not told.
        execution: The execution that this report announces, if it does.
        replaces: Broker id of the order that this one continues.
        request: The order in our words, told in listings so that an order we do not know can be adopted.
    """

    at: datetime
    client_order_id: str | None = None
    broker_order_id: str | None = None
    symbol: str
    side: Side
    status: VenueStatus
    quantity: Decimal | None = None
    cumulative: Decimal = ZERO
    average: Decimal | None = None
    execution: Execution | None = None
    replaces: str | None = None
    request: OrderRequest | None = None


@frozen(kw_only=True)
class ExecutionReported:
    """One execution without the order's picture: an account activity."""

    at: datetime
    client_order_id: str | None = None
    broker_order_id: str | None = None
    symbol: str
    side: Side
    execution: Execution


@frozen(kw_only=True)
class ExecutionCorrected:
    """The venue corrected or busted an execution."""

    at: datetime
    client_order_id: str | None = None
    broker_order_id: str | None = None
    symbol: str
    side: Side
    correction: Correction


VenueFact = OrderReported | ExecutionReported | ExecutionCorrected

Fact = (
    SessionStarted
    | Intended
    | Denied
    | Sent
    | Unsent
    | Withdrawn
    | Unanswered
    | RejectedByVenue
    | CancelRequested
    | CancelRefused
    | ReplaceRequested
    | ReplaceDenied
    | ReplaceRefused
    | NotFound
    | DeclaredLost
    | Reopened
    | Adopted
    | SyncBegan
    | Synced
    | PositionMismatched
    | PositionAdjusted
    | DayBegan
    | Locked
    | LocksReleased
    | FlattenRequested
    | Flattened
    | TradingStateChanged
    | StrategyFailed
    | OrderReported
    | ExecutionReported
    | ExecutionCorrected
)
