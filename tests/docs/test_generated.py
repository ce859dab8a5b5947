"""The pages that are made from the code are the ones the code makes."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fraudwatch.cli import main
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.features import whole_catalogue
from fraudwatch.cli.pages import every_command, pages
from fraudwatch.config.reference import table
from fraudwatch.config.settings import Settings
from fraudwatch.features import LANES

ROOT = Path(__file__).parents[2]
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_makes(name):
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == PAGES[name], f"docs/{name} is stale: run `make docs`"


def test_the_same_code_makes_the_same_pages():
    assert pages() == PAGES


def test_the_commands_page_has_the_help_of_every_command():
    paths = [context.command_path for context, _ in every_command()]
    assert len(paths) == len(set(paths))
    assert {path.split()[1] for path in paths if " " in path} == set(COMMANDS)
    assert "fraudwatch dead-letters replay" in paths
    for context, command in every_command():
        section = PAGES["commands.md"].partition(f"\n## {context.command_path}\n")[2].partition("\n## ")[0]
        assert f"Usage: {context.command_path} " in section
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else []:
                assert option in section


def test_the_configuration_page_has_every_setting_with_its_default():
    for setting in table():
        assert f"| `{setting.key}` | " in PAGES["configuration.md"]
    assert "| `alerts.alerts_per_day` | `40.0` | Alerts a day" in PAGES["configuration.md"]


def test_the_features_page_has_every_feature_with_all_it_says():
    page = PAGES["features.md"]
    for spec in whole_catalogue(Settings()):
        section = page.partition(f"\n### {spec.name}\n")[2].partition("\n### ")[0]
        said = [spec.code, spec.unit.value, spec.doc, *spec.fields]
        said += [spec.sentence.en, spec.sentence.fr, spec.innocent.en, spec.innocent.fr]
        if spec.young_sentence is not None:
            said += [spec.young_sentence.en, spec.young_sentence.fr]
        for text in said:
            assert " ".join(text.split()) in section, spec.name
        row = page.partition(f"| [`{spec.name}`]")[2].partition("\n")[0]
        assert f"| {spec.theme.value} | {spec.side.value} | {spec.role.value} |" in row


def test_the_features_page_has_every_lane_with_all_it_says():
    page = PAGES["features.md"]
    for lane in LANES:
        section = page.partition(f"\n### {lane.name}\n")[2].partition("\n### ")[0]
        for text in (lane.doc, lane.sentence.en, lane.sentence.fr, lane.innocent.en, lane.innocent.fr):
            assert " ".join(text.split()) in section, lane.name
        row = page.partition(f"| [`{lane.name}`](#{lane.name}) ")[2].partition("\n")[0]
        assert [lane.code in row, *(field in row for field in lane.fields)] == [True] * (1 + len(lane.fields))


def test_the_command_that_writes_them_is_not_listed_and_writes_all_of_them(run_docs, tmp_path):
    assert "docs" not in main.list_commands(click.Context(main))
    assert run_docs(tmp_path).exit_code == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == PAGES
    assert "Name a place" in run_docs(tmp_path / "missing").stderr


@pytest.fixture
def run_docs():
    return lambda directory: CliRunner().invoke(main, ["docs", str(directory)])
