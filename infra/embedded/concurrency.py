"""Does several things at the same time, and fails with the first error as if there had been one thing."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def run_concurrently(*work: Coroutine[Any, Any, object]) -> None:
    """Wait for all of `work`. At the first error the others are cancelled, and that error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
