"""Metrics read back from their text, by the demo and the tests."""

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[str, list[tuple[dict[str, str], float]]]
"""Series name (as exposed: with `_total`, `_count`, `_sum`, `_bucket`) → its labels and values."""


def read_sample(text: str) -> Samples:
    """Parses the text format of /metrics. Raises ValueError for a text that is not one."""
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((dict(sample.labels), float(sample.value)))
    return samples
