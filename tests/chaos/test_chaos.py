"""Short rounds of chaos on a real broker, and that the harness notices a worker that acknowledges too early."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cluster import Cluster
from rounds import Round, Trial, fit_model, line, play
from schedule import Kind


class Stage(NamedTuple):
    """A broker behind a wire, and a model."""

    cluster: Cluster
    model: Path
    directory: Path

    def play(self, trial: Trial) -> Round:
        return play(self.cluster, self.model, self.directory / f"{trial.order}-{trial.seed}", trial)


@pytest.fixture(scope="module")
def stage(java_and_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("chaos")
    model = fit_model(directory / "model")
    cluster = Cluster(directory / "kafka")
    try:
        cluster.start()
        yield Stage(cluster, model, directory)
    finally:
        cluster.stop()


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_counted_twice_whatever_is_hit(stage: Stage, seed: int) -> None:
    found = stage.play(Trial(seed, faults=4))
    assert found.verdict.findings == [], line(found)
    assert found.faults.total() == 4
    assert found.alerts > 20
    assert (found.verdict.lost, found.verdict.double_counted, found.verdict.alerts_missing) == (0, 0, 0)


def test_a_worker_that_acknowledges_before_it_publishes_is_noticed(stage: Stage) -> None:
    found = stage.play(Trial(3, faults=3, kinds=[Kind.KILL], order="reversed"))
    assert found.verdict.alerts_missing > 0, line(found)
    assert any("before they were done" in finding for finding in found.verdict.findings), line(found)
