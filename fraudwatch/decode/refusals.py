"""Why a record cannot become a transaction, on its way from the field that noticed to the dead letter."""

from typing import Any

from fraudwatch.records import Refusal

LONGEST_FOUND = 80
"""Characters shown of what was found: enough to recognise it, short enough for a header and a log line."""


class Refused(Exception):  # noqa: N818 - a refusal is a value (DESIGN D9), not an error; it never leaves this package
    """Ends the reading of one record; its text is the detail of the dead letter."""

    def __init__(self, reason: Refusal, subject: str, expected: str, found: str) -> None:
        super().__init__(f"{subject}: expected {expected}, found {found}")
        self.reason, self.subject, self.expected = reason, subject, expected


class NumberText(str):
    """A JSON number kept as it was written, so that no digit is lost before somebody asks for it."""


def shown(found: Any) -> str:
    """What was found, on one printable line of at most about 80 characters. Never raises."""
    if found is None:
        return "nothing"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, dict):
        return "an object"
    if isinstance(found, list):
        return "a list"
    if isinstance(found, str) and not isinstance(found, NumberText):
        cut = found[:LONGEST_FOUND]
        return repr(cut) + ("…" if len(found) > LONGEST_FOUND else "")
    text = str(found)
    return text[:LONGEST_FOUND] + ("…" if len(text) > LONGEST_FOUND else "")
