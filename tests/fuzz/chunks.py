"""Chunks of records decoded both ways, compiled and exact, which must say the very same of each."""

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
from feeds import CONFIGS, RS, TIMESTAMPS

from fraudwatch.config.loading import load
from fraudwatch.config.settings import FieldMapping, Settings, Source
from fraudwatch.decode import Decoder
from fraudwatch.decode.chunks import one_by_one
from fraudwatch.records import Chunk, TextField, Transactions

NESTED = Settings(
    source=Source(
        mapping={
            "transaction_id": "ids.id",
            "account_id": "who.account",
            "event_time": FieldMapping(path="when", format="epoch_s"),
            "amount": FieldMapping(path="sum.value", unit="minor"),
            "currency": FieldMapping(path="sum.ccy", values={"€": "EUR"}),
            "direction": FieldMapping(path="way", values={"true": "debit", "1": "credit"}),
            "counterparty_id": "with.id",
            "counterparty_country": "who.at.country",
            "country": "who.at.country",
            "category": FieldMapping(path="kind", values={"5411": "food", "": "none"}),
            "channel": FieldMapping(constant="card"),
            "latitude": "place.y",
            "longitude": "place.x",
        }
    )
)


def both_ways() -> Callable[[bytes], None]:
    """An input is one record or several with the byte RS between them; every mapping is tried on it."""
    files: tuple[Path | None, ...] = (None, CONFIGS / "handbook.yaml")
    decoders = [Decoder(settings) for settings in (*(load(file, {}) for file in files), NESTED)]

    def run(data: bytes) -> None:
        values = data.split(RS)
        chunk = Chunk(
            "t",
            0,
            np.arange(len(values)),
            np.array([TIMESTAMPS[crc32(value) % len(TIMESTAMPS)] for value in values], dtype=np.int64),
            [None] * len(values),
            values,
        )
        for decoder in decoders:
            transactions, letters = decoder.decode_chunk(chunk)
            expected, refused = one_by_one(decoder.decode, chunk)
            assert letters == refused
            assert _said(transactions) == _said(expected)

    return run


def _said(transactions: Transactions) -> list[object]:
    """All that the columns say, wherever the texts are."""
    names = [name for name in transactions.__struct_fields__ if name not in ("spans", "text")]
    rows = range(len(transactions))
    return [
        *(getattr(transactions, name).tolist() for name in names),
        *([transactions.text_of(row, field) for field in TextField] for row in rows),
    ]
