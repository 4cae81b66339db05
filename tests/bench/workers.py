"""The kinds of processes some benchmarks run two of: each says when it is ready, waits for the word, and reports."""

import json
import sys
import time
from collections.abc import Callable

from django.db import connection

from tests.bench import claiming, ingesting, mailing
from tests.bench.measuring import peak_mb, reset_peak

KINDS: dict[str, Callable[[], int]] = {
    "claim": claiming.claim_all,
    "claim-bare": claiming.claim_all_bare,
    "email": mailing.deliver,
    "send": ingesting.send,
    "email-django": mailing.send_with_django,
}


def work(kind: str) -> None:
    """What one such process does; speaks with its parent over its own input and output."""
    connection.ensure_connection()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    reset_peak()
    start = time.monotonic()
    done = KINDS[kind]()
    # The monotonic clock is one for all processes of a machine.
    report = {"done": done, "start": start, "end": time.monotonic(), "peak_mb": peak_mb()}
    sys.stdout.write(json.dumps(report) + "\n")
