"""The same plan gives the same bytes, whoever reads them and however much of them."""

import hashlib
import subprocess
import sys
from itertools import islice

import msgspec
import pytest

from fraudwatch.simulate import Plan, rows, stream, transactions

PLAN = Plan(accounts=150, days=4, seed=11, cases_per_day=3)
IN_ANOTHER_PROCESS = """
import hashlib
from fraudwatch.simulate import Plan, rows
plan = Plan(accounts=150, days=4, seed=11, cases_per_day=3)
print(hashlib.sha256(b"\\n".join(rows(plan))).hexdigest())
"""


def digest_elsewhere(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        env={"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def test_two_processes_write_the_same_bytes() -> None:
    here = hashlib.sha256(b"\n".join(rows(PLAN))).hexdigest()
    assert digest_elsewhere("1") == digest_elsewhere("2") == here


def test_another_seed_writes_another_stream() -> None:
    other = msgspec.structs.replace(PLAN, seed=12)
    assert not set(rows(PLAN)) & set(rows(other))


def test_two_readers_do_not_disturb_each_other() -> None:
    whole = list(rows(PLAN))
    first, second = rows(PLAN), rows(PLAN)
    assert list(islice(first, 100)) == whole[:100]
    assert list(second) == whole
    assert list(first) == whole[100:]


def test_a_longer_plan_begins_with_the_shorter_one() -> None:
    shorter, longer = list(rows(PLAN)), rows(msgspec.structs.replace(PLAN, days=7))
    assert list(islice(longer, len(shorter))) == shorter


def test_more_accounts_leave_what_an_innocent_account_does_unchanged() -> None:
    def innocent(plan: Plan) -> list[bytes]:
        return [
            msgspec.json.encode(labelled)
            for labelled in transactions(plan)
            if labelled.case_id is None and labelled.transaction.account_id < "A00000150"
        ]

    few = innocent(PLAN)
    assert len(few) > 800
    assert innocent(msgspec.structs.replace(PLAN, accounts=400)) == few


def test_accounts_are_made_by_blocks_whose_size_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(rows(PLAN))
    monkeypatch.setattr(stream, "ACCOUNTS_AT_A_TIME", 37)
    assert list(rows(PLAN)) == whole
