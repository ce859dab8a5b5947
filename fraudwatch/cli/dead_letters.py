"""`fraudwatch dead-letters list | show | replay`."""

import base64
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import click

from fraudwatch.alerts.written import instant
from fraudwatch.broker import dead_letters
from fraudwatch.broker.dead_letters import StoredLetter
from fraudwatch.broker.deliveries import Place
from fraudwatch.broker.sending_back import MAX_ATTEMPTS, SentBack, send_back, would_send_back
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import counted, print_json, print_table, progress, say, table
from fraudwatch.cli.places import AGO, PLACE
from fraudwatch.config.settings import Settings
from fraudwatch.errors import UnusableInputError
from fraudwatch.records import Refusal

reasoned = click.option(
    "--reason",
    type=click.Choice([str(reason) for reason in Refusal]),
    help="Only those refused for this reason.",
)
since = click.option(
    "--since", type=AGO, metavar="DAY|AGE", help="Only those since a day (2025-03-01, UTC) or an age (24h)."
)


@click.group(
    "dead-letters",
    short_help=COMMANDS["dead-letters"],
    epilog=example("fraudwatch dead-letters list --since 24h"),
)
def command() -> None:
    """List, show or send back the records that could not be processed."""


@command.command("list", epilog=example("fraudwatch dead-letters list --reason bad_time --since 24h"))
@configured
@reasoned
@since
@as_json
def list_(settings: Settings, reason: str | None, since: int | None, as_json: bool) -> None:
    """List the dead letters that are still there: place, time, reason, source and what was found.

    With --json each is one line of JSON, with its bytes in base64.
    """
    with _letters(settings, reason, since) as letters:
        if as_json:
            for stored in letters:
                print_json(_as_object(stored))
            return
        shown = table("place", "written", "reason", "from", "replays", "detail")
        for stored in letters:
            shown.add_row(*_row(stored))
    print_table(shown)
    say(f"{shown.row_count:,} dead letters; `fraudwatch dead-letters show PLACE` shows one whole")


@command.command("show", epilog=example("fraudwatch dead-letters show 3/41"))
@click.argument("place", type=PLACE, metavar="PARTITION/OFFSET")
@configured
@click.option("--bytes", "as_bytes", is_flag=True, help="Print nothing but the record's value, untouched.")
@as_json
def show(settings: Settings, place: Place, as_bytes: bool, as_json: bool) -> None:
    """Show one dead letter whole: why, where it came from, its key and its bytes.

    PARTITION/OFFSET is its place on the dead-letters topic, as `list` prints it.
    """
    if as_bytes and as_json:
        raise click.UsageError("--bytes and --json exclude each other: leave one out")
    with _letters(settings, None, None) as letters:
        stored = next((letter for letter in letters if letter.place == place), None)
    if stored is None:
        raise UnusableInputError(
            f"expected a dead letter at {place} of {settings.topics.dead_letters}, found none. "
            "`fraudwatch dead-letters list` prints the places of those that are there."
        )
    if as_bytes:
        click.get_binary_stream("stdout").write(stored.letter.record.value or b"")
    elif as_json:
        print_json(_as_object(stored))
    else:
        _print(stored)


@command.command("replay", epilog=example("fraudwatch dead-letters replay --reason bad_time --yes"))
@configured
@reasoned
@since
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Send back so many at most.")
@click.option("--yes", is_flag=True, help="Do it. Without it only what would be done is shown.")
@as_json
def replay(
    settings: Settings, reason: str | None, since: int | None, limit: int | None, yes: bool, as_json: bool
) -> None:
    """Send dead letters back to the topic and partition they came from, bytes and key untouched.

    Each letter is sent back once; one that fails again is a new dead letter. What has failed after three replays is
    passed over, and counted. Mend first what refused them: the mapping, the limits, the source.
    """
    with _letters(settings, reason, since) as letters:
        done = (send_back if yes else would_send_back)(settings, letters, limit=limit)
    if as_json:
        print_json({"sent": yes, "letters": done.letters, **_counts(done)})
    else:
        _print_sent(done, yes)


@contextmanager
def _letters(settings: Settings, reason: str | None, since: int | None) -> Iterator[Iterator[StoredLetter]]:
    """The letters asked for; the progress of reading is shown meanwhile."""
    with progress("reading the dead letters") as show:
        everything = dead_letters.stored(settings, on_strange=say, on_progress=counted(show))
        with closing(everything) as found:
            yield (
                stored
                for stored in found
                if reason in (None, stored.letter.reason) and (since is None or stored.written_at_ms >= since)
            )


def _row(stored: StoredLetter) -> tuple[str, ...]:
    letter = stored.letter
    source = f"{letter.record.topic}/{letter.record.partition}/{letter.record.offset}"
    return (
        str(stored.place),
        instant(stored.written_at_ms),
        letter.reason.value,
        source,
        _replays(stored),
        letter.detail,
    )


def _replays(stored: StoredLetter) -> str:
    """`–`, `2`, or with an arrow where it was sent back again."""
    count = str(stored.attempts) if stored.attempts else "–"
    return count if stored.replay is None else f"{count} → {stored.replay.copy}"


def _as_object(stored: StoredLetter) -> dict[str, Any]:
    record = stored.letter.record
    replay = stored.replay
    return {
        "place": str(stored.place),
        "written_at": instant(stored.written_at_ms),
        "stage": stored.letter.stage,
        "reason": stored.letter.reason,
        "detail": stored.letter.detail.encode("utf-8", "replace").decode(),
        "source": {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp_ms": record.timestamp_ms,
        },
        "attempts": stored.attempts,
        "whole": stored.is_whole,
        "replayed_to": None if replay is None else f"{replay.topic}/{replay.copy}",
        "key_base64": _base64(record.key),
        "value_base64": _base64(record.value),
    }


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _print(stored: StoredLetter) -> None:
    letter, record = stored.letter, stored.letter.record
    shown = table("", "")
    shown.add_row("place", str(stored.place))
    shown.add_row("written", instant(stored.written_at_ms))
    shown.add_row("stage, reason", f"{letter.stage}, {letter.reason}")
    shown.add_row("detail", letter.detail)
    shown.add_row("came from", f"{record.topic}/{record.partition}/{record.offset}")
    shown.add_row("replays", f"{stored.attempts} led here")
    if stored.replay is not None:
        shown.add_row("sent back to", f"{stored.replay.topic}/{stored.replay.copy}")
    shown.add_row("key", _readable(record.key))
    shown.add_row("value", _readable(record.value))
    print_table(shown)


def _readable(content: bytes | None) -> str:
    """Text where it is text without control characters, otherwise as Python writes bytes; never a raw byte."""
    if content is None:
        return "none"
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return repr(content)
    return text if text.isprintable() else repr(content)


def _counts(done: SentBack) -> dict[str, Any]:
    return {
        "to": done.to,
        "already_replayed": done.already,
        "failed_too_often": done.too_often,
        "without_bytes": done.without_bytes,
    }


def _print_sent(done: SentBack, yes: bool) -> None:
    shown = table("#letters", "")
    verb = "sent back to" if yes else "would be sent back to"
    for topic, count in done.to.items():
        shown.add_row(f"{count:,}", f"{verb} {topic}")
    if done.already:
        shown.add_row(f"{done.already:,}", "passed over: sent back before")
    if done.too_often:
        shown.add_row(f"{done.too_often:,}", f"passed over: failed again after {MAX_ATTEMPTS} replays")
    if done.without_bytes:
        shown.add_row(f"{done.without_bytes:,}", "passed over: without bytes; read them from the source")
    print_table(shown)
    if not done.letters:
        say("nothing to send back")
    elif not yes:
        say("nothing was sent: the same with --yes does it")
