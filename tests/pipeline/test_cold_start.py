"""Cold start: an account without a history is judged as anybody, and by its own habit as that grows."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from fraudwatch.alerts.sentences import sentence
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import NO_TIMESTAMP, Chunk, Outcome, Record

DAY_MS = 86_400_000
BEGIN_MS = 1_709_251_200_000


def days_of(account: str, amount: float, days: int, first_day: int = 0, **kind: str) -> list[bytes]:
    """One payment a day around noon to the same shop, of one kind: its channel and category, if any."""
    return [
        msgspec.json.encode(
            {
                "transaction_id": f"{account}{day}",
                "account_id": account,
                "event_time": datetime.fromtimestamp(
                    (BEGIN_MS + day * DAY_MS) / 1000 + 43_200, UTC
                ).isoformat(),
                "amount": round(amount, 2),
                "currency": "EUR",
                "counterparty_id": "shop",
                "direction": "debit",
                **kind,
            }
        )
        for day in range(first_day, first_day + days)
    ]


def chunk_of(values: list[bytes]) -> Chunk:
    return Chunk.of([Record("t", 0, i, NO_TIMESTAMP, None, value) for i, value in enumerate(values)])


def usual_amounts(settings: Settings, model: Model, values: list[bytes]) -> list[float | None]:
    """What each alert would call the account's usual amount, in major units."""
    batch = Pipeline(settings, model=model).fold(chunk_of(values))
    told = []
    for row in range(len(values)):
        usual = {reason.spec.name: reason.usual for reason in batch.reasons_of(row)}["amount_ratio"]
        told.append(None if usual is None else usual / 100)
    return told


@pytest.mark.parametrize("own", [2.0, 60.0])
def test_what_is_usual_begins_with_the_population_in_the_artefact_and_becomes_the_accounts_own(
    configured: Settings, model: Model, own: float
) -> None:
    of_population = model.population["mean"] / 100
    told = usual_amounts(configured, model, days_of("new", own, 120))
    # Three transactions' worth of the population: after three of its own an account is half way.
    for count in (0, 1, 3, 30, 119):
        assert told[count] == pytest.approx((count * own + 3 * of_population) / (count + 3))


def test_the_usual_amount_of_a_new_account_is_that_of_such_transactions(
    configured: Settings, model: Model
) -> None:
    def first(**kind: str) -> float:
        return usual_amounts(configured, model, days_of("new", 10.0, 1, **kind))[0] or 0.0

    of_population = model.population["mean"] / 100
    bread, journey = (
        first(channel="card_present", category="groceries"),
        first(channel="online", category="travel"),
    )
    assert bread < 0.75 * of_population < of_population < journey
    assert first() == first(channel="card_present", category="never seen") == pytest.approx(of_population)
    learned = [mean / 100 for name, mean in model.population.items() if name.startswith("cohort_")]
    assert all(any(usual == pytest.approx(mean) for mean in learned) for usual in (bread, journey))
    told = usual_amounts(configured, model, days_of("new", 10.0, 120, channel="online", category="travel"))
    for count in (1, 3, 30, 119):
        prior = 3 / (count + 3)
        usual = (1 - prior) * 10.0 + prior * (prior * journey + (1 - prior) * of_population)
        assert told[count] == pytest.approx(usual)


def test_a_sentence_about_an_amount_says_whose_usual_value_it_is(configured: Settings, model: Model) -> None:
    def said(own: int) -> tuple[str, str]:
        groceries = {"channel": "card_present", "category": "groceries"}
        values = [*days_of("a", 10.0, own, **groceries), *days_of("a", 4_000.0, 1, own, **groceries)]
        batch = Pipeline(configured, model=model).fold(chunk_of(values))
        reason = {reason.spec.name: reason for reason in batch.reasons_of(own)}["amount_ratio"]
        text = sentence(reason, "EUR")
        return text.en, text.fr

    english, french = said(2)
    assert english.startswith(
        "4,000.00\N{NO-BREAK SPACE}€ is far above what is usual for such transactions ("
    )
    assert english.endswith("; the account has hardly any history of its own.")
    assert "de telles opérations (" in french
    assert french.endswith("le compte n’a presque pas d’historique.")
    english, french = said(3)
    assert "this account's own habit (usual: " in english
    assert "l’habitude de ce compte (habituel" in french


def test_an_artefact_without_cohorts_judges_as_it_was_fitted_to(configured: Settings, model: Model) -> None:
    fields = {name: getattr(model, name) for name in model.__dataclass_fields__}
    plain = {name: value for name, value in model.population.items() if not name.startswith("cohort_")}
    assert 0 < len(model.population) - len(plain) <= 64
    journey = days_of("new", 10.0, 1, channel="online", category="travel")
    found = usual_amounts(configured, Model(**fields | {"population": plain}), journey)
    assert found == [pytest.approx(model.population["mean"] / 100)]


def test_the_population_is_in_the_artefact_and_another_one_is_another_cold_start(
    configured: Settings, model: Model
) -> None:
    richer = model.population | {"mean": 2 * model.population["mean"]}
    other = Model(
        **{name: getattr(model, name) for name in model.__dataclass_fields__} | {"population": richer}
    )
    assert other.version != model.version
    first, second = (usual_amounts(configured, each, days_of("new", 20.0, 1))[0] for each in (model, other))
    assert second == pytest.approx(2 * (first or 0.0))


def test_to_be_new_is_no_reason(configured: Settings, model: Model) -> None:
    usual = model.population["mean"] / 100
    pipeline = Pipeline(configured, model=model)
    batch = pipeline.fold(chunk_of(days_of("new", usual, 5)))
    found = batch.assessments
    assert found.outcome[0] == Outcome.UNSCORED_YOUNG_ACCOUNT.value
    assert np.isnan(found.score[0])
    assert (found.outcome[1:] == Outcome.SCORED.value).all()
    assert not found.lane_surprises.any()
    assert (found.score[1:] < pipeline.policy.edge.raised_from).all()
    assert batch.alerts == []
    # Nor does it add to one: the same large amount is worth no more in an account of five days than of sixty.
    large = usual * 30
    scores = []
    for days in (5, 60):
        values = [*days_of("known", usual, days, 60 - days), *days_of("known", large, 1, 60)]
        scores.append(Pipeline(configured, model=model).fold(chunk_of(values)).assessments.score[-1])
    assert scores[0] <= scores[1] + 0.1
