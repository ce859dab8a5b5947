"""A dead letter keeps its bytes, and its headers say everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaProducer

from fraudwatch.broker import dead_letters, topics
from fraudwatch.broker.admin import connected
from fraudwatch.config.settings import Settings
from fraudwatch.decode.letters import dead_letter_headers, parse_dead_letter
from fraudwatch.errors import BrokerError
from fraudwatch.records import DeadLetter, Record, Refusal, Stage

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
OFFSETS = st.integers(0, 2**63 - 1)
BYTES = st.none() | st.binary()

RECORDS = st.builds(Record, TEXT, st.integers(0, 2**31 - 1), OFFSETS, st.integers(-1, 2**62), BYTES, BYTES)
LETTERS = st.builds(DeadLetter, RECORDS, st.sampled_from(Stage), st.sampled_from(Refusal), TEXT)

LETTER = DeadLetter(
    record=Record("transactions", 3, 41, 1_700_000_000_000, b"\xffkey", b'{"amount": NaN'),
    stage=Stage.DECODE,
    reason=Refusal.NOT_JSON,
    detail="expected a JSON object, found “{” without its end",
)


@given(LETTERS)
def test_headers_and_bytes_give_the_dead_letter_again(letter: DeadLetter) -> None:
    record = letter.record
    assert parse_dead_letter(record.value, record.key, dead_letter_headers(letter)) == letter


def test_the_headers_say_stage_reason_and_position_in_plain_text() -> None:
    said = dict(dead_letter_headers(LETTER))
    assert said["stage"] == b"decode"
    assert said["reason"] == b"not_json"
    assert (said["topic"], said["partition"], said["offset"]) == (b"transactions", b"3", b"41")
    assert said["detail"].decode() == LETTER.detail


def test_a_detail_that_quotes_half_a_surrogate_pair_can_be_written() -> None:
    letter = DeadLetter(LETTER.record, LETTER.stage, Refusal.BAD_TEXT, "found \ud800")
    assert dict(dead_letter_headers(letter))["detail"] == b"found \\ud800"


@pytest.mark.parametrize("changed", [{"stage": b"kitchen"}, {"offset": b"x"}, {"reason": b""}])
def test_a_record_that_is_no_dead_letter_of_ours_is_refused(changed: dict[str, bytes]) -> None:
    headers = dict(dead_letter_headers(LETTER)) | changed
    with pytest.raises(BrokerError, match="expected the headers of a dead letter"):
        parse_dead_letter(b"", None, list(headers.items()))


def test_dead_letters_are_read_back_from_their_topic(settings: Settings) -> None:
    topics.apply(settings)
    tombstone = DeadLetter(Record("t", 0, 0, 0, b"key", None), Stage.DECODE, Refusal.TOMBSTONE, "")
    with connected(KafkaProducer, settings.kafka) as producer:
        for letter in (LETTER, tombstone):
            producer.send(
                settings.topics.dead_letters,
                letter.record.value,
                letter.record.key,
                headers=dead_letters.headers(letter),
                partition=0,
            )
        producer.flush(timeout=10)
    assert list(dead_letters.read(settings)) == [LETTER, tombstone]
