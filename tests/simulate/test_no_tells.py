"""No field gives a case away by how it is made: ids, order, cents and the choice of account look alike."""

import json
import re
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import Plan, rows
from fraudwatch.simulate.accounts import accounts_of

PLAN = Plan(accounts=3_000, days=30, seed=8, cases_per_day=20)


@pytest.fixture(name="stream", scope="module")
def _stream() -> list[dict[str, Any]]:
    return [json.loads(row) for row in rows(PLAN)]


@pytest.fixture(name="label", scope="module")
def _label(stream: list[dict[str, Any]]) -> FloatArray:
    return np.array([row["label"] for row in stream], dtype=np.float64)


def separation(label: FloatArray, value: FloatArray | IntArray) -> float:
    """How far the area under the ROC curve is from that of a coin."""
    return abs(float(roc_auc_score(label, value)) - 0.5)


def shape(text: str | None) -> str:
    return "" if text is None else re.sub("[0-9a-f]", "x", text)


def test_ids_of_cases_have_the_shape_of_other_ids(stream: list[dict[str, Any]]) -> None:
    for field in ("transaction_id", "account_id", "counterparty_id", "device_id"):
        shapes = defaultdict(set)
        for row in stream:
            shapes[row["label"]].add(shape(row[field]))
        assert shapes[1] <= shapes[0], field


def largest_difference_of_bits(texts: list[str], label: FloatArray) -> float:
    """Over the 64 bits of hexadecimal ids: how much more often a bit is set on one side than on the other."""
    numbers = np.array([int(text, 16) for text in texts], dtype=np.uint64)
    bits = (numbers[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    return float(np.max(np.abs(bits[label == 1].mean(axis=0) - bits[label == 0].mean(axis=0))))


def test_no_bit_of_a_transaction_id_tells_anything(stream: list[dict[str, Any]], label: FloatArray) -> None:
    assert largest_difference_of_bits([row["transaction_id"] for row in stream], label) < 0.04


def test_no_bit_of_a_device_id_tells_anything(stream: list[dict[str, Any]], label: FloatArray) -> None:
    known = np.array([row["device_id"] is not None for row in stream])
    ids = [row["device_id"] for row in stream if row["device_id"]]
    assert largest_difference_of_bits(ids, label[known]) < 0.12


@pytest.mark.parametrize("channel", ["card_present", "online", "transfer"])
def test_a_counterparty_id_as_a_number_tells_nothing_within_its_channel(
    stream: list[dict[str, Any]], label: FloatArray, channel: str
) -> None:
    here = np.array([row["channel"] == channel for row in stream])
    value = np.array([float(row["counterparty_id"][1:]) for row in stream])
    assert separation(label[here], value[here]) < 0.06


def test_the_milliseconds_and_seconds_of_a_time_tell_nothing(
    stream: list[dict[str, Any]], label: FloatArray
) -> None:
    for part in (slice(20, 23), slice(17, 19)):
        value = np.array([float(row["event_time"][part]) for row in stream])
        assert separation(label, value) < 0.02


@pytest.mark.parametrize("channel", ["card_present", "online", "transfer"])
def test_the_cents_of_an_amount_tell_nothing_within_its_channel(
    stream: list[dict[str, Any]], label: FloatArray, channel: str
) -> None:
    """Round amounts are left out: their sums are what they are found by."""
    here = np.array(
        [row["channel"] == channel and row["amount"] >= 1.0 and row["typology"] != "ROUND" for row in stream]
    )
    cents = np.array([round(row["amount"] * 100) % 100 for row in stream])
    for is_chosen in (cents == 0, cents == 99, cents % 2 == 0):
        assert separation(label[here], is_chosen[here].astype(np.float64)) < 0.06


def test_cash_of_cases_is_notes_like_all_cash(stream: list[dict[str, Any]]) -> None:
    assert all(row["amount"] % 10 == 0 for row in stream if row["channel"] == "atm")


def test_victims_are_any_accounts(stream: list[dict[str, Any]]) -> None:
    """But for the two typologies that need a young or a sleeping one."""
    victims = np.zeros(PLAN.accounts)
    chosen = {int(row["account_id"][1:]) for row in stream if row["typology"] not in {None, "MULE", "DORM"}}
    victims[list(chosen)] = 1.0
    assert victims.sum() > 400
    habits = accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day)
    traits = (habits.rate, habits.scale, habits.novelty, habits.home, habits.is_firm, habits.income)
    for value in (np.arange(PLAN.accounts), *traits):
        assert separation(victims, np.asarray(value, dtype=np.float64)) < 0.06


def test_a_classifier_told_the_labels_learns_nothing_from_how_things_are_written(
    stream: list[dict[str, Any]], label: FloatArray
) -> None:
    """Ids, numbers of counterparties, milliseconds: fitted on one half of the accounts, judged on the other."""

    def formal(row: dict[str, Any]) -> list[float]:
        name, device = int(row["transaction_id"], 16), int(row["device_id"] or "0", 16)
        counterparty = int(row["counterparty_id"][1:])
        time = row["event_time"]
        return [
            *((name >> shift) & 255 for shift in (0, 24, 56)),
            *((device >> shift) & 255 for shift in (0, 40)),
            *(counterparty % modulus for modulus in (2, 10, 16, 1_000)),
            float(time[17:19]),
            float(time[20:23]),
            len(row["account_id"]),
        ]

    few = np.arange(len(stream)) % 4 == 0  # of the innocent ones a quarter does
    is_known = np.array([row["device_id"] is not None for row in stream]) & (few | (label == 1))
    first = np.array([int(row["account_id"][1:]) % 2 == 0 for row in stream])
    values = np.array([formal(row) for row, known in zip(stream, is_known, strict=True) if known])
    label, first = label[is_known], first[is_known]
    fitted = HistGradientBoostingClassifier(max_iter=30, random_state=1).fit(values[first], label[first])
    assert separation(label[~first], fitted.decision_function(values[~first])) < 0.06


def test_a_payee_shared_by_several_accounts_is_mostly_innocent(stream: list[dict[str, Any]]) -> None:
    accounts: defaultdict[str, set[str]] = defaultdict(set)
    labels: defaultdict[str, list[int]] = defaultdict(list)
    for row in stream:
        if row["channel"] == "transfer" and row["category"] == "transfer":
            accounts[row["counterparty_id"]].add(row["account_id"])
            labels[row["counterparty_id"]].append(row["label"])
    shared = [label for payee, found in labels.items() if len(accounts[payee]) >= 3 for label in found]
    share = np.mean([label for found in labels.values() for label in found])
    assert len(shared) > 1_000
    assert np.mean(shared) < min(3 * share, 0.5)


def test_no_value_of_a_field_belongs_to_cases_alone(stream: list[dict[str, Any]]) -> None:
    share = float(np.mean([row["label"] for row in stream]))
    for field in (
        "direction",
        "counterparty_country",
        "channel",
        "country",
        "category",
        "status",
        "currency",
    ):
        labels = defaultdict(list)
        for row in stream:
            labels[row[field]].append(row["label"])
        for value, found in labels.items():
            if len(found) >= 200:
                assert np.mean(found) < 8 * share, (field, value)


def test_a_missing_field_is_missing_on_innocent_transactions_too(stream: list[dict[str, Any]]) -> None:
    share = float(np.mean([row["label"] for row in stream]))
    for field in ("latitude", "longitude", "device_id"):
        missing = [row["label"] for row in stream if row[field] is None]
        assert np.mean(missing) < 3 * share, field
