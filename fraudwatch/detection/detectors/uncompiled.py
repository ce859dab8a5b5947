"""PyOD detectors without a compiled form: PyOD's own `decision_function`, in a worker that carries PyOD.

What they were fitted on is kept, not the fitted object: a pickle would be code (DESIGN D6). Loading fits once more, and
refuses where this PyOD makes something else of the same rows.

Only those keep the contract of which scikit-learn computes each row by itself, to the last bit: neighbours by a tree,
and not by products of matrices; support vectors.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from fraudwatch.detection.arrays import ArrayReader, Arrays, by_row, frozen, reject_unless
from fraudwatch.detection.detectors.protocol import checked_columns, drawn, profile_reason
from fraudwatch.errors import ArtefactError
from fraudwatch.records import FeatureSpec, FloatArray, Text

FEWEST_ROWS, MOST_ROWS = 25, 2_000
ASKED_AGAIN = 16
"""Training rows whose scores are kept, to see that a loaded detector is the one that was saved."""

TOLERANCE = 1e-9
LARGEST = 1e100
"""Squares of larger numbers are near the end of what can be computed."""


@dataclass(frozen=True)
class Uncompiled:
    """`rows` float64[m, c] it was fitted on, and `told` float64[k], what it said of the first of them."""

    rows: FloatArray
    told: FloatArray
    _theirs: Any = field(repr=False, compare=False)

    spec: ClassVar[FeatureSpec]

    @classmethod
    def _make(cls) -> Any:
        """The PyOD detector, not fitted, that draws nothing."""
        raise NotImplementedError

    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        """On at most 2,000 rows, drawn by the seed."""
        rows = frozen(drawn(surprises, MOST_ROWS, seed), np.float64)
        theirs = cls._make().fit(rows)
        return cls(rows, frozen(theirs.decision_function(rows[:ASKED_AGAIN]), np.float64), theirs)

    def score(self, surprises: FloatArray) -> FloatArray:
        """PyOD's decision_function."""
        return self.score_columns(checked_columns(surprises, self.rows.shape[1]))

    def score_columns(self, columns: FloatArray) -> FloatArray:
        """The same, unchecked, for float64[c, n]."""
        if not columns.shape[1]:
            return np.empty(0)
        return np.ascontiguousarray(self._theirs.decision_function(by_row(columns)), dtype=np.float64)

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        return {"rows": self.rows, "told": self.told}

    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        """From `arrays()`, fitted again; raises ArtefactError where they do not fit rows of `width` or this PyOD."""
        rows = reader.take("rows", np.float64, (None, width))
        reject_unless(FEWEST_ROWS <= len(rows) <= MOST_ROWS, "rows", f"{FEWEST_ROWS} to {MOST_ROWS} rows")
        reject_unless(bool((np.abs(rows) <= LARGEST).all()), "rows", "distances that can be computed")
        told = reader.take("told", np.float64, (min(ASKED_AGAIN, len(rows)),))
        theirs = cls._make().fit(rows)
        again = theirs.decision_function(rows[:ASKED_AGAIN])
        if not np.allclose(again, told, rtol=TOLERANCE, atol=TOLERANCE):
            raise ArtefactError(
                f"The PyOD of this installation makes another {cls.spec.name} of the rows of the model than the one "
                "that fitted it; install the version its manifest names, or train it again."
            )
        return cls(rows, told, theirs)


class LocalOutlierFactor(Uncompiled):
    """How much thinner it is around a row than around its twenty neighbours (Breunig et al. 2000)."""

    spec: ClassVar[FeatureSpec] = profile_reason(
        "lof",
        "LOF",
        Text(
            en="It stands apart from the behaviour it is closest to.",
            fr="Elle se détache du comportement dont elle est la plus proche.",
        ),
    )

    @classmethod
    def _make(cls) -> Any:
        from pyod.models.lof import LOF  # noqa: PLC0415 (1.5 s and 190 MB: only where it is wanted)

        return LOF(n_neighbors=20, algorithm="ball_tree", n_jobs=1)


class OneClassMachine(Uncompiled):
    """How far a row lies outside a smooth boundary around the sample (Schölkopf et al. 2001)."""

    spec: ClassVar[FeatureSpec] = profile_reason(
        "ocsvm",
        "OCSVM",
        Text(
            en="It lies outside the bounds of what is usual here.",
            fr="Elle sort des limites de ce qui est habituel ici.",
        ),
    )

    @classmethod
    def _make(cls) -> Any:
        from pyod.models.ocsvm import OCSVM  # noqa: PLC0415 (as above)

        return OCSVM()
