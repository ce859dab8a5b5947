"""What is kept of each alert of the measured span: small enough for any number of them, enough to show some."""

from collections.abc import Iterable
from heapq import nlargest, nsmallest

import msgspec

from fraudwatch.alerts import Alert
from fraudwatch.backtest.folding import Folded
from fraudwatch.backtest.labelled import Labels
from fraudwatch.backtest.measures import BoolArray

SENTENCES = 4
"""Reasons that are shown of an alert: the first says why, more than four tire."""
TEXTS = 5_000
"""Alerts whose sentences are kept. An alert's numbers take 500 bytes, its sentences two thousand."""
_OF_EACH_KIND = 1_000


class AlertText(msgspec.Struct, frozen=True):
    """An alert in words: the headline, its strongest reasons, and what may innocently explain each."""

    headline: str
    reasons: tuple[tuple[str, str], ...]


class NotedAlert(msgspec.Struct):
    """One alert. `cases` counts its transactions that are labelled, `typologies` of what kind those are.

    `reasons` are the codes, the strongest first. `score`, `rank` and `edge` compare with alerts of the same `queue`
    only; `lane` is the one that opened it. `text` is None where there were too many alerts to keep all words.
    """

    alert_id: str
    account_id: str
    opened_ms: int
    last_ms: int
    is_sample: bool
    severity: str
    score: float
    rank: float
    edge: float
    edge_is_low: bool
    reasons: tuple[str, ...]
    transactions: int = 0
    cases: int = 0
    typologies: tuple[str, ...] = ()
    text: AlertText | None = None
    queue: str = "amount"
    lane: str | None = None

    @property
    def distance(self) -> float:
        """How far its highest score lies above the edge as its newest message says it; negative of a sample."""
        return self.score - self.edge

    @property
    def is_right(self) -> bool:
        """Whether a transaction of it is labelled."""
        return self.cases > 0


class NotedAlerts:
    """The alerts whose opening transaction lies in the measured span."""

    def __init__(self) -> None:
        self.carried = 0
        """Alerts opened before the span that went on in it."""
        self.names: dict[str, str] = {}
        """What each code of a reason stands for."""
        self._noted: dict[str, NotedAlert] = {}
        self._earlier: dict[str, bool] = {}
        self._texts = 0

    def add(self, folded: Folded, within: BoolArray, labels: Labels) -> None:
        """Take in one batch; `within` bool[n] says which of its transactions are measured."""
        published = {alert.alert_id: alert for alert in folded.batch.alerts}
        times = folded.batch.assessments.transactions.event_time_ms
        told: set[str] = set()
        for row, alert_id in folded.batch.assessments.alert_ids.items():
            noted = self._noted.get(alert_id)
            if noted is None:
                alert = published.get(alert_id)
                if alert is None or alert_id in self._earlier or not within[row]:
                    self._carry(alert_id, bool(within[row]))
                    continue
                noted = self._noted[alert_id] = _noted(alert, int(times[row]))
            if not within[row]:
                continue
            told.add(alert_id)
            noted.transactions += 1
            noted.last_ms = max(noted.last_ms, int(times[row]))
            if labels.is_case[row]:
                noted.cases += 1
                typology = labels.typologies.get(row)
                if typology is not None and typology not in noted.typologies:
                    noted.typologies += (typology,)
        for alert_id, alert in published.items():
            if alert_id in told:
                self._say(self._noted[alert_id], alert)

    def all(self) -> list[NotedAlert]:
        """In the order in which they were opened."""
        return list(self._noted.values())

    def _carry(self, alert_id: str, is_within: bool) -> None:
        if is_within and not self._earlier.get(alert_id, False):
            self.carried += 1
        self._earlier[alert_id] = is_within or self._earlier.get(alert_id, False)

    def _say(self, noted: NotedAlert, alert: Alert) -> None:
        """The newest message is the alert."""
        noted.score, noted.rank, noted.severity = alert.score, alert.rank, alert.severity
        noted.edge, noted.edge_is_low = alert.edge, alert.edge_is_low
        noted.reasons = tuple(reason.code for reason in alert.reasons)
        self.names |= {reason.code: reason.name for reason in alert.reasons}
        self._texts += noted.text is None
        noted.text = AlertText(
            alert.headline.en,
            tuple((reason.sentence.en, reason.innocent.en) for reason in alert.reasons[:SENTENCES]),
        )
        if self._texts > TEXTS:
            self._forget_texts()

    def _forget_texts(self) -> None:
        """Keeps the words of what may be shown: the best, the highest that are wrong, those nearest, any."""
        worded = [noted for noted in self._noted.values() if noted.text is not None]
        wrong = [noted for noted in worded if not noted.is_right]
        kept = {
            noted.alert_id
            for part in (
                highest(worded, _OF_EACH_KIND),
                highest(wrong, _OF_EACH_KIND),
                nsmallest(_OF_EACH_KIND, worded, key=lambda noted: abs(noted.distance)),
                nsmallest(_OF_EACH_KIND, worded, key=lambda noted: noted.alert_id),  # ids are hashes
            )
            for noted in part
        }
        for noted in worded:
            if noted.alert_id not in kept:
                noted.text = None
        self._texts = len(kept)


def _noted(alert: Alert, opened_ms: int) -> NotedAlert:
    return NotedAlert(
        alert_id=alert.alert_id,
        account_id=alert.entity.account_id,
        opened_ms=opened_ms,
        last_ms=opened_ms,
        is_sample=alert.sample,
        severity=alert.severity,
        score=alert.score,
        rank=alert.rank,
        edge=alert.edge,
        edge_is_low=alert.edge_is_low,
        reasons=(),
        queue=alert.queue,
        lane=alert.lane,
    )


def highest(alerts: Iterable[NotedAlert], count: int) -> tuple[NotedAlert, ...]:
    """So many with the highest scores among those kept in words, an equal part from each queue, in turn."""
    queues: dict[str, list[NotedAlert]] = {}
    for alert in alerts:
        if alert.text is not None:
            queues.setdefault(alert.queue, []).append(alert)
    turns = [
        (place, queue, alert)
        for queue, own in queues.items()
        for place, alert in enumerate(nlargest(count, own, key=lambda one: one.score))
    ]
    return tuple(alert for _, _, alert in sorted(turns, key=lambda turn: turn[:2])[:count])
