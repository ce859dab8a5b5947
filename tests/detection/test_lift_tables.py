"""What lifts are learned from goes on after the fit: counted once, fading, however the log is cut."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fraudwatch import detection
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Training
from fraudwatch.detection import LiftTables, Model
from fraudwatch.detection.lifts import MOST_AT_ONCE
from fraudwatch.errors import ArtefactError, SnapshotError
from fraudwatch.records import ByteArray, FeatureSpec, FloatArray, IntArray, Outcome

DAY = 86_400_000
TRAINING = Training(lifts_half_life=Duration(4 * DAY))
ANCHOR, SPEND = 0, 2
"""Columns of the sample."""


class Stream:
    """Transactions of a week after the fit's day but for one day of it, somewhat out of order, a few of them late."""

    def __init__(self, values: FloatArray, seed: int = 3) -> None:
        random = np.random.default_rng(seed)
        count = len(values)
        self.values = values
        times = np.sort(random.integers(DAY // 2, 8 * DAY, count))
        times[times >= 4 * DAY] += DAY + 7_200_000  # a day without any
        self.times: IntArray = times - random.integers(0, 3_600_000, count)
        self.ids: IntArray = random.integers(-(2**62), 2**62, count)
        late = random.random(count) < 0.05
        self.outcomes: ByteArray = np.where(late, Outcome.LATE.value, Outcome.SCORED.value).astype(np.uint8)

    def into(self, tables: LiftTables, begin: int, end: int) -> None:
        part = slice(begin, end)
        judged = np.arange(len(self.times[part]))
        tables.add(self.times[part], judged, self.ids[part], self.values[part], self.outcomes[part])


@pytest.fixture(scope="module")
def stream(make_sample: Callable[..., FloatArray]) -> Stream:
    return Stream(make_sample(4_000, seed=11))


def begun(model: Model, training: Training = TRAINING) -> LiftTables:
    tables = LiftTables(training)
    tables.use(model)
    return tables


def counts_of(tables: LiftTables) -> bytes:
    return b"".join(tables.state()[name].tobytes() for name in ("table", "page", "times"))


def one_counted(model: Model, row: FloatArray) -> FloatArray:
    """What one transaction adds, band by band in plain Python."""
    combiner = model.combiner
    assert combiner.learned is not None
    surprises = model.score(row[np.newaxis]).surprises[0]
    raw = {spec.name for spec in model.reason_specs[len(model.specs) :]}
    is_hit = max(surprises[0], surprises[1]) > combiner.learned.threshold
    counts = np.zeros_like(combiner.learned.counts)
    counts[:, -1] = 1, is_hit
    for reason, spec in enumerate(model.reason_specs):
        if spec.role.value != "context" or (spec.name not in raw and np.isnan(row[reason])):
            continue
        start = combiner.start.tolist()  # type: ignore[attr-defined]
        cuts = combiner.cuts[start[reason] : start[reason + 1]].tolist()  # type: ignore[attr-defined]
        if spec.side.value == "rare":
            band = cuts.index(row[reason]) if row[reason] in cuts else len(cuts)
        else:
            band = sum(cut < surprises[reason] for cut in cuts)
        counts[:, start[reason] + reason + band] += 1, is_hit
    return counts


def test_the_table_is_what_a_recount_of_the_log_comes_to(model: Model, stream: Stream) -> None:
    tables, newest, page = begun(model), DAY, 1
    assert model.combiner.learned is not None
    expected = np.array(model.combiner.learned.counts)
    pages: dict[int, FloatArray] = {}
    for place in range(len(stream.times)):
        stream.into(tables, place, place + 1)
        newest = max(newest, int(stream.times[place]))
        page = newest // DAY
        if newest > DAY and stream.outcomes[place] == Outcome.SCORED.value:
            added = one_counted(model, stream.values[place])
            pages[page] = pages.get(page, np.zeros_like(expected)) + added
    faded = expected * 0.5 ** ((page - 1) / 4) + sum(
        added * 0.5 ** ((page - at) / 4) for at, added in pages.items() if at < page
    )
    fed = tables.fed()
    assert fed is not None
    assert fed.combiner.learned is not None
    np.testing.assert_allclose(fed.combiner.learned.counts, faded, rtol=1e-12, atol=1e-12)
    assert tables.state()["page"].tolist() == pages[page].tolist()
    assert fed.fed_until_ms == page * DAY - 1


def test_the_counts_of_a_fit_are_those_its_lifts_came_from(model: Model, values: FloatArray) -> None:
    learned = model.combiner.learned
    assert learned is not None
    recounted = np.zeros(learned.counts.shape, np.int64)
    model.count(values, recounted)
    assert recounted.tolist() == learned.counts.tolist()
    assert recounted[0, -1] == len(values)
    assert learned.lifts().tolist() == model.combiner.lifts.tolist()  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [1, 97, 4_000])
def test_the_tables_are_the_same_in_whatever_batches(model: Model, stream: Stream, size: int) -> None:
    expected, found = begun(model), begun(model)
    for tables, step in ((expected, 500), (found, size)):
        for begin in range(0, 4_000, step):
            stream.into(tables, begin, min(begin + step, 4_000))
    assert counts_of(found) == counts_of(expected)


@pytest.mark.parametrize("at", [0, 1_234, 3_999])
def test_saved_tables_go_on_to_the_bit(model: Model, stream: Stream, at: int) -> None:
    expected = begun(model)
    stream.into(expected, 0, at)
    found = LiftTables.of(TRAINING, expected.state())
    found.use(model)
    for tables in (expected, found):
        stream.into(tables, at, 4_000)
    assert counts_of(found) == counts_of(expected)


def test_a_log_that_is_folded_anew_with_a_model_fed_from_it_is_counted_once(
    model: Model, stream: Stream
) -> None:
    expected = begun(model)
    for begin in range(0, 4_000, 100):
        stream.into(expected, begin, begin + 100)
        if begin == 2_500:
            fed = expected.fed()
            assert fed is not None
            expected.use(fed)
    anew = begun(fed)
    stream.into(anew, 0, 4_000)
    ours, theirs = anew.state(), expected.state()
    assert ours["page"].tolist() == theirs["page"].tolist()
    assert ours["table"].tobytes() == theirs["table"].tobytes()


def test_of_a_busy_stream_a_sample_by_hash_is_counted(model: Model, stream: Stream) -> None:
    tables = begun(replace(model, transactions_per_day=50_000.0))
    stream.into(tables, 0, 4_000)
    counted = tables.state()["page"][0, -1]
    whole = begun(model)
    stream.into(whole, 0, 4_000)
    assert 0 < counted < 0.2 * whole.state()["page"][0, -1]


def test_another_fit_brings_its_own_counts(
    model: Model, stream: Stream, fitted: Callable[..., Model], make_sample: Callable[..., FloatArray]
) -> None:
    tables = begun(model)
    stream.into(tables, 0, 4_000)
    other = fitted(make_sample(2_000, seed=5), detectors=())
    tables.use(other)
    assert counts_of(tables) == counts_of(begun(other))


def test_with_lifts_every_0s_nothing_is_counted(model: Model, stream: Stream) -> None:
    tables = begun(model, Training(lifts_every=Duration(0)))
    stream.into(tables, 0, 4_000)
    assert not tables.is_due
    assert tables.fed() is None


def test_what_is_no_table_is_refused(model: Model) -> None:
    state = begun(model).state()
    for wrong in (
        {"table": state["table"] - 1e9},
        {"page": state["page"][:, 1:]},
        {"times": state["times"][1:]},
        {"table": state["table"][::-1]},  # more hits than transactions
    ):
        with pytest.raises(SnapshotError, match="expected the tables"):
            LiftTables.of(TRAINING, state | wrong)
    with pytest.raises(SnapshotError, match=r"another training\.lifts_every"):
        LiftTables.of(Training(lifts_every=Duration(DAY // 2)), state)


@pytest.fixture(scope="module")
def clean(fitted: Callable[..., Model], make_sample: Callable[..., FloatArray]) -> Model:
    """Fitted where spending does not go together with extreme amounts."""
    values = make_sample(4_000)
    values[:, SPEND] = np.random.default_rng(1).permutation(values[:, SPEND])
    return fitted(values[values[:, SPEND] < 3.0], detectors=("hbos",))


def days_fed(model: Model, values: FloatArray, days: int) -> list[Model]:
    """The versions of as many days, each a thousand of the values."""
    tables, versions = begun(model), [model]
    for day in range(1, days + 2):
        rows = np.arange(1_000)
        times = np.full(1_000, day * DAY + 1)
        ids = rows.astype(np.int64) << 40
        tables.add(times, rows, ids, values[:1_000], np.zeros(1_000, np.uint8) + Outcome.SCORED.value)
        if (fed := tables.fed()) is not None:
            tables.use(fed)
            versions.append(fed)
    return versions


def test_after_a_clean_window_lifts_are_learned_from_what_comes_step_by_step(
    clean: Model, make_sample: Callable[..., FloatArray]
) -> None:
    versions = days_fed(clean, make_sample(1_000, seed=12), 12)
    rows = np.zeros((1, 7))
    rows[:, ANCHOR], rows[:, SPEND] = 3.0, 9.0
    lifts = [float(version.score(rows).contributions[0, SPEND]) for version in versions]
    assert lifts[-1] > lifts[0] + 0.2
    steps = np.diff([version.combiner.lifts for version in versions], axis=0)  # type: ignore[attr-defined]
    assert 0.1 < np.abs(steps).max() <= MOST_AT_ONCE


def test_a_fed_model_is_its_fit_but_for_the_lifts_and_says_so(clean: Model, values: FloatArray) -> None:
    *_, before, fed = days_fed(clean, values, 3)
    assert (fed.fit, fed.content.feeding and fed.content.feeding.parent) == (clean.version, before.version)
    assert len({clean.version, before.version, fed.version}) == 3
    ours, theirs = fed.arrays(), clean.arrays()
    other = {name for name in ours if ours[name].tobytes() != theirs[name].tobytes()}
    assert other == {"combiner.concordance.lifts", "combiner.concordance.counts"}
    assert fed.as_fitted.score(values).score.tolist() == clean.score(values).score.tolist()
    assert fed.score(values).score.tolist() != clean.score(values).score.tolist()


def test_what_is_sent_of_a_fed_model_is_small_and_with_its_fit_the_whole(
    clean: Model, values: FloatArray, specs: tuple[FeatureSpec, ...]
) -> None:
    fed = days_fed(clean, values, 2)[-1]
    change = detection.pack_change(fed)
    whole = detection.changed(detection.pack(clean), change)
    assert whole == detection.pack(fed)
    assert len(change.arrays) < 0.2 * len(whole.arrays)
    read = detection.unpack(whole, specs)
    assert (read.version, read.fed_until_ms) == (fed.version, fed.fed_until_ms)
    np.testing.assert_array_equal(read.score(values).score, fed.score(values).score)
    with pytest.raises(ArtefactError):
        detection.unpack(detection.changed(detection.pack(clean), detection.pack(clean)), specs[1:])


def test_a_model_written_before_lifts_were_fed_is_used_and_never_fed(model: Model, stream: Stream) -> None:
    old = replace(model, combiner=replace(model.combiner, learned=None))  # type: ignore[type-var]
    read = detection.unpack(detection.pack(old), model.specs)
    assert read.combiner.learned is None
    tables = begun(read)
    stream.into(tables, 0, 4_000)
    assert tables.fed() is None
