"""What is said to have changed it does: the same transaction is folded again with that one value replaced."""

import numpy as np
import pytest
from asking import Before, Folded, folded_with

from fraudwatch.explain import Change, Explanation
from fraudwatch.explain.crossing import PRECISE, Form, crossing
from fraudwatch.explain.explaining import ALERTS
from fraudwatch.explain.moment import Moment, Observed
from fraudwatch.explain.own_history import OwnHistory
from fraudwatch.explain.subjects import subjects
from fraudwatch.records import FloatArray


def changes(explanation: Explanation) -> list[Change]:
    """Each once: two reasons may follow from one value. Of silent lanes one is enough."""
    told = [reason.change for reason in explanation.reasons if reason.change is not None]
    lanes = [change for change in explanation.lanes if change.was > 0.0] + [*explanation.lanes[:1]]
    return list({change.of: change for change in (*told, *lanes)}.values())


def actual(explanation: Explanation) -> Folded:
    reached = any(one.is_reached for one in explanation.standings)
    return Folded(reached, explanation.decided in ALERTS)


def test_there_are_changes_of_amounts_of_what_came_before_and_of_lanes(
    explanations: list[tuple[Before, Explanation]],
) -> None:
    told = {
        (change.of, actual(explanation).is_alert)
        for _, explanation in explanations
        for change in changes(explanation)
    }
    assert {("amount", True), ("amount", False)} <= told
    assert len({of for of, _ in told if of.startswith(("prior", "hour", "new", "pressure"))}) >= 3


def test_another_amount_changes_what_lanes_say(explanations: list[tuple[Before, Explanation]]) -> None:
    of_lanes = [
        explanation
        for _, explanation in explanations
        if [one.lane is None for one in explanation.standings if one.is_reached] == [False]
    ]
    assert any(change.of == "amount" for explanation in of_lanes for change in changes(explanation))


def test_the_value_that_is_stated_and_the_first_that_crosses_do_and_the_one_before_does_not(
    explanations: list[tuple[Before, Explanation]],
) -> None:
    for before, explanation in explanations:
        for change in changes(explanation):
            assert_crosses(before, explanation, change, change.stated)
            assert_crosses(before, explanation, change, change.at)
            if change.form is not Form.EXACTLY:
                nearer = one_nearer(change)
                told = folded_with(before, change.of, nearer)
                assert told.is_reached == actual(explanation).is_reached, (change, nearer)


def test_where_a_change_suffices_the_decision_is_another(
    explanations: list[tuple[Before, Explanation]],
) -> None:
    turned = {True: 0, False: 0}
    for before, explanation in explanations:
        nearest, was = explanation.nearest, actual(explanation)
        if nearest is None or was.is_reached != was.is_alert:
            continue
        assert folded_with(before, nearest.of, nearest.stated).is_alert is not was.is_alert, nearest
        turned[was.is_alert] += 1
    assert min(turned.values()) >= 3


def test_what_holds_for_all_values_beyond_holds_for_any_of_them(
    explanations: list[tuple[Before, Explanation]],
) -> None:
    random = np.random.default_rng(4)
    for before, explanation in explanations:
        for change in changes(explanation):
            if change.form is Form.AT_MOST:
                beyond = change.at * random.random()
            elif change.form is Form.AT_LEAST:
                beyond = change.at * (1.0 + 3.0 * random.random())
            else:
                continue
            beyond = float(np.rint(beyond)) if change.unit in ("money", "count") else beyond
            assert_crosses(before, explanation, change, beyond)


def assert_crosses(before: Before, explanation: Explanation, change: Change, value: float) -> None:
    """The edge it is of: an alert of two queues may still be one of the other."""
    was, now = actual(explanation), folded_with(before, change.of, value)
    if change.suffices or not was.is_reached:
        assert now.is_reached is not was.is_reached, (change, value)
    elif sum(one.is_reached for one in explanation.standings) == 1:
        assert not now.is_reached, (change, value)


def one_nearer(change: Change) -> float:
    """The value next to the first that crosses, on the side of what it was."""
    towards = 1.0 if change.was > change.at else -1.0
    if change.unit in ("money", "count"):
        return change.at + towards
    return change.at + towards * min(2 * PRECISE * max(abs(change.at), 1.0), abs(change.was - change.at))


def test_an_edge_that_would_have_stood_elsewhere_with_the_change_is_asked_again(
    explanations: list[tuple[Before, Explanation]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = next(
        before
        for before, explanation in explanations
        if explanation.decided in ALERTS
        and explanation.standings[0].is_reached
        and any(of.of == "amount" and of.suffices and of.stated > 0.0 for of in changes(explanation))
    )
    moment = Moment(before.pipeline(), before.record)
    subject = next(one for one in subjects(moment, OwnHistory(moment, before.own)) if one.name == "amount")
    as_it_stood = crossing(moment, subject, is_alert=True)

    def lower_below(self: Moment, observed: Observed) -> FloatArray:
        score, edges = float(self.said(observed)[0, 0]), self.edges
        return edges - (0.25 if score < edges[0] else 0.0) * (np.arange(len(edges)) == 0)

    monkeypatch.setattr(Moment, "edges_with", lower_below)
    lower = crossing(moment, subject, is_alert=True)
    assert as_it_stood is not None
    assert lower is not None
    assert lower.stated < as_it_stood.stated
    said = moment.said(subject.observed(np.array([lower.at, lower.at + 1.0])))[:, 0]
    assert said[0] < moment.edges[0] - 0.25 <= said[1]
