"""What follows from what we know of an order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.decisions import Refusal
from engine.model import ZERO, Execution, OrderRequest, Replacement, Role, Side, Status, VenueStatus
from engine.orders.fills import NOTHING, Provisional, Settled, Snapshot
from engine.orders.order import MEANING, RANK, Link, Order, Outcome, current, ended

D = Decimal
T0 = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
V = VenueStatus
REQUEST = OrderRequest.limit("X", Side.BUY, D(100), D(11), client_order_id="o1")


def at(second: int) -> datetime:
    return T0 + timedelta(seconds=second)


def link(*told: tuple[VenueStatus, int], name: str = "o1", **more: Any) -> Link:
    snapshots = tuple(Snapshot(status, ZERO, None, at(second)) for status, second in told)
    return Link(name, REQUEST, f"b-{name}", snapshots=snapshots, **more)


def order(*links: Link, status: Status = Status.WORKING, **more: Any) -> Order:
    given: dict[str, Any] = {"stage": Status.SENT, "closing": ZERO, **more}
    return Order(
        request=REQUEST, role=Role.SINGLE, group=None, placed=T0, reserve_price=D(11), foreign=False,
        links=links or (link(),), status=status, **given,
    )  # fmt: skip


def test_every_status_has_a_rank_and_every_word_a_meaning():
    """Both tables are complete."""
    assert set(Status) == set(RANK)
    assert set(VenueStatus) == set(MEANING)


def test_ranks_rise_along_the_life_of_an_order():
    """The ranks are those of the specification; all ends share the highest."""
    life = [Status.INTENT, Status.SENT, Status.ACKED, Status.WORKING, Status.PARTIAL, Status.FILLED]

    assert [0, 1, 2, 3, 4, 5] == [RANK[status] for status in life]
    assert {1} == {RANK[Status.UNKNOWN], RANK[Status.LOST]}
    assert {status for status in Status if status.terminal} == {each for each, rank in RANK.items() if rank == 5}


def test_there_are_six_things_a_message_may_become():
    """Every message is one of six."""
    assert {"applied", "duplicate", "stale", "parked", "orphan", "correction"} == {each.value for each in Outcome}


def test_an_order_is_known_by_its_first_id_and_its_working_venue_id():
    """Our id stays through replacements, the venue's changes."""
    replaced = order(link(), link(name="o2"))

    assert ("o1", "b-o2") == (replaced.id, replaced.broker_order_id)


def test_an_order_shows_what_was_asked_for():
    """Symbol, side and quantity are those of the request."""
    assert ("X", Side.BUY, D(100)) == (order().symbol, order().side, order().quantity)


@pytest.mark.parametrize(
    ("status", "filled", "remaining"),
    [(Status.WORKING, "0", "100"), (Status.PARTIAL, "40", "60"), (Status.PARTIAL, "105", "0"),
     (Status.CANCELED, "40", "0"), (Status.UNKNOWN, "0", "100"), (Status.LOST, "40", "60")],
)  # fmt: skip
def test_what_may_still_be_filled(status, filled, remaining):
    """The rest, while the order has not ended; never less than nothing."""
    assert D(remaining) == order(status=status, filled=D(filled)).remaining


def test_the_average_is_cost_by_quantity():
    """Nothing filled has no average."""
    assert (None, D("10.06")) == (order().average, order(filled=D(100), cost=D(1006)).average)


def test_provisional_quantity_is_the_sum_over_the_chain():
    """All stretches without an execution count, those of replaced orders too."""
    gaps = (Provisional(ZERO, D(10), D(100)), Provisional(D(30), D(35), D(50)))
    settled = Settled(D(15), D(150), ZERO, 0, gaps, frozenset(), D(15))

    assert D(30) == order(link(known=settled), link(name="o2", known=settled)).provisional


def test_a_link_that_is_not_settled_shows_nothing_filled():
    """Between two states a link has no numbers."""
    assert NOTHING == link(known=None).settled


# --- overlays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "resting"),
    [
        ([(V.NEW, 1), (V.RESTING, 2)], True),
        ([(V.RESTING, 2), (V.NEW, 1)], True),
        ([(V.RESTING, 1), (V.NEW, 2)], False),
        ([], False),
    ],
    ids=["rested last", "heard first", "works again", "nothing told"],
)
def test_the_latest_word_says_whether_an_order_rests(told, resting):
    """The venue's latest picture decides, in whatever order pictures came."""
    assert resting is order(link(*told)).resting


def test_an_ended_order_neither_rests_nor_is_being_cancelled():
    """Overlays are for orders that live."""
    ended_order = order(link((V.RESTING, 1)), status=Status.CANCELED, cancel_requested=True)

    assert (False, False) == (ended_order.resting, ended_order.cancel_pending)


def test_a_cancel_is_pending_when_we_or_the_venue_say_so():
    """Asked for by us, or reported by the venue until its next word."""
    assert order(cancel_requested=True).cancel_pending
    assert order(link((V.PENDING_CANCEL, 1))).cancel_pending
    assert not order(link((V.PENDING_CANCEL, 1), (V.NEW, 2))).cancel_pending


def test_overlays_are_those_of_the_working_link():
    """What the venue says of a replaced order is no overlay of its successor."""
    assert not order(link((V.PENDING_CANCEL, 9)), link((V.NEW, 1), name="o2")).cancel_pending


def test_a_replacement_is_pending_until_it_is_answered():
    """The change that was asked for is there to be seen."""
    change = Replacement(client_order_id="o2", limit_price=D(12))

    assert (None, change) == (order().replacing, order(replacing=change).replacing)


# --- ends -------------------------------------------------------------------------------------------------------------

PRECEDENCE = [V.FILLED, V.CANCELED, V.EXPIRED, V.REJECTED]


@pytest.mark.parametrize("one", PRECEDENCE)
@pytest.mark.parametrize("other", PRECEDENCE)
def test_of_two_ends_the_later_holds_and_at_one_moment_the_higher(one, other):
    """A later end replaces an earlier one; FILLED > CANCELED > EXPIRED > REJECTED where the moments are equal."""
    higher = min(one, other, key=PRECEDENCE.index)
    for told in [((one, 1), (other, 1)), ((other, 1), (one, 1))]:
        assert higher is ended(link(*told)).status
    for told in [((one, 1), (other, 2)), ((other, 2), (one, 1))]:
        assert other is ended(link(*told)).status


@pytest.mark.parametrize("status", [status for status in VenueStatus if status not in PRECEDENCE])
def test_other_words_end_nothing(status):
    """Only the four final words end an order; REPLACED hands over."""
    assert ended(link((status, 1))) is None


def test_a_reopening_takes_back_ends_up_to_its_moment():
    """Ends of that moment and before do not hold; a later one does."""
    assert ended(link((V.CANCELED, 4), (V.EXPIRED, 5), reopened=at(5))) is None
    assert V.CANCELED is ended(link((V.CANCELED, 6), reopened=at(5))).status


@pytest.mark.parametrize(
    ("links", "index"),
    [
        ((link(),), 0),
        ((link((V.REJECTED, 1)),), 0),
        ((link(), link(name="o2")), 1),
        ((link(), link((V.REJECTED, 1), name="o2")), 0),
        ((link(), link(name="o2"), link((V.REJECTED, 1), name="o3")), 1),
        ((link(), link((V.CANCELED, 1), name="o2")), 1),
        ((link((V.REJECTED, 1)), link((V.REJECTED, 1), name="o2")), 0),
    ],
    ids=["one", "one refused", "replaced", "refused", "last refused", "cancelled", "all refused"],
)
def test_the_working_link_is_the_last_that_was_not_refused(links, index):
    """A refused replacement leaves its predecessor working."""
    assert links[index] is current(links)


# --- evidence ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [status for status in Status if not status.terminal])
def test_an_order_that_lives_has_no_evidence_of_an_end(status):
    """Evidence is for orders that have ended."""
    assert order(status=status).evidence is None


def test_a_denied_order_names_the_refusal():
    """Our gate's code is the evidence."""
    refusal = Refusal(code="INSUFFICIENT_CASH", message="no")

    assert "denied by our gate: INSUFFICIENT_CASH" == order(status=Status.DENIED, refusal=refusal).evidence


def test_a_full_order_names_its_quantity():
    """Fills that add up to what was asked for are evidence of themselves."""
    assert "filled 105 of 100" == order(status=Status.FILLED, filled=D(105)).evidence


@pytest.mark.parametrize("said", PRECEDENCE)
def test_an_order_that_the_venue_ended_names_its_word(said):
    """The venue's picture is the evidence, with its moment."""
    evidence = order(link((said, 5)), status=MEANING[said]).evidence

    assert f"the venue's {said.value} of 2024-01-02T14:30:05+00:00" == evidence


def test_an_end_of_the_working_link_is_the_evidence_of_a_chain():
    """Of a replaced order the last link's end counts."""
    evidence = order(link((V.FILLED, 9)), link((V.CANCELED, 5), name="o2"), status=Status.CANCELED).evidence

    assert "the venue's canceled of 2024-01-02T14:30:05+00:00" == evidence


def test_an_order_that_was_full_before_a_bust_says_so():
    """A filled order keeps its end when fills are taken back, and the evidence tells both quantities."""
    told = link(executions=(Execution(id="e1", cumulative=D(100), quantity=D(100), price=D(10), at=T0),))

    assert (
        "filled 100 of 100, of which 40 are left after corrections"
        == order(told, status=Status.FILLED, filled=D(40)).evidence
    )


def test_a_withdrawn_order_names_the_reason():
    """What was never sent ended by our own will."""
    withdrawn = order(status=Status.CANCELED, stage=Status.CANCELED, note="too late")

    assert "withdrawn before it was sent: too late" == withdrawn.evidence
