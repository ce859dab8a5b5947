"""Whether what happened is what had to happen: the evidence against a fold without any fault.

Pure functions of the evidence, so that each of them can be shown to find what it is there to find.
"""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from evidence import Commit, Logged
from histories import EDGE, Held
from journal import AnyEntry, Folded, Handled, Made
from poison import is_poison
from reference import Reference, comparable

from fraudwatch.alerts import read

Place = tuple[int, int]
"""Partition and offset in the log."""


LONGEST_SAID = 2_000


class Evidence(NamedTuple):
    """What the broker holds, what the members noted, what they held at their ends, and how many records were sent."""

    log: Sequence[Logged]
    review: Sequence[Logged]
    letters: Sequence[Logged]
    commits: Sequence[Commit]
    journal: Sequence[AnyEntry]
    held: Sequence[Held]
    sent: int


class Verdict(NamedTuple):
    """Counts of what must not be, and `duplicates`, which may; `findings` says each in a sentence."""

    lost: int
    double_counted: int
    alerts_missing: int
    duplicates: int
    findings: list[str]


def judge(evidence: Evidence, reference: Reference, *, is_wire_whole: bool) -> Verdict:
    """`is_wire_whole`: no request can have been sent twice by a client that did not hear the answer."""
    findings: list[str] = []

    def found(count: int, what: str) -> int:
        if count:
            findings.append(f"{count} {what}")
        return count

    histories = compare_histories(evidence.held, reference)
    lost = found(not_in_log(evidence), "records that were sent are not in the log")
    lost += found(len(unhandled(evidence)), "records were neither assessed nor dead-lettered")
    lost += found(len(letters_missing(evidence, reference)), "dead letters are missing")
    lost += found(skipped(evidence), "records were left out by a state that went on after them")
    lost += found(histories.missing, "transactions are missing in the histories at the end")
    twice = found(repeated(evidence.journal), "records were folded twice into one state")
    twice += found(histories.surplus, "transactions are too many in the histories at the end")
    twice += found(sent_twice(evidence.log), "numbers are in the log twice")
    if found(len(histories.differing), "accounts have another history than without faults"):
        findings.append(f"such as {histories.differing[0][:LONGEST_SAID]}")
    found(histories.unknown, "states stand where the reference was not asked for")
    found(letters_invented(evidence, reference), "dead letters are of records that are none")
    copies = sent_alerts(evidence.review)
    missing = {(each.alert_id, each.sequence) for each in reference.raised} - set(copies)
    found(len(missing), "alerts are missing")
    found(
        len(set(copies) - {(each.alert_id, each.sequence) for each in reference.raised}),
        "alerts are invented",
    )
    differing = differing_alerts(copies, reference)
    if found(len(differing), "alerts say something else than without faults"):
        findings.append(f"such as {differing[0][:LONGEST_SAID]}")
    found(out_of_order(evidence.review, reference), "accounts have their alerts in another order")
    found(early_commits(evidence, reference), "records were committed before they were done")
    found(raised_below_commit(evidence), "records were judged live again below the commit")
    found(unbalanced(evidence.journal), "batches have not as many assessments and dead letters as records")
    if is_wire_whole:
        found(unexplained(evidence, copies, reference), "alerts were sent more often than judged")
    duplicates = sum(len(each) - 1 for each in copies.values())
    return Verdict(lost, twice, len(missing), duplicates, findings)


def not_in_log(evidence: Evidence) -> int:
    """How many of the numbers that were sent the broker does not hold."""
    numbers = {int(record.headers["number"]) for record in evidence.log}
    return len(set(range(evidence.sent)) - numbers)


def sent_twice(log: Sequence[Logged]) -> int:
    """How many numbers are there more than once: then the driver is at fault."""
    return len(log) - len({record.headers["number"] for record in log})


def unhandled(evidence: Evidence) -> set[Place]:
    """Records that no member has done."""
    return {(each.partition, each.offset) for each in evidence.log} - set(_done(evidence.journal))


def unbalanced(journal: Sequence[AnyEntry]) -> int:
    """Batches in which records are not assessments + dead letters."""
    done = [each for each in journal if isinstance(each, Handled)]
    return sum(each.records != each.assessed + each.dead for each in done)


def letters_missing(evidence: Evidence, reference: Reference) -> set[Place]:
    """Records that had to become a dead letter and did not."""
    return reference.dead - {_source(letter) for letter in evidence.letters}


def letters_invented(evidence: Evidence, reference: Reference) -> int:
    """Dead letters of records that can be read, or whose bytes are not those of the record."""
    values = {(each.partition, each.offset): each.value for each in evidence.log}
    return sum(
        _source(letter) not in reference.dead or (letter.value or b"") != (values[_source(letter)] or b"")
        for letter in evidence.letters
    )


def skipped(evidence: Evidence) -> int:
    """Records between two folds into one state that went into it by neither, and are no poison."""
    poison = {(each.partition, each.offset) for each in evidence.log if is_poison(each.value)}
    return sum(
        (partition, offset) not in poison
        for partition, reached, position in _between_folds(evidence.journal)
        for offset in range(reached, position)
    )


def repeated(journal: Sequence[AnyEntry]) -> int:
    """Records that went into one state by two folds."""
    return sum(max(reached - position, 0) for _, reached, position in _between_folds(journal))


def _between_folds(journal: Sequence[AnyEntry]) -> Iterator[tuple[int, int, int]]:
    """Of each fold its partition, where the state was before, and the fold's first record."""
    reached: dict[tuple[int, int], int] = {}
    for each in journal:
        if isinstance(each, Folded):
            state = each.pid, each.state
            yield each.partition, reached.get(state, each.before), each.position
            reached[state] = each.last + 1


class Histories(NamedTuple):
    """How the states at the end differ from the reference: transactions, transactions, which and how, states."""

    missing: int
    surplus: int
    differing: list[str]
    unknown: int


def compare_histories(held: Sequence[Held], reference: Reference) -> Histories:
    """Every state that a process had at its end, to the bit; the edge where it has one of its own."""
    missing = surplus = unknown = 0
    differing = []
    for state in held:
        expected = reference.held.get((state.partition, state.position))
        if expected is None:
            unknown += 1
            continue
        for account in state.accounts.keys() | expected.accounts.keys() - {EDGE}:
            ours, theirs = state.accounts.get(account), expected.accounts.get(account)
            more = (ours.total if ours else 0) - (theirs.total if theirs else 0)
            missing, surplus = missing + max(-more, 0), surplus + max(more, 0)
            if ours != theirs:
                place = f"partition {state.partition} before offset {state.position}"
                bits = (known.bits if known else b"{}" for known in (ours, theirs))
                differing.append(f"{account} ({place}): {_difference(*bits)}")
    return Histories(missing, surplus, differing, unknown)


Copies = dict[tuple[str, int], list[Logged]]
"""Messages by alert and sequence, in the order the broker took them."""


def sent_alerts(review: Sequence[Logged]) -> Copies:
    """Every copy of every alert and update."""
    copies: defaultdict[tuple[str, int], list[Logged]] = defaultdict(list)
    for message in review:
        alert = read(message.value or b"")
        copies[alert.alert_id, alert.sequence].append(message)
    return dict(copies)


def differing_alerts(copies: Copies, reference: Reference) -> list[str]:
    """Of each message that does not say the same as without faults, names of evidence aside: which, and what of it."""
    says = {(each.alert_id, each.sequence): each for each in reference.raised}
    found = []
    for which, sent in copies.items():
        for copy in sent if which in says else ():
            ours, theirs = comparable(read(copy.value or b"")), says[which].says
            if ours != theirs:
                raised = says[which]
                place = f"partition {raised.partition}, offset {raised.offset}"
                found.append(f"{which[0]}, sequence {which[1]} ({place}): {_difference(ours, theirs)}")
    return found


def _difference(ours: bytes, theirs: bytes) -> str:
    """What differs of two JSON objects, one level deep."""
    left, right = json.loads(ours), json.loads(theirs)
    differing = [name for name in left.keys() | right.keys() if left.get(name) != right.get(name)]
    return ", ".join(f"{name} {left.get(name)} instead of {right.get(name)}" for name in sorted(differing))


def out_of_order(review: Sequence[Logged], reference: Reference) -> int:
    """Accounts whose alerts and updates came first in another order than their transactions did."""
    expected: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for each in sorted(reference.raised, key=lambda raised: (raised.partition, raised.offset)):
        expected[each.account].append((each.alert_id, each.sequence))
    first: defaultdict[str, dict[tuple[str, int], None]] = defaultdict(dict)
    for message in review:
        alert = read(message.value or b"")
        first[alert.entity.account_id].setdefault((alert.alert_id, alert.sequence))
    # What is missing is counted as that, and not once more here.
    return sum(
        [which for which in expected[account] if which in sent]
        != [which for which in sent if which in expected[account]]
        for account, sent in first.items()
    )


def early_commits(evidence: Evidence, reference: Reference) -> int:
    """Records that a commit passed before they were done, or before what came of them was on its topic."""
    passed = Passed(evidence.commits)
    done = _done(evidence.journal)
    early = {place for place, at_ms in done.items() if passed.at_ms(*place) < at_ms}
    copies = sent_alerts(evidence.review)
    for each in reference.raised:
        arrived = [copy.at_ms for copy in copies.get((each.alert_id, each.sequence), ())]
        if arrived and min(arrived) > passed.at_ms(each.partition, each.offset):
            early.add((each.partition, each.offset))
    letters: dict[Place, int] = {}
    for letter in evidence.letters:
        letters[_source(letter)] = min(letter.at_ms, letters.get(_source(letter), letter.at_ms))
    early |= {place for place, at_ms in letters.items() if at_ms > passed.at_ms(*place)}
    # Whatever never came to its end is early as soon as it is passed.
    early |= {place for place in unhandled(evidence) if passed.at_ms(*place) < NEVER_MS}
    return len(early)


NEVER_MS = 2**62


class Passed:
    """When the commits first passed a record."""

    def __init__(self, commits: Iterable[Commit]) -> None:
        self._rising: defaultdict[int, list[Commit]] = defaultdict(list)
        for commit in commits:
            known = self._rising[commit.partition]
            if not known or commit.offset > known[-1].offset:
                known.append(commit)

    def at_ms(self, partition: int, offset: int) -> int:
        """`NEVER_MS` if they have not."""
        known = self._rising[partition]
        place = bisect_right(known, offset, key=lambda commit: commit.offset)
        return known[place].at_ms if place < len(known) else NEVER_MS


def raised_below_commit(evidence: Evidence) -> int:
    """Records judged live by a state that was made when a commit had passed them already.

    Below the commit everything was acknowledged, so only what lay above it may be done again.
    """
    passed = Passed(evidence.commits)
    made = {
        (each.pid, each.state): each.ns // 1_000_000 for each in evidence.journal if isinstance(each, Made)
    }
    return sum(
        passed.at_ms(each.partition, offset) < made[each.pid, each.state]
        for each in evidence.journal
        if isinstance(each, Folded) and each.is_live
        for offset in range(each.position, each.last + 1)
    )


def unexplained(evidence: Evidence, copies: Copies, reference: Reference) -> int:
    """Copies of alerts beyond one for each time that their record was judged."""
    judged: Counter[Place] = Counter()
    for each in evidence.journal:
        if isinstance(each, Folded) and each.is_live:
            judged.update((each.partition, offset) for offset in range(each.position, each.last + 1))
    return sum(
        max(len(copies.get((each.alert_id, each.sequence), ())) - judged[each.partition, each.offset], 0)
        for each in reference.raised
    )


def recovery_seconds(evidence: Evidence, healed_ms: int) -> float:
    """From the end of a fault until all that was in the log then was committed."""
    passed = Passed(evidence.commits)
    newest = {each.partition: each.offset for each in evidence.log if each.at_ms <= healed_ms}
    covered = [passed.at_ms(partition, offset) for partition, offset in newest.items()]
    return max(max(covered, default=healed_ms) - healed_ms, 0) / 1000


def _done(journal: Sequence[AnyEntry]) -> dict[Place, int]:
    """When (ms since 1970) each record was done first."""
    done: dict[Place, int] = {}
    for each in journal:
        if isinstance(each, Handled):
            for offset in range(each.first, each.last + 1):
                done.setdefault((each.partition, offset), each.ns // 1_000_000)
    return done


def _source(letter: Logged) -> Place:
    return int(letter.headers["partition"]), int(letter.headers["offset"])
