"""How far each part is, in words. Pure: from the command API's JSON."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_PROJECTION = "projection:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """How far somebody has come in a partition."""

    partition: int
    position: int
    updated_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """A projection or a consumer, with its partitions of one topic."""

    name: str
    is_projection: bool
    topic: str
    places: tuple[Place, ...]

    @property
    def newest(self) -> int:
        """The highest position that it has taken."""
        return max(each.position for each in self.places)

    @property
    def moved_at(self) -> str:
        """When it took something last."""
        return max(each.updated_at for each in self.places)


def readers(checkpoints: Iterable[Json]) -> list[Reader]:
    """Return who reads the log, projections first, with their partitions in order."""
    found: dict[tuple[str, str], list[Place]] = {}
    for each in checkpoints:
        place = Place(partition=each["partition"], position=each["position"], updated_at=each["updated_at"])
        found.setdefault((each["consumer"], each["topic"]), []).append(place)
    all_of_them = [
        Reader(
            name=name.removeprefix(_PROJECTION),
            is_projection=name.startswith(_PROJECTION),
            topic=topic,
            places=tuple(sorted(places, key=lambda place: place.partition)),
        )
        for (name, topic), places in found.items()
    ]
    return sorted(all_of_them, key=lambda reader: (not reader.is_projection, reader.name, reader.topic))


def outbox_words(outbox: Json) -> tuple[str, str]:
    """Return tone and words of what waits for Kafka."""
    depth = int(outbox["depth"])
    if not depth:
        return "good", "Everything is on Kafka"
    return "wait", f"{depth:,} at most wait for Kafka"
