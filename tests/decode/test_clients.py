"""Accounts of one client brought together by a lookup file."""

import tracemalloc

import pytest

from fraudwatch.config.settings import Accounts, FieldMapping, Limits, Settings, Source
from fraudwatch.decode import Decoder, SourceDecoder, canonical
from fraudwatch.decode.clients import read_clients
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import NO_TIMESTAMP, Record

RECORD = (
    b'{"transaction_id":"t1","account_id":"%s","event_time":1717156800000,"amount":1,"counterparty_id":"a2"}'
)


def settings_with(file, **settings):
    return Settings(accounts=Accounts(clients_file=str(file)), **settings)


def account(decoder, account):
    read = decoder.decode(Record("t", 0, 0, NO_TIMESTAMP, None, RECORD % account.encode()))
    return read[0] if isinstance(read, list) else read


@pytest.fixture
def written(tmp_path):
    """`written(text or bytes)` → the path of a file with it."""

    def write(content):
        path = tmp_path / "clients.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


FILE = 'account_id,client_id\na1,k1\r\n\n"a2","k 1, élan"\na3,k1\n'


def test_accounts_become_their_client_in_the_log_and_in_a_source(written):
    settings = settings_with(written(FILE))
    for decoder in (Decoder(settings), SourceDecoder(settings, Source(), "one")):
        assert account(decoder, "a1").account_id == account(decoder, "a3").account_id == "k1"
        assert account(decoder, "a2").account_id == "k 1, élan"


def test_an_account_of_no_client_stays_itself(written):
    assert account(Decoder(settings_with(written(FILE))), "a9").account_id == "a9"


def test_the_counterparty_stays_the_account_it_is(written):
    assert account(Decoder(settings_with(written(FILE))), "a1").counterparty_id == "a2"


def test_an_account_is_looked_up_after_its_translation(written):
    mapping = {name: name for name in ("transaction_id", "event_time", "amount")}
    source = Source(mapping={**mapping, "account_id": FieldMapping(path="account_id", values={"old": "a1"})})
    assert account(SourceDecoder(settings_with(written(FILE)), source, "one"), "old").account_id == "k1"


def test_what_intake_brought_together_is_not_looked_up_again_in_the_log(written):
    """A client's id may be another account's number: looked up twice it would become that one's client."""
    settings = settings_with(written("account_id,client_id\na1,a2\na2,k9\n"), sources={"one": Source()})
    transaction = account(SourceDecoder(settings, settings.sources["one"], "one"), "a1")
    assert transaction.account_id == "a2"
    again = Decoder(settings).decode(Record("log", 0, 0, NO_TIMESTAMP, None, canonical(transaction)))
    assert again == transaction


def test_a_mark_of_utf_8_and_a_repeated_row_do_no_harm(written):
    assert read_clients(settings_with(written("\ufeffaccount_id,client_id\na,k\na,k\n"))) == {"a": "k"}


def test_without_a_file_there_are_no_clients():
    assert read_clients(Settings()) == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "expected the first line account_id,client_id, found ''"),
        ("a1,k1\n", "expected the first line account_id,client_id, found 'a1,k1'"),
        ("account_id;client_id\na1;k1\n", "found 'account_id;client_id'"),
        ("account_id,client_id\na1\n", "expected an account and a client, found 'a1' in line 2"),
        ("account_id,client_id\na1,k1,x\n", "found 'a1,k1,x' in line 2"),
        ("account_id,client_id\na1,k1\n,k1\n", "found an empty one in line 3"),
        ("account_id,client_id\na1, \n", "found an empty one in line 2"),
        ("account_id,client_id\na1,k\x07\n", "text without control or broken characters"),
        (f"account_id,client_id\n{'a' * 257},k\n", "at most 256 characters"),
        ("account_id,client_id\na1,k1\na2,k2\na1,k3\n", "account 'a1', found 'k3' in line 4 and 'k1' before"),
        (b"account_id,client_id\na1,k\xe9\n", "expected UTF-8"),
        ('account_id,client_id\na1,"k1\n', "expected CSV, found in line 2"),
        ('account_id,client_id\na1,"k"1\n', "expected CSV, found in line 2"),
        (f"account_id,client_id\n{'a' * 20_000},k\n", "lines of less than 16384 characters"),
    ],
)
def test_a_file_that_cannot_be_used(written, content, said):
    path = written(content)
    with pytest.raises(ConfigurationError) as caught:
        Decoder(settings_with(path))
    assert str(caught.value).startswith(f"accounts.clients_file: {path}: expected ")
    assert said in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="expected a readable file, found: No such file"):
        SourceDecoder(settings_with(tmp_path / "none.csv"), Source(), "one")
    with pytest.raises(ConfigurationError, match="expected a readable file, found: Is a directory"):
        Decoder(settings_with(tmp_path))


def test_ids_are_as_long_as_any_text(written):
    path = written(f"account_id,client_id\na1,{'k' * 300}\n")
    assert account(Decoder(settings_with(path, limits=Limits(max_text=300))), "a1").account_id == "k" * 300


def test_more_accounts_than_memory_is_meant_for_are_refused(written):
    path = written("account_id,client_id\n" + "".join(f"a{n},k\n" for n in range(101)))
    assert len(read_clients(settings_with(path), most=101)) == 101
    with pytest.raises(ConfigurationError, match="at most 100 accounts, found more"):
        read_clients(settings_with(path), most=100)


def test_an_account_costs_less_than_200_bytes(written):
    rows = (f"FR7630006000{n:014d},{n // 3:010d}\n" for n in range(30_000))
    settings = settings_with(written("account_id,client_id\n" + "".join(rows)))
    tracemalloc.start()
    clients = read_clients(settings)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / len(clients) < 200
