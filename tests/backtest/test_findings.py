"""What a backtest says of alerts and cases is what the file and the scores say when they are counted by hand."""

import csv
from collections import Counter, defaultdict
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import numpy as np
import pytest
from examining import DAY, SCORE, TRAIN, Examined, examined

from fraudwatch.backtest import Finding, backtest, span
from fraudwatch.backtest.cases import Case, Missed, nearest_edge
from fraudwatch.backtest.folding import Folded
from fraudwatch.backtest.measures import share
from fraudwatch.config.settings import Label, Settings
from fraudwatch.decode import Decoder
from fraudwatch.pipeline import Assessments, Batch
from fraudwatch.records import Chunk, LaneSpec, Text, Theme


def milliseconds(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def cases_by_hand(run: Examined) -> dict[str, list[dict[str, Any]]]:
    """The transactions of each case that begins in the measured days."""
    cases: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in run.rows:
        if row["label"]:
            cases[row["case_id"]].append(row)
    begun = {name: min(milliseconds(row["event_time"]) for row in own) for name, own in cases.items()}
    return {
        name: own
        for name, own in cases.items()
        if (SCORE.since_ms or 0) <= begun[name] < (SCORE.until_ms or 0)
    }


def is_alerted(run: Examined, row: dict[str, Any]) -> bool:
    return bool(run.scores.get(row["transaction_id"], {}).get("alert_id"))


def test_a_case_is_found_when_a_transaction_of_it_is_in_an_alert(labelled_run: Examined) -> None:
    by_hand = cases_by_hand(labelled_run)
    found = {name for name, own in by_hand.items() if any(is_alerted(labelled_run, row) for row in own)}
    told = labelled_run.finding.cases()
    assert {case.name for case in told} == set(by_hand)
    assert {case.name for case in told if case.is_found} == found
    assert 0 < len(found) < len(by_hand)
    figures = labelled_run.finding.findings()
    assert figures.cases is not None
    assert figures.cases.found == share(len(found), len(by_hand))
    assert sum(figures.cases.missed.values()) == len(by_hand) - len(found)


def test_recall_is_told_by_typology(labelled_run: Examined) -> None:
    by_hand = cases_by_hand(labelled_run)
    of = Counter(own[0]["typology"] for own in by_hand.values())
    found = Counter(
        own[0]["typology"] for own in by_hand.values() if any(is_alerted(labelled_run, row) for row in own)
    )
    told = labelled_run.finding.findings().typologies
    assert {one.name: one.found for one in told} == {name: share(found[name], of[name]) for name in of}
    assert sum(one.transactions for one in told) == sum(map(len, by_hand.values()))


def test_time_to_detection_counts_from_the_first_transaction_of_the_case(labelled_run: Examined) -> None:
    hours, places, ahead = [], [], 0
    for own in cases_by_hand(labelled_run).values():
        alerted = [place for place, row in enumerate(own) if is_alerted(labelled_run, row)]
        if alerted:
            begun = milliseconds(own[0]["event_time"])
            hours.append((milliseconds(own[alerted[0]]["event_time"]) - begun) / 3_600_000)
            places.append(alerted[0] + 1)
            ahead += sum(round(row["amount"] * 100) for row in own[alerted[0] + 1 :])
    figures = labelled_run.finding.findings().cases
    assert figures is not None
    assert figures.median_hours == pytest.approx(median(hours))
    assert figures.median_transactions == median(places)
    assert figures.ahead_minor == ahead
    at_once, within_a_week = figures.within[0], figures.within[-1]
    assert at_once[1] == pytest.approx(sum(hour == 0 for hour in hours) / figures.found.of)
    assert at_once[1] <= within_a_week[1] <= within_a_week[2]
    assert all(found <= possible for _, found, possible in figures.within)


def test_nothing_can_alert_before_the_first_transaction_with_a_score(labelled_run: Examined) -> None:
    for case in labelled_run.finding.cases():
        if case.is_found:
            assert case.scored_ms is not None
            assert case.scored_place <= case.found_place
            assert case.scored_minor <= case.found_minor <= case.amount_minor


def test_alerts_are_counted_on_the_day_they_were_opened(labelled_run: Examined) -> None:
    opened: dict[str, str] = {}
    right: set[str] = set()
    is_case = {row["transaction_id"]: bool(row["label"]) for row in labelled_run.rows}
    for row in labelled_run.scores.values():  # in the order of arrival
        if row["alert_id"]:
            opened.setdefault(row["alert_id"], row["event_time"][:10])
            if is_case[row["transaction_id"]]:
                right.add(row["alert_id"])
    told = labelled_run.finding.alerts()
    findings = labelled_run.finding.findings()
    new = {alert.alert_id for alert in told}
    assert len(opened) - len(new) == findings.carried
    assert {alert.alert_id for alert in told if alert.is_right} == right & new
    per_day = Counter(opened[name] for name in new)
    for day in findings.days:
        opened_on = datetime.fromtimestamp(day.begins_ms / 1000, UTC).strftime("%Y-%m-%d")
        assert day.right + day.other + day.samples == per_day[opened_on]
    assert len(findings.days) == 10
    assert findings.alerts == sum(per_day.values())
    raised = [alert for alert in told if not alert.is_sample]
    assert findings.precision == share(len([one for one in raised if one.is_right]), len(raised))


def test_every_scored_transaction_is_in_the_distribution_once(labelled_run: Examined) -> None:
    scored = [row for row in labelled_run.scores.values() if row["score"]]
    figures = labelled_run.finding.findings().scores
    assert sum(figures.all) == len(scored)
    above_three = sum(float(row["score"]) >= 3 for row in scored)
    from_three = round((3 - figures.lowest) / figures.width)
    assert sum(figures.all[from_three:]) == above_three
    labels = {row["transaction_id"]: row["label"] for row in labelled_run.rows}
    assert sum(figures.cases) == sum(labels[row["transaction_id"]] for row in scored)


def test_weeks_add_up_to_the_whole(labelled_run: Examined) -> None:
    findings = labelled_run.finding.findings()
    assert [week.days for week in findings.weeks] == [7, 3]
    assert sum(week.scored for week in findings.weeks) == sum(day.scored for day in findings.days)
    assert sum(week.alerts_per_day * week.days for week in findings.weeks) == pytest.approx(findings.alerts)
    assert sum(week.found.of for week in findings.weeks if week.found) == len(labelled_run.finding.cases())
    assert all(week.instability is not None and week.instability >= 0 for week in findings.weeks)


def test_best_alerts_are_right_and_worst_ones_are_not_the_highest_first(labelled_run: Examined) -> None:
    findings = labelled_run.finding.findings()
    raised = [alert for alert in labelled_run.finding.alerts() if not alert.is_sample]
    for shown, is_right in (findings.best, True), (findings.worst, False):
        assert shown
        for queue in {alert.queue for alert in shown}:
            scores = [alert.score for alert in raised if alert.is_right is is_right and alert.queue == queue]
            of_queue = [alert.score for alert in shown if alert.queue == queue]
            assert of_queue == sorted(scores, reverse=True)[: len(of_queue)]
        assert all(alert.text is not None and alert.text.headline for alert in shown)


def test_a_missed_case_says_what_spoke_for_it_and_how_far_it_was_from_the_edge(
    labelled_run: Examined,
) -> None:
    missed = [case for case in labelled_run.finding.cases() if not case.is_found]
    assert any(case.reason for case in missed)
    by_name = cases_by_hand(labelled_run)
    for case in missed:
        scores = [
            float(score)
            for row in by_name[case.name]
            if (score := labelled_run.scores.get(row["transaction_id"], {}).get("score"))
        ]
        if not scores:
            assert case.why_missed is Missed.UNSCORED
            continue
        assert case.lane is not None or case.score in scores
        assert case.distance is not None
        if case.why_missed is Missed.BELOW:
            assert case.distance < 0
        if len(scores) == 1 and case.code is not None and case.lane is None:
            top = {row["transaction_id"]: row["top_reason"] for row in labelled_run.scores.values()}
            assert case.code in {top.get(row["transaction_id"]) for row in by_name[case.name]}
    shown = labelled_run.finding.findings().missed
    assert {case.name for case in shown} <= {case.name for case in missed}
    first_turn = {case.typology for case in missed}
    assert {case.typology for case in shown[: len(first_turn)]} == first_turn


def test_without_labels_it_says_what_can_be_said_without(
    measured: Settings, simulated: Path, tmp_path: Path, labelled_run: Examined
) -> None:
    source = msgspec.structs.replace(measured.source, label=None)
    blind = examined(msgspec.structs.replace(measured, source=source), simulated, tmp_path / "scores.csv")
    findings, labelled = blind.finding.findings(), labelled_run.finding.findings()
    assert (findings.precision, findings.cases, findings.typologies, findings.missed) == (None, None, (), ())
    assert findings.alerts == labelled.alerts
    assert findings.scores.all == labelled.scores.all
    distances = [alert.distance for alert in findings.worst]
    assert distances == sorted(distances)
    first = findings.best[0]
    raised = [alert for alert in blind.finding.alerts() if not alert.is_sample]
    assert first.score == max(alert.score for alert in raised if alert.queue == first.queue)


def test_without_a_case_column_an_accounts_cases_are_told_apart_by_a_week(
    measured: Settings, simulated: Path, tmp_path: Path, labelled_run: Examined
) -> None:
    label = Label(path="label", detail="typology")
    source = msgspec.structs.replace(measured.source, label=label)
    guessed = examined(msgspec.structs.replace(measured, source=source), simulated, tmp_path / "scores.csv")

    def by_hand() -> int:
        latest: dict[tuple[str, str], int] = {}
        cases = 0
        for row in labelled_run.rows:
            if row["label"]:
                key, now = (row["account_id"], row["typology"]), milliseconds(row["event_time"])
                is_new = key not in latest or now - latest[key] > 7 * DAY
                cases += is_new and (SCORE.since_ms or 0) <= now < (SCORE.until_ms or 0)
                latest[key] = now
        return cases

    assert len(guessed.finding.cases()) == by_hand()


def test_cases_before_the_first_model_are_left_out_and_counted(measured: Settings, simulated: Path) -> None:
    everything = span(None, None, "score")
    finding = Finding(measured, everything, is_labelled=True)
    backtest(measured, simulated, train_span=TRAIN, score_span=everything, finding=finding)
    figures = finding.findings().cases
    assert figures is not None
    assert figures.without_model > 0
    assert all(case.last_ms >= (TRAIN.until_ms or 0) - DAY for case in finding.cases())


def test_looking_changes_no_figure_of_the_report(
    labelled_run: Examined, measured: Settings, simulated: Path
) -> None:
    plain = backtest(measured, simulated, train_span=TRAIN, score_span=SCORE)
    assert plain == labelled_run.report


def test_a_case_that_was_never_scored_has_no_distance() -> None:
    case = Case("c", "a", None, 0, 0)
    assert case.distance is None
    assert case.why_missed is Missed.UNSCORED
    case.score, case.edge = 3.0, 2.5
    assert case.why_missed is Missed.CUT


def test_an_alert_that_was_opened_before_the_days_or_goes_on_after_them_is_counted_for_what_lies_in_them(
    labelled_run: Examined, measured: Settings, simulated: Path, tmp_path: Path
) -> None:
    days = span(date(2024, 3, 20), date(2024, 3, 22), "score")
    finding = Finding(measured, days, is_labelled=True)
    out = tmp_path / "scores.csv"
    backtest(measured, simulated, train_span=TRAIN, score_span=days, scores=out, finding=finding)
    with out.open(encoding="utf-8", newline="") as file:
        within = Counter(row["alert_id"] for row in csv.DictReader(file) if row["alert_id"])
    opened: dict[str, str] = {}
    last: dict[str, str] = {}
    for row in labelled_run.scores.values():
        if row["alert_id"]:
            opened.setdefault(row["alert_id"], row["event_time"][:10])
            last[row["alert_id"]] = row["event_time"][:10]
    new = {name for name, day in opened.items() if "2024-03-20" <= day <= "2024-03-22"}
    assert any(last[name] > "2024-03-22" for name in new)
    assert {alert.alert_id: alert.transactions for alert in finding.alerts()} == {
        name: within[name] for name in new
    }
    assert finding.findings().carried == len(set(within) - new) > 0


def test_of_several_edges_a_transaction_is_nearest_to_the_one_it_has_least_to() -> None:
    lanes = [
        LaneSpec(name, name.upper(), Theme.NETWORK, Text(name, name), Text("", ""))
        for name in ("fan_out", "dormant")
    ]
    transactions = Decoder(Settings()).decode_chunk(Chunk("t", 0, *(np.empty(0, np.int64),) * 2, [], []))[0]
    found = Assessments(
        transactions, np.zeros(3, np.uint8), np.array([2.0, 2.9, 2.0]), np.zeros(3, np.int16), ("A",), {},
        lanes=("dormant", "fan_out"), lane_surprises=np.array([[0.0, 3.0, 4.1], [1.9, 3.0, 4.2]]),
    )  # fmt: skip
    batch = Batch(3, found, [], [], 0, 0, {}, np.empty(0, np.int64))
    folded = Folded(
        batch, Chunk("t", 0, *(np.empty(0, np.int64),) * 2, [], []), 3.0, ((lanes[0], 4.5), (lanes[1], 4.0))
    )
    assert nearest_edge(folded, 0) == (2.0, 3.0, None)
    assert nearest_edge(folded, 1) == (2.9, 3.0, None)
    assert nearest_edge(folded, 2) == (4.1, 4.0, lanes[1])
