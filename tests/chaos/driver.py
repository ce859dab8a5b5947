"""Uniquely numbered transactions at a constant rate, some of them repeated, late or broken."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

from confluent_kafka import Producer
from poison import poisoned

from fraudwatch.simulate import Plan, messages

ACCOUNTS = 300
NUMBER = "number"
"""Header with the number of a record; nothing of ours looks at headers."""

REPEATED, HELD_BACK, BROKEN = 0.01, 0.02, 0.004
"""Shares of records."""
LONGEST_HELD = 400
"""Records, about a day of the simulated stream: some come within the grace, some past it."""
TICK_SECONDS = 0.02
BROKEN_VALUES = (
    b"",
    None,
    b"\x00\xff\xfe",
    b"{",
    b"[1,2,3]",
    b'{"transaction_id":"x"}',
    b'{"account_id":"\\ud800"}',
    b"[" * 5_000,
)


class Sending(NamedTuple):
    """A record as it goes out."""

    key: bytes
    value: bytes | None
    what: str


def disordered(seed: int) -> Iterator[Sending]:
    """The simulated stream as a bad network would bring it."""
    random_ = random.Random(seed)
    held: list[tuple[int, Sending]] = []
    last: list[Sending] = []
    for number, message in enumerate(messages(Plan(accounts=ACCOUNTS, days=3_000, seed=seed))):
        this = Sending(message.key, message.value, "plain")
        if random_.random() < HELD_BACK:
            held.append((number + random_.randint(1, LONGEST_HELD), this._replace(what="held back")))
        else:
            yield this
        last = [*last[-20:], this]
        if random_.random() < REPEATED:
            yield random_.choice(last)._replace(what="repeated")
        if random_.random() < BROKEN:
            yield Sending(message.key, random_.choice(BROKEN_VALUES), "broken")
        due = [each for at, each in held if at <= number]
        held = [(at, each) for at, each in held if at > number]
        yield from due


class Driver:
    """Writes on a thread of its own until told to end; the broker may come and go."""

    def __init__(self, address: str, topic: str, partitions: int, seed: int, rate: float) -> None:
        self.sent: Counter[str] = Counter()
        self._producer = Producer(
            {
                "bootstrap.servers": address,
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": 300_000,
                "log_level": 0,
            }
        )
        self._topic, self._partitions, self._rate = topic, partitions, rate
        self._records = disordered(seed)
        self._poison = 0
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="driver", daemon=True)

    def start(self) -> None:
        """Begins at once."""
        self._thread.start()

    def end(self) -> int:
        """Lets all that was sent arrive; how many records that is."""
        self._is_ending.set()
        self._thread.join(60)
        if left := self._producer.flush(120):
            raise RuntimeError(f"{left} records were not taken by the broker")
        return self.sent.total()

    def poison(self, records: int) -> None:
        """Makes so many of the next plain records poison."""
        self._poison += records

    def _run(self) -> None:
        started = time.monotonic()
        while not self._is_ending.wait(TICK_SECONDS):
            due = int((time.monotonic() - started) * self._rate)
            while self.sent.total() < due:
                self._send(self._next())
            self._producer.poll(0)

    def _next(self) -> Sending:
        record = next(self._records)
        if self._poison and record.what == "plain" and record.value is not None:
            self._poison -= 1
            return Sending(record.key, poisoned(record.value), "poison")
        return record

    def _send(self, record: Sending) -> None:
        number = str(self.sent.total()).encode()
        partition = crc32(record.key) % self._partitions
        self._producer.produce(self._topic, record.value, record.key, partition, headers=[(NUMBER, number)])
        self.sent[record.what] += 1
