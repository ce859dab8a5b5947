"""A file as records: CSV and JSON lines, each also gzipped, one row at a time."""

import csv
import gzip
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from fraudwatch.config.settings import Source
from fraudwatch.errors import UnusableInputError

_EXPECTED = "a CSV file (.csv) or one JSON object a line (.jsonl, .ndjson, .json), each also gzipped (.gz)"


def read_rows(path: Path) -> Iterator[bytes]:
    """The rows of a file, each as the bytes of one record; only the current ones are in memory.

    A line of JSON stays as it is. A row of CSV (UTF-8, comma, header) becomes a JSON object of texts by the
    names in the header. A row of the wrong width is not lost: what is missing becomes null, and a row with too
    many values becomes a list, because nobody can tell which value belongs where; decoding refuses both by
    name. Blank lines are no rows.

    Raises UnusableInputError: at once if there is no such file or its kind is unknown, while reading if it is
    damaged, not UTF-8, or a CSV file without a header.
    """
    read = _reader_for(path)
    if path.is_dir():
        raise UnusableInputError(f"{path}: expected {_EXPECTED}, found a directory")
    if not path.exists():
        raise UnusableInputError(f"{path}: expected {_EXPECTED}, found no such file")
    return _rows(path, read)


def read_records(path: Path, source: Source) -> Iterator[bytes]:
    """The rows of a file as the records this source would have in Kafka.

    Of a CSV source these are the lines as they stand, in whatever encoding, without blank ones and without a
    header that is just its columns; of a JSON source the rows of `read_rows`. Raises UnusableInputError.
    """
    if source.csv is None:
        return read_rows(path)
    if not path.is_file():
        found = "a directory" if path.is_dir() else "no such file"
        raise UnusableInputError(f"{path}: expected a file of CSV lines, also gzipped (.gz), found {found}")
    form = source.csv
    header = form.delimiter.join(form.columns).encode(form.encoding, "replace")
    return _rows(path, lambda _, file: _lines(file, header))


def _lines(file: BinaryIO, header: bytes) -> Iterator[bytes]:
    for place, line in enumerate(file):
        row = line.rstrip(b"\r\n")
        if row.strip() and not (place == 0 and row.removeprefix(BOM_UTF8) == header):
            yield row


def _reader_for(path: Path) -> Callable[[Path, BinaryIO], Iterator[bytes]]:
    kinds = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows, ".json": _json_rows}
    name = path.name.lower().removesuffix(".gz")
    kind = kinds.get(Path(name).suffix)
    if kind is None:
        raise UnusableInputError(f"{path}: expected {_EXPECTED}, found the name {path.name!r}")
    return kind


def _rows(path: Path, read: Callable[[Path, BinaryIO], Iterator[bytes]]) -> Iterator[bytes]:
    try:
        with _opened(path) as file:
            yield from read(path, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnusableInputError(
            f"{path}: expected a whole gzip file, found a damaged one ({error})"
        ) from error
    except OSError as error:
        raise UnusableInputError(
            f"{path}: expected a readable file, found: {error.strerror or error}"
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked if it is gzipped."""
    with path.open("rb") as file:
        if path.name.lower().endswith(".gz"):
            with gzip.open(file) as unpacked, BufferedReader(unpacked, 1 << 18) as buffered:
                yield cast(BinaryIO, buffered)
        else:
            yield file


def _json_rows(path: Path, file: BinaryIO) -> Iterator[bytes]:
    found_any = False
    for line in file:
        row = line.strip()
        if row:
            found_any = True
            yield row
    if not found_any:
        raise UnusableInputError(f"{path}: expected one JSON object a line, found an empty file")


def _csv_rows(path: Path, file: BinaryIO) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    with TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        try:
            header = _header(path, next(rows, []))
            width = len(header)
            for row in rows:
                if len(row) == width:
                    yield encode(dict(zip(header, row, strict=True)))
                elif row:
                    yield encode(_uneven(header, row))
        except UnicodeDecodeError as error:
            found = f"byte 0x{error.object[error.start]:02x} after line {rows.line_num} ({error.reason})"
            raise UnusableInputError(f"{path}: expected UTF-8, found {found}") from error
        except csv.Error as error:
            found = f"after line {rows.line_num}: {error} (is a quote left open?)"
            raise UnusableInputError(f"{path}: expected CSV, found {found}") from error


def _header(path: Path, names: list[str]) -> list[str]:
    if not any(name.strip() for name in names):
        raise UnusableInputError(f"{path}: expected a header in the first line, found nothing")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnusableInputError(
            f"{path}: expected every column once in the header, found {twice[0]!r} twice"
        )
    return names


def _uneven(header: list[str], row: list[str]) -> dict[str, str | None] | list[str]:
    """A row of another width than the header."""
    width = len(header)
    if any(row[width:]):
        return row
    return dict(zip(header, (*row[:width], *[None] * (width - len(row))), strict=True))
