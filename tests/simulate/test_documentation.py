"""docs/simulator.md names every setting of a plan, every typology and every lookalike, with its numbers."""

import re
from datetime import date
from pathlib import Path

import msgspec
import pytest

from fraudwatch.simulate import Plan, Typology
from fraudwatch.simulate.block import Kind
from fraudwatch.simulate.lookalikes import LOOKALIKES, SET_OFF

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")
NAMES = {Kind.PURCHASE: "planned purchase"}


def table_row(first_cell: str) -> str:
    found = re.search(rf"^\| [^|]*{re.escape(first_cell)}[^|]*\|.*$", PAGE, re.MULTILINE)
    assert found, f"docs/simulator.md has no table row for {first_cell}"
    return found.group()


def as_written(value: object) -> list[str]:
    if isinstance(value, tuple):
        return [f"`{each.value}`" for each in value]
    if isinstance(value, date):
        return [value.isoformat()]
    return [f"{value:,g}" if isinstance(value, int | float) else str(value)]


def name_of(kind: Kind) -> str:
    return NAMES.get(kind, kind.name.lower().replace("_", " "))


@pytest.mark.parametrize("field", msgspec.structs.fields(Plan), ids=lambda field: field.name)
def test_every_setting_of_a_plan_is_documented_with_its_default(field: msgspec.structs.FieldInfo) -> None:
    row = table_row(f"`{field.name}`")
    assert all(text in row for text in as_written(field.default))


@pytest.mark.parametrize("typology", list(Typology))
def test_every_typology_has_a_row_that_says_what_hides_and_what_is_unrealistic(typology: Typology) -> None:
    assert len([cell for cell in table_row(f"`{typology.value}` ").split("|") if cell.strip()]) == 4


@pytest.mark.parametrize("kind", list(LOOKALIKES))
def test_every_innocent_lookalike_is_documented_with_how_often(kind: Kind) -> None:
    assert f"| 1/{round(1 / LOOKALIKES[kind].often)} |" in table_row(name_of(kind))


@pytest.mark.parametrize("kind", list(SET_OFF))
def test_what_sets_off_the_others_is_documented(kind: Kind) -> None:
    table_row(name_of(kind))


@pytest.mark.parametrize("kind", [kind for kind in Kind if Kind.EVERYDAY < kind < Kind.PURCHASE])
def test_what_comes_by_itself_is_documented(kind: Kind) -> None:
    table_row(name_of(kind))


def test_the_difficulty_table_has_a_column_for_each_typology() -> None:
    header = table_row("score")
    assert [cell.strip() for cell in header.split("|")[5:-1]] == [typology.value for typology in Typology]
