"""What a person gets wrong is said in one message with the remedy, without a traceback."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["backtest", "missing.csv"], "found no such file"),
        (["backtest", "stream.txt"], "expected a CSV file"),
        (["train", "missing.csv", "--out", "{tmp}/model"], "found no such file"),
        (
            ["backtest", "{stream}", "--config", "missing.yaml"],
            "`fraudwatch config show` prints the defaults",
        ),
        (["backtest", "{stream}", "--set", "alerts.alerts_a_day=3"], "did you mean alerts.alerts_per_day?"),
        (["backtest", "{stream}", "--model", "{tmp}/none"], "Name the directory `fraudwatch train` wrote"),
        (
            ["backtest", "{stream}", "--scores", "{tmp}/no/such/scores.csv"],
            "Name another one",
        ),
        (["train", "{stream}", "--out", "{stream}/model"], "Name a place in a directory that exists"),
        (
            ["train", "{stream}", "--out", "{tmp}/m", "--from", "2031-01-01"],
            "give a longer stream or another span",
        ),
        (["simulate", "--accounts", "0", "--out", "{tmp}/s.jsonl"], "Give another accounts"),
        (["simulate", "--out", "{tmp}/s.csv"], "expected a name ending in .jsonl"),
        (["config", "check", "--set", "source.mapping.acount_id=x"], "account_id"),
        (["demo", "--input", "missing.csv"], "found no such file"),
        (["lag", "--set", "kafka.bootstrap_servers=127.0.0.1:1"], "check that it runs"),
        (["topics", "--set", "kafka.bootstrap_servers=127.0.0.1:1"], "check that it runs"),
        (["alerts", "--set", "kafka.bootstrap_servers=127.0.0.1:1"], "check that it runs"),
        (["replay", "{stream}", "--set", "kafka.bootstrap_servers=127.0.0.1:1"], "check that it runs"),
        (["worker", "--set", "kafka.bootstrap_servers=127.0.0.1:1"], "check that it runs"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_mistake_ends_with_1_and_the_remedy(run, stream, tmp_path, arguments, remedy):
    shown = run(*(argument.format(stream=stream, tmp=tmp_path) for argument in arguments))
    assert shown.exit_code == 1
    assert shown.stderr.startswith("Error: ")
    assert remedy in shown.stderr
    assert shown.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["backtest", "{stream}", "--score-to", "2024-13-01"], "does not match the format"),
        (
            ["backtest", "{stream}", "--score-from", "2024-03-05", "--score-to", "2024-03-04"],
            "exchange the dates",
        ),
        (
            ["train", "{stream}", "--out", "x", "--from", "2024-03-05", "--to", "2024-03-04"],
            "exchange the dates",
        ),
        (["backtest", "{stream}", "--train-from", "2024-03-05"], "needs --train-to"),
        (["backtest", "{stream}", "--train-to", "2024-03-05", "--model", "m"], "exclude each other"),
        (["backtest", "{stream}", "--detector", "hbos", "--no-detectors"], "exclude each other"),
        (["backtest", "{stream}", "--detector", "hbos", "--model", "m"], "brings its own detectors"),
        (["backtest", "{stream}", "--detector", "cof"], "is not one of"),
        (["replay", "{stream}", "--speed", "60x", "--rate", "5"], "exclude each other"),
        (["replay", "{stream}", "--speed", "fast"], "such as 60x"),
        (["replay", "{stream}", "--rate", "0"], "0"),
        (["lag", "--set", "kafka.group"], "expected KEY=VALUE"),
        (["demo", "--for", "0"], "0"),
        (["train", "{stream}"], "--out"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_a_command_that_was_typed_wrongly_ends_with_2(run, stream, arguments, remedy):
    shown = run(*(argument.format(stream=stream) for argument in arguments))
    assert shown.exit_code == 2
    assert remedy in shown.stderr
    assert shown.stdout == ""


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("source:\n  mapping:\n    acount_id: a\n", [":3: source.mapping.acount_id: expected one of"]),
        ("kafka: {}\nrates:\n  USD: {2024-13-01: 1}\n", [":3: rates.USD: expected a date"]),
        ("accounts:\n  clients_file: none.csv\n", [":2: accounts.clients_file: none.csv: expected a readable file"]),
        (
            "sources:\n  c:\n    mapping: {transaction_id: a, event_time: c, amount: d}\n    legs:\n"
            "      - {account_id: x}\n      - account_id: y\n        currncy: z\n      - {channel: q}\n",
            [":7: sources.c.legs[1].currncy: expected one of", ":8: sources.c.legs[2].account_id: expected a path"],
        ),
    ],
    ids=["mapping", "rates", "file", "legs"],
)  # fmt: skip
def test_what_only_its_reader_finds_wrong_with_a_file_has_its_line_too(run, tmp_path, text, places):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    shown = run("config", "check", "--config", path)
    assert shown.exit_code == 1
    for place in places:
        assert f"{path}{place}" in shown.stderr


def test_a_mapping_that_a_variable_made_wrong_names_the_variable(run, monkeypatch):
    monkeypatch.setenv("FRAUDWATCH_SOURCE__MAPPING__ACOUNT_ID", "x")
    shown = run("config", "check").stderr
    assert (
        "variable FRAUDWATCH_SOURCE__MAPPING__ACOUNT_ID: source.mapping.acount_id: expected one of" in shown
    )
