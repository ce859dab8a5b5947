"""The page: complete in itself, readable without its pictures, safe whatever records say, and of bounded size."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from examining import DAY, Examined, examined
from markup_seen import HOSTILE, seen

from fraudwatch.backtest import Page, Run, compare, differences, written_page
from fraudwatch.backtest.cases import Case, TypologyFigures
from fraudwatch.backtest.findings import DayFigures, Findings, QueueFigures, ReasonFigures, WeekFigures
from fraudwatch.backtest.measures import share
from fraudwatch.backtest.noted import AlertText, NotedAlert
from fraudwatch.config.settings import Settings

MOST_BYTES = 2_000_000
OURS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "footer",
        "section",
        "h1",
        "h2",
        "h3",
    ),
    *("p", "ul", "ol", "li", "span", "figure", "figcaption", "details", "summary", "div", "table", "caption"),
    *("thead", "tbody", "tr", "th", "td", "svg", "g", "rect", "line", "path", "circle", "text"),
}


def page_of(run: Examined, name: str = "stream.jsonl.gz") -> str:
    return written_page(Page(name, "EUR", Run("my.yaml", run.report, run.finding.findings())))


@pytest.fixture(scope="module")
def written(labelled_run: Examined) -> str:
    return page_of(labelled_run)


@pytest.fixture(scope="module")
def hostile_run(
    simulated: Path, measured: Settings, labelled_run: Examined, tmp_path_factory: pytest.TempPathFactory
) -> Examined:
    """The same stream, in which every text that a record may choose tries to break out of the page."""
    directory = tmp_path_factory.mktemp("hostile")
    path = directory / "stream.jsonl"
    lines = []
    for place, row in enumerate(labelled_run.rows):
        attack = HOSTILE[int(row["account_id"][1:]) % len(HOSTILE)]
        row = row | {
            "account_id": attack + row["account_id"],
            "transaction_id": f"{attack}{place}",
            "counterparty_id": attack + row["counterparty_id"],
            "device_id": attack + "d" if row["device_id"] else None,
        }
        if row["label"]:
            row |= {"case_id": attack + row["case_id"], "typology": attack + row["typology"]}
        lines.append(json.dumps(row))
    path.write_text("\n".join(lines), encoding="utf-8")
    return examined(measured, path, directory / "scores.csv")


def test_it_fetches_nothing(written: str) -> None:
    assert not re.search(r"https?:|//|@import|url\(|<script|<link|<img|<iframe|\son\w+=", written)
    assert "default-src &#x27;none&#x27;" in written


def test_the_same_run_gives_the_same_page(labelled_run: Examined, written: str) -> None:
    assert page_of(labelled_run) == written


def test_every_picture_has_a_name_and_its_numbers_in_a_table(written: str) -> None:
    sections = written.split("<section")[1:]
    pictured = [section for section in sections if "<svg" in section]
    assert len(pictured) == 3
    for section in pictured:
        assert (
            section.count("<svg") == section.count('role="img" aria-label="') == section.count("<figcaption>")
        )
        table = section.partition("<details>")[2].partition("</details>")[0]
        assert table.count("<tr>") > 3


def test_figures_of_the_headline_are_those_that_were_found(labelled_run: Examined, written: str) -> None:
    findings = labelled_run.finding.findings()
    assert findings.precision is not None
    assert findings.cases is not None
    said = seen(written).said
    for found, what in (findings.precision, "alerts"), (findings.cases.found, "cases"):
        assert f"{found.hits} of {found.of} {what}" in said
        assert f"{100 * (found.value or 0):.0f}\u00a0%" in said
    assert f"{findings.alerts_per_day:.1f} were opened" in said
    assert "Wilson" in said
    for one in findings.typologies:
        assert one.name in said


def test_alerts_are_told_in_sentences_and_missed_cases_with_their_reason(
    labelled_run: Examined, written: str
) -> None:
    said = seen(written).said
    findings = labelled_run.finding.findings()
    for alert in (*findings.best, *findings.worst):
        assert alert.text is not None
        assert alert.text.headline in said
        assert alert.text.reasons[0][0] in said
    assert findings.missed
    for case in findings.missed:
        assert case.name in said
        assert case.reason is None or case.reason in said


def test_no_score_is_called_a_fraud(written: str) -> None:
    """The product's own name at the bottom is the only place where the word stands."""
    said = re.sub("fraudwatch", "", seen(written).said, flags=re.IGNORECASE)
    assert "fraud" not in said.lower()
    assert "only a person can say" in said


def test_records_cannot_bring_anything_into_the_page(hostile_run: Examined) -> None:
    run = Run("<b>my</b>.yaml", hostile_run.report, hostile_run.finding.findings())
    compared = compare(
        [], hostile_run.finding.alerts(), [], hostile_run.finding.cases(), (("<u>", "<i>", "<s>"),)
    )
    markup = written_page(Page("<script>.csv", "EUR", run, run, compared))
    found = seen(markup)
    assert set(found.tags) <= OURS
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "href")]
    assert "<script>alert(1)</script>" in found.said
    assert "<script" not in markup


def test_without_labels_the_page_says_so_and_what_it_can(
    labelled_run: Examined, measured: Settings, simulated: Path, tmp_path: Path
) -> None:
    source = msgspec.structs.replace(measured.source, label=None)
    blind = examined(msgspec.structs.replace(measured, source=source), simulated, tmp_path / "scores.csv")
    said = seen(page_of(blind)).said
    assert "The stream has no labels" in said
    assert "neither precision nor recall can be said" in said
    assert "Alerts nearest to the edge" in said
    assert "Precision at the budget" not in said
    assert "Missed cases" not in said


def test_queues_and_lanes_are_told_apart_where_there_are_lanes(labelled_run: Examined) -> None:
    findings = labelled_run.finding.findings()
    alone = msgspec.structs.replace(findings, queues=(QueueFigures("amount", None, share(3, 9)),))
    assert "Queue and lane" not in written_page(Page("f", "EUR", Run("my.yaml", labelled_run.report, alone)))
    queues = (
        QueueFigures("amount", None, share(3, 9)),
        QueueFigures("typology", "pass_through", share(4, 5)),
    )
    best = msgspec.structs.replace(findings.best[0], queue="typology", lane="pass_through")
    laned = msgspec.structs.replace(findings, queues=queues, best=(best,))
    said = seen(written_page(Page("f", "EUR", Run("my.yaml", labelled_run.report, laned)))).said
    assert "typology queue, pass through50.5480" in said
    assert "typology queue: pass through" in said


def test_a_run_without_any_alert_has_a_page(labelled_run: Examined) -> None:
    nothing = msgspec.structs.replace(
        labelled_run.finding.findings(),
        **dict.fromkeys(("days", "weeks", "reasons", "best", "worst", "missed", "typologies"), ()),
        alerts=0,
        precision=share(0, 0),
        sampled=share(0, 0),
        scores=msgspec.structs.replace(labelled_run.finding.findings().scores, all=(), cases=(), edges=None),
    )
    said = seen(written_page(Page("f", "EUR", Run("my.yaml", labelled_run.report, nothing)))).said
    assert "No alert was opened in these days" in said
    assert "nan" not in said


def test_a_second_run_stands_beside_the_first(
    labelled_run: Examined, measured: Settings, tmp_path: Path
) -> None:
    changed = msgspec.structs.replace(
        measured, alerts=msgspec.structs.replace(measured.alerts, alerts_per_day=12)
    )
    other = examined(changed, labelled_run.path, tmp_path / "scores.csv")
    compared = compare(
        labelled_run.finding.alerts(),
        other.finding.alerts(),
        labelled_run.finding.cases(),
        other.finding.cases(),
        differences(measured, changed),
    )
    assert compared.newly.alerts > compared.no_longer.alerts
    raised = [alert for alert in other.finding.alerts() if not alert.is_sample]
    assert compared.same.alerts + compared.newly.alerts == len(raised)
    page = Page(
        "f",
        "EUR",
        Run("my.yaml", labelled_run.report, labelled_run.finding.findings()),
        Run("changed.yaml", other.report, other.finding.findings()),
        compared,
    )
    said = seen(written_page(page)).said
    assert f"{compared.newly.alerts} alerts new, {compared.no_longer.alerts} no longer raised" in said
    assert "alerts.alerts_per_day612" in said
    assert "Newly alerted" in said
    for alert in compared.newly.examples:
        assert alert.text is not None
        assert alert.text.headline in said


def test_the_page_of_ten_years_of_long_and_hostile_texts_stays_small(labelled_run: Examined) -> None:
    text = "<&\"'" * 1_000
    days = tuple(DayFigures(day * DAY, 10**6, 400, 400, 20) for day in range(3_650))
    week = WeekFigures(0, 7, 10**6, 800.0, 4.0, 0.05, share(1, 2), share(1, 2))
    alert = NotedAlert(
        text, text, 0, 0, False, "high", 9.0, 1.0, 3.0, False, ("A",) * 8, 10, 10, (text,) * 50,
        AlertText(text, ((text, text),) * 4),
    )  # fmt: skip
    far = msgspec.structs.replace(alert, opened_ms=100 * DAY, last_ms=100 * DAY)
    findings = labelled_run.finding.findings()
    large: Findings = msgspec.structs.replace(
        findings,
        days=days,
        weeks=(week,) * 520,
        scores=msgspec.structs.replace(findings.scores, all=(10**6,) * 260, cases=(10**5,) * 260),
        reasons=(ReasonFigures(text, text, share(1, 2), 2),) * 500,
        typologies=(TypologyFigures(text, share(1, 2), 3, 1.0, 1.0),) * 5_000,
        best=(alert,) * 10,
        worst=(alert,) * 10,
        missed=(Case(text, text, text, 0, 0, score=1.0, edge=2.0, code="A", reason=text),) * 40,
    )
    run = Run(text, labelled_run.report, large)
    compared = compare([far] * 100, [alert] * 100, [], [], ((text, text, text),) * 300)
    assert len(written_page(Page(text, "EUR", run, run, compared)).encode()) < MOST_BYTES
