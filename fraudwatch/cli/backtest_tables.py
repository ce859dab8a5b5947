"""What `fraudwatch backtest` prints on a terminal."""

from typing import Any

from fraudwatch.alerts.written import money
from fraudwatch.backtest import BacktestReport, Comparison, Findings, Run, Share, summary
from fraudwatch.cli.output import print_table, quantity, table

MOST_TYPOLOGIES = 20
EXAMPLES = 3


def print_report(report: BacktestReport, seconds: float, alerts_per_day: float) -> None:
    """What every backtest says."""
    shown = table("", "#", "")
    shown.add_row(
        "records", quantity(report.records), f"in {seconds:.1f} s, {report.records / seconds:,.0f} a second"
    )
    shown.add_row("  scored", quantity(report.scored), "")
    shown.add_row("  unscored", quantity(report.unscored), "no model yet, or too young an account")
    shown.add_row("  duplicates", quantity(report.duplicates), f"{report.conflicts:,} with different content")
    shown.add_row("  late", quantity(report.late), "past the grace: judged, not remembered")
    letters = ", ".join(f"{count:,} {reason}" for reason, count in report.dead_letters.items())
    shown.add_row("  dead letters", quantity(sum(report.dead_letters.values())), letters)
    detectors = ", ".join(report.detectors) or "none"
    shown.add_row("model", report.model_version or "none", f"{report.combiner}, detectors: {detectors}")
    shown.add_section()
    span = " to ".join(report.span) if report.span else "no transaction in it"
    shown.add_row("measured", quantity(report.transactions), f"transactions on {report.days} days, {span}")
    shown.add_row(
        "alerts", quantity(report.alerts), f"and {report.alerts_cut:,} cut off by the ceiling of the day"
    )
    shown.add_row("alerts a day", quantity(report.alerts_per_day, 1), f"the budget is {alerts_per_day:g}")
    if report.ranking is None:
        shown.add_row("labels", "none", "name source.label in the configuration to measure")
    else:
        _add_measures(shown, report)
    print_table(shown)


def print_findings(findings: Findings, currency: str) -> None:
    """What looking at alerts and cases one by one adds."""
    cases = findings.cases
    if findings.precision is None or cases is None:
        return
    shown = table("", "#", "", title="\nAlerts and cases")
    shown.add_row("alerts that touch a case", _percent(findings.precision), _of(findings.precision))
    shown.add_row("cases alerted", _percent(cases.found), _of(cases.found))
    shown.add_row(
        "first alert after",
        f"{quantity(cases.median_hours, 1)} h",
        f"median, at transaction {quantity(cases.median_transactions)} of the case; "
        f"possible: {quantity(cases.possible_hours, 1)} h",
    )
    if cases.amount_minor:
        shown.add_row(
            "money alerted in time",
            f"{cases.ahead_minor / cases.amount_minor:.0%}",
            f"of {money(cases.amount_minor, currency, 'en')}; "
            f"possible: {cases.ahead_possible_minor / cases.amount_minor:.0%}",
        )
    for one in findings.typologies[:MOST_TYPOLOGIES]:
        shown.add_row(f"  {_printable(one.name)}", _percent(one.found), _of(one.found))
    print_table(shown)


def print_comparison(first: Run, second: Run, compared: Comparison) -> None:
    """The second run beside the first."""
    is_labelled = first.findings.is_labelled
    shown = table("alerts", "#number", "#touch a case", title=f"\n{second.name} beside {first.name}")
    sides = (
        ("newly alerted", compared.newly),
        ("no longer alerted", compared.no_longer),
        ("the same", compared.same),
    )
    for name, side in sides:
        shown.add_row(name, quantity(side.alerts), quantity(side.right) if is_labelled else "–")
    print_table(shown)
    examples = table("", "")
    for name, side in sides[:2]:
        for alert in side.examples[:EXAMPLES]:
            examples.add_row(name, alert.text.headline if alert.text is not None else alert.account_id)
    if examples.row_count:
        print_table(examples)
    verdict = table("")
    verdict.add_row(summary(compared, is_labelled=is_labelled))
    print_table(verdict)


def _add_measures(shown: Any, report: BacktestReport) -> None:
    for ranking, whose in (
        (report.ranking, "all transactions"),
        (report.ranking_new_cases, "without accounts whose case was known before"),
    ):
        if ranking is None:
            continue
        share = ranking.cases / max(1, ranking.transactions)
        shown.add_section()
        shown.add_row("cases", quantity(ranking.cases), f"of {ranking.transactions:,}: {whose}")
        precision = quantity(ranking.average_precision, 3)
        shown.add_row("average precision", precision, f"drawing at random: {share:.3f}")
        shown.add_row(
            "AUROC", quantity(ranking.auroc, 3), "chance that a case scores above another; at random: 0.5"
        )
    shown.add_section()
    shown.add_row(
        "precision at budget",
        quantity(report.precision_at_budget, 3),
        "share of the day's highest-scoring accounts that have a case",
    )
    shown.add_row(
        "alert precision", quantity(report.alert_precision, 3), "share of the alerts that touch a case"
    )


def _percent(share: Share) -> str:
    return "–" if share.value is None else f"{share.value:.0%}"


def _of(share: Share) -> str:
    if share.low is None or share.high is None:
        return "there is none"
    return f"{share.hits:,} of {share.of:,}; 95 %: {share.low:.0%} to {share.high:.0%} (Wilson)"


def _printable(name: str) -> str:
    """A label comes from outside: no control character may reach the terminal."""
    return "".join(character if character.isprintable() else "·" for character in name[:40])
