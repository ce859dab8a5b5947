"""What no single setting can say of itself: relations between settings, and names that must exist."""

import itertools
import re
import zoneinfo
from collections.abc import Iterator
from datetime import date

from fraudwatch.config import security
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import DAY, HOUR, FieldMapping, Settings
from fraudwatch.config.wording import found, nearest

Broken = tuple[str, str]
"""A dotted key and what to say of it."""

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SOURCE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+):(\d{1,5})")

_ABOVE_ZERO = (
    "kafka.session_timeout",
    "kafka.request_timeout",
    "stream.commit_every",
    "stream.shutdown",
    "stream.stalled_after",
)


LONGEST_WINDOW = Duration(365 * DAY)

LATEST_KEPT = date(6400, 12, 31)
"""The history keeps event times in 48 bits."""


def broken(settings: Settings) -> Iterator[Broken]:
    """Every rule that the settings break."""
    yield from _servers(settings.kafka.bootstrap_servers)
    yield from security.contradictions(settings.kafka)
    yield from _source_names(settings)
    yield from _topics(settings)
    yield from _windows(settings.features.windows)
    yield from _grace(settings)
    yield from _dates(settings)
    yield from _spans_of_models(settings)
    yield from _zones(settings)
    for key in _ABOVE_ZERO:
        section, _, name = key.partition(".")
        if getattr(getattr(settings, section), name) <= 0:
            yield key, "expected a duration above 0; found 0s"


def _servers(servers: str) -> Iterator[Broken]:
    for address in servers.split(","):
        match = _ADDRESS.fullmatch(address.strip())
        if match is None or not 1 <= int(match[1]) <= 65_535:
            yield (
                "kafka.bootstrap_servers",
                f"expected host:port, ports from 1 to 65535, separated by commas; found {found('', address)}",
            )


def _topics(settings: Settings) -> Iterator[Broken]:
    names = {
        **_input_topics(settings),
        "topics.review": settings.topics.review,
        "topics.dead_letters": settings.topics.dead_letters,
        "topics.dispositions": settings.topics.dispositions,
        "topics.models": settings.topics.models,
        "topics.snapshots": settings.topics.snapshots,
    }
    taken: dict[str, str] = {}
    for key, name in names.items():
        if not _TOPIC.fullmatch(name) or name in (".", ".."):
            yield (
                key,
                f"expected 1 to 249 letters, digits, dots, dashes or underscores; found {found('', name)}",
            )
        elif name in taken:
            yield key, f"expected a topic of its own; found {name}, which is {taken[name]} already"
        taken.setdefault(name, key)


def _input_topics(settings: Settings) -> dict[str, str]:
    """A record says its topic and nothing else of where it is from: two sources cannot share one."""
    if not settings.sources:
        return {"source.topic": settings.source.topic}
    topics = {f"sources.{name}.topic": source.topic for name, source in settings.sources.items()}
    return {**topics, "topics.transactions": settings.topics.transactions}


def _source_names(settings: Settings) -> Iterator[Broken]:
    for name in settings.sources:
        if not _SOURCE_NAME.fullmatch(name):
            expected = "1 to 64 letters, digits, dashes or underscores as the name of a source"
            yield f"sources.{name}", f"expected {expected}; found {found('', name)}"


def _windows(windows: tuple[Duration, ...]) -> Iterator[Broken]:
    if windows[0] <= 0:
        yield "features.windows", f"expected durations above 0; found {windows[0]}"
    for shorter, longer in itertools.pairwise(windows):
        if longer <= shorter:
            yield (
                "features.windows",
                f"expected each window longer than the one before; found {longer} after {shorter}",
            )


def _grace(settings: Settings) -> Iterator[Broken]:
    grace, longest = settings.lateness.grace, max(settings.features.windows)
    if grace >= longest:
        yield (
            "lateness.grace",
            f"expected less than the longest of features.windows ({longest}); found {grace}",
        )


def _spans_of_models(settings: Settings) -> Iterator[Broken]:
    half_life, window = settings.training.half_life, settings.drift.window
    # The weights of a century, as powers of two, have to fit a number (`pipeline.training`).
    if 0 < half_life < HOUR:
        yield "training.half_life", f"expected 0s or at least {HOUR}; found {half_life}"
    lifts_every, lifts_half_life = settings.training.lifts_every, settings.training.lifts_half_life
    # Each is a version that every worker loads.
    if 0 < lifts_every < HOUR:
        yield "training.lifts_every", f"expected 0s or at least {HOUR}; found {lifts_every}"
    if 0 < lifts_half_life < lifts_every:
        expected = f"0s or at least training.lifts_every ({lifts_every})"
        yield "training.lifts_half_life", f"expected {expected}; found {lifts_half_life}"
    if not DAY <= window <= LONGEST_WINDOW:
        yield "drift.window", f"expected from {DAY} to {LONGEST_WINDOW}; found {window}"


def _dates(settings: Settings) -> Iterator[Broken]:
    days: list[date] = []
    for key, text in (
        ("limits.earliest", settings.limits.earliest),
        ("limits.latest", settings.limits.latest),
    ):
        try:
            days.append(date.fromisoformat(text))
        except ValueError:
            yield key, f"expected a date such as 1990-01-01; found {found('', text)}"
    if len(days) == 2 and days[0] >= days[1]:
        yield "limits.earliest", f"expected a date before limits.latest ({days[1]}); found {days[0]}"
    if len(days) == 2 and days[1] > LATEST_KEPT:
        yield "limits.latest", f"expected a date up to {LATEST_KEPT}; found {days[1]}"


def _zones(settings: Settings) -> Iterator[Broken]:
    zones = {"features.zone": settings.features.zone}
    sources = {f"sources.{name}": source for name, source in settings.sources.items()}
    for key, source in (sources or {"source": settings.source}).items():
        mappings = {f"{key}.mapping": source.mapping}
        mappings |= {f"{key}.legs[{place}]": leg for place, leg in enumerate(source.legs)}
        for where, fields in mappings.items():
            for name, mapping in fields.items():
                if isinstance(mapping, FieldMapping) and mapping.zone is not None:
                    zones[f"{where}.{name}.zone"] = mapping.zone
    for key, zone in zones.items():
        known = zoneinfo.available_timezones()
        if zone not in known:
            close = nearest(zone, known)
            hint = f"; did you mean {close}?" if close else ""
            yield key, f"expected a time zone such as Europe/Paris; found {found('', zone)}{hint}"
