"""Ids and stamps come from the seed, and in order."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from bridge.venue.identity import Identity
from bridge.venue.spelling import nanos

NOW = datetime(2024, 1, 2, 15, 0, 0, 123456, tzinfo=UTC)


def test_the_same_seed_gives_the_same_ids():
    """Nothing but the seed and the calls decides."""
    one, other = Identity(7), Identity(7)

    assert (one.uuid(), one.stamp(NOW), one.ulid(5)) == (other.uuid(), other.stamp(NOW), other.ulid(5))
    assert Identity(8).uuid() != Identity(7).uuid()


def test_uuids_are_of_version_four():
    """Clients read them as UUIDs."""
    assert 4 == UUID(Identity(1).uuid()).version


def test_stamps_rise():
    """No two stamps are equal, even of the same moment, and they stay within its microsecond or close by."""
    identity = Identity(1)
    stamps = [identity.stamp(NOW) for _ in range(500)]

    assert sorted(set(stamps)) == stamps
    assert 0 <= stamps[0] - nanos(NOW) < 1000


def test_ulids_sort_in_order_of_emission():
    """Within a millisecond too."""
    identity = Identity(1)
    ulids = [identity.ulid(nanos(NOW)) for _ in range(500)]

    assert sorted(set(ulids)) == ulids
    assert {26} == {len(ulid) for ulid in ulids}
    assert 1 == len({ulid[:10] for ulid in ulids})


def test_activity_ids_begin_with_new_yorks_time():
    """The prefix is the wall clock there, to the millisecond."""
    prefix, uuid = Identity(1).activity(nanos(NOW)).split("::")

    assert ("20240102100000123", 4) == (prefix, UUID(uuid).version)


def test_steady_stamps_stay_within_their_microsecond():
    """However many a moment has, a reader who cuts and one who rounds both find the moment."""
    identity = Identity(1, steady=True)
    stamps = [identity.stamp(NOW) for _ in range(2000)]

    assert sorted(stamps) == stamps
    assert 500 == len(set(stamps))
    assert nanos(NOW) <= stamps[0] < stamps[-1] < nanos(NOW) + 500
