"""What every test may ask for: a real Kafka, an embedded one, names of its own, the labelled streams.

`kafka` is the address of one Apache Kafka node for the whole run: deploy/kafka/kafka.sh starts it on a free
port in a temporary directory. A test that asks for it carries the marker `kafka` by itself; where the node
cannot be had it is skipped, by name and with the reason; with FRAUDWATCH_REQUIRE_KAFKA=1 it fails instead.
"""

import os
import random
import re
import shutil
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

KAFKA_SH = Path(__file__).parents[1] / "deploy" / "kafka" / "kafka.sh"
MARKER_OF_FIXTURE = {"kafka": "kafka", "java_and_jars": "kafka", "labelled": "data"}


# No test is judged by its time, and the first call of a kernel compiles it.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_configure(config: pytest.Config) -> None:
    # A skip that does not name its test hides how much was not run.
    config.option.fold_skipped = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture, marker in MARKER_OF_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)


@pytest.fixture(scope="session")
def java_and_jars() -> None:
    """What a test needs that starts a node of its own."""
    _require_java_and_jars()


@pytest.fixture(scope="session")
def kafka(java_and_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a real broker."""
    directory = tmp_path_factory.mktemp("kafka")
    environment = os.environ | {
        "KAFKA_PORT": str(_free_port()),
        "KAFKA_CONTROLLER_PORT": str(_free_port()),
    }
    try:
        address = _kafka_sh("start", directory, environment=environment).stdout.strip()
        _kafka_sh("wait", directory)
        yield address
    finally:
        _kafka_sh("stop", directory)


def _require_java_and_jars() -> None:
    """Skip, or with FRAUDWATCH_REQUIRE_KAFKA=1 fail, where the real broker cannot be had."""
    reason = _missing_for_kafka()
    if reason is None:
        return
    if os.environ.get("FRAUDWATCH_REQUIRE_KAFKA") == "1":
        pytest.fail(f"FRAUDWATCH_REQUIRE_KAFKA=1, and {reason}", pytrace=False)
    pytest.skip(reason)


def _missing_for_kafka() -> str | None:
    if shutil.which("java") is None:
        return "no real Kafka: Java 17 or later is not on the PATH"
    version = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    major = re.search(r'version "(\d+)', version)
    if major is None or int(major.group(1)) < 17:
        return f"no real Kafka: expected Java 17 or later, found {version.partition(chr(10))[0] or 'none'}"
    try:
        _kafka_sh("fetch")
    except AssertionError as error:
        return f"no real Kafka: {error}"
    return None


def _kafka_sh(
    action: str, *directory: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(KAFKA_SH), action, *map(str, directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr.strip()
    return done


def _free_port() -> int:
    """Taken by nobody a moment ago, and none that the system would give to a connection on its way out meanwhile."""
    for port in random.SystemRandom().sample(range(10_000, 32_768), 1_000):
        with socket.socket() as holder:
            try:
                holder.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("expected a free port, found none")


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A port that was free a moment ago."""
    return _free_port


@pytest.fixture
def unique_name() -> Callable[[str], str]:
    """Names for topics and groups that no other test uses: `unique_name("review")`."""
    return lambda prefix: f"{prefix}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def labelled() -> Callable[[str], Path]:
    """A labelled stream of the directory that FRAUDWATCH_DATA names: `labelled("handbook.csv.gz")`."""
    return _labelled_stream


def _labelled_stream(name: str) -> Path:
    directory = os.environ.get("FRAUDWATCH_DATA")
    if directory is None:
        pytest.skip(f"FRAUDWATCH_DATA does not name the directory of {name}")
    path = Path(directory) / name
    if not path.is_file():
        pytest.skip(f"{path} does not exist")
    return path
