"""Import this first: the plain forms that other tests keep beside them can be imported after it."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]

sys.path[:0] = [str(TESTS / name) for name in ("quality", "benchmarks", "alerts", "decode", "features")]
