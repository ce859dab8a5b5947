"""`model`: what was fitted and decided, and a person's choice among the versions."""

import json

import numpy as np
import pytest

from fraudwatch.broker.deliveries import Parcel, courier
from fraudwatch.broker.models import versions
from fraudwatch.detection import npz
from fraudwatch.detection.versions import (
    Bytes,
    Decision,
    candidate_messages,
    decided,
    fed_messages,
    in_use,
    pointer_to,
    to_messages,
)

BECAUSE = ("--note", "because", "--author", "ada")


@pytest.fixture
def settings(either_settings):
    return either_settings


def artefact(version):
    content = {"span_ms": [1_700_000_000_000, 1_700_604_800_000], "rows": 4_321}
    manifest = json.dumps({"version": version, "product": "0.1.0", "content": content}).encode()
    return Bytes(manifest, version.encode() * 400_000)  # several chunks


@pytest.fixture
def write(settings):
    def deliver(*parts):
        with courier(settings.kafka) as deliveries:
            for messages in parts:
                for key, value in messages:
                    deliveries.deliver_one(Parcel(settings.topics.models, key, value, [], 0))

    return deliver


@pytest.fixture
def three(write):
    """a1 was replaced by b2; c3 was kept out."""
    kept_out = Decision("c3", False, "trainer", 1_700_700_000_000, "it goes too far", "b2", 5, {"psi": 0.5})
    promoted = Decision("b2", True, "trainer", 1_700_650_000_000, "within all limits", "a1", 4)
    write(
        to_messages("a1", artefact("a1")),
        candidate_messages("b2", artefact("b2")),
        in_use(pointer_to("b2", artefact("b2")), after=""),
        decided(promoted),
        candidate_messages("c3", artefact("c3")),
        decided(kept_out),
    )


def content_of(**more):
    content = {"span_ms": [1_700_000_000_000, 1_700_604_800_000], "rows": 4_321}
    return json.dumps({"content": content | more}).encode()


@pytest.fixture
def with_lifts(three, write):
    """The lifts of e5, which replaced b2, learned on for two days."""
    e5 = Bytes(content_of(), npz.encode({"combiner.c": np.zeros(2), "kept": np.ones(200_000)}))
    write(to_messages("e5", e5), decided(Decision("e5", True, "trainer", 1, "within all limits", "b2")))
    for day, before in ((1, "e5"), (2, "day1")):
        feeding = {"fit": "e5", "parent": before, "until_ms": 1_700_600_000_000 + day * 86_400_000}
        lifts = Bytes(content_of(feeding=feeding), npz.encode({"combiner.c": np.ones(day)}))
        decision = Decision(f"day{day}", True, "trainer", 1, "its lifts are learned", before)
        fit = pointer_to("e5", e5)
        write(fed_messages(f"day{day}", lifts, fit=fit, until_ms=day, after="", decision=decision))


def states(settings):
    return {one.version: one.state for one in versions(settings).all}


def test_all_versions_are_listed_with_what_was_decided(run, either, settings, three):
    listed = run("model", "list", *either)
    assert listed.exit_code == 0
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert "replaced" in lines["a1"]
    assert "2023-11-21" in lines["a1"]
    assert "in use" in lines["b2"]
    assert "it goes too far" in lines["c3"]
    told = json.loads(run("model", "list", *either, "--json").stdout)
    assert {one["version"]: one["state"] for one in told["models"]} == {
        "a1": "replaced",
        "b2": "in use",
        "c3": "kept out",
    }


def test_one_is_shown_by_the_beginning_of_its_name(run, either, three):
    shown = run("model", "show", "c", *either).stdout
    for words in ("c3, kept out", "4,321 transactions", "2023-11-14", "it goes too far", "trial: psi"):
        assert words in shown
    told = json.loads(run("model", "show", "c3", *either, "--json").stdout)
    assert told["decision"]["comparison"] == {"psi": 0.5}
    for name, found in (("x", "none of a1, b2, c3"), ("", "none of")):
        refused = run("model", "show", name, *either)
        assert refused.exit_code == 1
        assert found in refused.stderr or "several" in refused.stderr


def test_what_a_person_promotes_is_in_use_with_name_and_reason(run, either, settings, three):
    done = run("model", "promote", "c3", *either, *BECAUSE)
    assert done.exit_code == 0
    assert done.stdout.startswith("model c3 is put in use · by ada")
    assert states(settings) == {"a1": "replaced", "b2": "replaced", "c3": "in use"}
    found = versions(settings)
    decision = found.named("c3").decision
    assert (decision.by, decision.note, decision.before) == ("ada", "because", "b2")
    pointer = found.register.in_use
    assert found.register.shelf.artefact(pointer) == artefact("c3")


def test_a_rollback_goes_back_and_once_more_further_back(run, either, settings, three):
    assert run("model", "promote", "c3", *either, *BECAUSE).exit_code == 0
    assert (
        run("model", "promote", "c3", *either, *BECAUSE).exit_code == 0
    )  # again: nothing else was before it
    for expected in ("b2", "a1"):
        done = run("model", "rollback", *either, *BECAUSE, "--json")
        assert done.exit_code == 0
        assert json.loads(done.stdout)["decision"]["version"] == expected
        assert states(settings)[expected] == "in use"
    refused = run("model", "rollback", *either, *BECAUSE)
    assert refused.exit_code == 1
    assert "model a1, which replaced none" in refused.stderr


def test_lifts_that_were_learned_on_are_shown_and_can_be_gone_back_from(run, either, settings, with_lifts):
    shown = run("model", "show", "day2", *either).stdout
    assert "those of e5, learned on until 2023-11-23" in shown
    assert "its lifts are learned" in shown
    assert run("model", "rollback", *either, *BECAUSE).exit_code == 0
    register = versions(settings).register
    assert (register.in_use.version, register.may_be_fed) == ("day1", False)
    assert npz.decode(register.shelf.artefact(register.in_use).arrays)["kept"].size == 200_000


def test_what_the_trainer_did_not_know_of_does_not_count(run, either, settings, three, write):
    assert run("model", "rollback", *either, *BECAUSE).exit_code == 0
    write(in_use(pointer_to("c3", artefact("c3")), after=""))
    assert states(settings)["a1"] == "in use"


def test_a_version_that_is_not_whole_cannot_be_promoted(run, either, settings, write, three):
    write(candidate_messages("d4", artefact("d4"))[1:])
    refused = run("model", "promote", "d4", *either, *BECAUSE)
    assert refused.exit_code == 1
    assert "chunk 0 is missing" in refused.stderr
    assert states(settings)["b2"] == "in use"


def test_nobody_decides_in_the_name_of_the_trainer(run, either, three):
    refused = run("model", "promote", "a1", *either, "--note", "because", "--author", "trainer")
    assert refused.exit_code == 1
    assert "expected the name of a person" in refused.stderr


def test_without_any_model_that_is_said(run, either):
    assert "there is no model" in run("model", "list", *either).stderr
    assert "found no model in use" in run("model", "rollback", *either, *BECAUSE).stderr
