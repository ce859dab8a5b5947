"""Files become records one row at a time, and a file that cannot be read says so."""

import gzip
import json
from pathlib import Path

import pytest

from fraudwatch.decode import read_rows
from fraudwatch.errors import UnusableInputError


@pytest.fixture
def file(tmp_path):
    """`file(name, content)` writes a file, gzipped if its name ends so, and returns its path."""

    def write(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


def objects(path):
    return [json.loads(row) for row in read_rows(path)]


def problem(path):
    with pytest.raises(UnusableInputError) as caught:
        list(read_rows(path))
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.CSV"])
def test_csv_becomes_json_objects_of_texts(file, name):
    path = file(name, b'id,name\n1,x\n2,"a, ""b""\nc"\n')
    assert objects(path) == [{"id": "1", "name": "x"}, {"id": "2", "name": 'a, "b"\nc'}]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "a.jsonl.gz"])
def test_lines_of_json_stay_as_they_are(file, name):
    path = file(name, b'{"a": 1.50}\r\n\n  {"b":\xff}\nnot json')
    assert list(read_rows(path)) == [b'{"a": 1.50}', b'{"b":\xff}', b"not json"]


def test_a_byte_order_mark_and_windows_line_ends_are_no_data(file):
    assert objects(file("a.csv", "\ufeffid,é\r\n1,ü\r\n".encode())) == [{"id": "1", "é": "ü"}]


def test_blank_lines_are_no_rows(file):
    assert objects(file("a.csv", b"id,name\n\n1,x\n\n\n2,y\n\n")) == [
        {"id": "1", "name": "x"},
        {"id": "2", "name": "y"},
    ]


def test_a_row_that_is_too_short_has_nulls(file, decode):
    path = file("a.csv", b"transaction_id,account_id,event_time,amount\n1,a\n")
    (row,) = read_rows(path)
    assert json.loads(row) == {"transaction_id": "1", "account_id": "a", "event_time": None, "amount": None}
    assert decode(row).detail == "event_time: expected a value, found nothing"


def test_a_row_that_is_too_long_is_kept_and_refused(file, decode):
    path = file("a.csv", b"transaction_id,account_id,event_time,amount\n1,a,1717156800000,1,000\n")
    (row,) = read_rows(path)
    assert json.loads(row) == ["1", "a", "1717156800000", "1", "000"]
    assert decode(row).detail == "record: expected a JSON object, found a list"


def test_empty_values_beyond_the_header_are_forgiven(file):
    assert objects(file("a.csv", b"id\n1,,\n2,\n")) == [{"id": "1"}, {"id": "2"}]


def test_a_header_alone_is_a_file_without_rows(file):
    assert objects(file("a.csv", b"id,name\n")) == []


def test_only_the_rows_asked_for_are_read(file):
    path = file("a.csv", b"id\n1\n" + b"2\n" * 100_000 + b"\xff\n")
    rows = read_rows(path)
    assert next(rows) == b'{"id":"1"}'
    rows.close()


def test_a_missing_file_and_a_directory_are_named_at_once(tmp_path):
    with pytest.raises(UnusableInputError, match="found no such file"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UnusableInputError, match="found a directory"):
        read_rows(tmp_path / "folder.csv")


@pytest.mark.parametrize("name", ["a.parquet", "a", "a.gz", "a.csv.zip"])
def test_an_unknown_kind_of_file_is_named_at_once(file, name):
    path = file(name, b"id\n1\n")
    with pytest.raises(UnusableInputError, match=r"expected a CSV file \(\.csv\) or one JSON object a line"):
        read_rows(path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\n1,2\n", b" , \n1,2\n"])
def test_csv_without_a_header(file, content):
    assert "expected a header in the first line, found nothing" in problem(file("a.csv", content))


def test_json_lines_without_a_line(file):
    assert "found an empty file" in problem(file("a.jsonl", b"\n \n"))
    assert "found an empty file" in problem(file("a.jsonl.gz", b""))


def test_a_column_named_twice(file):
    assert "found 'id' twice" in problem(file("a.csv", b"id,x,id\n1,2,3\n"))


@pytest.mark.parametrize("damage", [slice(40, None), slice(20, 24), slice(0, 2)])
def test_a_damaged_gzip_file(tmp_path, damage):
    packed = bytearray(gzip.compress(b"id,name\n" + b"1,abc\n2,xyz\n" * 500))
    del packed[damage]
    path = tmp_path / "a.csv.gz"
    path.write_bytes(bytes(packed))
    assert "found a damaged one" in problem(path)


def test_bytes_that_are_not_utf_8(file):
    assert "expected UTF-8, found byte 0xe9" in problem(file("a.csv", b"id\n1\ncaf\xe9\n"))


def test_a_quote_left_open(file):
    assert "is a quote left open?" in problem(file("a.csv", b'id\n1\n"2\n' + b"3\n" * 100_000))


def test_a_file_that_may_not_be_read(file, monkeypatch):
    path = file("a.csv", b"id\n")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "found: Permission denied" in problem(path)
