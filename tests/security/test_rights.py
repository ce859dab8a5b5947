"""The table of least rights in docs/security.md: enough for each role, and nothing of it too much."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fraudwatch.decode.letters import dead_letter_headers
from fraudwatch.detection.versions import Bytes, to_messages
from fraudwatch.records import DeadLetter, Record, Refusal, Stage
from fraudwatch.stream.rights import WORKER

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
ROW = re.compile(
    r"^\| (\w+) \| (group|topic)(?: of each of)? `([\w.]+)`(?:, with `-intake` behind it)? \| ([\w, ]+) \| .+ \|$",
    re.MULTILINE,
)
ROWS = [
    (role, kind, setting, operation)
    for role, kind, setting, operations in ROW.findall(PAGE)
    for operation in operations.split(", ")
]
"""One operation each, as the page has them."""

ROLES = list(dict.fromkeys(role for role, *_ in ROWS))
RUNNING = ["worker", "intake"]
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
    yield run(configuration, "model", "list")


def maintainer(node: Any, configuration: Any, run: Callable[..., Any]) -> Iterator[Any]:
    yield run(configuration, "topics", "--apply", "--partitions", 1)
    # The source grew, and somebody changed what must hold.
    node.add_partitions(configuration.source, 2)
    names = configuration.topics
    node.set_cleanup("compact", names["review"], names["dead_letters"], names["dispositions"])
    node.set_cleanup("delete", names["models"], names["snapshots"])
    yield run(configuration, "topics", "--apply")
    for key, value in to_messages("v1", Bytes(b"{}", b"arrays")):
        node.send(names["models"], value, key=key)
    yield run(configuration, "model", "promote", "v1", "--note", "because", "--author", "me")


def feeder(node: Any, configuration: Any, run: Callable[..., Any]) -> Iterator[Any]:
    configuration.create_topics()
    rows = configuration.write().parent / "rows.jsonl"
    rows.write_text("no transaction\n")
    yield run(configuration, "replay", rows)
    record = Record(configuration.source, 0, 0, 0, None, b"no transaction")
    letter = DeadLetter(record, Stage.DECODE, Refusal.NOT_JSON, "")
    node.send(configuration.topics["dead_letters"], b"no transaction", headers=dead_letter_headers(letter))
    yield run(configuration, "dead-letters", "replay", "--yes")


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


def test_every_role_and_every_row_of_the_page_is_tried() -> None:
    assert {*RUNNING, *STEPS} == set(ROLES)
    table = PAGE.partition("| role | on |")[2].partition("\n\n")[0]
    assert len(ROW.findall(table)) == len(ROW.findall(PAGE)) == len(table.strip().splitlines()) - 2


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


@pytest.mark.parametrize("role", RUNNING)
def test_with_the_rights_of_the_page_records_are_read_refused_and_committed(
    role: str, node: Any, configuration: Any, start: Callable[..., Any]
) -> None:
    configuration.as_of(role).create_topics()
    given(node, configuration, of(role))
    process = start(configuration, role)
    process.until_ready()
    node.send(configuration.source, b"no transaction")
    deadline = time.monotonic() + 20
    while node.committed(configuration.name_of("kafka.group"), configuration.source) != 1:
        assert time.monotonic() < deadline, process.said
        time.sleep(0.1)
    assert "AuthorizationFailed" not in process.said
    assert process.end() == 0


@pytest.mark.timeout(60)  # a worker that does not notice runs on
@pytest.mark.parametrize("row", [row for role in RUNNING for row in of(role)], ids="-".join)
def test_what_runs_for_long_ends_at_once_without_one_of_them_and_names_it(
    row: tuple[str, str, str, str], node: Any, configuration: Any, run: Callable[..., Any]
) -> None:
    role, kind, setting, operation = row
    configuration.as_of(role).create_topics()
    given(node, configuration, [other for other in of(role) if other != row])
    ended = run(configuration, role)
    assert ended.exit_code == 1
    (message,) = ended.stderr.splitlines()
    assert f"found that it lacks {operation} on {kind} {configuration.name_of(setting)} (" in message


def test_the_worker_asks_for_what_the_page_lists() -> None:
    listed = {(setting, operation) for _, kind, setting, operation in of("worker") if kind == "topic"}
    asked = {
        (setting, operation.name.capitalize())
        for setting, operations in WORKER.items()
        for operation in operations
    }
    assert asked == listed | {("topics.transactions", "Read")}
