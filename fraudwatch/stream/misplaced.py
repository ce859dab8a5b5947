"""Each account has its history in one partition: whether the log keeps to that (DESIGN D2).

Only an account that is new to a partition is looked at, not each record. A worker sees the partitions it holds:
an account in two partitions of two workers is found by neither.
"""

import logging
from collections.abc import Iterable

from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError

logger = logging.getLogger(__name__)


class AccountPlaces:
    """The partition that each account was first seen in.

    Accounts by their hashes (`Transactions.accounts`).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._partition_of: dict[int, int] = {}
        self._misplaced: set[int] = set()

    @property
    def misplaced(self) -> int:
        """How many accounts were seen in more than one partition."""
        return len(self._misplaced)

    def add(self, partition: int, accounts: Iterable[int]) -> None:
        """These accounts, by their hashes, are new to this partition.

        Raises BrokerError past `accounts.misplaced_limit`.
        """
        before = self.misplaced
        for account in accounts:
            if self._partition_of.setdefault(account, partition) != partition:
                self._misplaced.add(account)
        if self.misplaced > before:
            self._judge(before)

    def _judge(self, before: int) -> None:
        settings, found = self._settings, self.misplaced
        if found > settings.accounts.misplaced_limit:
            raise BrokerError(
                f"{settings.source.topic}: expected each account in one partition, found {found} in two or more, "
                f"past accounts.misplaced_limit ({settings.accounts.misplaced_limit}): their history is in pieces. "
                f"{self._remedy}"
            )
        if found.bit_length() > before.bit_length():
            logger.warning(
                "%s: %d accounts were seen in two partitions, each with a part of their history; the worker ends "
                "past %d (accounts.misplaced_limit). %s",
                settings.source.topic,
                found,
                settings.accounts.misplaced_limit,
                self._remedy,
            )

    @property
    def _remedy(self) -> str:
        if self._settings.sources:
            return (
                "Intake keys by account: partitions were added to the log, or something else writes to it. "
                "Write it anew: another topics.transactions and kafka.group, and intake from the beginning."
            )
        return (
            "Key the records by account where they are produced, or name the topic under `sources` and run "
            "`fraudwatch intake`, which keys them."
        )
