"""What the worker's metrics say at one moment, in the words of the screen."""

import msgspec

from fraudwatch.metrics import Samples


class Observation(msgspec.Struct, frozen=True):
    """One look at /metrics. `alerts` are alerts opened, samples among them, by severity; updates are not in it."""

    records: int = 0
    scored: int = 0
    unscored: int = 0
    duplicates: int = 0
    late: int = 0
    dead_letters: int = 0
    conflicts: int = 0
    alerts: dict[str, int] = {}
    updates: int = 0
    alerts_cut: int = 0
    lag: int = 0
    model_version: str | None = None
    training_progress: float = 0.0

    @property
    def handled(self) -> int:
        """Records of which it is said what became of them; equal to `records` between two batches."""
        return self.scored + self.unscored + self.duplicates + self.late + self.dead_letters


def observe(samples: Samples) -> Observation:
    """Reads the series of `fraudwatch.metrics.Metrics`."""

    def total(name: str, **where: str) -> int:
        return int(
            sum(
                value
                for labels, value in samples.get(f"fraudwatch_{name}", [])
                if all(labels.get(label) == wanted for label, wanted in where.items())
            )
        )

    opened = ("high", "medium", "low")
    in_use = [labels["version"] for labels, value in samples.get("fraudwatch_model_info", []) if value]
    progress = samples.get("fraudwatch_training_progress_ratio", [])
    return Observation(
        records=total("records_read_total"),
        scored=total("records_total", outcome="scored"),
        unscored=total("records_total", outcome="unscored"),
        duplicates=total("records_total", outcome="duplicate"),
        late=total("records_total", outcome="late"),
        dead_letters=total("dead_letters_total"),
        conflicts=total("conflicts_total"),
        alerts={
            severity: total("alerts_total", severity=severity, kind="alert")
            + total("alerts_total", severity=severity, kind="sample")
            for severity in opened
        },
        updates=total("alerts_total", kind="update"),
        alerts_cut=total("alerts_cut_total"),
        lag=total("lag_records"),
        model_version=in_use[0] if in_use else None,
        training_progress=progress[0][1] if progress else 0.0,
    )
