"""The image and the Compose file: judged by their own validators, and against what they refer to."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from fraudwatch.broker.admin import admin_client
from fraudwatch.cli.entry import main
from fraudwatch.config.loading import load
from fraudwatch.config.settings import Kafka, Settings
from fraudwatch.metrics import Metrics, serve

Run = Callable[..., subprocess.CompletedProcess[str]]
DEPLOY = Path(__file__).parents[2] / "deploy"
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
CONFIGURATION = "/etc/fraudwatch/fraudwatch.yaml"


def instruction(name: str) -> list[str]:
    """What follows each instruction of this name, continuation lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def environment() -> dict[str, str]:
    words = [word for line in instruction("ENV") for word in shlex.split(line)]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def check_command(words: list[str]) -> None:
    """Fails for a command line that fraudwatch does not have."""
    command = main.get_command(click.Context(main), words[0])
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words[1:] if word.startswith("-")} <= known


def test_hadolint_has_nothing_to_say_about_the_dockerfile(installed: Run):
    done = installed("hadolint", DEPLOY / "docker" / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_hadolint_would_say_something(installed: Run, tmp_path: Path):
    worse = tmp_path / "Dockerfile"
    worse.write_text(DOCKERFILE.replace("python:3.11.13-slim-bookworm", "python"))
    done = installed("hadolint", worse)
    assert done.returncode == 1
    assert "DL3006" in done.stdout


def test_the_image_is_built_in_stages_and_runs_as_a_numbered_user_other_than_root():
    bases = instruction("FROM")
    assert len(bases) == 2
    assert all(re.match(r"python:3\.11\.\d+-slim-\w+\b", base) for base in bases)
    user = DOCKERFILE.rpartition("\nUSER ")[2].split()[0]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    owner, group = user.split(":")
    assert f"--owner={owner} --group={group} {environment()['NUMBA_CACHE_DIR']}\n" in DOCKERFILE


def test_everything_the_build_copies_is_there_and_reaches_it():
    ignored = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    copied = [words.split() for words in instruction("COPY") if not words.startswith("--from")]
    for *sources, _ in copied:
        for source in sources:
            assert (DEPLOY.parent / source).exists()
            assert f"!{source}" in ignored


def test_the_variables_of_the_image_are_settings_that_the_worker_takes():
    settings = load(None, environment())
    assert (settings.metrics.host, settings.metrics.port) == ("0.0.0.0", Settings().metrics.port)
    assert instruction("EXPOSE") == [str(Settings().metrics.port)]


def test_the_command_of_the_image_is_one():
    assert json.loads(instruction("ENTRYPOINT")[0]) == ["fraudwatch"]
    check_command(json.loads(DOCKERFILE.rpartition("\nCMD ")[2]))


@pytest.mark.parametrize("is_live", [True, False])
def test_the_health_check_asks_whether_the_worker_is_live(is_live: bool):
    (check,) = instruction("HEALTHCHECK")
    _, *words = json.loads(check.partition("CMD ")[2])
    server = serve(Metrics(), "127.0.0.1", 0, live=lambda: (is_live, "so"), ready=lambda: (True, ""))
    try:
        variables = os.environ | {"FRAUDWATCH_METRICS__PORT": str(server.port)}
        done = subprocess.run([sys.executable, *words], env=variables, capture_output=True, check=False)
    finally:
        server.close()
    assert (done.returncode == 0) is is_live


def test_the_compose_file_fits_the_schema_of_the_compose_specification(installed: Run):
    done = installed("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")
    assert done.returncode == 0, done.stdout


def test_the_schema_would_refuse_a_misspelt_compose_file(installed: Run, tmp_path: Path):
    worse = tmp_path / "compose.yaml"
    worse.write_text((DEPLOY / "compose.yaml").read_text().replace("depends_on:", "depend_on:"))
    done = installed("check-jsonschema", "--builtin-schema", "vendor.compose-spec", worse)
    assert done.returncode == 1
    assert "depend_on" in done.stdout


def services() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from COMPOSE["services"].items()


def test_every_image_that_is_fetched_names_its_version():
    fetched = {service["image"] for _, service in services() if "build" not in service}
    assert all(re.search(r":v?\d+\.\d+\.\d+$", image) for image in fetched), fetched
    pom = (DEPLOY / "kafka" / "pom.xml").read_text()
    assert f"apache/kafka:{re.findall('<kafka.version>(.*)<', pom)[0]}" in fetched


def test_every_file_that_is_mounted_exists_and_every_volume_is_declared():
    for name, service in services():
        for volume in service.get("volumes", ()):
            source, target = volume.split(":")[:2]
            if source.startswith("."):
                assert (DEPLOY / source).is_file(), (name, source)
                assert Path(source).suffix == Path(target).suffix
            else:
                assert source == "/" or source in COMPOSE["volumes"], (name, source)


def test_services_wait_for_services_that_exist_and_can_say_that_they_are_there():
    for _, service in services():
        waits = service.get("depends_on", {})
        for other in waits:
            assert other in COMPOSE["services"]
            if isinstance(waits, dict) and waits[other]["condition"] == "service_healthy":
                assert COMPOSE["services"][other]["healthcheck"]["test"]


def test_no_port_is_open_to_the_network_and_no_secret_is_written_down():
    for _, service in services():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        for variable in service.get("environment", {}):
            assert not re.search("PASSWORD|SECRET|TOKEN", variable)


def test_the_containers_of_fraudwatch_have_no_right_they_do_not_need():
    for name in ("topics", "worker"):
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert "user" not in service  # the image's own


def test_the_containers_run_commands_that_exist_on_a_configuration_that_is_mounted():
    check_command(COMPOSE["services"]["topics"]["command"])
    assert "command" not in COMPOSE["services"]["worker"]  # the image's own
    for name in ("topics", "worker"):
        assert f"./docker/fraudwatch.yaml:{CONFIGURATION}:ro" in COMPOSE["services"][name]["volumes"]
    assert CONFIGURATION in COMPOSE["services"]["topics"]["command"]
    settings = load(DEPLOY / "docker" / "fraudwatch.yaml", {})
    inside = COMPOSE["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")[0]
    assert inside == f"INSIDE://{settings.kafka.bootstrap_servers}"


def test_a_container_is_given_the_time_the_worker_takes_to_end():
    grace = float(COMPOSE["services"]["worker"]["stop_grace_period"].removesuffix("s"))
    assert grace > Settings().stream.shutdown / 1000


def test_kafka_starts_with_the_properties_of_the_compose_file(
    kafka: str, free_port: Callable[[], int], tmp_path: Path
):
    inside, outside, controller = (free_port() for _ in range(3))
    given = COMPOSE["services"]["kafka"]["environment"]
    moved = {"19092": inside, "9092": outside, "9093": controller}
    properties = tmp_path / "broker.properties"
    with properties.open("w") as file:
        for name, value in (given | {"KAFKA_LOG_DIRS": str(tmp_path / "data")}).items():
            for port, free in moved.items():
                value = re.sub(rf":{port}\b", f":{free}", value)
            key = name.removeprefix("KAFKA_").lower().replace("_", ".")
            file.write(f"{key}={value.replace('kafka:', '127.0.0.1:')}\n")
    script = DEPLOY / "kafka" / "kafka.sh"
    variables = os.environ | {
        "KAFKA_PROPERTIES": str(properties),
        "KAFKA_PORT": str(outside),
        "KAFKA_CONTROLLER_PORT": str(controller),
    }
    try:
        for action in ("start", "wait"):
            done = subprocess.run(
                [script, action, tmp_path / "node"],
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        for port in (inside, outside):
            with admin_client(Kafka(bootstrap_servers=f"127.0.0.1:{port}")) as client:
                assert client.list_topics() == []
    finally:
        subprocess.run([script, "stop", tmp_path / "node"], check=True)
