"""3. Compiled scorers beside the PyOD detectors they were exported from: µs a row, by batch."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from prepared import PYOD_CLASSES, recorded_fits
from reporting import Answer, Table, median, rounded, say
from scale import Scale

from fraudwatch.detection import COMPILED

WIDTH = 6
"""Contexts of the default features."""
SEED = 20
LEAST_SECONDS = 0.05
"""A timing repeats the call for at least this long."""


def measure(scale: Scale) -> Answer:
    """The question's answer."""
    rows = _rows(scale.scored_rows)
    figures: dict[str, Any] = {}
    for name, detector in COMPILED.items():
        say(f"fitting {name} on {len(rows):,} rows")
        with recorded_fits() as fits:
            compiled = detector.fit(rows, SEED)
        pyod = fits[PYOD_CLASSES[name]]
        forms = {"compiled": compiled.score, "pyod": pyod.decision_function}
        figures[name] = {str(batch): _of_batch(forms, _fresh(batch), scale) for batch in scale.batches}
        figures[name]["largest_difference"] = _difference(forms, _fresh(64))
    return Answer({"scorers": figures}, [_table(figures, scale)])


def _rows(count: int, seed: int = 1) -> Any:
    """Like surprises: −log10 of a uniform variable, half of the columns going together."""
    random = np.random.default_rng(seed)
    alone, shared = random.random((count, WIDTH)), random.random((count, 1))
    together = np.where(np.arange(WIDTH) % 2 == 0, alone, np.minimum(alone, shared))
    return np.ascontiguousarray(-np.log10(1.0 - together * (1.0 - 1e-12)))


def _fresh(count: int) -> Any:
    return _rows(count, seed=2)


def _of_batch(forms: dict[str, Callable[[Any], Any]], rows: Any, scale: Scale) -> dict[str, float]:
    """Median µs a row of each form, in turns, and how many times faster the compiled one is."""
    times: dict[str, list[float]] = {form: [] for form in forms}
    for form in forms.values():
        _quiet(form, rows)
    for _ in range(scale.rounds):
        for form, score in forms.items():
            times[form].append(_microseconds(score, rows))
    found = {form: median(values) for form, values in times.items()}
    return found | {"ratio": found["pyod"] / found["compiled"]}


def _microseconds(score: Callable[[Any], Any], rows: Any) -> float:
    calls, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < LEAST_SECONDS:
        _quiet(score, rows)
        calls += 1
    return spent / calls / len(rows) * 1e6


def _quiet(score: Callable[[Any], Any], rows: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return score(rows)


def _difference(forms: dict[str, Callable[[Any], Any]], rows: Any) -> float:
    """Of rows scored one by one: some of PyOD's detectors look at the other rows of a call."""
    alone = {
        form: np.array([float(_quiet(score, rows[i : i + 1])[0]) for i in range(len(rows))])
        for form, score in forms.items()
    }
    return float(np.abs(alone["compiled"] - alone["pyod"]).max())


def _table(figures: dict[str, Any], scale: Scale) -> Table:
    rows = [
        (
            f"{name}, batch {batch}",
            rounded(figures[name][str(batch)]["compiled"], 2),
            rounded(figures[name][str(batch)]["pyod"], 2),
            rounded(figures[name][str(batch)]["ratio"], 0),
            f"{figures[name]['largest_difference']:.0e}",
        )
        for name in figures
        for batch in scale.batches
    ]
    return Table(
        "3. Compiled scorers and PyOD's decision_function: µs a row",
        ("detector", "compiled", "PyOD", "times faster", "largest difference"),
        rows,
        (
            f"Medians of {scale.rounds} alternating rounds; {WIDTH} columns, fitted on {scale.scored_rows:,} rows.",
        ),
    )
