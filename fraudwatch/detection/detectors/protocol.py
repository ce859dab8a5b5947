"""What a detector is."""

from typing import ClassVar, Protocol, Self

import numpy as np

from fraudwatch.detection.arrays import ArrayReader, Arrays, by_column, writable_rows
from fraudwatch.records import FeatureSpec, FloatArray, Role, Side, Text, Theme, Unit


class Detector(Protocol):
    """A PyOD model reduced to arrays: fitted once, then scored by a compiled kernel, or by PyOD fitted on them.

    Adding one: a file with a class like this, a line in `detectors.COMPILED` (and its name in
    `config.settings.Detection`), and a test that it equals PyOD. The contract suite picks it up by itself.
    """

    spec: ClassVar[FeatureSpec]
    """The reason it gives; `spec.name` is its name in the configuration and in artefacts."""

    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        """Learn from float64[n, c], finite. Imports PyOD, in here only. Same rows, same seed: same arrays."""

    def score(self, surprises: FloatArray) -> FloatArray:
        """Raw scores float64[n], higher is stranger; a row's depends on that row only.

        Raises ValueError for another width than fitted on and for NaN or infinity.
        """

    def score_columns(self, columns: FloatArray) -> FloatArray:
        """The same to the bit for float64[c, n], the surprises column by column, known to be finite: no checks."""

    def arrays(self) -> Arrays:
        """All there is to it, by name."""

    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        """From `arrays()`, for rows of `width`; raises ArtefactError where they do not fit."""


def profile_reason(name: str, code: str, sentence: Text) -> FeatureSpec:
    """The reason a detector gives: a raw score of its own scale, of which large values alarm."""
    return FeatureSpec(
        name=name,
        code=code,
        theme=Theme.PROFILE,
        side=Side.HIGH,
        role=Role.CONTEXT,
        unit=Unit.NUMBER,
        sentence=sentence,
        innocent=Text(
            en="A change of life or of use: a move, a journey, a new job, somebody else in the household.",
            fr="Un changement de vie ou d’usage : déménagement, voyage, nouvel emploi, un proche qui utilise "
            "le compte.",
        ),
        doc=f"Raw score of the {name} detector over the surprises of the context features.",
    )


def drawn(surprises: FloatArray, most: int, seed: int) -> FloatArray:
    """At most so many of float64[n, c] rows, in their order: for one seed always the same."""
    if surprises.shape[0] <= most:
        return surprises
    return surprises[np.sort(np.random.default_rng(seed).choice(surprises.shape[0], most, replace=False))]


def checked_columns(surprises: FloatArray, width: int) -> FloatArray:
    """float64[n, width] rows as the float64[width, n] columns a kernel reads. Raises ValueError unless finite.

    PyOD's own detectors differ here: some take NaN for an ordinary value (FACTS §2).
    """
    rows = writable_rows(surprises, width)
    if not np.isfinite(rows).all():
        raise ValueError("a detector was given NaN or infinity; surprises are always finite")
    return by_column(rows, np.arange(width))
