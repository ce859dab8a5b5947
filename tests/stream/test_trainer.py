"""When a model is fitted: at first, on schedule, on drift, and not while another one is tried."""

from types import SimpleNamespace
from typing import Any

import pytest

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Drift, Settings, Training
from fraudwatch.metrics import Metrics
from fraudwatch.stream.trainer import Trainer

DAY = 86_400_000


def occasion(
    *,
    until_day: int,
    model_day: int | None = 10,
    decided_day: int = 0,
    every: int = 7,
    on_drift: bool = False,
    is_degraded: bool = False,
    is_ready: bool = True,
    has_candidate: bool = False,
    is_shadow: bool = False,
) -> str | None:
    """Of a sample that ends on a day, with a model whose own ended on another."""
    settings = Settings(
        training=Training(refit_every=Duration(every * DAY), refit_on_drift=on_drift),
        drift=Drift(window=Duration(3 * DAY)),
    )
    model = None if model_day is None else SimpleNamespace(span_ms=(0, model_day * DAY))
    trials = SimpleNamespace(
        candidate=object() if has_candidate else None, trained_until_ms=decided_day * DAY
    )
    training = SimpleNamespace(is_ready=is_ready, span_ms=(0, until_day * DAY))
    finding = SimpleNamespace(is_degraded=is_degraded)
    state: Any = SimpleNamespace(pipeline=SimpleNamespace(training=training), finding=finding)
    anything: Any = SimpleNamespace(model=model)
    trainer = Trainer(
        settings,
        anything,
        anything,
        anything,
        Metrics(),
        trials=None if is_shadow else trials,  # type: ignore[arg-type]
        is_shadow=is_shadow,
    )
    return trainer.occasion(state)


@pytest.mark.parametrize(
    ("expected", "circumstances"),
    [
        ("first", {"until_day": 7, "model_day": None}),
        (None, {"until_day": 7, "model_day": None, "is_ready": False}),
        ("first", {"until_day": 7, "model_day": None, "is_shadow": True}),
        (None, {"until_day": 16}),
        ("schedule", {"until_day": 17}),
        (None, {"until_day": 99, "every": 0}),
        (None, {"until_day": 99, "is_ready": False}),
        (None, {"until_day": 99, "is_shadow": True}),
        (None, {"until_day": 99, "has_candidate": True}),
        (None, {"until_day": 19, "decided_day": 13}),
        ("schedule", {"until_day": 20, "decided_day": 13}),
        (None, {"until_day": 14, "is_degraded": True}),
        (None, {"until_day": 12, "is_degraded": True, "on_drift": True}),
        ("drift", {"until_day": 13, "is_degraded": True, "on_drift": True}),
        ("drift", {"until_day": 13, "is_degraded": True, "on_drift": True, "every": 0}),
        (None, {"until_day": 14, "on_drift": True}),
        (None, {"until_day": 14, "on_drift": True, "is_degraded": True, "decided_day": 12}),
    ],
)
def test_a_model_is_fitted_when_it_is_time(expected: str | None, circumstances: dict[str, Any]) -> None:
    assert occasion(**circumstances) == expected


def test_by_default_there_is_one_first_fit() -> None:
    assert Settings().training.refit_every == 0
    assert Settings().training.refit_on_drift is False
