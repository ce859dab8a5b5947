"""A member of a group that only writes down what it is given: python chunk_member.py SETTINGS JOURNAL TOPIC….

A record's value is its number; what follows a space may be `slow` (the batch takes a second) or `explode` (the batch
fails, unless JOURNAL.healed exists). The journal has a line a chunk, when it is handled and not acknowledged yet:
`handled MEMBER TOPIC PARTITION OFFSET:NUMBER…`; and `began MEMBER TOPIC` before a slow one. A topic whose name ends in
`.plain` is Faust's own: an ordinary agent reads it as JSON, one event a record, and its lines are of one record each.
"""

import asyncio
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fraudwatch.config.settings import Settings
from fraudwatch.metrics import Metrics
from fraudwatch.records import Chunk
from fraudwatch.stream.app import build_app, raw_topic
from fraudwatch.stream.assignment import Assignment, Committed
from fraudwatch.stream.batches import take_batches
from fraudwatch.stream.engine import require_known_faust
from fraudwatch.stream.health import Health
from fraudwatch.stream.process import run_member, set_up_logging


class ChunkMember:
    def __init__(
        self, settings: Settings, journal: Path, topics: Sequence[str], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.settings = settings
        self.journal = journal
        self.health = Health(60.0)
        self.app = build_app(settings, loop)
        self.assignment = Assignment(self.app, self.prepare, self.health.revoked)
        plain = [topic for topic in topics if topic.endswith(".plain")]
        raw = [topic for topic in topics if topic not in plain]
        self.app.agent(raw_topic(self.app, *raw), name="all", concurrency=1)(self.take)
        if plain:
            topic = self.app.topic(*plain, value_type=int, value_serializer="json")
            self.app.agent(topic, name="plain", concurrency=1)(self.take_plain)

    async def take(self, stream: Any) -> None:
        await take_batches(self.app, stream, self.settings.stream, self.handle)

    async def take_plain(self, stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            self.write(
                "handled", os.getpid(), message.topic, message.partition, f"{message.offset}:{event.value}"
            )

    async def handle(self, chunks: Sequence[Chunk]) -> Callable[[], None]:
        for chunk in chunks:
            does = {(value or b"").partition(b" ")[2] for value in chunk.values}
            if b"slow" in does:
                self.write("began", os.getpid(), chunk.topic)
                await asyncio.sleep(1.0)
            if b"explode" in does and not self.journal.with_suffix(".healed").exists():
                raise RuntimeError("this record explodes")
            records = zip(chunk.offsets, chunk.values, strict=True)
            numbers = [f"{offset}:{(value or b'').split()[0].decode()}" for offset, value in records]
            self.write("handled", os.getpid(), chunk.topic, chunk.partition, *numbers)
        return lambda: None

    async def prepare(self, committed: Committed, stands: Callable[[], bool]) -> None:
        self.health.is_prepared = True
        if stands():
            self.health.assigned(f"{place.topic}/{place.partition}" for place in sorted(committed))

    def write(self, *words: object) -> None:
        with self.journal.open("a") as file:
            file.write(" ".join(map(str, words)) + "\n")

    def close(self) -> None:
        pass


def main() -> int:
    settings: Settings = pickle.loads(Path(sys.argv[1]).read_bytes())
    require_known_faust()
    set_up_logging()
    return run_member(
        settings,
        Metrics(),
        lambda loop: ChunkMember(settings, Path(sys.argv[2]), sys.argv[3:], loop),
        "chunk member",
    )


if __name__ == "__main__":
    sys.exit(main())
