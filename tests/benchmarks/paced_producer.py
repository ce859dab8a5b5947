"""Open-loop load: records at fixed times, whatever becomes of them.

    python paced_producer.py BROKER TOPIC ACCOUNTS DAYS FIRST_RECORD RATE SECONDS

Sends records of the simulated stream from the given one on; `produced_ns` in each is when it was due, not when it was
sent, so that a producer that was held up does not hide a wait. Prints how many, and how late the latest was sent.
"""

import json
import sys
import time
from itertools import islice

from confluent_kafka import Producer
from prepared import stream

from fraudwatch.simulate import Plan

LEAD_SECONDS = 0.2
NAP_SECONDS = 0.0005


def pace(broker: str, topic: str, plan: Plan, first: int, rate: int, seconds: float) -> dict[str, float]:
    """All of them; the account decides the partition."""
    count = round(rate * seconds)
    values = list(islice(stream(plan), first, first + count))
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 1, "acks": "all"})
    step_ns = 1e9 / rate
    begin_ns = time.time_ns() + int(LEAD_SECONDS * 1e9)
    latest_ns = sent = 0
    while sent < count:
        due = min(count, int((time.time_ns() - begin_ns) / step_ns) + 1)
        for number in range(sent, due):
            due_ns = begin_ns + int(number * step_ns)
            value = values[number]
            producer.produce(topic, b'%s,"produced_ns":%d}' % (value[:-1], due_ns), _account(value))
            latest_ns = max(latest_ns, time.time_ns() - due_ns)
        sent = max(sent, due)
        producer.poll(0)
        time.sleep(NAP_SECONDS)
    producer.flush()
    return {"records": count, "latest_ms": latest_ns / 1e6, "begin_ns": begin_ns}


def _account(value: bytes) -> bytes:
    begin = value.index(b'"account_id":"') + 14
    return value[begin : value.index(b'"', begin)]


if __name__ == "__main__":
    broker, topic, *numbers, seconds = sys.argv[1:]
    accounts, days, first, rate = map(int, numbers)
    told = pace(broker, topic, Plan(accounts=accounts, days=days), first, rate, float(seconds))
    sys.stdout.write(json.dumps(told) + "\n")
