"""Lanes that a configuration adds: each composite equals its definition, and those of the others stay as they are."""

import numpy as np
import pytest
from by_columns import columns_of
from more_lanes_oracle import MORE_COMPOSITES, more_composites
from oracle import DAY, HOUR, MINUTE, START, Oracle, make

from fraudwatch.config.settings import Features, Settings
from fraudwatch.errors import SnapshotError
from fraudwatch.features import LANES, MORE_LANES, Catalogue, History
from fraudwatch.records import FloatArray, Transaction

NAMES = tuple(lane.name for lane in MORE_LANES)
ALL = Settings(features=Features(more_lanes=NAMES))  # type: ignore[arg-type]
PLACES = ((48.85, 2.35), (48.8, 2.3), (40.7, -74.0), (-33.9, 151.2))


def wandering(seed: int, count: int) -> list[Transaction]:
    """An account that is young, collects, stays under thresholds, pays round sums, travels and has sleepless nights."""
    random = np.random.default_rng(seed)
    now, stream = START, []
    for index in range(count):
        now += int(random.choice([2 * MINUTE, HOUR, 7 * HOUR, DAY, 9 * DAY], p=[0.3, 0.3, 0.25, 0.13, 0.02]))
        if not 8 <= now // HOUR % 24 < 18 and random.random() < 0.8:
            now += 10 * HOUR
        late = int(random.integers(0, HOUR)) if random.random() < 0.1 else 0
        amounts = (random.integers(80_000, 100_000), 5_000 * random.integers(1, 9), random.lognormal(8, 1.5))
        place = PLACES[random.choice(4, p=[0.5, 0.3, 0.1, 0.1])] if random.random() < 0.4 else (None, None)
        stream.append(
            make(
                index,
                "one",
                now - late,
                int(amounts[random.choice(3, p=[0.2, 0.3, 0.5])]),
                counterparty_id=f"c{random.integers(6)}" if random.random() < 0.5 else f"n{index // 2}",
                direction=random.choice(["debit", "credit"], p=[0.6, 0.4]),
                status=random.choice(["approved", "declined"], p=[0.9, 0.1]),
                latitude=place[0],
                longitude=place[1],
            )
        )
    return stream


def told(settings: Settings, stream: list[Transaction], cut: int) -> FloatArray:
    history = History(settings)
    parts = [
        history.fold(columns_of(stream[begin : begin + cut])).composites
        for begin in range(0, len(stream), cut)
    ]
    return np.concatenate(parts)


def test_composites_equal_a_recomputation_and_every_lane_has_something_to_say() -> None:
    found = []
    for seed in range(3):
        stream, oracle = wandering(seed, 250), Oracle(ALL)
        composites = told(ALL, stream, 97)[:, len(LANES) :]
        for row, transaction in enumerate(stream):
            wanted = more_composites(oracle, transaction)
            oracle.remember(transaction)
            assert composites[row] == pytest.approx(wanted, rel=1e-9, abs=1e-6), (seed, row, transaction)
        found.append(composites)
    counts = (np.concatenate(found) > 0).sum(axis=0)
    assert (counts > 5).all(), counts
    assert (counts < 400).all(), counts


def test_the_usual_lanes_say_the_same_whether_more_are_told_or_not() -> None:
    stream = wandering(4, 400)
    more, usual = told(ALL, stream, 50), told(Settings(), stream, 400)
    assert usual.shape == (400, len(LANES))
    assert more[:, : len(LANES)].tobytes() == usual.tobytes()
    assert more.tobytes() == told(ALL, stream, 1).tobytes()


def test_a_lane_is_on_where_it_is_asked_for_and_the_source_has_its_fields() -> None:
    def on(settings: Settings, *fields: str) -> set[str]:
        return {lane.name for lane in Catalogue(settings, frozenset(fields)).lanes}

    everything = ("counterparty_id", "direction", "device_id", "latitude", "longitude")
    assert on(Settings(), *everything).isdisjoint(NAMES)
    assert on(ALL, *everything) == {lane.name for lane in (*LANES, *MORE_LANES)}
    assert on(ALL) == {"structuring", "unusual_hours"}
    few = Settings(features=Features(more_lanes=("fan_in",)))
    assert on(few, *everything).intersection(NAMES) == {"fan_in"}


def test_what_a_lane_told_is_not_mixed_with_what_was_folded_without_it() -> None:
    history = History(Settings())
    history.fold(columns_of(wandering(5, 20)))
    with pytest.raises(SnapshotError, match=r"features\.more_lanes"):
        History.of(ALL, history.state())
    other = Settings(features=Features(more_lanes=NAMES, thresholds=(500.0,)))  # type: ignore[arg-type]
    with pytest.raises(SnapshotError, match=r"features\.more_lanes"):
        History.of(other, History(ALL).state())


def test_every_added_lane_has_an_oracle_a_name_in_the_settings_and_words_without_placeholders() -> None:
    assert tuple(composite.__name__ for composite in MORE_COMPOSITES) == NAMES
    assert len({lane.code for lane in (*LANES, *MORE_LANES)}) == len(LANES) + len(MORE_LANES)
    for lane in MORE_LANES:
        for text in (lane.sentence.en, lane.sentence.fr, lane.innocent.en, lane.innocent.fr):
            assert text.endswith(".")
            assert "{" not in text
        assert lane.doc.endswith(".")
        assert "fraud" not in (lane.sentence.en + lane.innocent.en + lane.doc).lower()
