"""What changes with another model or configuration: as its trial tells, or as two review topics do."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from fraudwatch.alerts import read
from fraudwatch.alerts.differences import Differences, Opened
from fraudwatch.broker.models import Versions
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings
from fraudwatch.errors import UnusableInputError
from fraudwatch.pipeline.compared import Report, read_report


class Told(msgspec.Struct, frozen=True):
    """What the trial of a version has told so far, over the `partitions` that have reported."""

    version: str
    in_use: str
    state: str
    partitions: int
    partitions_over: int
    transactions: int
    since_ms: int | None
    until_ms: int | None
    differences: Differences


class Beside(msgspec.Struct, frozen=True):
    """The alerts of two review topics, of those opened while both had alerts."""

    first: str
    second: str
    since_ms: int
    until_ms: int
    differences: Differences


def _ignored(_: object) -> None:
    return None


def of_trial(
    known: Versions, name: str | None = None, *, on_strange: Callable[[str], None] = _ignored
) -> Told:
    """Of the model on trial, or of the version whose name begins so. Raises UnusableInputError where there is none."""
    register = known.register
    candidate = register.candidate
    pointer = known.pointer(name) if name is not None else candidate
    if pointer is None:
        decided = next(reversed(register.trials), None)
        last = f" (the last one that was: `fraudwatch diff {decided}`)" if decided else ""
        raise UnusableInputError(
            f"expected a model on trial, found none{last}. A model is on trial after a refit (training.refit_every, "
            "training.refit_on_drift); two configurations are compared with --against TOPIC."
        )
    reports = list(_reports(register.trials.get(pointer.version, {}), on_strange))
    beside = Counter(report.in_use for report in reports).most_common(1)
    in_use = beside[0][0] if beside else ""
    if pointer is candidate and register.in_use is not None:
        in_use = register.in_use.version
    # Those beside another model are of a trial that has begun anew since.
    reports = [report for report in reports if report.in_use == in_use]
    if not reports:
        raise UnusableInputError(
            f"expected reports of the trial of model {pointer.version}, found none: "
            + (
                "its trial has just begun."
                if pointer is candidate
                else "it was not tried, or its reports are gone."
            )
        )
    seen = [report for report in reports if report.transactions]
    return Told(
        version=pointer.version,
        in_use=in_use,
        state=known.named(pointer.version).state,
        partitions=len(reports),
        partitions_over=sum(report.is_over for report in reports),
        transactions=sum(report.transactions for report in reports),
        since_ms=min((report.first_ms for report in seen), default=None),
        until_ms=max((report.newest_ms for report in seen), default=None),
        differences=Differences.together([report.differences for report in reports]),
    )


def _reports(messages: dict[int, bytes], on_strange: Callable[[str], None]) -> Iterator[Report]:
    for partition, message in messages.items():
        try:
            yield read_report(message)
        except UnusableInputError as error:
            on_strange(f"partition {partition}: {error}")


def against(
    settings: Settings,
    other: str,
    *,
    on_strange: Callable[[str], None] = _ignored,
    on_progress: Callable[[int], None] = _ignored,
) -> Beside:
    """Of the review topic and another one. Raises BrokerError, and UnusableInputError without a common span."""
    topics = (settings.topics.review, other)
    first, second = (_opened(settings, topic, on_strange, on_progress) for topic in topics)
    for topic, alerts in zip(topics, (first, second), strict=True):
        if not alerts:
            raise UnusableInputError(f"expected alerts on the topic {topic}, found none")
    since = max(min(alert.opened_ms for alert in alerts) for alerts in (first, second))
    until = min(max(alert.opened_ms for alert in alerts) for alerts in (first, second))
    if since > until:
        raise UnusableInputError(
            f"expected alerts of the same days on {topics[0]} and {topics[1]}, found that one ends ({_day(until)}) "
            f"before the other begins ({_day(since)})"
        )
    return Beside(topics[0], other, since, until, Differences.between(first, second, (since, until)))


def _opened(
    settings: Settings, topic: str, on_strange: Callable[[str], None], on_progress: Callable[[int], None]
) -> list[Opened]:
    """Without samples, which no model raises; the newest message of an alert is the alert."""
    found: dict[str, Opened] = {}
    for record in tail(settings, topic):
        on_progress(1)
        if record.value is None:
            continue
        try:
            alert = read(record.value)
        except UnusableInputError as error:
            on_strange(f"{topic}, partition {record.partition}, offset {record.offset}: {error}")
            continue
        if not alert.sample:
            found[alert.alert_id] = Opened.of(alert)
    return list(found.values())


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
