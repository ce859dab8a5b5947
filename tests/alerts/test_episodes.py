"""Episodes: which transactions are one alert, and when its alert is updated."""

from collections.abc import Callable

import pytest

from fraudwatch.alerts.episodes import LISTED, Episode, Episodes, Severity, alert_id, join
from fraudwatch.records import Reason, Transaction

DAY = 24.0


class Desk:
    """Alerting transactions in the order they arrive; `at` returns the episode and whether it is published."""

    def __init__(self, payment: Callable[..., Transaction], reason: Callable[..., Reason]) -> None:
        self.episodes = Episodes()
        self._payment, self._reason = payment, reason
        self._newest_ms = 0
        self._count = 0

    def at(
        self, hours: float, *codes: str, severity: Severity = Severity.LOW, account_id: str = "596"
    ) -> tuple[Episode, bool]:
        self._count += 1
        transaction = self._payment(f"t{self._count}", account_id, hours, amount_minor=100 * self._count)
        self._newest_ms = max(self._newest_ms, transaction.event_time_ms)
        reasons = tuple(self._reason(code) for code in codes or ("AMT",))
        episode = self.episodes.covering(account_id, transaction.event_time_ms, self._newest_ms)
        if episode is None:
            opened = self.episodes.open(
                transaction, self._count, float(self._count), severity, reasons, self._newest_ms
            )
            return opened, True
        return episode, join(
            episode, transaction, self._count, float(self._count), severity, reasons, self._newest_ms
        )


@pytest.fixture
def desk(payment: Callable[..., Transaction], reason: Callable[..., Reason]) -> Desk:
    return Desk(payment, reason)


def test_a_transaction_24_hours_after_the_one_before_joins(desk: Desk) -> None:
    first, _ = desk.at(0)
    second, _ = desk.at(DAY)
    assert second is first


def test_a_transaction_later_than_24_hours_after_the_one_before_opens_another(desk: Desk) -> None:
    first, _ = desk.at(0)
    second, is_published = desk.at(DAY + 0.001)
    assert is_published
    assert second.alert_id != first.alert_id


def test_an_episode_lasts_seven_days_at_most(desk: Desk) -> None:
    first, _ = desk.at(0)
    for hours in range(12, 7 * 24 + 1, 12):
        assert desk.at(hours)[0] is first
    assert desk.at(7 * DAY + 0.001)[0] is not first


def test_open_until_is_the_last_moment_at_which_a_transaction_joins(desk: Desk) -> None:
    episode, _ = desk.at(0)
    assert episode.open_until_ms == episode.last_ms + 86_400_000
    for hours in range(20, 161, 20):
        desk.at(hours)
    assert episode.open_until_ms == episode.first_ms + 7 * 86_400_000


def test_accounts_have_their_own_episodes(desk: Desk) -> None:
    assert desk.at(0, account_id="a")[0].alert_id != desk.at(0, account_id="b")[0].alert_id


def test_a_late_transaction_within_the_span_joins_without_moving_its_end(desk: Desk) -> None:
    episode, _ = desk.at(0)
    desk.at(10)
    open_until_ms = episode.open_until_ms
    assert desk.at(5)[0] is episode
    assert episode.open_until_ms == open_until_ms


def test_a_late_transaction_just_before_the_opening_joins_and_becomes_the_first(desk: Desk) -> None:
    episode, _ = desk.at(10)
    assert desk.at(9)[0] is episode
    assert episode.last_ms - episode.first_ms == 3_600_000
    assert episode.transactions[0].transaction_id == "t1"


def test_a_late_transaction_joins_an_episode_that_another_has_followed(desk: Desk) -> None:
    first, _ = desk.at(0)
    desk.at(30)
    assert desk.at(0.5)[0] is first


def test_late_transactions_never_stretch_an_episode_past_seven_days(desk: Desk) -> None:
    episode, _ = desk.at(20)
    for hours in range(40, 181, 20):
        assert desk.at(hours)[0] is episode
    assert desk.at(5)[0] is not episode


def test_the_second_transaction_is_an_update_and_then_each_doubling(desk: Desk) -> None:
    published = [desk.at(hours / 10)[1] for hours in range(20)]
    assert [count + 1 for count, is_published in enumerate(published) if is_published] == [1, 2, 4, 8, 16]


def test_a_new_reason_is_an_update_once(desk: Desk) -> None:
    for hours in (0, 1):
        desk.at(hours, "AMT")
    assert [desk.at(2, "AMT", "VEL")[1], desk.at(3)[1], desk.at(4, "AMT", "VEL")[1]] == [True, True, False]


def test_a_higher_severity_is_an_update_and_a_lower_one_is_not(desk: Desk) -> None:
    for hours in range(4):
        desk.at(hours)
    episode, is_update = desk.at(4, severity=Severity.HIGH)
    assert is_update
    assert not desk.at(5, severity=Severity.MEDIUM)[1]
    assert episode.severity is Severity.HIGH


def test_updates_are_numbered_from_one(desk: Desk) -> None:
    sequences = [desk.at(hours)[0].sequence for hours in range(5)]
    assert sequences == [0, 1, 1, 2, 2]


def test_totals_count_every_transaction(desk: Desk) -> None:
    for hours in range(150):
        episode, _ = desk.at(hours / 100)
    assert episode.count == 150
    assert episode.total_minor == sum(100 * count for count in range(1, 151))
    assert episode.score == 150.0


def test_the_opening_and_the_newest_transactions_are_listed_and_the_cut_counted(desk: Desk) -> None:
    for hours in range(150):
        episode, _ = desk.at(hours / 100)
    listed = [transaction.transaction_id for transaction in episode.transactions]
    assert listed == ["t1", *(f"t{count}" for count in range(52, 151))]
    assert (len(listed), episode.transactions_cut) == (LISTED, 50)


def test_an_episode_keeps_the_strongest_reason_of_each_code(
    payment: Callable[..., Transaction], reason: Callable[..., Reason]
) -> None:
    episodes = Episodes()
    weak, strong = (reason(contribution=1.0),), (reason(contribution=4.0), reason("VEL", contribution=0.5))
    episode = episodes.open(payment(), 1, 5.0, Severity.LOW, weak, 0)
    join(episode, payment("t2"), 2, 5.0, Severity.LOW, strong, 0)
    join(episode, payment("t3"), 3, 5.0, Severity.LOW, weak, 0)
    assert {code: kept.contribution for code, kept in episode.reasons.items()} == {"AMT": 4.0, "VEL": 0.5}


def test_a_copy_does_not_change_with_the_next_transaction(desk: Desk) -> None:
    episode, _ = desk.at(0)
    copy = episode.copy()
    desk.at(1, "VEL")
    assert (copy.count, len(copy.transactions), set(copy.reasons)) == (1, 1, {"AMT"})


def test_the_id_follows_from_the_account_and_the_opening_transaction_alone(desk: Desk) -> None:
    assert desk.at(0)[0].alert_id == alert_id("596", "t1") == alert_id("596", "t1")
    assert len(alert_id("596", "t1")) == 20


def test_ids_that_concatenate_alike_are_different_alerts() -> None:
    assert len({alert_id("ab", "c"), alert_id("a", "bc"), alert_id("", "abc"), alert_id("1:a", "b")}) == 4


def test_closed_episodes_are_forgotten(desk: Desk) -> None:
    for index in range(2_000):
        desk.at(index, account_id=f"a{index}")
    # Open for 24 hours and kept for 24 more: some 50 at a time.
    assert len(desk.episodes) <= 130


def test_what_opens_far_behind_the_partition_is_kept_for_its_late_companions(desk: Desk) -> None:
    desk.at(1_000, account_id="clock")
    late, _ = desk.at(0)
    for index in range(200):
        desk.at(1_001, account_id=f"a{index}")
    assert desk.at(0.5)[0] is late
