"""The history of one partition: what every account did, kept exactly, as a function of the log alone."""

from typing import Any, ClassVar

import msgspec
import numpy as np

from fraudwatch.config.settings import Settings
from fraudwatch.features import arrays, kernels, saved
from fraudwatch.features.arrays import FIRST_ACCOUNTS, FIRST_EVENTS, FIRST_PAIRS, FIRST_SEEN, Used
from fraudwatch.features.columns import DAY, Column, kept_windows, width
from fraudwatch.features.kernels.lanes import LANES
from fraudwatch.features.kernels.lanes.more import MORE_LANES
from fraudwatch.features.local_time import month_starts, offsets
from fraudwatch.features.saved import Saved
from fraudwatch.records import ByteArray, FloatArray, IntArray, Outcome, Trait, Transactions

MINOR_UNITS = 100
"""Of a unit of money."""

SPARE = 4
"""A pool that was packed anew has a quarter more room than its blocks."""


class Observations(msgspec.Struct, frozen=True):
    """What the history says of n transactions, each on what had arrived before it.

    `outcome` is uint8[n] of `Outcome` codes (SCORED means: can be scored). `columns` is float64[n, c] by
    `columns.Column`, then the windows where these were asked for; NaN where missing and in the rows of duplicates.
    `conflicts` counts the duplicates whose content differs. `new_accounts` is int64[k]: the hashes of the accounts
    never seen before, in their order. `composites` is float64[n, lanes] by `kernels.lanes.LANES`, and by `MORE_LANES`
    where one of them is on; 0 where a lane has nothing to say, and for what came late. Where the lanes have no share of
    the budget none is measured: 0.
    """

    outcome: ByteArray
    columns: FloatArray
    composites: FloatArray
    conflicts: int
    new_accounts: IntArray
    evicted: int
    returned: int


class History:
    """Rolling state of the accounts of one partition."""

    VERSION: ClassVar = 2
    """Of what `state` gives: another one has other tables, and only folding the log again leads to them."""

    def __init__(self, settings: Settings, *, described: bool = False) -> None:
        """An empty history. `described` asks for the columns of the windows, which no judged feature reads."""
        windows = kept_windows(settings.features.windows)
        first_year, last_year = (int(day[:4]) for day in (settings.limits.earliest, settings.limits.latest))
        # A year more at either end: local time is ahead of or behind UTC.
        calendar = (settings.features.zone, max(1, first_year - 1), min(9998, last_year + 1))
        offset_starts, offset_values = offsets(*calendar)
        self._rules = kernels.Rules(
            lengths=np.array(windows, dtype=np.int64),
            day=windows.index(DAY),
            grace=int(settings.lateness.grace),
            horizon=int(settings.lateness.dedup_horizon),
            max_accounts=settings.features.max_accounts,
            month_starts=month_starts(*calendar),
            offset_starts=offset_starts,
            offsets=offset_values,
            measures_lanes=settings.alerts.typology_share > 0.0,
            thresholds=np.array(
                [round(MINOR_UNITS * each) for each in settings.features.thresholds], dtype=np.int64
            ),
        )
        self._kept_by = {
            "currency": settings.currency,
            "features.windows": " ".join(str(length) for length in settings.features.windows),
            "features.zone": settings.features.zone,
            "limits.earliest": str(calendar[1]),  # months are counted from then on
        }
        if not settings.alerts.typology_share:
            # The training sample beside the history knows no account-day of any lane.
            self._kept_by["alerts.typology_share"] = "0"
        self._lanes = len(LANES)
        if settings.features.more_lanes:
            self._lanes += len(MORE_LANES)
            # The training sample beside the history has their largest composites.
            self._kept_by["features.more_lanes"] = "at " + " ".join(map(str, self._rules.thresholds.tolist()))
        self._width = width(len(windows)) if described else len(Column)
        self._young = settings.features.young_account
        self._state = arrays.empty_state(FIRST_ACCOUNTS, len(windows), FIRST_EVENTS, FIRST_PAIRS, FIRST_SEEN)

    @classmethod
    def of(cls, settings: Settings, found: Saved, *, described: bool = False) -> "History":
        """The history that `state` gave these arrays of, which are copied.

        Raises SnapshotError when it was kept with other settings, and for arrays that no history has: what a kernel
        takes for a place in a table has been looked at before.
        """
        history = cls(settings, described=described)
        saved.check_settings(found, history._kept_by)
        saved.check_tables(found, history._state)
        seen, gone = saved.plain(found["seen"], arrays.SEEN), found["gone"].copy()
        state = arrays.taken(history._state, found)
        saved.check_sound(state)
        with np.errstate(over="ignore"):
            kernels.enter_accounts(state)
            kernels.enter_pairs(state)
            kernels.enter_seen(state, seen, history._rules.horizon)
            kernels.enter_gone(state, gone)
        history._state = state
        return history

    def state(self) -> Saved:
        """A copy of all that is known, as named arrays, some with named fields."""
        return arrays.in_use(self._state, self._rules.horizon) | saved.settings_of(self._kept_by)

    def lose(self) -> int:
        """Records of any account may be missing from here on; how many accounts are known.

        None of them is new when it comes again, and what rests on a whole history is missing until it has one: the
        longest window after its next transaction, as of an account that was let go of.
        """
        self._state.accounts["whole_from"][: len(self)] = arrays.UNKNOWN
        return len(self)

    def __len__(self) -> int:
        """How many accounts are known."""
        return int(self._state.used[Used.ACCOUNTS])

    @property
    def accounts(self) -> IntArray:
        """The hashes int64[k] of all accounts that were ever new, ascending: those known and those let go of."""
        gone = self._state.gone
        return np.union1d(self._state.accounts["key"][: len(self)], gone[gone != 0])

    def fold(self, transactions: Transactions) -> Observations:
        """Judge and remember transactions in order of arrival."""
        rows = self._rows(transactions)
        self._state.used[Used.BATCH] = (self._state.used[Used.BATCH] + 1) % 2**31
        if not len(self._state.places) and bool((rows.traits & Trait.HAS_PLACE).any()):
            self._state = arrays.with_places(self._state)
        begin = 0
        # Hashes wrap on purpose, which only plain NumPy (numba switched off) would warn of.
        with np.errstate(over="ignore"):
            while (begin := int(kernels.fold_rows(self._state, self._rules, rows, begin))) < len(rows.times):
                self._grow()
        return Observations(
            outcome=self._outcomes(rows),
            columns=rows.columns,
            composites=rows.composites,
            conflicts=int(np.count_nonzero(rows.kinds == kernels.CONFLICT)),
            new_accounts=rows.new_accounts[: rows.counts[kernels.NEW_ACCOUNTS]].copy(),
            evicted=int(rows.counts[kernels.LET_GO]),
            returned=int(rows.counts[kernels.RETURNED]),
        )

    def evidence(self, account: int, until_offset: int, most: int) -> tuple[IntArray, IntArray, IntArray]:
        """What the account with this hash did until the transaction at an offset had come, by event time ascending.

        Event times in ms, amounts asked for in minor units and offsets, each int64[k]: of what was kept then the
        newest `most`, the transaction itself being one unless it came too late to be kept. The offset must lie in the
        batch folded last; nothing is left of an account that was let go of in it.
        """
        found = np.empty((most, 3), dtype=np.int64)
        slot = int(kernels.known_slot(self._state, account))
        if slot == arrays.NOTHING:
            return found[:0, 0], found[:0, 1], found[:0, 2]
        keep = int(self._rules.lengths[-1]) + self._rules.grace
        count = int(kernels.find_evidence(self._state, slot, until_offset, keep, found))
        times, amounts, offsets = found[:count][::-1].T.copy()
        return times, amounts, offsets

    def _rows(self, transactions: Transactions) -> kernels.Rows:
        # Numba would compile everything once more for an array that is read-only or not contiguous.
        def plain(array: "np.ndarray[tuple[int], np.dtype[Any]]") -> "np.ndarray[tuple[int], np.dtype[Any]]":
            return np.require(array, requirements=("C", "W"))

        count = len(transactions)
        return kernels.Rows(
            offsets=plain(transactions.offsets),
            accounts=plain(transactions.accounts),
            ids=plain(transactions.ids),
            contents=plain(transactions.contents),
            times=plain(transactions.event_time_ms),
            amounts=plain(transactions.amount_minor),
            counterparties=plain(transactions.counterparties),
            devices=plain(transactions.devices),
            cohorts=plain(transactions.cohorts),
            latitudes=plain(transactions.latitude),
            longitudes=plain(transactions.longitude),
            traits=plain(transactions.traits),
            kinds=np.zeros(count, dtype=np.uint8),
            columns=np.full((count, self._width), np.nan),
            composites=np.zeros((count, self._lanes)),
            new_accounts=np.empty(count, dtype=np.int64),
            counts=np.zeros(3, dtype=np.int64),
        )

    def _grow(self) -> None:
        """More room wherever none is left, or none could be won back: constant work for each row, on average."""
        state = self._state
        if not kernels.has_room_for_account(state, self._rules):
            state = arrays.with_accounts(state, min(2 * len(state.accounts), self._rules.max_accounts))
            kernels.enter_accounts(state)
        elif not kernels.has_room_for_pairs(state):
            is_crowded = 2 * int(kernels.count_pairs(state)) > len(state.pairs)
            state = arrays.with_pairs(state, len(state.pairs) * (2 if is_crowded else 1))
            kernels.enter_pairs(state)
        elif not kernels.has_room_for_gone(state):
            gone = state.gone
            state = arrays.with_gone(state, len(gone))
            kernels.enter_gone(state, gone)
        elif kernels.is_seen_full(state):
            seen, counting = state.seen, int(kernels.count_seen(state, self._rules.horizon))
            state = arrays.with_seen(state, max(FIRST_SEEN, counting))
            kernels.enter_seen(state, seen, self._rules.horizon)
        else:
            everything, largest = kernels.measure_blocks(state)
            pool = everything + max(everything // SPARE, 2 * largest, FIRST_EVENTS)
            packed = arrays.with_pool(state, pool)
            kernels.move_blocks(state, packed.events, packed.places)
            state = packed
        self._state = state

    def _outcomes(self, rows: kernels.Rows) -> ByteArray:
        outcome = np.full(len(rows.kinds), Outcome.SCORED.value, dtype=np.uint8)
        outcome[rows.columns[:, Column.OWN_COUNT] < self._young] = Outcome.UNSCORED_YOUNG_ACCOUNT.value
        outcome[rows.kinds == kernels.JUDGED_ONLY] = Outcome.LATE.value
        outcome[rows.kinds >= kernels.DUPLICATE] = Outcome.DUPLICATE.value
        return outcome
