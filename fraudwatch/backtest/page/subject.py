"""What a page is about."""

import msgspec

from fraudwatch.backtest.comparison import Comparison
from fraudwatch.backtest.findings import Findings
from fraudwatch.backtest.report import BacktestReport


class Run(msgspec.Struct, frozen=True):
    """One configuration and model over the stream; `name` is what a person calls them."""

    name: str
    report: BacktestReport
    findings: Findings


class Page(msgspec.Struct, frozen=True):
    """One run, and a second beside it where there is one. `file` names the stream, `currency` its money."""

    file: str
    currency: str
    first: Run
    second: Run | None = None
    comparison: Comparison | None = None
