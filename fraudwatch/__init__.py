"""Scores every transaction of a Kafka stream for being unusual and publishes ranked, explained alerts."""

__version__ = "0.1.0"
