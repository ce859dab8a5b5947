"""A Faust worker for the tests: journals the partitions it was given and the records it was handed.

    python faust_member.py ADDRESS TOPIC GROUP JOURNAL

Lines of the journal: `assigned 0 2`, or `record PARTITION OFFSET VALUE`.
"""

import asyncio
import sys
from pathlib import Path
from typing import TextIO

import faust
from faust.types import TP


def work(address: str, topic_name: str, group: str, journal: TextIO) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    app = faust.App(
        group,
        broker=f"kafka://{address}",
        broker_session_timeout=6,
        broker_heartbeat_interval=1,
        consumer_auto_offset_reset="earliest",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        agent_supervisor="mode.CrashingSupervisor",
        loop=loop,
    )
    topic = app.topic(topic_name, value_serializer="raw", key_serializer="raw")

    @app.on_partitions_assigned.connect
    async def assigned(sender: object, assigned: set[TP], **kwargs: object) -> None:
        journal.write(f"assigned {' '.join(str(tp.partition) for tp in sorted(assigned))}\n")

    @app.agent(topic)
    async def count(stream: faust.Stream) -> None:
        async for event in stream.events():
            journal.write(f"record {event.message.partition} {event.message.offset} {event.value.decode()}\n")

    worker = faust.Worker(app, loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()


if __name__ == "__main__":
    *where, journal_path = sys.argv[1:]
    with Path(journal_path).open("a", buffering=1) as journal:  # line by line: it is read while it is written
        work(*where, journal)
