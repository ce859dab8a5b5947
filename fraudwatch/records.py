"""The words of the product as types (DESIGN §3), without logic.

Event times are milliseconds since 1970-01-01 UTC (`event_time_ms`); money is whole minor units of the state
currency (`amount_minor`, cents for EUR), so that sums of it are exact.
"""

from collections.abc import Sequence
from enum import Enum, IntEnum, IntFlag, StrEnum
from typing import overload

import msgspec
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
SmallIntArray = npt.NDArray[np.int32]
ByteArray = npt.NDArray[np.uint8]

NO_TIMESTAMP = -1
"""`Record.timestamp_ms` of a record that never was in Kafka (a line of a file)."""


LARGEST_AMOUNT_MINOR = 2**40 - 1
"""Up to here a window's sum of squares stays exact in 64-bit integers, whatever the currency's decimals."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A transaction as it sits in Kafka. A file is read as partition 0 of a topic named after it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None


class Spans(Sequence[bytes | None]):
    """n keys or values as parts of `buffers`, which count as one, end to end; an object is made only of the one that
    is asked for.

    `begins` and `lengths` are int64[n]; a length of −1 is None. Behind each is a byte that is part of no other.
    """

    __slots__ = ("begins", "buffers", "lengths")

    def __init__(self, buffers: tuple[bytes, ...], begins: IntArray, lengths: IntArray) -> None:
        self.buffers = buffers
        self.begins = begins
        self.lengths = lengths

    @classmethod
    def of(cls, several: Sequence[bytes | None]) -> "Spans":
        """The same in a buffer of their own; what is in one already as it is."""
        if isinstance(several, cls):
            return several
        lengths = np.array([-1 if one is None else len(one) for one in several], dtype=np.int64)
        steps = np.maximum(lengths, 0) + 1
        buffer = b"\0".join([*(one or b"" for one in several), b""])
        return cls((buffer,), np.cumsum(steps) - steps, lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, row: int) -> bytes | None: ...
    @overload
    def __getitem__(self, row: slice) -> "Spans": ...
    def __getitem__(self, row: int | slice) -> "bytes | Spans | None":
        if isinstance(row, slice):
            return Spans(self.buffers, self.begins[row], self.lengths[row])
        begin, length = int(self.begins[row]), int(self.lengths[row])
        return None if length < 0 else b"".join(self.bytes_of(begin, begin + length))

    def bytes_of(self, begin: int, end: int) -> list[memoryview]:
        """What is in the buffers from `begin` to `end`, without a copy."""
        found = []
        for buffer in self.buffers:
            found.append(memoryview(buffer)[max(begin, 0) : max(end, 0)])
            begin, end = begin - len(buffer), end - len(buffer)
        return found


class Chunk(msgspec.Struct, frozen=True):
    """n records of one partition by column, in the order of their offsets; what is folded at once.

    `offsets` and `timestamps_ms` are int64[n] (timestamps: `NO_TIMESTAMP` where there is none); `keys` and `values`
    are lists, or `Spans` as records come from the broker.
    """

    topic: str
    partition: int
    offsets: IntArray
    timestamps_ms: IntArray
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]

    def __len__(self) -> int:
        return len(self.values)

    def record(self, row: int) -> Record:
        """One of them by itself."""
        return Record(
            self.topic,
            self.partition,
            int(self.offsets[row]),
            int(self.timestamps_ms[row]),
            self.keys[row],
            self.values[row],
        )

    def part(self, begin: int, end: int | None = None) -> "Chunk":
        """The rows from `begin` up to `end`, which is not included."""
        rows = slice(begin, end)
        return Chunk(
            self.topic,
            self.partition,
            self.offsets[rows],
            self.timestamps_ms[rows],
            self.keys[rows],
            self.values[rows],
        )

    @classmethod
    def of(cls, records: Sequence[Record]) -> "Chunk":
        """Records of one partition, at least one."""
        return cls(
            records[0].topic,
            records[0].partition,
            np.array([record.offset for record in records], dtype=np.int64),
            np.array([record.timestamp_ms for record in records], dtype=np.int64),
            [record.key for record in records],
            [record.value for record in records],
        )


class Transaction(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The thing that is scored, in canonical form."""

    transaction_id: str
    account_id: str
    event_time_ms: int
    amount_minor: int
    currency: str
    direction: str | None = None
    counterparty_id: str | None = None
    counterparty_country: str | None = None
    channel: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    device_id: str | None = None
    category: str | None = None
    status: str | None = None


class TextField(IntEnum):
    """The texts of a transaction, as columns of `Transactions.spans`."""

    TRANSACTION_ID = 0
    ACCOUNT_ID = 1
    COUNTERPARTY_ID = 2
    COUNTERPARTY_COUNTRY = 3
    CHANNEL = 4
    COUNTRY = 5
    DEVICE_ID = 6
    CATEGORY = 7


class Trait(IntFlag):
    """What a transaction has or is; bits of `Transactions.traits`."""

    HAS_COUNTERPARTY = 1
    HAS_PLACE = 2
    CREDIT = 4
    DEBIT = 8
    DECLINED = 16
    REVERSED = 32


class Transactions(msgspec.Struct, frozen=True):
    """n transactions in canonical form by column, in the order of their records.

    `rows` says which record of the chunk each came from, `offsets` where that is in the log; `latitude` and
    `longitude` are int32 in millionths of a degree, 0 without the trait HAS_PLACE. `text` holds the bytes (UTF-8)
    of all texts and `spans` int32[n, len(TextField), 2] where each begins and ends in it; an absent one is empty.

    `ids`, `accounts`, `counterparties` and `devices` are hashes of 64 bits that stand for the texts of the same name,
    0 where absent: two texts of a billion share one with a chance of 3 in 100. `contents` are hashes of all that a
    transaction says, `cohorts` hashes of 52 bits of direction, channel and category together, 0 where it has none of
    them. No array may be written to.
    """

    rows: IntArray
    offsets: IntArray
    event_time_ms: IntArray
    amount_minor: IntArray
    latitude: SmallIntArray
    longitude: SmallIntArray
    traits: ByteArray
    spans: SmallIntArray
    text: ByteArray
    ids: IntArray
    accounts: IntArray
    counterparties: IntArray
    contents: IntArray
    devices: IntArray
    cohorts: IntArray

    def __len__(self) -> int:
        return len(self.rows)

    def text_of(self, row: int, field: TextField) -> str | None:
        """One text of one transaction, None where it is absent."""
        return text_in(self.text, self.spans[row, field])


def text_in(text: ByteArray, span: SmallIntArray) -> str | None:
    """The part of `text` (UTF-8) from where `span` int32[2] begins to where it ends, None where it is empty."""
    begin, end = span
    return text[begin:end].tobytes().decode() if end > begin else None


class Stage(StrEnum):
    """Where a record fell out of the way of a transaction."""

    DECODE = "decode"
    PIPELINE = "pipeline"


class Refusal(StrEnum):
    """Why a record cannot become a transaction: the closed list behind the label `reason`."""

    TOMBSTONE = "tombstone"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_JSON = "not_json"
    NOT_CSV = "not_csv"
    WRONG_TYPE = "wrong_type"
    MISSING_FIELD = "missing_field"
    BAD_TEXT = "bad_text"
    BAD_TIME = "bad_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    TIME_AHEAD = "time_ahead"
    NOT_A_NUMBER = "not_a_number"
    AMOUNT_NEGATIVE = "amount_negative"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    CURRENCY = "currency"
    INTERNAL = "internal"


class DeadLetter(msgspec.Struct, frozen=True, gc=False):
    """A record that could not be processed; `record` holds its bytes untouched."""

    record: Record
    stage: Stage
    reason: Refusal
    detail: str


class Outcome(Enum):
    """What became of a transaction. Values are the codes of `Assessments.outcome` (uint8)."""

    SCORED = 0
    UNSCORED_NO_MODEL = 1
    UNSCORED_YOUNG_ACCOUNT = 2
    DUPLICATE = 3
    LATE = 4

    @property
    def label(self) -> str:
        """The word for people and metrics: `scored`, `unscored`, `duplicate` or `late`."""
        return self.name.partition("_")[0].lower()


class Theme(StrEnum):
    """What a feature is about; the highest severity needs reasons of two themes."""

    AMOUNT = "amount"
    RHYTHM = "rhythm"
    NETWORK = "network"
    PLACE_AND_DEVICE = "place_and_device"
    PROFILE = "profile"
    FEEDBACK = "feedback"


class Side(StrEnum):
    """Which values of a feature alarm: large ones, small ones, or rare categories."""

    HIGH = "high"
    LOW = "low"
    RARE = "rare"


class Role(StrEnum):
    """What a feature is to the score.

    An anchor is evidence by itself; a context earns its weight from how often it goes together with extreme
    anchors (DESIGN D4); a descriptive feature is computed and shown, and weighs nothing by default.
    """

    ANCHOR = "anchor"
    CONTEXT = "context"
    DESCRIPTIVE = "descriptive"


class Unit(StrEnum):
    """How a value is written in a sentence."""

    MONEY = "money"
    COUNT = "count"
    RATIO = "ratio"
    DURATION = "duration"
    HOUR = "hour"
    NUMBER = "number"
    SHARE = "share"
    DISTANCE = "distance"
    SPEED = "speed"


class Text(msgspec.Struct, frozen=True):
    """The same sentence in both languages of the product."""

    en: str
    fr: str


class FeatureSpec(msgspec.Struct, frozen=True):
    """What a feature says of itself.

    `sentence` may use the placeholders {value}, {usual} and {window}; value and usual are written by `unit`
    (money in minor units, durations in milliseconds, shares of 1, distances in km, speeds in km/h).
    `fields` are the optional canonical fields it needs. `young_sentence` is said instead where what is usual is not yet
    the account's own.
    """

    name: str
    code: str
    theme: Theme
    side: Side
    role: Role
    unit: Unit
    sentence: Text
    innocent: Text
    window_ms: int | None = None
    fields: tuple[str, ...] = ()
    doc: str = ""
    young_sentence: Text | None = None


class LaneSpec(msgspec.Struct, frozen=True):
    """What a lane says of itself: a typology that amounts do not show, found by a measure of its own.

    `sentence` says what was found and has no placeholders. `fields` are the optional canonical fields it needs. `doc`
    defines its composite, the number that is the larger the more an account's history looks like the typology.
    """

    name: str
    code: str
    theme: Theme
    sentence: Text
    innocent: Text
    fields: tuple[str, ...] = ()
    doc: str = ""


class Shown(msgspec.Struct, frozen=True):
    """One feature of one transaction as a person reads it; None where it is missing.

    `is_own` is false where what is usual is for the most part not the account's: it has too little history.
    """

    value: float | None
    usual: float | None
    is_own: bool = True


class Scores(msgspec.Struct, frozen=True):
    """What a model says of n transactions, for its r reasons: the features, then the detectors.

    `surprises` is float64[n, r], −log10 of a tail probability, 0 where the value is missing;
    `contributions` is float64[n, r], the part of each reason in the score; `score` is float64[n].
    """

    surprises: FloatArray
    contributions: FloatArray
    score: FloatArray


class Reason(msgspec.Struct, frozen=True):
    """One reason of one transaction, as numbers; `fraudwatch.alerts` makes the sentence."""

    spec: FeatureSpec
    surprise: float
    contribution: float
    value: float | None
    usual: float | None
    is_own: bool = True


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """One of the account's latest transactions, with the position it can be read again from.

    Both ids are None where only the position is at hand.
    """

    transaction_id: str | None
    event_time_ms: int
    amount_minor: int
    counterparty_id: str | None
    partition: int
    offset: int
