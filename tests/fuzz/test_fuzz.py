"""200,000 inputs a run, and none of them an unhandled exception or a hang.

A failure names the input and the command that shows it again; the fixed one goes into corpus/TARGET as a seed.
Long runs: `make fuzz RUNS=1000000`.
"""

import importlib.util
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

FUZZ = Path(__file__).parent
SHARES: dict[str, int] = runpy.run_path(str(FUZZ / "shares.py"))["SHARES"]
PROMISED = 200_000


class Fuzzed(NamedTuple):
    """What one run of the runner printed."""

    code: int
    results: dict[str, dict[str, Any]]
    messages: str


def fuzz(*arguments: str, findings: Path) -> Fuzzed:
    command = [sys.executable, str(FUZZ / "run.py"), *arguments, "--findings", str(findings)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1_500)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return Fuzzed(done.returncode, {result["target"]: result for result in results}, done.stderr)


@pytest.fixture(scope="module")
def atheris() -> None:
    """Skips by name where atheris is not, and fails where the whole gate is asked for."""
    if importlib.util.find_spec("atheris") is not None:
        return
    reason = "atheris is not installed; it has wheels for Linux on x86-64 only"
    if os.environ.get("FRAUDWATCH_REQUIRE_KAFKA") == "1":
        pytest.fail(f"FRAUDWATCH_REQUIRE_KAFKA=1, and {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def gate(atheris: None, tmp_path_factory: pytest.TempPathFactory) -> Fuzzed:
    return fuzz("all", findings=tmp_path_factory.mktemp("findings"))


def test_the_shares_of_all_targets_are_what_is_promised() -> None:
    assert sum(SHARES.values()) >= PROMISED


@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("target", SHARES)
def test_every_input_is_handled(gate: Fuzzed, target: str) -> None:
    assert target in gate.results, gate.messages
    result = gate.results[target]
    assert result["found"] is None, gate.messages
    assert result["engine"] == "atheris"
    assert result["inputs"] >= SHARES[target]


@pytest.mark.timeout(600)
def test_what_once_failed_and_some_neighbours_are_handled_without_atheris(tmp_path: Path) -> None:
    done = fuzz("all", "--plain", "--runs", "100", findings=tmp_path)
    assert done.code == 0, done.messages
    assert done.results.keys() == SHARES.keys()
    assert all(result["inputs"] >= 100 for result in done.results.values())


@pytest.mark.parametrize(
    ("defect", "said"),
    [("exception", "DecodeError"), ("crash", "SIGSEGV"), ("hang", "more than 1 s on one input")],
)
@pytest.mark.parametrize("engine", [[], ["--plain"]], ids=["guided", "plain"])
def test_a_planted_defect_is_found_and_its_input_kept(
    engine: list[str], defect: str, said: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not engine:
        request.getfixturevalue("atheris")
    done = fuzz(f"planted_{defect}", "--runs", "5000", "--timeout", "1", *engine, findings=tmp_path)
    assert done.code == 1
    result = done.results[f"planted_{defect}"]
    assert said in result["found"]
    assert result["inputs"] < 5_000
    kept = Path(result["input"])
    assert kept.parent == tmp_path
    assert str(kept) in done.messages


def test_what_only_a_chain_of_rare_bytes_shows_is_found_by_coverage(atheris: None, tmp_path: Path) -> None:
    done = fuzz("planted_depth", "--runs", "2000000", findings=tmp_path)
    assert "the last of four doors" in done.results["planted_depth"]["found"]
    assert Path(done.results["planted_depth"]["input"]).read_bytes()[:4] == b"\x07\xe3\x11\x9c"


def test_an_input_that_was_kept_shows_the_defect_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(b"{")
    assert "JSONDecodeError" in fuzz("planted_exception", "--input", str(kept), findings=tmp_path).messages
    assert fuzz("planted_nothing", "--input", str(kept), findings=tmp_path).code == 0


def test_a_target_without_a_defect_takes_every_input(tmp_path: Path) -> None:
    done = fuzz("planted_nothing", "--plain", "--runs", "5000", findings=tmp_path)
    assert done.code == 0
    result = done.results["planted_nothing"]
    assert (result["engine"], result["inputs"], result["found"]) == ("mutation", 5_000, None)
