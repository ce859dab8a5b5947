"""A demo as plain lines, where nobody has a terminal."""

from collections.abc import Callable

from fraudwatch.demo.look import Look
from fraudwatch.demo.observation import Observation

EVERY_SECONDS = 1.0


class Lines:
    """A line a second, and each alert once as a sentence: at most one a line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said_at = -EVERY_SECONDS
        self._seconds = 0.0
        self._last_alert = ""

    def __call__(self, look: Look) -> None:
        if look.seconds < self._seconds:
            self._said_at = -EVERY_SECONDS  # the clock starts anew with the feed
        self._seconds = look.seconds
        if look.seconds - self._said_at < EVERY_SECONDS:
            return
        self._said_at = look.seconds
        self._say(line(look))
        if look.newest and look.newest[0].alert_id != self._last_alert:
            newest = look.newest[0]
            self._last_alert = newest.alert_id
            self._say(f"      {newest.severity}, rank {newest.rank:.1f}: {newest.headline.en}")


def line(look: Look) -> str:
    """Throughput, records by outcome, lag, model and alerts on one line."""
    seen = look.seen
    alerts = ", ".join(f"{count} {severity}" for severity, count in seen.alerts.items())
    return (
        f"{look.seconds:4.0f} s  {look.stage}  {look.records_per_second:,.0f}/s  {seen.records:,} records: "
        f"{seen.scored:,} scored, {seen.unscored:,} unscored, {seen.duplicates:,} duplicates, {seen.late:,} late, "
        f"{seen.dead_letters:,} dead letters; lag {seen.lag:,}; {_model(seen)}; alerts: {alerts or 'none'} "
        f"in {look.event_days:.1f} event days (budget {look.budget:g} a day); {look.metrics or '…'}/metrics"
    )


def _model(seen: Observation) -> str:
    if seen.model_version:
        return f"model {seen.model_version}"
    if seen.training_progress >= 1:
        return "model being fitted"
    return f"model warming up {seen.training_progress:.0%}"
