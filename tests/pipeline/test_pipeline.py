"""The pipeline: every record ends somewhere, and how records are cut or spread changes nothing."""

import json
from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import msgspec
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from fraudwatch.alerts import encode, schema
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.pipeline import Batch, Pipeline, TrainingSample, train
from fraudwatch.records import NO_TIMESTAMP, Chunk, Outcome, Record, TextField


def fold(pipeline: Pipeline, records: Sequence[Record], cut: int) -> list[Batch]:
    return [pipeline.fold(Chunk.of(records[begin : begin + cut])) for begin in range(0, len(records), cut)]


def conclusions(batches: list[Batch]) -> list[tuple[object, ...]]:
    """Everything that was concluded on each transaction, exactly."""
    return [
        (
            found.transactions.text_of(row, TextField.TRANSACTION_ID),
            int(found.transactions.offsets[row]),
            int(found.outcome[row]),
            float(found.score[row]).hex(),
            found.top_reason(row),
            found.alert_ids.get(row),
            found.top_lane(row),
            float(found.lane_surprise[row]).hex(),
            found.lane_surprises[:, row].tobytes(),
        )
        for found in (batch.assessments for batch in batches)
        for row in range(len(found.transactions))
    ]


def alerts(batches: list[Batch]) -> list[bytes]:
    return [encode(alert) for batch in batches for alert in batch.alerts]


@pytest.fixture(scope="module")
def whole(configured: Settings, model: Model, stream: list[Record]) -> list[Batch]:
    return fold(Pipeline(configured, model=model), stream, len(stream))


@pytest.mark.parametrize("cut", [1, 13, 512, 5_000])
def test_conclusions_and_alerts_are_the_same_to_the_bit_however_records_are_cut(
    configured: Settings, model: Model, stream: list[Record], whole: list[Batch], cut: int
) -> None:
    pieces = fold(Pipeline(configured, model=model), stream, cut)
    assert conclusions(pieces) == conclusions(whole)
    assert alerts(pieces) == alerts(whole)


@pytest.mark.parametrize("partitions", [2, 5])
def test_scores_and_reasons_do_not_depend_on_the_number_of_partitions(
    configured: Settings, model: Model, stream: list[Record], whole: list[Batch], partitions: int
) -> None:
    routed: list[list[Record]] = [[] for _ in range(partitions)]
    for record in stream:
        account = json.loads(record.value or b"")["account_id"]
        routed[crc32(account.encode()) % partitions].append(record)
    found = {}
    for partition, records in enumerate(routed):
        pipeline = Pipeline(configured, partition=partition, partitions=partitions, model=model)
        found |= {row[0]: row[2:5] for row in conclusions(fold(pipeline, records, 512))}
    assert found == {row[0]: row[2:5] for row in conclusions(whole)}


def test_the_stream_raises_alerts_and_every_one_validates(whole: list[Batch]) -> None:
    validator = Draft202012Validator(schema())
    published = [json.loads(message) for message in alerts(whole)]
    assert len(published) > 20
    for alert in published:
        validator.validate(alert)
        assert alert["reasons"] or alert["sample"]
        listed = [item["position"]["offset"] for item in alert["evidence"]]
        newest = max(item["position"]["offset"] for item in alert["episode"]["transactions"])
        assert max(listed) == newest  # evidence as it stood at the transaction, nothing later


def test_alerting_transactions_name_an_alert_that_was_published(whole: list[Batch]) -> None:
    published = {alert.alert_id for batch in whole for alert in batch.alerts}
    named = {row[5] for row in conclusions(whole)} - {None}
    assert named == published


def test_every_record_ends_as_an_assessment_or_a_dead_letter(
    configured: Settings, model: Model, stream: list[Record]
) -> None:
    bad = [None, b"", b"{", b"[]", b'{"amount": NaN}', b"\xff\xfe", stream[3].value, b"null" * 9]
    mixed = [
        Record(
            "t", 0, offset, NO_TIMESTAMP, None, bad[offset % len(bad)] if offset % 3 == 0 else record.value
        )
        for offset, record in enumerate(stream[:300])
    ]
    batch = Pipeline(configured, model=model).fold(Chunk.of(mixed))
    assert batch.records == 300 == len(batch.assessments.transactions) + len(batch.dead_letters)
    positions = {letter.record.offset for letter in batch.dead_letters}
    assert positions | set(batch.assessments.transactions.offsets.tolist()) == set(range(300))
    assert positions.isdisjoint(batch.assessments.transactions.offsets.tolist())
    assert batch.assessments.count(Outcome.DUPLICATE) > 0


def test_a_repeated_transaction_is_a_duplicate_and_a_changed_one_also_a_conflict(
    configured: Settings,
) -> None:
    row = {"transaction_id": "1", "account_id": "a", "event_time": "2024-03-01T00:00:00Z", "amount": 5}
    values = [json.dumps(row), json.dumps(row), json.dumps(row | {"amount": 6})]
    records = [Record("t", 0, i, NO_TIMESTAMP, None, value.encode()) for i, value in enumerate(values)]
    batch = Pipeline(configured).fold(Chunk.of(records))
    assert batch.assessments.outcome.tolist()[1:] == [Outcome.DUPLICATE.value] * 2
    assert batch.conflicts == 1


def test_without_a_model_transactions_are_unscored_and_the_cause_is_named(
    configured: Settings, stream: list[Record]
) -> None:
    pipeline = Pipeline(configured)
    batch = pipeline.fold(Chunk.of(stream[:2_000]))
    assert set(batch.assessments.outcome.tolist()) == {
        Outcome.UNSCORED_NO_MODEL.value,
        Outcome.UNSCORED_YOUNG_ACCOUNT.value,
    }
    assert np.isnan(batch.assessments.score).all()
    assert batch.alerts == []
    assert 0.0 < pipeline.training.progress < 1.0


def test_folding_without_publishing_moves_the_state_on_all_the_same(
    configured: Settings, model: Model, stream: list[Record], whole: list[Batch]
) -> None:
    half = len(stream) // 2
    restored = Pipeline(configured, model=model)
    assert restored.fold(Chunk.of(stream[:half]), publish=False).alerts == []
    rest = [restored.fold(Chunk.of(stream[half:]))]
    assert conclusions(rest) == conclusions(whole)[-len(conclusions(rest)) :]
    assert alerts(rest) == alerts(whole)[-len(alerts(rest)) :]


def test_the_same_log_trains_the_same_model_whatever_the_batches_and_partitions(
    configured: Settings, stream: list[Record]
) -> None:
    half = stream[: len(stream) // 2]
    versions = set()
    for partitions, cut in [(1, len(half)), (1, 97), (3, 1_000)]:
        pipelines = [Pipeline(configured, partition=p, partitions=partitions) for p in range(partitions)]
        for begin, end in pairwise([*range(0, len(half), cut), len(half)]):
            for partition, pipeline in enumerate(pipelines):
                mine = [r for r in half[begin:end] if account_of(r) % partitions == partition]
                if mine:
                    pipeline.fold(Chunk.of(mine))
        sample = TrainingSample.merged([pipeline.training for pipeline in pipelines])
        versions.add(train(configured, sample).version)
    assert len(versions) == 1


def account_of(record: Record) -> int:
    return crc32(json.loads(record.value or b"")["account_id"].encode())


def test_a_small_sample_is_chosen_by_hash_not_by_arrival(configured: Settings, stream: list[Record]) -> None:
    training = msgspec.structs.replace(configured.training, sample=500)
    small = msgspec.structs.replace(configured, training=training)
    forward, backward = Pipeline(small), Pipeline(small)
    forward.fold(Chunk.of(stream))
    for record in stream:
        backward.fold(Chunk.of([record]))
    assert len(forward.training.rows()) == 500
    assert forward.training.rows().tobytes() == backward.training.rows().tobytes()


def test_the_timer_is_the_only_clock(configured: Settings, model: Model, stream: list[Record]) -> None:
    ticks = iter(range(100))
    pipeline = Pipeline(configured, model=model, timer=lambda: float(next(ticks)))
    seconds = pipeline.fold(Chunk.of(stream[:10])).stage_seconds
    assert seconds == {"decode": 1.0, "features": 1.0, "detection": 1.0, "alerts": 1.0}
    assert sum(Pipeline(configured).fold(Chunk.of(stream[:10])).stage_seconds.values()) == 0.0
