"""docs/metrics.md lists exactly the metrics and label values that exist."""

from pathlib import Path

import pytest

from fraudwatch.metrics import IntakeMetrics, Metrics, labels

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its two head lines."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def of_a_worker() -> Metrics:
    metrics = Metrics()
    metrics.lag(0, 1, 1.0)
    metrics.edge(0, 1.0)
    metrics.queues({("amount", ""): 1.0})
    metrics.model("v", 0)
    metrics.models.drift(0, {"score": 0.1}, is_degraded=False)
    metrics.models.trial(0, {})
    metrics.snapshots.taken(0, at_seconds=0.0, offset=0, size=0)
    return metrics


def exposed(metrics: Metrics | IntakeMetrics) -> list[list[str]]:
    found = []
    for family in metrics.registry.collect():
        if family.name.startswith("fraudwatch_"):
            name = family.name + ("_total" if family.type == "counter" else "")
            names = sorted({label for sample in family.samples for label in sample.labels} - {"le"})
            found.append(
                [f"`{name}`", family.type, ", ".join(f"`{label}`" for label in names), family.documentation]
            )
    return found


@pytest.mark.parametrize(
    ("heading", "metrics"),
    [("Metrics of a worker", of_a_worker()), ("Metrics of intake", IntakeMetrics(["cards"]))],
)
def test_the_page_lists_every_metric_as_it_exists_and_no_other(heading, metrics):
    listed = rows(heading)
    expected = sorted(exposed(metrics))
    assert listed == expected, "expected:\n" + "\n".join("| " + " | ".join(row) + " |" for row in expected)


def test_the_page_lists_every_value_of_every_closed_label():
    def words(values) -> str:
        return ", ".join(f"`{value}`" for value in dict.fromkeys(values))

    assert {row[0]: row[1] for row in rows("Labels")} == {
        "`outcome`": words(labels.OUTCOME_CODES),
        "`cause`": words(labels.UNSCORED_CAUSES.values()),
        "`reason`": words(labels.DEAD_LETTER_REASONS),
        "`severity`": words(labels.SEVERITIES),
        "`kind`": words(labels.KINDS),
        "`queue`": words(labels.QUEUES),
        "`verdict`": words(labels.VERDICTS),
        "`origin`": words(labels.RESTORED_FROM),
        "`of`": words(labels.DRIFT_OF),
        "`occasion`": words(labels.OCCASIONS),
        "`decision`": words(labels.MODEL_DECISIONS),
        "`change`": words(labels.TRIAL_KINDS),
        "`stage` of `fraudwatch_stage_seconds`": words(labels.STAGES),
        "`stage` of `fraudwatch_dead_letters_total`": words(labels.DEAD_LETTER_STAGES),
    }
