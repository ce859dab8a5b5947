"""`diff`: what a model on trial would alert anew and no longer, and two review topics side by side."""

import json

import msgspec
import pytest
from msgspec.structs import replace

from fraudwatch.alerts import encode
from fraudwatch.alerts.differences import Differences, Opened
from fraudwatch.broker.deliveries import Parcel, courier
from fraudwatch.broker.differences import of_trial
from fraudwatch.broker.models import Versions
from fraudwatch.config import loading
from fraudwatch.detection.usual import BANDS
from fraudwatch.detection.versions import (
    Bytes,
    Decision,
    Register,
    candidate_messages,
    decided,
    reported,
    to_messages,
)
from fraudwatch.errors import UnusableInputError
from fraudwatch.pipeline.compared import Pair, Report

HOUR = 3_600_000
SINCE = 1_700_000_000_000


def artefact(version):
    return Bytes(b"{}", version.encode())


def opened(alert_id, queue="amount"):
    headline = f"Account {alert_id}: an unusual payment"
    return Opened(alert_id, alert_id, queue, None, "low", 1.0, SINCE, SINCE, headline)


def report(*newly, no_longer=(), in_use="a1", transactions=100, is_over=False):
    return msgspec.json.encode(
        Report(
            in_use=in_use,
            is_over=is_over,
            progress=0.5,
            transactions=transactions,
            first_ms=SINCE if transactions else -(2**62),
            newest_ms=SINCE + HOUR if transactions else -(2**62),
            bands=((0,) * BANDS, (0,) * BANDS),
            amount=Pair(),
            typology=Pair(),
            differences=Differences.between(
                [opened(name) for name in no_longer], [opened(name) for name in newly]
            ),
        )
    )


@pytest.fixture
def register():
    """b2 is on trial beside a1, in three partitions of which one has seen nothing."""
    register = Register()
    for messages in (
        to_messages("a1", artefact("a1")),
        candidate_messages("b2", artefact("b2")),
        reported("b2", 0, report("x", "y", is_over=True)),
        reported("b2", 1, report("z", no_longer=["w"])),
        reported("b2", 2, report(transactions=0)),
        reported("b2", 3, report("old", in_use="a0")),
        reported("b2", 4, b"strange"),
    ):
        for key, value in messages:
            register.add(key, value)
    return register


def test_the_reports_of_all_partitions_beside_the_model_in_use_are_told_together(register):
    strange = []
    told = of_trial(Versions(register, {}), on_strange=strange.append)
    assert (told.version, told.in_use, told.state) == ("b2", "a1", "candidate")
    assert (told.partitions, told.partitions_over, told.transactions) == (3, 1, 200)
    assert (told.since_ms, told.until_ms) == (SINCE, SINCE + HOUR)
    assert told.differences.newly.alerts == {"amount": 3}
    assert [example.alert_id for example in told.differences.no_longer.examples] == ["w"]
    assert len(strange) == 1


def test_a_trial_that_is_over_is_told_by_name_and_without_one_on_trial_it_is_said_how_to_come_by_one(
    register,
):
    for key, value in decided(Decision("b2", False, "trainer", 1, "too far", "a1")):
        register.add(key, value)
    known = Versions(register, {})
    assert of_trial(known, "b").state == "kept out"
    with pytest.raises(
        UnusableInputError, match=r"found none \(the last one that was: `fraudwatch diff b2`\)"
    ):
        of_trial(known)
    with pytest.raises(UnusableInputError, match="it was not tried, or its reports are gone"):
        of_trial(known, "a1")
    with pytest.raises(UnusableInputError, match=r"training\.refit_every"):
        of_trial(Versions(Register(), {}))


def test_a_trial_of_which_nobody_has_told_yet_has_just_begun():
    register = Register()
    for key, value in candidate_messages("b2", artefact("b2")):
        register.add(key, value)
    with pytest.raises(UnusableInputError, match="its trial has just begun"):
        of_trial(Versions(register, {}))


def test_what_is_on_trial_is_shown_with_examples_and_as_json(run, either, either_settings):
    def write(*parts):
        with courier(either_settings.kafka) as deliveries:
            for messages in parts:
                for key, value in messages:
                    deliveries.deliver_one(Parcel(either_settings.topics.models, key, value, [], 0))

    nothing = run("diff", *either)
    assert nothing.exit_code == 1
    assert "expected a model on trial, found none" in nothing.stderr
    write(
        to_messages("a1", artefact("a1")),
        candidate_messages("b2", artefact("b2")),
        reported("b2", 0, report("x", "y")),
        reported("b2", 1, report("z", no_longer=["w"], is_over=True)),
    )
    shown = run("diff", *either)
    assert shown.exit_code == 0
    first, *lines = shown.stdout.splitlines()
    assert first.startswith("model b2 (candidate) beside a1: 200 transactions, 2023-11-14")
    assert first.endswith("1 of 2 partitions over")
    rows = [line.split() for line in lines]
    assert ["newly", "alerted", "3", "0", "3"] in rows
    assert ["no", "longer", "alerted", "1", "0", "1"] in rows
    assert "no longer alerted  Account w: an unusual payment" in shown.stdout
    told = json.loads(run("diff", *either, "--json").stdout)
    assert told["differences"]["newly"]["alerts"] == {"amount": 3}
    assert told["differences"]["newly"]["examples"][0]["headline"] == "Account x: an unusual payment"


def test_two_review_topics_are_compared_over_the_days_that_both_have(run, broker, alert):
    assert run("topics", *broker, "--apply").exit_code == 0
    other = [*broker, "--set=topics.review=fraudwatch.review-next"]
    assert run("topics", *other, "--apply").exit_code == 0
    settings = loading.load(
        None, overrides=dict(option.removeprefix("--set=").split("=") for option in broker)
    )

    def raised(topic, name, day, account="596", **changes):
        at = f"2018-08-{day:02d}T00:00:00.000Z"
        episode = replace(alert.episode, opened_at=at, last_at=at)
        message = replace(
            alert, alert_id=name, entity=replace(alert.entity, account_id=account), episode=episode, **changes
        )
        with courier(settings.kafka) as deliveries:
            deliveries.deliver_one(Parcel(topic, name.encode(), encode(message), [], 0))

    assert (
        "expected alerts on the topic" in run("diff", "--against", "fraudwatch.review-next", *broker).stderr
    )
    for name, day, account in (("a", 1, "596"), ("b", 5, "597"), ("c", 9, "598")):
        raised(settings.topics.review, name, day, account)
    for name, day, account in (("d", 2, "596"), ("e", 6, "599"), ("f", 9, "598"), ("g", 20, "600")):
        raised("fraudwatch.review-next", name, day, account)
    raised("fraudwatch.review-next", "s", 4, "601", sample=True)
    told = json.loads(run("diff", "--against", "fraudwatch.review-next", *broker, "--json").stdout)
    found = {
        kind: [one["alert_id"] for one in told["differences"][kind]["examples"]]
        for kind in ("newly", "no_longer", "same")
    }
    assert found == {"newly": ["e"], "no_longer": ["b"], "same": ["d", "f"]}
    shown = run("diff", "--against", "fraudwatch.review-next", *broker).stdout
    assert "alerts opened from 2018-08-02 00:00 to 2018-08-09 00:00" in shown
    assert run("diff", "b2", "--against", "fraudwatch.review-next", *broker).exit_code == 2
