"""The real parts of worker and intake: the pipeline and what lies below it."""

import logging
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fraudwatch import alerts, detection
from fraudwatch.alerts import dispositions
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, SourceDecoder
from fraudwatch.decode.canonical import canonical
from fraudwatch.decode.letters import dead_letter_headers
from fraudwatch.features import Catalogue
from fraudwatch.pipeline import Pipeline, train_artefact, warm_up
from fraudwatch.snapshots import Blocks
from fraudwatch.stream.parts import Artefact, IntakeParts, Loaded, Parts

logger = logging.getLogger(__name__)

ASKED_FOR_TIME = 50
"""Rows scored to say how long one takes."""


def real_parts(settings: Settings) -> Parts:
    """Raises ConfigurationError for a mapping that cannot be used."""
    catalogue = Catalogue(settings, Decoder(settings).fields)

    def make_pipeline(partition: int, partitions: int, model: Any | None) -> Pipeline:
        return Pipeline(
            settings, partition=partition, partitions=partitions, model=model, timer=time.perf_counter
        )

    def restore_pipeline(
        blocks: Blocks, partition: int, partitions: int, model: Any | None
    ) -> tuple[Pipeline, Loaded]:
        return Pipeline.of(
            settings, blocks, partition=partition, partitions=partitions, model=model, timer=time.perf_counter
        )

    def load(artefact: Artefact) -> detection.Model:
        found = detection.Artefact(artefact.manifest, artefact.arrays)
        model = detection.unpack(found, catalogue.judged, catalogue.lanes)
        catalogue.check_population(model.population)
        detection.warm_up(model)
        _say_what_is_slow(model)
        return model

    return Parts(
        make_pipeline=make_pipeline,
        fit=train_artefact,
        load=load,
        encode=alerts.encode,
        encode_shorter=alerts.encode_shorter,
        letter_headers=dead_letter_headers,
        read_disposition=dispositions.read,
        unfed=catalogue.unfed,
        warm_up=partial(warm_up, settings),
        restore_pipeline=restore_pipeline,
        pack_change=detection.pack_change,
    )


def _say_what_is_slow(model: detection.Model) -> None:
    if not model.uncompiled:
        return
    rows = np.zeros((ASKED_FOR_TIME, len(model.specs)))
    started = time.perf_counter()
    model.judge(rows)
    took = (time.perf_counter() - started) / ASKED_FOR_TIME
    logger.warning(
        "model %s: no compiled form of %s: PyOD's decision_function scores each transaction, which makes judging one "
        "take %.0f µs here; leave it out of detection.detectors where that is too slow",
        *(model.version, " and ".join(model.uncompiled), took * 1e6),
    )


def read_model(directory: Path) -> detection.Artefact:
    """The artefact in a directory. Raises ArtefactError."""
    return detection.read(directory)


def real_intake_parts(settings: Settings) -> IntakeParts:
    """Raises ConfigurationError for a source that cannot be used."""
    decoders = {name: SourceDecoder(settings, source, name) for name, source in settings.sources.items()}
    return IntakeParts(decoders=decoders, encode=canonical, letter_headers=dead_letter_headers)
