"""`fraudwatch replay`."""

from itertools import islice
from pathlib import Path

import click
import msgspec

from fraudwatch.broker.replay import ReplayReport, replay
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import FILE, as_json, configured, example
from fraudwatch.cli.output import print_json, progress, say
from fraudwatch.config.settings import Settings
from fraudwatch.demo.rows import file_rows


class Speed(click.ParamType):
    """A multiple of event time: `60x` or `60`."""

    name = "speed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            speed = float(str(value).removesuffix("x"))
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            self.fail(
                f"expected a multiple of event time above zero such as 60x, found {value!r}", param, ctx
            )
        return speed


@click.command(
    "replay",
    short_help=COMMANDS["replay"],
    epilog=example(
        "fraudwatch replay handbook.csv.gz --config configs/handbook.yaml --rate 2000 --limit 100000"
    ),
)
@click.argument("file", type=FILE)
@configured
@click.option("--speed", type=Speed(), metavar="60x", help="So many times as fast as it happened.")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="So many records a second."
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after so many records.")
@as_json
def command(
    file: Path, settings: Settings, speed: float | None, rate: float | None, limit: int | None, as_json: bool
) -> None:
    """Feed a file into the source topic.

    FILE is CSV or JSON lines, also gzipped. Records are keyed by account, and held back while the workers lag.
    Without --speed and --rate it goes as fast as the workers follow. Rows that cannot be decoded are sent as they
    are, without a key: they become dead letters downstream.
    """
    if speed is not None and rate is not None:
        raise click.UsageError("--speed and --rate exclude each other: leave one out")
    rows = islice(file_rows(settings, file), limit)
    with progress(f"replaying {file.name}", total=limit) as show:
        report = replay(settings, rows, rate=rate, speed=speed, on_progress=lambda told: show(told.records))
    if as_json:
        print_json({**msgspec.to_builtins(report), "records_per_second": report.records_per_second})
    else:
        _say(report, settings.source.topic)


def _say(report: ReplayReport, topic: str) -> None:
    say(
        f"{report.records:,} records sent to {topic} in {report.seconds:.1f} s "
        f"({report.records_per_second:,.0f} a second, held back for {report.held_back_seconds:.1f} s); "
        f"the workers have {report.lag:,} still to do"
    )
