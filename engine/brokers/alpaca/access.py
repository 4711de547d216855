"""
Which account is traded: the credentials and the host.

Paper is the default. The live host is reached by ``live=True`` alone: not by an address, not by the environment, and
not by a key.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from attrs import field, frozen

from engine.errors import InvalidInput

__all__ = ["Access", "LIVE", "PAPER"]

PAPER = "https://paper-api.alpaca.markets"
LIVE = "https://api.alpaca.markets"
_HIDDEN = "(not shown)"


@frozen(kw_only=True)
class Access:
    """
    Args:
        key_id, secret_key: Of the same account; neither is shown in a repr, an error or a log.
        live: Trade with real money.
        url: Another host than Alpaca's, such as a venue on this machine: "http://127.0.0.1:8080", without a path. Any
            host that is not this machine needs https, and ``live=True`` too, for nobody can tell what it trades.

    Raises:
        InvalidInput: A part is missing, or they do not belong together.
    """

    key_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    live: bool = False
    url: str | None = None

    def __attrs_post_init__(self) -> None:
        for name, value in (("key_id", self.key_id), ("secret_key", self.secret_key)):
            text = str(value or "")
            if not text or " " in text or not (text.isascii() and text.isprintable()):
                found = _HIDDEN if value else "nothing"
                raise InvalidInput(f"alpaca.{name}", found, "printable ASCII characters without a space")
        if self.live is not True and self.live is not False:
            raise InvalidInput("alpaca.live", self.live, "True or False, nothing that is merely like it")
        self._check_host()
        if self.host in (PAPER, LIVE):
            self._check_key()

    def _check_host(self) -> None:
        try:
            parts = urlsplit(self.host)
            _ = parts.port  # raises for what is no number
        except ValueError:
            parts = urlsplit("")
        # A user, a path or a query would be lost, or sent along; an address of a host has none.
        plain = self.host == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
        if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
            found = self.host.rpartition("@")[2]  # without what may be a password
            raise InvalidInput("alpaca.url", found, "scheme and host alone, e.g. http://127.0.0.1:8080")
        if self.loopback:
            return
        if parts.scheme != "https":
            raise InvalidInput("alpaca.url", self.host, "https for any host but this machine")
        if not self.live and self.host != PAPER:
            raise InvalidInput("alpaca.url", self.host, f"{PAPER}, or live=True: it may trade real money")
        if self.live and self.host == PAPER:
            raise InvalidInput("alpaca.live", True, f"False, or no url: {PAPER} is for paper")

    def _check_key(self) -> None:
        """Keys of paper accounts begin with PK, those of live accounts with AK; others are not known."""
        kind = self.key_id[:2]
        if kind == "PK" and self.live:
            raise InvalidInput("alpaca.key_id", "the key of a paper account", "one of a live account, or live=False")
        if kind == "AK" and not self.live:
            raise InvalidInput("alpaca.key_id", "the key of a live account", "one of a paper account, or live=True")

    @classmethod
    def from_environment(
        cls, *, live: bool = False, url: str | None = None, environment: Mapping[str, str] = os.environ
    ) -> Self:
        """
        With the keys of APCA_API_KEY_ID and APCA_API_SECRET_KEY; nothing else of the environment counts.

        Raises:
            InvalidInput: One of them is not set.
        """
        for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
            if not environment.get(name):
                raise InvalidInput(f"environment variable {name}", "nothing", "the key of your Alpaca account")
        return cls(
            key_id=environment["APCA_API_KEY_ID"],
            secret_key=environment["APCA_API_SECRET_KEY"],
            live=live,
            url=url,
        )

    @property
    def host(self) -> str:
        """Scheme and host, without a slash at the end."""
        return (self.url or (LIVE if self.live else PAPER)).rstrip("/")

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine."""
        name = urlsplit(self.host).hostname or ""
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"

    def hidden(self, text: str) -> str:
        """The text without the credentials, should somebody have sent them back."""
        return text.replace(self.secret_key, _HIDDEN).replace(self.key_id, _HIDDEN)
