"""What the soak calls flat."""

import pytest
from soak import Look, Quarter, percentile, quarters, verdict

FLAT = Quarter(500, 60, 2_000, 0.05)


def test_what_stays_as_it_is_is_flat() -> None:
    assert verdict([Quarter(100, 20, 0, 0.01), Quarter(400, 60, 9, 0.05), FLAT, FLAT], 2_000) == []


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (FLAT._replace(mib=565), "memory grew from 500 to 565 MiB"),
        (FLAT._replace(files=63), "open files grew from 60 to 63"),
        (FLAT._replace(lag=6_001), "6,001 records were behind"),
        (FLAT._replace(p99_s=2.5), "the 99th percentile grew from 0.05 to 2.5 s"),
    ],
)
def test_what_grows_is_said(last: Quarter, said: str) -> None:
    (found,) = verdict([FLAT, FLAT, FLAT, last], 2_000)
    assert said in found


def test_a_percentile_is_of_what_came_between_two_looks() -> None:
    before = {0.01: 100.0, 0.1: 100.0, float("inf"): 100.0}
    after = {0.01: 100.0, 0.1: 199.0, float("inf"): 200.0}
    assert percentile(before, after, 0.99) == 0.1
    assert percentile({}, {}, 0.99) == 0.0


def test_a_fourth_has_its_last_memory_and_its_largest_lag() -> None:
    seen = [Look(n, n, n, 100 - n, {float("inf"): float(n)}) for n in range(8)]
    assert [(each.mib, each.files, each.lag) for each in quarters(seen)] == [
        (1, 1, 100),
        (3, 3, 98),
        (5, 5, 96),
        (7, 7, 94),
    ]
