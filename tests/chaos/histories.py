"""What is known of each account: the lines of `fraudwatch state dump`, and where the edge is."""

from typing import NamedTuple

import msgspec

from fraudwatch.pipeline import Pipeline, dumped

EDGE = "edge"


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
    edge = pipeline.policy.edge
    aims = {"raised": edge.raised_from, "high": edge.high_from, "explored": edge.explored_below}
    # As text: an edge may stand at infinity, which JSON has no word for.
    bits = msgspec.json.encode({name: repr(aim) for name, aim in aims.items()})
    return of_dump(pipeline) | {EDGE: Known(0, bits)}


def of_dump(pipeline: Pipeline) -> dict[str, Known]:
    """Without the edge: a bystander has no model, so that its own edge stops at the snapshot it began with."""
    found = {}
    for line in dumped(pipeline):
        told = msgspec.json.decode(line)
        found[str(told.get("account") or next(iter(told)))] = Known(told.get("total", 0), line)
    return found
