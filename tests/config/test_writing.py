"""Settings as text: what is dumped loads to the same, and the fingerprint follows what decides a score."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config import wording, writing
from fraudwatch.config.loading import dump, fingerprint, load
from fraudwatch.config.settings import FieldMapping, Kafka, Label, Settings, Source

DEFAULTS = Settings()

# Texts that YAML would rather read as something else, and any others.
AMBIGUOUS = [
    "no",
    "~",
    "",
    "1e9",
    "010",
    "1:30",
    "=",
    "<<",
    "2001-01-01",
    "0x1f",
    "a: b",
    "#",
    " x ",
    "a\x85b",
    "a\nb",
]
texts = st.sampled_from(AMBIGUOUS) | st.text(st.characters(codec="utf-8"), max_size=12)
numbers = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
fields = st.builds(
    FieldMapping,
    path=st.none() | texts,
    constant=st.none() | texts | numbers,
    unit=st.sampled_from([None, "minor"]),
    values=st.none() | st.dictionaries(texts, texts, max_size=3),
)
settings = st.builds(
    Settings,
    kafka=st.builds(Kafka, group=texts),
    source=st.builds(
        Source,
        mapping=st.dictionaries(texts, texts | fields, max_size=3),
        label=st.none() | st.builds(Label, path=texts, positive=texts, detail=st.none() | texts),
    ),
)


@given(settings)
def test_what_is_dumped_loads_to_the_same_settings(tmp_path_factory, original):
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    path.write_text(dump(original), encoding="utf-8")
    assert load(path, {}) == original


def test_durations_are_dumped_as_people_write_them():
    assert "windows: [1h, 24h, 7d, 30d]" in dump(DEFAULTS)
    assert "shutdown: 20s" in dump(DEFAULTS)


def test_a_secret_is_neither_dumped_nor_told_in_a_message(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(writing, "SECRETS", frozenset({"kafka.group"}))
    monkeypatch.setattr(wording, "SECRETS", frozenset({"kafka.group"}))
    dumped = dump(Settings(kafka=Kafka(group="swordfish")))
    assert "swordfish" not in dumped
    assert "group: (hidden)" in dumped
    path = tmp_path / "secret.yaml"
    path.write_text("kafka: {group: [swordfish]}\n")
    with pytest.raises(Exception, match=r"kafka\.group: expected a text; found \(hidden\)"):
        load(path, {})


def changed(key: str, value: str) -> Settings:
    return load(None, {}, {key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kafka.bootstrap_servers", "elsewhere:9092"),
        ("kafka.embedded", "true"),
        ("topics.review", "other"),
        ("metrics.port", "1"),
        ("stream.batch_records", "7"),
        ("source.topic", "other"),
        ("source.label", "{path: x}"),
    ],
)
def test_the_fingerprint_ignores_what_changes_no_score(key, value):
    assert changed(key, value) != DEFAULTS
    assert fingerprint(changed(key, value)) == fingerprint(DEFAULTS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("currency", "CHF"),
        ("source.mapping", "{amount: x}"),
        ("limits.max_text", "100"),
        ("lateness.grace", "2h"),
        ("features.windows", "[1h, 2h]"),
        ("detection.seed", "21"),
        ("training.sample", "100"),
        ("alerts.alerts_per_day", "41"),
    ],
)
def test_the_fingerprint_follows_what_influences_detection(key, value):
    assert fingerprint(changed(key, value)) != fingerprint(DEFAULTS)


def test_every_section_is_either_in_the_fingerprint_or_left_out_on_purpose():
    # A new section has to be thought about here.
    assert set(Settings.__struct_fields__) == {
        *("currency", "rates", "source", "sources", "accounts", "limits", "lateness", "features"),
        *("detection", "training", "drift", "alerts"),
        *writing._NO_INFLUENCE,
    }


def test_the_fingerprint_is_twelve_hexadecimal_digits_and_stays_the_same():
    assert fingerprint(DEFAULTS) == fingerprint(msgspec.structs.replace(DEFAULTS))
    assert len(fingerprint(DEFAULTS)) == 12
    int(fingerprint(DEFAULTS), 16)
