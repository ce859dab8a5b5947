"""The table of least rights in docs/security.md: enough for each role, and nothing of it too much."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fraudwatch.stream.rights import WORKER

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
ROW = re.compile(r"^\| (\w+) \| (group|topic) `([\w.]+)` \| ([\w, ]+) \| .+ \|$", re.MULTILINE)
ROWS = [
    (role, kind, setting, operation)
    for role, kind, setting, operations in ROW.findall(PAGE)
    for operation in operations.split(", ")
]
"""One operation each, as the page has them."""

ROLES = list(dict.fromkeys(role for role, *_ in ROWS))
GIVE = ["--account", "a", "--note", "because", "--author", "me"]

Step = Callable[[Any, Any, Callable[..., Any]], Iterator[Any]]


def investigator(node: Any, configuration: Any, run: Callable[..., Any]) -> Iterator[Any]:
    configuration.create_topics()
    node.send(configuration.topics["review"], b"a strange message")
    yield run(configuration, "alerts")
    yield run(configuration, "report", "t1", "--verdict", "confirmed", *GIVE)
    yield run(configuration, "report", "t1", "--undo", *GIVE)


def observer(node: Any, configuration: Any, run: Callable[..., Any]) -> Iterator[Any]:
    _as_maintained(configuration, run)
    node.send(configuration.topics["dead_letters"], b"a strange message")
    yield run(configuration, "lag")
    yield run(configuration, "topics")
    yield run(configuration, "dead-letters", "list")


def maintainer(node: Any, configuration: Any, run: Callable[..., Any]) -> Iterator[Any]:
    yield run(configuration, "topics", "--apply", "--partitions", 1)
    # The source grew, and somebody changed what must hold.
    node.add_partitions(configuration.source, 2)
    names = configuration.topics
    node.set_cleanup("compact", names["review"], names["dead_letters"], names["dispositions"])
    node.set_cleanup("delete", names["models"])
    yield run(configuration, "topics", "--apply")


def feeder(node: Any, configuration: Any, run: Callable[..., Any]) -> Iterator[Any]:
    configuration.create_topics()
    rows = configuration.write().parent / "rows.jsonl"
    rows.write_text("no transaction\n")
    yield run(configuration, "replay", rows)


def _as_maintained(configuration: Any, run: Callable[..., Any]) -> None:
    before = configuration.user
    configuration.allow_everything()
    configuration.over_sasl()
    assert run(configuration, "topics", "--apply").exit_code == 0
    configuration.over_sasl(user=before)


STEPS: dict[str, Step] = {
    "investigator": investigator,
    "observer": observer,
    "maintainer": maintainer,
    "feeder": feeder,
}


def given(node: Any, configuration: Any, rows: list[tuple[str, str, str, str]]) -> None:
    """A user of its own with these rights."""
    user = f"user-of-{configuration.group}"
    node.add_user(user)
    configuration.over_sasl(user=user)
    if rows:
        configuration.allow(user, [row[1:] for row in rows])


def of(role: str) -> list[tuple[str, str, str, str]]:
    return [row for row in ROWS if row[0] == role]


def test_the_page_has_every_role_that_is_tried() -> None:
    assert {"worker", *STEPS} == set(ROLES)
    assert PAGE.count("\n| ") - PAGE.count("| ---") > len(ROWS) / 2  # the pattern reads the table, not a part


@pytest.mark.parametrize("role", STEPS)
def test_the_rights_of_the_page_are_enough(
    role: str, node: Any, configuration: Any, run: Callable[..., Any]
) -> None:
    given(node, configuration, of(role))
    for ended in STEPS[role](node, configuration, run):
        assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize("row", [row for row in ROWS if row[0] in STEPS], ids="-".join)
def test_without_one_of_them_a_command_says_which_is_lacking(
    row: tuple[str, str, str, str], node: Any, configuration: Any, run: Callable[..., Any]
) -> None:
    role, _, setting, operation = row
    given(node, configuration, [other for other in of(role) if other != row])
    failed = next((ended for ended in STEPS[role](node, configuration, run) if ended.exit_code), None)
    assert failed, "the right is not needed"
    (message,) = failed.stderr.splitlines()
    assert "found that it lacks" in message
    # With Alter and Create it is Describe that is missed first.
    assert configuration.name_of(setting) in message or f"{operation} on a topic" in message


def test_a_worker_with_the_rights_of_the_page_runs_alerts_and_commits(
    node: Any, configuration: Any, run: Callable[..., Any], start: Callable[[Any], Any]
) -> None:
    configuration.create_topics()
    given(node, configuration, of("worker"))
    worker = start(configuration)
    worker.until_ready()
    node.send(configuration.source, b"no transaction")
    deadline = time.monotonic() + 20
    while node.committed(configuration.group, configuration.source) != 1:
        assert time.monotonic() < deadline, worker.said
        time.sleep(0.1)
    assert "AuthorizationFailed" not in worker.said
    assert worker.end() == 0


@pytest.mark.parametrize("row", of("worker"), ids="-".join)
def test_a_worker_without_one_of_them_ends_at_once_and_names_it(
    row: tuple[str, str, str, str], node: Any, configuration: Any, run: Callable[..., Any]
) -> None:
    _, kind, setting, operation = row
    configuration.create_topics()
    given(node, configuration, [other for other in of("worker") if other != row])
    ended = run(configuration, "worker")
    assert ended.exit_code == 1
    (message,) = ended.stderr.splitlines()
    lacking = f"found that it lacks {operation} on {kind} {configuration.name_of(setting)} ({setting}):"
    assert lacking in message


def test_the_worker_asks_for_what_the_page_lists() -> None:
    listed = {(setting, operation) for _, kind, setting, operation in of("worker") if kind == "topic"}
    asked = {
        (setting, operation.name.capitalize())
        for setting, operations in WORKER.items()
        for operation in operations
    }
    assert asked == listed | {("topics.transactions", "Read")}
