"""The soak is scripts beside one another: a test imports them the way they import each other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
