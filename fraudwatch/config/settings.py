"""Every setting: name, type, default, and one sentence. Flags, documentation and the schema derive from here.

A setting is an annotated field; its sentence is the field's `Meta.description`. Sections nest one level.
Limits carry their reason beside them.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from fraudwatch.config.durations import Duration
from fraudwatch.config.wording import HIDDEN, SECRETS

HOUR = Duration(3_600_000)
DAY = Duration(86_400_000)


def _says(sentence: str, **bounds: Any) -> Meta:
    return Meta(description=sentence, **bounds)


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A group of settings."""


class Kafka(Section, frozen=True):
    """Where Kafka is and how the worker holds on to it."""

    bootstrap_servers: Annotated[str, _says("Addresses of the brokers, host:port, separated by commas.")] = (
        "127.0.0.1:9092"
    )
    group: Annotated[str, _says("Consumer group of the workers, and Faust's application id.")] = "fraudwatch"
    session_timeout: Annotated[Duration, _says("How long a silent worker keeps its partitions.")] = Duration(
        60_000
    )
    request_timeout: Annotated[Duration, _says("How long one request to a broker may take.")] = Duration(
        40_000
    )
    security: Annotated[
        Literal["plaintext", "ssl", "sasl_ssl"],
        _says(
            "How the connection is protected: not at all, TLS, or TLS with a user and password (SCRAM-SHA-512)."
        ),
    ] = "plaintext"
    ca_file: Annotated[
        str | None, _says("Certificates (PEM) of the authorities to trust; without it those of the system.")
    ] = None
    certificate_file: Annotated[str | None, _says("Own certificate (PEM), for mutual TLS.")] = None
    key_file: Annotated[str | None, _says("Private key (PEM) of the own certificate.")] = None
    key_password_file: Annotated[str | None, _says("File that holds the password of the private key.")] = None
    username: Annotated[str | None, _says("User of sasl_ssl.")] = None
    password: Annotated[
        str | None, _says("Password of sasl_ssl; better given as password_file or in the environment.")
    ] = None
    password_file: Annotated[str | None, _says("File that holds the password of sasl_ssl.")] = None
    embedded: Annotated[
        bool, _says("The in-process broker of the demo: no admin requests, older protocol versions.")
    ] = False

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Without the password: settings end up in tracebacks and failing tests."""
        values = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return [(name, HIDDEN if value and f"kafka.{name}" in SECRETS else value) for name, value in values]

    def __repr__(self) -> str:
        return f"Kafka({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


class Topics(Section, frozen=True):
    """Names of the topics fraudwatch writes and reads beside the source."""

    review: Annotated[str, _says("Alerts and their updates, for investigators.")] = "fraudwatch.review"
    dead_letters: Annotated[str, _says("Records that could not be processed, bytes untouched.")] = (
        "fraudwatch.dead-letters"
    )
    transactions: Annotated[
        str, _says("Canonical transactions keyed by account, written by intake where `sources` are given.")
    ] = "fraudwatch.transactions"
    dispositions: Annotated[str, _says("Verdicts on alerts and reports from outside.")] = (
        "fraudwatch.dispositions"
    )
    models: Annotated[str, _says("Model artefacts and the pointer to the newest.")] = "fraudwatch.models"
    snapshots: Annotated[str, _says("The state of each partition, saved now and then.")] = (
        "fraudwatch.snapshots"
    )
    replication: Annotated[
        int, _says("Replication factor given to topics that are created.", ge=1, le=16)
    ] = 1


class FieldMapping(Section, frozen=True):
    """How one canonical field is read from a source record."""

    path: Annotated[str | None, _says("Where the value is: names separated by dots, indexes as numbers.")] = (
        None
    )
    constant: Annotated[str | float | int | None, _says("A fixed value instead of a path.")] = None
    format: Annotated[
        str | None,
        _says(
            "For event_time: iso8601 (default), epoch_s, epoch_ms, epoch_us, or letters such as %d/%m/%Y %H:%M."
        ),
    ] = None
    zone: Annotated[
        str | None, _says("For event_time: time zone of a time without an offset, such as Europe/Paris.")
    ] = None
    unit: Annotated[
        Literal["major", "minor"] | None,
        _says("For amount: major units (12.34) or minor units (1234); default major."),
    ] = None
    values: Annotated[dict[str, str] | None, _says("Translation of source values to canonical ones.")] = None


class Label(Section, frozen=True):
    """A field that says which transactions were found to be cases; read by the backtest only, to measure."""

    path: Annotated[str, _says("Where the label is in the source record.")]
    positive: Annotated[str, _says("The value that marks a case.")] = "1"
    detail: Annotated[str | None, _says("Where a finer label (a typology or scenario) is.")] = None
    case: Annotated[
        str | None,
        _says("Where the id of the case is; without it an account's cases are told apart by a week's pause."),
    ] = None


class Csv(Section, frozen=True):
    """How a record that is one line of CSV is written."""

    columns: Annotated[tuple[str, ...], _says("Names of the columns, in their order.", min_length=1)]
    delimiter: Annotated[str, _says("What stands between columns.", min_length=1, max_length=1)] = ";"
    encoding: Annotated[str, _says("Character encoding, such as utf-8 or iso-8859-1.")] = "utf-8"
    decimal: Annotated[Literal[".", ","], _says("Decimal mark of amounts and coordinates.")] = "."


class Source(Section, frozen=True):
    """The stream of transactions to read, where one topic keyed by account is all there is."""

    topic: Annotated[str, _says("Topic the transactions are read from.")] = "transactions"
    format: Annotated[Literal["json", "csv"], _says("How a record is written.")] = "json"
    csv: Annotated[Csv | None, _says("For the format csv: its columns and how they are written.")] = None
    mapping: Annotated[
        dict[str, str | FieldMapping],
        _says("Canonical field: its path, or a table of path, constant, format, zone, unit, values."),
    ] = msgspec.field(default_factory=dict)
    legs: Annotated[
        tuple[dict[str, str | FieldMapping], ...],
        _says("For a record that is several transactions: what the mapping of each has beyond `mapping`."),
    ] = ()
    silent_after: Annotated[
        Duration, _says("A source without records for this long is said to be silent.")
    ] = Duration(15 * 60_000)
    label: Annotated[Label | None, _says("Field that labels cases, for measuring only.")] = None


class Accounts(Section, frozen=True):
    """Which account a transaction belongs to."""

    clients_file: Annotated[
        str | None,
        _says(
            "CSV file `account_id,client_id`: accounts of one client are brought together under the client's id."
        ),
    ] = None
    misplaced_limit: Annotated[
        int,
        _says("Accounts seen in two partitions of a source read directly before the worker stops.", ge=0),
    ] = 100


class Limits(Section, frozen=True):
    """Beyond these a record is a dead letter."""

    # 2^40 minor units keep every window's sum of squares exact in 64-bit integers.
    max_amount: Annotated[
        float, _says("Largest believable amount in major units.", gt=0, le=10_000_000_000)
    ] = 1_000_000_000.0
    max_record_bytes: Annotated[int, _says("Largest record in bytes.", ge=64, le=16_777_216)] = 65_536
    max_text: Annotated[int, _says("Longest text field in characters.", ge=16, le=4096)] = 256
    earliest: Annotated[str, _says("Event times before this date are refused.")] = "1990-01-01"
    latest: Annotated[str, _says("Event times from this date on are refused.")] = "2100-01-01"
    ahead: Annotated[Duration, _says("How far an event time may lie ahead of its Kafka timestamp.")] = (
        Duration(DAY)
    )


class Lateness(Section, frozen=True):
    """Order and repetition."""

    grace: Annotated[Duration, _says("How late a transaction may be and still enter the history.")] = (
        Duration(HOUR)
    )
    dedup_horizon: Annotated[
        Duration, _says("How long, in event time, a transaction id is remembered to find duplicates.")
    ] = Duration(7 * DAY)


class Features(Section, frozen=True):
    """What is kept of each account."""

    windows: Annotated[
        tuple[Duration, ...], _says("Lengths of the sliding windows.", min_length=1, max_length=8)
    ] = (Duration(HOUR), Duration(DAY), Duration(7 * DAY), Duration(30 * DAY))
    zone: Annotated[str, _says("Time zone in which the hour of the day is read.")] = "UTC"
    young_account: Annotated[
        int, _says("Earlier transactions an account needs before it is scored.", ge=0, le=1000)
    ] = 1
    more_lanes: Annotated[
        tuple[
            Literal[
                "structuring",
                "young_mule",
                "fan_in",
                "round_amounts",
                "impossible_travel",
                "unusual_hours",
            ],
            ...,
        ],
        _says(
            "Lanes of the typology queue beside the usual ones; each costs time and takes its share from the others."
        ),
    ] = ()
    thresholds: Annotated[
        tuple[Annotated[float, Meta(gt=0, le=10_000_000_000)], ...],
        _says(
            "Sums from which operations are reported, in major units: what the lane structuring looks under.",
            min_length=1,
            max_length=16,
        ),
    ] = (1_000.0, 3_000.0, 10_000.0)
    max_accounts: Annotated[
        int,
        _says(
            "Accounts a partition remembers; beyond, the least recently active is let go of.", ge=1, le=2**30
        ),
    ] = 2_000_000


class Detection(Section, frozen=True):
    """How surprises become a score."""

    detectors: Annotated[
        tuple[Literal["isolation_forest", "hbos", "pca", "knn", "ecod", "lof", "ocsvm"], ...],
        _says(
            "PyOD detectors fitted over the surprises; each is one more reason. The slow lof and ocsvm "
            "are scored by PyOD itself, all others by compiled kernels."
        ),
    ] = ("isolation_forest", "hbos", "pca")
    combiner: Annotated[
        Literal["concordance", "max", "top_two"],
        _says(
            "How reasons are combined: anchor plus learned lifts, the largest surprise, or the two largest."
        ),
    ] = "concordance"
    seed: Annotated[int, _says("Seed of everything random in fitting.", ge=0, le=2**31 - 1)] = 20


class Training(Section, frozen=True):
    """When models are fitted on the stream, and on what."""

    min_transactions: Annotated[int, _says("Transactions to wait for before fitting.", ge=100)] = 5_000
    min_span: Annotated[Duration, _says("Event time the sample must span before fitting.")] = Duration(
        7 * DAY
    )
    sample: Annotated[int, _says("Transactions kept to fit on, chosen by hash of their id.", ge=100)] = (
        100_000
    )
    skip: Annotated[
        Duration,
        _says("Event time at the start of the stream that is not trained on: windows are still filling."),
    ] = Duration(0)
    half_life: Annotated[
        Duration,
        _says(
            "The weight of a transaction in the sample halves with each such span of event time; 0s never."
        ),
    ] = Duration(0)
    refit_every: Annotated[
        Duration,
        _says("Event time from the end of one model's sample to the next fit; 0s never: one first fit."),
    ] = Duration(0)
    refit_on_drift: Annotated[
        bool, _says("Fit anew too when the model in use no longer describes the stream (`drift`).")
    ] = False
    lifts_every: Annotated[
        Duration,
        _says("Event time after which lifts are learned anew between two fits; 0s never."),
    ] = Duration(DAY)
    lifts_half_life: Annotated[
        Duration,
        _says("What lifts are learned from halves in weight with each such span of event time; 0s never."),
    ] = Duration(60 * DAY)


class Trial(Section, frozen=True):
    """A model fitted anew is tried in shadow, beside the one in use; beyond these limits it is kept out."""

    span: Annotated[Duration, _says("Event time that a trial lasts at least.")] = Duration(DAY)
    transactions: Annotated[
        int, _says("Transactions that a trial scores with both models at least.", ge=100)
    ] = 5_000
    share: Annotated[
        float,
        _says("Part of the accounts, chosen by hash, that are scored twice.", gt=0, le=1),
    ] = 0.25
    psi_limit: Annotated[
        float, _says("Most that the new model's scores may differ (PSI) from those of its own sample.", gt=0)
    ] = 0.25
    least_overlap: Annotated[
        float, _says("Least share of the account-days above the edge that both models agree on.", ge=0, le=1)
    ] = 0.4
    # Counted before its edge has followed the stream, and that begins high: one of transactions, not of account-days.
    least_alerts: Annotated[
        float, _says("Least alerts a day that the new model would raise, in budgets.", ge=0, le=1)
    ] = 0.1
    most_alerts: Annotated[
        float, _says("Most alerts a day that the new model would raise, in budgets.", ge=1)
    ] = 3.0


class Drift(Section, frozen=True):
    """Whether the model in use still describes the stream."""

    limit: Annotated[
        float, _says("The model is degraded when the PSI of its scores is above this.", gt=0, le=100)
    ] = 0.25
    # Accounts grow older: what only time changes was measured to reach 2.2 in four months after a first month. Of a
    # field that is missing in two of five transactions it is 3.
    theme_limit: Annotated[
        float, _says("It is degraded, too, when the PSI of a theme is above this.", gt=0, le=100)
    ] = 3.0
    window: Annotated[
        Duration, _says("Whole event days that are compared with the model's sample; at least 24h.")
    ] = Duration(7 * DAY)


class Alerts(Section, frozen=True):
    """What investigators can work."""

    # No house works a million; without a limit twice the share would be no number of alerts.
    alerts_per_day: Annotated[
        float,
        _says("Alerts a day, over all partitions, that investigators can work.", gt=0, le=1_000_000),
    ] = 40.0
    typology_share: Annotated[
        float,
        _says(
            "Share of the budget for the lanes of typologies that amounts do not show; the rest is the amount queue's.",
            ge=0,
            le=1,
        ),
    ] = 0.5
    explore: Annotated[
        float,
        _says("Share of the budget spent below the edge, chosen by hash and marked `sample`.", ge=0, le=0.5),
    ] = 0.05
    evidence: Annotated[
        int, _says("Latest transactions of the account listed in an alert.", ge=1, le=200)
    ] = 50


class Stream(Section, frozen=True):
    """How the worker takes records and ends."""

    transport: Annotated[
        Literal["chunks", "stock"],
        _says(
            "How records reach the worker: whole fetched chunks, or one by one through Faust's own transport."
        ),
    ] = "chunks"
    batch_records: Annotated[int, _says("Most records handled at once.", ge=1, le=10_000)] = 8_000
    batch_wait: Annotated[
        Duration, _says("How long to wait for a batch to fill; with the stock transport only.")
    ] = Duration(200)
    commit_every: Annotated[Duration, _says("How often acknowledged offsets are committed.")] = Duration(
        1_000
    )
    shutdown: Annotated[Duration, _says("A worker asked to end is gone after this long.")] = Duration(20_000)
    stalled_after: Annotated[
        Duration, _says("/live fails when nothing moved for this long while records wait.")
    ] = Duration(60_000)
    # Longer than a broker takes to come back, or a group to settle.
    give_up_after: Annotated[
        Duration, _says("The process ends, non-zero, when nothing moved for this long while records wait.")
    ] = Duration(300_000)
    # Each costs two restores of its partition.
    poison_per_hour: Annotated[
        int,
        _says(
            "Records an hour that may raise an error in fraudwatch itself and become dead letters; one more ends it.",
            ge=0,
            le=10_000,
        ),
    ] = 10


class Snapshots(Section, frozen=True):
    """Saved states: with one, a start reads the end of the log only."""

    every: Annotated[
        Duration,
        _says("How often the state of each partition is saved; 0s never, and then none is read either."),
    ] = Duration(5 * 60_000)


class Metrics(Section, frozen=True):
    """Where metrics, /live and /ready are served."""

    host: Annotated[str, _says("Address to listen on; loopback unless a network protects it.")] = "127.0.0.1"
    port: Annotated[
        int, _says("Port of /metrics, /live and /ready; 0 takes a free one.", ge=0, le=65_535)
    ] = 9464


class Settings(Section, frozen=True):
    """The whole configuration file."""

    currency: Annotated[str, _says("The one currency of the state, ISO 4217.", pattern="^[A-Z]{3}$")] = "EUR"
    rates: Annotated[
        dict[str, dict[str, float]],
        _says("Other currencies: for each the units of `currency` one unit was worth from a date on."),
    ] = msgspec.field(default_factory=dict)
    sources: Annotated[
        dict[str, Source],
        _says("Several sources by name, brought together by `fraudwatch intake`; `source` is then not used."),
    ] = msgspec.field(default_factory=dict)
    kafka: Kafka = Kafka()
    topics: Topics = Topics()
    source: Source = Source()
    accounts: Accounts = Accounts()
    limits: Limits = Limits()
    lateness: Lateness = Lateness()
    features: Features = Features()
    detection: Detection = Detection()
    training: Training = Training()
    trial: Trial = Trial()
    drift: Drift = Drift()
    alerts: Alerts = Alerts()
    stream: Stream = Stream()
    snapshots: Snapshots = Snapshots()
    metrics: Metrics = Metrics()
