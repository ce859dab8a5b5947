"""What is decided about a scored transaction."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from fraudwatch.alerts import Decision, Kind
from fraudwatch.alerts.episodes import Severity, alert_id
from fraudwatch.alerts.policy import CUT_LISTED, LOOKED_INTO
from fraudwatch.records import Reason, Role, Side, Theme, Transaction

Payment = Callable[..., Transaction]
MakeReason = Callable[..., Reason]
OneByOne = Any
"""A policy with `decide`, of conftest.py."""
MakePolicy = Callable[..., OneByOne]


def never() -> tuple[Reason, ...]:
    raise AssertionError("reasons were asked for where they are not needed")


def shock(
    policy: OneByOne, payment: Payment, count: int, score: float, reasons: tuple[Reason, ...], first: int = 0
) -> list[Decision | None]:
    """So many accounts with the same score within minutes of one day."""
    return [
        policy.decide(payment(f"t{index}", f"a{index}", index / 1_000), index, score, lambda: reasons)
        for index in range(first, first + count)
    ]


def test_below_the_edge_nothing_is_decided_and_no_reason_asked_for(
    policy: MakePolicy, payment: Payment
) -> None:
    judged = policy()
    assert judged.decide(payment(), 7, judged.edge.raised_from - 0.001, never) is None


def test_at_the_edge_an_alert_opens(policy: MakePolicy, payment: Payment, reason: MakeReason) -> None:
    judged = policy()
    edge = judged.edge.raised_from
    decision = judged.decide(payment(), 7, edge, lambda: (reason(),))
    assert decision is not None
    assert (decision.kind, decision.alert_id) == (Kind.OPENED, alert_id("596", "t1"))
    assert (decision.edge, decision.distance, decision.model_version) == (edge, 0.0, "model-1")
    assert decision.rank == pytest.approx(10.0)
    assert decision.episode is not None
    assert decision.episode.transactions[0].offset == 7


def test_each_alerting_transaction_names_its_alert(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    decisions = [
        judged.decide(payment(f"t{index}", hours=index), index, 5.0, lambda: (reason(),))
        for index in range(4)
    ]
    assert [decision and decision.kind for decision in decisions] == [
        Kind.OPENED,
        Kind.UPDATED,
        Kind.JOINED,
        Kind.UPDATED,
    ]
    assert {decision and decision.alert_id for decision in decisions} == {alert_id("596", "t0")}
    assert [decision and decision.is_published for decision in decisions] == [True, True, False, True]


def test_a_long_episode_asks_for_reasons_of_what_may_tell_more_than_it_says(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    asked: list[int] = []

    def decide(index: int, score: float, code: str = "AMT") -> Decision:
        def reasons() -> tuple[Reason, ...]:
            asked.append(index)
            return (reason(code),)

        decision = judged.decide(payment(f"t{index}", hours=index / 100), index, score, reasons)
        assert decision is not None
        return decision

    of_usual = [decide(index, 2.3 - index / 1_000).kind for index in range(70)]
    assert asked == [*range(LOOKED_INTO), 31, 63]
    assert [place for place, kind in enumerate(of_usual) if kind is Kind.UPDATED] == [1, 3, 7, 15, 31, 63]
    stranger = decide(70, 2.31, "VEL")
    assert (stranger.kind, len(stranger.reasons)) == (Kind.UPDATED, 2)
    severer = decide(71, judged.edge.medium_from)
    assert (severer.kind, severer.severity) == (Kind.UPDATED, Severity.MEDIUM)
    assert severer.episode is not None
    assert severer.episode.count == 72


def test_only_reasons_that_contribute_are_shown_the_strongest_first(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    given = tuple(reason(f"R{index}", contribution=float(index - 2)) for index in range(12))
    decision = policy().decide(payment(), 0, 5.0, lambda: given)
    assert decision is not None
    assert [shown.contribution for shown in decision.reasons] == [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0]


@pytest.mark.parametrize(
    ("is_shown", "given"),
    [
        (True, {"side": Side.HIGH, "value": 4.0, "usual": 3.9}),
        (False, {"side": Side.HIGH, "value": 3.0, "usual": 5.6}),
        (True, {"side": Side.LOW, "value": 3.0, "usual": 5.6}),
        (False, {"side": Side.LOW, "value": 4.0, "usual": 3.9}),
        (True, {"side": Side.HIGH, "value": 3.0, "usual": None}),
        (True, {"side": Side.HIGH, "value": None, "usual": None, "surprise": 0.31}),
        (False, {"side": Side.HIGH, "value": 4.0, "usual": 3.9, "surprise": 0.30}),
        (True, {"side": Side.RARE, "value": 1.0, "usual": None, "surprise": 0.1}),
        (True, {"role": Role.ANCHOR, "value": 80.0, "usual": 100.0}),
        (True, {"role": Role.ANCHOR, "value": 80.0, "usual": 100.0, "surprise": 1.31}),
        (False, {"role": Role.ANCHOR, "value": 80.0, "usual": 100.0, "surprise": 1.30}),
        (True, {"role": Role.ANCHOR, "value": None, "usual": None, "surprise": 1.0}),
    ],
)
def test_a_reason_is_on_the_side_that_its_sentence_calls_unusual(
    policy: MakePolicy, payment: Payment, reason: MakeReason, is_shown: bool, given: dict[str, Any]
) -> None:
    asked = (reason("ALWAYS", contribution=9.0), reason("ASKED", **{"role": Role.CONTEXT} | given))
    decision = policy().decide(payment(), 0, 5.0, lambda: asked)
    assert decision is not None
    assert ("ASKED" in {shown.spec.code for shown in decision.reasons}) is is_shown


def test_what_has_no_reason_a_person_could_check_is_no_alert(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    assert policy().decide(payment(), 0, 5.0, lambda: (reason(contribution=0.04),)) is None


def test_the_highest_severity_needs_reasons_of_two_themes(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    one = (reason(), reason("MAX"))
    two = (reason(), reason("VEL", theme=Theme.RHYTHM))
    unhelpful = (reason(), reason("VEL", theme=Theme.RHYTHM, contribution=0.0))
    severities = []
    for reasons in (one, two, unhelpful):
        judged = policy()
        decision = judged.decide(payment(), 0, judged.edge.high_from, partial(tuple, reasons))
        severities.append(decision and decision.severity)
    assert severities == [Severity.MEDIUM, Severity.HIGH, Severity.MEDIUM]


@pytest.mark.usefixtures("nothing_shared")
def test_severity_rises_with_the_part_of_the_budget(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    two = (reason(), reason("VEL", theme=Theme.RHYTHM))
    edge = judged.edge
    for index, (score, severity) in enumerate(
        [
            (edge.raised_from, Severity.LOW),
            (edge.medium_from, Severity.MEDIUM),
            (edge.high_from, Severity.HIGH),
        ]
    ):
        decision = judged.decide(payment(f"t{index}", f"a{index}"), index, score, lambda: two)
        assert decision is not None
        assert decision.severity is severity


@pytest.mark.usefixtures("nothing_shared")
def test_on_a_costly_day_twice_the_share_opens_and_what_is_cut_is_counted_and_listed(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(alerts_per_day=40.0, partitions=4)
    decisions = shock(judged, payment, 150, 4.0, (reason(),))
    kinds = [decision.kind for decision in decisions if decision is not None]
    assert kinds == [Kind.OPENED] * 20 + [Kind.CUT] * 130
    assert (judged.cut_total, len(judged.cut)) == (130, CUT_LISTED)
    assert judged.cut[-1].transaction_id == "t149"
    assert decisions[-1] is not None
    assert (decisions[-1].alert_id, decisions[-1].cut_today) == (None, 130)


@pytest.mark.usefixtures("nothing_shared")
def test_neither_what_is_cut_nor_what_only_joins_carries_reasons(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    opened = [*shock(judged, payment, 20, 2.5, (reason(),)), *shock(judged, payment, 4, 2.5, (reason(),))]
    cut = judged.decide(payment("t", "another"), 99, judged.edge.raised_from, never)
    assert cut is not None
    assert (cut.kind, cut.severity, cut.reasons, cut.cut_today) == (Kind.CUT, Severity.LOW, (), 1)
    assert {decision.kind: len(decision.reasons) for decision in opened if decision} == {
        Kind.OPENED: 1,
        Kind.UPDATED: 1,
    }
    joined = shock(judged, payment, 1, 2.5, (reason(),))[0]
    assert joined is not None
    assert (joined.kind, joined.reasons, joined.alert_id) == (Kind.JOINED, (), alert_id("a0", "t0"))


@pytest.mark.usefixtures("nothing_shared")
def test_beyond_the_ceiling_the_highest_severity_passes(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    shock(judged, payment, 60, 4.0, (reason(),))
    high = (reason(), reason("VEL", theme=Theme.RHYTHM))
    passed = judged.decide(payment("late", "another", 1), 99, 50.0, lambda: high)
    assert passed is not None
    assert (passed.kind, passed.severity, passed.cut_today) == (Kind.OPENED, Severity.HIGH, 40)


@pytest.mark.usefixtures("nothing_shared")
def test_beyond_the_ceiling_open_episodes_still_gather(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    shock(judged, payment, 60, 4.0, (reason(),))
    joined = judged.decide(payment("more", "a0", 1), 99, 50.0, lambda: (reason(),))
    assert joined is not None
    assert joined.kind is Kind.UPDATED


@pytest.mark.usefixtures("nothing_shared")
def test_the_ceiling_starts_again_with_the_next_event_day(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    shock(judged, payment, 60, 4.0, (reason(),))
    tomorrow = judged.decide(payment("t", "another", 24), 99, 40.0, lambda: (reason(),))
    assert tomorrow is not None
    assert (tomorrow.kind, tomorrow.cut_today) == (Kind.OPENED, 0)


@pytest.mark.usefixtures("nothing_shared")
def test_late_transactions_open_no_day_of_their_own(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    shock(judged, payment, 60, 4.0, (reason(),))
    late = judged.decide(payment("t", "another", -240), 99, 4.0, lambda: (reason(),))
    assert late is not None
    assert late.kind is Kind.CUT


def test_the_share_below_the_edge_is_spent_on_samples(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(alerts_per_day=100.0, explore=0.2)
    samples = [
        decision
        for index in range(20_000)
        if (
            decision := judged.decide(
                payment(f"t{index}", f"a{index}", index / 1_000 * 24), index, 0.0, tuple
            )
        )
    ]
    # 20 of 1,000 transactions a day for 20 days, to three standard deviations of a Poisson count.
    assert len(samples) == pytest.approx(400, abs=60)
    assert {sample.kind for sample in samples} == {Kind.SAMPLE}
    assert all(sample.distance < 0 and sample.severity is Severity.LOW for sample in samples)


def test_a_sample_stands_alone(policy: MakePolicy, payment: Payment, reason: MakeReason) -> None:
    judged = policy(alerts_per_day=1_000.0, explore=0.5)
    below = judged.edge.raised_from - 0.1
    samples = [
        decision
        for index in range(200)
        if (decision := judged.decide(payment(f"t{index}"), index, below, lambda: (reason(),)))
    ]
    assert len(samples) > 20
    assert all(sample.episode is not None and sample.episode.count == 1 for sample in samples)
    alert = judged.decide(payment("alerting"), 999, 5.0, lambda: (reason(),))
    assert alert is not None
    assert alert.kind is Kind.OPENED


def test_an_account_whose_episode_is_open_is_not_sampled(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy(alerts_per_day=1_000.0, explore=0.5)
    below = judged.edge.raised_from - 0.1
    judged.decide(payment("alerting"), 0, 5.0, lambda: (reason(),))
    assert all(judged.decide(payment(f"t{index}"), index, below, never) is None for index in range(200))


def test_another_model_is_named_from_the_next_decision_on(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    judged.use(np.array([1.0, 2.0, 3.0]), 500.0, "model-2")
    decision = judged.decide(payment(), 0, 9.0, lambda: (reason(),))
    assert decision is not None
    assert decision.model_version == "model-2"


def test_the_same_sequence_gives_the_same_decisions(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    draw = np.random.default_rng(3)
    accounts, scores = draw.integers(0, 60, 5_000), draw.exponential(0.6, 5_000)
    hours = np.cumsum(draw.exponential(0.02, 5_000)) - draw.exponential(0.3, 5_000)

    def run() -> list[Decision | None]:
        judged = policy(explore=0.3)
        return [
            judged.decide(
                payment(f"t{index}", f"a{accounts[index]}", float(hours[index])),
                index,
                float(scores[index]),
                lambda: (reason(),),
            )
            for index in range(5_000)
        ]

    decided = run()
    assert decided == run()
    assert {decision.kind for decision in decided if decision} >= {Kind.OPENED, Kind.UPDATED, Kind.SAMPLE}
