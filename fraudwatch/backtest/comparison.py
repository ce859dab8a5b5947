"""Two runs over the same stream side by side: what is newly alerted, no longer alerted, and the same.

An alert's id follows from the transaction that opened it, which another configuration may choose differently. So
alerts are the same when they are of one account and lie no further apart than the transactions of one episode may.
"""

from collections.abc import Sequence

import msgspec

from fraudwatch.backtest.cases import Case
from fraudwatch.backtest.measures import sign_test
from fraudwatch.backtest.noted import NotedAlert, highest
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import plain_settings

PAUSE_MS = 86_400_000
EXAMPLES = 10
_NO_INFLUENCE = ("kafka", "topics", "stream", "snapshots", "metrics")


class Side(msgspec.Struct, frozen=True):
    """Some of the alerts: how many, how many of them touch a case, and the highest-ranked as examples."""

    alerts: int
    right: int
    examples: tuple[NotedAlert, ...]


class Comparison(msgspec.Struct, frozen=True):
    """Alerts drawn at random are left out. `same` counts the second run's alerts that the first one raised too.

    Of the cases both, one or none found; `chance` is how often two equally good runs would differ so unevenly.
    `settings` are the keys that differ, with both values.
    """

    same: Side
    newly: Side
    no_longer: Side
    found_by_both: int
    found_by_second_only: int
    found_by_first_only: int
    found_by_none: int
    chance: float | None
    settings: tuple[tuple[str, str, str], ...]


def compare(
    first: Sequence[NotedAlert],
    second: Sequence[NotedAlert],
    first_cases: Sequence[Case],
    second_cases: Sequence[Case],
    settings: tuple[tuple[str, str, str], ...],
) -> Comparison:
    """Of two runs that were measured over the same span."""
    before = _by_account(first)
    after = _by_account(second)
    same = [alert for alert in _raised(second) if _meets(alert, before)]
    newly = [alert for alert in _raised(second) if not _meets(alert, before)]
    no_longer = [alert for alert in _raised(first) if not _meets(alert, after)]
    found = {_name(case): case.is_found for case in first_cases}
    pairs = [(found[_name(case)], case.is_found) for case in second_cases if _name(case) in found]
    first_only, second_only = pairs.count((True, False)), pairs.count((False, True))
    return Comparison(
        same=_side(same),
        newly=_side(newly),
        no_longer=_side(no_longer),
        found_by_both=pairs.count((True, True)),
        found_by_second_only=second_only,
        found_by_first_only=first_only,
        found_by_none=pairs.count((False, False)),
        chance=sign_test(first_only, second_only) if pairs else None,
        settings=settings,
    )


def differences(first: Settings, second: Settings) -> tuple[tuple[str, str, str], ...]:
    """Keys of what influences scores or alerts and differs, with both values as they are written."""
    left, right = (_flat(plain_settings(settings), "") for settings in (first, second))
    return tuple(
        (key, left.get(key, "–"), right.get(key, "–"))
        for key in sorted(left | right)
        if left.get(key) != right.get(key) and key.partition(".")[0] not in _NO_INFLUENCE
    )


def _raised(alerts: Sequence[NotedAlert]) -> list[NotedAlert]:
    return [alert for alert in alerts if not alert.is_sample]


def _by_account(alerts: Sequence[NotedAlert]) -> dict[str, list[NotedAlert]]:
    accounts: dict[str, list[NotedAlert]] = {}
    for alert in _raised(alerts):
        accounts.setdefault(alert.account_id, []).append(alert)
    return accounts


def _meets(alert: NotedAlert, others: dict[str, list[NotedAlert]]) -> bool:
    return any(
        other.opened_ms - PAUSE_MS <= alert.last_ms and alert.opened_ms <= other.last_ms + PAUSE_MS
        for other in others.get(alert.account_id, ())
    )


def _name(case: Case) -> tuple[str, str]:
    return case.account_id, case.name


def _side(alerts: Sequence[NotedAlert]) -> Side:
    return Side(len(alerts), sum(alert.is_right for alert in alerts), highest(alerts, EXAMPLES))


def _flat(value: object, key: str) -> dict[str, str]:
    """Every leaf by its dotted key."""
    if not isinstance(value, dict):
        return {key: str(value)}
    flat: dict[str, str] = {}
    for name, part in value.items():
        flat |= _flat(part, f"{key}.{name}" if key else str(name))
    return flat
