"""What all rounds came to: one object for a program, tables for a person."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from rounds import Round
from schedule import Kind


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
