"""What worker and intake are made of besides Kafka: passed in, so that a test can put its own in their place."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from fraudwatch.config.settings import Settings
from fraudwatch.config.settings import Trial as TrialSettings
from fraudwatch.records import (
    ByteArray,
    Chunk,
    DeadLetter,
    FloatArray,
    IntArray,
    Record,
    Transaction,
    Transactions,
)
from fraudwatch.snapshots import Blocks

Headers = list[tuple[str, bytes]]


class Artefact(Protocol):
    """A model as two runs of bytes: what it is (JSON) and its arrays (`.npz`)."""

    @property
    def manifest(self) -> bytes: ...
    @property
    def arrays(self) -> bytes: ...


class Model(Protocol):
    """A fitted model, as far as the worker looks into it."""

    @property
    def version(self) -> str: ...
    @property
    def span_ms(self) -> tuple[int, int]: ...


class FedModel(Model, Protocol):
    """One whose lifts were learned later than it was fitted: the version of the fit, and until when."""

    @property
    def fit(self) -> str: ...
    @property
    def fed_until_ms(self) -> int: ...


class Lifts(Protocol):
    """The counts that lifts are learned from, until when they are whole and whether the model in use knows of that."""

    @property
    def fit(self) -> str: ...
    @property
    def until_ms(self) -> int: ...
    @property
    def is_due(self) -> bool: ...
    def fed(self) -> FedModel | None: ...


class Training(Protocol):
    """The training sample a pipeline gathers. It can be pickled for the child process that fits on it."""

    @property
    def is_ready(self) -> bool: ...
    @property
    def progress(self) -> float: ...
    @property
    def span_ms(self) -> tuple[int, int] | None: ...


class Finding(Protocol):
    """What the watch on the model has found: `psi` by score and theme, empty before a first whole window."""

    @property
    def psi(self) -> Mapping[str, float]: ...
    @property
    def is_degraded(self) -> bool: ...
    @property
    def worst(self) -> tuple[str, float]: ...


class Comparison(Protocol):
    """What a trial showed; a msgspec struct."""

    def objections(self, limits: TrialSettings) -> Sequence[str]: ...


class Trial(Protocol):
    """A model that is scored with beside the one in use."""

    @property
    def candidate(self) -> Model: ...
    @property
    def progress(self) -> float: ...
    @property
    def is_over(self) -> bool: ...
    @property
    def changes(self) -> Mapping[tuple[str, str], int]: ...
    def report(self) -> bytes: ...
    def concluded(self, messages: Mapping[int, bytes]) -> Comparison | None: ...


class Alert(Protocol):
    """An alert as far as its way to the review topic needs it."""

    @property
    def alert_id(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def sample(self) -> bool: ...
    @property
    def queue(self) -> str: ...
    @property
    def lane(self) -> str | None: ...


class Assessments(Protocol):
    """What was concluded on n transactions, by column."""

    @property
    def transactions(self) -> Transactions: ...
    @property
    def outcome(self) -> ByteArray: ...
    @property
    def score(self) -> FloatArray: ...
    @property
    def alert_ids(self) -> Mapping[int, str]: ...


class Batch(Protocol):
    """What came of one fold."""

    @property
    def records(self) -> int: ...
    @property
    def assessments(self) -> Assessments: ...
    @property
    def dead_letters(self) -> Sequence[DeadLetter]: ...
    @property
    def alerts(self) -> Sequence[Any]: ...
    @property
    def cut(self) -> int: ...
    @property
    def conflicts(self) -> int: ...
    @property
    def stage_seconds(self) -> Mapping[str, float]: ...
    @property
    def new_accounts(self) -> IntArray: ...
    @property
    def evicted(self) -> int: ...
    @property
    def returned(self) -> int: ...
    @property
    def drift(self) -> Finding | None: ...


class Edge(Protocol):
    """The score from which an alert is raised; infinite as long as there is no model."""

    @property
    def raised_from(self) -> float: ...


class Policy(Protocol):
    """What turns scores into alerts, as far as the metrics show it."""

    @property
    def edge(self) -> Edge: ...
    @property
    def budgets(self) -> Mapping[tuple[str, str], float]: ...


class Pipeline(Protocol):
    """One partition's state; `fraudwatch.pipeline.Pipeline` is the real one."""

    @property
    def training(self) -> Training: ...
    @property
    def lifts(self) -> Lifts: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def trial(self) -> Trial | None: ...
    @property
    def accounts(self) -> IntArray: ...
    def fold(self, chunk: Chunk, *, publish: bool = True) -> Batch: ...
    def use(self, model: Any) -> None: ...
    def try_out(self, candidate: Any | None) -> None: ...
    def state(self) -> Blocks: ...
    def history_lost(self) -> int: ...
    def follow(self, published: Iterable[bytes], *, since: int, until: int) -> int: ...


class Disposition(Protocol):
    """A verdict, a report, or an undo (which has no verdict), as far as it is counted."""

    @property
    def disposition_id(self) -> str: ...
    @property
    def verdict(self) -> str | None: ...
    @property
    def undoes(self) -> str | None: ...


class MakePipeline(Protocol):
    """Makes the empty state of one partition."""

    def __call__(self, partition: int, partitions: int, model: Any | None) -> Pipeline: ...


class Loaded(Protocol):
    """What became of a snapshot's blocks: those that are not known here, and those that begin anew, with the cause."""

    @property
    def dropped(self) -> Sequence[str]: ...
    @property
    def anew(self) -> Mapping[str, str]: ...


class RestorePipeline(Protocol):
    """Makes the state of one partition as it was saved. Raises SnapshotError where it cannot."""

    def __call__(
        self, blocks: Blocks, partition: int, partitions: int, model: Any | None
    ) -> tuple[Pipeline, Loaded]: ...


@dataclass(frozen=True)
class Parts:
    """The worker's collaborators.

    `fit` runs in a child process and is found there by its module and name, so it is a module's function.
    `load` raises ArtefactError for an artefact that cannot be used; `encode` makes the JSON of an alert, and
    `encode_shorter` a small one for a broker that finds it too large; `letter_headers` say of a dead letter which
    record it was and why; `read_disposition` raises UnusableInputError; `unfed` names the features that the fields
    of the source cannot feed; `warm_up` compiles or loads the kernels that need no model, and runs on the folding
    thread before the worker is ready. Without `restore_pipeline` no snapshots are taken, and none is read; without
    `pack_change`, which makes of a model with other lifts what of it is new, no lifts are fed.
    """

    make_pipeline: MakePipeline
    fit: Callable[[Settings, Any], Artefact]
    load: Callable[[Artefact], Any]
    encode: Callable[[Any], bytes]
    encode_shorter: Callable[[Any], bytes]
    letter_headers: Callable[[DeadLetter], Headers]
    read_disposition: Callable[[bytes], Disposition]
    unfed: Sequence[str] = ()
    warm_up: Callable[[], None] | None = None
    restore_pipeline: RestorePipeline | None = None
    pack_change: Callable[[Any], Artefact] | None = None


class SourceDecoder(Protocol):
    """Reads the records of one source; `fraudwatch.decode.SourceDecoder` is the real one."""

    def decode(self, record: Record) -> list[Transaction] | DeadLetter: ...


@dataclass(frozen=True)
class IntakeParts:
    """The collaborators of intake: a decoder for each source by its name, and how a transaction is written."""

    decoders: Mapping[str, SourceDecoder]
    encode: Callable[[Transaction], bytes]
    letter_headers: Callable[[DeadLetter], Headers]
