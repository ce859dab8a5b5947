"""What a source says of its own transactions: for measuring, and for nothing else.

A label is read from the source's bytes beside the decoder. There is no field of `Transaction` for it, so that
no feature, model or score can see it.
"""

from typing import Any

from fraudwatch.config.settings import Label
from fraudwatch.decode.paths import parse_path
from fraudwatch.decode.refusals import Refused, shown
from fraudwatch.decode.source import Source, Unclear
from fraudwatch.errors import ConfigurationError


class LabelReader:
    """Reads `settings.source.label`. Raises ConfigurationError when its paths cannot be used."""

    def __init__(self, label: Label) -> None:
        paths = [label.path] if label.detail is None else [label.path, label.detail]
        try:
            self._source = Source([parse_path(path) for path in paths])
            self._case = Source([parse_path(label.case)]) if label.case is not None else None
        except ValueError as error:
            raise ConfigurationError(f"source.label: {error}") from None
        self._positive = label.positive

    def read(self, value: bytes) -> tuple[bool, str | None]:
        """Whether the transaction is a case, and the finer label if there is one.

        The label is compared as it is written: 1 and "1" are the same, true is `"true"`. What cannot be read
        is no case.
        """
        try:
            found = _read(self._source, value)
        except Refused:
            return False, None
        detail = _text(found[1]) if len(found) > 1 else None
        return _text(found[0]) == self._positive, detail

    def case(self, value: bytes) -> str | None:
        """The id of the case that the transaction belongs to, None where nothing says so."""
        if self._case is None:
            return None
        try:
            return _text(_read(self._case, value)[0])
        except Refused:
            return None


def _read(source: Source, value: bytes) -> Any:
    try:
        return source.read(value)
    except Unclear:
        return source.reread(value)


def _text(found: Any) -> str | None:
    if found is None or found == "":
        return None
    return found if isinstance(found, str) else shown(found)
