"""Each rule of the verifier finds what it is there to find, and nothing in a round that went well."""

from collections.abc import Sequence
from typing import Any

import pytest
from evidence import Commit, Logged
from histories import EDGE, Held, Known
from journal import AnyEntry, Folded, Handled, Made
from msgspec.structs import replace
from reference import Raised, Reference, comparable
from verifier import Evidence, Verdict, compare_histories, judge, recovery_seconds, skipped

from fraudwatch.alerts import Alert, encode
from fraudwatch.alerts.alert import Account, AlertEpisode, AlertingTransaction, Position
from fraudwatch.records import Text

RECORDS = 6
DEAD = 4
"""Offset of the one record that cannot be read."""


def alert(name: str, offset: int, sequence: int = 1, score: float = 3.0) -> Alert:
    """Raised by the record at an offset."""
    nothing = Text("", "")
    transaction = AlertingTransaction("t", "then", "1.00", 100, Position("source", 0, offset))
    return Alert(
        schema_version=1,
        alert_id=name,
        kind="alert" if sequence == 1 else "update",
        sequence=sequence,
        entity=Account("account"),
        headline=nothing,
        severity="low",
        score=score,
        rank=1.0,
        edge=2.0,
        distance=1.0,
        edge_note=nothing,
        sample=False,
        episode=AlertEpisode("then", "then", "later", 1, "1.00", 100, "EUR", (transaction,), 0),
        reasons=(),
        evidence=(),
        evidence_cut=0,
        model_version="m",
        configuration="c",
        partition=0,
    )


ALERTS = (alert("a", 1), alert("b", 3))


def raised(each: Alert) -> Raised:
    offset = each.episode.transactions[-1].position.offset
    return Raised(each.alert_id, each.sequence, 0, offset, each.entity.account_id, comparable(each))


def sent(*alerts: Alert, at_ms: Sequence[int] = ()) -> list[Logged]:
    """On the review topic, one after the other."""
    times = at_ms or [15] * len(alerts)
    return [
        Logged(0, number, time, each.alert_id.encode(), encode(each), {})
        for number, (each, time) in enumerate(zip(alerts, times, strict=True))
    ]


def folded(
    position: int, last: int, *, state: int = 0, pid: int = 1, live: bool = True, **more: int
) -> Folded:
    before = more.get("before", position)
    return Folded(
        ns=12_000_000,
        pid=pid,
        state=state,
        partition=0,
        position=position,
        before=before,
        last=last,
        is_live=live,
    )


def handled(first: int, last: int, ms: int = 18, dead: int = 0) -> Handled:
    count = last - first + 1
    return Handled(
        ns=ms * 1_000_000,
        pid=1,
        partition=0,
        first=first,
        last=last,
        records=count,
        assessed=count - dead,
        dead=dead,
    )


def made(state: int = 0, pid: int = 1, ms: int = 10) -> Made:
    return Made(ns=ms * 1_000_000, pid=pid, state=state, partition=0)


JOURNAL: tuple[AnyEntry, ...] = (
    made(),
    folded(0, 2),
    handled(0, 2),
    folded(3, 5),
    handled(3, 5, dead=1),
)


def letter(offset: int, value: bytes = b"{", at_ms: int = 15) -> Logged:
    return Logged(0, 0, at_ms, b"k", value, {"partition": b"0", "offset": str(offset).encode()})


def evidence(**changes: Any) -> Evidence:
    """Of a round in which all went well, but for the changes."""
    log = [Logged(0, n, 5, b"k", b"{", {"number": str(n).encode()}) for n in range(RECORDS)]
    well = Evidence(
        log=log,
        review=sent(*ALERTS),
        letters=[letter(DEAD)],
        commits=[Commit(0, 3, 20), Commit(0, 6, 30)],
        journal=JOURNAL,
        held=[Held(0, RECORDS, {"a7": Known(5, b'{"sum":7}')})],
        sent=RECORDS,
    )
    return well._replace(**changes)


REFERENCE = Reference(
    raised=[raised(each) for each in ALERTS],
    dead={(0, DEAD)},
    held={(0, RECORDS): Held(0, RECORDS, {"a7": Known(5, b'{"sum":7}')})},
)


def verdict(**changes: Any) -> Verdict:
    return judge(evidence(**changes), REFERENCE, is_wire_whole=True)


def test_a_round_that_went_well_has_no_findings() -> None:
    assert verdict() == Verdict(0, 0, 0, 0, [])


def test_a_record_that_nobody_has_done_is_lost_and_its_commit_came_too_early() -> None:
    found = verdict(journal=JOURNAL[:-1])
    assert found.lost == 3
    assert any("before they were done" in finding for finding in found.findings)


def test_a_record_that_is_sent_and_not_in_the_log_is_lost() -> None:
    assert verdict(sent=RECORDS + 1).lost == 1


def test_a_number_that_is_in_the_log_twice_is_the_drivers_fault_and_found() -> None:
    log = [*evidence().log[:-1], Logged(0, RECORDS - 1, 5, b"k", b"{", {"number": b"0"})]
    assert "1 numbers are in the log twice" in verdict(log=log).findings


def test_a_state_that_stands_elsewhere_than_it_says_is_found() -> None:
    held = [*evidence().held, Held(0, RECORDS + 1, {})]
    assert verdict(held=held).findings == ["1 states stand where the reference was not asked for"]


def test_a_missing_dead_letter_is_a_lost_record() -> None:
    assert verdict(letters=[]).lost == 1


@pytest.mark.parametrize("wrong", [letter(2), letter(DEAD, b"{}")])
def test_a_dead_letter_of_a_good_record_or_with_other_bytes_is_found(wrong: Logged) -> None:
    assert any("of records that are none" in each for each in verdict(letters=[letter(DEAD), wrong]).findings)


def test_a_state_that_leaves_records_out_has_lost_them() -> None:
    journal = (made(), folded(0, 2), handled(0, 2), folded(5, 5), handled(3, 5, dead=1))
    assert verdict(journal=journal).lost == 2


def test_a_chunk_that_begins_behind_the_state_has_left_records_out() -> None:
    journal = (made(), folded(0, 2), handled(0, 2), folded(4, 5, before=3), handled(3, 5, dead=1))
    assert verdict(journal=journal).lost == 1


def test_a_state_that_leaves_poison_out_has_lost_nothing() -> None:
    log = [
        each._replace(value=b'{"transaction_id":"poison-1"}') if each.offset == 3 else each
        for each in evidence().log
    ]
    journal = (made(), folded(0, 2), handled(0, 2), folded(4, 5, before=3), handled(3, 5, dead=1))
    assert skipped(evidence(journal=journal)) == 1
    assert skipped(evidence(log=log, journal=journal)) == 0


def test_a_state_that_begins_at_its_snapshot_has_left_nothing_out() -> None:
    journal = (*JOURNAL, made(1, pid=2, ms=40), folded(4, 5, state=1, pid=2, live=False))
    assert verdict(journal=journal).findings == []


def test_records_folded_twice_into_one_state_are_double_counted() -> None:
    assert verdict(journal=(*JOURNAL[:3], folded(1, 5), handled(3, 5, dead=1))).double_counted == 2


@pytest.mark.parametrize(("total", "lost", "twice"), [(4, 1, 0), (6, 0, 1)])
def test_a_history_with_other_transactions_says_how_many(total: int, lost: int, twice: int) -> None:
    found = verdict(held=[Held(0, RECORDS, {"a7": Known(total, b'{"sum":8}')})])
    assert (found.lost, found.double_counted) == (lost, twice)


def test_a_history_that_differs_by_a_bit_is_found() -> None:
    assert verdict(held=[Held(0, RECORDS, {"a7": Known(5, b'{"sum":8}')})]).findings == [
        "1 accounts have another history than without faults",
        "such as a7 (partition 0 before offset 6): sum 8 instead of 7",
    ]


def test_an_edge_that_stands_elsewhere_is_found_and_a_bystander_has_none() -> None:
    aims = REFERENCE.held[0, RECORDS].accounts | {EDGE: Known(0, b'{"raised":"1.5"}')}
    expected = REFERENCE._replace(held={(0, RECORDS): Held(0, RECORDS, aims)})
    astray = Held(0, RECORDS, aims | {EDGE: Known(0, b'{"raised":"1.25"}')})
    assert compare_histories(evidence().held, expected).differing == []
    assert compare_histories([astray], expected).differing == [
        "edge (partition 0 before offset 6): raised 1.25 instead of 1.5"
    ]


def test_an_alert_that_never_came_is_missing() -> None:
    assert verdict(review=sent(ALERTS[0])).alerts_missing == 1


def test_an_update_is_an_alert_of_its_own() -> None:
    update = alert("a", 3, sequence=2)
    expected = REFERENCE._replace(raised=[raised(ALERTS[0]), raised(update)])
    assert judge(evidence(review=sent(ALERTS[0])), expected, is_wire_whole=True).alerts_missing == 1


def test_an_alert_that_should_not_be_is_found() -> None:
    assert verdict(review=sent(*ALERTS, alert("c", 5))).findings == ["1 alerts are invented"]


def test_an_alert_that_says_something_else_is_found() -> None:
    found = verdict(review=sent(ALERTS[0], alert("b", 3, score=3.5)))
    assert found.findings == [
        "1 alerts say something else than without faults",
        "such as b, sequence 1 (partition 0, offset 3): score 3.5 instead of 3.0",
    ]


def test_a_repeated_alert_is_a_duplicate_where_its_record_was_judged_twice() -> None:
    again = (made(1, pid=2, ms=19), folded(0, 2, state=1, pid=2), *JOURNAL)
    found = verdict(review=sent(*ALERTS, ALERTS[0]), journal=again)
    assert (found.duplicates, found.findings) == (1, [])


def test_a_repeated_alert_whose_record_was_judged_once_is_found_on_a_whole_wire_only() -> None:
    twice = sent(*ALERTS, ALERTS[0])
    assert verdict(review=twice).findings == ["1 alerts were sent more often than judged"]
    assert judge(evidence(review=twice), REFERENCE, is_wire_whole=False).findings == []


def test_a_commit_before_the_alert_is_on_its_topic_came_too_early() -> None:
    found = verdict(review=sent(*ALERTS, at_ms=[21, 15]))
    assert found.findings == ["1 records were committed before they were done"]


def test_a_commit_before_the_dead_letter_is_on_its_topic_came_too_early() -> None:
    assert verdict(letters=[letter(DEAD, at_ms=31)]).findings == [
        "1 records were committed before they were done"
    ]


def test_a_record_judged_again_below_the_commit_is_found() -> None:
    again = (*JOURNAL, made(1, pid=2, ms=25), folded(2, 3, state=1, pid=2))
    assert verdict(journal=again).findings == ["1 records were judged live again below the commit"]


def test_alerts_of_an_account_in_another_order_are_found() -> None:
    assert verdict(review=sent(*reversed(ALERTS))).findings == [
        "1 accounts have their alerts in another order"
    ]


def test_a_batch_that_lets_a_record_fall_between_is_found() -> None:
    less = replace(handled(3, 5), assessed=2)
    assert verdict(journal=(*JOURNAL[:-1], less)).findings == [
        "1 batches have not as many assessments and dead letters as records"
    ]


def test_recovery_lasts_until_all_that_was_there_is_committed() -> None:
    assert recovery_seconds(evidence(), healed_ms=12) == pytest.approx(0.018)
    assert recovery_seconds(evidence(), healed_ms=1_000) == 0.0
