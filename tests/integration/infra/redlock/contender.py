"""A process that does its work only while it holds a lock, and says so. Run by test_singleton.py."""

import asyncio
import json
import os
import sys

from infra.redlock import Lease, RedlockSettings, Singleton, open_redlock


async def work(lease: Lease) -> None:
    """Work in small steps, each only with the lease."""
    say("at it")
    try:
        while True:
            lease.check()
            await asyncio.sleep(0.01)
    finally:
        say("lost")


def say(what: str) -> None:
    """Tell the test, on the stream that is not for logs."""
    print(what, file=sys.stderr, flush=True)  # noqa: T201


async def main() -> None:
    """Contend for ever."""
    told = json.loads(os.environ["CONTENDER"])
    settings = RedlockSettings.model_validate(
        {"redis_url": "redis://localhost", "redlock_urls": told["urls"], "redlock_restart_guard": False}
    )
    async with open_redlock(settings) as redlock:
        await Singleton(redlock, "sweep", ttl_ms=told["ttl_ms"]).run(work, asyncio.Event())


asyncio.run(main())
