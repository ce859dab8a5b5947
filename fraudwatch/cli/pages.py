"""`fraudwatch docs`: the pages of docs/ that are made from what they describe, so that none can go stale.

`make docs` runs it, and tests/docs compares. Hidden: it writes our documentation and is of no use to anybody else.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import click
import msgspec

from fraudwatch.cli.entry import COMMANDS, main
from fraudwatch.cli.features import whole_catalogue, window
from fraudwatch.cli.options import FILE, example
from fraudwatch.cli.output import say, written
from fraudwatch.config.reference import Setting, table
from fraudwatch.config.settings import Settings
from fraudwatch.features import LANES, MORE_LANES
from fraudwatch.records import FeatureSpec, LaneSpec, Role, Side, Theme

COSTS = Path(__file__).with_name("feature_costs.json")

WIDTH = 110
"""Columns of a help text, whatever terminal the page is made on."""

MADE_BY = "<!-- Written by `make docs`; change what it describes, not this page. -->"

CONFIGURATION = """\
# Configuration

One YAML file with the settings that differ from their defaults; [configs/default.yaml](../configs/default.yaml) has
all of them. What is set later wins:

1. the defaults;
2. the file (`--config FILE`);
3. environment variables, such as `FRAUDWATCH_KAFKA__GROUP` for `kafka.group`: the key in capitals, with two
   underscores for each dot;
4. `--set KEY=VALUE` on the command line, which may be repeated.

`fraudwatch config check --config FILE` says whether it can be used, with every mistake at once: its line, the key,
what was expected, what was found, and the nearest right spelling. `fraudwatch config show` prints what is in effect,
secrets hidden, and `fraudwatch config schema` the JSON Schema for an editor.

A duration is a whole number and a unit: `200ms`, `90s`, `15m`, `1h`, `30d`. How sources are mapped has a page of
its own, [sources](sources.md); how the connection is protected too, [security](security.md).
"""

FEATURES = """\
# Features

What is computed of every transaction, from its account's history up to it. These are the features of the default
configuration; `fraudwatch features --config FILE` lists those of yours, and those that its source cannot feed: a
feature is off when a canonical field it needs is not mapped.

- The *theme* groups features; an alert of the highest severity needs reasons of two themes.
- The *side* says which values alarm: large ones (`high`), small ones (`low`), or rare ones (`rare`).
- The *role* says what the feature is to the score. An `anchor` is evidence by itself. A `context` earns its weight
  from how often it goes together with extreme anchors in the training sample. A `descriptive` feature is computed
  and shown, and weighs nothing.
- The *window* slides on event time, up to the judged transaction; the feature says whether that is inside.

A sentence is what an alert says, with the value beside the usual one; what stands in square brackets is left out
where the usual value is not known. Each comes with an explanation that would be innocent.

Beside the score, which amounts lead, there are [lanes](#lanes-of-the-typology-queue): one for each kind of fraud that
amounts do not show.

## What finds which typology

| typology | | what raises it | on |
|---|---|---|---|
| AMT | amount far out of the account's habit | the amount queue ([`amount_ratio`](#amount_ratio)) | always |
| VEL | burst of spending | lane [`burst`](#burst) | always |
| FRAC | structuring under a threshold | lane [`structuring`](#structuring) | when asked for |
| PASS | pass-through account | lane [`pass_through`](#pass_through) | always |
| MULE | young account, money from strangers, out within hours | lane [`young_mule`](#young_mule) | when asked for |
| FANIN | collection | lane [`fan_in`](#fan_in) | when asked for |
| FANOUT | dispersal | lane [`fan_out`](#fan_out) | always |
| DORM | dormant account wakes | lane [`dormant`](#dormant) | always |
| ROUND | round amounts | lane [`round_amounts`](#round_amounts) | when asked for |
| CTEST | card testing | lane [`testing`](#testing) | always |
| ATO | take-over | lane [`take_over`](#take_over) | always |
| GEO | impossible travel | lane [`impossible_travel`](#impossible_travel) | when asked for |
| NIGHT | unusual hours | lane [`unusual_hours`](#unusual_hours) | when asked for |
| RAMP | slow ramp | lane [`slow_ramp`](#slow_ramp) | always |
| CPTY | counterparty with confirmed cases | nothing: verdicts are kept, and no score reads them | – |

For each row but the last two `tests/pipeline/test_typologies.py` injects the typology into a quiet account of a
simulated stream and wants it to be the first reason of an alert; `tests/pipeline/test_lanes.py` has RAMP. When asked
for means `features.more_lanes`: [what that finds, and what it takes from the others](measurements.md#the-catalogue).

## Cold start

- **The population is the prior.** A model's artefact has, of its training sample, the mean and variance of amounts,
  transactions a day, the share of new counterparties, and the shares of hours and weekdays.
- **Of an amount the cohort says more.** A cohort are the transactions with the same direction, channel and category, as
  far as a source has them. The artefact has the mean amounts of the 64 commonest, each beside 50 transactions of the
  population; where the cohort is rarer or the fields are missing, the population's holds. With an account's own amounts
  the cohort gives way to the population to the share in which both give way to the account (a half after three, a
  tenth after thirty): an account with a habit is not excused by a category that thieves like. What is usual of 24 h,
  of pace and of hours is the population's alone, for that is of all kinds of transactions together. As long as an
  account has fewer than three amounts of its own, a sentence about an amount says so.
- **It is shrunk into the account's own.** An account's mean amount, its variance and its pace count beside three
  transactions of the population, its hours and weekdays beside ten: after three payments what is usual is half its own,
  after thirty nine tenths.
- **To be new is no reason.** No feature is how old an account is; the counterparty of its first transaction is not
  called new. It is scored from `features.young_account` earlier transactions on, and before that is `unscored`. A lane
  that needs a habit is silent until there is one. Only `young_mule`, if it is asked for, makes youth a part of a
  reason, beside money that came and went; in the first weeks of a log every account is young to it.
- **A clean training window is not blind.** A context's lift is learned from what goes together with extreme amounts,
  beside structural defaults that count as 200 transactions: where there was no case these stand, and what comes
  after the window teaches on: lifts are fed every `training.lifts_every`, what they are learned from halving in weight
  with each `training.lifts_half_life`.

`tests/pipeline/test_cold_start.py`, `tests/detection/test_clean_window.py` and `tests/detection/test_lift_tables.py`
show each of these.

## Adding one

A feature is an entry in the file of its theme (as `distance` in `fraudwatch/features/places.py`): name, code, theme,
side, role, unit, sentences, innocent explanation, definition, and what a person is shown; its value is a line in
`fraudwatch/features/values.py`, and its test one in `tests/features/test_catalogue.py`.

A lane is a file, two lines that name it, and a case of its test. `fan_in`, for instance:

1. `fraudwatch/features/kernels/lanes/fan_in.py`: what it says of itself (`SPEC`) and its `composite`.
2. In `more.py` beside it `fan_in.SPEC` in `MORE_LANES`, and `composites[FIRST + 2] = fan_in.composite(state, event)`;
   its name in `features.more_lanes` (`fraudwatch/config/settings.py`).
3. `"FANIN": Row(fan_in)` in `tests/pipeline/test_typologies.py`, and its definition told slowly in
   `tests/features/more_lanes_oracle.py`.

Then `make docs`. What it costs is the answer to `make bench ONLY=catalogue` (with `JSON=1` its `catalogue` goes into
`fraudwatch/cli/feature_costs.json`): µs a transaction beyond the history that all share, in one thread with everything
in the caches. It is in the tables below; a lane costs that only where its table is told, a descriptive feature only
where an alert is explained.

## All features
"""

LANES_SECTION = """\

## Lanes of the typology queue

A lane looks for one kind of fraud. Its *composite* is one number of an account's history, the larger the more that
looks like it, and the *lane surprise* is −log₁₀ of the share of account-days, in the training sample, whose largest
composite is as large. A lane is on where the source has the fields it needs. A late transaction is not judged by lanes;
it counts in what they say of the next one. A kind of fraud without a lane that is on is not found by the others: what
is not in this table, and does not show in amounts, goes unseen.

The first seven are the usual ones. The others are off until `features.more_lanes` names them: each takes a share
of the typology queue's alerts from those that are on ([what it has
earned](architecture.md#lanes-typologies-that-amounts-do-not-show)), and they cost time on every transaction. Switched
on, they are judged by the first model that was fitted with them, and the log is folded anew, once.
"""

COMMANDS_PAGE = """\
# Commands

The help text of every command. Data goes to standard output, messages and progress to standard error. A command ends
with 0 when all is well, with 1 when a person has to change something (one message says what), and with 2 when it was
typed wrongly.
"""


@click.command("docs", hidden=True, epilog=example("fraudwatch docs docs"))
@click.argument("directory", type=FILE)
def command(directory: Path) -> None:
    """Write the generated pages of the documentation into a directory."""
    for name, text in pages().items():
        with written(directory / name):
            (directory / name).write_text(text, encoding="utf-8")
        say(f"{directory / name} written")


def pages() -> dict[str, str]:
    """Every generated page by its file name; the same code gives the same text."""
    return {
        "commands.md": _page(COMMANDS_PAGE, _commands()),
        "configuration.md": _page(CONFIGURATION, _settings()),
        "features.md": _page(FEATURES, _features()),
    }


def every_command(
    group: click.Group = main, parent: click.Context | None = None
) -> Iterator[tuple[click.Context, click.Command]]:
    """Every command that is not hidden, after the group it belongs to, each with the context it runs in."""
    context = _context(group, parent, group.name if parent else "fraudwatch")
    yield context, group
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from every_command(found, context)
        elif found is not None:
            yield _context(found, context, name), found


def _context(command: click.Command, parent: click.Context | None, name: str | None) -> click.Context:
    return click.Context(command, parent, name, terminal_width=WIDTH, **command.context_settings)


def _page(intro: str, lines: Iterator[str]) -> str:
    title, _, rest = intro.partition("\n")
    return "\n".join([title, "", MADE_BY, rest, *lines]) + "\n"


def _commands() -> Iterator[str]:
    yield "| command | |"
    yield "|---|---|"
    for name, sentence in COMMANDS.items():
        yield f"| [`fraudwatch {name}`](#fraudwatch-{name}) | {sentence} |"
    for context, found in every_command():
        yield from ("", f"## {context.command_path}", "", "```text")
        yield from (line.rstrip() for line in found.get_help(context).strip().splitlines())
        yield "```"


def _settings() -> Iterator[str]:
    for section, settings in groupby(table(), lambda setting: setting.key.rpartition(".")[0].split(".")[0]):
        described = getattr(Settings(), section).__doc__ if section else "Not in any section."
        yield from (f"## {section or 'Top level'}", "", f"{described}", "")
        yield from ("| setting | default | what it says | a value is |", "|---|---|---|---|")
        yield from (_setting(setting) for setting in settings)
        yield ""


def _setting(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else "must be given"
    return f"| `{setting.key}` | {default} | {_cell(setting.sentence)} | {_cell(setting.type)} |"


def _features() -> Iterator[str]:
    specs = whole_catalogue(Settings())
    yield from _counts(specs)
    for theme in Theme:
        of_theme = [spec for spec in specs if spec.theme is theme]
        if of_theme:
            yield from ("", f"## Theme: {theme.value.replace('_', ' ')}")
        for spec in of_theme:
            yield from _feature(spec)
    yield from LANES_SECTION.splitlines()
    costs = _costs()
    yield from ("", "| lane | code | theme | needs | on | µs |", "|---|---|---|---|---|---|")
    for lane in (*LANES, *MORE_LANES):
        is_on = "always" if lane in LANES else "`features.more_lanes`"
        facts = [lane.code, lane.theme.value, _needs(lane), is_on, f"{costs[lane.name]:.3f}"]
        yield f"| [`{lane.name}`](#{_anchor(lane)}) | {' | '.join(facts)} |"
    for lane in (*LANES, *MORE_LANES):
        yield from ("", f"### {lane.name}", "", _cell(lane.doc), "")
        yield from _words(lane)


def _counts(specs: tuple[FeatureSpec, ...]) -> Iterator[str]:
    """One table of all of them, to be found by their codes."""
    costs = _costs()
    yield from (
        "| feature | code | theme | side | role | window | needs | µs |",
        "|---|---|---|---|---|---|---|---|",
    )
    for spec in specs:
        facts = [spec.theme.value, spec.side.value, spec.role.value, window(spec) or "–", _needs(spec)]
        facts.append(f"{costs[spec.name]:.3f}")
        yield f"| [`{spec.name}`](#{_anchor(spec)}) | {spec.code} | {' | '.join(facts)} |"


def _costs() -> dict[str, float]:
    """µs a transaction of each feature and each lane: what `make bench ONLY=catalogue` measured."""
    return msgspec.json.decode(COSTS.read_bytes(), type=dict[str, float])


def _feature(spec: FeatureSpec) -> Iterator[str]:
    yield from ("", f"### {spec.name}", "", _cell(spec.doc), "")
    sides = {Side.HIGH: "large values alarm", Side.LOW: "small values alarm", Side.RARE: "rare values alarm"}
    roles = {Role.ANCHOR: "an anchor", Role.CONTEXT: "a context", Role.DESCRIPTIVE: "descriptive"}
    yield f"- Code `{spec.code}`; {sides[spec.side]}; {roles[spec.role]}; unit `{spec.unit}`."
    if spec.window_ms is not None:
        yield f"- Window: {window(spec)}."
    if spec.fields:
        yield f"- Needs {_needs(spec)}."
    yield from _words(spec)


def _words(spec: FeatureSpec | LaneSpec) -> Iterator[str]:
    yield f"- Says: “{_cell(spec.sentence.en)}” / « {_cell(spec.sentence.fr)} »"
    if isinstance(spec, FeatureSpec) and (young := spec.young_sentence):
        yield f"- Says of a young account: “{_cell(young.en)}” / « {_cell(young.fr)} »"
    yield f"- May be innocent: “{_cell(spec.innocent.en)}” / « {_cell(spec.innocent.fr)} »"


def _anchor(spec: FeatureSpec | LaneSpec) -> str:
    return spec.name.lower()


def _needs(spec: FeatureSpec | LaneSpec) -> str:
    return ", ".join(f"`{field}`" for field in spec.fields) or "–"


def _cell(text: str) -> str:
    """Text that breaks neither a table nor a line."""
    return " ".join(text.split()).replace("|", "\\|")
