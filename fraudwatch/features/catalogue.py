"""The features of one configuration: those whose fields the source can fill, in a fixed order."""

from collections.abc import Container

import numpy as np

from fraudwatch.config.settings import Settings
from fraudwatch.features import amount, network, places, population, rhythm
from fraudwatch.features.columns import Column, kept_windows, window_column
from fraudwatch.features.feature import Feature, FlowShare, WindowValue
from fraudwatch.features.flows import flow_features, flow_share
from fraudwatch.features.kernels.lanes import LANES
from fraudwatch.features.kernels.lanes.more import MORE_LANES
from fraudwatch.features.values import Value, derive
from fraudwatch.features.windows import window_features
from fraudwatch.records import FeatureSpec, FloatArray, LaneSpec, Role, Shown

_EVERY_LANE = (*LANES, *MORE_LANES)


class Catalogue:
    """Turns history columns into feature values, and a row of them into what a person is shown.

    `specs` are all features, `judged` those a model is fitted on: all but the descriptive ones. `lanes` are those that
    are on.
    """

    def __init__(self, settings: Settings, fields: frozenset[str]) -> None:
        """`fields` are the canonical fields the source can fill; `unfed` names the features switched off."""
        self._written: tuple[dict[str, float], FloatArray] = ({}, np.empty(0))
        kept = kept_windows(settings.features.windows)
        everything = (
            *amount.FEATURES,
            *rhythm.FEATURES,
            *network.FEATURES,
            *places.FEATURES,
            *flow_features(kept),
            *window_features(kept, settings.features.windows),
        )
        self._features = tuple(feature for feature in everything if fields.issuperset(feature.spec.fields))
        self.unfed = tuple(f.spec.name for f in everything if not fields.issuperset(f.spec.fields))
        self._judged = tuple(f for f in self._features if f.spec.role is not Role.DESCRIPTIVE)
        self.specs: tuple[FeatureSpec, ...] = tuple(feature.spec for feature in self._features)
        self.judged: tuple[FeatureSpec, ...] = tuple(feature.spec for feature in self._judged)
        asked = (*LANES, *(lane for lane in MORE_LANES if lane.name in settings.features.more_lanes))
        self.lanes: tuple[LaneSpec, ...] = tuple(lane for lane in asked if fields.issuperset(lane.fields))

    @staticmethod
    def composites(observed: FloatArray, lanes: tuple[LaneSpec, ...]) -> FloatArray:
        """Of composites float64[n, all lanes], as `Observations` has them, those of some: float64[n, lanes]."""
        return observed[:, [_EVERY_LANE.index(lane) for lane in lanes]]

    @staticmethod
    def population(columns: FloatArray) -> dict[str, float]:
        """What a usual account is like, of a training sample of history columns [n, c]."""
        return population.population(columns)

    @staticmethod
    def check_population(of_population: dict[str, float]) -> None:
        """Raises ArtefactError for the population of a loaded model that `values` could not work with."""
        population.check(of_population)

    def values(self, columns: FloatArray, of_population: dict[str, float]) -> FloatArray:
        """Values float64[n, judged] of history columns [n, c], those of `Column` suffice; NaN = missing."""
        return _values(self._judged, columns, self._numbers(of_population))

    def described(self, columns: FloatArray, of_population: dict[str, float]) -> FloatArray:
        """Values float64[n, specs] of history columns [n, c] with all windows; NaN = missing."""
        return _values(self._features, columns, self._numbers(of_population))

    def shown(
        self,
        columns_row: FloatArray,
        of_population: dict[str, float],
        names: Container[str] | None = None,
    ) -> dict[str, Shown]:
        """What a person reads of the features of one transaction, or of those with these names.

        Without windows, of those that need none.
        """
        numbers = self._numbers(of_population)
        has_windows = len(columns_row) > len(Column)
        return {
            feature.spec.name: feature.shown(columns_row, numbers)
            for feature in self._features
            if (names is None or feature.spec.name in names)
            and (has_windows or isinstance(feature.value, Value))
        }

    def _numbers(self, of_population: dict[str, float]) -> FloatArray:
        """The population as the kernels take it: that of the model in use is written down once, not for each alert."""
        written = self._written
        if of_population is not written[0]:
            self._written = written = (of_population, population.as_array(of_population))
        return written[1]


def _values(features: tuple[Feature, ...], columns: FloatArray, of_population: FloatArray) -> FloatArray:
    """float64[n, features]."""
    derived = np.array([f.value if isinstance(f.value, Value) else -1 for f in features], dtype=np.int64)
    values = np.empty((len(columns), len(features)))
    derive(np.ascontiguousarray(columns), of_population, derived, values)
    for index, feature in enumerate(features):
        if isinstance(feature.value, WindowValue):
            values[:, index] = columns[:, window_column(feature.value.window, feature.value.aggregate)]
        elif isinstance(feature.value, FlowShare):
            values[:, index] = flow_share(columns, feature.value.window)
    return values
