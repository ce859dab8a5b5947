"""What a backtest found beyond its rankings: what a person needs to decide for a configuration or against it."""

from collections.abc import Mapping, Sequence
from heapq import nsmallest

import msgspec

from fraudwatch.backtest import cases
from fraudwatch.backtest.cases import Case, CaseBook, CaseFigures, TypologyFigures
from fraudwatch.backtest.distribution import Distribution, ScoreFigures
from fraudwatch.backtest.folding import Folded
from fraudwatch.backtest.labelled import Labels
from fraudwatch.backtest.measures import Share, share
from fraudwatch.backtest.noted import NotedAlert, NotedAlerts, highest
from fraudwatch.backtest.spans import DAY_MS, Span
from fraudwatch.config.settings import Settings

SHOWN_ALERTS = 10
SHOWN_MISSED = 40
"""Of the missed cases as many as a person reads; all of them are counted."""
WEEK_DAYS = 7
SEVERITIES = ("high", "medium", "low")


class DayFigures(msgspec.Struct, frozen=True):
    """One day with scored transactions. `right` alerts touch a case; `samples` were drawn at random."""

    begins_ms: int
    scored: int
    right: int
    other: int
    samples: int


class WeekFigures(msgspec.Struct, frozen=True):
    """Up to seven days, counted from the first. `instability` is the PSI of its scores against the other weeks'."""

    begins_ms: int
    days: int
    scored: int
    alerts_per_day: float
    edge: float | None
    instability: float | None
    precision: Share | None
    found: Share | None


class ReasonFigures(msgspec.Struct, frozen=True):
    """One reason: alerts in which it is the strongest, those among them that touch a case, all that name it."""

    code: str
    name: str
    strongest: Share
    named: int


class SeverityFigures(msgspec.Struct, frozen=True):
    """One severity: its alerts, and those among them that touch a case."""

    name: str
    right: Share


class QueueFigures(msgspec.Struct, frozen=True):
    """One queue, or one lane of the typology queue: its alerts, and those among them that touch a case."""

    queue: str
    lane: str | None
    right: Share


class Findings(msgspec.Struct, frozen=True):
    """All that the page shows of one run. Everything that needs labels is None or empty without them.

    `alerts` were opened in the span, `samples` of them drawn at random below the edge; `carried` had been opened
    before and went on. `precision` leaves samples out, `sampled` is of samples alone. `worst` are the highest-ranked
    alerts that touch no case, or without labels those nearest to the edge.
    """

    is_labelled: bool
    budget: float
    days: tuple[DayFigures, ...]
    weeks: tuple[WeekFigures, ...]
    scores: ScoreFigures
    alerts: int
    samples: int
    carried: int
    low_edge: int
    accounts: int
    precision: Share | None
    sampled: Share | None
    severities: tuple[SeverityFigures, ...]
    queues: tuple[QueueFigures, ...]
    reasons: tuple[ReasonFigures, ...]
    cases: CaseFigures | None
    typologies: tuple[TypologyFigures, ...]
    best: tuple[NotedAlert, ...]
    worst: tuple[NotedAlert, ...]
    missed: tuple[Case, ...]

    @property
    def alerts_per_day(self) -> float | None:
        """Samples included: an investigator works them too."""
        return self.alerts / len(self.days) if self.days else None


class Finding:
    """Takes batches in, and concludes at the end."""

    def __init__(self, settings: Settings, span: Span, *, is_labelled: bool) -> None:
        self._settings, self._span, self._is_labelled = settings, span, is_labelled
        self._alerts = NotedAlerts()
        self._cases = CaseBook(settings.currency)
        self._distribution = Distribution()

    def add(self, folded: Folded, labels: Labels) -> None:
        """Take in one batch."""
        within = self._span.holds(folded.batch.assessments.transactions.event_time_ms)
        self._alerts.add(folded, within, labels)
        self._cases.add(folded, labels)
        self._distribution.add(folded, within, labels.is_case)

    def alerts(self) -> list[NotedAlert]:
        """Every alert of the span."""
        return self._alerts.all()

    def cases(self) -> list[Case]:
        """Every case that began in the span and that a model was there for."""
        return [case for case in self._cases.begun_in(self._span) if case.known_model]

    def findings(self) -> Findings:
        """Of what was taken in."""
        alerts, begun = self.alerts(), self._cases.begun_in(self._span)
        raised = [alert for alert in alerts if not alert.is_sample]
        is_labelled = self._is_labelled
        return Findings(
            is_labelled=is_labelled,
            budget=self._settings.alerts.alerts_per_day,
            days=self._days(alerts),
            weeks=self._weeks(alerts, self.cases()),
            scores=self._distribution.figures(),
            alerts=len(alerts),
            samples=len(alerts) - len(raised),
            carried=self._alerts.carried,
            low_edge=sum(alert.edge_is_low for alert in alerts),
            accounts=len({alert.account_id for alert in alerts}),
            precision=_right(raised) if is_labelled else None,
            sampled=_right([alert for alert in alerts if alert.is_sample]) if is_labelled else None,
            severities=_severities(raised),
            queues=_queues(raised),
            reasons=_reasons(raised, self._alerts.names),
            cases=cases.figures(begun) if is_labelled else None,
            typologies=cases.by_typology(begun),
            best=_best(raised, is_labelled=is_labelled),
            worst=_worst(raised, is_labelled=is_labelled),
            missed=_shown_missed([case for case in self.cases() if not case.is_found]),
        )

    def _days(self, alerts: Sequence[NotedAlert]) -> tuple[DayFigures, ...]:
        """Of every day with scored transactions; an alert counts on the day it was opened."""
        opened: dict[int, list[NotedAlert]] = {}
        for alert in alerts:
            opened.setdefault(alert.opened_ms // DAY_MS, []).append(alert)
        figures = []
        for day in self._distribution.days:
            raised = [alert for alert in opened.get(day, ()) if not alert.is_sample]
            right = sum(alert.is_right for alert in raised)
            samples = len(opened.get(day, ())) - len(raised)
            figures.append(
                DayFigures(day * DAY_MS, self._distribution.scored(day), right, len(raised) - right, samples)
            )
        return tuple(figures)

    def _weeks(self, alerts: Sequence[NotedAlert], begun: Sequence[Case]) -> tuple[WeekFigures, ...]:
        days = self._distribution.days
        weeks: dict[int, list[int]] = {}
        for day in days:
            weeks.setdefault((day - days[0]) // WEEK_DAYS, []).append(day)
        figures = []
        for place, own in weeks.items():
            begins = days[0] + place * WEEK_DAYS
            week = Span(begins * DAY_MS, (begins + WEEK_DAYS) * DAY_MS)
            opened = [alert for alert in alerts if _is_in(week, alert.opened_ms)]
            started = [case for case in begun if _is_in(week, case.first_ms)]
            figures.append(
                WeekFigures(
                    begins_ms=begins * DAY_MS,
                    days=len(own),
                    scored=sum(map(self._distribution.scored, own)),
                    alerts_per_day=len(opened) / len(own),
                    edge=self._distribution.edge(own),
                    instability=self._distribution.instability(own),
                    precision=_right([alert for alert in opened if not alert.is_sample])
                    if self._is_labelled
                    else None,
                    found=share(sum(case.is_found for case in started), len(started))
                    if self._is_labelled
                    else None,
                )
            )
        return tuple(figures)


def _is_in(span: Span, time_ms: int) -> bool:
    assert span.since_ms is not None
    assert span.until_ms is not None
    return span.since_ms <= time_ms < span.until_ms


def _right(alerts: Sequence[NotedAlert]) -> Share:
    return share(sum(alert.is_right for alert in alerts), len(alerts))


def _severities(alerts: Sequence[NotedAlert]) -> tuple[SeverityFigures, ...]:
    return tuple(
        SeverityFigures(name, _right([alert for alert in alerts if alert.severity == name]))
        for name in SEVERITIES
    )


def _reasons(alerts: Sequence[NotedAlert], names: Mapping[str, str]) -> tuple[ReasonFigures, ...]:
    """The most frequent strongest reason first."""
    codes = sorted({code for alert in alerts for code in alert.reasons})
    figures = [
        ReasonFigures(
            code,
            names[code],
            _right([alert for alert in alerts if alert.reasons[:1] == (code,)]),
            sum(code in alert.reasons for alert in alerts),
        )
        for code in codes
    ]
    return tuple(sorted(figures, key=lambda one: (-one.strongest.of, -one.named, one.code)))


def _queues(alerts: Sequence[NotedAlert]) -> tuple[QueueFigures, ...]:
    """The amount queue first, then the lanes of the typology queue by name."""
    own: dict[tuple[str, str], list[NotedAlert]] = {}
    for alert in alerts:
        own.setdefault((alert.queue, alert.lane or ""), []).append(alert)
    return tuple(QueueFigures(queue, lane or None, _right(own[queue, lane])) for queue, lane in sorted(own))


def _best(alerts: Sequence[NotedAlert], *, is_labelled: bool) -> tuple[NotedAlert, ...]:
    return highest((alert for alert in alerts if alert.is_right or not is_labelled), SHOWN_ALERTS)


def _worst(alerts: Sequence[NotedAlert], *, is_labelled: bool) -> tuple[NotedAlert, ...]:
    if is_labelled:
        return highest((alert for alert in alerts if not alert.is_right), SHOWN_ALERTS)
    told = [alert for alert in alerts if alert.text is not None]
    return tuple(nsmallest(SHOWN_ALERTS, told, key=lambda alert: alert.distance))


def _shown_missed(missed: Sequence[Case]) -> tuple[Case, ...]:
    """Of each typology in turn, the nearest to the edge first: a frequent one may not hide the others."""
    by_typology: dict[str, list[Case]] = {}
    for case in sorted(missed, key=_far_from_the_edge):
        by_typology.setdefault(case.typology or "", []).append(case)
    turns = sorted(
        ((place, name, case) for name, own in by_typology.items() for place, case in enumerate(own)),
        key=lambda turn: turn[:2],
    )
    return tuple(case for _, _, case in turns[:SHOWN_MISSED])


def _far_from_the_edge(case: Case) -> float:
    return float("inf") if case.distance is None else -case.distance
