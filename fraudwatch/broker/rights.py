"""What Kafka does not allow our user, in words: which right is lacking, and where all of them are listed."""

import re
from collections.abc import Iterable

from kafka.errors import KafkaError

from fraudwatch.config.security import identity
from fraudwatch.config.settings import Kafka
from fraudwatch.errors import BrokerError

LACKING = "AuthorizationFailed"
"""Part of the name of every error that means it, and of the text of errors that kafka-python wraps them in."""

_NEEDED = {
    "CreateTopics": "Create",
    "CreatePartitions": "Alter",
    "AlterConfigs": "AlterConfigs",
    "IncrementalAlterConfigs": "AlterConfigs",
    "InitProducerId": "Write",
}
"""The right that a request wants whose name, and no right, stands in the error."""

# Of the answer that kafka-python quotes: each topic, up to its error code.
_REFUSED_TOPIC = re.compile(r"\bname='([^']*)'(?:(?!name=).)*?error_code=29")
_REQUEST = re.compile(r"\b([A-Z]\w+?)(?:Request|Response)\b")


class LackingRightError(KafkaError):  # type: ignore[misc]
    """Kafka said nothing of it, it only left something out: `right` is what that means."""

    def __init__(self, right: str, names: Iterable[str]) -> None:
        self.right = f"{right} on {', '.join(sorted(names))}"
        super().__init__(self.right)


def refused(kafka: Kafka, error: KafkaError) -> BrokerError:
    """What to raise for an error of kafka-python that means a refusal."""
    text = str(error)
    if LACKING in text or isinstance(error, LackingRightError):
        return BrokerError(
            f"expected {identity(kafka)} to have the rights for this in Kafka at {kafka.bootstrap_servers}, found "
            f"that it lacks {_right(kafka, error)}: have it added (docs/security.md lists what each command needs)"
        )
    return BrokerError(f"Kafka at {kafka.bootstrap_servers} refused: {text}")


def _right(kafka: Kafka, error: KafkaError) -> str:
    if isinstance(error, LackingRightError):
        return error.right
    text = str(error)
    request = _REQUEST.search(text)
    if request is not None and request[1] in _NEEDED:
        return f"{_NEEDED[request[1]]} on {', '.join(sorted(set(_REFUSED_TOPIC.findall(text)))) or 'a topic'}"
    if "GroupAuthorization" in text:
        return f"Describe on group {kafka.group}"
    names = [name for argument in error.args if isinstance(argument, set | list) for name in argument]
    return f"Read or Write on {', '.join(sorted(map(str, names)))}" if names else f"one ({text})"
