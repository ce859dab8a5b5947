"""The worker as a child process: started, watched, asked to end."""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import dump
from fraudwatch.errors import FraudwatchError
from fraudwatch.metrics import Samples, read_sample

ANSWER_SECONDS = 5.0
LAST_LINES = 12
GRACE_SECONDS = 5.0
"""Beyond the worker's own deadline (`stream.shutdown`) before it is killed."""

_ADDRESS = re.compile(r"metrics on (http://\S+)/metrics")


class WorkerProcess:
    """One worker, ended with the context; its configuration and its log are files in `directory`.

    It has a session of its own, so that Ctrl-C reaches the demo alone, which then asks it to end.
    """

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._settings = settings
        self._log = directory / "worker.log"
        configuration = directory / "worker.yaml"
        configuration.write_text(dump(settings), encoding="utf-8")
        command = [sys.executable, "-m", "fraudwatch.demo.child", str(configuration), str(os.getpid())]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._address: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def address(self) -> str | None:
        """`http://host:port` of its metrics, once it has said it in its log."""
        if self._address is None:
            found = _ADDRESS.search(self._said())
            self._address = found[1] if found else None
        return self._address

    @property
    def is_ready(self) -> bool:
        """Whether it has its partitions."""
        return self._ask("/ready") is not None

    def metrics(self) -> Samples | None:
        """Its numbers now; None while it does not answer."""
        text = self._ask("/metrics")
        return None if text is None else read_sample(text)

    def require_alive(self) -> None:
        """Raises FraudwatchError with its last words when it has ended."""
        code = self._process.poll()
        if code is not None:
            raise FraudwatchError(
                f"the worker ended by itself with exit code {code}; the last it said:\n  {self.last_words}"
            )

    @property
    def last_words(self) -> str:
        """The end of its log, indented."""
        return "\n  ".join(self._said().splitlines()[-LAST_LINES:]) or "nothing"

    def _end(self) -> None:
        """SIGTERM, and SIGKILL for one that does not end in its time."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(self._settings.stream.shutdown / 1000 + GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, path: str) -> str | None:
        """The text of a page with status 200."""
        if self.address is None:
            return None
        try:
            with urllib.request.urlopen(self.address + path, timeout=ANSWER_SECONDS) as page:
                return str(page.read().decode())
        except urllib.error.HTTPError as error:
            error.close()
            return None
        except OSError:
            return None

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")
