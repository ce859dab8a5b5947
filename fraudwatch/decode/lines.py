"""Reading the mapped values out of a record that is one line of CSV, and what its description may say."""

import csv
from collections.abc import Iterator, Sequence
from typing import Any

from fraudwatch.config.settings import Csv, Source
from fraudwatch.config.wording import found
from fraudwatch.decode.paths import Path
from fraudwatch.decode.refusals import Refused, shown
from fraudwatch.records import Refusal

# Texts that an encoding with escapes of its own (utf-7, idna, unicode_escape, iso2022_jp) would not leave alone.
_PLAIN = (rb"\n\x41", b"+AOk-", b"xn--bcher-kva", b"~{!", b"\x1b$B0!", bytes(range(128)))


class Lines:
    """Reads the columns at `paths`, each one name, in their order."""

    expected = "a line of CSV"

    def __init__(self, form: Csv, paths: Sequence[Path]) -> None:
        self._form = form
        self._places = [form.columns.index(str(path[0])) for path in paths]

    def read(self, value: bytes) -> Sequence[Any]:
        """The texts as they stand in the line. Raises Refused."""
        row = self._row(value)
        return [row[place] for place in self._places]

    reread = each = read
    """There is one reader only: a line of CSV is never unclear."""

    def _row(self, value: bytes) -> list[str]:
        # A broken character is the fault of its field alone: surrogates are refused where somebody reads them.
        try:
            text = value.decode(self._form.encoding, "surrogateescape")
        except UnicodeError as error:
            text_shown = shown(value[:40].decode("ascii", "replace"))
            expected = f"text in {self._form.encoding}"
            raise Refused(Refusal.NOT_CSV, "record", expected, f"{text_shown} ({error})") from None
        text = text.removeprefix("\ufeff").rstrip("\r\n")
        if not text or text.isspace():
            said = f"{len(value)} blank bytes" if value else "no bytes"
            raise Refused(Refusal.EMPTY, "record", self.expected, said)
        try:
            rows = list(csv.reader([text], delimiter=self._form.delimiter, strict=True))
        except csv.Error as error:
            raise Refused(Refusal.NOT_CSV, "record", self.expected, f"{shown(text)} ({error})") from None
        if len(rows) != 1 or len(rows[0]) != len(self._form.columns):
            expected = f"{len(self._form.columns)} columns between {self._form.delimiter!r}"
            raise Refused(Refusal.NOT_CSV, "record", expected, f"{len(rows[0])}: {shown(text)}")
        return rows[0]


def csv_mistakes(source: Source, key: str) -> Iterator[str]:
    """Every rule that the description of a CSV source breaks, as `key: sentence`."""
    if source.format == "json":
        if source.csv is not None:
            yield f"{key}.csv: expected for the format csv only; found it with format json"
        return
    if source.label is not None:
        yield f"{key}.label: expected for the format json only; found it with format csv"
    if source.csv is None:
        yield f"{key}.csv: expected the columns of the format csv; found nothing"
        return
    form = source.csv
    for name in sorted({name for name in form.columns if form.columns.count(name) > 1}):
        yield f"{key}.csv.columns: expected every name once; found {found('', name)} twice"
    if form.delimiter != "\t" and (
        not form.delimiter.isprintable() or form.delimiter.isalnum() or form.delimiter == '"'
    ):
        yield f"{key}.csv.delimiter: expected a mark such as ; found {found('', form.delimiter)}"
    if not _is_plain(form.encoding):
        expected = "an encoding that holds ASCII as it is, such as utf-8, iso-8859-1 or cp1252"
        yield f"{key}.csv.encoding: expected {expected}; found {found('', form.encoding)}"


def _is_plain(encoding: str) -> bool:
    try:
        return all(text.decode(encoding) == text.decode("ascii") for text in _PLAIN)
    except (LookupError, ValueError):
        return False
