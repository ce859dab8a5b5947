"""A training sample of the shape the features package gives, and a model fitted on it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from fraudwatch.config.settings import Detection
from fraudwatch.detection import Model, fit
from fraudwatch.records import FeatureSpec, FloatArray, Role, Side, Text, Theme, Unit

TEXT = Text(en="a", fr="a")


def spec(name: str, role: Role = Role.CONTEXT, side: Side = Side.HIGH) -> FeatureSpec:
    return FeatureSpec(name, name.upper(), Theme.AMOUNT, side, role, Unit.NUMBER, TEXT, TEXT)


SPECS = (
    spec("amount", Role.ANCHOR),
    spec("amount_ratio", Role.ANCHOR),
    spec("spend_24h_excess"),
    spec("quiet", side=Side.LOW),
    spec("hour", side=Side.RARE),
    spec("new_counterparty", side=Side.RARE),
    spec("sum_7d", Role.DESCRIPTIVE),
)


def sample(rows: int = 3_000, seed: int = 7) -> FloatArray:
    """Values for SPECS: spend goes with extreme amounts, the rest does not; some values are missing."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, len(SPECS)))
    values[:, 2] = np.where(values[:, 0] > 2.0, np.abs(values[:, 2]) + 1.5, values[:, 2])
    values[:, 4] = random.integers(0, 24, rows)
    values[:, 5] = random.random(rows) < 0.2
    values[random.random(rows) < 0.05, 3] = np.nan
    return values


@dataclass(frozen=True)
class Fitting:
    """`fit` with everything that a test does not care about filled in."""

    def __call__(
        self, values: FloatArray, specs: tuple[FeatureSpec, ...] = SPECS, **detection: object
    ) -> Model:
        settings = Detection(**detection)  # type: ignore[arg-type]
        return fit(
            values,
            specs,
            settings,
            population={"mean": 1.5},
            transactions_per_day=1_000.0,
            span_ms=(0, 86_400_000),
        )


@pytest.fixture(scope="session")
def fitted() -> Fitting:
    return Fitting()


@pytest.fixture(scope="session")
def values() -> FloatArray:
    return sample()


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., FeatureSpec]:
    return spec


@pytest.fixture(scope="session")
def make_sample() -> Callable[..., FloatArray]:
    return sample


@pytest.fixture(scope="session")
def specs() -> tuple[FeatureSpec, ...]:
    return SPECS


@pytest.fixture(scope="session")
def model(fitted: Fitting, values: FloatArray) -> Model:
    return fitted(values)
