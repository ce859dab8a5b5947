"""Theme place and device: how far from where the account was before, and how fast it would have travelled."""

from fraudwatch.features.columns import Column
from fraudwatch.features.feature import Feature, shown
from fraudwatch.features.values import Value, speed
from fraudwatch.records import FeatureSpec, Role, Side, Text, Theme, Unit

PLACE = ("latitude", "longitude")

ELSEWHERE = Text(
    en="A journey; a shop that books at its head office; a purchase online.",
    fr="Un voyage ; un commerce qui encaisse à son siège ; un achat en ligne.",
)

FEATURES = (
    Feature(
        FeatureSpec(
            name="distance",
            code="GEO_DISTANCE",
            theme=Theme.PLACE_AND_DEVICE,
            side=Side.HIGH,
            role=Role.DESCRIPTIVE,
            unit=Unit.DISTANCE,
            sentence=Text(
                en="It happened {value} away from the account’s previous place.",
                fr="Elle a eu lieu à {value} du lieu précédent du compte.",
            ),
            innocent=ELSEWHERE,
            fields=PLACE,
            doc="Logarithm of the great-circle distance (haversine) from the place of the account's last transaction "
            "that had one to the place of the judged transaction; missing where either is.",
        ),
        Value.DISTANCE,
        lambda row, population: shown(row[Column.PLACE_DISTANCE]),
    ),
    Feature(
        FeatureSpec(
            name="speed",
            code="GEO_SPEED",
            theme=Theme.PLACE_AND_DEVICE,
            side=Side.HIGH,
            role=Role.DESCRIPTIVE,
            unit=Unit.SPEED,
            sentence=Text(
                en="From its previous place the account would have travelled at {value}.",
                fr="Depuis son lieu précédent, le compte se serait déplacé à {value}.",
            ),
            innocent=ELSEWHERE,
            fields=PLACE,
            doc="Logarithm of that distance over the time between the two, of which the judged transaction is the "
            "later; shorter times than a minute count as one.",
        ),
        Value.SPEED,
        lambda row, population: shown(speed(row)),
    ),
)
