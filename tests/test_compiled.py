"""Compiled kernels: what lies on disk is fresh, and plain Python says the same."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fraudwatch import compiled
from fraudwatch.detection.detectors import isolation_forest
from fraudwatch.features.kernels.exact import halved

CALLER = """
from package.callee import twice
from package.compiled import compiled

@compiled
def caller(number):
    return twice(number) + 1

print(caller(10), sum(caller.stats.cache_hits.values()))
"""

FOLDING = """
import hashlib
import numpy as np
from fraudwatch.config.settings import Features, Settings
from fraudwatch.decode.columns import by_column
from fraudwatch.features import History
from fraudwatch.records import Transaction

def of(i):
    return Transaction(
        str(i), f"a{i * i % 7 % 3}", 1_530_000_000_000 + i * 5_000_000 - (i % 7) * 9_000_000, (i * 7919) % 90_001,
        "EUR", counterparty_id=f"c{i * i % 11}", direction=("credit", "debit", None)[i % 3],
        status=("declined", "reversed", None, None, None)[i % 5], device_id=f"d{i // 50}",
        latitude=(i * 37 % 1700) / 10 - 85 if i % 4 else None, longitude=(i * 53 % 3500) / 10 - 175,
    )

rows = np.arange(400)
stream = by_column([of(i % 390) for i in range(400)], rows, rows)
for most in (100, 2):
    history = History(Settings(features=Features(max_accounts=most)), described=True)
    observed = history.fold(stream)
    found = [observed.columns, observed.composites, observed.outcome, observed.new_accounts]
    found += [*history.evidence(stream.accounts[-1], 399, 9)]
    for array in [*found, *history.state().values()]:
        print(hashlib.sha256(array.tobytes()).hexdigest())
    print(observed.evicted, observed.returned, observed.conflicts)
"""


def run(code: str, **environment: str) -> str:
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    return found.stdout.strip()


def test_machine_code_on_disk_is_not_used_once_a_function_it_calls_has_changed(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(compiled.__file__, package / "compiled.py")
    for empty in ("__init__.py", "mixing.py", "records.py"):
        (package / empty).write_text("")
    (package / "caller.py").write_text(CALLER)
    environment = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def call(factor: int) -> list[str]:
        callee = (
            f"from package.compiled import compiled\n\n@compiled\ndef twice(n):\n    return n * {factor}\n"
        )
        (package / "callee.py").write_text(callee)
        return run("import package.caller", **environment).split()

    assert call(2) == ["21", "0"]
    assert call(2) == ["21", "1"]
    assert call(3) == ["31", "0"]


def test_a_kernel_that_cannot_be_kept_on_disk_is_compiled_all_the_same() -> None:
    from_no_file = "from fraudwatch.compiled import compiled; print(compiled(lambda n: n + 1)(1))"
    assert run(from_no_file) == "2"


def test_plain_python_folds_to_the_same_bits() -> None:
    assert run(FOLDING) == run(FOLDING, NUMBA_DISABLE_JIT="1")


def test_what_is_left_of_a_pressure_has_the_bits_of_plain_python() -> None:
    plain = getattr(halved, "py_func", halved)
    milliseconds = np.random.default_rng(0).integers(0, 30 * 86_400_000, 20_000).tolist()
    assert [halved(each) for each in milliseconds] == [plain(each) for each in milliseconds]


def test_the_path_lengths_of_a_forest_have_the_bits_of_plain_python(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    forest = isolation_forest.IsolationForest(
        columns=np.zeros((2, 7), dtype=np.uint8),
        thresholds=np.sort(random.random((2, 7))).astype(np.float32),
        lengths=random.random((2, 8)),
        scale=np.array([1.0, 1.7, -0.5]),
    )
    lengths = random.random((400, 2, 8)) * 9
    rows = random.random((20, 1))

    def scores() -> list[list[float]]:
        return [replace(forest, lengths=each).score(rows).tolist() for each in lengths]

    compiled_scores = scores()
    monkeypatch.setattr(
        isolation_forest, "_walk", getattr(isolation_forest._walk, "py_func", isolation_forest._walk)
    )
    assert scores() == compiled_scores


@compiled.compiled
def asked_for(table: np.ndarray, place: int) -> int:
    compiled.prefetch(table, place)
    return place


@pytest.mark.parametrize("place", [0, 9, 10, -1, 10**12, -(10**12)])
def test_any_place_may_be_asked_for_ahead(place: int) -> None:
    table = np.zeros((10, 3), dtype=np.dtype([("wide", np.int64, (30,))])).view(np.recarray)
    assert asked_for(table, place) == place
