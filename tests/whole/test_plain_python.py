"""The whole way from bytes to alerts in plain Python, where numba is switched off, is the compiled one."""

import os
import runpy
import subprocess
import sys
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fraudwatch import detection
from fraudwatch.config.loading import dump, load
from fraudwatch.pipeline import Pipeline, TrainingSample, train_artefact
from fraudwatch.records import Chunk, Record
from fraudwatch.simulate import Plan, messages

CONFIGURATION = Path(__file__).parents[2] / "configs" / "simulated.yaml"
PROGRAM = Path(__file__).with_name("folded.py")
TRAINED_ON, FOLDED = 2_500, 340


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Settings that alert often, a model, and records of which some are repeated, late or none."""
    settings = load(CONFIGURATION, {}, {"alerts.alerts_per_day": "60"})
    values = [
        each.value for each in islice(messages(Plan(accounts=40, days=90, seed=3)), TRAINED_ON + FOLDED)
    ]
    sample = TrainingSample(settings.training)
    records = [Record("log", 0, offset, -1, None, value) for offset, value in enumerate(values[:TRAINED_ON])]
    Pipeline(settings, training=sample).fold(Chunk.of(records))
    detection.write(train_artefact(settings, sample), tmp_path / "model")
    told = [value.decode() for value in values[TRAINED_ON:]]
    told = [*told[:300], *told[10:20], told[0][:30], *told[330:], *told[300:330]]
    (tmp_path / "settings.yaml").write_text(dump(settings))
    (tmp_path / "records.json").write_bytes(msgspec.json.encode(told))
    return tmp_path


def test_outcomes_scores_and_alerts_are_the_same_with_numba_switched_off(directory: Path) -> None:
    program = runpy.run_path(str(PROGRAM))
    compiled = program["fold"](directory)
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(directory)],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    plain = msgspec.json.decode(done.stdout, type=program["Said"])
    assert len(set(plain.outcomes)) >= 4
    assert plain.outcomes == compiled.outcomes
    # In plain Python 2**x is another library's: its last bit may differ, not more.
    np.testing.assert_allclose(
        np.array(plain.scores, float), np.array(compiled.scores, float), rtol=0, atol=1e-9
    )
    assert len(plain.alerts) > 10
    assert plain.alerts == compiled.alerts
