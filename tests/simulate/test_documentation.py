"""docs/simulator.md names every setting of a plan, every typology and every lookalike, with its numbers."""

import re
from datetime import date
from pathlib import Path

import msgspec
import pytest

from fraudwatch.simulate import Plan, Typology
from fraudwatch.simulate.innocent import LOOKALIKES

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


def table_row(first_cell: str) -> str:
    found = re.search(rf"^\| [^|]*{re.escape(first_cell)}[^|]*\|.*$", PAGE, re.MULTILINE)
    assert found, f"docs/simulator.md has no table row for {first_cell}"
    return found.group()


def as_written(value: object) -> list[str]:
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, tuple):
        return [f"`{each.value}`" for each in value]
    if isinstance(value, date):
        return [value.isoformat()]
    return [f"{value:,g}" if isinstance(value, int | float) else str(value)]


@pytest.mark.parametrize("field", msgspec.structs.fields(Plan), ids=lambda field: field.name)
def test_every_setting_of_a_plan_is_documented_with_its_default(field: msgspec.structs.FieldInfo) -> None:
    row = table_row(f"`{field.name}`")
    assert all(text in row for text in as_written(field.default))


@pytest.mark.parametrize("typology", list(Typology))
def test_every_typology_has_a_row(typology: Typology) -> None:
    table_row(f"`{typology.value}` ")


@pytest.mark.parametrize(
    ("kind", "often"), [(kind.name, often) for kind, often, _ in LOOKALIKES], ids=lambda each: str(each)
)
def test_every_innocent_lookalike_is_documented_with_how_often(kind: str, often: float) -> None:
    name = {"PURCHASE": "planned purchase"}.get(kind, kind.lower().replace("_", " "))
    assert f"1/{round(1 / often)} " in table_row(name)
