"""Two runs over the same stream side by side: what is newly alerted, no longer alerted, and the same."""

from collections.abc import Sequence

import msgspec

from fraudwatch.alerts.differences import by_account, meets
from fraudwatch.backtest.cases import Case
from fraudwatch.backtest.measures import sign_test
from fraudwatch.backtest.noted import NotedAlert, highest
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import plain_settings

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
    first, second = _raised(first), _raised(second)
    before, after = by_account(first), by_account(second)
    same = [alert for alert in second if meets(alert, before)]
    newly = [alert for alert in second if not meets(alert, before)]
    no_longer = [alert for alert in first if not meets(alert, after)]
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
