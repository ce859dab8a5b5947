"""A transaction of the log, judged by a state made as a worker would restore it, up to the record before."""

from collections.abc import Callable, Iterator

from fraudwatch.broker.lag import group_lag
from fraudwatch.broker.models import versions
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.detection import Model
from fraudwatch.explain.explaining import explained
from fraudwatch.explain.explanation import Explanation
from fraudwatch.explain.finding import OwnRecords, Wanted, chunked, find
from fraudwatch.records import Record
from fraudwatch.stream.real import real_parts
from fraudwatch.stream.restored import restored

OnProgress = Callable[[int], None]


def explain_log(
    settings: Settings,
    wanted: Wanted,
    *,
    model: Model | None = None,
    from_log: bool = False,
    on_progress: OnProgress = lambda records: None,
) -> Explanation:
    """Explain a transaction of the source topic; with `from_log` without a look at snapshots.

    Without a model it is the one in use on the models topic.

    The log is read as far as it is there: once to find the transaction, once for the others of its account, and for the
    state from the newest snapshot before it. No group is joined and nothing is written. Raises BrokerError,
    UnusableInputError where there is no such transaction, ArtefactError for a model that cannot be used.
    """
    topic, decoder = settings.source.topic, Decoder(settings)
    partitions = len(group_lag(settings))
    found = find(chunked(_read(settings, on_progress)), decoder, wanted, f"the topic {topic}")
    at, own = found.record, OwnRecords(found.account)
    for chunk in chunked(
        record for record in _read(settings, on_progress) if record.partition == at.partition
    ):
        own.add(chunk, decoder.decode_chunk(chunk)[0])
    model = model or _in_use(settings)
    pipeline = restored(
        settings, at.partition, at.offset, partitions=partitions, from_log=from_log, model=model
    )
    return explained(pipeline, at, own.before(at))


def _read(settings: Settings, on_progress: OnProgress) -> Iterator[Record]:
    for record in tail(settings, settings.source.topic):
        on_progress(1)
        yield record


def _in_use(settings: Settings) -> Model | None:
    """None where there is none yet."""
    register = versions(settings).register
    if register.in_use is None:
        return None
    model: Model = real_parts(settings).load(register.shelf.artefact(register.in_use))
    return model
