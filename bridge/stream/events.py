"""
What the two sides of the user stream tell their callers.

A client also hands on three frames as they are: `Listening`, `Update` and `Complaint`.
"""

from __future__ import annotations

from attrs import frozen

from bridge.stream.frames import Complaint, Listening, Update

__all__ = [
    "Authenticated",
    "AuthenticationFailed",
    "AuthenticationRefused",
    "Authorized",
    "ClientEvent",
    "ListenRefused",
    "Misunderstood",
    "Subscribed",
    "VenueEvent",
]


# --- at the client ----------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Authorized:
    """
    The venue knows us.

    Attributes:
        legacy: It took the older form.
        message: What it says beside that, such as that a form will go away; None: nothing.
    """

    legacy: bool
    message: str | None = None


@frozen(kw_only=True)
class AuthenticationRefused:
    """The venue does not know us in any form; nothing more will come."""

    message: str | None = None


@frozen(kw_only=True)
class ListenRefused:
    """
    Updates do not come, or do not come any more.

    Attributes:
        streams: What the venue sends instead; None: it says that we may not listen at all.
    """

    streams: tuple[str, ...] | None


ClientEvent = Authorized | AuthenticationRefused | Listening | ListenRefused | Update | Complaint


# --- at the venue -----------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Authenticated:
    """
    A client proved who it is.

    Attributes:
        account: As the check of its credentials named it.
    """

    account: str
    legacy: bool


@frozen(kw_only=True)
class AuthenticationFailed:
    """A client's credentials are not right; it may try others."""

    legacy: bool


@frozen(kw_only=True)
class Subscribed:
    """From now on the client gets these streams and no other; empty: none."""

    streams: tuple[str, ...]


@frozen(kw_only=True)
class Misunderstood:
    """A client sent what makes no sense; it was told so, and the connection is to be closed."""

    reason: str


VenueEvent = Authenticated | AuthenticationFailed | Subscribed | Misunderstood
