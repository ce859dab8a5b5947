"""What an operator can watch: the numbers, the port they are served on, and how they are read back."""

from fraudwatch.metrics.instruments import Metrics
from fraudwatch.metrics.reading import Samples, read_sample
from fraudwatch.metrics.server import Check, MetricsServer, serve

__all__ = ["Check", "Metrics", "MetricsServer", "Samples", "read_sample", "serve"]
