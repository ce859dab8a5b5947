"""Why, and why not: a transaction with all its reasons, its distance from the edge, and what would have changed it."""

from fraudwatch.explain.explaining import explained
from fraudwatch.explain.explanation import Change, Decided, ExplainedReason, Explanation, Standing
from fraudwatch.explain.finding import Wanted
from fraudwatch.explain.from_file import explain_file
from fraudwatch.explain.from_log import explain_log

__all__ = [
    "Change",
    "Decided",
    "ExplainedReason",
    "Explanation",
    "Standing",
    "Wanted",
    "explain_file",
    "explain_log",
    "explained",
]
