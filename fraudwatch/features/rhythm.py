"""Theme rhythm: how much and how often, against the account's own pace, and at what hour and day."""

from fraudwatch.features.columns import Column
from fraudwatch.features.feature import Feature, shown
from fraudwatch.features.values import (
    Value,
    expected_at_hour,
    expected_on_weekday,
    own_mean,
    own_paid_rate,
    own_rate,
)
from fraudwatch.records import FeatureSpec, Role, Side, Text, Theme, Unit

DAY_MS = 86_400_000

BUSY_DAYS = Text(
    en="Travel, holiday shopping, a move.",
    fr="Un voyage, les achats de fêtes, un déménagement.",
)

ANOTHER_CLOCK = Text(en="Shift work, another time zone.", fr="Un travail posté, un autre fuseau horaire.")

FEATURES = (
    Feature(
        FeatureSpec(
            name="spend_24h_excess",
            code="VEL_SPEND",
            theme=Theme.RHYTHM,
            side=Side.HIGH,
            role=Role.CONTEXT,
            unit=Unit.MONEY,
            sentence=Text(
                en="In the {window} before, {value} had already moved[ (usual: {usual})].",
                fr="Montants en mouvement dans les {window} précédentes : {value}[ (habituel : {usual})].",
            ),
            innocent=BUSY_DAYS,
            window_ms=DAY_MS,
            doc="Money of the 24 h before the judged transaction, which is outside, against the account's own rate "
            "and amounts: a compound Poisson excess in standard deviations. Declined transactions and reversals move "
            "none.",
        ),
        Value.SPEND_24H_EXCESS,
        lambda row, population: shown(
            row[Column.PRIOR_SUM_24H], own_paid_rate(row, population) * own_mean(row, population)
        ),
    ),
    Feature(
        FeatureSpec(
            name="count_24h_excess",
            code="VEL_COUNT",
            theme=Theme.RHYTHM,
            side=Side.HIGH,
            role=Role.CONTEXT,
            unit=Unit.COUNT,
            sentence=Text(
                en="Transactions in the {window} before: {value}[ (usual: {usual})].",
                fr="Opérations dans les {window} précédentes : {value}[ (habituel : {usual})].",
            ),
            innocent=BUSY_DAYS,
            window_ms=DAY_MS,
            doc="Number of transactions of the 24 h before the judged one, which is outside, against the account's "
            "own rate, on a variance-stable scale.",
        ),
        Value.COUNT_24H_EXCESS,
        lambda row, population: shown(row[Column.PRIOR_COUNT_24H], own_rate(row, population)),
    ),
    Feature(
        FeatureSpec(
            name="pressure_2d",
            code="VEL_PRESSURE",
            theme=Theme.RHYTHM,
            side=Side.HIGH,
            role=Role.CONTEXT,
            unit=Unit.NUMBER,
            sentence=Text(
                en="Amounts of the last days were already above the account's habit, one after the other.",
                fr="Les montants des derniers jours dépassaient déjà l’habitude du compte, l’un après l’autre.",
            ),
            innocent=BUSY_DAYS,
            window_ms=2 * DAY_MS,
            doc="Sum over earlier transactions of how far each was above the account's own mean (logarithm), "
            "halving every two days. The judged transaction is outside.",
        ),
        Value.PRESSURE_2D,
        lambda row, population: shown(row[Column.PRESSURE]),
    ),
    Feature(
        FeatureSpec(
            name="hour",
            code="NIGHT_HOUR",
            theme=Theme.RHYTHM,
            side=Side.RARE,
            role=Role.CONTEXT,
            unit=Unit.HOUR,
            sentence=Text(
                en="It happened around {value}, an hour at which unusual amounts are more frequent.",
                fr="Cela s’est passé vers {value}, une heure où les montants inhabituels sont plus fréquents.",
            ),
            innocent=ANOTHER_CLOCK,
            doc="Local hour of the day of the judged transaction, in the configured time zone.",
        ),
        Value.HOUR,
        lambda row, population: shown(row[Column.HOUR]),
    ),
    Feature(
        FeatureSpec(
            name="own_hour",
            code="NIGHT_OWN_HOUR",
            theme=Theme.RHYTHM,
            side=Side.HIGH,
            role=Role.DESCRIPTIVE,
            unit=Unit.COUNT,
            sentence=Text(
                en="At this hour of the day the account made {value} of its earlier transactions[ (usual: {usual})].",
                fr="À cette heure de la journée, le compte a fait {value} de ses opérations antérieures"
                "[ (habituel : {usual})].",
            ),
            innocent=ANOTHER_CLOCK,
            doc="How improbable the local hour of the day is for the account: the negative decimal logarithm of its "
            "share of the account's whole history, shrunk towards the population's. The judged transaction is outside.",
        ),
        Value.HOUR_HABIT,
        lambda row, population: shown(row[Column.OWN_HOUR], expected_at_hour(row, population)),
    ),
    Feature(
        FeatureSpec(
            name="own_weekday",
            code="NIGHT_OWN_WEEKDAY",
            theme=Theme.RHYTHM,
            side=Side.HIGH,
            role=Role.DESCRIPTIVE,
            unit=Unit.COUNT,
            sentence=Text(
                en="On this day of the week the account made {value} of its earlier transactions[ (usual: {usual})].",
                fr="Ce jour de la semaine, le compte a fait {value} de ses opérations antérieures"
                "[ (habituel : {usual})].",
            ),
            innocent=ANOTHER_CLOCK,
            doc="How improbable the local day of the week is for the account: the negative decimal logarithm of its "
            "share of the account's whole history, shrunk towards the population's. The judged transaction is outside.",
        ),
        Value.WEEKDAY_HABIT,
        lambda row, population: shown(row[Column.OWN_WEEKDAY], expected_on_weekday(row, population)),
    ),
    Feature(
        FeatureSpec(
            name="month_count",
            code="MONTH_COUNT",
            theme=Theme.RHYTHM,
            side=Side.HIGH,
            role=Role.DESCRIPTIVE,
            unit=Unit.COUNT,
            sentence=Text(
                en="Transactions since the month began: {value}.",
                fr="Opérations depuis le début du mois : {value}.",
            ),
            innocent=BUSY_DAYS,
            doc="Number of transactions of the calendar month, in the configured time zone, up to and with the judged "
            "one.",
        ),
        Value.MONTH_COUNT,
        lambda row, population: shown(row[Column.MONTH_COUNT]),
    ),
    Feature(
        FeatureSpec(
            name="month_sum",
            code="MONTH_SUM",
            theme=Theme.RHYTHM,
            side=Side.HIGH,
            role=Role.DESCRIPTIVE,
            unit=Unit.MONEY,
            sentence=Text(
                en="{value} moved since the month began.",
                fr="{value} en mouvement depuis le début du mois.",
            ),
            innocent=BUSY_DAYS,
            doc="Logarithm of the money of the calendar month, in the configured time zone, up to and with the judged "
            "transaction.",
        ),
        Value.MONTH_SUM,
        lambda row, population: shown(row[Column.MONTH_SUM]),
    ),
    Feature(
        FeatureSpec(
            name="gap",
            code="DORM_GAP",
            theme=Theme.RHYTHM,
            side=Side.HIGH,
            role=Role.DESCRIPTIVE,
            unit=Unit.DURATION,
            sentence=Text(
                en="The account had been quiet for {value}[ (usual between transactions: {usual})].",
                fr="Le compte était resté inactif pendant {value}[ (habituel entre opérations : {usual})].",
            ),
            innocent=Text(
                en="A seldom used account; an inheritance, a house sale.",
                fr="Un compte peu utilisé ; un héritage, une vente immobilière.",
            ),
            doc="Logarithm of the time from the account's last transaction to the judged one, in its usual distances.",
        ),
        Value.GAP,
        lambda row, population: shown(row[Column.GAP], DAY_MS / own_rate(row, population)),
    ),
)
