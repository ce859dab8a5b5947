"""Theme network: whom the account deals with."""

from fraudwatch.features.columns import DAY, Column
from fraudwatch.features.feature import Feature, shown
from fraudwatch.features.values import Value, expected_new
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
            doc="1 when none of the account's earlier transactions, declined ones and reversals included, was with "
            "this counterparty, else 0; missing for an account's first transaction. The judged transaction is outside.",
        ),
        Value.NEW_COUNTERPARTY,
        lambda row, population: shown(row[Column.NEW_COUNTERPARTY]),
    ),
    Feature(
        FeatureSpec(
            name="new_24h_excess",
            code="CPTY_NEW_24H",
            theme=Theme.NETWORK,
            side=Side.HIGH,
            role=Role.CONTEXT,
            unit=Unit.COUNT,
            sentence=Text(
                en="Transactions in the {window} before with counterparties new to the account: {value}"
                "[ (usual: {usual})].",
                fr="Opérations dans les {window} précédentes avec des contreparties nouvelles pour le compte : {value}"
                "[ (habituel : {usual})].",
            ),
            innocent=Text(en="A journey, a market, a move.", fr="Un voyage, un marché, un déménagement."),
            window_ms=int(DAY),
            fields=("counterparty_id",),
            doc="Transactions of the 24 h before the judged one, which is outside, whose counterparty was new to the "
            "account when they came: how far above the population's share of new counterparties among as many "
            "transactions, in standard deviations.",
        ),
        Value.NEW_24H_EXCESS,
        lambda row, population: shown(row[Column.PRIOR_NEW_24H], expected_new(row, population)),
    ),
)
