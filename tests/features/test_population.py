"""The population of a loaded model is checked before a kernel divides by it."""

import pytest

from fraudwatch.errors import ArtefactError
from fraudwatch.features import Catalogue
from fraudwatch.features.population import NAMES

USUAL = {**dict.fromkeys(NAMES, 0.1), "mean": 3_000.0, "variance": 1e6, "rate": 2.0}


def test_a_population_that_a_sample_can_have_is_accepted() -> None:
    Catalogue.check_population(USUAL)
    Catalogue.check_population(USUAL | {"mean": 0.0, "variance": 0.0, "rate": 1e-3})


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"mean": 1.0, "variance": 1.0},
        USUAL | {"hour_3": 0.0},
        USUAL | {"new_share": 1.01},
        USUAL | {"paid_rate": 0.0},
        USUAL | {"another": 1.0},
        USUAL | {"rate": 0.0},
        USUAL | {"rate": 5e-324},
        USUAL | {"mean": -1.0},
        USUAL | {"mean": 1.7e308},
        USUAL | {"variance": float("nan")},
    ],
)
def test_any_other_population_is_refused_in_words(wrong: dict[str, float]) -> None:
    with pytest.raises(ArtefactError, match=r"mean, variance, rates .* train it again"):
        Catalogue.check_population(wrong)
