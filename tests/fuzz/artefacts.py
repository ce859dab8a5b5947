"""Artefacts as somebody would send them who knows how to seal: a real one, edited, its hashes and seal right again.

So the checksums are passed, and what is tried is the checking of the content before a compiled kernel reads it.
"""

import hashlib
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from fraudwatch.config.settings import Settings
from fraudwatch.detection import Artefact, Model, npz, pack
from fraudwatch.detection.arrays import AnyArray, Arrays
from fraudwatch.detection.artefact import Manifest
from fraudwatch.detection.content import Content, schema_sha256, version_of
from fraudwatch.errors import ArtefactError
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import NO_TIMESTAMP, Chunk, FloatArray, Record
from fraudwatch.stream.real import real_parts

FEW_TREES = 4
"""Of the forest's hundred: the same checks, and an input runs twenty times as fast."""

_LARGE = (1e300, 1.7e308, np.inf)
FLOATS = (0.0, -0.0, 0.5, 1.0, 7.25, -1.0, 1e-300, 5e-324, np.nan, *_LARGE, *(-large for large in _LARGE))
WHOLES = (0, 1, -1, 2, 7, 255, 256, 2**31 - 1, 2**31, 2**62, 2**63 - 1, -(2**63), 100_000_000, 1_000_000_000)
TEXTS = ("", "x" * 300, "max", "top_two", "concordance", "hbos", "isolation_forest", "amount", "mean", "rate")


class Edits:
    """Bytes read as choices; when they are used up every choice is the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def __bool__(self) -> bool:
        return self._place < len(self._data)

    def below(self, count: int) -> int:
        """A number under `count` from one byte, or two where there are many."""
        width = 1 if count <= 256 else 3
        taken = self._data[self._place : self._place + width]
        self._place += width
        return int.from_bytes(taken, "little") % max(count, 1)

    def of(self, choices: Any) -> Any:
        return choices[self.below(len(choices))]


class Forge:
    """Edits one real artefact, and tries what comes of it the way a worker would."""

    def __init__(self, settings: Settings, model: Model, rows: list[dict[str, object]]) -> None:
        pipeline = Pipeline(settings, model=thinned(model))
        self._load = real_parts(settings).load
        self._specs = pipeline.catalogue.judged
        self._pipeline = pipeline
        self._manifest = msgspec.json.decode(pack(thinned(model)).manifest)
        self._arrays = thinned(model).arrays()
        self._rows = rows
        self._tried = 0
        pipeline.fold(Chunk.of(self._records()))  # nobody's first transaction is scored
        self._values = strange_values(len(self._specs))
        self.real = pack(thinned(model))

    def edited(self, data: bytes) -> None:
        """The real artefact after the edits that these bytes stand for."""
        edits = Edits(data)
        manifest = self._copy()
        arrays = dict(self._arrays)
        while edits:
            match edits.below(4):
                case 0:
                    edit_manifest(manifest, edits)
                case 1:
                    resize(manifest, arrays, edits)
                case _:
                    edit_array(arrays, edits)
        self.try_out(sealed(manifest, arrays, npz.encode(arrays)))

    def with_arrays(self, data: bytes) -> None:
        """Any bytes as arrays.npz, under a manifest that vouches for them; arrays among them replace real ones."""
        self.try_out(sealed(self._copy(), None, data))
        try:
            found = npz.decode(data)
        except ArtefactError:
            return
        arrays = {**self._arrays, **found}
        self.try_out(sealed(self._copy(), arrays, npz.encode(arrays)))

    def with_manifest(self, data: bytes) -> None:
        """Any bytes as manifest.json; what they say, where they are an object, laid over the real one and sealed."""
        self.try_out(Artefact(data, self.real.arrays))
        try:
            said = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if not isinstance(said, dict):
            return
        content = said.get("content", {})
        if isinstance(content, dict):
            content = {**self._manifest["content"], **content}
        self.try_out(sealed({**self._copy(), **said, "content": content}, self._arrays, self.real.arrays))

    def _copy(self) -> dict[str, Any]:
        copied: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self._manifest))
        return copied

    def try_out(self, artefact: Artefact) -> None:
        """Refused with a message, or it scores: alone, and as the model of a partition."""
        try:
            model = self._load(artefact)
        except ArtefactError:
            return
        scores = model.score(self._values)
        assert scores.score.shape == (len(self._values),)
        assert not np.isinf(scores.score).any()
        self._pipeline.use(model)
        batch = self._pipeline.fold(Chunk.of(self._records()))
        assert len(batch.assessments.transactions) == len(self._rows)
        assert not np.isnan(batch.assessments.score).any()

    def _records(self) -> list[Record]:
        """The rows once more, under ids that were not seen before."""
        self._tried += 1
        rows = [row | {"transaction_id": f"{self._tried}-{place}"} for place, row in enumerate(self._rows)]
        return [Record("t", 0, 0, NO_TIMESTAMP, None, msgspec.json.encode(row)) for row in rows]


def thinned(model: Model) -> Model:
    """The same with a forest of few trees."""
    detectors = tuple(
        replace(
            detector,
            columns=detector.columns[:FEW_TREES],
            thresholds=detector.thresholds[:FEW_TREES],
            lengths=detector.lengths[:FEW_TREES],
        )
        if detector.spec.name == "isolation_forest"
        else detector
        for detector in model.detectors
    )
    return replace(model, detectors=detectors)


def strange_values(width: int) -> FloatArray:
    """Feature values float64[n, width] that a catalogue could give at the most: missing, zero, huge."""
    ordinary = np.random.default_rng(3).normal(size=(4, width))
    extreme = [np.full(width, value) for value in (0.0, 1e12, -1e12, 23.0, np.nan)]
    return np.vstack([ordinary, *extreme])


def sealed(manifest: dict[str, Any], arrays: Arrays | None, data: bytes) -> Artefact:
    """The artefact with every hash right; `arrays` None: the version stays as it was."""
    manifest["arrays_sha256"] = hashlib.sha256(data).hexdigest()
    try:
        content = msgspec.convert(manifest["content"], Content)
        content = msgspec.structs.replace(content, schema_sha256=schema_sha256(content.features))
        if arrays is not None:
            manifest["version"] = version_of(content, arrays)
        whole = msgspec.convert({**manifest, "content": msgspec.to_builtins(content)}, Manifest)
        return Artefact(whole.sealed().encode(), data)
    except (msgspec.ValidationError, msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return Artefact(msgspec.json.encode(manifest), data)  # no manifest at all: refused before its seal


def edit_manifest(manifest: dict[str, Any], edits: Edits) -> None:
    """One change of what the manifest says."""
    content = manifest["content"]
    match edits.below(8):
        case 0:
            content[edits.of(["rows", "seed", "schema_sha256"])] = edits.of([*WHOLES, *TEXTS, None])
        case 1:
            content["transactions_per_day"] = edits.of([*FLOATS, None])
        case 2:
            content["span_ms"] = [edits.of(WHOLES), edits.of(WHOLES)]
        case 3:
            content["population"][edits.of([*content["population"], "another"])] = edits.of([*FLOATS, None])
        case 4:
            content["population"].pop(edits.of([*content["population"], "another"]), None)
        case 5:
            content["combiner"] = edits.of(TEXTS)
        case 6:
            reasons = content["reasons"]
            place = edits.below(len(reasons) + 1)
            reasons[place : place + edits.below(3)] = [edits.of(TEXTS)] * edits.below(3)
        case _:
            features = content["features"]
            place = edits.below(len(features))
            features[place : place + edits.below(2)] = features[place : place + edits.below(2)]


def resize(manifest: dict[str, Any], arrays: Arrays, edits: Edits) -> None:
    """Arrays that belong together, made smaller or larger together, so that their shapes still agree."""
    size = edits.of([0, 1, 2, 3, 1_000])
    match edits.below(7):
        case 0:
            columns = arrays.get("detector.hbos.log_densities", np.zeros((0, 0)))
            arrays["detector.hbos.log_densities"] = np.resize(columns, (len(columns), size))
            arrays["detector.hbos.edges"] = np.tile(np.arange(size + 1.0), (len(columns), 1))
        case 1:
            leaves = 2 ** min(size, 10)
            for name, width in (("columns", leaves - 1), ("thresholds", leaves - 1), ("lengths", leaves)):
                whole = f"detector.isolation_forest.{name}"
                if whole in arrays:
                    arrays[whole] = np.resize(arrays[whole], (size % 7, width))
        case 2:
            width = arrays.get("detector.pca.means", np.zeros(1)).size
            arrays["detector.pca.components"] = np.ones((size, width))
            arrays["detector.pca.shares"] = np.ones(size)
        case 3:
            rows = edits.of([size, 10_000_000, 100_000_000, 2**40])
            manifest["content"]["rows"] = rows
            arrays["kept_scores"] = np.array([5.0, 1.0])
            arrays["kept_positions"] = np.array([0, rows - 1])
        case 4:  # fewer than `start` counts on
            part = edits.of(["features", "detectors"])
            for name in (f"{part}.knots", f"{part}.levels"):
                if name in arrays:
                    arrays[name] = arrays[name][:size]
        case 5:
            for name in ("combiner.concordance.cuts", "combiner.concordance.lifts"):
                if name in arrays:
                    arrays[name] = arrays[name][1:]
        case _:
            part = edits.of(["features", "detectors"])
            start = arrays.get(f"{part}.start", np.zeros(1, np.int64))
            arrays[f"{part}.start"] = np.arange(start.size) * size
            arrays[f"{part}.knots"] = np.arange(float(size * (start.size - 1)))
            arrays[f"{part}.levels"] = np.ones(size * max(start.size - 1, 0))


def edit_array(arrays: Arrays, edits: Edits) -> None:
    """One change of one array."""
    if not arrays:
        return
    name = edits.of(sorted(arrays))
    array = np.array(arrays[name])
    match edits.below(8):
        case 0 | 1 | 2:
            if array.size:
                array.flat[edits.below(array.size)] = special(array, edits)
        case 3:
            array.fill(special(array, edits))
        case 4:
            doubled = np.concatenate([array, array])
            array = edits.of([array[:-1], array[1:], doubled, array.ravel(), array[None]])
        case 5:
            array = array.astype(edits.of(["<f8", "<f4", "<i8", "u1", "<i4", ">f8", "?"]))
        case 6:
            array = edits.of([np.sort(array, axis=None), array.ravel()[::-1]]).reshape(array.shape)
        case _:
            del arrays[name]
            array = edits.of([array, np.zeros(0), np.zeros(3)])
            name = edits.of([name, "features.knots", "another"])
    arrays[name] = array


def special(array: AnyArray, edits: Edits) -> Any:
    """A value of the array's own kind that checks might forget."""
    choices = FLOATS if array.dtype.kind == "f" else WHOLES
    with np.errstate(all="ignore"):
        return np.array(edits.of(choices)).astype(array.dtype)
