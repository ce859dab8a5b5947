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
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from cluster import Cluster
from rounds import Round, Trial, fit_model, line, play
from schedule import Kind

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
    return 1 if any(each.verdict.findings for each in found) else 0


def rounds(trials: Sequence[Trial]) -> list[Round]:
    """One after the other on one broker."""
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
    finally:
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return found


def as_object(found: Sequence[Round]) -> dict[str, Any]:
    """Sums over the rounds."""
    verdicts = [each.verdict for each in found]
    by_kind = _by_kind(found)
    return {
        "seeds": len(found),
        "faults": by_kind.total(),
        "lost": sum(each.lost for each in verdicts),
        "double_counted": sum(each.double_counted for each in verdicts),
        "alerts_missing": sum(each.alerts_missing for each in verdicts),
        "duplicates": sum(each.duplicates for each in verdicts),
        "slowest_recovery_seconds": round(max(each.slowest_recovery_seconds for each in found), 1),
        "records": sum(each.records for each in found),
        "alerts": sum(each.alerts for each in found),
        "peak_mib": max(each.peak_kib for each in found) // 1024,
        "faults_by_kind": {kind.value: by_kind[kind] for kind in Kind},
        "findings": {str(each.seed): each.verdict.findings for each in found if each.verdict.findings},
    }


def as_json(found: Sequence[Round]) -> str:
    """One line."""
    return msgspec.json.encode(as_object(found)).decode() + "\n"


def as_text(found: Sequence[Round]) -> str:
    """Faults by kind, the sums, and everything that was found."""
    whole = as_object(found)
    width = max(len(kind.value) for kind in Kind)
    lines = [f"{'fault':{width}}  times", f"{'-' * width}  -----"]
    lines += [f"{kind:{width}}  {count:>5}" for kind, count in whole["faults_by_kind"].items()]
    lines += [
        "",
        *(f"{name:25} {value:>10,}" for name, value in whole.items() if not isinstance(value, dict)),
    ]
    for seed, findings in whole["findings"].items():
        lines += [f"seed {seed}: {finding}" for finding in findings]
    return "\n".join(lines) + "\n"


def _by_kind(found: Sequence[Round]) -> Counter[Kind]:
    by_kind: Counter[Kind] = Counter()
    for each in found:
        by_kind.update(each.faults)
    return by_kind


def say(text: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(f"chaos: {text}\n")


def _keep(directory: Path) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    shutil.copytree(directory, KEPT / directory.name, dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
