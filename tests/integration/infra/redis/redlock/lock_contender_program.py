"""A process that does its work only while it holds a lock, and says so. Run by test_leader_election.py."""

import asyncio
import json
import os
import sys
from collections.abc import Callable

from infra.redis.redlock import RedlockSettings, open_redlock, run_as_leader


async def work(_result: str, may_continue: Callable[[], bool]) -> None:
    """Work in small steps, each only while it may."""
    say("at it")
    while may_continue():  # noqa: ASYNC110 - what it waits for is the clock
        await asyncio.sleep(0.01)
    say("lost")


def say(what: str) -> None:
    """Tell the test, on the stream that is not for logs."""
    print(what, file=sys.stderr, flush=True)  # noqa: T201


async def main() -> None:
    """Contend for ever."""
    options = json.loads(os.environ["CONTENDER"])
    settings = RedlockSettings.model_validate(
        {"redis_url": "redis://localhost", "redlock_urls": options["urls"], "redlock_restart_guard": False}
    )
    ttl_ms = options["ttl_ms"]
    async with open_redlock(settings) as redlock:
        await run_as_leader(redlock, "sweep", work, asyncio.Event(), interval_s=0.1, lock_ttl_ms=ttl_ms)


asyncio.run(main())
