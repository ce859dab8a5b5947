"""What is decided where a lane speaks."""

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from jsonschema import Draft202012Validator

from fraudwatch.alerts import Alert, Decision, Kind, Policy, compose, encode, in_line, read, schema
from fraudwatch.alerts.budget import Budget, Shares
from fraudwatch.alerts.episodes import Queue, Severity, alert_id
from fraudwatch.alerts.lanes import LEAST_SURPRISE, Lanes
from fraudwatch.config.settings import Alerts, Settings
from fraudwatch.errors import SnapshotError
from fraudwatch.records import LaneSpec, Reason, Text, Theme, Transaction

Payment = Callable[..., Transaction]
MakeReason = Callable[..., Reason]
OneByOne = Any
"""A policy with `decide`, of conftest.py."""
MakePolicy = Callable[..., OneByOne]

TESTING = LaneSpec(
    "testing",
    "LANE_TESTING",
    Theme.RHYTHM,
    Text("Many small payments within minutes.", "Beaucoup de petits paiements en quelques minutes."),
    Text("Purchases in an app.", "Achats dans une application."),
)
TAKE_OVER = LaneSpec(
    "take_over",
    "LANE_TAKE_OVER",
    Theme.PLACE_AND_DEVICE,
    Text("A new device, then new counterparties.", "Un nouvel appareil, puis de nouvelles contreparties."),
    Text("A new telephone.", "Un nouveau téléphone."),
)
LANES = (TESTING, TAKE_OVER)


def decide(
    policy: OneByOne,
    transaction: Transaction,
    lanes: tuple[float, float],
    reasons: tuple[Reason, ...] = (),
    score: float = 0.0,
    offset: int = 0,
) -> Decision | None:
    found: Decision | None = policy.decide(transaction, offset, score, lambda: reasons, lanes)
    return found


def opened(decision: Decision | None) -> Decision:
    assert decision is not None
    assert decision.kind is Kind.OPENED
    return decision


def test_a_lane_raises_an_alert_whose_first_reason_is_its_own(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(lanes=LANES)
    edge = float(judged.lanes.raised_from[1])
    alert = opened(decide(judged, payment(), (0.0, edge), (reason(contribution=50.0),)))
    assert (alert.queue, alert.lane, alert.alert_id) == (Queue.TYPOLOGY, "take_over", alert_id("596", "t1"))
    assert [shown.spec.code for shown in alert.reasons] == ["LANE_TAKE_OVER", "AMT"]
    said = alert.reasons[0]
    assert (said.spec.theme, said.spec.sentence, said.spec.innocent) == (
        TAKE_OVER.theme,
        TAKE_OVER.sentence,
        TAKE_OVER.innocent,
    )
    assert (said.surprise, said.contribution) == (edge, edge)
    assert (alert.score, alert.edge, alert.distance) == (edge, edge, 0.0)


def test_just_below_a_lanes_edge_nothing_is_decided(policy: MakePolicy, payment: Payment) -> None:
    judged = policy(lanes=LANES)
    assert decide(judged, payment(), tuple(judged.lanes.raised_from - 1e-9)) is None


def test_the_most_surprising_lane_opens_and_the_other_is_a_reason_too(
    policy: MakePolicy, payment: Payment
) -> None:
    alert = opened(decide(policy(lanes=LANES), payment(), (5.0, 6.0)))
    assert alert.lane == "take_over"
    assert [shown.spec.name for shown in alert.reasons] == ["take_over", "testing"]


def test_a_lane_below_its_own_edge_says_nothing_however_surprising(
    policy: MakePolicy, payment: Payment
) -> None:
    judged = policy(lanes=LANES)
    decide(judged, payment("t0", "quiet"), (0.0, 0.0))
    judged.lanes.thresholds[:, 0] = 30.0  # until the next hour
    alert = opened(decide(judged, payment(), (20.0, 6.0)))
    assert (alert.lane, alert.score) == ("take_over", 6.0)
    assert [shown.spec.name for shown in alert.reasons] == ["take_over"]


def test_a_lane_opens_before_the_amount_queue(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(lanes=LANES)
    alert = opened(decide(judged, payment(), (4.0, 0.0), (reason(),), score=9.0))
    assert (alert.queue, alert.score) == (Queue.TYPOLOGY, 4.0)


def test_an_account_has_one_episode_whichever_queue_its_transactions_reach(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(lanes=LANES)
    amounts = (reason(),)
    first = opened(decide(judged, payment("t0"), (0.0, 0.0), amounts, score=5.0))
    second = decide(judged, payment("t1", hours=1), (6.0, 0.0))
    assert second is not None
    assert (second.kind, second.alert_id, second.queue) == (Kind.UPDATED, first.alert_id, Queue.AMOUNT)
    assert {shown.spec.code for shown in second.reasons} == {"AMT", "LANE_TESTING"}
    assert second.score == 5.0


def test_an_episode_of_a_lane_keeps_its_own_scale_and_its_first_reason(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(lanes=LANES)
    opened(decide(judged, payment("t0"), (4.5, 0.0)))
    second = decide(judged, payment("t1", hours=1), (0.0, 0.0), (reason(contribution=30.0),), score=30.0)
    assert second is not None
    assert (second.kind, second.lane, second.score) == (Kind.UPDATED, "testing", 4.5)
    assert [shown.spec.code for shown in second.reasons] == ["LANE_TESTING", "AMT"]
    assert second.edge == judged.lanes.raised_from[0]


def test_account_days_of_a_lane_that_open_nothing_are_taken_back(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(lanes=LANES)
    decide(judged, payment("t0"), (6.0, 0.0))
    assert judged.lanes.histograms.sum(axis=1).tolist() == [1.0, 0.0]
    # The next day of the same case, and the other lane in the midst of it.
    decide(judged, payment("t1", hours=23), (0.0, 6.0))
    decide(judged, payment("t2", hours=25), (6.0, 0.0))
    assert judged.lanes.histograms.sum(axis=1).tolist() == pytest.approx([0.9, 0.0], abs=0.02)
    # An episode of the amount queue takes in what a lane finds.
    opened(decide(judged, payment("t3", "other", 25), (0.0, 0.0), (reason(),), score=6.0))
    decide(judged, payment("t4", "other", 25), (6.0, 0.0))
    assert judged.lanes.histograms.sum(axis=1).tolist() == pytest.approx([0.9, 0.0], abs=0.02)


def test_an_account_day_of_amounts_that_a_lane_opened_is_taken_back(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    by_lane, by_amount = policy(lanes=LANES), policy(lanes=LANES)
    before = by_lane.edge._histogram.sum()
    opened(decide(by_lane, payment("t0"), (6.0, 0.0), (reason(),), score=6.0))
    opened(decide(by_amount, payment("t0"), (0.0, 0.0), (reason(),), score=6.0))
    assert by_amount.edge._histogram.sum() == pytest.approx(before + 1.0)
    assert by_lane.edge._histogram.sum() == pytest.approx(before)


def test_rank_counts_the_alerts_of_all_lanes_over_all_partitions(
    policy: MakePolicy, payment: Payment
) -> None:
    judged = policy(lanes=LANES, partitions=4)
    lowest = opened(decide(judged, payment("t0", "a"), tuple(judged.lanes.raised_from)))
    assert lowest.rank == pytest.approx(5.0)
    higher = opened(decide(judged, payment("t1", "b"), (lowest.score + 1.0, 0.0)))
    assert higher.rank == pytest.approx(0.5, rel=0.05)


def test_the_highest_severity_needs_two_themes_of_a_lane_too(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    severities = []
    for reasons in ((), (reason("VEL", theme=Theme.RHYTHM),), (reason("AMT", theme=Theme.AMOUNT),)):
        judged = policy(lanes=LANES)
        high = float(judged.lanes.thresholds[Severity.HIGH, 0])
        severities.append(opened(decide(judged, payment(), (high, 0.0), reasons)).severity)
    assert severities == [Severity.MEDIUM, Severity.MEDIUM, Severity.HIGH]


def test_severity_rises_with_the_part_of_the_lanes_share(policy: MakePolicy, payment: Payment) -> None:
    judged = policy(lanes=LANES)
    thresholds = judged.lanes.thresholds[:, 0].tolist()
    assert thresholds == sorted(thresholds)
    found = [
        opened(decide(judged, payment(f"t{place}", f"a{place}"), (surprise, LEAST_SURPRISE)))
        for place, surprise in enumerate(thresholds)
    ]
    assert [alert.severity for alert in found] == [Severity.LOW, Severity.MEDIUM, Severity.MEDIUM]


def shock(judged: OneByOne, payment: Payment, count: int, **of: Any) -> list[Decision]:
    found = []
    for place in range(count):
        made = payment(f"t{of}{place}", f"a{of}{place}", place / 1_000)
        decision = decide(
            judged, made, of.get("lanes", (0.0, 0.0)), of.get("reasons", ()), of.get("score", 0.0)
        )
        assert decision is not None
        found.append(decision)
    return found


@pytest.mark.usefixtures("nothing_shared")
def test_each_queue_has_its_ceiling_and_what_is_cut_is_counted(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(alerts_per_day=20.0, lanes=LANES)
    of_lanes = shock(judged, payment, 40, lanes=(4.0, 0.0))
    of_amounts = shock(judged, payment, 40, score=6.0, reasons=(reason(),))
    for found, queue in ((of_lanes, Queue.TYPOLOGY), (of_amounts, Queue.AMOUNT)):
        assert [decision.kind for decision in found] == [Kind.OPENED] * 20 + [Kind.CUT] * 20
        assert {decision.queue for decision in found} == {queue}
    assert judged.cut_total == 40


def test_beyond_the_ceiling_of_the_lanes_the_amount_queue_opens_what_reaches_its_edge(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(alerts_per_day=20.0, lanes=LANES)
    shock(judged, payment, 20, lanes=(4.0, 0.0))
    both = opened(decide(judged, payment("both", "another", 0.5), (4.0, 0.0), (reason(),), score=6.0))
    assert (both.queue, both.score) == (Queue.AMOUNT, 6.0)
    assert {shown.spec.code for shown in both.reasons} == {"AMT", "LANE_TESTING"}


def test_the_highest_severity_passes_the_ceiling_of_the_lanes(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(lanes=LANES)
    shock(judged, payment, 12, lanes=(4.0, 0.0))
    passed = opened(decide(judged, payment("t", "another", 1), (30.0, 0.0), (reason(),)))
    assert (passed.severity, passed.lane) == (Severity.HIGH, "testing")


def test_without_lanes_the_amount_queue_has_the_whole_budget_to_the_bit(policy: MakePolicy) -> None:
    plain, none, unshared = policy(), policy(lanes=()), policy(lanes=LANES, typology_share=0.0)
    edges = {
        (each.edge.raised_from, each.edge.explored_below, len(each.lanes)) for each in (plain, none, unshared)
    }
    assert edges == {(plain.edge.raised_from, plain.edge.explored_below, 0)}
    assert "lanes.days" not in unshared.state()
    assert policy(lanes=LANES).edge.raised_from > plain.edge.raised_from


@pytest.mark.parametrize("explore", [0.0, 0.05, 0.5])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_shares_of_the_queues_and_of_samples_add_up(share: float, explore: float) -> None:
    amount, typology = Shares.of(Budget(40.0, explore, 4), share)
    assert amount.share + typology.share == pytest.approx(10.0)
    assert amount.share * amount.explore == pytest.approx(10.0 * explore)
    assert typology.share == pytest.approx(10.0 * (1.0 - explore) * share)
    if not share:
        assert amount == Budget(40.0, explore, 4)


def test_budgets_are_told_by_queue_and_lane(policy: MakePolicy) -> None:
    assert policy(alerts_per_day=10.0).budgets == {("amount", ""): 10.0}
    assert policy(alerts_per_day=10.0, explore=0.1, lanes=LANES, partitions=4).budgets == pytest.approx(
        {("amount", ""): 5.5, ("typology", "testing"): 2.25, ("typology", "take_over"): 2.25}
    )


def test_surprises_that_do_not_fit_the_lanes_are_refused(policy: MakePolicy) -> None:
    judged = policy(lanes=LANES)
    rows = (np.zeros(3, dtype=np.int64),) * 2 + (np.zeros(3), np.zeros(3, dtype=np.int64))
    for wrong in (None, np.zeros((1, 3)), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="surprises of 2 lanes for 3 rows"):
            judged.judge_rows(*rows, lanes=wrong)


def test_where_nothing_was_scored_no_surprises_are_asked_for(policy: MakePolicy) -> None:
    none = np.zeros(0, dtype=np.int64)
    assert policy(lanes=LANES).judge_rows(none, none, np.zeros(0), none, lanes=np.zeros((0, 0))) == 0


def test_another_models_lanes_start_anew_and_open_episodes_stay(policy: MakePolicy, payment: Payment) -> None:
    judged = policy(lanes=LANES)
    first = opened(decide(judged, payment("t0"), (4.5, 0.0)))
    before = judged.lanes
    judged.watch(LANES)
    assert judged.lanes is before
    judged.use(np.linspace(3.0, 0.0, 100), 1_000.0, "model-2")
    judged.watch([TAKE_OVER])
    joined = judged.decide(payment("t1", hours=1), 1, 0.0, tuple, [7.0])
    assert (joined.alert_id, joined.lane, joined.edge) == (first.alert_id, "testing", LEAST_SURPRISE)
    assert joined.score == 7.0


VALIDATED = {"queue": "typology", "lane": "testing"}


def composed(decision: Decision) -> Alert:
    return compose(decision, (), topic="t", currency="EUR", configuration="c")


def test_an_alert_says_its_queue_and_lane_in_the_published_schema(
    policy: MakePolicy, payment: Payment
) -> None:
    alert = composed(opened(decide(policy(lanes=LANES), payment(), (4.5, 0.0))))
    told = msgspec.json.decode(encode(alert))
    Draft202012Validator(schema()).validate(told)
    assert {name: told[name] for name in VALIDATED} == VALIDATED
    assert "many small payments within minutes" in alert.headline.en
    assert alert.edge_note.en.startswith("The budget of the lane testing raises alerts from surprise ")
    assert alert.edge_note.fr.startswith("Le budget de la voie testing fixe le seuil à la surprise ")
    assert read(encode(alert)) == alert
    for wrong in ({"lane": None}, {"queue": "amount"}, {"lane": "Testing!"}):
        assert not Draft202012Validator(schema()).is_valid(told | wrong)


def test_an_alert_of_before_there_were_lanes_is_read_as_one_of_amounts(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    alert = composed(opened(decide(policy(), payment(), (), (reason(),), score=5.0)))  # type: ignore[arg-type]
    told = msgspec.json.decode(encode(alert))
    for name in VALIDATED:
        del told[name]
    assert read(msgspec.json.encode(told)) == alert


def test_an_episode_taken_from_what_was_published_keeps_its_lane(
    policy: MakePolicy, payment: Payment
) -> None:
    judged = policy(lanes=LANES)
    decision = opened(decide(judged, payment(), (4.5, 0.0)))
    specs = {spec.code: spec for spec in judged.lanes.reason_specs}
    (again,) = in_line([], [composed(decision)], specs, since=0, until=5, newest_ms=judged.edge.newest_ms)
    assert again == judged.episodes.kept(judged.edge.newest_ms)[0]


def stream(count: int = 6_000) -> tuple[tuple[Any, ...], Any]:
    draw = np.random.default_rng(5)
    times = 1_533_686_400_000 + np.cumsum(draw.exponential(3e5, count)).astype(np.int64)
    places = draw.integers(0, 60, count)
    accounts = draw.integers(-(2**63), 2**63 - 1, 60)[places]
    ids = draw.integers(-(2**63), 2**63 - 1, count)
    surprises = draw.exponential(0.6, (2, count)) + 4.0 * (places < 2)
    return (accounts, times, draw.exponential(0.6, count), ids), surprises


def decisions(
    policy: Policy, columns: tuple[Any, ...], surprises: Any, begin: int, end: int
) -> list[Decision]:
    found = []
    row = begin - 1
    part = [column[:end] for column in columns]
    while (row := policy.judge_rows(*part, row + 1, surprises[:, :end])) < end:
        made = Transaction(f"t{row}", f"a{columns[0][row]}", int(columns[1][row]), 100, "EUR")
        score, account = float(columns[2][row]), int(columns[0][row])
        decision = policy.judge(made, row, score, tuple, account=account, lanes=surprises[:, row])
        if decision is not None:
            found.append(decision)
    return found


@pytest.mark.parametrize("stop", [1, 500, 2_999, 5_000])
def test_a_policy_with_lanes_that_resumes_decides_as_one_that_never_stopped(
    policy: MakePolicy, stop: int
) -> None:
    columns, surprises = stream()
    whole, parted = policy(lanes=LANES, alerts_per_day=4.0), policy(lanes=LANES, alerts_per_day=4.0)
    told = decisions(whole, columns, surprises, 0, 6_000)
    kinds = (Kind.OPENED, Kind.UPDATED, Kind.JOINED)
    assert {(one.kind, one.lane) for one in told} >= {(kind, lane.name) for kind in kinds for lane in LANES}
    before = decisions(parted, columns, surprises, 0, stop)
    settings = Settings(alerts=Alerts(alerts_per_day=4.0, explore=0.0))
    again = Policy.of(settings, parted.state(), partition=0, partitions=1)
    again.watch(LANES)
    assert before + decisions(again, columns, surprises, stop, 6_000) == told
    assert {name: array.tobytes() for name, array in again.state().items() if "account_days" not in name} == {
        name: array.tobytes() for name, array in whole.state().items() if "account_days" not in name
    }


def test_a_state_of_before_there_were_lanes_is_taken_and_lanes_start_anew(policy: MakePolicy) -> None:
    old = policy().state()
    told = msgspec.msgpack.decode(old["remembered"].tobytes())
    for name in ("lanes", "lanes_opened_today"):
        del told[name]
    old["remembered"] = np.frombuffer(msgspec.msgpack.encode(told), dtype=np.uint8)
    again = Policy.of(Settings(), old, partition=0, partitions=1)
    assert len(again.lanes) == 0
    again.watch(LANES)
    assert again.lanes.days(0) == 1.0


def test_lanes_share_by_what_each_has_earned_and_all_is_shared(policy: MakePolicy) -> None:
    judged = policy(alerts_per_day=20.0)
    judged.watch(LANES[:2], np.array([1.0, 0.25]))
    assert judged.budgets == {("amount", ""): 10.0} | {
        ("typology", lane.name): share for lane, share in zip(LANES, (8.0, 2.0), strict=False)
    }
    whole, part = judged.lanes.raised_from
    assert part - whole == pytest.approx(math.log10(4.0), abs=0.01)


def test_what_lanes_have_earned_is_saved_with_them_and_before_it_was_all_had_the_same(
    policy: MakePolicy,
) -> None:
    judged = policy()
    judged.watch(LANES[:2], np.array([1.0, 0.25]))
    state = judged.state()
    again = Policy.of(Settings(), state, partition=0, partitions=1)
    assert again.lanes.weights.tolist() == [1.0, 0.25]
    assert Policy.of(
        Settings(), _without(state, "lanes.weights"), partition=0, partitions=1
    ).lanes.weights.tolist() == [1.0, 1.0]
    for spoiled in (np.array([1.0, 0.0]), np.array([1.0, np.nan]), np.array([2.0, 1.0]), np.ones(3)):
        with pytest.raises(SnapshotError, match="saved lanes"):
            Policy.of(Settings(), state | {"lanes.weights": spoiled}, partition=0, partitions=1)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("histograms", lambda array: array[:1]),
        ("histograms", lambda array: array * np.nan),
        ("ranked", lambda array: array - 1.0),
        ("thresholds", lambda array: array * 0.0),
        ("thresholds", lambda array: array * np.inf),
        ("days", lambda array: array - 100.0),
        ("days", lambda array: array.astype(np.float32)),
        ("overspent", lambda array: array * np.nan),
        ("clock", lambda array: array + 2**61),
        ("clock", lambda array: array[1:]),
        ("account_days.maximum", lambda array: array * np.nan),
        ("account_days.observed_ms", lambda array: array + 2**40),
        ("account_days.account", lambda array: array[1:]),
    ],
)
def test_hostile_saved_lanes_are_refused(policy: MakePolicy, name: str, change: Callable[[Any], Any]) -> None:
    judged = policy(lanes=LANES)
    columns, surprises = stream(800)
    decisions(judged, columns, surprises, 0, 800)
    judged.lanes.opened()
    state = judged.state()
    Policy.of(Settings(), state, partition=0, partitions=1)
    for spoiled in (
        state | {f"lanes.{name}": change(state[f"lanes.{name}"])},
        _without(state, f"lanes.{name}"),
    ):
        with pytest.raises(SnapshotError, match="saved lanes"):
            Policy.of(Settings(), spoiled, partition=0, partitions=1)


def _without(state: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: array for key, array in state.items() if key != name}


def test_more_lanes_than_any_model_has_are_refused(policy: MakePolicy) -> None:
    many = [msgspec.structs.replace(TESTING, name=f"lane_{place}") for place in range(65)]
    with pytest.raises(SnapshotError, match="saved lanes"):
        Policy.of(Settings(), policy(lanes=many).state(), partition=0, partitions=1)


def test_what_is_below_the_least_surprise_is_not_even_counted() -> None:
    lanes = Lanes(LANES, Budget(10.0, 0.0, 1))
    assert lanes.reached([0.99, 0.0]) == []
    assert (lanes.thresholds >= LEAST_SURPRISE).all()
