"""How far a partition may be committed: never past a record that is not handled, and up to the last one that is."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.errors import BrokerError
from fraudwatch.stream.ledger import MOST_ROUNDS, Ledger, Span

PLACE = ("t", 0)


def deliver(ledger: Ledger, begin: int, end: int) -> Span:
    span = Span(PLACE, begin, end)
    ledger.deliver(span, begin)
    return span


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=12).flatmap(
        lambda sizes: st.tuples(st.just(sizes), st.permutations(range(len(sizes))), st.booleans())
    )
)
def test_whatever_the_order_of_acknowledgements_the_commit_is_the_longest_acknowledged_prefix(
    told: tuple[list[int], list[int], bool],
) -> None:
    sizes, order, looks_often = told
    ledger = Ledger()
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    spans = [deliver(ledger, end - size, end) for size, end in zip(sizes, ends, strict=True)]
    assert ledger.committable(PLACE) is None
    for done in range(1, len(order) + 1):
        ledger.acknowledge(spans[order[done - 1]])
        prefix = next((n for n in range(len(sizes)) if n not in order[:done]), len(sizes))
        if looks_often or done == len(order):
            assert ledger.committable(PLACE) == (ends[prefix - 1] if prefix else None)


def test_an_offset_without_a_record_behind_what_was_handled_is_committed_too() -> None:
    ledger = Ledger()
    span = deliver(ledger, 0, 10)
    ledger.skip(Span(PLACE, 10, 12))
    assert ledger.committable(PLACE) is None
    ledger.acknowledge(span)
    assert ledger.committable(PLACE) == 12


def test_a_partition_that_ends_with_a_marker_is_committed_to_its_end_after_a_restart_too() -> None:
    ledger = Ledger()
    ledger.seek(PLACE, 10)
    ledger.skip(Span(PLACE, 10, 11))
    assert list(ledger) == [PLACE]
    assert ledger.committable(PLACE) == 11


def test_what_was_skipped_elsewhere_than_behind_the_last_delivery_is_not_committed() -> None:
    ledger = Ledger()
    ledger.acknowledge(deliver(ledger, 0, 10))
    ledger.skip(Span(PLACE, 15, 20))
    assert ledger.committable(PLACE) == 10


def test_records_that_were_fetched_and_not_delivered_stop_the_process() -> None:
    ledger = Ledger()
    deliver(ledger, 0, 10)
    with pytest.raises(BrokerError, match="expected the records from offset 10 on, found 20"):
        deliver(ledger, 20, 30)


def test_a_hole_that_compaction_left_is_none() -> None:
    ledger = Ledger()
    deliver(ledger, 0, 10)
    ledger.deliver(Span(PLACE, 10, 30), 25)


def test_after_a_seek_records_come_again_and_the_commit_does_not_go_back() -> None:
    ledger = Ledger()
    ledger.acknowledge(deliver(ledger, 0, 10))
    assert ledger.committable(PLACE) == 10
    ledger.seek(PLACE, 5)
    ledger.acknowledge(deliver(ledger, 5, 8))
    assert ledger.committable(PLACE) == 10


def test_what_was_delivered_before_a_revoke_is_not_committed_after_it() -> None:
    ledger = Ledger()
    late = deliver(ledger, 0, 10)
    ledger.forget()
    ledger.acknowledge(late)
    assert ledger.committable(PLACE) is None
    assert ledger.has_room


def test_there_is_room_again_once_all_of_a_fetch_is_acknowledged() -> None:
    async def scenario() -> None:
        ledger = Ledger()
        rounds = []
        for _ in range(MOST_ROUNDS):
            assert ledger.has_room
            ledger.begin_round()
            begin = 20 * len(rounds)
            rounds.append([deliver(ledger, begin, begin + 10), deliver(ledger, begin + 10, begin + 20)])
        assert not await ledger.wait_for_room(0.01)
        ledger.acknowledge(rounds[0][1])
        assert not await ledger.wait_for_room(0.01)
        waiting = asyncio.create_task(ledger.wait_for_room(10.0))
        await asyncio.sleep(0)
        ledger.acknowledge(rounds[0][0])
        assert await waiting

    asyncio.run(scenario())
