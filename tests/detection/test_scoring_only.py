"""What a process does that only scores: another one than that which fitted the model."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fraudwatch.detection import COMPILED, Model, pack, write
from fraudwatch.records import FeatureSpec, FloatArray

Specs = tuple[FeatureSpec, ...]

LOADED = """
import sys
from pathlib import Path
import msgspec, numpy as np
from fraudwatch.detection import read, unpack, warm_up
from fraudwatch.records import FeatureSpec
here = Path(sys.argv[1])
model = unpack(read(here), msgspec.json.decode((here / "specs.json").read_bytes(), type=tuple[FeatureSpec, ...]))
warm_up(model)
"""

SCORES = (
    LOADED
    + """
rows = np.load(here / "rows.npy")
np.savez(here / "scores.npz", score=model.score(rows).score, judged=model.judge(rows)[0])
print(sorted(sys.modules))
"""
)

COMPILES_NO_MORE = (
    LOADED
    + """
def compiled():
    kernels = [vars(module) for name, module in sys.modules.items() if name.startswith("fraudwatch.detection")]
    return sorted({
        (kernel.py_func.__qualname__, str(signature))
        for names in kernels for kernel in names.values() if hasattr(kernel, "signatures")
        for signature in kernel.signatures
    })
before = compiled()
rows = np.load(here / "rows.npy")
read_only = rows.copy()
read_only.setflags(write=False)
for asked in (rows, rows[:0], rows[:1], rows[::2], np.asfortranarray(rows), read_only, np.repeat(rows, 9, axis=0)):
    model.judge(asked)
    model.score(asked)
print(len(before) > 5, [kernel for kernel in compiled() if kernel not in before])
"""
)

IMPORTS = "import sys, fraudwatch.{module}\nprint(sorted(sys.modules))"

FITTING_ONLY = {"pyod", "sklearn", "joblib", "pandas", "threadpoolctl"}
"""SciPy is not among them: numba imports its outermost package, to look at its version."""


@pytest.fixture(scope="module")
def rows(values: FloatArray) -> FloatArray:
    holes = np.where(np.eye(values.shape[1], dtype=bool), np.nan, values[: values.shape[1]])
    return np.concatenate([values[:100], holes, values[:5] * 1e9])


def python(program: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def written(model: Model, specs: Specs, rows: FloatArray, directory: Path) -> str:
    write(pack(model), directory)
    (directory / "specs.json").write_bytes(msgspec.json.encode(specs))
    np.save(directory / "rows.npy", rows)
    return str(directory)


def packages(modules: str) -> set[str]:
    return {name.strip("[]' \n").partition(".")[0] for name in modules.split(",")}


@pytest.mark.parametrize("combiner", ["concordance", "top_two"])
@pytest.mark.parametrize("environment", [{}, {"NUMBA_DISABLE_JIT": "1"}], ids=["compiled", "plain"])
def test_another_process_scores_the_same_without_importing_pyod(
    fitted: Callable[..., Model],
    values: FloatArray,
    specs: Specs,
    rows: FloatArray,
    tmp_path: Path,
    environment: dict[str, str],
    combiner: str,
) -> None:
    model = fitted(values, detectors=tuple(COMPILED), combiner=combiner)
    modules = python(SCORES, written(model, specs, rows, tmp_path), **environment)
    assert not packages(modules) & FITTING_ONLY
    assert "scipy.stats" not in modules
    # In plain Python 2**x is another library's: its last bit may differ, not more.
    tolerance: dict[str, Any] = {"rtol": 0, "atol": 1e-9 if environment else 0}
    with np.load(tmp_path / "scores.npz") as found:
        np.testing.assert_allclose(found["score"], model.score(rows).score, **tolerance)
        assert found["judged"].tobytes() == found["score"].tobytes()


@pytest.mark.parametrize("combiner", ["concordance", "max"])
def test_after_warming_up_nothing_is_compiled_any_more(
    fitted: Callable[..., Model], values: FloatArray, specs: Specs, tmp_path: Path, combiner: str
) -> None:
    model = fitted(values, detectors=tuple(COMPILED), combiner=combiner)
    directory = written(model, specs, values[:200], tmp_path)
    assert python(COMPILES_NO_MORE, directory, NUMBA_DISABLE_JIT="0") == "True []\n"


@pytest.mark.parametrize("module", ["detection", "pipeline", "stream", "cli.worker"])
def test_what_a_worker_imports_does_not_bring_pyod(module: str) -> None:
    assert not packages(python(IMPORTS.format(module=module), PYTHONWARNINGS="")) & FITTING_ONLY
