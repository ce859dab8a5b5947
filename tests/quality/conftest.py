"""The questions are scripts beside one another: a test imports them the way they import each other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import beside  # noqa: F401 (the plain forms of other tests)
