"""Event times: from ISO 8601, a form of the house's own or a count since 1970 to whole milliseconds since 1970, UTC.

A finer time is cut down to the millisecond before it. A time without an offset is local to the configured
zone, UTC without one. Where the clocks change, a local time that occurs twice is the first of the two, and one
that does not occur at all is read with the offset from before the change (02:30 becomes 03:30 summer time):
`fold=0` of PEP 495. Leap seconds (`:60`) and the hour 24 are refused.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from fraudwatch.decode.forms import form_parser
from fraudwatch.decode.money import EXACT, number_of
from fraudwatch.decode.refusals import Refused, shown
from fraudwatch.records import Refusal

TIME_FORMATS = ("iso8601", "epoch_s", "epoch_ms", "epoch_us")
"""The names of forms; any other form is described by letters (`fraudwatch.decode.forms`)."""

_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=UTC)
_MS_PER = {"epoch_s": Decimal(1000), "epoch_ms": Decimal(1), "epoch_us": Decimal("0.001")}

_CLOCK = r"(?:[01]\d|2[0-3])"
_OFFSET = r"(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?"
_ISO = re.compile(
    rf"\d{{4}}-\d\d-\d\d(?:[T ]{_CLOCK}:\d\d(?::\d\d(?:[.,]\d{{1,12}})?)?{_OFFSET})?"
    rf"|\d{{8}}T{_CLOCK}\d{{4}}(?:[.,]\d{{1,12}})?{_OFFSET}",
    re.ASCII,
)
"""Narrower than `datetime.fromisoformat`, whose reach (week dates, any separator) changes with Python."""

_EXAMPLE = "an ISO 8601 time such as 2024-05-31T12:00:00Z"


def time_reader(
    subject: str, form: str | None, zone: ZoneInfo | None, earliest_ms: int, latest_ms: int
) -> Callable[[Any], int]:
    """A function from what the source holds to milliseconds; `form` None reads ISO 8601 text and epoch_ms numbers.

    The function raises Refused: bad_time for what is no time, time_out_of_range before `earliest_ms` or from
    `latest_ms` on, wrong_type for what cannot be written that way at all.
    """

    parse = None if form is None or form in TIME_FORMATS else form_parser(form)

    def read(found: Any) -> int:
        if type(found) is str and (form is None or form == "iso8601"):
            time_ms = _iso_ms(subject, found, zone)
        elif parse is not None:
            time_ms = _form_ms(subject, found, f"a time in the form {form}", parse, zone)
        elif form == "iso8601":
            raise Refused(Refusal.WRONG_TYPE, subject, _EXAMPLE, shown(found))
        else:
            time_ms = _epoch_ms(subject, found, form or "epoch_ms")
        if not earliest_ms <= time_ms < latest_ms:
            span = f"a time from {iso(earliest_ms)} to {iso(latest_ms)}"
            raise Refused(Refusal.TIME_OUT_OF_RANGE, subject, span, f"{shown(found)} ({iso(time_ms)})")
        return time_ms

    return read


def iso(time_ms: int) -> str:
    """The time for people, in UTC, to the second: `2018-04-01 00:00:31Z`."""
    try:
        return f"{_EPOCH + timedelta(milliseconds=time_ms):%Y-%m-%d %H:%M:%S}Z"
    except OverflowError:
        return "before year 1" if time_ms < 0 else "after year 9999"


def parse_bound(text: str) -> int:
    """Milliseconds of a date or time in the configuration, UTC. Raises ValueError."""
    try:
        return _iso_ms("", text, None)
    except Refused:
        raise ValueError(f"expected a date such as 1990-01-01; found {text!r}") from None


def _iso_ms(subject: str, text: str, zone: tzinfo | None) -> int:
    if not _ISO.fullmatch(text):
        text = text.strip().upper()
        if not _ISO.fullmatch(text):
            raise Refused(Refusal.BAD_TIME, subject, _EXAMPLE, shown(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(Refusal.BAD_TIME, subject, _EXAMPLE, f"{shown(text)} ({error})") from None
    return _since_1970(moment, zone)


def _form_ms(
    subject: str, found: Any, expected: str, parse: Callable[[str], datetime], zone: tzinfo | None
) -> int:
    # A form without separators (%Y%m%d%H%M%S) may stand in JSON as a number.
    if type(found) is not str and type(found) is not int:
        raise Refused(Refusal.WRONG_TYPE, subject, expected, shown(found))
    text = str(found).strip()
    try:
        return _since_1970(parse(text), zone)
    except ValueError as error:
        raise Refused(Refusal.BAD_TIME, subject, expected, f"{shown(found)} ({error})") from None


def _since_1970(moment: datetime, zone: tzinfo | None) -> int:
    """Whole milliseconds; a moment without an offset is in `zone`, without a zone in UTC."""
    if moment.tzinfo is not None:
        since = moment - _EPOCH_UTC
    elif zone is not None:
        since = moment.replace(tzinfo=zone) - _EPOCH_UTC
    else:
        since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def _epoch_ms(subject: str, found: Any, form: str) -> int:
    if type(found) is int and form == "epoch_ms":
        return found
    try:
        count = number_of(subject, found)
    except Refused as refused:
        reason = Refusal.WRONG_TYPE if refused.reason is Refusal.WRONG_TYPE else Refusal.BAD_TIME
        raise Refused(reason, subject, f"a time as {form}, a number", shown(found)) from None
    # A double is written with the fewest digits that name it, so 1522540831.123 stays just that.
    digits = found.strip() if isinstance(found, str) else str(count)
    return int(EXACT.multiply(Decimal(digits), _MS_PER[form]).to_integral_value(ROUND_FLOOR))
