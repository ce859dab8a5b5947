"""A password is shown by nothing that shows settings, and taken as it is written."""

import asyncio
import base64
import logging
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.pretty import pretty_repr

from fraudwatch.cli import main
from fraudwatch.config.loading import dump, fingerprint, load
from fraudwatch.config.settings import Kafka, Settings
from fraudwatch.demo.setting import demo_settings
from fraudwatch.errors import ConfigurationError
from fraudwatch.stream.app import build_app
from fraudwatch.stream.clients import open_consumer

SECRET = "swordfish"
KAFKA = Kafka(security="sasl_ssl", username="me", password=SECRET)
SETTINGS = Settings(kafka=KAFKA)
VARIABLE = "FRAUDWATCH_KAFKA__PASSWORD"
AS_USER = {"FRAUDWATCH_KAFKA__SECURITY": "sasl_ssl", "FRAUDWATCH_KAFKA__USERNAME": "me"}


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r}".format, pretty_repr, dump])
@pytest.mark.parametrize("shown", [KAFKA, SETTINGS], ids=["section", "all"])
def test_settings_are_shown_without_the_password(show: Callable[[Any], str], shown: Any) -> None:
    if show is dump and shown is KAFKA:
        shown = SETTINGS
    text = show(shown)
    assert SECRET not in text
    assert "(hidden)" in text
    assert "sasl_ssl" in text


def test_a_traceback_that_shows_settings_shows_no_password() -> None:
    try:
        raise KeyError(SETTINGS)
    except KeyError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert "(hidden)" in "".join(told.format())
    assert SECRET not in "".join(told.format())


def test_hidden_is_not_lost() -> None:
    assert pickle.loads(pickle.dumps(SETTINGS)) == SETTINGS
    assert pickle.loads(pickle.dumps(SETTINGS)).kafka.password == SECRET
    assert "password=None" in repr(Kafka())


def test_config_show_hides_it_in_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (AS_USER | {VARIABLE: SECRET}).items():
        monkeypatch.setenv(name, value)
    for words in (["show"], ["show", "--json"], ["check"]):
        shown = CliRunner().invoke(main, ["config", *words])
        assert shown.exit_code == 0, shown.output
        assert SECRET not in shown.output


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_password_in_the_environment_is_taken_as_it_is(password: str) -> None:
    assert load(None, AS_USER | {VARIABLE: password}).kafka.password == password


@pytest.mark.parametrize("text", ["pass #word", "null", "'quoted'", "[a", "*alias", "!tag x", "0123", "a: b"])
def test_what_yaml_would_read_otherwise_is_a_password_too(text: str) -> None:
    assert load(None, AS_USER | {VARIABLE: text}).kafka.password == text


@pytest.mark.parametrize(
    "overrides",
    [{"kafka.password": SECRET}, {"kafka": f"{{password: {SECRET}, username: me, security: sasl_ssl}}"}],
)
def test_a_password_on_the_command_line_is_refused_without_repeating_it(overrides: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="expected no secret on the command line") as raised:
        load(None, {}, overrides)
    assert "kafka.password_file" in str(raised.value)
    assert VARIABLE in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_password_of_the_environment_beside_other_overrides_is_no_mistake() -> None:
    settings = load(None, AS_USER | {VARIABLE: SECRET}, {"kafka.group": "mine"})
    assert settings.kafka.password == SECRET


@pytest.mark.parametrize(
    "text",
    [
        f"kafka: {{password: [{SECRET}]}}",
        f"kafka: [{{password: {SECRET}}}]",
        f"kafka: password {SECRET}",
        f"kafka: {{pasword: {SECRET}}}",
        f"kafka: {{password: *{SECRET}}}",
        f"kafka: {{password: !{SECRET} x}}",
        f"kafka: {{password: !{SECRET}!x y}}",
        f'kafka: {{password: "{SECRET}\\q"}}',
        f'kafka:\n  password: "{SECRET}\n',
        f"kafka:\n  password: {SECRET}\n  password: {SECRET}\n",
        f"kafka:\n  password: {SECRET}: x\n",
        f"password: {SECRET}",
        f"kafka: {{password: {SECRET}}}",
    ],
)
def test_a_mistake_around_a_password_is_told_without_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load(path, {})
    chain = "".join(traceback.format_exception(raised.value))
    assert SECRET not in str(raised.value)
    assert "password" in str(raised.value) or "YAML" in str(raised.value) or "(hidden)" in str(raised.value)
    assert SECRET not in chain


def test_a_password_has_no_part_in_the_fingerprint() -> None:
    assert fingerprint(SETTINGS) == fingerprint(Settings())


def test_a_demo_takes_over_nothing_that_protects_another_kafka() -> None:
    kafka = demo_settings(SETTINGS, "127.0.0.1:1").kafka
    assert (kafka.security, kafka.username, kafka.password) == ("plaintext", None, None)


def test_the_engine_is_given_the_context_with_the_password_and_does_not_show_it() -> None:
    loop = asyncio.new_event_loop()
    try:
        app = build_app(SETTINGS, loop)
        chosen = app.conf.broker_credentials
        assert chosen.protocol.value == "SASL_SSL"
        assert chosen.mechanism.value == "SCRAM-SHA-512"
        assert chosen.password == SECRET
        assert chosen.ssl_context.check_hostname
        for shown in (repr(app), repr(app.conf), repr(chosen), str(app.conf.broker)):
            assert SECRET not in shown
        plain = build_app(Settings(), loop)
        assert plain.conf.broker_credentials is None
        mutual = build_app(Settings(kafka=Kafka(security="ssl")), loop)
        assert mutual.conf.broker_credentials.protocol.value == "SSL"
    finally:
        loop.close()


def test_at_the_loudest_no_client_logs_the_password(
    node: Any, configuration: Any, run: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    configuration.allow_everything()
    configuration.create_topics()
    configuration.over_sasl()
    password = Path(configuration.write().parent / "password-fraudwatch").read_text().strip()
    rows = configuration.write().parent / "rows.jsonl"
    rows.write_text("no transaction\n")

    async def connect() -> None:
        async with open_consumer(load(configuration.write(), {})) as consumer:
            await consumer.topics()

    # A worker in this process may have set its own.
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "aiokafka"):
        assert run(configuration, "replay", rows).exit_code == 0
        asyncio.run(connect())
    said = caplog.text
    assert {"kafka", "aiokafka"} <= {record.name.partition(".")[0] for record in caplog.records}
    for form in (password, repr(password)[1:-1], base64.b64encode(password.encode()).decode()):
        assert form not in said
