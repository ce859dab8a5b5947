"""The history of one partition: what every account did, kept exactly, as a function of the log alone."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

from fraudwatch.config.settings import Settings
from fraudwatch.features import arrays, kernels
from fraudwatch.features.columns import Column, kept_windows, width
from fraudwatch.features.hours import LocalHours
from fraudwatch.features.repeats import SeenTransactions
from fraudwatch.records import ByteArray, FloatArray, Outcome, Transaction

DAY_MS = 86_400_000


class Observations(msgspec.Struct, frozen=True):
    """What the history says of n transactions, each on what had arrived before it.

    `outcome` is uint8[n] of `Outcome` codes (SCORED means: can be scored); `columns` is float64[n, c] by
    `columns.Column` and the windows, NaN where missing and in the rows of duplicates; `conflicts` counts the
    duplicates whose content differs.
    """

    outcome: ByteArray
    columns: FloatArray
    conflicts: int


@lru_cache(maxsize=65_536)
def _counterparty_hash(counterparty_id: str) -> int:
    return int.from_bytes(blake2b(counterparty_id.encode(), digest_size=8).digest(), "little", signed=True)


class History:
    """Rolling state of the accounts of one partition."""

    def __init__(self, settings: Settings) -> None:
        """An empty history."""
        windows = kept_windows(settings.features.windows)
        self._windows = np.array(windows, dtype=np.int64)
        self._day = windows.index(DAY_MS)
        self._grace = int(settings.lateness.grace)
        self._young = settings.features.young_account
        self._hours = LocalHours(settings.features.zone)
        self._seen = SeenTransactions(int(settings.lateness.dedup_horizon))
        self._slots: dict[str, int] = {}
        self._accounts = arrays.empty_accounts(1024, len(windows))
        self._pool = arrays.empty_pool(16_384)
        self._pairs = arrays.empty_pairs(4096)
        self._pairs_used = 0

    def __len__(self) -> int:
        """How many accounts are known."""
        return len(self._slots)

    def fold(self, transactions: Sequence[Transaction]) -> Observations:
        """Judge and remember transactions in order of arrival."""
        count = len(transactions)
        slots, times, amounts, counterparties = (np.zeros(count, dtype=np.int64) for _ in range(4))
        known, kinds = np.zeros(count, dtype=np.uint8), np.zeros(count, dtype=np.uint8)
        columns = np.full((count, width(len(self._windows))), np.nan)
        conflicts = 0
        for index, transaction in enumerate(transactions):
            repeat = self._seen.check(transaction)
            if repeat != "new":
                kinds[index] = kernels.SKIP
                conflicts += repeat == "conflict"
                continue
            slots[index] = self._slots.setdefault(transaction.account_id, len(self._slots))
            times[index] = transaction.event_time_ms
            amounts[index] = transaction.amount_minor
            columns[index, Column.HOUR] = self._hours.hour(transaction.event_time_ms)
            if transaction.counterparty_id is not None:
                counterparties[index] = _counterparty_hash(transaction.counterparty_id)
                known[index] = 1
        self._make_room(count)
        begin = 0
        while begin < count:
            begin, new_pairs = self._run(slots, times, amounts, counterparties, known, kinds, columns, begin)
            self._pairs_used += new_pairs
            if begin < count:
                self._pool = arrays.grown_pool(self._pool, 2 * len(self._pool.time))
        return Observations(self._outcomes(kinds, columns), columns, conflicts)

    def _run(self, *rows: Any) -> tuple[int, int]:
        """The kernel; its sums wrap on purpose, which only plain NumPy (numba switched off) would warn of."""
        with np.errstate(over="ignore"):
            next_row, new_pairs = kernels.fold_rows(
                self._accounts, self._pool, self._pairs, self._windows, self._day, self._grace, *rows
            )
        return int(next_row), int(new_pairs)

    def _make_room(self, transactions: int) -> None:
        """Room for the accounts and pairs of a batch; the pool grows when the kernel asks for it."""
        if len(self._slots) > len(self._accounts.newest):
            wanted = max(len(self._slots), 2 * len(self._accounts.newest))
            self._accounts = arrays.grown_accounts(self._accounts, wanted)
        places = len(self._pairs.key)
        while 2 * (self._pairs_used + transactions) > places:
            places *= 2
        if places > len(self._pairs.key):
            grown = arrays.empty_pairs(places)
            with np.errstate(over="ignore"):
                kernels.grown_pairs(self._pairs, grown)
            self._pairs = grown

    def _outcomes(self, kinds: ByteArray, columns: FloatArray) -> ByteArray:
        outcome = np.full(len(kinds), Outcome.SCORED.value, dtype=np.uint8)
        outcome[columns[:, Column.OWN_COUNT] < self._young] = Outcome.UNSCORED_YOUNG_ACCOUNT.value
        outcome[kinds == kernels.JUDGED_ONLY] = Outcome.LATE.value
        outcome[kinds == kernels.SKIP] = Outcome.DUPLICATE.value
        return outcome
