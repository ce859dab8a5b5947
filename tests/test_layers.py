"""Imports point inwards only, siblings do not import one another, third parties stay behind their fence (DESIGN §6)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "fraudwatch"

# From the outside in. `errors` lies below its two neighbours of DESIGN §6, which raise what it defines.
LAYERS = [
    {"__main__"},
    {"cli"},
    {"demo"},
    {"explain"},
    {"stream", "console", "backtest", "simulate", "broker"},
    {"pipeline"},
    {"decode", "features", "detection", "alerts", "snapshots"},
    {"records"},
    {"config", "metrics"},
    {"errors", "compiled", "mixing"},
    {"__init__"},
]
DEPTH = {name: depth for depth, layer in enumerate(LAYERS) for name in layer}

FENCES = {
    "kafka": {"broker"},
    "confluent_kafka": {"broker"},
    "faust": {"stream"},
    "mode": {"stream"},
    "aiokafka": {"stream"},
    "pyod": {"detection"},
    "sklearn": {"detection"},
    "numba": {"compiled"},
    "llvmlite": {"compiled"},
    "prometheus_client": {"metrics"},
    "yaml": {"config"},
    "click": {"cli"},
    "cramjam": {"snapshots"},
    "rich": {"cli", "demo"},
}

MEANINGLESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "shared", "base"}


def violations(package: Path) -> Iterator[str]:
    """What is wrong in a tree of sources, one sentence each."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield from (
            f"{path.name}: {part} says nothing of what is in it" for part in parts if part in MEANINGLESS
        )
        home = parts[0]
        if home not in DEPTH:
            yield f"{home} is in no layer"
            continue
        for line, name in imported(path, parts):
            top, _, rest = name.partition(".")
            if top == package.name:
                target = rest.partition(".")[0]
                is_inward = DEPTH[home] < DEPTH.get(target, -1)
                if not (is_inward or target in ("", home) or target.startswith("__")):
                    yield f"{'/'.join(parts)}.py:{line}: {home} may not import {target}"
            elif home not in FENCES.get(top, {home}):
                yield f"{'/'.join(parts)}.py:{line}: {home} may not import {top}"


def imported(path: Path, parts: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of every import, wherever in the file it stands."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = [PACKAGE.name, *parts][: -node.level] if node.level else []
            module = ".".join([*here, *([node.module] if node.module else [])])
            if module == PACKAGE.name:
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def test_the_package_keeps_its_layers_and_fences():
    assert list(violations(PACKAGE)) == []


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("records.py", "from fraudwatch.pipeline import Pipeline", "records may not import pipeline"),
        ("decode/money.py", "from fraudwatch import cli", "decode may not import cli"),
        ("features/a.py", "import fraudwatch.alerts.edge as e", "features may not import alerts"),
        ("features/a.py", "from ..detection import fit", "features may not import detection"),
        (
            "broker/a.py",
            "def f():\n    from fraudwatch.stream import x",
            "broker/a.py:2: broker may not import stream",
        ),
        ("config/a.py", "from fraudwatch.metrics import Metrics", "config may not import metrics"),
        ("pipeline/a.py", "if 1:\n  import faust.types", "pipeline may not import faust"),
        ("stream/a.py", "from kafka import KafkaConsumer", "stream may not import kafka"),
        ("alerts/a.py", "import numba", "alerts may not import numba"),
        ("features/a.py", "from cramjam import zstd", "features may not import cramjam"),
        ("snapshots/a.py", "import fraudwatch.features", "snapshots may not import features"),
        ("stream/a.py", "import prometheus_client", "stream may not import prometheus_client"),
        ("broker/utils.py", "", "utils says nothing"),
        ("helpers/a.py", "", "helpers is in no layer"),
        ("errors.py", "from fraudwatch.config import loading", "errors may not import config"),
        ("backtest/a.py", "from fraudwatch.explain import explained", "backtest may not import explain"),
        ("__init__.py", "from fraudwatch.errors import FraudwatchError", "__init__ may not import errors"),
    ],
)
def test_a_wrong_import_or_name_is_caught(tmp_path, file, source, expected):
    assert expected in "\n".join(violations(tree(tmp_path, file, source)))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "cli/a.py",
            "import click, rich\nfrom fraudwatch.records import Record\nfrom fraudwatch import __version__",
        ),
        ("stream/a.py", "import faust\nfrom fraudwatch.decode.letters import headers\nfrom . import b"),
        ("detection/a.py", "def f():\n    import pyod\n    from fraudwatch.compiled import compiled"),
        (
            "config/a.py",
            "from fraudwatch.errors import ConfigurationError\nfrom fraudwatch.config.b import c",
        ),
    ],
)
def test_a_right_import_is_left_alone(tmp_path, file, source):
    assert list(violations(tree(tmp_path, file, source))) == []


def tree(directory: Path, file: str, source: str) -> Path:
    path = directory / PACKAGE.name / file
    path.parent.mkdir(parents=True)
    path.write_text(source)
    return directory / PACKAGE.name
