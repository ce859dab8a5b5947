"""What the quality gates compare whole streams with, these tests compare a part with: `tests/quality`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
import beside  # noqa: F401 (the plain forms of other tests)
