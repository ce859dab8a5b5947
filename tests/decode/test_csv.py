"""A record that is one line of CSV."""

import gzip

import pytest

from fraudwatch.config.settings import Csv, FieldMapping, Label, Settings, Source
from fraudwatch.decode import Decoder, SourceDecoder, read_records
from fraudwatch.errors import ConfigurationError, UnusableInputError
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record, Refusal, Transaction

NOON = 1_717_156_800_000  # 2024-05-31T12:00:00Z
COLUMNS = ("transaction_id", "account_id", "event_time", "amount", "category", "latitude")
LINE = "t1;a1;2024-05-31T12:00:00Z;57.16;food;48.85"


def source(mapping=None, **form):
    return Source(format="csv", csv=Csv(**{"columns": COLUMNS, **form}), mapping=mapping or {})


def decode(line, mapping=None, currency="EUR", **form):
    decoder = SourceDecoder(Settings(currency=currency), source(mapping, **form), "till")
    value = line if isinstance(line, bytes | None) else line.encode()
    read = decoder.decode(Record("till", 0, 7, NO_TIMESTAMP, None, value))
    return read if isinstance(read, DeadLetter) else read[0]


def test_without_a_mapping_the_columns_with_canonical_names_are_read():
    assert decode(LINE) == Transaction("t1", "a1", NOON, 5716, "EUR", category="food", latitude=48.85)


def test_a_line_ends_as_it_likes_and_may_begin_with_a_mark_of_utf_8():
    assert decode("\ufeff" + LINE + "\r\n") == decode(LINE + "\n") == decode(LINE)


def test_a_path_is_the_name_of_a_column_dots_and_all():
    columns = ("Op.Nr", "Konto", "0", "Betrag €")
    mapping = {"transaction_id": "Op.Nr", "account_id": "Konto", "event_time": "0", "amount": "Betrag €"}
    read = decode("t1;a1;2024-05-31T12:00:00Z;5", mapping, columns=columns)
    assert read == Transaction("t1", "a1", NOON, 500, "EUR")


def test_a_quoted_text_may_hold_the_delimiter_a_quote_and_a_line_end():
    assert decode('t1;a1;2024-05-31T12:00:00Z;1;"a; ""b""";').category == 'a; "b"'
    assert decode('t1;"a\n1";2024-05-31T12:00:00Z;1;;').reason is Refusal.BAD_TEXT


@pytest.mark.parametrize("delimiter", [",", "\t", "|", "¦", " "])
def test_columns_stand_between_any_mark(delimiter):
    assert decode(LINE.replace(";", delimiter), delimiter=delimiter) == decode(LINE)


@pytest.mark.parametrize("encoding", ["iso-8859-1", "cp1252", "utf-8", "mac_roman"])
def test_the_encoding_is_the_house_s(encoding):
    line = LINE.replace("food", "Café").encode(encoding)
    assert decode(line, encoding=encoding).category == "Café"


def test_a_broken_character_is_the_fault_of_its_field_alone():
    broken = LINE.encode().replace(b"food", b"caf\xe9")
    assert decode(broken).reason is Refusal.BAD_TEXT
    required = {name: name for name in COLUMNS[:4]}
    assert decode(broken, required) == Transaction("t1", "a1", NOON, 5716, "EUR")


@pytest.mark.parametrize(
    ("written", "minor"),
    [("1250,50", 125_050), ("0,005", 0), ("0,015", 2), ("7", 700), ("+1,", 100), (",5", 50)],
)
def test_an_amount_with_a_decimal_comma(written, minor):
    read = decode(f"t1;a1;2024-05-31T12:00:00Z;{written};;48,85", decimal=",")
    assert (read.amount_minor, read.latitude) == (minor, 48.85)


@pytest.mark.parametrize(
    "written", ["1.250,50", "1250.50", "1 250,50", "1,250,50", "1\u202f250,50", "x", "1e1,5"]
)
def test_marks_of_thousands_and_the_other_decimal_mark_are_refused_as_they_were_written(written):
    letter = decode(f"t1;a1;2024-05-31T12:00:00Z;{written};;", decimal=",")
    assert letter.reason is Refusal.NOT_A_NUMBER
    assert repr(written) in letter.detail


def test_an_amount_in_another_currency_has_its_decimal_comma_too():
    columns = (*COLUMNS[:4], "currency")
    settings = Settings(rates={"USD": {"2024-01-01": 0.5}})
    decoder = SourceDecoder(settings, source(columns=columns, decimal=","), "till")

    def read(written):
        line = f"t1;a1;2024-05-31T12:00:00Z;{written};USD".encode()
        return decoder.decode(Record("till", 0, 7, NO_TIMESTAMP, None, line))

    assert read("1250,50")[0].amount_minor == 62_525
    assert read("1.250,50").reason is Refusal.NOT_A_NUMBER
    assert "found '-1,5'" in read("-1,5").detail


def test_with_a_decimal_point_a_comma_is_refused():
    assert decode(LINE.replace("57.16", "57,16")).reason is Refusal.NOT_A_NUMBER


def test_a_blank_column_is_no_value():
    assert decode("t1;a1;2024-05-31T12:00:00Z;1;;", decimal=",").latitude is None
    assert decode("t1; ;2024-05-31T12:00:00Z;1;;").reason is Refusal.MISSING_FIELD
    assert decode("t1;a1;2024-05-31T12:00:00Z; ;;", decimal=",").reason is Refusal.MISSING_FIELD


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (None, Refusal.TOMBSTONE),
        ("", Refusal.EMPTY),
        (" \r\n", Refusal.EMPTY),
        ("\ufeff", Refusal.EMPTY),
        ("hello", Refusal.NOT_CSV),
        (LINE + ";", Refusal.NOT_CSV),
        (LINE + "\n" + LINE, Refusal.NOT_CSV),
        ('t1;a1;2024-05-31T12:00:00Z;1;"open;', Refusal.NOT_CSV),
        ('t1;a1;2024-05-31T12:00:00Z;1;"x"y;', Refusal.NOT_CSV),
        (";".join(COLUMNS), Refusal.BAD_TIME),  # a header line among the records
        (b"\xff" * 9, Refusal.NOT_CSV),
        ("x" * 65_537, Refusal.TOO_LARGE),
    ],
)
def test_what_is_no_such_line_is_refused(line, reason):
    assert decode(line).reason is reason


def test_a_wrong_number_of_columns_is_counted():
    detail = decode("t1;a1").detail
    assert detail == "record: expected 6 columns between ';', found 2: 't1;a1'"


def test_a_log_of_csv_lines_is_read_too():
    decoder = Decoder(Settings(source=source()))
    assert decoder.decode(Record("t", 0, 0, NO_TIMESTAMP, None, LINE.encode())) == decode(LINE)
    assert decoder.fields == set(COLUMNS)


def message(source):
    with pytest.raises(ConfigurationError) as caught:
        SourceDecoder(Settings(), source, "till")
    return str(caught.value)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"columns": (*COLUMNS, "amount")}, 'csv.columns: expected every name once; found "amount" twice'),
        ({"delimiter": '"'}, "csv.delimiter: expected a mark such as ;"),
        ({"delimiter": "\n"}, "csv.delimiter: expected a mark such as ;"),
        ({"delimiter": "1"}, "csv.delimiter: expected a mark such as ;"),
        ({"delimiter": "\0"}, "csv.delimiter: expected a mark such as ;"),
        ({"columns": ("transaction_id", "account_id", "event_time")}, "mapping.amount: expected a path"),
    ],
)
def test_a_description_that_cannot_be_used(form, said):
    assert f"sources.till.{said}" in message(source(**form))


@pytest.mark.parametrize(
    "encoding",
    [
        *("latin-42", "", "a\0b", "../x", "rot13", "base64", "undefined", "idna", "punycode"),
        *("unicode_escape", "utf-7", "utf-16", "hz", "iso2022_jp", "cp500"),
    ],
)
def test_only_encodings_that_hold_ascii_as_it_is_are_taken(encoding):
    said = message(source(encoding=encoding))
    assert said.startswith("sources.till.csv.encoding: expected an encoding that holds ASCII as it is")


def test_a_path_that_is_no_column_is_named_with_the_nearest_one():
    mapping = {name: name for name in COLUMNS[:4]} | {"amount": "amuont"}
    said = message(source(mapping))
    expected = (
        'sources.till.mapping.amount.path: expected one of the columns; found "amuont"; did you mean amount?'
    )
    assert said == expected


def test_the_format_and_its_description_go_together():
    assert "sources.till.csv: expected the columns of the format csv" in message(Source(format="csv"))
    assert "found it with format json" in message(Source(csv=Csv(columns=COLUMNS)))
    with_label = Source(format="csv", csv=Csv(columns=COLUMNS), label=Label(path="category"))
    assert "sources.till.label: expected for the format json only" in message(with_label)


def test_a_file_is_read_as_the_records_of_its_source(tmp_path):
    form = source(encoding="iso-8859-1", mapping={name: FieldMapping(path=name) for name in COLUMNS[:4]})
    rows = [";".join(COLUMNS).encode(), b"", b"caf\xe9;1;2;3;4;5\r", b"  ", b"x"]
    plain, packed = tmp_path / "a.txt", tmp_path / "a.csv.gz"
    plain.write_bytes(b"\n".join(rows))
    packed.write_bytes(gzip.compress(b"\n".join(rows)))
    assert list(read_records(plain, form)) == list(read_records(packed, form)) == [b"caf\xe9;1;2;3;4;5", b"x"]


def test_a_file_of_json_is_read_as_rows(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"a":1}\n\n{"a":2}\n')
    assert list(read_records(tmp_path / "a.jsonl", Source())) == [b'{"a":1}', b'{"a":2}']


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UnusableInputError, match="found no such file"):
        list(read_records(tmp_path / "none.csv", source()))
    with pytest.raises(UnusableInputError, match="found a directory"):
        list(read_records(tmp_path, source()))
