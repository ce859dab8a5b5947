"""What a demo ends with."""

from collections.abc import Sequence

import msgspec

from fraudwatch.alerts import Alert
from fraudwatch.demo.observation import Observation


class AlertLine(msgspec.Struct, frozen=True):
    """One alert, short."""

    alert_id: str
    severity: str
    lane: str | None
    rank: float
    account_id: str
    headline: str
    reasons: tuple[str, ...]


class Summary(msgspec.Struct, frozen=True):
    """The figures of one run: records_in = scored + unscored + duplicates + late + dead_letters.

    `seconds` are from the first record fed to the last one handled; `event_days` from the first record judged by
    a model to the last fed. `alerts` counts episodes opened and samples, not updates.
    """

    records_in: int
    scored: int
    unscored: int
    duplicates: int
    late: int
    dead_letters: int
    alerts: int
    records_per_second: float
    seconds: float
    conflicts: int
    updates: int
    alerts_cut: int
    alerts_by_severity: dict[str, int]
    alerts_per_day_budget: float
    event_days: float
    model_version: str | None
    metrics: str | None
    newest_alerts: tuple[AlertLine, ...]


def summary(
    seen: Observation,
    *,
    seconds: float,
    event_days: float,
    budget: float,
    metrics: str | None,
    newest: Sequence[Alert],
) -> Summary:
    """The summary of the last look at the worker."""
    return Summary(
        records_in=seen.records,
        scored=seen.scored,
        unscored=seen.unscored,
        duplicates=seen.duplicates,
        late=seen.late,
        dead_letters=seen.dead_letters,
        alerts=sum(seen.alerts.values()),
        records_per_second=seen.records / seconds if seconds > 0 else 0.0,
        seconds=seconds,
        conflicts=seen.conflicts,
        updates=seen.updates,
        alerts_cut=seen.alerts_cut,
        alerts_by_severity=seen.alerts,
        alerts_per_day_budget=budget,
        event_days=event_days,
        model_version=seen.model_version,
        metrics=metrics,
        newest_alerts=tuple(map(_line, newest)),
    )


def _line(alert: Alert) -> AlertLine:
    return AlertLine(
        alert_id=alert.alert_id,
        severity=alert.severity,
        lane=alert.lane,
        rank=alert.rank,
        account_id=alert.entity.account_id,
        headline=alert.headline.en,
        reasons=tuple(reason.sentence.en for reason in alert.reasons),
    )
