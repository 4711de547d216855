"""
Markets that are made up, the same for the same seed wherever they run.

Everything is worked out in whole numbers, as in `engine.market.synthetic`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal
from random import Random

from attrs import frozen

from bridge.venue.assets import ASSETS, Asset
from bridge.venue.market.listing import decimals_of
from bridge.venue.market.moves import Move, moves_of
from engine.calendar import Calendar, Daily
from engine.clock import utc
from engine.errors import InvalidRequest
from engine.market.bars import Bar, slices
from engine.market.synthetic import below, synthetic_day
from engine.risk.grid import EXACT

__all__ = ["Synthetic", "SyntheticDay"]

_MINUTE = timedelta(minutes=1)
_PART = 10**6  # prices are kept in millionths of their grid
_NANO = 10**9  # moves are billionths of the price
_STEPS = (0, 16, 32, 48)  # within a minute; each has sixteen bits of chance
_HALF = 1 << 15
_BACK = 14  # each minute the price comes back by 1/2^14 of its way from where it began, so that no market runs away
_GAP = 10_000_000  # most that a share moves while its market is closed, billionths: 1 %
_COMMON = 150_000  # a step of the whole market


@frozen(kw_only=True)
class _Temper:
    """
    Attributes:
        follows: How much of the market's step it takes, percent.
        restless: Largest step of its own, billionths of the price.
        traded: A minute, quote units.
    """

    follows: int
    restless: int
    traded: int


_SHARE = _Temper(follows=100, restless=250_000, traded=2_000_000)
_PENNY = _Temper(follows=100, restless=800_000, traded=20_000)
_COIN = _Temper(follows=150, restless=450_000, traded=500_000)


class Synthetic:
    """
    Minute bars without end, unless there are only shares and their calendar ends.

    Every asset begins at its price and goes its own way beside a common one; it stays between half and twice where it
    began. Shares stand on cents, below one dollar on hundredths of a cent, coins on a grid that fits their price.

    Args:
        seed: Same seed and start, same moves; an asset's do not depend on which others there are.
        start: The first moment, a whole minute.
        assets: Those that are active have a market.
        calendar: Shares trade in its sessions only and open away from their last close; None: they never pause, as
            coins never do.

    Raises:
        InvalidRequest: ``start`` is no whole minute or no session comes after it, or there is no active asset.
    """

    def __init__(
        self, seed: int, start: datetime, *, assets: Iterable[Asset] = ASSETS, calendar: Calendar | None = None
    ) -> None:
        start = utc(start)
        if start.second or start.microsecond:
            raise InvalidRequest("start", start, f"a whole minute, e.g. {start.replace(second=0, microsecond=0)}")
        self._seed = seed
        self._assets = sorted((asset for asset in assets if asset.active), key=lambda asset: asset.symbol)
        if not self._assets:
            raise InvalidRequest("assets", 0, "at least one that is active")
        self.prices: Mapping[str, Decimal] = {asset.symbol: _Walk(seed, asset).shown for asset in self._assets}
        self.calendar = calendar
        self._start = self.first = start
        if calendar is not None and not any(asset.crypto for asset in self._assets):
            bars = next(self._slices(), None)
            if bars is None:
                raise InvalidRequest("start", start, "a moment before the last session of the calendar")
            self.first = bars[0].start

    @property
    def recipe(self) -> Mapping[str, object]:
        return {
            "market": "synthetic",
            "version": 1,
            "seed": self._seed,
            "start": self._start.isoformat(),
            "assets": [[asset.symbol, str(asset.price)] for asset in self._assets],
            "calendar": None if self.calendar is None else type(self.calendar).__name__,
        }

    def moves(self) -> Iterator[Move]:
        for bars in self._slices():
            yield from moves_of(bars)

    def _slices(self) -> Iterator[list[Bar]]:
        market = Random(f"{self._seed}/market")
        walks = [_Walk(self._seed, asset) for asset in self._assets]
        coins = [walk for walk in walks if walk.crypto]
        start, began, paused = self._start, False, False
        while True:
            end = start + _MINUTE
            bits = market.getrandbits(64)
            common = [((bits >> step & 0xFFFF) - _HALF) * _COMMON >> 15 for step in _STEPS]
            if self._is_open(start, end):
                if paused:
                    for walk in walks:
                        walk.reopen()
                began, paused = True, False
                yield [walk.bar(start, end, common) for walk in walks]
            elif coins:
                paused = began
                yield [walk.bar(start, end, common) for walk in coins]
            elif self._comes_another(start):
                paused = began
            else:
                return
            start = end

    def _is_open(self, start: datetime, end: datetime) -> bool:
        if self.calendar is None:
            return True
        session = self.calendar.session_at(start)
        return session is not None and end <= session.close

    def _comes_another(self, start: datetime) -> bool:
        """Whether a market that is closed ever opens again: some calendars end."""
        try:
            return self.calendar is None or self.calendar.next_session(start).open > start
        except InvalidRequest:
            return False


class _Walk:
    """One asset's way."""

    __slots__ = (
        "_at",
        "_begun",
        "_decimals",
        "_follows",
        "_high",
        "_low",
        "_own",
        "_restless",
        "_traded",
        "_volume_at",
        "crypto",
        "symbol",
    )

    def __init__(self, seed: int, asset: Asset) -> None:
        self.symbol, self.crypto = asset.symbol, asset.crypto
        self._own = Random(f"{seed}/{asset.symbol}")
        temper = _COIN if asset.crypto else _SHARE if asset.price >= 1 else _PENNY
        self._follows = temper.follows
        self._restless = temper.restless * (50 + below(self._own, 101)) // 100
        self._decimals = decimals_of(asset.symbol, asset.price)
        self._at = self._begun = int(asset.price.scaleb(self._decimals, EXACT)) * _PART or _PART
        # Of shares whole ones are traded, of coins millionths.
        self._volume_at = 6 if asset.crypto else 0
        self._traded = max(1, int(EXACT.divide_int(Decimal(temper.traded * 10**self._volume_at), asset.price)))
        # On its own grid a share stays on its own side of one dollar.
        dollar = 10**self._decimals * _PART
        self._low, self._high = max(_PART, self._begun // 2), self._begun * 2
        if not asset.crypto and self._begun >= dollar:
            self._low = max(self._low, dollar)
        elif not asset.crypto:
            self._high = min(self._high, dollar - _PART)

    @property
    def shown(self) -> Decimal:
        """The price as it stands, on its grid."""
        return self._price(self._at)

    def reopen(self) -> None:
        """The market in shares has been closed, and the price of one is another."""
        if self.crypto:
            return
        gap = below(self._own, 2 * _GAP + 1) - _GAP
        self._at = min(self._high, max(self._low, self._at + self._at * gap // _NANO))

    def bar(self, start: datetime, end: datetime, common: list[int]) -> Bar:
        """The next minute."""
        price = first = highest = lowest = self._at
        chance, follows, restless = self._own.getrandbits(96), self._follows, self._restless
        own = chance
        for step in common:
            move = step * follows // 100 + (((own & 0xFFFF) - _HALF) * restless >> 15)
            own >>= 16
            price += price * move // _NANO
            if price > highest:
                highest = price
            elif price < lowest:
                lowest = price
        price -= (price - self._begun) >> _BACK
        low, high = self._low, self._high
        if not (low <= lowest and highest <= high):
            price, lowest, highest = max(low, min(high, price)), max(low, lowest), min(high, highest)
        self._at = price
        traded = self._traded * (50 + ((chance >> 64) * 101 >> 32)) // 100
        traded += traded * (highest - lowest) * 200 // first  # what the minute moved draws volume
        return Bar(
            self.symbol,
            start,
            end,
            self._price(first),
            self._price(max(highest, price)),
            self._price(min(lowest, price)),
            self._price(price),
            EXACT.scaleb(Decimal(traded), -self._volume_at),
        )

    def _price(self, at: int) -> Decimal:
        return EXACT.scaleb(Decimal((at + _PART // 2) // _PART), -self._decimals)


class SyntheticDay:
    """
    The day that `tradebridge paper` plays where no bars are given: AAPL, MSFT and SPY, 390 minutes of 2024-01-02.

    Args:
        seed: As in `engine.market.synthetic.synthetic_day`.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._bars = synthetic_day(seed)
        self.first = self._bars[0].start
        self.prices: Mapping[str, Decimal] = {bar.symbol: bar.open for bar in self._bars if bar.start == self.first}
        # Its day is a session of the exchanges, and every weekday after it too, so that a clock has an answer.
        self.calendar = Daily(opens=time(9, 30), closes=time(16), days=range(5))

    @property
    def recipe(self) -> Mapping[str, object]:
        return {"market": "synthetic day", "version": 1, "seed": self._seed}

    def moves(self) -> Iterator[Move]:
        for bars in slices(self._bars):
            yield from moves_of(bars)
