"""The object and the table of several rounds."""

import json
from collections import Counter

import pytest
from rounds import Round, line
from schedule import Kind
from summary import as_json, as_text
from verifier import Verdict


@pytest.fixture
def rounds() -> list[Round]:
    well, badly = Verdict(0, 0, 0, 4, []), Verdict(1, 2, 3, 5, ["1 records are gone"])
    faults = Counter({Kind.KILL: 2, Kind.FREEZE: 1})
    return [
        Round(7, 1, 100, 10, faults, Counter({-9: 2}), well, 3.04, 2_048),
        Round(8, 2, 200, 20, faults, Counter(), badly, 2.0, 1_024),
    ]


def test_the_object_has_the_sums_and_the_slowest(rounds: list[Round]) -> None:
    found = json.loads(as_json(rounds))
    assert {
        name: found[name] for name in ("seeds", "faults", "lost", "double_counted", "alerts_missing")
    } == {
        "seeds": 2,
        "faults": 6,
        "lost": 1,
        "double_counted": 2,
        "alerts_missing": 3,
    }
    assert (found["duplicates"], found["slowest_recovery_seconds"], found["peak_mib"]) == (9, 3.0, 2)
    assert found["findings"] == {"8": ["1 records are gone"]}


def test_the_table_has_every_kind_of_fault_and_what_was_found(rounds: list[Round]) -> None:
    text = as_text(rounds)
    assert all(kind.value in text for kind in Kind)
    assert f"{Kind.KILL.value:39}      4" in text
    assert "seed 8: 1 records are gone" in text


def test_a_round_is_told_in_a_line_and_its_findings_below(rounds: list[Round]) -> None:
    first, *others = line(rounds[1]).splitlines()
    assert first.startswith("seed 8: 2 workers, 200 records, 20 alerts, 3 faults, 5 duplicates")
    assert others == ["    1 records are gone"]
