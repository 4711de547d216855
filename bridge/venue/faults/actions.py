"""What a fault asks for: values that the server and the house carry out, and how the core does its part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec
from attrs import field, frozen

from bridge.venue.core import Answer, Core
from bridge.venue.faults.delivery import Connection, Delivery
from bridge.venue.spelling import plain
from engine.errors import InvalidRequest

__all__ = [
    "Accept",
    "Action",
    "BustNewest",
    "CloseAll",
    "CloseConnection",
    "CorrectNewest",
    "Deliver",
    "Due",
    "Flow",
    "Hangup",
    "PlaceOrder",
    "Refuse",
    "SetFlow",
    "Verdict",
    "carry_out",
]

Flow = Literal["normal", "mute", "half-open"]
"""Of a connection: as always; alive without events; neither read nor written."""

_CENT, _FINEST = Decimal("0.01"), Decimal("0.000000001")
_HUNDRED = Decimal(100)


# --- handshakes -------------------------------------------------------------------------------------------------------


@frozen
class Accept:
    """Go on as always."""


@frozen
class Refuse:
    """Answer the handshake with this instead of a 101."""

    answer: Answer


@frozen
class Hangup:
    """Close the connection without an answer."""


Verdict: TypeAlias = Accept | Refuse | Hangup


# --- by the clock -----------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class CloseConnection:
    """
    Close a connection now; what waits for it is not sent.

    Attributes:
        code: 1006: end it without a close frame.
    """

    connection: Connection
    code: int
    reason: str


@frozen(kw_only=True)
class CloseAll:
    """Close every connection, those of requests too."""

    code: int
    reason: str


@frozen(kw_only=True)
class SetFlow:
    """From now on the connection is so; "half-open": read nothing and write nothing, pongs neither."""

    connection: Connection
    flow: Flow


@frozen(kw_only=True)
class Deliver:
    """Frames that were held back: send them."""

    connection: Connection
    deliveries: list[Delivery]


@frozen(kw_only=True)
class BustNewest:
    """
    Attributes:
        account: Key; None: of any.
        symbol: None: of any.
    """

    account: str | None
    symbol: str | None


@frozen(kw_only=True)
class CorrectNewest:
    """The numbers as in `Correct`."""

    account: str | None
    symbol: str | None
    price: Decimal | None
    percent: Decimal | None
    quantity: Decimal | None


@frozen(kw_only=True)
class PlaceOrder:
    """
    Attributes:
        account: Key; None: on every account.
        body: As of a POST to /v2/orders.
    """

    account: str | None
    body: Mapping[str, str] = field(factory=dict)


Action: TypeAlias = CloseConnection | CloseAll | SetFlow | Deliver | BustNewest | CorrectNewest | PlaceOrder


@frozen(kw_only=True)
class Due:
    """
    Attributes:
        at: When it fell due.
        fault: Id of the fault that asks for it; "": one that is over, whose end it is.
    """

    at: datetime
    fault: str
    action: Action


# --- what the core does -----------------------------------------------------------------------------------------------


def carry_out(core: Core, action: BustNewest | CorrectNewest | PlaceOrder, now: datetime) -> list[str]:
    """
    Let the core do what a fault asks of it.

    Returns:
        What was done, for people; of what could not be done, why.
    """
    if isinstance(action, PlaceOrder):
        keys = [account.credential.key for account in core.accounts.values() if action.account is None]
        return [_placed(core, key, action, now) for key in keys or [action.account or ""]]
    core.advance(now)
    accounts = {account.credential.key: account.id for account in core.accounts.values()}
    if action.account is not None and action.account not in accounts:
        return [f"no account has the key {action.account}"]
    account = None if action.account is None else accounts[action.account]
    execution = core.executions.newest(account, action.symbol)
    if execution is None:
        return ["there is no execution that could be changed"]
    name, asset = execution.ids[0], execution.asset
    try:
        if isinstance(action, BustNewest):
            core.bust(name, now)
            return [f"busted {name}"]
        price = action.price
        if action.percent is not None:
            price = execution.price * (_HUNDRED + action.percent) / _HUNDRED
            price = price.quantize(_FINEST if asset.crypto or price < 1 else _CENT)
        core.correct(name, now, price=price, quantity=action.quantity)
    except InvalidRequest as error:
        return [f"{name} stays: {error}"]
    return [f"corrected {name} to {plain(execution.quantity)} at {plain(execution.price)}"]


def _placed(core: Core, key: str, action: PlaceOrder, now: datetime) -> str:
    try:
        answer = core.foreign_order(key, msgspec.json.encode(dict(action.body)), now)
    except InvalidRequest:
        return f"no account has the key {key}"
    if answer.status == 200:
        return f"placed {answer.body['id']} for {key}"
    return f"{answer.status} for {key}: {answer.body['message']}"
