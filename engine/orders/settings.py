"""How patient the engine is: with answers that do not come, with listings that lag, with positions that differ."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from attrs import Factory, field, frozen, validators

__all__ = ["EngineSettings", "MismatchPolicy", "ReconcileSettings"]


class MismatchPolicy(Enum):
    """What to do about a position that still differs after a second look."""

    TRUST_VENUE = "trust_venue"
    REDUCE_ONLY = "reduce_only"


@frozen(kw_only=True)
class ReconcileSettings:
    """
    Attributes:
        grace: How long the venue's listings may lag behind what happened.
        answers: "Not found" answers needed before an order is LOST, or a replacement taken for never arrived.
        absence: How long at least from the first of them to the last.
        overlap: How far a pass reaches back behind the last execution told.
        mismatch: What to do about positions that differ.
    """

    grace: timedelta = timedelta(seconds=5)
    answers: int = field(default=3, validator=validators.ge(1))
    absence: timedelta = timedelta(seconds=30)
    overlap: timedelta = timedelta(minutes=5)
    mismatch: MismatchPolicy = MismatchPolicy.TRUST_VENUE


@frozen(kw_only=True)
class EngineSettings:
    """
    Attributes:
        regate_after: An order that waited longer than this to be sent is judged again first.
        lookup_every: Seconds (host time) between two look-ups of an UNKNOWN order.
        resync_every: Seconds (host time) until a reconciliation that the venue did not answer is tried again, and
            until one that a doubtful position asks for.
        commit_every: Seconds (host time) between two commits of what the venue told, while nothing is sent.
        unprotected_for: How long a position may lack its stop before there is an alarm, and between two, market time.
        retry_after: When a step of a group that did not go through is tried again, market time.
    """

    regate_after: timedelta = timedelta(seconds=1)
    lookup_every: float = field(default=5.0, validator=validators.gt(0.0))
    resync_every: float = field(default=5.0, validator=validators.gt(0.0))
    commit_every: float = field(default=1.0, validator=validators.ge(0.0))
    unprotected_for: timedelta = timedelta(seconds=5)
    retry_after: timedelta = timedelta(seconds=5)
    reconcile: ReconcileSettings = Factory(ReconcileSettings)
