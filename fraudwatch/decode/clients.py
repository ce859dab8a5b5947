"""Accounts of one client brought together: the lookup file `account_id,client_id`."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from sys import intern
from typing import Any, TextIO

from fraudwatch.config.settings import Settings
from fraudwatch.decode.refusals import Refused
from fraudwatch.decode.values import TextReader, text_reader
from fraudwatch.errors import ConfigurationError

HEADER = ["account_id", "client_id"]

# A million accounts of 26 characters take 133 MB; more than this is better keyed by client at the source.
MOST_ACCOUNTS = 5_000_000
LONGEST_LINE = 16_384

Clients = Mapping[str, str]


def read_clients(settings: Settings, most: int = MOST_ACCOUNTS) -> Clients:
    """The client of each account; empty without `accounts.clients_file`.

    Raises ConfigurationError, with the line, for a file that cannot be read, another header, a row that is
    not an account and a client, an account with two clients, and more than `most` accounts.
    """
    name = settings.accounts.clients_file
    if name is None:
        return {}
    path = Path(name)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _clients(path, file, settings.limits.max_text, most)
    except OSError as error:
        raise _wrong(path, f"a readable file, found: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise _wrong(path, f"UTF-8, found a byte that is not ({error.reason})") from error


def client_reader(read: TextReader, clients: Clients) -> TextReader:
    """A function that reads an account and gives its client; an account of no client stays itself."""

    def read_client(found: Any) -> str | None:
        account = read(found)
        return None if account is None else clients.get(account, account)

    return read_client


def _clients(path: Path, file: TextIO, longest: int, most: int) -> Clients:
    rows = _rows(path, file)
    header = next(rows, (1, []))[1]
    if header != HEADER:
        raise _wrong(path, f"the first line account_id,client_id, found {','.join(header)[:80]!r}")
    clients: dict[str, str] = {}
    read = text_reader("an id", longest)
    for line, row in rows:
        place = f"in line {line}"
        try:
            account, client = (read(text) for text in row)
        except (ValueError, Refused) as error:
            why = f" ({error})" if isinstance(error, Refused) else ""
            raise _wrong(
                path, f"an account and a client, found {','.join(row)[:80]!r} {place}{why}"
            ) from None
        if account is None or client is None:
            raise _wrong(path, f"an account and a client, found an empty one {place}")
        if clients.setdefault(account, intern(client)) != client:
            found = f"{client!r} {place} and {clients[account]!r} before"
            raise _wrong(path, f"one client for account {account!r}, found {found}")
        if len(clients) > most:
            raise _wrong(path, f"at most {most} accounts, found more. Key the source by client instead")
    return clients


def _rows(path: Path, file: TextIO) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(_lines(path, file), strict=True)
    try:
        for row in rows:
            if row:
                yield rows.line_num, row
    except csv.Error as error:
        raise _wrong(path, f"CSV, found in line {rows.line_num}: {error}") from None


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise _wrong(path, f"lines of less than {LONGEST_LINE} characters, found a longer one, {number}")
        yield line


def _wrong(path: Path, expected_and_found: str) -> ConfigurationError:
    return ConfigurationError(f"accounts.clients_file: {path}: expected {expected_and_found}")
