"""Lanes on the way of a transaction: a typology in a quiet account is named, whoever looks and however it was saved."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from fraudwatch import detection
from fraudwatch.config.settings import FieldMapping, Settings, Source
from fraudwatch.detection import Model
from fraudwatch.errors import ArtefactError, SnapshotError
from fraudwatch.features import LANES, Column
from fraudwatch.pipeline import Assessments, Pipeline, TrainingSample, train
from fraudwatch.records import NO_TIMESTAMP, Chunk, Record

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BEGIN = 1_709_251_200_000
"""2024-03-01."""
AWAKE_DAYS = 70
NOW = BEGIN + AWAKE_DAYS * DAY
Payment = dict[str, Any]


def paid(at_ms: int, amount: float, counterparty: str, **fields: str | float) -> Payment:
    return {"at_ms": at_ms, "amount": amount, "counterparty_id": counterparty, "direction": "debit"} | fields


IN_TOWN = {"latitude": 48.85, "longitude": 2.35}


def quiet() -> list[Payment]:
    """A payment a day of some twenty euros to one of five shops, from one device."""
    random = np.random.default_rng(2)
    return [
        paid(
            BEGIN + day * DAY + int(random.integers(9, 18)) * HOUR,
            18.0 + 4 * (day % 2),
            f"shop{random.integers(5)}",
            device_id="mine",
        )
        for day in range(AWAKE_DAYS - 1)
    ]


def of_testing() -> list[Payment]:
    return [paid(NOW + i * 3 * MINUTE, 1.5 + i / 10, f"online{i}") for i in range(7)]


def of_take_over() -> list[Payment]:
    return [paid(NOW + i * 40 * MINUTE, 120.0 + i, "taker", device_id="theirs") for i in range(4)]


def of_dormant() -> list[Payment]:
    return [paid(NOW + 60 * DAY + i * 9 * HOUR, 55.0 + i, f"payee{i}") for i in range(5)]


def of_pass_through() -> list[Payment]:
    received = {"direction": "credit"}
    comes = [paid(NOW + i * HOUR, 900.0 + i, f"stranger{i}", **received) for i in range(2)]
    return [*comes, paid(NOW + 6 * HOUR, 1_700.0, "taker", device_id="mine")]


def of_fan_out() -> list[Payment]:
    return [paid(NOW + i * 20 * MINUTE, 22.0 + i, f"payee{i}", device_id="mine") for i in range(12)]


def of_burst() -> list[Payment]:
    return [paid(NOW + i * 4 * HOUR, 140.0 + 9 * i, f"new{i}", device_id="mine", **IN_TOWN) for i in range(9)]


def of_slow_ramp() -> list[Payment]:
    return [paid(NOW + i * 2 * DAY, 14.0 * 1.22**i, "contract", device_id="mine") for i in range(12)]


TYPOLOGIES: dict[str, Callable[[], list[Payment]]] = {
    "testing": of_testing,
    "take_over": of_take_over,
    "dormant": of_dormant,
    "pass_through": of_pass_through,
    "fan_out": of_fan_out,
    "burst": of_burst,
    "slow_ramp": of_slow_ramp,
}


def records(payments: Sequence[Payment]) -> list[Record]:
    found = []
    for offset, payment in enumerate(payments):
        told = {name: value for name, value in payment.items() if name != "at_ms"}
        at = datetime.fromtimestamp(payment["at_ms"] / 1000, UTC).isoformat()
        told |= {"transaction_id": f"t{offset}", "account_id": "quiet", "event_time": at, "currency": "EUR"}
        found.append(Record("t", 0, offset, NO_TIMESTAMP, None, msgspec.json.encode(told)))
    return found


def assessed(settings: Settings, model: Model | None, payments: Sequence[Payment]) -> Assessments:
    return Pipeline(settings, model=model).fold(Chunk.of(records(payments))).assessments


def account_of(record: Record) -> int:
    """The number of a simulated account."""
    return int(msgspec.json.decode(record.value or b"")["account_id"][1:])


@pytest.mark.parametrize("lane", TYPOLOGIES)
def test_a_typology_injected_into_a_quiet_account_raises_its_lane_above_all(
    configured: Settings, model: Model, lane: str
) -> None:
    before, found = len(quiet()), assessed(configured, model, [*quiet(), *TYPOLOGIES[lane]()])
    calm, strange = found.lane_surprises[:, :before].max(axis=1), found.lane_surprises[:, before:].max(axis=1)
    told = dict(zip(found.lanes, zip(calm.tolist(), strange.tolist(), strict=True), strict=True))
    assert strange.max() > max(2.0, calm.max()), told
    assert found.lanes[int(strange.argmax())] == lane, told
    assert found.top_lane(before + int(found.lane_surprise[before:].argmax())) == lane


def test_every_lane_has_its_typology() -> None:
    assert list(TYPOLOGIES) == [lane.name for lane in LANES]


def test_the_strongest_lane_is_the_largest_of_all_and_none_where_all_are_silent(
    configured: Settings, model: Model
) -> None:
    found = assessed(configured, model, [*quiet(), *of_burst()])
    assert (found.lane_surprise == found.lane_surprises.max(axis=0)).all()
    silent = found.lane_surprise == 0
    assert 0 < silent.sum() < len(silent)
    assert {found.top_lane(row) for row in np.flatnonzero(silent).tolist()} == {None}
    for row in np.flatnonzero(~silent).tolist():
        assert found.lane_surprises[int(found.lane[row]), row] == found.lane_surprise[row]


def test_without_a_model_no_lane_says_anything(configured: Settings) -> None:
    found = assessed(configured, None, [*quiet(), *of_burst()])
    assert found.lanes == ()
    assert {found.top_lane(row) for row in range(len(found.transactions))} == {None}


def test_a_source_without_the_fields_has_only_the_lanes_that_need_none(
    configured: Settings, stream: list[Record]
) -> None:
    bare = {
        name: name for name in ("transaction_id", "account_id", "event_time", "amount", "counterparty_id")
    }
    mapping: dict[str, str | FieldMapping] = bare | {"currency": FieldMapping(constant="EUR")}
    settings = msgspec.structs.replace(configured, source=Source(mapping=mapping))
    pipeline = Pipeline(settings)
    pipeline.fold(Chunk.of(stream[: len(stream) // 2]))
    model = train(settings, pipeline.training)
    assert [lane.name for lane in model.lanes] == ["testing", "dormant", "fan_out", "burst", "slow_ramp"]
    found = assessed(settings, model, [*quiet(), *of_dormant()])
    assert found.top_lane(len(found.transactions) - 1) == "dormant"


def test_the_episode_tails_are_the_same_however_the_stream_was_spread_over_partitions(
    configured: Settings, model: Model, stream: list[Record]
) -> None:
    half = stream[: len(stream) // 2]
    samples = []
    for partition in range(3):
        pipeline = Pipeline(configured, partition=partition, partitions=3)
        mine = [each for each in half if account_of(each) % 3 == partition]
        for begin in range(0, len(mine), 999):
            pipeline.fold(Chunk.of(mine[begin : begin + 999]))
        samples.append(pipeline.training)
    merged, whole = TrainingSample.merged(samples), Pipeline(configured)
    whole.fold(Chunk.of(half))
    for one, other in zip(merged.composites(), whole.training.composites(), strict=True):
        assert one.tobytes() == other.tobytes()
        assert not np.isnan(one).any()
    spread = train(configured, merged)
    for name, array in model.lane_tables.arrays().items():
        assert spread.lane_tables.arrays()[name].tobytes() == array.tobytes(), name


def test_a_sample_saved_before_composites_were_kept_says_nothing_of_what_lanes_earn(
    configured: Settings, stream: list[Record]
) -> None:
    pipeline = Pipeline(configured)
    pipeline.fold(Chunk.of(stream[:2_000]))
    state = pipeline.training.state()
    again = TrainingSample.of(configured.training, state)
    assert [part.tobytes() for part in again.composites()] == [
        part.tobytes() for part in pipeline.training.composites()
    ]
    old = TrainingSample.of(configured.training, state | {"rows": state["rows"][:, : len(Column)]})
    assert old.rows().tobytes() == again.rows().tobytes()
    assert np.isnan(old.composites()[1]).all()
    assert train(configured, old).lane_weights is None
    neither_half = state["rows"].copy()
    neither_half[0, len(Column)] = 0.5
    for spoiled in (state["rows"][:, :-1], neither_half):
        with pytest.raises(SnapshotError):
            TrainingSample.of(configured.training, state | {"rows": spoiled})


def test_an_artefact_keeps_its_lanes_to_the_bit(configured: Settings, model: Model) -> None:
    catalogue = Pipeline(configured).catalogue
    model = dataclasses.replace(model, lane_weights=0.5 * np.ones(len(model.lanes)))
    again = detection.unpack(detection.pack(model), catalogue.judged, catalogue.lanes)
    assert again.lanes == model.lanes
    assert again.version == model.version
    assert again.lane_weights is not None
    assert again.lane_weights.tobytes() == (0.5 * np.ones(len(model.lanes))).tobytes()
    payments = [*quiet(), *of_burst()]
    one, other = (assessed(configured, each, payments).lane_surprises for each in (model, again))
    assert one.tobytes() == other.tobytes()
    assert one.any()


@pytest.mark.parametrize("weights", [np.zeros(7), np.full(7, 1.5), np.full(6, 0.5)])
def test_weights_that_no_lane_earns_are_refused(configured: Settings, model: Model, weights: Any) -> None:
    catalogue = Pipeline(configured).catalogue
    packed = detection.pack(dataclasses.replace(model, lane_weights=weights))
    with pytest.raises(ArtefactError, match="lane_weights"):
        detection.unpack(packed, catalogue.judged, catalogue.lanes)


def test_an_artefact_without_lanes_is_as_it_was_before_there_were_any(
    configured: Settings, model: Model
) -> None:
    catalogue = Pipeline(configured).catalogue
    before = Model(
        **{name: getattr(model, name) for name in model.__dataclass_fields__ if not name.startswith("lane")}
    )
    packed = detection.pack(before)
    assert "lanes" not in msgspec.json.decode(packed.manifest)["content"]
    again = detection.unpack(packed, catalogue.judged, catalogue.lanes)
    assert again.lanes == ()
    found = assessed(configured, again, [*quiet(), *of_burst()])
    assert not np.isnan(found.score).all()
    assert found.lane_surprises.shape == (0, len(found.transactions))


def test_a_lane_that_this_configuration_has_not_is_refused(configured: Settings, model: Model) -> None:
    catalogue = Pipeline(configured).catalogue
    with pytest.raises(ArtefactError, match="take_over"):
        detection.unpack(
            detection.pack(model),
            catalogue.judged,
            tuple(lane for lane in catalogue.lanes if lane.name != "take_over"),
        )
