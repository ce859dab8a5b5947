"""A labelled stream of our own: accounts with habits, and cases that are not too easy to find.

    plan = Plan(accounts=2_000, days=60, seed=1)
    for row in rows(plan): ...          # canonical JSON, in event-time order
    write(plan, Path("stream.jsonl.gz"))

Seeded and made day by day: a plan gives the same bytes in every process, whatever part of it is read. Every
distribution, its reason, and what is unrealistic about it: docs/simulator.md.
"""

from fraudwatch.simulate.plan import Plan, Typology
from fraudwatch.simulate.rows import Labelled, Message, messages, rows, transactions
from fraudwatch.simulate.writing import OnProgress, write

__all__ = [
    "Labelled",
    "Message",
    "OnProgress",
    "Plan",
    "Typology",
    "messages",
    "rows",
    "transactions",
    "write",
]
