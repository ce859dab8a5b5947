"""The scrape files and the eleven alert rules, judged by promtool and against the metrics there are."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fraudwatch.config.settings import Settings
from fraudwatch.metrics import IntakeMetrics, Metrics

Run = Callable[..., subprocess.CompletedProcess[str]]
DEPLOY = Path(__file__).parents[2] / "deploy"
RULES_FILE = DEPLOY / "prometheus" / "rules.yml"
RULES: list[dict[str, Any]] = yaml.safe_load(RULES_FILE.read_text())["groups"][0]["rules"]
CASES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
# What is not ours: Prometheus's own series, and node_exporter's.
FOREIGN = {"up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_filesystem_readonly"}


def scrape(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / file).read_text())
    return found


def jobs(file: str) -> dict[str, Any]:
    return {job["job_name"]: job for job in scrape(file)["scrape_configs"]}


@pytest.mark.parametrize("file", ["prometheus/prometheus.yml", "docker/prometheus.yml"])
def test_promtool_accepts_the_scrape_file_with_the_rules_beside_it(file: str, promtool: Run, tmp_path: Path):
    shutil.copy(DEPLOY / file, tmp_path)
    shutil.copy(RULES_FILE, tmp_path)
    done = promtool("check", "config", "--lint-fatal", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stderr
    assert "11 rules found" in done.stdout


def test_the_containers_are_scraped_like_any_other_worker():
    usual, contained = scrape("prometheus/prometheus.yml"), scrape("docker/prometheus.yml")
    assert jobs("prometheus/prometheus.yml").keys() == jobs("docker/prometheus.yml").keys()
    assert contained["global"] == usual["global"]
    assert contained["rule_files"] == usual["rule_files"] == [RULES_FILE.name]
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    (worker,) = jobs("docker/prometheus.yml")["fraudwatch"]["dns_sd_configs"]
    assert worker["port"] == Settings().metrics.port
    assert set(worker["names"]) <= services.keys()
    (node,) = jobs("docker/prometheus.yml")["node"]["static_configs"]
    assert {target.split(":")[0] for target in node["targets"]} <= services.keys()


def test_prometheus_scrapes_the_port_that_is_the_default():
    defaults = Settings().metrics
    job = jobs("prometheus/prometheus.yml")["fraudwatch"]
    assert job["static_configs"] == [{"targets": [f"{defaults.host}:{defaults.port}"]}]


def test_there_are_eleven_rules_each_with_a_name_of_its_own():
    assert len({rule["alert"] for rule in RULES}) == len(RULES) == 11


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_waits_has_a_severity_and_says_what_it_found(rule: dict[str, Any]):
    assert re.fullmatch(r"\d+[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    annotations = rule["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    assert "$value" in annotations["description"]
    assert annotations["description"].rstrip("{} end").endswith(".")
    assert "fraud" not in (annotations["summary"] + annotations["description"]).lower()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_metrics_and_jobs_that_exist(rule: dict[str, Any]):
    families = [*Metrics().registry.collect(), *IntakeMetrics(["s"]).registry.collect()]
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
    known = {family.name + suffix for family in families for suffix in suffixes[family.type]}
    asked = set(re.findall(r"\b(?:fraudwatch|process|node)_\w+|\bup\b", re.sub(r'"[^"]*"', "", rule["expr"])))
    assert asked
    assert asked <= known | FOREIGN
    assert set(re.findall(r'job="(\w+)"', rule["expr"])) <= jobs("prometheus/prometheus.yml").keys()


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_rules_fire_when_they_should_and_not_otherwise(cases: Path, promtool: Run):
    done = promtool("test", "rules", cases)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_rule_is_tried_both_ways(rule: dict[str, Any]):
    tried = [
        bool(case["exp_alerts"])
        for file in CASES
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == rule["alert"]
    ]
    assert set(tried) == {True, False}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_that_never_fires_is_found_out(rule: dict[str, Any], promtool: Run, tmp_path: Path):
    """The trial itself on trial: with this rule's expression emptied, it must fail."""
    worse = yaml.safe_load(RULES_FILE.read_text())
    for other in worse["groups"][0]["rules"]:
        if other["alert"] == rule["alert"]:
            other["expr"] = f"({rule['expr']}) and vector(0) > 1"
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(worse))
    failed = []
    for file in CASES:
        cases = yaml.safe_load(file.read_text()) | {"rule_files": ["rules.yml"]}
        cases["tests"] = [test for test in cases["tests"] if _names(test) == {rule["alert"]}]
        (tmp_path / file.name).write_text(yaml.safe_dump(cases))
        failed.append(bool(cases["tests"]) and promtool("test", "rules", tmp_path / file.name).returncode)
    assert any(failed)


def _names(test: dict[str, Any]) -> set[str]:
    return {case["alertname"] for case in test["alert_rule_test"]}
