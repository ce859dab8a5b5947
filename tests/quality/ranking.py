"""Do labelled cases rank first? What `fraudwatch backtest` scores, against the labels (issue 6, gates 1 and 2)."""

import csv
import tempfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gates import Gate, say

from fraudwatch.backtest import backtest, span
from fraudwatch.backtest.measures import already_known, average_precision
from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, LabelReader, read_rows
from fraudwatch.records import NO_TIMESTAMP, FloatArray, IntArray, Record, Transaction

ROOT = Path(__file__).parents[2]
DAY_MS = 86_400_000

STANDARD_WEEK = date(2018, 8, 8)
"""The first day of the Handbook's test week; three weeks before it are tested too."""
COMPROMISED_TERMINAL = "2"
"""The Handbook's scenario that changes nothing about the account: not to be found without verdicts."""
ACCOUNTS_A_DAY = 20


class Labelled(NamedTuple):
    """The transactions of a file, n of them: `ids` says at which place each is; `details` are finer labels."""

    ids: dict[str, int]
    accounts: IntArray
    days: IntArray
    is_case: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    details: list[str | None]


class Run(NamedTuple):
    """A backtest's scored span: places in `Labelled` of its transactions and their scores (NaN: none)."""

    places: IntArray
    score: FloatArray
    trained: tuple[int, int]


def measure(data: Path, seed: int | None = None) -> list[Gate]:
    """The gates of both streams; `seed` is that of fitting, None the default."""
    return [*_handbook(data / "handbook.csv.gz", seed), *_sparkov(data / "sparkov.csv.gz", seed)]


def settings_of(name: str, seed: int | None) -> Settings:
    """The configuration of a stream, with a seed of its own or the default one."""
    overrides = {} if seed is None else {"detection.seed": str(seed)}
    return load(ROOT / "configs" / f"{name}.yaml", environ={}, overrides=overrides)


def _handbook(path: Path, seed: int | None) -> list[Gate]:
    settings = settings_of("handbook", seed)
    of = labelled(settings, path)
    weeks: list[float | None] = []
    without: list[float | None] = []
    for before in (3, 2, 1, 0):
        first = STANDARD_WEEK - timedelta(weeks=before)
        train_from = first - timedelta(weeks=2)
        run = _scored(
            settings, path, of, train_from, train_from + timedelta(days=6), first, first + timedelta(days=6)
        )
        weeks.append(by_the_protocol(of, run))
        without.append(by_the_protocol(of, run, COMPROMISED_TERMINAL))
        say(f"handbook, {first}: AP {weeks[-1]}, without scenario {COMPROMISED_TERMINAL} {without[-1]}")
    trained = "trained on a week, tested on the week after next, by the Handbook's protocol"
    return [
        Gate(
            "handbook_week_ap",
            weeks[-1],
            0.22,
            True,
            f"average precision of {STANDARD_WEEK} to 14, {trained}",
        ),
        Gate("handbook_four_weeks_ap", mean(weeks), 0.275, True, "mean of it and the three weeks before"),
        Gate(
            "handbook_four_weeks_ap13", mean(without), 0.82, True, "the same without the rows of scenario 2"
        ),
    ]


def _sparkov(path: Path, seed: int | None) -> list[Gate]:
    settings = settings_of("sparkov", seed)
    of = labelled(settings, path)
    days = (date(2019, 2, 1), date(2019, 2, 28), date(2019, 4, 1), date(2019, 6, 30))
    run = _scored(settings, path, of, *days)
    meaning = "average precision of 2019-04-01 to 06-30, trained on February"
    found = f"of the accounts with a case, those among a day's {ACCOUNTS_A_DAY} highest on a day of one"
    with tempfile.TemporaryDirectory() as directory:
        clean = Path(directory) / "clean.jsonl"
        february, march = (date(2019, 2, 1), date(2019, 2, 28)), (date(2019, 3, 1), date(2019, 3, 31))
        _write_without_cases(path, clean, of, *february)
        of_clean = labelled(settings, clean)
        after = _scored(settings, clean, of_clean, *february, *march)
    without = "average precision of 2019-03, trained on a February whose cases were taken out of the feed"
    return [
        Gate(
            "sparkov_clean_window_ap",
            average_precision(after.score, of_clean.is_case[after.places]),
            0.43,
            True,
            without,
        ),
        Gate("sparkov_ap", average_precision(run.score, of.is_case[run.places]), 0.42, True, meaning),
        Gate("sparkov_accounts_found", accounts_found(of, run, ACCOUNTS_A_DAY), 0.95, True, found),
    ]


def _write_without_cases(path: Path, target: Path, of: Labelled, first: date, last: date) -> None:
    """The rows of a file as JSON lines, but for the labelled ones of these days."""
    with target.open("wb") as lines:
        for value, is_case, day in zip(read_rows(path), of.is_case, of.days, strict=True):
            if not (is_case and _day(first) <= day <= _day(last)):
                lines.write(value + b"\n")


def labelled(settings: Settings, path: Path) -> Labelled:
    """What the file says of its rows."""
    decoder = Decoder(settings)
    assert settings.source.label is not None
    labels = LabelReader(settings.source.label)
    numbers: dict[str, int] = {}
    ids: dict[str, int] = {}
    accounts, days, cases, details = [], [], [], []
    for value in read_rows(path):
        decoded = decoder.decode(Record(path.name, 0, 0, NO_TIMESTAMP, None, value))
        if isinstance(decoded, Transaction):
            ids[decoded.transaction_id] = len(ids)
            accounts.append(numbers.setdefault(decoded.account_id, len(numbers)))
            days.append(decoded.event_time_ms // DAY_MS)
            is_case, detail = labels.read(value)
            cases.append(is_case)
            details.append(detail)
    return Labelled(ids, np.array(accounts), np.array(days), np.array(cases), details)


def by_the_protocol(of: Labelled, run: Run, left_out: str | None = None) -> float | None:
    """Average precision without accounts whose case was known, and without the cases of one detail."""
    known = already_known(of.is_case, of.accounts, of.days, run.trained)[run.places]
    kept = ~known
    if left_out is not None:
        kept &= np.array([of.details[place] != left_out for place in run.places.tolist()])
    return average_precision(run.score[kept], of.is_case[run.places[kept]])


def accounts_found(of: Labelled, run: Run, accounts_a_day: int) -> float | None:
    """The share of accounts with a case that are, on a day of one, among the highest-scoring accounts of that day."""
    accounts, days, is_case = of.accounts[run.places], of.days[run.places], of.is_case[run.places]
    found: set[int] = set()
    for day in np.unique(days):
        rows = np.flatnonzero((days == day) & ~np.isnan(run.score))
        descending = accounts[rows[np.argsort(-run.score[rows], kind="stable")]]
        _, first = np.unique(descending, return_index=True)
        picked = descending[np.sort(first)[:accounts_a_day]]
        found |= set(picked.tolist()) & set(accounts[(days == day) & is_case].tolist())
    compromised = set(accounts[is_case].tolist())
    return len(found) / len(compromised) if compromised else None


def mean(values: Iterable[float | None]) -> float | None:
    """None where one of them is."""
    known = list(values)
    return None if None in known else float(np.mean([value for value in known if value is not None]))


def _scored(
    settings: Settings, path: Path, of: Labelled, train_from: date, train_to: date, first: date, last: date
) -> Run:
    """A backtest as the command makes it."""
    say(f"{path.name}: trained on {train_from} to {train_to}, scored on {first} to {last}")
    with tempfile.TemporaryDirectory() as directory:
        scores = Path(directory) / "scores.csv"
        backtest(
            settings,
            path,
            train_span=span(train_from, train_to, "train"),
            score_span=span(first, last, "score"),
            scores=scores,
        )
        return read_scores(scores, of, (_day(train_from), _day(train_to)))


def read_scores(path: Path, of: Labelled, trained: tuple[int, int]) -> Run:
    """What a backtest wrote; `trained` are the first and the last day of its training span."""
    places, scores = [], []
    with path.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            places.append(of.ids[row["transaction_id"]])
            scores.append(float(row["score"]) if row["score"] else np.nan)
    return Run(np.array(places, dtype=np.int64), np.array(scores), trained)


def _day(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) // 86_400
