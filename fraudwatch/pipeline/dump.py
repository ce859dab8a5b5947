"""What a partition knows, as text to compare: all that is a function of its log, to the bit."""

import hashlib
from collections.abc import Iterator

import msgspec

from fraudwatch.features import lines
from fraudwatch.pipeline.pipeline import Pipeline
from fraudwatch.pipeline.saved import HISTORY


def dumped(pipeline: Pipeline) -> Iterator[bytes]:
    """One JSON object for each account, ascending by its hash, one of the partition, and one of the training sample.

    Equal where two pipelines go on alike, however their records were cut into batches and whether they were saved in
    between; edge, episodes and model, which also follow from what was published, are not in it.
    """
    yield from lines(pipeline.state()[HISTORY].arrays)
    sample = pipeline.training
    told = {
        "training": sample.seen,
        "span": sample.span_ms,
        "rows": hashlib.sha256(sample.rows().tobytes()).hexdigest(),
    }
    yield msgspec.json.encode(told)
