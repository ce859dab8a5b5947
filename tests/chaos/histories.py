"""What is known of each account: the lines of `fraudwatch state dump`, and where the edge is."""

from typing import NamedTuple

import msgspec

from fraudwatch.pipeline import Pipeline, dumped


class Known(NamedTuple):
    """Of one account: how many transactions there were, and everything. So too of the partition and its sample."""

    total: int
    bits: bytes


class Held(NamedTuple):
    """The state of a partition when all records before `position` were in it."""

    partition: int
    position: int
    accounts: dict[str, Known]


def of_pipeline(pipeline: Pipeline) -> dict[str, Known]:
    """By the hash of the account in hexadecimal; the lines that are of no account by what they are of."""
    found = {}
    for line in dumped(pipeline):
        told = msgspec.json.decode(line)
        found[str(told.get("account") or next(iter(told)))] = Known(told.get("total", 0), line)
    edge = pipeline.policy.edge
    return found | {"edge": Known(0, repr((edge.raised_from, edge.high_from, edge.explored_below)).encode())}
