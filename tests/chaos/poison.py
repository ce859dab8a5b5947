"""Records that make our own code raise: a defect that the product does not have, put in for a round."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk

PLACE = b'"transaction_id":"'
MARK = PLACE + b"poison-"


def poisoned(value: bytes) -> bytes:
    """The record as one that raises; without the defect it would be a transaction like any other."""
    return value.replace(PLACE, MARK, 1)


def is_poison(value: bytes | None) -> bool:
    """Whether the value was made by `poisoned`."""
    return value is not None and MARK in value


@contextmanager
def defect() -> Iterator[None]:
    """Folding raises once such a record is in the history: whoever goes on from there has counted it."""
    fold = Pipeline.fold

    def raising_fold(self: Pipeline, chunk: Chunk, **kwargs: Any) -> Any:
        batch = fold(self, chunk, **kwargs)
        if any(map(is_poison, chunk.values)):
            raise RuntimeError("a defect")
        return batch

    Pipeline.fold = raising_fold  # type: ignore[method-assign]
    try:
        yield
    finally:
        Pipeline.fold = fold  # type: ignore[method-assign]
