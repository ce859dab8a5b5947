"""Faust's transports as fraudwatch uses them: the stock one with its faults mended, and the one of chunks (DESIGN D1).

Private names of Faust's driver and of aiokafka are used here, in `fraudwatch.stream.fetching`, `record_batches` and
`engine`, nowhere else; `PRIVATE_NAMES` lists them for the check at start.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import CommitFailedError, KafkaError, RebalanceInProgressError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.structs import OffsetAndMetadata
from faust.transport.consumer import Consumer as StockConsumer
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP, ConsumerMessage

from fraudwatch.errors import BrokerError
from fraudwatch.stream.assignor import CopartitioningAssignor
from fraudwatch.stream.fetching import ChunkedResults, Fetched
from fraudwatch.stream.ledger import Ledger, Span
from fraudwatch.stream.record_batches import warm_up

logger = logging.getLogger(__name__)


class Patience(NamedTuple):
    """When a broker answers a fetch: as soon as it has so many bytes, or after so long."""

    bytes: int
    wait_ms: int


# Faust hard-wires 1 byte and 1,500 ms, during which a partition that has records waits for the idle ones.
AT_REST = Patience(1, 100)
# A round of fetching, folding and acknowledging costs as much for ten records as for a hundred.
IN_FLOW = Patience(64 * 1024, 10)
CHUNK_RECORDS = 2_000
# How long topics that come without chunks are looked at while there is no room for another chunk.
MEANWHILE_SECONDS = 0.02


NO_MEMBER = (
    "expected to be a member of the group when committing, found that it had gone on without this process, which was "
    "away for longer than kafka.session_timeout or took too long to hand over. The process ends: whoever has its "
    "partitions now goes on from what was committed before."
)


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer with a short fetch and an assignor chosen on purpose, which sees no aborted transactions.

    Faust's choice without tables is round robin, which may move every partition whenever a member joins or leaves.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes, consumer._fetch_max_wait_ms = AT_REST
        consumer._partition_assignment_strategy = (CopartitioningAssignor,)
        consumer._isolation_level = "read_committed"
        return consumer

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        """Raises BrokerError where the broker refuses the commit of a member that is none any more.

        Faust says False for it, takes the offsets for committed, and goes on.
        """
        held = self.assignment()
        wanted = {
            driver.ensure_aiokafka_TP(place): OffsetAndMetadata(offset, "")
            for place, offset in offsets.items()
            if place in held
        }
        consumer = self._ensure_consumer()
        if consumer._coordinator.generation == OffsetCommitRequest.DEFAULT_GENERATION_ID:
            # Who is no member may commit while the group is empty: it would set back what others had committed.
            raise BrokerError(NO_MEMBER)
        try:
            await consumer.commit(wanted)
        except CommitFailedError as error:
            if isinstance(error.__cause__, RebalanceInProgressError):
                return False
            raise BrokerError(NO_MEMBER) from error
        except KafkaError as error:
            raise BrokerError(
                f"expected the broker to take a commit, found: {error!r}. The process ends."
            ) from error
        return True


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Commits what is acknowledged before a revoke forgets it (faust-streaming 502), and seeks everywhere.

    The process ends at the first commit that the group refuses (DESIGN D2). Records that are fetched while a rebalance
    ends are thrown away, and Faust seeks back to the committed offset only where there is one: the beginning of a
    partition nobody had committed yet was lost. A commit of what the log no longer has is as good as none; the
    restorer has said so.
    """

    _is_refused = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        if self._is_refused:
            # As a new member it might be allowed to set the group back.
            return False
        try:
            did_commit: bool = await super().commit(topics, start_new_transaction)
        except BrokerError as error:
            self._is_refused = True
            logger.critical("%s", error)
            self.app.conf.stream_wait_empty = False
            # Who asked may be aiokafka, on a revoke, which goes on after an exception.
            await self.crash(error)
            raise
        return did_commit

    async def _commit_offsets(self, offsets: Mapping[Any, int], start_new_transaction: bool = True) -> bool:
        before = {place: self._committed_offset[place] for place in offsets}
        did_commit: bool = await super()._commit_offsets(offsets, start_new_transaction)
        if not did_commit:
            # Faust takes them for committed all the same, and would not try again.
            self._committed_offset.update(before)
        return did_commit

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        # A commit that is on its way already may not cover what was acknowledged since.
        while await self.maybe_wait_for_commit_to_finish():
            pass
        await self.commit()
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        await super().perform_seek()
        first = await self.earliest_offsets(*self.assignment()) if self.assignment() else {}
        for place, begin in first.items():
            if (self._committed_offset[TP(*place)] or begin) < begin:
                self._committed_offset[TP(*place)] = None
        uncommitted = [place for place in self.assignment() if not self._committed_offset[place]]
        if uncommitted:
            places = [driver.ensure_aiokafka_TP(place) for place in uncommitted]
            await self._thread.seek_to_beginning(*places)


class Transport(driver.Transport):  # type: ignore[misc]
    """The stock transport with our consumer: one event a record."""

    Consumer = Consumer


class ChunkMessage(ConsumerMessage):  # type: ignore[misc]
    """What Faust takes for a record: its value is the chunk, its offset that of the chunk's last record.

    Faust marks a message as acknowledged in three places, one of them compiled; all of them set `acked`.
    """

    __slots__ = ("_ledger", "_span")

    def __init__(self, fetched: Fetched, ledger: Ledger, place: TP, generation: int) -> None:
        chunk = fetched.chunk
        assert chunk is not None
        self._ledger = ledger
        self._span = Span(place, fetched.begin, fetched.end)
        last = int(chunk.offsets[-1])
        super().__init__(
            chunk.topic,
            chunk.partition,
            last,
            timestamp=float(chunk.timestamps_ms[-1]) / 1000,
            timestamp_type=0,
            headers=None,
            key=None,
            value=chunk,
            checksum=None,
            tp=place,
            generation_id=generation,
        )
        ledger.deliver(self._span, int(chunk.offsets[0]))

    @property
    def acked(self) -> bool:
        return self._span.is_acknowledged

    @acked.setter
    def acked(self, is_acked: bool) -> None:
        if is_acked:
            self._ledger.acknowledge(self._span)


class ChunkConsumerThread(ConsumerThread):
    """Makes chunks of what it fetches, on its own thread: the loop never sees a single record."""

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[Any],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Mapping[Any, Sequence[Any]]:
        fetcher = consumer._fetcher
        # Each time: what came before the assignment was known is read as chunks too.
        most = getattr(self.app, "chunk_records", CHUNK_RECORDS)
        fetcher._records = ChunkedResults(fetcher._records, self.consumer.comes_in_chunks, most)
        fetched: Mapping[Any, Sequence[Any]]
        fetched = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        # The next request is made as soon as the loop runs on.
        fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms = IN_FLOW if fetched else AT_REST
        return fetched


class ChunkConsumer(Consumer):
    """Topics that are read raw arrive as chunks, each one event; all others are as ever.

    What may be committed of them is in the ledger, and so is whether there is room for another fetch.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Not on the thread that fetches: Faust gives up on one that takes seconds to start.
        warm_up()
        self._ledger = Ledger()
        self._chunked: frozenset[str] = frozenset()
        super().__init__(*args, **kwargs)

    def comes_in_chunks(self, topic: str) -> bool:
        """Whether the topic's agents get it raw; a table's changelog is Faust's own."""
        return topic in self._chunked

    def handled_to(self, topic: str, partition: int) -> int:
        """The offset up to which all is handled, where there is no record included; 0 where nothing was delivered."""
        return self._ledger.committable((topic, partition)) or 0

    def _new_consumer_thread(self) -> ChunkConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        raw = [topic for topic in self.app.topics if topic.schema.value_serializer == "raw"]
        names = {name for topic in raw for name in topic.topics}
        self._chunked = frozenset(names - set(self.app.tables.changelog_topics))
        await super().on_partitions_assigned(assigned, generation_id)

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        await super().on_partitions_revoked(revoked)
        # Not before: what is being handled is waited for in there, and committed.
        self._ledger.forget()

    async def perform_seek(self) -> None:
        await super().perform_seek()
        for place in self.assignment():
            self._ledger.seek(place, self._committed_offset[place])

    async def _getmany(self, active_partitions: set[Any], timeout: float) -> Mapping[Any, Sequence[Any]]:
        wanted: set[Any] = active_partitions
        if not self._ledger.has_room:
            others = {place for place in active_partitions if not self.comes_in_chunks(place.topic)}
            if others:
                wanted, timeout = others, MEANWHILE_SECONDS
            elif not await self._ledger.wait_for_room(timeout) or not active_partitions:
                return {}
        fetched = dict(await super()._getmany(wanted, timeout))
        self._ledger.begin_round()
        for place in [place for place in fetched if self.comes_in_chunks(place.topic)]:
            last = fetched[place][-1]
            if last.chunk is None:
                self._ledger.skip(Span(place, last.begin, last.end))
                del fetched[place]
        return fetched

    def _to_message(self, tp: TP, record: Any) -> Any:
        if not isinstance(record, Fetched):
            return super()._to_message(tp, record)
        try:
            return ChunkMessage(record, self._ledger, TP(*tp), self.app.consumer_generation_id)
        except BrokerError as error:
            logger.critical("%s", error)
            self.app.conf.stream_wait_empty = False
            raise

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Faust would take what lies between two chunks, their own records, for committable at once."""
        if not self.comes_in_chunks(tp.topic):
            await super()._add_gap(tp, offset_from, offset_to)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[Any]:
        yield from super()._filter_tps_with_pending_acks(topics)
        for place in self._ledger:
            if place not in self._acked and (topics is None or place in topics or place[0] in topics):
                yield TP(*place)

    def _new_offset(self, tp: TP) -> int | None:
        if not self.comes_in_chunks(tp.topic):
            offset: int | None = super()._new_offset(tp)
            return offset
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        return self._ledger.committable(tp)


class ChunkTransport(Transport):
    """The entry point `fraudwatch` of the group `faust.transports`: `faust.App(broker="fraudwatch://…")`."""

    Consumer = ChunkConsumer


PRIVATE_NAMES = (
    (driver.AIOKafkaConsumerThread, "_commit"),
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
    (driver.AIOKafkaConsumerThread, "_ensure_consumer"),
    (driver.AIOKafkaConsumerThread, "_fetch_records"),
    (driver.AIOKafkaConsumerThread, "seek_to_beginning"),
    *(
        (driver.Consumer, name)
        for name in (
            "_add_gap",
            "_commit_offsets",
            "_filter_tps_with_pending_acks",
            "_getmany",
            "_new_consumer_thread",
            "_new_offset",
            "_to_message",
            "maybe_wait_for_commit_to_finish",
            "on_partitions_assigned",
            "on_partitions_revoked",
            "perform_seek",
        )
    ),
    (ConsumerMessage, "acked"),
    (PartitionRecords, "_unpack_records"),
    (PartitionRecords, "_consume_aborted_up_to"),
    (PartitionRecords, "_contains_abort_marker"),
)
"""Owner and name of everything private that is relied on, or overridden and called by Faust."""

PRIVATE_ATTRIBUTES = (
    (AIOKafkaConsumer, ("_fetch_min_bytes", "_fetch_max_wait_ms", "_isolation_level")),
    (AIOKafkaConsumer, ("_partition_assignment_strategy", "_fetcher", "_coordinator")),
    (GroupCoordinator, ("generation",)),
    (Fetcher, ("_fetch_min_bytes", "_fetch_max_wait_ms", "_records")),
    (FetchResult, ("_partition_records",)),
    (PartitionRecords, ("_tp", "_records", "_aborted_transactions", "_aborted_producers")),
    (PartitionRecords, ("_check_crcs", "_isolation_level")),
    (StockConsumer, ("_acked", "_acked_index", "_committed_offset")),
)
"""Owner and attributes that its constructor sets. A renamed one could be set here without any effect."""
