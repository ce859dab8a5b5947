"""Each alert rule has its section in the runbook, each section its rule, and the links between them hold."""

import re
from pathlib import Path

import click
import yaml

from fraudwatch.cli.entry import main
from fraudwatch.config.settings import Section, Settings
from fraudwatch.metrics import IntakeMetrics, Metrics

ROOT = Path(__file__).parents[2]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"][0]["rules"]
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)


def runbook(operations: str) -> dict[str, str]:
    """The sections below `## Runbook`: heading → text."""
    _, _, text = operations.partition("\n## Runbook\n")
    text = re.split(r"^## ", text, flags=re.MULTILINE)[0]
    _, *parts = re.split(r"^### (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def anchor(heading: str) -> str:
    """What a heading is called in links, on the usual hosts of repositories."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_rule_has_its_section_in_the_order_of_the_rules(operations: str):
    assert list(runbook(operations)) == [rule["alert"] for rule in RULES]


def test_every_rule_links_to_its_section(operations: str):
    anchors = {anchor(heading) for _, heading in HEADING.findall(operations)}
    for rule in RULES:
        file, _, section = rule["annotations"]["runbook_url"].partition("#")
        assert ROOT / file == ROOT / "docs" / "operations.md"
        assert section in anchors
        assert section == anchor(rule["alert"])


def test_every_section_says_what_it_means_and_what_to_do(operations: str):
    for heading, text in runbook(operations).items():
        assert re.search(r"^\*\*Means\.\*\* ", text, re.MULTILINE), heading
        assert re.search(r"^\*\*Look\.\*\* ", text, re.MULTILINE), heading
        assert re.search(r"^\*\*Do\.\*\* ", text, re.MULTILINE), heading


def test_the_page_names_only_files_that_exist(operations: str):
    named = set(re.findall(r"\b(?:deploy|configs|docs)/[\w./-]*\w", operations))
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()
    for target in re.findall(r"\]\(([^)#]+)\)", operations):
        assert (ROOT / "docs" / target).exists(), target


def test_the_page_shows_only_commands_and_options_that_exist(operations: str):
    for line in re.findall(r"fraudwatch ([a-z-]+(?: [^\n`#|]*)?)", "\n".join(commands(operations))):
        name, *words = line.split()
        command = main.get_command(click.Context(main), name)
        assert command is not None, line
        if isinstance(command, click.Group):
            command = command.commands[words[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line


def commands(page: str) -> list[str]:
    """Code that is a command line: in blocks of the kind console, and inline."""
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    inline = re.findall(r"`((?:\S*/)?fraudwatch\s[^`]*)`", page)
    return [line for block in blocks for line in block.splitlines()] + [" ".join(c.split()) for c in inline]


def test_every_setting_the_page_names_exists(operations: str):
    settings = Settings()
    sections = {name for name in settings.__struct_fields__ if isinstance(getattr(settings, name), Section)}
    named = set(re.findall(rf"`((?:{'|'.join(sections)})\.\w+)`", operations))
    assert named
    for name in named:
        section, _, key = name.partition(".")
        assert hasattr(getattr(settings, section), key), name


def test_every_metric_the_page_names_exists(operations: str):
    families = [*Metrics().registry.collect(), *IntakeMetrics(["s"]).registry.collect()]
    known = {family.name for family in families} | {family.name + "_total" for family in families}
    named = set(re.findall(r"\bfraudwatch_\w+", operations))
    assert named
    assert named <= known
