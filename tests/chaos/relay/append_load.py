"""Events appended to many streams while something happens to those who publish them."""

import asyncio
import random
import time
import uuid
from dataclasses import dataclass

from event_store.appends import Appended
from event_store.store import Connection, append
from tests.support.log_entries import an_append


@dataclass(kw_only=True)
class Load:
    """Appends at `per_second`, at random sizes, some of them rolled back."""

    connection: Connection
    chance: random.Random
    per_second: int = 800
    streams: int = 200

    async def run(self, count: int, *, until: "asyncio.Task[object] | None" = None) -> None:
        """Append `count` events at least, and go on until the task ends; then, what is left, as fast as it goes."""
        versions = {uuid.UUID(int=self.chance.getrandbits(128)): 0 for _ in range(self.streams)}
        ids = list(versions)
        appended, started = 0, time.monotonic()
        while appended < count or (until is not None and not until.done()):
            chosen = self.chance.sample(ids, self.chance.randint(1, 30))
            items = [an_append(each, versions[each], events=self.chance.randint(1, 3)) for each in chosen]
            results = await append(self.connection, items)
            if self.chance.random() < 0.05:
                await self.connection.rollback()  # a gap in the log
                continue
            await self.connection.commit()
            for each, result in zip(chosen, results, strict=True):
                assert isinstance(result, Appended)
                appended += result.version - versions[each]
                versions[each] = result.version
            if until is not None and not until.done():
                # Paces the load.
                await asyncio.sleep(max(0.0, started + appended / self.per_second - time.monotonic()))
