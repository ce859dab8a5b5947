"""Reasons, headlines and notes as sentences."""

from collections.abc import Callable

import pytest

from fraudwatch.alerts.episodes import Episode, Severity, join, single
from fraudwatch.alerts.sentences import edge_note, headline, sentence
from fraudwatch.records import Reason, Text, Transaction, Unit

Payment = Callable[..., Transaction]
MakeReason = Callable[..., Reason]


def plain(text: Text) -> tuple[str, str]:
    """Every kind of space as a common one."""
    return tuple(said.replace("\u00a0", " ").replace("\u202f", " ") for said in (text.en, text.fr))  # type: ignore[return-value]


def episode_of(payments: list[Transaction], reasons: tuple[Reason, ...]) -> Episode:
    episode = single(payments[0], 0, 5.0, Severity.LOW, reasons)
    for offset, payment in enumerate(payments[1:], start=1):
        join(episode, payment, offset, 5.0, Severity.LOW, reasons, 0)
    return episode


def test_a_reason_says_value_usual_and_window(reason: MakeReason) -> None:
    assert plain(sentence(reason(), "EUR")) == (
        "812.40 € spent in 24 h, usually 31.00 €.",
        "812,40 € dépensés en 24 h, d’habitude 31,00 €.",
    )


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_an_optional_part_without_a_value_is_dropped(reason: MakeReason, missing: float | None) -> None:
    assert plain(sentence(reason(usual=missing), "EUR")) == (
        "812.40 € spent in 24 h.",
        "812,40 € dépensés en 24 h.",
    )


def test_a_missing_value_outside_brackets_is_said_to_be_unknown(reason: MakeReason) -> None:
    told = reason(usual=None, en="{value} (usual: {usual})", fr="{value} (habituel : {usual})")
    assert plain(sentence(told, "EUR")) == ("812.40 € (usual: unknown)", "812,40 € (habituel : inconnu)")


def test_an_optional_part_without_placeholders_is_kept(reason: MakeReason) -> None:
    assert sentence(reason(en="New[ here].", fr="Neuf."), "EUR").en == "New here."


def test_a_value_never_is_a_template_itself(reason: MakeReason) -> None:
    told = reason(en="{value}{usual}[{window}]", fr="x", unit=Unit.COUNT, value=3.0, usual=2.0)
    assert plain(sentence(told, "EUR"))[0] == "3224 h"


def test_a_headline_sums_the_episode_up_and_gives_the_strongest_reason(
    payment: Payment, reason: MakeReason
) -> None:
    payments = [payment(f"t{index}", hours=index, amount_minor=27_080) for index in range(3)]
    said = headline(episode_of(payments, (reason(),)), (reason(), reason("VEL")), "EUR", is_sample=False)
    assert plain(said) == (
        "Account 596: 3 unusual transactions, 812.40 € in 2 h; 812.40 € spent in 24 h, usually 31.00 €",
        "Compte 596 : 3 opérations inhabituelles, 812,40 € en 2 h ; "
        "812,40 € dépensés en 24 h, d’habitude 31,00 €",
    )


def test_a_headline_of_one_transaction_says_when_it_was(payment: Payment) -> None:
    said = headline(episode_of([payment(hours=3.2)], ()), (), "EUR", is_sample=False)
    assert plain(said) == (
        "Account 596: 1 unusual transaction, 12.50 € on 8 August 2018, 03:12 UTC",
        "Compte 596 : 1 opération inhabituelle, 12,50 € le 8 août 2018 à 03:12 UTC",
    )


def test_a_headline_calls_no_sample_unusual(payment: Payment) -> None:
    english, french = plain(headline(episode_of([payment()], ()), (), "EUR", is_sample=True))
    assert english.startswith("Account 596: 1 transaction drawn at random, 12.50 €")
    assert french.startswith("Compte 596 : 1 opération tirée au hasard, 12,50 €")


@pytest.mark.parametrize(
    ("said", "continued"),
    [("Far above the habit.", "far above the habit"), ("PCA finds it odd.", "PCA finds it odd"), ("A", "A")],
)
def test_the_reason_continues_the_headline(
    payment: Payment, reason: MakeReason, said: str, continued: str
) -> None:
    english = headline(episode_of([payment()], ()), (reason(en=said),), "EUR", is_sample=False).en
    assert english.endswith(f"; {continued}")


def test_a_hostile_account_id_reaches_no_terminal_from_a_headline(payment: Payment) -> None:
    hostile = "\x1b[31m\u202eevil\n" + "x" * 300
    english = headline(episode_of([payment(account_id=hostile)], ()), (), "EUR", is_sample=False).en
    assert english.startswith("Account ·[31m·evil·xxx")
    assert len(english) < 150


def test_the_edge_note_says_what_the_edge_rests_on() -> None:
    english, french = plain(edge_note(4.214, 8.25, 0, is_sample=False))
    assert english == "The alert budget raises alerts from score 4.21, estimated on 8.2 days of transactions."
    assert french == "Le budget d’alertes fixe le seuil au score 4,21, estimé sur 8,2 jours d’opérations."


@pytest.mark.parametrize(("days", "said"), [(0.5, "0,5 jour"), (1.94, "1,9 jour"), (1.96, "2,0 jours")])
def test_the_edge_note_counts_days_as_french_does(days: float, said: str) -> None:
    assert plain(edge_note(4.0, days, 0, is_sample=False))[1].endswith(f"sur {said} d’opérations.")


def test_the_edge_note_says_what_was_cut_and_what_a_sample_is() -> None:
    english, french = plain(edge_note(4.0, 8.0, 1_234, is_sample=True))
    assert english.endswith("raised no alert today: 1,234.")
    assert "drawn at random" in english
    assert french.endswith("sans alerte aujourd’hui : 1 234.")
