"""One simulated stream, backtested once with everything looked at, for all tests of this directory."""

import sys
from datetime import date
from pathlib import Path

import pytest

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Alerts, Label, Settings, Source, Training
from fraudwatch.simulate import Plan, write

sys.path.insert(0, str(Path(__file__).parent))

from examining import DAY, Examined, examined


@pytest.fixture(scope="session")
def measured() -> Settings:
    return Settings(
        source=Source(label=Label(path="label", detail="typology", case="case_id")),
        alerts=Alerts(alerts_per_day=6),
        training=Training(min_transactions=2_000, min_span=Duration(7 * DAY)),
    )


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "stream.jsonl.gz"
    write(Plan(accounts=300, days=25, seed=9, start=date(2024, 3, 1), cases_per_day=3.0), path)
    return path


@pytest.fixture(scope="session")
def labelled_run(measured: Settings, simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Examined:
    return examined(measured, simulated, tmp_path_factory.mktemp("scores") / "scores.csv")
