"""What is in the topic, as a reader of committed data sees it, against what is in the log."""

from dataclasses import dataclass

from event_store.store import Connection
from infra.settings.kafka import KafkaSettings
from schemas.cloudevents import from_kafka
from schemas.topics import PAYMENT
from tests.support.kafka import read_topic
from tests.support.waiting import eventually


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Counts. `inversions`: records whose position is not above all before it in the partition (but for repeats)."""

    events: int
    duplicates: int
    missing: int
    inversions: int
    strangers: int = 0
    """Records whose position, stream or predecessor is not the log's."""

    @property
    def clean(self) -> bool:
        return (self.duplicates, self.missing, self.inversions, self.strangers) == (0, 0, 0, 0)


async def verify(app: Connection, settings: KafkaSettings) -> Verification:
    """Compare the topic, as it is now, with the whole log."""
    rows = await (await app.execute("SELECT position, stream_id, version FROM event_store.events")).fetchall()
    await app.rollback()
    log = {position: (stream, version) for position, stream, version in rows}
    seen: set[int] = set()
    duplicates = inversions = strangers = 0
    for records in (await read_topic(settings, PAYMENT)).values():
        newest = 0
        for record in records:
            found = from_kafka(record.value, record.headers)
            known = log.get(found.position) == (found.event.stream_id, found.event.version)
            if found.position in seen:
                duplicates += 1
            else:
                inversions += found.position < newest
                strangers += not known or found.previous_position != newest
            seen.add(found.position)
            newest = max(newest, found.position)
    return Verification(
        events=len(log),
        duplicates=duplicates,
        missing=len(log.keys() - seen),
        inversions=inversions,
        strangers=strangers,
    )


async def verify_when_complete(app: Connection, settings: KafkaSettings, *, within: float = 120) -> Verification:
    """Wait until nothing is missing; what came twice or out of order by then has come to stay.

    What is still missing when the time is up, the verdict says.
    """
    last: Verification | None = None

    async def look() -> Verification:
        nonlocal last
        last = await verify(app, settings)
        return last

    try:
        return await eventually(look, lambda found: found.missing == 0, within=within, every=0.5)
    except AssertionError:
        if last is None:
            raise
        return last
