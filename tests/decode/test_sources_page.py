"""Every example of docs/sources.md is run, and its tables are those of the code."""

import re
from pathlib import Path

import pytest

from fraudwatch.config.loading import load
from fraudwatch.config.settings import FieldMapping
from fraudwatch.decode import SourceDecoder, canonical
from fraudwatch.decode.clients import MOST_ACCOUNTS
from fraudwatch.decode.forms import LETTERS
from fraudwatch.decode.rules import CANONICAL, REQUIRED
from fraudwatch.decode.times import TIME_FORMATS
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record, Refusal

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
BLOCKS = re.findall(r"^```([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def examples():
    """(configuration, files, record, what becomes of it) for every record on the page."""
    configuration, record = "", ""
    files = {
        name.split()[1]: text for name, text in BLOCKS if name.startswith("csv ") and "record" not in name
    }
    for name, text in BLOCKS:
        if name == "yaml":
            configuration = text
        elif name.endswith(" record"):
            record = text
        elif name in ("json becomes", "text refused"):
            yield configuration, files, record, text


@pytest.mark.parametrize(("configuration", "files", "record", "outcome"), list(examples()))
def test_a_record_becomes_what_the_page_says(configuration, files, record, outcome, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {**files, "my.yaml": configuration}.items():
        Path(name).write_text(text)
    settings = load(Path("my.yaml"), {})
    sources = settings.sources or {"source": settings.source}
    ((name, source),) = sources.items()
    encoding = source.csv.encoding if source.csv else "utf-8"
    kept = Record(source.topic, 0, 0, NO_TIMESTAMP, None, record.encode(encoding))
    read = SourceDecoder(settings, source, name).decode(kept)
    if isinstance(read, DeadLetter):
        assert f"{read.reason}: {read.detail}\n" == outcome
    else:
        assert "".join(canonical(transaction).decode() + "\n" for transaction in read) == outcome


def test_every_block_is_an_example_or_a_command():
    kinds = {name for name, _ in BLOCKS}
    assert kinds == {
        "sh",
        "yaml",
        "json record",
        "csv record",
        "json becomes",
        "text refused",
        "csv clients.csv",
    }
    records = sum(name.endswith(" record") for name, _ in BLOCKS)
    outcomes = sum(name in ("json becomes", "text refused") for name, _ in BLOCKS)
    assert len(list(examples())) == records == outcomes


def rows(header):
    """The cells of the table under a header, row by row."""
    table = PAGE.partition(f"| {header} |")[2].partition("\n\n")[0]
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


def test_every_canonical_field_is_in_the_table_and_no_other():
    table = rows("field | needed | what")
    assert {name for name, _, _ in table} == set(CANONICAL)
    assert {name for name, needed, _ in table if needed == "yes"} == set(REQUIRED)


def test_every_reason_of_refusal_is_in_the_table_and_no_other():
    assert [reason for reason, _ in rows("reason | when")] == list(Refusal)


def test_every_letter_of_a_form_is_in_the_table_and_no_other():
    assert dict(rows("letter | what")) == LETTERS


def test_every_option_and_format_of_a_field_is_named():
    for option in (*FieldMapping.__struct_fields__, *TIME_FORMATS):
        assert f"`{option}" in PAGE
    assert f"{MOST_ACCOUNTS:,}" in PAGE
