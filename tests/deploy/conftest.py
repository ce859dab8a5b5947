"""Where the deployment files are, and the tools that judge them.

Linter and schema checker come with the extra `test`. Prometheus comes from the PATH or from Debian's package,
fetched without installing it; systemd-analyze is there or not. What is missing skips its tests by name, and
fails them with FRAUDWATCH_REQUIRE_KAFKA=1, like the real broker.
"""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "prometheus" in getattr(item, "fixturenames", ()):
            item.add_marker("prometheus")


@pytest.fixture(scope="session")
def deploy() -> Path:
    return ROOT / "deploy"


@pytest.fixture(scope="session")
def operations() -> str:
    """The page for operators."""
    return (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def prometheus() -> Path:
    """The directory of `prometheus` and `promtool`."""
    done = run(ROOT / "deploy" / "prometheus" / "debian.sh", timeout=180)
    if done.returncode:
        _missing(f"no Prometheus: {done.stderr.strip()}")
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def promtool(prometheus: Path) -> Run:
    """Runs promtool with the given words."""
    return lambda *words: run(prometheus / "promtool", *words)


@pytest.fixture(scope="session")
def systemd_analyze() -> Run:
    """Runs systemd-analyze with the given words."""
    path = shutil.which("systemd-analyze")
    if path is None:
        _missing("no systemd-analyze on the PATH (Debian: systemd)")
        raise AssertionError
    version = int(run(path, "--version").stdout.split()[1].partition(".")[0])
    if version < 250:
        _missing(f"expected systemd-analyze 250 or later, which reads unit files offline; found {version}")
    return lambda *words: run(path, *words)


@pytest.fixture(scope="session")
def installed() -> Run:
    """Runs a program of the extra `test` with the given words."""
    scripts = Path(sysconfig.get_path("scripts"))
    return lambda program, *words: run(scripts / program, *words)


def run(program: str | Path, *words: str | Path, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    command = [str(program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


def _missing(reason: str) -> None:
    if os.environ.get("FRAUDWATCH_REQUIRE_KAFKA") == "1":
        pytest.fail(f"FRAUDWATCH_REQUIRE_KAFKA=1, and {reason}", pytrace=False)
    pytest.skip(reason)
