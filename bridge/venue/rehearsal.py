"""
A paper session over the wire: the orders go to a venue of the session's own, through the broker for Alpaca.

The venue plays the same prices under the same models as a session in one process, in lockstep: it stops behind every
thing that happens, the feed asks what that was, the engine reacts, and the market goes on. So a session decides the
same on either way, and what the wire would change is seen for what it is.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bridge.venue.commands import Waived
from bridge.venue.core import Trader
from bridge.venue.frictions import Terms
from bridge.venue.limits import RateLimit
from bridge.venue.lockstep import SessionMarket, Stop
from bridge.venue.paper_venue import PaperVenue
from bridge.venue.recipe import Recipe
from engine.brokers.alpaca.access import Access
from engine.brokers.alpaca.broker import AlpacaBroker
from engine.brokers.alpaca.watch import ENDS
from engine.brokers.charged import Charged
from engine.brokers.polling import PollingFeed
from engine.clock import SimulatedClock, SystemHostClock
from engine.errors import BrokerError, VenueRejected
from engine.facts import ExecutionReported, OrderReported, VenueFact
from engine.market.bars import Bar
from engine.market.fees import FeeModel
from engine.model import OrderRequest, Replacement, VenuePosition
from engine.recipe import SessionConfig
from engine.stage import MarketData, fees_of, frictions

__all__ = ["KEY", "SECRET", "Rehearsal", "rehearse", "venue_of"]

KEY, SECRET = "REHEARSAL", "of-this-machine-alone"
_TRIES = 3  # at hearing what happened
_OVERLAP = timedelta(seconds=1)  # the venue's listings do not lag
_UNBOUND = RateLimit(requests=10**9)  # all of a moment's requests come at that moment of market time
_PARTICULARS = re.compile(r'[(:"\d]')


def venue_of(config: SessionConfig) -> Recipe:
    """What the venue of a session is made of."""
    return Recipe(
        traders=(Trader(key=KEY, secret=SECRET, cash=config.cash, multiplier=4),),
        market=SessionMarket(config),
        every=None,
        seed=config.seed,
        terms=Terms(fees=fees_of(config.market), direct=True, lenient=True, **frictions(config.market)),
        rate=_UNBOUND,
        data_rate=_UNBOUND,
    )


def rehearse(config: SessionConfig, data: MarketData) -> Rehearsal:
    """
    The stage of a session over HTTP: ``open_session(config, folder, wired=rehearse)``.

    Its venue runs until the stage is closed.
    """
    venue = PaperVenue(venue_of(config), speed=None)
    venue.start()
    try:
        return Rehearsal(
            Access(key_id=KEY, secret_key=SECRET, url=venue.url),
            venue.step_within,
            first=data.first,
            fees=fees_of(config.market),
            waived=venue.waived,
            leave=venue.stop,
        )
    except BaseException:
        venue.stop()
        raise


def _general(message: str) -> str:
    """Without numbers and names: "insufficient qty available for order (requested: 3, …" is one of many."""
    return _PARTICULARS.split(message)[0].rstrip(" .,")


class Rehearsal:
    """
    `Stage` at a venue in lockstep; `Broker` and `Feed` at once.

    Args:
        access: To the venue.
        step: Lets it play on to a moment, or to the next thing that happens before.
        first: Where it stands.
        fees: What it takes; over the wire it does not say so.
        waived: Tells what the venue has let pass.
        leave: Called when the session is over.

    Attributes:
        alpaca: The broker; its ``rest.session`` is what the requests go through.
    """

    def __init__(
        self,
        access: Access,
        step: Callable[[datetime], Stop],
        *,
        first: datetime,
        fees: FeeModel,
        waived: Callable[[], Sequence[Waived]] = list,
        leave: Callable[[], object] = lambda: None,
    ) -> None:
        self.clock = SimulatedClock(first)
        self.alpaca = AlpacaBroker(access, clock=self.clock)
        self._waived = waived
        self._step = step
        self._leave = leave
        self._charged = Charged(self.alpaca, fees, lambda: self.alpaca.account().cash)
        self._polled = PollingFeed(self._charged, self.clock, SystemHostClock(), overlap=_OVERLAP)
        self._facts: deque[VenueFact] = deque()
        self._open: set[str] = set()  # broker ids
        self._behind = False  # the venue has bars to catch up with
        self._news = False  # something happened there that was not heard

    # --- Feed ---------------------------------------------------------------------------------------------------------

    def get(self, timeout: float) -> VenueFact | None:
        """The next fact. Nothing can happen before the market is played on, so this asks and never waits."""
        if self._news:
            self._hear()
        return self._facts.popleft() if self._facts else None

    def _hear(self) -> None:
        """Ask for all that happened: the venue stands still, so one complete answer has it."""
        for _ in range(_TRIES):
            self._polled.ask()
            if not self._polled.failures:
                break
        else:
            raise BrokerError(f"the venue of this session did not answer, {_TRIES} times")
        self._news = False
        while self._polled.waiting:
            fact = self._polled.get(0.0)
            if isinstance(fact, OrderReported):
                self._keep(fact)
            if fact is not None:
                self._facts.append(fact)

    def _keep(self, report: OrderReported) -> OrderReported:
        name = report.broker_order_id or ""
        if report.status in ENDS:
            self._open.discard(name)
        else:
            self._open.add(name)
        return report

    # --- Broker -------------------------------------------------------------------------------------------------------

    def submit(self, request: OrderRequest) -> OrderReported:
        self._catch_up()
        try:
            return self._keep(self._charged.submit(request))
        except VenueRejected:
            raise
        except Exception:
            self._news = True  # whatever became of it
            raise

    def cancel(self, broker_order_id: str) -> None:
        self._catch_up()
        self._charged.cancel(broker_order_id)
        self._news = True

    def replace(self, broker_order_id: str, change: Replacement) -> OrderReported:
        self._catch_up()
        report = self._keep(self._charged.replace(broker_order_id, change))
        self._news = True
        return report

    def lookup(self, *, client_order_id: str | None = None, broker_order_id: str | None = None) -> OrderReported | None:
        self._catch_up()
        return self._charged.lookup(client_order_id=client_order_id, broker_order_id=broker_order_id)

    def orders(self, *, since: datetime | None = None, open_only: bool = False) -> Sequence[OrderReported]:
        self._catch_up()
        return self._charged.orders(since=since, open_only=open_only)

    def executions(self, since: datetime | None = None) -> Sequence[ExecutionReported]:
        self._catch_up()
        return self._charged.executions(since)

    def positions(self) -> Mapping[str, VenuePosition]:
        self._catch_up()
        return self._charged.positions()

    def _catch_up(self) -> None:
        """Let the venue play what it was not told to while nothing worked there."""
        while self._behind:
            stop = self._step(self.clock.now())
            self._behind = not stop.done
            self._news |= not stop.done

    # --- Stage --------------------------------------------------------------------------------------------------------

    @property
    def broker(self) -> Rehearsal:
        return self

    @property
    def feed(self) -> Rehearsal:
        return self

    @property
    def working(self) -> bool:
        return True if self._open or self._news or self._facts else False

    @property
    def unheard(self) -> bool:
        return self._news or bool(self._facts)

    @property
    def waived(self) -> Mapping[str, int]:
        """Alpaca's words up to where they speak of one order alone, the most frequent first."""
        return dict(Counter(_general(each.failure.message) for each in self._waived()).most_common())

    def skip(self, bars: tuple[Bar, ...]) -> None:
        """Without a word to the venue, which catches up with the next request."""
        self.clock.advance_to(bars[-1].end)
        self._behind = True

    def play(self, bars: tuple[Bar, ...]) -> Iterator[None]:
        if self.unheard:
            yield
        end = bars[-1].end
        while True:
            stop = self._step(end)
            self.clock.advance_to(max(stop.at, self.clock.now()))
            if stop.done:
                return
            self._news = True
            yield
            if not self.working:
                self.skip(bars)
                return

    def close(self) -> None:
        self.alpaca.close()
        self._leave()
