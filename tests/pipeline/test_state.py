"""A pipeline that was saved at any record goes on as one that never stopped, to the bit."""

import json
import random
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from fraudwatch import snapshots
from fraudwatch.alerts import Alert, encode
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Features, Settings
from fraudwatch.detection import Model
from fraudwatch.errors import SnapshotError
from fraudwatch.pipeline import Batch, Pipeline
from fraudwatch.records import NO_TIMESTAMP, Chunk, Outcome, Record
from fraudwatch.snapshots import Block, Blocks, Stamp

HOUR = 3_600_000
BATCH = 700


@pytest.fixture(scope="module")
def crowded(configured: Settings) -> Settings:
    """Fewer accounts are kept than there are."""
    features = Features(max_accounts=120, windows=configured.features.windows)
    return msgspec.structs.replace(configured, features=features)


@pytest.fixture(scope="module")
def untidy(stream: list[Record]) -> list[Record]:
    """The stream in another order: some late by minutes or hours, some twice, some no transactions at all."""
    drawn = random.Random(7)
    late = sorted(
        range(len(stream)), key=lambda place: place + (drawn.random() < 0.1) * drawn.randint(1, 200)
    )
    values = []
    for place in late:
        values.append(stream[place].value)
        if drawn.random() < 0.02:
            values.append(drawn.choice(values[-300:]))
        if drawn.random() < 0.01:
            values.append(b"{")
    return [Record("t", 0, offset, NO_TIMESTAMP, None, value) for offset, value in enumerate(values)]


def through_bytes(blocks: Blocks) -> Blocks:
    """Written, sent, read."""
    stamp = Stamp(
        topic="t",
        partition=0,
        partitions=1,
        offset=0,
        reached_ms=0,
        generation=1,
        review_offset=0,
        slot=0,
        created_ms=0,
        code="",
        configuration="",
    )
    sent = list(snapshots.pieces(blocks))
    places = [(snapshots.sha256(piece), offset) for offset, piece in enumerate(sent)]
    manifest = snapshots.encode(snapshots.vouched(stamp, blocks, places))
    return snapshots.assemble(snapshots.read(manifest), sent)


def resumed(pipeline: Pipeline, settings: Settings, model: Model | None) -> Pipeline:
    again, loaded = Pipeline.of(settings, through_bytes(pipeline.state()), model=model)
    assert loaded == ((), {})
    return again


def folded(pipeline: Pipeline, records: list[Record]) -> Iterator[Batch]:
    for begin in range(0, len(records), BATCH):
        yield pipeline.fold(Chunk.of(records[begin : begin + BATCH]))


def nameless(alert: Alert) -> dict[str, object]:
    """An alert without the names in its evidence, which a restored pipeline has none of."""
    told = json.loads(encode(alert))
    for item in told["evidence"]:
        del item["transaction_id"], item["counterparty_id"]
    return told


def concluded(batch: Batch) -> tuple[object, ...]:
    found = batch.assessments
    return (
        found.outcome.tobytes(),
        found.score.tobytes(),
        found.strongest.tobytes(),
        found.lane.tobytes(),
        found.lane_surprises.tobytes(),
        found.alert_ids,
        [nameless(alert) for alert in batch.alerts],
        batch.new_accounts.tolist(),
        (batch.cut, batch.conflicts, batch.evicted, batch.returned, len(batch.dead_letters)),
    )


def total(batches: list[Batch], outcome: Outcome) -> int:
    return sum(batch.assessments.count(outcome) for batch in batches)


@pytest.mark.parametrize("at", [0, 1, 699, 4_321, 8_000])
def test_what_follows_is_the_same_with_a_model(
    crowded: Settings, model: Model, untidy: list[Record], at: int
) -> None:
    whole = Pipeline(crowded, model=model)
    list(folded(whole, untidy[:at]))
    parted = resumed(whole, crowded, model)
    expected = list(folded(whole, untidy[at:]))
    assert [concluded(batch) for batch in folded(parted, untidy[at:])] == list(map(concluded, expected))
    assert same(parted.state(), whole.state())
    # Otherwise it would be told of a stream in which nothing happens.
    assert min(total(expected, Outcome.LATE), total(expected, Outcome.DUPLICATE)) > 0
    assert min(sum(batch.evicted for batch in expected), sum(len(batch.alerts) for batch in expected)) > 0


@pytest.mark.parametrize("at", [1, 4_321])
def test_what_follows_is_the_same_while_the_training_sample_is_drawn(
    crowded: Settings, model: Model, untidy: list[Record], at: int
) -> None:
    settings = msgspec.structs.replace(
        crowded, training=msgspec.structs.replace(crowded.training, sample=1_500, skip=Duration(24 * HOUR))
    )
    whole = Pipeline(settings)
    list(folded(whole, untidy[:at]))
    parted = resumed(whole, settings, None)
    for begin, pipeline in ((at, whole), (at, parted)):
        list(folded(pipeline, untidy[begin : begin + 4_000]))
    assert parted.training.rows().tobytes() == whole.training.rows().tobytes()
    assert (parted.training.seen, parted.training.span_ms) == (whole.training.seen, whole.training.span_ms)
    for pipeline in (whole, parted):
        pipeline.use(model)
    rest = untidy[at + 4_000 :]
    assert list(map(concluded, folded(parted, rest))) == list(map(concluded, folded(whole, rest)))


def test_a_state_is_a_copy(crowded: Settings, model: Model, untidy: list[Record]) -> None:
    training = msgspec.structs.replace(crowded.training, sample=1_000)
    pipeline = Pipeline(msgspec.structs.replace(crowded, training=training), model=model)
    list(folded(pipeline, untidy[:4_000]))
    state = pipeline.state()
    kept = bytes_of(state)
    list(folded(pipeline, untidy[4_000:8_000]))
    assert bytes_of(state) == kept
    assert bytes_of(pipeline.state()) != kept


def bytes_of(blocks: Blocks) -> dict[tuple[str, str], bytes]:
    return {
        (name, key): array.tobytes() for name, block in blocks.items() for key, array in block.arrays.items()
    }


def remembered(blocks: Blocks) -> dict[str, object]:
    """Episodes, in no order of accounts, and what was cut."""
    told: dict[str, object] = msgspec.msgpack.decode(blocks["policy"].arrays["remembered"].tobytes())
    return told | {"episodes": sorted(map(str, told["episodes"]))}


def same(one: Blocks, other: Blocks) -> bool:
    """The training sample and what is a number of the whole partition."""
    for name in ("edge.histogram", "edge.ranked", "edge.clock", "edge.observed"):
        assert one["policy"].arrays[name].tobytes() == other["policy"].arrays[name].tobytes(), name
    assert remembered(one) == remembered(other)
    accounts = [np.sort(blocks["history"].arrays["accounts"]["key"]).tobytes() for blocks in (one, other)]
    return accounts[0] == accounts[1]


def started(settings: Settings, records: list[Record]) -> Blocks:
    pipeline = Pipeline(settings)
    list(folded(pipeline, records))
    return pipeline.state()


def test_the_accounts_are_all_that_were_ever_new(crowded: Settings, untidy: list[Record]) -> None:
    pipeline = Pipeline(crowded)
    new = np.concatenate([batch.new_accounts for batch in folded(pipeline, untidy[:3_000])])
    assert len(new) > crowded.features.max_accounts
    assert resumed(pipeline, crowded, None).accounts.tolist() == sorted(new.tolist())


def test_a_block_that_nobody_knows_is_dropped(configured: Settings, stream: list[Record]) -> None:
    blocks = started(configured, stream[:500]) | {"of_the_future": Block(3, {"x": np.zeros(2)})}
    assert Pipeline.of(configured, blocks)[1] == (("of_the_future",), {})


@pytest.mark.parametrize("name", ["policy", "training"])
def test_a_block_that_is_missing_or_other_than_known_starts_anew(
    configured: Settings, model: Model, stream: list[Record], name: str
) -> None:
    blocks = started(configured, stream[:500])
    other = {
        "missing": {key: block for key, block in blocks.items() if key != name},
        "version": blocks | {name: Block(99, blocks[name].arrays)},
        "read|sample": blocks | {name: Block(1, {})},
    }
    for found in other.values():
        pipeline, loaded = Pipeline.of(configured, found, model=model)
        assert list(loaded.anew) == [name]
        assert pipeline.policy.model_version == model.version
        batch = pipeline.fold(Chunk.of(stream[500:1_000]))
        assert batch.assessments.count(Outcome.SCORED) > 0  # the history is still there
        expected = 0 if name == "training" else blocks["training"].arrays["times"][0]
        assert pipeline.training.seen >= expected


def test_a_history_that_cannot_be_gone_on_with_is_refused(configured: Settings, stream: list[Record]) -> None:
    blocks = started(configured, stream[:500])
    without = {name: block for name, block in blocks.items() if name != "history"}
    with pytest.raises(SnapshotError, match="expected a block history"):
        Pipeline.of(configured, without)
    with pytest.raises(SnapshotError, match="version 2 of the snapshot's block history, found 1"):
        Pipeline.of(configured, blocks | {"history": Block(1, blocks["history"].arrays)})
    windows = Features(windows=(Duration(HOUR),))
    with pytest.raises(SnapshotError, match=r"features\.windows.*fold the log again"):
        Pipeline.of(msgspec.structs.replace(configured, features=windows), blocks)
    with pytest.raises(
        SnapshotError, match=r"currency: expected that of the saved history \(EUR\), found USD"
    ):
        Pipeline.of(msgspec.structs.replace(configured, currency="USD"), blocks)


def test_accounts_that_may_have_lost_records_are_not_new(configured: Settings, stream: list[Record]) -> None:
    pipeline, _ = Pipeline.of(configured, started(configured, stream[:2_000]))
    known = {int(key) for key in pipeline.state()["history"].arrays["accounts"]["key"]}
    assert pipeline.history_lost() == len(known) > 100
    resumed_once_more, _ = Pipeline.of(configured, pipeline.state())
    batch = resumed_once_more.fold(Chunk.of(stream[3_000:6_000]))
    assert known.isdisjoint(batch.new_accounts.tolist())
    assert batch.assessments.count(Outcome.UNSCORED_YOUNG_ACCOUNT) < 3_000
