"""One record looked at field by field: what a person mapping a source wants to see."""

import msgspec

from fraudwatch.decode.decoder import Decoder, SourceDecoder
from fraudwatch.decode.leg import Leg
from fraudwatch.decode.mapping import Field
from fraudwatch.decode.paths import written
from fraudwatch.decode.refusals import Refused, shown
from fraudwatch.records import DeadLetter, Record, Refusal, Transaction


class TriedField(msgspec.Struct, frozen=True):
    """One canonical field of one leg.

    `path` is None for a constant. `found` is the value as the record has it, on one line, `nothing` where it
    has none. `made` is the canonical value (event times in ms UTC, amounts in minor units of the state's currency),
    None for nothing. `reason` and `refusal` say why there is none.
    """

    field: str
    path: str | None
    found: str
    made: str | int | float | None = None
    reason: Refusal | None = None
    refusal: str | None = None


class Tried(msgspec.Struct, frozen=True):
    """A record field by field, for every leg, and what becomes of it.

    `legs` has the fields of each transaction in the order they are judged, and is empty for a record that could not
    be read at all. `outcome` is what `decode` says; it may refuse a record each of whose fields can be read
    (a time ahead of its Kafka timestamp).
    """

    legs: tuple[tuple[TriedField, ...], ...]
    outcome: list[Transaction] | DeadLetter


def explain(decoder: Decoder | SourceDecoder, record: Record) -> Tried:
    """Every field of a record, those after the first refusal too. Never raises."""
    decoded = decoder.decode(record)
    outcome = [decoded] if isinstance(decoded, Transaction) else decoded
    if record.value is None or (isinstance(outcome, DeadLetter) and outcome.reason is Refusal.TOO_LARGE):
        return Tried((), outcome)
    value = record.value
    try:
        return Tried(tuple(_tried_leg(leg, value) for leg in decoder.legs), outcome)
    except Refused:  # of the whole record: the outcome says why
        return Tried((), outcome)


def _tried_leg(leg: Leg, value: bytes) -> tuple[TriedField, ...]:
    values = iter(leg.source.each(value))
    made: dict[str, TriedField] = {}
    for field in leg.fields:
        found = field.constant if field.path is None else next(values)
        made[field.name] = _tried(field, found, made)
    return tuple(made.values())


def _tried(field: Field, found: object, earlier: dict[str, TriedField]) -> TriedField:
    path = None if field.path is None else written(field.path)
    try:
        if isinstance(found, Refused):
            raise found
        canonical = field.read(found)
        if field.exchange is not None:
            currency, time = earlier["currency"], earlier["event_time"]
            if currency.refusal or time.refusal:
                expected, unknown = "a currency and an event time to convert it by", "one of them refused"
                raise Refused(Refusal.CURRENCY, field.name, expected, unknown)
            canonical = field.exchange(canonical, str(currency.made), int(time.made or 0))
    except Refused as refused:
        text = "a value out of reach" if isinstance(found, Refused) else shown(found)
        return TriedField(field.name, path, text, None, refused.reason, str(refused))
    return TriedField(field.name, path, shown(found), canonical)
