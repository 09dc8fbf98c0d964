"""Fetches Apache Kafka if need be, and prints why it cannot be run on this machine; nothing when it can.

    python -m infra.embedded.apache_kafka

Fails when what was fetched is not what is pinned: that is no property of the machine.
"""

import asyncio
import sys

from infra.embedded.apache_kafka.jars import available, ensure_jars
from infra.embedded.errors import JarsMissing

reason = available()
if reason is None:
    try:
        asyncio.run(ensure_jars())
    except JarsMissing as error:
        reason = str(error)
if reason is not None:
    sys.stdout.write(f"{reason}\n")
