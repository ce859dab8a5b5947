"""One transaction of a record: the values its mapping reads, each by its reader, in canonical order."""

from collections.abc import Sequence
from typing import Any

from fraudwatch.config.settings import Csv
from fraudwatch.decode.lines import Lines
from fraudwatch.decode.mapping import Fields
from fraudwatch.decode.rules import CANONICAL, REQUIRED
from fraudwatch.decode.source import Source, Unclear
from fraudwatch.records import Transaction

# Where each canonical field goes among the arguments of Transaction, which spells out two units.
_SPELLED = {"event_time": "event_time_ms", "amount": "amount_minor"}
_PLACE = {name: Transaction.__struct_fields__.index(_SPELLED.get(name, name)) for name in CANONICAL}
_EVENT_TIME, _AMOUNT, _CURRENCY = _PLACE["event_time"], _PLACE["amount"], _PLACE["currency"]


class Leg:
    """Most sources have one. Raises ValueError when paths contradict one another."""

    def __init__(self, fields: Fields, csv: Csv | None, currency: str) -> None:
        self.fields = fields
        mapped = [(field, field.path) for field in fields if field.path is not None]
        paths = [path for _, path in mapped]
        self.source = Source(paths) if csv is None else Lines(csv, paths)
        """Where the values of the mapped fields come from, in the order of the fields."""
        self._currency = currency
        self._exchange = next((field.exchange for field in fields if field.exchange), None)
        self._steps = tuple((_PLACE[field.name], field.read, field.name in REQUIRED) for field, _ in mapped)
        self._blank: list[Any] = [None] * len(CANONICAL)
        self._blank[_CURRENCY] = currency
        for field in fields:
            if field.path is None:
                self._blank[_PLACE[field.name]] = field.read(field.constant)

    def read(self, value: bytes) -> Transaction:
        """The transaction. Raises Refused."""
        try:
            return self._build(self.source.read(value))
        except Unclear:
            return self._build(self.source.reread(value))

    def _build(self, values: Sequence[Any]) -> Transaction:
        row = self._blank.copy()
        for (place, read, is_required), found in zip(self._steps, values, strict=True):
            if found is not None or is_required:
                row[place] = read(found)
        if self._exchange is not None:
            row[_AMOUNT] = self._exchange(row[_AMOUNT], row[_CURRENCY], row[_EVENT_TIME])
            row[_CURRENCY] = self._currency
        return Transaction(*row)
