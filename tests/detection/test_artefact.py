"""A model as two files: the same bytes for the same model, and refused after any change."""

import hashlib
import io
import pickle
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fraudwatch.detection import DETECTORS, Artefact, Model, npz, pack, read, unpack, write
from fraudwatch.detection.arrays import AnyArray
from fraudwatch.detection.artefact import Manifest
from fraudwatch.errors import ArtefactError
from fraudwatch.records import FeatureSpec, FloatArray, Role, Side, Text

Specs = tuple[FeatureSpec, ...]


@pytest.fixture(scope="module")
def artefact(model: Model) -> Artefact:
    return pack(model)


def forged(artefact: Artefact, arrays: bytes | None = None, **manifest: Any) -> Artefact:
    """What somebody who knows how to seal would write."""
    data = artefact.arrays if arrays is None else arrays
    changed = msgspec.structs.replace(
        msgspec.json.decode(artefact.manifest, type=Manifest),
        arrays_sha256=hashlib.sha256(data).hexdigest(),
        **manifest,
    )
    return Artefact(changed.sealed().encode(), data)


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npy(array: Any, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version=(1, 0), allow_pickle=allow_pickle)
    return buffer.getvalue()


@pytest.mark.parametrize("combiner", ["concordance", "max", "top_two"])
def test_a_model_read_back_scores_the_same_to_the_bit(
    fitted: Callable[..., Model], values: FloatArray, specs: Specs, tmp_path: Path, combiner: str
) -> None:
    model = fitted(values, combiner=combiner, detectors=tuple(DETECTORS))
    write(pack(model), tmp_path)
    again = unpack(read(tmp_path), specs)
    for name in ("surprises", "contributions", "score"):
        found, expected = getattr(again.score(values), name), getattr(model.score(values), name)
        assert found.tobytes() == expected.tobytes()
    assert again.version == model.version
    assert again.population == model.population
    assert again.span_ms == model.span_ms
    assert again.transactions_per_day == model.transactions_per_day
    np.testing.assert_array_equal(again.reference, model.reference)
    assert pack(again) == pack(model)


def test_the_version_is_twelve_hexadecimal_digits(model: Model) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", model.version)


def test_numpy_can_open_the_arrays_without_pickles(artefact: Artefact, model: Model) -> None:
    with np.load(io.BytesIO(artefact.arrays), allow_pickle=False) as opened:
        assert set(opened.files) == set(model.arrays())
        np.testing.assert_array_equal(opened["kept_scores"], model.kept_scores)


def test_the_manifest_says_where_the_model_comes_from(artefact: Artefact, model: Model) -> None:
    manifest = msgspec.json.decode(artefact.manifest)
    assert manifest["version"] == model.version
    assert manifest["libraries"].keys() == {"python", "numpy", "numba", "pyod", "scikit-learn"}
    assert manifest["content"]["rows"] == 3_000
    assert manifest["content"]["features"][0] == {
        "name": "amount",
        "side": "high",
        "role": "anchor",
        "window_ms": None,
    }


def test_any_changed_byte_of_either_file_is_refused(artefact: Artefact, specs: Specs) -> None:
    for name in ("manifest", "arrays"):
        data = getattr(artefact, name)
        step = max(1, len(data) // 400)
        for i in [*range(0, len(data), step), len(data) - 1]:
            changed = data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :]
            with pytest.raises(ArtefactError):
                unpack(replace(artefact, **{name: changed}), specs)


@pytest.mark.parametrize("name", ["manifest", "arrays"])
@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_truncated_file_is_refused(artefact: Artefact, specs: Specs, name: str, kept: int) -> None:
    with pytest.raises(ArtefactError):
        unpack(replace(artefact, **{name: getattr(artefact, name)[:kept]}), specs)


@pytest.mark.parametrize(
    "manifest", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": "1"}', b'{"format":1}']
)
def test_something_else_than_a_manifest_is_refused(artefact: Artefact, specs: Specs, manifest: bytes) -> None:
    with pytest.raises(ArtefactError):
        unpack(replace(artefact, manifest=manifest), specs)


def test_an_unknown_format_is_named_and_refused(artefact: Artefact, specs: Specs) -> None:
    with pytest.raises(ArtefactError, match="Expected a model of format 1, found 2"):
        unpack(forged(artefact, format=2), specs)


@pytest.mark.parametrize(
    "change", [{"side": Side.LOW}, {"role": Role.DESCRIPTIVE}, {"window_ms": 1}, {"name": "new"}]
)
def test_another_feature_schema_is_refused_and_the_feature_named(
    artefact: Artefact, specs: Specs, change: dict[str, Any]
) -> None:
    other = (*specs[:2], msgspec.structs.replace(specs[2], **change), *specs[3:])
    with pytest.raises(ArtefactError, match="spend_24h_excess"):
        unpack(artefact, other)


def test_another_order_or_number_of_features_is_refused(artefact: Artefact, specs: Specs) -> None:
    with pytest.raises(ArtefactError, match="another order"):
        unpack(artefact, (specs[1], specs[0], *specs[2:]))
    with pytest.raises(ArtefactError, match="sum_7d"):
        unpack(artefact, specs[:-1])


def test_sentences_may_change_under_a_model(artefact: Artefact, specs: Specs) -> None:
    reworded = tuple(msgspec.structs.replace(spec, sentence=Text(en="b", fr="c")) for spec in specs)
    assert unpack(artefact, reworded).reason_specs[0].sentence.en == "b"


def test_a_detector_or_combiner_of_another_release_is_refused(artefact: Artefact, specs: Specs) -> None:
    content = msgspec.json.decode(artefact.manifest, type=Manifest).content
    unknown = msgspec.structs.replace(content, reasons=[*content.reasons, "lanes"])
    with pytest.raises(ArtefactError, match="lanes"):
        unpack(forged(artefact, content=unknown), specs)
    with pytest.raises(ArtefactError, match="vote"):
        unpack(forged(artefact, content=msgspec.structs.replace(content, combiner="vote")), specs)


def test_a_manifest_of_another_model_is_refused(artefact: Artefact, specs: Specs) -> None:
    content = msgspec.json.decode(artefact.manifest, type=Manifest).content
    other = msgspec.structs.replace(content, population={"mean": 9.0})
    with pytest.raises(ArtefactError, match="its manifest says"):
        unpack(forged(artefact, content=other), specs)


@pytest.mark.parametrize("a_day", [0.0, -5.0, 1e13])
def test_a_model_of_an_impossible_stream_is_refused(artefact: Artefact, specs: Specs, a_day: float) -> None:
    content = msgspec.json.decode(artefact.manifest, type=Manifest).content
    other = msgspec.structs.replace(content, transactions_per_day=a_day)
    with pytest.raises(ArtefactError, match="transactions a day"):
        unpack(forged(artefact, content=other), specs)


def without(arrays: dict[str, AnyArray]) -> None:
    del arrays["features.knots"]


def too_much(arrays: dict[str, AnyArray]) -> None:
    arrays["stowaway"] = np.zeros(3)


def other_dtype(arrays: dict[str, AnyArray]) -> None:
    arrays["features.knots"] = arrays["features.knots"].astype(np.float32)


def other_shape(arrays: dict[str, AnyArray]) -> None:
    arrays["detector.pca.means"] = arrays["detector.pca.means"][:-1]


def not_a_number(arrays: dict[str, AnyArray]) -> None:
    arrays["combiner.concordance.lifts"] = arrays["combiner.concordance.lifts"] * np.nan


def out_of_bounds(arrays: dict[str, AnyArray]) -> None:
    arrays["detector.isolation_forest.columns"] = arrays["detector.isolation_forest.columns"] + np.uint8(200)


def no_bins(arrays: dict[str, AnyArray]) -> None:
    arrays["detector.hbos.log_densities"] = arrays["detector.hbos.log_densities"][:, :0]
    arrays["detector.hbos.edges"] = arrays["detector.hbos.edges"][:, :1]


def impossible(name: str, value: float) -> Callable[[dict[str, AnyArray]], None]:
    def spoil(arrays: dict[str, AnyArray]) -> None:
        arrays[name] = np.full_like(arrays[name], value)

    return spoil


def wrong_ranks(arrays: dict[str, AnyArray]) -> None:
    arrays["kept_positions"] = arrays["kept_positions"][::-1]


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (without, "features.knots"),
        (too_much, "stowaway"),
        (other_dtype, "features.knots.*float64.*float32"),
        (other_shape, "detector.pca.means"),
        (not_a_number, "combiner.concordance.lifts.*NaN"),
        (out_of_bounds, "columns"),
        (wrong_ranks, "kept_positions"),
        (no_bins, "log_densities.*a bin at least"),
        (impossible("features.levels", 1e299), "levels.*surprises from 0 to 20"),
        (impossible("detectors.ceilings", -1.0), "ceilings.*surprises from 0 to 20"),
        (impossible("features.slopes", -1.0), "slopes"),
        (impossible("features.slopes", 1e301), "features.slopes.*past 1e\\+300"),
        (impossible("detector.isolation_forest.lengths", -1e9), "lengths"),
        (impossible("detector.hbos.edges", np.inf), "edges"),
        (impossible("detector.pca.scales", 1e-200), "distances that can be computed"),
        (impossible("combiner.concordance.lifts", 1e299), "lifts.*-20 to 20"),
    ],
)
def test_arrays_that_are_not_the_models_are_refused_even_when_sealed(
    artefact: Artefact,
    model: Model,
    specs: Specs,
    spoil: Callable[[dict[str, AnyArray]], None],
    named: str,
) -> None:
    arrays = model.arrays()
    spoil(arrays)
    with pytest.raises(ArtefactError, match=named):
        unpack(forged(artefact, npz.encode(arrays)), specs)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle ran",))


HUGE = npy(np.zeros(4)).replace(b"(4,), }" + b" " * 12, b"(4000000000000,), }")


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        (b"not a zip", "cannot be read"),
        (zipped({"../../etc/passwd.npy": npy([1.0])}), "names no model has"),
        (zipped({"/abs.npy": npy([1.0])}), "names no model has"),
        (zipped({"knots": npy([1.0])}), "names no model has"),
        (zipped({"knots.npy": npy([1.0])}, zipfile.ZIP_DEFLATED), "compressed"),
        (zipped({"knots.npy": npy([Bomb()], allow_pickle=True)}), "plain numbers"),
        (zipped({"knots.npy": pickle.dumps(Bomb())}), "cannot be read"),
        (zipped({"knots.npy": HUGE}), "found 32 bytes"),
        (zipped({"knots.npy": npy(["text"])}), "plain numbers"),
        (zipped({"knots.npy": npy([1.0])[:-1]}), "cannot be read"),
        (zipped({"knots.npy": b""}), "cannot be read"),
    ],
)
def test_an_archive_that_is_not_ours_is_refused(
    artefact: Artefact, specs: Specs, arrays: bytes, named: str
) -> None:
    with pytest.raises(ArtefactError, match=named):
        unpack(forged(artefact, arrays), specs)


def test_an_archive_larger_than_any_model_is_refused(
    artefact: Artefact, specs: Specs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(artefact, tmp_path)
    monkeypatch.setattr(npz, "LARGEST", len(artefact.arrays) - 1)
    with pytest.raises(ArtefactError, match="larger than"):
        unpack(artefact, specs)
    with pytest.raises(ArtefactError, match="larger than"):
        read(tmp_path)


def test_a_missing_directory_is_a_clear_message(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"Cannot read .*manifest\.json: No such file"):
        read(tmp_path / "nowhere")


def test_writing_leaves_two_files_and_an_interrupted_one_leaves_the_old(
    artefact: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(artefact, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays.npz", "manifest.json"]

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(Artefact(b"{}", b""), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays.npz", "manifest.json"]
    assert read(tmp_path) == artefact
