"""Every promise names the tests that show it, and each of them exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def promises(page: str) -> dict[str, str]:
    """The text under each promise, by its heading."""
    promised = page.partition("## What is promised\n")[2].partition("\n## ")[0]
    return {part.partition("\n")[0]: part for part in promised.split("\n### ")[1:]}


def named_tests(text: str) -> list[tuple[str, str]]:
    """File and function of each test that is named; no function where the whole file is."""
    return NAMED.findall(text)


def exists(file: str, function: str) -> bool:
    path = ROOT / file
    if not path.is_file():
        return False
    names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    return not function or function in names


@pytest.mark.parametrize("promise", promises(PAGE))
def test_every_promise_names_a_test(promise: str) -> None:
    assert named_tests(promises(PAGE)[promise])


def test_every_test_that_is_named_exists() -> None:
    assert [named for named in named_tests(PAGE) if not exists(*named)] == []


def test_what_is_not_promised_is_said_too() -> None:
    assert len(promises(PAGE)) >= 5
    assert PAGE.partition("## What is not promised\n")[2].count("\n- **") >= 5


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("`tests/docs/test_guarantees.py::test_every_promise_names_a_test`", True),
        ("`tests/docs/test_guarantees.py`", True),
        ("`tests/docs/test_guarantees.py::test_nothing`", False),
        ("`tests/docs/test_nothing.py`", False),
    ],
)
def test_a_test_that_does_not_exist_is_found(text: str, is_there: bool) -> None:
    (named,) = named_tests(text)
    assert exists(*named) is is_there
