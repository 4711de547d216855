"""What a venue's listings say, told once, by asking every so often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.brokers.polling import PollingFeed
from engine.clock import SimulatedClock
from engine.errors import InvalidRequest, NotSent, OutcomeUnknown
from engine.facts import ExecutionReported, OrderReported
from engine.model import OrderRequest, Side, VenueStatus
from engine.testing import FakeBroker, ManualHostClock

D = Decimal
START = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


class Joined:
    """Market time whose sleep is the machine's time too, as it is when trading live."""

    def __init__(self, host):
        self.market = SimulatedClock(START)
        self.slept = []
        self._host = host

    def now(self):
        return self.market.now()

    def sleep(self, seconds):
        assert seconds > 0
        self.slept.append(seconds)
        self.market.sleep(seconds)
        self._host.advance(seconds)


class Slow(FakeBroker):
    """Every listing takes a while."""

    host = None
    takes = 0.0

    def orders(self, **more):
        self.host.advance(self.takes)
        return super().orders(**more)


class Setting:
    def __init__(self, *, takes=0.0, **settings):
        self.host = ManualHostClock()
        self.clock = Joined(self.host)
        self.broker = Slow(self.clock)
        self.broker.host, self.broker.takes = self.host, takes
        self.feed = PollingFeed(self.broker, self.clock, self.host, **settings)

    def order(self, name="a", quantity=100):
        self.broker.submit(OrderRequest.limit("AAPL", Side.BUY, D(quantity), D(10), client_order_id=name))

    def told(self, timeout=0.0):
        """What is told until nothing is."""
        facts = []
        while (fact := self.feed.get(timeout)) is not None:
            facts.append(fact)
        return facts

    @property
    def asked(self):
        return sum(call == ("orders", "") for call in self.broker.calls)


def test_what_changed_is_told_once():
    """An order, then its fill, then its end: each is told when it is first listed, and never again."""
    setting = Setting()
    setting.order()
    first = setting.told()
    setting.clock.sleep(1.0)
    setting.broker.fill("a", D(40), D(10))
    second = setting.told()
    setting.clock.sleep(1.0)
    third = setting.told()
    setting.broker.end("a", VenueStatus.CANCELED)
    setting.clock.sleep(1.0)

    assert [VenueStatus.NEW] == [fact.status for fact in first]
    assert [ExecutionReported, OrderReported] == [type(fact) for fact in second]
    assert (D(40), VenueStatus.PARTIALLY_FILLED) == (second[0].execution.quantity, second[1].status)
    assert [] == third
    assert [VenueStatus.CANCELED] == [fact.status for fact in setting.told()]


def test_executions_are_told_before_their_order():
    """An order that is reported filled finds its fills already told."""
    setting = Setting()
    setting.order()
    setting.broker.fill("a", D(100), D(10))

    assert [ExecutionReported, OrderReported] == [type(fact) for fact in setting.told()]


def test_a_late_execution_is_found_within_the_overlap():
    """An execution that the venue lists minutes after it happened is told when it appears."""
    setting = Setting(overlap=timedelta(minutes=5))
    setting.order()
    setting.broker.fill("a", D(40), D(10))
    late = setting.broker._executions.pop("x2")
    setting.told()
    for _ in range(4):
        setting.clock.sleep(60.0)
        setting.broker.fill("a", D(1), D(10))
        setting.told()
    setting.broker._executions["x2"] = late
    setting.clock.sleep(1.0)

    assert [late] == setting.told()


def test_questions_keep_their_distance():
    """However often it is asked, the venue is asked once an interval."""
    setting = Setting(interval=2.0)
    for _ in range(40):
        setting.told()
        setting.clock.sleep(0.25)

    assert 5 == setting.asked


def test_get_waits_for_the_next_question_and_returns_with_the_fact():
    """A fact that the third question finds is there after two intervals, not at the end of the timeout."""
    setting = Setting(interval=1.0)
    waits = []

    class Filling(Joined):
        def sleep(self, seconds):
            super().sleep(seconds)
            waits.append(seconds)
            if len(waits) == 2:
                setting.order()

    setting.clock.__class__ = Filling
    fact = setting.feed.get(60.0)

    assert ("a", [1.0, 1.0], 2.0) == (fact.client_order_id, waits, setting.host.monotonic())


def test_the_deadline_is_kept():
    """Without news get ends when its time is over, also between two questions."""
    setting = Setting(interval=1.0)

    assert (None, 2.5, 3) == (setting.feed.get(2.5), setting.host.monotonic(), setting.asked)


def test_no_time_is_one_look():
    """A timeout of 0 asks if a question is due, and never sleeps."""
    setting = Setting()

    assert (None, None) == (setting.feed.get(0.0), setting.feed.get(0.0))
    assert (1, []) == (setting.asked, setting.clock.slept)


@pytest.mark.parametrize("timeout", [0.0, 4.0])
def test_a_venue_slower_than_the_interval_does_not_hold_the_caller(timeout):
    """Answers that take longer than the interval: get still ends, after the answer in which its time ran out."""
    setting = Setting(interval=1.0, takes=3.0)

    assert None is setting.feed.get(timeout)
    assert setting.host.monotonic() <= timeout + 3.0


def test_the_distance_is_counted_from_the_answer():
    """A slow venue is left in peace for a whole interval behind each answer."""
    setting = Setting(interval=1.0, takes=3.0)
    setting.feed.get(10.0)

    assert ([1.0, 1.0], 3, 11.0) == (setting.clock.slept, setting.asked, setting.host.monotonic())


def test_time_that_is_only_simulated_ends_too():
    """With a machine's clock that stands still, slept market time counts, for deadline and interval alike."""
    clock = SimulatedClock(START)
    broker = FakeBroker(clock)
    feed = PollingFeed(broker, clock, ManualHostClock(), interval=1.0)

    assert (None, START + timedelta(seconds=2.5)) == (feed.get(2.5), clock.now())
    assert 3 == sum(call == ("orders", "") for call in broker.calls)


def test_failures_are_counted_and_survived():
    """Questions without an answer are counted in a row; the first answer tells what happened meanwhile."""
    setting = Setting()
    setting.order()
    setting.broker.script("orders", NotSent("rate"), OutcomeUnknown("listing", waited=5.0))
    setting.broker.fill("a", D(40), D(10))
    counts = []
    for _ in range(2):
        facts = setting.told()
        counts.append((facts, setting.feed.failures))
        setting.clock.sleep(1.0)
    facts = setting.told()

    assert [([], 1), ([], 2)] == counts
    assert ([ExecutionReported, OrderReported], 0) == ([type(fact) for fact in facts], setting.feed.failures)


def test_half_an_answer_is_none():
    """Executions without the orders are kept for the next question, so that nothing is told in the wrong order."""
    setting = Setting()
    setting.order()
    setting.broker.fill("a", D(40), D(10))
    setting.broker.script("orders", NotSent("rate"))

    assert [] == setting.told()


def test_other_errors_are_the_callers():
    """What is not the broker's failure comes out of get."""
    setting = Setting()
    setting.broker.script("executions", ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        setting.feed.get(0.0)


def test_memory_is_bounded_by_the_overlap():
    """What lies behind the overlap is forgotten, however long the feed runs, and still not told again."""
    setting = Setting(overlap=timedelta(seconds=30))
    setting.order(quantity=1000)
    total = 0
    for _ in range(300):
        setting.broker.fill("a", D(1), D(10))
        setting.clock.sleep(1.0)
        total += len(setting.told())

    assert 600 == total
    assert len(setting.feed._told) <= 2 * 32


def test_a_fact_is_what_was_listed():
    """The order is told with its request, as the broker lists it."""
    setting = Setting()
    setting.order()

    assert [setting.broker.known("a")] == setting.told()


@pytest.mark.parametrize("interval", [0, -1.0])
def test_an_interval_of_nothing_is_refused(interval):
    """Without a distance between questions a feed would do nothing but ask."""
    with pytest.raises(InvalidRequest, match="interval"):
        Setting(interval=interval)


def test_asked_at_once():
    """Whoever knows that something has happened need not wait for the interval, and sees whether there is news."""
    setting = Setting(interval=60.0)
    setting.order()
    setting.feed.get(0.0)
    setting.broker.muted = True
    setting.broker.fill("a", D(100), D(10))
    before = setting.feed.waiting
    setting.feed.ask()

    assert (False, True) == (before, setting.feed.waiting)
    assert ExecutionReported is type(setting.feed.get(0.0))
