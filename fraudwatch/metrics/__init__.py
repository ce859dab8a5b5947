"""What an operator can watch: the numbers, the port they are served on, and how they are read back."""

from fraudwatch.metrics.instruments import Metrics
from fraudwatch.metrics.intake import IntakeMetrics
from fraudwatch.metrics.reading import Samples, read_sample
from fraudwatch.metrics.server import Check, Exposed, MetricsServer, serve

__all__ = ["Check", "Exposed", "IntakeMetrics", "Metrics", "MetricsServer", "Samples", "read_sample", "serve"]
