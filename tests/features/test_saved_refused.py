"""A saved history that a kernel could not follow safely is refused, and says which of its arrays is none of ours."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from by_columns import columns_of
from oracle import HOUR, START, make

from fraudwatch.config.settings import Features, Settings
from fraudwatch.errors import SnapshotError
from fraudwatch.features import History, arrays, kernels
from fraudwatch.features.arrays import Flag, Used

CONFIGURED = Settings(features=Features(max_accounts=20))
Saved = dict[str, Any]


def saved() -> Saved:
    """Thirty accounts of which twenty are kept, with blocks of several sizes, some of them free."""
    history = History(CONFIGURED)
    stream = [
        make(
            number,
            f"a{number * number // 3 % 30}",
            START + number * HOUR,
            number,
            counterparty_id=f"c{number % 7}",
        )
        for number in range(400)
    ]
    history.fold(columns_of(stream))
    return history.state()


def put(name: str, value: object, *, field: str | None = None, at: object = 3) -> Callable[[Saved], object]:
    def change(found: Saved) -> None:
        column = found[name] if field is None else found[name][field]
        column[at] = value

    return change


def twice(found: Saved) -> None:
    """Two accounts in one block."""
    for field in ("start", "block", "turn", "held", "begin", "end", "peaks_begin", "peaks_end"):
        found["accounts"][field][4] = found["accounts"][field][5]


def placed(found: Saved) -> None:
    """A transaction that has a place where no places are kept."""
    account = found["accounts"][4]
    found["events"]["stamp"][account["start"] + (account["begin"] - account["turn"]) % account["block"]] |= (
        Flag.HAS_PLACE
    )


def taken_and_free(found: Saved) -> None:
    sizes = [kernels.size_of(index) for index in range(arrays.SIZES)]
    found["free"][sizes.index(found["accounts"]["block"][4])] = found["accounts"]["start"][4]


def test_it_would_be_taken_as_it_is() -> None:
    found = saved()
    assert (found["free"] >= 0).any()
    assert len(History.of(CONFIGURED, found)) == 20


@pytest.mark.parametrize(
    ("array", "change"),
    [
        ("accounts", put("accounts", 2**40, field="start")),
        ("accounts", put("accounts", -1, field="start")),
        ("accounts", put("accounts", 3, field="block")),
        ("accounts", put("accounts", 2**30, field="end")),
        ("accounts", put("accounts", -5, field="held")),
        ("accounts", put("accounts", 9, field="block")),
        ("accounts", put("accounts", -1, field="turn")),
        ("accounts", put("accounts", 2**30, field="turn")),
        ("accounts", put("accounts", 2**20, field="peaks_begin")),
        ("accounts", put("accounts", 2**31 - 1, field="peaks_end")),
        ("accounts", put("accounts", np.nan, field="pressure")),
        ("windows", put("windows", 2**31 - 1, field="begin", at=(3, 1))),
        ("windows", put("windows", -1, field="begin", at=(3, 1))),
        ("events", put("events", 2**31 - 1, field="pair")),
        ("events", twice),
        ("events", taken_and_free),
        ("free", put("free", 2**40, at=5)),
        ("events", put("free", 1, at=0)),
        ("links", put("links", 20, at=(3, 0))),
        ("links", put("links", 3, at=(3, 1))),
        ("links", put("used", 0, at=Used.LEAST_ACTIVE)),
        ("pairs", put("pairs", 20, field="slot")),
        ("used", put("used", -1, at=Used.LEAST_ACTIVE)),
        ("used", put("used", 2**40, at=Used.EVENTS)),
        ("used", put("used", 21, at=Used.ACCOUNTS)),
        ("used", put("used", -1, at=Used.BATCH)),
        ("used", put("used", 2**63 - 1, at=Used.NEWEST)),
        ("used", lambda found: found.update(links=found["links"][:-1])),
        ("places", placed),
        ("seen", lambda found: found.update(seen=found["seen"]["key"])),
        ("windows", lambda found: found.update(windows=found["windows"][:, :-1])),
        ("history of", lambda found: found.pop("gone")),
        ("history of", lambda found: found.update(more=np.zeros(1))),
        ("kept_by", lambda found: found.pop("kept_by")),
        ("kept_by", lambda found: found.update(kept_by=np.full(9, 91, dtype=np.uint8))),
    ],
)
def test_what_a_kernel_could_not_follow_is_refused(array: str, change: Callable[[Saved], object]) -> None:
    found = saved()
    change(found)
    with pytest.raises(SnapshotError, match=array):
        History.of(CONFIGURED, found)
