"""Send dead letters back to the topic they came from, each once, and never round and round.

Bytes, key and partition are those of the record; its own headers and its Kafka timestamp are not kept, and the copy
carries a header that counts attempts. Headers do not survive a worker, so what is sure is written down: after the
broker has acknowledged a copy, a note on the dead-letters topic says which letter became which copy. A letter with a
note is not sent again; a copy that fails again is a new letter, whose source position the notes know.
A crash between copy and note sends one letter twice and counts one attempt too few: nothing worse.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec

from fraudwatch.broker.admin import admin_client, broker_errors, partition_counts
from fraudwatch.broker.dead_letters import Note, StoredLetter
from fraudwatch.broker.deliveries import Courier, Parcel, courier
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError

MAX_ATTEMPTS = 3
"""What failed a fourth time will fail a fifth."""

ATTEMPT_HEADER = "fraudwatch-replay-attempt"

CHUNK = 500
"""Copies acknowledged before their notes are written."""


class SentBack(msgspec.Struct, frozen=True):
    """What was sent back, or would be: letters by topic, and those passed over with the reason."""

    to: dict[str, int]
    already: int
    too_often: int
    without_bytes: int

    @property
    def letters(self) -> int:
        return sum(self.to.values())


def would_send_back(
    settings: Settings, letters: Iterable[StoredLetter], *, limit: int | None = None
) -> SentBack:
    """What `send_back` would do now. Raises BrokerError for a topic or partition that is no longer there."""
    choice = _Choice(letters)
    for chunk in _chunks(choice, limit):
        _check_targets(settings, chunk)
        choice.count(chunk)
    return choice.so_far()


def send_back(settings: Settings, letters: Iterable[StoredLetter], *, limit: int | None = None) -> SentBack:
    """Sends at most `limit` letters and notes each; returns when all of it is acknowledged.

    Raises BrokerError when a delivery fails, or a topic or partition is no longer there: what was sent before is
    noted, so that the same again goes on where this stopped.
    """
    choice = _Choice(letters)
    with courier(settings.kafka) as deliveries:
        for chunk in _chunks(choice, limit):
            _check_targets(settings, chunk)
            _send(settings, deliveries, chunk)
            choice.count(chunk)
    return choice.so_far()


class _Choice:
    """Iterates over the letters that may go; counts them and those that may not."""

    def __init__(self, letters: Iterable[StoredLetter]) -> None:
        self._letters = iter(letters)
        self._to: Counter[str] = Counter()
        self._already = self._too_often = self._without_bytes = 0

    def __iter__(self) -> "_Choice":
        return self

    def __next__(self) -> StoredLetter:
        while True:
            stored = next(self._letters)
            if stored.replay is not None:
                self._already += 1
            elif stored.attempts >= MAX_ATTEMPTS:
                self._too_often += 1
            elif not stored.is_whole:
                self._without_bytes += 1
            else:
                return stored

    def count(self, chunk: Iterable[StoredLetter]) -> None:
        self._to.update(stored.letter.record.topic for stored in chunk)

    def so_far(self) -> SentBack:
        return SentBack(dict(sorted(self._to.items())), self._already, self._too_often, self._without_bytes)


def _chunks(choice: _Choice, limit: int | None) -> Iterable[list[StoredLetter]]:
    chosen = islice(choice, limit)
    while chunk := list(islice(chosen, CHUNK)):
        yield chunk


def _check_targets(settings: Settings, chunk: Sequence[StoredLetter]) -> None:
    wanted = {(stored.letter.record.topic, stored.letter.record.partition) for stored in chunk}
    with admin_client(settings.kafka) as client:
        counts = partition_counts(client, {topic for topic, _ in wanted})
    for topic, partition in sorted(wanted):
        if partition >= counts.get(topic, 0):
            raise BrokerError(
                f"expected partition {partition} of the topic {topic}, where dead letters came from, found "
                f"{counts.get(topic, 0)} partitions: make the topic again, or choose others (--reason, --since)"
            )


def _send(settings: Settings, deliveries: Courier, chunk: Sequence[StoredLetter]) -> None:
    places, failure = deliveries.deliver([_copy(stored) for stored in chunk])
    notes = [
        Parcel(
            settings.topics.dead_letters,
            str(stored.place).encode(),
            None,
            Note(stored.place, stored.letter.record.topic, place, stored.attempts + 1).headers(),
            stored.place.partition,
        )
        for stored, place in zip(chunk, places, strict=True)
        if place is not None
    ]
    _, unnoted = deliveries.deliver(notes)
    with broker_errors(settings.kafka):
        if failure or unnoted:
            raise failure or unnoted  # type: ignore[misc]


def _copy(stored: StoredLetter) -> Parcel:
    record = stored.letter.record
    attempt = str(stored.attempts + 1).encode()
    return Parcel(record.topic, record.key, record.value, [(ATTEMPT_HEADER, attempt)], record.partition)
