"""Everything at once on one machine: a broker inside, a worker, a feed, and a screen that shows it."""

from fraudwatch.demo.lines import Lines
from fraudwatch.demo.running import Demo
from fraudwatch.demo.screen import Screen
from fraudwatch.demo.summary import Summary

__all__ = ["Demo", "Lines", "Screen", "Summary"]
