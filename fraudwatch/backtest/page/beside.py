"""The second configuration or model beside the first."""

from fraudwatch.backtest.comparison import Comparison, Side
from fraudwatch.backtest.measures import Share, share
from fraudwatch.backtest.page import written
from fraudwatch.backtest.page.markup import Html, clipped, element, joined, table
from fraudwatch.backtest.page.shown import listed
from fraudwatch.backtest.page.subject import Page, Run

MOST_SETTINGS = 30
ALIKE = 0.9
"""Two runs whose numbers of alerts are further apart than this are not compared on equal terms."""
LIKELY = 0.05
"""Differences that chance makes less often than this are said to be more than chance."""


def comparison(page: Page) -> Html:
    """What a change would change; nothing where there is no second run."""
    if page.second is None or page.comparison is None:
        return Html("")
    compared, is_labelled = page.comparison, page.first.findings.is_labelled
    sides = (
        ("Newly alerted", compared.newly),
        ("No longer alerted", compared.no_longer),
        ("The same", compared.same),
    )
    labelled = ("#Right", "#Precision", "#95 % interval") if is_labelled else ()
    rows = [
        (name, written.count(side.alerts), *(_right(side) if is_labelled else ())) for name, side in sides
    ]
    return element(
        "section",
        element("h2", f"The second beside the first: {clipped(page.second.name)}"),
        element("p", summary(compared, is_labelled=is_labelled), class_="lead"),
        table(
            ("Alerts", "#Number", *labelled),
            rows,
            caption="Alerts of the second run against those of the first",
        ),
        _figures(page.first, page.second),
        _settings(compared),
    )


def examples(page: Page) -> Html:
    """The highest-ranked of what the second run alerts anew, and of what it no longer does."""
    if page.comparison is None:
        return Html("")
    sides = (("Newly alerted", page.comparison.newly), ("No longer alerted", page.comparison.no_longer))
    return joined(
        *(
            element(
                "section",
                element("h2", f"{name}: the highest-ranked"),
                listed(side.examples, is_labelled=page.first.findings.is_labelled),
                class_="long",
            )
            for name, side in sides
            if side.examples
        )
    )


def summary(compared: Comparison, *, is_labelled: bool) -> str:
    """One sentence, and with labels one more: whether the difference is more than chance."""
    said = (
        f"{written.counted(compared.newly.alerts, 'alert')} new, {written.count(compared.no_longer.alerts)} no longer "
        f"raised, {written.count(compared.same.alerts)} the same."
    )
    if not is_labelled or compared.chance is None:
        return said
    second, first = compared.found_by_second_only, compared.found_by_first_only
    if not (second or first):
        return f"{said} Both alert exactly the same cases."
    told = (
        f"{said} The second alerts {written.counted(second, 'case')} that the first misses, and misses "
        f"{written.count(first)} that the first alerts"
    )
    if compared.chance < LIKELY:
        return f"{told}: more than chance would do (sign test, p {_chance(compared.chance)}).{_unequal(compared)}"
    return f"{told}: chance could do that (sign test, p {_chance(compared.chance)}), so this stream does not decide."


def _unequal(compared: Comparison) -> str:
    """A larger budget is not a better configuration."""
    first, second = (compared.same.alerts + side.alerts for side in (compared.no_longer, compared.newly))
    if min(first, second) >= ALIKE * max(first, second):
        return ""
    return (
        f" But the second raises {written.counted(second, 'alert')}, the first {written.count(first)}: whatever raises "
        "more alerts finds more cases."
    )


def _figures(first: Run, second: Run) -> Html:
    """The figures of both, in two columns."""
    ours, theirs = _column(first), _column(second)
    rows = [(name, ours[name], theirs[name]) for name in ours]
    return table(
        ("", f"#First: {clipped(first.name)}", f"#Second: {clipped(second.name)}"),
        rows,
        caption="Both runs over the same days",
    )


def _column(run: Run) -> dict[str, str]:
    findings, cases = run.findings, run.findings.cases
    column = {
        "Model": run.report.model_version or "none",
        "Budget a day": written.budget(findings.budget),
        "Alerts a day": written.decimal(findings.alerts_per_day),
    }
    if findings.precision is not None and cases is not None:
        ranking = run.report.ranking
        column |= {
            "Precision at the budget": _with_interval(findings.precision),
            "Cases alerted": _with_interval(cases.found),
            "First alert after (median)": written.hours(cases.median_hours),
            "Average precision of the scores": written.decimal(
                None if ranking is None else ranking.average_precision, 3
            ),
        }
    return column


def _settings(compared: Comparison) -> Html:
    if not compared.settings:
        return element("p", "The settings are the same: only the models differ.", class_="soft")
    rows = [
        (clipped(key), clipped(ours), clipped(theirs))
        for key, ours, theirs in compared.settings[:MOST_SETTINGS]
    ]
    more = len(compared.settings) - MOST_SETTINGS
    return joined(
        table(("Setting", "First", "Second"), rows, caption="Settings that differ"),
        element("p", f"And {written.count(more)} more.", class_="soft") if more > 0 else None,
    )


def _right(side: Side) -> tuple[str, str, str]:
    right = share(side.right, side.alerts)
    return written.count(right.hits), written.percent(right.value), written.interval(right)


def _with_interval(found: Share) -> str:
    return f"{written.percent(found.value)} ({written.interval(found)})"


def _chance(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {written.decimal(value, 3)}"
