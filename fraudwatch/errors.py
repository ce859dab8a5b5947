"""Everything that fraudwatch raises on purpose.

    FraudwatchError
    ├── ConfigurationError   a setting, a mapping or a file named on the command line
    ├── ArtefactError        a model artefact that is damaged, unknown or made for another feature schema
    ├── SnapshotError        a saved state that is damaged, hostile, of another version or kept with other settings
    ├── TrainingError        too little, or nothing usable, to fit a model on
    ├── BrokerError          Kafka does not answer, refuses, or is not set up as needed
    ├── PoisonError          too many records raise an error in our own code
    └── UnusableInputError   an input file that cannot be read at all

A message says what was expected, what was found and what to do. A bad *record* raises nothing: it becomes
a dead letter (DESIGN D9). Whatever else is raised is a defect of ours.
"""


class FraudwatchError(Exception):
    """Shown to a person as one message without a traceback."""


class ConfigurationError(FraudwatchError):
    """A setting, a mapping or a file named on the command line cannot be used."""


class ArtefactError(FraudwatchError):
    """A model artefact is damaged, of an unknown version, or made for another feature schema."""


class SnapshotError(FraudwatchError):
    """A saved state cannot be used: fall back to an older one, then to the log."""


class TrainingError(FraudwatchError):
    """A model cannot be fitted on what there is."""


class BrokerError(FraudwatchError):
    """Kafka does not answer, refuses, or is not set up as needed."""


class PoisonError(FraudwatchError):
    """Too many records raise an error in our own code."""


class UnusableInputError(FraudwatchError):
    """An input file cannot be read at all."""
