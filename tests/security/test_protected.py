"""Over TLS with a user, and over mutual TLS, worker and command line do what they do elsewhere."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

GOOD = (
    b'{"transaction_id": "t%d", "account_id": "a", "event_time": "2024-03-01T10:00:00Z", '
    b'"amount": 10, "currency": "EUR"}'
)
WAYS = ["over_sasl", "over_mutual_tls"]


@pytest.fixture(params=WAYS)
def protected(request: pytest.FixtureRequest, node: Any, configuration: Any) -> Any:
    """With topics, and every right on them and on the group."""
    configuration.allow_everything()
    return getattr(configuration, request.param)()


def test_a_worker_and_the_command_line_work_together_over_a_protected_connection(
    protected: Any, run: Callable[..., Any], start: Callable[[Any], Any], tmp_path: Path
) -> None:
    applied = run(protected, "topics", "--apply")
    assert applied.exit_code == 0, applied.output
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b"\n".join([*(GOOD % number for number in range(40)), b"no transaction", b""]))
    worker = start(protected)
    sent = run(protected, "replay", rows)
    assert sent.exit_code == 0, sent.output
    worker.until_ready()
    deadline = time.monotonic() + 20
    while json.loads(run(protected, "lag", "--json").stdout)["lag"]:
        assert time.monotonic() < deadline, worker.said
        time.sleep(0.2)
    letters = run(protected, "dead-letters", "list", "--json")
    assert letters.exit_code == 0, letters.output
    assert len(letters.stdout.splitlines()) == 1
    assert run(protected, "alerts").exit_code == 0
    _require_hidden(worker)
    assert worker.end() == 0, worker.said


def _require_hidden(worker: Any) -> None:
    """The password is in no page, no log, no argument and, having come from a file, in no variable of the process."""
    process = Path(f"/proc/{worker.process.pid}")
    seen = [
        worker.said.encode(),
        (worker.ask("/metrics") or "").encode(),
        (worker.ask("/ready") or "").encode(),
        (process / "cmdline").read_bytes(),
        (process / "environ").read_bytes(),
    ]
    assert all(seen)
    for text in seen:
        assert "swörd".encode() not in text
