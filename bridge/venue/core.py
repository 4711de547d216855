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
from hmac import compare_digest
from typing import Any, Literal
from urllib.parse import unquote

from attrs import Attribute, field, frozen

from bridge.venue.accounts import Account, Credential
from bridge.venue.amendments import Amendments
from bridge.venue.assets import Asset, Assets
from bridge.venue.commands import Commands
from bridge.venue.errors import BAD_KEY, TOO_MANY, Failure, Refused, no_route
from bridge.venue.eventlog import Span
from bridge.venue.events import Subscription, span_of
from bridge.venue.exchange import Exchange
from bridge.venue.executions import Execution, Executions
from bridge.venue.frictions import Frictions, Terms
from bridge.venue.history import Equities
from bridge.venue.hours import Hours
from bridge.venue.identity import Identity
from bridge.venue.lifecycle import Lifecycle
from bridge.venue.limits import Arrival, RateLimit, RateWindow
from bridge.venue.reads import Reads
from bridge.venue.rules import require_price
from bridge.venue.schedule import Schedule
from bridge.venue.updates import Frame, Updates
from engine.calendar import Calendar
from engine.clock import utc
from engine.errors import InvalidRequest
from engine.market.bars import Bar
from engine.market.ticks import Tick
from engine.model import require_not_negative, require_positive

__all__ = ["Answer", "Core", "Request", "Trader", "credentials"]

_ARRIVALS = 100_000
_PATH = 100  # of a request as much is kept


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
        body: At most 64 kB: whoever reads it from a socket refuses more (413) before it comes here.
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
        stream: Server-sent events instead of a body, and what follows; None: the answer is complete.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    stream: Subscription | None = None


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
        arrivals: The requests with a good key, oldest first; the newest 100,000 at least.
        executions: All of them, oldest first, to be looked at.
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
        lifecycle = Lifecycle(self._identity, self._updates, self.accounts, self._schedule, self._hours)
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
        self.executions: Executions = lifecycle.executions
        self._amendments = Amendments(self.accounts, self._exchange, lifecycle, terms.fees)
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

    def begin(self, symbol: str, volume: Decimal, now: datetime) -> None:
        """
        A bar of an asset begins, whose prices follow one by one.

        Args:
            volume: What it will trade, base units, >= 0; the market's depth is taken from it.

        Raises:
            InvalidRequest: No such asset, or no volume; here and in the three below.
        """
        asset = self._asset(symbol)
        require_not_negative("volume", volume)
        self.advance(now)
        self._exchange.begin(asset, volume)

    def price(self, symbol: str, price: Decimal, now: datetime, *, jump: bool = False) -> None:
        """
        The price of an asset goes to another one; a session that ends at that moment still has it.

        Args:
            jump: At once; what lies in between is not traded.
        """
        for _ in self.moving(symbol, price, now, jump=jump):
            pass

    def moving(self, symbol: str, price: Decimal, now: datetime, *, jump: bool = False) -> Iterator[None]:
        """As `price`, and stop behind each thing that happens: who orders there does so at that very place."""
        asset = self._asset(symbol)
        require_price("price", price)
        yield from self._exchange.passing(utc(now), ending=False)
        self._equities.note()
        yield from self._exchange.moving(asset, price, jump=jump)

    def tick(self, symbol: str, tick: Tick) -> None:
        """A quote or a trade of others, at its own moment."""
        for _ in self.ticking(symbol, tick):
            pass

    def ticking(self, symbol: str, tick: Tick) -> Iterator[None]:
        """As `tick`, and stop behind each thing that happens."""
        asset = self._asset(symbol)
        require_price("price", tick.price)
        yield from self._exchange.passing(utc(tick.at), ending=False)
        self._equities.note()
        yield from self._exchange.ticking(asset, tick)

    def passing(self, now: datetime) -> Iterator[None]:
        """As `advance`, and stop behind each moment at which something happens."""
        yield from self._exchange.passing(utc(now))
        self._equities.note()

    def hold(self, holding: bool) -> None:
        """Whether a price of this very moment may still come, so that a session that ends now waits with that."""
        self._exchange.holding = holding

    def bar(self, *bars: Bar) -> None:
        """Play bars of the same moment from their start to their end; what is due in between happens in between."""
        self._exchange.bars([(self._asset(bar.symbol), bar) for bar in bars])
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

    # --- what nobody asked for ----------------------------------------------------------------------------------------

    def bust(self, execution: str, now: datetime) -> Execution:
        """
        Take an execution back; see `Amendments`.

        Args:
            execution: Its id on the stream, or that of its activity.

        Raises:
            InvalidRequest: There is none of that name that still stands; here and in `correct`.
        """
        self.advance(now)
        return self._amendments.bust(execution)

    def correct(
        self, execution: str, now: datetime, *, price: Decimal | None = None, quantity: Decimal | None = None
    ) -> Execution:
        """Change the numbers of an execution; what is None stays."""
        self.advance(now)
        return self._amendments.correct(execution, price=price, quantity=quantity)

    def foreign_order(self, key: str, body: bytes, now: datetime) -> Answer:
        """
        An order that another program places on an account, by the same rules.

        It has a key of its own: what it sends does not count against this one's limit, and is no arrival.

        Args:
            key: Of the account.
            body: As of a POST to /v2/orders; an order without a ``client_order_id`` gets one.

        Raises:
            InvalidRequest: No account has that key.
        """
        account = self._keys.get(key)
        if account is None:
            raise InvalidRequest("key", key, "the key of an account")
        self.advance(now)
        try:
            status, answer = self._commands.submit(account, body)
        except Refused as refused:
            return _failed(refused.failure, {})
        return Answer(status=status, headers={}, body=answer)

    # --- the stream ---------------------------------------------------------------------------------------------------

    def frames(self) -> list[Frame]:
        """What the stream has to tell since the last call, in order of emission."""
        return self._updates.take()

    def replay(self, account: str, span: Span) -> list[dict[str, Any]]:
        """What the stream told an account in a stretch of time, as far as it is kept: the ``data`` of each frame."""
        return self._updates.replay(account, span)

    def authenticate(self, key: str, secret: str) -> str | None:
        """Id of the account that these belong to; None: they are not good."""
        account = self._keys.get(key)
        # Compared in the same time wherever they differ.
        if account is None or not compare_digest(account.credential.secret.encode(), secret.encode()):
            return None
        return account.id

    # --- requests -----------------------------------------------------------------------------------------------------

    def handle(self, request: Request, now: datetime, *, received: datetime | None = None) -> Answer:
        """
        Answer a request that arrives at that moment; whatever it says, it does not raise.

        Args:
            received: The same moment by the clock that limits of requests go by; None: that is the venue's own.
        """
        self.advance(now)
        received = self.now if received is None else received
        headers = {"Content-Type": "application/json; charset=UTF-8", "X-Request-ID": self._identity.request()}
        account_id = self.authenticate(*credentials(request.headers))
        if account_id is None:
            return _failed(BAD_KEY, headers)
        verdict = self._windows[account_id].arrive(received)
        self.arrivals.append(
            Arrival(
                at=received,
                key=self.accounts[account_id].credential.key,
                allowed=verdict.allowed,
                method=request.method,
                path=request.path[:_PATH],
            )
        )
        if len(self.arrivals) >= 2 * _ARRIVALS:
            del self.arrivals[:_ARRIVALS]
        headers |= verdict.headers
        if not verdict.allowed:
            return _failed(TOO_MANY, headers)
        return self._perform(self.accounts[account_id], request, headers)

    def key_of(self, request: Request) -> str | None:
        """Whose request it is; None: its key or its secret are not good."""
        key, secret = credentials(request.headers)
        return None if self.authenticate(key, secret) is None else key

    def perform(self, key: str, request: Request) -> Answer:
        """Answer a request once more that was let in at another time: no limit counts it, no arrival is recorded."""
        return self._perform(self._keys[key], request, {})

    def _perform(self, account: Account, request: Request, headers: Mapping[str, str]) -> Answer:
        try:
            if (request.method, request.path) == ("GET", "/v2/events/trades"):
                stream = self._subscribe(account.id, request.query)
                headers = {**headers, "Content-Type": "text/event-stream"}
                return Answer(status=200, headers=headers, body=None, stream=stream)
            status, body = self._route(account, request)
        except Refused as refused:
            return _failed(refused.failure, headers)
        return Answer(status=status, headers=headers, body=body)

    def _subscribe(self, account: str, query: Mapping[str, str]) -> Subscription:
        span = span_of(query)
        history = [] if span is None else self.replay(account, span)
        if span is None:
            return Subscription(account=account, history=history, ends=False)

        def since() -> list[dict[str, Any]]:
            last = history[-1]["event_id"] if history else ""
            return [data for data in self.replay(account, span) if data["event_id"] > last]

        ends = span.until is not None or span.until_id is not None
        return Subscription(account=account, history=history, ends=ends, since=since)

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


def credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    """Key and secret of a request or a handshake; empty where there are none."""
    key, secret = headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
    scheme, _, words = headers.get("authorization", "").partition(" ")
    if key or scheme.lower() != "basic":
        return key, secret
    try:
        key, _, secret = b64decode(words, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return key, secret
