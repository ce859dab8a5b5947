"""The same job on stock Faust: one worker process, at least once.

    python stock_faust.py BROKER TOPIC REVIEW GROUP MODEL

Micro-batches by `noack_take`, the only batch of stock Faust that loses nothing: a batch's records are acknowledged once
its alerts are acknowledged by the broker. Prints its counts as JSON when it is asked to end.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import faust
from ordinary import MICRO_BATCH, Job, Model

WITHIN_SECONDS = 0.2


def make_app(broker: str, topic: str, review: str, group: str, job: Job, datadir: str) -> faust.App:
    """An app with one agent."""
    app = faust.App(
        group,
        broker=f"kafka://{broker}",
        datadir=datadir,
        agent_supervisor="mode.CrashingSupervisor",
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        producer_acks=-1,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    source = app.topic(topic, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw")
    alerts = app.topic(review, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw")

    @app.agent(source)  # type: ignore[untyped-decorator]
    async def judge(stream: Any) -> None:
        quiet = stream.noack()
        async for events in quiet.noack_take(MICRO_BATCH, within=WITHIN_SECONDS):
            found = job.take(event.message.value for event in events)
            sent = [await alerts.send(key=key, value=value) for key, value in found]
            await asyncio.gather(*sent)
            for event in events:
                await quiet.ack(event)

    return app


def main() -> None:
    broker, topic, review, group, model = sys.argv[1:]
    job = Job(Model.read(Path(model)))
    with tempfile.TemporaryDirectory() as datadir:
        app = make_app(broker, topic, review, group, job, datadir)
        try:
            faust.Worker(
                app, loglevel="warning", redirect_stdouts=False, quiet=True
            ).execute_from_commandline()
        finally:
            print(json.dumps(job.counts), flush=True)


if __name__ == "__main__":
    main()
