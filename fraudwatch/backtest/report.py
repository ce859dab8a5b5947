"""What a backtest found, as numbers, and its transactions as CSV."""

import csv
from collections import Counter
from datetime import UTC, datetime
from typing import TextIO

import msgspec
import numpy as np

from fraudwatch.backtest import measures
from fraudwatch.backtest.findings import Finding
from fraudwatch.backtest.folding import Folded
from fraudwatch.backtest.labelled import labels_of
from fraudwatch.backtest.measures import BoolArray, Ranking
from fraudwatch.backtest.spans import DAY_MS, Span
from fraudwatch.config.settings import Settings
from fraudwatch.decode import LabelReader
from fraudwatch.pipeline import Assessments
from fraudwatch.records import FloatArray, IntArray, Outcome, TextField

SCORE_COLUMNS = (
    "transaction_id",
    "event_time",
    "account_id",
    "score",
    "top_reason",
    "alert_id",
    "lane",
    "lane_surprise",
)


class BacktestReport(msgspec.Struct, frozen=True):
    """Counts are of the whole file, everything from `span` on is of the scored span.

    `ranking` is over all its transactions, `ranking_new_cases` without accounts whose case was already known
    (`measures.already_known`); both None without a label in the mapping.
    """

    records: int
    scored: int
    unscored: int
    duplicates: int
    late: int
    dead_letters: dict[str, int]
    conflicts: int
    model_version: str | None
    detectors: tuple[str, ...]
    combiner: str
    span: tuple[str, str] | None
    transactions: int
    days: int
    alerts: int
    alerts_per_day: float | None
    alerts_cut: int
    alert_precision: float | None
    precision_at_budget: float | None
    ranking: Ranking | None
    ranking_new_cases: Ranking | None


class Collector:
    """Takes batches in, writes the scored span's transactions out, and measures at the end."""

    def __init__(
        self,
        settings: Settings,
        span: Span,
        train_span: Span | None,
        out: TextIO | None,
        finding: Finding | None = None,
    ) -> None:
        """`out` receives CSV with `SCORE_COLUMNS`, None writes nothing; `finding` is told of every batch too."""
        self._settings = settings
        self._span = span
        self._train_span = train_span
        self._finding = finding
        self._labels = LabelReader(settings.source.label) if settings.source.label else None
        self._writer = csv.writer(out, lineterminator="\n") if out is not None else None
        if self._writer is not None:
            self._writer.writerow(SCORE_COLUMNS)
        self._records = self._cut = self._conflicts = 0
        self._outcomes: Counter[int] = Counter()
        self._dead_letters: Counter[str] = Counter()
        self._times: list[IntArray] = [np.empty(0, np.int64)]
        self._accounts: list[IntArray] = [np.empty(0, np.int64)]
        self._scores: list[FloatArray] = [np.empty(0)]
        self._cases: list[BoolArray] = [np.empty(0, bool)]
        self._alert_cases: dict[str, bool] = {}
        self._known_cases: list[tuple[int, int]] = []

    def add(self, folded: Folded) -> None:
        """Take in one batch."""
        batch, assessments = folded.batch, folded.batch.assessments
        self._records += batch.records
        self._cut += batch.cut
        self._conflicts += batch.conflicts
        self._outcomes.update(assessments.outcome.tolist())
        self._dead_letters.update(letter.reason.value for letter in batch.dead_letters)
        times = assessments.transactions.event_time_ms
        labels = labels_of(folded, self._labels)
        is_case = labels.is_case
        if self._finding is not None:
            self._finding.add(folded, labels)
        accounts = assessments.transactions.accounts
        within = self._span.holds(times)
        outside = is_case & ~within
        self._known_cases += zip(accounts[outside].tolist(), times[outside].tolist(), strict=True)
        self._times.append(times[within])
        self._accounts.append(accounts[within])
        self._scores.append(assessments.score[within])
        self._cases.append(is_case[within])
        for row, alert_id in assessments.alert_ids.items():
            if within[row]:
                self._alert_cases[alert_id] = self._alert_cases.get(alert_id, False) or bool(is_case[row])
        if self._writer is not None:
            self._writer.writerows(_written(assessments, row) for row in np.flatnonzero(within).tolist())

    def report(self, model_version: str | None) -> BacktestReport:
        """Measure what was taken in."""
        times, accounts = np.concatenate(self._times), np.concatenate(self._accounts)
        score, is_case = np.concatenate(self._scores), np.concatenate(self._cases)
        days = times // DAY_MS
        day_count = len(np.unique(days))
        is_labelled = self._labels is not None and len(times) > 0
        alerts = len(self._alert_cases)
        return BacktestReport(
            records=self._records,
            scored=self._outcomes[Outcome.SCORED.value],
            unscored=self._outcomes[Outcome.UNSCORED_NO_MODEL.value]
            + self._outcomes[Outcome.UNSCORED_YOUNG_ACCOUNT.value],
            duplicates=self._outcomes[Outcome.DUPLICATE.value],
            late=self._outcomes[Outcome.LATE.value],
            dead_letters=dict(self._dead_letters),
            conflicts=self._conflicts,
            model_version=model_version,
            detectors=self._settings.detection.detectors,
            combiner=self._settings.detection.combiner,
            span=(_instant(int(times.min())), _instant(int(times.max()))) if len(times) else None,
            transactions=len(times),
            days=day_count,
            alerts=alerts,
            alerts_per_day=alerts / day_count if day_count else None,
            alerts_cut=self._cut,
            alert_precision=sum(self._alert_cases.values()) / alerts if is_labelled and alerts else None,
            precision_at_budget=measures.precision_at_budget(
                score, is_case, accounts, days, self._settings.alerts.alerts_per_day
            )
            if is_labelled
            else None,
            ranking=measures.ranking(score, is_case) if is_labelled else None,
            ranking_new_cases=self._new_cases(score, is_case, accounts, days) if is_labelled else None,
        )

    def _new_cases(
        self,
        score: FloatArray,
        is_case: BoolArray,
        accounts: IntArray,
        days: IntArray,
    ) -> Ranking | None:
        """Needs a training span with dates: the protocol counts known cases from there on."""
        within = self._train_span
        if within is None or within.since_ms is None or within.until_ms is None:
            return None
        outside = np.array(self._known_cases, dtype=np.int64).reshape(-1, 2)
        known = measures.already_known(
            np.concatenate((np.ones(len(outside), dtype=bool), is_case)),
            np.concatenate((outside[:, 0], accounts)),
            np.concatenate((outside[:, 1] // DAY_MS, days)),
            (within.since_ms // DAY_MS, within.until_ms // DAY_MS - 1),
        )[len(outside) :]
        return measures.ranking(score[~known], is_case[~known])


def _written(assessments: Assessments, row: int) -> tuple[str | None, ...]:
    """One line of `SCORE_COLUMNS`."""
    of, score = assessments.transactions, float(assessments.score[row])
    return (
        of.text_of(row, TextField.TRANSACTION_ID),
        _instant(int(of.event_time_ms[row])),
        of.text_of(row, TextField.ACCOUNT_ID),
        "" if score != score else repr(score),
        assessments.top_reason(row) or "",
        assessments.alert_ids.get(row, ""),
        assessments.top_lane(row) or "",
        repr(float(assessments.lane_surprise[row])),
    )


def _instant(event_time_ms: int) -> str:
    return (
        datetime.fromtimestamp(event_time_ms / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
