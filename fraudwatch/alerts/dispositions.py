"""The message on the dispositions topic: what a person concluded, as JSON (schema: `disposition.schema.json`).

A *verdict* is given on an alert and on each transaction it lists; a *report* is the same from outside, about a
transaction that raised no alert; an *undo* takes one of either back. Nothing is ever overwritten: the topic is the
record of who said what, and when. Any system may write here as long as the message validates.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from fraudwatch.alerts import written
from fraudwatch.errors import UnusableInputError

SCHEMA_VERSION: Final = 1

# One more than any list of an alert holds; ids are bounded by `limits.max_text`, at most 4096.
MOST_TRANSACTIONS: Final = 1_000
LONGEST_ID: Final = 4_096
LONGEST_NOTE: Final = 4_000
LONGEST_AUTHOR: Final = 256

Kind = Literal["verdict", "report", "undo"]
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{20}$", max_length=20)]
Identifier = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", max_length=24)]


class Verdict(StrEnum):
    """What a person concluded. Only this word, never a score, says what something was."""

    CONFIRMED = "confirmed"
    SUSPICIOUS = "suspicious"
    LEGITIMATE = "legitimate"
    INCONCLUSIVE = "inconclusive"


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a transaction can be read again, in the log."""

    topic: Annotated[str, Meta(min_length=1, max_length=249)]
    partition: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    offset: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class JudgedTransaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction the verdict covers; without a position where only its id is known."""

    transaction_id: Identifier
    position: Position | None


class Disposition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One human act. `alert_id` is null for a report, `verdict` for an undo, `undoes` for everything else.

    An undo repeats the account and transactions of what it takes back.
    """

    schema_version: Literal[1]
    disposition_id: Hash
    kind: Kind
    alert_id: Hash | None
    account_id: Identifier
    verdict: Verdict | None
    transactions: Annotated[tuple[JudgedTransaction, ...], Meta(min_length=1, max_length=MOST_TRANSACTIONS)]
    undoes: Hash | None
    note: Annotated[str, Meta(min_length=1, max_length=LONGEST_NOTE)]
    who: Annotated[str, Meta(min_length=1, max_length=LONGEST_AUTHOR)]
    given_at: Moment

    def __post_init__(self) -> None:
        datetime.fromisoformat(self.given_at)
        if (self.kind == "undo") is not (self.verdict is None) or (self.verdict is None) is not (
            self.undoes is not None
        ):
            raise ValueError("a verdict or report needs `verdict` and no `undoes`; an undo the reverse")
        if self.kind != "undo" and (self.kind == "verdict") is not (self.alert_id is not None):
            raise ValueError("a verdict needs `alert_id`, a report has none")

    @property
    def key(self) -> bytes:
        """Of the message: the alert's id, or for a report the account, so that an undo follows what it undoes."""
        return (self.alert_id or self.account_id).encode()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Disposition)


def give(
    kind: Literal["verdict", "report"],
    verdict: Verdict,
    *,
    account_id: str,
    transactions: Iterable[JudgedTransaction],
    note: str,
    who: str,
    given_at_ms: int,
    alert_id: str | None = None,
) -> Disposition:
    """A new verdict or report; the same act gives the same id. Raises UnusableInputError for what breaks a limit."""
    return _made(
        kind=kind,
        alert_id=alert_id,
        account_id=account_id,
        verdict=verdict,
        transactions=list(transactions),
        undoes=None,
        note=note,
        who=who,
        given_at=written.instant(given_at_ms),
    )


def undo(given: Disposition, *, note: str, who: str, given_at_ms: int) -> Disposition:
    """Takes a verdict or report back. Raises UnusableInputError for what breaks a limit, or for an undo."""
    if given.kind == "undo":
        raise UnusableInputError(
            f"expected a verdict or a report to take back, found the undo {given.disposition_id}: "
            "give the verdict again instead"
        )
    return _made(
        kind="undo",
        alert_id=given.alert_id,
        account_id=given.account_id,
        verdict=None,
        transactions=list(given.transactions),
        undoes=given.disposition_id,
        note=note,
        who=who,
        given_at=written.instant(given_at_ms),
    )


def standing(dispositions: Iterable[Disposition]) -> list[Disposition]:
    """The verdicts and reports that nobody took back, each once, in the order they are given in here."""
    found = list(dispositions)
    taken_back = {disposition.undoes for disposition in found}
    valid = {
        disposition.disposition_id: disposition
        for disposition in found
        if disposition.kind != "undo" and disposition.disposition_id not in taken_back
    }
    return list(valid.values())


def encode(disposition: Disposition) -> bytes:
    """Compact UTF-8; the same disposition gives the same bytes."""
    return _encoder.encode(disposition)


def read(message: bytes) -> Disposition:
    """Raises UnusableInputError for anything but a disposition of this version."""
    try:
        return _decoder.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        clipped = repr(message[:60]) + ("…" if len(message) > 60 else "")
        raise UnusableInputError(
            f"expected a disposition of schema version {SCHEMA_VERSION} as JSON, found {clipped}: {error}. "
            "Check what else writes to the dispositions topic."
        ) from error


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) that every message validates against."""
    loaded: dict[str, Any] = json.loads(files(__package__).joinpath("disposition.schema.json").read_bytes())
    return loaded


def _made(**fields: Any) -> Disposition:
    """The disposition of these fields under the hash of them, past the same checks as one that is read."""
    try:
        content = _encoder.encode(fields)
        identified = {
            "schema_version": SCHEMA_VERSION,
            "disposition_id": hashlib.sha256(content).hexdigest()[:20],
            **fields,
        }
        return _decoder.decode(_encoder.encode(identified))
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise UnusableInputError(f"expected a disposition that can be written, found: {error}") from error
