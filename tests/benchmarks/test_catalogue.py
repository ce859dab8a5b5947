"""The question of the catalogue asks every feature and lane as the product does."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec

from fraudwatch.features import LANES, MORE_LANES

HERE = Path(__file__).parent
CHILD = """
import catalogue, msgspec, sys
from dataclasses import replace
from scale import QUICK
catalogue.PRICED = 20
found = catalogue.measure(replace(QUICK, trained_on=300, rounds=1)).figures
sys.stdout.buffer.write(msgspec.json.encode(found))
"""


def test_every_lane_has_a_cost() -> None:
    # Plain Python: in place of half a minute of compiling. A lane that wants other arguments is a TypeError here.
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
    }
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    costs = msgspec.json.decode(done.stdout)["catalogue"]
    assert {lane.name for lane in (*LANES, *MORE_LANES)} <= costs.keys()
