"""The models topic: artefacts whole or not at all, and which version its messages put in use."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from fraudwatch.detection import npz, versions
from fraudwatch.detection.versions import (
    TRAINER,
    Bytes,
    Decision,
    Messages,
    Pointer,
    Register,
    Shelf,
    candidate_messages,
    chosen,
    chunks_of,
    decided,
    fed_messages,
    in_use,
    pointer_to,
    to_messages,
)
from fraudwatch.errors import ArtefactError


def shelve(shelf: Shelf, messages: Messages) -> list[Any]:
    return [read for key, value in messages if (read := shelf.add(key, value)) is not None]


def artefact(version: str) -> Bytes:
    return Bytes(b"m", version.encode())


def decision(version: str, *, by: str = TRAINER, promoted: bool = True) -> Decision:
    return Decision(version, promoted, by, 1, "because")


@given(st.binary(max_size=50), st.binary(max_size=50), st.integers(1, 20))
@trials(max_examples=100)
def test_an_artefact_comes_back_as_it_went_however_it_was_cut(
    manifest: bytes, arrays: bytes, size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "CHUNK_BYTES", size)
        messages = to_messages("v1", Bytes(manifest, arrays))
    shelf = Shelf()
    by_version, newest = shelve(shelf, messages)
    assert by_version == newest
    assert shelf.artefact(newest) == Bytes(manifest, arrays)


def test_no_message_is_larger_than_a_broker_takes_by_default() -> None:
    messages = to_messages("v1", Bytes(b"m", bytes(3_000_000)))
    assert max(len(value) for _, value in messages) <= 900_000
    assert [key for key, _ in messages][-2:] == [b"v1/manifest", b"newest"]


@given(st.integers(0, 2_000_000))
@trials(max_examples=20)
def test_a_changed_byte_is_refused(place: int) -> None:
    messages = to_messages("v1", Bytes(b"m", bytes(2_000_000)))
    key, chunk = messages[place // 900_000]
    changed = bytearray(chunk)
    changed[place % 900_000] ^= 1
    messages[place // 900_000] = (key, bytes(changed))
    shelf = Shelf()
    pointer = shelve(shelf, messages)[-1]
    with pytest.raises(ArtefactError, match="expected sha256"):
        shelf.artefact(pointer)


@pytest.mark.parametrize("key", [b"newest", b"x/newest", b"chosen", b"v1/manifest", b"v1/candidate"])
@pytest.mark.parametrize(
    "pointer",
    [
        b'{"version":"v1","chunks":1,"manifest_bytes":1,"arrays_bytes":1,"sha256":"\x95"}',
        b'{"version":"v1","chunks":1000000000000,"manifest_bytes":1,"arrays_bytes":1,"sha256":""}',
        b'{"version":"v1","chunks":-1,"manifest_bytes":1,"arrays_bytes":2,"sha256":""}',
    ],
)
def test_a_pointer_that_no_version_has_is_refused_at_once(key: bytes, pointer: bytes) -> None:
    with pytest.raises(ArtefactError, match="expected the manifest of a version"):
        Shelf().add(key, pointer)


@pytest.mark.parametrize("key", [b"v1/" + b"9" * 5_000, b"v1/-1", "v1/²".encode(), b"v1/1000", b"/1", b"v1/"])
def test_a_key_that_no_chunk_has_is_refused(key: bytes) -> None:
    with pytest.raises(ArtefactError, match="expected a key version/number"):
        Shelf().add(key, b"x")


def test_a_missing_chunk_is_refused_and_named() -> None:
    messages = to_messages("v1", Bytes(b"m", bytes(2_000_000)))
    del messages[1]
    shelf = Shelf()
    pointer = shelve(shelf, messages)[-1]
    with pytest.raises(ArtefactError, match="model v1: expected 3 chunks, chunk 1 is missing"):
        shelf.artefact(pointer)


@pytest.mark.parametrize(
    "message", [(b"newest", b"{"), (b"else", b""), (None, b"x"), (b"v1/one", b"x"), (b"v1/decision", b"[]")]
)
def test_what_is_no_model_is_refused(message: tuple[bytes | None, bytes]) -> None:
    with pytest.raises(ArtefactError, match="expected"):
        Shelf().add(*message)


def test_only_the_versions_read_last_are_held_in_memory() -> None:
    shelf = Shelf()
    pointers = [shelve(shelf, to_messages(f"v{n}", artefact("a")))[-1] for n in range(6)]
    assert shelf.artefact(pointers[5]) == artefact("a")
    with pytest.raises(ArtefactError, match="v0"):
        shelf.artefact(pointers[0])


def registered(messages: Messages) -> Register:
    register = Register()
    for key, value in messages:
        register.add(key, value)
    return register


def test_the_one_in_use_stays_at_hand_however_many_candidates_are_kept_out() -> None:
    messages = to_messages("v0", artefact("v0"))
    for number in range(1, 9):
        messages += candidate_messages(f"v{number}", artefact(f"v{number}"))
        messages += decided(decision(f"v{number}", promoted=False))
    register = registered(messages)
    assert register.in_use == pointer_to("v0", artefact("v0"))
    assert register.shelf.artefact(register.in_use) == artefact("v0")
    assert register.candidate is None


def test_a_candidate_is_not_in_use_until_it_is_put_there() -> None:
    messages = [*to_messages("v1", artefact("v1")), *candidate_messages("v2", artefact("v2"))]
    register = registered(messages)
    assert register.in_use == pointer_to("v1", artefact("v1"))
    assert register.candidate == pointer_to("v2", artefact("v2"))
    messages += in_use(pointer_to("v2", artefact("v2")), after="")
    assert registered(messages).in_use == pointer_to("v2", artefact("v2"))
    assert registered(messages).candidate is None


def test_what_the_trainer_decided_without_knowing_of_a_persons_choice_does_not_count() -> None:
    messages = [*to_messages("v1", artefact("v1")), *to_messages("v2", artefact("v2"))]
    messages += chosen(pointer_to("v1", artefact("v1")), choice="x")
    too_late = [*chunks_of("v3", artefact("v3")), *in_use(pointer_to("v3", artefact("v3")), after="")]
    register = registered([*messages, *too_late])
    assert register.in_use is not None
    assert register.in_use.version == "v1"
    in_time = in_use(pointer_to("v3", artefact("v3")), after="x")
    register = registered([*messages, *too_late, *in_time])
    assert register.in_use.version == "v3"


def test_a_persons_decision_stands_above_the_trainers_in_whatever_order() -> None:
    both = [*decided(decision("v1", by="ada", promoted=False)), *decided(decision("v1"))]
    for messages in (both, both[::-1]):
        assert registered(messages).decisions["v1"].by == "ada"


@st.composite
def topics(draw: st.DrawFn) -> Messages:
    """What trainers that lag behind and people write, in any order that can come about."""
    messages: Messages = []
    known = [""]
    for number in range(draw(st.integers(1, 12))):
        pointer = Pointer(f"v{draw(st.integers(0, 4))}", 1, 1, 2, "")
        if draw(st.booleans()):
            known.append(f"choice {number}")
            messages += chosen(pointer, choice=known[-1])
        else:
            messages += in_use(pointer, after=draw(st.sampled_from(known)))
    return messages


def compacted(messages: Messages) -> Messages:
    """Of each key the last."""
    last = {key: place for place, (key, _) in enumerate(messages)}
    return [message for place, message in enumerate(messages) if last[message[0]] == place]


@given(topics(), st.integers(0, 40))
@trials(max_examples=500)
def test_a_compacted_topic_puts_the_same_version_in_use(messages: Messages, dirty: int) -> None:
    """Kafka compacts up to some offset; what comes after it is all there."""
    expected = registered(messages).in_use
    found = registered([*compacted(messages[:dirty]), *messages[dirty:]]).in_use
    assert found == expected


def test_of_each_partition_of_a_trial_the_newest_report_is_known_of_the_versions_reported_on_last() -> None:
    register = Register()
    for version in ("v1", "v2", "v3", "v4"):
        for partition, report in ((0, b"first"), (12, b"other"), (0, b"newest")):
            for key, value in versions.reported(version, partition, report):
                assert register.add(key, value) is False
    assert list(register.trials) == ["v2", "v3", "v4"]
    assert register.trials["v4"] == {0: b"newest", 12: b"other"}
    assert register.reports == 12
    assert register.pointers == {}


FITTED = Bytes(b"m", npz.encode({"combiner.c.lifts": np.zeros(3), "kept": np.ones(200_000)}))


def lifts_of(day: int) -> Bytes:
    return Bytes(f"m{day}".encode(), npz.encode({"combiner.c.lifts": np.full(3, float(day))}))


def fed(day: int, after: str = "") -> Messages:
    """The version of a day, whose lifts alone are others than those of v0."""
    told = {"until_ms": day, "after": after, "decision": decision(f"day{day}")}
    return fed_messages(f"day{day}", lifts_of(day), fit=pointer_to("v0", FITTED), **told)


@pytest.mark.parametrize("is_compacted", [False, True])
def test_a_version_with_other_lifts_is_small_and_comes_back_whole(is_compacted: bool) -> None:
    days = [message for day in range(1, 9) for message in fed(day)]
    assert sum(len(value) for _, value in fed(1)) < 3_000
    messages = [*to_messages("v0", FITTED), *days]
    register = registered(compacted(messages) if is_compacted else messages)
    assert register.in_use is not None
    assert (register.in_use.version, register.in_use.fitted) == ("day8", "v0")
    whole = register.shelf.artefact(register.in_use)
    assert whole.manifest == b"m8"
    found = npz.decode(whole.arrays)
    assert (found["combiner.c.lifts"].tolist(), found["kept"].sum()) == ([8.0] * 3, 200_000)


def test_lifts_are_fed_unless_a_person_went_back_to_earlier_ones() -> None:
    messages = [*to_messages("v0", FITTED), *fed(1), *fed(2)]
    assert registered(messages).may_be_fed
    pointers = registered(messages).pointers
    for version in ("v0", "day1"):
        assert not registered([*messages, *chosen(pointers[version], choice="x")]).may_be_fed
    went_back = [*messages, *chosen(pointers["day1"], choice="x")]
    assert (
        registered([*went_back, *fed(3)]).in_use == registered(went_back).in_use
    )  # it knew nothing of the choice
    assert registered([*went_back, *chosen(pointers["day2"], choice="y")]).may_be_fed
    assert registered([*went_back, *to_messages("v1", artefact("v1"), after="x")]).may_be_fed
    assert not Register().may_be_fed
