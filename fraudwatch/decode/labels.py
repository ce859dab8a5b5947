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
        except ValueError as error:
            raise ConfigurationError(f"source.label: {error}") from None
        self._positive = label.positive

    def read(self, value: bytes) -> tuple[bool, str | None]:
        """Whether the transaction is a case, and the finer label if there is one.

        The label is compared as it is written: 1 and "1" are the same, true is `"true"`. What cannot be read
        is no case.
        """
        try:
            found = self._read(value)
        except Refused:
            return False, None
        detail = _text(found[1]) if len(found) > 1 else None
        return _text(found[0]) == self._positive, detail

    def _read(self, value: bytes) -> Any:
        try:
            return self._source.read(value)
        except Unclear:
            return self._source.reread(value)


def _text(found: Any) -> str | None:
    if found is None or found == "":
        return None
    return found if isinstance(found, str) else shown(found)
