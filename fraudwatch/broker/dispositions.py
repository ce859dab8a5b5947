"""Verdicts and reports on their topic: written one at a time, read whole."""

from collections.abc import Callable

from fraudwatch.alerts.alert import Alert
from fraudwatch.alerts.alert import read as read_alert
from fraudwatch.alerts.dispositions import Disposition, encode, read
from fraudwatch.broker.admin import admin_client, partitions_of
from fraudwatch.broker.deliveries import Parcel, Place, courier
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings
from fraudwatch.errors import UnusableInputError


def _ignored(_: object) -> None:
    return None


def find_alert(
    settings: Settings, alert_id: str, on_progress: Callable[[int], None] = _ignored
) -> Alert | None:
    """The newest message of an alert on the review topic, None where there is none; reads the topic whole.

    Raises BrokerError, and UnusableInputError when what carries the alert's id is no alert.
    """
    found = None
    key = alert_id.encode("utf-8", "replace")
    for record in tail(settings, settings.topics.review):
        on_progress(1)
        if record.key == key:
            found = record.value  # None: deleted since
    return None if found is None else read_alert(found)


def given(
    settings: Settings,
    *,
    on_strange: Callable[[str], None] = _ignored,
    on_progress: Callable[[int], None] = _ignored,
) -> list[Disposition]:
    """Everything on the dispositions topic, in order within a key; what is no disposition is told and passed over.

    Raises BrokerError.
    """
    found = []
    for record in tail(settings, settings.topics.dispositions):
        on_progress(1)
        try:
            found.append(read(record.value or b""))
        except UnusableInputError as error:
            on_strange(f"{record.topic}, partition {record.partition}, offset {record.offset}: {error}")
    return found


def write(settings: Settings, disposition: Disposition) -> Place:
    """Where it is, once the broker has acknowledged it. Raises BrokerError."""
    topic = settings.topics.dispositions
    with admin_client(settings.kafka) as client:
        partitions_of(client, topic)
    with courier(settings.kafka) as deliveries:
        return deliveries.deliver_one(Parcel(topic, disposition.key, encode(disposition)))
