"""What the trial of a model shows: in each partition a report, and of all reports together one comparison.

A report is a message that any worker can write and read. Reports of parts add up to that of the whole.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec
import numpy as np
import numpy.typing as npt

from fraudwatch.alerts.account_days import DAY_MS
from fraudwatch.alerts.budget import Budget
from fraudwatch.alerts.differences import Differences
from fraudwatch.alerts.edge import Edge
from fraudwatch.alerts.lanes import Lanes
from fraudwatch.config.settings import Settings
from fraudwatch.config.settings import Trial as TrialSettings
from fraudwatch.detection import Model
from fraudwatch.detection.usual import BANDS
from fraudwatch.errors import UnusableInputError
from fraudwatch.records import FloatArray

LEAST_COMPARED, MOST_COMPARED = 20, 100
"""Account-days above the edges, by which the models are compared: a small share of a budget would be two or three, and
of many more than a hundred an overlap is known no better."""
HELD = 5 * MOST_COMPARED
"""Account-days that are kept of each queue, so that one sees up to five times as many alerts as the budget has."""

KeyArray = npt.NDArray[np.uint64]


class Comparison(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a trial showed, of both queues and all partitions. `account_days` are those above the edges, of each model.

    `psi` and `psi_in_use` compare each model's scores with those of its own training sample; `overlap` is the share
    of the account-days above the edges that both agree on; `alert_rate` is the alerts a day, in budgets, that the
    new model would raise before its edges have followed the stream. `days` of event time is the mean of the partitions.
    Of a model that raised an error while it was tried, `failure` is all that is known.
    """

    in_use: str
    transactions: int
    days: float
    psi: float
    psi_in_use: float
    overlap: float
    alert_rate: float
    account_days: int
    partitions: int
    failure: str = ""

    def objections(self, limits: TrialSettings) -> list[str]:
        """Why the new model should be kept out, in words; empty where nothing speaks against it."""
        if self.failure:
            return [f"it could not be tried: {self.failure}"]
        found = []
        if self.psi > limits.psi_limit:
            found.append(
                f"its scores are not those of its own sample (PSI {self.psi:.2f}, limit {limits.psi_limit:g})"
            )
        if self.overlap < limits.least_overlap:
            found.append(
                f"it agrees on {self.overlap:.0%} of the account-days above the edges only "
                f"(at least {limits.least_overlap:.0%})"
            )
        if not limits.least_alerts <= self.alert_rate <= limits.most_alerts:
            found.append(
                f"it would raise {self.alert_rate:.2g} times the alerts of the budget "
                f"(from {limits.least_alerts:g} to {limits.most_alerts:g} times)"
            )
        return found


class Highest(msgspec.Struct, frozen=True):
    """The account-days of one queue that a model ranks highest, the highest first: uint64 keys and float64 scores."""

    keys: bytes = b""
    scores: bytes = b""

    @classmethod
    def of(cls, parts: Sequence["Highest"], limit: int = HELD) -> "Highest":
        """The highest of several; of one account-day its highest score, of equal scores the smaller key."""
        return _highest(
            np.concatenate([np.frombuffer(part.keys, np.uint64) for part in parts]),
            np.concatenate([np.frombuffer(part.scores) for part in parts]),
            limit,
        )

    def with_more(self, keys: KeyArray, scores: FloatArray) -> "Highest":
        """After some more transactions: a function of all that were added, however they were cut."""
        own = np.frombuffer(self.scores)
        if len(own) >= HELD:
            high = scores >= own[-1]
            keys, scores = keys[high], scores[high]
        if not len(keys):
            return self
        together = np.concatenate([np.frombuffer(self.keys, np.uint64), keys])
        return _highest(together, np.concatenate([own, scores]), HELD)

    def __len__(self) -> int:
        return len(self.keys) // 8

    def first(self, count: int) -> KeyArray:
        """The keys of so many."""
        return np.frombuffer(self.keys, np.uint64)[:count]

    def reaching(self, edge: float) -> int:
        """How many are at or above an edge."""
        return int(np.count_nonzero(np.frombuffer(self.scores) >= edge))


def _highest(keys: KeyArray, scores: FloatArray, limit: int) -> Highest:
    order = np.lexsort((keys, -scores))
    first = np.sort(np.unique(keys[order], return_index=True)[1])[:limit]
    chosen = order[first]
    return Highest(keys[chosen].tobytes(), scores[chosen].tobytes())


class Pair(msgspec.Struct, frozen=True):
    """Of one queue, what each model ranks highest."""

    in_use: Highest = Highest()
    candidate: Highest = Highest()


class Report(msgspec.Struct, frozen=True):
    """What was seen in one partition so far: `transactions` by both models, from event time `first_ms` to `newest_ms`.

    `bands` are the counts of scores in the bands of each model's own sample: the one in use, the candidate.
    """

    in_use: str
    is_over: bool
    progress: float
    transactions: int
    first_ms: int
    newest_ms: int
    bands: tuple[tuple[int, ...], tuple[int, ...]]
    amount: Pair
    typology: Pair
    differences: Differences
    failure: str = ""

    @property
    def span_ms(self) -> int:
        return self.newest_ms - self.first_ms


def read_report(message: bytes) -> Report:
    """Raises UnusableInputError for what is none."""
    try:
        report = msgspec.json.decode(message, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableInputError(f"expected the report of a trial, found: {error}") from error
    highest = [one for pair in (report.amount, report.typology) for one in (pair.in_use, pair.candidate)]
    are_pairs = all(len(one.keys) % 8 == 0 and len(one.keys) == len(one.scores) for one in highest)
    if not are_pairs or any(len(counts) != BANDS for counts in report.bands):
        raise UnusableInputError(
            "expected the report of a trial, found other numbers of scores than a trial has"
        )
    return report


def of_one_trial(messages: Mapping[int, bytes], in_use: str) -> dict[int, Report]:
    """The reports by partition, as far as they are of a trial beside this model; what is none is passed over."""
    found = {}
    for partition, message in messages.items():
        with suppress(UnusableInputError):
            report = read_report(message)
            if report.in_use == in_use:
                found[partition] = report
    return found


def is_enough(reports: Mapping[int, Report], limits: TrialSettings, partitions: int) -> bool:
    """Whether every partition takes part and those that have seen the whole span have seen enough together.

    So one without transactions holds nothing up. One that has failed is enough.
    """
    if any(report.failure for report in reports.values()):
        return True
    seen = sum(report.transactions for report in reports.values() if report.span_ms >= limits.span)
    return len(reports) >= partitions and seen >= limits.transactions


def compare(
    reports: Mapping[int, Report], settings: Settings, in_use: Model, candidate: Model, partitions: int
) -> Comparison:
    """Of all partitions, that together have seen one transaction at least, or of which one has failed."""
    for report in reports.values():
        if report.failure:
            return Comparison(in_use.version, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, failure=report.failure)
    seen = [report for report in reports.values() if report.transactions]
    days = sum(max(report.span_ms, DAY_MS) for report in seen) / DAY_MS / partitions
    psi_in_use, psi = (
        float(model.usual.of_score.psi(np.sum([[report.bands[place]] for report in seen], axis=0))[0])
        for place, model in enumerate((in_use, candidate))
    )
    share = settings.trial.share
    budget = min(max(settings.alerts.alerts_per_day * share * days, LEAST_COMPARED), MOST_COMPARED)
    of_lanes = budget * settings.alerts.typology_share if in_use.lanes or candidate.lanes else 0.0
    of_amounts = budget - of_lanes
    edge = Edge(Budget(of_amounts / days, 0.0, 1))
    edge.use(candidate.reference, candidate.transactions_per_day * share)
    amount = _together([report.amount for report in seen])
    typology = _together([report.typology for report in seen])
    above = amount.candidate.reaching(edge.raised_from)
    if of_lanes and candidate.lanes:
        lanes = Lanes(candidate.lanes, Budget(of_lanes / days, 0.0, 1))
        lanes.start(edge.newest_ms, edge.account_days_a_day)
        above += typology.candidate.reaching(float(lanes.raised_from[0]))  # at first that of all of them
    agreed = [_agreed(amount, round(of_amounts)), _agreed(typology, round(of_lanes))]
    compared = sum(of for _, of in agreed)
    return Comparison(
        in_use=in_use.version,
        transactions=sum(report.transactions for report in seen),
        days=days,
        psi=psi,
        psi_in_use=psi_in_use,
        overlap=sum(both for both, _ in agreed) / max(compared, 1),
        alert_rate=float(above / budget),
        account_days=compared,
        partitions=len(seen),
    )


def _together(pairs: Sequence[Pair]) -> Pair:
    return Pair(
        Highest.of([pair.in_use for pair in pairs]),
        Highest.of([pair.candidate for pair in pairs]),
    )


def _agreed(pair: Pair, count: int) -> tuple[int, int]:
    """Of so many that each model ranks highest, how many are the same; and of how many that is."""
    compared = min(count, max(len(pair.in_use), len(pair.candidate)))
    both = np.intersect1d(pair.in_use.first(compared), pair.candidate.first(compared))
    return len(both), compared
