"""The compiled reader of JSON records. It takes a record only when the exact decoder would say the very same."""
