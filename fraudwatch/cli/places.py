"""Places in Kafka, points in time and names of people, as they are typed."""

import re
from datetime import UTC, datetime

import click

from fraudwatch.alerts.dispositions import Position
from fraudwatch.broker.deliveries import Place
from fraudwatch.config.durations import parse_duration

_PLACE = re.compile(r"(\d{1,9})/(\d{1,18})")


class PlaceType(click.ParamType):
    """`PARTITION/OFFSET`, as in 3/41."""

    name = "place"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        match = _PLACE.fullmatch(str(value))
        if match is None:
            self.fail(f"expected PARTITION/OFFSET such as 3/41, found {value!r}", param, ctx)
        return Place(int(match[1]), int(match[2]))


class PositionType(click.ParamType):
    """`TOPIC/PARTITION/OFFSET`, as in transactions/3/41."""

    name = "position"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Position:
        topic, _, place = str(value).partition("/")
        match = _PLACE.fullmatch(place)
        if match is None or not topic:
            self.fail(
                f"expected TOPIC/PARTITION/OFFSET such as transactions/3/41, found {value!r}", param, ctx
            )
        return Position(topic, int(match[1]), int(match[2]))


class AgoType(click.ParamType):
    """A point in time in milliseconds: a day (UTC), or how long ago."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        text = str(value)
        try:
            if "-" in text:
                return round(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1000)
            return now_ms() - parse_duration(text)
        except ValueError:
            self.fail(f"expected a day such as 2025-03-01, or how long ago such as 24h, found {text!r}")


PLACE = PlaceType()
POSITION = PositionType()
AGO = AgoType()

author = click.option(
    "--author",
    envvar="USER",
    show_envvar=True,
    required=True,
    metavar="NAME",
    help="Who says so.",
)


def now_ms() -> int:
    """The present, in milliseconds since 1970 UTC."""
    return round(datetime.now(UTC).timestamp() * 1000)
