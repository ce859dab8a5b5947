"""How each source does: whether it is silent or lags, said once whenever that changes. It holds nobody back."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.metrics import IntakeMetrics
from fraudwatch.records import NO_TIMESTAMP, Chunk
from fraudwatch.stream.health import Health
from fraudwatch.stream.watch import look_again_and_again

logger = logging.getLogger(__name__)


@dataclass
class SourceState:
    """One source. `positions` are those of the partitions held here; `end` is the sum over all of the topic's."""

    name: str
    topic: str
    silent_after: Duration
    grew_at: float
    end: int | None = None
    positions: dict[int, int] = field(default_factory=dict)
    reached_ms: dict[int, int] = field(default_factory=dict)
    is_silent: bool = False
    is_lagging: bool = False


class Sources:
    """Told of assignments and of what was handled; looks at the ends of the topics with a client of its own.

    Silence is judged by whether a topic grows, whoever reads it; lag by what this process holds. `handled_to` knows of
    offsets behind the last record that hold none; `clock` is seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        partitions: Mapping[str, int],
        metrics: IntakeMetrics,
        health: Health,
        handled_to: Callable[[str, int], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._handled_to = handled_to
        self._clock = clock
        self._states = {
            source.topic: SourceState(name, source.topic, source.silent_after, clock())
            for name, source in settings.sources.items()
        }
        self._places = {
            TopicPartition(topic, partition)
            for topic in self._states
            for partition in range(partitions[topic])
        }

    def assigned(self, committed: Mapping[TopicPartition, int | None]) -> None:
        """These partitions are held from now on, from their commits on, and no others."""
        self._places |= set(committed)
        for topic, state in self._states.items():
            held = {place.partition: at or 0 for place, at in committed.items() if place.topic == topic}
            state.positions = held
            state.reached_ms = {p: ms for p, ms in state.reached_ms.items() if p in held}

    def handled(self, chunks: Iterable[Chunk]) -> None:
        """What came of these records is delivered."""
        for chunk in chunks:
            state = self._states[chunk.topic]
            if chunk.partition in state.positions:
                state.positions[chunk.partition] = int(chunk.offsets[-1]) + 1
                state.reached_ms[chunk.partition] = int(chunk.timestamps_ms[-1])

    def names(self, places: Iterable[TopicPartition]) -> list[str]:
        """The partitions as people read them: name of the source and number."""
        return [f"{self._states[place.topic].name}/{place.partition}" for place in sorted(places)]

    async def watch(self) -> None:
        """Looks once a second for as long as it is not cancelled. Raises BrokerError once a topic is gone."""
        await look_again_and_again(self._settings, self._states, self._look)

    async def _look(self, consumer: Any) -> None:
        places = sorted(self._places)
        # A partition nobody has committed is read from its first record, which need not be 0.
        first = await consumer.beginning_offsets(places)
        self.judge(first, await consumer.end_offsets(places))

    def judge(self, first: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]) -> None:
        """Reports every source, by the offset of the first record and after the last one of each partition."""
        waiting: dict[str, int] = {}
        for topic, state in self._states.items():
            of_source = [place for place in ends if place.topic == topic]
            lag = {
                place.partition: max(ends[place] - self._position(state, place, first[place]), 0)
                for place in of_source
                if place.partition in state.positions
            }
            waiting[state.name] = sum(lag.values())
            lag_seconds = self._lag_seconds(state, [p for p, records in lag.items() if records])
            self._judge(state, sum(ends[place] for place in of_source), waiting[state.name], lag_seconds)
        self._health.looked(waiting)

    def _position(self, state: SourceState, place: TopicPartition, first: int) -> int:
        return max(state.positions[place.partition], self._handled_to(*place), first)

    def _lag_seconds(self, state: SourceState, waiting: Sequence[int]) -> float:
        reached = [state.reached_ms.get(partition, NO_TIMESTAMP) for partition in waiting]
        known = [ms for ms in reached if ms > 0]
        return max(self._clock() - min(known) / 1000, 0.0) if known else 0.0

    def _judge(self, state: SourceState, end: int, lag: int, lag_seconds: float) -> None:
        now = self._clock()
        quiet_before = now - state.grew_at
        if state.end not in (None, end):
            state.grew_at = now
        state.end = end
        quiet = now - state.grew_at
        self._metrics.looked(state.name, quiet_seconds=quiet, lag_records=lag, lag_seconds=lag_seconds)
        limit = state.silent_after / 1000
        self._say_silence(state, quiet >= limit, quiet_before)
        self._say_lag(state, lag_seconds >= limit, lag, lag_seconds)
        self._metrics.judged(state.name, is_silent=state.is_silent, is_lagging=state.is_lagging)

    @staticmethod
    def _say_silence(state: SourceState, is_silent: bool, quiet_before: float) -> None:
        if is_silent and not state.is_silent:
            logger.warning(
                "source %s is silent: no record on %s for %s (sources.%s.silent_after)",
                state.name,
                state.topic,
                state.silent_after,
                state.name,
            )
        elif state.is_silent and not is_silent:
            logger.info("source %s has records again, after %.0f s", state.name, quiet_before)
        state.is_silent = is_silent

    @staticmethod
    def _say_lag(state: SourceState, is_lagging: bool, lag: int, lag_seconds: float) -> None:
        if is_lagging and not state.is_lagging:
            logger.warning(
                "source %s lags: %d records of %s wait, the last one handled came %.0f s ago",
                state.name,
                lag,
                state.topic,
                lag_seconds,
            )
        elif state.is_lagging and not is_lagging:
            logger.info("source %s lags no more", state.name)
        state.is_lagging = is_lagging
