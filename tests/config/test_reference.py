"""The table of settings, configs/default.yaml and the schema say what the settings are."""

from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

from fraudwatch.config.loading import load, schema, table
from fraudwatch.config.reference import FIELD, default_file
from fraudwatch.config.settings import Section, Settings

DEFAULT_FILE = Path(__file__).parents[2] / "configs" / "default.yaml"

INSIDE = ("source.csv.", "source.label.")
"""Settings inside a mapping that is not there by default."""


def keys_of(settings: Section, prefix: str = "") -> set[str]:
    keys: set[str] = set()
    for name, value in msgspec.structs.asdict(settings).items():
        keys |= keys_of(value, f"{prefix}{name}.") if isinstance(value, Section) else {prefix + name}
    return keys


def test_the_table_has_every_setting_once():
    keys = [setting.key for setting in table()]
    assert len(keys) == len(set(keys))
    inside = {key for key in keys if FIELD in key or key.startswith(INSIDE)}
    assert set(keys) - inside == keys_of(Settings())
    assert {f"source.mapping.{FIELD}.path", "source.label.path", "source.csv.columns"} <= inside


def test_every_setting_has_a_sentence_and_a_type_in_words():
    for setting in table():
        assert setting.sentence.endswith("."), setting
        assert setting.type, setting


def test_the_default_file_is_the_one_the_settings_make():
    expected = default_file()
    assert DEFAULT_FILE.read_text() == expected, (
        'run: python -c "from fraudwatch.config.reference import default_file; '
        "open('configs/default.yaml', 'w').write(default_file())\""
    )


def test_the_default_file_loads_to_the_defaults():
    assert load(DEFAULT_FILE, {}) == Settings()


def test_the_default_file_has_every_setting_under_its_sentence():
    lines = [line.strip() for line in DEFAULT_FILE.read_text().splitlines()]
    for setting in table():
        _, _, rest = setting.key.partition(".")
        if FIELD in setting.key or setting.key.startswith(INSIDE):
            assert f"#   {rest}: {setting.sentence}" in lines
            continue
        name = setting.key.rpartition(".")[2]
        place = lines.index(f"{name}: {setting.default}")
        assert f"# {setting.sentence}" in lines[place - 2 : place], setting


def test_no_setting_speaks_of_fraud():
    assert not [s for s in table() if "fraud" in s.sentence.lower().replace("fraudwatch", "")]


def test_the_schema_is_one_and_describes_every_setting():
    written = schema()
    jsonschema.Draft202012Validator.check_schema(written)
    for setting in table():
        if FIELD in setting.key or setting.key.startswith(INSIDE):
            continue
        node = written
        for name in setting.key.split("."):
            node = node["properties"][name]
        assert node["description"] == setting.sentence


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("{}", True),
        ("kafka:", True),
        (DEFAULT_FILE.read_text(), True),
        ("features: {windows: [1h, 2d]}", True),
        ("source: {mapping: {amount: a.b, currency: {constant: EUR}}, label: {path: x}}", True),
        ("kafka: {grup: a}", False),
        ("features: {windows: [1h, 2x]}", False),
        ("features: {windows: []}", False),
        ("stream: {shutdown: 20}", False),
        ("alerts: {explore: 0.7}", False),
        ("alerts: {alerts_per_day: 0}", False),
        ("detection: {combiner: maxx}", False),
        ("source: {mapping: {amount: {unitt: minor}}}", False),
        ("source: {label: {positive: 'x'}}", False),
        ("currency: eur", False),
        ("kafka: {embedded: 1}", False),
        ("training: 5", False),
    ],
    ids=lambda value: str(value)[:30],
)
def test_the_schema_and_the_loader_agree(tmp_path, text, is_valid):
    path = tmp_path / "some.yaml"
    path.write_text(text)
    validator = jsonschema.Draft202012Validator(schema())
    assert validator.is_valid(yaml.safe_load(text)) is is_valid
    if is_valid:
        load(path, {})
    else:
        with pytest.raises(Exception, match=r"expected|no such setting"):
            load(path, {})
