"""What became of a transaction, and what would have changed it, in English and French."""

import numpy as np
import pytest

from fraudwatch.explain import Decided, words
from fraudwatch.explain.crossing import Crossing, Form
from fraudwatch.explain.subjects import Subject
from fraudwatch.records import Outcome, Text, Unit


def plain(text: Text) -> tuple[str, str]:
    return text.en.replace("\u00a0", " "), text.fr.replace("\u00a0", " ").replace("\u202f", " ")


def crossing(name: str, was: float, stated: float, unit: Unit, form: Form, *, lane: bool = False) -> Crossing:
    nothing = np.empty((0, 0))
    subject = Subject(
        name=name,
        unit=unit,
        was=was,
        features=() if lane else (0,),
        queue=0,
        bounds=(0.0, 1.0),
        categories=np.empty(0),
        tried=0,
        observed=lambda values: (nothing, nothing),  # type: ignore[arg-type, return-value]
        surprises=lambda observed: nothing,
    )
    return Crossing(subject, stated, stated, form, 1.0, suffices=True)


@pytest.mark.parametrize(
    ("one", "reached", "english", "french"),
    [
        (
            crossing("prior_sum_24h", 1_981_240.0, 410_000.0, Unit.MONEY, Form.AT_MOST),
            True,
            "No alert if the total of the 24 h before had been ≤ 4,100 € (was 19,810 €).",
            "Pas d’alerte si le total des 24 h précédentes avait été ≤ 4 100 € (au lieu de 19 810 €).",
        ),
        (
            crossing("hour", 3.0, 14.0, Unit.HOUR, Form.EXACTLY),
            True,
            "No alert if the local hour had been 14:00 (was 03:00).",
            "Pas d’alerte si l’heure locale avait été 14 h (au lieu de 3 h).",
        ),
        (
            crossing("new_counterparty", 0.0, 1.0, Unit.NUMBER, Form.EXACTLY),
            False,
            "An alert if the counterparty had been new to the account.",
            "Une alerte si la contrepartie avait été nouvelle pour le compte.",
        ),
        (
            crossing("burst", 1.0, 2.5, Unit.NUMBER, Form.AT_LEAST, lane=True),
            False,
            "An alert if the measure of the lane burst had been ≥ 2.5 (was 1).",
            "Une alerte si la mesure de la voie burst avait été ≥ 2,5 (au lieu de 1).",
        ),
        (
            crossing("month_count", 3.0, 9.0, Unit.COUNT, Form.AT_LEAST),
            False,
            "An alert if month_count had been ≥ 9 (was 3).",
            "Une alerte si month_count avait été ≥ 9 (au lieu de 3).",
        ),
    ],
    ids=lambda value: value.subject.name if isinstance(value, Crossing) else "",
)
def test_a_change_reads_like_a_sentence(one: Crossing, reached: bool, english: str, french: str) -> None:
    said = words.change(one, reached=reached, is_alert=reached, currency="EUR")
    assert plain(said) == (english, french)


@pytest.mark.parametrize("decided", [one for one in Decided if one is not Decided.UNSCORED])
def test_every_decision_has_its_words(decided: Decided) -> None:
    english, french = plain(words.verdict(decided, Outcome.SCORED, "a1"))
    has_alert = decided in (Decided.OPENED, Decided.UPDATED, Decided.JOINED, Decided.SAMPLE)
    assert ("a1" in english, "a1" in french) == (has_alert, has_alert)


@pytest.mark.parametrize(
    "outcome", [one for one in Outcome if one not in (Outcome.SCORED, Outcome.LATE)], ids=lambda one: one.name
)
def test_why_there_is_no_score_is_said(outcome: Outcome) -> None:
    english, french = plain(words.verdict(Decided.UNSCORED, outcome, None))
    assert english.startswith("No score: ")
    assert french.startswith("Pas de score : ")
