"""Everything that is done to Kafka beside the stream: topics, replay, lag, tail, dead letters, the embedded broker.

The only importer of kafka-python and confluent-kafka. Each module is asked for by its own name, so that nobody
pays for a client that is not used.
"""
