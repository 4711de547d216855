"""
The venue without its sockets.

`handle` answers a request, `frames` gives what the stream tells, `bar`, `tick` and `price` move the market.

It has no clock and no thread. Whoever serves it says what time it is with every call, wakes it when something is due
(`next_due`, `advance`), and sends the frames. The same seed and the same calls give the same bytes.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import unquote

from attrs import Attribute, field, frozen

from bridge.venue.accounts import Account, Credential
from bridge.venue.assets import Asset, Assets
from bridge.venue.commands import Commands
from bridge.venue.errors import BAD_KEY, TOO_MANY, Failure, Refused, no_route
from bridge.venue.exchange import Exchange
from bridge.venue.frictions import Frictions, Terms
from bridge.venue.history import Equities
from bridge.venue.hours import Hours
from bridge.venue.identity import Identity
from bridge.venue.lifecycle import Lifecycle
from bridge.venue.limits import Arrival, RateLimit, RateWindow
from bridge.venue.reads import Reads
from bridge.venue.schedule import Schedule
from bridge.venue.updates import Frame, Updates
from engine.calendar import Calendar
from engine.clock import utc
from engine.errors import InvalidRequest
from engine.market.bars import Bar
from engine.market.ticks import Tick
from engine.model import require_positive

__all__ = ["Answer", "Core", "Request", "Trader"]


def _multiple(instance: object, attribute: Attribute[int], value: object) -> None:
    if type(value) is not int or value not in (1, 2, 4):
        raise InvalidRequest(attribute.name, value, "1, 2 or 4")


def _positive(instance: object, attribute: Attribute[Decimal], value: object) -> None:
    require_positive(attribute.name, value)


@frozen(kw_only=True)
class Request:
    """
    Attributes:
        path: As it stands on the wire, percent signs and all, without the query.
        query: Decoded; of a name that comes twice one value.
        headers: By names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    body: bytes = b""


@frozen(kw_only=True)
class Answer:
    """
    Attributes:
        body: What the JSON says; None: there is no body.
    """

    status: int
    headers: Mapping[str, str]
    body: Any


@frozen(kw_only=True)
class Trader:
    """
    Who has an account here.

    Attributes:
        cash: At the beginning, quote units, > 0.
        multiplier: 1, 2 or 4 times what it owns can be held in shares.
    """

    key: str
    secret: str = field(repr=False)
    cash: Decimal = field(default=Decimal(100_000), validator=_positive)
    multiplier: Literal[1, 2, 4] = field(default=4, validator=_multiple)


class Core:
    """
    Args:
        traders: With a key each.
        calendar: Of the market in shares; coins trade always.
        start: The first moment; none before it comes.
        seed: Of ids, latencies and all else that is left to chance.

    Attributes:
        assets: What is on offer.
        accounts: By id, to be looked at.
        arrivals: Every request with a good key, oldest first.
        waived: What lenient terms let pass, oldest first.

    Raises:
        InvalidRequest: Two traders have the same key.
    """

    def __init__(
        self,
        traders: Sequence[Trader],
        *,
        calendar: Calendar,
        start: datetime,
        seed: int = 0,
        assets: Assets | None = None,
        terms: Terms | None = None,
        rate: RateLimit | None = None,
    ) -> None:
        start = utc(start)
        terms = terms or Terms()
        self._identity = Identity(seed, steady=terms.direct)
        self.assets = assets or Assets()
        self._schedule = Schedule()
        self._updates = Updates(self._identity)
        self._rate = rate or RateLimit()
        self._hours = Hours(calendar)
        self.accounts: dict[str, Account] = {}
        self.arrivals: list[Arrival] = []
        self._keys: dict[str, Account] = {}
        self._windows: dict[str, RateWindow] = {}
        for trader in traders:
            self._open_account(trader, start)
        lifecycle = Lifecycle(self._identity, self._updates, self.accounts, self._schedule)
        self._exchange = Exchange(
            assets=self.assets,
            accounts=self.accounts,
            hours=self._hours,
            terms=terms,
            frictions=Frictions(terms, self._identity.chance),
            lifecycle=lifecycle,
            schedule=self._schedule,
            start=start,
        )
        self._equities = Equities(self.accounts, self._exchange, self._hours)
        self._reads = Reads(self.assets, self._exchange, self._hours)
        self._commands = Commands(self.assets, self._exchange, self._identity, lenient=terms.lenient)
        self.waived = self._commands.waived
        self._routes = self._table()

    def _open_account(self, trader: Trader, start: datetime) -> None:
        if trader.key in self._keys:
            raise InvalidRequest("traders", trader.key, "another key for each")
        account = Account(
            id=self._identity.uuid(),
            number=f"PA{self._identity.chance.randrange(10**10):010}",
            credential=Credential(key=trader.key, secret=trader.secret),
            created_at=self._identity.stamp(start),
            start=trader.cash,
            multiplier=trader.multiplier,
        )
        self.accounts[account.id] = self._keys[trader.key] = account
        self._windows[account.id] = RateWindow(self._rate)

    # --- time and the market ------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The moment that has been reached."""
        return self._exchange.now

    @property
    def open(self) -> bool:
        """Whether the market in shares has its regular session."""
        return self._hours.session(self.now) is not None

    def last(self, asset: Asset) -> Decimal:
        """The last price of one of its assets; of a quoted one the middle of the quote."""
        return self._exchange.price(asset)

    def next_due(self) -> datetime | None:
        """When something happens by itself: an order arrives, a cancel takes effect, a session ends. None: never."""
        return self._schedule.next_due

    def advance(self, now: datetime) -> None:
        """Let happen what is due by then; a moment that has passed changes nothing."""
        self._exchange.advance(utc(now))
        self._equities.note()

    def price(self, symbol: str, price: Decimal, now: datetime, *, jump: bool = False) -> None:
        """
        The price of an asset goes to another one.

        Args:
            jump: At once; what lies in between is not traded.

        Raises:
            InvalidRequest: No such asset, or no price; here and in the two below.
        """
        asset = self._asset(symbol)
        require_positive("price", price)
        self._exchange.reach(utc(now))
        self._exchange.move(asset, price, jump=jump)

    def tick(self, symbol: str, tick: Tick) -> None:
        """A quote or a trade of others, at its own moment."""
        asset = self._asset(symbol)
        self._exchange.reach(utc(tick.at))
        self._exchange.tick(asset, tick)

    def bar(self, *bars: Bar) -> None:
        """Play bars of the same moment from their start to their end; what is due in between happens in between."""
        for _ in self.playing(*bars):
            pass

    def playing(self, *bars: Bar) -> Iterator[None]:
        """As `bar`, and stop behind each thing that happens: who orders there does so at that very place."""
        yield from self._exchange.playing([(self._asset(bar.symbol), bar) for bar in bars])
        self._equities.note()

    @property
    def told(self) -> str:
        """Id of the latest event that the stream has to tell or told; "": none. Later ones are higher."""
        return self._updates.last

    def _asset(self, symbol: str) -> Asset:
        asset = self.assets.find(symbol)
        if asset is None:
            raise InvalidRequest("symbol", symbol, "an asset of this venue")
        return asset

    # --- the stream ---------------------------------------------------------------------------------------------------

    def frames(self) -> list[Frame]:
        """What the stream has to tell since the last call, in order of emission."""
        return self._updates.take()

    def authenticate(self, key: str, secret: str) -> str | None:
        """Id of the account that these belong to; None: they are not good."""
        account = self._keys.get(key)
        return account.id if account is not None and account.credential.secret == secret else None

    # --- requests -----------------------------------------------------------------------------------------------------

    def handle(self, request: Request, now: datetime) -> Answer:
        """Answer a request that arrives at that moment; whatever it says, it does not raise."""
        self.advance(now)
        headers = {"Content-Type": "application/json; charset=UTF-8", "X-Request-ID": self._identity.uuid()}
        account_id = self.authenticate(*_credentials(request.headers))
        if account_id is None:
            return _failed(BAD_KEY, headers)
        verdict = self._windows[account_id].arrive(self.now)
        self.arrivals.append(
            Arrival(at=self.now, key=self.accounts[account_id].credential.key, allowed=verdict.allowed)
        )
        headers |= verdict.headers
        if not verdict.allowed:
            return _failed(TOO_MANY, headers)
        try:
            status, body = self._route(self.accounts[account_id], request)
        except Refused as refused:
            return _failed(refused.failure, headers)
        return Answer(status=status, headers=headers, body=body)

    def _route(self, account: Account, request: Request) -> tuple[int, Any]:
        for method, pattern, handler in self._routes:
            if method == request.method:
                found = pattern.fullmatch(request.path)
                if found is not None:
                    names = [unquote(name) for name in found.groups() if name is not None]
                    return handler(account, request, *names)
        raise Refused(no_route(request.method, request.path))

    def _table(self) -> list[tuple[str, re.Pattern[str], Callable[..., tuple[int, Any]]]]:
        """Every path that there is."""
        reads, commands = self._reads, self._commands
        routes: list[tuple[str, str, Callable[..., tuple[int, Any]]]] = [
            ("POST", "/v2/orders", lambda a, r: commands.submit(a, r.body)),
            ("GET", "/v2/orders", lambda a, r: (200, reads.orders(a, r.query))),
            ("DELETE", "/v2/orders", lambda a, r: commands.cancel_all(a)),
            ("GET", "/v2/orders:by_client_order_id", lambda a, r: (200, reads.order_by_client_id(a, r.query))),
            ("GET", "/v2/orders/([^/]+)", lambda a, r, name: (200, reads.order(a, name, r.query))),
            ("PATCH", "/v2/orders/([^/]+)", lambda a, r, name: commands.replace(a, name, r.body)),
            ("DELETE", "/v2/orders/([^/]+)", lambda a, r, name: commands.cancel(a, name)),
            ("GET", "/v2/positions", lambda a, r: (200, reads.positions(a))),
            ("DELETE", "/v2/positions", lambda a, r: commands.close_all(a, r.query)),
            # A pair with its slash as it is, or percent-encoded.
            ("GET", "/v2/positions/(.+)", lambda a, r, name: (200, reads.position(a, name))),
            ("DELETE", "/v2/positions/(.+)", lambda a, r, name: commands.close(a, name, r.query)),
            ("GET", "/v2/account", lambda a, r: (200, reads.account(a))),
            ("GET", "/v2/account/configurations", lambda a, r: (200, dict(a.configurations))),
            ("PATCH", "/v2/account/configurations", lambda a, r: commands.configure(a, r.body)),
            ("GET", "/v2/account/activities", lambda a, r: (200, reads.activities(a, None, r.query))),
            ("GET", "/v2/account/activities/([^/]+)", lambda a, r, kind: (200, reads.activities(a, kind, r.query))),
            ("GET", "/v2/account/portfolio/history", lambda a, r: (200, self._equities.history(a, r.query))),
            ("GET", "/v2/assets", lambda a, r: (200, reads.assets(r.query))),
            ("GET", "/v2/assets/(.+)", lambda a, r, name: (200, reads.asset(name))),
            ("GET", "/v2/clock", lambda a, r: (200, reads.clock())),
            ("GET", "/v2/calendar", lambda a, r: (200, reads.calendar(r.query))),
        ]
        return [(method, re.compile(pattern), handler) for method, pattern, handler in routes]


def _failed(failure: Failure, headers: Mapping[str, str]) -> Answer:
    return Answer(status=failure.status, headers=headers, body=failure.body)


def _credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    """Key and secret; empty where there are none."""
    key, secret = headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
    scheme, _, words = headers.get("authorization", "").partition(" ")
    if key or scheme.lower() != "basic":
        return key, secret
    try:
        key, _, secret = b64decode(words, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return key, secret
