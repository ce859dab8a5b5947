"""`features`: what is computed for a configuration, and what is not."""

import json
from pathlib import Path

CONFIGS = Path(__file__).parents[2] / "configs"


def listed(run, *arguments):
    shown = run("features", *arguments, "--json")
    assert shown.exit_code == 0, shown.stderr
    return {one["name"]: one for one in json.loads(shown.stdout)}


def test_every_feature_says_what_it_is(run):
    amount = listed(run)["amount"]
    assert (amount["code"], amount["theme"], amount["side"], amount["role"]) == (
        "AMT_SIZE",
        "amount",
        "high",
        "anchor",
    )
    assert amount["on"]
    assert amount["doc"]


def test_what_the_source_cannot_feed_is_off_and_says_which_field_is_missing(run, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(
        "source: {mapping: {transaction_id: id, account_id: account, event_time: at, amount: amount}}"
    )
    feature = listed(run, "--config", config)["new_counterparty"]
    assert not feature["on"]
    assert feature["missing_fields"] == ["counterparty_id"]
    shown = run("features", "--config", config)
    on, _, off = shown.stdout.partition("Off, because the source has not the fields they need:")
    assert "new_counterparty  code CPTY_NEW · theme network" in off
    assert "needs counterparty_id" in off
    assert "new_counterparty" not in on
    assert "amount  code AMT_SIZE · theme amount · side high · role anchor\n    Logarithm" in on
    assert listed(run)["new_counterparty"]["on"]


def test_windows_are_those_of_the_configuration(run):
    names = listed(run, "--set", "features.windows=[2h, 3d]")
    assert {"sum_2h", "sum_3d"} <= set(names)
    assert names["sum_3d"]["window"] == "3d"
    assert "sum_30d" not in names
