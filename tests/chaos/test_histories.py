"""Two partitions that know the same are equal to the bit, and those that do not are not."""

from collections.abc import Iterator
from itertools import islice

import pytest
from driver import disordered
from histories import Known, of_pipeline
from rounds import settings_of

from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk, Record

RECORDS = 3_000
HASH_DIGITS = 16
SENDINGS = list(islice(disordered(4), RECORDS))
PLAIN = [offset for offset, each in enumerate(SENDINGS) if each.what == "plain"]


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return [Record("log", 0, offset, -1, each.key, each.value) for offset, each in enumerate(SENDINGS)]


def known(records: list[Record], *sizes: int) -> dict[str, Known]:
    """After folding them in chunks of these sizes in turn."""
    pipeline = Pipeline(settings_of("127.0.0.1:9092", "histories"))
    for chunk in cut(records, sizes):
        pipeline.fold(chunk)
    return of_pipeline(pipeline)


def cut(records: list[Record], sizes: tuple[int, ...]) -> Iterator[Chunk]:
    at = turn = 0
    while at < len(records):
        yield Chunk.of(records[at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1


def test_the_same_records_in_other_chunks_are_the_same_histories(records: list[Record]) -> None:
    assert known(records, 1, 7, 300, 2) == known(records, RECORDS)


@pytest.mark.parametrize("without", [PLAIN[0], PLAIN[len(PLAIN) // 2], PLAIN[-3]])
def test_a_record_less_is_another_history_of_one_account(records: list[Record], without: int) -> None:
    whole = known(records, 500)
    less = known([each for each in records if each.offset != without], 500)
    differing = [account for account in whole if whole[account] != less.get(account)]
    assert sum(len(account) == HASH_DIGITS for account in differing) == 1


def test_a_record_in_another_place_is_another_history(records: list[Record]) -> None:
    """Lateness is by arrival, and what came between is part of what a transaction was judged on."""
    moved = [*records[:-200], records[-1], *records[-200:-1]]
    assert known(records, 500) != known(moved, 500)
