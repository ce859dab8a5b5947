"""`fraudwatch train`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from fraudwatch import detection
from fraudwatch.backtest import train_file
from fraudwatch.cli.dates import whole_days
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import DATE, FILE, as_json, configured, example
from fraudwatch.cli.output import counted, print_json, print_table, progress, quantity, table, written
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model


@click.command(
    "train",
    short_help=COMMANDS["train"],
    epilog=example(
        "fraudwatch train handbook.csv.gz --config configs/handbook.yaml \\",
        "    --from 2018-07-25 --to 2018-07-31 --out model",
    ),
)
@click.argument("file", type=FILE)
@configured
@click.option("--out", type=FILE, required=True, metavar="DIRECTORY", help="Where the artefact is written.")
@click.option("--from", "first", type=DATE, metavar="DATE", help="First day to fit on (UTC).")
@click.option("--to", "last", type=DATE, metavar="DATE", help="Last day to fit on, itself included.")
@as_json
def command(
    file: Path, settings: Settings, out: Path, first: datetime | None, last: datetime | None, as_json: bool
) -> None:
    """Fit a model on a file, ahead of time.

    FILE is CSV or JSON lines, also gzipped. It is folded from its beginning, so that histories are whole; without
    --from and --to the model is fitted on all of it. The artefact is two files, manifest.json and arrays.npz.
    """
    within = whole_days(first, last)
    with written(out):
        out.mkdir(parents=True, exist_ok=True)
    with progress(f"reading {file.name}") as show:
        model = train_file(settings, file, train_span=within, on_progress=counted(show))
    with written(out):
        detection.write(detection.pack(model), out)
    described = _described(model, out)
    if as_json:
        print_json(described)
    else:
        _print(described)


def _described(model: Model, out: Path) -> dict[str, Any]:
    return {
        "version": model.version,
        "directory": str(out),
        "rows": model.rows,
        "span": [_instant(time_ms) for time_ms in model.span_ms],
        "transactions_per_day": model.transactions_per_day,
        "features": [spec.name for spec in model.specs],
        "detectors": [detector.spec.name for detector in model.detectors],
        "combiner": model.combiner.name,
    }


def _print(described: dict[str, Any]) -> None:
    shown = table("model", described["version"])
    shown.add_row("fitted on", f"{quantity(described['rows'])} transactions")
    shown.add_row("of", " to ".join(described["span"]))
    shown.add_row("transactions a day", quantity(described["transactions_per_day"]))
    shown.add_row("features", quantity(len(described["features"])))
    shown.add_row("detectors", ", ".join(described["detectors"]) or "none")
    shown.add_row("written to", described["directory"])
    shown.add_row("use it", f"fraudwatch worker --model {described['directory']}")
    print_table(shown)


def _instant(event_time_ms: int) -> str:
    return datetime.fromtimestamp(event_time_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
