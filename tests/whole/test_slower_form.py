"""The fast way of 200 accounts of each labelled stream is what the slower one makes of them; all: `make quality`."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
import pytest
from faster_form import FasterForm
from identity import Comparison, compared
from oracle import Event, Oracle, assert_row_equals
from prepared import Fitted, chunks, fitted
from slower_form import DEAD_LETTER

from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, read_rows
from fraudwatch.features import Observations
from fraudwatch.records import Chunk, DeadLetter, Outcome

CONFIGS = Path(__file__).parents[2] / "configs"
ACCOUNTS = 200
READ = {"handbook": 450_000, "sparkov": 110_000}
"""Rows at the beginning of each stream: some seven weeks, of which the 200 accounts have about 19,000 and 22,000."""
PART = {"handbook": 24, "sparkov": 5}
"""One account in so many is taken, chosen by hash, until there are 200."""
TRAINED_ON = 10_000
BRUTE_FORCE = 7_000
"""Transactions recomputed from everything that was before, which costs the square of an account's."""

SEEN = ("SCORED", "UNSCORED_YOUNG_ACCOUNT", "DUPLICATE", "LATE")

Stream = tuple[Settings, list[bytes], Fitted]


@pytest.fixture(scope="module", params=READ)
def stream(request: pytest.FixtureRequest, labelled: Callable[[str], Path]) -> Stream:
    """Settings, records and a model fitted on the first of them."""
    name = request.param
    settings = load(CONFIGS / f"{name}.yaml", {})
    values = list(
        some_accounts(settings, islice(read_rows(labelled(f"{name}.csv.gz")), READ[name]), PART[name])
    )
    return settings, values, fitted(settings, values[:TRAINED_ON])


def some_accounts(settings: Settings, values: Iterable[bytes], part: int) -> Iterator[bytes]:
    """The records of 200 accounts chosen by hash."""
    key = str(settings.source.mapping["account_id"])
    chosen: set[str] = set()
    for value in values:
        account = msgspec.json.decode(value)[key]
        if account in chosen:
            yield value
        elif len(chosen) < ACCOUNTS and crc32(account.encode()) % part == 0:
            chosen.add(account)
            yield value


def test_outcomes_features_scores_and_alerts_are_those_of_the_slower_form(stream: Stream) -> None:
    settings, values, fit = stream
    comparison = Comparison()
    for comparison in compared(settings, fit, iter(values)):
        assert comparison.differing == 0, comparison
    assert comparison.records == len(values)
    assert comparison.scored > len(values) - 2 * ACCOUNTS
    assert comparison.decisions > comparison.published > 300


class OwnHistory(Oracle):
    """Without the windows that no judged feature reads."""

    def _windows(self, before: list[Event], judged: Event) -> dict[str, float]:
        return {}


def disturb(values: list[bytes]) -> Iterator[bytes]:
    """The same, some a little or much later, some twice, and between them some that are no records."""
    random = np.random.default_rng(8)
    places = np.arange(len(values), dtype=np.float64)
    places[random.random(len(values)) < 0.02] += 8.0
    places[random.random(len(values)) < 0.01] += 300.0
    again = np.flatnonzero(random.random(len(values)) < 0.01)
    order = np.argsort(np.concatenate([places, again + random.integers(1, 200, len(again))]), kind="stable")
    sources = np.concatenate([np.arange(len(values)), again])
    for row in sources[order].tolist():
        if random.random() < 0.01:
            yield values[row][: -len(values[row]) // 3]
        yield values[row]


def cut(values: list[bytes]) -> Iterator[Chunk]:
    """Into chunks of any length."""
    random, offset = np.random.default_rng(9), 0
    while offset < len(values):
        part = values[offset : offset + int(random.integers(1, 700))]
        yield from chunks(part, size=len(part), first_offset=offset)
        offset += len(part)


def test_outcomes_and_columns_are_those_of_a_recomputation_also_of_late_repeated_and_broken_records(
    stream: Stream,
) -> None:
    settings, values, fit = stream
    disturbed = list(disturb(values[:BRUTE_FORCE]))
    decoder, form = Decoder(settings), FasterForm(settings, fit.model)
    oracles: dict[str, OwnHistory] = {}
    seen: set[tuple[str, str]] = set()
    counted: Counter[int] = Counter()
    for chunk in cut(disturbed):
        told, _ = form.take(chunk)
        counted.update(told.outcome)
        row = 0
        for outcome, record in zip(told.outcome, map(chunk.record, range(len(chunk))), strict=True):
            transaction = decoder.decode(record)
            if isinstance(transaction, DeadLetter):
                assert outcome == DEAD_LETTER
                continue
            key = (transaction.account_id, transaction.transaction_id)
            if key in seen:
                assert outcome == Outcome.DUPLICATE.value
            else:
                seen.add(key)
                oracle = oracles.setdefault(transaction.account_id, OwnHistory(settings))
                is_young = not oracle.events
                columns = form.columns[row : row + 1]
                observed = Observations(
                    np.array([outcome]), columns, np.zeros((1, 7)), 0, np.empty(0, np.int64), 0, 0
                )
                assert_row_equals(oracle, transaction, observed, 0)
                if outcome != Outcome.LATE.value:
                    assert (outcome == Outcome.UNSCORED_YOUNG_ACCOUNT.value) == is_young
            row += 1
    assert min(counted[each] for each in (DEAD_LETTER, *(Outcome[name].value for name in SEEN))) > 20, counted
