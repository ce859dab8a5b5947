"""The schedule is a function of its seed, and leaves no kind of fault out."""

from collections import Counter

import pytest
from driver import disordered
from schedule import POINTS, Kind, drawn, members


def test_the_same_seed_gives_the_same_schedule_and_another_one_another() -> None:
    assert drawn(7, 40) == drawn(7, 40) != drawn(8, 40)


def test_every_kind_comes_before_any_comes_again() -> None:
    kinds = [fault.kind for fault in drawn(3, 2 * len(Kind))]
    assert set(kinds[: len(Kind)]) == set(kinds[len(Kind) :]) == set(Kind)


def test_every_point_at_which_a_member_dies_has_a_kind() -> None:
    assert set(POINTS) == {
        kind for kind in Kind if "SIGKILL" in kind and kind not in (Kind.KILL, Kind.BROKER_KILL)
    }


def test_one_to_three_members_share_the_partitions() -> None:
    assert {members(seed) for seed in range(9)} == {1, 2, 3}


@pytest.mark.parametrize("what", ["repeated", "held back", "broken"])
def test_the_stream_is_disordered_in_every_way_and_always_the_same(what: str) -> None:
    records = [record for record, _ in zip(disordered(5), range(3_000), strict=False)]
    again = [record for record, _ in zip(disordered(5), range(3_000), strict=False)]
    assert records == again
    assert Counter(record.what for record in records)[what] > 3
