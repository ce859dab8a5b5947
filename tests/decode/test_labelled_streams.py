"""The mappings of the two labelled streams read their rows."""

import itertools
from pathlib import Path

import msgspec
import pytest

from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, LabelReader, read_rows
from fraudwatch.records import NO_TIMESTAMP, Record, Transaction

CONFIGS = Path(__file__).parents[2] / "configs"
ROWS = {
    "handbook": b'{"TRANSACTION_ID":"0","TX_DATETIME":"2018-04-01 00:00:31","CUSTOMER_ID":"596",'
    b'"TERMINAL_ID":"3156","TX_AMOUNT":"57.16","TX_FRAUD":"1","TX_FRAUD_SCENARIO":"2"}',
    "sparkov": b'{"trans_id":"7","trans_dt":"2019-01-01 00:03:02","acct_num":"423556250187","merchant":"Marks Inc",'
    b'"category":"gas_transport","amt":"65.35","is_fraud":"1","lat":"42.08","long":"-75.89",'
    b'"merch_lat":"42.747","merch_long":"-75.8196","state":"NY"}',
}


def settings_of(name):
    return load(CONFIGS / f"{name}.yaml", {})


def decoded(decoder, name, value):
    return decoder.decode(Record(name, 0, 0, NO_TIMESTAMP, None, value))


def test_a_row_of_the_handbook():
    settings = settings_of("handbook")
    read = decoded(Decoder(settings), "handbook", ROWS["handbook"])
    assert read == Transaction("0", "596", 1_522_540_831_000, 5716, "EUR", counterparty_id="3156")
    assert LabelReader(settings.source.label).read(ROWS["handbook"]) == (True, "2")


def test_a_row_of_sparkov():
    settings = settings_of("sparkov")
    read = decoded(Decoder(settings), "sparkov", ROWS["sparkov"])
    place = {"latitude": 42.747, "longitude": -75.8196}
    assert read == Transaction(
        *("7", "423556250187", 1_546_300_982_000, 6535, "USD"),
        counterparty_id="Marks Inc",
        category="gas_transport",
        **place,
    )
    assert LabelReader(settings.source.label).read(ROWS["sparkov"]) == (True, None)


@pytest.mark.parametrize("name", ROWS)
def test_nothing_but_the_source_is_configured(name):
    settings, default = settings_of(name), Settings()
    assert msgspec.structs.replace(settings, source=default.source, currency="EUR") == default


@pytest.mark.parametrize("name", ROWS)
def test_every_tenth_row_of_the_stream_is_a_transaction(labelled, name):
    rows = itertools.islice(read_rows(labelled(f"{name}.csv.gz")), 0, None, 10)
    decoder = Decoder(settings_of(name))
    assert all(isinstance(decoded(decoder, name, row), Transaction) for row in rows)
