"""No deadline may move with the clock on the wall: the stream measures time with clocks that never jump."""

import ast
from pathlib import Path

import fraudwatch.stream

PACKAGE = Path(fraudwatch.stream.__file__).parent
WALL_CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}


def readers_of_the_wall_clock(package: Path) -> set[str]:
    """The modules that name a clock of the wall."""
    return {
        path.name
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in WALL_CLOCKS
    }


def test_only_what_is_shown_to_people_reads_the_clock_on_the_wall() -> None:
    assert readers_of_the_wall_clock(PACKAGE) == {
        "feeding.py",
        "watch.py",
        "sources.py",
        "taking.py",
        "trials.py",
    }


def test_a_module_that_reads_it_is_found(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text("import time\ndeadline = time.time() + 5\n")
    (tmp_path / "good.py").write_text("import time\ndeadline = time.monotonic() + 5\n")
    assert readers_of_the_wall_clock(tmp_path) == {"late.py"}
