"""`fraudwatch simulate`."""

from datetime import datetime
from pathlib import Path

import click
from msgspec.structs import replace

from fraudwatch.broker.replay import Row, replay
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import DATE, FILE, as_json, configured, example
from fraudwatch.cli.output import print_json, progress, say
from fraudwatch.config.settings import Settings
from fraudwatch.simulate import Plan, Typology, messages, write

DEFAULTS = Plan()
AS_FAR_AHEAD_AS_IT_GOES = 10**12
"""Records a topic is filled ahead of the workers: it may be filled before any of them is started."""


class Typologies(click.ParamType):
    """Codes separated by commas."""

    name = "typologies"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Typology, ...]:
        try:
            return tuple(Typology(code.strip().upper()) for code in str(value).split(","))
        except ValueError:
            self.fail(f"expected codes out of {','.join(Typology)}, found {value!r}", param, ctx)


@click.command(
    "simulate",
    short_help=COMMANDS["simulate"],
    epilog=example(
        "fraudwatch simulate --accounts 500 --days 30 --seed 7 --out stream.jsonl.gz",
        "fraudwatch simulate --typologies PASS,MULE --cases-per-day 1 --topic transactions --config worker.yaml",
    ),
)
@click.option("--accounts", type=int, default=DEFAULTS.accounts, show_default=True, help="How many accounts.")
@click.option("--days", type=int, default=DEFAULTS.days, show_default=True, help="How many whole days (UTC).")
@click.option(
    "--seed", type=int, default=DEFAULTS.seed, show_default=True, help="The same plan, the same bytes."
)
@click.option(
    "--start",
    type=DATE,
    default=DEFAULTS.start.isoformat(),
    show_default=True,
    metavar="DATE",
    help="First day.",
)
@click.option(
    "--cases-per-day",
    type=float,
    default=DEFAULTS.cases_per_day,
    show_default=True,
    help="Cases that begin a day, over all accounts; 0 for none.",
)
@click.option(
    "--typologies",
    type=Typologies(),
    default=",".join(Typology),
    metavar="CODES",
    help="Kinds of cases, evenly shared, separated by commas; all of them by default.",
)
@click.option("--out", type=FILE, metavar="FILE", help="A name ending in .jsonl or .jsonl.gz.")
@click.option("--topic", metavar="TOPIC", help="Send it to this topic instead, keyed by account.")
@configured
@as_json
def command(
    accounts: int,
    days: int,
    seed: int,
    start: datetime,
    cases_per_day: float,
    typologies: tuple[Typology, ...],
    out: Path | None,
    topic: str | None,
    settings: Settings,
    as_json: bool,
) -> None:
    """Make a labelled stream of our own: accounts with habits, and cases that are not too easy to find.

    One JSON object a line or record, in event-time order, into a file or a topic. Its mapping is
    configs/simulated.yaml; docs/simulator.md says what is in it and what is unrealistic about it. --config and --set
    say how to reach Kafka and are not needed for a file.
    """
    if (out is None) == (topic is None):
        raise click.UsageError("expected either --out FILE or --topic TOPIC: give one of them")
    plan = Plan(
        accounts=accounts,
        days=days,
        seed=seed,
        start=start.date(),
        cases_per_day=cases_per_day,
        typologies=typologies,
    )
    rows = _into_file(plan, out) if out is not None else _into_topic(plan, settings, str(topic))
    where = {"file": str(out)} if out is not None else {"topic": topic}
    if as_json:
        print_json({**where, "rows": rows, "accounts": accounts, "days": days, "seed": seed})
    else:
        say(f"{rows:,} transactions of {accounts:,} accounts on {days} days written to {out or topic}")


def _into_file(plan: Plan, out: Path) -> int:
    with progress(f"simulating {plan.accounts:,} accounts", total=plan.days, unit="days") as show:
        return write(plan, out, on_progress=lambda done, _: show(done))


def _into_topic(plan: Plan, settings: Settings, topic: str) -> int:
    rows = (Row(message.key, message.value, message.event_time_ms) for message in messages(plan))
    there = replace(settings, source=replace(settings.source, topic=topic))
    with progress(f"simulating into {topic}") as show:
        report = replay(
            there,
            rows,
            hold_back_lag=AS_FAR_AHEAD_AS_IT_GOES,
            on_progress=lambda told: show(told.records),
        )
    return report.records
