"""Theme network: whom the account deals with."""

from fraudwatch.features.columns import Column
from fraudwatch.features.feature import Feature, shown
from fraudwatch.features.values import Value
from fraudwatch.records import FeatureSpec, Role, Side, Text, Theme, Unit

FEATURES = (
    Feature(
        FeatureSpec(
            name="new_counterparty",
            code="CPTY_NEW",
            theme=Theme.NETWORK,
            side=Side.RARE,
            role=Role.CONTEXT,
            unit=Unit.NUMBER,
            sentence=Text(
                en="The account never dealt with this counterparty before.",
                fr="Le compte n’avait jamais eu affaire à cette contrepartie.",
            ),
            innocent=Text(en="A new shop, a new tradesman.", fr="Un nouveau commerce, un nouvel artisan."),
            fields=("counterparty_id",),
            doc="1 when none of the account's earlier transactions was with this counterparty, else 0; missing for "
            "an account's first transaction.",
        ),
        Value.NEW_COUNTERPARTY,
        lambda row, population: shown(row[Column.NEW_COUNTERPARTY]),
    ),
)
