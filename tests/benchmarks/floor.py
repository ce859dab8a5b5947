"""The floor under every worker in Python: aiokafka's `getmany`, msgspec's decode, and nothing else.

    python floor.py BROKER TOPIC GROUP

Commits by aiokafka's own timer and begins again at the end of the topic. Prints its counts as JSON when it is asked to
end.
"""

import asyncio
import json
import signal
import sys

from aiokafka import AIOKafkaConsumer
from ordinary import decode


async def read(broker: str, topic: str, group: str) -> int:
    """Until SIGTERM; how many records."""
    asked_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_end.set)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker,
        group_id=group,
        auto_offset_reset="earliest",
        auto_commit_interval_ms=1_000,
    )
    records = 0
    await consumer.start()
    try:
        ends: dict[object, int] = {}
        while not asked_to_end.is_set():
            fetched = await consumer.getmany(timeout_ms=50)
            for messages in fetched.values():
                for message in messages:
                    decode(message.value)
                records += len(messages)
            if not fetched and (places := consumer.assignment()):
                ends = ends or await consumer.end_offsets(places)
                if all([await consumer.position(place) == ends[place] for place in places]):
                    await consumer.commit()
                    await consumer.seek_to_beginning()
    finally:
        await consumer.stop()
    return records


if __name__ == "__main__":
    print(json.dumps({"records": asyncio.run(read(*sys.argv[1:]))}), flush=True)
