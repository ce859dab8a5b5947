"""Models on their topic: whole or not at all, the newest that is good, and from one trainer to every worker."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from msgspec.structs import replace

from fraudwatch.config.settings import Settings
from fraudwatch.errors import ArtefactError
from fraudwatch.stream import models
from fraudwatch.stream.models import Bytes, Pointer, Shelf, to_messages

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]


def shelve(shelf: Shelf, messages: list[tuple[bytes, bytes]]) -> list[Pointer]:
    return [pointer for key, value in messages if (pointer := shelf.add(key, value)) is not None]


@given(st.binary(max_size=50), st.binary(max_size=50), st.integers(1, 20))
@trials(max_examples=100, deadline=None)
def test_an_artefact_comes_back_as_it_went_however_it_was_cut(
    manifest: bytes, arrays: bytes, size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "CHUNK_BYTES", size)
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
@trials(max_examples=20, deadline=None)
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


@pytest.mark.parametrize(
    "pointer",
    [
        b'{"version":"v1","chunks":1,"manifest_bytes":1,"arrays_bytes":1,"sha256":"\x95"}',
        b'{"version":"v1","chunks":1000000000000,"manifest_bytes":1,"arrays_bytes":1,"sha256":""}',
        b'{"version":"v1","chunks":1,"manifest_bytes":-1,"arrays_bytes":2,"sha256":""}',
    ],
)
def test_a_pointer_that_no_version_has_is_refused_at_once(pointer: bytes) -> None:
    with pytest.raises(ArtefactError, match="expected the manifest of a version"):
        Shelf().add(b"newest", pointer)


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


@pytest.mark.parametrize("message", [(b"newest", b"{"), (b"else", b""), (None, b"x"), (b"v1/one", b"x")])
def test_what_is_no_model_is_refused(message: tuple[bytes | None, bytes]) -> None:
    with pytest.raises(ArtefactError, match="expected"):
        Shelf().add(*message)


def test_only_the_versions_read_last_are_held_in_memory() -> None:
    shelf = Shelf()
    pointers = [shelve(shelf, to_messages(f"v{n}", Bytes(b"m", b"a")))[-1] for n in range(6)]
    assert shelf.artefact(pointers[5]) == Bytes(b"m", b"a")
    with pytest.raises(ArtefactError, match="v0"):
        shelf.artefact(pointers[0])


def test_the_owner_of_partition_0_fits_publishes_and_every_worker_scores_with_that_model(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, free_port: Callable[[], int]
) -> None:
    broker.create_topics(2)
    settings = replace(settings, training=replace(settings.training, min_transactions=100))
    first = start(settings)
    second = start(settings, metrics=replace(settings.metrics, port=free_port()))
    for worker in (first, second):
        worker.until(lambda worker=worker: worker.is_ready)
    broker.send(numbered(1, 99), partition=0)
    first.until(lambda: broker.committed().get(0) == 99)
    assert "warming up, 99%" in first.ask("/ready")[1] + second.ask("/ready")[1]
    broker.send(numbered(100, 150), partition=0)

    def both_use_it() -> bool:
        broker.send(numbered(1, 1), partition=0)
        broker.send(numbered(1, 1), partition=1)
        return all("; model fitted-on-" in worker.ask("/ready")[1] for worker in (first, second))

    def versions() -> set[str]:
        return {line[4] for line in first.lines("live")}

    first.until(both_use_it)
    assert "none" in versions()
    # In use is one thing, the first fold that says so a moment later another.
    first.until(lambda: len(versions()) == 2)
    third = start(settings, metrics=replace(settings.metrics, port=free_port()))
    third.until(lambda: third.is_ready)
    assert (versions() - {"none"}).pop() in third.ask("/ready")[1]


def test_a_damaged_model_is_refused_said_and_counted_and_the_one_before_stays(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    topic = settings.topics.models
    good = to_messages("good", Bytes(b'{"version": "good"}', bytes(2_000_000)))
    torn = to_messages("torn", Bytes(b'{"version": "torn"}', bytes(2_000_000)))
    del torn[1]
    broker.send_keyed(topic, [*good, *torn])
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert "; model good" in worker.ask("/ready")[1]
    assert "model torn: expected 3 chunks, chunk 1 is missing" in worker.said
    # The same while it runs: not JSON where a manifest should be, then a good one again.
    broken = to_messages("broken", Bytes(b"not JSON", b"arrays"))
    broker.send_keyed(topic, [*broken, *to_messages("better", Bytes(b'{"version": "better"}', b"arrays"))])
    worker.until(lambda: "model good stays in use" in worker.said)
    worker.until(lambda: "model better is in use" in worker.said)
    broker.send(numbered(1, 5))
    worker.until(lambda: [line[4] for line in worker.lines("live")][-1:] == ["better"])
    assert "; model better" in worker.ask("/ready")[1]
    assert "fraudwatch_refused_models_total 2.0" in worker.ask("/metrics")[1]


def test_a_failed_fit_is_said_and_the_worker_goes_on(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    training = replace(settings.training, min_transactions=100, sample=666)
    worker = start(replace(settings, training=training))
    broker.send(numbered(1, 120))
    worker.until(lambda: "no model yet, the next try is in 60 s: expected a better sample" in worker.said)
    assert worker.shows("fraudwatch_failed_fits_total 1.0")
    broker.send(numbered(121, 130))
    worker.until(lambda: broker.committed() == {0: 130})
