"""Scores, reasons and weeks: the shape of what was found."""

from fraudwatch.backtest.findings import Findings, WeekFigures
from fraudwatch.backtest.measures import Share, share
from fraudwatch.backtest.page import charts, written
from fraudwatch.backtest.page.charts import Part
from fraudwatch.backtest.page.markup import Html, element, table
from fraudwatch.backtest.page.measured import as_table, meter

MOST_SCORE_BARS = 80
MOST_REASONS = 40
MOST_WEEKS = 60
STABLE, SHIFTED = 0.1, 0.25
"""Stability indexes below the first are called stable, from the second on shifted: the usual rule of thumb."""


def scores(findings: Findings) -> Html:
    """How many transactions have which score, on a logarithmic scale."""
    found = findings.scores
    if not found.all:
        return Html("")
    every = -(-len(found.all) // MOST_SCORE_BARS)
    width = found.width * every
    everything = [sum(found.all[at : at + every]) for at in range(0, len(found.all), every)]
    cases = [sum(found.cases[at : at + every]) for at in range(0, len(found.cases), every)]
    lows = [found.lowest + at * width for at in range(len(everything))]
    labels = [written.decimal(low, 2 if width < 0.5 else 1) for low in lows]
    parts = [Part("scored transactions", "other", everything)]
    if findings.is_labelled:
        parts.append(Part("labelled ones among them", "case", cases))
    band, edges = None, "no edge"
    if found.edges is not None:
        low, high = found.edges
        band = ((low - found.lowest) / width, (high - found.lowest) / width)
        edges = f"the edge lay between {written.decimal(low, 2)} and {written.decimal(high, 2)}"
    says = f"Scores of {written.counted(sum(everything), 'transaction')}, each step upwards ten times as many; {edges}."
    heads = ("Score from", "#Transactions", *(("#Labelled",) if findings.is_labelled else ()))
    rows = [
        (label, *(written.count(int(part.values[at])) for part in parts))
        for at, label in enumerate(labels)
        if everything[at]
    ]
    image = charts.logarithmic(labels, parts, band, says=says, banded="where the edge lay")
    return element(
        "section",
        element("h2", "Scores"),
        element("figure", element("figcaption", says), image),
        as_table(heads, rows, caption="Transactions by score"),
    )


def reasons(findings: Findings) -> Html:
    """What the alerts were raised for."""
    if not findings.reasons:
        return Html("")
    total = sum(one.strongest.of for one in findings.reasons)
    heads = ("Reason", "Strongest", "#In so many alerts", "#Share", "#Named in")
    labelled = ("#Right", "#Precision", "#95 % interval") if findings.is_labelled else ()
    rows = []
    for one in findings.reasons[:MOST_REASONS]:
        part = share(one.strongest.of, total)
        rows.append(
            (
                f"{one.code} · {one.name.replace('_', ' ')}",
                meter(part),
                written.count(one.strongest.of),
                written.percent(part.value),
                written.count(one.named),
                *(_precision(one.strongest) if findings.is_labelled else ()),
            )
        )
    return element(
        "section",
        element("h2", "Reasons"),
        element(
            "p",
            "Each alert has one strongest reason, and names up to seven more. A reason that is often the strongest and "
            "seldom right costs the investigators’ time.",
        ),
        table((*heads, *labelled), rows, caption="Alerts above the edge, by their strongest reason"),
    )


def weeks(findings: Findings) -> Html:
    """Whether one week is like another."""
    if not findings.weeks:
        return Html("")
    shown = findings.weeks[:MOST_WEEKS]
    labelled = ("#Precision", "#95 % interval", "#Cases alerted", "#Of") if findings.is_labelled else ()
    heads = ("Week from", "#Days", "#Scored a day", "#Alerts a day", "#Edge", "#PSI", "Scores", *labelled)
    rows = [
        (
            written.day(week.begins_ms),
            written.count(week.days),
            written.decimal(week.scored / week.days, 0),
            written.decimal(week.alerts_per_day),
            written.decimal(week.edge, 2),
            written.decimal(week.instability, 3),
            _stability(week.instability),
            *_labelled(week),
        )
        for week in shown
    ]
    rest = len(findings.weeks) - len(shown)
    return element(
        "section",
        element("h2", "From week to week"),
        element("p", _steadiness(findings)),
        table(heads, rows, caption="Weeks of the measured days, seven days each from the first"),
        element("p", f"And {written.counted(rest, 'week')} more.", class_="soft") if rest else None,
        element(
            "p",
            f"PSI compares a week’s scores with those of all other weeks, in ten bins: below {STABLE} they are called "
            f"stable, from {SHIFTED} on shifted.",
            class_="soft",
        ),
    )


def _steadiness(findings: Findings) -> str:
    whole = [week for week in findings.weeks if week.days == 7]
    if len(whole) < 2:
        return "There are fewer than two whole weeks: nothing can be said of how steady this is."
    rates = [week.alerts_per_day for week in whole]
    moved = sum((week.instability or 0) >= STABLE for week in whole)
    said = (
        f"Over {written.counted(len(whole), 'whole week')} there were {written.decimal(min(rates))} to "
        f"{written.decimal(max(rates))} alerts a day."
    )
    if not moved:
        return f"{said} Scores were distributed alike in all of them."
    return f"{said} In {written.count(moved)} of them scores were distributed unlike the others’."


def _stability(instability: float | None) -> str:
    if instability is None:
        return written.NOTHING
    return "stable" if instability < STABLE else "moved" if instability < SHIFTED else "shifted"


def _precision(share: Share) -> tuple[str, str, str]:
    return written.count(share.hits), written.percent(share.value), written.interval(share)


def _labelled(week: WeekFigures) -> tuple[str, ...]:
    if week.precision is None or week.found is None:
        return ()
    return (
        written.percent(week.precision.value),
        written.interval(week.precision),
        written.count(week.found.hits),
        written.count(week.found.of),
    )
