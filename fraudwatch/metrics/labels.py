"""Every value a label may have. The lists are closed: no account, transaction or free text becomes a series.

This layer lies below `fraudwatch.records`, so the words are repeated here; tests/metrics/test_labels.py keeps
them equal to the enums they repeat.
"""

OUTCOME_CODES = ("scored", "unscored", "unscored", "duplicate", "late")
"""The label `outcome` of each code of `fraudwatch.records.Outcome`, in the order of the codes."""

UNSCORED_CAUSES = {1: "no_model", 2: "young_account"}
"""The two causes of `unscored` by code of `fraudwatch.records.Outcome`."""

DEAD_LETTER_STAGES = ("decode", "pipeline")

DEAD_LETTER_REASONS = (
    "tombstone",
    "empty",
    "too_large",
    "not_json",
    "not_csv",
    "wrong_type",
    "missing_field",
    "bad_text",
    "bad_time",
    "time_out_of_range",
    "time_ahead",
    "not_a_number",
    "amount_negative",
    "amount_out_of_range",
    "currency",
    "internal",
)

STAGES = ("decode", "features", "detection", "alerts", "publish")
"""What the time of a batch goes to: the layers of the pipeline, then the wait for the broker."""

SEVERITIES = ("low", "medium", "high")

KINDS = ("alert", "update", "sample")
"""An alert that opens an episode, a later word on one, and an alert chosen by hash below the edge."""

QUEUES = ("amount", "typology")
"""Of alerts: `fraudwatch.alerts.episodes.Queue`. The label `lane` has the names of the lanes of models, and is empty
where there is none."""

RESTORED_FROM = ("snapshot", "log")
"""What a partition's state begins with when the partition is assigned."""

VERDICTS = ("confirmed", "suspicious", "legitimate", "inconclusive")
"""What a person may conclude: `fraudwatch.alerts.dispositions.Verdict`."""

DRIFT_OF = ("score", "amount", "rhythm", "network", "place_and_device", "profile", "feedback")
"""What drift is told of: the score, and each `fraudwatch.records.Theme`."""

OCCASIONS = ("first", "schedule", "drift")
"""Why a model was fitted: there was none, it was time (`training.refit_every`), or the one in use was degraded."""

MODEL_DECISIONS = ("promoted", "kept_out")
"""What became of a model that was tried."""

TRIAL_KINDS = ("newly", "no_longer", "same")
"""Of the alerts while a model is on trial, beside those of the model in use: `fraudwatch.alerts.differences`."""
