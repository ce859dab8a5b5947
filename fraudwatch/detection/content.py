"""What a model says of itself, apart from its arrays, and the version that follows from both."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from fraudwatch.detection.arrays import AnyArray, digest
from fraudwatch.records import FeatureSpec, LaneSpec


class FeatureSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a feature must agree on for a model fitted on it to be right about it. Sentences may change."""

    name: str
    side: str
    role: str
    window_ms: int | None


class Feeding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a model's lifts were fed: of which fit, `parent` being the version before, and up to which event time."""

    fit: str
    parent: str
    until_ms: int


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The model's facts: features (with the sha256 of their schema), reasons in order, the training, names of lanes.

    A model without lanes says nothing of them, as those did that were made before there were any, and only one whose
    lifts were fed says something of that.
    """

    features: list[FeatureSchema]
    schema_sha256: str
    reasons: list[str]
    combiner: str
    seed: int
    span_ms: tuple[int, int]
    rows: int
    transactions_per_day: float
    population: dict[str, float]
    lanes: list[str] = []
    feeding: Feeding | None = None

    @property
    def detectors(self) -> list[str]:
        """Names of the detectors, in order: the reasons after the features."""
        return self.reasons[len(self.features) :]


def schema_of(specs: Sequence[FeatureSpec]) -> list[FeatureSchema]:
    """The part of the specs a model depends on."""
    return [FeatureSchema(spec.name, spec.side.value, spec.role.value, spec.window_ms) for spec in specs]


def schema_sha256(features: Sequence[FeatureSchema]) -> str:
    """sha256 of a feature schema, as 64 hexadecimal digits."""
    return hashlib.sha256(msgspec.json.encode(features, order="deterministic")).hexdigest()


def describe(
    specs: Sequence[FeatureSpec],
    *,
    reasons: Sequence[FeatureSpec],
    combiner: str,
    seed: int,
    span_ms: tuple[int, int],
    rows: int,
    transactions_per_day: float,
    population: Mapping[str, float],
    lanes: Sequence[LaneSpec],
    feeding: Feeding | None = None,
) -> Content:
    """The content of a model over these features and reasons."""
    features = schema_of(specs)
    return Content(
        features=features,
        schema_sha256=schema_sha256(features),
        reasons=[spec.name for spec in reasons],
        combiner=combiner,
        seed=seed,
        span_ms=span_ms,
        rows=rows,
        transactions_per_day=transactions_per_day,
        population=dict(population),
        lanes=[lane.name for lane in lanes],
        feeding=feeding,
    )


def version_of(content: Content, arrays: Mapping[str, AnyArray]) -> str:
    """First 12 hexadecimal digits of sha256 over content and arrays.

    Library and product versions do not count: the same numbers are the same model.
    """
    state = hashlib.sha256(msgspec.json.encode(content, order="deterministic"))
    state.update(digest(arrays))
    return state.hexdigest()[:12]
