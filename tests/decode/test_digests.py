"""Hashes are SipHash-1-3, as somebody else would write it and as Python itself has it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_siphash import KEY, MASK, NO_KEY, siphash_1_3

from fraudwatch.decode.columns import by_column
from fraudwatch.records import TextField, Transaction


@pytest.mark.skipif(sys.hash_info.algorithm != "siphash13", reason="this Python hashes texts otherwise")
def test_the_reference_is_what_python_hashes_with() -> None:
    messages = [bytes(range(length)) for length in range(1, 70)]
    code = "import json, sys; print(json.dumps([hash(bytes(m)) for m in json.load(sys.stdin)]))"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "0"},  # a key of zeros
        input=json.dumps([list(message) for message in messages]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(found.stdout) == [siphash_1_3(NO_KEY, message) for message in messages]


@given(
    st.lists(st.tuples(*(st.text(st.characters(exclude_categories=["Cs"]), max_size=40),) * 3), max_size=5)
)
def test_names_are_hashed_by_their_bytes(names: list[tuple[str, str, str]]) -> None:
    rows = np.arange(len(names))
    transactions = [
        Transaction(id_, account, 1, 2, "EUR", counterparty_id=other) for id_, account, other in names
    ]
    columns = by_column(transactions, rows, rows)
    found = zip(columns.ids.tolist(), columns.accounts.tolist(), columns.counterparties.tolist(), strict=True)
    for hashes, texts in zip(found, names, strict=True):
        expected = [siphash_1_3(KEY, text.encode()) if text else 0 for text in texts]
        assert list(hashes) == expected


def mixed(word: int) -> int:
    """SplitMix64's finaliser."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & MASK
    word = (word ^ word >> 27) * 0x94D049BB133111EB & MASK
    return word ^ word >> 31


@given(
    st.sampled_from([None, "debit", "credit"]),
    st.text("aé", max_size=9),
    st.text("aé", max_size=9),
    st.sampled_from([None, "approved", "declined"]),
)
def test_a_cohort_is_direction_channel_and_category_together_whatever_else_there_is(
    direction: str | None, channel: str, category: str, status: str | None
) -> None:
    one = Transaction(
        "t1",
        "a1",
        1,
        2,
        "EUR",
        direction=direction,
        channel=channel or None,
        category=category or None,
        status=status,
        counterparty_id="shop",
    )
    found = int(by_column([one], np.arange(1), np.arange(1)).cohorts[0])
    first, second = (siphash_1_3(KEY, text.encode()) & MASK if text else 0 for text in (channel, category))
    word = {None: 0, "credit": 4, "debit": 8}[direction]
    is_none = not (direction or channel or category)
    assert found == (0 if is_none else mixed(mixed(word ^ first) ^ second) >> 12 | 1)
    assert int(float(found)) == found


@given(
    st.integers(-(2**40), 2**43),
    st.integers(0, 2**40),
    st.floats(-90, 90),
    st.floats(-180, 180),
    st.text("aé", max_size=9),
)
def test_contents_are_one_message_of_numbers_and_hashes(
    time_ms: int, amount: int, latitude: float, longitude: float, category: str
) -> None:
    one = Transaction(
        "t1", "a1", time_ms, amount, "EUR", latitude=latitude, longitude=longitude, category=category or None
    )
    columns = by_column([one], np.arange(1), np.arange(1))
    numbers = [time_ms, amount, round(latitude * 1e6), round(longitude * 1e6), int(columns.traits[0])]
    texts = [getattr(one, field.name.lower()) for field in TextField]
    hashes = [siphash_1_3(KEY, text.encode()) if text else 0 for text in texts]
    message = b"".join((word & MASK).to_bytes(8, "little") for word in (*numbers, *hashes))
    assert columns.contents.tolist() == [siphash_1_3(KEY, message)]
