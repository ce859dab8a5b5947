"""The watch on a model: what it finds follows from the sequence of transactions alone."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Drift as DriftSettings
from fraudwatch.detection import Drift, Finding, Model
from fraudwatch.errors import SnapshotError
from fraudwatch.records import FloatArray, IntArray

DAY = 86_400_000
PER_DAY = 400
THREE_DAYS = DriftSettings(window=Duration(3 * DAY))


class Stream(NamedTuple):
    ids: IntArray
    times: IntArray
    values: FloatArray
    scores: FloatArray


@pytest.fixture(scope="module")
def unchanged(model: Model, make_sample) -> Stream:
    return scored(model, make_sample(PER_DAY * 8, seed=8))


@pytest.fixture(scope="module")
def changed(model: Model, make_sample) -> Stream:
    """From the fifth day on amounts are larger."""
    values = make_sample(PER_DAY * 8, seed=8)
    values[PER_DAY * 4 :, 0] += 1.0
    return scored(model, values)


def scored(model: Model, values: FloatArray) -> Stream:
    drawn = np.random.default_rng(1)
    count = len(values)
    times = np.arange(count) * (DAY // PER_DAY) - drawn.integers(0, 2, count) * 7_200_000 + DAY
    return Stream(drawn.integers(0, 2**62, count), times, values, model.judge(values)[0])


def fold(drift: Drift, stream: Stream, begin: int, end: int) -> list[Finding]:
    """What is found as of each row."""
    rows = np.arange(end - begin)
    part = slice(begin, end)
    drift.add(rows, stream.ids[part], stream.times[part], stream.values[part], stream.scores[part])
    return [drift.finding_at(row) for row in rows.tolist()]


def watching(model: Model, settings: DriftSettings = THREE_DAYS) -> Drift:
    drift = Drift(settings)
    drift.use(model, PER_DAY)
    return drift


def findings(model: Model, stream: Stream, cuts: list[int]) -> list[Finding]:
    drift = watching(model)
    found, begin, turn = [], 0, 0
    while begin < len(stream.ids):
        end = min(begin + cuts[turn % len(cuts)], len(stream.ids))
        found += fold(drift, stream, begin, end)
        begin, turn = end, turn + 1
    return found


@given(cuts=st.lists(st.integers(1, 1_500), min_size=1, max_size=5))
@trials(max_examples=15)
def test_the_same_is_found_at_every_transaction_in_whatever_batches_they_come(
    model: Model, changed: Stream, cuts: list[int]
) -> None:
    assert findings(model, changed, cuts) == findings(model, changed, [len(changed.ids)])


def test_nothing_is_found_before_a_whole_window(model: Model, unchanged: Stream) -> None:
    found = findings(model, unchanged, [500])
    days = np.maximum.accumulate(unchanged.times // DAY)
    is_judged = [bool(one.psi) for one in found]
    assert is_judged == (days >= days[0] + 3).tolist()


def test_an_unchanged_stream_is_described_and_a_changed_one_is_not(
    model: Model, unchanged: Stream, changed: Stream
) -> None:
    assert not any(finding.is_degraded for finding in findings(model, unchanged, [500]))
    last = findings(model, changed, [500])[-1]
    assert last.is_degraded
    assert last.psi["amount"] > 0.25
    assert last.worst == ("score", last.psi["score"])


def test_the_score_has_one_limit_and_each_theme_another(model: Model, changed: Stream) -> None:
    def worst(limit: float, theme_limit: float) -> str | None:
        drift = watching(model, replace(THREE_DAYS, limit=limit, theme_limit=theme_limit))
        last = fold(drift, changed, 0, len(changed.ids))[-1]
        return last.worst[0] if last.is_degraded else None

    assert worst(50.0, 50.0) is None
    assert worst(0.25, 50.0) == "score"
    assert worst(50.0, 0.25) == "amount"


def test_another_model_begins_anew_and_the_same_one_does_not(
    model: Model, fitted, make_sample, changed: Stream
) -> None:
    drift = watching(model)
    fold(drift, changed, 0, len(changed.ids))
    known = drift.finding
    drift.use(model, PER_DAY)
    assert drift.finding == known
    assert known.psi
    drift.use(fitted(make_sample(seed=9)), PER_DAY)
    assert drift.finding == Finding()


@pytest.mark.parametrize("at", [1, 1_000, 2_500])
def test_a_saved_watch_goes_on_as_if_it_never_stopped(model: Model, changed: Stream, at: int) -> None:
    whole = watching(model)
    fold(whole, changed, 0, at)
    again = Drift.of(THREE_DAYS, whole.state())
    again.use(model, PER_DAY)
    assert again.finding == whole.finding
    count = len(changed.ids)
    assert fold(again, changed, at, count) == fold(whole, changed, at, count)
    states = again.state(), whole.state()
    assert all(states[0][name].tobytes() == states[1][name].tobytes() for name in states[1])


def test_of_a_large_stream_a_small_share_is_counted(model: Model, unchanged: Stream) -> None:
    drift = Drift(THREE_DAYS)
    drift.use(model, 100_000)
    fold(drift, unchanged, 0, len(unchanged.ids))
    assert 0 < drift.state()["counts"][:, -1].sum() < 60  # 500 of 100,000, of 3,200


@pytest.mark.parametrize(
    "broken",
    [
        {"days": np.zeros(2)},
        {"days": np.zeros(1, np.int64)},
        {"counts": np.zeros((1, 2, 3), np.int64)},
        {"counts": np.full((1, 8, 20), -1, np.int64)},
        {"version": np.zeros(2, np.float64)},
    ],
)
def test_what_no_watch_has_is_refused(model: Model, broken: dict[str, np.ndarray]) -> None:
    with pytest.raises(SnapshotError, match="drift"):
        Drift.of(THREE_DAYS, watching(model).state() | broken)
