"""What a row of the simulated stream looks like, and in which order rows come."""

import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fraudwatch.config.loading import load
from fraudwatch.decode import Decoder, LabelReader
from fraudwatch.records import NO_TIMESTAMP, Record, Transaction
from fraudwatch.simulate import Plan, messages, rows, transactions
from fraudwatch.simulate.stream import days_of

PLAN = Plan(accounts=600, days=12, seed=5, cases_per_day=6)
FIELDS = [
    *("transaction_id", "account_id", "event_time", "amount", "currency", "direction", "counterparty_id"),
    *("counterparty_country", "channel", "country", "latitude", "longitude", "device_id", "category"),
    *("status", "label", "case_id", "typology"),
]
CONFIGURATION = Path(__file__).parents[2] / "configs" / "simulated.yaml"


@pytest.fixture(name="written", scope="module")
def _written() -> list[bytes]:
    return list(rows(PLAN))


def test_every_row_is_a_json_object_with_the_canonical_fields(written: list[bytes]) -> None:
    assert len(written) > 10_000
    assert all(list(json.loads(row)) == FIELDS for row in written)


def test_an_amount_is_a_number_with_two_decimals(written: list[bytes]) -> None:
    assert all(re.search(rb'"amount":\d+\.\d\d,', row) for row in written)
    assert min(json.loads(row)["amount"] for row in written) >= 0.01


def test_a_time_is_utc_with_milliseconds(written: list[bytes]) -> None:
    time = re.compile(rb'"event_time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"')
    assert all(time.search(row) for row in written)


def test_rows_come_in_the_order_of_their_event_times_within_the_days_of_the_plan(
    written: list[bytes],
) -> None:
    times = [json.loads(row)["event_time"] for row in written]
    assert times == sorted(times)
    assert times[0][:10] == "2024-01-01"
    assert times[-1][:10] == "2024-01-12"


def test_no_two_transactions_share_an_id(written: list[bytes]) -> None:
    ids = {json.loads(row)["transaction_id"] for row in written}
    assert len(ids) == len(written)


def test_transactions_and_rows_say_the_same(written: list[bytes]) -> None:
    for row, labelled in zip(written, transactions(PLAN), strict=True):
        found = json.loads(row)
        transaction = labelled.transaction
        assert found.pop("typology") == labelled.typology
        assert found.pop("case_id") == labelled.case_id
        assert found.pop("label") == int(labelled.case_id is not None)
        assert round(found.pop("amount") * 100) == transaction.amount_minor
        event_time = np.datetime64(found.pop("event_time").removesuffix("Z"), "ms")
        assert event_time.astype(int) == transaction.event_time_ms
        for field, value in found.items():
            assert getattr(transaction, field) == value, field


def test_a_message_has_the_account_as_its_key_and_the_event_time_beside_it() -> None:
    for message in messages(msgspec.structs.replace(PLAN, days=1)):
        found = json.loads(message.value)
        assert message.key.decode() == found["account_id"]
        event_time = np.datetime64(found["event_time"].removesuffix("Z"), "ms")
        assert message.event_time_ms == event_time.astype(int)


def test_every_row_decodes_with_the_configuration_that_ships(written: list[bytes]) -> None:
    settings = load(CONFIGURATION, {})
    decoder, label = Decoder(settings), settings.source.label
    assert label is not None
    reader = LabelReader(label)
    for offset, (row, labelled) in enumerate(zip(written, transactions(PLAN), strict=True)):
        decoded = decoder.decode(Record("transactions", 0, offset, NO_TIMESTAMP, None, row))
        assert isinstance(decoded, Transaction), decoded
        assert decoded == labelled.transaction
        assert reader.read(row) == (labelled.case_id is not None, labelled.typology)


def test_the_configuration_that_ships_tunes_no_detection() -> None:
    shipped, default = load(CONFIGURATION, {}), load(None, {})
    for section in ("features", "detection", "training", "alerts", "lateness"):
        assert getattr(shipped, section) == getattr(default, section)


def test_a_day_is_made_without_keeping_the_days_before() -> None:
    days = days_of(msgspec.structs.replace(PLAN, days=3_000))
    assert [str(next(days).date) for _ in range(3)] == ["2024-01-01", "2024-01-02", "2024-01-03"]


MEASURED = """
import re
from pathlib import Path
from fraudwatch.simulate import Plan
from fraudwatch.simulate.stream import days_of
for day in days_of(Plan(accounts=60_000, days=3)):
    del day
    print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_bounded_by_accounts_and_does_not_grow_with_days() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True, timeout=120
    )
    peaks = [int(line) // 1024 for line in done.stdout.split()]  # MB
    assert peaks[-1] < 60 + 60_000 * 2_000 // 2**20 + 40  # libraries, at most 2 kB an account, slack
    assert peaks[-1] - peaks[0] < 40
