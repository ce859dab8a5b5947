"""Bytes of mapped sources, JSON or CSV, become canonical transactions, or dead letters that say why not."""

from fraudwatch.decode.canonical import canonical
from fraudwatch.decode.decoder import Decoder, SourceDecoder
from fraudwatch.decode.labels import LabelReader
from fraudwatch.decode.rows import read_records, read_rows
from fraudwatch.decode.trying import Tried, TriedField, explain

__all__ = [
    "Decoder",
    "LabelReader",
    "SourceDecoder",
    "Tried",
    "TriedField",
    "canonical",
    "explain",
    "read_records",
    "read_rows",
]
