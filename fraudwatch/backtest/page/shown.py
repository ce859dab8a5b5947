"""Single alerts in their own sentences, and missed cases with what spoke for them."""

from collections.abc import Sequence

from fraudwatch.alerts.written import money
from fraudwatch.backtest.cases import Case
from fraudwatch.backtest.findings import Findings
from fraudwatch.backtest.noted import NotedAlert
from fraudwatch.backtest.page import written
from fraudwatch.backtest.page.markup import LONGEST_SENTENCE, Html, clipped, element, joined, table


def best_and_worst(findings: Findings) -> Html:
    """Ten of the best alerts and ten of the worst."""
    if findings.is_labelled:
        best = ("Best alerts", "The highest-ranked ones that touch a labelled case.")
        worst = (
            "Worst alerts",
            "The highest-ranked ones that touch none: what the investigators would have opened first, and for nothing "
            "that a label knows of.",
        )
    else:
        best = ("Highest-ranked alerts", "What the investigators would have opened first.")
        worst = ("Alerts nearest to the edge", "The last ones the budget has room for.")
    return joined(
        _section(*best, findings.best, is_labelled=findings.is_labelled),
        _section(*worst, findings.worst, is_labelled=findings.is_labelled),
    )


def listed(alerts: Sequence[NotedAlert], *, is_labelled: bool) -> Html:
    """Alerts as cards."""
    return element("ol", *(_card(alert, is_labelled) for alert in alerts), class_="alerts")


def missed(findings: Findings, currency: str) -> Html:
    """Cases without an alert, and why."""
    cases = findings.cases
    if cases is None or not cases.found.of:
        return Html("")
    total = cases.found.of - cases.found.hits
    if not total:
        return element(
            "section", element("h2", "Missed cases"), element("p", "None: every case was alerted.")
        )
    causes = [f"{written.count(count)} {why}" for why, count in cases.missed.items()]
    shown = findings.missed
    which = (
        f"{written.count(len(shown))} of them, of each typology in turn and the nearest to the edge first."
        if len(shown) < total
        else "All of them, of each typology in turn and the nearest to the edge first."
    )
    return element(
        "section",
        element("h2", "Missed cases, and why"),
        element(
            "p",
            f"{written.counted(total, 'case')} had no alert: {'; '.join(causes)}. {which} The distance is that of the "
            "transaction that came nearest to an edge, and the sentence is its strongest reason, or that of the lane "
            "whose edge it was.",
        ),
        table(
            (
                "Case",
                "Typology",
                "Account",
                "Began",
                "#Transactions",
                "#Money",
                "#To the edge",
                "Strongest reason",
            ),
            [_row(case, currency) for case in shown],
            caption="Missed cases",
        ),
        class_="long",
    )


def _section(title: str, says: str, alerts: Sequence[NotedAlert], *, is_labelled: bool) -> Html:
    return element(
        "section",
        element("h2", title),
        element("p", says if alerts else "There is none."),
        listed(alerts, is_labelled=is_labelled),
        class_="long",
    )


def _card(alert: NotedAlert, is_labelled: bool) -> Html:
    assert alert.text is not None
    tags = [
        element("span", f"severity {alert.severity}", class_="tag"),
        element("span", f"score {written.decimal(alert.score, 2)}", class_="tag"),
        element("span", f"{written.decimal(alert.distance, 2)} above the edge", class_="tag"),
        element("span", f"rank {written.decimal(alert.rank)} of a usual day", class_="tag"),
    ]
    if alert.lane is not None:
        tags.insert(
            0, element("span", f"{alert.queue} queue: {clipped(alert.lane).replace('_', ' ')}", class_="tag")
        )
    if is_labelled:
        said = _labelled(alert)
        tags.insert(0, element("span", said, class_=f"tag {'is-right' if alert.is_right else 'is-other'}"))
    reasons = [
        element("li", _sentence(sentence), " ", element("span", _sentence(innocent), class_="innocent"))
        for sentence, innocent in alert.text.reasons
    ]
    return element(
        "li",
        element("h3", _sentence(alert.text.headline)),
        joined(*tags),
        element("ul", *reasons),
        element("span", f"Opened {written.moment(alert.opened_ms)}", class_="soft"),
    )


def _labelled(alert: NotedAlert) -> str:
    if not alert.is_right:
        return "no label"
    of = f"{written.count(alert.cases)} of {written.counted(alert.transactions, 'transaction')} labelled"
    return f"{of}: {', '.join(map(clipped, alert.typologies[:3]))}" if alert.typologies else of


def _row(case: Case, currency: str) -> tuple[str, ...]:
    distance = case.distance
    return (
        clipped(case.name),
        clipped(case.typology or written.NOTHING),
        clipped(case.account_id),
        written.moment(case.first_ms),
        written.count(case.transactions),
        money(case.amount_minor, currency, "en"),
        "no score" if distance is None else written.decimal(distance, 2),
        _why(case),
    )


def _why(case: Case) -> str:
    if case.distance is None:
        return "No score: too young an account, or repeated records."
    said = "Nothing about it was unusual for the account."
    if case.reason is not None:
        said = _sentence(case.reason)
    if case.distance < 0:
        return said
    return f"{said} It reached the edge, when the day’s ceiling was full or no reason could be checked."


def _sentence(said: str) -> str:
    return clipped(said, LONGEST_SENTENCE)
