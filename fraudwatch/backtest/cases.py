"""The labelled cases: which were found, how late, and what spoke for those that were missed.

A case is found when one of its transactions is in an alert. With `source.label.case` transactions of one id are
one case; without it the labelled transactions of one account and one typology are, up to a pause of a week.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec
import numpy as np

from fraudwatch.alerts import sentences
from fraudwatch.backtest.folding import Folded
from fraudwatch.backtest.labelled import Labels
from fraudwatch.backtest.measures import Share, share
from fraudwatch.backtest.spans import Span
from fraudwatch.records import LaneSpec, Outcome, TextField

PAUSE_MS = 7 * 86_400_000
"""As long as an episode may last: what comes later is worth another look."""


class Missed(StrEnum):
    """Why no alert was raised of any transaction of a case."""

    UNSCORED = "no transaction of it was scored"
    BELOW = "below the edge"
    CUT = "at the edge or above, without an alert"


class Case(msgspec.Struct):
    """One case, its times and money in the order in which its transactions arrived.

    `scored_*` and `found_*` are of the first transaction that has a score and of the first that is in an alert:
    when, how many of its transactions had come by then, itself included, and what they moved. `score`, `edge`,
    `reason` and `code` are of the transaction that came nearest to an edge, the amount queue's or that of `lane`;
    `known_model` is False where all of
    them came before there was a model.
    """

    name: str
    account_id: str
    typology: str | None
    first_ms: int
    last_ms: int
    transactions: int = 0
    amount_minor: int = 0
    known_model: bool = False
    scored_ms: int | None = None
    scored_place: int = 0
    scored_minor: int = 0
    found_ms: int | None = None
    found_place: int = 0
    found_minor: int = 0
    score: float | None = None
    edge: float | None = None
    code: str | None = None
    reason: str | None = None
    lane: str | None = None

    @property
    def is_found(self) -> bool:
        """Whether a transaction of it is in an alert."""
        return self.found_ms is not None

    @property
    def distance(self) -> float | None:
        """From the edge, negative below it, of the transaction that came nearest."""
        return None if self.score is None or self.edge is None else self.score - self.edge

    @property
    def why_missed(self) -> Missed:
        """Of a case that was not found."""
        if self.distance is None:
            return Missed.UNSCORED
        return Missed.BELOW if self.distance < 0 else Missed.CUT


class CaseBook:
    """All cases of a file, in the order in which they began."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._cases: list[Case] = []
        self._latest: dict[tuple[str, ...], Case] = {}

    def add(self, folded: Folded, labels: Labels) -> None:
        """Take in one batch; transactions that are no case are not looked at, nor are repeated ones."""
        found = folded.batch.assessments
        is_counted = labels.is_case & (found.outcome != Outcome.DUPLICATE.value)
        nearest: dict[int, tuple[Case, int]] = {}
        for row in np.flatnonzero(is_counted).tolist():
            case = self._case(folded, labels, row)
            time_ms = int(found.transactions.event_time_ms[row])
            case.transactions += 1
            case.amount_minor += int(found.transactions.amount_minor[row])
            case.first_ms, case.last_ms = min(case.first_ms, time_ms), max(case.last_ms, time_ms)
            case.known_model |= folded.edge < float("inf")
            if not np.isnan(found.score[row]):
                self._scored(case, time_ms)
                score, edge, lane = nearest_edge(folded, row)
                if case.distance is None or score - edge > case.distance:
                    case.score, case.edge, case.lane, case.code, case.reason = score, edge, None, None, None
                    if lane is not None:
                        case.lane, case.code, case.reason = lane.name, lane.code, lane.sentence.en
                    nearest[id(case)] = (case, row)
            if row in found.alert_ids and not case.is_found:
                case.found_ms, case.found_place = time_ms, case.transactions
                case.found_minor = case.amount_minor
        for case, row in nearest.values():
            if not case.is_found and case.lane is None:
                case.code, case.reason = self._strongest(folded, row)

    def begun_in(self, span: Span) -> list[Case]:
        """Cases whose first transaction lies in the span."""
        begun = np.array([case.first_ms for case in self._cases], dtype=np.int64)
        return [self._cases[place] for place in np.flatnonzero(span.holds(begun)).tolist()]

    def _case(self, folded: Folded, labels: Labels, row: int) -> Case:
        transactions = folded.batch.assessments.transactions
        account_id = transactions.text_of(row, TextField.ACCOUNT_ID) or ""
        time_ms = int(transactions.event_time_ms[row])
        typology, name = labels.typologies.get(row), labels.cases.get(row)
        key = (account_id, typology or "") if name is None else (name,)
        known = self._latest.get(key)
        if known is None or (name is None and time_ms - known.last_ms > PAUSE_MS):
            transaction_id = transactions.text_of(row, TextField.TRANSACTION_ID) or ""
            known = Case(name or transaction_id, account_id, typology, time_ms, time_ms)
            self._latest[key] = known
            self._cases.append(known)
        return known

    def _scored(self, case: Case, time_ms: int) -> None:
        if case.scored_ms is None:
            case.scored_ms, case.scored_place = time_ms, case.transactions
            case.scored_minor = case.amount_minor

    def _strongest(self, folded: Folded, row: int) -> tuple[str | None, str | None]:
        code = folded.batch.assessments.top_reason(row)
        for reason in folded.batch.reasons_of(row):
            if reason.spec.code == code:
                return code, sentences.sentence(reason, self._currency).en
        return code, None


def nearest_edge(folded: Folded, row: int) -> tuple[float, float, LaneSpec | None]:
    """Of a scored row: what it says where it comes nearest to an edge, that edge, and the lane if it is one's."""
    found = folded.batch.assessments
    nearest: tuple[float, float, LaneSpec | None] = (float(found.score[row]), folded.edge, None)
    for spec, edge in folded.lane_edges:
        surprise = float(found.lane_surprises[found.lanes.index(spec.name), row])
        if surprise - edge > nearest[0] - nearest[1]:
            nearest = (surprise, edge, spec)
    return nearest


class CaseFigures(msgspec.Struct, frozen=True):
    """What became of cases that began in the measured span; those before the first model are left out, and counted.

    Medians are over the found ones: how many transactions and hours after the case began it was first alerted, and
    what was possible, at its first transaction with a score. Of all `amount_minor` the alerts came before
    `ahead_minor` had moved, and could have come before `ahead_possible_minor` had.
    """

    found: Share
    without_model: int
    median_transactions: float | None
    median_hours: float | None
    possible_transactions: float | None
    possible_hours: float | None
    amount_minor: int
    ahead_minor: int
    ahead_possible_minor: int
    within: tuple[tuple[float, float, float], ...]
    """(hours, share of the cases found by then, share that could be)."""
    missed: dict[str, int]


class TypologyFigures(msgspec.Struct, frozen=True):
    """The same of the cases of one typology."""

    name: str
    found: Share
    transactions: int
    median_transactions: float | None
    median_hours: float | None


HOURS = (0.0, 1.0, 2.0, 4.0, 8.0, 12.0, 24.0, 48.0, 96.0, 168.0)
_HOUR_MS = 3_600_000


def figures(cases: Sequence[Case]) -> CaseFigures:
    """Of all cases that began in the span."""
    known = [case for case in cases if case.known_model]
    found = [case for case in known if case.is_found]
    missed = [case.why_missed.value for case in known if not case.is_found]
    scored = [case for case in known if case.scored_ms is not None]
    alerted_after, possible_after = (
        [_alerted_after(case) for case in found],
        [_possible_after(c) for c in scored],
    )
    return CaseFigures(
        found=share(len(found), len(known)),
        without_model=len(cases) - len(known),
        median_transactions=_median(case.found_place for case in found),
        median_hours=_median(alerted_after),
        possible_transactions=_median(case.scored_place for case in scored),
        possible_hours=_median(possible_after),
        amount_minor=sum(case.amount_minor for case in known),
        ahead_minor=sum(case.amount_minor - case.found_minor for case in found),
        ahead_possible_minor=sum(case.amount_minor - case.scored_minor for case in scored),
        within=tuple(
            (hours, _part(alerted_after, hours, len(known)), _part(possible_after, hours, len(known)))
            for hours in HOURS
        ),
        missed={why.value: missed.count(why.value) for why in Missed if why.value in missed},
    )


def by_typology(cases: Sequence[Case]) -> tuple[TypologyFigures, ...]:
    """Of every typology the labels name, the most frequent first; none where they name none."""
    named: dict[str, list[Case]] = {}
    for case in cases:
        if case.typology is not None and case.known_model:
            named.setdefault(case.typology, []).append(case)
    return tuple(
        TypologyFigures(
            name=name,
            found=share(sum(case.is_found for case in own), len(own)),
            transactions=sum(case.transactions for case in own),
            median_transactions=_median(case.found_place for case in own if case.is_found),
            median_hours=_median(_alerted_after(case) for case in own if case.is_found),
        )
        for name, own in sorted(named.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def _alerted_after(case: Case) -> float:
    """Hours; of a late transaction none, not fewer."""
    return max(0, (case.found_ms or 0) - case.first_ms) / _HOUR_MS


def _possible_after(case: Case) -> float:
    return max(0, (case.scored_ms or 0) - case.first_ms) / _HOUR_MS


def _part(hours: Sequence[float], limit: float, of: int) -> float:
    return sum(one <= limit for one in hours) / of if of else 0.0


def _median(values: Iterable[float]) -> float | None:
    listed = list(values)
    return float(np.median(listed)) if listed else None
