"""How a simulated transaction is written: one canonical JSON object, its label in three fields at the end."""

from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

import msgspec
import numpy as np

from fraudwatch.records import IntArray, Transaction
from fraudwatch.simulate import counterparties, places
from fraudwatch.simulate.block import NO_CASE, Kind
from fraudwatch.simulate.cases import TYPOLOGY_OF_KIND
from fraudwatch.simulate.draws import Keys
from fraudwatch.simulate.plan import Plan
from fraudwatch.simulate.stream import Day, days_of

_SLICE = 8_192  # rows made into Python objects at a time: a large day costs no more memory than its arrays
_CATEGORY = [category.name for category in counterparties.CATEGORIES]
_CHANNEL = [category.channel for category in counterparties.CATEGORIES]
_DIRECTION = ("debit", "credit")
_STATUS = "approved"


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


class _Texts(NamedTuple):
    """Columns of some transactions as Python lists; None where a field is null."""

    transaction_id: list[str]
    account_id: list[str]
    event_time_ms: list[int]
    amount_minor: list[int]
    direction: list[str]
    counterparty_id: list[str]
    counterparty_country: list[str]
    channel: list[str]
    country: list[str]
    latitude: list[float | None]
    longitude: list[float | None]
    device_id: list[str | None]
    category: list[str]
    case_id: list[str | None]
    typology: list[str | None]


def transactions(plan: Plan) -> Iterator[Labelled]:
    """The transactions of the plan in event-time order, the same ones in the same order as `rows`."""
    for texts in _slices(plan):
        made = map(
            Transaction,
            texts.transaction_id,
            texts.account_id,
            texts.event_time_ms,
            texts.amount_minor,
            repeat(plan.currency),
            texts.direction,
            texts.counterparty_id,
            texts.counterparty_country,
            texts.channel,
            texts.country,
            texts.latitude,
            texts.longitude,
            texts.device_id,
            texts.category,
            repeat(_STATUS),
        )
        yield from map(Labelled, made, texts.case_id, texts.typology)


def messages(plan: Plan) -> Iterator[Message]:
    """The rows of the plan, each with its key and event time."""
    for texts in _slices(plan):
        times = np.array(texts.event_time_ms, dtype="datetime64[ms]")
        iso8601 = np.datetime_as_string(times).tolist()
        # Every text here is ours and needs no escaping; formatted, the amount keeps its two decimals.
        for time, (tid, account, ms, minor, direction, cp, cp_country, channel, country, *rest) in zip(
            iso8601, zip(*texts, strict=True), strict=True
        ):
            latitude, longitude, device, category, case_id, typology = rest
            place = (
                '"latitude":null,"longitude":null'
                if latitude is None
                else f'"latitude":{latitude:.5f},"longitude":{longitude:.5f}'
            )
            label = (
                '"label":0,"case_id":null,"typology":null'
                if case_id is None
                else f'"label":1,"case_id":"{case_id}","typology":"{typology}"'
            )
            value = (
                f'{{"transaction_id":"{tid}","account_id":"{account}","event_time":"{time}Z",'
                f'"amount":{minor // 100}.{minor % 100:02d},"currency":"{plan.currency}",'
                f'"direction":"{direction}","counterparty_id":"{cp}","counterparty_country":"{cp_country}",'
                f'"channel":"{channel}","country":"{country}",{place},'
                f'"device_id":{"null" if device is None else chr(34) + device + chr(34)},'
                f'"category":"{category}","status":"{_STATUS}",{label}}}'
            )
            yield Message(ms, account.encode(), value.encode())


def rows(plan: Plan) -> Iterator[bytes]:
    """The rows of the plan, each one JSON object without a line end."""
    return (message.value for message in messages(plan))


def _slices(plan: Plan) -> Iterator[_Texts]:
    for day in days_of(plan):
        for begin in range(0, len(day), _SLICE):
            yield _texts(day, slice(begin, begin + _SLICE))


def _texts(day: Day, part: slice) -> _Texts:
    category = day.category[part].tolist()
    case = day.case[part].tolist()
    return _Texts(
        transaction_id=[f"{name:016x}" for name in day.name[part].tolist()],
        account_id=[f"A{number:08d}" for number in day.account[part].tolist()],
        event_time_ms=day.time_ms[part].tolist(),
        amount_minor=day.amount_minor[part].tolist(),
        direction=[_DIRECTION[is_credit] for is_credit in day.is_credit[part].tolist()],
        counterparty_id=_counterparty_ids(day.counterparty[part]),
        counterparty_country=[places.COUNTRIES[index] for index in day.counterparty_country[part].tolist()],
        channel=[_CHANNEL[index] for index in category],
        country=[places.COUNTRIES[index] for index in day.country[part].tolist()],
        latitude=_or_null(day.latitude[part].round(5).tolist()),
        longitude=_or_null(day.longitude[part].round(5).tolist()),
        device_id=_device_ids(day.device[part]),
        category=[_CATEGORY[index] for index in category],
        case_id=[None if number == NO_CASE else f"case-{number:07d}" for number in case],
        typology=[
            None if number == NO_CASE else TYPOLOGY_OF_KIND[Kind(kind)].value
            for number, kind in zip(case, day.kind[part].tolist(), strict=True)
        ],
    )


def _counterparty_ids(counterparty: IntArray) -> list[str]:
    kinds = np.where(counterparties.is_payee(counterparty), "P", "M").tolist()
    return [f"{kind}{number:07d}" for kind, number in zip(kinds, counterparty.tolist(), strict=True)]


def _device_ids(device: Keys) -> list[str | None]:
    return [f"{key >> 16:012x}" if key else None for key in device.tolist()]


def _or_null(values: list[float]) -> list[float | None]:
    return [value if value == value else None for value in values]
