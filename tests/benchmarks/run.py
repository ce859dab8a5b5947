"""The benchmarks of fraudwatch, one file a question: `make bench`, or

    python tests/benchmarks/run.py [--only QUESTION,…] [--quick] [--json]

Prints the versions and a table for each question, with --json one object instead; progress goes to standard error.
"""

import argparse
import importlib
import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from node import KAFKA_LIB
from reporting import NOT_FOR_QUOTING, Answer, as_json, busy, quix_version, say, told, versions
from scale import FULL, QUICK, Scale

QUESTIONS = (
    "end_to_end",
    "pipeline_stages",
    "scorers",
    "latency",
    "memory",
    "scaling",
    "snapshots",
    "catalogue",
)


def answers(only: list[str], scale: Scale) -> dict[str, Answer]:
    """Of each question asked for, in their order; one that failed is said and left out, an hour of others stands."""
    found: dict[str, Answer] = {}
    for name in QUESTIONS:
        if name in only:
            say(f"{name}: {importlib.import_module(name).__doc__.splitlines()[0]}")
            try:
                found[name] = importlib.import_module(name).measure(scale)
            except Exception:  # noqa: BLE001 (whatever it is, the other questions go on)
                say(f"{name} HAS NO ANSWER:\n{traceback.format_exc()}")
    return found


def whole(of: dict[str, str], scale: Scale, found: dict[str, Answer]) -> dict[str, Any]:
    """The JSON object: `versions`, `for_quoting`, and the keys of each question."""
    figures: dict[str, Any] = {"versions": of, "for_quoting": scale.is_for_quoting}
    for answer in found.values():
        figures |= answer.figures
    return figures


def main(arguments: list[str]) -> int:
    """0, 1 where a question has no answer, or 2 for one that does not exist."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default=",".join(QUESTIONS), metavar="QUESTION,…", help=", ".join(QUESTIONS)
    )
    parser.add_argument("--quick", action="store_true", help="short runs, not for quoting")
    parser.add_argument("--json", action="store_true", help="one object instead of tables")
    parser.add_argument("--quix-python", type=Path, metavar="PYTHON", help="an interpreter with Quix Streams")
    given = parser.parse_args(arguments)
    only = given.only.replace(",", " ").split()
    if unknown := set(only) - set(QUESTIONS):
        parser.error(f"expected questions out of {', '.join(QUESTIONS)}, found {', '.join(sorted(unknown))}")
    scale = replace(QUICK if given.quick else FULL, quix_python=_with_quix(given.quix_python))
    of = versions(scale.quix_python, KAFKA_LIB)
    load = os.getloadavg()[0]
    of["load before"] = f"{load:.2f}"
    warnings = [warning for warning in (busy(load), not_for_quoting(scale)) if warning]
    for warning in warnings:
        say(warning)
    found = answers(only, scale)
    sys.stdout.write(as_json(whole(of, scale, found)) + "\n" if given.json else text(of, warnings, found))
    return 0 if found.keys() == set(only) else 1


def not_for_quoting(scale: Scale) -> str | None:
    """What is to be said of short runs."""
    return None if scale.is_for_quoting else NOT_FOR_QUOTING


def _with_quix(python: Path | None) -> Path | None:
    chosen = (python or Path(sys.executable)).absolute()  # programs run in directories of their own
    if quix_version(chosen) is None:
        say(f"Quix Streams is not installed for {chosen}: it is left out, its figures are empty")
        return None
    return chosen


def text(of: dict[str, str], warnings: list[str], found: dict[str, Answer]) -> str:
    """Versions, then every table under what is to be known before it is believed."""
    width = max(map(len, of))
    lines = [f"{name:{width}}  {version}" for name, version in of.items()]
    for answer in found.values():
        for table in answer.tables:
            lines += ["", *warnings, told(table).rstrip()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
