"""The unit, judged by systemd itself, and against the program it starts."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from fraudwatch.cli.entry import main
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]
NAME = "fraudwatch-worker.service"
UNIT = (Path(__file__).parents[2] / "deploy" / "systemd" / NAME).read_text(encoding="utf-8")
MOST_EXPOSED = 1.5
"""Of 10, as `systemd-analyze security` counts; 1.2 when this was written. Above 2.5 would be too much."""
UNITS_OF_THE_SYSTEM = ("/usr/lib/systemd/system", "/lib/systemd/system")


def directive(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    assert isinstance(value, str)
    return value


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root directory of a machine on which the unit is installed as docs/operations.md says."""
    system = next(path for path in map(Path, UNITS_OF_THE_SYSTEM) if path.is_dir())
    shutil.copytree(system, tmp_path / "usr/lib/systemd/system", symlinks=True)
    program = tmp_path / shlex.split(directive("ExecStart"))[0].lstrip("/")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    install(tmp_path, UNIT)
    return tmp_path


def install(machine: Path, unit: str) -> None:
    place = machine / "etc/systemd/system" / NAME
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(unit)


def complaints(systemd_analyze: Run, machine: Path) -> str:
    done = systemd_analyze("verify", f"--root={machine}", NAME)
    return (done.stdout + done.stderr).strip() or ("" if done.returncode == 0 else f"code {done.returncode}")


def test_systemd_has_nothing_to_say_about_the_unit(systemd_analyze: Run, machine: Path):
    assert complaints(systemd_analyze, machine) == ""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("ProtectSystem=strict", "ProtectSytem=strict"), ("/opt/fraudwatch/bin", "/opt/other/bin")],
)
def test_systemd_would_say_something(systemd_analyze: Run, machine: Path, right: str, wrong: str):
    install(machine, UNIT.replace(right, wrong))
    assert complaints(systemd_analyze, machine) != ""


def test_the_drop_in_of_the_operators_page_is_one(systemd_analyze: Run, machine: Path, operations: str):
    (drop_in,) = re.findall(r"```ini\n(.*?)```", operations, re.DOTALL)
    place = machine / "etc/systemd/system" / f"{NAME}.d" / "password.conf"
    place.parent.mkdir()
    place.write_text(drop_in)
    assert complaints(systemd_analyze, machine) == ""
    place.write_text(drop_in.replace("LoadCredential", "LoadCredentials"))
    assert complaints(systemd_analyze, machine) != ""


def test_the_unit_of_intake_that_the_operators_page_makes_of_it_is_one(
    systemd_analyze: Run, machine: Path, operations: str
):
    (edit,) = re.findall(r"sed '([^']*)'", operations)
    done = subprocess.run(["sed", edit], input=UNIT, capture_output=True, text=True, check=True)
    assert " intake --set metrics.port=" in done.stdout
    assert "worker" not in done.stdout.partition("ExecStart")[2].partition("\n")[0]
    (machine / "etc/systemd/system" / NAME).unlink()
    other = machine / "etc/systemd/system" / "fraudwatch-intake.service"
    other.write_text(done.stdout)
    done = systemd_analyze("verify", f"--root={machine}", other.name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert directive("CacheDirectory") == "%N"  # two services with one cache would take it from each other


def exposure(systemd_analyze: Run, path: Path) -> float:
    said = systemd_analyze("security", "--offline=true", "--no-pager", path).stdout
    return float(re.findall(r"exposure level for \S+: ([\d.]+)", said)[0])


def test_the_service_is_exposed_to_little(systemd_analyze: Run, tmp_path: Path):
    unit = tmp_path / NAME
    unit.write_text(UNIT)
    assert exposure(systemd_analyze, unit) <= MOST_EXPOSED
    unit.write_text(re.sub("^(Protect|Restrict|SystemCall).*$", "", UNIT, flags=re.MULTILINE))
    assert exposure(systemd_analyze, unit) > MOST_EXPOSED


def test_memory_may_be_written_and_run_because_numba_compiles():
    assert directive("MemoryDenyWriteExecute") == "no"


def test_compiled_code_is_kept_where_the_service_may_write():
    assert f"NUMBA_CACHE_DIR=%C/{directive('CacheDirectory')}" in directive("Environment").split()


def test_fitting_may_make_itself_less_urgent(systemd_analyze: Run):
    """The child calls nice: filtered out, every fit would fail."""
    assert "setpriority" in systemd_analyze("syscall-filter", "@resources").stdout.split()
    assert "~@privileged\n" in UNIT
    assert not re.search("^SystemCallFilter=.*@resources", UNIT, re.MULTILINE)


def test_the_service_runs_a_command_that_exists():
    _, name, *words = shlex.split(directive("ExecStart"))
    command = main.get_command(click.Context(main), name)
    assert command is not None
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_the_service_is_given_the_time_the_worker_takes_to_end():
    assert Settings().stream.shutdown < Duration(1000 * int(directive("TimeoutStopSec").removesuffix("s")))
