"""A demo on a terminal: figures above, the newest alerts as sentences below."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from fraudwatch.alerts import Alert
from fraudwatch.demo.look import Look

FIGURE_LINES = 11
LINES_AN_ALERT = 3
REASONS = 2

STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan"}


class Screen:
    """Redraws itself with each look while it is entered. Call it from one thread."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __call__(self, look: Look) -> None:
        room = max(1, (self._console.height - FIGURE_LINES) // LINES_AN_ALERT)
        self._live.update(drawn(look, self._name, room), refresh=True)


def drawn(look: Look, name: str, most_alerts: int) -> RenderableType:
    """The whole screen, `FIGURE_LINES` and three lines an alert high."""
    alerts: list[RenderableType] = [_alert(alert) for alert in look.newest[:most_alerts]]
    waiting = Text("none yet: a score needs a model" if not look.seen.model_version else "none yet", "dim")
    return Group(
        Rule(Text(f"fraudwatch demo · {name}", "bold")),
        _figures(look),
        Rule(Text("newest alerts (evidence for a person, never a decision)")),
        *(alerts or [waiting]),
    )


def _figures(look: Look) -> Table:
    seen = look.seen
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    outcomes = (
        f"{seen.scored:,} scored · {seen.unscored:,} unscored · {seen.duplicates:,} duplicates · "
        f"{seen.late:,} late · {seen.dead_letters:,} dead letters"
    )
    grid.add_row("now", f"{look.stage}, {look.seconds:.0f} s · Ctrl-C ends it")
    grid.add_row("throughput", f"{look.records_per_second:,.0f} records a second · {seen.records:,} so far")
    grid.add_row("outcomes", outcomes)
    grid.add_row("lag", f"{seen.lag:,} records wait")
    grid.add_row("event time", _event_time(look.event_time_ms))
    grid.add_row("model", _model(look))
    grid.add_row("alerts", _budget(look))
    grid.add_row("metrics", f"{look.metrics}/metrics" if look.metrics else "…")
    return grid


def _model(look: Look) -> RenderableType:
    seen = look.seen
    if seen.model_version:
        return f"{seen.model_version} is in use"
    if seen.training_progress >= 1:
        return "being fitted in a child process"
    done = round(20 * seen.training_progress)
    return f"warming up {'█' * done}{'░' * (20 - done)} {seen.training_progress:.0%} of the training sample"


def _budget(look: Look) -> Text:
    counts = [(f"{count:,} {severity}", STYLES[severity]) for severity, count in look.seen.alerts.items()]
    text = Text(" · ").join(Text(words, style) for words, style in counts)
    if look.event_days > 0:
        a_day = sum(look.seen.alerts.values()) / look.event_days
        text.append(
            f" · {a_day:,.0f} an event day of {look.budget:g} budgeted, in {look.event_days:.1f} event days"
        )
    else:
        text.append(f" · the budget is {look.budget:g} an event day")
    return text


def _event_time(event_time_ms: int | None) -> str:
    if event_time_ms is None:
        return "…"
    return datetime.fromtimestamp(event_time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _alert(alert: Alert) -> Group:
    """Three lines: severity, rank and what happened, then the first reasons."""
    head = Text(f"{alert.severity.upper():<6} ", STYLES[alert.severity], no_wrap=True, overflow="ellipsis")
    lane = f"lane {alert.lane}  " if alert.lane else ""
    head.append(f"rank {alert.rank:4.1f}  {lane}", "dim")
    # The headline ends with the first reason, which has a line of its own here.
    head.append(alert.headline.en.partition("; ")[0], "default")
    return Group(head, *_reasons(alert))


def _reasons(alert: Alert) -> Iterable[Text]:
    said = [reason.sentence.en for reason in alert.reasons[:REASONS]]
    for sentence in [*said, *[""] * (REASONS - len(said))]:
        yield Text(f"       • {sentence}" if sentence else "", "dim", no_wrap=True, overflow="ellipsis")
