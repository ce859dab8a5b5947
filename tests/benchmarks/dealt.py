"""The simulator's rows dealt to as many accounts as a question asks for, as bytes, at a rate of their own.

A plan of a million accounts would take days of event time until everybody has a history. Here the row says what
happened and is one of ten that an account draws from; who, when and under which id is written anew.
"""

import re
from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
from prepared import stream

from fraudwatch.simulate import Plan

Activity = Literal["uniform", "heavy_tailed"]

IntArray = npt.NDArray[np.int64]

TEMPLATES = 20_000
OWN_TEMPLATES = 10
BLOCK = 20_000
FIRST_MS = 1_704_067_200_000  # 2024-01-01
DAY_MS = 86_400_000


class Dealer:
    """An endless stream over a fixed number of accounts, each event later than the one before.

    `per_account_and_day` is the mean rate; with heavy-tailed activity an account's is in proportion to 1/rank, so
    that of a million accounts the busiest one has 5 % of all transactions.
    """

    def __init__(
        self, accounts: int, activity: Activity, *, per_account_and_day: float = 2.0, seed: int = 1
    ) -> None:
        self._accounts = accounts
        self._activity = activity
        self._step_ms = DAY_MS / (per_account_and_day * accounts)
        self._random = np.random.default_rng(seed)
        self._dealt = 0
        self._templates = _templates()

    def everybody(self, times: int) -> Iterator[list[bytes]]:
        """Each account so many times over, before its own activity begins; in blocks."""
        for _ in range(times):
            for begin in range(0, self._accounts, BLOCK):
                yield self._written(np.arange(begin, min(begin + BLOCK, self._accounts)))

    def blocks(self, records: int) -> Iterator[list[bytes]]:
        """So many further records at least, in blocks."""
        for _ in range(0, records, BLOCK):
            yield self._written(self._drawn(BLOCK))

    def _drawn(self, count: int) -> IntArray:
        if self._activity == "uniform":
            return self._random.integers(0, self._accounts, count)
        ranks = np.exp(self._random.random(count) * np.log(self._accounts + 1.0)).astype(np.int64) - 1
        return np.clip(ranks, 0, self._accounts - 1)

    def _written(self, accounts: IntArray) -> list[bytes]:
        count = len(accounts)
        numbers = np.arange(self._dealt, self._dealt + count)
        self._dealt += count
        times = (FIRST_MS + numbers * self._step_ms).astype(np.int64).astype("datetime64[ms]")
        shown = np.datetime_as_string(times, timezone="UTC").tolist()
        own = self._random.integers(0, OWN_TEMPLATES, count)
        chosen = ((accounts * OWN_TEMPLATES + own) % len(self._templates)).tolist()
        templates = self._templates
        return [
            b'{"transaction_id":"%016x","account_id":"A%08d","event_time":"%s",%s'
            % (number, account, time.encode(), templates[template])
            for number, account, time, template in zip(
                numbers.tolist(), accounts.tolist(), shown, chosen, strict=True
            )
        ]


def _templates() -> list[bytes]:
    """What follows the event time in rows of the simulator."""
    plan = Plan(accounts=500, days=60, seed=3)
    return [re.split(rb'"event_time":"[^"]*",', value)[1] for value in stream(plan, TEMPLATES)]
