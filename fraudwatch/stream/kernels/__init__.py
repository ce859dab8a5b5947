"""The compiled reader of Kafka's record batches."""
