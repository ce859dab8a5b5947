"""Of more alerts than can be told in words, those are told that a page shows."""

from pathlib import Path

import pytest
from examining import SCORE, TRAIN, Examined
from msgspec.structs import replace

from fraudwatch.backtest import Finding, backtest, noted
from fraudwatch.config.settings import Settings


def test_the_words_that_are_kept_are_those_of_the_best_the_worst_and_the_nearest(
    labelled_run: Examined, measured: Settings, simulated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noted, "TEXTS", 25)
    monkeypatch.setattr(noted, "_OF_EACH_KIND", 4)
    finding = Finding(measured, SCORE, is_labelled=True)
    backtest(measured, simulated, train_span=TRAIN, score_span=SCORE, finding=finding)
    alerts, all_told = finding.alerts(), labelled_run.finding.alerts()
    told = [alert for alert in alerts if alert.text is not None]
    assert len(told) <= 25 < len(alerts) == len(all_told)
    assert [alert.score for alert in alerts] == [alert.score for alert in all_told]
    bounded, whole = finding.findings(), labelled_run.finding.findings()
    assert [alert.alert_id for alert in bounded.worst[:3]] == [alert.alert_id for alert in whole.worst[:3]]
    assert bounded.best[0].alert_id == whole.best[0].alert_id
    assert bounded.precision == whole.precision
    nearest = min((alert for alert in alerts if not alert.is_sample), key=lambda alert: abs(alert.distance))
    assert nearest.text is not None


def test_the_highest_are_taken_from_both_queues_in_turn(labelled_run: Examined) -> None:
    alerts = labelled_run.finding.alerts()[:9]
    mixed = [
        replace(alert, queue="typology" if place % 3 == 0 else "amount", score=float(place))
        for place, alert in enumerate(alerts)
    ]
    taken = [(alert.queue, alert.score) for alert in noted.highest(mixed, 5)]
    assert taken == [("amount", 8.0), ("typology", 6.0), ("amount", 7.0), ("typology", 3.0), ("amount", 5.0)]
    assert [alert.score for alert in noted.highest(mixed, 20)][-3:] == [4.0, 2.0, 1.0]
