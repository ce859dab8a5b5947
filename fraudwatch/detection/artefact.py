"""A model as two files: `manifest.json`, for people and for checks, and `arrays.npz`, for NumPy.

The manifest holds the sha256 of the arrays and a seal over itself; both files are refused after any change.
(A seal is no signature: who can write to the models topic can also seal. What keeps a stranger out is the
broker's access control; what he sends can still only be numbers, checked before a kernel reads them.)
"""

import hashlib
import os
import sys
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

import msgspec
import numpy as np

from fraudwatch.detection import npz
from fraudwatch.detection.arrays import AnyArray, ArrayReader, Arrays, reject_unless
from fraudwatch.detection.combine import COMBINERS
from fraudwatch.detection.content import Content, schema_of, schema_sha256
from fraudwatch.detection.detectors import DETECTORS
from fraudwatch.detection.earned import LEAST
from fraudwatch.detection.model import LANE_WEIGHTS, Model, detector_inputs, episode_tails
from fraudwatch.detection.surprise import TailTables
from fraudwatch.detection.usual import Usual
from fraudwatch.errors import ArtefactError
from fraudwatch.records import FeatureSpec, LaneSpec, Side

FORMAT = 1
MANIFEST, ARRAYS = "manifest.json", "arrays.npz"

LARGEST_MANIFEST = 4 * 2**20

LARGEST_SAMPLE = 10_000_000
"""`Model.reference` has a number for each training row; a stranger's artefact may not ask for gigabytes."""

MOST_A_DAY = 1e12
"""Transactions that a model may expect a day: 11 million a second."""


@dataclass(frozen=True)
class Artefact:
    """The bytes of both files."""

    manifest: bytes
    arrays: bytes


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `manifest.json` holds; `seal` is the sha256 of the manifest with an empty seal."""

    format: int
    product: str
    libraries: dict[str, str]
    version: str
    arrays_sha256: str
    content: Content
    seal: str = ""

    def sealed(self) -> "Manifest":
        """The same with its seal."""
        blank = msgspec.structs.replace(self, seal="")
        return msgspec.structs.replace(blank, seal=hashlib.sha256(blank.encode()).hexdigest())

    def encode(self) -> bytes:
        """The one way this manifest is written."""
        return msgspec.json.format(msgspec.json.encode(self, order="deterministic"), indent=2) + b"\n"


def pack(model: Model) -> Artefact:
    """The model as bytes; the same model gives the same bytes under the same versions of the libraries."""
    arrays = npz.encode(model.arrays())
    manifest = Manifest(
        format=FORMAT,
        product=installed_version("fraudwatch"),
        libraries=_libraries(),
        version=model.version,
        arrays_sha256=hashlib.sha256(arrays).hexdigest(),
        content=model.content,
    )
    return Artefact(manifest.sealed().encode(), arrays)


def pack_change(model: Model) -> Artefact:
    """Of a model whose lifts were fed what is not its fit's: the manifest, and the arrays of its lifts (some KB)."""
    change = npz.encode(_of_combiner(model.arrays()))
    return Artefact(pack(model).manifest, change)


def changed(fitted: Artefact, change: Artefact) -> Artefact:
    """The whole again that `pack_change` is the change of. Raises ArtefactError for what is none of ours.

    Whether they belong together, `unpack` says.
    """
    arrays = npz.decode(fitted.arrays)
    stays = {name: array for name, array in arrays.items() if name not in _of_combiner(arrays)}
    return Artefact(change.manifest, npz.encode(stays | npz.decode(change.arrays)))


def _of_combiner(arrays: Arrays) -> Arrays:
    return {name: array for name, array in arrays.items() if name.startswith("combiner.")}


def unpack(artefact: Artefact, specs: tuple[FeatureSpec, ...], lanes: tuple[LaneSpec, ...] = ()) -> Model:
    """The model of an artefact, for these features and, of these lanes, those that it was trained with.

    Raises ArtefactError when a byte changed, the format is unknown, the features differ in name, side, role or
    window, a lane is another one, or an array is missing, too much, or of another dtype or shape.
    """
    manifest = _checked_manifest(artefact, specs)
    reader = ArrayReader(npz.decode(artefact.arrays))
    model = _assemble(manifest.content, reader, specs, _trained_with(manifest.content, lanes))
    reader.finish()
    if model.version != manifest.version:
        raise ArtefactError(
            f"The model is {model.version}, its manifest says {manifest.version}; train it again."
        )
    return model


def write(artefact: Artefact, directory: Path) -> None:
    """Write both files, each whole or not at all; the manifest last, since it vouches for the arrays."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in ((ARRAYS, artefact.arrays), (MANIFEST, artefact.manifest)):
        temporary = directory / f".{name}.{os.getpid()}.tmp"
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(directory / name)
        finally:
            temporary.unlink(missing_ok=True)


def read(directory: Path) -> Artefact:
    """Both files of a directory; raises ArtefactError when one is missing or larger than any model."""
    return Artefact(
        _read_file(directory / MANIFEST, LARGEST_MANIFEST), _read_file(directory / ARRAYS, npz.LARGEST)
    )


def _read_file(path: Path, largest: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as problem:
        raise ArtefactError(
            f"Cannot read {path}: {problem.strerror}. Name the directory `fraudwatch train` wrote."
        ) from problem
    if len(data) > largest:
        raise ArtefactError(f"{path} is larger than {largest} bytes: not a model of ours.")
    return data


def _checked_manifest(artefact: Artefact, specs: tuple[FeatureSpec, ...]) -> Manifest:
    manifest = _parsed(artefact.manifest)
    if manifest.sealed().encode() != artefact.manifest:
        raise ArtefactError("The model's manifest was changed after it was written; fetch or train it again.")
    if hashlib.sha256(artefact.arrays).hexdigest() != manifest.arrays_sha256:
        raise ArtefactError(
            "The model's arrays are not those its manifest vouches for; fetch or train it again."
        )
    _check_schema(manifest.content, specs)
    return manifest


def _parsed(data: bytes) -> Manifest:
    if len(data) > LARGEST_MANIFEST:
        raise ArtefactError(f"The model's manifest is larger than {LARGEST_MANIFEST} bytes.")
    try:
        found = msgspec.json.decode(data)
        number = found.get("format") if isinstance(found, dict) else None
        if number != FORMAT:
            raise ArtefactError(
                f"Expected a model of format {FORMAT}, found {number!r}; "
                "use the release of fraudwatch that wrote it, or train it again."
            )
        return msgspec.convert(found, Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise ArtefactError(f"The model's manifest cannot be read: {problem}.") from problem


def _check_schema(content: Content, specs: tuple[FeatureSpec, ...]) -> None:
    expected = schema_of(specs)
    if content.schema_sha256 != schema_sha256(content.features):
        raise ArtefactError("The model's feature schema does not have the sha256 its manifest gives.")
    if content.features == expected:
        return
    trained = {feature.name: feature for feature in content.features}
    wanted = {feature.name: feature for feature in expected}
    different = sorted(
        name for name in trained.keys() | wanted.keys() if trained.get(name) != wanted.get(name)
    )
    raise ArtefactError(
        "The model was trained on other features than this configuration computes "
        f"({', '.join(different) or 'another order'}); train it again with this configuration."
    )


def _trained_with(content: Content, lanes: tuple[LaneSpec, ...]) -> tuple[LaneSpec, ...]:
    known = {lane.name: lane for lane in lanes}
    if unknown := [name for name in content.lanes if name not in known]:
        raise ArtefactError(
            f"The model was trained with lanes that this configuration has not ({', '.join(unknown)}); train it again "
            "with this configuration."
        )
    return tuple(known[name] for name in dict.fromkeys(content.lanes))


def _assemble(
    content: Content, reader: ArrayReader, specs: tuple[FeatureSpec, ...], lanes: tuple[LaneSpec, ...]
) -> Model:
    unknown = [name for name in content.detectors if name not in DETECTORS]
    if unknown or content.combiner not in COMBINERS:
        raise ArtefactError(
            f"The model needs {', '.join([*unknown, content.combiner])}, of which this release knows "
            f"{', '.join([*DETECTORS, *COMBINERS])}; use the release that wrote it, or train it again."
        )
    if content.reasons[: len(specs)] != [spec.name for spec in specs]:
        raise ArtefactError("The model's reasons do not begin with its features; train it again.")
    if not 0.0 < content.transactions_per_day <= MOST_A_DAY:
        raise ArtefactError(
            f"The model expects {content.transactions_per_day:g} transactions a day, where a number above 0 and "
            f"up to {MOST_A_DAY:g} should be; train it again."
        )
    kinds = [DETECTORS[name] for name in content.detectors]
    reasons = specs + tuple(kind.spec for kind in kinds)
    width = len(detector_inputs(specs))
    combiner = COMBINERS[content.combiner]
    kept_scores = reader.take("kept_scores", np.float64, (None,))
    kept_positions = reader.take("kept_positions", np.int64, kept_scores.shape)
    _check_kept(kept_scores, kept_positions, content.rows)
    return Model(
        specs=specs,
        tables=TailTables.load(reader.under("features"), [spec.side for spec in specs]),
        detectors=tuple(kind.load(reader.under(f"detector.{kind.spec.name}"), width) for kind in kinds),
        detector_tables=TailTables.load(reader.under("detectors"), [kind.spec.side for kind in kinds]),
        combiner=combiner.load(reader.under(f"combiner.{content.combiner}"), reasons),
        usual=Usual.load(reader.under("usual"), len(specs)),
        kept_scores=kept_scores,
        kept_positions=kept_positions,
        rows=content.rows,
        population=content.population,
        transactions_per_day=content.transactions_per_day,
        span_ms=content.span_ms,
        seed=content.seed,
        lanes=lanes,
        lane_tables=TailTables.load(reader.under("lanes"), [Side.HIGH] * len(lanes))
        if lanes
        else episode_tails(np.empty((0, 0))),
        lane_weights=_lane_weights(reader, len(lanes)),
        feeding=content.feeding,
    )


def _lane_weights(reader: ArrayReader, lanes: int) -> AnyArray | None:
    if not reader.holds(LANE_WEIGHTS):
        return None
    weights = reader.take(LANE_WEIGHTS, np.float64, (lanes,))
    is_part = bool(((weights >= LEAST) & (weights <= 1.0)).all())
    reject_unless(is_part, LANE_WEIGHTS, f"parts of a whole share, from {LEAST:g} to 1")
    return weights


def _check_kept(scores: AnyArray, positions: AnyArray, rows: int) -> None:
    is_descending = bool((np.diff(scores) <= 0).all())
    reject_unless(scores.size > 0 and is_descending, "kept_scores", "descending scores")
    is_whole = positions[0] == 0 and positions[-1] == rows - 1 and bool((np.diff(positions) > 0).all())
    reject_unless(is_whole and rows <= LARGEST_SAMPLE, "kept_positions", f"positions among {rows} rows")


def _libraries() -> dict[str, str]:
    names = ("numpy", "numba", "pyod", "scikit-learn")
    return {"python": sys.version.split()[0]} | {name: installed_version(name) for name in names}
