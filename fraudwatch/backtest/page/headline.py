"""The top of the page: the figures one decides by, and in which sense they are to be taken."""

from fraudwatch.alerts.written import money
from fraudwatch.backtest.findings import Findings
from fraudwatch.backtest.page import written
from fraudwatch.backtest.page.markup import Html, clipped, element, joined
from fraudwatch.backtest.page.subject import Page, Run

FEW = 30
"""Alerts or cases below which an interval is so wide that the page says so first."""


def headline(page: Page) -> Html:
    """Title, one sentence, tiles, and what the figures do not say."""
    report, findings = page.first.report, page.first.findings
    spanned = (
        f"{written.day(findings.days[0].begins_ms)} to {written.day(findings.days[-1].begins_ms)}, "
        f"{written.counted(len(findings.days), 'day')} with scored transactions"
        if findings.days
        else "no day with a scored transaction"
    )
    return joined(
        element("h1", f"Backtest of {clipped(page.file)}"),
        element(
            "p",
            f"{spanned}. {written.counted(report.records, 'record')} read, of which "
            f"{written.counted(sum(day.scored for day in findings.days), 'transaction')} were scored in these days. "
            f"Configuration: {clipped(page.first.name)}, model {report.model_version or 'none'}. Times are UTC.",
            class_="soft",
        ),
        element("p", _sentence(findings), class_="lead"),
        element("ul", *_tiles(page.first, page.currency), class_="tiles"),
        element("p", _honestly(findings), class_="honest"),
    )


def _sentence(findings: Findings) -> str:
    if not findings.alerts:
        return "No alert was opened in these days: there was no model, or nothing reached the edge."
    said = (
        f"With a budget of {written.budget(findings.budget)} alerts a day, "
        f"{written.decimal(findings.alerts_per_day)} were opened"
    )
    if findings.precision is None or findings.cases is None:
        return f"{said}. The stream has no labels, so nothing here says how many of them were worth the time."
    return (
        f"{said}. {written.percent(findings.precision.value)} of those above the edge touch a labelled case, and "
        f"{written.percent(findings.cases.found.value)} of the labelled cases were alerted."
    )


def _tiles(run: Run, currency: str) -> list[Html]:
    findings, cases = run.findings, run.findings.cases
    tiles = [
        _tile(
            "Alerts a day",
            written.decimal(findings.alerts_per_day),
            f"budget {written.budget(findings.budget)}; "
            f"{written.counted(run.report.alerts_cut, 'transaction')} of the file cut off by the ceiling of a day",
        )
    ]
    if findings.precision is None or cases is None:
        scores = findings.scores.edges
        edges = "–" if scores is None else f"{written.decimal(scores[0])} to {written.decimal(scores[1])}"
        return [
            *tiles,
            _tile("Accounts alerted", written.count(findings.accounts), "different ones, in these days"),
            _tile("Edge", edges, "lowest and highest score from which an alert was raised"),
        ]
    return [
        *tiles,
        _tile(
            "Precision at this budget",
            written.percent(findings.precision.value),
            f"{written.interval(findings.precision)}; "
            f"{written.count(findings.precision.hits)} of {written.counted(findings.precision.of, 'alert')}",
        ),
        _tile(
            "Cases alerted",
            written.percent(cases.found.value),
            f"{written.interval(cases.found)}; "
            f"{written.count(cases.found.hits)} of {written.counted(cases.found.of, 'case')}",
        ),
        _tile(
            "First alert after",
            written.hours(cases.median_hours),
            f"median, at transaction {written.decimal(cases.median_transactions, 0)} of the case; "
            f"the best possible is {written.hours(cases.possible_hours)}",
        ),
        _tile(
            "Money alerted in time",
            written.percent(cases.ahead_minor / cases.amount_minor if cases.amount_minor else None),
            f"of {money(cases.amount_minor, currency, 'en')} in cases moved after the first alert; "
            "the best possible is "
            f"{written.percent(cases.ahead_possible_minor / cases.amount_minor if cases.amount_minor else None)}",
        ),
    ]


def _tile(name: str, figure: str, beside: str) -> Html:
    return element(
        "li",
        element("span", name, class_="name"),
        element("span", figure, class_="figure"),
        element("span", beside, class_="beside"),
    )


def _honestly(findings: Findings) -> str:
    said = ["A score says how unusual a transaction is for its account. What it was, only a person can say."]
    if findings.is_labelled:
        said.append(
            "A label says what somebody found before: an alert beside the labels may be wrong, or a case that nobody "
            "has found yet. On simulated streams the figures prove the machinery, not what to expect in production."
        )
    if findings.precision is not None and findings.precision.of < FEW:
        said.append("There are few alerts: read the intervals before the figures.")
    elif findings.cases is not None and findings.cases.found.of < FEW:
        said.append("There are few cases: read the intervals before the figures.")
    if findings.low_edge:
        said.append(
            f"The edge was low when {written.counted(findings.low_edge, 'alert')} of {written.count(findings.alerts)} "
            "were raised: the budget exceeds what is unusual in this stream, and most of those say little."
        )
    return " ".join(said)
