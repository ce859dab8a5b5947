"""One record in, a transaction or a dead letter out."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fraudwatch.config.settings import FieldMapping, Limits, Settings, Source
from fraudwatch.decode import Decoder
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record, Transaction

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share lies beside them: `plain_siphash`

Decode = Callable[..., Transaction | DeadLetter]

WHOLE = {"transaction_id": "t1", "account_id": "a1", "event_time": "2024-05-31T12:00:00Z", "amount": 57.16}


@pytest.fixture(autouse=True, scope="session")
def warm() -> None:
    """Compiling kernels takes longer than hypothesis allows an example."""
    Decoder(Settings()).warm_up()


@pytest.fixture(scope="session")
def decode() -> Decode:
    """`decode(value, mapping={...}, currency=..., limits=..., timestamp_ms=...)`; a dict is written as JSON."""

    def decode_one(
        value: Any,
        *,
        mapping: dict[str, str | FieldMapping] | None = None,
        currency: str = "EUR",
        limits: Limits | None = None,
        timestamp_ms: int = NO_TIMESTAMP,
    ) -> Transaction | DeadLetter:
        settings = Settings(
            currency=currency, source=Source(mapping=mapping or {}), limits=limits or Limits()
        )
        raw = value if value is None or isinstance(value, bytes) else msgspec.json.encode(value)
        return Decoder(settings).decode(Record("transactions", 3, 41, timestamp_ms, b"key", raw))

    return decode_one


@pytest.fixture
def whole() -> dict[str, Any]:
    """The smallest record of a source that speaks the canonical names."""
    return dict(WHOLE)


@pytest.fixture
def without_id() -> bytes:
    """The end of a JSON object that holds everything but a transaction_id: put the beginning before it."""
    return b',"account_id":"a1","event_time":"2024-05-31T12:00:00Z","amount":1}'
