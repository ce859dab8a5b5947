"""Verdicts and reports are read whole and counted as they stand; what is none is refused and said."""

import asyncio
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from fraudwatch.alerts import dispositions
from fraudwatch.alerts.dispositions import Disposition, JudgedTransaction, Verdict
from fraudwatch.config.settings import Settings
from fraudwatch.metrics import Metrics
from fraudwatch.metrics.labels import VERDICTS
from fraudwatch.stream.dispositions import DispositionReader
from fraudwatch.stream.whole import WholeTopic


def given_on(number: int, verdict: str) -> Disposition:
    return dispositions.give(
        "report",
        Verdict(verdict),
        account_id=f"a{number}",
        transactions=[JudgedTransaction(f"t{number}", None)],
        note="seen",
        who="an investigator",
        given_at_ms=1_700_000_000_000 + number,
    )


def undone(disposition: Disposition) -> Disposition:
    return dispositions.undo(disposition, note="wrong", who="another", given_at_ms=1_700_000_100_000)


def reader() -> tuple[DispositionReader, Metrics]:
    metrics = Metrics()
    topic = WholeTopic(Settings(), "dispositions")
    return DispositionReader(topic, dispositions.read, metrics), metrics


def shown(metrics: Metrics) -> dict[str, float | None]:
    return {
        verdict: metrics.registry.get_sample_value("fraudwatch_dispositions", {"verdict": verdict})
        for verdict in VERDICTS
    }


messages = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(VERDICTS), st.booleans()), max_size=12)


@given(messages)
@trials(max_examples=100)
def test_the_count_is_that_of_what_stands_however_often_and_in_whatever_order_it_is_told(
    told: list[tuple[int, str, bool]],
) -> None:
    read, metrics = reader()
    found = []
    for number, verdict, is_undone in told:
        disposition = given_on(number, verdict)
        found.append(undone(disposition) if is_undone else disposition)

    async def take_all() -> None:
        for disposition in found:
            await read.take(None, dispositions.encode(disposition))

    asyncio.run(take_all())
    standing = [disposition.verdict for disposition in dispositions.standing(found)]
    assert shown(metrics) == {verdict: standing.count(Verdict(verdict)) for verdict in VERDICTS}


def test_what_is_none_is_refused_and_counted_and_the_next_is_read() -> None:
    read, metrics = reader()

    async def take_all() -> None:
        for value in (b"{", None, b"", dispositions.encode(given_on(1, "confirmed"))):
            await read.take(b"key", value)

    asyncio.run(take_all())
    assert metrics.registry.get_sample_value("fraudwatch_refused_dispositions_total") == 3
    assert shown(metrics)["confirmed"] == 1


def test_a_worker_counts_what_was_there_before_it_and_what_comes(
    settings: Settings, broker: Any, start: Callable[..., Any]
) -> None:
    broker.create_topics(1)
    topic = settings.topics.dispositions
    before = [given_on(n, "legitimate") for n in range(3)]
    broker.send_keyed(topic, [(d.key, dispositions.encode(d)) for d in before])
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.shows('fraudwatch_dispositions{verdict="legitimate"} 3.0')
    after = [undone(before[0]), given_on(9, "confirmed")]
    broker.send_keyed(topic, [(b"x", b"no disposition"), *((d.key, dispositions.encode(d)) for d in after)])
    worker.until(lambda: worker.shows('fraudwatch_dispositions{verdict="confirmed"} 1.0'))
    assert worker.shows('fraudwatch_dispositions{verdict="legitimate"} 2.0')
    assert "a disposition was refused: expected a disposition of schema version 1" in worker.said
