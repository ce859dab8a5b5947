"""What a question's file gives back, and how it is told: a table for a person, one object for a program."""

import math
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from reporting import Table, as_json, told


class Gate(NamedTuple):
    """A measured value and the limit it has to keep; without a limit it is only reported.

    `value` is None where it could not be measured: missed.
    """

    name: str
    value: float | None
    limit: float | None
    is_least: bool
    """Whether the limit is the least that will do, rather than the most."""
    meaning: str

    @property
    def is_reached(self) -> bool:
        if self.limit is None:
            return True
        if self.value is None or math.isnan(self.value):
            return False
        return self.value >= self.limit if self.is_least else self.value <= self.limit


def say(text: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(f"quality: {text}\n")


def as_object(gates: Sequence[Gate]) -> str:
    """JSON: a key per gate."""
    told_of: dict[str, Any] = {
        gate.name: {
            "value": gate.value,
            "limit": gate.limit,
            "rule": None if gate.limit is None else "at least" if gate.is_least else "at most",
            "reached": gate.is_reached,
            "meaning": gate.meaning,
        }
        for gate in gates
    }
    return as_json(told_of)


def as_text(gates: Sequence[Gate]) -> str:
    """A table, the missed ones marked."""
    rows = [
        (
            gate.name,
            "–" if gate.value is None else f"{gate.value:.4g}",
            "–" if gate.limit is None else f"{'≥' if gate.is_least else '≤'} {gate.limit:g}",
            "reported" if gate.limit is None else "reached" if gate.is_reached else "MISSED",
        )
        for gate in gates
    ]
    notes = ["", *(f"{gate.name}: {gate.meaning}" for gate in gates)]
    return told(Table("Quality gates", ("gate", "value", "limit", ""), rows, notes))
