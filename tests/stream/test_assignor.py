"""Partitions of one number stay together, every partition has one member, and few move."""

from typing import Any

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from fraudwatch.stream.assignor import CopartitioningAssignor

Held = dict[str, set[tuple[str, int]]]


class Cluster:
    """As much of aiokafka's metadata as an assignor looks at."""

    def __init__(self, partitions: dict[str, int]) -> None:
        self.partitions = partitions

    def topics(self) -> set[str]:
        return set(self.partitions)

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self.partitions[topic])) if topic in self.partitions else None


def assign(partitions: dict[str, int], members: list[str], before: Held) -> Held:
    cluster: Any = Cluster(partitions)
    told = {
        member: CopartitioningAssignor._metadata(
            sorted(partitions), [TopicPartition(*place) for place in sorted(before.get(member, ()))], 1
        )
        for member in members
    }
    return {
        member: {(topic, partition) for topic, numbers in assignment.assignment for partition in numbers}
        for member, assignment in CopartitioningAssignor.assign(cluster, told).items()
    }


topics = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 6), min_size=1)


@given(topics, st.integers(1, 4), st.integers(1, 4))
@trials(max_examples=60)
def test_every_partition_has_one_member_and_equal_numbers_of_like_topics_have_the_same(
    partitions: dict[str, int], first: int, second: int
) -> None:
    held: Held = {}
    for members in (first, second):
        held = assign(partitions, [f"m{n}" for n in range(members)], held)
        places = [place for places in held.values() for place in places]
        assert sorted(places) == sorted((t, p) for t, n in partitions.items() for p in range(n))
        owner = {place: member for member, places in held.items() for place in places}
        for (topic, number), member in owner.items():
            for other, count in partitions.items():
                if count == partitions[topic]:
                    assert owner[other, number] == member


def test_when_a_member_leaves_the_others_keep_what_they_have() -> None:
    partitions = {"a": 6, "b": 6}
    held = assign(partitions, ["m0", "m1", "m2"], {})
    assert [len(places) for places in held.values()] == [4, 4, 4]
    after = assign(partitions, ["m0", "m2"], held)
    assert held["m0"] < after["m0"]
    assert held["m2"] < after["m2"]


def test_when_a_member_joins_only_what_it_gets_moves() -> None:
    held = assign({"a": 6}, ["m0", "m1"], {})
    after = assign({"a": 6}, ["m0", "m1", "m2"], held)
    assert after["m0"] < held["m0"]
    assert after["m1"] < held["m1"]
    assert len(after["m2"]) == 2
