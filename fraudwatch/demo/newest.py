"""The newest alerts, read from the review topic as an investigator's tool would read them."""

import threading
from collections import OrderedDict
from typing import Self

from fraudwatch.alerts import Alert, read
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings

KEPT = 50
JOIN_SECONDS = 10.0


class NewestAlerts:
    """Follows the review topic from a thread of its own while it is entered; an update replaces its alert.

    `messages` counts alerts and updates read.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._alerts: OrderedDict[str, Alert] = OrderedDict()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self.messages = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(JOIN_SECONDS)

    def latest(self, most: int) -> list[Alert]:
        """The newest first. Raises what ended the reading."""
        if self._failure is not None:
            raise self._failure
        with self._lock:
            return list(self._alerts.values())[: -most - 1 : -1]

    def _run(self) -> None:
        try:
            for record in tail(
                self._settings, self._settings.topics.review, follow=True, stop=self._stop.is_set
            ):
                self._take(read(record.value or b""))
        except Exception as error:  # noqa: BLE001 - it is raised again where somebody listens
            self._failure = error

    def _take(self, alert: Alert) -> None:
        with self._lock:
            self._alerts[alert.alert_id] = alert
            self._alerts.move_to_end(alert.alert_id)
            while len(self._alerts) > KEPT:
                self._alerts.popitem(last=False)
            self.messages += 1
