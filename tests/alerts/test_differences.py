"""The alerts of two models side by side: which are the same, which are new, which are gone."""

from fraudwatch.alerts.differences import EXAMPLES, Differences, Kind, Opened

HOUR = 3_600_000


def opened(
    alert_id: str, account: str = "a", hour: int = 0, until: int | None = None, **facts: object
) -> Opened:
    last = hour if until is None else until
    told = {"queue": "amount", "lane": None, "severity": "low", "rank": 1.0, "headline": alert_id} | facts
    return Opened(alert_id, account, opened_ms=hour * HOUR, last_ms=last * HOUR, **told)  # type: ignore[arg-type]


def names(kind: Kind) -> list[str]:
    return [example.alert_id for example in kind.examples]


def test_alerts_of_one_account_a_day_apart_at_most_are_the_same_whatever_their_ids() -> None:
    first = [opened("x", hour=0, until=5), opened("y", "b", hour=0)]
    second = [opened("z", hour=29), opened("w", "b", hour=25), opened("v", "c")]
    found = Differences.between(first, second)
    assert names(found.same) == ["z"]
    assert names(found.newly) == ["v", "w"]
    assert names(found.no_longer) == ["y"]
    assert names(Differences.between(first, [opened("z", hour=30)]).same) == []


def test_they_are_counted_by_the_queue_of_whoever_raised_them() -> None:
    found = Differences.between(
        [opened("x", queue="typology", lane="burst")], [opened("z"), opened("w", "b", queue="typology")]
    )
    assert {name: kind.alerts for name, kind in found.kinds.items()} == {
        "same": {"amount": 1},
        "newly": {"typology": 1},
        "no_longer": {},
    }


def test_of_a_span_those_opened_in_it_are_counted_and_those_beside_it_are_still_met() -> None:
    first = [opened("x", hour=0), opened("y", "b", hour=90)]
    second = [opened("z", hour=10), opened("w", "c", hour=9)]
    found = Differences.between(first, second, (10 * HOUR, 80 * HOUR))
    assert names(found.same) == ["z"]
    assert names(found.newly) == names(found.no_longer) == []


def test_parts_add_up_and_the_highest_ranked_are_the_examples() -> None:
    parts = [
        Differences.between(
            [], [opened(f"{part}{rank}", f"{part}{rank}", rank=float(rank)) for rank in range(9)]
        )
        for part in "pq"
    ]
    newly = Differences.together(parts).newly
    assert newly.alerts == {"amount": 18}
    assert names(newly) == ["p0", "q0", "p1", "q1", "p2"][:EXAMPLES]


def test_what_joins_an_alert_stretches_it() -> None:
    alert = opened("x", hour=5)
    alert.stretch(3 * HOUR)
    alert.stretch(9 * HOUR)
    alert.stretch(6 * HOUR)
    assert (alert.opened_ms, alert.last_ms) == (3 * HOUR, 9 * HOUR)
