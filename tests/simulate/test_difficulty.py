"""How hard the simulated stream is. `python tests/simulate/test_difficulty.py` prints the table of docs/simulator.md.

A model is fitted on the first half of the days and judged on the second. On each of these days the 40 accounts
with the highest scores are looked at; a case is found if one of its transactions is in one of these account-days.
"""

import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from functools import partial

import msgspec
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import Plan, Typology
from fraudwatch.simulate.accounts import DAY_MS, HOUR_MS
from fraudwatch.simulate.block import NO_CASE
from fraudwatch.simulate.cases import TYPOLOGY_OF_KIND
from fraudwatch.simulate.draws import BoolArray
from fraudwatch.simulate.stream import days_of

PLAN = Plan(accounts=2_000, days=40, seed=1)
BUDGET = 40  # alerts a day, the default of `alerts.alerts_per_day`


class Stream:
    """The stream of a plan as columns, and what a score finds in its second half."""

    def __init__(self, plan: Plan) -> None:
        days = list(days_of(plan))

        def column(name: str) -> IntArray:
            return np.concatenate([getattr(day, name) for day in days])

        self.account = column("account")
        self.time_ms = column("time_ms")
        self.amount = column("amount_minor") / 100.0
        self.counterparty = column("counterparty")
        self.device = column("device")
        self.case = column("case")
        self.kind = column("kind")
        self.places = [np.nan_to_num(column(name)) for name in ("latitude", "longitude")]
        self.codes = [column(name) for name in ("category", "country", "counterparty_country")]
        self.day = self.time_ms // DAY_MS - plan.first_day
        self.hour = self.time_ms % DAY_MS / HOUR_MS
        self.is_case = self.case != NO_CASE
        self.is_test: BoolArray = self.day >= plan.days // 2

    def __len__(self) -> int:
        return len(self.case)

    def average_precision(self, score: FloatArray) -> float:
        return float(average_precision_score(self.is_case[self.is_test], score[self.is_test]))

    def recall(self, score: FloatArray) -> dict[str, float]:
        """Share of the cases found, over all (key `all`) and for each typology."""
        found: set[int] = set()
        for day in np.unique(self.day[self.is_test]):
            today = np.flatnonzero(self.day == day)
            highest: dict[int, float] = defaultdict(lambda: -np.inf)
            for account, value in zip(self.account[today].tolist(), score[today].tolist(), strict=True):
                highest[account] = max(highest[account], value)
            chosen = sorted(highest, key=lambda account: -highest[account])[:BUDGET]
            found |= set(self.case[today][np.isin(self.account[today], chosen)].tolist())
        typology = self._cases_of_second_half()
        groups = {"all": list(typology)} | {
            code.value: [case for case, own in typology.items() if own is code] for code in Typology
        }
        return {name: float(np.mean([case in found for case in cases])) for name, cases in groups.items()}

    def _cases_of_second_half(self) -> dict[int, Typology]:
        before = set(self.case[~self.is_test].tolist())
        after = self.is_case & self.is_test
        kinds = dict(zip(self.case[after].tolist(), self.kind[after].tolist(), strict=True))
        kind_to_typology = {int(kind): typology for kind, typology in TYPOLOGY_OF_KIND.items()}
        return {case: kind_to_typology[kind] for case, kind in kinds.items() if case not in before}


class Habits:
    """For each transaction what its account did up to and including it; what a habit-aware rule would use."""

    def __init__(self, stream: Stream) -> None:
        count = len(stream)
        names = ("ratio", "spent_24h", "new_24h", "tests_1h", "is_new", "is_new_device")
        self.columns = {name: np.zeros(count) for name in names}
        total: dict[int, float] = defaultdict(lambda: 80.0)  # two prior transactions of 40
        number: dict[int, int] = defaultdict(lambda: 2)
        recent: dict[int, deque[tuple[int, float, bool]]] = defaultdict(deque)
        seen: set[tuple[str, int, int]] = set()
        rows = zip(
            stream.account.tolist(),
            stream.time_ms.tolist(),
            stream.amount.tolist(),
            stream.counterparty.tolist(),
            stream.device.tolist(),
            strict=True,
        )
        for place, (account, time, amount, counterparty, device) in enumerate(rows):
            usual = total[account] / number[account]
            total[account] += amount
            number[account] += 1
            is_new = ("counterparty", account, counterparty) not in seen
            is_new_device = device != 0 and ("device", account, device) not in seen
            seen |= {("counterparty", account, counterparty), ("device", account, device)}
            window = recent[account]
            window.append((time, amount, is_new))
            while window[0][0] <= time - DAY_MS:
                window.popleft()
            tests = sum(1 for t, a, new in window if new and a < 6.0 and t > time - HOUR_MS)
            values = (
                np.log((amount + 1.0) / (usual + 1.0)),
                np.log(sum(a for _, a, _ in window) / usual),
                sum(new for _, _, new in window),
                tests,
                is_new,
                is_new_device,
            )
            for name, value in zip(names, values, strict=True):
                self.columns[name][place] = value


def forest(stream: Stream, columns: list[FloatArray]) -> FloatArray:
    """Scores of PyOD's isolation forest, fitted on a quarter of the first half."""
    from pyod.models.iforest import IForest  # noqa: PLC0415  (costs 1.5 s that other tests need not pay)

    values = np.column_stack(columns).astype(np.float64)
    fitted = IForest(random_state=1).fit(values[~stream.is_test][::4])
    return np.asarray(fitted.decision_function(values))


def raw_fields(stream: Stream) -> dict[str, list[FloatArray]]:
    log_amount = np.log(stream.amount)
    rest = [stream.hour, stream.day % 7, *stream.places, *stream.codes, stream.device != 0]
    return {
        "amount, hour": [stream.amount, stream.hour],
        "log amount, hour": [log_amount, stream.hour],
        "all raw fields": [stream.amount, *rest],
        "all raw fields, log amount": [log_amount, *rest],
    }


def rules(stream: Stream, habits: Habits) -> dict[str, Callable[[], FloatArray]]:
    """Scores by name, made when asked for."""
    own = habits.columns
    forests = {
        f"isolation forest on {name}": partial(forest, stream, columns)
        for name, columns in raw_fields(stream).items()
    }
    everything = [*own.values(), np.log(stream.amount), stream.hour]
    return {
        "a coin": lambda: np.random.default_rng(0).random(len(stream)),
        "large amount": lambda: stream.amount,
        "small amount": lambda: -stream.amount,
        **forests,
        "amount against own mean": lambda: own["ratio"],
        "spend of 24 h against own mean": lambda: own["spent_24h"],
        "new counterparties in 24 h": lambda: own["new_24h"],
        "tiny payments to new shops in 1 h": lambda: own["tests_1h"],
        "new device × amount against own mean": lambda: own["is_new_device"] * own["ratio"],
        "isolation forest on these habits, log amount, hour": partial(forest, stream, everything),
    }


@pytest.fixture(name="stream", scope="module")
def _stream() -> Stream:
    return Stream(PLAN)


def test_an_isolation_forest_on_raw_fields_finds_at_most_half_of_the_cases(stream: Stream) -> None:
    recalls = [stream.recall(forest(stream, columns))["all"] for columns in raw_fields(stream).values()]
    assert max(recalls) <= 0.5
    assert max(recalls) > stream.recall(np.zeros(len(stream)))["all"]


def test_no_threshold_on_the_amount_reaches_an_average_precision_of_one_half(stream: Stream) -> None:
    assert stream.average_precision(stream.amount) <= 0.5
    assert stream.average_precision(-stream.amount) <= 0.5


def test_what_an_account_usually_does_finds_what_raw_fields_do_not() -> None:
    stream = Stream(msgspec.structs.replace(PLAN, days=24))
    own = Habits(stream).columns
    habits = forest(stream, [*own.values(), np.log(stream.amount), stream.hour])
    raw = max(stream.recall(forest(stream, columns))["all"] for columns in raw_fields(stream).values())
    assert stream.recall(habits)["all"] > raw + 0.15


def test_a_score_that_knows_the_label_finds_every_case(stream: Stream) -> None:
    assert stream.recall(stream.is_case.astype(np.float64))["all"] == 1.0
    assert stream.average_precision(stream.is_case.astype(np.float64)) == 1.0


def table(seeds: tuple[int, ...]) -> Iterator[str]:
    """Lines of the difficulty table, averaged over the seeds, in Markdown."""
    names = ["all", *(code.value for code in Typology)]
    sums: dict[str, FloatArray] = {}
    for seed in seeds:
        stream = Stream(msgspec.structs.replace(PLAN, seed=seed))
        for name, score in rules(stream, Habits(stream)).items():
            values = score()
            recall = stream.recall(values)
            row = np.array([stream.average_precision(values), *(recall[each] for each in names)])
            sums[name] = sums.get(name, 0.0) + row / len(seeds)
    yield f"| score | average precision | cases found | {' | '.join(names[1:])} |"
    yield "|---" * (len(names) + 2) + "|"
    for name, row in sums.items():
        yield f"| {name} | {row[0]:.3f} | " + " | ".join(f"{value:.2f}" for value in row[1:]) + " |"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in table((1, 2, 3)))
