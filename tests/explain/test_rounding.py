"""Figures are rounded as far as they stay true, and written with nothing rounded away."""

import pytest

from fraudwatch.explain.rounding import exactly, read, rounded
from fraudwatch.records import Unit


def always(value: float) -> bool:
    return True


@pytest.mark.parametrize(
    ("at", "unit", "is_up", "stated"),
    [
        (416_327.0, Unit.MONEY, False, 410_000.0),
        (416_327.0, Unit.MONEY, True, 420_000.0),
        (1_975_012.0, Unit.MONEY, False, 1_970_000.0),
        (1_738.0, Unit.MONEY, False, 1_730.0),
        (7.0, Unit.COUNT, True, 7.0),
        (0.0, Unit.MONEY, False, 0.0),
        (2.3456, Unit.NUMBER, True, 2.35),
        (1e-9, Unit.NUMBER, True, 0.01),
        (-3.14159, Unit.NUMBER, False, -3.2),
        (93_784_123.0, Unit.DURATION, True, 97_200_000.0),
        (7_384_123.0, Unit.DURATION, False, 7_200_000.0),
    ],
)
def test_a_figure_is_round_and_lies_beyond(at: float, unit: Unit, is_up: bool, stated: float) -> None:
    assert rounded(at, unit, is_up=is_up, is_good=always) == pytest.approx(stated, rel=1e-12)


def test_what_would_not_be_true_is_not_said() -> None:
    assert rounded(416_327.0, Unit.MONEY, is_up=False, is_good=lambda value: value > 415_000) == 416_000.0
    assert rounded(416_327.0, Unit.MONEY, is_up=False, is_good=lambda value: False) == 416_327.0


@pytest.mark.parametrize(
    ("value", "unit", "currency", "language", "text"),
    [
        (410_000.0, Unit.MONEY, "EUR", "en", "4,100 €"),
        (410_000.0, Unit.MONEY, "EUR", "fr", "4 100 €"),
        (1_730.0, Unit.MONEY, "EUR", "fr", "17,30 €"),
        (410_000.0, Unit.MONEY, "JPY", "en", "410,000 JPY"),
        (2.35, Unit.NUMBER, "EUR", "fr", "2,35"),
        (0.375, Unit.SHARE, "EUR", "en", "37.5 %"),
        (97_200_000.0, Unit.DURATION, "EUR", "en", "1 day 3 h"),
        (15.0, Unit.HOUR, "EUR", "fr", "15 h"),
        (1_200.0, Unit.COUNT, "EUR", "en", "1,200"),
    ],
)
def test_a_figure_is_written_as_it_is(
    value: float, unit: Unit, currency: str, language: str, text: str
) -> None:
    written = exactly(value, unit, currency, language)  # type: ignore[arg-type]
    assert written.replace("\u00a0", " ").replace("\u202f", " ").replace("¥", "JPY") == text


@pytest.mark.parametrize(
    ("was", "beside", "unit", "text"),
    [
        (1_981_240.0, 410_000.0, Unit.MONEY, "19,810 €"),
        (81_240.0, 41_000.0, Unit.MONEY, "812 €"),
        (81_240.0, 81_200.0, Unit.MONEY, "812.40 €"),
        (1_738.0, 1_000.0, Unit.MONEY, "17.38 €"),
        (3.5691234, 3.1, Unit.NUMBER, "3.569"),
        (3.5691234, 3.569, Unit.NUMBER, "3.5691"),
        (11.0, 10.0, Unit.COUNT, "11"),
    ],
)
def test_what_it_was_stays_on_its_side_of_the_figure_beside_it(
    was: float, beside: float, unit: Unit, text: str
) -> None:
    assert read(was, beside, unit, "EUR", "en").replace("\u00a0", " ") == text
