"""The history of one partition: what every account did, kept exactly, as a function of the log alone."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import msgspec
import numpy as np

from fraudwatch.config.settings import Settings
from fraudwatch.features import arrays, kernels
from fraudwatch.features.arrays import Flag, Table
from fraudwatch.features.columns import DAY, Column, kept_windows, width
from fraudwatch.features.local_time import LocalMoments, month_starts
from fraudwatch.features.repeats import SeenTransactions
from fraudwatch.records import ByteArray, FloatArray, Outcome, Transaction

FIRST_ACCOUNTS, FIRST_EVENTS, FIRST_PAIRS = 1024, 16_384, 2048

_DIRECTIONS = {None: 0, "credit": int(Flag.CREDIT), "debit": int(Flag.DEBIT)}
_STATUSES = {None: 0, "approved": 0, "declined": int(Flag.DECLINED), "reversed": int(Flag.REVERSED)}
_HAS_COUNTERPARTY, _HAS_PLACE = int(Flag.HAS_COUNTERPARTY), int(Flag.HAS_PLACE)
_SKIPPED = (0, 0, 0, 0, 0, 0, 0, 0, kernels.SKIP)


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
        first_year, last_year = (int(day[:4]) for day in (settings.limits.earliest, settings.limits.latest))
        self._rules = kernels.Rules(
            lengths=np.array(windows, dtype=np.int64),
            day=windows.index(DAY),
            grace=int(settings.lateness.grace),
            # A year more at either end: local time is ahead of or behind UTC.
            month_starts=month_starts(
                settings.features.zone, max(1, first_year - 1), min(9998, last_year + 1)
            ),
        )
        self._width = width(len(windows))
        self._young = settings.features.young_account
        self._moments = LocalMoments(settings.features.zone)
        self._seen = SeenTransactions(int(settings.lateness.dedup_horizon))
        self._slots: dict[str, int] = {}
        self._state = arrays.empty_state(FIRST_ACCOUNTS, len(windows), FIRST_EVENTS, FIRST_PAIRS)

    def __len__(self) -> int:
        """How many accounts are known."""
        return len(self._slots)

    def fold(self, transactions: Sequence[Transaction]) -> Observations:
        """Judge and remember transactions in order of arrival."""
        arrivals, conflicts = self._arrivals(transactions)
        columns = np.full((len(arrivals), self._width), np.nan)
        rows = kernels.Rows(arrivals, columns)
        self._make_room(arrivals)
        begin = 0
        # Sums of hashes wrap on purpose, which only plain NumPy (numba switched off) would warn of.
        with np.errstate(over="ignore"):
            while (begin := int(kernels.fold_rows(self._state, self._rules, rows, begin))) < len(arrivals):
                self._state = arrays.with_events(self._state, 2 * len(self._state.events))
        return Observations(self._outcomes(arrivals["kind"], columns), columns, conflicts)

    def _arrivals(self, transactions: Sequence[Transaction]) -> tuple[Table, int]:
        """The transactions as plain numbers, and how many repeat an earlier one with other content."""
        arrivals: list[tuple[int, ...]] = []
        conflicts = 0
        for transaction in transactions:
            repeat = self._seen.check(transaction)
            if repeat == "new":
                arrivals.append(self._arrival(transaction))
            else:
                arrivals.append(_SKIPPED)
                conflicts += repeat == "conflict"
        return np.array(arrivals, dtype=arrays.ARRIVAL).view(np.recarray), conflicts

    def _arrival(self, transaction: Transaction) -> tuple[int, ...]:
        """In the order of `arrays.ARRIVAL`."""
        bits = _DIRECTIONS.get(transaction.direction, 0) | _STATUSES.get(transaction.status, 0)
        counterparty = latitude = longitude = 0
        if transaction.counterparty_id is not None:
            counterparty = _counterparty_hash(transaction.counterparty_id)
            bits |= _HAS_COUNTERPARTY
        if transaction.latitude is not None and transaction.longitude is not None:
            latitude, longitude = round(transaction.latitude * 1e6), round(transaction.longitude * 1e6)
            bits |= _HAS_PLACE
        return (
            self._slots.setdefault(transaction.account_id, len(self._slots)),
            transaction.event_time_ms,
            transaction.amount_minor,
            counterparty,
            latitude,
            longitude,
            bits,
            self._moments.moment(transaction.event_time_ms),
            kernels.REMEMBERED,
        )

    def _make_room(self, arrivals: Table) -> None:
        """Room for the accounts, pairs and places of a batch; the pool grows when the kernel asks for it."""
        state, bits = self._state, arrivals["bits"]
        if len(self._slots) > len(state.accounts):
            state = arrays.with_accounts(state, max(len(self._slots), 2 * len(state.accounts)))
        if not len(state.places) and bool((bits & _HAS_PLACE).any()):
            state = arrays.with_places(state)
        needed = int(state.used[1]) + int(np.count_nonzero(bits & _HAS_COUNTERPARTY))
        if needed > len(state.pairs):
            state = arrays.with_pairs(state, max(needed, 2 * len(state.pairs)))
            with np.errstate(over="ignore"):
                kernels.enter_pairs(state)
        self._state = state

    def _outcomes(self, kinds: ByteArray, columns: FloatArray) -> ByteArray:
        outcome = np.full(len(kinds), Outcome.SCORED.value, dtype=np.uint8)
        outcome[columns[:, Column.OWN_COUNT] < self._young] = Outcome.UNSCORED_YOUNG_ACCOUNT.value
        outcome[kinds == kernels.JUDGED_ONLY] = Outcome.LATE.value
        outcome[kinds == kernels.SKIP] = Outcome.DUPLICATE.value
        return outcome
