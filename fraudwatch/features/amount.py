"""Theme amount: is this much money unusual, for the population and for the account?"""

from fraudwatch.features.columns import Column
from fraudwatch.features.feature import Feature, shown
from fraudwatch.features.values import PRIOR_WEIGHT, Value, usual_amount
from fraudwatch.records import FeatureSpec, FloatArray, Role, Shown, Side, Text, Theme, Unit

PLANNED_PURCHASE = Text(
    en="A planned large purchase: a journey, furniture, a car.",
    fr="Un achat important prévu : un voyage, des meubles, une voiture.",
)


def _beside_the_usual(row: FloatArray, population: FloatArray) -> Shown:
    is_own = bool(row[Column.OWN_PAID] >= PRIOR_WEIGHT)
    return shown(row[Column.AMOUNT], usual_amount(row, population), is_own=is_own)


FEATURES = (
    Feature(
        FeatureSpec(
            name="amount",
            code="AMT_SIZE",
            theme=Theme.AMOUNT,
            side=Side.HIGH,
            role=Role.ANCHOR,
            unit=Unit.MONEY,
            sentence=Text(
                en="{value} is among the largest amounts of the whole stream[ (usual for this account: {usual})].",
                fr="{value} compte parmi les plus grands montants du flux[ (habituel pour ce compte : {usual})].",
            ),
            young_sentence=Text(
                en="{value} is among the largest amounts of the whole stream[ (usual for such transactions: {usual}; "
                "the account has hardly any history of its own)].",
                fr="{value} compte parmi les plus grands montants du flux[ (habituel pour de telles opérations : "
                "{usual} ; le compte n’a presque pas d’historique)].",
            ),
            innocent=PLANNED_PURCHASE,
            doc="Logarithm of the amount asked for, also where it was declined. The judged transaction is the value.",
        ),
        Value.AMOUNT,
        _beside_the_usual,
    ),
    Feature(
        FeatureSpec(
            name="amount_ratio",
            code="AMT_OWN",
            theme=Theme.AMOUNT,
            side=Side.HIGH,
            role=Role.ANCHOR,
            unit=Unit.MONEY,
            sentence=Text(
                en="{value} is far above this account's own habit[ (usual: {usual})].",
                fr="{value} dépasse de loin l’habitude de ce compte[ (habituel : {usual})].",
            ),
            young_sentence=Text(
                en="{value} is far above what is usual for such transactions[ ({usual})]; the account has hardly any "
                "history of its own.",
                fr="{value} dépasse de loin l’habituel pour de telles opérations[ ({usual})] ; le compte n’a presque "
                "pas d’historique.",
            ),
            innocent=PLANNED_PURCHASE,
            doc="Logarithm of the amount over the account's whole-history mean, which is winsorised, shrunk "
            "towards the transaction's cohort and the population, does not contain the judged transaction, and is of "
            "amounts that moved: not of declined transactions or reversals.",
        ),
        Value.AMOUNT_RATIO,
        _beside_the_usual,
    ),
    Feature(
        FeatureSpec(
            name="own_max_ratio",
            code="AMT_MAX",
            theme=Theme.AMOUNT,
            side=Side.HIGH,
            role=Role.DESCRIPTIVE,
            unit=Unit.MONEY,
            sentence=Text(
                en="{value} exceeds all this account ever did[ (largest so far: {usual})].",
                fr="{value} dépasse tout ce que ce compte a fait[ (maximum jusqu’ici : {usual})].",
            ),
            innocent=PLANNED_PURCHASE,
            doc="Logarithm of the amount over the account's largest one that moved before the judged transaction.",
        ),
        Value.OWN_MAX_RATIO,
        lambda row, population: shown(row[Column.AMOUNT], row[Column.OWN_MAX]),
    ),
)
