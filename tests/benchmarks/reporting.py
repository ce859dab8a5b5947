"""What a question's file gives back, and how it is told: tables for a person, one object for a program."""

import importlib.metadata
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

DISTRIBUTIONS = {
    "numpy": "numpy",
    "numba": "numba",
    "faust": "faust-streaming",
    "aiokafka": "aiokafka",
    "pyod": "pyod",
    "scikit-learn": "scikit-learn",
    "msgspec": "msgspec",
    "fraudwatch": "fraudwatch",
}

NOT_FOR_QUOTING = "QUICK: short runs, few repetitions, small states. These figures are NOT for quoting."


BUSY_FROM = 0.5
"""Load average of the last minute from which something else is at work."""


class Table(NamedTuple):
    """Rows of text under a title; the first column is aligned to the left."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


class Answer(NamedTuple):
    """`figures` go into the JSON object under their keys, `tables` are printed."""

    figures: dict[str, Any]
    tables: list[Table]


def say(text: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(f"bench: {text}\n")


def told(table: Table) -> str:
    """The table as text."""
    rows = [list(map(str, table.columns)), *(list(map(str, row)) for row in table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    lines = [table.title, ""]
    for number, row in enumerate(rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join([*lines, *(f"  {note}" for note in table.notes), ""])


def rounded(value: float | None, digits: int = 1) -> str:
    """For a cell: thousands apart, a dash where there is nothing."""
    return "–" if value is None else f"{value:,.{digits}f}"


def median(values: Iterable[float]) -> float:
    """Of at least one."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """From the smallest to the largest, for a cell."""
    return f"{min(values):,.0f}–{max(values):,.0f}"


def versions(quix_python: Path | None, kafka_lib: Path) -> dict[str, str]:
    """Of everything that is measured, and the machine."""
    found = {"cpu": _cpu(), "python": platform.python_version()}
    found |= {name: importlib.metadata.version(package) for name, package in DISTRIBUTIONS.items()}
    found["quixstreams"] = quix_version(quix_python) or "not installed"
    jars = sorted(kafka_lib.glob("kafka-server-[0-9]*.jar"))
    found["kafka"] = jars[0].stem.removeprefix("kafka-server-") if jars else "not fetched"
    return found


def quix_version(python: Path | None) -> str | None:
    """What this interpreter has, None where it has none."""
    if python is None:
        return None
    asked = [str(python), "-c", "from importlib.metadata import version; print(version('quixstreams'))"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def as_json(figures: dict[str, Any]) -> str:
    """One object; numbers to four digits after the point."""
    return msgspec.json.encode(_short(figures)).decode()


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _short(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_short(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value


def busy(load: float) -> str | None:
    """What is to be said of a machine that was busy before the first run, None of a quiet one."""
    if load < BUSY_FROM:
        return None
    return f"BUSY: the machine had a load of {load:.1f} before the first run; believe CPU times, not rates."


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return f"{line.partition(':')[2].strip()}, {_cores()} cores"
    return platform.processor() or "unknown"


def _cores() -> int:
    return sum(
        line.startswith("processor")
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    )
