"""Orders and facts in plain words, with their numbers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bridge.cli.terminal import number
from engine.decisions import Seen
from engine.errors import Diverged
from engine.facts import (
    Adopted,
    CancelRefused,
    CancelRequested,
    DayBegan,
    DeclaredLost,
    Denied,
    ExecutionCorrected,
    ExecutionReported,
    Fact,
    Flattened,
    FlattenRequested,
    Intended,
    Locked,
    LocksReleased,
    NotFound,
    OrderReported,
    PositionAdjusted,
    PositionMismatched,
    RejectedByVenue,
    Reopened,
    ReplaceDenied,
    ReplaceRefused,
    ReplaceRequested,
    Sent,
    SessionStarted,
    StrategyFailed,
    SyncBegan,
    Synced,
    TradingStateChanged,
    Unanswered,
    Unsent,
    Withdrawn,
)
from engine.model import Execution, OrderRequest, OrderType, Replacement, VenueStatus
from engine.risk.locks import Locks

__all__ = ["average", "barred", "divergence", "fact", "lifted", "lock", "made_on", "moment", "request", "seen"]

_REPORTED: dict[VenueStatus, str] = {
    VenueStatus.ACCEPTED: "the venue has accepted it",
    VenueStatus.NEW: "it works at the venue",
    VenueStatus.PARTIALLY_FILLED: "the venue shows it partly filled",
    VenueStatus.FILLED: "the venue shows it filled",
    VenueStatus.CANCELED: "the venue cancelled it",
    VenueStatus.EXPIRED: "the venue let it expire",
    VenueStatus.REJECTED: "the venue rejected it",
    VenueStatus.REPLACED: "the venue replaced it",
    VenueStatus.PENDING_CANCEL: "the venue is about to cancel it",
    VenueStatus.PENDING_REPLACE: "the venue is about to replace it",
    VenueStatus.RESTING: "the venue knows it and does not work it now",
}


def moment(at: datetime) -> str:
    """Market time, UTC, to the second; finer only where there is more."""
    return f"{at:%Y-%m-%d %H:%M:%S}" + (f".{at.microsecond:06d}".rstrip("0") if at.microsecond else "")


def average(price: Decimal | None) -> str:
    """An average price, to eight decimals; "-" where nothing is filled."""
    return "-" if price is None else number(round(price, 8))


def request(wanted: OrderRequest) -> str:
    """What an order asks for: "buy 62 SPY at market, gtc"."""
    kind = wanted.type
    how = "at market"
    if kind is OrderType.LIMIT:
        how = f"limit {_price(wanted.limit_price)}"
    elif kind is OrderType.STOP:
        how = f"stop {_price(wanted.stop_price)}"
    elif kind is OrderType.STOP_LIMIT:
        how = f"stop {_price(wanted.stop_price)} limit {_price(wanted.limit_price)}"
    elif kind is OrderType.TRAILING_STOP:
        percent = wanted.trail_percent is not None
        how = (
            f"trailing by {_price(wanted.trail_percent)} %" if percent else f"trailing by {_price(wanted.trail_price)}"
        )
    parts = [f"{wanted.side.value} {number(wanted.quantity)} {wanted.symbol} {how}", wanted.time_in_force.value]
    if wanted.time_to_live is not None:
        parts.append(f"for {wanted.time_to_live} at most")
    if wanted.exits is not None:
        exits = wanted.exits
        named = {"take-profit": exits.take_profit, "stop-loss": exits.stop_loss, "stop limit": exits.stop_limit}
        parts += [f"{name} {number(price)}" for name, price in named.items() if price is not None]
    return ", ".join(parts)


def fact(told: Fact) -> str:
    """What happened, without the moment and without our id of the order."""
    match told:
        case SessionStarted():
            return f"session {told.session_id} begins with cash {number(told.cash)}"
        case Intended():
            opens = f"opens {number(told.opening)}" if told.opening else "only closes a position"
            worst = f", at worst {number(told.reserve_price)}" if told.opening else ""
            gate = f"passed the gate ({opens}{worst})"
            parts = [f"we mean to {request(told.request)}", *told.changes, gate]
            return "; ".join(parts + (["sent to the venue"] if told.sending else []))
        case Denied():
            refusal = told.refusal
            near = "" if refusal.nearest is None else f"; {refusal.nearest} would have passed"
            return f"our gate refused to {request(told.request)}: {refusal.code}, {refusal.message}{near}"
        case Sent():
            return "sent to the venue"
        case Unsent():
            later = "" if told.earliest is None else f", again from {moment(told.earliest)} on"
            return f"nothing was sent: {told.reason}{later}"
        case Withdrawn():
            return f"given up before it was sent: {told.reason}"
        case Unanswered():
            return f"whether it arrived is not known: {told.reason}; it is looked up and never sent again"
        case RejectedByVenue():
            return f"the venue did not accept it: {told.reason}"
        case CancelRequested():
            return f"we ask for its end: {told.reason}"
        case CancelRefused():
            return f"the venue refused the cancel: {told.reason}"
        case ReplaceRequested():
            return "; ".join([f"we ask for a change: {_change(told.change)}", *told.changes])
        case ReplaceDenied():
            near = "" if told.refusal.nearest is None else f"; {told.refusal.nearest} would have passed"
            why = f"{told.refusal.code}, {told.refusal.message}{near}"
            return f"our gate refused a change ({_change(told.change)}): {why}"
        case ReplaceRefused():
            return f"the change {told.client_order_id} did not happen: {told.reason}"
        case NotFound():
            return "asked by every id, the venue does not know it"
        case DeclaredLost():
            return f'taken for lost: {told.answers} answers "not found" since {moment(told.since)}'
        case Reopened():
            return f"the venue shows it live: {told.evidence}"
        case Adopted():
            whose = "somebody else's" if told.foreign else "unknown to the journal"
            return f"found at the venue, {whose}: {request(told.request)}"
        case SyncBegan():
            return f"reconciliation {told.epoch} begins"
        case Synced():
            found = f"{told.recovered} fills recovered, {told.orphans} orphans, {told.mismatches} mismatches"
            return f"reconciliation {told.epoch} ended: {found}"
        case PositionMismatched():
            return f"the venue holds {number(told.venue)} {told.symbol}, our books {number(told.book)}"
        case PositionAdjusted():
            changed = f"{number(told.quantity)} {told.symbol} at {number(told.price)}"
            return f"the books follow the venue by {changed}: {told.reason}"
        case DayBegan():
            worth = "not known" if told.equity is None else number(told.equity)
            return f"session day {told.number} begins, {_hours(told.opens, told.closes)}; equity {worth}"
        case Locked():
            return f"{lock(told)}: {told.reason}"
        case LocksReleased():
            return f"locks lifted, {told.reason}: {', '.join(told.ids)}"
        case FlattenRequested():
            return f"out of {told.symbol}, {told.reason}: its orders are cancelled, then what is held is closed"
        case Flattened():
            return f"nothing is held in {told.symbol} any more"
        case TradingStateChanged():
            return f"trading is {told.state.value} from here on: {told.reason}"
        case StrategyFailed():
            return f"the strategy raised {told.error}; on_error is {told.policy}"
        case ExecutionReported():
            return f"an account activity: {_fill(told.execution, told.broker_order_id)}"
        case ExecutionCorrected():
            correction = told.correction
            if not correction.quantity:
                return f"the venue took execution {correction.execution_id} back"
            now = f"{number(correction.quantity)} at {number(correction.price)}"
            return f"the venue corrected execution {correction.execution_id} to {now}"
        case OrderReported():
            return _report(told)


def lock(told: Locked) -> str:
    """Whom a lock keeps out, and until when: "cooldown locks entries of SPY until 2024-01-02 15:30:00"."""
    side = "" if told.side is None else f"{told.side.value} "
    whom = told.symbol or "all symbols"
    return f"{told.protection} locks {side}entries of {whom} until {moment(told.until)}{_caused(told)}"


def barred(told: Locked) -> str:
    """Whom a lock keeps out, and why: "buy entries of SPY: 3 trades stopped out (trades 1, 2)"."""
    side = "" if told.side is None else f"{told.side.value} "
    return f"{side}entries of {told.symbol or 'all symbols'}: {told.reason}{_caused(told)}"


def lifted(told: Locked, locks: Locks) -> str:
    """Whether a lock ran to its end: "" or "lifted 2024-01-02 15:30:00, by hand"."""
    release = locks.released.get(told.id)
    return "" if release is None else f"lifted {moment(release.at)}, {release.reason}"


def made_on(told: Fact) -> str | None:
    """What a decision of the gate was made on; None: the fact is none, or it needed nothing."""
    looked = None
    if isinstance(told, Intended | ReplaceRequested):
        looked = told.seen
    elif isinstance(told, Denied | ReplaceDenied):
        looked = told.refusal.seen
    return None if looked is None else seen(looked)


def seen(looked: Seen) -> str:
    """What a decision was made on: "trading active, held 0, mark 478.71, …"."""
    named = {
        "held": looked.held,
        "closing": looked.closing,
        "mark": looked.mark,
        "available": looked.available,
        "equity": looked.equity,
        "exposure": looked.exposure,
        "gross": looked.gross,
        "entries today": looked.entries,
        "orders lately": looked.orders,
        "day trades": looked.day_trades,
    }
    values = [f"{name} {number(value)}" for name, value in named.items() if value is not None]
    if looked.marked is not None:
        values.append(f"mark of {moment(looked.marked)}")
    return ", ".join([f"trading {looked.state.value}", *values])


def divergence(error: Diverged) -> str:
    """Where a session that runs again went another way, and the two ways."""
    when = "before the first bar" if error.bar is None else f"at the bar of {moment(error.bar)}"
    recorded, found = _named(error.recorded), _named(error.found)
    if error.found is None:
        found = "nothing any more"
    return (
        f"the session is not deterministic: {when}\n"
        f"  the journal has  {recorded}\n"
        f"  this run has     {found}\n"
        "Nothing was added to the journal. A strategy may depend on bars, events and its settings only, "
        "and its code must be that of the first run."
    )


def _named(told: object | None) -> str:
    """A fact with its class and the order it is about."""
    if told is None:
        return "nothing"
    about = getattr(told, "order_id", None) or getattr(told, "client_order_id", None)
    wanted = getattr(told, "request", None)
    if about is None and isinstance(wanted, OrderRequest):
        about = wanted.client_order_id
    return f"{type(told).__name__}{f' {about}' if about else ''}: {fact(told)}"  # type: ignore[arg-type]


def _report(told: OrderReported) -> str:
    name = "" if told.broker_order_id is None else f" as {told.broker_order_id}"
    continues = "" if told.replaces is None else f", in place of {told.replaces}"
    if told.execution is not None:
        return _fill(told.execution, told.broker_order_id)
    what = _REPORTED[told.status] + name + continues
    if told.cumulative:
        cost = "" if told.average is None else f" at {average(told.average)} on average"
        what += f", {number(told.cumulative)} filled{cost}"
    return what


def _fill(execution: Execution, broker_order_id: str | None) -> str:
    fees = [number(execution.fee)] if execution.fee else []
    if execution.fee_quantity:
        fees.append(f"{number(execution.fee_quantity)} of what was bought")
    fee = f", fee {' and '.join(fees)}" if fees else ", no fee"
    of = "" if broker_order_id is None else f" of {broker_order_id}"
    after = "" if execution.position_after is None else f"; position then {number(execution.position_after)}"
    named = [execution.assumption, *(f"{cost.model} {number(cost.amount)}" for cost in execution.costs)]
    made = f" ({', '.join(filter(None, named))})" if execution.assumption else ""
    what = f"filled {number(execution.quantity)} at {number(execution.price)}{made}{fee}"
    return f"{what} (execution {execution.id}{of}{after})"


def _change(change: Replacement) -> str:
    named = {"quantity": change.quantity, "limit": change.limit_price, "stop": change.stop_price}
    values = ", ".join(f"{name} {number(value)}" for name, value in named.items() if value is not None)
    return f"{values or 'nothing'}, under the id {change.client_order_id}"


def _caused(told: Locked) -> str:
    return f" (trades {', '.join(map(str, told.trades))})" if told.trades else ""


def _hours(opens: datetime, closes: datetime) -> str:
    return f"{moment(opens)} to {moment(closes)}" if closes.year < 9999 else f"from {moment(opens)} on"


def _price(price: Decimal | None) -> str:
    return "?" if price is None else number(price)
