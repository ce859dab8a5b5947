"""Records of every source format, on the whole way: bytes → decoder → (intake's canonical bytes →) Pipeline.fold.

An input is one record, or several with the byte RS between them. What can be decoded is folded in batches, because
that is how it comes, so a defect may need records of earlier inputs: `Defect.input` is then all of them since the
pipeline was new, RS between them, which is an input by itself.
"""

import json
import random
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from zlib import crc32

import numpy as np

from fraudwatch import alerts
from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, LabelReader, SourceDecoder, canonical
from fraudwatch.decode.columns import by_column
from fraudwatch.detection import Model
from fraudwatch.pipeline import Batch, Pipeline, train
from fraudwatch.records import (
    NO_TIMESTAMP,
    Chunk,
    DeadLetter,
    Outcome,
    Record,
    Stage,
    TextField,
    Transaction,
    Transactions,
)

CONFIGS = Path(__file__).parents[2] / "configs"
RS = b"\x1e"  # stands between the records of an input, as in RFC 7464

START_MS = 1_717_200_000_000
BATCH = 64
LIFE = 512
"""Records after which a pipeline is replaced: a history to meet, and a defect's input still short."""

TIMESTAMPS = (NO_TIMESTAMP, NO_TIMESTAMP, START_MS, 0)
"""Of a record, by its content: a file's, and Kafka's; from the last one on most event times lie ahead."""

OUTCOMES = {outcome.value for outcome in Outcome}


class Defect(Exception):  # noqa: N818 - the word of the runner's messages
    """A failure that this input shows, rather than the one that was running."""

    def __init__(self, data: bytes) -> None:
        super().__init__(f"shown by an input of {len(data)} bytes")
        self.input = data


class Feed:
    """One source and the partition behind it."""

    def __init__(self, settings: Settings, topic: str, to_log: Callable[[Record], list[bytes]]) -> None:
        """`to_log` gives the values that a record becomes in the log the pipeline reads."""
        self._settings = settings
        self._topic = topic
        self._to_log = to_log
        self._decoder = Decoder(settings)
        self._renew()

    def __call__(self, data: bytes) -> None:
        values = data.split(RS)
        for value in values:
            self._take(value)
        if len(values) > 1:
            self._fold_safely()

    def _take(self, value: bytes) -> None:
        record = Record(self._topic, 0, self._taken, TIMESTAMPS[crc32(value) % len(TIMESTAMPS)], None, value)
        for raw in self._to_log(record):
            offset = self._folded + len(self._waiting)
            self._waiting.append(Record("log", 0, offset, record.timestamp_ms, None, raw))
        self._since_new.append(value)
        self._taken += 1
        if len(self._waiting) >= BATCH:
            self._fold_safely()
        if self._taken >= LIFE:
            self._renew()

    def _renew(self) -> None:
        self._pipeline = Pipeline(self._settings, model=fitted(self._settings))
        self._waiting: list[Record] = []
        self._since_new: list[bytes] = []
        self._taken = self._folded = 0

    def _fold_safely(self) -> None:
        shown_by = RS.join([*self._since_new, b""])
        try:
            self._fold()
        except Exception as error:
            self._renew()
            raise Defect(shown_by) from error

    def _fold(self) -> None:
        records, self._waiting = self._waiting, []
        if not records:
            return
        expected = [self._decoder.decode(record) for record in records]
        check_batch(self._pipeline.fold(Chunk.of(records)), records, expected)
        self._folded += len(records)


def check_batch(batch: Batch, records: list[Record], expected: list[Transaction | DeadLetter]) -> None:
    """Every record is accounted for, in order, by what its decoder says of it."""
    assessed = batch.assessments
    assert batch.records == len(records) == len(batch.dead_letters) + len(assessed.transactions)
    assert batch.dead_letters == [one for one in expected if isinstance(one, DeadLetter)]
    decoded = [(row, one) for row, one in enumerate(expected) if isinstance(one, Transaction)]
    rows = np.array([row for row, _ in decoded], dtype=np.int64)
    offsets = np.array([records[row].offset for row, _ in decoded], dtype=np.int64)
    check_columns(assessed.transactions, by_column([one for _, one in decoded], rows, offsets))
    assert set(assessed.outcome.tolist()) <= OUTCOMES
    judged = (assessed.outcome == Outcome.SCORED.value) | (assessed.outcome == Outcome.LATE.value)
    assert np.isfinite(assessed.score[judged]).all()
    assert np.isnan(assessed.score[~judged]).all()
    for alert in batch.alerts:
        assert alerts.read(alerts.encode(alert)) == alert


def check_columns(found: Transactions, expected: Transactions) -> None:
    """They say the same; only where the texts lie may differ."""
    for name in Transactions.__struct_fields__:
        if name not in ("spans", "text"):
            assert getattr(found, name).tolist() == getattr(expected, name).tolist(), name
    for row in range(len(expected)):
        for field in TextField:
            assert found.text_of(row, field) == expected.text_of(row, field)


def check_letter(letter: DeadLetter, record: Record) -> None:
    """A refusal keeps the record whole and says why in words that can be printed and sent."""
    assert letter.record is record
    assert letter.stage is Stage.DECODE
    assert letter.detail.isprintable()
    assert len(letter.detail.encode()) < 2_000


def check_transaction(transaction: Transaction, settings: Settings) -> None:
    """What every transaction promises."""
    assert transaction.transaction_id.strip()
    assert transaction.account_id.strip()
    assert type(transaction.event_time_ms) is int
    assert type(transaction.amount_minor) is int
    assert 0 <= transaction.amount_minor <= 2**40
    assert transaction.currency == settings.currency


def direct(name: str | None) -> Feed:
    """A source that is the log itself: the configuration of that name, or none (canonical names)."""
    settings = load(CONFIGS / f"{name}.yaml" if name else None, {})
    decode = Decoder(settings).decode
    label = LabelReader(settings.source.label) if settings.source.label else None

    def to_log(record: Record) -> list[bytes]:
        assert record.value is not None
        decoded = decode(record)
        if isinstance(decoded, DeadLetter):
            check_letter(decoded, record)
        else:
            check_transaction(decoded, settings)
        if label is not None:
            is_case, detail = label.read(record.value)
            assert isinstance(is_case, bool)
            assert detail is None or isinstance(detail, str)
        return [record.value]

    return Feed(settings, name or "log", to_log)


def several(name: str) -> Feed:
    """One of the sources of configs/several-sources.yaml, as intake writes it to the log."""
    settings = load(CONFIGS / "several-sources.yaml", {})
    source = settings.sources[name]
    decode = SourceDecoder(settings, source, name).decode
    read_back = Decoder(settings).decode
    legs = max(1, len(source.legs))

    def to_log(record: Record) -> list[bytes]:
        decoded = decode(record)
        if isinstance(decoded, DeadLetter):
            check_letter(decoded, record)
            return []
        assert len(decoded) == legs
        lines = [canonical(transaction) for transaction in decoded]
        for transaction, line in zip(decoded, lines, strict=True):
            check_transaction(transaction, settings)
            assert read_back(Record("log", 0, 0, record.timestamp_ms, None, line)) == transaction
        return lines

    return Feed(settings, source.topic, to_log)


_models: dict[frozenset[str], Model] = {}


def fitted(settings: Settings) -> Model:
    """A model for what these settings can compute, fitted on a small stream of habits."""
    fields = Decoder(settings).fields
    if fields not in _models:
        pipeline = Pipeline(settings)
        rows = enumerate(_sample(settings))
        records = [Record("sample", 0, place, NO_TIMESTAMP, None, row) for place, row in rows]
        pipeline.fold(Chunk.of(records))
        _models[fields] = train(settings, pipeline.training)
    return _models[fields]


def _sample(settings: Settings, rows: int = 400) -> Iterator[bytes]:
    """Rows in the names that the settings' own mapping asks for."""
    mapping = settings.source.mapping
    for row in islice(ordinary(), rows):
        if mapping:
            row = {mapping[name]: value for name, value in row.items() if name in mapping}
        yield json.dumps(row).encode()


def ordinary() -> Iterator[dict[str, object]]:
    """Transactions in canonical names without end: thirty accounts, three an hour."""
    random_ = random.Random(20)
    for number in range(10**9):
        yield {
            "transaction_id": f"t{number}",
            "account_id": f"a{random_.randrange(30)}",
            "event_time": f"2024-06-{1 + number // 72 % 28:02}T{number // 3 % 24:02}:{number % 3 * 20:02}:00Z",
            "amount": round(random_.lognormvariate(3.5, 1.0), 2),
            "currency": "EUR",
            "direction": random_.choice(["debit", "credit"]),
            "counterparty_id": f"c{random_.randrange(12)}",
            "country": "FR",
            "latitude": round(random_.uniform(42, 51), 4),
            "longitude": round(random_.uniform(-4, 8), 4),
            "device_id": f"d{random_.randrange(5)}",
            "category": "food",
            "status": "approved",
        }
