"""The latest transactions of each account, for the evidence an alert carries."""

from collections import deque

from fraudwatch.records import Evidence, Transaction


class LatestTransactions:
    """The last `held` transactions of every account, in order of arrival."""

    def __init__(self, held: int, partition: int) -> None:
        """For the accounts of one partition."""
        self._held = held
        self._partition = partition
        self._by_account: dict[str, deque[Evidence]] = {}

    def add(self, transaction: Transaction, offset: int) -> bool:
        """Remember one transaction and forget what is older than the last `held`; True for an account's first."""
        held = self._by_account.get(transaction.account_id)
        is_first = held is None
        if held is None:
            held = self._by_account[transaction.account_id] = deque(maxlen=self._held)
        held.append(
            Evidence(
                transaction.transaction_id,
                transaction.event_time_ms,
                transaction.amount_minor,
                transaction.counterparty_id,
                self._partition,
                offset,
            )
        )
        return is_first

    def of(self, account_id: str) -> tuple[Evidence, ...]:
        """Oldest first; empty for an account never seen."""
        return tuple(self._by_account.get(account_id, ()))
