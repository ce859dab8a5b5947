"""Alerts against the budget, how many of them are right, what they find, and how soon."""

from collections.abc import Sequence

from fraudwatch.backtest.cases import CaseFigures
from fraudwatch.backtest.findings import Findings
from fraudwatch.backtest.measures import Share
from fraudwatch.backtest.page import charts, written
from fraudwatch.backtest.page.charts import Mark, Part
from fraudwatch.backtest.page.markup import Html, clipped, element, joined, table

MOST_BARS = 150
"""Days that are drawn one by one; of more, some are drawn together."""
MOST_TYPOLOGIES = 40


def days(findings: Findings) -> Html:
    """Alerts a day against the budget."""
    if not findings.days:
        return Html("")
    every = -(-len(findings.days) // MOST_BARS)
    what = "day" if every == 1 else f"day, mean of {every} days"
    parts = [part._replace(values=_means(part.values, every)) for part in _kinds(findings)]
    first_days = findings.days[::every]
    marks = [
        Mark("budget", "budget", findings.budget),
        Mark("ceiling: twice the budget", "ceiling", 2 * findings.budget),
    ]
    labels = [written.short_day(day.begins_ms) for day in first_days]
    says = (
        f"Alerts opened on each {what}: {written.decimal(findings.alerts_per_day)} on average, "
        f"against a budget of {written.budget(findings.budget)}."
    )
    rows = [
        (written.day(day.begins_ms), *(written.decimal(part.values[at], int(every > 1)) for part in parts))
        for at, day in enumerate(first_days)
    ]
    return element(
        "section",
        element("h2", "Alerts a day, against the budget"),
        element("figure", element("figcaption", says), charts.bars(labels, parts, marks, says=says)),
        as_table(
            ("Day", *(f"#{part.name}" for part in parts)), rows, caption=f"Alerts opened on each {what}"
        ),
        element(
            "p",
            "The budget is a target: the edge follows from it, and from the days before. "
            f"{written.counted(findings.carried, 'alert')} opened before these days went on in them and "
            f"{'is' if findings.carried == 1 else 'are'} not counted.",
            class_="soft",
        ),
    )


def quality(findings: Findings) -> Html:
    """Precision by severity, what the samples say, and recall by typology."""
    if findings.precision is None or findings.cases is None:
        return element(
            "section",
            element("h2", "Right and wrong"),
            element(
                "p",
                "The stream has no labels: neither precision nor recall can be said. Name the field that labels cases "
                "(source.label in the configuration), or have a person look at the alerts below.",
            ),
            queues(findings),
        )
    rows = [("All alerts", *_shared(findings.precision))]
    rows += [
        (f"Severity {severity.name}", *_shared(severity.right))
        for severity in findings.severities
        if severity.right.of
    ]
    if findings.sampled is not None and findings.sampled.of:
        rows.append(("Drawn at random, below the edge", *_shared(findings.sampled)))
    return element(
        "section",
        element("h2", "Right and wrong"),
        element(
            "p",
            "An alert is right when one of its transactions is labelled; a case is found when one of its transactions "
            "is in an alert. Intervals are Wilson’s, 95 %, as if alerts and cases had nothing to do with one another.",
        ),
        table(
            ("Alerts", "#Right", "#Of", "#Precision", "#95 % interval"),
            rows,
            caption="Precision at the budget",
        ),
        queues(findings),
        _typologies(findings),
    )


def queues(findings: Findings) -> Html:
    """How the two queues and their lanes used the budget; nothing where there is the amount queue alone."""
    if all(one.lane is None for one in findings.queues):
        return Html("")
    labelled = ("#Right", "#Precision", "#95 % interval") if findings.is_labelled else ()
    rows = [
        (
            f"{one.queue} queue"
            if one.lane is None
            else f"{one.queue} queue, {clipped(one.lane).replace('_', ' ')}",
            written.count(one.right.of),
            written.decimal(one.right.of / max(1, len(findings.days))),
            *((written.count(one.right.hits), *_shared(one.right)[2:]) if findings.is_labelled else ()),
        )
        for one in findings.queues
    ]
    return table(
        ("Queue and lane", "#Alerts", "#A day", *labelled),
        rows,
        caption="Alerts above an edge, by queue and lane",
    )


def detection(findings: Findings) -> Html:
    """How soon cases were alerted, beside how soon they could have been."""
    cases = findings.cases
    if cases is None or not cases.found.of:
        return Html("")
    labels = ["at once" if not hours else written.hours(hours) for hours, _, _ in cases.within]
    says = _soon(cases)
    parts = [
        Part("of the cases alerted", "right", [found for _, found, _ in cases.within]),
        Part(
            "possible: a first transaction with a score",
            "other",
            [possible for _, _, possible in cases.within],
        ),
    ]
    rows = [
        (label, written.percent(found), written.percent(possible))
        for label, (_, found, possible) in zip(labels, cases.within, strict=True)
    ]
    return element(
        "section",
        element("h2", "Time to the first alert"),
        element("figure", element("figcaption", says), charts.lines(labels, parts, says=says)),
        as_table(
            ("Hours since the case began", "#Alerted", "#Possible"),
            rows,
            caption="Share of cases alerted within",
        ),
    )


def _soon(cases: CaseFigures) -> str:
    if not cases.found.hits:
        return "None of the cases was alerted."
    when = "at once" if not cases.median_hours else f"within {written.hours(cases.median_hours)}"
    place = written.decimal(cases.median_transactions, 0)
    return (
        f"Half of the alerted cases were alerted {when}, by transaction {place} of the case. "
        "Nothing can alert before the first transaction that has a score, the best possible: "
        f"{written.hours(cases.possible_hours)}, transaction {written.decimal(cases.possible_transactions, 0)}."
    )


def _typologies(findings: Findings) -> Html:
    cases = findings.cases
    assert cases is not None
    rows = [("All cases", *_found(cases.found, cases.median_transactions, cases.median_hours))]
    rows += [
        (clipped(one.name), *_found(one.found, one.median_transactions, one.median_hours))
        for one in findings.typologies[:MOST_TYPOLOGIES]
    ]
    more = len(findings.typologies) - MOST_TYPOLOGIES
    left_out = cases.without_model
    return joined(
        table(
            (
                "Typology",
                "Alerted",
                "#Alerted",
                "#Of",
                "#Recall",
                "#95 % interval",
                "#At transaction",
                "#After",
            ),
            rows,
            caption="Cases alerted, by typology" if findings.typologies else "Cases alerted",
        ),
        element(
            "p", f"And {written.counted(more, 'typology', 'typologies')} with fewer cases.", class_="soft"
        )
        if more > 0
        else None,
        element(
            "p",
            f"{written.counted(left_out, 'case')} that came before the first model "
            f"{'is' if left_out == 1 else 'are'} left out.",
            class_="soft",
        )
        if left_out
        else None,
    )


def _found(found: Share, transactions: float | None, hours: float | None) -> tuple[str, ...]:
    return (meter(found), *_shared(found), written.decimal(transactions, 0), written.hours(hours))


def _shared(share: Share) -> tuple[str, str, str, str]:
    return (
        written.count(share.hits),
        written.count(share.of),
        written.percent(share.value),
        written.interval(share),
    )


def meter(share: Share) -> Html:
    """A bar as long as the share; the number stands beside it."""
    width = f"width: {100 * (share.value or 0):.1f}%"
    return element("span", element("span", " ", style=width), class_="meter", aria_hidden="true")


def _kinds(findings: Findings) -> list[Part]:
    days = findings.days
    samples = Part("drawn at random", "sample", [day.samples for day in days])
    if not findings.is_labelled:
        return [Part("above the edge", "right", [day.right + day.other for day in days]), samples]
    return [
        Part("touch a case", "right", [day.right for day in days]),
        Part("touch none", "other", [day.other for day in days]),
        samples,
    ]


def _means(values: Sequence[float], every: int) -> list[float]:
    """So many days drawn as one."""
    parts = [values[begin : begin + every] for begin in range(0, len(values), every)]
    return [sum(part) / len(part) for part in parts]


def as_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, caption: str) -> Html:
    """The text equivalent of a chart, below it."""
    return element("details", element("summary", "The same as a table"), table(heads, rows, caption=caption))
