"""How a simulated transaction is written: one canonical JSON object, its label in three fields at the end."""

from collections.abc import Iterator
from functools import cache
from itertools import repeat
from typing import NamedTuple

import msgspec
import numpy as np

from fraudwatch.records import FloatArray, IntArray, Transaction
from fraudwatch.simulate import counterparties, places
from fraudwatch.simulate.block import NO_CASE, Status
from fraudwatch.simulate.cases import TYPOLOGY_OF_KIND
from fraudwatch.simulate.draws import Keys
from fraudwatch.simulate.plan import Plan
from fraudwatch.simulate.stream import Day, days_of

SLICE = 8_192
"""Rows made into Python objects at a time: a large day costs no more memory than its arrays."""

_CATEGORY = [category.name for category in counterparties.CATEGORIES]
_CHANNEL = [category.channel for category in counterparties.CATEGORIES]
_DIRECTION = ("debit", "credit")
_STATUS = [status.name.lower() for status in Status]
_CENTS = [f"{cents:02d}" for cents in range(100)]
_NO_LABEL = '"label":0,"case_id":null,"typology":null'


class Labelled(msgspec.Struct, frozen=True, gc=False):
    """A simulated transaction, and the case it belongs to, if any."""

    transaction: Transaction
    case_id: str | None
    typology: str | None


class Message(NamedTuple):
    """A row as a producer needs it: when it happened, the key (the account id), the bytes."""

    event_time_ms: int
    key: bytes
    value: bytes


def transactions(plan: Plan) -> Iterator[Labelled]:
    """The transactions of the plan in event-time order, the same ones in the same order as `rows`."""
    for day, part in _slices(plan):
        category = day.category[part].tolist()
        made = map(
            Transaction,
            _hexadecimal(day.name[part]),
            _account_ids(day.account[part]),
            day.time_ms[part].tolist(),
            day.amount_minor[part].tolist(),
            repeat(plan.currency),
            [_DIRECTION[is_credit] for is_credit in day.is_credit[part].tolist()],
            _counterparty_ids(day.counterparty[part]),
            [places.COUNTRIES[index] for index in day.counterparty_country[part].tolist()],
            [_CHANNEL[index] for index in category],
            [places.COUNTRIES[index] for index in day.country[part].tolist()],
            _or_none(day.latitude[part]),
            _or_none(day.longitude[part]),
            _device_ids(day.device[part]),
            [_CATEGORY[index] for index in category],
            [_STATUS[code] for code in day.status[part].tolist()],
        )
        yield from map(Labelled, made, _case_ids(day.case[part]), _typologies(day, part))


def messages(plan: Plan) -> Iterator[Message]:
    """The rows of the plan, each with its key and event time."""
    for day, part in _slices(plan):
        times = day.time_ms[part].tolist()
        keys = _account_ids(day.account[part])
        for time, key, line in zip(times, keys, lines(day, part, plan.currency), strict=True):
            yield Message(time, key.encode(), line.encode())


def rows(plan: Plan) -> Iterator[bytes]:
    """The rows of the plan, each one JSON object without a line end."""
    for day, part in _slices(plan):
        for line in lines(day, part, plan.currency):
            yield line.encode()


def lines(day: Day, part: slice, currency: str) -> list[str]:
    """The chosen rows as JSON. Every text in them is ours and needs no escaping; amounts keep two decimals."""
    amount = day.amount_minor[part]
    times = np.datetime_as_string(day.time_ms[part].astype("datetime64[ms]"))
    shown = zip(
        _hexadecimal(day.name[part]),
        _account_ids(day.account[part]),
        times.tolist(),
        (amount // 100).tolist(),
        [_CENTS[cents] for cents in (amount % 100).tolist()],
        day.is_credit[part].tolist(),
        _counterparty_ids(day.counterparty[part]),
        day.counterparty_country[part].tolist(),
        day.category[part].tolist(),
        day.country[part].tolist(),
        np.minimum(day.counterparty[part], counterparties.FIRST_ONLINE).tolist(),
        _device_ids(day.device[part]),
        day.status[part].tolist(),
        _labels(day, part),
        strict=True,
    )
    country, where = places.COUNTRIES, _places_of_shops()
    # fmt: off
    return [
        f'{{"transaction_id":"{name}","account_id":"{account}","event_time":"{time}Z","amount":{major}.{cents},'
        f'"currency":"{currency}","direction":"{_DIRECTION[is_credit]}","counterparty_id":"{counterparty}",'
        f'"counterparty_country":"{country[theirs]}","channel":"{_CHANNEL[category]}",'
        f'"country":"{country[ours]}",{where[shop]},"device_id":{_quoted(device)},'
        f'"category":"{_CATEGORY[category]}","status":"{_STATUS[status]}",{label}}}'
        for name, account, time, major, cents, is_credit, counterparty, theirs, category, ours, shop, device,
            status, label in shown
    ]
    # fmt: on


def slices(day: Day) -> Iterator[slice]:
    """The rows of a day, some at a time."""
    for begin in range(0, len(day), SLICE):
        yield slice(begin, begin + SLICE)


def _slices(plan: Plan) -> Iterator[tuple[Day, slice]]:
    for day in days_of(plan):
        for part in slices(day):
            yield day, part


def _quoted(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


def _labels(day: Day, part: slice) -> list[str]:
    return [
        _NO_LABEL if case is None else f'"label":1,"case_id":"{case}","typology":"{typology}"'
        for case, typology in zip(_case_ids(day.case[part]), _typologies(day, part), strict=True)
    ]


def _case_ids(case: IntArray) -> list[str | None]:
    return [None if number == NO_CASE else f"case-{number:07d}" for number in case.tolist()]


def _typologies(day: Day, part: slice) -> list[str | None]:
    of_kind = {int(kind): typology.value for kind, typology in TYPOLOGY_OF_KIND.items()}
    return [of_kind.get(kind) for kind in day.kind[part].tolist()]


def _account_ids(account: IntArray) -> list[str]:
    return [f"A{number:08d}" for number in account.tolist()]


def _counterparty_ids(counterparty: IntArray) -> list[str]:
    """P for those paid by transfer, M for merchants and billers."""
    is_paid = counterparty >= counterparties.FIRST_EMPLOYER
    kinds = np.where(is_paid, "P", "M").tolist()
    return [f"{kind}{number:07d}" for kind, number in zip(kinds, counterparty.tolist(), strict=True)]


def _device_ids(device: Keys) -> list[str | None]:
    texts = _hexadecimal(device)
    return [text[:12] if key else None for text, key in zip(texts, device.tolist(), strict=True)]


def _hexadecimal(keys: Keys) -> list[str]:
    """Sixteen digits each."""
    digits = keys.astype(">u8").tobytes().hex()
    return [digits[begin : begin + 16] for begin in range(0, len(digits), 16)]


def _or_none(values: FloatArray) -> list[float | None]:
    return [value if value == value else None for value in values.tolist()]


@cache
def _places_of_shops() -> list[str]:
    """Place of each shop in a city as JSON; the last one is for all that have no place."""
    latitude, longitude = counterparties.positions(np.arange(counterparties.FIRST_ONLINE))
    shown = [
        f'"latitude":{north:.5f},"longitude":{east:.5f}'
        for north, east in zip(latitude.tolist(), longitude.tolist(), strict=True)
    ]
    return [*shown, '"latitude":null,"longitude":null']
