"""Reading back what could not be processed."""

from collections.abc import Callable, Iterator

from fraudwatch.broker.tail import Since, consumed, never
from fraudwatch.config.settings import Settings
from fraudwatch.decode.letters import Headers, dead_letter_headers, parse_dead_letter
from fraudwatch.records import DeadLetter


def headers(letter: DeadLetter) -> Headers:
    """The headers a dead letter is written with; the format is `fraudwatch.decode.letters`."""
    return dead_letter_headers(letter)


def read(
    settings: Settings, *, follow: bool = False, since: Since = "start", stop: Callable[[], bool] = never
) -> Iterator[DeadLetter]:
    """The dead letters in Kafka, each with its record's bytes and source position.

    Raises BrokerError as `tail` does, and for a record that is not a dead letter of ours.
    """
    topic = settings.topics.dead_letters
    for record in consumed(settings.kafka, topic, follow=follow, since=since, stop=stop):
        yield parse_dead_letter(record.value, record.key, record.headers)
