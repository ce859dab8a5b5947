"""Reading back what could not be processed, and what was already sent back from it."""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import msgspec

from fraudwatch.broker.deliveries import Place
from fraudwatch.broker.tail import Since, consumed, never
from fraudwatch.config.settings import Settings
from fraudwatch.decode.letters import Headers, dead_letter_headers, parse_dead_letter
from fraudwatch.errors import BrokerError
from fraudwatch.records import DeadLetter

REPLAY_OF = "replay-of"
"""Header that makes a record of the dead-letters topic a note: `partition/offset` of the letter on this topic.

Beside it `replayed-to` (`topic/partition/offset`, the copy) and `attempt` (how often its content was sent back).
A dead letter names the position it was read from, so the notes tell whether it is such a copy, and of which attempt.
"""
REPLAYED_TO = "replayed-to"
ATTEMPT = "attempt"

BYTES_LEFT_OUT = "bytes_left_out"
"""Header of a letter that was too large with its bytes; `fraudwatch.stream.delivery` writes it."""


class Note(msgspec.Struct, frozen=True):
    """A dead letter that was sent back: the letter's own place, its copy in the topic it came from, the attempt."""

    of: Place
    topic: str
    copy: Place
    attempt: int

    def headers(self) -> Headers:
        """What the note is written with; it has no value."""
        said = {REPLAY_OF: str(self.of), REPLAYED_TO: f"{self.topic}/{self.copy}", ATTEMPT: str(self.attempt)}
        return [(name, value.encode()) for name, value in said.items()]


class StoredLetter(msgspec.Struct, frozen=True):
    """A dead letter where it lies. `attempts` led to it: 0 unless it is about a copy; `replay` came of it.

    `is_whole`: the record's bytes are there, and something to send (Kafka's clients refuse neither key nor value).
    """

    place: Place
    written_at_ms: int
    letter: DeadLetter
    attempts: int
    replay: Note | None
    is_whole: bool = True


def headers(letter: DeadLetter) -> Headers:
    """The headers a dead letter is written with; the format is `fraudwatch.decode.letters`."""
    return dead_letter_headers(letter)


def read(
    settings: Settings, *, follow: bool = False, since: Since = "start", stop: Callable[[], bool] = never
) -> Iterator[DeadLetter]:
    """The dead letters in Kafka, each with its record's bytes and source position.

    Raises BrokerError as `tail` does, and for a record that is not a dead letter of ours.
    """
    topic = settings.topics.dead_letters
    for record in consumed(settings.kafka, topic, follow=follow, since=since, stop=stop):
        if not is_note(record.headers):
            yield parse_dead_letter(record.value, record.key, record.headers)


def stored(
    settings: Settings,
    *,
    on_strange: Callable[[str], None],
    on_progress: Callable[[int], None],
) -> Generator[StoredLetter, None, None]:
    """Every dead letter with what the notes say of it; the topic is read twice, so that only notes are kept.

    What is neither letter nor note is told and passed over. Raises BrokerError when Kafka does not answer.
    """
    notes = _notes(_whole(settings, on_progress))
    by_letter = {note.of: note for note in notes}
    attempt_of = {(note.topic, note.copy): note.attempt for note in notes}
    for record in _whole(settings, on_progress):
        if is_note(record.headers):
            continue
        place = Place(record.partition, record.offset)
        try:
            letter = parse_dead_letter(record.value, record.key, record.headers)
        except BrokerError as error:
            on_strange(f"{record.topic}, {place}: {error}")
            continue
        source = letter.record
        attempts = attempt_of.get((source.topic, Place(source.partition, source.offset)), 0)
        is_whole = not _has(record.headers, BYTES_LEFT_OUT) and (source.key, source.value) != (None, None)
        yield StoredLetter(place, record.timestamp, letter, attempts, by_letter.get(place), is_whole)


def is_note(found: Iterable[tuple[str, bytes | None]]) -> bool:
    """Whether a record of the dead-letters topic with these headers is a note of a replay."""
    return _has(found, REPLAY_OF)


def parse_note(found: Iterable[tuple[str, bytes | None]]) -> Note | None:
    """The note again; None where it is damaged: without it a letter may be sent once more, which is all."""
    said = {name: (content or b"").decode("utf-8", "replace") for name, content in found}
    try:
        of_partition, of_offset = said[REPLAY_OF].split("/")
        topic, partition, offset = said[REPLAYED_TO].rsplit("/", 2)
        return Note(
            of=Place(int(of_partition), int(of_offset)),
            topic=topic,
            copy=Place(int(partition), int(offset)),
            attempt=int(said[ATTEMPT]),
        )
    except (KeyError, ValueError):
        return None


def _has(found: Iterable[tuple[str, bytes | None]], header: str) -> bool:
    return any(name == header for name, _ in found)


def _notes(records: Iterable[Any]) -> list[Note]:
    found = (parse_note(record.headers) for record in records if is_note(record.headers))
    return [note for note in found if note is not None]


def _whole(settings: Settings, on_progress: Callable[[int], None]) -> Iterator[Any]:
    for record in consumed(
        settings.kafka, settings.topics.dead_letters, follow=False, since="start", stop=never
    ):
        on_progress(1)
        yield record
