"""A simulated stream as a file: whole or not at all, the same bytes, progress told."""

import gzip
import os
from pathlib import Path

import pytest

from fraudwatch.errors import ConfigurationError
from fraudwatch.simulate import Plan, rows, write

PLAN = Plan(accounts=80, days=3, seed=9)


def test_a_file_holds_the_rows_of_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "stream.jsonl"
    assert write(PLAN, path) == len(path.read_bytes().splitlines())
    assert path.read_bytes().splitlines() == list(rows(PLAN))
    assert path.read_bytes().endswith(b"}\n")


def test_a_packed_file_holds_the_same_and_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"
    write(PLAN, first)
    write(PLAN, second)
    assert gzip.decompress(first.read_bytes()).splitlines() == list(rows(PLAN))
    assert first.read_bytes() == second.read_bytes()


def test_progress_is_told_once_a_day(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    written = write(PLAN, tmp_path / "a.jsonl", lambda days, rows: told.append((days, rows)))
    assert [days for days, _ in told] == [1, 2, 3]
    assert 0 < told[0][1] < told[-1][1] == written


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")

    def interrupt(days: int, rows: int) -> None:
        if days == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(PLAN, path, interrupt)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_ending_is_refused_with_the_right_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\.jsonl\.gz"):
        write(PLAN, tmp_path / "stream.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write(PLAN, tmp_path / "missing" / "a.jsonl")


def test_others_may_read_the_file_as_any_new_one(tmp_path: Path) -> None:
    path, usual = tmp_path / "a.jsonl", tmp_path / "usual"
    usual.touch()
    write(PLAN, path)
    assert os.stat(path).st_mode == os.stat(usual).st_mode
