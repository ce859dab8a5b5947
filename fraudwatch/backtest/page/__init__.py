"""A backtest as one page: for whoever decides whether a configuration is worth the investigators' time.

One file, complete: no script, no font, no image and no address in it, so that it can be mailed, printed and kept.
"""

from fraudwatch import __version__
from fraudwatch.backtest.page.beside import comparison, examples, summary
from fraudwatch.backtest.page.headline import headline
from fraudwatch.backtest.page.markup import Html, clipped, element, joined
from fraudwatch.backtest.page.measured import days, detection, quality
from fraudwatch.backtest.page.shape import reasons, scores, weeks
from fraudwatch.backtest.page.shown import best_and_worst, missed
from fraudwatch.backtest.page.style import STYLE
from fraudwatch.backtest.page.subject import Page, Run

__all__ = ["Page", "Run", "summary", "written_page"]

NOTHING_FETCHED = "default-src 'none'; style-src 'unsafe-inline'"
"""The page's own policy: even if something foreign got into it, no browser would run or fetch it."""


def written_page(page: Page) -> str:
    """The whole page as HTML."""
    findings = page.first.findings
    body = element(
        "main",
        element("header", headline(page)),
        comparison(page),
        days(findings),
        quality(findings),
        detection(findings),
        reasons(findings),
        scores(findings),
        weeks(findings),
        examples(page),
        best_and_worst(findings),
        missed(findings, page.currency),
        element(
            "footer",
            element(
                "p",
                f"Written by fraudwatch {__version__} (fraudwatch backtest --report). Every figure follows from the "
                "file, the configuration and the model alone: the same command writes the same page.",
            ),
        ),
    )
    head = joined(
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=NOTHING_FETCHED),
        element("title", f"Backtest of {clipped(page.file)}"),
        element("style", Html(STYLE)),
    )
    return f"<!doctype html>\n{element('html', element('head', head), element('body', body), lang='en')}\n"
