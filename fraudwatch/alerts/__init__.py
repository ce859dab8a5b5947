"""From scores to what investigators read: edge, episodes, severities, sentences, and the alert as JSON."""

from fraudwatch.alerts.alert import Alert, compose, encode, encode_shorter, read, schema
from fraudwatch.alerts.edge import warm_up
from fraudwatch.alerts.policy import Decision, Kind, Policy
from fraudwatch.alerts.published import in_line

__all__ = [
    "Alert",
    "Decision",
    "Kind",
    "Policy",
    "compose",
    "encode",
    "encode_shorter",
    "in_line",
    "read",
    "schema",
    "warm_up",
]
