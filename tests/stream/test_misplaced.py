"""Each account in one partition: what is in two is counted and said, and past the limit the worker ends."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from msgspec.structs import replace

from fraudwatch.config.log import with_log
from fraudwatch.config.settings import Accounts, Settings, Source
from fraudwatch.errors import BrokerError
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk, Record
from fraudwatch.stream.misplaced import AccountPlaces

Start = Callable[..., Any]


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 7), max_size=4)), max_size=20))
@trials(max_examples=100)
def test_it_counts_the_accounts_of_two_or_more_partitions_each_once(
    batches: list[tuple[int, list[int]]],
) -> None:
    places = AccountPlaces(Settings())
    seen: dict[int, set[int]] = {}
    for partition, accounts in batches:
        places.add(partition, accounts)
        for account in accounts:
            seen.setdefault(account, set()).add(partition)
    assert places.misplaced == sum(len(partitions) > 1 for partitions in seen.values())


def test_past_the_limit_it_says_what_to_do_and_names_no_account() -> None:
    places = AccountPlaces(Settings(accounts=Accounts(misplaced_limit=1)))
    places.add(0, [987651, 987652])
    places.add(1, [987651])
    with pytest.raises(BrokerError) as raised:
        places.add(1, [987652])
    assert "found 2 in two or more, past accounts.misplaced_limit (1)" in str(raised.value)
    assert "run `fraudwatch intake`" in str(raised.value)
    assert "98765" not in str(raised.value)


def test_a_log_of_intake_has_another_remedy() -> None:
    settings = with_log(Settings(accounts=Accounts(misplaced_limit=0), sources={"cards": Source()}))
    places = AccountPlaces(settings)
    places.add(0, [7])
    with pytest.raises(BrokerError, match="partitions were added to the log, or something else writes to it"):
        places.add(1, [7])


def test_it_is_said_at_the_first_and_then_at_each_doubling(caplog: pytest.LogCaptureFixture) -> None:
    places = AccountPlaces(Settings())
    places.add(0, list(range(9)))
    for n in range(9):
        places.add(1, [n])
    said = [record.args[1] for record in caplog.records if isinstance(record.args, tuple)]
    assert said == [1, 2, 4, 8]


def test_a_pipeline_names_an_account_once_with_its_first_transaction() -> None:
    pipeline = Pipeline(Settings())

    def fold(numbers: Iterable[int]) -> list[int]:
        values = [
            json.dumps(
                {"transaction_id": f"t{n}", "account_id": f"a{n % 3}", "event_time": 10**12 + n, "amount": 1}
            ).encode()
            for n in numbers
        ]
        chunk = Chunk.of([Record("t", 0, 0, -1, None, value) for value in values])
        return pipeline.fold(chunk).new_accounts.tolist()

    assert len(fold([0, 1, 3, 4])) == 2
    assert fold([0, 1]) == []  # duplicates
    assert len(fold(np.arange(5, 8).tolist())) == 1


def test_a_worker_shows_misplaced_accounts_and_ends_past_the_limit_after_a_restart_too(
    settings: Settings, broker: Any, start: Start
) -> None:
    def of(*accounts: str) -> list[bytes | None]:
        return [json.dumps({"n": n, "account": account}).encode() for n, account in enumerate(accounts)]

    settings = replace(settings, accounts=Accounts(misplaced_limit=2))
    broker.create_topics(2)
    first = start(settings)
    broker.send(of("a", "b", "c", "d"), partition=0)
    broker.send(of("e", "a", "b", "a"), partition=1)
    first.until(lambda: first.shows("fraudwatch_misplaced_accounts 2.0"))
    assert f"{settings.source.topic}: 2 accounts were seen in two partitions" in first.said
    broker.send(of("c"), partition=1)
    assert first.process.wait(20) == 1
    assert "expected each account in one partition, found 3 in two or more" in first.said
    assert broker.committed() == {0: 4, 1: 4}

    broker.commit({0: 4, 1: 5})
    second = start(settings)
    assert second.process.wait(30) == 1
    assert "expected each account in one partition, found 3 in two or more" in second.said
    assert "Traceback" not in second.said
    assert second.lines("restored")
