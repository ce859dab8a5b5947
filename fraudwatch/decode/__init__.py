"""Bytes of one mapped JSON source become canonical transactions, or dead letters that say why not."""

from fraudwatch.decode.decoder import Decoder
from fraudwatch.decode.labels import LabelReader
from fraudwatch.decode.rows import read_rows

__all__ = ["Decoder", "LabelReader", "read_rows"]
