"""Three workers under load are restarted one after the other: the stream stands still for seconds at most."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from fraudwatch.config.settings import Settings

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]

PARTITIONS = 3
# Measured: 1.1 s, on two cores shared with a broker, four workers and other people's jobs.
LONGEST_STOP_SECONDS = 5.0


class Load:
    """Sends to every partition until it is stopped; looks at how long the journal does not grow."""

    def __init__(self, broker: Any, numbered: Numbered, journal: Path) -> None:
        self._broker, self._numbered, self._journal = broker, numbered, journal
        self._stopped = threading.Event()
        self.sent = 0
        self.longest_stop = 0.0

    def send(self) -> None:
        while not self._stopped.wait(0.1):
            values = self._numbered(self.sent + 1, self.sent + 20, "alert")
            for partition in range(PARTITIONS):
                self._broker.send(values, partition=partition)
            self.sent += len(values)

    def look(self) -> None:
        size, grew_at = 0, time.monotonic()
        while not self._stopped.wait(0.02):
            found, now = self._journal.stat().st_size, time.monotonic()
            if found != size:
                size, grew_at = found, now
            self.longest_stop = max(self.longest_stop, now - grew_at)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.send), threading.Thread(target=self.look)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            for thread in threads:
                thread.join()


def test_a_rolling_restart_loses_and_repeats_nothing_and_stops_for_seconds_only(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, free_port: Callable[[], int]
) -> None:
    def another() -> Any:
        return start(settings, metrics=replace(settings.metrics, port=free_port()))

    broker.create_topics(PARTITIONS)
    workers = [another() for _ in range(PARTITIONS)]
    for worker in workers:
        worker.until(lambda worker=worker: worker.is_ready and "no partition" not in worker.ask("/ready")[1])
    load = Load(broker, numbered, workers[0].journal)
    with load.running():
        workers[0].until(lambda: len(workers[0].lines("live")) > 10)
        for place in range(PARTITIONS):
            assert workers[place].end() == 0
            workers[place] = another()
            worker = workers[place]
            worker.until(
                lambda worker=worker: worker.is_ready and "no partition" not in worker.ask("/ready")[1]
            )
    workers[0].until(lambda: broker.committed() == dict.fromkeys(range(PARTITIONS), load.sent))
    everything = [(partition, offset) for partition in range(PARTITIONS) for offset in range(load.sent)]
    assert sorted(workers[0].folded("live")) == everything
    assert len(broker.read(settings.topics.review)) == len(everything)
    assert load.longest_stop < LONGEST_STOP_SECONDS
