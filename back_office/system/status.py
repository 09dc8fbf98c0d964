"""How far each part is, in words. Pure: from the command API's JSON."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]

_PROJECTION = "projection:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """Events that somebody has not taken."""

    events: int = 0
    is_complete: bool = True
    """Whether these are all; else there may be more."""
    oldest_at: str | None = None

    def __add__(self, other: "Lag") -> "Lag":
        """Return both together."""
        moments = [each.oldest_at for each in (self, other) if each.oldest_at is not None]
        is_complete = self.is_complete and other.is_complete
        return Lag(
            events=self.events + other.events,
            is_complete=is_complete,
            oldest_at=min(moments, default=None) if is_complete else None,
        )

    @property
    def tone(self) -> str:
        """How it is shown."""
        if not self.is_complete:
            return "bad"
        return "wait" if self.events else "good"

    @property
    def words(self) -> str:
        """What is said of it."""
        if not self.is_complete:
            return f"{max(1, self.events):,} or more"
        return f"{self.events:,}" if self.events else "None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """How far somebody has come in a partition."""

    partition: int
    position: int
    updated_at: str
    """Empty: nothing was taken yet."""
    lag: Lag = Lag()


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

    @property
    def lag(self) -> Lag:
        """What it has not taken, of all its partitions."""
        return sum((each.lag for each in self.places), Lag())


def readers(checkpoints: Iterable[Json], lags: Iterable[Json] | None) -> list[Reader]:
    """Return who reads the log, projections first, with their partitions in order; without `lags`, theirs are none."""
    found: dict[tuple[str, str], dict[int, Place]] = {}
    for each in checkpoints:
        place = Place(partition=each["partition"], position=each["position"], updated_at=each["updated_at"])
        found.setdefault((each["consumer"], each["topic"]), {})[place.partition] = place
    for each in lags or ():
        partition = each["partition"]
        lag = Lag(events=each["events"], is_complete=each["is_complete"], oldest_at=each["oldest_at"])
        places = found.setdefault((each["consumer"], each["topic"]), {})
        untouched = Place(partition=partition, position=0, updated_at="")
        places[partition] = replace(places.get(partition, untouched), lag=lag)
    all_of_them = [
        Reader(
            name=name.removeprefix(_PROJECTION),
            is_projection=name.startswith(_PROJECTION),
            topic=topic,
            places=tuple(places[partition] for partition in sorted(places)),
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
