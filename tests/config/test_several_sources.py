"""Several sources in one file: the log takes the place of the one source, and what cannot be told apart is refused."""

from pathlib import Path

import msgspec
import pytest

from fraudwatch.config.loading import dump, fingerprint, load
from fraudwatch.config.settings import FieldMapping, Settings, Source
from fraudwatch.errors import ConfigurationError

TWO = """
sources:
  cards:
    topic: cards.authorised
    mapping: {amount: value}
  cash:
    topic: cash.lines
    format: csv
    silent_after: 1h
    csv: {columns: [id, account, at, amount], encoding: iso-8859-1, decimal: ","}
    mapping:
      event_time: {path: at, zone: Europe/Paris}
    legs:
      - {direction: {constant: debit}, account_id: from}
      - {direction: {constant: credit}, account_id: to, event_time: {path: at, zone: Europe/Paris}}
"""


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "fraudwatch.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(path: Path, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(path, environ or {})
    return str(caught.value)


def test_the_source_is_then_the_canonical_one_on_the_log(written):
    settings = load(written(TWO + "topics: {transactions: house.log}\n"), {})
    assert settings.source == Source(topic="house.log")
    assert settings.sources["cash"].legs[1]["direction"] == FieldMapping(constant="credit")


def test_a_single_source_stays_as_it_is(written):
    assert load(written("source: {topic: mine}\n"), {}).source == Source(topic="mine")


def test_what_is_dumped_loads_to_the_same(written):
    settings = load(written(TWO), {})
    assert "\nsource:" not in dump(settings)
    assert load(written(dump(settings)), {}) == settings


@pytest.mark.parametrize("source", ["source: {topic: mine}\n", "source: {mapping: {amount: value}}\n"])
def test_a_source_beside_them_is_a_mistake_with_its_line(written, source):
    path = written(source + TWO)
    assert refused(path).startswith(f"{path}:1: source: expected no `source` beside `sources`")


def test_a_source_beside_them_in_the_environment_is_one_too(written):
    message = refused(written(TWO), {"FRAUDWATCH_SOURCE__TOPIC": "mine"})
    assert message.startswith("variable FRAUDWATCH_SOURCE__TOPIC: source: expected no `source`")


def test_an_empty_source_says_nothing_and_is_none(written):
    assert load(written("source:\n" + TWO), {}) == load(written(TWO), {})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("cash.lines", "cards.authorised", "found cards.authorised, which is sources.cards.topic already"),
        ("cash.lines", "fraudwatch.transactions", "topics.transactions: expected a topic of its own"),
        ("cash.lines", "fraudwatch.review", "topics.review: expected a topic of its own"),
        ("cash.lines", "fraudwatch.dispositions", "topics.dispositions: expected a topic of its own"),
        ("cash.lines", "a b", "sources.cash.topic: expected 1 to 249 letters"),
        ("  cash:", "  c/a:", 'sources.c/a: expected 1 to 64 letters, digits, dashes or underscores as the name'),
        ("at, zone: Europe/Paris}\n    legs", "at, zone: Paris}\n    legs", "sources.cash.mapping.event_time.zone: "),
        ("at, zone: Europe/Paris}}", "at, zone: Paris}}", "sources.cash.legs[1].event_time.zone: "),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_named(written, before, after, expected):
    assert TWO.count(before) == 1
    path = written(TWO.replace(before, after))
    message = refused(path)
    assert message.startswith(f"{path}:")
    assert expected in message


def test_without_sources_the_log_of_intake_may_be_read_as_any_other_topic(written):
    assert load(written("source: {topic: fraudwatch.transactions}\n"), {}).source.topic == (
        Settings().topics.transactions
    )


def test_the_fingerprint_follows_their_mappings_and_not_their_names_order_or_topics(written):
    settings = load(written(TWO), {})
    cards, cash = settings.sources["cards"], settings.sources["cash"]

    def of(**sources: Source) -> str:
        return fingerprint(msgspec.structs.replace(settings, sources=sources))

    same = of(coins=cash, payments=msgspec.structs.replace(cards, topic="elsewhere"))
    assert same == fingerprint(settings)
    assert of(cards=cards) != same
    assert of(cash=cash, cards=msgspec.structs.replace(cards, mapping={"amount": "other"})) != same
