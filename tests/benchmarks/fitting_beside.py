"""Fits beside the worker as its own child does it: python fitting_beside.py RECORDS

Gathers a sample once, says that it is ready, then fits model after model at the niceness of the worker's child until it
is ended; a line for each.
"""

import os
import sys
import time

from prepared import chunks, fold, simulated_settings, stream

from fraudwatch.pipeline import Pipeline, TrainingSample, train_artefact
from fraudwatch.simulate import Plan
from fraudwatch.stream.fitting import NICENESS


def main() -> None:
    settings = simulated_settings()
    sample = TrainingSample(settings.training)
    pipeline = Pipeline(settings, training=sample)
    for chunk in chunks(stream(Plan(accounts=2_000, days=400), int(sys.argv[1]))):
        fold(pipeline, chunk)
    os.nice(NICENESS)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        started = time.perf_counter()
        train_artefact(settings, sample)
        sys.stdout.write(f"{time.perf_counter() - started}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
