"""The text of a partition: the same for what goes on alike, another one for whatever else."""

import json
from collections.abc import Sequence

import msgspec
import pytest

from fraudwatch.config.settings import Features, Settings
from fraudwatch.decode import Decoder
from fraudwatch.pipeline import Pipeline, dumped
from fraudwatch.records import NO_TIMESTAMP, Chunk, Record

START = 1_709_251_200_000
HOUR = 3_600_000


def record(offset: int, account: str, hour: float, amount: int, **fields: object) -> Record:
    row = {"transaction_id": f"t{offset}", "account_id": account, "amount": amount / 100, "currency": "EUR"}
    row |= {"event_time": START + int(hour * HOUR)} | fields
    return Record("t", 0, offset, NO_TIMESTAMP, None, json.dumps(row).encode())


def folded(settings: Settings, records: Sequence[Record], *sizes: int) -> Pipeline:
    pipeline, at, turn = Pipeline(settings), 0, 0
    while at < len(records):
        pipeline.fold(Chunk.of(records[at : at + sizes[turn % len(sizes)]]))
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return pipeline


def name_of(settings: Settings, record: Record) -> str:
    """The account of a record as the text has it."""
    transactions, _ = Decoder(settings).decode_chunk(Chunk.of([record]))
    return f"{int(transactions.accounts[0]) % 2**64:016x}"


def text(pipeline: Pipeline) -> list[bytes]:
    return list(dumped(pipeline))


@pytest.fixture(scope="module")
def crowded(configured: Settings) -> Settings:
    features = Features(max_accounts=150, windows=configured.features.windows)
    return msgspec.structs.replace(configured, features=features)


@pytest.fixture(scope="module")
def untidy(stream: list[Record]) -> list[Record]:
    """Some late, some twice."""
    values = [record.value for record in stream[:6_000]]
    for place in range(0, 5_000, 7):
        values[place], values[place + place % 90] = values[place + place % 90], values[place]
    for place in range(500, 6_000, 50):
        values.insert(place, values[place - 300])
    return [Record("t", 0, offset, NO_TIMESTAMP, None, value) for offset, value in enumerate(values)]


def test_it_is_the_same_however_records_were_cut(crowded: Settings, untidy: list[Record]) -> None:
    whole = text(folded(crowded, untidy, len(untidy)))
    assert len(whole) == crowded.features.max_accounts + 2
    assert text(folded(crowded, untidy, 1, 700, 13)) == whole


@pytest.mark.parametrize("at", [1, 2_500])
def test_it_is_the_same_when_the_state_was_saved_in_between(
    crowded: Settings, untidy: list[Record], at: int
) -> None:
    whole = folded(crowded, untidy, 500)
    again, _ = Pipeline.of(crowded, folded(crowded, untidy[:at], 500).state())
    again.fold(Chunk.of(untidy[at:]))
    assert text(again) == text(whole)
    assert text(Pipeline.of(crowded, whole.state())[0]) == text(whole)


@pytest.mark.parametrize("place", [0, 3_025, 5_990])
def test_a_record_more_is_another_text_of_its_account(
    configured: Settings, untidy: list[Record], place: int
) -> None:
    whole, less = (
        folded(configured, untidy, 500),
        folded(configured, untidy[:place] + untidy[place + 1 :], 500),
    )
    differing = {line for line in text(whole) if b'"account"' in line} - set(text(less))
    assert len(differing) == 1
    assert json.loads(differing.pop())["account"] == name_of(configured, untidy[place])


def test_accounts_come_by_hash_and_their_transactions_in_order(configured: Settings) -> None:
    records = [record(number, f"a{number % 5}", number, 100 + number) for number in range(20)]
    records.append(record(20, "a0", 14.5, 7, counterparty_id="c", latitude=48.5, longitude=2.25))
    told = [json.loads(line) for line in dumped(folded(configured, records, 30))]
    hashes = [int(line["account"], 16) for line in told[:-2]]
    assert hashes == sorted(hashes)
    assert len(hashes) == 5 == told[-2]["accounts"]
    mine = next(line for line in told if line.get("account") == name_of(configured, records[0]))
    kept = [[offset, amount] for _, _, _, offset, amount, *_ in mine["kept"]]
    assert kept == [[0, 100], [5, 105], [10, 110], [20, 7], [15, 115]]
    assert mine["kept"][3][-2:] == [48_500_000, 2_250_000]
    assert [whom[2] for whom in mine["counterparties"]] == [3]
    assert mine["newest"] == START + 15 * HOUR


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 9},
        {"event_time": START + 5 * HOUR + 1},
        {"counterparty_id": "c2"},
        {"direction": "credit"},
        {"status": "declined"},
        {"latitude": 48.6},
        {"transaction_id": "another"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_every_part_of_a_transaction_is_told(configured: Settings, other: dict[str, object]) -> None:
    fields = {"counterparty_id": "c", "direction": "debit", "status": "approved"}
    places = {"latitude": 48.5, "longitude": 2.25}
    one = record(0, "a", 5, 700, **fields, **places)
    changed = json.loads(one.value or b"") | other
    two = Record("t", 0, 0, NO_TIMESTAMP, None, json.dumps(changed).encode())
    assert text(folded(configured, [one], 1)) != text(folded(configured, [two], 1))


def test_nothing_has_a_text_too(configured: Settings) -> None:
    partition, training = map(json.loads, dumped(Pipeline(configured)))
    assert (partition["accounts"], partition["newest"], training["training"]) == (0, None, 0)
