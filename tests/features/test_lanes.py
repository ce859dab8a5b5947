"""Every lane's composite equals its definition, told over all that an account did."""

from itertools import pairwise

import numpy as np
import pytest
from by_columns import columns_of
from hypothesis import given, settings
from hypothesis import strategies as st
from lanes_oracle import COMPOSITES, composites
from oracle import DAY, HOUR, MINUTE, START, Oracle, make, streams

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Features, Settings
from fraudwatch.features import LANES, Catalogue, History
from fraudwatch.records import FloatArray, Transaction

SHORT = Settings(features=Features(windows=(Duration(HOUR),)))
"""The longest window kept is then 7 days, in which a slow ramp is seen but for its beginning."""


def assert_equal_to_oracle(configured: Settings, stream: list[Transaction], cuts: list[int]) -> FloatArray:
    """However the stream is cut; returns the composites."""
    history, oracles = History(configured), {}
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    found = np.concatenate(
        [history.fold(columns_of(stream[begin:end])).composites for begin, end in pairwise(edges)]
    )
    for row, transaction in enumerate(stream):
        oracle = oracles.setdefault(transaction.account_id, Oracle(configured))
        wanted = composites(oracle, transaction)
        oracle.remember(transaction)
        assert found[row] == pytest.approx(wanted, rel=1e-9, abs=1e-9), (row, transaction)
    return found


def restless(seed: int, count: int) -> list[Transaction]:
    """An account that does everything that a lane looks for, and the opposite: with silences, rises and late ones."""
    random = np.random.default_rng(seed)
    now, stream, rise = START, [], 0.0
    for index in range(count):
        now += int(
            random.choice([2 * MINUTE, 20 * MINUTE, 5 * HOUR, DAY, 11 * DAY], p=[0.3, 0.3, 0.2, 0.17, 0.03])
        )
        late = int(random.integers(0, HOUR)) if random.random() < 0.1 else 0
        is_rising = random.random() < 0.25
        rise = (rise + 0.2 * is_rising) % 3.0
        amount = 1_000 * np.exp(rise) if is_rising else random.lognormal(7, 1.6)
        known = f"r{index // 60}" if is_rising else f"c{random.integers(12)}"
        stream.append(
            make(
                index,
                "one",
                now - late,
                int(amount),
                counterparty_id=known if random.random() < 0.6 else f"n{index}",
                direction=random.choice(["debit", "credit"], p=[0.8, 0.2]),
                status=random.choice(["approved", "declined"], p=[0.9, 0.1]),
                latitude=48.0 if random.random() < 0.2 else None,
                longitude=2.0,
                device_id=[None, "c1", "d", f"new{index // 9}"][random.integers(4)],
            )
        )
    return stream


@pytest.mark.parametrize("configured", [Settings(), SHORT], ids=["30 days", "7 days"])
def test_composites_equal_a_recomputation_and_every_lane_has_something_to_say(configured: Settings) -> None:
    found = np.concatenate(
        [assert_equal_to_oracle(configured, restless(seed, 300), [7, 100, 101]) for seed in range(3)]
    )
    assert ((found > 0).sum(axis=0) > 5).all(), (found > 0).sum(axis=0)
    assert ((found == 0).sum(axis=0) > 10).all()


@settings(max_examples=100)
@given(streams(), st.lists(st.integers(0, 60), max_size=4), st.sampled_from([Settings(), SHORT]))
def test_composites_equal_a_recomputation_for_any_stream(
    stream: list[Transaction], cuts: list[int], configured: Settings
) -> None:
    assert_equal_to_oracle(configured, stream, cuts)


@pytest.mark.parametrize("cut", [1, 13, 200])
def test_composites_are_the_same_to_the_bit_however_the_stream_is_cut(cut: int) -> None:
    stream = restless(5, 600)
    whole = History(Settings()).fold(columns_of(stream)).composites
    history = History(Settings())
    parts = [history.fold(columns_of(stream[begin : begin + cut])).composites for begin in range(0, 600, cut)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


def test_composites_go_on_the_same_from_a_saved_history() -> None:
    stream = restless(6, 600)
    history = History(Settings())
    history.fold(columns_of(stream[:400]))
    again = History.of(Settings(), history.state())
    expected = history.fold(columns_of(stream[400:])).composites
    assert again.fold(columns_of(stream[400:])).composites.tobytes() == expected.tobytes()


def test_a_busy_account_is_looked_at_no_further_back_than_sixty_four_transactions() -> None:
    stream = [make(i, "one", START + i * 1_000, 5_000 + i, counterparty_id=f"c{i}") for i in range(200)]
    found = assert_equal_to_oracle(Settings(), stream, [])
    fan_out = [lane.name for lane in LANES].index("fan_out")
    assert found[150, fan_out] > 0


def test_a_late_transaction_has_no_composites() -> None:
    calm = [make(i, "one", START + i * HOUR, 1_000, counterparty_id="x") for i in range(10)]
    burst = [make(10 + i, "one", START + 10 * HOUR + i, 90_000, counterparty_id=f"n{i}") for i in range(5)]
    late = make(99, "one", START + 10 * HOUR - MINUTE, 90_000, counterparty_id="late")
    found = History(Settings()).fold(columns_of([*calm, *burst, late])).composites
    assert found[-2].any()
    assert not found[-1].any()


def test_a_lane_is_on_only_where_the_source_has_its_fields() -> None:
    def on(*fields: str) -> set[str]:
        return {lane.name for lane in Catalogue(Settings(), frozenset(fields)).lanes}

    assert on() == set()
    assert on("counterparty_id") == {"testing", "dormant", "fan_out", "burst", "slow_ramp"}
    assert on("counterparty_id", "device_id", "direction") == {lane.name for lane in LANES}


def test_every_lane_has_an_oracle_and_words_without_placeholders() -> None:
    assert [composite.__name__ for composite in COMPOSITES] == [lane.name for lane in LANES]
    assert len({lane.code for lane in LANES}) == len(LANES)
    for lane in LANES:
        for text in (lane.sentence.en, lane.sentence.fr, lane.innocent.en, lane.innocent.fr):
            assert text.endswith(".")
            assert "{" not in text
        assert lane.doc.endswith(".")
