"""Builders of the few things alerts are made of."""

import sys
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from fraudwatch.alerts import Decision, Policy, shock
from fraudwatch.config.settings import Alerts, Settings
from fraudwatch.records import FeatureSpec, LaneSpec, Reason, Role, Side, Text, Theme, Transaction, Unit

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share lies beside them: `plain_edge`

START_MS = 1_533_686_400_000  # 2018-08-08T00:00:00Z
HOUR_MS = 3_600_000

Payment = Callable[..., Transaction]
MakeReason = Callable[..., Reason]
MakePolicy = Callable[..., "OneByOne"]


class OneByOne(Policy):
    """A policy that is given whole transactions, one at a time."""

    def decide(
        self,
        transaction: Transaction,
        offset: int,
        score: float,
        reasons: Callable[[], tuple[Reason, ...]],
        lanes: Sequence[float] = (),
    ) -> Decision | None:
        account = hash_of(transaction.account_id)
        surprises = np.array(lanes, dtype=np.float64)
        stands_out = self.judge_rows(
            np.array([account]),
            np.array([transaction.event_time_ms]),
            np.array([score]),
            np.array([hash_of(transaction.transaction_id)]),
            lanes=surprises[:, None],
        )
        if stands_out:
            return None
        return self.judge(transaction, offset, score, reasons, account=account, lanes=surprises)


def hash_of(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)


@pytest.fixture
def payment() -> Payment:
    def build(
        transaction_id: str = "t1", account_id: str = "596", hours: float = 0.0, amount_minor: int = 1_250
    ) -> Transaction:
        return Transaction(
            transaction_id, account_id, START_MS + round(hours * HOUR_MS), amount_minor, currency="EUR"
        )

    return build


@pytest.fixture
def reason() -> MakeReason:
    def build(
        code: str = "AMT",
        *,
        theme: Theme = Theme.AMOUNT,
        side: Side = Side.HIGH,
        role: Role = Role.ANCHOR,
        surprise: float = 3.0,
        contribution: float = 2.0,
        value: float | None = 81_240.0,
        usual: float | None = 3_100.0,
        unit: Unit = Unit.MONEY,
        window_ms: int | None = 24 * HOUR_MS,
        en: str = "{value} spent in {window}[, usually {usual}].",
        fr: str = "{value} dépensés en {window}[, d’habitude {usual}].",
    ) -> Reason:
        spec = FeatureSpec(
            name=f"name_of_{code.lower()}",
            code=code,
            theme=theme,
            side=side,
            role=role,
            unit=unit,
            sentence=Text(en, fr),
            innocent=Text("A planned large purchase.", "Un achat important prévu."),
            window_ms=window_ms,
        )
        return Reason(spec, surprise=surprise, contribution=contribution, value=value, usual=usual)

    return build


@pytest.fixture
def policy() -> MakePolicy:
    """Scores of the reference are exponential: with 1,000 transactions a day about 10^(3 − x) a day exceed x."""

    def build(
        *,
        alerts_per_day: float = 10.0,
        explore: float = 0.0,
        partition: int = 0,
        partitions: int = 1,
        lanes: Sequence[LaneSpec] = (),
        typology_share: float = 0.5,
    ) -> OneByOne:
        alerts = Alerts(alerts_per_day=alerts_per_day, explore=explore, typology_share=typology_share)
        made = OneByOne(Settings(alerts=alerts), partition=partition, partitions=partitions)
        reference = -np.log10((np.arange(10_000) + 0.5) / 10_000)
        made.use(reference, 1_000.0 / partitions, "model-1")
        made.watch(lanes)
        return made

    return build


@pytest.fixture
def nothing_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hour is measured for what its accounts share: what else is decided of many at once is seen alone."""
    nobody = np.full(shock.QUARTERS * shock.MOST + 1, np.inf)
    monkeypatch.setattr(shock, "usually_exceeded", lambda ranked, days: nobody)


@pytest.fixture(scope="session")
def one_by_one() -> type[OneByOne]:
    return OneByOne
