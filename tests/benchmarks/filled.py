"""A node with a filled topic, and the models: what the questions on the real broker begin with."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node import fill, kafka_node, make_topics
from prepared import fitted, ordinary_model, simulated_settings, stream, write_ordinary_model
from reporting import say
from scale import Scale
from workers import Log

from fraudwatch import detection
from fraudwatch.simulate import Plan, messages

TOPIC, REVIEW = "transactions", "alerts-of-the-others"


@contextmanager
def filled_log(scale: Scale, *, with_records: bool = True) -> Iterator[Log]:
    """The log, on a node of its own; without records the topic is empty."""
    plan = Plan(accounts=scale.log_accounts, days=scale.log_days)
    with tempfile.TemporaryDirectory(prefix="fraudwatch-bench-model-") as place:
        model, ordinary = Path(place) / "model", Path(place) / "ordinary.joblib"
        fit_models(plan, scale, model, ordinary)
        with kafka_node() as address:
            make_topics(address, [TOPIC, REVIEW], scale.partitions)
            records = 0
            if with_records:
                say(f"filling {TOPIC} with the simulated days of {plan.accounts:,} accounts")
                records = fill(address, TOPIC, messages(plan))
            yield Log(address, TOPIC, scale.partitions, records, REVIEW, model, ordinary)


def fit_models(plan: Plan, scale: Scale, model: Path, ordinary: Path) -> None:
    """One fit on the plan's first records: the artefact for the worker, the same as PyOD objects for the others."""
    say(f"fitting a model on the first {scale.trained_on:,} records")
    settings = simulated_settings()
    fit = fitted(settings, stream(plan, scale.trained_on))
    model.mkdir(parents=True)
    detection.write(detection.pack(fit.model), model)
    plain = ordinary_model(fit, fit.model.transactions_per_day, settings.alerts.alerts_per_day)
    write_ordinary_model(ordinary, plain)
