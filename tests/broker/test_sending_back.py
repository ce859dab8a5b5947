"""Dead letters go back to where they came from: once each, untouched, and never round and round."""

from collections.abc import Callable

import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.broker import dead_letters, topics
from fraudwatch.broker.dead_letters import Note, StoredLetter, is_note, parse_note
from fraudwatch.broker.deliveries import Parcel, Place, courier
from fraudwatch.broker.sending_back import ATTEMPT_HEADER, SentBack, send_back, would_send_back
from fraudwatch.broker.tail import consumed, never
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.records import DeadLetter, Record, Refusal, Stage
from fraudwatch.stream.delivery import BYTES_LEFT_OUT

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
PLACES = st.builds(Place, st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1))
JUNK = b'{"amount": NaN'


def letter(record: Record) -> DeadLetter:
    return DeadLetter(record, Stage.DECODE, Refusal.NOT_JSON, "expected JSON")


def written(settings: Settings, *records: Record) -> None:
    """What a worker does with records it cannot decode."""
    parcels = [
        Parcel(
            settings.topics.dead_letters,
            record.key,
            record.value,
            dead_letters.headers(letter(record)),
            record.partition,
        )
        for record in records
    ]
    with courier(settings.kafka) as deliveries:
        places, failure = deliveries.deliver(parcels)
    assert failure is None
    assert None not in places


def stored(settings: Settings) -> list[StoredLetter]:
    def refuse(what: str) -> None:
        raise AssertionError(what)

    return list(dead_letters.stored(settings, on_strange=refuse, on_progress=lambda _: None))


def source_records(settings: Settings) -> list[Record]:
    found = consumed(settings.kafka, settings.source.topic, follow=False, since="start", stop=never)
    return [Record(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value) for r in found]


def refused_again(settings: Settings) -> None:
    """A worker that refuses everything it has not refused yet."""
    known = {(one.letter.record.partition, one.letter.record.offset) for one in stored(settings)}
    written(settings, *[one for one in source_records(settings) if (one.partition, one.offset) not in known])


def sent(settings: Settings) -> SentBack:
    return send_back(settings, iter(stored(settings)))


class EmptyRecords:
    """Sends records without a key; librdkafka takes those without a value too, kafka-python refuses them."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "log_level": 0})

    def __enter__(self) -> Callable[[str, bytes | None, list[tuple[str, bytes]]], None]:
        return lambda topic, value, headers: self._producer.produce(topic, value, headers=headers)

    def __exit__(self, *_: object) -> None:
        assert self._producer.flush(10) == 0
        self._producer.close()


@pytest.fixture
def failed(settings: Settings) -> Settings:
    """Two records that could not be processed: one with a key of odd bytes, one a tombstone."""
    topics.apply(settings)
    topic = settings.source.topic
    originals = [Parcel(topic, b"\xffkey", JUNK, [], 2), Parcel(topic, b"596", None, [], 1)]
    with courier(settings.kafka) as deliveries:
        deliveries.deliver(originals)
    refused_again(settings)
    assert len(stored(settings)) == 2
    return settings


def test_bytes_key_and_partition_go_back_as_they_were(failed: Settings) -> None:
    before = source_records(failed)
    assert sent(failed) == SentBack({failed.source.topic: 2}, already=0, too_often=0, without_bytes=0)
    copies = [record for record in source_records(failed) if record.offset == 1]
    assert sorted((one.partition, one.key, one.value) for one in copies) == sorted(
        (one.partition, one.key, one.value) for one in before
    )


def test_a_copy_says_in_a_header_which_attempt_it_is(failed: Settings) -> None:
    sent(failed)
    found = consumed(failed.kafka, failed.source.topic, follow=False, since="start", stop=never)
    assert [dict(record.headers) for record in found if record.offset == 1] == [{ATTEMPT_HEADER: b"1"}] * 2


def test_a_letter_is_sent_back_once(failed: Settings) -> None:
    sent(failed)
    assert sent(failed) == SentBack({}, already=2, too_often=0, without_bytes=0)
    assert {one.replay.copy for one in stored(failed) if one.replay} == {Place(2, 1), Place(1, 1)}


def test_what_fails_again_after_three_attempts_is_passed_over(failed: Settings) -> None:
    for attempt in range(3):
        assert {one.attempts for one in stored(failed) if one.replay is None} == {attempt}
        assert sent(failed).letters == 2
        refused_again(failed)
    before = len(source_records(failed))
    assert sent(failed) == SentBack({}, already=6, too_often=2, without_bytes=0)
    assert len(source_records(failed)) == before == 8


def test_the_same_bytes_from_the_source_again_are_no_attempt(failed: Settings) -> None:
    with courier(failed.kafka) as deliveries:
        deliveries.deliver([Parcel(failed.source.topic, b"\xffkey", JUNK, [], 2)] * 10)
    refused_again(failed)
    assert {one.attempts for one in stored(failed)} == {0}
    assert sent(failed).letters == 12


def test_a_letter_without_its_bytes_is_not_sent_as_if_it_were_empty(failed: Settings) -> None:
    too_large = letter(Record(failed.source.topic, 2, 0, 0, b"596", None))
    left_out = [*dead_letters.headers(too_large), (BYTES_LEFT_OUT, b"1048576")]
    no_key = dead_letters.headers(letter(Record(failed.source.topic, 2, 0, 0, None, None)))
    with EmptyRecords(failed) as send:
        send(failed.topics.dead_letters, b"", left_out)
        send(failed.topics.dead_letters, None, no_key)
    assert dead_letters.BYTES_LEFT_OUT == BYTES_LEFT_OUT
    assert sent(failed) == SentBack({failed.source.topic: 2}, already=0, too_often=0, without_bytes=2)


def test_notes_are_no_dead_letters(failed: Settings) -> None:
    sent(failed)
    assert len(list(dead_letters.read(failed))) == len(stored(failed)) == 2


def test_what_would_be_done_is_told_and_not_done(failed: Settings) -> None:
    before = source_records(failed)
    planned = would_send_back(failed, iter(stored(failed)))
    assert planned.letters == 2
    assert source_records(failed) == before
    assert sent(failed) == planned


def test_a_limit_counts_what_is_sent(failed: Settings) -> None:
    assert send_back(failed, iter(stored(failed)), limit=1).letters == 1
    assert send_back(failed, iter(stored(failed)), limit=5) == SentBack(
        {failed.source.topic: 1}, already=1, too_often=0, without_bytes=0
    )


@pytest.mark.parametrize(("topic", "partition"), [("gone", 0), (None, 77)])
def test_a_topic_or_partition_that_is_gone_is_named_before_anything_is_sent(
    failed: Settings, unique_name: Callable[[str], str], topic: str | None, partition: int
) -> None:
    name = failed.source.topic if topic is None else unique_name(topic)
    (first, second) = stored(failed)
    lost = letter(Record(name, partition, 0, 0, None, b"x"))
    letters = [first, StoredLetter(Place(0, 9), 0, lost, 0, None), second]
    for attempt in (would_send_back, send_back):
        with pytest.raises(BrokerError, match=f"expected partition {partition} of the topic {name}"):
            attempt(failed, iter(letters))
    assert len(source_records(failed)) == 2


def test_a_stranger_on_the_topic_is_told_and_hides_no_letter(failed: Settings) -> None:
    with courier(failed.kafka) as deliveries:
        deliveries.deliver([Parcel(failed.topics.dead_letters, None, b"hello", [], 2)])
    told: list[str] = []
    found = list(dead_letters.stored(failed, on_strange=told.append, on_progress=lambda _: None))
    assert len(found) == 2
    assert "2/1: expected the headers of a dead letter" in told[0]


@given(st.builds(Note, PLACES, NAMES, PLACES, st.integers(1, 9)))
def test_a_note_is_read_back_as_it_was_written(note: Note) -> None:
    assert is_note(note.headers())
    assert parse_note(note.headers()) == note


@given(st.dictionaries(st.sampled_from(["replay-of", "replayed-to", "attempt"]), st.none() | st.binary()))
def test_a_damaged_note_is_none(headers: dict[str, bytes | None]) -> None:
    note = parse_note(list(headers.items()))
    assert note is None or parse_note(note.headers()) == note
