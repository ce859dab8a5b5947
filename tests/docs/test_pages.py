"""Nothing that a page names may be missing: links, commands, settings, metrics, topics."""

import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from msgspec import inspect

from fraudwatch.cli import main
from fraudwatch.cli.pages import every_command
from fraudwatch.config import loading
from fraudwatch.config.settings import Settings
from fraudwatch.metrics import IntakeMetrics, Metrics

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
}
each_page = pytest.mark.parametrize("page", PAGES)

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
FILE_NAME = re.compile(r"\.(py|md|ya?ml|json|jsonl|sh|csv|gz|toml|txt|npz|xml|svg|service)$")
PREFIX = re.compile(r"[A-Z_]+=|sudo$")
SEPARATORS = {"|", "||", "&", "&&", ";", "(", ")"}
REDIRECTIONS = {">", ">>", "<", "2>"}


def blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks of these languages."""
    return [found[3] for found in FENCE.finditer(text) if found[2] in languages]


def spans(text: str) -> list[str]:
    """Everything in backticks outside fenced blocks."""
    return SPAN.findall(FENCE.sub("", text))


def slug(heading: str) -> str:
    """The anchor GitHub gives a heading."""
    text = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return text.replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)}


def broken_links(text: str, directory: Path) -> list[str]:
    broken = []
    for groups in LINK.findall(FENCE.sub("", text)):
        link = "".join(groups)
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = directory / name if name else None
        content = text if target is None else ""
        if target is not None and not target.exists():
            broken.append(link)
            continue
        if target is not None and target.suffix == ".md":
            content = target.read_text(encoding="utf-8")
        if anchor and anchor not in anchors(content):
            broken.append(link)
    return broken


def typed_commands(text: str) -> Iterator[list[str]]:
    """Every command of the shell blocks, as words, without what surrounds it in the shell."""
    for block in blocks(text, "console", "sh", "bash", "shell"):
        is_console = any(line.startswith("$ ") for line in block.splitlines())
        unfinished = ""
        for line in block.replace("\\\n", " ").splitlines():
            if is_console and not line.startswith("$ "):
                continue
            unfinished += line.removeprefix("$ ") + "\n"
            try:
                yield from split_shell(unfinished)
            except ValueError:  # a quote is open
                continue
            unfinished = ""
        assert not unfinished, f"a quote is left open: {unfinished}"


def split_shell(line: str) -> list[list[str]]:
    """The commands of a line; raises ValueError where a quote is open."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True  # else $VARIABLE and host:port would be several words
    commands: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if word in REDIRECTIONS:
            next(words)
        elif word in SEPARATORS:
            commands.append([])
        else:
            commands[-1].append(word)
    return [bare for command in commands if (bare := without_prefix(command))]


def without_prefix(words: list[str]) -> list[str]:
    """A command without `sudo` and variables set for it."""
    place = next((at for at, word in enumerate(words) if not PREFIX.match(word)), len(words))
    return words[place:]


def is_ours(words: list[str]) -> bool:
    return Path(words[0]).name == "fraudwatch"


def found_command(words: list[str]) -> tuple[click.Context, click.Command, list[str]]:
    """The command that the words after `fraudwatch` name, and what is left of them. Raises UsageError."""
    context, command, rest = click.Context(main, info_name="fraudwatch"), main, words
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            raise click.UsageError(f"no command {rest[0]}")
        context, command, rest = click.Context(found, context, rest[0]), found, rest[1:]
    return context, command, rest


def parsed(words: list[str]) -> dict[str, object]:
    """The values of a whole command line. Raises UsageError for what a person would be told."""
    context, command, rest = found_command(words)
    try:
        return command.make_context(context.info_name, rest, context.parent).params
    except click.exceptions.Exit:  # --help and --version
        return {}


def unknown_options(words: list[str]) -> list[str]:
    """Options of a command line, which may have placeholders and gaps, that its command does not have."""
    _, command, rest = found_command(words)
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return [
        word for word in rest if word.startswith("--") and word.partition("=")[0] not in known | {"--help"}
    ]


def setting_exists(key: str) -> bool:
    """Whether a dotted key leads to a setting, also below `sources.<name>` and the like."""
    info = inspect.type_info(Settings)
    for name in key.split("."):
        info = inside(info, name)
        if info is None:
            return False
    return True


def inside(info: inspect.Type, name: str) -> inspect.Type | None:
    match info:
        case inspect.Metadata(type=inner):
            return inside(inner, name)
        case inspect.StructType(fields=fields):
            return next((field.type for field in fields if field.name == name), None)
        case inspect.DictType(value_type=value):
            return value
        case inspect.VarTupleType(item_type=item):
            return item if name.isdigit() else None
        case inspect.UnionType(types=types):
            return next((found for one in types if (found := inside(one, name)) is not None), None)
    return None


def metric_names() -> set[str]:
    """Names as they are scraped and queried, histograms with their suffixes."""
    names = set()
    for family in [*Metrics().registry.collect(), *IntakeMetrics(["cards"]).registry.collect()]:
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count", ""]}.get(
            family.type, [""]
        )
        names |= {family.name + suffix for suffix in suffixes}
    return names


@each_page
def test_every_relative_link_resolves(page):
    assert set(broken_links(PAGES[page], (ROOT / page).parent)) == set()


@each_page
def test_every_command_line_would_be_taken(page, monkeypatch):
    monkeypatch.setenv("USER", "somebody")
    for words in typed_commands(PAGES[page]):
        if is_ours(words):
            overrides = parsed(words[1:]).get("overrides") or {}
            assert [key for key in overrides if not setting_exists(key)] == [], words


@each_page
def test_every_command_that_is_mentioned_exists_with_its_options(page):
    for span in spans(PAGES[page]):
        if span.startswith("fraudwatch "):
            assert unknown_options(shlex.split(span)[1:]) == [], span


@each_page
def test_every_make_target_exists(page):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    lines = [words for words in typed_commands(PAGES[page]) if words[0] == "make"]
    lines += [span.split() for span in spans(PAGES[page]) if span.startswith("make ")]
    assert [words for words in lines if len(words) > 1 and words[1] not in targets] == []


@each_page
def test_every_setting_that_is_mentioned_exists(page):
    sections = set(Settings.__struct_fields__)
    keys = [span.partition("=")[0] for span in spans(PAGES[page])]
    wrong = [
        key
        for key in keys
        if re.fullmatch(r"[a-z_]+(\.[a-z0-9_<>-]+)+", key)
        and key.partition(".")[0] in sections
        and not FILE_NAME.search(key)
        and not setting_exists(key)
        and not is_module(f"fraudwatch.{key}")
    ]
    assert wrong == []


@each_page
def test_every_variable_of_a_setting_names_one(page):
    names = set(re.findall(r"\bFRAUDWATCH_([A-Z]+(?:_[A-Z]+)*__[A-Z_]+)\b", PAGES[page]))
    assert [name for name in names if not setting_exists(name.lower().replace("__", "."))] == []


@each_page
def test_every_metric_that_is_mentioned_exists(page):
    mentioned = set(re.findall(r"(?<![\w.-])fraudwatch_[a-z0-9_]+\b", PAGES[page]))
    assert mentioned - metric_names() == set()


@each_page
def test_every_topic_that_is_named_exists(page):
    topics = {value for value in vars_of(Settings().topics) if isinstance(value, str)}
    named = {span for span in spans(PAGES[page]) if re.fullmatch(r"fraudwatch\.[a-z-]+", span)}
    wrong = [name for name in named - topics if not FILE_NAME.search(name) and not is_module(name)]
    assert wrong == []


@each_page
def test_every_configuration_that_is_shown_can_be_loaded(page, tmp_path):
    for block in blocks(PAGES[page], "yaml"):
        shown = yaml.safe_load(block)
        if isinstance(shown, dict) and set(shown) & set(Settings.__struct_fields__):
            (tmp_path / "shown.yaml").write_text(block)
            loading.load(tmp_path / "shown.yaml", {})


@pytest.mark.parametrize(
    "path", [context.command_path for context, _ in every_command()], ids=lambda path: path
)
def test_the_examples_of_every_help_text_would_be_taken(path, monkeypatch):
    monkeypatch.setenv("USER", "somebody")
    _, command, _ = found_command(path.split()[1:])
    lines = str(command.epilog).partition("Example:\n")[2].replace("\\\n", " ").splitlines()
    assert lines
    for line in lines:
        for words in split_shell(line):
            assert is_ours(words)
            parsed(words[1:])


def test_getting_started_shows_what_its_example_prints(tmp_path):
    page = PAGES["docs/getting-started.md"]
    (rows,), (config, _), (shown, *_) = blocks(page, "csv"), blocks(page, "yaml"), blocks(page, "text")
    (tmp_path / "payments.csv").write_text(rows)
    (tmp_path / "my.yaml").write_text(config)
    arguments = ["source", "try", str(tmp_path / "payments.csv"), "--config", str(tmp_path / "my.yaml")]
    assert CliRunner().invoke(main, arguments).stdout.strip() == shown.strip()


def is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def vars_of(section: object) -> list[object]:
    return [getattr(section, name) for name in section.__struct_fields__]


def test_the_pages_are_found():
    assert {"README.md", "docs/getting-started.md", "docs/commands.md", "docs/metrics.md"} <= set(PAGES)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](missing.md)", ["missing.md"]),
        ("[a](README.md#no-such-heading)", ["README.md#no-such-heading"]),
        ("[a](#here)\n", ["#here"]),
        ("## Here, *now*\n[a](#here-now) [b](https://example.org) [c](docs) ", []),
        ('<img src="docs/none.svg">', ["docs/none.svg"]),
        ("```text\n[a](missing.md)\n```\n", []),
    ],
)
def test_a_link_that_leads_nowhere_is_found(text, broken):
    assert broken_links(text, ROOT) == broken


@pytest.mark.parametrize(
    "line",
    [
        "fraudwatch wroker",
        "fraudwatch lag --topc x",
        "fraudwatch verdict id perhaps --note n",
        "fraudwatch dead-letters replay --limit many",
        "A=b .venv/bin/fraudwatch train file",
    ],
)
def test_a_command_line_that_would_not_be_taken_is_found(line):
    (words,) = typed_commands(f"```console\n$ {line} | jq .\n```\n".replace(" | jq .", ""))
    assert is_ours(words)
    with pytest.raises(click.UsageError):
        parsed(words[1:])


def test_commands_are_found_among_their_surroundings():
    text = """
```console
$ FRAUDWATCH_KAFKA__GROUP=g fraudwatch lag \\
    --json | jq .lag > lag.txt   # how far behind
some output: fraudwatch nonsense
```
"""
    assert list(typed_commands(text)) == [["fraudwatch", "lag", "--json"], ["jq", ".lag"]]


@pytest.mark.parametrize(
    ("key", "exists"),
    [
        ("alerts.alerts_per_day", True),
        ("sources.cards.mapping.amount.unit", True),
        ("source.mapping.<field>.path", True),
        ("source.csv.columns", True),
        ("currency", True),
        ("alerts.alerts_a_day", False),
        ("alert.explore", False),
        ("kafka.group.name", False),
    ],
)
def test_a_setting_that_does_not_exist_is_found(key, exists):
    assert setting_exists(key) is exists


def test_an_option_that_does_not_exist_is_found():
    assert unknown_options(shlex.split("alerts --follow --langg fr …")) == ["--langg"]
