"""The real parts of worker and intake: the pipeline and what lies below it."""

import time
from functools import partial
from pathlib import Path
from typing import Any

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
        model = detection.unpack(detection.Artefact(artefact.manifest, artefact.arrays), catalogue.judged)
        catalogue.check_population(model.population)
        detection.warm_up(model)
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
    )


def read_model(directory: Path) -> detection.Artefact:
    """The artefact in a directory. Raises ArtefactError."""
    return detection.read(directory)


def real_intake_parts(settings: Settings) -> IntakeParts:
    """Raises ConfigurationError for a source that cannot be used."""
    decoders = {name: SourceDecoder(settings, source, name) for name, source in settings.sources.items()}
    return IntakeParts(decoders=decoders, encode=canonical, letter_headers=dead_letter_headers)
