"""A training sample that prefers what is recent, and is as repeatable as one that does not."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings, Training
from fraudwatch.errors import SnapshotError
from fraudwatch.pipeline import Pipeline, TrainingSample, training
from fraudwatch.pipeline.maxima import DailyMaxima
from fraudwatch.pipeline.training import _decayed, _drawn_days
from fraudwatch.records import Chunk, Record

DAY = 86_400_000
WEEK = Duration(7 * DAY)
NOW = 1_700_000_000_000


def lots_of(hashes: list[int], times: Any) -> np.ndarray:
    return _decayed(np.array(hashes, np.uint64), np.asarray(times, np.int64), WEEK)


@pytest.fixture(scope="module")
def decaying(configured: Settings) -> Settings:
    return replace(configured, training=replace(configured.training, half_life=WEEK, sample=1_000))


def drawn(settings: Settings, records: list[Record], batch: int) -> TrainingSample:
    pipeline = Pipeline(settings)
    for begin in range(0, len(records), batch):
        pipeline.fold(Chunk.of(records[begin : begin + batch]))
    return pipeline.training


@pytest.mark.parametrize("batch", [13, 4_000])
def test_it_is_the_same_in_whatever_batches(decaying: Settings, stream: list[Record], batch: int) -> None:
    expected = drawn(decaying, stream[:8_000], 1_000)
    found = drawn(decaying, stream[:8_000], batch)
    assert found.rows().tobytes() == expected.rows().tobytes()
    assert found.maxima().tobytes() == expected.maxima().tobytes()


def test_a_saved_one_goes_on_and_one_of_another_half_life_does_not(
    decaying: Settings, configured: Settings, stream: list[Record]
) -> None:
    sample = drawn(decaying, stream[:4_000], 1_000)
    again = TrainingSample.of(decaying.training, sample.state())
    assert again.rows().tobytes() == sample.rows().tobytes()
    for other in (configured.training, replace(decaying.training, half_life=Duration(DAY))):
        with pytest.raises(SnapshotError, match="another training"):
            TrainingSample.of(other, sample.state())


def test_one_whose_account_days_were_drawn_without_preferring_recent_ones_is_not_gone_on_with(
    decaying: Settings, stream: list[Record]
) -> None:
    state = drawn(decaying, stream[:2_000], 1_000).state()
    state["half_life"] = state.pop("half_lives")[:1]
    with pytest.raises(SnapshotError, match="another training"):
        TrainingSample.of(decaying.training, state)


def test_of_account_days_too_recent_ones_are_preferred(
    decaying: Settings, configured: Settings, stream: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "DailyMaxima", partial(DailyMaxima, limit=300))

    def mean_day(settings: Settings, half_life: int) -> float:
        """Of the account-days that were drawn."""
        pipeline = Pipeline(settings)
        of = pipeline.fold(Chunk.of(stream)).assessments.transactions
        days = of.event_time_ms // DAY
        lots = _drawn_days(of.accounts, days)
        drawn = _decayed(lots, days * DAY, half_life) if half_life else lots
        day_of = dict(zip(drawn.tolist(), (days - days[0]).tolist(), strict=True))
        held = pipeline.training.state()["day_lots"].tolist()
        return sum(day_of[lot] for lot in held) / len(held)

    assert mean_day(configured, 0) == pytest.approx(12, abs=1.0)
    assert mean_day(decaying, WEEK) > 14.5


def test_without_a_half_life_a_state_says_nothing_of_one(configured: Settings) -> None:
    assert set(TrainingSample(configured.training).state()) == {"times", "lots", "rows", "day_lots", "maxima"}


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=50))
def test_of_one_moment_the_smallest_hashes_are_taken_as_without_decay(hashes: list[int]) -> None:
    lots = lots_of(hashes, np.full(len(hashes), NOW))
    order = np.argsort(np.array(hashes, np.uint64), kind="stable")
    assert (np.diff(lots[order].view(np.int64)) >= 0).all()


@given(st.integers(0, 2**64 - 1), st.integers(0, 40 * 365), st.integers(1, 1_000))
def test_what_is_newer_is_preferred(lot: int, day: int, later_hours: int) -> None:
    older, newer = lots_of([lot, lot], [day * DAY, day * DAY + later_hours * 3_600_000])
    assert newer < older


@pytest.mark.parametrize("lot", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("time", [-631_152_000_000, 0, 4_102_444_800_000])
def test_an_hour_of_half_life_fits_from_1950_to_2100(lot: int, time: int) -> None:
    hour = Duration(3_600_000)
    decayed = [
        int(_decayed(np.array([lot], np.uint64), np.array([at]), hour)[0]) for at in (time, time + 1_000)
    ]
    assert decayed[1] < decayed[0] < 2**63


def test_a_half_life_earlier_half_as_many_are_taken() -> None:
    random = np.random.default_rng(2)
    count, weeks = 200_000, 6
    times = NOW + random.integers(0, weeks, count) * WEEK
    lots = lots_of(random.integers(0, 2**63, count).astype(np.uint64) * np.uint64(2), times)
    taken = np.sort((NOW + (weeks - 1) * WEEK - times[np.argsort(lots)[:5_000]]) // WEEK)
    shares = np.bincount(taken, minlength=weeks)
    ratios = shares[1:4] / shares[:3]
    assert np.allclose(ratios, 0.5, atol=0.06)


def test_training_takes_no_half_life_by_default() -> None:
    assert Training().half_life == 0
