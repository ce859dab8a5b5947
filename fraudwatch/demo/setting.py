"""What a demo changes in the settings: where things are, and how soon a first model is fitted."""

from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import DAY, Kafka, Settings

MIN_TRANSACTIONS = 5_000
MIN_SPAN = Duration(3 * DAY)
"""Some 10 s of either stream at full speed; a day or two less, and there is no habit yet to depart from."""

COMMIT_EVERY = Duration(200)
"""The feed is held back by commits; once a second would let it flow in gulps."""

SESSION_TIMEOUT = Duration(10_000)


def demo_settings(settings: Settings, bootstrap_servers: str) -> Settings:
    """The same detection on an embedded broker, with a model as soon as there is something to fit on."""
    training = settings.training
    return replace(
        settings,
        # Of the connection only the group: what protects another Kafka, secrets above all, stays out.
        kafka=Kafka(
            bootstrap_servers=bootstrap_servers,
            group=settings.kafka.group,
            embedded=True,
            session_timeout=SESSION_TIMEOUT,
            request_timeout=settings.kafka.request_timeout,
        ),
        training=replace(
            training,
            min_transactions=min(training.min_transactions, MIN_TRANSACTIONS),
            min_span=min(training.min_span, MIN_SPAN),
        ),
        stream=replace(settings.stream, commit_every=COMMIT_EVERY),
        # Nothing outlives a demo, and the embedded broker keeps 5 MiB.
        snapshots=replace(settings.snapshots, every=Duration(0)),
        metrics=replace(settings.metrics, host="127.0.0.1", port=0),
    )


def reading_our_own(settings: Settings) -> Settings:
    """The same for the stream of `fraudwatch simulate`: canonical names, in euros, whatever else was mapped."""
    return replace(settings, currency="EUR", source=replace(settings.source, mapping={}, label=None))
