"""Transaction ids already seen, to tell a repeated transaction from a new one."""

from collections import deque
from hashlib import blake2b
from typing import Literal

import msgspec

from fraudwatch.features.arrays import NEVER
from fraudwatch.records import Transaction

_encoder = msgspec.msgpack.Encoder()

Repeat = Literal["new", "duplicate", "conflict"]


class SeenTransactions:
    """Ids within the horizon of the partition's newest event time, each with a digest of its content.

    An id names a transaction of one account: the same id on another account is another transaction, so that
    what is found does not depend on which accounts share a partition.
    """

    def __init__(self, horizon_ms: int) -> None:
        """Remembers ids for `horizon_ms` of event time."""
        self._horizon_ms = horizon_ms
        self._newest_ms = NEVER
        self._seen: dict[bytes, tuple[int, bytes]] = {}
        self._arrivals: deque[tuple[int, bytes]] = deque()

    def check(self, transaction: Transaction) -> Repeat:
        """What the transaction is to what was seen; remembers a new one."""
        self._newest_ms = max(self._newest_ms, transaction.event_time_ms)
        self._forget()
        name = f"{len(transaction.account_id)}:{transaction.account_id}{transaction.transaction_id}"
        key = blake2b(name.encode(), digest_size=12).digest()
        content = blake2b(_encoder.encode(transaction), digest_size=8).digest()
        before = self._seen.get(key)
        if before is not None and before[0] >= self._newest_ms - self._horizon_ms:
            return "duplicate" if before[1] == content else "conflict"
        self._seen[key] = (transaction.event_time_ms, content)
        self._arrivals.append((transaction.event_time_ms, key))
        return "new"

    def __len__(self) -> int:
        """How many ids are held."""
        return len(self._seen)

    def _forget(self) -> None:
        """Bounds memory; whether an entry still counts is decided by its own time in `check`."""
        oldest = self._newest_ms - self._horizon_ms
        while self._arrivals and self._arrivals[0][0] < oldest:
            time_ms, key = self._arrivals.popleft()
            if self._seen.get(key, (NEVER, b""))[0] == time_ms:
                del self._seen[key]
