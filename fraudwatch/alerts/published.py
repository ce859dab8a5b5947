"""Open episodes are a function of what was published (DESIGN D2): a policy put in line with the review topic.

A policy that folded transactions again, without publishing, has the episodes its model makes of them now. That is what
was published unless another model was in use then; where the two differ, what investigators have counts.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from fraudwatch.alerts.alert import Alert
from fraudwatch.alerts.episodes import KEPT_AFTER_MS, Episode, ListedTransaction, Severity
from fraudwatch.records import FeatureSpec, Reason


def in_line(
    held: Iterable[Episode],
    published: Iterable[Alert],
    specs: Mapping[str, FeatureSpec],
    *,
    since: int,
    until: int,
    newest_ms: int,
) -> list[Episode]:
    """The episodes to go on with, those of one account in the order in which they were opened.

    `published` are all alerts of the partition since the offset `since` of the log, in their order; transactions from
    `until` on are yet to come, and with them what was published of them comes again. `specs` are those of reasons by
    code. An episode that both know stays as it is held: it has more than its alert says.
    """
    mine = [alert for alert in published if not alert.sample and _opened(alert) < until]
    names = {alert.alert_id for alert in mine}
    kept = [
        episode for episode in held if episode.alert_id in names or episode.transactions[0].offset < since
    ]
    known = {episode.alert_id for episode in kept}
    newest = {alert.alert_id: alert for alert in mine if _latest(alert) < until}
    missing = [_episode(alert, specs) for name, alert in newest.items() if name not in known]
    still = [episode for episode in missing if episode.kept_until_ms >= newest_ms]
    return sorted([*kept, *still], key=lambda episode: episode.transactions[0].offset) if still else kept


def _opened(alert: Alert) -> int:
    return alert.episode.transactions[0].position.offset


def _latest(alert: Alert) -> int:
    return alert.episode.transactions[-1].position.offset


def _episode(alert: Alert, specs: Mapping[str, FeatureSpec]) -> Episode:
    """As far as its alert tells: of its reasons the strongest, of its transactions those listed."""
    of = alert.episode
    first_ms, last_ms, open_until_ms = map(_milliseconds, (of.opened_at, of.last_at, of.open_until))
    return Episode(
        alert_id=alert.alert_id,
        account_id=alert.entity.account_id,
        first_ms=first_ms,
        last_ms=last_ms,
        kept_until_ms=open_until_ms + KEPT_AFTER_MS,
        score=alert.score,
        severity=Severity[alert.severity.upper()],
        count=of.count,
        total_minor=of.amount_minor,
        sequence=alert.sequence,
        reasons={
            reason.code: Reason(
                specs[reason.code], reason.surprise, reason.contribution, reason.value, reason.usual
            )
            for reason in alert.reasons
            if reason.code in specs
        },
        transactions=[
            ListedTransaction(
                listed.transaction_id,
                _milliseconds(listed.event_time),
                listed.amount_minor,
                listed.position.offset,
            )
            for listed in of.transactions
        ],
        lane=alert.lane,
    )


def _milliseconds(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)
