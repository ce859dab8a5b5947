"""Faults of all kinds against real workers on a real broker: `make chaos SEED=1 ROUNDS=20`, or

    python tests/chaos/run.py [--seed N] [--rounds N] [--faults N] [--json]

A round has a seed of its own, from --seed on. Prints a table, with --json one object; progress goes to standard error.
Ends with 1 where anything was found that must not be; what the processes said is then left under build/chaos.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from cluster import Cluster
from rounds import Round, Trial, fit_model, line, play
from summary import as_json, as_text

KEPT = Path(__file__).parents[2] / "build" / "chaos"


def main(arguments: list[str]) -> int:
    """0, or 1 where a promise was broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--rounds", type=int, default=20, help="each with one to three workers")
    parser.add_argument("--faults", type=int, default=12, help="a round")
    parser.add_argument("--rate", type=float, default=400.0, help="records a second")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    given = parser.parse_args(arguments)
    # Asked to end it leaves no broker and no worker behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    trials = [
        Trial(given.seed + number, faults=given.faults, rate=given.rate) for number in range(given.rounds)
    ]
    found = rounds(trials)
    sys.stdout.write(as_json(found) if given.json else as_text(found))
    return 1 if len(found) < len(trials) or any(each.verdict.findings for each in found) else 0


def rounds(trials: Sequence[Trial]) -> list[Round]:
    """One after the other on one broker; up to one of which the harness itself failed."""
    directory = Path(tempfile.mkdtemp(prefix="fraudwatch-chaos-"))
    cluster = Cluster(directory / "kafka")
    found: list[Round] = []
    say(f"fitting a model, starting Kafka; logs in {directory}")
    try:
        model = fit_model(directory / "model")
        cluster.start()
        for trial in trials:
            found.append(each := play(cluster, model, directory / f"seed-{trial.seed}", trial))
            say(line(each))
            if each.verdict.findings:
                _keep(directory / f"seed-{trial.seed}")
    except Exception:  # noqa: BLE001 (of the harness: what the rounds before found stands)
        say(f"seed {trials[len(found)].seed} HAS NO VERDICT:\n{traceback.format_exc()}")
    finally:
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return found


def say(text: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(f"chaos: {text}\n")


def _keep(directory: Path) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    shutil.copytree(directory, KEPT / directory.name, dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
