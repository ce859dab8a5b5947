"""The features of one configuration: those whose fields the source can fill, in a fixed order."""

import numpy as np

from fraudwatch.config.settings import Settings
from fraudwatch.features import amount, network, places, population, rhythm
from fraudwatch.features.columns import kept_windows, window_column
from fraudwatch.features.feature import Feature, FlowShare, WindowValue
from fraudwatch.features.flows import flow_features, flow_share
from fraudwatch.features.values import Value, derive
from fraudwatch.features.windows import window_features
from fraudwatch.records import FeatureSpec, FloatArray, Shown


class Catalogue:
    """Turns history columns into feature values, and a row of them into what a person is shown."""

    def __init__(self, settings: Settings, fields: frozenset[str]) -> None:
        """`fields` are the canonical fields the source can fill; `unfed` names the features switched off."""
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
        self.specs: tuple[FeatureSpec, ...] = tuple(feature.spec for feature in self._features)

    @staticmethod
    def population(columns: FloatArray) -> dict[str, float]:
        """What a usual account is like, of a training sample of history columns [n, c]."""
        return population.population(columns)

    @staticmethod
    def check_population(of_population: dict[str, float]) -> None:
        """Raises ArtefactError for the population of a loaded model that `values` could not work with."""
        population.check(of_population)

    def values(self, columns: FloatArray, of_population: dict[str, float]) -> FloatArray:
        """Feature values float64[n, features] of history columns [n, c]; NaN = missing."""
        derived = np.empty((len(columns), len(Value)))
        derive(np.ascontiguousarray(columns), population.as_array(of_population), derived)
        values = np.empty((len(columns), len(self._features)))
        for index, feature in enumerate(self._features):
            values[:, index] = self._column(feature, derived, columns)
        return values

    def shown(self, columns_row: FloatArray, of_population: dict[str, float]) -> dict[str, Shown]:
        """What a person reads of each feature of one transaction."""
        numbers = population.as_array(of_population)
        return {feature.spec.name: feature.shown(columns_row, numbers) for feature in self._features}

    @staticmethod
    def _column(feature: Feature, derived: FloatArray, columns: FloatArray) -> FloatArray:
        where = feature.value
        if isinstance(where, WindowValue):
            return columns[:, window_column(where.window, where.aggregate)]
        if isinstance(where, FlowShare):
            return flow_share(columns, where.window)
        return derived[:, where]
