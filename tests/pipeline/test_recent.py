"""Names at hand for the evidence of an alert: so far back and no further, however the log was cut."""

import json
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fraudwatch.alerts import encode, schema
from fraudwatch.config.settings import Settings
from fraudwatch.decode.columns import by_column
from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline
from fraudwatch.pipeline.recent import KEPT_OFFSETS, SMALL, RecentTransactions
from fraudwatch.records import NO_TIMESTAMP, Chunk, Record, Transaction, Transactions

NONE = (None, None)


def logged(*offsets: int) -> Transactions:
    """A part of a log of which only these offsets hold a transaction, every other one with a counterparty."""
    found = [
        Transaction(f"t{o}", "a", 0, 100, "EUR", counterparty_id=f"c{o}" if o % 2 else None) for o in offsets
    ]
    return by_column(found, np.arange(len(offsets)), np.array(offsets, dtype=np.int64))


def ids_of(offset: int) -> tuple[str, str | None]:
    return f"t{offset}", f"c{offset}" if offset % 2 else None


@pytest.mark.parametrize("after", [0, 1, 40_000])
def test_a_transaction_has_a_name_for_fifty_thousand_offsets_and_no_longer(after: int) -> None:
    recent = RecentTransactions()
    recent.add(logged(7, 8))
    recent.add(logged(7 + KEPT_OFFSETS - 1, 7 + KEPT_OFFSETS, 8 + KEPT_OFFSETS + after))
    assert recent.ids([7], of=7 + KEPT_OFFSETS - 1) == [ids_of(7)]
    assert recent.ids([7], of=7 + KEPT_OFFSETS) == [NONE]
    assert recent.ids([8], of=7 + KEPT_OFFSETS) == [ids_of(8)]


def test_a_quiet_stream_leaves_few_parts_to_look_through() -> None:
    recent = RecentTransactions()
    for offset in range(5 * SMALL):
        recent.add(logged(offset))
    assert len(recent._parts) == 5
    for offset in range(5 * SMALL):
        assert recent.ids([offset], of=5 * SMALL) == [ids_of(offset)]


@given(
    st.lists(st.integers(1, 30_000) | st.just(1), min_size=1, max_size=30),
    st.lists(st.integers(0, 30), max_size=6),
)
def test_what_is_found_depends_on_the_two_offsets_and_not_on_the_cuts(
    gaps: list[int], cuts: list[int]
) -> None:
    offsets = list(accumulate(gaps))
    recent = RecentTransactions()
    edges = sorted([0, *(min(cut, len(offsets)) for cut in cuts), len(offsets)])
    for begin, end in pairwise(edges):
        recent.add(logged(*offsets[begin:end]))
        for of in offsets[begin:end]:
            for asked in {*offsets[:end], *(offset - 1 for offset in offsets[:end])}:
                if asked <= of:
                    is_there = asked in offsets and asked > of - KEPT_OFFSETS
                    assert recent.ids([asked], of=of) == [ids_of(asked) if is_there else NONE]


def test_of_an_empty_log_nothing_is_at_hand() -> None:
    recent = RecentTransactions()
    recent.add(logged())
    assert recent.ids([0], of=0) == [NONE]
    recent.add(logged(5))
    recent.add(logged())
    assert recent.ids([5], of=5) == [ids_of(5)]
    assert recent.ids([4], of=5) == [NONE]


def test_what_is_too_far_back_is_let_go_of() -> None:
    recent = RecentTransactions()
    for offset in range(0, 10 * KEPT_OFFSETS, KEPT_OFFSETS // 5):
        recent.add(logged(*range(offset, offset + SMALL)))
    assert len(recent._parts) == 6  # of the first one the last transaction still has a name


@pytest.mark.parametrize("cut", [500, 100_000])
def test_beyond_it_an_alert_names_its_evidence_by_position_only(
    configured: Settings, model: Model, stream: list[Record], cut: int
) -> None:
    half = len(stream) // 2
    moved = [
        Record(
            "t", 0, record.offset + (KEPT_OFFSETS - 1_000) * (row >= half), NO_TIMESTAMP, None, record.value
        )
        for row, record in enumerate(stream)
    ]
    ids = {record.offset: json.loads(record.value or b"")["transaction_id"] for record in moved}
    pipeline = Pipeline(configured, model=model)
    validator, named, nameless = Draft202012Validator(schema()), 0, 0
    for begin in range(0, len(moved), cut):
        for alert in pipeline.fold(Chunk.of(moved[begin : begin + cut])).alerts:
            message = json.loads(encode(alert))
            validator.validate(message)
            places = [seen["position"]["offset"] for seen in message["evidence"]]
            for place, seen in zip(places, message["evidence"], strict=True):
                is_recent = place > max(places) - KEPT_OFFSETS
                assert seen["transaction_id"] == (ids[place] if is_recent else None)
                assert is_recent or seen["counterparty_id"] is None
                named, nameless = named + is_recent, nameless + (not is_recent)
    assert named > 100
    assert nameless > 100
