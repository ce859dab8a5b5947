"""Two runs side by side: newly alerted, no longer alerted, the same."""

from msgspec.structs import replace

from fraudwatch.backtest import compare, differences, summary
from fraudwatch.backtest.cases import Case
from fraudwatch.backtest.noted import AlertText, NotedAlert
from fraudwatch.config.settings import Alerts, Detection, Kafka, Settings

HOUR = 3_600_000
DAY = 24 * HOUR


def alert(
    account_id: str, opened_ms: int, last_ms: int | None = None, *, score: float = 4.0, cases: int = 0
) -> NotedAlert:
    return NotedAlert(
        alert_id=f"{account_id}-{opened_ms}",
        account_id=account_id,
        opened_ms=opened_ms,
        last_ms=opened_ms if last_ms is None else last_ms,
        is_sample=False,
        severity="low",
        score=score,
        rank=1.0,
        edge=3.0,
        edge_is_low=False,
        reasons=("AMT",),
        transactions=1,
        cases=cases,
        text=AlertText(f"Account {account_id}", ()),
    )


def case(name: str, *, is_found: bool) -> Case:
    return Case(name, f"account of {name}", None, 0, 0, found_ms=1 if is_found else None)


def test_the_same_account_within_a_day_is_the_same_alert_though_it_was_opened_elsewhere() -> None:
    first = [alert("a", 10 * DAY, 11 * DAY), alert("b", 10 * DAY), alert("c", 10 * DAY)]
    second = [alert("a", 12 * DAY), alert("b", 9 * DAY), alert("c", 10 * DAY - 1), alert("d", 10 * DAY)]
    compared = compare(first, second, [], [], ())
    assert (compared.same.alerts, compared.newly.alerts, compared.no_longer.alerts) == (3, 1, 0)
    assert [one.account_id for one in compared.newly.examples] == ["d"]


def test_more_than_a_day_apart_it_is_another() -> None:
    compared = compare([alert("a", 0, HOUR)], [alert("a", HOUR + DAY + 1)], [], [], ())
    assert (compared.same.alerts, compared.newly.alerts, compared.no_longer.alerts) == (0, 1, 1)
    swapped = compare([alert("a", HOUR + DAY + 1)], [alert("a", 0, HOUR)], [], [], ())
    assert (swapped.same.alerts, swapped.newly.alerts, swapped.no_longer.alerts) == (0, 1, 1)


def test_examples_are_the_highest_ranked_and_samples_are_left_out() -> None:
    drawn = replace(alert("z", 0, score=99.0), is_sample=True)
    second = [*(alert(f"a{place}", 0, score=float(place), cases=place % 2) for place in range(30)), drawn]
    newly = compare([], second, [], [], ()).newly
    assert (newly.alerts, newly.right) == (30, 15)
    assert [one.score for one in newly.examples] == [float(place) for place in range(29, 19, -1)]


def test_cases_are_paired_by_name_and_the_sentence_says_whether_chance_could_do_it() -> None:
    def both(first: int, second: int) -> str:
        names = [*(f"f{at}" for at in range(first)), *(f"s{at}" for at in range(second)), "both", "none"]
        found_first = {name for name in names if name[0] in "fb"}
        found_second = {name for name in names if name[0] in "sb"}
        compared = compare(
            [],
            [],
            [case(name, is_found=name in found_first) for name in names],
            [case(name, is_found=name in found_second) for name in reversed(names)],
            (),
        )
        assert (compared.found_by_both, compared.found_by_none) == (1, 1)
        assert (compared.found_by_first_only, compared.found_by_second_only) == (first, second)
        return summary(compared, is_labelled=True)

    assert (
        "alerts 12 cases that the first misses, and misses 2 that the first alerts: more than chance"
        in both(2, 12)
    )
    assert "chance could do that" in both(3, 4)
    assert "exactly the same cases" in both(0, 0)


def test_only_what_can_change_a_score_or_an_alert_is_a_difference() -> None:
    first = Settings()
    second = Settings(
        alerts=Alerts(alerts_per_day=10), detection=Detection(detectors=()), kafka=Kafka(group="other")
    )
    assert differences(first, second) == (
        ("alerts.alerts_per_day", "40.0", "10"),
        ("detection.detectors", "['isolation_forest', 'hbos', 'pca']", "[]"),
    )
    assert differences(first, first) == ()


def test_finding_more_with_more_alerts_is_said_to_be_no_wonder() -> None:
    names = [str(place) for place in range(20)]
    cases = [case(name, is_found=False) for name in names], [case(name, is_found=True) for name in names]
    more = compare([alert("a", 0)], [alert(name, 0) for name in "abcde"], *cases, ())
    equal = compare([alert("a", 0)], [alert("b", 0)], *cases, ())
    assert "the second raises 5 alerts, the first 1: whatever raises more alerts" in summary(
        more, is_labelled=True
    )
    assert "whatever raises more" not in summary(equal, is_labelled=True)
