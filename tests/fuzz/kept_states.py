"""Snapshots as somebody would send them who knows how to seal: a real one, edited, every checksum right again.

What is tried is the checking of the content: what is taken must fold, be saved and be told without leaving its tables.
"""

from typing import Any

import msgspec
import numpy as np
from artefacts import FLOATS, WHOLES, Edits

from fraudwatch import snapshots
from fraudwatch.alerts import Policy
from fraudwatch.config.settings import Features, Settings
from fraudwatch.errors import SnapshotError
from fraudwatch.pipeline import Pipeline, dumped
from fraudwatch.records import (
    NO_TIMESTAMP,
    Chunk,
    FeatureSpec,
    LaneSpec,
    Reason,
    Record,
    Role,
    Side,
    Text,
    Theme,
    Transaction,
    Unit,
)
from fraudwatch.snapshots import Block, Blocks, Stamp

STAMP = Stamp(
    topic="t",
    partition=0,
    partitions=1,
    offset=40,
    reached_ms=0,
    generation=1,
    review_offset=0,
    slot=0,
    created_ms=0,
    code="fuzz",
    configuration="fuzz",
)
_SMALL = (0, 1, 2, 3, 4, 5, 7, 8, 16, 63, 64, -2)
"""Numbers that are places in small tables."""


class SnapshotForge:
    """Edits the snapshot of a small partition, and tries what comes of it the way a worker would."""

    def __init__(self, rows: list[dict[str, object]]) -> None:
        self._settings = Settings(features=Features(max_accounts=6))
        self._rows = rows
        pipeline = Pipeline(self._settings)
        pipeline.fold(self._records(0, 40))
        pipeline.policy.use(np.linspace(4.0, 0.0, 400), 400.0, "fuzz")
        pipeline.policy.watch(_LANES)
        _judge(pipeline.policy, 0, 30)
        self._then = self._records(40, 60)
        self._blocks = pipeline.state()
        manifest, self._pieces = self._sent(self._blocks)
        self._manifest: dict[str, Any] = msgspec.json.decode(manifest)

    def edited(self, data: bytes) -> None:
        """The real arrays after the edits that these bytes stand for."""
        edits = Edits(data)
        arrays = {name: dict(block.arrays) for name, block in self._blocks.items()}
        while edits:
            _edit(arrays[edits.of(["history", "history", "history", "policy", "training"])], edits)
        try:
            manifest, pieces = self._sent({name: Block(1, of) for name, of in arrays.items()})
        except SnapshotError:
            return
        self._try_out(manifest, pieces)

    def sent(self, data: bytes) -> None:
        """Any bytes as a manifest; what they say, where they are an object, laid over the real one and sealed."""
        self._try_out(data, self._pieces)
        try:
            said = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        if isinstance(said, dict):
            blank = {**self._manifest, **said, "seal": ""}
            seal = snapshots.sha256(msgspec.json.encode(blank))
            self._try_out(msgspec.json.encode({**blank, "seal": seal}), self._pieces)

    def _try_out(self, manifest: bytes, pieces: list[bytes]) -> None:
        """Refused with a message, or it goes on."""
        try:
            read = snapshots.read(manifest)
            assert snapshots.encode(read) == manifest
            blocks = snapshots.assemble(read, pieces)
            pipeline, _ = Pipeline.of(self._settings, blocks)
        except SnapshotError:
            return
        batch = pipeline.fold(self._then)
        assert batch.records == len(batch.dead_letters) + len(batch.assessments.transactions)
        pipeline.training.rows()
        if pipeline.policy.model_version:
            _judge(pipeline.policy, 20, 60)
            pipeline.policy.state()
        assert len(list(dumped(pipeline))) >= 2

    def _sent(self, blocks: Blocks) -> tuple[bytes, list[bytes]]:
        pieces = list(snapshots.pieces(blocks, 50_000))
        places = [(snapshots.sha256(piece), offset) for offset, piece in enumerate(pieces)]
        return snapshots.encode(snapshots.vouched(STAMP, blocks, places, 50_000)), pieces

    def _records(self, begin: int, end: int) -> Chunk:
        rows = [
            self._rows[number % len(self._rows)]
            | {"transaction_id": str(number), "account_id": f"a{number % 9}"}
            for number in range(begin, end)
        ]
        return Chunk.of(
            [
                Record("t", 0, begin + place, NO_TIMESTAMP, None, msgspec.json.encode(row))
                for place, row in enumerate(rows)
            ]
        )


def _judge(policy: Policy, begin: int, end: int) -> None:
    """Transactions of a few accounts, two hours apart, of which one in three alerts, and one in five by a lane."""
    numbers = np.arange(begin, end)
    columns = (numbers % 7, numbers * 7_200_000, (numbers % 3) * 2.5, numbers)
    surprises = np.tile((numbers % 5) * 1.5, (len(policy.lanes), 1))
    row = -1
    while (row := policy.judge_rows(*columns, row + 1, surprises)) < len(numbers):
        time_ms, score, account = int(columns[1][row]), float(columns[2][row]), int(columns[0][row])
        made = Transaction(f"t{row}", f"a{account}", time_ms, 100, "EUR")
        lanes = surprises[:, row]
        policy.judge(made, int(numbers[row]), score, lambda: _REASONS, account=account, lanes=lanes)
    assert policy.edge.is_low in (True, False)


_TEXT = Text("much", "beaucoup")
_SPEC = FeatureSpec("amount", "AMT_SIZE", Theme.AMOUNT, Side.HIGH, Role.ANCHOR, Unit.MONEY, _TEXT, _TEXT)
_LANES = [LaneSpec(name, name.upper(), Theme.NETWORK, _TEXT, _TEXT) for name in ("one", "two")]
_REASONS = (Reason(_SPEC, 4.0, 4.0, 7.0, None),)


def _edit(arrays: dict[str, Any], edits: Edits) -> None:
    """One change of one array, or of one field of it."""
    if not arrays:
        return
    name = edits.of(sorted(arrays))
    array = arrays[name].copy()
    match edits.below(8):
        case 0:
            del arrays[name]
            return
        case 1:
            array = edits.of([array[:-1], array[1:], np.concatenate([array, array]), array[:0]])
        case 2:
            array = array.view(np.uint8) if array.ndim == 1 else array[None]
        case _:
            fields = array.dtype.names
            column = array if fields is None else array[edits.of(fields)]
            if column.size:
                places = [edits.below(column.size)] if edits.below(4) else range(column.size)
                for place in places:
                    column.flat[place] = _special(column.dtype, edits)
    arrays[name] = array


def _special(kind: "np.dtype[Any]", edits: Edits) -> Any:
    choices = FLOATS if kind.kind == "f" else (*_SMALL, *WHOLES)
    with np.errstate(all="ignore"):
        return np.array(edits.of(choices)).astype(kind)
