"""The gates count what they say, and a missed one is not hidden."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from gates import Gate, as_object, as_text
from identity import Comparison, compared
from prepared import Fitted, fitted, simulated_settings, stream
from ranking import Labelled, Run, accounts_found, by_the_protocol, mean
from slower_form import SlowerForm, Told

from fraudwatch.config.settings import Settings
from fraudwatch.simulate import Plan

PROGRAM = Path(__file__).with_name("run.py")
PLAN = Plan(accounts=40, days=60, seed=4, cases_per_day=1.0)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return simulated_settings({"alerts.alerts_per_day": "1"})


@pytest.fixture(scope="module")
def fit(settings: Settings) -> Fitted:
    return fitted(settings, stream(PLAN, 3_000))


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [(0.5, False, True), (1.0, True, True), (1.5, True, False), (None, False, False), (np.nan, False, False)],
)
def test_a_gate_is_reached_at_its_limit_and_never_without_a_value(
    value: float | None, least: bool, most: bool
) -> None:
    assert Gate("g", value, 1.0, True, "").is_reached is least
    assert Gate("g", value, 1.0, False, "").is_reached is most
    assert Gate("g", value, None, True, "").is_reached


def test_a_missed_gate_is_printed_as_missed() -> None:
    gates = [Gate("one", 0.2, 0.22, True, "a share"), Gate("two", 0, 0, False, "a count")]
    assert "reported" in as_text([Gate("three", 0.2, None, True, "")])
    assert "MISSED" in as_text(gates[:1])
    assert "MISSED" not in as_text(gates[1:])
    told = msgspec.json.decode(as_object(gates))
    assert {name: (of["value"], of["limit"], of["reached"]) for name, of in told.items()} == {
        "one": (0.2, 0.22, False),
        "two": (0, 0, True),
    }


def test_without_the_streams_the_command_says_what_is_missing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env=os.environ | {"FRAUDWATCH_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert not done.stdout
    assert "handbook.csv.gz" in done.stderr
    assert "FRAUDWATCH_DATA=" in done.stderr


def test_a_simulated_stream_has_no_difference(settings: Settings, fit: Fitted) -> None:
    comparison = Comparison()
    for comparison in compared(settings, fit, stream(PLAN, 3_000)):
        assert comparison.differing == 0, comparison
    assert comparison.scored > 2_500
    assert comparison.published > 0


def test_a_difference_of_each_kind_is_counted(
    settings: Settings, fit: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = SlowerForm.take
    worse: dict[str, Callable[[Told], object]] = {
        "outcome": lambda told: told.outcome.__setitem__(7, 4),
        "values": lambda told: told.values.__setitem__((900, 1), np.nextafter(told.values[900, 1], np.inf)),
        "score": lambda told: told.score.__setitem__(900, told.score[900] * (1 + 3e-9)),
        "decision": lambda told: told.decisions.pop(),
    }

    for name, change in worse.items():

        def changed(
            form: SlowerForm, records: list[object], change: Callable[[Told], object] = change
        ) -> Told:
            told = take(form, records)  # type: ignore[arg-type]
            if records[0].offset == 0:  # type: ignore[attr-defined]
                change(told)
            return told

        monkeypatch.setattr(SlowerForm, "take", changed)
        *_, comparison = compared(settings, fit, stream(PLAN, 3_000))
        assert comparison.differing == 1, name
        assert comparison.by[name] == 1


def of_three_accounts() -> Labelled:
    """Two days of accounts 0, 1 and 2; those of account 1 are cases, the second of another detail."""
    return Labelled(
        ids={str(place): place for place in range(6)},
        accounts=np.array([0, 1, 2, 0, 1, 2]),
        days=np.array([100, 100, 100, 101, 101, 101]),
        is_case=np.array([False, True, False, False, True, False]),
        details=[None, "1", None, None, "2", None],
    )


def test_an_account_is_found_on_a_day_of_a_case_among_the_highest_accounts_of_that_day() -> None:
    score = np.array([3.0, 2.0, 1.0, 1.0, np.nan, 9.0])
    run = Run(np.arange(6), score, (0, 0))
    assert accounts_found(of_three_accounts(), run, 1) == 0.0
    assert accounts_found(of_three_accounts(), run, 2) == 1.0
    assert accounts_found(of_three_accounts(), Run(np.arange(3, 6), score[3:], (0, 0)), 3) == 0.0
    assert accounts_found(of_three_accounts(), Run(np.array([0, 2]), score[:2], (0, 0)), 3) is None


def test_the_protocol_leaves_out_known_accounts_and_where_asked_one_kind_of_case() -> None:
    of, places = of_three_accounts(), np.arange(6)
    score = np.array([1.0, 9.0, 1.0, 8.0, 7.0, 1.0])
    assert by_the_protocol(of, Run(places, score, (0, 0))) == pytest.approx((1 + 2 / 3) / 2)
    assert by_the_protocol(of, Run(places, score, (0, 0)), "2") == 1.0
    assert by_the_protocol(of, Run(places, score, (100, 100))) is None


def test_a_mean_of_something_unknown_is_unknown() -> None:
    assert mean([0.2, 0.4]) == pytest.approx(0.3)
    assert mean([0.2, None]) is None
