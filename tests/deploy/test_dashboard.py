"""The dashboard fits what the worker exposes, and Grafana is told where it finds everything."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fraudwatch.metrics import IntakeMetrics, Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "fraudwatch.json").read_text())
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
OWN = re.compile(r"\b(?:fraudwatch|process)_\w+")
SELECTOR = re.compile(r"(\w+)\{([^}]*)\}")


def series() -> dict[str, set[str]]:
    """The names under which the series of a worker and of intake are exposed, each with its labels."""
    metrics = Metrics()
    metrics.lag(0, 1, 1.0)
    metrics.edge(0, 1.0)
    metrics.queues({("amount", ""): 1.0})
    metrics.model("v", 0)
    metrics.models.drift(0, {"score": 0.1}, is_degraded=False)
    metrics.models.trial(0, {})
    metrics.snapshots.taken(0, at_seconds=0.0, offset=0, size=0)
    found: dict[str, set[str]] = {}
    for family in [*metrics.registry.collect(), *IntakeMetrics(["s"]).registry.collect()]:
        labels = {label for sample in family.samples for label in sample.labels}
        found |= {family.name + suffix: labels for suffix in SUFFIXES[family.type]}
    return found


def panels() -> Iterator[dict[str, Any]]:
    yield from (panel for panel in DASHBOARD["panels"] if panel["type"] != "row")


def queries() -> list[str]:
    variables = [v["query"]["query"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"]
    return [target["expr"] for panel in panels() for target in panel["targets"]] + variables


def test_every_metric_of_the_dashboard_exists():
    used = {name for query in queries() for name in OWN.findall(query)}
    assert used <= set(series())
    assert len(used) > 15


@pytest.mark.parametrize("metrics", [Metrics(), IntakeMetrics(["s"])], ids=["worker", "intake"])
def test_the_dashboard_shows_every_metric(metrics):
    used = {name for query in queries() for name in OWN.findall(query)}
    families = {family.name for family in metrics.registry.collect() if family.name.startswith("fraudwatch")}
    unseen = {name for name in families if not any(seen.startswith(name) for seen in used)}
    assert unseen == set()


def test_every_label_a_query_asks_for_exists():
    known = series()
    for query in queries():
        for name, selector in SELECTOR.findall(query):
            asked = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector))
            # Prometheus itself adds these two.
            assert asked - {"instance", "job"} <= known[name], query


def test_every_grouping_and_legend_names_a_label_of_its_series():
    known = series()
    for panel in panels():
        for target in panel["targets"]:
            labels = set.union({"instance", "le"}, *(known[name] for name in OWN.findall(target["expr"])))
            grouped = {
                label.strip()
                for group in re.findall(r"by \(([^)]*)\)", target["expr"])
                for label in group.split(",")
            }
            assert grouped | set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels, target


def test_counters_are_only_read_as_rates_or_differences():
    total = re.compile(r"(\w+)\(fraudwatch_\w+_(?:total|bucket|sum|count)\b")
    around = {function for query in queries() for function in total.findall(query)}
    assert around == {"rate", "increase", "label_values", "sum"}
    bare = [query for query in queries() if "sum(fraudwatch_" in query and "_total" in query]
    assert bare == [query for query in queries() if query.count(" - sum(") == 2]  # the one that must stay 0


def test_every_panel_has_a_title_a_description_and_a_unit_a_person_understands():
    titles = [panel["title"] for panel in panels()]
    assert len(titles) == len(set(titles))
    for panel in panels():
        assert "fraudwatch_" not in panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_every_panel_reads_the_data_source_chosen_above():
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
    for panel in panels():
        for place in (panel, *panel["targets"]):
            assert place["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_do_not_overlap_and_their_ids_are_their_own():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_nothing_an_operator_reads_speaks_of_fraud():
    assert "fraud" not in json.dumps(DASHBOARD).lower().replace("fraudwatch", "")


@pytest.mark.parametrize(
    ("file", "key"),
    [("datasources/prometheus.yml", "datasources"), ("dashboards/fraudwatch.yml", "providers")],
)
def test_grafana_is_provisioned_by_files_of_its_form(file, key):
    provisioned = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / file).read_text())
    assert provisioned["apiVersion"] == 1
    assert [entry["name"] for entry in provisioned[key]]


@pytest.mark.parametrize(
    ("scraped", "read"),
    [
        ("prometheus/prometheus.yml", "grafana/provisioning/datasources/prometheus.yml"),
        ("docker/prometheus.yml", "docker/grafana-datasource.yml"),
    ],
)
def test_grafana_knows_how_often_prometheus_scrapes(scraped, read):
    scrape = yaml.safe_load((DEPLOY / scraped).read_text())
    (source,) = yaml.safe_load((DEPLOY / read).read_text())["datasources"]
    assert source["jsonData"]["timeInterval"] == scrape["global"]["scrape_interval"]


def test_the_containers_have_the_data_source_of_any_other_installation_at_their_own_address():
    usual, contained = (
        yaml.safe_load((DEPLOY / file).read_text())["datasources"][0]
        for file in ("grafana/provisioning/datasources/prometheus.yml", "docker/grafana-datasource.yml")
    )
    assert contained.pop("url") == "http://prometheus:9090"
    assert usual.pop("url") == "http://127.0.0.1:9090"
    assert contained == usual
