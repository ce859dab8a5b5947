"""`state dump` prints what a partition of the log makes of its accounts."""

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from fraudwatch import snapshots
from fraudwatch.broker.senders import sender
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import fingerprint
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk
from fraudwatch.snapshots import Blocks, Stamp
from fraudwatch.stream.snapshots.keys import manifest_key, piece_key

Run = Callable[..., Result]
RECORDS = 400


@pytest.fixture
def filled(run: Run, either: list[str], stream: Path, tmp_path: Path) -> list[str]:
    """The options of a broker whose log holds some transactions."""
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"\n".join(gzip.decompress(stream.read_bytes()).splitlines()[:RECORDS]))
    assert run("replay", file, *either, "--json").exit_code == 0
    return either


def ends(run: Run, broker: list[str]) -> dict[int, int]:
    lag = json.loads(run("lag", *broker, "--json").stdout)
    return {at["partition"]: at["end"] for at in lag["partitions"]}


def test_each_account_is_a_line_and_the_sha256_is_of_all_of_them(run: Run, filled: list[str]) -> None:
    partition, end = max(ends(run, filled).items(), key=lambda at: at[1])
    asked = ("state", "dump", *filled, "--partition", partition, "--from-log", "--until", end)
    shown = run(*asked)
    assert shown.exit_code == 0, shown.stderr
    *accounts, whole, _ = map(json.loads, shown.stdout.splitlines())
    assert len(accounts) == whole["accounts"] > 3
    assert sum(account["total"] for account in accounts) == end
    told = json.loads(run(*asked, "--json").stdout)
    assert told == {
        "partition": partition,
        "offset": end,
        "accounts": len(accounts),
        "sha256": hashlib.sha256(shown.stdout.encode()).hexdigest(),
    }
    assert told["sha256"] in shown.stderr
    shorter = json.loads(run(*asked[:-1], end - 1, "--json").stdout)
    assert shorter["sha256"] != told["sha256"]


def test_without_an_offset_it_goes_to_the_commit_of_the_group(run: Run, filled: list[str]) -> None:
    told = json.loads(run("state", "dump", *filled, "--partition", 0, "--from-log", "--json").stdout)
    assert (told["offset"], told["accounts"]) == (0, 0)


def test_it_is_the_same_from_a_snapshot_and_the_log_after_it(
    run: Run, filled: list[str], either_settings: Settings
) -> None:
    partition, end = max(ends(run, filled).items(), key=lambda at: at[1])
    log = list(tail(either_settings, either_settings.source.topic))
    mine = sorted(
        (record for record in log if record.partition == partition), key=lambda record: record.offset
    )
    half = Pipeline(either_settings, partition=partition, partitions=4)
    half.fold(Chunk.of(mine[: end // 2]))
    # One that knows less than it says shows that it was used.
    poorer = Pipeline(either_settings, partition=partition, partitions=4)
    poorer.fold(Chunk.of(mine[: end // 4]))
    asked = ("state", "dump", *filled, "--partition", partition, "--until", end, "--json")
    folded = json.loads(run(*asked, "--from-log").stdout)
    send(either_settings, partition, end // 2, half.state())
    restored = run(*asked)
    assert restored.exit_code == 0, restored.stderr
    assert json.loads(restored.stdout) == folded
    send(either_settings, partition, end // 2 + 1, poorer.state())
    assert json.loads(run(*asked).stdout)["sha256"] != folded["sha256"]
    assert json.loads(run(*asked, "--from-log").stdout) == folded


def send(settings: Settings, partition: int, offset: int, blocks: Blocks) -> None:
    """A snapshot of a log of four partitions, as a worker sends it."""
    begin = sum(record.partition == partition for record in tail(settings, settings.topics.snapshots))
    pieces = list(snapshots.pieces(blocks))
    stamp = Stamp(
        topic=settings.source.topic,
        partition=partition,
        partitions=4,
        offset=offset,
        reached_ms=0,
        generation=1,
        review_offset=0,
        slot=offset % 2,
        created_ms=0,
        code="0.1.0",
        configuration=fingerprint(settings),
    )
    places = [(snapshots.sha256(piece), begin + number) for number, piece in enumerate(pieces)]
    with sender(settings.kafka, settings.topics.snapshots) as producer:
        for number, piece in enumerate(pieces):
            producer.send(partition, piece_key(partition, offset % 2, number), piece)
        manifest = snapshots.encode(snapshots.vouched(stamp, blocks, places))
        producer.send(partition, manifest_key(partition, offset % 2), manifest)
        producer.flush()


def test_what_is_not_there_is_said(run: Run, filled: list[str]) -> None:
    beyond = run("state", "dump", *filled, "--partition", 0, "--until", 10**6, "--from-log")
    assert (beyond.exit_code, beyond.stdout) == (1, "")
    assert f"expected an offset up to {ends(run, filled)[0]}" in beyond.stderr
    nowhere = run("state", "dump", *filled, "--partition", 99, "--from-log")
    assert nowhere.exit_code == 1
    assert "expected one of the" in nowhere.stderr
