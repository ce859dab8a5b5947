"""The words of the labels are those of the types they repeat."""

from typing import Literal, get_args, get_origin, get_type_hints

from fraudwatch.alerts.alert import Alert
from fraudwatch.alerts.dispositions import Verdict
from fraudwatch.alerts.episodes import Queue
from fraudwatch.metrics import labels
from fraudwatch.records import Outcome, Refusal, Stage, Theme


def test_outcomes_are_those_of_the_records():
    assert tuple(outcome.label for outcome in sorted(Outcome, key=lambda o: o.value)) == labels.OUTCOME_CODES


def test_causes_are_those_that_leave_a_transaction_unscored():
    causes = {o.value: o.name.partition("_")[2].lower() for o in Outcome if o.label == "unscored"}
    assert causes == labels.UNSCORED_CAUSES


def test_stages_and_reasons_of_dead_letters_are_those_of_the_records():
    assert tuple(Stage) == labels.DEAD_LETTER_STAGES
    assert tuple(Refusal) == labels.DEAD_LETTER_REASONS


def test_severities_and_kinds_are_those_of_alerts():
    hints = get_type_hints(Alert)
    assert get_origin(hints["severity"]) is Literal
    assert set(get_args(hints["severity"])) == set(labels.SEVERITIES)
    # A sample is an alert whose field `sample` is true.
    assert {*get_args(hints["kind"]), "sample"} == set(labels.KINDS)


def test_queues_are_those_of_alerts():
    assert tuple(Queue) == labels.QUEUES


def test_drift_is_told_of_the_score_and_of_every_theme():
    assert list(labels.DRIFT_OF) == ["score", *Theme]


def test_verdicts_are_those_of_dispositions():
    assert tuple(Verdict) == labels.VERDICTS
