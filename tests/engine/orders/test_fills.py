"""What has been filled, from the evidence as a set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from engine.model import ZERO, Correction, Execution, VenueStatus
from engine.orders.fills import (
    NOTHING,
    Evidence,
    Provisional,
    Settled,
    Snapshot,
    extended,
    settle,
    settle_chain,
)

D = Decimal
T0 = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)


def at(second: int) -> datetime:
    return T0 + timedelta(seconds=second)


def fill(
    name: str, quantity: str, price: str, cumulative: str, second: int, fee: str = "0", coin: str = "0"
) -> Execution:
    return Execution(
        id=name,
        cumulative=D(cumulative),
        quantity=D(quantity),
        price=D(price),
        at=at(second),
        fee=D(fee),
        fee_quantity=D(coin),
    )


def correction(execution: str, quantity: str, price: str, second: int, name: str = "c1") -> Correction:
    return Correction(id=name, execution_id=execution, quantity=D(quantity), price=D(price), at=at(second))


def picture(cumulative: str, average: str | None, second: int, status: VenueStatus = VenueStatus.NEW) -> Snapshot:
    return Snapshot(status, D(cumulative), None if average is None else D(average), at(second))


def settled(*evidence: Execution | Correction | Snapshot, price: str = "7", since: int | None = None) -> Settled:
    return settle(
        [told for told in evidence if isinstance(told, Execution)],
        [told for told in evidence if isinstance(told, Correction)],
        [told for told in evidence if isinstance(told, Snapshot)],
        since=None if since is None else at(since),
        fallback_price=D(price),
    )


E1 = fill("e1", "40", "10.00", "40", 1)
E2 = fill("e2", "60", "10.10", "100", 2)
A1 = fill("a1", "40", "10.00", "40", 1)
A2 = fill("a2", "60", "10.10", "100", 2)


# --- fills ------------------------------------------------------------------------------------------------------------


def test_nothing_told_is_nothing_filled():
    """Without evidence nothing is filled."""
    assert NOTHING == settled()


def test_fills_add_up():
    """Quantity, cost and fees are the sums over the fills."""
    result = settled(fill("e1", "40", "10", "40", 1, fee="0.5"), fill("e2", "60", "10.1", "100", 2, fee="0.25"))

    assert Settled(D(100), D(1006), D("0.75"), 2, (), frozenset(), D(100)) == result


def test_one_fill_told_by_two_sources_counts_once():
    """Executions of one cumulative quantity are one fill, whatever their ids."""
    assert settled(E1, E2) == settled(E1, A1, A2, E2, A1)


def test_of_two_sources_with_other_prices_the_earlier_moment_holds():
    """Where sources disagree, the fill has the numbers that the venue dates first, whichever came first to us."""
    one, other = E1, fill("a1", "40", "10.02", "40", 2)

    assert D(400) == settled(one, other).cost == settled(other, one).cost


def test_the_fee_is_that_of_the_source_that_tells_it():
    """A source that does not tell the fee says 0, and does not hide what another says."""
    silent, telling = fill("e1", "40", "10", "40", 1), fill("a1", "40", "10", "40", 1, fee="0.5")
    again = fill("e1", "40", "10", "40", 1, fee="0.25")

    assert D("0.5") == settled(silent, telling, again).fees == settled(again, telling, silent).fees
    assert D("0.25") == settled(silent, again).fees == settled(again, silent).fees
    assert D("0.5") == settled(again, fill("e2", "40", "10", "40", 1, fee="0.5")).fees


def test_a_fee_of_a_busted_fill_is_not_charged():
    """A bust takes the fee back with the fill."""
    assert ZERO == settled(fill("e1", "40", "10", "40", 1, fee="0.5"), correction("e1", "0", "10", 2)).fees


def test_a_fee_in_the_coin_counts_at_the_price_of_its_fill():
    """What was taken in the coin adds up in base units, and in money beside what was taken in money."""
    result = settled(
        fill("e1", "40", "10", "40", 1, coin="0.1"), fill("e2", "60", "10.1", "100", 2, fee="0.25", coin="0.2")
    )

    assert (D("0.3"), D("3.02"), D("3.27")) == (result.fee_quantity, result.fee_worth, result.fees)
    assert D(100) == result.quantity


def test_a_bust_gives_the_coin_back():
    """A fee in the coin goes with its fill, and follows a correction of its price."""
    told = fill("e1", "40", "10", "40", 1, coin="0.1")
    busted, corrected = settled(told, correction("e1", "0", "10", 2)), settled(told, correction("e1", "40", "12", 2))

    assert (ZERO, ZERO, ZERO) == (busted.fee_quantity, busted.fee_worth, busted.fees)
    assert (D("0.1"), D("1.2"), D("1.2")) == (corrected.fee_quantity, corrected.fee_worth, corrected.fees)


def test_a_fee_in_the_coin_is_that_of_the_source_that_tells_it():
    """Of two tellings of a fill the one that knows the coin's fee holds, in either order."""
    silent, telling = fill("e1", "40", "10", "40", 1), fill("a1", "40", "10", "40", 1, coin="0.1")

    assert D("0.1") == settled(silent, telling).fee_quantity == settled(telling, silent).fee_quantity


# --- corrections ------------------------------------------------------------------------------------------------------


def test_a_correction_changes_the_numbers_of_its_fill():
    """The latest numbers of an execution hold (worked sequence 7)."""
    result = settled(E1, correction("e1", "40", "9.95", 5))

    assert (D(40), D("398.00"), 1) == (result.quantity, result.cost, result.fills)


def test_the_same_id_with_other_numbers_is_a_correction():
    """An execution told again with other numbers corrects itself, by the venue's date."""
    for order in permutations([E1, fill("e1", "40", "9.95", "40", 5)]):
        assert D("398.00") == settled(*order).cost


def test_a_correction_reaches_its_fill_under_any_of_its_names():
    """A correction may name the execution as another source calls it."""
    result = settled(E1, A1, correction("a1", "30", "10", 5))

    assert (D(30), frozenset()) == (result.quantity, result.unmatched)


def test_a_correction_may_name_the_correction_before():
    """The second correction of an execution may name the first."""
    result = settled(E1, correction("e1", "30", "10", 5), correction("c1", "20", "10", 6, name="c2"))

    assert (D(20), frozenset()) == (result.quantity, result.unmatched)


def test_of_several_corrections_the_latest_holds():
    """Corrections apply in the order in which the venue made them."""
    for order in permutations([correction("e1", "30", "10", 5), correction("e1", "20", "10", 6, name="c2")]):
        assert D(20) == settled(E1, *order).quantity


def test_one_correction_told_with_other_numbers_has_the_latest():
    """A correction's id counts once; told in two ways the later moment holds."""
    for order in permutations([correction("e1", "30", "10", 5), correction("e1", "20", "10", 6)]):
        assert D(20) == settled(E1, *order).quantity


def test_a_correction_without_its_fill_waits():
    """A correction whose execution is not known changes nothing and is named as waiting."""
    result = settled(E1, correction("e9", "0", "10", 5))

    assert (D(40), frozenset({"c1"})) == (result.quantity, result.unmatched)


def test_a_fill_after_a_bust_is_another_fill():
    """A refill with the cumulative quantity of the busted fill counts, in any order of hearing of it."""
    refill = fill("e3", "60", "10.20", "100", 6)
    for order in permutations([E1, E2, correction("e2", "0", "10.10", 5), refill, A2]):
        result = settled(*order)

        assert (D(100), D("1012.00"), 3) == (result.quantity, result.cost, result.fills)


def test_a_fill_of_the_very_moment_of_a_bust_comes_after_it():
    """What the venue dates at the moment of a correction counts from the corrected quantity on."""
    result = settled(E1, E2, correction("e2", "0", "10.10", 5), fill("e3", "60", "10.20", "100", 5))

    assert D(100) == result.quantity


def test_a_correction_in_the_middle_moves_what_comes_after():
    """After a correction the venue counts on from what is left, and no stretch is taken for missing."""
    result = settled(E1, E2, correction("e1", "10", "10", 5), fill("e3", "30", "10", "100", 6))

    assert (D(100), ()) == (result.quantity, result.provisional)


def test_the_peak_stays_when_fills_are_busted():
    """The peak is what was filled before the bust."""
    result = settled(E1, E2, correction("e2", "0", "10", 5))

    assert (D(40), D(100)) == (result.quantity, result.peak)


def test_the_peak_counts_what_a_correction_raised():
    """A correction upwards raises the peak, and one back does not lower it."""
    up, down = correction("e1", "100", "10", 5), correction("e1", "40", "10", 6, name="c2")

    assert D(100) == settled(E1, up, down).peak


def test_the_peak_counts_what_a_picture_told():
    """A filled quantity that was only told in a picture was filled, too."""
    result = settled(E1, picture("100", None, 2), correction("e1", "0", "10", 5), picture("60", None, 5))

    assert (D(60), D(100)) == (result.quantity, result.peak)


def test_the_peak_begins_where_it_is_told_to():
    """What was filled before ``since`` counts for no peak: another order's."""
    bust = correction("e2", "0", "10", 5)

    assert (D(40), D(100)) == (settled(E1, E2, bust, since=6).peak, settled(E1, E2, bust, since=2).peak)


# --- what nobody told -------------------------------------------------------------------------------------------------


def test_a_gap_below_a_fill_is_provisional():
    """A fill with a higher cumulative quantity proves the one before it (worked sequence 3)."""
    result = settled(E2, picture("100", "10.06", 2))

    assert (Provisional(ZERO, D(40), D("400.00")),) == result.provisional
    assert (D(100), D("1006.00"), 1) == (result.quantity, result.cost, result.fills)


def test_a_picture_above_the_fills_is_provisional():
    """A picture that shows more than the executions stands for the rest, at the price that makes the average right."""
    result = settled(E1, picture("100", "10.06", 2))

    assert (Provisional(D(40), D(100), D("606.00")),) == result.provisional


def test_real_fills_replace_what_was_provisional():
    """With all executions told nothing is provisional, and the quantity has not changed (worked sequence 4)."""
    shown = picture("100", "10.06", 2)

    assert [D(100)] * 4 == [settled(*told).quantity for told in ([shown], [shown, E1], [shown, E2], [shown, E1, E2])]
    assert () == settled(shown, E1, E2).provisional


def test_a_fill_trims_the_stretch_it_overlaps():
    """A fill in the middle of a provisional stretch leaves two, priced so that the whole average stays right."""
    result = settled(picture("100", "10", 3), fill("e1", "20", "11", "60", 2))

    assert [(D(0), D(40)), (D(60), D(100))] == [(gap.before, gap.after) for gap in result.provisional]
    assert [D(390), D(390)] == [gap.cost for gap in result.provisional]


def test_each_picture_prices_its_own_stretch():
    """Between two pictures the cost is the difference of what they say."""
    result = settled(picture("40", "10", 1), picture("100", "10.6", 2), fill("e", "30", "12", "70", 2))

    assert [D(400), D(300)] == [gap.cost for gap in result.provisional]
    assert D(1060) == result.cost


def test_parts_of_a_stretch_add_up_exactly():
    """The cost of a divided stretch adds up to what the venue said, thirds included."""
    result = settled(picture("100", "10", 3), fill("e1", "10", "10", "20", 1), fill("e2", "10", "10", "50", 2))

    assert D(1000) == result.cost
    assert 3 == len(result.provisional)


@pytest.mark.parametrize(
    ("evidence", "cost"),
    [
        ([picture("40", None, 1)], "280"),
        ([picture("40", "10", 1), picture("100", None, 2)], "1000"),
        ([E2, picture("100", None, 2)], "1010.00"),
        ([E1, picture("100", "3", 2)], "580.00"),
    ],
    ids=["nothing known", "price of the stretch before", "price of the next fill", "average too coarse"],
)
def test_a_stretch_always_has_a_price(evidence, cost):
    """Without an average that makes sense the price is the nearest one known, and the given one as a last resort."""
    assert D(cost) == settled(*evidence).cost


def test_of_two_pictures_of_one_quantity_the_later_holds():
    """An average that the venue corrects is taken from the later picture, in either order."""
    for order in permutations([picture("40", "10", 1), picture("40", "9.95", 2)]):
        assert D("398.00") == settled(*order).cost


def test_pictures_older_than_the_last_correction_show_no_gap():
    """A picture from before a bust does not make the busted quantity missing, once the venue has spoken after it."""
    old, new = picture("100", "10.06", 2), picture("40", "10", 5)
    result = settled(E1, E2, old, correction("e2", "0", "10", 5), new)

    assert (D(40), ()) == (result.quantity, result.provisional)


def test_a_bust_of_a_fill_that_was_not_told_leaves_the_picture():
    """While a bust waits for its execution and the venue has said nothing since, its last picture holds."""
    result = settled(picture("100", "10", 2), correction("e9", "0", "10", 5))

    assert (D(100), frozenset({"c1"})) == (result.quantity, result.unmatched)


def test_a_missing_fill_shows_after_a_correction_too():
    """What the newest picture shows beyond the surviving fills is provisional."""
    result = settled(E2, correction("e2", "0", "10", 5), picture("40", "10", 5))

    assert (Provisional(ZERO, D(40), D(400)),) == result.provisional


def test_a_provisional_stretch_has_the_same_id_whenever_it_is_found():
    """The id depends on the order and the stretch, not on the cost."""
    one, other = Provisional(ZERO, D(40), D(400)), Provisional(ZERO, D(40), D(399))

    assert one.id("b1") == other.id("b1")
    assert 3 == len({one.id("b1"), one.id("b2"), Provisional(D(40), D(80), D(400)).id("b1")})


# --- the short way ----------------------------------------------------------------------------------------------------


def test_the_next_fill_in_line_takes_the_short_way():
    """A new fill right behind the last one needs no full settling and gives the same."""
    assert settled(E1, E2) == extended(settled(E1), [E1], E2)


@pytest.mark.parametrize(
    ("known", "pictures", "new"),
    [
        ([], [], E2),
        ([E1], [picture("100", None, 2)], E2),
        ([E2], [], fill("e3", "10", "10", "110", 3)),
        ([E1], [], A1),
        ([E1], [], fill("e1", "60", "10", "100", 2)),
        ([E1], [], fill("e2", "60", "10", "100", 0)),
        ([E1, A1], [], E2),
        ([E1, fill("e2", "30", "10", "50", 1)], [], fill("e3", "20", "10", "90", 3)),
    ],
    ids=["gap below", "provisional", "gap further below", "told before", "same id", "older", "told twice", "overlap"],
)
def test_everything_else_takes_the_long_way(known, pictures, new):
    """Where the next fill is not simply one more, the short way declines."""
    assert extended(settled(*known, *pictures), known, new) is None


# --- chains -----------------------------------------------------------------------------------------------------------


def total(*chain: Evidence) -> tuple[Decimal, Decimal]:
    outcomes = settle_chain(chain, fallback_price=D(7))
    return sum((each.quantity for each in outcomes), ZERO), sum((each.cost for each in outcomes), ZERO)


OLD = Evidence([E1], [], [picture("40", "10", 3, VenueStatus.REPLACED)])


@pytest.mark.parametrize("carries", [True, False])
def test_a_replacement_may_count_on_or_begin_at_nothing(carries):
    """The sum over the chain is right whichever way the venue counts (worked sequence 9)."""
    if carries:
        new = Evidence([fill("e2", "60", "10.10", "100", 4)], [], [picture("40", "10", 3), picture("100", "10.06", 4)])
    else:
        new = Evidence([fill("e2", "60", "10.10", "60", 4)], [], [picture("0", None, 3), picture("60", "10.10", 4)])

    assert (D(100), D("1006.00")) == total(OLD, new)


def test_a_fill_told_of_both_orders_of_a_chain_counts_once():
    """Where the new order counts on, a fill that is told under either id is one fill."""
    assert (D(40), D("400.00")) == total(OLD, Evidence([A1], [], [picture("40", "10", 3)]))


def test_a_bust_of_the_replaced_order_reaches_the_one_that_counts_on():
    """After a bust of a fill of the old order, the new one's lower count is right, and so is the sum."""
    bust = correction("e1", "0", "10", 5)
    new = Evidence([], [], [picture("40", "10", 3), picture("0", None, 5)])

    assert (ZERO, ZERO) == total(Evidence([E1], [bust], OLD.snapshots), new)


def test_a_correction_told_of_the_wrong_order_of_a_chain_finds_its_fill():
    """A correction belongs to the order whose execution it names."""
    bust = correction("e1", "0", "10", 5)
    new = Evidence([fill("e2", "60", "10", "60", 4)], [bust], [picture("0", None, 3)])
    outcomes = settle_chain([OLD, new], fallback_price=D(7))

    assert (ZERO, D(60)) == (outcomes[0].quantity, outcomes[1].quantity)
    assert frozenset() == outcomes[0].unmatched | outcomes[1].unmatched


def test_a_refused_replacement_in_between_breaks_no_chain():
    """An order that filled nothing is passed over when asking what the next one counts on from."""
    refused = Evidence([], [], [picture("0", None, 3, VenueStatus.REJECTED)])
    new = Evidence([fill("e2", "60", "10.10", "100", 6)], [], [picture("40", "10", 5)])

    assert (D(100), D("1006.00")) == total(OLD, refused, new)


def test_the_answer_stands_with_the_last_order_that_counts_on():
    """Orders with one count have one answer, and no peak from before the last of them."""
    gone = correction("e1", "10", "10", 2)
    new = Evidence([], [], [picture("10", "10", 3)])
    outcomes = settle_chain([Evidence([E1], [gone], []), new], fallback_price=D(7))

    assert [NOTHING, Settled(D(10), D(100), ZERO, 1, (), frozenset(), D(10))] == outcomes


def test_a_link_of_which_nothing_was_told_filled_nothing():
    """A link without evidence changes nothing."""
    assert (D(40), D("400.00")) == total(OLD, Evidence([], [], []))
