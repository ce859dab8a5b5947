"""The quality gates of fraudwatch on labelled streams, one file a question: `make quality`, or

    python tests/quality/run.py [--only QUESTION,…] [--data DIRECTORY] [--json]

Prints a table, with --json one object with a key per gate; progress goes to standard error. Ends with 1 where a gate is
missed, with 2 where nothing could be measured.
"""

import argparse
import importlib
import os
import sys
from pathlib import Path

import beside  # noqa: F401 (makes importable what lies in other directories of the tests)
from gates import Gate, as_object, as_text, say

QUESTIONS = ("ranking", "identity", "typologies", "repeated", "shocks")
STREAMS = ("handbook.csv.gz", "sparkov.csv.gz")
OF_OUR_OWN = {"typologies", "shocks"}
"""Questions that need no labelled stream."""
BESIDE_THE_REPOSITORY = Path(__file__).parents[2] / ".." / "shared" / "data"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default=",".join(QUESTIONS), metavar="QUESTION,…", help=", ".join(QUESTIONS)
    )
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("FRAUDWATCH_DATA") or BESIDE_THE_REPOSITORY),
        metavar="DIRECTORY",
        help="of the labelled streams (default: FRAUDWATCH_DATA, else ../shared/data)",
    )
    given = parser.parse_args(arguments)
    only = given.only.replace(",", " ").split()
    if unknown := set(only) - set(QUESTIONS):
        parser.error(f"expected questions out of {', '.join(QUESTIONS)}, found {', '.join(sorted(unknown))}")
    needed = STREAMS if set(only) - OF_OUR_OWN else ()
    if missing := [name for name in needed if not (given.data / name).is_file()]:
        say(
            f"expected {' and '.join(STREAMS)} in {given.data}, found no {' and no '.join(missing)}: name their "
            "directory, FRAUDWATCH_DATA=/path/to/data make quality"
        )
        return 2
    gates: list[Gate] = []
    for name in (name for name in QUESTIONS if name in only):
        question = importlib.import_module(name)
        say(f"{name}: {str(question.__doc__).splitlines()[0]}")
        gates += question.measure(given.data)
    sys.stdout.write(as_object(gates) + "\n" if given.json else as_text(gates))
    return 0 if all(gate.is_reached for gate in gates) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
