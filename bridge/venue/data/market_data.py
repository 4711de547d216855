"""
Market data of the venue: told what happens, asked by requests, heard by streams.

Whoever has the prices tells them here, in order of time. The same seed and the same calls give the same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from bridge.venue.assets import Assets
from bridge.venue.core import Answer, Request, credentials
from bridge.venue.data.answers import Answers
from bridge.venue.data.making import Maker, counted
from bridge.venue.data.messages import Market, Message
from bridge.venue.data.rows import Row, bar_row, book_row, number, quote_row, trade_row
from bridge.venue.data.tape import MOST_BARS, MOST_TICKS, Record, Tape
from bridge.venue.data.timeframes import DAY, merged, stretch, zone
from bridge.venue.errors import Failure, Refused
from bridge.venue.identity import Identity
from bridge.venue.limits import Arrival, RateLimit, RateWindow
from bridge.venue.spelling import nanos
from engine.clock import utc
from engine.market.bars import Bar
from engine.market.ticks import Quote, Tick
from engine.model import require_positive

__all__ = ["MarketData", "serves"]

_UNAUTHORIZED = Failure(401, None, "unauthorized.")
_TOO_MANY = Failure(429, None, "too many requests.")
_ARRIVALS = 100_000
_PATH = 100  # of a request as much is kept
_OWN = 0xDA7A  # the ids of the core have the same seed
_CRYPTO = "/v1beta3/crypto/"
_STOCKS = "/v2/stocks/"


def serves(path: str) -> bool:
    """Whether a request with this path is one for market data."""
    return path.startswith((_STOCKS, _CRYPTO))


class MarketData:
    """
    Args:
        rate: Of requests, for each account; no part of that of trading. None: 200 a minute.
        authenticate: The account that a key and a secret belong to; None: they are not good.
        seed: Of the sizes that are made up, and of the ids of requests.
        real_time: False: consolidated data ("sip") of the last 15 minutes is refused, as with the plan that costs
            nothing.
        most_ticks, most_bars: How many trades, how many quotes and how many bars are kept of each asset; of all else
            only the newest are there to be asked for.

    Attributes:
        authenticate: As it was given.
        real_time: As it was given.
        listening: Whether `messages` will be asked; while it is False nothing is gathered for it.
        arrivals: The newest 100,000 requests that were counted, oldest first; the key is empty where none was needed.
    """

    def __init__(
        self,
        assets: Assets,
        *,
        authenticate: Callable[[str, str], str | None],
        rate: RateLimit | None = None,
        seed: int = 0,
        real_time: bool = True,
        most_ticks: int = MOST_TICKS,
        most_bars: int = MOST_BARS,
    ) -> None:
        self.authenticate = authenticate
        self.real_time = real_time
        self.listening = False
        self.arrivals: deque[Arrival] = deque(maxlen=_ARRIVALS)
        self._tape = Tape(assets, most_ticks=most_ticks, most_bars=most_bars)
        self._answers = Answers(self._tape, real_time=real_time)
        self._makers = {record.asset.symbol: Maker(record.asset, seed) for record in self._tape}
        self._identity = Identity(seed ^ _OWN)
        self._rate = rate or RateLimit()
        self._windows: dict[str, RateWindow] = {}
        self._messages: list[Message] = []

    # --- what happens -------------------------------------------------------------------------------------------------

    def opened(self, at: datetime) -> None:
        """The market begins: every asset is shown at the price where it starts."""
        for record in self._tape:
            self.moved(record.asset.symbol, record.asset.price, at)

    def moved(self, symbol: str, price: Decimal, at: datetime) -> None:
        """
        The price went there; a small trade and a quote around it are made of that.

        Raises:
            InvalidRequest: No such asset, or no price.
        """
        record = self._tape.record(symbol)
        require_positive("price", price)
        moment = nanos(utc(at))
        made = self._makers[record.asset.symbol].around(price)
        self._trade(record, moment, number(price), made.size)
        self._quote(record, moment, made.bid, made.bid_size, made.ask, made.ask_size)

    def ticked(self, symbol: str, tick: Tick) -> None:
        """
        A quote or a trade of others, as it is.

        Raises:
            InvalidRequest: No such asset.
        """
        record = self._tape.record(symbol)
        moment = nanos(utc(tick.at))
        if isinstance(tick, Quote):
            sizes = number(tick.bid_size), number(tick.ask_size)
            self._quote(record, moment, number(tick.bid), sizes[0], number(tick.ask), sizes[1])
        else:
            self._trade(record, moment, number(tick.price), number(tick.size))

    def closed(self, bar: Bar) -> None:
        """
        A bar is complete; one that begins when an earlier one did takes its place.

        Bars of the time before the venue began can be told too, and are found by requests.

        Raises:
            InvalidRequest: No such asset.
        """
        record = self._tape.record(bar.symbol)
        crypto = record.asset.crypto
        prices = [number(price) for price in (bar.open, bar.high, bar.low, bar.close)]
        count, average = counted(bar, crypto=crypto)
        start = nanos(utc(bar.start))
        index, updated = record.bars.put(start, *prices, number(bar.volume), count, average)
        if not self.listening:
            return
        self._tell("u" if updated else "b", record, bar_row(start, record.bars.row(index), crypto=crypto))
        day, _ = stretch(DAY, start, zone(crypto=crypto))
        first, after = record.bars.between(day, start)
        self._tell("d", record, bar_row(day, merged(record.bars, first, after), crypto=crypto))

    def _trade(self, record: Record, at: int, price: float, size: float) -> None:
        trades = record.trades
        side = 1.0
        if trades.at:
            prices, _, sides = trades.columns
            # Who took is not known: a price that goes up was asked for, one that goes down was bid.
            side = sides[-1] if price == prices[-1] else 1.0 if price > prices[-1] else -1.0
        index = trades.add(at, price, size, side)
        if self.listening:
            self._tell("t", record, trade_row(record, index))

    def _quote(self, record: Record, at: int, bid: float, bid_size: float, ask: float, ask_size: float) -> None:
        index = record.quotes.add(at, bid, bid_size, ask, ask_size)
        if self.listening:
            self._tell("q", record, quote_row(record, index))
            if record.asset.crypto:
                self._messages.append(_book(record, index))

    def _tell(self, kind: str, record: Record, row: Row) -> None:
        market: Market = "crypto" if record.asset.crypto else "stocks"
        self._messages.append(Message(kind, record.asset.symbol, market, row))

    # --- what is told -------------------------------------------------------------------------------------------------

    def messages(self) -> list[Message]:
        """What the streams have to tell since the last call, in order."""
        messages, self._messages = self._messages, []
        return messages

    def books(self, symbol: str) -> list[Message]:
        """The present order book of a coin, or of all of them ("*")."""
        records = self._tape if symbol == "*" else filter(None, [self._tape.find(symbol)])
        return [_book(each, len(each.quotes) - 1) for each in records if each.asset.crypto and len(each.quotes)]

    # --- requests -----------------------------------------------------------------------------------------------------

    def handle(self, request: Request, now: datetime, *, received: datetime | None = None) -> Answer:
        """
        Answer a request that arrives at that moment; whatever it says, it does not raise.

        Args:
            received: The same moment by the clock that limits of requests go by; None: that is the venue's own.
        """
        now = utc(now)
        received = now if received is None else received
        headers = {"Content-Type": "application/json; charset=UTF-8", "X-Request-ID": self._identity.uuid()}
        key, secret = credentials(request.headers)
        account = self.authenticate(key, secret) if key or secret else None
        if account is None and (key or secret or not request.path.startswith(_CRYPTO)):
            return Answer(status=_UNAUTHORIZED.status, headers=headers, body=_UNAUTHORIZED.body)
        window = self._windows.setdefault(account or "", RateWindow(self._rate))
        verdict = window.arrive(received)
        self.arrivals.append(
            Arrival(at=received, key=key, allowed=verdict.allowed, method=request.method, path=request.path[:_PATH])
        )
        headers |= verdict.headers
        if not verdict.allowed:
            return Answer(status=_TOO_MANY.status, headers=headers, body=_TOO_MANY.body)
        try:
            body = self._answers.body(request.method, request.path, request.query, now)
        except Refused as refused:
            return Answer(status=refused.failure.status, headers=headers, body=refused.failure.body)
        return Answer(status=200, headers=headers, body=body)


def _book(record: Record, index: int) -> Message:
    """Told whole each time, so that a client has nothing to keep in step."""
    return Message("o", record.asset.symbol, "crypto", book_row(record, index) | {"r": True})
