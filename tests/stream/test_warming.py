"""A worker that says it is ready has its kernels: the first batch compiles nothing."""

import json
import os
import pkgutil
from importlib import import_module
from typing import Any

import pytest

import fraudwatch
from fraudwatch.config.settings import Settings
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk, Record
from fraudwatch.stream.warming import warm_up


def signatures() -> dict[str, int]:
    """How many forms of each kernel are there to be called."""
    found: dict[str, int] = {}
    for package in ("decode", "features", "alerts"):
        for module in pkgutil.walk_packages(
            [f"{fraudwatch.__path__[0]}/{package}"], f"fraudwatch.{package}."
        ):
            names: dict[str, Any] = vars(import_module(module.name))
            found |= {
                f"{module.name}.{name}": len(kernel.signatures)
                for name, kernel in names.items()
                if hasattr(kernel, "signatures")
            }
    return found


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="there are no kernels to compile")
def test_after_warming_up_a_first_batch_compiles_nothing() -> None:
    settings = Settings()
    warm_up(settings)
    before = signatures()
    values = [
        json.dumps(
            {
                "transaction_id": f"t{n}",
                "account_id": f"a{n % 7}",
                "event_time": 1_700_000_000_000 + 1_000 * (n % 50),
                "amount": 12.5,
                "counterparty_id": f"c{n % 3}",
            }
        ).encode()
        for n in range(200)
    ]
    records = [Record("t", 0, n, 1_700_000_100_000, None, value) for n, value in enumerate(values)]
    batch = Pipeline(settings).fold(Chunk.of(records))
    assert batch.dead_letters == []
    assert sum(before.values()) > 0
    assert signatures() == before
