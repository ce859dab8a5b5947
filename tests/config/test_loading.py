"""Files, variables and overrides become settings; every mistake is named with its place."""

# ruff: noqa: E501 - a case is one line, however long its message

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.durations import Duration
from fraudwatch.config.loading import load
from fraudwatch.config.settings import FieldMapping, Settings
from fraudwatch.config.tree import MOST_BYTES
from fraudwatch.errors import ConfigurationError


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "fraudwatch.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(
    path: Path | None, environ: dict[str, str] | None = None, overrides: dict[str, str] | None = None
):
    with pytest.raises(ConfigurationError) as caught:
        load(path, environ or {}, overrides or {})
    return str(caught.value)


def test_without_a_file_the_settings_are_the_defaults():
    assert load(None, {}) == Settings()


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "---\n", "kafka:\n", "source: {mapping: }\n", "\ufeff"]
)
def test_an_empty_file_or_section_means_the_defaults(written, text):
    assert load(written(text), {}) == Settings()


def test_a_file_need_only_hold_what_differs(written):
    settings = load(written("lateness: {grace: 15m}\nalerts:\n  alerts_per_day: 120\n"), {})
    assert settings.lateness.grace == Duration(900_000)
    assert settings.alerts.alerts_per_day == 120.0
    assert settings.kafka == Settings().kafka


def test_a_mapping_takes_paths_and_tables(written):
    text = """
source:
  mapping:
    account_id: card.number
    event_time: {path: at, format: iso8601, zone: Europe/Paris}
    currency: {constant: EUR}
    direction: {path: sign, values: {-1: debit, no: credit}}
  label: {path: is_case}
"""
    mapping = load(written(text), {}).source.mapping
    assert mapping["account_id"] == "card.number"
    assert mapping["event_time"] == FieldMapping(path="at", format="iso8601", zone="Europe/Paris")
    assert mapping["direction"] == FieldMapping(path="sign", values={"-1": "debit", "no": "credit"})


def test_words_that_yaml_1_1_would_turn_into_something_else_stay_texts(written):
    text = "limits: {earliest: 2001-02-03, max_amount: 1e9}\nsource: {label: {path: no, positive: yes, detail: 1:30}}\n"
    settings = load(written(text), {})
    assert settings.limits.earliest == "2001-02-03"
    assert settings.limits.max_amount == 1e9
    assert settings.source.label is not None
    assert (settings.source.label.path, settings.source.label.positive) == ("no", "yes")
    assert settings.source.label.detail == "1:30"


def test_an_alias_repeats_a_value(written):
    settings = load(written("topics: {review: &name alerts.out}\nkafka: {group: *name}\n"), {})
    assert settings.kafka.group == "alerts.out"


# What is wrong with one value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kafka:\n  bootstrap_server: a:1\n", ":2: kafka.bootstrap_server: no such setting; did you mean kafka.bootstrap_servers?"),
        ("kafak: {}\n", ":1: kafak: no such setting; did you mean kafka?"),
        ("\nalerts_per_day: 3\n", ":2: alerts_per_day: no such setting; did you mean alerts.alerts_per_day?"),
        ("kafka:\n  zzz: 1\n", ":2: kafka.zzz: no such setting; expected one of bootstrap_servers, group,"),
        ("kafka: {group: 5}\n", "kafka.group: expected a text; found 5; put it in quotes to make it a text"),
        ("kafka: {embedded: 'yes'}\n", 'kafka.embedded: expected true or false; found "yes"'),
        ("training: {sample: 5}\n", "training.sample: expected a whole number of at least 100; found 5"),
        ("training: {sample: 1.5e3}\n", "training.sample: expected a whole number of at least 100; found 1500.0"),
        ("alerts: {explore: 0.7}\n", "alerts.explore: expected a number from 0 to 0.5; found 0.7"),
        ("alerts: {alerts_per_day: .inf}\n", "alerts.alerts_per_day: expected a number above 0 and up to 1000000; found"),
        ("alerts: {alerts_per_day: 1e999}\n", 'expected a plain finite value; found "1e999" as float'),
        ("stream: {shutdown: 20}\n", "stream.shutdown: expected a duration such as 90s, 15m, 1h or 30d; found 20"),
        ("stream: {shutdown: 20 s.}\n", 'expected a duration such as 90s, 15m, 1h or 30d; found "20 s."'),
        ("features:\n  windows: [1h, 2x]\n", ':2: features.windows[1]: expected a duration such as 90s, 15m, 1h or 30d; found "2x"'),
        ("features: {windows: []}\n", "features.windows: expected a list, 1 to 8 long, each a duration"),
        ("features: {windows: 1h}\n", "features.windows: expected a list, 1 to 8 long, each a duration"),
        ("detection: {combiner: maxx}\n", 'expected one of concordance, max, top_two; found "maxx"; did you mean max?'),
        ("detection: {detectors: [hboss]}\n", 'detection.detectors[0]: expected one of ecod, hbos, isolation_forest, knn, lof, ocsvm, pca; found "hboss"; did you mean hbos?'),
        ("source: {mapping: {amount: [1]}}\n", "source.mapping.amount: expected a text or a mapping of path"),
        ("source: {mapping: {amount: {unitt: minor}}}\n", "did you mean source.mapping.amount.unit?"),
        ("source: {mapping: {amount: {unit: cents}}}\n", 'source.mapping.amount.unit: expected one of major, minor'),
        ("source: {mapping: amount}\n", "source.mapping: expected a mapping of names"),
        ("source: {label: {positive: 'x'}}\n", "source.label.path: expected a text; found nothing: it has no default"),
        ("source: {label: {path: x, positive: 1}}\n", "source.label.positive: expected a text; found 1; put it in quotes"),
        ("training: 5\n", "training: expected a mapping of min_transactions, min_span, sample, skip, half_life,"),
        ("currency: eur\n", 'currency: expected a text of the form ^[A-Z]{3}$; found "eur"'),
        ("currency:\n", "currency: expected a text of the form ^[A-Z]{3}$; found nothing"),
        ("metrics: {port: 65536}\n", "metrics.port: expected a whole number from 0 to 65535; found 65536"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_line_and_what_was_expected(written, text, expected):
    path = written(text)
    message = refused(path)
    assert message.startswith(f"{path}:")
    assert expected in message


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(written):
    path = written("currency: eur\nkafka:\n  grup: a\nalerts: {explore: 7, evidence: 0}\n")
    lines = refused(path, {"FRAUDWATCH_STREAM__SHUTDOWN": "soon"}).splitlines()
    assert lines[0] == "5 mistakes in the configuration:"
    keys = [line.strip().split(": ")[1] for line in lines[1:]]
    assert keys == ["currency", "kafka.grup", "alerts.explore", "alerts.evidence", "stream.shutdown"]


# What is wrong with a file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n- b\n", ":1: expected a mapping of sections"),
        ("just words\n", ":1: expected a mapping of sections"),
        ("kafka: {group: a}\nkafka: {group: b}\n", ":2: kafka: set twice; the first time at"),
        ("kafka:\n  group: a\n  group: b\n", ":3: kafka.group: set twice; the first time at"),
        ("kafka: {group: a\nalerts: 1\n", "expected YAML; found a mistake"),
        ("a: b: c\n", ":1: expected YAML; found a mistake"),
        ("kafka: {group: \x00}\n", "expected YAML; found a mistake"),
        ('kafka: {group: "\\UFFFFFFFF"}\n', "expected YAML; found an escaped character that does not exist"),
        ('kafka: {group: "\\uD800"}\n', "kafka.group: expected a plain finite value; found"),
        ("a: 1\n---\nb: 2\n", "expected YAML; found a mistake: but found another document"),
        ("kafka: {group: *nobody}\n", "expected YAML; found a mistake: found undefined alias"),
        ("kafka: !!python/object/apply:os.system ['true']\n", ": expected a mapping of bootstrap_servers"),
        ("currency: !!python/name:os.system x\n", 'currency: expected a plain finite value; found "x" as'),
        ("? [a]\n: b\n", "expected a plain name before the colon"),
        ('"\\uD800": 1\n', "expected a plain name before the colon"),
        ("[" * 5_000, "expected at most 16 levels"),
        ("kafka: " + "{a: " * 17 + "1" + "}" * 17, "expected at most 16 levels"),
        ("kafka: &a {group: *a}\n", "expected at most 16 levels"),
        (b"kafka: {group: \xff}\n", "expected UTF-8; found byte 15 that is not"),
        (b"#" * (MOST_BYTES + 1), "expected at most 262144 bytes"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_that_is_no_configuration_is_refused(written, text, expected):
    assert expected in refused(written(text))


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory(written):
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert "expected at most 10000 values, aliases expanded" in refused(written("\n".join(levels)))


def test_a_missing_file_is_named_with_the_way_to_make_one(tmp_path):
    message = refused(tmp_path / "nowhere.yaml")
    assert "nowhere.yaml: expected a readable configuration file; No such file" in message
    assert "fraudwatch config show" in message


def test_a_directory_is_no_file(tmp_path):
    assert "expected a readable configuration file; Is a directory" in refused(tmp_path)


# Variables of the environment and overrides


def test_a_variable_overrides_the_file_and_an_override_the_variable(written):
    path = written("kafka: {group: file, bootstrap_servers: 'file:1'}\ntopics: {review: file}\n")
    environ = {"FRAUDWATCH_KAFKA__GROUP": "variable", "FRAUDWATCH_TOPICS__REVIEW": "variable"}
    settings = load(path, environ, {"topics.review": "override"})
    assert settings.kafka.bootstrap_servers == "file:1"
    assert settings.kafka.group == "variable"
    assert settings.topics.review == "override"


def test_variables_are_read_as_yaml_and_as_text_where_a_text_is_wanted():
    settings = load(
        None,
        {
            "FRAUDWATCH_CURRENCY": "CHF",
            "FRAUDWATCH_KAFKA__GROUP": "123",
            "FRAUDWATCH_TOPICS__MODELS": "null",
            "FRAUDWATCH_KAFKA__EMBEDDED": "true",
            "FRAUDWATCH_KAFKA__BOOTSTRAP_SERVERS": "a:1,b:2",
            "FRAUDWATCH_ALERTS__ALERTS_PER_DAY": "7",
            "FRAUDWATCH_FEATURES__WINDOWS": "[2h, 3d]",
            "FRAUDWATCH_LATENESS__GRACE": "5m",
            "FRAUDWATCH_SOURCE__MAPPING__EVENT_TIME__ZONE": "Europe/Paris",
            "FRAUDWATCH_SOURCE__LABEL": "{path: x}",
        },
    )
    assert settings.currency == "CHF"
    assert (settings.kafka.group, settings.topics.models) == ("123", "null")
    assert settings.kafka.embedded is True
    assert settings.kafka.bootstrap_servers == "a:1,b:2"
    assert settings.alerts.alerts_per_day == 7.0
    assert settings.features.windows == (Duration(7_200_000), Duration(259_200_000))
    assert settings.lateness.grace == Duration(300_000)
    assert settings.source.mapping == {"event_time": FieldMapping(zone="Europe/Paris")}
    assert settings.source.label is not None


def test_a_text_that_is_no_yaml_is_still_a_text():
    assert load(None, {"FRAUDWATCH_SOURCE__LABEL__PATH": "[a"}).source.label is not None


@pytest.mark.parametrize(
    "name", ["FRAUDWATCH_DATA", "FRAUDWATCH_REQUIRE_KAFKA", "FRAUDWATCH_HEAP", "KAFKA__GROUP"]
)
def test_variables_of_tests_and_tools_are_no_settings(name):
    assert load(None, {name: "x: ["}) == Settings()


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("FRAUDWATCH_KAFKA__GRUP", "FRAUDWATCH_KAFKA__GROUP"),
        ("FRAUDWATCH_KAFAK__GROUP", "FRAUDWATCH_KAFKA__GROUP"),
        ("FRAUDWATCH_KAFKA__ALERTS_PER_DAY", "FRAUDWATCH_ALERTS__ALERTS_PER_DAY"),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_a_mistake(name, nearest):
    message = refused(None, {name: "x"})
    assert message.startswith(f"variable {name}: ")
    assert message.endswith(f"no such setting; did you mean {nearest}?")


@pytest.mark.parametrize(
    ("environ", "overrides", "key"),
    [
        ({"FRAUDWATCH_KAFKA__GROUP": "a\udce9"}, {}, "kafka.group"),
        ({"FRAUDWATCH_KAFKA__PASSWORD": "a\udce9"}, {}, "kafka.password"),
        ({"FRAUDWATCH_SOURCE__MAPPING__STATUS__VALUES__\udce9": "approved"}, {}, r"source.mapping.status.values.\udce9"),
        ({}, {"features.windows": "[1h, 24\udce9h]"}, "features.windows"),
    ],
)  # fmt: skip
def test_bytes_that_are_not_utf_8_are_refused_wherever_they_come_from(environ, overrides, key):
    message = refused(None, environ, overrides)
    assert f"{key}: expected UTF-8; found bytes that are not" in message
    assert message.encode()


def test_a_budget_of_more_than_a_million_a_day_is_none(written):
    assert "up to 1000000; found 1e+308" in refused(written("alerts: {alerts_per_day: 1e308}"))


def test_a_wrong_override_is_named():
    message = refused(None, overrides={"topics.reveiw": "x"})
    assert message == "override topics.reveiw: topics.reveiw: no such setting; did you mean topics.review?"


# Relations between settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("features:\n  windows: [2h, 2h]\n", ":2: features.windows: expected each window longer than the one before; found 2h after 2h"),
        ("features: {windows: [24h, 1h]}\n", "found 1h after 24h"),
        ("features: {windows: [0s, 2h]}\n", "features.windows: expected durations above 0; found 0s"),
        ("features: {zone: Europe/Pari}\n", 'features.zone: expected a time zone such as Europe/Paris; found "Europe/Pari"; did you mean Europe/Paris?'),
        ("source: {mapping: {event_time: {path: at, zone: CEST-ish}}}\n", "source.mapping.event_time.zone: expected a time zone"),
        ("features: {zone: ../../etc/passwd}\n", "features.zone: expected a time zone"),
        ("limits: {earliest: 2100-01-01}\n", "limits.earliest: expected a date before limits.latest (2100-01-01); found 2100-01-01"),
        ("limits: {latest: 9626-01-01}\n", "limits.latest: expected a date up to 6400-12-31; found 9626-01-01"),
        ("limits: {latest: tomorrow}\n", 'limits.latest: expected a date such as 1990-01-01; found "tomorrow"'),
        ("lateness: {grace: 30d}\n", "lateness.grace: expected less than the longest of features.windows (30d); found 30d"),
        ("training: {half_life: 30m}\n", "training.half_life: expected 0s or at least 1h; found 30m"),
        ("drift: {window: 12h}\n", "drift.window: expected from 24h to 365d; found 12h"),
        ("drift: {window: 400d}\n", "drift.window: expected from 24h to 365d; found 400d"),
        ("kafka: {bootstrap_servers: localhost}\n", "kafka.bootstrap_servers: expected host:port"),
        ("kafka: {bootstrap_servers: 'a:1,b:65536'}\n", 'ports from 1 to 65535, separated by commas; found "b:65536"'),
        ("kafka: {bootstrap_servers: 'a:1,'}\n", 'found ""'),
        ("topics: {review: transactions}\n", "topics.review: expected a topic of its own; found transactions, which is source.topic already"),
        ("source: {topic: 'a b'}\n", "source.topic: expected 1 to 249 letters"),
        ("stream: {shutdown: 0s}\n", "stream.shutdown: expected a duration above 0; found 0s"),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_refused(written, text, expected):
    path = written(text)
    message = refused(path)
    assert message.startswith(f"{path}:")
    assert expected in message


def test_addresses_of_version_6_are_addresses():
    assert load(None, {"FRAUDWATCH_KAFKA__BOOTSTRAP_SERVERS": "[::1]:9092, b.example:9093"})


def test_the_default_may_be_what_a_setting_contradicts():
    message = refused(None, {"FRAUDWATCH_LATENESS__GRACE": "90d"})
    assert message.startswith("variable FRAUDWATCH_LATENESS__GRACE: lateness.grace: ")


def said_of(path: Path) -> str:
    """The message about a file; its path alone when nothing is wrong with it."""
    try:
        load(path, {})
    except ConfigurationError as error:
        return str(error)
    return str(path)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_no_text_whatever_raises_anything_but_a_configuration_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8")
    assert str(path) in said_of(path)


_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*Settings.__struct_fields__, "path", "unit", "windows", "zone"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(Settings.__struct_fields__), _junk, max_size=3))
def test_no_value_whatever_raises_anything_but_a_configuration_error(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "junk.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert str(path) in said_of(path)
