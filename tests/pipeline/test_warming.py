"""Nothing is compiled while records wait."""

import subprocess
import sys
from pathlib import Path

from fraudwatch import detection
from fraudwatch.detection import Model

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from fraudwatch import detection
from fraudwatch.compiled import compiled
from fraudwatch.config.settings import Settings
from fraudwatch.pipeline import Pipeline, warm_up
from fraudwatch.records import Chunk
from numba.core.dispatcher import Dispatcher

directory, stream = map(Path, sys.argv[1:])
settings = Settings()
pipeline = Pipeline(settings)
model = detection.unpack(detection.read(directory), pipeline.catalogue.judged, pipeline.catalogue.lanes)
warm_up(settings)
detection.warm_up(model)
made = []
compiling = Dispatcher.compile
def noted(self, signature):
    made.append(f"{self.py_func.__name__}{signature}")
    return compiling(self, signature)
Dispatcher.compile = noted
values = stream.read_bytes().splitlines()
pipeline.use(model)
batch = pipeline.fold(Chunk("t", 0, np.arange(len(values)), np.full(len(values), -1), [None] * len(values), values))
assert len(batch.alerts) > 3, len(batch.alerts)
print(made)
"""


def test_a_warm_pipeline_compiles_nothing_more(model: Model, stream: list[object], tmp_path: Path) -> None:
    detection.write(detection.pack(model), tmp_path / "model")
    values = tmp_path / "stream.jsonl"
    values.write_bytes(b"\n".join(record.value for record in stream))  # type: ignore[attr-defined]
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "model"), str(values)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (found.stdout.strip(), found.returncode) == ("[]", 0), found.stderr
