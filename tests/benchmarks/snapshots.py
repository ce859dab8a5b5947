"""7. Snapshots: how long one holds the stream, what it weighs, how fast it is back, and what it takes of the rate."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from end_to_end import alternate
from filled import filled_log
from memory import transactions_of
from node import kafka_node, make_topics
from prepared import simulated_settings
from reporting import Answer, Table, median, rounded, say
from scale import Scale
from workers import fraudwatch

from fraudwatch.config.settings import Settings
from fraudwatch.pipeline import Pipeline
from fraudwatch.snapshots import Blocks, Stamp
from fraudwatch.stream.clients import open_consumer
from fraudwatch.stream.snapshots.reader import find, read_blocks
from fraudwatch.stream.snapshots.writer import write

TOPIC = "snapshots"
OFTEN = "10s"
"""Far more often than the default of five minutes: a run has to have some."""
COPIES = 5
AIMS = {"held_ms": 50.0, "back_s": 20.0, "rate": 0.9}


class Kept(NamedTuple):
    """One state, saved on a real broker and brought back. Held: by the clock, and the thread's CPU time."""

    held_ms: float
    held_cpu_ms: float
    raw_bytes: int
    sent_bytes: int
    written_s: float
    back_s: float


def measure(scale: Scale) -> Answer:
    """The question's answer."""
    kept = _kept(scale)
    rates = _rates(scale)
    part = 100_000 / scale.kept_accounts
    figures = kept._asdict() | {"held_ms_per_100k_accounts": kept.held_ms * part, "rates": rates}
    ratio = rates["with_snapshots"] / rates["without"]
    events = f"{scale.kept_accounts:,} accounts × {scale.kept_events} transactions"
    rows = [
        (
            "stream held while it is copied, ms per 100,000 accounts",
            rounded(kept.held_ms * part),
            f"≤ {AIMS['held_ms']:g}",
        ),
        ("the same in CPU time", rounded(kept.held_cpu_ms * part), ""),
        ("size of the arrays, MB", rounded(kept.raw_bytes / 1e6, 0), ""),
        ("size on the topic, MB", rounded(kept.sent_bytes / 1e6, 0), ""),
        ("compressed, hashed and sent beside the stream, s", rounded(kept.written_s), ""),
        ("found, read and brought back, s", rounded(kept.back_s), f"≤ {AIMS['back_s']:g}"),
        (f"records/s with one every {OFTEN} ÷ with none", rounded(ratio, 2), f"≥ {AIMS['rate']:g}"),
    ]
    table = Table(f"7. Snapshots of {events}, on a real broker", ("what", "value", "aim"), rows)
    return Answer({"snapshots": figures | {"ratio": ratio}}, [table])


def _kept(scale: Scale) -> Kept:
    say(f"{scale.kept_accounts:,} accounts with {scale.kept_events} transactions each")
    pipeline = Pipeline(simulated_settings())
    for transactions in transactions_of(scale.kept_accounts, scale.kept_events):
        pipeline._history.fold(transactions)
    held, held_cpu = _held(pipeline)
    blocks = pipeline.state()
    del pipeline
    with kafka_node() as address:
        make_topics(address, [TOPIC], 1)
        settings = simulated_settings({"kafka.bootstrap_servers": address, "topics.snapshots": TOPIC})
        sent, written = asyncio.run(_timed(_write(settings, blocks)))
        raw = sum(array.nbytes for block in blocks.values() for array in block.arrays.values())
        del blocks
        accounts, back = asyncio.run(_timed(_bring_back(settings)))
    assert accounts == scale.kept_accounts
    return Kept(held * 1000, held_cpu * 1000, raw, sent, written, back)


def _held(pipeline: Pipeline) -> tuple[float, float]:
    """Medians in seconds; other work on the machine lengthens the first."""
    times = []
    for _ in range(COPIES):
        clock, cpu = time.perf_counter(), time.thread_time()
        pipeline.state()
        times.append((time.perf_counter() - clock, time.thread_time() - cpu))
    return median(clock for clock, _ in times), median(cpu for _, cpu in times)


async def _timed(work: Awaitable[int]) -> tuple[int, float]:
    started = time.perf_counter()
    return await work, time.perf_counter() - started


async def _write(settings: Settings, blocks: Blocks) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, acks="all")
    await producer.start()

    async def send(key: bytes, value: bytes, partition: int) -> int:
        sent = await producer.send_and_wait(TOPIC, value, key, partition)
        return int(sent.offset)

    stamp = Stamp(
        topic="transactions",
        partition=0,
        partitions=1,
        offset=1,
        reached_ms=0,
        generation=1,
        review_offset=0,
        slot=0,
        created_ms=0,
        code="benchmark",
        configuration="",
    )
    try:
        return (await write(stamp, blocks, send, lambda size: None))[1]
    finally:
        await producer.stop()


async def _bring_back(settings: Settings) -> int:
    place = TopicPartition(TOPIC, 0)
    async with open_consumer(settings) as consumer:
        found = (await find(consumer, place))[0]
        blocks = await read_blocks(consumer, place, found, lambda: True, lambda size: None)
    assert blocks is not None
    pipeline, _ = await asyncio.to_thread(Pipeline.of, settings, blocks)
    return len(pipeline._history)


def _rates(scale: Scale) -> dict[str, float]:
    """Of the worker, one beside the other."""

    def with_snapshots(every: str) -> Callable[[str], Any]:
        return lambda group: fraudwatch(log, group, {"snapshots.every": every})

    with filled_log(scale) as log:
        runs = alternate(
            log, scale, {"with_snapshots": with_snapshots(OFTEN), "without": with_snapshots("0s")}
        )
    return {name: median(run.records_per_second for run in several) for name, several in runs.items()}
