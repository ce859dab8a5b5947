"""A constant load for long: `make soak MINUTES=60`, or

    python tests/soak/run.py [--minutes N] [--rate N] [--json]

One worker on a real broker, with a snapshot every 15 s and a process beside it that fits model after model. Prints what
memory, open files, lag and latency were in each fourth of the time, with --json one object. Ends with 1 where one of
them was not flat. Less than ten minutes is for seeing that it works: histories, sample and names still fill.
"""

import argparse
import sys

import msgspec
from soak import Quarter, looks, quarters, verdict

SAY_EVERY = 30
FILLED_MINUTES = 10


def main(arguments: list[str]) -> int:
    """0, or 1 where something was not flat."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=2_000, help="records a second")
    parser.add_argument("--json", action="store_true", help="one object instead of a table")
    given = parser.parse_args(arguments)
    seen = []
    for look in looks(given.minutes, given.rate):
        seen.append(look)
        if len(seen) % SAY_EVERY == 0:
            say(f"{look.mib:,.0f} MiB, {look.files} open files, {look.lag:,} behind")
    found = quarters(seen)
    said = verdict(found, given.rate) if given.minutes >= FILLED_MINUTES else []
    whole = {"minutes": given.minutes, "rate": given.rate, "quarters": found, "not_flat": said}
    sys.stdout.write(msgspec.json.encode(whole).decode() + "\n" if given.json else text(found, said))
    return 1 if said else 0


def text(found: list[Quarter], said: list[str]) -> str:
    """The table, and what was not flat."""
    lines = [
        "fourth   memory MiB   open files   most behind   p99 s",
        "------   ----------   ----------   -----------   -----",
    ]
    lines += [
        f"{number:>6}   {each.mib:>10,.0f}   {each.files:>10}   {each.lag:>11,}   {each.p99_s:>5g}"
        for number, each in enumerate(found, start=1)
    ]
    return "\n".join([*lines, *said]) + "\n"


def say(message: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(f"soak: {message}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
